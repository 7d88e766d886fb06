"""Draw the time of each library to sign and to verify, divided by the floor, as an SVG for light and dark mode."""

from __future__ import annotations

import math
from textwrap import wrap
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from .report import FLOOR, OURS
from .workloads import MAIN

if TYPE_CHECKING:
    from .report import Report, Row, Table

_STYLE = """
text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.group { font-weight: 600 }
.small { fill: #59636e; font-size: 11px }
.ours { font-weight: 600; fill: #0550ae }
.end { text-anchor: end }
.bar { fill: #afb8c1 }
.bar.mine { fill: #0969da }
.line { stroke: #d1d9e0; stroke-width: 1 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .small { fill: #9198a1 }
  .ours { fill: #79c0ff }
  .bar { fill: #59636e }
  .bar.mine { fill: #388bfd }
  .line { stroke: #3d444d }
}
"""

_PANEL, _NAMES, _VALUES = 450, 128, 42  # Widths of a panel, of its column of names, and of its column of values.
_BARS = _PANEL - _NAMES - _VALUES
_ROW, _TOP, _GAP = 17, 78, 30
_LINE = 140  # Maximum number of characters in a line of small text; a longer text is wrapped.


def draw(report: Report) -> str:
    """Return the chart of eight tables: ``sign a`` to ``sign d``, and ``verify a`` to ``verify d``."""
    panels = []
    bottom = 0
    limit = max([2.0, *_all_ratios(report)])
    for index, (what, title) in enumerate((("sign", "Sign"), ("verify", "Verify"))):
        text, height = _panel(report, what, title, limit)
        panels.append(f'<g transform="translate({16 + index * _PANEL} 0)">{text}</g>')
        bottom = max(bottom, height)
    made_on = ", ".join(
        [report.machine[name] for name in ("processor", "python", "libraries") if name in report.machine]
    )
    lines = wrap(made_on, _LINE)
    width, height = 2 * _PANEL + 24, bottom + 22 + 16 * len(lines)
    label = "Time to sign and to verify a request, as a multiple of the shortest time possible in pure Python"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" role="img" aria-label="{label}">',
            f"<style>{_STYLE}</style>",
            f'<text class="title" x="16" y="26">{label}</text>',
            '<text class="small" x="16" y="44">'
            "Logarithmic scale from 1; a shorter bar is better. Each call uses a new URL.</text>",
            *panels,
            *[
                f'<text class="small" x="16" y="{bottom + 24 + 16 * index}">{escape(line)}</text>'
                for index, line in enumerate(lines)
            ],
            "</svg>\n",
        ]
    )


def _all_ratios(report: Report) -> list[float]:
    found = []
    for what in ("sign", "verify"):
        for workload in MAIN:
            table = report.tables[f"{what} {workload.key}"]
            found += [ratio for row in _rows(table) if (ratio := table.ratio(row.library, FLOOR)) is not None]
    return found


def _rows(table: Table) -> list[Row]:
    measured = [row for row in table.rows if row.library != FLOOR and table.ratio(row.library, FLOOR) is not None]
    return sorted(measured, key=lambda row: row.minimum or 0)


def _panel(report: Report, what: str, title: str, limit: float) -> tuple[str, int]:
    lines = [f'<text class="title" x="0" y="{_TOP - 8}">{title}</text>']
    top = _TOP
    for workload in MAIN:
        table = report.tables[f"{what} {workload.key}"]
        top += _GAP
        lines.append(f'<text class="group" x="0" y="{top - 9}">{escape(workload.title)}</text>')
        rows = _rows(table)
        lines.append(f'<line class="line" x1="{_NAMES}" x2="{_NAMES}" y1="{top - 3}" y2="{top + len(rows) * _ROW}"/>')
        for row in rows:
            lines.append(_bar(row.library, table.ratio(row.library, FLOOR) or 1.0, top, limit))
            top += _ROW
    return "\n".join(lines), top


def _bar(library: str, ratio: float, top: int, limit: float) -> str:
    width = max(1.0, _BARS * math.log(max(ratio, 1.0)) / math.log(limit))
    mine = library == OURS
    name, bar = ("ours end", "bar mine") if mine else ("end", "bar")
    return (
        f'<text class="{name}" x="{_NAMES - 8}" y="{top + 12}">{escape(library)}</text>'
        f'<rect class="{bar}" x="{_NAMES}" y="{top + 2}" width="{width:.1f}" height="{_ROW - 5}" rx="2"/>'
        f'<text class="{"ours" if mine else "small"}" x="{_NAMES + width + 5:.1f}" y="{top + 12}">{ratio:.1f}</text>'
    )
