"""The diagnosis of a request: the mistakes that its signature proves, and the mistakes found without the signature."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from .._checks import are_credentials
from .._wire.text import STRING_TYPES, decode_utf8, is_utf8
from ..credentials import Credentials
from ..errors import InvalidURL
from ..http import HTTPRequest
from ..signature import base_string_uri
from . import _rsa
from ._arrays import array_deviations
from ._bodies import body_deviations
from ._checks import BaseStringCheck, HMACCheck, OtherMethodCheck
from ._encodings import encoding_deviations, whole_encoding_deviations
from ._evidence import evidence_of
from ._facts import EXPLAINING, facts
from ._finding import Diagnosis, Finding, Pieces, finding
from ._keys import keys
from ._message import read, with_utf8_form
from ._named_method import PLAINTEXT, named_method
from ._parameters import parameter_deviations, single_deviations
from ._plaintext import PlaintextCheck, is_loose, loose_texts
from ._search import Search
from ._secrets import Secrets
from ._signed import Signed, encode
from ._their_words import compare
from ._uris import method_deviations, uri_deviations
from ._writings import is_digest

if TYPE_CHECKING:
    from ._checks import Check
    from ._keys import Key
    from ._message import Message
    from ._named_method import NamedMethod
    from ._search import Match
    from ._signed import Deviation

# If a PLAINTEXT signature is not encoded, a server may read the signature as several parameters. A loose parameter is a
# parameter that may be a part of the signature. At most this number of texts of such parameters are secrets.
_MAX_LOOSE = 200


def diagnose(
    http_request: HTTPRequest,
    consumer: Credentials,
    token: Credentials | None = None,
    *,
    known: Iterable[Credentials] = (),
    their_base_string: str | None = None,
    now: float | None = None,
    timestamp_threshold: int = 300,
    nonce_used: bool = False,
    other_urls: Iterable[str] = (),
) -> Diagnosis:
    """Return the mistakes in a request, with their proof.

    This function sends, stores and logs no data. The result contains no secret.

    Args:
        http_request: The request that was sent or received. The URL of the request must be absolute.
        consumer: The client credentials with which the request should be signed; for RSA, they must have a
            ``public_key``.
        token: The token credentials; None if the request has no token.
        known: Other credentials whose secrets or public keys are tried.
        their_base_string: The signature base string that the other side reports; :func:`find_base_string` finds it in a
            response.
        now: The time for the check of the timestamp, in seconds since 1970-01-01 00:00 UTC; None disables this check.
        timestamp_threshold: Largest accepted difference between the timestamp and *now*, in seconds.
        nonce_used: Whether the nonce was used before. Only the server knows the used nonces.
        other_urls: Other absolute URLs that the sender may have signed, such as the internal URL of the service behind
            a proxy. A URL that is not a valid absolute http or https URL is ignored.

    Raises:
        TypeError: *consumer*, *token* or one of *known* has no ``key`` or ``secret``, or its ``key`` or ``secret`` is
            neither str nor bytes; or *other_urls* is one str.
        ValueError: The URL of *http_request* is not an absolute http or https URL, a public key cannot be read, or
            one of the credentials cannot be encoded as UTF-8.
        ImportError: A public key is given, and the ``rsa`` extra is not installed.
    """
    others = list(known)
    if isinstance(other_urls, str):
        raise TypeError("other_urls: must be a list of str, not one str")
    secrets = Secrets(_checked(consumer, token, others))
    message = read(http_request, secrets.are_in)
    right = _right(message)
    if message.is_too_large:
        return Diagnosis(verdict="unexplained", signature_is_right=False, findings=(finding("request-too-large"),))
    deviations = list(_deviations(message, right, _base_string_uris(other_urls)))
    named = named_method(message)
    credentials = _Credentials(consumer=consumer, token=token, known=others)
    signature = _signature(message, right, deviations, credentials, named)
    shown = secrets
    if _may_leak(named, message, signature):
        right, shown = _with_loose(message, right, secrets)
    theirs = None if their_base_string is None else with_utf8_form(their_base_string)
    proven = list(_proven(right, signature.match, shown))
    if signature.match is None or not signature.match.deviations:
        proven += _reported(right, deviations, theirs, shown)
    found = facts(message, consumer, token, named, now=now, threshold=timestamp_threshold, nonce_used=nonce_used)
    other = [_hidden(each, secrets) for each in found if _subject(each) not in map(_subject, proven)]
    findings = (*[_hidden(each, shown) for each in proven], *other)
    is_explained = bool(findings) if signature.is_right else _is_explained(message, findings)
    is_same = theirs == right.base_string()
    comparison = None if theirs is None or is_same else compare(right.masked().base_string(), theirs, shown)
    is_right = signature.is_right and not findings and comparison is None
    return Diagnosis(
        verdict="right" if is_right else "mistaken" if is_explained else "unexplained",
        signature_is_right=signature.is_right,
        findings=findings,
        pieces=_pieces(right, shown),
        comparison=comparison,
        tried=signature.tried,
        ruled_out=() if is_right or is_explained else _ruled_out(signature, is_same=is_same),
    )


def _hidden(found: Finding, secrets: Secrets) -> Finding:
    evidence = found.evidence
    if evidence is not None:
        evidence = replace(
            evidence, arrived=secrets.hide_cut(evidence.arrived), signed=secrets.hide_cut(evidence.signed)
        )
    return replace(found, sentence=secrets.hide_cut(found.sentence), evidence=evidence)


def _subject(found: Finding) -> str:
    """Return the subject of a finding: its key, except for ``signature-method-unknown``.

    Both findings about the name of the signature method have the same subject, so that only one of them is reported.
    """
    return "signature-method-name" if found.key == "signature-method-unknown" else found.key


def _is_explained(message: Message, findings: Iterable[Finding]) -> bool:
    """Return whether the findings explain a wrong signature."""
    is_unsigned = message.first("oauth_signature") is None
    return is_unsigned or any(each.is_proven or each.key in EXPLAINING for each in findings)


def _checked(consumer: Credentials, token: Credentials | None, known: Sequence[Credentials]) -> Iterator[str]:
    """Check the credentials from the caller, and yield the secrets."""
    tokens = [] if token is None else [("token", token)]
    for name, each in [("consumer", consumer), *tokens, *[("known", each) for each in known]]:
        if not are_credentials(each):
            raise TypeError(f"{name}: must have a key and a secret")
        _text_of(name, "key", each.key)
        yield _text_of(name, "secret", each.secret)


def _text_of(name: str, attribute: str, value: object) -> str:
    if not isinstance(value, STRING_TYPES):
        raise TypeError(f"{name}: its {attribute} must be str or bytes, not {type(value).__name__}")
    text = value if isinstance(value, str) else decode_utf8(value)
    if text is None or not is_utf8(text):
        raise ValueError(f"{name}: its {attribute} must have a UTF-8 form")
    return text


def _right(message: Message) -> Signed:
    host = message.header("host")
    try:
        uri = base_string_uri(message.url, host=host or None)
    except InvalidURL:
        # If only the Host header is invalid, use the URL. If the URL is invalid, this call raises the error again.
        uri = base_string_uri(message.url)
    parameters = tuple(each for each in message.parameters if each.name != "oauth_signature")
    return Signed(method=message.method.upper(), uri=uri, parameters=parameters)


def _base_string_uris(urls: Iterable[str]) -> list[str]:
    found = []
    for url in urls:
        try:
            found.append(base_string_uri(with_utf8_form(url)))
        except InvalidURL:
            continue  # The URL may be from a peer, for example with the Host header of a request, so it may be invalid.
    return found


def _deviations(message: Message, right: Signed, others: Sequence[str]) -> Iterator[Deviation]:
    yield from parameter_deviations(message)
    yield from array_deviations()
    yield from body_deviations(message)
    yield from single_deviations(message)
    yield from encoding_deviations()
    yield from uri_deviations(message, right.uri, others)
    yield from method_deviations(message)
    yield from whole_encoding_deviations()


# --- The signature


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Credentials:
    consumer: Credentials
    token: Credentials | None
    known: Sequence[Credentials]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signature:
    """The result of the search for the signature; *not_checked* is the reason if the search was not possible."""

    match: Match | None = None
    is_right: bool = False
    tried: int = 0
    is_complete: bool = True
    is_plaintext: bool = False
    keys: int = 0
    not_checked: str = ""


def _signature(
    message: Message, right: Signed, deviations: Sequence[Deviation], credentials: _Credentials, named: NamedMethod
) -> _Signature:
    signature = message.first("oauth_signature")
    if not signature:
        return _Signature(not_checked="The request has no signature.")
    candidates = keys(credentials.consumer, credentials.token, credentials.known)
    checks, not_checked = _checks(message, named, signature, credentials, candidates)
    search = Search().run(right, deviations, checks)
    return _Signature(
        match=search.match,
        is_right=search.match is not None and bool(named.meant) and _is_right(search.match),
        tried=search.tried,
        is_complete=search.is_complete,
        is_plaintext=named.family == PLAINTEXT,
        keys=len(candidates),
        not_checked=not_checked,
    )


def _is_right(match: Match) -> bool:
    """Return whether the signature is the one that RFC 5849 defines. The method's name may be misspelt."""
    return not match.deviations and all(key == "signature-method-name" for key, _ in match.mistakes)


