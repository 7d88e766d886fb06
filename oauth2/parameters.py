"""Parameters on the wire and as pairs: RFC 5849 sections 3.4.1.3.1 and 3.5.

Below :class:`~oauth2.request.Request`, parameters are a list of decoded
``(name, value)`` pairs. Here they are read from a query or a form body, and written
back; the Authorization header has a module of its own, whose functions can be had
from here, too. Reading is strict, for verifiers; the functions named ``..._as_sent``
are what a signer needs: they take whatever goes on the wire.
"""

from __future__ import annotations

from binascii import b2a_base64
from functools import lru_cache

from .authorization import (
    LWS,
    build_authenticate_header,
    build_authorization_header,
    is_oauth_header,
    join_header,
    parse_authorization_header,
    quote_realm,
    read_header,
)
from .encoding import STRING_TYPES, decode_utf8, percent_decode, percent_decode_as_sent, to_text
from .errors import InvalidRequest
from .pairs import (
    ENCODED,
    Pairs,
    decode_pairs,
    decode_pairs_as_sent,
    encode_pairs,
    group_pairs,
    has_canonical_escapes,
    without,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import hashlib
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, BinaryIO

__all__ = [
    "FORM",
    "Pairs",
    "add_to_query",
    "body_hash",
    "build_authenticate_header",
    "build_authorization_header",
    "build_form",
    "decode_pairs",
    "encode_form",
    "encode_pairs",
    "form_text",
    "group_pairs",
    "is_form",
    "is_oauth_header",
    "join_header",
    "parse_authorization_header",
    "parse_form",
    "parse_form_as_sent",
    "query_of",
    "quote_realm",
    "read_form",
    "read_header",
    "text_pairs",
    "without",
]

FORM = "application/x-www-form-urlencoded"

_NO_SEPARATOR = bytes({*range(256)} - {*b"=&"})
_CHUNK = 1 << 20  # bytes of a file hashed at a time


# --- query and form body, sections 3.4.1.3.1, 3.5.2 and 3.5.3 -----------------


def parse_form(data: bytes | str) -> Pairs:
    """Read a query or a form body strictly (section 3.4.1.3.1).

    ``+`` is a space, a name without ``=`` has an empty value, empty segments are
    passed over, and ``;`` is no separator.

    Args:
        data: The octets as received, or their text; without the leading ``?``.

    Returns:
        Decoded pairs in order, each duplicate kept.

    Raises:
        Error: A bad escape, or octets that are not UTF-8.
    """
    return _form_pairs(form_text(data), percent_decode)


def form_text(data: bytes | str) -> str:
    """Return a query or form body as text.

    Raises:
        Error: Octets that are not UTF-8.
    """
    text = data if isinstance(data, str) else decode_utf8(data)
    if text is None:
        raise InvalidRequest("A query or form body is not valid UTF-8.")
    return text


def parse_form_as_sent(data: bytes | str) -> Pairs:
    """Read a query or form body that this side sends, whatever it holds (section 3.4.1.3.1).

    Differs from :func:`parse_form` in what it takes: see
    :func:`~oauth2.encoding.percent_decode_as_sent`.
    """
    if isinstance(data, bytes):
        data = data.decode("utf-8", "surrogateescape")
    encoded = _canonical(data)
    return list(decode_pairs_as_sent(encoded)) if encoded else _form_pairs(data, percent_decode_as_sent)


def _form_pairs(form: str, decode: Callable[[str], str]) -> Pairs:
    form = form.replace("+", " ")
    separators = form.encode("utf-8", "surrogatepass").translate(None, _NO_SEPARATOR)
    if separators == b"=&" * (len(separators) // 2) + b"=" and "\0" not in form and "%00" not in form:
        # With a separator that decoding cannot make, all can be decoded at once.
        texts = iter(decode(form.replace("=", "\0").replace("&", "\0")).split("\0"))
        return list(zip(texts, texts, strict=True))
    segments = [segment.partition("=") for segment in form.split("&") if segment]
    return [(decode(name), decode(value)) for name, _, value in segments]


def encode_form(form: str) -> list[str]:
    """Return what :func:`encode_pairs` makes of a query or form body, for a signer."""
    return _canonical(form) or encode_pairs(_form_pairs(form, percent_decode_as_sent))


def read_form(form: str) -> list[str]:
    """Return what :func:`encode_pairs` makes of a query or form body, for a verifier.

    Raises:
        Error: As :func:`parse_form` does, but for octets that are not UTF-8: decoding the
            result tells of these.
    """
    return _canonical(form) or encode_pairs(_form_pairs(form, percent_decode))


def _canonical(form: str) -> list[str] | None:
    # Where each pair has its "=", and what is escaped is what has to be, in upper case,
    # decoding and encoding would give the same. None where they may not.
    if "+" in form:
        form = form.replace("+", "%20")
    marks = form.encode("utf-8", "surrogatepass").translate(None, ENCODED)
    if marks == b"=&" * (len(marks) // 2) + b"=" and has_canonical_escapes(form):
        return form.replace("=", " ").split("&")
    return None


def build_form(pairs: Iterable[tuple[str, str]]) -> str:
    """Write decoded *pairs* as a query or form body; a space becomes ``%20`` (section 3.4.1.3.1)."""
    return "&".join(encode_pairs(list(pairs))).replace(" ", "=")


def is_form(content_type: str) -> bool:
    """Tell whether a Content-Type names a form: its media type alone decides, in any case."""
    return bool(content_type) and content_type.partition(";")[0].strip(LWS).lower() == FORM


def query_of(url: str) -> str:
    """Return the raw query of *url*, ``""`` if it has none."""
    return url.partition("#")[0].partition("?")[2]


def add_to_query(url: str, form: str) -> str:
    """Return *url* with *form*, encoded, added to its query; the rest stays as it is."""
    if not form:
        return url
    base, hash_mark, fragment = url.partition("#")
    base, _, query = base.partition("?")
    mark = "" if not query or query.endswith("&") else "&"
    return f"{base}?{query}{mark}{form}{hash_mark}{fragment}"


# --- dicts -----------------------------------------------------------------------


def text_pairs(parameters: Mapping[Any, Any]) -> Pairs:
    """Return the pairs of a dict whose values are texts, numbers, or sequences of these.

    Raises:
        TypeError: Bytes that are not UTF-8.
    """
    pairs: Pairs = []
    for name, value in parameters.items():
        if type(value) is str or type(value) is bytes:
            pairs.append((to_text(name), to_text(value)))
        else:
            pairs += [(to_text(name), to_text(member)) for member in _members(value)]
    return pairs


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, STRING_TYPES):
        return (value,)
    try:
        return list(value)
    except TypeError:
        return (value,)


# --- oauth_body_hash ----------------------------------------------------------


def body_hash(body: bytes | BinaryIO, digest: str = "sha1") -> str:
    """Return ``oauth_body_hash`` of a body that is no form (request body hash extension).

    Args:
        body: The body, or a seekable binary file, which is read from where it
            stands to its end in chunks and put back.
        digest: Name of the hash: that of the signature method, as
            :func:`~oauth2.signature.body_digest` tells it.

    Returns:
        Base64.

    Raises:
        TypeError: *body* is neither bytes nor a seekable binary file.
        ValueError: *digest* is not known.
    """
    digested = _hash(digest)(body) if isinstance(body, (bytes, bytearray, memoryview)) else _file_hash(body, digest)
    return b2a_base64(digested.digest(), newline=False).decode("ascii")


@lru_cache(16)
def _hash(digest: str) -> Callable[..., hashlib._Hash]:
    import hashlib  # on first use: it loads OpenSSL

    if digest not in hashlib.algorithms_guaranteed:
        raise ValueError("digest: no hash of this name")
    found: Callable[..., hashlib._Hash] = getattr(hashlib, digest)
    return found


def _file_hash(file: BinaryIO, digest: str) -> hashlib._Hash:
    try:
        start = file.tell()
    except (AttributeError, OSError):
        raise TypeError("body: bytes, str or a seekable binary file wanted; body_hash=False takes others") from None
    digested = _hash(digest)()
    while chunk := file.read(_CHUNK):
        digested.update(chunk)
    file.seek(start)
    return digested
