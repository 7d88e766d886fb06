"""The URL that a client signed, from what a server hands over (RFC 5849 section 3.4.1.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..encoding import UNRESERVED, percent_decode_as_sent
from ..errors import InvalidURL

if TYPE_CHECKING:
    from .proxies import Origin

_PATH = UNRESERVED + b"/:@!$&'()*+,;="
_WIRE = bytes(range(0x21, 0x7F)).replace(b"#", b"")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)
_SLASHES = re.compile(rb"/+")
_REPLACED = "\ufffd".encode()


def request_url(origin: Origin, target: bytes | None, path: bytes, query: bytes) -> str:
    """Return the URL of a request, escapes in its path as the client sent them.

    *target* gives the path, if it decodes to *path*: what is verified has to be what
    the application serves. Else, or without it, *path* is encoded: all but
    unreserved characters, sub-delimiters, ``:``, ``@`` and ``/`` as upper-case ``%XX``.

    Args:
        origin: Where the request was sent to.
        target: Path with or without query, as sent; None if the server does not tell.
        path: Decoded path that the application serves; empty is ``/``.
        query: Query as sent, without its ``?``.

    Returns:
        Printable ASCII: an absolute URL, or path and query where there was no Host.

    Raises:
        InvalidURL: The path does not start with a slash.
    """
    path = path or b"/"
    if not path.startswith(b"/"):
        raise InvalidURL("The path of the request does not start with a slash.")
    wire = _escape(path, _PATH)
    sent = None if target is None else target.partition(b"?")[0] or b"/"
    if sent is not None and _same_path(_decoded(sent), path):
        wire = _escape(sent, _WIRE)
    mark = "?" if query else ""
    root = f"{origin.scheme}://{origin.host}" if origin.host else ""
    return f"{root}{origin.prefix}{wire}{mark}{_escape(query, _WIRE)}"


def origin_form(target: bytes, host: str) -> bytes:
    """Return *target* without the scheme and host of absolute form (RFC 9112 section 3.2.2).

    Raises:
        InvalidURL: They are not those of the Host header field, *host*, which decides.
    """
    match = _ABSOLUTE.match(target)
    if match is None:
        return target
    if match[1].lower() != host.lower().encode("latin-1", "replace"):
        raise InvalidURL("The request target and the Host header differ.")
    return target[match.end() :]


def octets(text: str, encoding: str) -> bytes:
    """Return *text*, which a server decoded, as it arrived.

    Raises:
        InvalidURL: It cannot have arrived like that.
    """
    try:
        return text.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:
        raise InvalidURL("The URL is not properly encoded.") from None


def _same_path(sent: bytes, path: bytes) -> bool:
    # Some servers take repeated slashes for one, and some put U+FFFD for what is not UTF-8.
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
