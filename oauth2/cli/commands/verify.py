"""``oauth2 verify``: does the signature of a request hold?"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from ... import errors
from ...request import Request
from ...server import Server
from .. import explain, methods
from ..account import shortened
from ..credentials import Wanted, find_account
from ..diagnosis import find_mistake
from ..failure import REFUSED, Failure
from ..message import Data, Message, build_message, read_file
from ..options import as_json, credential_options
from ..profile import profile_of
from ..reading import read_message
from ..terminal import one_line, say, say_error, say_json

if TYPE_CHECKING:
    from ..account import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of it.

    Attributes:
        check: The check that failed, "" if none did.
        message: What is wrong.
        remedy: What to do about it.
    """

    check: str = ""
    message: str = ""
    remedy: str = ""


@click.command()
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--url", help="The URL that was signed, in place of the one in FILE.")
@click.option("-X", "--request", "method", metavar="METHOD", help="HTTP request method.")
@click.option("-H", "--header", "headers", multiple=True, metavar="LINE", help="A header: 'Authorization: OAuth ...'.")
@click.option("--body", metavar="FILE", help="A file with the body, octet for octet.")
@click.option(
    "--scheme",
    type=click.Choice(["https", "http"]),
    default="https",
    show_default=True,
    help="Of an HTTP request in FILE, which does not say it.",
)
@click.option("--public-key", metavar="FILE", help="The sender's RSA public key: PEM, DER or a certificate.")
@click.option(
    "--window", type=int, default=300, show_default=True, metavar="SECONDS", help="How far off the timestamp may be."
)
@click.option("--any-time", is_flag=True, help="Do not look at the timestamp.")
@click.option("--explain", "explained", is_flag=True, help="Show the signature base string step by step.")
@credential_options
@as_json
def verify(
    wanted: Wanted,
    file: str | None,
    public_key: str | None,
    window: int,
    any_time: bool,
    explained: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Tell whether the signature of a request holds.

    The request is a curl command or an HTTP request in FILE, - for standard input, or what the options say.

    Whether the nonce was used before, only the service knows.
    """
    message = _message(file, **given)
    account = find_account(wanted, message.url)
    request, verdict = check(message, account, _known(account, public_key), None if any_time else window)
    if as_json:
        say_json({"valid": not verdict.check, **_named(verdict), **_facts(request)})
        return REFUSED if verdict.check else 0
    if explained and request is not None:
        for line in explain.steps(message, replace(account, signature_method=_text(request, "oauth_signature_method"))):
            say(line)
    if verdict.check:
        say_error(f"{verdict.message}; do {verdict.remedy}")
        return REFUSED
    facts = _facts(request)
    token = f", token {facts['token']}" if facts["token"] else ""
    say(one_line(f"The signature holds ({facts['signature_method']}, consumer key {facts['consumer_key']}{token})."))
    return 0


def _known(account: Account, public_key: str | None) -> dict[str, Any]:
    known = methods.for_checking(public_key)
    profile = profile_of(account) if account.service else None
    if (account.private_key and public_key is None) or (profile and profile.variant):
        # A private key has its public half, and a service may have a way of its own.
        known[account.signature_method] = methods.for_signing(account, profile)
    return known


def _message(
    file: str | None, url: str | None, method: str | None, headers: tuple[str, ...], body: str | None, scheme: str
) -> Message:
    if file is None:
        if url is None:
            raise Failure("no request was given", "give a FILE, or --url and --header")
        made = build_message(url, method, headers, Data())
    else:
        found = read_message(read_file(file), scheme)
        fields = build_message(found.url, None, headers, Data()).headers
        made = replace(found, url=url or found.url, method=(method or found.method).upper())
        made = replace(made, headers=(*found.headers, *fields))
    content = made.content() if body is None else read_file(body)
    return replace(made, body=content)


def check(
    message: Message, account: Account, known: dict[str, Any], window: int | None
) -> tuple[Request | None, Verdict]:
    """Return the request that *message* is, and what came of its verification.

    Args:
        message: The request as it arrived.
        account: The credentials that should have signed it.
        known: Signature methods by name.
        window: Seconds that the timestamp may be off; None for any time.
    """
    try:
        request = Request.from_request(message.method, message.url, message, body=message.content())
    except errors.Error as exc:
        return None, _refused("syntax", exc, "look at the request: a receiver has to refuse it")
    if request is None:
        return None, Verdict(
            check="syntax", message="the request has no OAuth parameters", remedy="give its Authorization header"
        )
    mismatch = _mismatch(request, account)
    if mismatch is not None:
        return request, mismatch
    try:
        # By its own clock first, so that a wrong signature is found behind an old timestamp.
        _server(known, request, None).verify_request(request, account.consumer, account.token_credentials)
        if window is not None:
            _server(known, request, window).verify_request(request, account.consumer, account.token_credentials)
    except errors.Error as exc:
        return request, _explained(exc, message, request, account, known)
    return request, Verdict()


def _server(known: dict[str, Any], request: Request, window: int | None) -> Server:
    stamp = _text(request, "oauth_timestamp")
    own = int(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) <= 15 else 0
    clock = time.time if window is not None else lambda: own
    return Server(known, nonce_store=None, clock=clock, timestamp_threshold=window or 0)


def _mismatch(request: Request, account: Account) -> Verdict | None:
    named = _text(request, "oauth_consumer_key")
    if named and named != account.consumer_key:
        return Verdict(
            check="consumer_key",
            message=f"the request names the consumer key {named!r}, and the account has {account.consumer_key!r}",
            remedy="choose the account that sent it, with --account",
        )
    if "oauth_token" in request and account.token is None:
        return Verdict(
            check="token", message="the request has a token, and the account has none", remedy="choose another account"
        )
    if account.token is not None and _text(request, "oauth_token") != account.token:
        said = "another token than the account's" if request.get("oauth_token") else "no token, and the account has one"
        return Verdict(check="token", message=f"the request has {said}", remedy="choose another account")
    return None


def _explained(
    exc: errors.Error, message: Message, request: Request, account: Account, known: dict[str, Any]
) -> Verdict:
    if isinstance(exc, errors.SignatureInvalid):
        name = _text(request, "oauth_signature_method")
        why = find_mistake(message, account, known[name])
        if why:
            return Verdict(check="signature", message=f"the signature does not hold: {why}", remedy="correct that")
        return Verdict(
            check="signature",
            message="the signature does not hold, and no common mistake explains it",
            remedy="check both secrets and the URL, then compare base strings: --explain",
        )
    if isinstance(exc, errors.TimestampRefused):
        seconds = int(time.time()) - int(_text(request, "oauth_timestamp"))
        age = f"{seconds} seconds old" if seconds >= 0 else f"{-seconds} seconds in the future"
        return Verdict(
            check="timestamp",
            message=f"the signature holds, but the timestamp is {age}",
            remedy="set the sender's clock; or give --any-time for a request that was kept",
        )
    if isinstance(exc, errors.BodyHashInvalid):
        return Verdict(
            check="body_hash",
            message="the signature holds, but oauth_body_hash is not that of the body",
            remedy="give the body octet for octet, with --body",
        )
    if isinstance(exc, errors.SignatureMethodRejected):
        return _refused("signature_method", exc, "use another method; for RSA give --public-key; PLAINTEXT wants https")
    return _refused("syntax", exc, "look at the request: a receiver has to refuse it")


def _refused(name: str, exc: errors.Error, remedy: str) -> Verdict:
    return Verdict(check=name, message=exc.message.rstrip("."), remedy=remedy)


def _named(verdict: Verdict) -> dict[str, Any]:
    if not verdict.check:
        return {}
    return {"check": verdict.check, "message": verdict.message, "remedy": verdict.remedy}


def _facts(request: Request | None) -> dict[str, Any]:
    if request is None:
        return {}
    names = ("signature_method", "consumer_key", "token", "timestamp")
    found = {name: _text(request, f"oauth_{name}") or None for name in names}
    return {**found, "token": shortened(found["token"]) if found["token"] else None}


def _text(request: Request, name: str) -> str:
    value = request.get(name, "")
    return value if isinstance(value, str) else ""
