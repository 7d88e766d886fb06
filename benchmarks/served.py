"""Serve an empty application, with or without protection, with one process of a web server.

:mod:`benchmarks.servers` runs this module as a script. The script prints its port. For the path ``/cpu``, the body of
the response is the processor time of the process. For any other path, the body is "ok".
"""

from __future__ import annotations

import logging
import socket
import sys
from contextlib import closing
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

from oauth2.middleware import asgi, wsgi
from oauth2.provider import AsyncProvider, Provider, RequestPolicy
from oauth2.stores import ClientCredentials, MemoryStore, TokenCredentials
from oauth2.stores.sqlite import SQLiteStore

from .peers import CREDENTIALS, WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BARE, MEMORY, SQLITE = "bare application", "Protected, MemoryStore", "Protected, SQLiteStore"
_THREADS = 4


def introduce(store: Any) -> None:
    """Add the client and the token that sign all requests to *store*, which must be a blocking store."""
    key, token = CREDENTIALS.consumer_key, CREDENTIALS.token
    store.add_consumer(ClientCredentials(key=key, secret=CREDENTIALS.consumer_secret))
    store.add_token(TokenCredentials(key=token, secret=CREDENTIALS.token_secret, consumer_key=key, user="jane"))


def memory_store() -> MemoryStore:
    """Return a store that has the client and the token of all requests."""
    store = MemoryStore(window=WINDOW)
    introduce(store)
    return store


def store_of(kind: str, folder: str) -> MemoryStore | SQLiteStore:
    """Return the store of the application *kind*, with the client and the token of all requests."""
    if kind == MEMORY:
        return memory_store()
    store = SQLiteStore(Path(folder, "store.db"), window=WINDOW)
    introduce(store)
    return store


def policy() -> RequestPolicy:
    """Return the policy of all providers."""
    return RequestPolicy(timestamp_threshold=WINDOW)


def empty_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """Send "ok" as the response; for ``/cpu``, send the processor time."""
    text = repr(process_time()).encode() if environ["PATH_INFO"] == "/cpu" else b"ok"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text]


async def empty_asgi(scope: Any, receive: Any, send: Any) -> None:
    """Send "ok" as the response; for ``/cpu``, send the processor time."""
    text = repr(process_time()).encode() if scope["path"] == "/cpu" else b"ok"
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def _wsgi_app(kind: str, folder: str) -> Callable[[Any, Any], Iterable[bytes]]:
    if kind == BARE:
        return empty_wsgi
    protected = wsgi.Protected(empty_wsgi, provider=Provider(store_of(kind, folder), policy=policy()))
    return lambda environ, start: (empty_wsgi if environ["PATH_INFO"] == "/cpu" else protected)(environ, start)


def _asgi_app(kind: str, folder: str) -> asgi.Application:
    if kind == BARE:
        return empty_asgi
    store = store_of(kind, folder)
    provider: AsyncProvider | Provider
    if isinstance(store, MemoryStore):
        provider = AsyncProvider(store, policy=policy())
    else:
        provider = Provider(store, policy=policy())
    protected = asgi.Protected(empty_asgi, provider=provider)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (empty_asgi if scope["path"] == "/cpu" else protected)(scope, receive, send)

    return app


def _uvicorn(kind: str, folder: str, listener: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(_asgi_app(kind, folder), lifespan="off", log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


def _gunicorn(kind: str, folder: str, listener: socket.socket) -> None:
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

    class Application(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            settings = {"bind": f"fd://{listener.fileno()}", "threads": _THREADS, "worker_class": "gthread"}
            for name, value in {**settings, "loglevel": "warning", "graceful_timeout": 1}.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return _wsgi_app(kind, folder)

    Application().run()


def _waitress(kind: str, folder: str, listener: socket.socket) -> None:
    from waitress.server import create_server  # type: ignore[import-untyped]

    # With the default log level, waitress would log a warning for each request that waits for a thread. This would make
    # waitress slower.
    logging.getLogger("waitress").setLevel(logging.ERROR)
    with closing(create_server(_wsgi_app(kind, folder), sockets=[listener], threads=_THREADS)) as server:
        server.run()


#: Key: the name of a server. Value: the function that runs the server.
SERVERS = {"uvicorn": _uvicorn, "gunicorn": _gunicorn, "waitress": _waitress}


def main() -> None:
    """Serve until the process is terminated.

    The arguments are the name of the server, the kind of the application, and a folder for files.
    """
    server, kind, folder = sys.argv[1:]
    sys.argv[1:] = []  # Otherwise gunicorn would read these arguments as its own.
    # The socket must be created with IPPROTO_TCP. Otherwise asyncio does not set TCP_NODELAY, and small responses are
    # delayed.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    print(listener.getsockname()[1], flush=True)
    SERVERS[server](kind, folder, listener)


if __name__ == "__main__":
    main()
