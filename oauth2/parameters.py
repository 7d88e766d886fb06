"""Parameters on the wire and as pairs: RFC 5849 sections 3.4.1.3.1 and 3.5.

Below :class:`~oauth2.request.Request`, parameters are a list of decoded
``(name, value)`` pairs. Here they are read from an Authorization header, a query
or a form body, and written back. Reading is strict, for verifiers; the functions
named ``..._as_sent`` are what a signer needs: they take whatever goes on the wire.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64

from .encoding import (
    STRING_TYPES,
    decode_utf8,
    percent_decode,
    percent_decode_as_sent,
    percent_encode,
    percent_encode_as_sent,
    to_text,
)
from .errors import InvalidRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, BinaryIO

Pairs = list[tuple[str, str]]

FORM = "application/x-www-form-urlencoded"

_CHUNK = 1 << 20  # bytes of a file hashed at a time
_LWS = " \t\r\n"
_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%")
_CONTROLS = dict.fromkeys({*range(0x20), 0x7F} - {ord(char) for char in _LWS})
_BACKSLASH, _QUOTE = "\x01", "\x02"  # stand-ins for quoted pairs: controls, which are refused before


# --- Authorization header, section 3.5.1 --------------------------------------


def parse_authorization_header(value: str) -> Pairs:
    """Read an ``Authorization: OAuth ...`` header field value (section 3.5.1).

    Each name and value is percent-decoded once. ``realm`` is an RFC 2617
    quoted-string instead: its quoted pairs are undone and nothing else.

    Args:
        value: The field value with its scheme, which is matched in any case.

    Returns:
        Decoded pairs in the order of the header, ``realm`` included.

    Raises:
        Error: Another scheme, or not a list of parameters.
    """
    if not is_oauth_header(value):
        raise InvalidRequest("The Authorization header is not of the OAuth scheme.")
    if not value.isprintable() and value.translate(_CONTROLS) != value:
        raise InvalidRequest("The Authorization header holds a control character.")
    text = value[5:]
    if "\\" in text:
        text = text.replace("\\\\", _BACKSLASH).replace('\\"', _QUOTE)
    # Splitting at the quotes is linear whatever is sent. Even pieces lie outside of
    # quotes: separators, parameters without quotes, and last the name of what follows.
    pieces = text.split('"')
    if len(pieces) % 2 == 0:
        raise InvalidRequest("The Authorization header has an unterminated quoted string.")
    pairs: Pairs = []
    for index in range(0, len(pieces) - 1, 2):
        *bare, opening = pieces[index].split(",")
        if index and (not bare or bare[0].strip(_LWS)):
            raise InvalidRequest("The Authorization header lacks a comma between parameters.")
        pairs += _unquoted(bare)
        name, equals, rest = opening.partition("=")
        if not equals or rest.strip(_LWS):
            raise InvalidRequest("The Authorization header has a value without a name.")
        pairs.append(_header_pair(name, pieces[index + 1]))
    tail = pieces[-1].split(",")
    if pairs and tail[0].strip(_LWS):
        raise InvalidRequest("The Authorization header lacks a comma between parameters.")
    return pairs + _unquoted(tail)


def is_oauth_header(value: str) -> bool:
    """Tell whether an Authorization header field value is of the OAuth scheme."""
    return value[:5].lower() == "oauth" and value[5:6] in ("", " ", "\t", "\r", "\n")


def _unquoted(elements: Iterable[str]) -> Pairs:
    # Senders must quote; receivers may take an RFC 2617 token. Empty elements are
    # what RFC 2616 section 2.1 allows in any list.
    pairs = []
    for element in elements:
        if element.strip(_LWS):
            name, equals, value = element.partition("=")
            value = value.strip(_LWS)
            if not equals or not value or not _NAME.issuperset(value):
                raise InvalidRequest("The Authorization header has an element that is no parameter.")
            pairs.append(_header_pair(name, value))
    return pairs


def _header_pair(name: str, value: str) -> tuple[str, str]:
    name = name.strip(_LWS)
    if not name or not _NAME.issuperset(name):
        raise InvalidRequest("The Authorization header has a parameter without a valid name.")
    if name.lower() == "realm":
        return "realm", _unquote(value)
    if not (value.isascii() and value.isprintable()):
        raise InvalidRequest("The Authorization header has a value that is not printable ASCII.")
    name = percent_decode(name)
    if name.lower() == "realm":
        raise InvalidRequest("The Authorization header has an escaped realm, which nobody signs.")
    return name, percent_decode(value)


def _unquote(realm: str) -> str:
    if "\r" in realm or "\n" in realm:
        raise InvalidRequest("The realm holds a line break.")
    return realm.replace("\\", "").replace(_BACKSLASH, "\\").replace(_QUOTE, '"')


def build_authorization_header(pairs: Iterable[tuple[str, str]], realm: str | None = None) -> str:
    """Write an ``Authorization`` header field value (section 3.5.1).

    Args:
        pairs: Decoded protocol parameters, in the order they shall have.
        realm: Put first, as a quoted-string; None leaves it out.

    Returns:
        ``OAuth realm="...", name="value", ...``; names and values encoded.

    Raises:
        ValueError: *realm* holds a control character.
    """
    elements = [] if realm is None else [f'realm="{quote_realm(realm)}"']
    elements += [f'{percent_encode(name)}="{percent_encode(value)}"' for name, value in pairs]
    return ("OAuth " + ", ".join(elements)).rstrip()


def build_authenticate_header(realm: str = "") -> dict[str, str]:
    """Return the ``WWW-Authenticate`` header of a 401 answer (section 3.5.1) as a dict.

    Raises:
        ValueError: *realm* holds a control character.
    """
    return {"WWW-Authenticate": f'OAuth realm="{quote_realm(realm)}"'}


def quote_realm(realm: str) -> str:
    """Escape *realm* for the inside of an RFC 2617 quoted-string.

    Raises:
        ValueError: *realm* holds a control character.
    """
    if any(char < " " or char == "\x7f" for char in realm):
        raise ValueError("realm: a control character cannot stand in a header")
    return realm.replace("\\", "\\\\").replace('"', '\\"')


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
    return [(percent_decode(name), percent_decode(value)) for name, value in _split(form_text(data))]


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
    return [(percent_decode_as_sent(name), percent_decode_as_sent(value)) for name, value in _split(data)]


def _split(data: str) -> Pairs:
    segments = [segment.partition("=") for segment in data.replace("+", " ").split("&") if segment]
    return [(name, value) for name, _, value in segments]


def build_form(pairs: Iterable[tuple[str, str]]) -> str:
    """Write decoded *pairs* as a query or form body; a space becomes ``%20`` (section 3.4.1.3.1)."""
    return "&".join([f"{percent_encode_as_sent(name)}={percent_encode_as_sent(value)}" for name, value in pairs])


def is_form(content_type: str) -> bool:
    """Tell whether a Content-Type names a form: its media type alone decides, in any case."""
    return content_type.partition(";")[0].strip(_LWS).lower() == FORM


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


# --- pairs and dicts ----------------------------------------------------------


def text_pairs(parameters: Mapping[Any, Any]) -> Pairs:
    """Return the pairs of a dict whose values are texts, numbers, or sequences of these.

    Raises:
        TypeError: Bytes that are not UTF-8.
    """
    getlist = getattr(parameters, "getlist", None)  # Django's QueryDict and its like
    items = parameters.items() if getlist is None else [(name, getlist(name)) for name in parameters]
    pairs: Pairs = []
    for name, value in items:
        pairs += [(to_text(name), to_text(member)) for member in _members(value)]
    return pairs


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, STRING_TYPES):
        return (value,)
    try:
        return list(value)
    except TypeError:
        return (value,)


def group_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return *pairs* as a dict: a text for a name that stands once, else the list of its texts."""
    grouped: dict[str, Any] = {}
    for name, value in pairs:
        if name not in grouped:
            grouped[name] = value
        elif isinstance(known := grouped[name], list):
            known.append(value)
        else:
            grouped[name] = [known, value]
    return grouped


def without(pairs: Pairs, others: Pairs) -> Pairs:
    """Return what *pairs* have more of than *others*, in order."""
    left: dict[tuple[str, str], int] = {}
    for pair in others:
        left[pair] = left.get(pair, 0) + 1
    more = []
    for pair in pairs:
        if left.get(pair):
            left[pair] -= 1
        else:
            more.append(pair)
    return more


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
    if isinstance(body, (bytes, bytearray, memoryview)):
        digested = hashlib.new(digest, body)
    else:
        digested = _file_hash(body, digest)
    return b2a_base64(digested.digest(), newline=False).decode("ascii")


def _file_hash(file: BinaryIO, digest: str) -> hashlib._Hash:
    try:
        start = file.tell()
    except (AttributeError, OSError):
        raise TypeError("body: bytes or a seekable binary file wanted") from None
    digested = hashlib.new(digest)
    while chunk := file.read(_CHUNK):
        digested.update(chunk)
    file.seek(start)
    return digested
