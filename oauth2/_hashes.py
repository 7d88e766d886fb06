"""The hash functions of signature methods. The end of a method's name shows its hash function."""

from __future__ import annotations

__all__ = ["HASHES", "hash_name"]

#: Key: the end of the names of all methods with one hash function. Value: the name of this hash function in
#: :mod:`hashlib`. The most common hash function is the first entry, so a search tries this hash function first.
HASHES = {"SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512", "SHA384": "sha384"}


def hash_name(method: str) -> str:
    """Return the :mod:`hashlib` name of a signature method's hash function; ``""`` if the name contains no hash.

    Args:
        method: Name of a signature method, such as ``HMAC-SHA256``.
    """
    for end, found in HASHES.items():
        if method.endswith(end):
            return found
    return ""
