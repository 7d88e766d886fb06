"""The options of ``oauth2 doctor --web``, which serves a page instead of printing a diagnosis."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click
from click.core import ParameterSource

from ..failure import Failure, missing_package

__all__ = ["page_options"]

_Command = Callable[..., int | None]
_OWN = ("web", "port", "browser")
_OPTIONS = [
    click.option(
        "--web", is_flag=True, help=("Serve a page on this machine. Enter a request and its credentials on the page.")
    ),
    click.option("--port", type=click.IntRange(0, 65535), help="The port of the page. Defaults to a free port."),
    click.option("--browser", is_flag=True, help="Open the page in the browser."),
]


def page_options(command: _Command) -> _Command:
    """Add ``--web``, ``--port`` and ``--browser`` to *command*. With ``--web``, *command* is not called."""

    @functools.wraps(command)
    def with_page(*, web: bool, port: int | None, browser: bool, **given: Any) -> int | None:
        if web:
            _require_nothing_else()
            _serve(port or 0, opens_browser=browser)
            return 0
        if port is not None or browser:
            raise Failure("--port and --browser need --web.", "Add --web.")
        return command(**given)

    for decorate in reversed(_OPTIONS):
        with_page = decorate(with_page)
    return with_page


def _require_nothing_else() -> None:
    context = click.get_current_context()
    for each in context.command.params:
        is_given = context.get_parameter_source(each.name or "") is ParameterSource.COMMANDLINE
        if is_given and each.name not in _OWN:
            name = each.opts[-1] if isinstance(each, click.Option) else "FILE"
            raise Failure(f"--web cannot be used with {name}.", "Enter the request and the credentials on the page.")


def _serve(port: int, *, opens_browser: bool) -> None:
    try:
        page = import_module("oauth2.cli.doctor_page")
    except ModuleNotFoundError as exc:
        raise missing_package(str(exc.name), "provider") from None
    page.serve_page(port, opens_browser=opens_browser)
