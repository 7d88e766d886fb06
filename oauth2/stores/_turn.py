"""``Turn``: a lock with which several threads share one connection. The thread that has the lock has the turn."""

from __future__ import annotations

from threading import Lock
from time import monotonic, sleep

from ..errors import StoreUnavailable

__all__ = ["Turn"]

_SLICE = 0.005  # Length of a time slice, in seconds. Python's default switch interval has the same length.
_BUSY = 5_000  # In turns per second. From this rate on, a waiting thread sleeps for one slice.
_SAMPLE = 0.005  # In seconds. The rate of turns is measured over at least this time.


class Turn:
    """A lock with a deadline. If threads take the lock very often, a waiting thread sleeps for a time slice.

    Each call of sqlite3 releases the interpreter lock. If a second thread waits for the interpreter lock, the processor
    switches between the two threads several times for each statement. These switches take longer than the statement
    itself. Therefore a thread that does not get the turn sleeps for a time slice. During this time, the thread that has
    the turn executes several statements.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        # Releases the turn. A method that calls self._lock.release() would be slower.
        self.release = self._lock.release
        # Only one waiting thread sleeps. The sleeping thread has this lock, and all other waiting threads wait until
        # this lock is released.
        self._next = Lock()
        self._count = 0  # Number of turns so far.
        self._is_busy = False
        self._sampled = (0.0, 0)  # Monotonic time, and number of turns, at the last measurement.

    def take_free(self) -> bool:
        """Take the turn if no other thread has it. Return True if this thread now has the turn."""
        if self._lock.acquire(False):
            self._count += 1
            return True
        return False

    def wait(self, deadline: float) -> None:
        """Wait until no other thread has the turn. Afterwards this thread has the turn.

        Args:
            deadline: Monotonic time at which the waiting ends.

        Raises:
            StoreUnavailable: Another thread had the turn until *deadline*.
        """
        if not self._wait(deadline):
            raise StoreUnavailable("Other threads used the store until the timeout expired.")
        self._count += 1

    def _wait(self, deadline: float) -> bool:
        if not self._is_busy_now():
            return self._lock.acquire(timeout=_left(deadline))
        if not self._next.acquire(timeout=_left(deadline)):
            return False
        try:
            sleep(min(_SLICE, _left(deadline)))
            return self._lock.acquire(timeout=_left(deadline))
        finally:
            self._next.release()

    def _is_busy_now(self) -> bool:
        # If there are fewer turns per second than _BUSY, two threads rarely need the turn at the same time. Sleeping
        # would then save little processor time, and would delay this thread.
        now, (then, count) = monotonic(), self._sampled
        if now - then > _SAMPLE:
            self._is_busy = self._count - count > _BUSY * (now - then)
            self._sampled = (now, self._count)
        return self._is_busy

    def stop(self) -> None:
        """Wait until the turn is free, and take the turn. Other threads must wait until :meth:`resume` is called."""
        self._next.acquire()
        self._lock.acquire()

    def resume(self) -> None:
        """Undo :meth:`stop`, in this process or in a child process that was forked after :meth:`stop`."""
        self._lock.release()
        self._next.release()


def _left(deadline: float) -> float:
    return max(0.0, deadline - monotonic())
