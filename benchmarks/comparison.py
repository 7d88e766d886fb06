"""Compare libraries at one task: load the libraries, check their results, then measure their time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .report import Table, timed_rows
from .timing import interleave

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from .peers import Runner
    from .timing import Batch, Effort

    Item = TypeVar("Item", bound=tuple[Any, ...])

_CHECKED = 5  # The number of results of each library that are checked before the library is timed.


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Options of a run.

    Attributes:
        effort: The duration of the measurement.
        quick: Whether to skip long measurements.
        predecessor: The interpreter of the environment that has python-oauth2 1.9.
    """

    effort: Effort
    quick: bool
    predecessor: Path


@dataclass(frozen=True, slots=True)
class Field:
    """Libraries to compare.

    Attributes:
        runners: For each loaded library, its runner.
        absent: For each library that could not be loaded, the reason.
    """

    runners: dict[str, Runner[Any, Any]]
    absent: dict[str, str]


def assemble(makers: Mapping[str, Callable[[], Runner[Any, Any]]]) -> Field:
    """Load each library."""
    field = Field({}, {})
    for name, make in makers.items():
        try:
            field.runners[name] = make()
        except Exception as exc:  # noqa: BLE001 - every error of a library is reported as its result
            field.absent[name] = f"not measured: {_words(exc)}"
    return field


def compare(
    field: Field,
    make: Callable[[int], Sequence[Item]],
    wrong: Callable[[Item, Any], str | None],
    effort: Effort,
    *,
    key: str,
    title: str,
    bases: tuple[str, ...],
    before: Callable[[Runner[Item, Any], Sequence[Item]], None] | None = None,
    divisor: float = 1,
) -> Table:
    """Check the results of each library, then time the libraries whose results are correct.

    Args:
        field: The libraries.
        make: A function that returns the given number of new items.
        wrong: A function that describes the error in a result of a library, or returns None if the result is correct.
        effort: The duration of the measurement.
        key: Key of the table.
        title: Title of the table.
        bases: The names of the rows with which the table compares every other row.
        before: A function that is called with the runner and the items of each batch, before the batch is timed.
        divisor: See :func:`~benchmarks.report.timed_rows`.
    """
    notes = dict(field.absent)
    batches: dict[str, Batch] = {}
    for name, runner in field.runners.items():
        try:
            items = make(_CHECKED)
            if before is not None:
                before(runner, items)
            faults = [wrong(item, result) for item, result in zip(items, runner.results(items), strict=True)]
        except Exception as exc:  # noqa: BLE001 - as in assemble()
            notes[name] = f"fails: {_words(exc)}"
            continue
        fault = next(filter(None, faults), None)
        if fault is None:
            batches[name] = _batch(runner, make, before)
        else:
            notes[name] = f"wrong: {fault}"
    return Table(key, title, "us", timed_rows(interleave(batches, effort), "us", notes, divisor), bases)


def _batch(
    runner: Runner[Item, Any],
    make: Callable[[int], Sequence[Item]],
    before: Callable[[Runner[Item, Any], Sequence[Item]], None] | None,
) -> Batch:
    def batch(size: int) -> float:
        items = make(size)
        if before is not None:
            before(runner, items)
        return runner.seconds(items)

    return batch


def _words(exc: Exception) -> str:
    text = str(exc).splitlines()
    if isinstance(exc, (NotImplementedError, RuntimeError)) and text:
        return text[0]  # An adapter raised this error; the first line of its text is the reason.
    return f"{type(exc).__name__}: {text[0]}"[:160] if text else type(exc).__name__
