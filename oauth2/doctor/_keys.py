"""Mistakes in the signing key: RFC 5849 sections 3.4.2 and 3.4.4."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._wire.percent import percent_decode_as_sent
from .._wire.text import to_text
from ._signed import encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..credentials import Credentials

_MAX_KNOWN = 1_000
_MAX_PAIRED = 20  # Maximum number of other credentials whose secrets are tried in pairs.
_ENDS = (("\n", "a line end"), ("\r\n", "a line end"), (" ", "a space"), ("\t", "a tab"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A signing key that a sender may have used.

    Attributes:
        mistake: The name of the mistake in the catalogue; ``""`` if this is the right signing key.
        sentence: The mistake in one sentence; ``""`` to use the meaning in the catalogue.
        octets: The signing key, which must not be shown.
    """

    mistake: str
    sentence: str = ""
    octets: bytes = field(repr=False)


def keys(consumer: Credentials, token: Credentials | None, known: Sequence[Credentials]) -> list[Key]:
    """Return the right signing key, and all wrong keys that a sender may have used."""
    first, second = to_text(consumer.secret), "" if token is None else to_text(token.secret)
    others = list(dict.fromkeys(to_text(each.secret) for each in known[:_MAX_KNOWN]))
    found: dict[bytes, Key] = {}
    for key in [
        _key("", f"{encode(first)}&{encode(second)}"),
        *_arrangements(encode(first), encode(second)),
        *_encoded(first, second),
        *_with_whitespace(first, second),
        *_of_others(encode(first), encode(second), [encode(each) for each in others]),
    ]:
        found.setdefault(key.octets, key)
    return list(found.values())


def _key(mistake: str, text: str, sentence: str = "") -> Key:
    return Key(mistake=mistake, sentence=sentence, octets=text.encode("utf-8", "surrogateescape"))


def _arrangements(one: str, two: str) -> Iterator[Key]:
    yield _key("token-secret-left-out", f"{one}&")
    yield _key("ampersand-left-out", f"{one}{two}")
    yield _key("ampersand-left-out", one, "The signing key was the consumer secret alone, without the &.")
    for text in ("undefined", "null", "None"):
        sentence = f"The signing key had the text {text} in place of the token secret."
        yield _key("token-secret-left-out", f"{one}&{text}", sentence)
    yield _key("secrets-swapped", f"{two}&{one}")
    yield _key("consumer-secret-left-out", f"&{two}")
    yield _key("secrets-empty", "&")
    yield _key("secrets-empty", "", "The signing key was empty.")
    yield _key("secret-repeated", f"{one}&{one}", "The consumer secret was also used as the token secret.")
    yield _key("secret-repeated", f"{two}&{two}", "The token secret was also used as the consumer secret.")


def _encoded(first: str, second: str) -> Iterator[Key]:
    one, two = encode(first), encode(second)
    yield _key("secrets-not-encoded", f"{first}&{second}")
    yield _key("secrets-not-encoded", f"{first}&{two}", "The consumer secret was not percent-encoded.")
    yield _key("secrets-not-encoded", f"{one}&{second}", "The token secret was not percent-encoded.")
    yield _key(
        "secrets-not-encoded",
        f"{first}&",
        "The consumer secret was not percent-encoded, and the token secret was left out.",
    )
    sentence = "The secrets were not percent-encoded, and not joined with &."
    yield _key("secrets-not-encoded", f"{first}{second}", sentence)
    yield _key("secrets-not-encoded", first, sentence)
    sentence = "The secrets were not encoded as section 3.6 requires: a space became +."
    yield _key("secrets-not-encoded", f"{one}&{two}".replace("%20", "+"), sentence)
    sentence = "The secrets were not encoded as section 3.6 requires: the escapes are in lower case."
    yield _key("secrets-not-encoded", _lower_escapes(f"{one}&{two}"), sentence)
    yield _key("secrets-encoded-twice", f"{encode(one)}&{encode(two)}")
    yield _key("secrets-encoded-twice", f"{encode(one)}&{two}", "The consumer secret was percent-encoded twice.")
    yield _key("secrets-encoded-twice", f"{one}&{encode(two)}", "The token secret was percent-encoded twice.")
    yield _key("key-encoded", f"{one}%26{two}")
    yield _key("key-encoded", encode(f"{one}&{two}"))
    decoded = [encode(percent_decode_as_sent(each)) for each in (first, second)]
    yield _key("secret-decoded", "&".join(decoded))
    for how, shown in ((str.lower, "lower"), (str.upper, "upper")):
        changed = [encode(how(each)) for each in (first, second)]
        yield _key("secret-case", "&".join(changed), f"The secrets were used in {shown} case.")


def _lower_escapes(encoded: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)


def _with_whitespace(first: str, second: str) -> Iterator[Key]:
    mistake = "secret-with-whitespace"
    for end, shown in _ENDS:
        yield _key(mistake, f"{encode(first)}&{encode(second)}{end}", f"The signing key had {shown} at its end.")
        for wrap in (encode, str):
            one, two = wrap(first), wrap(second)
            after, before = f"with {shown} after it", f"with {shown} before it"
            yield _key(mistake, f"{wrap(first + end)}&{two}", f"The consumer secret was used {after}.")
            yield _key(mistake, f"{wrap(end + first)}&{two}", f"The consumer secret was used {before}.")
            yield _key(mistake, f"{one}&{wrap(second + end)}", f"The token secret was used {after}.")
            yield _key(mistake, f"{one}&{wrap(end + second)}", f"The token secret was used {before}.")
            yield _key(mistake, f"{wrap(first + end)}&{wrap(second + end)}", f"Both secrets were used {after}.")
    for one, two in (
        (first.strip(), second.strip()),
        (first.strip(), second),
        (first, second.strip()),
    ):
        sentence = "The given secrets start or end with whitespace or a line end; the sender's secrets do not."
        yield _key(mistake, f"{encode(one)}&{encode(two)}", sentence)


def _of_others(one: str, two: str, others: Sequence[str]) -> Iterator[Key]:
    for other in others:
        yield _key("other-token", f"{one}&{other}")
        yield _key("other-consumer", f"{other}&{two}")
        yield _key(
            "other-consumer",
            f"{other}&",
            "The signing key had the secret of another known consumer, but no token secret.",
        )
    for other in others[:_MAX_PAIRED]:
        for another in others[:_MAX_PAIRED]:
            yield _key("other-credentials", f"{other}&{another}")
