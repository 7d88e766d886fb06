"""``oauth2 sign``: sign a request without sending it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from .. import explain
from ..credentials import Wanted, find_account
from ..failure import CREDENTIALS, Failure
from ..message import Message
from ..options import credential_options, how_to_sign, method_options, placement_options, request_options
from ..profile import profile_of
from ..signing import sign_message
from ..terminal import say, say_json

if TYPE_CHECKING:
    from ..account import Account


@click.command()
@request_options
@credential_options
@method_options
@placement_options
@click.option(
    "--as",
    "shape",
    type=click.Choice(["header", "url", "form", "curl", "json"]),
    help="What to print; unless given: what was signed, where it was placed.",
)
@click.option("--explain", "explained", is_flag=True, help="Show the signature base string step by step.")
@click.option("--nonce", help="This oauth_nonce, to repeat a signature.")
@click.option("--timestamp", metavar="SECONDS", help="This oauth_timestamp, to repeat a signature.")
def sign(
    message: Message,
    wanted: Wanted,
    shape: str | None,
    explained: bool,
    nonce: str | None,
    timestamp: str | None,
    **how: Any,
) -> None:
    """Sign a request, and print it.

    Nothing is sent. Options for the request are those of curl. A PLAINTEXT signature is not printed: it is the
    secrets themselves.
    """
    account = find_account(wanted, message.url)
    if account.signature_method.startswith("PLAINTEXT"):
        what = "a PLAINTEXT signature is the secrets themselves, and is not printed"
        raise Failure(what, "send the request with: oauth2 request", code=CREDENTIALS)
    account = how_to_sign(account, **how)
    placed = {"url": "query", "form": "body", "header": "header"}.get(shape or "", account.placement or "header")
    given = (("oauth_nonce", nonce), ("oauth_timestamp", timestamp))
    fixed = [(name, value) for name, value in given if value]
    signed = sign_message(message, replace(account, placement=placed), fixed)
    if explained:
        _explain(signed, account, shape)
    elif shape == "json":
        say_json(_as_data(signed))
    elif shape == "curl":
        say(as_curl(signed))
    elif shape == "form" or (shape is None and placed == "body"):
        say(signed.content().decode("utf-8", "backslashreplace"))
    elif shape == "url" or (shape is None and placed == "query"):
        say(signed.url)
    else:
        say(f"Authorization: {signed.header('Authorization')}")


def as_curl(message: Message) -> str:
    """Return a curl command that sends *message*.

    Raises:
        Failure: Its body is no text.
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
            raise Failure("the body is no text", "send it with: oauth2 request") from None
    return " ".join(map(shlex.quote, words))


def _explain(signed: Message, account: Account, shape: str | None) -> None:
    if shape == "json":
        say_json({**_as_data(signed), "explained": explain.as_data(signed, account)})
        return
    for line in explain.steps(signed, account):
        say(line)
    variant = profile_of(account).variant if account.service else None
    if variant:
        say(f"This service deviates from RFC 5849, and is signed for its own way: {variant}.")


def _as_data(signed: Message) -> dict[str, Any]:
    return {"method": signed.method, "url": signed.url, "headers": dict(signed.headers)}
