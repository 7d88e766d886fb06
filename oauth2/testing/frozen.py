"""A frozen clock and fixed nonces, so that a test sends the same signature each time (RFC 5849 section 3.3)."""

from __future__ import annotations

import itertools
from types import TracebackType

from .. import _generate, clock
from ..request import Request

__all__ = ["FixedNonces", "FrozenClock"]


class FrozenClock:
    """A clock whose time changes only when a test changes it.

    Inside ``with FrozenClock() as clock:``, all requests that this package signs have the time of this clock. Other
    programs and libraries still use the time of the machine. A client can still correct its clock if a service reports
    a different time.

    Args:
        start: Seconds since 1970-01-01 00:00 UTC.

    Raises:
        TypeError: *start* is not an int.
    """

    def __init__(self, start: int = 1_700_000_000) -> None:
        self._now = _seconds("start", start)
        self._before: list[tuple[object, object]] = []

    def now(self) -> int:
        """Return the seconds since 1970-01-01 00:00 UTC."""
        return self._now

    def time(self) -> float:
        """Return the result of :meth:`now` as a float, like ``time.time``."""
        return float(self._now)

    def advance(self, seconds: int) -> None:
        """Set the clock forward by *seconds*. With a negative number, the clock is set back.

        Raises:
            TypeError: *seconds* is not an int.
        """
        self._now += _seconds("seconds", seconds)

    def move_to(self, now: int) -> None:
        """Set the clock to *now*, in seconds since 1970-01-01 00:00 UTC.

        Raises:
            TypeError: *now* is not an int.
        """
        self._now = _seconds("now", now)

    def __enter__(self) -> FrozenClock:
        """Use this clock for all requests that this package signs."""
        for module in (_generate, clock):
            self._before.append((module, vars(module)["time"]))
            setattr(module, "time", self)  # noqa: B010 - type checkers refuse the assignment to a module
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Use the clock of the machine again."""
        while self._before:
            module, before = self._before.pop()
            setattr(module, "time", before)  # noqa: B010 - as above


class FixedNonces:
    """Nonces that are the same in each test run: ``nonce00000000000000001``, ``nonce00000000000000002`` ...

    Inside ``with FixedNonces():``, all requests that this package signs have these nonces. Each nonce is used once.
    Like a random nonce of this package, each nonce has 22 letters and digits.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._before: list[object] = []

    def next(self) -> str:
        """Return the next nonce."""
        return f"nonce{next(self._numbers):017d}"

    def __enter__(self) -> FixedNonces:
        """Use these nonces for all requests that this package signs."""
        self._before.append(vars(Request)["make_nonce"])
        setattr(Request, "make_nonce", staticmethod(self.next))  # noqa: B010 - the assignment replaces a class method
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Use random nonces again."""
        setattr(Request, "make_nonce", self._before.pop())  # noqa: B010 - as above


def _seconds(argument: str, seconds: int) -> int:
    if not isinstance(seconds, int):
        raise TypeError(f"{argument}: must be an int, in seconds")
    return seconds
