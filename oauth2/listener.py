"""Wait on a loopback port for the user's browser to come back (RFC 5849 section 2.2)."""

from __future__ import annotations

import os
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from .endpoints import require_https
from .generate import make_nonce
from .signature import base_string_uri

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, Self

_HOSTS = ("127.0.0.1", "localhost")
_HTTP = 80  # the port that no Host header names
_SILENCE = 5.0  # seconds that a connection may say nothing

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 1em;color:#222}}</style>
</head><body><h1>{title}</h1><p>{text}</p></body></html>
"""
_RECEIVED = (200, "Thank you", "The program has your answer. You can close this window.")
_UNRELATED = (
    404,
    "Not here",
    "This is not what the program waits for, and changes nothing. Go back to the page where you were asked; "
    "if you said no there, stop the program.",
)


class Listener:
    """A web server on 127.0.0.1 that takes one callback, and answers all else with 404.

    Use it in a ``with`` statement: it listens from the time it is made.

    Args:
        callback: ``http://127.0.0.1:port/path``, or with ``localhost``. Port 0
            stands for a free one; ``/`` beside it for a path that nobody can guess.

    Attributes:
        callback: The URL to come back to.
        has_secret_path: Nobody can guess it.

    Raises:
        ValueError: *callback* is no such URL.
        OSError: The port is in use.
    """

    def __init__(self, callback: str) -> None:
        host, port, path = _parts(callback)
        self._server = _Server(("127.0.0.1", port))
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

    def expect(self, is_wanted: Callable[[str], bool]) -> None:
        """Take the next callback whose target, path and query, *is_wanted*."""
        self._server.is_wanted = is_wanted

    def wait(self, timeout: float) -> str:
        """Return the URL that the browser came back to.

        Raises:
            TimeoutError: It did not within *timeout* seconds.
        """
        if not self._server.is_done.wait(timeout):
            raise TimeoutError(f"Nobody approved within {timeout:g} seconds.")
        return f"http://{self._server.host}{self._server.target}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16  # browsers open some connections in advance
    allow_reuse_address = os.name != "nt"  # there it would let two programs have one port
    path = ""
    host = ""
    target = ""

    def __init__(self, address: tuple[str, int]) -> None:
        self.is_done = threading.Event()
        self.is_wanted: Callable[[str], bool] = lambda _: False
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's own asks the DNS for its name

    def take(self, target: str) -> bool:
        """Keep *target* if it is the callback that is waited for; only the first one is."""
        with self._lock:
            if self.target or not self.is_wanted(target):
                return False
            self.target = target
            return True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a browser that went away; what it sent is for nobody's log


class _Handler(BaseHTTPRequestHandler):
    timeout = _SILENCE
    server: _Server

    def do_GET(self) -> None:
        is_ours = self.path.partition("?")[0] == self.server.path and self.headers.get("Host") == self.server.host
        if not (is_ours and self.server.take(self.path)):
            self._answer(*_UNRELATED)
            return
        try:
            self._answer(*_RECEIVED)
        finally:
            self.server.is_done.set()

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

    def log_message(self, *_: Any) -> None:
        pass  # the verifier stands in the URL


def _parts(callback: str) -> tuple[str, int, str]:
    require_https("callback", callback)
    authority, _, path = base_string_uri(callback).partition("://")[2].partition("/")
    host, _, port = authority.partition(":")
    if not callback.lower().startswith("http://") or host not in _HOSTS or "?" in callback:
        raise ValueError("callback: http://127.0.0.1:port/path wanted, or with localhost")
    return host, int(port or _HTTP), f"/{path}"
