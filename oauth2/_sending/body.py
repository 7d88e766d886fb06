"""The body of a request that an HTTP client is about to send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import SEEK_END, TextIOBase
from typing import Any


class Chunks:
    """A file-like object that reads the chunks of an iterator.

    The function *make* creates the iterator; :meth:`seek` calls *make* again. A body can therefore be hashed first, and
    then sent.
    """

    def __init__(self, make: Callable[[], Iterator[bytes]]) -> None:
        self._make = make
        self.seek(0)

    def tell(self) -> int:
        """Return 0, the position of the start. :meth:`seek` can only return to this position."""
        return 0

    def seek(self, _start: int) -> None:
        """Create the iterator again, so that the next chunk is the first chunk of the body."""
        self._chunks = filter(None, self._make())

    def read(self, _size: int = -1) -> bytes:
        """Return the next chunk, or ``b""`` at the end."""
        return next(self._chunks, b"")


def position(body: Any) -> int | None:
    """Return the current position if *body* is a file; None if *body* is not a file, or is not seekable."""
    if body is None or isinstance(body, (bytes, str)):
        return None
    try:
        return int(body.tell())
    except (AttributeError, OSError):  # For a pipe, tell() raises OSError, so a pipe is not seekable.
        return None


def is_read_once(body: Any) -> bool:
    """Return whether *body* is a file or an iterator. Reading such a body a second time would return no data."""
    return hasattr(body, "__next__") or hasattr(body, "read") or hasattr(body, "__anext__")


def wire_body(body: Any) -> Any:
    """Return *body* in a form that http.client sends correctly.

    Non-ASCII text becomes UTF-8 bytes, because http.client would encode the text as ISO-8859-1. A bytearray or
    memoryview becomes bytes. Any other body is returned unchanged.
    """
    if isinstance(body, str):
        return body if body.isascii() else body.encode()
    return bytes(body) if isinstance(body, (bytearray, memoryview)) else body


def form_text(body: Any) -> str:
    """Return a form body as text; octets that are not UTF-8 become lone surrogates (PEP 383).

    Raises:
        TypeError: *body* is neither bytes, str, None nor a binary file.
    """
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, bytes):
        return body.decode("utf-8", "surrogateescape")
    if not isinstance(body, (str, type(None))):
        raise TypeError("body: a form must be bytes, str or a binary file")
    return body or ""


def length_of_file(body: Any) -> int | None:
    """Return the length of a binary file from its current position; None for any other body.

    The result is None for a pipe, because the length of its content is unknown. The result is also None for a file of
    text, because http.client encodes the text, so that the number of bytes is unknown.
    """
    if not hasattr(body, "read") or isinstance(body, TextIOBase):
        return None
    if not hasattr(body, "seekable") or not body.seekable():
        return None
    start: int = body.tell()
    body.seek(0, SEEK_END)
    end: int = body.tell()
    body.seek(start)
    return max(end - start, 0)
