"""Percent-encoding, RFC 5849 section 3.6, and the drop-in text helpers of python-oauth2."""

from __future__ import annotations

from collections.abc import Callable

from ._typing import Any
from ._wire.percent import percent_decode, percent_encode
from ._wire.text import STRING_TYPES, decode_utf8

__all__ = [
    "STRING_TYPES",
    "escape",
    "percent_decode",
    "percent_encode",
    "to_unicode",
    "to_unicode_if_string",
    "to_unicode_optional_iterator",
    "to_utf8",
    "to_utf8_if_string",
    "to_utf8_optional_iterator",
]


def escape(s: str | bytes) -> str:
    """Percent-encode *s*. This is the name in python-oauth2; the new name is :func:`percent_encode`."""
    return percent_encode(s)


def to_unicode(s: str | bytes) -> str:
    """Return *s* as text; bytes must be UTF-8.

    Raises:
        TypeError: *s* is neither str nor bytes, or is bytes that are not UTF-8.
    """
    if isinstance(s, str):
        return s
    if not isinstance(s, bytes):
        raise TypeError(f"s: must be str or bytes, not {type(s).__name__}")
    text = decode_utf8(s)
    if text is None:
        raise TypeError("s: bytes must be UTF-8; decode other encodings before this call")
    return text


def to_utf8(s: str | bytes) -> bytes:
    """Return *s* as UTF-8 bytes. This function raises the errors that :func:`to_unicode` raises."""
    return to_unicode(s).encode()


def to_unicode_if_string(s: object) -> Any:
    """Return str or bytes as text; return any other object unchanged."""
    return to_unicode(s) if isinstance(s, STRING_TYPES) else s


def to_utf8_if_string(s: object) -> Any:
    """Return str or bytes as UTF-8 bytes; return any other object unchanged."""
    return to_utf8(s) if isinstance(s, STRING_TYPES) else s


def to_unicode_optional_iterator(x: object) -> Any:
    """Return str or bytes as text, an iterable as a list of texts, and any other object unchanged."""
    return _each(x, to_unicode_if_string)


def to_utf8_optional_iterator(x: object) -> Any:
    """Return str or bytes as UTF-8 bytes, an iterable as a list of UTF-8 bytes, and any other object unchanged."""
    return _each(x, to_utf8_if_string)


def _each(x: Any, convert: Callable[[Any], Any]) -> Any:
    if isinstance(x, STRING_TYPES):
        return convert(x)
    try:
        members = iter(x)
    except TypeError:
        return x
    return [convert(member) for member in members]
