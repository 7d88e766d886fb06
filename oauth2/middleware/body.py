"""How much of a request's body is read, and how its length is announced (RFC 9112 section 6)."""

from __future__ import annotations

from ..errors import InvalidRequest

#: Bytes of a body that are read unless told otherwise.
MAX_BODY = 1024 * 1024


class BodyTooLarge(InvalidRequest):
    """The body is larger than what is read to verify a request."""

    status = 413


class LengthRequired(InvalidRequest):
    """The body comes in chunks, and the server does not tell where it ends."""

    status = 411


def announced_length(content_length: str, max_body: int) -> int | None:
    """Return the bytes that a Content-Length header field announces, None if it is empty.

    Raises:
        BodyTooLarge: More than *max_body*.
        InvalidRequest: No number.
    """
    text = content_length.strip(" \t")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise InvalidRequest("The Content-Length is not a number.")
    if len(text.lstrip("0")) > len(str(max_body)) or int(text) > max_body:
        raise BodyTooLarge("The body is too large.")
    return int(text)


def whole_body(body: bytes, length: int | None) -> bytes:
    """Return *body*, which arrived.

    Args:
        body: All that arrived.
        length: What was announced, None if nothing was.

    Raises:
        InvalidRequest: It is not what was announced.
    """
    if length is not None and len(body) != length:
        raise InvalidRequest("The body is not as long as its Content-Length.")
    return body
