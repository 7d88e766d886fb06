"""The key that signs the site's cookies: made once, kept beside the database, for its owner alone."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from ..errors import StoreUnavailable

_OCTETS = 32


def secret_key(path: str | os.PathLike[str]) -> str:
    """Return the key in *path*, which is made with mode 0600 if it is not there.

    Raises:
        StoreUnavailable: It cannot be read or written, or others can read it.
    """
    file = Path(path)
    try:
        if not file.exists():
            _make(file)
        if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise StoreUnavailable(f"{file} can be read by others; do: chmod 600 {file}")
        key = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it holds no key"
        raise StoreUnavailable(f"{file} cannot be used as the key of the site: {reason}") from exc
    if len(key) < 2 * _OCTETS:
        raise StoreUnavailable(f"{file} holds no key of the site; remove it to have a new one made.")
    return key


def _make(file: Path) -> None:
    # Written aside and linked into place: another process sees the whole key or none, and the first one stays.
    aside = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(_OCTETS) + "\n")
        with suppress(FileExistsError):
            os.link(aside, file)
    finally:
        aside.unlink()
