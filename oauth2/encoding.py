"""Percent-encoding, RFC 5849 section 3.6, and the drop-in text helpers."""

from __future__ import annotations

from binascii import a2b_qp

from .errors import InvalidRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

STRING_TYPES = (str, bytes)

UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_ENCODED = [chr(octet) if octet in UNRESERVED else f"%{octet:02X}" for octet in range(256)]
_BASE64 = UNRESERVED + b"+/="  # what signatures are made of, and more
_FEW = 6  # characters to encode, up to which replacing one after the other is faster
_PERCENT = {ord("%")}
_AS_QUOTED_PRINTABLE = bytes.maketrans(b"% ", b"=\0")

#: Two characters of ASCII that only hostile text holds.
SEPARATORS = "\1\2"
_LEFT_IN_FIELDS = UNRESERVED + SEPARATORS.encode()
_ENCODED_FIELDS = [chr(octet) if octet in _LEFT_IN_FIELDS else encoded for octet, encoded in enumerate(_ENCODED)]
_HEX = "0123456789abcdefABCDEF"
_OCTETS = {(high + low).encode(): bytes((int(high + low, 16),)) for high in _HEX for low in _HEX}


def table_of(octets: bytes) -> bytes:
    """Return the table for ``bytes.translate`` that leaves *octets*, and no others, as they are."""
    return bytes([octet if octet in octets else not octet for octet in range(256)])


_ONLY_BASE64 = table_of(_BASE64)


def percent_encode(text: str | bytes) -> str:
    """Percent-encode *text* as RFC 5849 section 3.6 requires.

    Stricter than a form encoder: a space becomes ``%20``, never ``+``.

    Args:
        text: Decoded text, or octets, which are encoded as they are.

    Returns:
        ASCII: unreserved characters and upper-case ``%XX`` of the UTF-8 bytes.

    Raises:
        UnicodeEncodeError: *text* has no UTF-8 form.
        TypeError: *text* is neither str nor bytes.
    """
    if isinstance(text, str):
        octets = text.encode()
        if octets.translate(_ONLY_BASE64) == octets:
            return text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        reserved = octets.translate(None, _BASE64)
        if len(reserved) <= _FEW and reserved.isascii() and ord("%") not in reserved:
            for octet in {*reserved, *b"+/="}:
                text = text.replace(chr(octet), _ENCODED[octet])
            return text
    elif isinstance(text, bytes):
        octets = text
    else:
        raise TypeError(f"text: str or bytes wanted, not {type(text).__name__}")
    return "".join([_ENCODED[octet] for octet in octets])


def percent_encode_fields(text: str) -> str:
    """Percent-encode *text* but for :data:`SEPARATORS`: many texts at the cost of one.

    Raises:
        UnicodeEncodeError: *text* has no UTF-8 form.
    """
    octets = text.encode()
    reserved = octets.translate(None, _LEFT_IN_FIELDS)
    if not reserved.isascii():
        return "".join([_ENCODED_FIELDS[octet] for octet in octets])
    # Few different characters, one after the other; "%" first, which is what escapes are made of.
    if ord("%") in reserved:
        text = text.replace("%", "%25")
    for octet in {*reserved} - _PERCENT:
        text = text.replace(chr(octet), _ENCODED[octet])
    return text


def percent_encode_as_sent(text: str) -> str:
    """Percent-encode what :func:`percent_decode_as_sent` returned, octet for octet."""
    try:
        return percent_encode(text)
    except UnicodeEncodeError:
        return percent_encode(text.encode("utf-8", "surrogateescape"))


def percent_decode(text: str) -> str:
    """Undo percent-encoding, once and strictly, as a verifier must (section 3.6).

    ``+`` stays a plus; only a form gives it another meaning.

    Args:
        text: Encoded text. Characters outside ASCII stand for themselves.

    Returns:
        Decoded text.

    Raises:
        Error: A ``%`` without two hexadecimal digits, or octets that are not UTF-8.
    """
    if not is_utf8(text):
        raise InvalidRequest("A parameter is not valid UTF-8.")
    if "%" not in text:
        return text
    try:
        octets = _unescape(text.encode())
    except KeyError:
        raise InvalidRequest("A '%' stands without two hexadecimal digits.") from None
    decoded = decode_utf8(octets)
    if decoded is None:
        raise InvalidRequest("A parameter is not valid UTF-8.")
    return decoded


