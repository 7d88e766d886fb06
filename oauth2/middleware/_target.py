"""The URL that a client signed, reconstructed from the variables of a web server (RFC 5849 section 3.4.1.2)."""

from __future__ import annotations

import re
from functools import lru_cache

from .._wire.percent import UNRESERVED, percent_decode_as_sent
from ..errors import InvalidURL
from ..request import Request
from .proxies import Origin

_PATH = UNRESERVED + b"/:@!$&'()*+,;="
_WIRE = bytes(range(0x21, 0x7F)).replace(b"#", b"")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)
_SLASHES = re.compile(rb"/+")
_REPLACED = "\ufffd".encode()


@lru_cache(maxsize=64)
def direct_origin(scheme: str, host: str) -> Origin:
    """Return the :class:`Origin` of a request without a proxy.

    The result is cached, because most requests to a service have the same scheme and host.

    Raises:
        InvalidURL: *scheme* or *host* is not valid.
    """
    return Origin(scheme=scheme, host=host)


def request_url(origin: Origin, target: bytes | None, path: bytes, query: bytes) -> str:
    """Return the URL of a request, if possible with the percent-encoding that the client sent.

    The encoded path of *target* is used only if it decodes to *path*, because the verified path must be the path that
    the application serves. Otherwise this function percent-encodes *path*: all octets except unreserved characters,
    sub-delimiters, ``:``, ``@`` and ``/`` become ``%XX`` in upper case.

    Args:
        origin: The scheme, host and path prefix to which the client sent the request.
        target: The encoded path that the client sent, with or without query; None if the server does not provide this
            path.
        path: The decoded path that the application serves; ``b""`` means ``/``.
        query: The query that the client sent, without ``?``.

    Returns:
        Printable ASCII: an absolute URL, or only path and query if the request has no Host header.

    Raises:
        InvalidURL: The path does not start with a slash, or the path or the query exceeds the limit of
            :class:`~oauth2.request.Request`.
    """
    path = path or b"/"
    if not path.startswith(b"/"):
        raise InvalidURL("The path of the request does not start with a slash.")
    sent = None if target is None else target.partition(b"?")[0] or b"/"
    # The length is checked first, because the checks below would take much time for a long URL.
    if max(len(path), len(sent or b"")) > Request.max_url or len(query) > Request.max_form:
        raise InvalidURL("The URL is too long.")
    # The target "%2Fphotos" decodes to "/photos", but does not start with a slash. In a URL, this target would become a
    # part of the host, and the provider would verify the path "/". Therefore a target without a first slash is not
    # used.
    is_sent = sent is not None and sent.startswith(b"/") and _same_path(_decoded(sent), path)
    wire = _escape(sent, _WIRE) if sent is not None and is_sent else _escape(path, _PATH)
    mark = "?" if query else ""
    root = f"{origin.scheme}://{origin.host}" if origin.host else ""
    return f"{root}{origin.prefix}{wire}{mark}{_escape(query, _WIRE)}"


def origin_form(target: bytes, host: str) -> bytes:
    """Return *target* without scheme and host if it is in absolute form (RFC 9112 section 3.2.2).

    Raises:
        InvalidURL: The host of *target* is not *host*, the value of the Host header.
    """
    match = _ABSOLUTE.match(target)
    if match is None:
        return target
    if match[1].lower() != host.lower().encode("latin-1", "replace"):
        raise InvalidURL("The hosts in the request target and in the Host header are different.")
    return target[match.end() :]


def octets(text: str, encoding: str) -> bytes:
    """Return the original octets of *text*, which a server decoded with *encoding*.

    Raises:
        InvalidURL: *text* cannot be encoded.
    """
    try:
        return text.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:
        raise InvalidURL("The URL is not properly encoded.") from None


def _same_path(sent: bytes, path: bytes) -> bool:
    # Some servers merge repeated slashes in the decoded path, or replace octets that are not UTF-8 by U+FFFD. Two paths
    # that differ only by one of these changes count as equal.
    if sent == path or _SLASHES.sub(b"/", sent) == _SLASHES.sub(b"/", path):
        return True
    return _REPLACED in path and sent.decode("utf-8", "replace").encode() == path


def _decoded(path: bytes) -> bytes:
    if b"%" not in path:
        return path
    return percent_decode_as_sent(path.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _escape(data: bytes, kept: bytes) -> str:
    if not data.translate(None, kept):
        return data.decode("ascii")
    return "".join([chr(octet) if octet in kept else f"%{octet:02X}" for octet in data])
