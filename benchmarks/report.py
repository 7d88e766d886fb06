"""Tables of what was measured, for people (Markdown) and for programs (JSON)."""

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
        library: Its name, or whatever else is compared.
        minimum: In the table's unit; None if it was not measured.
        median: The same.
        note: Why it was not measured, or what to know of it.
    """

    library: str
    minimum: float | None = None
    median: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """What was compared.

    Attributes:
        key: Its name for programs: suite and workload.
        title: For people.
        unit: Of the figures.
        rows: One for each library.
        bases: Rows that the others are divided by, each a column.
    """

    key: str
    title: str
    unit: str
    rows: list[Row]
    bases: tuple[str, ...] = ()

    def minimum(self, library: str) -> float | None:
        """Return the figure of a row; None if there is none."""
        return next((row.minimum for row in self.rows if row.library == library), None)

    def ratio(self, library: str, base: str) -> float | None:
        """Return the figure of one row divided by that of another; None if one of them is missing."""
        figure, divisor = self.minimum(library), self.minimum(base)
        return None if figure is None or not divisor else figure / divisor

    def markdown(self) -> str:
        """Return it for people."""
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
    """What is to be reached.

    Attributes:
        text: What, and how much.
        measured: What was measured.
        met: None if it was not measured.
    """

    text: str
    measured: str
    met: bool | None


@dataclass(slots=True)
class Report:
    """All tables of a run.

    Attributes:
        machine: What it ran on, by name.
        tables: By key, in the order they were made.
    """

    machine: dict[str, str] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)

    def add(self, table: Table) -> None:
        """Take *table* and print it."""
        self.tables[table.key] = table
        print(f"\n{table.markdown()}", flush=True)

    def to_json(self, goals: Iterable[Goal]) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "machine": self.machine,
            "goals": [asdict(goal) for goal in goals],
            "tables": [asdict(table) for table in self.tables.values()],
        }


def progress(text: str) -> None:
    """Say what is going on, to who waits."""
    print(f"... {text}", file=sys.stderr, flush=True)


def timed_rows(timings: Mapping[str, Timing], unit: str, notes: Mapping[str, str], divisor: float = 1) -> list[Row]:
    """Return a row for each timing, and for each library there is only a note of.

    Args:
        timings: Seconds.
        unit: To convert them to.
        notes: By library.
        divisor: What the seconds are for: 100 for the cost of one of 100 parameters.
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
    return "\n".join([_line(["goal", "measured", ""]), _line(["---"] * 3), *lines])


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
