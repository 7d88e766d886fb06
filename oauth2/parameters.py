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
    UNRESERVED,
    decode_utf8,
    percent_decode,
    percent_decode_as_sent,
    percent_encode_as_sent,
    percent_encode_fields,
    to_text,
)
from .errors import InvalidRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from typing import Any, BinaryIO, TypeVar

    T = TypeVar("T", str, tuple[str, str])

Pairs = list[tuple[str, str]]

FORM = "application/x-www-form-urlencoded"

_NEEDED_ESCAPES = {f"{octet:02X}" for octet in range(256)} - {f"{octet:02X}" for octet in UNRESERVED}
_NO_SEPARATOR = bytes({*range(256)} - {*b"=&"})
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


def read_header(value: str) -> tuple[Pairs, list[str]]:
    """Return what :func:`parse_authorization_header` makes of *value*, of the OAuth scheme, and that encoded.

    Neither holds the realm, of which there may be one.

    Raises:
        Error: As :func:`parse_authorization_header` does; or there are two realms.
    """
    encoded = _common_header(value[6:])
    if encoded:
        return _decoded(encoded), encoded
    pairs = parse_authorization_header(value)
    signed = [pair for pair in pairs if pair[0] != "realm"]
    if len(pairs) > len(signed) + 1:
        raise InvalidRequest("The Authorization header has two realms.")
    return signed, encode_pairs(signed)


def _common_header(text: str) -> list[str] | None:
    # The shape that nearly all senders give it: the realm first or not at all, then
    # name="value", with a comma and a space between, escaped as encode_pairs() would.
    if text[:7] == 'realm="':
        realm, _, text = text[7:].partition('", ')
        if '"' in realm or "\\" in realm or not realm.isprintable():
            return None
    parts = text[:-1].replace('="', " ").split('", ')
    marks = text.encode("utf-8", "surrogatepass").translate(None, UNRESERVED)
    if b"%" in marks:
        if not _has_needed_escapes(text):
            return None
        marks = marks.translate(None, b"%")
    # Each mark is accounted for, and none stands elsewhere than where it was replaced.
    if marks != b'="", ' * (len(parts) - 1) + b'=""' or text[-1:] != '"' or text.count('="') != len(parts):
        return None
    if text[:1] == "=" or ", =" in text:  # a value without a name
        return None
    return parts if "realm" not in text.lower() else None


def is_oauth_header(value: str) -> bool:
    """Tell whether an Authorization header field value is of the OAuth scheme."""
    return value[:6] == "OAuth " or (value[:5].lower() == "oauth" and value[5:6] in ("", *_LWS))


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
    return join_header(encode_pairs(list(pairs)), realm)


def join_header(encoded: list[str], realm: str | None) -> str:
    """Write what :func:`encode_pairs` made as :func:`build_authorization_header` does.

    Raises:
        ValueError: *realm* holds a control character.
    """
    quoted = "\2".join(encoded).replace(" ", '="').replace("\2", '", ') + '"' if encoded else ""
    if realm is None:
        return f"OAuth {quoted}".rstrip()
    return f'OAuth realm="{quote_realm(realm)}"' + (f", {quoted}" if quoted else "")


def build_authenticate_header(realm: str = "") -> dict[str, str]:
    """Return the ``WWW-Authenticate`` header of a 401 answer (section 3.5.1) as a dict.

    Raises:
        ValueError: *realm* holds a control character.
    """
    return {"WWW-Authenticate": f'OAuth realm="{quote_realm(realm)}"'}


def quote_realm(realm: str) -> str:
    """Escape *realm* for the inside of an RFC 2617 quoted-string.

    Raises:
        TypeError: *realm* is not str.
        ValueError: *realm* holds a control character.
    """
    if not isinstance(realm, str):
        raise TypeError("realm: str wanted")
    if not realm.isprintable() and any(char < " " or char == "\x7f" for char in realm):
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
    return _form_pairs(data, percent_decode_as_sent)


def _form_pairs(form: str, decode: Callable[[str], str]) -> Pairs:
    form = form.replace("+", " ")
    separators = form.encode("utf-8", "surrogatepass").translate(None, _NO_SEPARATOR)
    if _are_even(separators) and "\0" not in form and "%00" not in form:
        # With a separator that decoding cannot make, all can be decoded at once.
        return _pairs_of(decode(form.replace("=", "\0").replace("&", "\0")).split("\0"))
    segments = [segment.partition("=") for segment in form.split("&") if segment]
    return [(decode(name), decode(value)) for name, _, value in segments]


