"""Which callbacks a client may register, RFC 5849 sections 2.1 and 4.12."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

OUT_OF_BAND = "oob"

# RFC 3986 without what browsers read in their own way: no userinfo, fragment, backslash, space or control character.
_WEB = re.compile(
    r"https?://(?:[A-Za-z0-9._~\-]+|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{1,5}))?(?:[/?][A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]*)?"
)
# The scheme of an installed program is its domain turned round, RFC 8252 section 7.1.
_PROGRAM = re.compile(r"[a-z][a-z0-9+\-]*(?:\.[a-z0-9+\-]+)+:/[A-Za-z0-9\-._~:/?@!$&'()*+,;=%]*")


def check_callback(callback: str) -> None:
    """Refuse what no client should register as a callback.

    Taken are http and https URLs, ``com.example.program:/path`` for installed
    programs, and ``"oob"``. Each is compared to what a request asks for exactly,
    character by character, so a dot segment or another case is another callback.

    Raises:
        ValueError: It is none of these, or holds userinfo, a fragment, a backslash, a space or a control character.
    """
    if not isinstance(callback, str):
        raise TypeError("callback: str wanted")
    if callback == OUT_OF_BAND:
        return
    web = _WEB.fullmatch(callback)
    if not (_has_a_place(web[1], web[2]) if web else _PROGRAM.fullmatch(callback)):
        raise ValueError(
            'callback: an http or https URL without userinfo and fragment wanted, "com.example.program:/path", or "oob"'
        )
    if "/../" in f"{callback}/" or "/./" in f"{callback}/":
        raise ValueError("callback: a path without dot segments wanted")


def _has_a_place(address: str | None, port: str | None) -> bool:
    try:
        return int(port or 0) < 65_536 and (address is None or bool(IPv6Address(address)))
    except AddressValueError:
        return False
