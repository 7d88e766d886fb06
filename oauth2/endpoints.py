"""Where a service does the three steps of RFC 5849 section 2, and which URLs credentials may be sent to."""

from __future__ import annotations

from dataclasses import dataclass, field

from .encoding import to_text
from .errors import InvalidURL
from .parameters import add_to_query, build_form
from .signature import base_string_uri

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .credentials import Token

#: In the values of :attr:`Endpoints.authorize_query`: what takes their place.
TOKEN, CONSUMER_KEY = "{oauth_token}", "{oauth_consumer_key}"

#: What a service has to send for ``oauth_callback_confirmed`` (section 2.1).
CONFIRMED = ("true",)

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where a service does the three steps of section 2; None for what it does not have.

    All are https URLs, as sections 2.1 and 2.3 require; http is for loopback only.

    Attributes:
        temporary: The temporary credential request endpoint.
        authorize: The resource owner authorization endpoint.
        token: The token request endpoint; the one for xAuth, too.
        http_method: For the requests to *temporary* and *token*.
        token_method: For those to *token*, where that differs.
        callback: What the service takes for ``oauth_callback`` where it takes
            one value only, such as "oob"; None if that is free.
        authorize_query: What the user is sent to *authorize* with: values are
            text, :data:`TOKEN` or :data:`CONSUMER_KEY`.
        confirmations: What *temporary* may answer for ``oauth_callback_confirmed``.
            Leave it be unless the service's documents say otherwise, and that it
            wants a verifier.
        renew: Where to renew token credentials, if not at *token*.
        revoke: Where to revoke them.

    Raises:
        ValueError: An endpoint is no such URL.
    """

    temporary: str | None = None
    authorize: str | None = None
    token: str | None = None
    http_method: str = "POST"
    token_method: str | None = None
    callback: str | None = None
    authorize_query: Mapping[str, str] = field(default_factory=lambda: {"oauth_token": TOKEN})
    confirmations: tuple[str, ...] = CONFIRMED
    renew: str | None = None
    revoke: str | None = None

    def __post_init__(self) -> None:
        for name in ("temporary", "authorize", "token", "renew", "revoke"):
            url = getattr(self, name)
            if url is not None:
                require_https(name, url)

    def authorization_url(self, consumer: Any, token: Token, parameters: Mapping[str, str] | None = None) -> str:
        """Return where to send the user to approve *token* (section 2.2).

        Args:
            consumer: Client credentials.
            token: Temporary credentials.
            parameters: What the service wants besides, such as ``name`` or ``expiration``.

        Raises:
            ValueError: There is no authorization endpoint.
        """
        if self.authorize is None:
            raise ValueError("endpoints: no authorize")
        known = {TOKEN: to_text(token.key), CONSUMER_KEY: to_text(consumer.key)}
        asked = {name: known.get(text, text) for name, text in self.authorize_query.items()}
        return add_to_query(self.authorize, build_form({**asked, **(parameters or {})}.items()))


def require_https(name: str, url: str) -> None:
    """Refuse a URL that credentials cannot be sent to.

    Raises:
        ValueError: *url*, which *name* stands for in the message, is not absolute,
            has userinfo or a fragment, or is http and not on loopback.
    """
    try:
        uri = base_string_uri(url)
    except InvalidURL as exc:
        raise ValueError(f"{name}: {exc.message}") from None
    scheme, _, rest = uri.partition("://")
    authority = rest.partition("/")[0]
    if "@" in url.partition("?")[0] or "#" in url or not url.isprintable() or " " in url:
        raise ValueError(f"{name}: a URL without userinfo, fragment or spaces wanted")
    if scheme != "https" and host_of(authority) not in _LOOPBACK:
        raise ValueError(f"{name}: https wanted; http is for loopback only")


def host_of(authority: str) -> str:
    """Return the host of ``host[:port]``, an IPv6 address with its brackets."""
    address, bracket, _ = authority.partition("]")
    return address + bracket if bracket else authority.partition(":")[0]
