"""Options that several commands have: for the request, the credentials, and the signature."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypedDict

import click

from .account import Account
from .body import Data, build_message
from .credentials import CredentialOptions
from .escape import one_line
from .failure import Failure
from .message import Message
from .methods import NAMES
from .vault import open_vault

_Command = Callable[..., int | None]

__all__ = [
    "REQUEST_OPTIONS",
    "PlacementOptions",
    "Seconds",
    "SigningOptions",
    "as_json",
    "complete_account",
    "credential_options",
    "credentials_option",
    "given_only",
    "method_options",
    "placement_options",
    "read_pair",
    "request_options",
    "take_message",
    "with_placement",
]

_DATA = ("data", "data_raw", "data_binary", "data_urlencode", "form", "json", "upload")
_BODY_OPTIONS = [
    click.option(
        "-d", "--data", multiple=True, metavar="DATA", help="Form data, or @FILE. Several values are joined by &."
    ),
    click.option("--data-raw", multiple=True, metavar="DATA", help="Like --data, but @ has no special meaning."),
    click.option(
        "--data-binary", multiple=True, metavar="DATA", help=("Like --data, but line ends of @FILE are not removed.")
    ),
    click.option(
        "--data-urlencode",
        "--form-urlencode",
        multiple=True,
        metavar="DATA",
        help="Form data to encode: NAME=TEXT or NAME@FILE.",
    ),
    click.option(
        "-F",
        "--form",
        multiple=True,
        metavar="NAME=TEXT",
        help="A field of a multipart form. NAME=@FILE uploads a file.",
    ),
    click.option("--json", multiple=True, metavar="DATA", help="JSON data, or @FILE."),
    click.option("-T", "--upload-file", "upload", metavar="FILE", help="Send FILE with PUT."),
    click.option("-G", "--get", is_flag=True, help="Put the data into the query."),
    click.option("-I", "--head", is_flag=True, help="Request only the headers (HEAD)."),
]
REQUEST_OPTIONS = [
    click.argument("url", metavar="URL"),
    click.option("-X", "--request", "method", metavar="METHOD", help="The HTTP request method."),
    click.option("-H", "--header", "headers", multiple=True, metavar="LINE", help="A header: 'Name: value'."),
    *_BODY_OPTIONS,
]


def request_options(command: _Command) -> _Command:
    """Add curl's options for a request; they become the keyword argument ``message`` of *command*."""

    @functools.wraps(command)
    def with_message(**given: Any) -> int | None:
        return command(message=take_message(given), **given)

    return _add(with_message, REQUEST_OPTIONS)


def take_message(given: dict[str, Any]) -> Message:
    """Remove the options of a request from *given*, and return the request.

    Raises:
        Failure: An option is malformed.
    """
    data = Data(**{name: given.pop(name) for name in _DATA})
    url, method, headers = given.pop("url"), given.pop("method"), given.pop("headers")
    if given.pop("head"):
        method = method or "HEAD"
    return build_message(url, method, headers, data, get=given.pop("get"))


def credential_options(command: _Command) -> _Command:
    """Add the options that choose credentials; they become the keyword argument ``chosen`` of *command*."""

    @functools.wraps(command)
    def with_credentials(**given: Any) -> int | None:
        names = ("account", "credentials", "signature_method", "private_key")
        chosen = CredentialOptions(**{name: given.pop(name, None) for name in names})
        return command(chosen=chosen, **given)

    return _add(
        with_credentials,
        [
            click.option("-a", "--account", metavar="NAME", help="Use this account.", shell_complete=complete_account),
            credentials_option,
        ],
    )


credentials_option = click.option(
    "--credentials", metavar="FILE", help="Read credentials from FILE; - is standard input."
)


def method_options(command: _Command) -> _Command:
    """Add the options for the signature method and its key."""
    return _add(
        command,
        [
            click.option(
                "--signature-method",
                type=click.Choice(NAMES, case_sensitive=False),
                metavar="METHOD",
                help=f"One of {', '.join(NAMES)}.",
            ),
            click.option("--private-key", metavar="FILE", help="The RSA private key: PEM, DER or PKCS#12."),
        ],
    )


def placement_options(command: _Command) -> _Command:
    """Add the options for the place of the protocol parameters, the realm and the body hash."""
    return _add(
        command,
        [
            click.option(
                "--placement",
                type=click.Choice(["header", "query", "body"]),
                help="The place of the protocol parameters.",
            ),
            click.option("--realm", help="The realm of the Authorization header; '' for none."),
            click.option(
                "--body-hash/--no-body-hash", default=None, help="Send oauth_body_hash if the body is not a form."
            ),
        ],
    )


class PlacementOptions(TypedDict):
    """The options of :func:`placement_options`; None if an option was not given."""

    placement: str | None
    realm: str | None
    body_hash: bool | None


class SigningOptions(PlacementOptions):
    """The options of :func:`placement_options` and :func:`method_options`; None if an option was not given."""

    signature_method: str | None
    private_key: str | None


def with_placement(account: Account, options: PlacementOptions) -> Account:
    """Return a copy of *account* in which the given *options* replace the options of the account."""
    return replace(account, **given_only(options))


def given_only(options: PlacementOptions) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def read_pair(text: str) -> tuple[str, str]:
    """Return the name and the value of ``NAME=VALUE``.

    Raises:
        Failure: *text* does not have the form ``NAME=VALUE``.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Failure(f"Not of the form NAME=VALUE: {one_line(text)!r}.", "Give a name, an equals sign and a value.")
    return name, value


class Seconds(click.FloatRange):
    """A duration: more than 0 seconds, at most a day."""

    def __init__(self) -> None:
        super().__init__(min=0.001, max=86_400)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return *value* as a number of seconds."""
        seconds = super().convert(value, param, ctx)
        if seconds != seconds:  # The value is NaN, which the comparisons with the limits do not refuse.
            self.fail(f"{value!r} is not a valid number of seconds.", param, ctx)
        return seconds


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def complete_account(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the accounts whose names start with *incomplete*, for shell completion."""
    return [name for name in open_vault().names() if name.startswith(incomplete)]


def _add(command: _Command, decorators: Sequence[Callable[[Any], Any]]) -> _Command:
    for decorate in reversed(decorators):
        command = decorate(command)
    return command
