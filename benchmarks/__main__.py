"""``python -m benchmarks``: run all suites, or the suites that the command line names."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import chart, client, import_cost, machine, provider, scaling, servers, sign, stores, verify
from .comparison import Setting
from .goals import goals
from .probe import ROOT
from .report import Goal, Report, goals_markdown, progress
from .timing import FULL, QUICK

if TYPE_CHECKING:
    from collections.abc import Sequence

SUITES = {
    "sign": sign.run,
    "verify": verify.run,
    "scaling": scaling.run,
    "import": import_cost.run,
    "stores": stores.run,
    "client": client.run,
    "provider": provider.run,
    "servers": servers.run,
}
BEGIN = "<!-- measured: written by python -m benchmarks -->"
END = "<!-- end of measured -->"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites that *arguments* name; return the exit status, which is 0 even if a goal is missed."""
    options = _options(arguments)
    started = time.monotonic()
    setting = Setting(effort=QUICK if options.quick else FULL, quick=options.quick, predecessor=options.predecessor)
    report = Report(machine.describe(setting.predecessor))
    if options.quick:
        report.machine["run"] = "quick: rough figures"
    print(_machine(report))
    for name in options.suites:
        SUITES[name](setting, report)
    reached = goals(report)
    print(f"\n### Goals\n\n{goals_markdown(reached)}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report.to_json(reached), indent=1) + "\n", encoding="utf-8")
    if options.chart:
        options.chart.write_text(chart.draw(report), encoding="utf-8")
    if options.docs:
        _rewrite(options.docs, options.chart, report, reached)
    progress(f"done in {time.monotonic() - started:.0f} s")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"one of {', '.join(SUITES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="run fewer and shorter rounds, with less precise figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    parser.add_argument(
        "--chart", type=Path, metavar="FILE", help="draw an SVG chart of the times to sign and to verify"
    )
    parser.add_argument(
        "--docs", type=Path, metavar="FILE", help="write the results into this page, between its markers"
    )
    parser.add_argument(
        "--predecessor",
        type=Path,
        metavar="PYTHON",
        default=ROOT / ".venv-bench-1.9" / "bin" / "python",
        help="interpreter of an environment that has python-oauth2 1.9 (default: .venv-bench-1.9/bin/python)",
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.suites) - set(SUITES):
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    options.suites = options.suites or list(SUITES)
    if options.chart and not {"sign", "verify"} <= set(options.suites):
        parser.error("--chart: needs the suites sign and verify")
    if options.docs and set(options.suites) != set(SUITES):
        parser.error("--docs: needs all suites")
    if options.docs and not _is_marked(options.docs):
        parser.error(f"--docs: {options.docs} must contain these lines once, in this order: {BEGIN}, {END}")
    return options


def _machine(report: Report) -> str:
    return "\n".join([f"- {name}: {value}" for name, value in report.machine.items()])


def _is_marked(page: Path) -> bool:
    text = page.read_text(encoding="utf-8")
    return text.count(BEGIN) == text.count(END) == 1 and text.index(BEGIN) < text.index(END)


def _rewrite(page: Path, picture: Path | None, report: Report, reached: list[Goal]) -> None:
    """Replace the text between the two markers of *page* with the results and the chart of this run."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = "\n\n".join([table.markdown() for table in report.tables.values()])
    parts = [BEGIN, _machine(report), "### Goals", goals_markdown(reached), tables, END]
    if picture is not None:
        link = os.path.relpath(picture, page.parent)
        parts.insert(2, f"![Time to sign and to verify, as a multiple of the floor]({link})")
    page.write_text(before + "\n\n".join(parts) + after, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
