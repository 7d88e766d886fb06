"""The signature base string and the signature methods: RFC 5849 section 3.4.

Signing and verifying meet here and nowhere else, so that they cannot disagree.
:class:`SignatureMethod` is the way to add a method: set ``name``, implement
``signing_base`` and ``sign``, inherit the constant-time ``check``.
"""

from __future__ import annotations

import os
from binascii import b2a_base64
from bisect import bisect_left
from functools import lru_cache

from .encoding import UNRESERVED, is_utf8, percent_encode, table_of, to_unicode
from .errors import InvalidURL
from .parameters import encode_form, encode_pairs, query_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import hashlib
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol

    class SignableRequest(Protocol):
        """What a signature method sees of a request."""

        @property
        def method(self) -> str:
            """HTTP request method, upper case."""

        @property
        def normalized_url(self) -> str | None:
            """Base string URI."""

        def get_normalized_parameters(self) -> str:
            """Return the normalized request parameters."""


_DEFAULT_PORTS = {"http": 80, "https": 443}
_BODY_DIGESTS = {"SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=%")
_IP_LITERAL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:%")
_KEYS_KEPT = 1024
_IPAD = bytes([octet ^ 0x36 for octet in range(256)])
_OPAD = bytes([octet ^ 0x5C for octet in range(256)])
_ONLY_PLAIN_URI = table_of(UNRESERVED + b":/")
_PLAIN_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
_ON_THE_WIRE = bytes(range(0x21, 0x7F))
_ONLY_ON_THE_WIRE = table_of(_ON_THE_WIRE)


# --- signature base string, section 3.4.1 --------------------------------------


def signature_base_string(method: str, url: str | bytes, pairs: Iterable[tuple[str, str]]) -> str:
    """Return the signature base string (section 3.4.1.1).

    Args:
        method: HTTP request method, in any case.
        url: Absolute http or https URL. Its query counts.
        pairs: Decoded parameters besides the URL's query: those of the
            Authorization header without ``realm``, and those of a form body.

    Raises:
        InvalidURL: *url* has no base string URI.
    """
    url = url_text(url)
    encoded = [*encode_form(query_of(url)), *encode_pairs(list(pairs))]
    return base_string_of(method.upper(), base_string_uri(url), encoded)


def base_string_uri(url: str | bytes, *, host: str | None = None) -> str:
    """Return the base string URI (section 3.4.1.2): the resource without query and fragment.

    Scheme and host in lower case, a default port left out, an empty path as ``/``.
    Escapes in the path stay as they are; what is not printable ASCII in it is
    escaped, as it has to be on the wire.

    Args:
        url: Absolute http or https URL.
        host: The Host header field of the request, which decides where it
            differs from the URL (rule 2).

    Raises:
        InvalidURL: No http or https, no valid host or port, or no UTF-8 form.
    """
    text = url if type(url) is str else url_text(url)
    if host is None and (plain := _plain_uri()(text)):
        return str(plain[0])  # nothing to normalize
    text = text.partition("#")[0].partition("?")[0]
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _DEFAULT_PORTS:
        raise InvalidURL("The URL is not an absolute http or https URL.")
    authority, _, path = rest.partition("/")
    if "\\" in authority:  # a slash to some parsers, part of the userinfo to others
        raise InvalidURL("The URL has no valid host.")
    authority = _authority(scheme, authority.rpartition("@")[2] if host is None else host)
    return f"{scheme}://{authority}/{on_the_wire(path)}"


@lru_cache(1)
def _plain_uri() -> Callable[[str], Any]:
    from re import compile as compiled  # costs a third of `import oauth2`, and not all who import it sign

    return compiled(r"https?://[a-z0-9.\-]+/[A-Za-z0-9.\-_~/]*(?=[?#]|\Z)").match


def on_the_wire(text: str) -> str:
    """Escape what cannot stand in a request line: all but printable ASCII.

    Raises:
        InvalidURL: *text* has no UTF-8 form.
    """
    if not is_utf8(text):
        raise InvalidURL("The URL has no UTF-8 form.")
    octets = text.encode()
    if octets.translate(_ONLY_ON_THE_WIRE) == octets:
        return text
    return "".join([chr(octet) if octet in _ON_THE_WIRE else f"%{octet:02X}" for octet in octets])


