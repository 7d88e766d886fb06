"""Tables of the results: as Markdown, which people read, and as JSON, which programs read."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .timing import Timing

FLOOR = "floor"
OURS = "oauth2"

_SECONDS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


@dataclass(frozen=True, slots=True)
class Row:
    """One library in one table.

    Attributes:
        library: The name of the library, or of another measured subject, such as a store.
        minimum: The smallest measured value, in the unit of the table; None if nothing was measured.
        median: The median of the measured values, in the same unit.
        note: The reason why nothing was measured, or a remark on the values.
    """

    library: str
    minimum: float | None = None
    median: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One comparison.

    Attributes:
        key: The name that programs use; it consists of the suite and the workload.
        title: The name that people read.
        unit: The unit of the values.
        rows: One row for each library.
        bases: The names of rows. For each of these rows, the table has a column in which the values of all rows are
            divided by the value of this row.
    """

    key: str
    title: str
    unit: str
    rows: list[Row]
    bases: tuple[str, ...] = ()

    def minimum(self, library: str) -> float | None:
        """Return the smallest value of a library; None if nothing was measured."""
        return next((row.minimum for row in self.rows if row.library == library), None)

    def ratio(self, library: str, base: str) -> float | None:
        """Return the value of one row divided by the value of another row; None if a value is missing."""
        figure, divisor = self.minimum(library), self.minimum(base)
        return None if figure is None or not divisor else figure / divisor

    def markdown(self) -> str:
        """Return the table as Markdown."""
        bases = [base for base in self.bases if self.minimum(base) is not None]
        heads = ["", f"min {self.unit}", f"median {self.unit}", *[f"/ {base}" for base in bases]]
        lines = [f"### {self.title}", "", _line(heads), _line(["---"] + ["---:"] * (len(heads) - 1))]
        measured = [row for row in self.rows if row.minimum is not None]
        others = [row for row in self.rows if row.minimum is None]
        for row in measured:
            name = f"**{row.library}**" if row.library == OURS else row.library
            figures = [_figure(row.minimum), _figure(row.median)]
            lines.append(_line([name, *figures, *[_figure(self.ratio(row.library, base)) for base in bases]]))
        notes = [f"- {row.library}: {row.note}" for row in [*measured, *others] if row.note]
        return "\n".join([*lines, *([""] if notes else []), *notes])


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal of a run.

    Attributes:
        text: The goal, with its limit.
        measured: The result.
        met: Whether the goal was reached; None if nothing was measured.
    """

    text: str
    measured: str
    met: bool | None


@dataclass(slots=True)
class Report:
    """All tables of a run.

    Attributes:
        machine: A mapping from the name of each property of the machine or of a library to its value.
        tables: Tables by key, in the order in which they were added.
    """

    machine: dict[str, str] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)

    def add(self, table: Table) -> None:
        """Add *table* and print it."""
        self.tables[table.key] = table
        print(f"\n{table.markdown()}", flush=True)

    def to_json(self, goals: Iterable[Goal]) -> dict[str, Any]:
        """Return the report for ``json.dumps()``."""
        return {
            "machine": self.machine,
            "goals": [asdict(goal) for goal in goals],
            "tables": [asdict(table) for table in self.tables.values()],
        }


def progress(text: str) -> None:
    """Print a line of progress to standard error."""
    print(f"... {text}", file=sys.stderr, flush=True)


def timed_rows(timings: Mapping[str, Timing], unit: str, notes: Mapping[str, str], divisor: float = 1) -> list[Row]:
    """Return a row for each timing, and for each library that has only a note.

    Args:
        timings: Seconds, by library.
        unit: Unit of the rows.
        notes: Notes, by library.
        divisor: The seconds are divided by this number. For example, 100 gives the cost of one of 100 parameters.
    """
    factor = _SECONDS[unit] / divisor
    rows = [
        Row(name, timing.minimum * factor, timing.median * factor, notes.get(name, ""))
        for name, timing in timings.items()
    ]
    return rows + [Row(name, note=note) for name, note in notes.items() if name not in timings]


def goals_markdown(goals: Iterable[Goal]) -> str:
    """Return the table of goals."""
    words = {True: "met", False: "**missed**", None: "not measured"}
    lines = [_line([goal.text, goal.measured, words[goal.met]]) for goal in goals]
    return "\n".join([_line(["goal", "measured", "result"]), _line(["---"] * 3), *lines])


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean of positive numbers."""
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 0.1 else f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"
