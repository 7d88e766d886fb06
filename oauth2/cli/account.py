"""``Account``: credentials that are stored under a name, and the options for signing requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from itertools import chain
from typing import Any

from .._checks import strip_line_ends
from .._sending.signer import BODY, HEADER, QUERY
from .._wire.text import is_utf8
from ..credentials import Consumer, Token
from .failure import CREDENTIALS, Failure

__all__ = ["Account", "check_name", "is_name", "no_such_account", "read_account", "shortened"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LATEST = 1 << 36  # Seconds. A greater time of creation is refused, because time.strftime() cannot format it.
_SECRETS = ("consumer_secret", "token", "token_secret", "parameters")
_CREDENTIALS = ("consumer_key", "consumer_secret", "token", "token_secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Credentials that the user has stored under a name, and the options for signing with them.

    Attributes:
        name: The name that the user chose; defaults to the name of the service.
        service: The name of the service's profile; None if the account was created without a profile.
        placeholders: Values for the placeholders of the profile.
        origins: Origins of URLs (scheme, host and port). If the user does not choose an account, the command uses this
            account for requests to these origins.
        token: The token; None if the service has no tokens.
        parameters: Further parameters that the service sent with the token.
        placement, realm, body_hash: Options for the client that signs requests; None for the default of the client.
        private_key: Path of the RSA private key.
        created: The time at which the account was created, in seconds since 1970-01-01 00:00 UTC.
    """

    name: str
    service: str | None = None
    placeholders: dict[str, str] = field(default_factory=dict)
    origins: tuple[str, ...] = ()
    consumer_key: str = ""
    consumer_secret: str = field(default="", repr=False)
    token: str | None = field(default=None, repr=False)
    token_secret: str = field(default="", repr=False)
    parameters: dict[str, str] = field(default_factory=dict, repr=False)
    signature_method: str = "HMAC-SHA1"
    placement: str | None = None
    realm: str | None = None
    body_hash: bool | None = None
    private_key: str | None = None
    created: int = 0

    @property
    def consumer(self) -> Consumer:
        """The client credentials."""
        return Consumer(self.consumer_key, self.consumer_secret)

    @property
    def token_credentials(self) -> Token | None:
        """The token credentials; None if the account has no token."""
        return None if self.token is None else Token(self.token, self.token_secret)

    def public(self) -> dict[str, Any]:
        """Return the values that are not secret, for the account's file."""
        return {name: value for name, value in asdict(self).items() if name not in _SECRETS}

    def secrets(self) -> dict[str, Any]:
        """Return the secret values, for the keyring."""
        return {name: getattr(self, name) for name in _SECRETS}


def read_account(stored: dict[str, Any]) -> Account:
    """Create an account from *stored*, the values of :meth:`Account.public` and :meth:`Account.secrets`.

    Raises:
        TypeError: A value is missing or has the wrong type.
        ValueError: A value is out of range.
    """
    names = {each.name for each in fields(Account)}
    values = {name: value for name, value in stored.items() if name in names}
    # If a user pastes a secret into the file, the editor may add a line end. A line end would change the signature.
    values |= {name: strip_line_ends(values[name]) for name in _CREDENTIALS if isinstance(values.get(name), str)}
    account = Account(**{**values, "origins": tuple(values.get("origins", ()))})
    if not all(map(_is_text, _texts_of(account))) or type(account.created) is not int:
        raise TypeError("account: a value has the wrong type")
    is_valid = account.body_hash in (None, True, False) and account.placement in (None, HEADER, QUERY, BODY)
    if not is_valid or abs(account.created) >= _LATEST:
        raise ValueError("account: a value is out of range")
    return account


def _texts_of(account: Account) -> Iterator[Any]:
    yield from (account.name, account.consumer_key, account.consumer_secret, account.token_secret)
    yield from (account.signature_method, *account.origins, *_names_and_values(account.placeholders))
    yield from _names_and_values(account.parameters)
    optional = (account.service, account.token, account.placement, account.realm, account.private_key)
    yield from (value for value in optional if value is not None)


def _names_and_values(found: object) -> Iterator[Any]:
    if not isinstance(found, dict):
        raise TypeError("account: must be a dict")
    return chain.from_iterable(found.items())


def _is_text(value: object) -> bool:
    return isinstance(value, str) and is_utf8(value)


def is_name(name: str) -> bool:
    """Return whether *name* is a valid name of an account."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Return *name* if it is a valid name of an account. The name is also used as a file name.

    Raises:
        Failure: *name* is not valid.
    """
    if not is_name(name):
        raise Failure(
            f"Not a valid name of an account: {name!r}.",
            "Use at most 64 letters, digits, dots, hyphens and underscores; start with a letter or digit.",
        )
    return name


def shortened(key: str | None) -> str:
    """Return the first four characters of *key*, so that a user can recognize the key; ``...`` for a short key."""
    if not key:
        return "-"
    return f"{key[:4]}..." if len(key) >= 12 else "..."


def no_such_account(name: str, names: list[str]) -> Failure:
    """Return the failure for an account *name* that does not exist; *names* are the names of the existing accounts."""
    hint = f"Use one of: {', '.join(names)}." if names else "Create an account. Run: oauth2 login"
    return Failure(f"There is no account {name!r}.", hint, code=CREDENTIALS)
