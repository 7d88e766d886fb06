"""What to do about a service's refusal, by ``oauth_problem`` (problem reporting extension) or by status."""

from __future__ import annotations

from ..encoding import percent_decode_as_sent
from ..parameters import is_oauth_header, parse_form_as_sent

_REMEDIES = {
    "timestamp_refused": "set the clock of this machine",
    "nonce_used": "send it again: each request gets a nonce of its own",
    "signature_invalid": "check the secrets, then compare base strings: oauth2 sign --explain",
    "signature_method_rejected": "choose another one with --signature-method",
    "consumer_key_unknown": "check the consumer key of the account",
    "consumer_key_rejected": "ask the service about the consumer key",
    "token_expired": "get a new token: oauth2 login",
    "token_revoked": "get a new token: oauth2 login",
    "token_rejected": "get a new token: oauth2 login",
    "permission_denied": "ask the owner of the data for permission",
    "parameter_absent": "compare what was sent with the service's documents",
    "parameter_rejected": "for login, give a registered callback with --callback, or --callback oob",
    "version_rejected": "ask the service which version it speaks",
}


def problem_of(authenticate: str, body: str) -> str | None:
    """Return the ``oauth_problem`` of an answer; None if it names none that is known.

    Args:
        authenticate: Its WWW-Authenticate header field.
        body: The start of its body.
    """
    named = ""
    if is_oauth_header(authenticate) and "oauth_problem" in authenticate:
        named = percent_decode_as_sent(authenticate.partition("oauth_problem=")[2].partition(",")[0].strip('" '))
    if not named and "oauth_problem=" in body:
        named = dict(parse_form_as_sent(body)).get("oauth_problem", "")
    return named if named in _REMEDIES else None


def remedy_for(status: int, problem: str | None) -> str:
    """Return what to do about a refusal."""
    if problem is not None:
        return _REMEDIES[problem]
    if status == 401:
        return "check the credentials and the clock, then look at: oauth2 sign --explain"
    if status == 429:
        return "wait, and send less often"
    return "try again later" if status >= 500 else "look at the answer, without --fail"
