"""What a provider tells the application: who may do what, who asks for it, and where an approval leads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .stores import ClientCredentials, TokenCredentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What an authenticated request may be served with (section 3).

    Attributes:
        consumer: The client.
        token: The token credentials; None for a request without a token.
        user: Who approved the token; None without one.
        parameters: The parameters that are not the protocol's, exactly as they were signed.
    """

    consumer: ClientCredentials
    token: TokenCredentials | None
    user: str | None
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What a consent page shows (section 2.2).

    Attributes:
        consumer: The client that asks.
        callback: Where the user goes afterwards, or ``"oob"``.
        realms: What access is asked for.
        age: Seconds since the temporary credentials were issued.
    """

    consumer: ClientCredentials
    callback: str
    realms: tuple[str, ...]
    age: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """Where an approval leads (section 2.2).

    Attributes:
        url: Where to redirect the user to; None where there is no callback.
        verifier: What to show the user where there is none, for the client to be told.
    """

    url: str | None = field(repr=False)
    verifier: str = field(repr=False)
