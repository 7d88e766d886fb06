"""``oauth2 sign``: sign a request without sending it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from ...outgoing import ORIGIN, Outgoing, sign_outgoing
from ...parameters import add_to_query, build_form
from .. import explain, methods
from ..credentials import Wanted, find_account
from ..failure import CREDENTIALS, Failure
from ..message import Message
from ..options import credential_options, method_options, placement_options, request_options
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
    placement: str | None,
    realm: str | None,
    body_hash: bool | None,
    shape: str | None,
    explained: bool,
    nonce: str | None,
    timestamp: str | None,
) -> None:
    """Sign a request to URL, and print it instead of sending it.

    Options for the request are those of curl. A PLAINTEXT signature is not printed: it is the secrets themselves.
    """
    account = find_account(wanted, message.url)
    if account.signature_method.startswith("PLAINTEXT"):
        what = "a PLAINTEXT signature is the secrets themselves, and is not printed"
        raise Failure(what, "send the request with: oauth2 request", code=CREDENTIALS)
    placement = {"url": "query", "form": "body", "header": "header"}.get(shape or "", placement or account.placement)
    fixed = [(name, value) for name, value in (("oauth_nonce", nonce), ("oauth_timestamp", timestamp)) if value]
    signed = sign_message(message, account, placement, realm, body_hash, fixed)
    if explained:
        _explain(signed, account, shape)
    elif shape == "json":
        say_json(_as_data(signed))
    elif shape == "curl":
        say(as_curl(signed))
    elif shape == "form" or (shape is None and placement == "body"):
        say(signed.content().decode("utf-8", "backslashreplace"))
    elif shape == "url" or (shape is None and placement == "query"):
        say(signed.url)
    else:
        say(f"Authorization: {signed.header('Authorization')}")


def sign_message(
    message: Message,
    account: Account,
    placement: str | None = None,
    realm: str | None = None,
    body_hash: bool | None = None,
    fixed: list[tuple[str, str]] | None = None,
) -> Message:
    """Return *message* signed by *account*.

    Args:
        message: The request; it stays as it is.
        account: Whose credentials, and how.
        placement: "header", "query", "body"; None for the header.
        realm: In place of the account's; "" for none.
        body_hash: In place of the account's.
        fixed: Protocol parameters that are not made anew.

    Raises:
        Failure: It cannot be signed so.
    """
    realm = account.realm if realm is None else realm
    with_hash = account.body_hash if body_hash is None else body_hash
    outgoing = Outgoing(
        message.method,
        add_to_query(message.url, build_form(fixed or [])),
        message.body,
        message.header("Content-Type"),
    )
    try:
        signed = sign_outgoing(
            outgoing,
            account.consumer,
            account.token_credentials,
            methods.for_signing(account),
            placement=placement or "header",
            realm=ORIGIN if realm is None else realm or None,
            body_hash=with_hash is not False,
        )
    except ValueError as exc:
        raise Failure(str(exc).rstrip(".").replace(";", ","), "look at --placement, --realm and the URL") from None
    fields = [field for field in message.headers if field[0].lower() not in ("authorization", "content-type")]
    if signed.content_type:
        fields.append(("Content-Type", signed.content_type))
    if signed.authorization is not None:
        fields.append(("Authorization", signed.authorization))
    body = signed.body.encode() if isinstance(signed.body, str) else signed.body
    return Message(method=message.method, url=signed.uri, headers=tuple(fields), body=body)


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


def _as_data(signed: Message) -> dict[str, Any]:
    return {"method": signed.method, "url": signed.url, "headers": dict(signed.headers)}
