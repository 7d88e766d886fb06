"""Interleaved timing: A B C, C B A, A B C ... so that a slow moment of the machine hits all alike."""

from __future__ import annotations

import gc
import statistics
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    #: Makes so many calls and returns the seconds that they took, preparation left out.
    Batch = Callable[[int], float]


class Timing(NamedTuple):
    """Seconds a call: the smallest, which noise only adds to, and the median."""

    minimum: float
    median: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure.

    Attributes:
        rounds: How often each is timed.
        target: Seconds that one batch shall take.
        deadline: Seconds after which no new round begins.
    """

    rounds: int
    target: float
    deadline: float

    @property
    def for_slow_calls(self) -> Effort:
        """For calls that take long: as many in a batch as count more than the first, cold ones."""
        return replace(self, target=5 * self.target)


FULL = Effort(rounds=40, target=0.004, deadline=20)
QUICK = Effort(rounds=6, target=0.002, deadline=4)


def spend(function: Callable[..., object], arguments: Iterable[Iterable[Any]]) -> float:
    """Call *function* with each of *arguments*; return the seconds that all took."""
    start = perf_counter()
    for each in arguments:
        function(*each)
    return perf_counter() - start


def interleave(batches: Mapping[str, Batch], effort: Effort) -> dict[str, Timing]:
    """Time each batch in turn, and in the opposite order in every second round."""
    spent: dict[str, list[float]] = {name: [] for name in batches}
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        sizes = {name: _size(batch, effort.target) for name, batch in batches.items()}
        order = list(batches)
        end = perf_counter() + effort.deadline
        for _ in range(effort.rounds):
            gc.collect()
            for name in order:
                spent[name].append(batches[name](sizes[name]) / sizes[name])
            order.reverse()
            if perf_counter() > end:
                break
    finally:
        if was_enabled:
            gc.enable()
    return {name: Timing(min(seconds), statistics.median(seconds)) for name, seconds in spent.items()}


def _size(batch: Batch, target: float) -> int:
    batch(2)  # what is loaded or filled on first use
    size = 1
    while (seconds := batch(size)) < target / 4:
        size *= 4
    return max(1, round(size * target / seconds))
