"""Functions for all nonce stores: the digest of a nonce, and the age at which a nonce may be deleted."""

from __future__ import annotations

import hashlib
from typing import TypeVar

__all__ = ["BUCKET", "DIGEST_SIZE", "checked_seconds", "nonce_digest", "oldest_kept"]

_Seconds = TypeVar("_Seconds", int, float)
DIGEST_SIZE = 15  # Bytes. CPython allocates 48 bytes for a digest of this size, and 64 bytes for a digest of 16 bytes.
BUCKET = 60  # Seconds. Nonces with timestamps in the same minute are deleted together.
_EMPTY = hashlib.blake2b(digest_size=DIGEST_SIZE)  # Copying this object takes half as long as creating a hash object.


def nonce_digest(nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bytes:
    """Return a digest of all arguments: 15 bytes. The digest is the same for ``""`` and None as *token_key*."""
    token_key = token_key or ""
    # Without the lengths, ("ab", "c") and ("a", "bc") would have the same digest.
    text = f"{timestamp},{len(nonce)},{len(consumer_key)},{nonce}{consumer_key}{token_key}"
    hasher = _EMPTY.copy()
    hasher.update(text.encode("utf-8", "surrogatepass"))
    return hasher.digest()


def oldest_kept(newest: int, window: int) -> int:
    """Return the lowest timestamp whose nonces must not be deleted.

    Args:
        newest: The highest timestamp of all nonces so far, in seconds.
        window: The window of the store, in seconds.
    """
    return (newest // BUCKET - 2 * window // BUCKET - 1) * BUCKET


def checked_seconds(name: str, seconds: _Seconds) -> _Seconds:
    """Return *seconds*, the value of the argument *name*.

    Raises:
        TypeError: *seconds* is not a number.
        ValueError: *seconds* is negative.
    """
    if not isinstance(seconds, (int, float)):
        raise TypeError(f"{name}: must be a number of seconds")
    if not seconds >= 0:  # This condition is also true for NaN, so NaN is refused.
        raise ValueError(f"{name}: must not be negative")
    return seconds
