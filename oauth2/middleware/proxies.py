"""Where a request was sent to, as proxies report it; only those that the application names are believed."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InvalidRequest, InvalidURL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_UNIX = "unix"
_USUAL = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")
_FORWARDED = "forwarded"
_KNOWN = frozenset([_FORWARDED, "x-forwarded-prefix", *[name.lower() for name in _USUAL]])
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~%!$&'()*+,;=:@-]+)*/?")
_NODE_PORT = re.compile(r"\[([^\]]*)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
# RFC 7239 wants quotes around what has a colon or brackets in it; many leave them out, and it stays unambiguous.
_PAIR = re.compile(
    r"""[ \t]*([A-Za-z0-9!#$%&'*+.^_`|~-]+)="""
    r"""(?:([A-Za-z0-9!#$%&'*+.^_`|~:\[\]-]+)|"((?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*)")[ \t]*(;|,|$)"""
)
_EMPTY = re.compile(r"[ \t]*(?:,|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request was sent to.

    Attributes:
        scheme: ``http`` or ``https``, in lower case.
        host: The Host header field: host and, if it is there, port. ``""`` if there was none.
        prefix: Path that a proxy took off, as the client sent it: ``/api``.

    Raises:
        InvalidURL: One of them is not what it should be.
    """

    scheme: str
    host: str
    prefix: str = ""

    def __post_init__(self) -> None:
        if self.scheme not in ("http", "https"):
            raise InvalidURL("The scheme of the request is neither http nor https.")
        if self.host and not _HOST.fullmatch(self.host):
            raise InvalidURL("The request has no valid host.")
        if not _PREFIX.fullmatch(self.prefix):
            raise InvalidURL("The path prefix of the request is not valid.")


class TrustedProxies:
    """The hops whose word is taken for where a request was sent to.

    A header counts only on a connection from one of them, and of what it lists only
    what they added: read from the right, up to the first address that is none of
    them. What a client put there itself is to the left of that.

    Args:
        hops: Addresses and networks, ``127.0.0.1`` or ``10.0.0.0/8``; ``unix`` for a
            connection without an address, which is one over a Unix socket.
        headers: Those that each hop sets or removes, whatever the client sent; no other is read.
            Of X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host and
            X-Forwarded-Prefix any, or Forwarded (RFC 7239) alone.

    Raises:
        TypeError: *hops* or *headers* is one str.
        ValueError: No address or network, or no such header.
    """

    def __init__(self, hops: Iterable[str], *, headers: Iterable[str] = _USUAL) -> None:
        if isinstance(hops, str) or isinstance(headers, str):
            raise TypeError("hops, headers: lists wanted, not one str")
        hops = list(hops)
        self._unix = _UNIX in hops
        self._networks = [ipaddress.ip_network(hop) for hop in hops if hop != _UNIX]
        self._names = frozenset([name.lower() for name in headers])
        if not self._names <= _KNOWN:
            raise ValueError("headers: X-Forwarded-For, -Proto, -Host, -Prefix or Forwarded wanted")
        if _FORWARDED in self._names and len(self._names) > 1:
            raise ValueError("headers: Forwarded says what the others say; name it alone")

    def origin(self, received: Origin, peer: str, headers: Mapping[str, str]) -> Origin:
        """Return where the request was sent to.

        Args:
            received: What the connection itself says.
            peer: Address at the other end of the connection; ``""`` if it has none.
            headers: Values by lower-case name, several of a name joined by commas.

        Raises:
            Error: What a trusted hop sent is malformed.
        """
        if not (self._trusts(peer) if peer else self._unix):
            return received
        read = self._forwarded if _FORWARDED in self._names else self._x_forwarded
        found = read({name: headers[name] for name in self._names if headers.get(name)})
        return Origin(
            scheme=found.get("proto", received.scheme).lower(),
            host=found.get("host", received.host),
            prefix=found.get("prefix", received.prefix).rstrip("/"),
        )

    def _trusts(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks)

    def _x_forwarded(self, headers: Mapping[str, str]) -> dict[str, str]:
        added = 1  # by the hop at the other end, and one more by each trusted one before it
        for node in reversed(_members(headers.get("x-forwarded-for", ""))):
            if not self._trusts(_address(node)):
                break
            added += 1
        found = {}
        for name in ("proto", "host", "prefix"):
            members = _members(headers.get(f"x-forwarded-{name}", ""))
            if members:
                # A hop may replace what came instead of adding to it, hence fewer.
                found[name] = members[-min(added, len(members))]
        return found

    def _forwarded(self, headers: Mapping[str, str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for element in reversed(_elements(headers.get(_FORWARDED, ""))):
            found.update(element)
            if not self._trusts(_address(element.get("for", "unknown"))):
                break
        return found


def _members(value: str) -> list[str]:
    return [member.strip(" \t") for member in value.split(",")] if value else []


def _elements(value: str) -> list[dict[str, str]]:
    """Return the elements of a Forwarded header field (RFC 7239 section 4), the pairs of each by lower-case name."""
    elements: list[dict[str, str]] = [{}]
    position = 0
    while position < len(value):
        match = _PAIR.match(value, position)
        if match is None:
            match = _EMPTY.match(value, position) if not elements[-1] else None
            if match is None or match.end() == position:
                raise InvalidRequest("The Forwarded header is malformed.")
            position = match.end()
            continue
        name, token, quoted, end = match.groups()
        if name.lower() in elements[-1]:
            raise InvalidRequest("The Forwarded header is malformed.")
        elements[-1][name.lower()] = token if token is not None else re.sub(r"\\(.)", r"\1", quoted)
        if end == ",":
            elements.append({})
        position = match.end()
    return [element for element in elements if element]


def _address(node: str) -> str:
    """Return the address of a node (RFC 7239 section 6) without its port; ``unknown`` where it is not told.

    Raises:
        InvalidRequest: It is no node.
    """
    if node.lower() == "unknown" or re.fullmatch(r"_[A-Za-z0-9._-]+(?::[A-Za-z0-9._-]+)?", node):
        return "unknown"
    match = _NODE_PORT.fullmatch(node)
    address = (match[1] or match[2]) if match else node
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise InvalidRequest("A forwarded address is malformed.") from None
    return address