def encode_pairs(pairs: Collection[tuple[str, str]]) -> list[str]:
    """Return each pair as ``"name value"``, both encoded (section 3.6): no space is left by that.

    Octets that are not UTF-8 come out as they went in, see
    :func:`~oauth2.encoding.percent_encode_as_sent`.
    """
    # All at once, with separators that no text holds but a hostile one.
    joined = "\2".join(map("\1".join, pairs))
    if joined.count("\1") == len(pairs) and joined.count("\2") == len(pairs) - 1:
        try:
            return percent_encode_fields(joined).replace("\1", " ").split("\2")
        except UnicodeEncodeError:
            pass
    return [f"{percent_encode_as_sent(name)} {percent_encode_as_sent(value)}" for name, value in pairs]


def encode_form(form: str) -> list[str]:
    """Return what :func:`encode_pairs` makes of a query or form body, for a signer."""
    form = form.replace("+", "%20")
    return _encoded(form) if _is_canonical(form) else encode_pairs(parse_form_as_sent(form))


def read_form(form: str) -> tuple[Pairs, list[str]]:
    """Return what :func:`parse_form` and then :func:`encode_pairs` make of *form*, for a verifier.

    Raises:
        Error: As :func:`parse_form` does.
    """
    form = form.replace("+", "%20")
    if _is_canonical(form):
        encoded = _encoded(form)
        return _decoded(encoded), encoded
    pairs = parse_form(form)
    return pairs, encode_pairs(pairs)


def _decoded(encoded: list[str]) -> Pairs:
    text = "\0".join(encoded)
    if "%00" in text:
        parts = [both.partition(" ") for both in encoded]
        return [(percent_decode(name), percent_decode(value)) for name, _, value in parts]
    return _pairs_of(percent_decode(text.replace(" ", "\0")).split("\0"))


def _pairs_of(texts: list[str]) -> Pairs:
    return list(zip(texts[::2], texts[1::2], strict=True))


def _encoded(canonical: str) -> list[str]:
    return canonical.replace("=", " ").split("&")


def _is_canonical(form: str) -> bool:
    # Each pair has its "=", and what is escaped is what has to be, in upper case:
    # decoding and encoding it would give the same.
    marks = form.encode("utf-8", "surrogatepass").translate(None, UNRESERVED)
    if b"%" in marks:
        if not _has_needed_escapes(form):
            return False
        marks = marks.translate(None, b"%")
    return _are_even(marks)


def _has_needed_escapes(text: str) -> bool:
    return {part[:2] for part in text.split("%")[1:]} <= _NEEDED_ESCAPES


def _are_even(marks: bytes) -> bool:
    # Of the separators and all that is no text, nothing but one "=" to a segment.
    return len(marks) % 2 == 1 and marks == (b"=&" * (len(marks) // 2 + 1))[:-1]


def build_form(pairs: Iterable[tuple[str, str]]) -> str:
    """Write decoded *pairs* as a query or form body; a space becomes ``%20`` (section 3.4.1.3.1)."""
    return "&".join(encode_pairs(list(pairs))).replace(" ", "=")


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


def group_pairs(pairs: Collection[tuple[str, str]]) -> dict[str, Any]:
    """Return *pairs* as a dict: a text for a name that stands once, else the list of its texts."""
    grouped: dict[str, Any] = dict(pairs)
    if len(grouped) == len(pairs):
        return grouped
    grouped.clear()
    for name, value in pairs:
        if name not in grouped:
            grouped[name] = value
        elif isinstance(known := grouped[name], list):
            known.append(value)
        else:
            grouped[name] = [known, value]
    return grouped


def without(pairs: list[T], others: list[T]) -> list[T]:
    """Return what *pairs* have more of than *others*, in order; decoded or encoded ones."""
    if not others or not pairs or {*others}.isdisjoint(pairs):
        return pairs
    left: dict[T, int] = {}
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
    digested = _hash(digest)(body) if isinstance(body, (bytes, bytearray, memoryview)) else _file_hash(body, digest)
    return b2a_base64(digested.digest(), newline=False).decode("ascii")


def _hash(digest: str) -> Callable[..., hashlib._Hash]:
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
