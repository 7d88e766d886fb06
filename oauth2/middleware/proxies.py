"""The scheme, host and path prefix to which the client sent a request. Trusted proxies report these values."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import InvalidRequest, InvalidURL

__all__ = ["Origin", "TrustedProxies"]

_UNIX = "unix"
_USUAL = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")
_FORWARDED = "forwarded"
_KNOWN = frozenset([_FORWARDED, "x-forwarded-prefix", *[name.lower() for name in _USUAL]])
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~%!$&'()*+,;=:@-]+)*/?")
_NODE_PORT = re.compile(r"\[([^\]]*)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
# RFC 7239 requires quotes around a value that has a colon or brackets. Many proxies omit the quotes. Without quotes,
# the value is still unambiguous, so it is accepted.
_PAIR = re.compile(
    r"""[ \t]*([A-Za-z0-9!#$%&'*+.^_`|~-]+)="""
    r"""(?:([A-Za-z0-9!#$%&'*+.^_`|~:\[\]-]+)|"((?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*)")[ \t]*(;|,|$)"""
)
_EMPTY = re.compile(r"[ \t]*(?:,|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The scheme, host and path prefix to which the client sent a request.

    Attributes:
        scheme: ``http`` or ``https``, in lower case.
        host: The value of the Host header field: host and optional port. ``""`` if the request has no Host header.
        prefix: The path prefix that the client sent and a proxy removed, such as ``/api``.

    Raises:
        InvalidURL: An attribute is not valid.
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
    """The proxies that are trusted to report the scheme, host and path prefix of a request.

    A header is read only if a trusted proxy has opened the connection. Each proxy appends a value at the right end of
    the header. Values are therefore read from right to left. Reading stops at the first address that is not a trusted
    proxy, because the client may have sent all values to the left of that address.

    Args:
        hops: The addresses and networks of the proxies, such as ``127.0.0.1`` or ``10.0.0.0/8``. For a proxy that
            connects over a Unix socket, use ``unix``, because a connection over a Unix socket has no address.
        headers: The headers to read: one or more of X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host and
            X-Forwarded-Prefix, or only Forwarded (RFC 7239). Each proxy must set or remove each of these headers;
            otherwise a client could choose the value of the header.

    Raises:
        TypeError: *hops* or *headers* is one str.
        ValueError: A member of *hops* is not an address or network, *headers* contains an unknown header, or
            *headers* contains both Forwarded and an X-Forwarded header.
    """

    def __init__(self, hops: Iterable[str], *, headers: Iterable[str] = _USUAL) -> None:
        for name, value in (("hops", hops), ("headers", headers)):
            if isinstance(value, str):
                raise TypeError(f"{name}: must be a list of str, not one str")
        hops = list(hops)
        self._unix = _UNIX in hops
        self._networks = [ipaddress.ip_network(hop) for hop in hops if hop != _UNIX]
        self._names = frozenset([name.lower() for name in headers])
        if not self._names <= _KNOWN:
            raise ValueError("headers: must be X-Forwarded-For, -Proto, -Host or -Prefix, or Forwarded")
        if _FORWARDED in self._names and len(self._names) > 1:
            raise ValueError("headers: must contain either Forwarded or X-Forwarded headers, not both")

    def origin(self, received: Origin, peer: str, headers: Mapping[str, str]) -> Origin:
        """Return the scheme, host and path prefix to which the client sent the request.

        Args:
            received: The scheme, host and path prefix of the received request.
            peer: The address of the other end of the connection; ``""`` if the connection has no address.
            headers: A mapping from the lower-case name of each header field to its value. If several fields have the
                same name, the value consists of their values, joined by commas.

        Raises:
            Error: A header from a trusted proxy is malformed.
        """
        if not self._trusts_peer(peer):
            return received
        read = self._forwarded if _FORWARDED in self._names else self._x_forwarded
        found = read({name: headers[name] for name in self._names if headers.get(name)})
        return Origin(
            scheme=found.get("proto", received.scheme).lower(),
            host=found.get("host", received.host),
            prefix=found.get("prefix", received.prefix).rstrip("/"),
        )

    def client(self, peer: str, headers: Mapping[str, str]) -> str | None:
        """Return the address of the client; None if the trusted proxies do not report the address.

        The address is in X-Forwarded-For, or in the ``for=`` of Forwarded. The address of the client is the last
        address that does not belong to a trusted proxy. If all addresses belong to trusted proxies, the address of the
        client is the first address.

        Args:
            peer: The address of the other end of the connection; ``""`` if the connection has no address.
            headers: A mapping from the lower-case name of each header field to its value. If several fields have the
                same name, the value consists of their values, joined by commas.

        Raises:
            Error: A header from a trusted proxy is malformed.
        """
        if not self._trusts_peer(peer):
            return peer or None
        found = None
        for node in reversed(self._nodes(headers)):
            found = _address(node)
            if not self._trusts(found):
                break
        return None if found == "unknown" else found

    def _nodes(self, headers: Mapping[str, str]) -> list[str]:
        if _FORWARDED in self._names:
            return [element.get("for", "unknown") for element in _elements(headers.get(_FORWARDED, ""))]
        return _members(headers.get("x-forwarded-for", "")) if "x-forwarded-for" in self._names else []

    def _trusts_peer(self, peer: str) -> bool:
        return self._trusts(peer) if peer else self._unix

    def _trusts(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks)

    def _x_forwarded(self, headers: Mapping[str, str]) -> dict[str, str]:
        # The proxy at the other end of the connection has added the last value. Each trusted proxy between this proxy
        # and the client has also added one value.
        added = 1
        for node in reversed(_members(headers.get("x-forwarded-for", ""))):
            if not self._trusts(_address(node)):
                break
            added += 1
        found = {}
        for name in ("proto", "host", "prefix"):
            members = _members(headers.get(f"x-forwarded-{name}", ""))
            if members:
                # The header may have fewer than *added* values, because a proxy may replace the header instead of
                # appending a value.
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
    """Return the elements of a Forwarded header field (RFC 7239 section 4) as dicts with lower-case names."""
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
    """Return the address of a node (RFC 7239 section 6) without the port.

    The result is ``unknown`` if *node* is "unknown" or an obfuscated identifier.

    Raises:
        InvalidRequest: *node* is malformed.
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
