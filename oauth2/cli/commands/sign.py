"""``oauth2 sign``: sign a request without sending it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any, Unpack

import click

from .. import explain
from ..account import Account
from ..credentials import CredentialOptions, find_account
from ..escape import one_line
from ..failure import CREDENTIALS, Failure
from ..group import Command
from ..message import Message
from ..options import (
    PlacementOptions,
    credential_options,
    method_options,
    placement_options,
    request_options,
    with_placement,
)
from ..profile import profile_of
from ..signing import sign_message
from ..terminal import say, say_json

__all__ = ["as_curl", "sign"]


@click.command(cls=Command)
@request_options
@credential_options
@method_options
@placement_options
@click.option(
    "--as",
    "shape",
    type=click.Choice(["header", "url", "form", "curl", "json"]),
    help="What to print. Defaults to the part of the request that contains the signature.",
)
@click.option("--explain", "explained", is_flag=True, help="Show the signature base string step by step.")
@click.option("--nonce", help="Use this oauth_nonce, for example to repeat a signature.")
@click.option("--timestamp", metavar="SECONDS", help="Use this oauth_timestamp, for example to repeat a signature.")
def sign(
    message: Message,
    chosen: CredentialOptions,
    shape: str | None,
    explained: bool,
    nonce: str | None,
    timestamp: str | None,
    **placement: Unpack[PlacementOptions],
) -> None:
    """Sign a request and print it, without sending it.

    The options for the request are the same as in curl. A PLAINTEXT signature is not printed, because it contains the
    secrets.
    """
    account = find_account(chosen, message.url)
    if account.signature_method.startswith("PLAINTEXT"):
        error = "A PLAINTEXT signature is not printed, because it contains the secrets."
        raise Failure(error, "Send the request with: oauth2 request", code=CREDENTIALS)
    account = with_placement(account, placement)
    place = {"url": "query", "form": "body", "header": "header"}.get(shape or "", account.placement or "header")
    signed = sign_message(message, replace(account, placement=place), _fixed(nonce, timestamp))
    if explained:
        _explain(signed, account, shape)
    else:
        _print(signed, shape, place)


def _fixed(nonce: str | None, timestamp: str | None) -> list[tuple[str, str]]:
    if timestamp and not (timestamp.isascii() and timestamp.isdigit()):
        hint = "Give the seconds since 1970-01-01, such as 1700000000."
        raise Failure(f"Not a timestamp: {one_line(timestamp)!r}.", hint)
    given = (("oauth_nonce", nonce), ("oauth_timestamp", timestamp))
    return [(name, value) for name, value in given if value]


def _print(signed: Message, shape: str | None, place: str) -> None:
    if shape == "json":
        say_json(_as_data(signed))
    elif shape == "curl":
        say(as_curl(signed))
    elif shape == "form" or (shape is None and place == "body"):
        say(signed.content().decode("utf-8", "backslashreplace"))
    elif shape == "url" or (shape is None and place == "query"):
        say(signed.url)
    else:
        say(f"Authorization: {signed.header('Authorization')}")


def as_curl(message: Message) -> str:
    """Return a curl command that sends *message*.

    Raises:
        Failure: The body is not UTF-8 text.
    """
    words = ["curl", message.url]
    content = message.content()
    if message.method != ("POST" if content else "GET"):
        words[1:1] = ["--request", message.method] if message.method != "HEAD" else ["--head"]
    for name, value in message.headers:
        words += ["--header", f"{name}: {value}"]
    if content:
        try:
            words += ["--data-raw", content.decode()]
        except UnicodeDecodeError:
            raise Failure("The body is not UTF-8 text.", "Send the request with: oauth2 request") from None
    return " ".join(map(shlex.quote, words))


def _explain(signed: Message, account: Account, shape: str | None) -> None:
    if shape == "json":
        say_json({**_as_data(signed), "explained": explain.as_data(signed, account)})
        return
    for line in explain.steps(signed, account):
        say(line)
    variant = profile_of(account).variant if account.service else None
    if variant:
        say(f"This service deviates from RFC 5849. The request is signed with the service's variant: {variant}.")


def _as_data(signed: Message) -> dict[str, Any]:
    return {"method": signed.method, "url": signed.url, "headers": dict(signed.headers)}
