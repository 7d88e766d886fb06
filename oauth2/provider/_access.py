"""The values that a provider returns to the application: an authenticated request, a pending approval, an approval."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..stores import ClientCredentials, TokenCredentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """An authenticated request (section 3).

    Attributes:
        consumer: The credentials of the client that signed the request.
        token: The token credentials; None for a request without a token.
        user: The user who approved the token; None for a request without a token.
        parameters: A mapping from the name of each signed parameter to its decoded value, without the protocol
            parameters. If a name occurs more than once, the value is a list.
    """

    consumer: ClientCredentials
    token: TokenCredentials | None
    user: str | None
    parameters: dict[str, str | list[str]] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """A client's request for approval (section 2.2). The consent page shows this request to the user.

    Attributes:
        consumer: The client that asks for access.
        callback: The URL to which the user is redirected, or ``"oob"``.
        realms: The realms that the client asks to access.
        age: Seconds since the temporary credentials were issued.
    """

    consumer: ClientCredentials
    callback: str = field(repr=False)
    realms: tuple[str, ...]
    age: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The result of an approval (section 2.2).

    Attributes:
        url: The URL to which the application must redirect the user; None if the callback is ``"oob"``.
        verifier: The ``oauth_verifier``. If *url* is None, show the verifier to the user; the user types the verifier
            into the client.
    """

    url: str | None = field(repr=False)
    verifier: str = field(repr=False)
