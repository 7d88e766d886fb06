"""Diagnose a refused request with the credentials in the provider's store, and give advice to the operator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .._generate import make_nonce
from ..doctor import MISTAKES, Diagnosis, Finding, diagnose
from ..http import HTTPRequest, shown_url
from ..stores import TemporaryCredentials, TokenCredentials
from ._refused import FoundCredentials, RefusedRequest

# To make these findings, the doctor compares the keys in the request with the keys of the credentials that its caller
# passes. This module itself passes the keys from the request. These findings therefore contain no information for the
# operator, and are left out.
_ABOUT_GIVEN_CREDENTIALS = frozenset({"consumer-key", "token", "token-unknown", "token-not-sent"})
_WITH_PREVIOUS_SECRET = "other-consumer"  # noqa: S105 - the key of a mistake
_URI = "base string URI"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """Credentials whose key is in a request."""

    key: str
    secret: str = field(repr=False)
    public_key: str | None = None


def explain(refused: RefusedRequest, found: FoundCredentials) -> tuple[Diagnosis, str]:
    """Return the diagnosis of a refused request, and advice for the operator (``""`` if there is no advice).

    *found* contains the credentials that the store has for the keys in the request. If the store does not have the
    credentials, this function uses dummy credentials. Without dummy credentials, the amount of work would depend on
    whether the credentials exist. On a busy machine, a peer could measure this difference (timing attack).

    Raises:
        ValueError: The request has no absolute URL, or a public key cannot be read.
        ImportError: The client has a public key, and the ``rsa`` extra is not installed.
    """
    event, consumer = refused.event, found.consumer
    issued = _issued(refused, found)
    diagnosis = diagnose(
        _without_host(refused),
        _Named(
            key=event.consumer_key or "",
            secret=(consumer and consumer.secret) or make_nonce(),
            public_key=None if consumer is None else consumer.public_key,
        ),
        None
        if event.token_key is None
        else _Named(key=event.token_key, secret=(issued and issued.secret) or make_nonce()),
        known=[_Named(key="", secret=(consumer and consumer.previous_secret) or make_nonce())],
        now=event.at,
        timestamp_threshold=refused.timestamp_threshold,
        nonce_used=event.problem == "nonce_used",
        other_urls=_urls_that_arrived(refused),
    )
    diagnosis = _completed(diagnosis, list(_about_credentials(refused, found)))
    return diagnosis, _advice(refused, diagnosis)


def _issued(refused: RefusedRequest, found: FoundCredentials) -> TokenCredentials | TemporaryCredentials | None:
    return found.temporary or found.token if refused.is_issuance else found.token or found.temporary


# --- the request


def _without_host(refused: RefusedRequest) -> HTTPRequest:
    # The doctor uses the Host header instead of the host in the URL, but the provider verifies with the URL. The doctor
    # must use the same URL as the provider, so the Host header is left out.
    received = refused.http_request
    headers = [(name, value) for name, value in refused.header_fields() if name.lower() != "host"]
    return HTTPRequest(received.method, refused.url, headers, received.body)


def _urls_that_arrived(refused: RefusedRequest) -> list[str]:
    """Return the URL of the request, and a copy of this URL that has the host of the Host header.

    Behind a trusted proxy, the two URLs can have different hosts. If the URL of the request is only a
    path, return this path with the host of the Host header, once with http and once with https.
    """
    url = refused.http_request.url
    scheme, mark, rest = url.partition("://")
    host = next((value.strip(" \t") for name, value in refused.header_fields() if name.lower() == "host"), "")
    if not mark:
        return [f"{each}://{host}{url}" for each in ("http", "https")] if host else []
    slash = rest.find("/")
    return [url, f"{scheme}://{host}{rest[slash:] if slash >= 0 else ''}"] if host else [url]


# --- findings from the provider's store


def _about_credentials(refused: RefusedRequest, found: FoundCredentials) -> Iterator[Finding]:
    consumer, issued = found.consumer, _issued(refused, found)
    if consumer is None:
        if refused.event.consumer_key is not None:
            yield _finding("consumer-not-registered")
    elif refused.event.token_key is not None:
        if issued is None:
            yield _finding("token-not-issued")
        elif issued.consumer_key != consumer.key:
            yield _finding("token-of-another-consumer")
        elif issued is found.temporary and not refused.is_issuance:
            yield _finding("token-temporary")


def _finding(key: str) -> Finding:
    return Finding(key=key, sentence=MISTAKES[key].meaning)


def _completed(diagnosis: Diagnosis, own: list[Finding]) -> Diagnosis:
    found: list[Finding] = []
    has_previous_secret = False
    for each in diagnosis.findings:
        if each.key == _WITH_PREVIOUS_SECRET:
            # The client used its previous secret, which is valid until the rotation of the secret is complete.
            has_previous_secret = True
            if each.sentence != MISTAKES[each.key].meaning:
                found.append(replace(_finding("token-secret-left-out"), is_proven=True))
        elif each.key not in _ABOUT_GIVEN_CREDENTIALS:
            found.append(each)
    findings = (*own, *found)
    is_proven = any(each.is_proven for each in findings)
    is_right = diagnosis.signature_is_right or (has_previous_secret and not is_proven)
    is_explained = bool(own) or diagnosis.verdict == "mistaken"
    verdict = "mistaken" if findings and is_explained else "right" if is_right and not findings else "unexplained"
    return replace(
        diagnosis,
        verdict=verdict,
        signature_is_right=is_right,
        findings=findings,
        pieces=None,  # This field would contain the base string, which must not be logged.
        ruled_out=diagnosis.ruled_out if verdict == "unexplained" else (),
    )


# --- advice


def _advice(refused: RefusedRequest, diagnosis: Diagnosis) -> str:
    for each in diagnosis.findings:
        if each.evidence is not None and each.evidence.piece == _URI:
            signed, verified = each.evidence.signed, each.evidence.arrived
            return (
                f"The client signed {signed}, and the provider verified {verified}. If the client used the right URL, "
                "correct base_url."
            )
    if diagnosis.verdict != "unexplained" or diagnosis.signature_is_right:
        return ""
    arrived = _origin(refused.http_request.url)
    if refused.base_url is None:
        return f"The provider received the request at {arrived}. If clients use another URL, set base_url."
    if arrived not in ("", _origin(refused.base_url)):
        return (
            f"The provider received the request at {arrived}. Clients must sign URLs that start with base_url, "
            f"{refused.base_url}."
        )
    return ""


def _origin(url: str) -> str:
    scheme, mark, rest = shown_url(url).partition("://")
    return f"{scheme}{mark}{rest.partition('/')[0]}".lower() if mark else ""
