"""Percent-encoding, RFC 5849 section 3.6."""

from __future__ import annotations

from binascii import a2b_qp

from ..errors import InvalidRequest
from .text import decode_utf8, is_utf8

UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

#: U+0001 and U+0002 separate names and values that are encoded in one pass. If a name or a value
#: contains one of these characters, the caller must encode each name and value separately.
SEPARATORS = "\1\2"

_UNRESERVED_AND_SEPARATORS = UNRESERVED + SEPARATORS.encode()
_ENCODED = [chr(octet) if octet in UNRESERVED else f"%{octet:02X}" for octet in range(256)]
_ENCODED_FIELDS = [chr(octet) if octet in SEPARATORS.encode() else text for octet, text in enumerate(_ENCODED)]
_BASE64 = UNRESERVED + b"+/="
_HEX = "0123456789abcdefABCDEF"
_OCTETS = {(high + low).encode(): bytes((int(high + low, 16),)) for high in _HEX for low in _HEX}
_TO_QUOTED_PRINTABLE = bytes.maketrans(b"% ", b"=\0")


def percent_encode(text: str | bytes) -> str:
    """Percent-encode *text* as RFC 5849 section 3.6 requires.

    A form encoder may write a space as ``+``. This function always writes ``%20``.

    Args:
        text: Decoded text; or octets, which need not be UTF-8.

    Returns:
        ASCII: unreserved characters and upper-case ``%XX`` of the UTF-8 bytes.

    Raises:
        UnicodeEncodeError: *text* cannot be encoded as UTF-8.
        TypeError: *text* is neither str nor bytes.
    """
    if isinstance(text, str):
        octets = text.encode()
        # Fast path for signatures and hashes: in base64 text, only "+", "/" and "=" must be encoded.
        if not octets.translate(None, _BASE64):
            return text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        reserved = octets.translate(None, UNRESERVED)
        if reserved.isascii():
            return _replace_reserved(text, reserved)
    elif isinstance(text, bytes):
        octets = text
    else:
        raise TypeError(f"text: must be str or bytes, not {type(text).__name__}")
    return "".join([_ENCODED[octet] for octet in octets])


def percent_encode_fields(text: str) -> str:
    """Percent-encode names and values that :data:`SEPARATORS` separate; the separators are not encoded.

    Encoding many short texts in one pass is faster than encoding each text separately. Both ways give the same result,
    because the encoding of a character does not depend on the characters before and after it.

    Raises:
        UnicodeEncodeError: *text* cannot be encoded as UTF-8.
    """
    octets = text.encode()
    reserved = octets.translate(None, _UNRESERVED_AND_SEPARATORS)
    if reserved.isascii():
        return _replace_reserved(text, reserved)
    return "".join([_ENCODED_FIELDS[octet] for octet in octets])


def _replace_reserved(text: str, reserved: bytes) -> str:
    # Fast path for text whose reserved characters are all ASCII: call str.replace() once for each of these characters.
    # "%" must be replaced first, because the escapes that the other replacements insert contain "%".
    if b"%" in reserved:
        text = text.replace("%", "%25")
        reserved = reserved.replace(b"%", b"")
    for octet in {*reserved}:
        text = text.replace(chr(octet), _ENCODED[octet])
    return text


def percent_encode_as_sent(text: str) -> str:
    """Percent-encode *text*, which may contain lone surrogates from :func:`percent_decode_as_sent`.

    A lone surrogate is encoded as the octet that it represents (PEP 383).

    Raises:
        UnicodeEncodeError: *text* has a surrogate that PEP 383 did not create.
    """
    try:
        return percent_encode(text)
    except UnicodeEncodeError:
        return percent_encode(text.encode("utf-8", "surrogateescape"))


def percent_decode(text: str) -> str:
    """Decode percent-encoding once and strictly, as a server must (section 3.6).

    A ``+`` in *text* is a plus sign. A ``+`` means a space only in a form.

    Args:
        text: Encoded text. Characters outside ASCII are not changed.

    Returns:
        Decoded text.

    Raises:
        Error: A ``%`` is not followed by two hexadecimal digits, or the decoded octets are not UTF-8.
    """
    if not is_utf8(text):
        raise InvalidRequest("A parameter is not valid UTF-8.")
    if "%" not in text:
        return text
    try:
        octets = _unescape(text.encode())
    except KeyError:
        raise InvalidRequest("A '%' is not followed by two hexadecimal digits.") from None
    decoded = decode_utf8(octets)
    if decoded is None:
        raise InvalidRequest("A parameter is not valid UTF-8.")
    return decoded


def percent_decode_as_sent(text: str) -> str:
    """Decode percent-encoding as a client must: accept any text.

    RFC 5849 does not say how to decode text with invalid escapes. A client must sign exactly the octets that it sends.
    Therefore a ``%`` that does not start an escape is not changed, and octets that are not UTF-8 become lone surrogates
    (PEP 383).

    Raises:
        UnicodeEncodeError: *text* has a surrogate that PEP 383 did not create.
    """
    octets = text.encode("utf-8", "surrogateescape")
    try:
        octets = _unescape(octets)
    except KeyError:
        first, *parts = octets.split(b"%")
        octets = b"".join([first, *[_OCTETS.get(part[:2], b"%" + part[:2]) + part[2:] for part in parts]])
    return octets.decode("utf-8", "surrogateescape")


def _unescape(octets: bytes) -> bytes:
    # The lookup raises KeyError if a "%" is not followed by two hexadecimal digits.
    first, *parts = octets.split(b"%")
    return b"".join([first, *[_OCTETS[part[:2]] + part[2:] for part in parts]])


def unescape_canonical(text: str) -> bytes:
    """Return the decoded octets of names and values that spaces separate; each space becomes a NUL.

    Fast path of :func:`percent_decode`. This function replaces every ``%`` by ``=``. The result is quoted-printable
    (RFC 2045 section 6.7), which the standard library decodes in C. In quoted-printable, only ``=``, whitespace and
    line ends have a special meaning. Percent-encoded text contains none of these characters. Decoding the replaced text
    as quoted-printable therefore gives the octets of the percent-encoded text.

    Args:
        text: ASCII without ``=``, in which two upper-case hexadecimal digits follow every ``%``.
    """
    return a2b_qp(text.encode().translate(_TO_QUOTED_PRINTABLE))
