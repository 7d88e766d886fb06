"""The hash functions of signature methods. For example, the name HMAC-SHA256 ends with the hash function SHA256."""

from __future__ import annotations

__all__ = ["HASHES", "hash_name"]

#: Key: the end of a signature method's name. Value: the name of the method's hash function in :mod:`hashlib`. The most
#: common hash function is the first entry, so that :func:`hash_name` finds it fast.
HASHES = {"SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512", "SHA384": "sha384"}


def hash_name(method: str) -> str:
    """Return the :mod:`hashlib` name of the hash function that a signature method uses.

    The result is ``""`` if *method* does not end with a key of :data:`HASHES`.

    Args:
        method: Name of a signature method, such as ``HMAC-SHA256``.
    """
    for end, found in HASHES.items():
        if method.endswith(end):
            return found
    return ""
