"""``oauth2 request``: sign a request and send it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

import click
import requests

from ..._login.response import without_secrets
from ..._sending.service_time import REFUSALS
from ..._wire.form import FORM
from ..account import Account
from ..credentials import CredentialOptions, find_account
from ..failure import UNREACHABLE, Failure
from ..group import Command
from ..limits import within
from ..message import Message
from ..options import (
    PlacementOptions,
    Seconds,
    credential_options,
    method_options,
    placement_options,
    request_options,
    with_placement,
)
from ..problem import hint_for, problem_of, refusal, text_of
from ..profile import profile_of
from ..redact import redacted_text
from ..response import say_head, show_exchange, write_body
from ..signing import signer
from ..wanted import note_wanted
from ..wire import failures, send

if TYPE_CHECKING:
    from ...clients.requests import OAuth1

__all__ = ["request"]

_MOST = 100  # Maximum number of characters of a service's error code that are shown.
_START = 4096  # Maximum number of bytes of a refusal that are read.


@click.command(cls=Command)
@request_options
@click.option("-o", "--output", metavar="FILE", help="Write the response body to FILE; - is standard output.")
@click.option("-i", "--include", is_flag=True, help="Also print the status line and the headers.")
@click.option("-v", "--verbose", is_flag=True, help="Show all headers on standard error, without credentials.")
@click.option("-f", "--fail", is_flag=True, help="Report a status of 400 or more as an error; the exit code is 1.")
@click.option(
    "-L",
    "--location",
    "follow",
    is_flag=True,
    help="Follow redirects, but send credentials only to the origin of URL.",
)
@click.option(
    "--timeout",
    type=Seconds(),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Time limit for the connection and for each read.",
)
@click.option(
    "--max-time",
    type=Seconds(),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="Time limit for the whole request.",
)
@click.option(
    "--max-filesize",
    type=click.IntRange(min=0),
    default=1 << 30,
    show_default=True,
    metavar="BYTES",
    help="Maximum size of the decompressed response.",
)
@click.option(
    "--cacert",
    "ca_file",
    type=click.Path(exists=True),
    metavar="FILE",
    help="Trust the certificates in this file instead of the system's certificates.",
)
@credential_options
@method_options
@placement_options
def request(
    message: Message,
    chosen: CredentialOptions,
    timeout: float,
    max_time: float,
    max_filesize: int,
    follow: bool,
    ca_file: str | None,
    output: str | None,
    include: bool,
    verbose: bool,
    fail: bool,
    **placement: Unpack[PlacementOptions],
) -> None:
    """Sign a request and send it.

    The options for the request are the same as in curl. Without --account, the command uses the account for the scheme
    and host of the URL.
    """
    if message.header("Authorization"):
        raise Failure(
            "--header must not contain Authorization: this command creates this header.",
            "Remove the header, or use curl.",
        )
    account = with_placement(find_account(chosen, message.url), placement)
    if account.placement == "body" and not message.header("Content-Type"):
        message = replace(message, headers=(*message.headers, ("Content-Type", FORM)))
    expired = Failure(
        f"The request took longer than {max_time:g} seconds.",
        "If the service needs more time, give a longer --max-time.",
        code=UNREACHABLE,
    )
    auth = signer(account)
    with (
        within(max_time, expired),
        send(message, auth, follow=follow, timeout=timeout, ca_file=ca_file) as response,
        failures(message.url, timeout),
    ):
        if verbose:
            show_exchange(response)
        if fail and (response.status_code >= 400 or _error_code(account, response)):
            raise _refusal(response, account, auth, timeout)
        if include or response.request.method == "HEAD":
            say_head(response)
        write_body(response, output, max_filesize)
        if response.status_code in REFUSALS and not response.history:
            note_wanted(auth.explain(), _secrets(account), with_problem=True)


def _error_code(account: Account, response: requests.Response) -> str:
    # MediaWiki's API reports an error in a header field of a response with status 200, so the status alone does not
    # show the refusal.
    header = None if account.service is None else profile_of(account).error_header
    return "" if header is None else redacted_text(response.headers.get(header, ""))[:_MOST]


def _secrets(account: Account) -> list[str]:
    return [each for each in (account.consumer_secret, account.token, account.token_secret) if each]


def _refusal(response: requests.Response, account: Account, auth: OAuth1, timeout: float) -> Failure:
    start = ""
    with suppress(Failure), within(timeout, Failure("The refusal does not end.", "Try again later.")):
        start = next(response.iter_content(_START), b"").decode("utf-8", "replace")
    problem = problem_of(response.headers.get("WWW-Authenticate", ""), start)
    secrets = _secrets(account)
    note_wanted(auth.explain(start), secrets, with_problem=False)
    text = text_of(without_secrets(start, secrets))
    answered = f"{response.status_code} {response.reason or ''}".rstrip()
    hint = hint_for(response.status_code, problem, text)
    return refusal(answered, problem or _error_code(account, response), text, hint)
