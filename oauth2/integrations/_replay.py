"""Store the body of an ASGI request, so that each of several readers can read the body from the beginning."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from ..errors import InvalidRequest
from ..middleware.asgi import Application, Receive, Scope, Send
from ..middleware.body import BodyTooLarge

_KEY = "oauth2.replay"


class Replay:
    """Stores the body of one request. If the body is longer than *limit* octets, the rest of it is not stored."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        # Only the octets are stored, not the messages. Otherwise a client could fill the memory with messages that have
        # almost no content.
        self._kept = bytearray()
        self._is_complete = False

    def reader(self) -> Receive:
        """Return a new *receive* callable for one reader. The callable returns the body from the beginning."""
        position, is_done = 0, False

        async def receive() -> MutableMapping[str, Any]:
            nonlocal position, is_done
            if is_done or (position == len(self._kept) and not self._is_complete):
                message = await self._receive()
                if not self._keep(message):
                    return message
            body = bytes(self._kept[position:])
            position, is_done = len(self._kept), self._is_complete
            return {"type": "http.request", "body": body, "more_body": not is_done}

        return receive

    def body_reader(self) -> Receive:
        """Return a callable like that of :meth:`reader`, but for the code that verifies the request.

        Raises:
            BodyTooLarge: Other readers have read more octets than the limit.
            InvalidRequest: The returned callable raises this error if the client disconnects before the end of the
                body.
        """
        if len(self._kept) > self._limit:  # The rest of the body was not stored, so a reader would wait forever for it.
            raise BodyTooLarge("The body is too large.")
        return connected(self.reader())

    def _keep(self, message: MutableMapping[str, Any]) -> bool:
        if message["type"] != "http.request" or self._is_complete or len(self._kept) > self._limit:
            return False
        self._kept += message.get("body", b"")
        self._is_complete = not message.get("more_body", False)
        return True


def connected(receive: Receive) -> Receive:
    """Return a callable that calls *receive*, and raises InvalidRequest if the client disconnected."""

    async def checked() -> MutableMapping[str, Any]:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidRequest("The body is not complete.")
        return message

    return checked


class Replaying:
    """An ASGI application that stores the body of each request, up to *max_body* bytes, while *app* reads the body."""

    def __init__(self, app: Application, *, max_body: int) -> None:
        self._app = app
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        replay = Replay(receive, self._max_body)
        await self._app({**scope, _KEY: replay}, replay.reader(), send)


def replay_of(scope: Scope) -> Replay:
    """Return the :class:`Replay` that stores the body of the request with *scope*.

    Raises:
        RuntimeError: The application is not inside a :class:`Replaying`.
    """
    replay: Replay | None = scope.get(_KEY)
    if replay is None:
        raise RuntimeError("The application has no provider. Call install(app) of OAuth1Provider.")
    return replay
