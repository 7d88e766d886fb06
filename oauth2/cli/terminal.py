"""What reaches the screen: escaped if it comes from elsewhere, coloured if a person is there to see it."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

# Control characters, those that turn the direction of writing, and what has no UTF-8 form.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return *text* with what could steer a terminal escaped; line feeds and tabs stay."""
    return _UNSAFE.sub(lambda found: _escaped(found[0]), text)


def one_line(text: str) -> str:
    """Return *text* as :func:`printable` does, on one line."""
    return printable(text.replace("\n", "\\n").replace("\t", "\\t"))


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def wants_colour() -> bool | None:
    """Return False where NO_COLOR asks for none; None leaves it to whether it is a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def say(text: str = "") -> None:
    """Write a line to standard output."""
    click.echo(printable(text), color=wants_colour())


def note(text: str) -> None:
    """Write a line to standard error."""
    click.echo(printable(text), err=True, color=wants_colour())


def say_json(value: Any) -> None:
    """Write *value* as JSON, which escapes all that is not ASCII."""
    click.echo(json.dumps(value, indent=2))


def say_error(text: str) -> None:
    """Write the one line that an error is."""
    label = click.style("error:", fg="red", bold=True)
    click.echo(f"{label} {one_line(text)}", err=True, color=wants_colour())


def say_table(rows: Iterable[Iterable[str]]) -> None:
    """Write *rows* with their columns aligned; the first row is the head."""
    texts = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def say_facts(facts: dict[str, Any]) -> None:
    """Write what is known of a thing: a name, and what there is of it; nothing where there is nothing."""
    shown = {name.replace("_", " "): texts for name, value in facts.items() if (texts := _texts(value))}
    width = max(map(len, shown))
    for name, texts in shown.items():
        for number, text in enumerate(texts):
            click.echo(f"{'' if number else name:<{width}}  {one_line(text)}")


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{name}: {text}" for name, text in value.items()]
    if isinstance(value, (list, tuple)):
        return [str(each) for each in value]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return [] if value is None else [str(value)]


def is_interactive() -> bool:
    """Tell whether a person can be asked: both ends of the question are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()
