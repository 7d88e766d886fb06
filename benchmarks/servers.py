"""Measure an application behind a web server: processor time of one process per request, and requests per second.

The application does no work. The application is measured without protection, and inside ``Protected`` with each of two
stores. For each web server, these three variants run at the same time and are measured alternately. Eight connections
send signed requests, and wait for each response. ``Provider.authenticate`` is also measured separately, with the same
requests in one thread.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from oauth2.http import HTTPRequest
from oauth2.middleware import asgi, wsgi
from oauth2.provider import AsyncProvider, Provider

from .peers import receive
from .probe import ROOT
from .report import Row, Table, progress, timed_rows
from .served import BARE, MEMORY, SERVERS, SQLITE, empty_asgi, empty_wsgi, memory_store, policy, store_of
from .timing import interleave
from .workloads import MAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .comparison import Setting
    from .peers import Received
    from .report import Report
    from .timing import Batch

#: Key: the row of a protected application. Value: the row in which only ``authenticate`` is measured.
ALONE = {MEMORY: "Provider.authenticate alone, MemoryStore", SQLITE: "Provider.authenticate alone, SQLiteStore"}
WSGI, ASGI = "Protected (WSGI)", "Protected (ASGI), AsyncProvider"
_APPLICATIONS = (BARE, MEMORY, SQLITE)
_CONNECTIONS = 8
_PATIENCE = 30  # seconds
_HEADERS = {"User-Agent": "python-requests/2.32.3", "Accept-Encoding": "gzip, deflate", "Accept": "*/*"}


def run(setting: Setting, report: Report) -> None:
    """Measure the middleware in this process, then the application behind each server."""
    report.add(_middleware(setting))
    for server in SERVERS:
        progress(f"servers: {server}")
        report.add(_table(server, setting))


# --- without a server -----------------------------------------------------------------


def _middleware(setting: Setting) -> Table:
    alone = Provider(memory_store(), policy=policy())
    in_wsgi = wsgi.Protected(empty_wsgi, provider=Provider(memory_store(), policy=policy()))
    in_asgi = asgi.Protected(empty_asgi, provider=AsyncProvider(memory_store(), policy=policy()))
    loop = asyncio.new_event_loop()
    batches: dict[str, Batch] = {
        ALONE[MEMORY]: lambda size: _spend(alone.authenticate, [(_http_request(each),) for each in _received(size)]),
        WSGI: lambda size: _spend(in_wsgi, [(_environ(each), _start_response) for each in _received(size)]),
        ASGI: lambda size: loop.run_until_complete(_spend_async(in_asgi, [_scope(each) for each in _received(size)])),
    }
    with closing(loop):
        timings = interleave(batches, setting.effort)
    title = f"Protected, empty application, no server, MemoryStore, {MAIN[0].title}: processor time per request"
    return Table("middleware", title, "us", timed_rows(timings, "us", {}), (ALONE[MEMORY],))


def _received(size: int, origin: str = "http://api.example.com") -> list[Received]:
    calls = MAIN[0].batch(size)
    return [receive(call._replace(url=f"{origin}{_target(call.url)}")) for call in calls]


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _headers(received: Received) -> dict[str, str]:
    return {"Host": urlsplit(received.url).netloc, **_HEADERS, **received.headers}


def _http_request(received: Received) -> HTTPRequest:
    return HTTPRequest(received.method, received.url, list(_headers(received).items()))


def _environ(received: Received) -> dict[str, Any]:
    parts = urlsplit(received.url)
    return {
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_HOST": "127.0.0.1",
        "REMOTE_PORT": "50000",
        "REQUEST_METHOD": received.method,
        "SERVER_NAME": "waitress",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "waitress",
        "SCRIPT_NAME": "",
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "REQUEST_URI": _target(received.url),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.version": (1, 0),
        "wsgi.errors": sys.stderr,
        "wsgi.input": None,
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in _headers(received).items()},
    }


def _start_response(status: str, _headers: object) -> None:
    if status != "200 OK":
        raise ValueError(f"the middleware refused a request: {status}")


def _scope(received: Received) -> dict[str, Any]:
    parts = urlsplit(received.url)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8080),
        "client": ("127.0.0.1", 50000),
        "scheme": parts.scheme,
        "root_path": "",
        "method": received.method,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in _headers(received).items()],
        "state": {},
    }


def _spend(function: Callable[..., object], arguments: list[tuple[Any, ...]]) -> float:
    start = process_time()
    for each in arguments:
        function(*each)
    return process_time() - start


async def _spend_async(app: asgi.Protected, scopes: list[dict[str, Any]]) -> float:
    async def read() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message.get("status", 200) != 200:
            raise ValueError("the middleware refused a request")

    start = process_time()
    for scope in scopes:
        await app(scope, read, send)
    return process_time() - start


# --- with a server --------------------------------------------------------------------


def _table(server: str, setting: Setting) -> Table:
    size, rounds = (200, 3) if setting.quick else (1500, 7)
    title = f"{server}, one process, empty application, {MAIN[0].title}: processor time per request"
    try:
        with TemporaryDirectory() as folder, ExitStack() as stack:
            served = [_Served(each, stack.enter_context(_serving(server, each, folder))) for each in _APPLICATIONS]
            alone = [_Alone(each, stack.enter_context(TemporaryDirectory())) for each in ALONE]
            probes: list[_Served | _Alone] = [*served, *alone]
            for number in range(rounds):
                for probe in probes if number % 2 else reversed(probes):
                    probe.measure(size)
            return Table(f"server {server}", title, "us", [probe.row() for probe in probes], (BARE,))
    except (ImportError, OSError, ValueError) as exc:
        return Table(f"server {server}", title, "us", [Row(server, note=f"not measured: {exc}")])


class _Alone:
    """``Provider.authenticate`` in this process, without a server."""

    def __init__(self, kind: str, folder: str) -> None:
        self.name = ALONE[kind]
        self._provider = Provider(store_of(kind, folder), policy=policy())
        self._own: list[float] = []

    def measure(self, size: int) -> None:
        """Measure one round."""
        requests = [(_http_request(each),) for each in _received(size)]
        self._own.append(_spend(self._provider.authenticate, requests) / size * 1e6)

    def row(self) -> Row:
        """Return the result of all rounds."""
        return Row(self.name, min(self._own), statistics.median(self._own), "in one thread, without a server")


class _Served:
    """An application in a separate process; *port* is the port of its server."""

    def __init__(self, kind: str, port: int) -> None:
        self.name = kind
        self._port = port
        self._own: list[float] = []
        self._rates: list[float] = []

    def measure(self, size: int) -> None:
        """Measure one round."""
        requests = [_octets(each) for each in _received(size, f"http://127.0.0.1:{self._port}")]
        with ExitStack() as stack:
            sockets = [
                stack.enter_context(socket.create_connection(("127.0.0.1", self._port), _PATIENCE))
                for _ in range(_CONNECTIONS)
            ]
            before = _processor_time(sockets[0], self._port)
            start = perf_counter()
            for position in range(0, size, _CONNECTIONS):
                group = list(zip(sockets, requests[position : position + _CONNECTIONS], strict=False))
                for each, octets in group:
                    each.sendall(octets)
                for each, _ in group:
                    _response(each)
            self._rates.append(size / (perf_counter() - start))
            self._own.append((_processor_time(sockets[0], self._port) - before) / size * 1e6)

    def row(self) -> Row:
        """Return the result of all rounds."""
        note = f"requests/s: {max(self._rates):,.0f} in the fastest round, median {statistics.median(self._rates):,.0f}"
        return Row(self.name, min(self._own), statistics.median(self._own), note)


@contextmanager
def _serving(server: str, kind: str, folder: str) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.served", server, kind, folder]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            if not port:
                raise ImportError(f"{server} did not start")
            yield int(port)
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def _octets(received: Received) -> bytes:
    head = [f"{received.method} {_target(received.url)} HTTP/1.1"]
    head += [f"{name}: {value}" for name, value in _headers(received).items()]
    return "\r\n".join([*head, "", ""]).encode()


def _processor_time(connection: socket.socket, port: int) -> float:
    connection.sendall(f"GET /cpu HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    return float(_response(connection))


def _response(connection: socket.socket) -> bytes:
    """Read one response and return its body.

    Raises:
        ValueError: The status is not 200.
    """
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ValueError(f"the server sent {head[:40]!r}")
    size = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
    while len(body) < size:
        body += _some(connection)
    return body


def _some(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ValueError("the server closed a connection")
    return received
