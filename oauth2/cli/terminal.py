"""Print text with control characters escaped, and with colours only if the output is a terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable

import click

from .escape import one_line, printable

__all__ = ["colour_setting", "is_interactive", "note", "say", "say_error", "say_facts", "say_json", "say_table", "warn"]

_LONGEST_LINE = 1200  # Maximum number of characters of an error or a hint. The middle of a longer text is left out.
_SHORTEST_LINE = 20  # The minimum width of wrapped text, in columns, even on a narrower terminal.


def colour_setting() -> bool | None:
    """Return False if NO_COLOR is set; otherwise None, so that click uses colours only if the output is a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def say(text: str = "") -> None:
    """Write a line to standard output."""
    click.echo(printable(text), color=colour_setting())


def note(text: str) -> None:
    """Write a line to standard error."""
    click.echo(printable(text), err=True, color=colour_setting())


def warn(text: str) -> None:
    """Write a warning, on one line, to standard error."""
    note(one_line(f"Warning: {text}"))


def say_json(value: object) -> None:
    """Write *value* as JSON to standard output; all characters that are not ASCII are escaped."""
    click.echo(json.dumps(value, indent=2))


def say_error(message: str, hint: str) -> None:
    """Write an ``Error:`` and a ``Hint:`` line to standard error."""
    _say_labelled("Error:", "red", message)
    _say_labelled("Hint:", "cyan", hint)


def _say_labelled(label: str, colour: str, text: str) -> None:
    line = one_line(text)
    if (
        len(line) > _LONGEST_LINE
    ):  # A path or a service's text can be very long. Only the start and the end are printed.
        line = f"{line[: _LONGEST_LINE // 2]} ... {line[-_LONGEST_LINE // 2 :]}"
    click.echo(f"{click.style(label, fg=colour, bold=True)} {line}", err=True, color=colour_setting())


def say_table(rows: Iterable[Iterable[str]]) -> None:
    """Write *rows* with their columns aligned; the first row has the headings."""
    texts = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def say_facts(facts: dict[str, object]) -> None:
    """Write each name with its value or values. A name without a value is left out.

    On a terminal, text is wrapped at the width of the terminal. In a file or a pipe, each value is one line, so that
    grep finds the whole value.
    """
    shown = {name.replace("_", " "): texts for name, value in facts.items() if (texts := _texts(value))}
    indent = max(map(len, shown)) + 2
    for name, texts in shown.items():
        lines = [line for text in texts for line in _wrapped(one_line(text), indent)]
        for number, line in enumerate(lines):
            click.echo(f"{'' if number else name:<{indent}}{line}")


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [f"{name}: {text}" for name, text in value.items()]
    if isinstance(value, (list, tuple)):
        return [str(each) for each in value]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return [] if value is None else [str(value)]


def _wrapped(text: str, indent: int) -> list[str]:
    if not sys.stdout.isatty() or len(text.split()) < 3:  # A value of one or two words is printed on one line.
        return [text]
    width = max(_SHORTEST_LINE, shutil.get_terminal_size().columns - indent)
    # Further lines of a value are indented, so that a reader can see where the next value starts. A word is never
    # broken, because a URL in two lines could not be copied.
    lines = textwrap.wrap(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return lines or [text]


def is_interactive() -> bool:
    """Return whether the command can ask the user: standard input and standard error are terminals."""
    return sys.stdin.isatty() and sys.stderr.isatty()