def url_text(url: str | bytes) -> str:
    """Return *url* as text.

    Raises:
        InvalidURL: Bytes that are not UTF-8.
        TypeError: *url* is neither str nor bytes.
    """
    if isinstance(url, bytes):
        url = url.decode("utf-8", "surrogateescape")
        if not is_utf8(url):
            raise InvalidURL("The URL has no UTF-8 form.")
    if not isinstance(url, str):
        raise TypeError("url: str or UTF-8 bytes wanted")
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
    # A Host header carries the name as the DNS does (RFC 3490), which takes 253 characters.
    try:
        return host.encode("idna").decode("ascii") if len(host) <= 253 else ""
    except UnicodeError:
        return ""


def normalize_parameters(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the normalized request parameters (section 3.4.1.3.2): encoded, sorted, joined.

    Args:
        pairs: Decoded pairs, duplicates included; ``oauth_signature`` is left out here.
    """
    return join_encoded(encode_pairs(list(pairs)))


def join_encoded(encoded: Iterable[str]) -> str:
    """Return the normalized request parameters of what :func:`~oauth2.pairs.encode_pairs` made."""
    return _sorted(encoded).replace(" ", "=")


def base_string_of(method: str, uri: str, encoded: Iterable[str]) -> str:
    """Return the signature base string (section 3.4.1.1).

    Args:
        method: HTTP request method, upper case.
        uri: Base string URI.
        encoded: All parameters, as :func:`~oauth2.pairs.encode_pairs` made them.
    """
    # Encoding what is encoded already leaves few characters to look for, one after the other.
    normalized = _sorted(encoded).replace("%", "%25").replace(" ", "%3D").replace("&", "%26")
    octets = uri.encode()
    if method in _PLAIN_METHODS and octets.translate(_ONLY_PLAIN_URI) == octets:
        return f"{method}&{uri.replace(':', '%3A').replace('/', '%2F')}&{normalized}"
    return f"{percent_encode(method)}&{percent_encode(uri)}&{normalized}"


def _sorted(encoded: Iterable[str]) -> str:
    # By name and then by value, as a space sorts before all that encoding leaves.
    ordered = sorted(encoded)
    start = bisect_left(ordered, "oauth_signature ")
    if start < len(ordered) and ordered[start][:16] == "oauth_signature ":
        del ordered[start : bisect_left(ordered, "oauth_signature!", start)]
    return "&".join(ordered)


# --- signature methods, sections 3.4.2 to 3.4.4 ---------------------------------


class SignatureMethod:
    """A way of signing requests; subclass it for one of your own.

    Attributes:
        name: The value of ``oauth_signature_method``.
        uses_secrets: Nothing but the shared secrets makes the signature; a server
            then wants secrets that are some.
        nobody: Credentials that nobody has, with which a check costs what any check
            does; None if the method has none.
        needs_tls: The signature itself must not be seen by others.
        needs_nonce: Requests carry a timestamp and a nonce (section 3.1).
    """

    name: str
    nobody: Any = None
    uses_secrets = False
    needs_tls = False
    needs_nonce = True

    def signing_base(self, request: SignableRequest, consumer: Any, token: Any) -> tuple[Any, Any]:
        """Return the key and the text that is signed."""
        raise NotImplementedError(f"{type(self).__name__}.signing_base")

    def sign(self, request: SignableRequest, consumer: Any, token: Any) -> str | bytes:
        """Return the signature, not percent-encoded."""
        raise NotImplementedError(f"{type(self).__name__}.sign")

    def check(self, request: SignableRequest, consumer: Any, token: Any, signature: str | bytes) -> bool:
        """Tell in constant time whether *signature* is the one this method makes."""
        given = signature.encode() if type(signature) is str and signature.isascii() else _ascii(signature)
        if given is None:
            return False
        built = self.sign(request, consumer, token)
        octets = built if type(built) is bytes else _ascii(built)
        return octets is not None and constant_time_equal()(octets, given)


@lru_cache(1)
def constant_time_equal() -> Callable[[bytes, bytes], bool]:
    """Return what tells in constant time whether octets are the same."""
    from hmac import compare_digest  # on first use: it loads OpenSSL, 3.5 MB and more than the rest of `import oauth2`

    return compare_digest


def _ascii(signature: object) -> bytes | None:
    if isinstance(signature, str):
        return signature.encode("ascii") if signature.isascii() else None
    return signature if isinstance(signature, bytes) else None


def signed_text(request: SignableRequest) -> str:
    """Return the signature base string of a request.

    Raises:
        ValueError: The request has no URL.
    """
    own = getattr(request, "_base_string", None)
    if own is not None:
        text: str = own()
        return text
    return overridable_text(request)


def overridable_text(request: SignableRequest) -> str:
    """Return the signature base string of a request, by way of its overridable parts.

    Raises:
        ValueError: The request has no URL.
    """
    uri = getattr(request, "normalized_url", None)
    if uri is None:
        raise ValueError("request: its url is not set")
    parts = (request.method, uri, to_unicode(request.get_normalized_parameters()))
    return "&".join([percent_encode(part) for part in parts])


def shared_secrets(consumer: Any, token: Any) -> str:
    """Return both secrets encoded and joined by ``&``, which is always there (section 3.4.2)."""
    return _joined(consumer.secret, token.secret if token else "")


@lru_cache(_KEYS_KEPT)
def _joined(secret: str | bytes, token_secret: str | bytes) -> str:
    return f"{percent_encode(to_unicode(secret))}&{percent_encode(to_unicode(token_secret))}"


def body_digest(name: str) -> str:
    """Return the hash for ``oauth_body_hash`` under a signature method.

    It follows from the method's name, so that both sides find the same one for
    a method of the user's own, too: SHA-1 unless the name ends in another.
    """
    return _BODY_DIGESTS.get(name[-6:], "sha1")


class _Nobody:
    key = ""
    secret = os.urandom(32).hex()


class _HMAC(SignatureMethod):
    """HMAC over the signature base string, RFC 5849 section 3.4.2."""

    digest: str
    nobody = _Nobody()
    uses_secrets = True

    def signing_base(self, request: SignableRequest, consumer: Any, token: Any) -> tuple[bytes, bytes]:
        """Return the key and the signature base string, ASCII."""
        text = signed_text(request)
        return shared_secrets(consumer, token).encode("ascii"), text.encode("ascii")

    def sign(self, request: SignableRequest, consumer: Any, token: Any) -> bytes:
        """Return the base64 signature, ASCII."""
        key, text = self.signing_base(request, consumer, token)
        keyed_inner, keyed_outer = _keyed(self.digest, key)
        inner, outer = keyed_inner.copy(), keyed_outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return b2a_base64(outer.digest(), newline=False)


@lru_cache(_KEYS_KEPT)
def _keyed(digest: str, key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    # RFC 2104 section 4: the two hashes that begin with the key are made once, and
    # copied. That is twice as fast as hmac.digest() where credentials are used again.
    import hashlib  # on first use: it loads OpenSSL

    inner, outer = hashlib.new(digest), hashlib.new(digest)
    if len(key) > inner.block_size:
        key = hashlib.new(digest, key).digest()
    key = key.ljust(inner.block_size, b"\0")
    inner.update(key.translate(_IPAD))
    outer.update(key.translate(_OPAD))
    return inner, outer


class SignatureMethod_HMAC_SHA1(_HMAC):  # noqa: N801 - drop-in name
    """HMAC-SHA1, RFC 5849 section 3.4.2."""

    name = "HMAC-SHA1"
    digest = "sha1"


class SignatureMethod_HMAC_SHA256(_HMAC):  # noqa: N801 - named as its family is
    """HMAC-SHA256: section 3.4.2 with SHA-256."""

    name = "HMAC-SHA256"
    digest = "sha256"


class SignatureMethod_HMAC_SHA512(_HMAC):  # noqa: N801 - named as its family is
    """HMAC-SHA512: section 3.4.2 with SHA-512."""

    name = "HMAC-SHA512"
    digest = "sha512"


class SignatureMethod_PLAINTEXT(SignatureMethod):  # noqa: N801 - drop-in name
    """The secrets themselves, RFC 5849 section 3.4.4: over https only."""

    name = "PLAINTEXT"
    nobody = _Nobody()
    uses_secrets = True
    needs_tls = True
    needs_nonce = False

    def signing_base(self, request: SignableRequest, consumer: Any, token: Any) -> tuple[str, str]:
        """Return the secrets joined by ``&``, twice: they are key and text in one."""
        secrets = shared_secrets(consumer, token)
        return secrets, secrets

    def sign(self, request: SignableRequest, consumer: Any, token: Any) -> bytes:
        """Return the secrets joined by ``&``, ASCII."""
        return self.signing_base(request, consumer, token)[1].encode("ascii")


class SignatureMethod_PLAINTEXT_OVER_HTTP(SignatureMethod_PLAINTEXT):  # noqa: N801 - named as its family is
    """PLAINTEXT where nobody else can listen, such as loopback: choosing it is asking for it by name."""

    needs_tls = False
