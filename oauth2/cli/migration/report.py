"""Convert the findings of a code base to lines for people, or to data for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from ..escape import one_line
from .finder import Finding, find
from .rules import Rule, rules
from .sources import Skipped, Source

__all__ = ["FileReport", "as_data", "check", "diff", "lines", "summary"]

_WIDTH = 80  # maximum width of a line, in columns
_SHORTEST = 15  # Minimum number of columns for a line of code; a shorter part of the line would not be useful.


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """The findings of one file.

    Attributes:
        path: The path. It starts with the path that the user gave.
        text: The decoded text, with LF as line end.
        is_python2: Whether the file has syntax of Python 2.
        findings: The findings, in the order of their lines.
    """

    path: Path
    text: str
    is_python2: bool
    findings: tuple[Finding, ...]

    def code(self, line: int) -> str:
        """Return a line of the file, without its indent."""
        return self.text.split("\n")[line - 1].strip()


def check(sources: Iterable[Source | Skipped]) -> tuple[list[FileReport], list[Skipped]]:
    """Return the findings of each file, and the files that cannot be read or parsed."""
    reports, skipped = [], []
    for each in sources:
        if isinstance(each, Skipped):
            skipped.append(each)
            continue
        try:
            found = find(each.tree, shadowed=each.shadowed)
        except RecursionError:
            skipped.append(Skipped(path=each.path, reason="It is nested too deeply."))
        else:
            reports.append(
                FileReport(path=each.path, text=each.text, is_python2=each.is_python2, findings=tuple(found))
            )
    return reports, skipped


def lines(reports: Sequence[FileReport]) -> Iterator[str]:
    """Yield each rule and the lines of code to which it applies, as text. Only paths can exceed 80 columns."""
    for rule in rules():
        places = [(report, found) for report in reports for found in report.findings if found.rule is rule]
        if places:
            yield from _described(rule)
            for report, found in places:
                place = f"    {one_line(str(report.path))}:{found.line}"
                yield place + _cut(f"  {one_line(report.code(found.line))}", _WIDTH - len(place))
            yield ""


def _described(rule: Rule) -> Iterator[str]:
    yield f"{rule.key} ({rule.library})"
    yield from _wrapped(rule.says)
    yield from _wrapped(f"Do: {rule.do}")
    if rule.fix:
        yield from _wrapped("--fix rewrites simple uses.")
    yield f"  See: docs/{rule.see}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _cut(text: str, width: int) -> str:
    """Return at most *width* characters of *text*; ``""`` if only a few characters would be left."""
    if len(text) <= width:
        return text
    return f"{text[: width - 3].rstrip()}..." if width > _SHORTEST else ""


def summary(reports: Sequence[FileReport]) -> Iterator[str]:
    """Yield the count of the findings, and the files that have the syntax of Python 2."""
    count = sum(len(each.findings) for each in reports)
    files = sum(bool(each.findings) for each in reports)
    read = f"{len(reports)} {'file was' if len(reports) == 1 else 'files were'} read."
    if count:
        yield f"{count} {'use' if count == 1 else 'uses'} in {files} {'file' if files == 1 else 'files'}. {read}"
    else:
        yield f"No code whose behaviour changes was found. {read}"
    old = [each for each in reports if each.is_python2]
    if old:
        yield ""
        yield "These files have the syntax of Python 2. Convert them to Python 3 first. This"
        yield "command read a converted copy of each file, and --fix does not change the files:"
        yield from (f"    {one_line(str(each.path))}" for each in old)


def as_data(reports: Sequence[FileReport], skipped: Sequence[Skipped]) -> dict[str, object]:
    """Return the findings as data for JSON. Lines are counted from 1, columns (in bytes of UTF-8) from 0."""
    return {
        "files": len(reports),
        "findings": [
            {
                "file": str(report.path),
                "line": found.line,
                "column": found.column,
                "code": report.code(found.line),
                "rule": found.rule.key,
                "library": found.rule.library,
                "uses": found.name if not found.rule.on[0].startswith("text") else None,
                "says": found.rule.says,
                "do": found.rule.do,
                "see": f"docs/{found.rule.see}",
                "fix": bool(found.rule.fix) and not report.is_python2,
            }
            for report in reports
            for found in report.findings
        ],
        "python2": [str(each.path) for each in reports if each.is_python2],
        "skipped": [{"file": str(each.path), "reason": each.reason} for each in skipped],
    }


def diff(path: Path, before: bytes, after: bytes) -> Iterator[str]:
    """Yield the lines of a unified diff; bytes that are not UTF-8 are replaced."""
    old, new = (content.decode("utf-8", "replace").splitlines() for content in (before, after))
    name = str(path).lstrip("/")
    return unified_diff(old, new, f"a/{name}", f"b/{name}", lineterm="")
