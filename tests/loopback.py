"""A real HTTP/1.1 server on 127.0.0.1 for the tests: it records what arrives and answers as it is told."""

import contextlib
import http.server
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPMessage

import oauth2

_IDLE = 10  # seconds that a connection may be silent; a test is over long before


@dataclass(frozen=True)
class Received:
    """One request as it arrived; ``target`` is the raw path and query."""

    origin: str
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    port: int  # of the other end: one for each connection

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
        """The one value of a header field, None if there is none."""
        values = [value for field, value in self.headers if field.lower() == name.lower()]
        assert len(values) < 2, f"{name} stands twice"
        return values[0] if values else None

    def request(self) -> oauth2.Request | None:
        """What a server makes of it, by way of the one call that a server should use."""
        self.header("Authorization")
        return oauth2.Request.from_request(self.method, self.url, dict(self.headers), body=self.body)


@dataclass(frozen=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] | None = None
    body: bytes = b"ok"


HANG_UP = Answer(0)  # closes the connection instead of answering


def redirect(status: int, location: str, **headers: str) -> Answer:
    return Answer(status, {"Location": location, **headers}, b"elsewhere")


class Loopback:
    """One origin; two of them are two origins.

    ``routes`` answers by path, with an :class:`Answer` or a function that makes one; any
    other path is answered with "ok". What a route raises is raised again where the test ends.
    """

    def __init__(self, certificate: str | None = None) -> None:
        self.requests: list[Received] = []
        self.routes: dict[str, Answer | Callable[[Received], Answer]] = {}
        self._failures: list[BaseException] = []
        self._server = _Server(self)
        scheme = "http"
        if certificate is not None:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.tls = context
        self.origin = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> "Loopback":
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._server.stop()
        self._thread.join()
        if kind is None and self._failures:
            raise self._failures[0]

    @property
    def last(self) -> Received:
        return self.requests[-1]

    def arrived(self, path: str) -> Received:
        """The one request to *path*."""
        (received,) = [request for request in self.requests if request.path == path]
        return received

    def answer(self, received: Received) -> Answer:
        self.requests.append(received)
        route = self.routes.get(received.path, Answer())
        try:
            return route(received) if callable(route) else route
        except Exception as exc:  # noqa: BLE001 - raised again where the test ends
            self._failures.append(exc)
            return Answer(500, body=b"the test's own route failed")


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # server_close() waits for each of them
    tls: ssl.SSLContext | None = None

    def __init__(self, loopback: Loopback) -> None:
        self.loopback = loopback
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's own asks the DNS for its name

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # the other end went away; the test sees that on its own side

    def stop(self) -> None:
        self.shutdown()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # closed by the other end meanwhile
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE
    wbufsize = -1  # an answer in one piece
    server: _Server
    headers: HTTPMessage

    def parse_request(self) -> bool:
        valid = super().parse_request()
        if valid:  # parse_request() itself shortens what starts with two slashes
            self.path = str(self.raw_requestline, "iso-8859-1").split()[1]
        return valid

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        loopback = self.server.loopback
        received = Received(
            loopback.origin, self.command, self.path, list(self.headers.items()), self._body(), self.client_address[1]
        )
        answer = loopback.answer(received)
        if answer is HANG_UP:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in {"Date": self.date_time_string(), **(answer.headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return body

    def log_message(self, *_: object) -> None:
        pass
