"""Limits on the response of a service: its duration, its compression, and its size."""

from __future__ import annotations

import _thread
import contextlib
import signal
import threading
from collections.abc import Iterator

import requests

from .failure import UNREACHABLE, Failure

__all__ = ["chunks_of", "require_known_coding", "within"]

_CHUNK = 1 << 16
_CODINGS = ("", "identity", "gzip", "x-gzip", "deflate")
_ALARM = getattr(signal, "SIGALRM", None) or signal.SIGBREAK  # type: ignore[attr-defined]


class _Expired(BaseException):
    # The base class must not be Exception: the HTTP library would catch the exception as an error of the connection.
    pass


@contextlib.contextmanager
def within(seconds: float, failure: Failure) -> Iterator[None]:
    """Raise *failure* if the block takes longer than *seconds*. Call this function only in the main thread.

    The timeout of a socket does not limit the total time, because this timeout restarts with each byte. This function
    does not interrupt a read that waits for data. Such a read ends with the next byte, or with the timeout of the
    socket.
    """
    has_expired = has_ended = False

    def ring() -> None:
        nonlocal has_expired
        has_expired = True
        _thread.interrupt_main(_ALARM)

    def expire(*_: object) -> None:
        if not has_ended:
            raise _Expired

    before = signal.signal(_ALARM, expire)
    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    except _Expired:
        if not has_expired:  # An outer within() block has set the alarm, and raises its own failure.
            raise
        raise failure from None
    finally:
        has_ended = True
        timer.cancel()
        signal.signal(_ALARM, before)


def require_known_coding(response: requests.Response, asked: str) -> None:
    """Refuse a response that is compressed twice, or with a coding that the request did not accept.

    gzip compresses at most about 1000:1, so a decompressed chunk is still small. If a body is compressed twice, the
    ratio is 1,000,000:1, and one chunk could fill the memory.

    Args:
        response: The response; its body has not been read yet.
        asked: Accept-Encoding of the request; ``""`` for the default of the command.

    Raises:
        Failure: The coding is refused.
    """
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding not in _CODINGS and ("," in coding or coding not in asked.lower()):
        response.close()
        message = "The response is compressed with a coding that the request did not accept."
        raise Failure(
            message,
            "Send the header Accept-Encoding: identity. If this error occurs again, report it to the service.",
            code=UNREACHABLE,
        )


def chunks_of(response: requests.Response, most: int) -> Iterator[bytes]:
    """Yield the decompressed body of a response in chunks.

    Args:
        response: The response; its body has not been read yet.
        most: Maximum size of the decompressed body, in bytes.

    Raises:
        Failure: The body is larger than *most*.
    """
    size = 0
    for chunk in response.iter_content(_CHUNK):
        size += len(chunk)
        if size > most:
            raise Failure(
                f"The response is longer than {most} bytes.",
                "If you need the whole response, give a larger --max-filesize.",
                code=UNREACHABLE,
            )
        yield chunk
