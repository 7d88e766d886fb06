"""Conversions between text and UTF-8 octets."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

STRING_TYPES = (str, bytes)


def to_text(value: object) -> str:
    """Return *value* as text: bytes are decoded as UTF-8, any other object becomes ``str(value)``.

    Raises:
        TypeError: *value* is bytes that are not UTF-8.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        return str(value)
    text = decode_utf8(value)
    if text is None:
        raise TypeError("bytes must be UTF-8; decode other encodings before this call")
    return text


def decode_utf8(octets: bytes) -> str | None:
    """Return *octets* as text, or None if *octets* are not UTF-8.

    This function does not raise UnicodeDecodeError, because the traceback of this error would show the octets.
    """
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return None


def is_utf8(text: str | None) -> bool:
    """Return whether *text* can be encoded as UTF-8: False for None, and for text with a lone surrogate."""
    try:
        return text is not None and text.encode() is not None
    except UnicodeEncodeError:
        return False


def read_digits(text: str, longest: int) -> int | None:
    """Return *text* as a whole number, or None unless *text* is 1 to *longest* ASCII digits.

    Without these checks, ``int()`` would also accept signs, underscores, spaces and digits that are not ASCII, and
    would take quadratic time for thousands of digits.
    """
    return int(text) if len(text) <= longest and text.isascii() and text.isdigit() else None


@lru_cache(1)
def constant_time_equal() -> Callable[[bytes, bytes], bool]:
    """Return the function that compares bytes in constant time."""
    # hmac is imported on first use, because it loads OpenSSL. OpenSSL needs 3.5 MB of memory, and more time than
    # `import oauth2`.
    from hmac import compare_digest

    return compare_digest
