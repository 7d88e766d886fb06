"""``serve``: run the reference provider with waitress."""

from __future__ import annotations

import logging
import os
import socket
from typing import Any

from waitress.server import create_server  # type: ignore[import-untyped]

from ..errors import StoreUnavailable
from .app import create_app

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class CannotServe(RuntimeError):  # noqa: N818 - named for what is wrong
    """The provider cannot start; the message is one line, and says what to do."""


def serve(
    database: str | os.PathLike[str] = "provider.db",
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    base_url: str | None = None,
    **options: Any,
) -> None:
    """Serve until interrupted; print the address once connections are accepted.

    Args:
        database: SQLite file; it is made if need be.
        host: Name or address to listen at.
        port: Port to listen at; 0 takes a free one.
        base_url: The URL that others reach it by, where a proxy in front speaks https.
            Unless given, it is reached where it listens, on this machine only.
        options: As for :func:`~oauth2.site.create_app`.

    Raises:
        CannotServe: The port is taken, the database cannot be written, or others
            would reach it by plain http.
    """
    if base_url is None and host not in _LOOPBACK:
        raise CannotServe(
            f"{host} can be reached from elsewhere, and tokens need https; "
            "give the https URL of the proxy in front as base_url, or listen at 127.0.0.1"
        )
    with _listening(host, port) as listener:
        address = f"[{host}]" if ":" in host else host
        listens_at = f"http://{address}:{listener.getsockname()[1]}"
        try:
            app = create_app(database, base_url=base_url or listens_at, **options)
        except StoreUnavailable as exc:
            raise CannotServe(exc.message) from exc
        except ValueError as exc:
            raise CannotServe(str(exc)) from exc
        server = create_server(app, sockets=[listener], ident=None, clear_untrusted_proxy_headers=True)
        logging.basicConfig(format="%(asctime)s %(name)s %(message)s", level=logging.INFO)
        print(f"Serving {base_url or listens_at}", flush=True)
        if base_url is not None:
            print(f"Listening at {listens_at}", flush=True)
        try:
            server.run()
        finally:
            server.close()
    print("Stopped.", flush=True)


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise CannotServe(f"Port {port} is no port; take one from 1 to 65535, or 0 for a free one")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as exc:
        reason = os.strerror(exc.errno) if exc.errno and exc.errno > 0 else exc.strerror
        raise CannotServe(f"Port {port} at {host} cannot be used ({reason}); port 0 takes a free one") from None
