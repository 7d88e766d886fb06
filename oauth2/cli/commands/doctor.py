"""``oauth2 doctor``: find the mistake in the signature of a request."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

import click

from ...credentials import Consumer, Credentials
from ...doctor import Diagnosis, diagnose, find_base_string
from ...doctor.report import lines, pieces_lines
from ...signature import SignatureMethod
from ..account import Account
from ..credentials import CredentialOptions, find_account, obtain
from ..escape import one_line
from ..failure import REFUSED, Failure
from ..files import read_file
from ..group import Command
from ..options import as_json, complete_account, credential_options
from ..profile import profile_of
from ..received import Received, known_methods, received_options
from ..terminal import say, say_json
from ..vault import open_vault
from ..verdict import http_request_of
from .doctor_web import page_options

__all__ = ["doctor"]


@click.command(cls=Command)
@page_options
@received_options
@click.option("--their-base-string", metavar="TEXT", help="The signature base string that the service reports.")
@click.option(
    "--answer", metavar="FILE", help="Read the service's base string from this file, which contains the response."
)
@click.option("--nonce-used", is_flag=True, help="The service says that the nonce was used before.")
@click.option(
    "--known",
    multiple=True,
    metavar="NAME",
    help="Another account whose credentials the client may have used by mistake.",
    shell_complete=complete_account,
)
@credential_options
@click.option("--prompt", is_flag=True, help="Ask for the credentials, and do not store them.")
@as_json
def doctor(
    chosen: CredentialOptions,
    received: Received,
    public_key: str | None,
    window: int,
    any_time: bool,
    explained: bool,
    their_base_string: str | None,
    answer: str | None,
    nonce_used: bool,
    known: tuple[str, ...],
    prompt: bool,
    as_json: bool,
) -> int:
    """Find the mistake in the signature of a request.

    FILE contains a curl command, an HTTP request or a HAR file; - is standard input. Without FILE, describe the request
    with options. The output contains no secret.

    With --web, enter the request and the credentials on a page. Only --port and --browser can be combined with --web.
    """
    account = _asked(chosen) if prompt else find_account(chosen, received.message.url)
    consumer = _consumer(account, known_methods(account, public_key))
    diagnosis = diagnose(
        http_request_of(received.message),
        consumer,
        account.token_credentials,
        known=list(_others(known)),
        their_base_string=their_base_string or _reported(received, answer),
        now=None if any_time else time.time(),
        timestamp_threshold=window,
        nonce_used=nonce_used,
    )
    if as_json:
        say_json(_as_data(diagnosis, explained=explained))
    else:
        _say(diagnosis, account, explained=explained)
    return 0 if diagnosis.verdict == "right" else REFUSED


def _asked(chosen: CredentialOptions) -> Account:
    if chosen.account is not None:
        raise Failure("--account and --prompt cannot be used together.", "Remove --account or --prompt.")
    return obtain(chosen.credentials, with_token=True)


def _say(diagnosis: Diagnosis, account: Account, *, explained: bool) -> None:
    for line in [*lines(diagnosis), *_variant(account), *(_steps(diagnosis) if explained else ())]:
        say(one_line(line))


def _variant(account: Account) -> Iterator[str]:
    profile = profile_of(account) if account.service else None
    if profile is not None and profile.variant:
        yield f"{account.service} deviates from RFC 5849, but this diagnosis follows RFC 5849. Run: oauth2 verify"


def _consumer(account: Account, methods: dict[str, SignatureMethod]) -> Consumer:
    keys = [key for each in methods.values() if (key := getattr(each, "public_key", None)) is not None]
    return Consumer(account.consumer_key, account.consumer_secret, public_key=keys[0] if keys else None)


def _others(names: tuple[str, ...]) -> Iterator[Credentials]:
    for name in names:
        account = open_vault().load(name)
        yield account.consumer
        if account.token_credentials is not None:
            yield account.token_credentials


def _reported(received: Received, answer: str | None) -> str | None:
    if answer is None:
        return find_base_string(received.answer)
    found = find_base_string(read_file(answer).decode("utf-8", "replace"))
    if found is None:
        raise Failure("The response contains no signature base string.", "Run the command without --answer.")
    return found


def _steps(diagnosis: Diagnosis) -> Iterator[str]:
    if diagnosis.pieces is None:
        return
    yield ""
    yield "The signature base string, as RFC 5849 defines it:"
    yield from pieces_lines(diagnosis.pieces)
    yield f"  tried       {diagnosis.tried} base strings"


def _as_data(diagnosis: Diagnosis, *, explained: bool) -> dict[str, object]:
    found = dataclasses.asdict(diagnosis)
    if not explained:
        del found["pieces"]
    found["findings"] = [{**dataclasses.asdict(each), "repair": each.repair} for each in diagnosis.findings]
    return found
