"""The signature base string: RFC 5849 section 3.4.1."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from functools import lru_cache

from .._typing import Any
from ..errors import InvalidURL
from .form import encode_form, query_of
from .pairs import encode_pairs
from .percent import UNRESERVED, percent_encode
from .text import is_utf8

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=%")
_IP_LITERAL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:%")
_PLAIN_URI = UNRESERVED + b":/"
_PLAIN_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
_PRINTABLE = bytes(range(0x21, 0x7F))


def signature_base_string(method: str, url: str | bytes, pairs: Iterable[tuple[str, str]]) -> str:
    """Return the signature base string (section 3.4.1.1).

    Args:
        method: HTTP request method, in upper or lower case.
        url: Absolute http or https URL. The base string includes the parameters in the query of the URL.
        pairs: Decoded parameters that are not in the query: the parameters of the
            Authorization header without ``realm``, and the parameters of a form body.

    Raises:
        InvalidURL: *url* is not a valid absolute http or https URL.
    """
    url = url_text(url)
    encoded = [*encode_form(query_of(url)), *encode_pairs(list(pairs))]
    return base_string_of(method.upper(), base_string_uri(url), encoded)


def base_string_uri(url: str | bytes, *, host: str | None = None) -> str:
    """Return the base string URI (section 3.4.1.2): scheme, host, port and path of the URL.

    Scheme and host are converted to lower case, a default port is removed, and an empty path becomes ``/``. Escapes in
    the path are not changed. All characters except printable ASCII are percent-encoded, because a request line can
    contain only printable ASCII.

    Args:
        url: Absolute http or https URL.
        host: The value of the Host header field, which replaces the host and the port of *url* (rule 2). None to use
            the host and the port of *url*.

    Raises:
        InvalidURL: The scheme is not http or https, the host or port is not valid, or *url* cannot be encoded as UTF-8.
    """
    # Fast path: if the pattern matches, the base string URI is the URL without query and fragment.
    if host is None and isinstance(url, str) and (plain := _plain_uri()(url)):
        uri: str = plain[0]
        return uri
    text = url_text(url)
    text = text.partition("#")[0].partition("?")[0]
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _DEFAULT_PORTS:
        raise InvalidURL("The URL is not an absolute http or https URL.")
    authority, _, path = rest.partition("/")
    if "\\" in authority:  # Some URL parsers treat a backslash as a slash, other parsers as a part of userinfo.
        raise InvalidURL("The URL has no valid host.")
    authority = _authority(scheme, authority.rpartition("@")[2] if host is None else host)
    return f"{scheme}://{authority}/{on_the_wire(path)}"


@lru_cache(1)
def _plain_uri() -> Callable[[str], Any]:
    # re is imported on first use, because importing re takes a third of the time of `import oauth2`.
    from re import compile as compiled

    # The pattern matches a URL that needs no normalization. Scheme and host are in lower case. The URL has a path, but
    # no userinfo and no port. The path has no escapes, and no characters that must be escaped.
    return compiled(r"https?://[a-z0-9.\-]+/[A-Za-z0-9.\-_~/]*(?=[?#]|\Z)").match


def on_the_wire(text: str) -> str:
    """Percent-encode all characters except printable ASCII, because a request line can contain only printable ASCII.

    Raises:
        InvalidURL: *text* cannot be encoded as UTF-8.
    """
    if not is_utf8(text):
        raise InvalidURL("The URL has no UTF-8 form.")
    octets = text.encode()
    if not octets.translate(None, _PRINTABLE):
        return text
    return "".join([chr(octet) if octet in _PRINTABLE else f"%{octet:02X}" for octet in octets])


def url_text(url: str | bytes) -> str:
    """Return *url* as text.

    Raises:
        InvalidURL: *url* is bytes that are not UTF-8.
        TypeError: *url* is neither str nor bytes.
    """
    if isinstance(url, bytes):
        url = url.decode("utf-8", "surrogateescape")
        if not is_utf8(url):
            raise InvalidURL("The URL has no UTF-8 form.")
    if not isinstance(url, str):
        raise TypeError("url: must be str or UTF-8 bytes")
    return url


def _authority(scheme: str, authority: str) -> str:
    host, colon, port = authority.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = authority, ""
    host = _host(host)
    if port:
        if not (port.isascii() and port.isdigit()) or len(port) > 5 or int(port) > 0xFFFF:
            raise InvalidURL("The URL has no valid port.")
        if int(port) != _DEFAULT_PORTS[scheme]:
            return f"{host}:{int(port)}"
    return host


def _host(host: str) -> str:
    if not host.isascii():
        host = _to_ascii(host)
    host = host.lower()
    if host.startswith("[") and host.endswith("]"):
        valid = len(host) > 2 and _IP_LITERAL.issuperset(host[1:-1])
    else:
        valid = host != "" and _HOST.issuperset(host)
    if not valid:
        raise InvalidURL("The URL has no valid host.")
    return host


def _to_ascii(host: str) -> str:
    # A Host header contains the ASCII form of the host name (RFC 3490). A name in the DNS has at most 253 characters.
    # Longer names are refused before the conversion, because the conversion takes quadratic time.
    try:
        return host.encode("idna").decode("ascii") if len(host) <= 253 else ""
    except UnicodeError:
        return ""


def normalize_parameters(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the normalized request parameters (section 3.4.1.3.2): encoded, sorted, joined.

    Args:
        pairs: Decoded pairs; a name may occur more than once. This function ignores ``oauth_signature``.
    """
    return join_encoded(encode_pairs(list(pairs)))


def join_encoded(encoded: Iterable[str]) -> str:
    """Return the normalized request parameters for encoded parameters, see :func:`~oauth2._wire.pairs.encode_pairs`."""
    return _sorted(encoded).replace(" ", "=")


def base_string_of(method: str, uri: str, encoded: Iterable[str]) -> str:
    """Return the signature base string (section 3.4.1.1).

    Args:
        method: HTTP request method, upper case.
        uri: Base string URI.
        encoded: All parameters of the request, as :func:`~oauth2._wire.pairs.encode_pairs` returns them.
    """
    # The parameters are encoded already, so the only reserved characters in the text are "%", " " and "&". The "%"
    # must be replaced first, because the escapes of the other two characters contain "%".
    normalized = _sorted(encoded).replace("%", "%25").replace(" ", "%3D").replace("&", "%26")
    # Fast path: the usual HTTP methods need no encoding, and in most URIs only ":" and "/" must be encoded.
    if method in _PLAIN_METHODS and not uri.encode().translate(None, _PLAIN_URI):
        return f"{method}&{uri.replace(':', '%3A').replace('/', '%2F')}&{normalized}"
    return f"{percent_encode(method)}&{percent_encode(uri)}&{normalized}"


def _sorted(encoded: Iterable[str]) -> str:
    # Each text is a name, a space and a value. Sorting the texts sorts the parameters by name and then by value,
    # because the space comes before every character of encoded text. In the sorted list, all parameters with the name
    # oauth_signature are consecutive. They are between "oauth_signature " and "oauth_signature!", because "!" directly
    # follows the space in ASCII.
    ordered = sorted(encoded)
    del ordered[bisect_left(ordered, "oauth_signature ") : bisect_left(ordered, "oauth_signature!")]
    return "&".join(ordered)
