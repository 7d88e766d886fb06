"""The clock that requests are signed by (RFC 5849 section 3.3).

A clock is any object with :meth:`~Clock.now` and :meth:`~Clock.set`.
"""

from __future__ import annotations

import threading
import time


class Clock:
    """This machine's clock, put right by what services answer.

    One clock may serve several clients of one service, which then learn together.

    Attributes:
        offset: Seconds that the service is ahead of this machine.
    """

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset

    def now(self) -> int:
        """Return a value for ``oauth_timestamp``: seconds since 1970-01-01 00:00 UTC."""
        return int(time.time()) + self.offset

    def set(self, now: int) -> None:
        """Go on from *now*, which a service has said it is."""
        self.offset += now - Clock.now(self)


class MonotonicClock(Clock):
    """A clock that does not go back, for services that demand it.

    When this machine's clock is put back, it stands still until that has caught up.
    Only a service's own word puts it back, for then the service took no later time.
    """

    def __init__(self, offset: int = 0) -> None:
        super().__init__(offset)
        self._lock = threading.Lock()
        self._told = 0

    def now(self) -> int:
        """Return a value for ``oauth_timestamp`` that is at least as great as any before."""
        with self._lock:
            self._told = max(self._told, super().now())
            return self._told

    def set(self, now: int) -> None:
        """Go on from *now*, which a service has said it is."""
        with self._lock:
            super().set(now)
            self._told = now
