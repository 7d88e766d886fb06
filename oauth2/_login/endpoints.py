"""The URLs of a service for the three steps of RFC 5849 section 2. This module also validates these URLs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .._wire.constants import OUT_OF_BAND as OUT_OF_BAND
from .._wire.form import add_to_query, build_form
from .._wire.text import to_text
from .._wire.uri import is_loopback_host
from ..credentials import Credentials
from ..errors import InvalidURL
from ..signature import base_string_uri

#: Placeholders in :attr:`Endpoints.authorize_query`: the first for the key of the temporary credentials, the second for
#: the key of the consumer.
TOKEN, CONSUMER_KEY = "{oauth_token}", "{oauth_consumer_key}"

#: The accepted values of ``oauth_callback_confirmed`` in a service's response (section 2.1).
CONFIRMED = ("true",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The URLs of a service for the three steps of section 2; None for a step that the service does not have.

    All URLs must be https URLs, as sections 2.1 and 2.3 require. An http URL is allowed only if its host is a loopback
    host, such as ``127.0.0.1``.

    Attributes:
        temporary: The temporary credential request endpoint.
        authorize: The resource owner authorization endpoint.
        token: The token request endpoint, which is also used for xAuth.
        http_method: HTTP method of the requests to *temporary* and *token*.
        token_method: HTTP method of the requests to *token*, if it differs from *http_method*; otherwise None.
        callback: The only ``oauth_callback`` that the service accepts, such as "oob"; None
            if the client may choose the callback.
        authorize_query: A dict of the query parameters of the URL to which the user is redirected. Each value is a
            text, :data:`TOKEN` or :data:`CONSUMER_KEY`.
        confirmations: The values of ``oauth_callback_confirmed`` that are accepted in a response from *temporary*. The
            default is ``("true",)``. Change the default only if the service's documentation specifies another value,
            and says that the service requires a verifier.
        renew: The endpoint for the renewal of token credentials; None if *token* is also the endpoint for renewal.
        revoke: The endpoint for the revocation of token credentials; None if the service has no such endpoint.

    Raises:
        ValueError: An endpoint is not an allowed URL.
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

    def authorization_url(
        self, consumer: Credentials, token: Credentials, parameters: Mapping[str, str] | None = None
    ) -> str:
        """Return the URL to which the caller must redirect the user, for the approval of *token* (section 2.2).

        Args:
            consumer: Client credentials.
            token: Temporary credentials.
            parameters: Further parameters that the service accepts, such as ``name`` or ``expiration``.

        Raises:
            ValueError: The attribute *authorize* is None.
        """
        values = {TOKEN: to_text(token.key), CONSUMER_KEY: to_text(consumer.key)}
        query = {name: values.get(text, text) for name, text in self.authorize_query.items()}
        return add_to_query(self.require("authorize"), build_form({**query, **(parameters or {})}.items()))

    def require(self, name: str) -> str:
        """Return the endpoint in the attribute *name*.

        Raises:
            ValueError: The endpoint is None.
        """
        url: str | None = getattr(self, name)
        if url is None:
            raise ValueError(f"endpoints: {name} must be set to the URL that the service documents, if there is one")
        return url


def require_https(name: str, url: str) -> None:
    """Refuse *url* if sending credentials to *url* is not safe.

    Args:
        name: The name of the argument, for the error message.
        url: The URL.

    Raises:
        ValueError: *url* is not absolute, has userinfo, a fragment or spaces, or is an http URL
            whose host is not loopback.
    """
    try:
        uri = base_string_uri(url)
    except InvalidURL as exc:
        raise ValueError(f"{name}: {exc.message}") from None
    scheme, _, rest = uri.partition("://")
    authority = rest.partition("/")[0]
    if "@" in url.partition("?")[0] or "#" in url or not url.isprintable() or " " in url:
        raise ValueError(f"{name}: must be a URL without userinfo, fragment or spaces")
    if scheme != "https" and not is_loopback_host(host_of(authority)):
        raise ValueError(f"{name}: must be an https URL; http is allowed for loopback only")


def host_of(authority: str) -> str:
    """Return the host of ``host[:port]``; an IPv6 address is returned with its brackets."""
    address, bracket, _ = authority.partition("]")
    return address + bracket if bracket else authority.partition(":")[0]
