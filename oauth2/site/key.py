"""The key that signs the site's cookies.

The key is stored in its own file. Only the owner can read this file.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from ..errors import StoreUnavailable

__all__ = ["secret_key"]

_BYTES = 32


def secret_key(path: str | os.PathLike[str]) -> str:
    """Return the key in the file *path*. If the file does not exist, create the file with mode 0600 and a new key.

    Raises:
        StoreUnavailable: The file cannot be read or written, or other users can read it.
    """
    file = Path(path)
    try:
        if not file.exists():
            _make(file)
        if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise StoreUnavailable(f"Other users can read {file}. Run: chmod 600 {file}")
        key = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "the file contains no key"
        raise StoreUnavailable(f"{file} cannot be used as the key of the site: {reason}") from exc
    if len(key) < 2 * _BYTES:
        raise StoreUnavailable(f"{file} contains no key of the site. Delete the file to get a new key.")
    return key


def _make(file: Path) -> None:
    # os.link() is atomic, so no process reads an incomplete key. If the file exists, os.link() raises an error, so the
    # first key is never replaced.
    aside = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(_BYTES) + "\n")
        with suppress(FileExistsError):
            os.link(aside, file)
    finally:
        aside.unlink()
