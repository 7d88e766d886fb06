"""Store the secrets of an account in the file of the account, or in the keyring of the system."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Protocol

from .escape import one_line
from .failure import CREDENTIALS, Failure

__all__ = ["InFile", "InKeyring", "InKeyringOrFile", "Secrets", "keeper"]

_KEYRING_SERVICE = "oauth2"
_LEAST_PRIORITY = 1  # A keyring with a lower priority is not used, because it is not more secure than a private file.


class Secrets(Protocol):
    """Stores the secrets of accounts."""

    @property
    def name(self) -> str:
        """The value of OAUTH2_STORE that selects this place."""
        ...

    def put(self, account: str, secrets: dict[str, Any]) -> dict[str, Any] | None:
        """Store *secrets*. If the result is not None, the caller must write the result into the account's file."""

    def get(self, account: str, stored: object) -> dict[str, Any] | None:
        """Return the secrets; None if the secrets were deleted.

        *stored* is the value of "secrets" in the account's file.
        """

    def drop(self, account: str) -> None:
        """Delete the secrets."""


class InFile:
    """Stores secrets in the file of the account."""

    name = "file"

    def put(self, account: str, secrets: dict[str, Any]) -> dict[str, Any] | None:
        """Return *secrets*; the caller writes them into the account's file."""
        return secrets

    def get(self, account: str, stored: object) -> dict[str, Any] | None:
        """Return the secrets in the file."""
        return stored if isinstance(stored, dict) else None

    def drop(self, account: str) -> None:
        """Do nothing, because the secrets are deleted together with the file."""


class InKeyring:
    """Stores secrets in the keyring of the system, through the keyring library."""

    name = "keyring"

    def put(self, account: str, secrets: dict[str, Any]) -> dict[str, Any] | None:
        """Store *secrets* in the keyring."""
        with _keyring_failures() as keyring:
            keyring.set_password(_KEYRING_SERVICE, account, json.dumps(secrets))
        return None

    def get(self, account: str, stored: object) -> dict[str, Any] | None:
        """Return the secrets in the keyring."""
        with _keyring_failures() as keyring:
            found = keyring.get_password(_KEYRING_SERVICE, account)
        return None if found is None else dict(json.loads(found))

    def drop(self, account: str) -> None:
        """Delete the secrets from the keyring, if the keyring has the secrets."""
        with _keyring_failures() as keyring:
            if keyring.get_password(_KEYRING_SERVICE, account) is not None:
                keyring.delete_password(_KEYRING_SERVICE, account)


class InKeyringOrFile:
    """Stores secrets in the keyring. If the system has no keyring, stores secrets in files.

    The keyring is searched on first use, because importing the library ``keyring`` is slow.
    """

    @cached_property
    def _chosen(self) -> Secrets:
        return InKeyring() if _has_keyring() else InFile()

    @property
    def name(self) -> str:
        """The value of OAUTH2_STORE that selects the place in use: "keyring" or "file"."""
        return self._chosen.name

    def put(self, account: str, secrets: dict[str, Any]) -> dict[str, Any] | None:
        """Store *secrets* in the keyring or the file."""
        return self._chosen.put(account, secrets)

    def get(self, account: str, stored: object) -> dict[str, Any] | None:
        """Return the secrets from the keyring or the file."""
        return self._chosen.get(account, stored)

    def drop(self, account: str) -> None:
        """Delete the secrets from the keyring or the file."""
        self._chosen.drop(account)


def keeper(name: str) -> Secrets:
    """Return the :class:`Secrets` that *name* selects: ``"keyring"`` or ``"file"``.

    Raises:
        Failure: OAUTH2_STORE has an unknown value.
    """
    if name == "keyring":
        return InKeyring()
    if name == "file":
        return InFile()
    message = f"OAUTH2_STORE must be keyring or file, not {one_line(name)!r}."
    raise Failure(message, "Set OAUTH2_STORE to keyring or file, or unset OAUTH2_STORE.")


@contextlib.contextmanager
def _keyring_failures() -> Iterator[Any]:
    import keyring
    from keyring.errors import KeyringError

    try:
        yield keyring
    except KeyringError as exc:
        raise Failure(
            f"The keyring of this system cannot be used ({type(exc).__name__}).",
            "Unlock the keyring, or set OAUTH2_STORE=file to store secrets in a file.",
            code=CREDENTIALS,
        ) from None


def _has_keyring() -> bool:
    import keyring

    return float(keyring.get_keyring().priority) >= _LEAST_PRIORITY
