"""Options that several commands share: how a request is given, and what it is signed with."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from .credentials import Wanted
from .failure import Failure
from .message import Data, build_message
from .methods import NAMES
from .terminal import one_line
from .vault import open_vault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .account import Account
    from .message import Message

    Command = Callable[..., Any]

_DATA = ("data", "data_raw", "data_binary", "data_urlencode", "form", "json", "upload")
_BODY_OPTIONS = [
    click.option("-d", "--data", multiple=True, metavar="DATA", help="Form data, or @FILE; several are joined by &."),
    click.option("--data-raw", multiple=True, metavar="DATA", help="The same, with no meaning for @."),
    click.option("--data-binary", multiple=True, metavar="DATA", help="The same; the lines of @FILE stay."),
    click.option(
        "--data-urlencode",
        "--form-urlencode",
        multiple=True,
        metavar="DATA",
        help="Form data to be encoded: NAME=TEXT or NAME@FILE.",
    ),
    click.option(
        "-F", "--form", multiple=True, metavar="NAME=TEXT", help="A multipart field, or a file to upload: NAME=@FILE."
    ),
    click.option("--json", multiple=True, metavar="DATA", help="JSON data, or @FILE."),
    click.option("-T", "--upload-file", "upload", metavar="FILE", help="A file to send with PUT."),
    click.option("-G", "--get", is_flag=True, help="Put the data into the query."),
    click.option("-I", "--head", is_flag=True, help="Ask for the headers only."),
]
_REQUEST_OPTIONS = [
    click.argument("url", metavar="URL"),
    click.option("-X", "--request", "method", metavar="METHOD", help="HTTP request method."),
    click.option("-H", "--header", "headers", multiple=True, metavar="LINE", help="A header: 'Name: value'."),
    *_BODY_OPTIONS,
]


def request_options(command: Command) -> Command:
    """Add curl's options for a request; *command* gets ``message``."""

    @functools.wraps(command)
    def with_message(**given: Any) -> Any:
        return command(message=take_message(given), **given)

    return _add(with_message, _REQUEST_OPTIONS)


def take_message(given: dict[str, Any]) -> Message:
    """Take the options of a request out of *given*, and return the message that they make.

    Raises:
        Failure: They make none.
    """
    data = Data(**{name: given.pop(name) for name in _DATA})
    url, method, headers = given.pop("url"), given.pop("method"), given.pop("headers")
    if given.pop("head"):
        method = method or "HEAD"
    return build_message(url, method, headers, data, get=given.pop("get"))


def credential_options(command: Command) -> Command:
    """Add the options that say what to sign or verify with; *command* gets ``wanted``."""

    @functools.wraps(command)
    def with_credentials(**given: Any) -> Any:
        names = ("account", "credentials", "signature_method", "private_key")
        wanted = Wanted(**{name: given.pop(name, None) for name in names})
        return command(wanted=wanted, **given)

    return _add(
        with_credentials,
        [
            click.option("-a", "--account", metavar="NAME", help="An account.", shell_complete=complete_account),
            credentials_option,
        ],
    )


credentials_option = click.option("--credentials", metavar="FILE", help="A file of credentials, - for standard input.")


def method_options(command: Command) -> Command:
    """Add the options that say how to sign."""
    return _add(
        command,
        [
            click.option(
                "--signature-method",
                type=click.Choice(NAMES, case_sensitive=False),
                metavar="METHOD",
                help=f"One of {', '.join(NAMES)}.",
            ),
            click.option("--private-key", metavar="FILE", help="RSA private key: PEM, DER or PKCS#12."),
        ],
    )


def placement_options(command: Command) -> Command:
    """Add the options that say where the protocol parameters go, and with what."""
    return _add(
        command,
        [
            click.option(
                "--placement",
                type=click.Choice(["header", "query", "body"]),
                help="Where the protocol parameters go.",
            ),
            click.option("--realm", help="Realm of the Authorization header; '' for none."),
            click.option("--body-hash/--no-body-hash", default=None, help="Send oauth_body_hash with what is no form."),
        ],
    )


def how_to_sign(account: Account, **how: Any) -> Account:
    """Return *account* with what :func:`placement_options` say in place of its own."""
    return replace(account, **{name: value for name, value in how.items() if value is not None})


def read_pair(text: str) -> tuple[str, str]:
    """Return name and value of ``NAME=VALUE``.

    Raises:
        Failure: It is not.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Failure(f"{one_line(text)!r} is not NAME=VALUE", "write it so")
    return name, value


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def complete_account(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the accounts whose names begin with *incomplete*."""
    return [name for name in open_vault().names() if name.startswith(incomplete)]


def _add(command: Command, decorators: Sequence[Callable[[Any], Any]]) -> Command:
    for decorate in reversed(decorators):
        command = decorate(command)
    return command
