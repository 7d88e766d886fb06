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
@click.option("--base-url", metavar="URL", help="The https URL of the proxy in front, if there is one.")
def serve(host: str, port: int, database: str, base_url: str | None) -> None:
    """Run the reference provider.

    It is a small service where people sign in and approve, with its pages and an API.
    """
    site = _site()
    try:
        site.serve(database, host, port, base_url=base_url)
    except site.CannotServe as exc:
        raise Failure(str(exc).rstrip(".")) from None


@click.command()
def demo() -> int:
    """Run the whole flow over loopback.

    Temporary credentials, approval, a token, a call, and what is refused. The exit code is 0 if all went as it should.
    """
    code: int = _site().demo()
    return code


def _site() -> Any:
    try:
        return import_module("oauth2.site")
    except ModuleNotFoundError as exc:
        raise Failure(
            f"the provider needs {exc.name}", "this first: python -m pip install 'oauth2[provider]'"
        ) from None
