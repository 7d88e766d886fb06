"""Middleware for WSGI (PEP 3333): the endpoints of a provider, and protection for an application."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from .._checks import is_coroutine_function
from .._steps import blocking_result
from ..errors import Error, InvalidRequest
from ..http import HTTPRequest, HTTPResponse
from ..provider import Provider
from ..request import Request
from ._base import BaseCredentialEndpoints, BaseProtected
from ._target import direct_origin, octets, origin_form, request_url
from .body import MAX_BODY, BodyTooLarge, LengthRequired, announced_length, whole_body
from .proxies import TrustedProxies

__all__ = ["ACCESS", "CredentialEndpoints", "Protected", "read_request"]

#: The key of the :class:`~oauth2.provider.Access` in the environ. A client cannot set this key, because the keys of
#: header fields in an environ start with ``HTTP_``, or are ``CONTENT_TYPE`` or ``CONTENT_LENGTH``.
ACCESS = "oauth2.access"

_P = ParamSpec("_P")
_Result = TypeVar("_Result")
_PIECE = 64 * 1024  # The maximum number of bytes that are read at once.
# These patterns match a path or a query that has no encoded characters, and no characters that must be encoded.
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9\-._~/:@!$&'()*+,;=]*")
_PLAIN_QUERY = re.compile(r"[!\"$-~]*")
# Some servers set these variables if a client sends header fields with an underscore (Content_Type, Content_Length).
# The values of these variables must not replace the values of Content-Type and Content-Length.
_RENAMED = frozenset({"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"})


def _blocking(method: Callable[_P, _Result]) -> Callable[_P, _Result]:
    if is_coroutine_function(method):
        raise TypeError("provider: must be a Provider; for an AsyncProvider, use oauth2.middleware.asgi")

    def call(*args: _P.args, **kwargs: _P.kwargs) -> _Result:
        # A subclass may have an asynchronous method that is_coroutine_function() does not recognize. Without this
        # check, requests would reach the application although nothing has verified them.
        return blocking_result("provider", method(*args, **kwargs))

    return call


class CredentialEndpoints(BaseCredentialEndpoints[WSGIApplication, Provider]):
    """The endpoints of a provider as a WSGI application (section 2).

    The endpoints are ``request_token`` and ``access_token`` below *prefix*. All other
    requests are passed to *app*. The application must provide the page on which users approve clients.
    """

    _called = staticmethod(_blocking)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Return the response of the endpoint, or pass the request to the application."""
        endpoint = self._endpoints.get(environ.get("PATH_INFO", ""))
        if endpoint is None:
            return (self._app or _not_found)(environ, start_response)
        try:
            request, _ = read_request(environ, proxies=self._proxies, max_body=self._max_body)
        except Error as error:
            return _send(self._error_response(error), environ, start_response)
        return _send(endpoint(request), environ, start_response)


class Protected(BaseProtected[WSGIApplication, Provider]):
    """A WSGI application that receives only authenticated requests (section 3).

    The application finds :class:`~oauth2.provider.Access` in ``environ["oauth2.access"]``. The application can read the
    body. A request can be verified only once, so protect each path with only one ``Protected``.
    """

    _called = staticmethod(_blocking)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Verify the request. Pass a valid request to the application, and refuse an invalid request."""
        covers = self._covers
        if covers and not covers(_decoded(environ, "SCRIPT_NAME"), _decoded(environ, "PATH_INFO")):
            return self._app(environ, start_response)
        try:
            request, environ = read_request(environ, proxies=self._proxies, max_body=self._max_body)
            environ[ACCESS] = self._authenticate(request, realm=self._realm)
        except Error as error:
            return _send(self._error_response(error), environ, start_response)
        return self._app(environ, start_response)


def read_request(
    environ: WSGIEnvironment, *, proxies: TrustedProxies | None = None, max_body: int = MAX_BODY
) -> tuple[HTTPRequest, WSGIEnvironment]:
    """Return the request of *environ*, and a copy of *environ* from which the body can be read again.

    The path of the URL is the path in ``RAW_URI`` or ``REQUEST_URI``, if this path decodes to ``SCRIPT_NAME`` followed
    by ``PATH_INFO``. Otherwise the path of the URL is ``SCRIPT_NAME`` followed by ``PATH_INFO``, percent-encoded.

    Args:
        environ: The environ of a WSGI server. This function reads the stream ``wsgi.input`` of *environ*.
        proxies: The proxies whose headers are trusted; None to trust no proxy.
        max_body: The maximum size of a body in bytes.

    Raises:
        Error: The URL is malformed, or the body is too large or does not match its Content-Length.
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


def _decoded(environ: WSGIEnvironment, name: str) -> str:
    # A server may set the variable to None, or omit it. In both cases, the value is empty.
    return str(environ.get(name) or "").encode("latin-1", "replace").decode("utf-8", "replace")


def _url(environ: WSGIEnvironment, proxies: TrustedProxies | None) -> str:
    host = str(environ.get("HTTP_HOST", ""))
    origin = direct_origin(environ["wsgi.url_scheme"].lower(), host)
    if proxies is not None:
        origin = proxies.origin(origin, environ.get("REMOTE_ADDR", ""), dict(_fields(environ)))
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    # A server may set a variable to None, which means an empty text.
    path = (environ.get("SCRIPT_NAME") or "") + (environ.get("PATH_INFO") or "")
    query = environ.get("QUERY_STRING") or ""
    # Fast path of request_url(): the URL has no encoded characters, and no characters that must be encoded.
    if (
        target == (f"{path}?{query}" if query else path)
        and len(target) <= Request.max_url
        and _PLAIN_PATH.fullmatch(path)
        and _PLAIN_QUERY.fullmatch(query)
    ):
        root = f"{origin.scheme}://{origin.host}" if origin.host else ""
        return f"{root}{origin.prefix}{target}"
    return request_url(
        origin,
        origin_form(octets(target, "latin-1"), host) if target else None,
        octets(path, "latin-1"),
        octets(query, "latin-1"),
    )


def _fields(environ: WSGIEnvironment) -> list[tuple[str, Any]]:
    return [(name, value) for variable, value in environ.items() if (name := _field_name(variable))]


@lru_cache(maxsize=128)  # The result is cached, because most requests have header fields with the same names.
def _field_name(variable: str) -> str:
    """Return the name of the header field of a variable, in lower case; ``""`` if the variable is no header field."""
    is_field = variable.startswith("HTTP_") and variable not in _RENAMED
    return variable[5:].replace("_", "-").lower() if is_field else ""


def _headers(environ: WSGIEnvironment) -> list[tuple[str, str]]:
    # If two header fields have the same name, a WSGI server joins their values by a comma. Two Authorization headers
    # therefore become one malformed header, which is refused.
    pairs = _fields(environ)
    content_type = environ.get("CONTENT_TYPE", "")
    return [*pairs, ("content-type", content_type)] if content_type else pairs


def _read_body(environ: WSGIEnvironment, max_body: int) -> bytes:
    length = announced_length(environ.get("CONTENT_LENGTH") or "", max_body)
    if environ.get("HTTP_TRANSFER_ENCODING"):
        if not environ.get("wsgi.input_terminated"):
            raise LengthRequired("The body is sent in chunks. Send the body with a Content-Length.")
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
    except OSError:  # The client disconnected, or its chunks are malformed.
        raise InvalidRequest("The body cannot be read.") from None
    return b"".join(pieces)


def _not_found(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return _send(HTTPResponse(404, [("Content-Length", "0")]), environ, start_response)


def _send(response: HTTPResponse, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response(f"{response.status} {HTTPStatus(response.status).phrase}", list(response.headers))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]
