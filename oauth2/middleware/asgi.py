"""Middleware for ASGI 3: the endpoints of a provider, and protection for an application.

An :class:`~oauth2.provider.AsyncProvider` is called in the event loop. The store of a
:class:`~oauth2.provider.Provider` may block, so :func:`asyncio.to_thread` calls each method of the provider in a
thread. The thread gets a copy of the context variables.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, ParamSpec, TypeAlias

from .._checks import is_coroutine_function
from .._steps import is_awaitable
from ..errors import Error
from ..http import HTTPRequest, HTTPResponse
from ..provider import AsyncProvider, Provider
from ..provider.refusal import refusal
from ._base import BaseCredentialEndpoints, BaseProtected
from ._target import direct_origin, octets, origin_form, request_url
from .body import MAX_BODY, BodyTooLarge, announced_length, whole_body
from .proxies import TrustedProxies

__all__ = [
    "ACCESS",
    "STATE_ACCESS",
    "Application",
    "CredentialEndpoints",
    "Protected",
    "Receive",
    "Scope",
    "Send",
    "read_request",
]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

#: The key of the :class:`~oauth2.provider.Access` in the scope.
ACCESS = "oauth2.access"
#: The key of the ``Access`` in ``scope["state"]``. In Starlette and FastAPI, ``scope["state"]`` is ``request.state``.
STATE_ACCESS = "oauth2_access"

_P = ParamSpec("_P")
_POLICY_VIOLATION = 1008  # The status code with which a refused websocket is closed.
_SCHEMES = {"ws": "http", "wss": "https"}


class _Disconnected(Exception):  # noqa: N818 - not an error; no response is sent
    """The client disconnected before the server had received the whole body."""


def _awaitable(method: Callable[_P, Any]) -> Callable[_P, Awaitable[Any]]:
    if is_coroutine_function(method):
        found: Callable[_P, Awaitable[Any]] = method
        return found

    async def call(*args: _P.args, **kwargs: _P.kwargs) -> Any:
        result = await asyncio.to_thread(method, *args, **kwargs)
        # A subclass may have an asynchronous method that is_coroutine_function() does not recognize. Without this
        # line, requests would reach the application although nothing has verified them.
        return await result if is_awaitable(result) else result

    return call


class CredentialEndpoints(BaseCredentialEndpoints[Application, Provider | AsyncProvider]):
    """The endpoints of a provider as an ASGI application (section 2).

    The endpoints are ``request_token`` and ``access_token`` below *prefix*. All other
    requests, and lifespan events, are passed to *app*. The application must provide the page on which users approve
    clients.
    """

    _called = staticmethod(_awaitable)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response of the endpoint, or pass the request to the application."""
        endpoint = self._endpoints.get(_route(scope)) if scope["type"] == "http" else None
        if endpoint is None:
            await (self._app or _not_found)(scope, receive, send)
            return
        try:
            request, _ = await read_request(scope, receive, proxies=self._proxies, max_body=self._max_body)
            response = await endpoint(request)
        except Error as error:
            response = await _respond(error, self._error_response)
        except _Disconnected:
            return
        await _send(response, scope, send)


