"""``oauth2 serve`` and ``oauth2 demo``: run the reference provider."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from ...provider.diagnoses import Diagnoses
from ...stores import ProviderStore
from ..failure import Failure, missing_package
from ..group import Command
from ..provider_store import KEY_FILE, KEYS, STORE, choose_store, nonces_option

__all__ = ["demo", "serve"]

_PARAMETER = re.compile(r"\b(?:base_url|trusted_proxy(?:_headers)?)\b")


@click.command(cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="The port; 0 chooses a free port."
)
@click.option("--database", default="provider.db", show_default=True, metavar="FILE", help="The SQLite file.")
@click.option("--store", metavar="URL", help=f"The store of clients and grants; default: {STORE}, or the SQLite file.")
@nonces_option
@click.option("--key-file", metavar="FILE", help=f"The keys for encrypted secrets; default: {KEY_FILE} or {KEYS}.")
@click.option("--base-url", metavar="URL", help="The https URL of the reverse proxy, if you use a reverse proxy.")
@click.option(
    "--trusted-proxy",
    metavar="ADDRESS",
    help=(
        "The address or network of the reverse proxy. The provider then counts attempts to sign in separately for "
        "each client address."
    ),
)
@click.option(
    "--trusted-proxy-headers",
    type=click.Choice(["x-forwarded-for", "forwarded"], case_sensitive=False),
    default="x-forwarded-for",
    show_default=True,
    help="The header in which the trusted proxy sends the client address.",
)
@click.option("--diagnose", is_flag=True, help="For each refused request, log the reason.")
def serve(
    host: str,
    port: int,
    database: str,
    *,
    store: str | None,
    nonces: str | None,
    key_file: str | None,
    diagnose: bool,
    **proxy: str | None,
) -> None:
    """Run the reference provider.

    The provider is a small service. It has an API, and pages where users sign in and approve applications. Accounts,
    sessions and notes are always in the SQLite file.
    """
    site = _site()
    with _opened(store, nonces, key_file) as opened, Diagnoses() as diagnoses:
        try:
            site.serve(database, host, port, store=opened, diagnoses=diagnoses if diagnose else None, **proxy)
        except site.CannotServe as exc:
            raise Failure(_in_options(exc.message), _in_options(exc.hint)) from None


@contextmanager
def _opened(store: str | None, nonces: str | None, key_file: str | None) -> Iterator[ProviderStore | None]:
    url = store or os.environ.get(STORE)
    if not url:
        if nonces or key_file:
            raise Failure("--nonces and --key-file need --store.", f"Give --store URL, or set {STORE}.")
        yield None
        return
    chosen = choose_store(store, None, key_file)
    opened = chosen.open_for_provider(nonces)
    try:
        yield opened
    finally:
        opened.close()


def _in_options(text: str) -> str:
    """Return *text* with the names of options instead of the names of parameters of ``serve()``."""
    return _PARAMETER.sub(lambda found: f"--{found[0].replace('_', '-')}", text)


@click.command(cls=Command)
def demo() -> int:
    """Run the complete OAuth flow on this machine.

    The demo gets temporary credentials, approves these credentials, gets a token, and calls the API. The demo also
    sends requests that must be refused. The exit code is 0 if each step has the expected result.
    """
    code: int = _site().demo()
    return code


def _site() -> Any:
    try:
        return import_module("oauth2.site")
    except ModuleNotFoundError as exc:
        raise missing_package(str(exc.name), "provider") from None
