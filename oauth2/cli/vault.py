"""Where accounts are kept: one file each that only its owner can read, the secrets in the keyring if there is one."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from .account import Account, check_name, no_such_account, read_account
from .failure import CREDENTIALS, Failure
from .terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_KEYRING_SERVICE = "oauth2"
_LEAST_PRIORITY = 1  # of a keyring that keeps secrets better than a file of ours
_HAS_MODES = os.name == "posix"


class Secrets(Protocol):
    """Keeps the secrets of an account."""

    @property
    def name(self) -> str:
        """What it is called where the user sees it."""

    def put(self, account: str, secrets: dict[str, Any]) -> Any:
        """Keep *secrets*; return what the account's file shall hold of them."""

    def get(self, account: str, kept: Any) -> dict[str, Any] | None:
        """Return the secrets; None if they are gone."""

    def drop(self, account: str) -> None:
        """Forget them."""


class InFile:
    """Keeps secrets in the account's own file."""

    name = "file"

    def put(self, account: str, secrets: dict[str, Any]) -> Any:
        """Return *secrets* for the file."""
        return secrets

    def get(self, account: str, kept: Any) -> dict[str, Any] | None:
        """Return what the file holds."""
        return kept if isinstance(kept, dict) else None

    def drop(self, account: str) -> None:
        """Do nothing: they go with the file."""


class InKeyring:
    """Keeps secrets in the keyring of the system, by way of the keyring library."""

    name = "keyring"

    def put(self, account: str, secrets: dict[str, Any]) -> Any:
        """Put *secrets* into the keyring."""
        with _keyring_failures() as keyring:
            keyring.set_password(_KEYRING_SERVICE, account, json.dumps(secrets))
        return None

    def get(self, account: str, kept: Any) -> dict[str, Any] | None:
        """Return what the keyring holds."""
        with _keyring_failures() as keyring:
            found = keyring.get_password(_KEYRING_SERVICE, account)
        return None if found is None else dict(json.loads(found))

    def drop(self, account: str) -> None:
        """Delete it from the keyring, where it may be gone already."""
        with _keyring_failures() as keyring:
            if keyring.get_password(_KEYRING_SERVICE, account) is not None:
                keyring.delete_password(_KEYRING_SERVICE, account)


class InTheBest:
    """Keeps secrets in the keyring where there is one, else in files; looks for it when it has to, which takes long."""

    @cached_property
    def _chosen(self) -> Secrets:
        return InKeyring() if _has_keyring() else InFile()

    @property
    def name(self) -> str:
        """The name of what was found."""
        return self._chosen.name

    def put(self, account: str, secrets: dict[str, Any]) -> Any:
        """Keep *secrets* there."""
        return self._chosen.put(account, secrets)

    def get(self, account: str, kept: Any) -> dict[str, Any] | None:
        """Return the secrets from there."""
        return self._chosen.get(account, kept)

    def drop(self, account: str) -> None:
        """Forget them there."""
        self._chosen.drop(account)


@contextlib.contextmanager
def _keyring_failures() -> Any:
    import keyring
    from keyring.errors import KeyringError

    try:
        yield keyring
    except KeyringError as exc:
        raise Failure(
            f"the keyring of this system cannot be used ({type(exc).__name__})",
            "unlock it, or set OAUTH2_STORE=file to keep secrets in a file",
            code=CREDENTIALS,
        ) from None


