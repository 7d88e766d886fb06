"""Measure several subjects alternately (A B C, C B A, A B C).

A slow moment of the machine then affects all subjects.
"""

from __future__ import annotations

import gc
import statistics
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    #: A function that makes the given number of calls, and returns their time in seconds without the preparation.
    Batch = Callable[[int], float]


class Timing(NamedTuple):
    """The minimum and the median of the seconds per call. Other work on the machine can only increase the minimum."""

    minimum: float
    median: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """The duration of a measurement.

    Attributes:
        rounds: Number of measurements of each batch.
        target: The duration, in seconds, that one batch should have.
        deadline: Seconds after which no new round starts.
    """

    rounds: int
    target: float
    deadline: float

    @property
    def for_slow_calls(self) -> Effort:
        """Return an effort for slow calls.

        The batches of this effort are larger, so that the first calls of a batch have little effect.
        """
        return replace(self, target=5 * self.target)


FULL = Effort(rounds=40, target=0.004, deadline=20)
QUICK = Effort(rounds=6, target=0.002, deadline=4)


def spend(function: Callable[..., object], arguments: Iterable[Iterable[Any]]) -> float:
    """Call *function* with each of *arguments*; return the total time in seconds."""
    start = perf_counter()
    for each in arguments:
        function(*each)
    return perf_counter() - start


def interleave(batches: Mapping[str, Batch], effort: Effort) -> dict[str, Timing]:
    """Measure all batches one after another in each round. In every second round, the order is reversed."""
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
    batch(2)  # The first calls load modules and fill caches, so they are not timed.
    size = 1
    while (seconds := batch(size)) < target / 4:
        size *= 4
    return max(1, round(size * target / seconds))
