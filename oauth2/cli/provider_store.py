"""The options that select the store of a provider for ``oauth2 provider``, and the errors of this store."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from ..errors import StoreUnavailable
from ..stores import CombinedStore, ProviderStore
from .escape import one_line
from .failure import CREDENTIALS, UNREACHABLE, Failure, missing_package, sentence
from .files import read_file
from .terminal import warn

if TYPE_CHECKING:
    from ..stores.condition import Condition
    from ..stores.fernet import FernetCipher
    from ..stores.sqlalchemy import SQLAlchemyStore
    from ..stores.sqlite import SQLiteStore

__all__ = [
    "KEYS",
    "KEY_FILE",
    "NONCES",
    "STORE",
    "ChosenStore",
    "choose_store",
    "complete_consumer",
    "nonces_option",
    "reported",
    "store_options",
]

STORE = "OAUTH2_PROVIDER_STORE"
NONCES = "OAUTH2_PROVIDER_NONCES"
KEY_FILE = "OAUTH2_PROVIDER_KEY_FILE"
KEYS = "OAUTH2_PROVIDER_KEYS"
_TIMEOUT = 10.0  # Seconds until a database that does not respond counts as unreachable.
_EXTRAS = {"sqlalchemy": "sqlalchemy", "redis": "redis", "cryptography": "rsa"}
_LONGEST_URL = 4096  # Maximum number of characters. A longer URL is refused.


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenStore:
    """The store that the options select.

    Attributes:
        url: The URL of the store.
        prefix: The prefix of the names of tables or keys; None for the default.
        key_file: The path of the file with the keys for encrypted secrets, or None.
    """

    url: str = field(repr=False)  # The URL may contain a password, so repr() does not show it.
    prefix: str | None = None
    key_file: str | None = None

    @property
    def name(self) -> str:
        """The URL without its password, for messages."""
        from ..stores.opening import shown_url

        return one_line(shown_url(self.url))

    @contextmanager
    def opened(self) -> Iterator[SQLiteStore | SQLAlchemyStore]:
        """Open the store, and close it at the end of the block.

        The schema must already have the current version. This method neither creates nor upgrades the schema, because
        programs with an earlier version of this package may use the same tables.

        Raises:
            Failure: The store cannot be opened, or an error occurred in the block.
        """
        from ..stores.opening import kind_of, open_credential_store

        with reported(self):
            if kind_of(self.url) == "redis":
                raise Failure(
                    "Redis stores nonces, but no clients or grants.",
                    "Give the URL of the database for credentials with --store.",
                )
            self._require_schema()
            store = open_credential_store(self.url, prefix=self.prefix, cipher=self.cipher(), timeout=_TIMEOUT)
            try:
                yield store
            finally:
                store.close()

    def store_of_nonces(self, url: str | None) -> ChosenStore | None:
        """Return the store for nonces, whose URL is *url* or an environment variable; None if there is no URL.

        Raises:
            Failure: The URL is not valid.
        """
        found = url or os.environ.get(NONCES)
        if not found:
            return None
        _check_url(found)
        _warn_of_password(url, "--nonces", NONCES)
        return ChosenStore(url=found)

    def open_for_provider(self, nonces: str | None) -> ProviderStore:
        """Open the store, and create or upgrade its tables, as a provider does.

        Args:
            nonces: The URL of another store for nonces, or None.

        Raises:
            Failure: A store cannot be opened.
        """
        from ..stores.opening import open_credential_store, open_nonce_store

        chosen = self.store_of_nonces(nonces)
        with reported(self):
            store = open_credential_store(self.url, prefix=self.prefix, cipher=self.cipher(), timeout=_TIMEOUT)
        if chosen is None:
            return store
        try:
            with reported(chosen):
                other = open_nonce_store(chosen.url, timeout=_TIMEOUT)
        except BaseException:
            store.close()
            raise
        return CombinedStore(credentials=store, temporary=store, nonces=other)

    def condition(self) -> Condition:
        """Return the condition of the database.

        Raises:
            Failure: The database cannot be reached.
        """
        from ..stores.condition import read_condition

        with reported(self):
            return read_condition(self.url, prefix=self.prefix, timeout=_TIMEOUT)

    def cipher(self) -> FernetCipher | None:
        """Return the cipher with the keys of the key file or the environment; None if there are no keys.

        Raises:
            Failure: The keys cannot be read.
        """
        text = os.environ.get(KEYS)
        place = KEYS
        if self.key_file is not None:
            place = one_line(self.key_file)
            text = _read_keys(self.key_file)
        if text is None:
            return None
        from ..stores.fernet import FernetCipher

        try:
            return FernetCipher.from_text("\n".join(text.split()) if place == KEYS else text)
        except ValueError:
            pass
        message = f"{place} has no valid keys."
        raise Failure(message, "Write one key of Fernet.generate_key() on each line.", code=CREDENTIALS)

    def _require_schema(self) -> None:
        from ..stores.condition import read_schema_version, supported_schema_version

        found = read_schema_version(self.url, prefix=self.prefix, timeout=_TIMEOUT)
        needed = supported_schema_version(self.url) or 0
        if found is None:
            raise Failure(
                f"The store {self.name} has no tables.",
                "Check the URL and the prefix, or create the tables with: oauth2 provider migrate",
            )
        if found < needed:
            message = f"The store has schema version {found}; this command needs version {needed}."
            raise Failure(message, "Stop the provider, make a back-up, and run: oauth2 provider migrate")


def store_options(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add the options that select a store; they become the keyword argument ``chosen`` of *command*."""

    @functools.wraps(command)
    def with_store(**given: Any) -> int | None:
        url, prefix, key_file = (given.pop(name) for name in ("store", "prefix", "key_file"))
        return command(chosen=choose_store(url, prefix, key_file), **given)

    options = [
        click.option("--store", metavar="URL", help=f"The URL of the store; default: {STORE}."),
        click.option("--prefix", metavar="PREFIX", help="The prefix of the names of the tables or keys."),
        click.option(
            "--key-file", metavar="FILE", help=f"The keys for encrypted secrets; default: {KEY_FILE} or {KEYS}."
        ),
    ]
    for option in reversed(options):
        with_store = option(with_store)
    return with_store