class Vault:
    """All accounts of one user.

    Args:
        folder: Where their files are; made when the first is saved.
        secrets: Where the secrets of new ones go.
    """

    def __init__(self, folder: Path, secrets: Secrets) -> None:
        self._folder = folder
        self._secrets = secrets

    @property
    def place(self) -> str:
        """Where the secrets of new accounts go, for people."""
        return "the keyring" if self._secrets.name == "keyring" else str(self._folder)

    def names(self) -> list[str]:
        """Return the names of all accounts, sorted.

        Raises:
            Failure: Others can read them.
        """
        if not self._folder.is_dir():
            return []
        _require_private(self._folder, "700")
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def load(self, name: str) -> Account:
        """Return the account of this name.

        Raises:
            Failure: There is none, or others can read it, or it is damaged.
        """
        names = self.names()
        if name not in names:
            raise no_such_account(name, names)
        path = self._path(name)
        _require_private(path, "600")
        try:
            found = json.loads(path.read_text("utf-8"))
            keeper = _keeper(found["kept_in"])
            secrets = keeper.get(name, found.get("secrets"))
            if secrets is not None:
                return read_account({**found["account"], **secrets, "name": name})
        except (KeyError, TypeError, ValueError, AttributeError):
            secrets = None
        what = f"the account {name!r} is damaged, or its secrets are gone from where they were kept"
        raise Failure(what, f"delete it and get it anew: oauth2 token delete {name}", code=CREDENTIALS)

    def prepare(self, name: str) -> None:
        """See to it that an account of this name can be saved, before anything is got that would be lost.

        Raises:
            Failure: The name is none, or the folder or the keyring cannot be used.
        """
        check_name(name)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_private(self._folder, "700")
        self._secrets.get(name, None)  # which a locked keyring refuses

    def save(self, account: Account) -> None:
        """Keep *account*, in place of another of its name.

        Raises:
            Failure: The folder or the keyring cannot be used.
        """
        self.prepare(account.name)
        before = self._kept_in(account.name)
        kept = self._secrets.put(account.name, account.secrets())
        content = {"kept_in": self._secrets.name, "account": account.public(), "secrets": kept}
        _write_atomically(self._path(account.name), json.dumps(content, indent=2))
        if before != self._secrets.name:
            _keeper(before).drop(account.name)

    def delete(self, name: str) -> None:
        """Forget the account of this name, and its secrets.

        Raises:
            Failure: There is none.
        """
        names = self.names()
        if name not in names:
            raise no_such_account(name, names)
        _keeper(self._kept_in(name)).drop(name)
        self._path(name).unlink()

    def for_origin(self, origin: str) -> list[Account]:
        """Return the accounts that are used for *origin*."""
        return [account for name in self.names() if origin in (account := self.load(name)).origins]

    def _kept_in(self, name: str) -> str:
        try:
            return "keyring" if json.loads(self._path(name).read_text("utf-8"))["kept_in"] == "keyring" else "file"
        except (FileNotFoundError, KeyError, TypeError, ValueError):
            return "file"

    def _path(self, name: str) -> Path:
        return self._folder / f"{check_name(name)}.json"


def open_vault(environment: Mapping[str, str] = os.environ) -> Vault:
    """Return the vault of the user who runs this.

    Args:
        environment: ``OAUTH2_CONFIG_DIR`` names the folder, ``OAUTH2_STORE`` where secrets go.

    Raises:
        Failure: OAUTH2_STORE is nothing that is known.
    """
    base = environment.get("OAUTH2_CONFIG_DIR") or click.get_app_dir("oauth2")
    wanted = environment.get("OAUTH2_STORE")
    return Vault(Path(base) / "accounts", _keeper(wanted) if wanted else InTheBest())


def _keeper(name: str) -> Secrets:
    if name == "keyring":
        return InKeyring()
    if name == "file":
        return InFile()
    raise Failure(
        f"OAUTH2_STORE: {one_line(name)!r} is no place for secrets", "set it to keyring or file, or not at all"
    )


def _has_keyring() -> bool:
    import keyring

    return float(keyring.get_keyring().priority) >= _LEAST_PRIORITY


def _require_private(path: Path, mode: str) -> None:
    if not _HAS_MODES:
        return
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise Failure(f"{path} is a symbolic link", "put what it leads to in its place", code=CREDENTIALS)
    if found.st_uid != os.getuid():
        raise Failure(f"{path} belongs to another user", "run this as that user, or move it away", code=CREDENTIALS)
    if found.st_mode & 0o077:
        raise Failure(f"others can read {path}", f"this first: chmod {mode} '{path}'", code=CREDENTIALS)


def _write_atomically(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