def _checks(
    message: Message, named: NamedMethod, signature: str, credentials: _Credentials, candidates: Sequence[Key]
) -> tuple[list[Check], str]:
    """Return the checks for a request, and the reason why its signature cannot be checked.

    The first check is for the signature method in the request. If this check is possible, the reason is ``""``.
    """
    own, *others = [getattr(each, "public_key", None) for each in (credentials.consumer, *credentials.known)]
    rsa = _rsa.RSACheck(named, signature, own, others)
    found: list[Check] = [HMACCheck(named, signature, candidates), PlaintextCheck(named, message, candidates)]
    found += [rsa] if rsa.is_readable else []
    checks = [each if each.family == named.family else OtherMethodCheck(each) for each in found]
    checks.sort(key=lambda each: each.family != named.family)
    if named.family != rsa.family or rsa.is_readable:
        return checks, ""
    return checks, _NOT_READABLE if rsa.has_key else _NO_KEY


_NO_KEY = "The signature was not checked: no RSA public key of the consumer was given."
_NOT_READABLE = (
    "No given public key belongs to the private key that made the signature. "
    "Compare the public key at the service with the sender's private key."
)


def _ruled_out(signature: _Signature, *, is_same: bool) -> tuple[str, ...]:
    if signature.is_right:
        return (
            "The signature is right. The other side computed another base string, because it received a different "
            "request.",
        )
    if signature.not_checked:
        return (signature.not_checked,)
    mistakes = "each known mistake"
    if not signature.is_plaintext:
        mistakes += f", and {'every pair' if signature.is_complete else 'many pairs'} of them"
    tried = f"Tried: {signature.tried} base strings ({mistakes}), {signature.keys} keys."
    if is_same:
        return (
            tried,
            "The base string of the other side is equal to our base string. The two sides use different secrets or "
            "keys.",
        )
    return (
        tried,
        "None of these base strings gives the signature. If the given secrets are the sender's secrets, the tried "
        "mistakes are ruled out.",
        "Likely causes: a wrong secret, a request that was changed during transmission, or three mistakes together.",
    )


