"""A provider in a WSGI application (PEP 3333): its endpoints, and the protection of what it guards."""

from __future__ import annotations

import io
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ..errors import Error, InvalidRequest
from ..http import HTTPRequest, HTTPResponse
from .body import MAX_BODY, BodyTooLarge, LengthRequired, announced_length, whole_body
from .proxies import Origin
from .routes import covers, endpoints_of, known_realm
from .target import octets, origin_form, request_url

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from ..provider import Provider
    from .proxies import TrustedProxies
    from .routes import Paths

#: Where in the environ an application finds :class:`~oauth2.access.Access`. No header can
#: get there: those are ``HTTP_*``, ``CONTENT_TYPE`` and ``CONTENT_LENGTH``.
ACCESS = "oauth2.access"

_PIECE = 64 * 1024  # bytes read at once
_RENAMED = ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH")  # a client's Content_Type, which is another field


class Endpoints:
    """The endpoints of a provider as a WSGI application (section 2).

    They are ``request_token`` and ``access_token`` below *prefix*. The page where users
    approve is the application's own.

    Args:
        app: What every other path goes to; 404 unless given.
        provider: Whose endpoints.
        prefix: Path below the one that this is mounted at.
        proxies: The hops that are believed; none unless given.
        max_body: Bytes of a body that are read.

    Raises:
        ValueError: *prefix* is no path.
    """

    def __init__(
        self,
        app: WSGIApplication | None = None,
        *,
        provider: Provider,
        prefix: str = "/oauth",
        proxies: TrustedProxies | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        self._app = _not_found if app is None else app
        self._provider = provider
        self._endpoints = endpoints_of(provider, prefix)
        self._proxies = proxies
        self._max_body = max_body

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, or have the application answer."""
        endpoint = self._endpoints.get(environ.get("PATH_INFO", ""))
        if endpoint is None:
            return self._app(environ, start_response)
        try:
            request, _ = read_request(environ, proxies=self._proxies, max_body=self._max_body)
        except Error as error:
            return _send(self._provider.answer(error), environ, start_response)
        return _send(endpoint(request), environ, start_response)


class Protected:
    """A WSGI application that only authenticated requests get to (section 3).

    It finds :class:`~oauth2.access.Access` in ``environ["oauth2.access"]``, and the body
    as it was sent. A request is verified once, so that each path is to be protected by one of these.

    Args:
        app: The application.
        provider: Who verifies.
        realm: What access is wanted, of the provider's ``realms``; None for any.
        paths: What is protected: paths, each with all below it, or a predicate of the
            decoded path; everything unless given. Other paths go through without ``Access``.
        proxies: The hops that are believed; none unless given.
        max_body: Bytes of a body that are read, and held in memory. A larger one is refused.

    Raises:
        TypeError: *paths* is one str.
        ValueError: One of *paths* does not start with a slash, or *realm* is none of the provider's.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        provider: Provider,
        realm: str | None = None,
        paths: Paths = None,
        proxies: TrustedProxies | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        self._app = app
        self._provider = provider
        self._realm = known_realm(provider, realm)
        self._covers = covers(paths)
        self._proxies = proxies
        self._max_body = max_body

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Verify the request and hand it on, or refuse it."""
        path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
        if not self._covers(path):
            return self._app(environ, start_response)
        try:
            request, environ = read_request(environ, proxies=self._proxies, max_body=self._max_body)
            environ[ACCESS] = self._provider.authenticate(request, realm=self._realm)
        except Error as error:
            return _send(self._provider.answer(error), environ, start_response)
        return self._app(environ, start_response)


def read_request(
    environ: WSGIEnvironment, *, proxies: TrustedProxies | None = None, max_body: int = MAX_BODY
) -> tuple[HTTPRequest, WSGIEnvironment]:
    """Return the request that *environ* holds, and a copy of it in which the body can be read again.

    The URL has the path of ``RAW_URI`` or ``REQUEST_URI``, see
    :func:`~oauth2.middleware.target.request_url`, or else of ``SCRIPT_NAME`` and ``PATH_INFO``.

    Args:
        environ: Of a WSGI server; its ``wsgi.input`` is read.
        proxies: The hops that are believed; none unless given.
        max_body: Bytes of a body that are read.

    Raises:
        Error: The URL is malformed, or the body too large, or not as long as announced.
    """
    url = _url(environ, proxies)
    body = _read_body(environ, max_body)
    copy = {
        **environ,
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": str(len(body)) if body else environ.get("CONTENT_LENGTH", ""),
    }
    return HTTPRequest(environ["REQUEST_METHOD"], url, _headers(environ), body), copy


def _url(environ: WSGIEnvironment, proxies: TrustedProxies | None) -> str:
    host = environ.get("HTTP_HOST", "")
    origin = Origin(scheme=environ["wsgi.url_scheme"].lower(), host=host)
    if proxies is not None:
        headers = {name[5:].replace("_", "-").lower(): value for name, value in _fields(environ)}
        origin = proxies.origin(origin, environ.get("REMOTE_ADDR", ""), headers)
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    return request_url(
        origin,
        origin_form(octets(target, "latin-1"), host) if target else None,
        octets(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""), "latin-1"),
        octets(environ.get("QUERY_STRING", ""), "latin-1"),
    )


def _fields(environ: WSGIEnvironment) -> list[tuple[str, Any]]:
    return [pair for pair in environ.items() if pair[0][:5] == "HTTP_" and pair[0] not in _RENAMED]


def _headers(environ: WSGIEnvironment) -> list[tuple[str, str]]:
    # Lines of one name come joined by commas: two of Authorization are malformed then.
    pairs = [(name[5:].replace("_", "-"), value) for name, value in _fields(environ)]
    content_type = environ.get("CONTENT_TYPE", "")
    return [*pairs, ("CONTENT-TYPE", content_type)] if content_type else pairs


def _read_body(environ: WSGIEnvironment, max_body: int) -> bytes:
    length = announced_length(environ.get("CONTENT_LENGTH") or "", max_body)
    if environ.get("HTTP_TRANSFER_ENCODING"):
        if not environ.get("wsgi.input_terminated"):
            raise LengthRequired("The body comes in chunks, and without its length.")
        length = None
    elif length is None:
        return b""
    body = _read(environ["wsgi.input"], max_body + 1 if length is None else length)
    if len(body) > max_body:
        raise BodyTooLarge("The body is too large.")
    return whole_body(body, length)


def _read(stream: Any, size: int) -> bytes:
    pieces = []
    try:
        while size > 0 and (piece := stream.read(min(size, _PIECE))):
            pieces.append(piece)
            size -= len(piece)
    except OSError:  # the client went away, or its chunks are malformed
        raise InvalidRequest("The body cannot be read.") from None
    return b"".join(pieces)


def _not_found(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return _send(HTTPResponse(404, [("Content-Length", "0")]), environ, start_response)


def _send(response: HTTPResponse, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response(f"{response.status} {HTTPStatus(response.status).phrase}", list(response.headers))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]
