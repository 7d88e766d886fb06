"""An HTTP/1.1 server on 127.0.0.1 that passes each request to a function."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable
from typing import cast

from ..http import HTTPRequest, HTTPResponse
from ._exchange import fields_of

#: A function that returns the response to a request. The second argument is the client's port. If the function returns
#: None, the server closes the connection without a response.
Answering = Callable[[HTTPRequest, int], HTTPResponse | None]

_IDLE = 10  # In seconds. If no data is received for this time, the connection is closed.


class Serving:
    """Runs a server in a thread.

    :meth:`stop` ends the thread immediately. The thread does not call ``serve_forever()``, which would end only at its
    next poll.
    """

    def __init__(self, server: socketserver.TCPServer) -> None:
        self._server = server
        self._is_over = False
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._is_over:
            self._server.handle_request()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait until it has ended."""
        self._is_over = True
        with contextlib.suppress(OSError):  # This connection wakes handle_request().
            host, port = self._server.server_address[:2]
            socket.create_connection((str(host), port), timeout=_IDLE).close()
        self._thread.join()


class LoopbackServer:
    """A server on one port of 127.0.0.1.

    Args:
        answering: A function that returns the response to each request. The function is called in the thread of the
            connection. The URL of the request is the origin, followed by the raw request target.
        certificate: A PEM file with a certificate and its key, for https; None for plain http.

    Attributes:
        origin: Scheme, host and port.
    """

    def __init__(self, answering: Answering, certificate: str | None = None) -> None:
        self._server = _Server(answering)
        scheme = "http"
        if certificate is not None:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.tls = context
        self.origin = self._server.origin = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._serving = Serving(self._server)

    def start(self) -> None:
        """Accept connections."""
        self._serving.start()

    def stop(self) -> None:
        """Close all connections, and wait for their threads."""
        self._serving.stop()
        self._server.stop()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # With True, server_close() would not wait for the threads.
    tls: ssl.SSLContext | None = None
    origin = ""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        # HTTPServer.server_bind() is not called, because it would look up the host name in the DNS, which can be slow.
        socketserver.TCPServer.server_bind(self)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        if isinstance(request, socket.socket):
            with self._lock:
                self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        # This method prints no traceback. An error in the thread of a connection usually means that the client has
        # disconnected. In this case, the client also raises an error in the test.
        pass

    def stop(self) -> None:
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # The client may have closed the connection already.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE
    wbufsize = -1  # The header and the body of a response are sent together.
    raw_requestline: bytes

    def parse_request(self) -> bool:
        valid = super().parse_request()
        if valid:  # parse_request() removes slashes at the start of a target; they are restored here.
            self.path = self.raw_requestline.decode("iso-8859-1").split()[1]
        return valid

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        server = cast(_Server, self.server)
        url = server.origin + self.path
        request = HTTPRequest(self.command, url, list(self.headers.items()), self._body())
        response = server.answering(request, self.client_address[1])
        if response is None:
            self.close_connection = True
            return
        self.send_response_only(response.status)
        sent = [(name, value) for name, value in fields_of(response.headers) if name.lower() != "content-length"]
        if not any(name.lower() == "date" for name, _ in sent):
            sent.append(("Date", self.date_time_string()))
        for name, value in [*sent, ("Content-Length", str(len(response.body)))]:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # This loop reads the trailer fields and ignores them.
        return body

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass
