"""What all nonce stores share: the digest that stands for a claim, and when it may be forgotten."""

from __future__ import annotations

import hashlib

DIGEST_SIZE = 15  # bytes: 120 bits, in an object of 48 bytes, where 16 would take 64
_EMPTY = hashlib.blake2b(digest_size=DIGEST_SIZE)  # to copy one takes less than half as long as to make one
BUCKET = 60  # seconds of timestamps that are forgotten together


def nonce_digest(nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bytes:
    """Return 15 bytes that stand for the combination; no token and an empty one are the same."""
    token_key = token_key or ""
    # The lengths keep ("ab", "c") and ("a", "bc") apart.
    text = f"{timestamp},{len(nonce)},{len(consumer_key)},{nonce}{consumer_key}{token_key}"
    hasher = _EMPTY.copy()
    hasher.update(text.encode("utf-8", "surrogatepass"))
    return hasher.digest()


def oldest_kept(newest: int, window: int) -> int:
    """Return the first timestamp of the oldest bucket to keep when *newest* was seen."""
    return (newest // BUCKET - 2 * window // BUCKET - 1) * BUCKET
