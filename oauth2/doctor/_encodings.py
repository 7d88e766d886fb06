"""Deviations in the encoding, sorting and joining of parameters: RFC 5849 sections 3.4.1.3.2 and 3.6."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._wire.percent import percent_decode_as_sent as decode
from ._signed import (
    AS_SENT,
    BY_DECODED_PAIR,
    BY_JOINED_TEXT,
    BY_NAME,
    IGNORING_CASE,
    PROTOCOL_FIRST,
    PROTOCOL_LAST,
    QUERY_FIRST,
    Deviation,
    Signed,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._signed import Encode

_NOT_ENCODED = (
    "!*'()",
    "!'()",
    "*",
    "!",
    "'",
    "()",
    "/",
    ":",
    ",",
    "@",
    "$",
    "@$",
    "+",
    ":/",
    ",:/@$",
    ",:/@$!*'()",
    ",:/@$!*'();?+#&=",  # JavaScript's encodeURI() does not encode these characters.
    "[]",
    "|",
)
_NOT_ASCII = re.compile("(?:%[89A-F][0-9A-F])+")
_CHARSETS = (("latin-1", "ISO-8859-1"), ("cp1252", "windows-1252"), ("utf-16-le", "UTF-16"), ("ascii", "US-ASCII"))


def encoding_deviations() -> Iterator[Deviation]:
    """Yield the deviations in encoding, sorting and joining; the most common deviation is first."""
    for key, how, sentence, characters in _encoders():
        yield _deviation(key, how, sentence, characters)
    yield from _one_sided()
    yield from _charsets()
    yield from _orders()
    yield from _joins()


def whole_encoding_deviations() -> Iterator[Deviation]:
    """Yield the deviations in which a wrong encoder was used when the base string was joined.

    The wrong encoder encoded method, URI and normalized parameters. In the first deviations, the wrong encoder also
    encoded each name and each value.
    """
    for key, how, sentence, _characters in _encoders():
        yield _deviation(key, how, sentence, encode_part=how)
    sentence = "The escapes were written in lower case when the base string was joined."
    yield Deviation(key="lower-case-escapes", change=_only_with(encode_part=_lower_escapes), sentence=sentence)
    for characters in _NOT_ENCODED:
        sentence = f"These characters were not encoded when the base string was joined: {' '.join(characters)}"
        yield Deviation(
            key="characters-not-encoded", change=_only_with(encode_part=_leaving(characters)), sentence=sentence
        )


def _only_with(**changes: Any) -> Callable[[Signed], Signed | None]:
    return lambda signed: _only(signed, **changes)


def _encoders() -> Iterator[tuple[str, Encode, str, str]]:
    """Yield a key, a wrong encoder, a sentence, and the characters that the wrong encoder encodes wrongly.

    The characters are ``""`` if the encoder must always be tried.
    """
    yield "space-as-plus", lambda text: encode(text).replace("%20", "+"), "", " "
    yield "tilde-encoded", lambda text: encode(text).replace("~", "%7E"), "", "~"
    yield "lower-case-escapes", _lower_escapes, "", ""
    yield "form-encoder", _form_encoder, "", " *~"
    sentence = "The parameters were encoded as in a form: space as +, ~ encoded."
    yield "form-encoder", lambda text: encode(text).replace("%20", "+").replace("~", "%7E"), sentence, " ~"
    sentence = "Characters outside ASCII were not encoded."
    yield (
        "characters-not-encoded",
        lambda text: _NOT_ASCII.sub(lambda found: decode(found[0]), encode(text)),
        sentence,
        "",
    )
    for characters in _NOT_ENCODED:
        sentence = f"These characters were not encoded: {' '.join(characters)}"
        yield "characters-not-encoded", _leaving(characters), sentence, characters


def _deviation(key: str, how: Encode, sentence: str = "", characters: str = "", **more: Any) -> Deviation:
    def change(signed: Signed) -> Signed | None:
        if characters and signed.characters.isdisjoint(characters):
            return None
        return _only(signed, encode_name=how, encode_value=how, **more)

    return Deviation(key=key, change=change, sentence=sentence)


def _only(signed: Signed, **changes: Any) -> Signed | None:
    """Return *signed* with the encoders in *changes*; None if another deviation has already changed an encoder."""
    encoders = {signed.encode_name, signed.encode_value, signed.encode_part}
    return replace(signed, **changes) if encoders == {encode} else None


def _leaving(characters: str) -> Encode:
    escapes = [(f"%{ord(char):02X}", char) for char in characters]

    def how(text: str) -> str:
        text = encode(text)
        for escape, char in escapes:
            text = text.replace(escape, char)
        return text

    return how


def _lower_escapes(text: str) -> str:
    pieces = encode(text).split("%")
    return "%".join([pieces[0], *[piece[:2].lower() + piece[2:] for piece in pieces[1:]]])


def _form_encoder(text: str) -> str:
    return encode(text).replace("%20", "+").replace("%2A", "*").replace("~", "%7E")


def _twice(text: str) -> str:
    return encode(encode(text))


def _as_it_is(text: str) -> str:
    return text


def _one_sided() -> Iterator[Deviation]:
    for key, changes in (
        ("values-not-encoded", {"encode_value": _as_it_is}),
        ("names-not-encoded", {"encode_name": _as_it_is}),
        ("parameters-not-encoded", {"encode_name": _as_it_is, "encode_value": _as_it_is}),
        ("values-encoded-twice", {"encode_value": _twice}),
        ("encoded-twice", {"encode_name": _twice, "encode_value": _twice}),
    ):
        yield Deviation(key=key, change=_only_with(**changes))


def _charsets() -> Iterator[Deviation]:
    for charset, shown in _CHARSETS:
        sentence = f"The text was sent as UTF-8 and signed as {shown}."
        yield _deviation("other-charset", _from_charset(charset), sentence)


def _from_charset(charset: str) -> Encode:
    def how(text: str) -> str:
        octets = text.encode(charset, "replace")
        return encode(text if text.isascii() else octets.decode("utf-8", "surrogateescape"))

    return how


def _orders() -> Iterator[Deviation]:
    for key, order, sentence in (
        ("not-sorted", AS_SENT, "The parameters were not sorted: those of the Authorization header were first."),
        ("not-sorted", QUERY_FIRST, "The parameters were not sorted: those of the query were first."),
        ("not-sorted", PROTOCOL_FIRST, "The protocol parameters were sorted separately, before the other parameters."),
        ("not-sorted", PROTOCOL_LAST, "The protocol parameters were sorted separately, after the other parameters."),
        ("sorted-before-encoding", BY_DECODED_PAIR, ""),
        ("sorted-as-joined-text", BY_JOINED_TEXT, ""),
        ("sorted-by-name-only", BY_NAME, ""),
        ("sorted-ignoring-case", IGNORING_CASE, ""),
    ):
        yield Deviation(key=key, change=_with(order=order), sentence=sentence)


def _joins() -> Iterator[Deviation]:
    yield Deviation(key="parameters-not-encoded-again", change=_with(encodes_parameters=False))
    yield Deviation(key="uri-not-encoded", change=_with(encodes_uri=False))
    yield Deviation(key="base-string-not-encoded", change=_with(encodes_uri=False, encodes_parameters=False))
    yield Deviation(key="empty-without-equals", change=_with(writes_equals=False))


def _with(**changes: Any) -> Callable[[Signed], Signed]:
    return lambda signed: replace(signed, **changes)
