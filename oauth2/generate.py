"""Timestamps, nonces and verifiers: the clock and the randomness of RFC 5849 sections 3.3 and 4.9."""

from __future__ import annotations

import time
from binascii import b2a_base64
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_DIGITS = "0123456789"
_READABLE = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0 and o, no 1, i and l


def generate_timestamp() -> int:
    """Return the seconds since 1970-01-01 00:00 UTC (section 3.3)."""
    return int(time.time())


def generate_nonce(length: int = 8) -> str:
    """Return *length* random decimal digits.

    The drop-in form, at 3.3 bits a digit; what this library sends itself comes
    from :func:`make_nonce`.
    """
    import secrets  # costs a third of `import oauth2`; a server that only verifies needs none

    return "".join([secrets.choice(_DIGITS) for _ in range(length)])


def generate_verifier(length: int = 8) -> str:
    """Return *length* random decimal digits, for a person to type (section 2.2).

    Eight digits are the drop-in length; 20 carry the 64 bits that a verifier
    which travels by redirect should have.
    """
    return generate_nonce(length)


def make_nonce() -> str:
    """Return 22 ASCII letters and digits carrying 130 bits (section 3.3).

    That length and alphabet because services are known that refuse punctuation,
    fewer than 20 characters or more than 24.
    """
    while True:
        # 24 octets are 32 base64 characters; with "+" and "/" left out each of the rest is one
        # of 62, all equally likely. Fewer than 22 are left once in 10**8 calls.
        text = b2a_base64(_random_bytes()(24)).translate(None, b"+/\n")
        if len(text) >= 22:
            return text[:22].decode("ascii")


@lru_cache(1)
def _random_bytes() -> Callable[[int], bytes]:
    from secrets import SystemRandom  # on first use, as above

    return SystemRandom().randbytes


def make_verifier() -> str:
    """Return 13 letters and digits carrying 64 bits, for a person to type (section 4.9)."""
    import secrets

    return "".join([secrets.choice(_READABLE) for _ in range(13)])
