"""Store each account in a file that only the user can read. The secrets are stored in this file or in the keyring."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

import click

from .account import Account, check_name, is_name, no_such_account, read_account
from .failure import CREDENTIALS, UnusableAccount
from .keeping import InKeyringOrFile, Secrets, keeper
from .terminal import warn

__all__ = ["Vault", "open_vault"]

_HAS_MODES = os.name == "posix"
_PLACES = ("keyring", "file")
_DAMAGES = (KeyError, TypeError, ValueError, AttributeError, RecursionError)  # A damaged file can cause these errors.


class Vault:
    """All accounts of one user.

    Args:
        folder: The folder of the files; created when the first account is saved.
        secrets: The object that stores the secrets of new accounts.
    """

    def __init__(self, folder: Path, secrets: Secrets) -> None:
        self._folder = folder
        self._secrets = secrets

    @property
    def place(self) -> str:
        """Where the secrets of new accounts are stored, as text for the user."""
        return "the keyring" if self._secrets.name == "keyring" else str(self._folder)

    def names(self) -> list[str]:
        """Return the names of all accounts, sorted.

        Raises:
            Failure: Other users can read the folder.
        """
        if not self._folder.is_dir():
            return []
        _require_private(self._folder, "700")
        return sorted(path.stem for path in self._folder.glob("*.json") if is_name(path.stem))

    def load(self, name: str) -> Account:
        """Return the account *name*.

        Raises:
            Failure: The account does not exist, is damaged, or other users can read its file.
        """
        names = self.names()
        if name not in names:
            raise no_such_account(name, names)
        path = self._path(name)
        _require_private(path, "600")
        try:
            found = json.loads(path.read_text("utf-8"))
            kept_in = found["kept_in"]
            secrets = keeper(kept_in).get(name, found.get("secrets")) if kept_in in _PLACES else None
            if secrets is not None:
                return read_account({**found["account"], **secrets, "name": name})
        except (*_DAMAGES, OSError):
            pass
        message = f"The account {name!r} is damaged, or its secrets were deleted."
        hint = f"Run: oauth2 token delete {name}, then create the account again."
        raise UnusableAccount(message, hint, code=CREDENTIALS)

    def load_all(self) -> list[Account]:
        """Return the accounts that can be used. A warning is printed for each of the other accounts."""
        accounts: list[Account] = []
        for name in self.names():
            try:
                accounts.append(self.load(name))
            except UnusableAccount as exc:
                warn(str(exc))
        return accounts

    def prepare(self, name: str) -> None:
        """Check that an account with this name can be saved.

        Call this method before a login, because a token that cannot be saved is lost.

        Raises:
            Failure: The name is not valid, or the folder or the keyring cannot be used.
        """
        check_name(name)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_private(self._folder, "700")
        self._secrets.get(name, None)  # This call raises an error if the keyring is locked.

    def save(self, account: Account) -> None:
        """Save *account*. An existing account with the same name is replaced.

        Raises:
            Failure: The folder or the keyring cannot be used.
        """
        self.prepare(account.name)
        before = self._kept_in(account.name)
        kept = self._secrets.put(account.name, account.secrets())
        content = {"kept_in": self._secrets.name, "account": account.public(), "secrets": kept}
        _write_atomically(self._path(account.name), json.dumps(content, indent=2))
        if before != self._secrets.name:
            keeper(before).drop(account.name)

    def delete(self, name: str) -> None:
        """Delete the account *name* and its secrets.

        Raises:
            Failure: The account does not exist.
        """
        names = self.names()
        if name not in names:
            raise no_such_account(name, names)
        keeper(self._kept_in(name)).drop(name)
        self._path(name).unlink()

    def for_origin(self, origin: str) -> list[Account]:
        """Return the accounts that are used for URLs of *origin*."""
        return [account for account in self.load_all() if origin in account.origins]

    def _kept_in(self, name: str) -> str:
        try:
            return "keyring" if json.loads(self._path(name).read_text("utf-8"))["kept_in"] == "keyring" else "file"
        except (*_DAMAGES, OSError):
            return "file"

    def _path(self, name: str) -> Path:
        return self._folder / f"{check_name(name)}.json"


def open_vault(environment: Mapping[str, str] = os.environ) -> Vault:
    """Return the vault of the user who runs the command.

    Args:
        environment: ``OAUTH2_CONFIG_DIR`` is the folder that contains the folder ``accounts``. ``OAUTH2_STORE`` is
            ``keyring`` or ``file``.

    Raises:
        Failure: OAUTH2_STORE has an unknown value.
    """
    base = environment.get("OAUTH2_CONFIG_DIR") or click.get_app_dir("oauth2")
    place = environment.get("OAUTH2_STORE")
    return Vault(Path(base) / "accounts", keeper(place) if place else InKeyringOrFile())


def _require_private(path: Path, mode: str) -> None:
    if not _HAS_MODES:
        return
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        message, hint = f"{path} is a symbolic link.", "Replace the link by the file that the link points to."
        raise UnusableAccount(message, hint, code=CREDENTIALS)
    if found.st_uid != os.getuid():
        message, hint = f"{path} belongs to another user.", "Run the command as that user, or move the file away."
        raise UnusableAccount(message, hint, code=CREDENTIALS)
    if found.st_mode & 0o077:
        raise UnusableAccount(
            f"Other users can read {path}.", f"Run: chmod {mode} {quote(str(path))}", code=CREDENTIALS
        )


def _write_atomically(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # The file has mode 0600.
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
