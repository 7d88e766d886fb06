"""The rules for callback URLs that a client may register, RFC 5849 section 2.1."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from .._wire.constants import OUT_OF_BAND

__all__ = ["OUT_OF_BAND", "check_callback"]

# The pattern matches a URL as RFC 3986 defines it, but without userinfo, fragment, backslash, space and control
# characters. Not all browsers interpret these parts in the same way, so a browser could open a URL that is different
# from the URL that the provider has checked.
_WEB = re.compile(
    r"https?://(?:[A-Za-z0-9._~\-]+|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{1,5}))?(?:[/?][A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]*)?"
)
# The scheme of an installed application is a reversed domain name, such as com.example.program (RFC 8252 section 7.1).
_APPLICATION = re.compile(r"[a-z][a-z0-9+\-]*(?:\.[a-z0-9+\-]+)+:/[A-Za-z0-9\-._~:/?@!$&'()*+,;=%]*")


def check_callback(callback: str) -> None:
    """Check that a client may register *callback* (section 2.1).

    Valid callbacks are http and https URLs, ``com.example.program:/path`` for installed applications, and ``"oob"``. A
    provider compares the callback of a request with the registered callbacks character by character. Dot segments
    (``/./`` and ``/../``) are refused. A browser removes dot segments, so it would open a URL that is different from
    the URL that the provider has compared.

    Raises:
        TypeError: *callback* is not a str.
        ValueError: *callback* is not a valid callback, or contains userinfo, a fragment, a backslash, a space, a
            control character or a dot segment.
    """
    if not isinstance(callback, str):
        raise TypeError("callback: must be a str")
    if callback == OUT_OF_BAND:
        return
    web = _WEB.fullmatch(callback)
    if not (_has_valid_host(web[1], web[2]) if web else _APPLICATION.fullmatch(callback)):
        raise ValueError(
            "callback: must be an http or https URL without userinfo and fragment,"
            ' "com.example.program:/path", or "oob"'
        )
    if "/../" in f"{callback}/" or "/./" in f"{callback}/":
        raise ValueError("callback: must have a path without dot segments")


def _has_valid_host(address: str | None, port: str | None) -> bool:
    try:
        return int(port or 0) < 65_536 and (address is None or bool(IPv6Address(address)))
    except AddressValueError:
        return False
