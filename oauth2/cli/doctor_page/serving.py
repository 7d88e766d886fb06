"""``serve_page``: run the page with waitress."""

from __future__ import annotations

import webbrowser
from typing import Any

from waitress.server import create_server  # type: ignore[import-untyped]

from ...site.serving import CannotServe, listening
from ..failure import Failure
from ..terminal import say
from .app import LARGEST, create_page

__all__ = ["serve_page"]

_ADDRESS = "127.0.0.1"
_SILENCE = 30  # In seconds. The server closes a connection that sends no data within this time.
_IN_MEMORY = 4 * LARGEST  # In bytes. waitress would write a larger request to a temporary file, so this limit is high.


def serve_page(port: int = 0, *, opens_browser: bool = False) -> None:
    """Serve the page until the user presses Ctrl-C. Print the URL when the server accepts connections.

    Args:
        port: The port of 127.0.0.1; 0 chooses a free port.
        opens_browser: Whether to open the page in the user's browser.

    Raises:
        Failure: The port is in use.
    """
    try:
        listener = listening(_ADDRESS, port)
    except CannotServe as exc:
        raise Failure(exc.message, exc.hint) from None
    with listener:
        connections: dict[int, Any] = {}
        server = create_server(
            create_page(),
            map=connections,
            sockets=[listener],
            ident=None,
            channel_timeout=_SILENCE,
            max_request_body_size=2 * LARGEST,  # The application refuses a form that is larger than LARGEST.
            inbuf_overflow=_IN_MEMORY,
            outbuf_overflow=_IN_MEMORY,
        )
        url = f"http://{_ADDRESS}:{listener.getsockname()[1]}"
        say(f"Serving {url}")
        say("Only this machine can open the page. Press Ctrl-C to stop.")
        if opens_browser:
            webbrowser.open(url)
        try:
            server.run()
        finally:
            server.close()
            for each in [*connections.values()]:  # Browsers do not close connections, so the server closes them.
                each.close()
    say("Stopped.")
