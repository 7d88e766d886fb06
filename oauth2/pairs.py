"""Parameters as pairs, decoded and encoded: RFC 5849 sections 3.4.1.3 and 3.6.

Decoded they are ``(name, value)``. Encoded each is one text, ``"name value"``: encoding
leaves no space, and nothing that sorts before one, so that such texts can be compared,
counted and sorted in place of the two encoded parts.
"""

from __future__ import annotations

from functools import lru_cache

from .encoding import (
    UNRESERVED,
    decode_utf8,
    percent_decode_as_sent,
    percent_encode_as_sent,
    percent_encode_fields,
    unescape_canonical,
)
from .errors import InvalidRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from typing import Any, TypeVar

    T = TypeVar("T", str, tuple[str, str])

Pairs = list[tuple[str, str]]

#: What names and values are made of once they are encoded.
ENCODED = UNRESERVED + b"%"


def encode_pairs(pairs: Collection[tuple[str, str]]) -> list[str]:
    """Return each pair as ``"name value"``, both encoded (section 3.6).

    Octets that are not UTF-8 come out as they went in, see
    :func:`~oauth2.encoding.percent_encode_as_sent`.
    """
    encoded = _encode_at_once("\2".join(map("\1".join, pairs)), len(pairs))
    if encoded is not None:
        return encoded
    return [f"{percent_encode_as_sent(name)} {percent_encode_as_sent(value)}" for name, value in pairs]


def encode_texts(parameters: Mapping[Any, Any]) -> list[str] | None:
    """Return the pairs of a dict as :func:`encode_pairs` does; None if anything in it is no text.

    Bytes are text if they are UTF-8.
    """
    try:
        joined = "\2".join(map("\1".join, parameters.items()))
    except TypeError:
        values: list[Any] = [decode_utf8(value) if type(value) is bytes else value for value in parameters.values()]
        try:
            joined = "\2".join(map("\1".join, zip(parameters, values, strict=True)))
        except TypeError:
            return None
    return _encode_at_once(joined, len(parameters))


def _encode_at_once(joined: str, count: int) -> list[str] | None:
    # With separators that no text holds but a hostile one.
    try:
        marks = joined.encode().translate(None, UNRESERVED)
    except UnicodeEncodeError:
        return None
    if marks != b"\1\2" * (count - 1) + b"\1":  # else there is nothing to encode
        if marks.count(1) != count or marks.count(2) != count - 1:
            return None
        joined = percent_encode_fields(joined)
    return joined.replace("\1", " ").split("\2")


def decode_pairs(encoded: Collection[str]) -> Iterator[tuple[str, str]]:
    """Undo :func:`encode_pairs`, strictly.

    Raises:
        Error: Octets that are not UTF-8.
    """
    text = decode_utf8(unescape_canonical(" ".join(encoded)))
    if text is None:
        raise InvalidRequest("A parameter is not valid UTF-8.")
    return _split(text, encoded)


def decode_pairs_as_sent(encoded: Collection[str]) -> Iterator[tuple[str, str]]:
    """Undo :func:`encode_pairs`; octets that are not UTF-8 become lone surrogates (PEP 383)."""
    return _split(unescape_canonical(" ".join(encoded)).decode("utf-8", "surrogateescape"), encoded)


def _split(text: str, encoded: Collection[str]) -> Iterator[tuple[str, str]]:
    texts = text.split("\0") if encoded else []
    if len(texts) != 2 * len(encoded):  # next to nobody sends that
        texts = [percent_decode_as_sent(each) for both in encoded for each in both.split(" ")]
    each = iter(texts)
    return zip(each, each, strict=True)


def has_canonical_escapes(text: str) -> bool:
    """Tell whether every ``%`` in *text* starts an escape that section 3.6 would write.

    That is one in upper case, of a character that is not unreserved.
    """
    return "%" not in text or _odd_escape()(text) is None


@lru_cache(1)
def _odd_escape() -> Callable[[str], Any]:
    from re import compile as compiled  # costs a third of `import oauth2`, and is not always needed

    return compiled("%(?![01][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[B-DF]|[89A-F][0-9A-F])").search


def group_pairs(pairs: Collection[tuple[str, str]]) -> dict[str, Any]:
    """Return *pairs* as a dict: a text for a name that stands once, else the list of its texts."""
    grouped: dict[str, Any] = dict(pairs)
    if len(grouped) == len(pairs):
        return grouped
    grouped.clear()
    for name, value in pairs:
        if name not in grouped:
            grouped[name] = value
        elif isinstance(known := grouped[name], list):
            known.append(value)
        else:
            grouped[name] = [known, value]
    return grouped


def without(pairs: list[T], others: list[T]) -> list[T]:
    """Return what *pairs* have more of than *others*, in order; decoded or encoded ones."""
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
