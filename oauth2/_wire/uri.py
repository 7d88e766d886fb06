"""The characters that a URI may contain, and percent-encoding of all other characters: RFC 3986."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from .pairs import has_canonical_escapes
from .percent import UNRESERVED

# In a URL, an IPv6 address is in brackets (RFC 3986 section 3.2.2). In a socket address it has no brackets. The set
# contains both forms.
_LOOPBACK_HOSTS = frozenset(["127.0.0.1", "localhost", "::1", "[::1]"])
_LEGAL = UNRESERVED + b"!$&'()*+,;=:@/?%"


def is_loopback_host(host: str) -> bool:
    """Return whether *host* is this machine. Plain http to this machine cannot be intercepted.

    Args:
        host: Host in lower case, without a port.
    """
    return host in _LOOPBACK_HOSTS


def encode_illegal(text: str) -> str:
    """Percent-encode the characters that a path, query or form body cannot contain (RFC 3986 section 3.4).

    All other characters and all escapes are not changed. A ``%`` that does not start an escape is encoded.

    Args:
        text: A path, a query or both, or a form body. Lone surrogates represent octets that are not UTF-8 (PEP 383).

    Raises:
        UnicodeEncodeError: *text* has a surrogate that PEP 383 did not create.
    """
    octets = text.encode("utf-8", "surrogateescape")
    legal = "".join([chr(octet) if octet in _LEGAL else f"%{octet:02X}" for octet in octets])
    return _stray_percent()("%25", legal)


def is_all_legal(text: str) -> bool:
    """Return whether *text* contains only legal characters and canonical escapes (RFC 5849 section 3.6).

    If the result is True, :func:`encode_illegal` would not change *text*.
    """
    return not text.encode("utf-8", "surrogatepass").translate(None, _LEGAL) and has_canonical_escapes(text)


@lru_cache(1)
def _stray_percent() -> Callable[[str, str], str]:
    # re is imported on first use, because importing re takes a third of the time of `import oauth2`.
    from re import compile as compiled

    return compiled("%(?![0-9A-Fa-f]{2})").sub
