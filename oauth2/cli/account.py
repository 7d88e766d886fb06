"""``Account``: credentials under a name, and how the service wants them used."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

from ..credentials import Consumer, Token
from .failure import CREDENTIALS, Failure

if TYPE_CHECKING:
    from typing import Any

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SECRETS = ("consumer_secret", "token", "token_secret", "parameters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Credentials under a name.

    Attributes:
        name: Chosen by the user; the service's name unless another was given.
        service: The profile it was got with; None for one's own URLs.
        placeholders: What was filled into it.
        origins: Scheme and host of what it is used for when no account is named.
        token: None where the service has no tokens.
        parameters: What the service sent with the token.
        placement, realm, body_hash: As the clients take them; None for their default.
        private_key: Path of the RSA private key.
        created: Seconds since 1970-01-01 00:00 UTC.
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
        """The token credentials, None if there are none."""
        return None if self.token is None else Token(self.token, self.token_secret)

    def public(self) -> dict[str, Any]:
        """Return all that is no secret, for a file."""
        return {name: value for name, value in asdict(self).items() if name not in _SECRETS}

    def secrets(self) -> dict[str, Any]:
        """Return the rest, for a safe place."""
        return {name: getattr(self, name) for name in _SECRETS}


def read_account(found: dict[str, Any]) -> Account:
    """Return the account of what :meth:`Account.public` and :meth:`Account.secrets` gave.

    Raises:
        TypeError: It is nothing of the kind.
    """
    known = {each.name for each in fields(Account)}
    kept = {name: value for name, value in found.items() if name in known}
    return Account(**{**kept, "origins": tuple(kept.get("origins", ()))})


def check_name(name: str) -> str:
    """Return *name* if an account can have it; it becomes a file name.

    Raises:
        Failure: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise Failure(
            f"{name!r} cannot name an account",
            "use up to 64 letters, digits, dots, dashes and underscores, a letter or digit first",
        )
    return name


def shortened(key: str | None) -> str:
    """Return the beginning of a key, enough to tell it from others."""
    if not key:
        return "-"
    return f"{key[:4]}..." if len(key) >= 12 else "..."


def no_such_account(name: str, names: list[str]) -> Failure:
    """Return what is raised where *name* is not among *names*."""
    known = f"use one of: {', '.join(names)}" if names else "get one with: oauth2 login"
    return Failure(f"there is no account {name!r}", known, code=CREDENTIALS)
