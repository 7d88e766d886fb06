"""Pairs, encoded parameters, and conversions between the two: RFC 5849 sections 3.4.1.3 and 3.6.

A pair is ``(name, value)``, decoded. An encoded parameter is one text: ``"name value"``. Percent-encoded text
contains no space and no character that sorts before a space. Encoded parameters can therefore be compared,
counted and sorted as texts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache

from .._typing import Any
from ..errors import InvalidRequest
from .percent import (
    UNRESERVED,
    percent_decode_as_sent,
    percent_encode_as_sent,
    percent_encode_fields,
    unescape_canonical,
)
from .text import decode_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T", str, tuple[str, str])

Pairs = list[tuple[str, str]]

#: The octets that percent-encoded names and values may contain.
ENCODED = UNRESERVED + b"%"

#: Pattern of the two digits of a canonical escape. An escape is canonical if section 3.6 would produce it: its digits
#: are in upper case, and its octet is not an unreserved character.
CANONICAL_DIGITS = "(?:[01][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[B-DF]|[89A-F][0-9A-F])"


def encode_pairs(pairs: Collection[tuple[str, str]]) -> list[str]:
    """Return *pairs* as encoded parameters: one text ``"name value"`` for each pair (section 3.6).

    Lone surrogates become the octets that they represent (PEP 383), see
    :func:`~oauth2._wire.percent.percent_encode_as_sent`.
    """
    encoded = _encode_in_one_pass("\2".join(map("\1".join, pairs)), len(pairs))
    if encoded is not None:
        return encoded
    return [f"{percent_encode_as_sent(name)} {percent_encode_as_sent(value)}" for name, value in pairs]


def encode_texts(parameters: Mapping[Any, Any]) -> list[str] | None:
    """Return the encoded parameters of a dict, see :func:`encode_pairs`.

    Returns:
        The encoded parameters. None if a name or value is neither text nor UTF-8 bytes, or contains a character that
        cannot be encoded in one pass: U+0001, U+0002 or a lone surrogate.
    """
    try:
        joined = "\2".join(map("\1".join, parameters.items()))
    except TypeError:
        values: list[Any] = [decode_utf8(value) if type(value) is bytes else value for value in parameters.values()]
        try:
            joined = "\2".join(map("\1".join, zip(parameters, values, strict=True)))
        except TypeError:
            return None
    return _encode_in_one_pass(joined, len(parameters))


def _encode_in_one_pass(joined: str, count: int) -> list[str] | None:
    # Fast path: encode all names and values in one call. In *joined*, U+0001 separates name and value, and U+0002
    # separates pairs. If a name or value contains one of these two characters, *joined* has too many separators. If a
    # name or value contains a lone surrogate, *joined* cannot be encoded as UTF-8. In these cases the result is None,
    # and the caller must encode each pair separately.
    try:
        reserved = joined.encode().translate(None, UNRESERVED)
    except UnicodeEncodeError:
        return None
    # If this condition is false, only the separators are reserved characters, and no name or value needs encoding.
    if len(reserved) != 2 * count - 1:
        if reserved.count(1) != count or reserved.count(2) != count - 1:
            return None
        joined = percent_encode_fields(joined)
    return joined.replace("\1", " ").split("\2")


def decode_pairs(encoded: Collection[str]) -> Pairs:
    """Return the decoded pairs of *encoded*, which is a list of encoded parameters (see :func:`encode_pairs`).

    Raises:
        Error: A decoded name or value is not UTF-8.
    """
    return pair_up(decode_texts(encoded))


def decode_texts(encoded: Collection[str]) -> list[str]:
    """Return the names and values of :func:`decode_pairs` in one list: name, value, name, value, ...

    Raises:
        Error: A decoded name or value is not UTF-8.
    """
    text = decode_utf8(unescape_canonical(" ".join(encoded)))
    if text is None:
        raise InvalidRequest("A parameter is not valid UTF-8.")
    return _split_at_nul(text, encoded)


def decode_pairs_as_sent(encoded: Collection[str]) -> Pairs:
    """Return the decoded pairs of *encoded*, which is a list of encoded parameters (see :func:`encode_pairs`).

    Octets that are not UTF-8 become lone surrogates (PEP 383).
    """
    return pair_up(_split_at_nul(unescape_canonical(" ".join(encoded)).decode("utf-8", "surrogateescape"), encoded))


def pair_up(texts: list[str]) -> Pairs:
    """Return the pairs of a list that contains name, value, name, value, ..."""
    return list(zip(texts[0::2], texts[1::2], strict=True))


def _split_at_nul(text: str, encoded: Collection[str]) -> list[str]:
    # unescape_canonical() has replaced the space between name and value, and the space between pairs, by a NUL. If
    # a name or value itself contains a NUL ("%00"), the split gives too many texts, so decode each text separately.
    # This function need not check UTF-8, because decode_texts() has already checked it.
    texts = text.split("\0")
    if len(texts) == 2 * len(encoded):
        return texts
    return [percent_decode_as_sent(part) for parameter in encoded for part in parameter.split(" ")]


def has_canonical_escapes(text: str) -> bool:
    """Return whether every ``%`` in *text* starts a canonical escape, see :data:`CANONICAL_DIGITS`."""
    return "%" not in text or _other_percent()(text) is None


@lru_cache(1)
def _other_percent() -> Callable[[str], Any]:
    # re is imported on first use, because importing re takes a third of the time of `import oauth2`.
    from re import compile as compiled

    return compiled(f"%(?!{CANONICAL_DIGITS})").search


def group_pairs(pairs: Collection[tuple[str, str]]) -> dict[str, Any]:
    """Return *pairs* as a dict.

    If a name occurs once, its dict value is the text. If a name occurs more than once, its dict value is a list of
    texts.
    """
    grouped: dict[str, Any] = dict(pairs)
    if len(grouped) == len(pairs):
        return grouped
    grouped.clear()
    for name, value in pairs:
        if name not in grouped:
            grouped[name] = value
        elif isinstance(earlier := grouped[name], list):
            earlier.append(value)
        else:
            grouped[name] = [earlier, value]
    return grouped


def subtract(pairs: list[T], others: list[T]) -> list[T]:
    """Return *pairs* without *others*. Each element of *others* removes only one equal element of *pairs*.

    The order of the remaining elements does not change. The elements may be pairs or encoded parameters.
    """
    if not others or not pairs or {*others}.isdisjoint(pairs):
        return pairs
    left: dict[T, int] = {}
    for pair in others:
        left[pair] = left.get(pair, 0) + 1
    more = []
    for pair in pairs:
        if left.get(pair):
            left[pair] -= 1
        else:
            more.append(pair)
    return more
