"""Limits of processor time that also work on a slow or busy machine."""

import contextlib
import time

_REFERENCE = 0.011  # seconds that _loop() takes on an idle machine of 2025


@contextlib.contextmanager
def within(seconds: float):
    """Fail if the ``with`` block takes more processor time than *seconds* on an idle machine.

    A fixed loop is timed before and after the block. If the loop takes longer than on an idle machine, the limit is
    higher by the same ratio. A limit should be several times the usual time of the block. Such a limit detects
    quadratic time instead of linear time, but not a change of some percent.
    """
    before = times_slower()
    started = time.process_time()
    yield
    spent = time.process_time() - started
    slower = max(before, times_slower())
    assert spent < seconds * slower, f"{spent:.2f} s, on a machine that is {slower:.1f} times slower"


def times_slower() -> float:
    """Return how many times slower than an idle machine of 2025 this machine is now, at least 1."""
    return max(1, _loop() / _REFERENCE)


def _loop() -> float:
    started = time.process_time()
    total = 0
    for number in range(300_000):
        total += number & 7
    return time.process_time() - started
