"""Wait on a loopback port for the redirect of the user's browser (RFC 5849 section 2.2)."""

from __future__ import annotations

import os
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from .._generate import make_nonce
from ..signature import base_string_uri
from .endpoints import require_https

_ADDRESS = "127.0.0.1"
_HOSTS = (_ADDRESS, "localhost")  # [::1] is not in this list, because the server listens on IPv4 only.
_HTTP = 80  # The default port of http. A Host header does not contain the default port.
_PATIENCE = 60.0  # Seconds until the user is reminded. Most users sign in and approve within this time.
_SILENCE = 5.0  # In seconds. The server closes a connection on which the browser sends no request within this time.

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 1em;color:#222}}</style>
</head><body><h1>{title}</h1><p>{text}</p></body></html>
"""
_RECEIVED = (200, "Thank you", "The program has received the response of the service. You can close this window.")
_UNRELATED = (
    404,
    "Not found",
    "This is not the URL that the program is waiting for. Go back to the page that asked for your approval. "
    "If you have refused the approval, stop the program in its terminal.",
)


class Listener:
    """A web server on 127.0.0.1 that accepts one callback. The response to every other request is a 404.

    Use an instance in a ``with`` statement. The server starts to listen when the instance is created.

    Args:
        callback: ``http://127.0.0.1:port/path`` or ``http://localhost:port/path``. Port 0
            selects a free port. Port 0 together with the path ``/`` also selects a random path.

    Attributes:
        callback: The URL to which the service must redirect the browser.
        has_secret_path: Whether the path is random. Other web pages cannot guess a random path.

    Raises:
        ValueError: *callback* is not a URL in one of the two forms that the argument *callback* accepts.
        OSError: The port is in use.
    """

    def __init__(self, callback: str) -> None:
        host, port, path = _parts(callback)
        self._server = _Server((_ADDRESS, port))
        bound = self._server.server_address[1]
        self.has_secret_path = port == 0 and path == "/"
        self._server.path = f"/{make_nonce()}" if self.has_secret_path else path
        self._server.host = host if bound == _HTTP else f"{host}:{bound}"
        self.callback = callback if port else f"http://{self._server.host}{self._server.path}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def expect(self, is_expected: Callable[[str], bool]) -> None:
        """Set the function that decides whether a request is the expected callback.

        Args:
            is_expected: A function that is called with the target (path and query) of a request. The function must
                return True if the request is the callback.
        """
        self._server.is_expected = is_expected

    def wait(self, timeout: float, remind: Callable[[], object] = lambda: None) -> str:
        """Wait until the browser requests the callback, and return the URL that it requested.

        Args:
            timeout: Seconds to wait.
            remind: A function that is called once, if the browser has not requested the callback after a minute.

        Raises:
            TimeoutError: The browser did not request the callback within *timeout* seconds.
        """
        is_done = self._server.is_done.wait
        if not is_done(min(timeout, _PATIENCE)):
            if timeout > _PATIENCE:
                remind()
            if not is_done(max(timeout - _PATIENCE, 0)):
                raise TimeoutError(f"The user did not approve within {timeout:g} seconds.")
        return f"http://{self._server.host}{self._server.target}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Browsers open several connections in advance. With a short queue, some connections would be refused.
    request_queue_size = 16
    allow_reuse_address = os.name != "nt"  # On Windows, True would allow two programs to listen on the same port.
    path = ""
    host = ""
    target = ""

    def __init__(self, address: tuple[str, int]) -> None:
        self.is_done = threading.Event()
        self.is_expected: Callable[[str], bool] = lambda _: False
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer.server_bind() must not be called. That method looks up the host name in the DNS, which can be slow.
        socketserver.TCPServer.server_bind(self)

    def accept(self, target: str) -> bool:
        """Accept *target* if it is the first expected callback; return whether it was accepted."""
        with self._lock:
            if self.target or not self.is_expected(target):
                return False
            self.target = target
            return True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # The browser has closed the connection. A traceback could show the verifier, so the error is not logged.


class _Handler(BaseHTTPRequestHandler):
    timeout = _SILENCE

    def do_GET(self) -> None:
        server: Any = self.server  # a _Server
        is_callback = self.path.partition("?")[0] == server.path and self.headers.get("Host") == server.host
        if not (is_callback and server.accept(self.path)):
            self._answer(*_UNRELATED)
            return
        try:
            self._answer(*_RECEIVED)
        finally:
            server.is_done.set()

    def _answer(self, status: int, title: str, text: str) -> None:
        page = _PAGE.format(title=title, text=text).encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(page))),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
            ("X-Content-Type-Options", "nosniff"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)
        self.wfile.flush()

    def version_string(self) -> str:
        return "oauth2"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        pass  # The URL contains the verifier, so requests are not logged.


def _parts(callback: str) -> tuple[str, int, str]:
    require_https("callback", callback)
    authority, _, path = base_string_uri(callback).partition("://")[2].partition("/")
    host, _, port = authority.partition(":")
    if not callback.lower().startswith("http://") or host not in _HOSTS or "?" in callback:
        raise ValueError("callback: must be http://127.0.0.1:port/path or http://localhost:port/path, without a query")
    return host, int(port or _HTTP), f"/{path}"