# --- An unencoded PLAINTEXT signature


def _may_leak(named: NamedMethod, message: Message, signature: _Signature) -> bool:
    """Return whether the names of parameters may be parts of an unencoded PLAINTEXT signature."""
    if signature.is_right or (signature.match is not None and signature.match.family != PLAINTEXT):
        return False
    return named.family == PLAINTEXT or not is_digest(message.first("oauth_signature") or "")


def _with_loose(message: Message, right: Signed, secrets: Secrets) -> tuple[Signed, Secrets]:
    """Return *right* and *secrets*, changed so that parameters that may be parts of the signature are not shown."""
    sent = zip(message.parameters, is_loose(message), strict=True)
    parameters = tuple(replace(each, is_loose=loose) for each, loose in sent if each.name != "oauth_signature")
    texts = loose_texts(message, [each for each in parameters if each.is_loose])
    return replace(right, parameters=parameters), secrets.also(islice(texts, _MAX_LOOSE))


# --- Findings


def _proven(right: Signed, match: Match | None, secrets: Secrets) -> Iterator[Finding]:
    if match is None:
        return
    signed = right
    for deviation in match.deviations:
        changed = deviation.change(signed) or signed
        evidence = evidence_of(signed, changed, secrets) or evidence_of(right, match.signed, secrets)
        yield finding(deviation.key, secrets.hide(deviation.sentence), evidence, is_proven=True)
        signed = changed
    for key, sentence in match.mistakes:
        yield finding(key, sentence, is_proven=True)


def _reported(
    right: Signed, deviations: Sequence[Deviation], theirs: str | None, secrets: Secrets
) -> Iterator[Finding]:
    """Yield the mistakes that result in the other side's base string."""
    if theirs is not None:
        match = Search().run(right, deviations, [BaseStringCheck(theirs)]).match
        for each in _proven(right, match, secrets):
            yield replace(each, sentence=f"According to the other side's base string: {each.sentence}")


def _pieces(right: Signed, secrets: Secrets) -> Pieces:
    masked = right.masked()
    parameters = sorted((encode(each.name), encode(each.value), each.place) for each in masked.parameters)
    return Pieces(
        method=secrets.hide(masked.method),
        base_string_uri=secrets.hide(masked.uri),
        parameters=tuple((secrets.hide(name), secrets.hide(value)) for name, value, _ in parameters),
        places=tuple(place for _, _, place in parameters),
        base_string=secrets.hide(masked.base_string()),
    )
