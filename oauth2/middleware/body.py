"""Check the size of a request's body: the limit, and the Content-Length (RFC 9112 section 6)."""

from __future__ import annotations

from ..errors import InvalidRequest

__all__ = ["MAX_BODY", "BodyTooLarge", "LengthRequired", "announced_length", "whole_body"]

#: The default value of *max_body*, in bytes.
MAX_BODY = 1024 * 1024


class BodyTooLarge(InvalidRequest):
    """The body is larger than *max_body*."""

    status = 413


class LengthRequired(InvalidRequest):
    """The client sent the body in chunks, and the WSGI server does not support chunks."""

    status = 411


def announced_length(content_length: str, max_body: int) -> int | None:
    """Return the value of a Content-Length header field, in bytes; None if the field is empty.

    Raises:
        BodyTooLarge: The value is larger than *max_body*.
        InvalidRequest: The value is not a number.
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
    """Return *body* if its size is *length*.

    Args:
        body: The received body.
        length: The Content-Length of the body; None if the request has no Content-Length.

    Raises:
        InvalidRequest: The size of *body* is not *length*.
    """
    if length is not None and len(body) != length:
        raise InvalidRequest("The size of the body differs from the Content-Length.")
    return body
