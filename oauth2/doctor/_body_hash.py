"""Mistakes in ``oauth_body_hash`` (OAuth Request Body Hash, section 3.2)."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING

from .._wire.form import is_form
from ..signature import body_digest
from ._finding import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._finding import Finding
    from ._message import Message

_HASHES = ("sha1", "sha256", "sha384", "sha512", "md5")


def body_hash_findings(message: Message) -> Iterator[Finding]:
    """Yield the mistakes in ``oauth_body_hash``."""
    given = message.first("oauth_body_hash")
    named = body_digest(message.first("oauth_signature_method") or "")
    if given is None or given == _hash(message.body, named):
        return
    if not message.body and given == _hash(b"", "sha1"):
        # For a request without a body, some clients send the SHA-1 of an empty body, even if the signature method uses
        # another hash. A Server accepts this SHA-1, so it is no mistake.
        return
    if is_form(message.header("content-type")):
        if given != _hash(b"", named):
            yield finding("body-hash-of-form")
        return
    for name in (named, *_HASHES):
        for key, what, body in _bodies(message.body):
            for form, shown in _written(body, name):
                if given == form:
                    sentence = f"oauth_body_hash is the {name.upper()} of {what}{shown}; it must be "
                    sentence += f"the {named.upper()} of the body in base64."
                    found = key if key != "body-hash" else "body-hash-algorithm"
                    yield finding("body-hash-hex" if shown else found, sentence)
                    return
    yield finding("body-hash", "oauth_body_hash is not the hash of the received body.")


def _hash(body: bytes, name: str) -> str:
    return b64encode(hashlib.new(name, body).digest()).decode("ascii")


def _written(body: bytes, name: str) -> Iterator[tuple[str, str]]:
    digest = hashlib.new(name, body)
    yield b64encode(digest.digest()).decode("ascii"), ""
    yield digest.hexdigest(), ", in hexadecimal"
    yield b64encode(digest.hexdigest().encode()).decode("ascii"), ", in hexadecimal and then in base64"


def _bodies(body: bytes) -> Iterator[tuple[str, str, bytes]]:
    yield "body-hash", "the body", body
    yield "body-hash-of-nothing", "an empty body", b""
    key, lf = "body-hash-line-end", body.replace(b"\r\n", b"\n")
    for end in (b"\n", b"\r\n"):
        yield key, "the body with a line end added", body + end
        yield key, "the body without its last line end", body.removesuffix(end)
    yield key, "the body with LF as line ends", lf
    yield key, "the body with CRLF as line ends", lf.replace(b"\n", b"\r\n")
