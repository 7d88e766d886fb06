"""Mistakes that the doctor finds without the signature, such as a wrong consumer key, timestamp or nonce."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .._wire.text import to_text
from ._body_hash import body_hash_findings
from ._finding import Evidence, finding
from ._named_method import PLAINTEXT
from ._parameters import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..credentials import Credentials
    from ._finding import Finding
    from ._message import Message
    from ._named_method import NamedMethod

#: Keys of the mistakes in this module that explain a wrong signature.
EXPLAINING = frozenset({"consumer-key", "token", "token-not-sent", "token-unknown", "signature-method-unknown"})
_REQUIRED = ("oauth_consumer_key", "oauth_signature_method", "oauth_signature")
_PROTOCOL = frozenset(
    {*_REQUIRED, "oauth_token", "oauth_timestamp", "oauth_nonce", "oauth_version", "oauth_callback", "oauth_verifier"}
)
_MAX_LENGTH = 255  # Maximum number of characters of a key or nonce. A longer value is a mistake.
_MAX_DIGITS = 25  # Maximum number of digits of a timestamp. A longer text is not treated as a number.
_UNITS = ((1000, "milliseconds"), (1_000_000, "microseconds"), (1_000_000_000, "nanoseconds"))
_HALF_HOUR = 1800  # In seconds. Most time zones differ from UTC by a multiple of half an hour.
_FARTHEST_ZONE = 14 * 3600  # In seconds: the largest difference of a time zone from UTC.
_MAX_DRIFT = 120  # In seconds. A clock that shows local time may also be wrong by at most this number of seconds.


def facts(
    message: Message,
    consumer: Credentials,
    token: Credentials | None,
    named: NamedMethod,
    *,
    now: float | None,
    threshold: int,
    nonce_used: bool,
) -> Iterator[Finding]:
    """Yield the mistakes in *message* that do not depend on the signature.

    *named* is the signature method in *message*. See ``diagnose()`` for the other arguments.
    """
    sent = [each for each in message.parameters if each.name in _PROTOCOL]
    if not sent:
        scheme = message.header("authorization").partition(" ")[0].lower()
        other = "The scheme of the Authorization header is not OAuth." if scheme not in ("", "oauth") else ""
        yield finding("no-oauth-parameters", other)
        return
    yield from _absent(message)
    yield from map(finding, message.shape)
    yield from _places(message)
    yield from _credentials(message, consumer, token)
    yield from _method(named)
    version = message.first("oauth_version")
    if version not in (None, "1.0"):
        yield finding("version", f"oauth_version is {shortened(version or '')!r}.")
    yield from _timestamp(message.first("oauth_timestamp"), now, threshold)
    if nonce_used:
        yield finding("nonce-used")
    yield from body_hash_findings(message)


def _absent(message: Message) -> Iterator[Finding]:
    is_plaintext = message.first("oauth_signature_method") == "PLAINTEXT"
    for name in _REQUIRED if is_plaintext else (*_REQUIRED, "oauth_timestamp", "oauth_nonce"):
        if not message.first(name):
            yield finding("parameter-absent", f"{name} is missing or empty.")
    for name in ("oauth_consumer_key", "oauth_token", "oauth_nonce"):
        if len(message.first(name) or "") > _MAX_LENGTH:
            yield finding("parameter-too-long", f"{name} is longer than {_MAX_LENGTH} characters.")


def _places(message: Message) -> Iterator[Finding]:
    sent = [each for each in message.parameters if each.name in _PROTOCOL]
    twice = sorted(name for name, count in Counter(each.name for each in sent).items() if count > 1)
    if twice:
        yield finding("protocol-parameter-twice", f"These parameters are sent more than once: {', '.join(twice)}.")
    places = sorted({each.place for each in sent})
    if len(places) > 1:
        sentence = f"Protocol parameters are sent in more than one place: {' and '.join(places)}."
        yield finding("protocol-parameters-in-two-places", sentence)


def _credentials(message: Message, consumer: Credentials, token: Credentials | None) -> Iterator[Finding]:
    named, own = message.first("oauth_consumer_key"), to_text(consumer.key)
    if named and named != own:
        yield finding("consumer-key", "", Evidence(piece="oauth_consumer_key", arrived=named, signed=own))
    sent = message.first("oauth_token") or ""
    expected = "" if token is None else to_text(token.key)
    if sent != expected:
        yield finding("token-not-sent" if not sent else "token" if expected else "token-unknown")


def _method(named: NamedMethod) -> Iterator[Finding]:
    if not named.meant:
        yield finding("signature-method-unknown", f"{named.sentence}.")
    elif named.sent and not named.is_exact:
        yield finding("signature-method-name", f"{named.sentence}, not {named.meant!r}.")
    if named.sent and named.family == PLAINTEXT and named.is_over_http:
        yield finding("plaintext-over-http")


def _timestamp(text: str | None, now: float | None, threshold: int) -> Iterator[Finding]:
    if not text:
        return
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS or int(text) == 0:
        yield finding("timestamp-not-a-number")
        return
    stamp = int(text)
    if now is None or abs(stamp - now) <= threshold:
        return
    unit = next((unit for factor, unit in _UNITS if abs(stamp / factor - now) <= threshold), "")
    off = stamp - int(now)
    zone = round(off / _HALF_HOUR) * _HALF_HOUR
    if unit:
        yield finding("timestamp-unit", f"oauth_timestamp is in {unit}.")
    elif zone and abs(zone) <= _FARTHEST_ZONE and abs(off - zone) <= min(threshold, _MAX_DRIFT):
        sentence = f"oauth_timestamp differs from UTC by {zone / 3600:+g} hours: it is probably local time."
        yield finding("timestamp-local-time", sentence)
    else:
        direction = "before" if off < 0 else "after"
        yield finding("clock", f"oauth_timestamp is {abs(off)} seconds {direction} the current time.")
