"""Measure time and memory of ``import``, each time in a fresh interpreter."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from . import predecessor
from .probe import probe
from .report import OURS, Row, Table, progress

if TYPE_CHECKING:
    from pathlib import Path

    from .comparison import Setting
    from .report import Report

BARE = "bare interpreter"
WITH_CLIENT = "oauth2, Client used"

_MODULES = {
    BARE: "pass",
    OURS: "import oauth2; assert 'httplib2' not in sys.modules",
    WITH_CLIENT: "import oauth2; oauth2.Client",
    "oauthlib": "import oauthlib.oauth1",
    "Authlib": "import authlib.oauth1",
    "requests-oauthlib": "import requests_oauthlib",
    "rauth": "import rauth",
    "httplib2": "import httplib2",
}


class _Sample(NamedTuple):
    seconds: float
    resident: int


def run(setting: Setting, report: Report) -> None:
    """Import all libraries one after another, each in a fresh interpreter."""
    samples: dict[str, list[_Sample]] = {}
    notes: dict[str, str] = {}
    codes = {**_MODULES, predecessor.NAME: "import oauth2"}
    rounds = 4 if setting.quick else 15
    progress(f"import: {rounds} fresh interpreters for each library")
    for _ in range(rounds + 1):
        for name, code in codes.items():
            if name not in notes:
                try:
                    samples.setdefault(name, []).append(_sample(name, code, setting.predecessor))
                except (OSError, RuntimeError) as exc:
                    notes[name] = f"not measured: {exc}"
    samples = {
        name: found[1:] for name, found in samples.items() if name not in notes
    }  # The first run writes the bytecode caches, so it is left out.
    base = statistics.median([sample.resident for sample in samples[BARE]]) if BARE in samples else 0
    times = {name: [sample.seconds * 1e3 for sample in found] for name, found in samples.items() if name != BARE}
    # The bare interpreter is measured only in one environment, because both environments have the same version of
    # Python.
    memory = {name: [(sample.resident - base) / 2**20 for sample in found] for name, found in samples.items()}
    memory.pop(BARE, None)
    report.add(Table("import time", "Import: time in a fresh interpreter", "ms", _rows(times, notes), (OURS,)))
    title = "Import: memory in a fresh interpreter, without the memory of the bare interpreter"
    report.add(Table("import memory", title, "MB", _rows(memory, notes), (OURS,)))


def _sample(name: str, code: str, python: Path) -> _Sample:
    text = f"start = perf_counter()\n{code}\nprint([perf_counter() - start, resident()])"
    if name == predecessor.NAME:
        return _Sample(*probe(text, python, isolated=True))
    return _Sample(*probe(text))


def _rows(figures: dict[str, list[float]], notes: dict[str, str]) -> list[Row]:
    rows = [Row(name, min(values), statistics.median(values)) for name, values in figures.items()]
    return rows + [Row(name, note=note) for name, note in notes.items()]
