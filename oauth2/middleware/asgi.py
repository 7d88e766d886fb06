"""A provider in an ASGI 3 application: its endpoints, and the protection of what it guards.

A store may block, so that providers are called in threads (:func:`asyncio.to_thread`,
which keeps context variables).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import Error
from ..http import HTTPRequest, HTTPResponse
from .body import MAX_BODY, BodyTooLarge, announced_length, whole_body
from .proxies import Origin
from .routes import covers, endpoints_of, known_realm
from .target import octets, origin_form, request_url

if TYPE_CHECKING:
    from ..provider import Provider
    from .proxies import TrustedProxies
    from .routes import Paths

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Where in the scope an application finds :class:`~oauth2.access.Access`.
ACCESS = "oauth2.access"
#: The same in ``scope["state"]``, which is ``request.state`` in Starlette and FastAPI.
STATE_ACCESS = "oauth2_access"

_POLICY_VIOLATION = 1008
_SCHEMES = {"ws": "http", "wss": "https"}


class _Disconnected(Exception):  # noqa: N818 - no error: there is nobody to answer
    """The client went away before its body had arrived."""


class Endpoints:
    """The endpoints of a provider as an ASGI application (section 2).

    They are ``request_token`` and ``access_token`` below *prefix*. The page where users
    approve is the application's own.

    Args:
        app: What everything else goes to, lifespan included; 404 unless given.
        provider: Whose endpoints.
        prefix: Path below the one that this is mounted at.
        proxies: The hops that are believed; none unless given.
        max_body: Bytes of a body that are read.

    Raises:
        ValueError: *prefix* is no path.
    """

    def __init__(
        self,
        app: Application | None = None,
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or have the application answer."""
        endpoint = self._endpoints.get(_route(scope)) if scope["type"] == "http" else None
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        try:
            request, _ = await read_request(scope, receive, proxies=self._proxies, max_body=self._max_body)
            response = await asyncio.to_thread(endpoint, request)
        except Error as error:
            response = await _answer(error, self._provider)
        except _Disconnected:
            return
        await _send(response, scope, send)


class Protected:
    """An ASGI application that only authenticated requests get to (section 3).

    It finds :class:`~oauth2.access.Access` in ``scope["oauth2.access"]`` and as
    ``oauth2_access`` in ``scope["state"]``, and the body as it was sent. A request is
    verified once, so that each path is to be protected by one of these. The
    handshake of a websocket is verified as the GET that it is; lifespan goes through.

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
        app: Application,
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Verify the request and hand it on, or refuse it."""
        if scope["type"] == "lifespan" or not self._covers(_route(scope)):
            await self._app(scope, receive, send)
            return
        try:
            request, again = await read_request(scope, receive, proxies=self._proxies, max_body=self._max_body)
            access = await asyncio.to_thread(self._provider.authenticate, request, realm=self._realm)
        except Error as error:
            await _refuse(await _answer(error, self._provider), scope, receive, send)
        except _Disconnected:
            return
        else:
            state = {**scope.get("state", {}), STATE_ACCESS: access}
            await self._app({**scope, ACCESS: access, "state": state}, again, send)


async def read_request(
    scope: Scope, receive: Receive, *, proxies: TrustedProxies | None = None, max_body: int = MAX_BODY
) -> tuple[HTTPRequest, Receive]:
    """Return the request of *scope*, and a *receive* that hands its body out again.

    The URL has the path of ``raw_path``, see :func:`~oauth2.middleware.target.request_url`,
    or else of ``path``.

    Args:
        scope: Of an ``http`` or ``websocket`` connection; the handshake of the latter is a GET.
        receive: What the body comes from.
        proxies: The hops that are believed; none unless given.
        max_body: Bytes of a body that are read.

    Raises:
        Error: The URL is malformed, or the body too large, or not as long as announced.
        ValueError: Another type of scope.
    """
    headers = _headers(scope)
    url = _url(scope, headers, proxies)
    if scope["type"] == "websocket":
        return HTTPRequest("GET", url, headers), receive
    if scope["type"] != "http":
        raise ValueError("scope: http or websocket wanted")
    body = await _read_body(headers, receive, max_body)
    return HTTPRequest(scope["method"], url, headers, body), _replay(body, receive)


def _headers(scope: Scope) -> list[tuple[str, str]]:
    # One pair for each line. Names with an underscore are left out: some take Content_Type for Content-Type.
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    return [pair for pair in pairs if "_" not in pair[0]]


def _joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _url(scope: Scope, headers: list[tuple[str, str]], proxies: TrustedProxies | None) -> str:
    joined = _joined(headers)
    host = joined.get("host", "")  # two of them, joined, are no host
    scheme = scope.get("scheme", "http").lower()
    origin = Origin(scheme=_SCHEMES.get(scheme, scheme), host=host)
    if proxies is not None:
        client = scope.get("client") or ("",)
        origin = proxies.origin(origin, client[0], joined)
    root, path, target = scope.get("root_path", ""), scope["path"], scope.get("raw_path")
    return request_url(
        origin,
        origin_form(target, host) if target else None,
        octets(path if _is_below(path, root) else root + path, "utf-8"),
        scope.get("query_string", b""),
    )


def _route(scope: Scope) -> str:
    """Return the path below the one that the application is mounted at."""
    root, path = scope.get("root_path", "").rstrip("/"), str(scope["path"])
    return path[len(root) :] if _is_below(path, root) else path


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


async def _read_body(headers: list[tuple[str, str]], receive: Receive, max_body: int) -> bytes:
    length = announced_length(_joined(headers).get("content-length", ""), max_body)
    pieces: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
        size += len(pieces[-1])
        if size > max_body:
            raise BodyTooLarge("The body is too large.")
    return whole_body(b"".join(pieces), length)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> MutableMapping[str, Any]:
        return messages.pop() if messages else await receive()

    return again


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] not in ("http", "websocket"):
        raise ValueError("scope: http wanted")  # how an application says that it has no lifespan
    await _refuse(HTTPResponse(404, [("Content-Length", "0")]), scope, receive, send)


async def _answer(error: Error, provider: Provider) -> HTTPResponse:
    # What the provider has not seen, its audit hook is told of, and that may block as a store may.
    return provider.answer(error) if error.headers else await asyncio.to_thread(provider.answer, error)


async def _refuse(response: HTTPResponse, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await _send(response, scope, send)
        return
    await receive()  # websocket.connect
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
