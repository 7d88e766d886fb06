"""HTTP functions for a service for tests: URLs, header fields, and responses in WSGI and ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIEnvironment

from .. import errors
from ..http import HTTPRequest, HTTPResponse
from ..middleware import asgi, wsgi
from ..provider.audit import Refused

Handle = Callable[[HTTPRequest], HTTPResponse]

TEXT = ("Content-Type", "text/plain; charset=utf-8")
JSON = ("Content-Type", "application/json")


def path_of(url: str) -> str:
    """Return the path of an absolute URL without decoding it."""
    return "/" + url.partition("://")[2].partition("?")[0].partition("/")[2]


def origin_of(url: str) -> str:
    """Return scheme, host and port of an absolute URL without normalizing them."""
    scheme, separator, rest = url.partition("://")
    return scheme + separator + rest.partition("?")[0].partition("/")[0]


def fields_of(headers: Sequence[tuple[str, str]] | Mapping[str, str]) -> list[tuple[str, str]]:
    """Return header fields as pairs."""
    return [*headers.items()] if isinstance(headers, Mapping) else [*headers]


def refusal_of(event: Refused) -> errors.Error:
    """Return an error that describes *event*, the refusal of a request to a token endpoint.

    The methods of a provider for the token endpoints return a response instead of raising this error.
    """
    found = [each for each in _all(errors.Error) if (each.status, each.problem) == (event.status, event.problem)]
    return (found[0] if found else errors.Error)(event.message)


def _all(kind: type[errors.Error]) -> Iterator[type[errors.Error]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _all(each)


def answer_wsgi(handle: Handle, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Return the response to a WSGI request (PEP 3333)."""
    try:
        response = handle(wsgi.read_request(environ)[0])
    except errors.Error as error:
        response = _unreadable(error)
    start_response(f"{response.status} {HTTPStatus(response.status).phrase}", fields_of(response.headers))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]


async def answer_asgi(handle: Handle, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    """Send the response to an ASGI 3 HTTP request. *handle* runs in a thread, so it may block."""
    if scope["type"] != "http":
        raise ValueError("scope: must be the scope of an HTTP request")
    try:
        response = await asyncio.to_thread(handle, (await asgi.read_request(scope, receive))[0])
    except errors.Error as error:
        response = _unreadable(error)
    sent = fields_of(response.headers)
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in sent]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body})


def _unreadable(error: errors.Error) -> HTTPResponse:
    return HTTPResponse(error.status, [TEXT], error.message.encode())
