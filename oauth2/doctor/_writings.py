"""Mistakes in the notation of the signature: RFC 5849 sections 3.4.2 and 3.4.3 require base64."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING

from .._wire.percent import percent_decode_as_sent

if TYPE_CHECKING:
    from collections.abc import Iterator

    # Each pair: a key of MISTAKES, and a sentence for people; "" means the default sentence.
    Mistakes = tuple[tuple[str, str], ...]

_MAX_SIGNATURE = 4096  # Maximum number of characters. A longer signature is not read.
_DIGEST_SIZES = (16, 20, 32, 64)  # In octets: the lengths of MD5, SHA-1, SHA-256 and SHA-512.
_RSA_SIZES = (128, 256, 512)  # In octets: the lengths of signatures with keys of usual sizes.


def readings(signature: str) -> dict[bytes, Mistakes]:
    """Return each octet string that a received signature may represent, with the mistakes in the notation."""
    found: dict[bytes, Mistakes] = {}
    for mistakes, text in _texts(signature) if len(signature) <= _MAX_SIGNATURE else ():
        for more, octets in _decoded(text):
            if octets:
                found.setdefault(octets, (*mistakes, *more))
    return found


def is_digest(signature: str) -> bool:
    """Return whether a received signature is base64, and has the length of a digest or of an RSA signature."""
    return signature.endswith("=") and len(_base64(signature)) in (*_DIGEST_SIZES, *_RSA_SIZES)


def _texts(signature: str) -> Iterator[tuple[Mistakes, str]]:
    yield (), signature
    for mistakes, text in [((), signature), *_unescaped(signature)]:
        if mistakes:
            yield mistakes, text
        safe = text.replace("-", "+").replace("_", "/")
        if safe != text:
            yield (*mistakes, ("signature-url-safe", "")), safe
        padded = safe + "=" * (-len(safe) % 4)
        if padded != safe:
            url_safe = (("signature-url-safe", ""),) if safe != text else ()
            yield (*mistakes, *url_safe, ("signature-without-padding", "")), padded


def _unescaped(signature: str) -> Iterator[tuple[Mistakes, str]]:
    if " " in signature:
        sentence = "The signature was not percent-encoded: the server decoded its + as a space."
        yield (("signature-not-encoded", sentence),), signature.replace(" ", "+")
    if re.search(r"\s", signature):
        yield (("signature-with-line-breaks", ""),), re.sub(r"\s", "", signature)
        both = re.sub(r"\s", "", signature.replace(" ", "+"))
        yield (("signature-not-encoded", ""), ("signature-with-line-breaks", "")), both
    if "%" in signature:
        once = percent_decode_as_sent(signature)
        yield (("signature-encoded-twice", ""),), once
        yield (
            (("signature-encoded-twice", "The signature was percent-encoded three times."),),
            percent_decode_as_sent(once),
        )


def _decoded(text: str) -> Iterator[tuple[Mistakes, bytes]]:
    octets = _base64(text)
    if octets:
        yield (), octets
        yield (("signature-hex-in-base64", ""),), _hex(octets.decode("latin-1"))
    yield (("signature-hex", ""),), _hex(text)


def _base64(text: str) -> bytes:
    try:
        return b64decode(text.encode("ascii", "replace"), validate=True)
    except (Base64Error, ValueError):
        return b""


def _hex(text: str) -> bytes:
    return bytes.fromhex(text) if len(text) % 2 == 0 and re.fullmatch("[0-9A-Fa-f]{16,2048}", text) else b""