def percent_decode_as_sent(text: str) -> str:
    """Undo percent-encoding as a signer must, whatever *text* is.

    RFC 5849 is silent about text that is not properly encoded, and a signer
    signs what goes on the wire: a ``%`` that starts no escape stands for
    itself, and octets that are not UTF-8 become lone surrogates (PEP 383).

    Raises:
        UnicodeEncodeError: *text* has a surrogate that PEP 383 did not put there.
    """
    octets = text.encode("utf-8", "surrogateescape")
    try:
        octets = _unescape(octets)
    except KeyError:
        first, *parts = octets.split(b"%")
        octets = b"".join([first, *[_OCTETS.get(part[:2], b"%" + part[:2]) + part[2:] for part in parts]])
    return octets.decode("utf-8", "surrogateescape")


def _unescape(octets: bytes) -> bytes:
    # Raises KeyError for a "%" without two hexadecimal digits.
    first, *parts = octets.split(b"%")
    return b"".join([first, *[_OCTETS[part[:2]] + part[2:] for part in parts]])


def unescape_canonical(text: str) -> bytes:
    """Return the octets of what :func:`percent_encode` made, or of many such texts: a space becomes a NUL.

    Args:
        text: ASCII without ``=``, in which every ``%`` is followed by two hexadecimal digits.
    """
    # Then it is quoted-printable but for that sign, and decoded in C.
    return a2b_qp(text.encode().translate(_AS_QUOTED_PRINTABLE))


def to_text(value: object) -> str:
    """Return *value* as the text it is sent as: bytes are UTF-8, anything else is ``str(value)``.

    Raises:
        TypeError: Bytes that are not UTF-8.
    """
    if type(value) is str:
        return value
    return to_unicode(value) if isinstance(value, STRING_TYPES) else str(value)


def decode_utf8(octets: bytes) -> str | None:
    """Return *octets* as text, or None if they are not UTF-8.

    No exception, for it would hold the octets, and a traceback would show them.
    """
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return None


def is_utf8(text: str | None) -> bool:
    """Tell whether *text* is there and has a UTF-8 form."""
    try:
        return text is not None and text.encode() is not None
    except UnicodeEncodeError:
        return False


# --- drop-in helpers ----------------------------------------------------------


def escape(s: str | bytes) -> str:
    """Percent-encode *s*: the drop-in name of :func:`percent_encode`."""
    return percent_encode(s)


def to_unicode(s: str | bytes) -> str:
    """Return *s* as text; bytes must be UTF-8.

    Raises:
        TypeError: *s* is neither str nor bytes, or bytes that are not UTF-8.
    """
    if isinstance(s, str):
        return s
    if not isinstance(s, bytes):
        raise TypeError(f"str or bytes wanted, not {type(s).__name__}")
    text = decode_utf8(s)
    if text is None:
        raise TypeError("str or UTF-8 bytes wanted; these bytes are not UTF-8")
    return text


def to_utf8(s: str | bytes) -> bytes:
    """Return *s* as UTF-8 bytes. Raises as :func:`to_unicode` does."""
    return to_unicode(s).encode()


def to_unicode_if_string(s: Any) -> Any:
    """Return str or bytes as text, anything else as it is."""
    return to_unicode(s) if isinstance(s, STRING_TYPES) else s


def to_utf8_if_string(s: Any) -> Any:
    """Return str or bytes as UTF-8 bytes, anything else as it is."""
    return to_utf8(s) if isinstance(s, STRING_TYPES) else s


def to_unicode_optional_iterator(x: Any) -> Any:
    """Return a string as text, an iterable as a list of texts, anything else as it is."""
    return _each(x, to_unicode_if_string)


def to_utf8_optional_iterator(x: Any) -> Any:
    """Return a string as UTF-8 bytes, an iterable as a list of them, anything else as it is."""
    return _each(x, to_utf8_if_string)


def _each(x: Any, convert: Callable[[Any], Any]) -> Any:
    if isinstance(x, STRING_TYPES):
        return convert(x)
    try:
        members = iter(x)
    except TypeError:
        return x
    return [convert(member) for member in members]