class Protected(BaseProtected[Application, Provider | AsyncProvider]):
    """An ASGI application that receives only authenticated requests (section 3).

    The application finds :class:`~oauth2.provider.Access` in ``scope["oauth2.access"]``, and also in ``scope["state"]``
    under the key ``oauth2_access``. The application can read the body. A request can be verified only once, so protect
    each path with only one ``Protected``. The handshake of a websocket is verified as a GET request. Lifespan events
    are passed to the application.
    """

    _called = staticmethod(_awaitable)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Verify the request. Pass a valid request to the application, and refuse an invalid request."""
        covers = self._covers
        if scope["type"] == "lifespan" or (covers and not covers(scope.get("root_path", ""), _route(scope))):
            await self._app(scope, receive, send)
            return
        try:
            request, again = await read_request(scope, receive, proxies=self._proxies, max_body=self._max_body)
            access = await self._authenticate(request, realm=self._realm)
        except Error as error:
            await _refuse(await _respond(error, self._error_response), scope, receive, send)
        except _Disconnected:
            return
        else:
            state = {**scope.get("state", {}), STATE_ACCESS: access}
            await self._app({**scope, ACCESS: access, "state": state}, again, send)


async def read_request(
    scope: Scope, receive: Receive, *, proxies: TrustedProxies | None = None, max_body: int = MAX_BODY
) -> tuple[HTTPRequest, Receive]:
    """Return the request of *scope*, and a new *receive* callable from which the body can be read again.

    The path of the URL is ``raw_path`` of the scope, if ``raw_path`` decodes to ``path``. Otherwise the path of the URL
    is ``path``, percent-encoded.

    Args:
        scope: The scope of an ``http`` or ``websocket`` connection; a websocket handshake is a GET request.
        receive: The callable from which this function reads the body.
        proxies: The proxies whose headers are trusted; None to trust no proxy.
        max_body: The maximum size of a body in bytes.

    Raises:
        Error: The URL is malformed, or the body is too large or does not match its Content-Length.
        ValueError: The type of *scope* is neither ``http`` nor ``websocket``.
    """
    headers = _headers(scope)
    url = _url(scope, headers, proxies)
    if scope["type"] == "websocket":
        return HTTPRequest("GET", url, headers), receive
    if scope["type"] != "http":
        raise ValueError("scope: must have the type http or websocket")
    body = await _read_body(headers, receive, max_body)
    return HTTPRequest(scope["method"], url, headers, body), _replay(body, receive)


def _headers(scope: Scope) -> list[tuple[str, str]]:
    # Some applications read a field Content_Type as Content-Type. Fields whose names have an underscore are omitted, so
    # that a client cannot override Content-Type with Content_Type.
    return [
        (name.decode("latin-1").lower(), value.decode("latin-1"))
        for name, value in scope["headers"]
        if b"_" not in name
    ]


def _value(headers: list[tuple[str, str]], name: str) -> str:
    return ",".join([value for each, value in headers if each == name])


def _joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _url(scope: Scope, headers: list[tuple[str, str]], proxies: TrustedProxies | None) -> str:
    host = _value(headers, "host")  # Two Host headers, joined by a comma, are refused as an invalid host.
    scheme = str(scope.get("scheme", "http")).lower()
    origin = direct_origin(_SCHEMES.get(scheme, scheme), host)
    if proxies is not None:
        client = scope.get("client") or ("",)
        origin = proxies.origin(origin, client[0], _joined(headers))
    root, path, target = scope.get("root_path", ""), scope["path"], scope.get("raw_path")
    return request_url(
        origin,
        origin_form(target, host) if target else None,
        octets(path if _is_below(path, root) else root + path, "utf-8"),
        scope.get("query_string", b""),
    )


def _route(scope: Scope) -> str:
    """Return the path below the mount point of the application."""
    root, path = str(scope.get("root_path", "")).rstrip("/"), str(scope["path"])
    return path[len(root) :] if _is_below(path, root) else path


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


async def _read_body(headers: list[tuple[str, str]], receive: Receive, max_body: int) -> bytes:
    length = announced_length(_value(headers, "content-length"), max_body)
    # A client can send any number of messages without content. A list of messages would grow with each of these
    # messages, and could fill the memory. A message without content does not make a bytearray longer.
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > max_body:
            raise BodyTooLarge("The body is too large.")
    return whole_body(bytes(body), length)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> MutableMapping[str, Any]:
        return messages.pop() if messages else await receive()

    return again


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] not in ("http", "websocket"):
        # With this exception, the server detects that this application does not support lifespan events.
        raise ValueError("scope: must have the type http")
    await _refuse(HTTPResponse(404, [("Content-Length", "0")]), scope, receive, send)


async def _respond(error: Error, error_response: Callable[[Error], Awaitable[HTTPResponse]]) -> HTTPResponse:
    # authenticate() calls the provider's hooks for each error that it raises, and sets the headers of the error. An
    # error without headers was raised before authenticate() was called, so error_response() must call the hooks.
    return refusal(error) if error.headers else await error_response(error)


async def _refuse(response: HTTPResponse, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await _send(response, scope, send)
        return
    await receive()  # The first message is websocket.connect.
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await _send(response, scope, send)
    else:
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})


async def _send(response: HTTPResponse, scope: Scope, send: Send) -> None:
    kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    body = b"" if scope.get("method") == "HEAD" else response.body
    await send({"type": f"{kind}.start", "status": response.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
