"""Limits on the size and the duration of responses.

The limits apply to two kinds of requests: requests for credentials (RFC 5849 section 2), and requests about students'
grades (LTI). A response to such a request usually has a few hundred bytes. Without a limit on the size, a hostile
service could fill the memory with a long or a compressed response. Without a limit on the duration, a hostile service
could block the client forever with a slow response. The timeout of a socket does not prevent this, because the timeout
starts again with each received octet.
"""

from __future__ import annotations

import io
import time
import zlib
from functools import lru_cache
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from ..errors import InvalidAnswer

if TYPE_CHECKING:
    import socket

#: Maximum number of bytes of a response with its header; also the maximum number of bytes of a decompressed body.
MAX_SIZE = 1 << 20
#: Maximum number of seconds from the end of the request to the end of the response.
MAX_SECONDS = 60.0

# Values of wbits for zlib: 47 detects the header of gzip or zlib, -15 is raw deflate without a header.
_FORMATS = (47, -15)


@lru_cache
def limited(connection_type: type[Any]) -> type[Any]:
    """Return a subclass of *connection_type*, a connection class of ``http.client``, with limits on its responses.

    Reading a response that exceeds a limit raises :class:`~oauth2.errors.InvalidAnswer` or TimeoutError.
    """
    return type(connection_type.__name__, (connection_type,), {"response_class": _Response})


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        raw: io.RawIOBase = self.fp.detach()
        self.fp = _Reader(_Limited(raw, sock))

    def read(self, amt: int | None = None) -> bytes:
        """Return the body. The body is decompressed if the whole body is read in one call."""
        content = super().read(amt)
        encoding = self.headers.get("Content-Encoding", "").strip().lower()
        if amt is None and encoding in ("gzip", "x-gzip", "deflate", "zlib"):
            content = _decompressed(content)
            del self.headers["Content-Encoding"]  # Otherwise httplib2 would decompress the body again.
        return content


class _Reader(io.BufferedReader):
    """A reader that refuses to read more bytes than the limit, before it allocates memory for these bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_SIZE:
            raise _too_long()
        return super().read(size)


class _Limited(io.RawIOBase):
    """A stream that reads the octets of a socket. This class enforces the limits on size and duration."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._timeout = sock.gettimeout()
        self._end = time.monotonic() + MAX_SECONDS
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        remaining = self._end - time.monotonic()
        if remaining <= 0:
            raise _too_late()
        self._sock.settimeout(remaining if self._timeout is None else min(remaining, self._timeout))
        try:
            count = self._raw.readinto(buffer)
        except TimeoutError:
            raise _too_late() from None
        finally:
            self._sock.settimeout(self._timeout)
        self._size += count or 0
        if self._size > MAX_SIZE:
            raise _too_long()
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def _decompressed(content: bytes) -> bytes:
    if not content:
        return content
    for window_bits in _FORMATS:
        decompressor = zlib.decompressobj(window_bits)
        try:
            body = decompressor.decompress(content, MAX_SIZE + 1)
        except zlib.error:
            continue
        if len(body) > MAX_SIZE:
            raise _too_long()
        if decompressor.eof:
            return body
    raise InvalidAnswer("The service's response cannot be decompressed.")


def _too_late() -> TimeoutError:
    return TimeoutError("The service did not complete its response in time.")


def _too_long() -> InvalidAnswer:
    return InvalidAnswer(f"The service's response is longer than {MAX_SIZE} bytes.")
