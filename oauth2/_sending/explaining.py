"""Explain why a service refused a request.

This module imports the package :mod:`oauth2.doctor`. Clients therefore import this module only when they need it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from .._login.response import find_problem, printable, without_secrets
from .._wire.form import FORM
from .._wire.header import parse_authorization_header
from .._wire.text import read_digits, to_text
from ..clients.explanation import Explanation, Verdict
from ..credentials import Consumer, Token
from ..doctor import MISTAKES, Diagnosis, Finding, diagnose, find_base_string
from ..errors import InvalidRequest
from ..http import HTTPRequest, shown_url
from .record import MAX_ANSWER, Sent
from .service_time import read_report, seconds
from .signer import Signer

_MAX_SAID = 300  # Maximum number of characters of the service's text that an explanation shows.
# Maximum number of characters of an HTML page in which the text is searched. The rest of the page is ignored, because
# the search takes quadratic time.
_MAX_MARKUP = 4096
# In seconds. Every known service accepts a timestamp that differs from the service's clock by this value. Only a larger
# difference is reported.
_CLOCK_ERROR = 60
_MAX_DIGITS = 11
_PROBLEM = re.compile("[a-z_]{1,64}")
_TAG = re.compile(r"(?is)<(script|style|head)\b.*?</\1\s*>|<[^>]*>")
_ITS_BASE_STRING = "According to the other side's base string: "

#: Key: a problem of the problem reporting extension. Value: the meaning of the problem, and what to do.
_PROBLEMS = {
    "nonce_used": (
        "The service has seen the nonce before.",
        "Do not send a signed request twice. Check whether a proxy or a library resends requests automatically.",
    ),
    "consumer_key_unknown": (
        "The service does not know the consumer key.",
        "Compare the consumer key with the key on the service's web site. Check that the key belongs to this "
        "environment: test or production.",
    ),
    "consumer_key_rejected": ("The service rejects the consumer key.", "Ask the service why it rejects the key."),
    "consumer_key_refused": ("The service refuses the consumer key.", "Ask the service why it refuses the key."),
    "token_expired": ("The token has expired.", "Renew the token, or get a new token with oauth2.authorize."),
    "token_revoked": ("The token was revoked.", "Get a new token with oauth2.authorize."),
    "token_used": ("The token was used before.", "Start the login again."),
    "token_rejected": (
        "The service rejects the token.",
        "Check that the token belongs to this consumer and environment, or get a new token with oauth2.authorize.",
    ),
    "verifier_invalid": ("The verifier is wrong.", "Start the login again, and use the verifier of the new callback."),
    "permission_denied": (
        "The service does not permit this request; the signature is probably right.",
        "Ask the service for the permission.",
    ),
    "permission_unknown": ("The user has not decided yet.", "Ask the user to approve, and try again."),
    "user_refused": ("The user refused.", "Ask the user to approve, and start the login again."),
    "signature_method_rejected": (
        "The service does not accept this signature method.",
        "Choose a signature method that the service documents.",
    ),
    "parameter_absent": (
        "The service reports that a parameter is missing.",
        'Try another placement, such as placement="header", and compare the request with the service\'s documents.',
    ),
    "parameter_rejected": (
        "The service rejects a parameter.",
        "Compare the parameters below with the service's documents.",
    ),
    "version_rejected": ("The service rejects oauth_version.", "Ask the service which version of OAuth it supports."),
}
# These problems alone do not explain a refusal. If the response reports one of them, or no problem, the doctor searches
# for the reason.
_VAGUE = (None, "signature_invalid", "parameter_rejected", "permission_denied")

_ON_THE_WAY = (
    "Compare the request that this client sends with the request that the service receives. Check whether a proxy, a "
    "gateway or a library changes the request."
)
_SCHEME = (
    "Use the scheme that the service documents. If that scheme is https, report to the service that its proxy "
    "probably does not send X-Forwarded-Proto, so that the service computes the base string with http."
)
_URL = (
    "Use exactly the URL that the service documents. If you already use that URL, report to the service that it "
    "computes the base string with a different URL. Its proxy probably changes the URL."
)
_ONCE = "Send each name only once, or ask the service how it sorts repeated names."
_AVOID = "If possible, do not send these parameters or characters, and report the difference to the service."
_SECRETS = (
    "Copy the consumer secret and the token secret again. Check that the token belongs to this consumer. Check that "
    "consumer and token belong to this environment: test or production."
)


def explain(
    signer: Signer, sent: Sent | None, answer: bytes | str | None = None, their_base_string: str | None = None
) -> Explanation:
    """Return the possible reasons why the service refused *sent*.

    Args:
        signer: The credentials and the options for signing.
        sent: The signed request; None if no request was signed.
        answer: The body of the response; None to use the part of the body that the client has read.
        their_base_string: The base string that the service computed; None to search for the base string in the
            response.

    Raises:
        ValueError: *sent* is None.
        TypeError: *answer* or *their_base_string* has the wrong type.
    """
    if sent is None:
        raise ValueError("explain(): no request was signed yet; send a request first")
    if not isinstance(answer, (bytes, str, type(None))):
        raise TypeError("answer: must be the body of the response, as bytes or str")
    if not isinstance(their_base_string, (str, type(None))):
        raise TypeError("their_base_string: must be str")
    read = _read(signer, sent, answer, their_base_string)
    diagnosis = None if sent.missing else _diagnosis(signer, sent, read.theirs)
    found = _verdict(sent, read, diagnosis)
    if found.verdict != "other base string" and diagnosis is not None and read.theirs is None:
        diagnosis = replace(diagnosis, comparison=None)
    return Explanation(
        verdict=found.verdict,
        sentence=found.sentence,
        next_step=found.next_step,
        method=sent.signed.method.upper(),
        url=shown_url(sent.signed.uri),
        status=None if sent.refusal is None else sent.refusal.status,
        problem=read.problem,
        said=read.said,
        their_base_string=read.theirs_shown,
        wanted=found.wanted,
        ruled_out=tuple(_ruled_out(read, diagnosis)),
        diagnosis=diagnosis,
    )


# --- the text of the service


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Read:
    """The information that a response contains.

    Attributes:
        problem: The ``oauth_problem``, or None.
        theirs: The base string that the service computed; None if it is unknown.
        theirs_shown: The base string that the service computed, without secrets; None if it is unknown.
        said: The start of the response's text, without secrets.
        text: The start of the response's text, in which this module searches for words.
        ahead: Seconds by which the service's clock is ahead of the timestamp; None if unknown.
    """

    problem: str | None
    theirs: str | None
    theirs_shown: str | None
    said: str
    text: str
    ahead: int | None


def _read(signer: Signer, sent: Sent, answer: bytes | str | None, theirs: str | None) -> _Read:
    refusal = sent.refusal
    authenticate = "" if refusal is None else refusal.authenticate
    if answer is None:
        body = b"" if refusal is None else refusal.body
    else:
        body = (answer.encode("utf-8", "replace") if isinstance(answer, str) else answer)[:MAX_ANSWER]
    text = body.decode("utf-8", "replace")
    if theirs is None:
        theirs = find_base_string(authenticate) or find_base_string(text)
    secrets = _secrets(signer)
    return _Read(
        problem=_problem(authenticate, body, text),
        theirs=theirs,
        theirs_shown=None if theirs is None else _clean(theirs, secrets),
        said=_said(text, secrets),
        text=text,
        ahead=_ahead(sent),
    )


def _problem(authenticate: str, body: bytes, text: str) -> str | None:
    named = read_report(authenticate, body).get("oauth_problem", "")
    return named if _PROBLEM.fullmatch(named) else find_problem(authenticate) or find_problem(text)


def _said(text: str, secrets: list[str]) -> str:
    text = _clean(text, secrets)[:_MAX_MARKUP]
    if text.startswith("<"):
        text = " ".join(_TAG.sub(" ", text).split())
    return text if len(text) <= _MAX_SAID else f"{text[:_MAX_SAID]}..."


def _clean(text: str, secrets: list[str]) -> str:
    return " ".join(printable(without_secrets(text, secrets)).split())


def _secrets(signer: Signer) -> list[str]:
    token = signer.token or None
    found = [signer.consumer.secret, *([] if token is None else [token.secret])]
    found += [getattr(token, name, None) or "" for name in ("verifier", "session_handle")]
    return [text for each in found if (text := to_text(each))]


def _ahead(sent: Sent) -> int | None:
    refusal = sent.refusal
    date = None if refusal is None else seconds(refusal.date)
    stamp = _timestamp(sent)
    return None if date is None or stamp is None else date - stamp


def _timestamp(sent: Sent) -> int | None:
    signed = sent.signed
    if signed.authorization:
        try:
            value = dict(parse_authorization_header(signed.authorization)).get("oauth_timestamp", "")
        except InvalidRequest:
            return None
    else:
        found = re.search(
            r"[?&]oauth_timestamp=(\d+)", f"{signed.uri}&{_octets(signed.body).decode('utf-8', 'replace')}"
        )
        value = "" if found is None else found[1]
    return read_digits(value, _MAX_DIGITS)


def _octets(form: str | bytes | None) -> bytes:
    return form.encode("utf-8", "surrogateescape") if isinstance(form, str) else form or b""


# --- the diagnosis of oauth2.doctor


def _diagnosis(signer: Signer, sent: Sent, theirs: str | None) -> Diagnosis:
    consumer, token = signer.consumer, signer.token or None
    signed = sent.signed
    headers = [("Content-Type", FORM)] if signed.body else []
    headers += [("Authorization", signed.authorization)] if signed.authorization else []
    headers += [("Host", signed.host)] if signed.host else []
    public_key: Any = getattr(signer.signature_method, "public_key", None)
    # A verifier and a session handle are as confidential as a token secret. The doctor hides only the values that are
    # passed to it as secrets. Therefore the verifier and the session handle are passed as secrets, too.
    one_time = [getattr(token, name, None) for name in ("verifier", "session_handle")]
    diagnosis = diagnose(
        HTTPRequest(signed.method, signed.uri, headers, _octets(signed.body)),
        Consumer(to_text(consumer.key), to_text(consumer.secret), public_key=public_key or None),
        token,
        known=[Token("", to_text(each)) for each in one_time if each],
        their_base_string=theirs,
    )
    # The findings about the body hash are left out. The client does not store the body, so the doctor cannot check the
    # hash. The client itself has computed the hash from the body that it sent.
    findings = tuple([each for each in diagnosis.findings if not each.key.startswith("body-hash")])
    return replace(diagnosis, findings=findings)


# --- the verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    verdict: Verdict
    sentence: str
    next_step: str
    wanted: str = field(default="")


def _verdict(sent: Sent, read: _Read, diagnosis: Diagnosis | None) -> _Verdict:
    if read.problem == "timestamp_refused":
        return _clock(read)
    if read.problem not in _VAGUE:
        return _named(read.problem or "")
    if diagnosis is not None and read.theirs is not None:
        return _base_string(diagnosis)
    if re.search(r"(?i)body[_ -]?hash", read.text):
        return _body_changed()
    if read.problem not in _VAGUE[:2]:
        return _named(read.problem or "")
    if sent.refusal is None and not read.text:
        return _Verdict(
            verdict="not refused",
            sentence="The client has received no refusal: no response with status 400, 401 or 403.",
            next_step="If the response is a refusal, pass its body to explain().",
        )
    if read.ahead is not None and abs(read.ahead) > _CLOCK_ERROR:
        return _clock(read)
    return _without_words(sent, diagnosis, read.problem)


def _clock(read: _Read) -> _Verdict:
    sentence = "The service refuses the timestamp." if read.problem else "The service does not say why."
    next_step = "Synchronize the clock of this machine by NTP."
    if read.ahead is not None and abs(read.ahead) > _CLOCK_ERROR:
        direction = "ahead of" if read.ahead > 0 else "behind"
        sentence += f" Its clock is {abs(read.ahead)} seconds {direction} the timestamp."
        next_step += f" If that clock is right, pass clock=oauth2.clock.Clock(offset={read.ahead})."
    elif read.ahead is not None:
        sentence += (
            " The Date header of its response agrees with the timestamp. Perhaps a different machine of the service "
            "checks timestamps, and the clock of that machine is wrong."
        )
        next_step = "Ask the service which timestamps it accepts. This client sends seconds since 1970-01-01 00:00 UTC."
    return _Verdict(verdict="clock", sentence=sentence, next_step=next_step)


def _named(problem: str) -> _Verdict:
    default = (f"The service reports the problem {problem}.", "Compare the request with the service's documents.")
    sentence, next_step = _PROBLEMS.get(problem, default)
    return _Verdict(verdict="problem named", sentence=sentence, next_step=next_step)


def _body_changed() -> _Verdict:
    return _Verdict(
        verdict="body changed",
        sentence="The service says that oauth_body_hash is wrong: the body that it received is not the signed body.",
        next_step=f"{_ON_THE_WAY} If the service does not support oauth_body_hash, pass body_hash=False.",
    )


def _base_string(diagnosis: Diagnosis) -> _Verdict:
    if diagnosis.comparison is None:
        return _Verdict(
            verdict="same base string",
            sentence="The base strings of the service and of this client are equal, so the secrets or keys differ.",
            next_step=_SECRETS,
        )
    wanted = [each for each in diagnosis.findings if each.sentence.startswith(_ITS_BASE_STRING)]
    piece = diagnosis.comparison.piece
    return _Verdict(
        verdict="other base string",
        sentence=(
            "The base strings of the service and of this client differ. Either the service received a different "
            "request, or the service reads the request differently from this client."
        ),
        next_step=_repair(wanted, piece),
        wanted=" ".join([_of_the_service(each) for each in wanted]),
    )


def _of_the_service(found: Finding) -> str:
    evidence = found.evidence
    if evidence is not None and evidence.piece in ("method", "base string URI"):
        return f"The service used the {evidence.piece} {evidence.signed}, and this client signed {evidence.arrived}."
    sentence = (
        "A client with this mistake would compute the base string of the service: "
        f"{found.sentence.removeprefix(_ITS_BASE_STRING)}"
    )
    if evidence is None or evidence.piece == "base string":
        return sentence
    return (
        f"{sentence} The service used {evidence.signed or 'nothing'}, and this client signed "
        f"{evidence.arrived or 'nothing'}."
    )


def _repair(wanted: list[Finding], piece: str) -> str:
    keys = [each.key for each in wanted]
    if "scheme" in keys:
        return _SCHEME
    if any(key.startswith(("duplicates", "equal-pairs", "array")) for key in keys):
        return _ONCE
    groups = {MISTAKES[key].group for key in keys}
    if "URI and method" in groups or (not groups and piece != "parameters"):
        return _URL
    return _AVOID if groups else _ON_THE_WAY


def _without_words(sent: Sent, diagnosis: Diagnosis | None, problem: str | None) -> _Verdict:
    said = "The service says only that the signature is invalid." if problem else "The service does not say why."
    if diagnosis is None:
        return _Verdict(
            verdict="not explained",
            sentence=f"{said} This client has not stored the request, because {sent.missing}.",
            next_step=_SECRETS,
        )
    keys = [each.key for each in diagnosis.findings]
    if diagnosis.signature_is_right:
        return _Verdict(
            verdict="not explained",
            sentence=f"{said} The signature is right for the credentials of this client.",
            next_step=f"{_SECRETS} If the secrets are right: {_ON_THE_WAY}",
        )
    if any(key.startswith(("consumer-key", "token")) for key in keys):
        sentence = "The credentials of this client have changed since the request was signed."
    elif any("not checked" in each for each in diagnosis.ruled_out) or "signature-method-unknown" in keys:
        sentence = f"{said} This client cannot check the signature method."
    else:
        sentence = f"{said} The signature is not the signature that RFC 5849 defines for this request."
    return _Verdict(
        verdict="other signature",
        sentence=sentence,
        next_step="Check the signature method. Check whether the program changes a request before the request is "
        "signed.",
    )


def _ruled_out(read: _Read, diagnosis: Diagnosis | None) -> Iterator[str]:
    if diagnosis is not None and diagnosis.signature_is_right:
        yield (
            "A mistake in signing: the signature is the signature that RFC 5849 defines for this request and these "
            "credentials."
        )
    if read.ahead is not None and abs(read.ahead) <= _CLOCK_ERROR and read.problem != "timestamp_refused":
        yield f"The clock: the service's Date header differs from the timestamp by {abs(read.ahead)} seconds."
    if diagnosis is not None and read.theirs is not None and diagnosis.comparison is None:
        yield (
            "A change during transmission, or a different URL behind a proxy: the base strings of the service and of "
            "this client are equal."
        )
