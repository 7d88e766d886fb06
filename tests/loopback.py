"""A real HTTP/1.1 server on 127.0.0.1 for the tests: it records each request and sends the answers that a test sets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import oauth2
from oauth2.http import HTTPRequest, HTTPResponse
from oauth2.testing._loopback import LoopbackServer, Serving

__all__ = ["HANG_UP", "Answer", "Loopback", "Received", "Serving", "redirect"]


@dataclass(frozen=True)
class Received:
    """One request as it arrived; ``target`` is the raw path and query."""

    origin: str
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    port: int  # the client's port, which identifies the connection

    @property
    def url(self) -> str:
        return self.origin + self.target

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The only value of a header field; None if there is no such field."""
        values = [value for field, value in self.headers if field.lower() == name.lower()]
        assert len(values) < 2, f"the header field {name} occurs twice"
        return values[0] if values else None

    def request(self) -> oauth2.Request | None:
        """The OAuth request, read with ``Request.from_request``, as a server should read it."""
        self.header("Authorization")
        return oauth2.Request.from_request(self.method, self.url, dict(self.headers), body=self.body)


@dataclass(frozen=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] | None = None
    body: bytes = b"ok"


HANG_UP = Answer(0)  # With this answer, the server closes the connection without a response.


def redirect(status: int, location: str, **headers: str) -> Answer:
    return Answer(status, {"Location": location, **headers}, b"elsewhere")


class Loopback:
    """A server with a separate port, and therefore with a separate origin.

    ``routes`` has an :class:`Answer` for each path, or a function that returns an answer. The answer for any other path
    is "ok". An exception in a route is raised again at the end of the test.
    """

    def __init__(self, certificate: str | None = None) -> None:
        self.requests: list[Received] = []
        self.routes: dict[str, Answer | Callable[[Received], Answer]] = {}
        self._failures: list[BaseException] = []
        self._server = LoopbackServer(self._respond, certificate)
        self.origin = self._server.origin

    def __enter__(self) -> "Loopback":
        self._server.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._server.stop()
        if kind is None and self._failures:
            raise self._failures[0]

    @property
    def last(self) -> Received:
        return self.requests[-1]

    def arrived(self, path: str) -> Received:
        """The only request to *path*."""
        (received,) = [request for request in self.requests if request.path == path]
        return received

    def _respond(self, request: HTTPRequest, port: int) -> HTTPResponse | None:
        target = request.url.removeprefix(self.origin)
        answer = self.answer(Received(self.origin, request.method, target, list(request.headers), request.body, port))
        return (
            None if answer is HANG_UP else HTTPResponse(answer.status, [*(answer.headers or {}).items()], answer.body)
        )

    def answer(self, received: Received) -> Answer:
        self.requests.append(received)
        route = self.routes.get(received.path, Answer())
        try:
            return route(received) if callable(route) else route
        except Exception as exc:  # noqa: BLE001 - raised again at the end of the test
            self._failures.append(exc)
            return Answer(500, body=b"the test's own route failed")
