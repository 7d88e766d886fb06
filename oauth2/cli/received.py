"""Options for a request that was sent or received: a file, or the parts of the request."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import click

from ..signature import SignatureMethod
from .account import Account
from .body import Data, build_message
from .failure import Failure
from .files import read_file
from .har import read_har
from .message import Message
from .methods import for_checking, for_signing
from .profile import profile_of
from .reading import read_message

_Command = Callable[..., int | None]

__all__ = ["Parts", "Received", "known_methods", "read_received", "received_options"]

_NAMES = ("file", "url", "method", "headers", "body", "scheme", "entry")
_OPTIONS = [
    click.argument("file", required=False, metavar="[FILE]"),
    click.option("--url", help="The signed URL, if it differs from the URL in FILE."),
    click.option("-X", "--request", "method", metavar="METHOD", help="The HTTP request method."),
    click.option(
        "-H", "--header", "headers", multiple=True, metavar="LINE", help="A header: 'Authorization: OAuth ...'."
    ),
    click.option("--body", metavar="FILE", help="The file with the exact bytes of the body."),
    click.option(
        "--scheme",
        type=click.Choice(["https", "http"]),
        default="https",
        show_default=True,
        help="The scheme of the URL, if FILE is an HTTP request.",
    ),
    click.option("--entry", type=click.IntRange(1), metavar="NUMBER", help="The number of the entry in a HAR file."),
    click.option("--public-key", metavar="FILE", help="The sender's RSA public key: PEM, DER or a certificate."),
    click.option(
        "--window",
        type=click.IntRange(0),
        default=300,
        show_default=True,
        metavar="SECONDS",
        help="Maximum difference between the timestamp and the clock.",
    ),
    click.option("--any-time", is_flag=True, help="Do not check the timestamp."),
    click.option("--explain", "explained", is_flag=True, help="Show the signature base string step by step."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request that was sent or received.

    Attributes:
        message: The request.
        answer: The WWW-Authenticate header and the body of the response in a HAR file; ``""`` if there is no response.
    """

    message: Message
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Parts:
    """The parts of a request that the user gives in addition to the text of the request.

    For example, *url* replaces the URL in the text. Only *headers* replace nothing: they are added to the headers in
    the text.

    Attributes:
        url: Absolute URL; None to use the URL in the text.
        method: None to use the method in the text.
        headers: Further lines ``Name: value``.
        body: None to use the body in the text.
        scheme: The scheme of the URL. An HTTP request in text does not contain the scheme.
        entry: The number of an entry of a HAR file, from 1; None for the last entry with an OAuth signature.
    """

    url: str | None = None
    method: str | None = None
    headers: tuple[str, ...] = ()
    body: bytes | None = None
    scheme: str = "https"
    entry: int | None = None


def received_options(command: _Command) -> _Command:
    """Add the options for the request, the public key and the timestamp.

    The request becomes the keyword argument ``received`` of *command*.
    """

    @functools.wraps(command)
    def with_received(**given: Any) -> int | None:
        return command(received=_received(**{name: given.pop(name) for name in _NAMES}), **given)

    for decorate in reversed(_OPTIONS):
        with_received = decorate(with_received)
    return with_received


def _received(
    file: str | None,
    url: str | None,
    method: str | None,
    headers: tuple[str, ...],
    body: str | None,
    scheme: str,
    entry: int | None,
) -> Received:
    text = None if file is None else read_file(file)
    content = None if body is None else read_file(body)
    return read_received(text, Parts(url=url, method=method, headers=headers, body=content, scheme=scheme, entry=entry))


def read_received(text: bytes | None, parts: Parts) -> Received:
    """Return the request in *text*; *parts* replace parts of this request.

    Args:
        text: A curl command, an HTTP/1.1 request, or the JSON of a HAR file; None if the parts are the whole request.
        parts: The parts that the user gives in addition to the text.

    Raises:
        Failure: There is no request, or the request is malformed.
    """
    answer = ""
    if text is None:
        if parts.url is None:
            raise Failure("There is no request.", "Give FILE, or --url and --header.")
        made = build_message(parts.url, parts.method, parts.headers, Data())
    else:
        if text.lstrip()[:1] == b"{":
            found, answer = read_har(text, parts.entry)
        else:
            found = read_message(text, parts.scheme)
        fields = build_message(found.url, None, parts.headers, Data()).headers
        if parts.url or "host" in [name.lower() for name, _ in fields]:
            found = found.without_host()
        made = replace(found, url=parts.url or found.url, method=(parts.method or found.method).upper())
        made = replace(made, headers=(*found.headers, *fields))
    content = made.content() if parts.body is None else parts.body
    return Received(message=replace(made, body=content), answer=answer)


def known_methods(account: Account, public_key: str | None) -> dict[str, SignatureMethod]:
    """Return a dict of the methods for the verification of a request of *account*.

    Args:
        account: The account. Its private key also contains the public key.
        public_key: Path of the public key to use instead of the account's key; None to use the account's key.

    Raises:
        Failure: A key cannot be used.
    """
    known = for_checking(public_key)
    profile = profile_of(account) if account.service else None
    if (account.private_key and public_key is None) or (profile and profile.variant):
        # The account may have a private key, which contains the public key. The profile may define a variant of the
        # signature method.
        known[account.signature_method] = for_signing(account, profile)
    return known