nonces_option = click.option(
    "--nonces", metavar="URL", help=f"Another store for nonces, such as redis://HOST/0; default: {NONCES}."
)


def choose_store(url: str | None, prefix: str | None, key_file: str | None) -> ChosenStore:
    """Return the store that the options select. Without these options, environment variables select the store.

    Raises:
        Failure: There is no URL, or the URL is not valid.
    """
    found = url or os.environ.get(STORE, "")
    if not found:
        raise Failure("There is no URL of a store.", f"Give --store URL, or set {STORE}: sqlite:///provider.db")
    _check_url(found)
    if prefix is not None and found.startswith("sqlite:"):
        raise Failure("An SQLite file has no prefix.", "Remove --prefix.")
    _warn_of_password(url, "--store", STORE)
    return ChosenStore(url=found, prefix=prefix, key_file=key_file or os.environ.get(KEY_FILE) or None)


def _check_url(url: str) -> None:
    from ..stores.opening import kind_of

    try:
        kind_of(url if len(url) <= _LONGEST_URL else "")
    except ValueError:
        # The URL is not shown, because it may contain a password.
        raise Failure(
            "The URL of the store is not valid.",
            "Give sqlite:///FILE, postgresql://USER@HOST/NAME, mysql://USER@HOST/NAME or redis://HOST/NUMBER.",
        ) from None


def _warn_of_password(url: str | None, option: str, variable: str) -> None:
    from ..stores.opening import secrets_of

    if url and secrets_of(url):
        warn(f"Other users of this machine can see the password in {option}. Set {variable} instead.")


def _read_keys(path: str) -> str:
    try:
        return read_file(path, code=CREDENTIALS).decode("ascii")
    except UnicodeDecodeError:
        message = f"{one_line(path)} has no valid keys."
        raise Failure(message, "Write one key of Fernet.generate_key() on each line.", code=CREDENTIALS) from None


@contextmanager
def reported(chosen: ChosenStore) -> Iterator[None]:
    """Convert the errors of a store to a Failure. The message of the Failure does not contain the password of the URL.

    Raises:
        Failure: The block raised an error of a store.
    """
    try:
        yield
    except ModuleNotFoundError as exc:
        name = str(exc.name).partition(".")[0]
        if name in _EXTRAS:
            raise missing_package(name, _EXTRAS[name]) from None
        message = f"The driver of this store, {one_line(name)}, is not installed."
        raise Failure(message, f"Run: python -m pip install {one_line(name)}") from None
    except StoreUnavailable as exc:
        if "cipher" in exc.message:
            message = f"{chosen.name}: {exc.message.partition('.')[0]}."
            raise Failure(
                message, f"Give the keys with --key-file FILE, or set {KEY_FILE}.", code=CREDENTIALS
            ) from None
        cause = f" {_safe(str(exc.__cause__), chosen)}" if exc.__cause__ is not None else ""
        message = f"{chosen.name}: {_safe(exc.message, chosen)}{cause}"
        raise Failure(message, _hint(chosen), code=UNREACHABLE) from None
    except (ValueError, TypeError) as exc:
        message = sentence(_safe(str(exc), chosen))
        raise Failure(message, "Correct this option.") from None


def _hint(chosen: ChosenStore) -> str:
    if chosen.url.startswith("sqlite:"):
        return "Check the path and its permissions. To create the file, run: oauth2 provider migrate"
    return "Check the URL, and whether the server runs."


def _safe(text: str, chosen: ChosenStore) -> str:
    from ..stores.opening import secrets_of

    line = sentence(one_line(" ".join(text.split())))
    for secret in secrets_of(chosen.url):
        line = line.replace(secret, "***")
    return line


def complete_consumer(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the keys of clients that start with *incomplete*, for shell completion; [] if the store cannot be read."""
    try:
        given = context.params
        chosen = choose_store(given.get("store"), given.get("prefix"), given.get("key_file"))
        with chosen.opened() as store:
            found = store.list_consumers(limit=1000)
    except Failure:
        return []
    return [each.key for each in found if each.key.startswith(incomplete)]
