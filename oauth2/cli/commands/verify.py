"""``oauth2 verify``: verify the signature of a request."""

from __future__ import annotations

from dataclasses import replace

import click

from ...request import Request
from ...signature import SignatureMethod
from .. import explain
from ..account import Account, shortened
from ..credentials import CredentialOptions, find_account
from ..escape import one_line
from ..failure import REFUSED
from ..group import Command
from ..options import as_json, credential_options
from ..received import Received, known_methods, received_options
from ..terminal import say, say_error, say_json
from ..verdict import Verdict, check, text_parameter

__all__ = ["verify"]


@click.command(cls=Command)
@received_options
@credential_options
@as_json
def verify(
    chosen: CredentialOptions,
    received: Received,
    public_key: str | None,
    window: int,
    any_time: bool,
    explained: bool,
    as_json: bool,
) -> int:
    """Verify the signature of a request.

    FILE contains a curl command, an HTTP request or a HAR file; - is standard input. Without FILE, describe the request
    with options. If the signature is invalid, `oauth2 doctor` finds the reason.

    The nonce is not checked, because only the service knows the used nonces.
    """
    message = received.message
    account = find_account(chosen, message.url)
    known = known_methods(account, public_key)
    request, verdict = check(message, account, known, None if any_time else window)
    if explained and request is not None:
        signer = replace(account, signature_method=text_parameter(request, "oauth_signature_method"))
        computed = _computed(request, account, known)
        if as_json:
            _say_json(request, verdict, explained=explain.as_data(message, signer, computed))
        else:
            for line in explain.steps(message, signer, computed):
                say(line)
    elif as_json:
        _say_json(request, verdict)
    if not as_json:
        _say(request, verdict)
    return REFUSED if verdict.check else 0


def _say_json(request: Request | None, verdict: Verdict, **more: object) -> None:
    reason = {"check": verdict.check, "error": verdict.error, "hint": verdict.hint} if verdict.check else {}
    say_json({"valid": not verdict.check, **reason, **_facts(request), **more})


def _say(request: Request | None, verdict: Verdict) -> None:
    if verdict.check:
        say_error(verdict.error, verdict.hint)
        return
    facts = _facts(request)
    token = f", token {facts['token']}" if facts["token"] else ""
    say(one_line(f"The signature is valid ({facts['signature_method']}, consumer key {facts['consumer_key']}{token})."))


def _computed(request: Request, account: Account, known: dict[str, SignatureMethod]) -> str:
    """Return the expected signature; ``""`` if the method is unknown, or if the method object has only a public key."""
    method = known.get(text_parameter(request, "oauth_signature_method"))
    if method is None:
        return ""
    try:
        made: str | bytes = method.sign(request, account.consumer, account.token_credentials)
    except ValueError:  # With only a public key, the method can verify, but it cannot sign.
        return ""
    return made.decode() if isinstance(made, bytes) else made


def _facts(request: Request | None) -> dict[str, str | None]:
    if request is None:
        return {}
    names = ("signature_method", "consumer_key", "token", "timestamp")
    found = {name: text_parameter(request, f"oauth_{name}") or None for name in names}
    return {**found, "token": shortened(found["token"]) if found["token"] else None}
