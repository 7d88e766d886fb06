"""Generate timestamps, nonces and verifiers: RFC 5849 sections 3.3 and 4.9."""

from __future__ import annotations

import time
from binascii import b2a_base64
from collections.abc import Callable
from functools import lru_cache

_DIGITS = "0123456789"
# The alphabet does not contain 0, o, 1, i and l, because people who read or type a verifier confuse these characters.
_READABLE = "23456789abcdefghjkmnpqrstuvwxyz"


def generate_timestamp() -> int:
    """Return the seconds since 1970-01-01 00:00 UTC (section 3.3)."""
    return int(time.time())


def generate_nonce(length: int = 8) -> str:
    """Return *length* random decimal digits.

    This function exists, because programs written for python-oauth2 call it. Each digit has 3.3 random bits, so a nonce
    of the default length has only about 27 random bits. This package itself uses :func:`make_nonce`.
    """
    # The module secrets is imported on first use, because importing it takes a third of the time of `import oauth2`. A
    # server that only verifies requests does not need this module.
    import secrets

    return "".join([secrets.choice(_DIGITS) for _ in range(length)])


def generate_verifier(length: int = 8) -> str:
    """Return *length* random decimal digits, for a person to type (section 2.2).

    The default is eight digits, as in python-oauth2, so existing programs need no change. For a verifier in a redirect
    URL, pass 20 as *length*: 20 digits have 66 random bits, and no person has to type this verifier.
    """
    return generate_nonce(length)


def make_nonce() -> str:
    """Return 22 ASCII letters and digits with 130 random bits (section 3.3).

    Some services refuse a nonce that contains punctuation, or that has fewer than 20 or more than 24 characters.
    """
    while True:
        # 24 random octets become 32 base64 characters, from which "+" and "/" are removed. Each remaining character is
        # one of 62 characters with equal probability. In about one of 10**8 calls, fewer than 22 characters remain, and
        # the loop tries again.
        text = b2a_base64(_random_octets()(24)).translate(None, b"+/\n")
        if len(text) >= 22:
            return text[:22].decode("ascii")


@lru_cache(1)
def _random_octets() -> Callable[[int], bytes]:
    from secrets import SystemRandom  # The module secrets is imported on first use, see generate_nonce().

    return SystemRandom().randbytes


def make_verifier() -> str:
    """Return 13 letters and digits with 64 random bits, for a person to type (section 4.9)."""
    import secrets  # The module secrets is imported on first use, see generate_nonce().

    return "".join([secrets.choice(_READABLE) for _ in range(13)])


def read_verifier(typed: str) -> str:
    """Return the verifier that a person *typed*, without whitespace and in lower case.

    A verifier of :func:`make_verifier` contains no whitespace and no upper-case letters, so this conversion does not
    make the verifier easier to guess.
    """
    return "".join(typed.split()).lower()
