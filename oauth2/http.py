"""HTTP requests and responses as objects, for the parts of this package that use no framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["HTTPRequest", "HTTPResponse", "shown_url"]


def shown_url(url: str) -> str:
    """Return *url* without query, fragment and userinfo, because these parts can contain secrets."""
    url = url.partition("#")[0].partition("?")[0]
    scheme, separator, rest = url.partition("//")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"


@dataclass(frozen=True, slots=True, repr=False)
class HTTPRequest:
    """A received request. ``repr()`` shows only the method, and the URL without query, fragment and userinfo.

    Attributes:
        method: HTTP request method.
        url: Absolute URL with its query. The URL must contain exactly the escapes that the client sent, because the
            signature covers the escapes in the path. If the provider has a base URL, *url* may be only a path and a
            query.
        headers: Header fields: a mapping, or a list with one pair for each header field. Names may be in upper or lower
            case.
        body: The octets of the body.
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]] | Mapping[str, str] = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(method={self.method!r}, url={shown_url(str(self.url))!r})"


@dataclass(frozen=True, slots=True)
class HTTPResponse:
    """A response to send. ``repr()`` shows only the status.

    Attributes:
        status: HTTP status code.
        headers: Names and values.
        body: The body, which may contain credentials.
    """

    status: int
    # The field Location may contain a verifier, so repr() does not show the header fields.
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
