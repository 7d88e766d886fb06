"""Libraries side by side at one task: loaded, checked, and only then timed."""

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

_CHECKED = 5  # results of each library that are checked before it is timed


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How to run.

    Attributes:
        effort: How long.
        quick: Leave out what takes long.
        predecessor: The interpreter of the environment that has python-oauth2 1.9.
    """

    effort: Effort
    quick: bool
    predecessor: Path


@dataclass(frozen=True, slots=True)
class Field:
    """Libraries that take part.

    Attributes:
        runners: Those that could be loaded, by name.
        absent: Why the others could not.
    """

    runners: dict[str, Runner[Any, Any]]
    absent: dict[str, str]


def assemble(makers: Mapping[str, Callable[[], Runner[Any, Any]]]) -> Field:
    """Load each library."""
    field = Field({}, {})
    for name, make in makers.items():
        try:
            field.runners[name] = make()
        except Exception as exc:  # noqa: BLE001 - whatever a library fails with is what is reported of it
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
    """Check what each library makes of some items, then time those that are right.

    Args:
        field: The libraries.
        make: Returns so many items, all of them new.
        wrong: Tells what is wrong with a library's result; None if nothing is.
        effort: How long to measure.
        key: Of the table.
        title: Of the table.
        bases: Of the table.
        before: Done with each batch before it is done again, and timed.
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
        except Exception as exc:  # noqa: BLE001 - as above
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
        return text[0]  # an adapter's own words
    return f"{type(exc).__name__}: {text[0]}"[:160] if text else type(exc).__name__
