"""Clocks for the timestamps of signed requests (RFC 5849 section 3.3)."""

from __future__ import annotations

import threading
import time
from typing import Protocol

__all__ = ["MAX_CORRECTION", "ClientClock", "Clock", "MonotonicClock"]

#: The default limit of the total correction of a clock, forward or backward, in seconds: one day. A clock ignores a
#: correction that exceeds this limit. The clock of a machine with a wrong time zone is usually wrong by less than one
#: day.
MAX_CORRECTION = 86_400


class ClientClock(Protocol):
    """The clock of an HTTP client: any object with the methods ``now`` and ``set``."""

    def now(self) -> int:
        """Return a value for ``oauth_timestamp``: seconds since 1970-01-01 00:00 UTC."""
        ...

    def set(self, now: int, /) -> None:
        """Correct the clock; *now* is the time that a service reports, in seconds since 1970-01-01 00:00 UTC."""


class Clock:
    """The clock of this machine, corrected by the time that a service reports.

    Several clients of one service can share a clock. A correction of the clock then applies to all these clients.

    Args:
        offset: Seconds by which the service's clock is ahead of this machine's clock; 0 if unknown.
        max_correction: The limit, in seconds, of the total correction by services. Without a limit, a hostile service
            could report a date in the next year. The client would then sign requests with timestamps in the next year,
            and the service could replay these requests in the next year.

    Attributes:
        offset: Seconds by which the service's clock is ahead of this machine's clock.
    """

    def __init__(self, offset: int = 0, *, max_correction: int = MAX_CORRECTION) -> None:
        self.offset = offset
        self._min_offset = offset - max_correction
        self._max_offset = offset + max_correction

    def now(self) -> int:
        """Return a value for ``oauth_timestamp``: seconds since 1970-01-01 00:00 UTC."""
        return int(time.time()) + self.offset

    def set(self, now: int, /) -> None:
        """Correct the clock to *now*, in seconds. A correction that exceeds the limit is ignored."""
        offset = self.offset + now - Clock.now(self)
        if self._min_offset <= offset <= self._max_offset:
            self.offset = offset


class MonotonicClock(Clock):
    """A clock whose timestamps never decrease, for services that refuse decreasing timestamps.

    If the clock of this machine is set back, a MonotonicClock repeats its latest value until the clock of the machine
    has reached this value. Only :meth:`set` can set a MonotonicClock back. This is safe, because a service that reports
    a time has not accepted timestamps after that time.
    """

    def __init__(self, offset: int = 0, *, max_correction: int = MAX_CORRECTION) -> None:
        super().__init__(offset, max_correction=max_correction)
        self._lock = threading.Lock()
        self._latest = 0

    def now(self) -> int:
        """Return a value for ``oauth_timestamp``: the result of the previous call, or a greater number."""
        with self._lock:
            self._latest = max(self._latest, super().now())
            return self._latest

    def set(self, now: int, /) -> None:
        """Correct the clock to *now*, in seconds. A correction that exceeds the limit is ignored."""
        with self._lock:
            before = self.offset
            super().set(now)
            if self.offset != before:
                self._latest = now
