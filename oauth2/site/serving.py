"""``serve``: run the reference provider with waitress."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from typing import TypedDict, Unpack

from flask import Flask
from waitress.server import create_server  # type: ignore[import-untyped]

from ..errors import StoreUnavailable
from ..middleware.proxies import TrustedProxies
from ..provider.diagnoses import Diagnoses
from ..stores import ProviderStore
from .app import LOOPBACK, create_app

__all__ = ["CannotServe", "SiteOptions", "listening", "serve"]

_LOG = logging.getLogger("oauth2.site")


class CannotServe(RuntimeError):  # noqa: N818 - the name describes the problem
    """The provider cannot start.

    Args:
        message: One sentence about the problem.
        hint: The instruction for the user.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


class SiteOptions(TypedDict, total=False):
    """The options of :func:`~oauth2.site.create_app` that :func:`serve` also accepts."""

    name: str
    store: ProviderStore | None
    proxies: TrustedProxies | None
    diagnoses: Diagnoses | None
    now: Callable[[], float]


def serve(
    database: str | os.PathLike[str] = "provider.db",
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    base_url: str | None = None,
    trusted_proxy: str | None = None,
    trusted_proxy_headers: str = "x-forwarded-for",
    **options: Unpack[SiteOptions],
) -> None:
    """Run the provider until the process is interrupted. Print the URL when the provider accepts connections.

    Args:
        database: Path of the SQLite file; created if it does not exist.
        host: Host name or address to listen on.
        port: Port to listen on; 0 selects a free port.
        base_url: The https URL of a reverse proxy in front of the provider. If *base_url* is None, only this machine
            can reach the provider.
        trusted_proxy: Address or network of the reverse proxy, if the proxy sends the address of the client. With
            *trusted_proxy*, attempts to sign in are counted separately for each address of a client.
        trusted_proxy_headers: The header in which the proxy sends the address of the client:
            ``x-forwarded-for`` or ``forwarded``. The proxy must set or remove this header in each request.
        options: Options of :func:`~oauth2.site.create_app`.

    Raises:
        CannotServe: The port is in use, the database cannot be used, an argument is not valid, or tokens would
            be sent to other machines over plain http.
    """
    if base_url is None and host not in LOOPBACK:
        raise CannotServe(
            f"Tokens need https, but clients would use http to connect to {host}.",
            "Give the https URL of a reverse proxy as base_url, or listen on 127.0.0.1.",
        )
    with listening(host, port) as listener:
        address = f"[{host}]" if ":" in host else host
        listens_at = f"http://{address}:{listener.getsockname()[1]}"
        try:
            if trusted_proxy is not None:
                options["proxies"] = _proxies(trusted_proxy, trusted_proxy_headers)
            app = create_app(database, base_url=base_url or listens_at, **options)
        except StoreUnavailable as exc:
            hint = "Check the database, its key file and their permissions, or choose another database."
            raise CannotServe(exc.message, hint) from exc
        except ValueError as exc:
            raise CannotServe(f"{exc}.", "Correct this argument.") from exc
        _run(app, listener, base_url, listens_at, has_proxies=options.get("proxies") is not None)
    print("Stopped.", flush=True)


def _run(app: Flask, listener: socket.socket, base_url: str | None, listens_at: str, *, has_proxies: bool) -> None:
    # With trusted proxies, the application reads the forwarded headers, and checks that a trusted proxy has sent these
    # headers. Without trusted proxies, waitress removes these headers.
    server = create_server(app, sockets=[listener], ident=None, clear_untrusted_proxy_headers=not has_proxies)
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s", level=logging.INFO)
    if base_url is not None and not has_proxies:
        _LOG.warning(
            "Attempts to sign in are not counted separately for each address. Give the address of the "
            "proxy as trusted_proxy."
        )
    print(f"Serving {base_url or listens_at}", flush=True)
    if base_url is not None:
        print(f"Listening on {listens_at}", flush=True)
    try:
        server.run()
    finally:
        server.close()


def _proxies(address: str, header: str) -> TrustedProxies:
    if header.lower() not in ("x-forwarded-for", "forwarded"):
        raise ValueError("trusted_proxy_headers: must be x-forwarded-for or forwarded")
    try:
        return TrustedProxies([address], headers=[header])
    except ValueError:
        raise ValueError("trusted_proxy: must be an address or a network, such as 127.0.0.1 or 10.0.0.0/8") from None


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on *port* of *host*; port 0 chooses a free port.

    Raises:
        CannotServe: The port is in use or not valid, or this machine does not have the address.
    """
    if not 0 <= port <= 65535:
        raise CannotServe(f"Port {port} is not valid.", "Choose a port from 1 to 65535, or 0 for a free port.")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as exc:
        reason = os.strerror(exc.errno) if exc.errno and exc.errno > 0 else exc.strerror
        raise CannotServe(
            f"Cannot listen on port {port} of {host}: {reason}.", "Choose another port, or 0 for a free port."
        ) from None
