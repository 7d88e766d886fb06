"""``oauth2 serve`` and ``oauth2 demo``: the reference provider."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from ..failure import Failure


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 for a free one.")
@click.option("--database", default="provider.db", show_default=True, metavar="FILE", help="SQLite file.")
def serve(host: str, port: int, database: str) -> None:
    """Run the reference provider.

    It is a small service where people sign in and approve, with its pages and an API.
    """
    _site().serve(database=database, host=host, port=port)


@click.command()
def demo() -> None:
    """Run the whole flow over loopback.

    Temporary credentials, approval, a token, a call, and what is refused.
    """
    _site().demo()


def _site() -> Any:
    try:
        return import_module("oauth2.site")
    except ModuleNotFoundError as exc:
        raise Failure(
            f"the provider needs {exc.name}", "this first: python -m pip install 'oauth2[provider]'"
        ) from None
