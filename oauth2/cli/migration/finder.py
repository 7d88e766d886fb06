"""Find the uses that the rules describe, in the syntax tree of one file."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from .conditions import CONDITIONS
from .events import Event
from .reader import Reader
from .rules import Rule, rules

__all__ = ["Finding", "find"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place in a program where a migration to this package changes the behaviour.

    Attributes:
        rule: The rule that describes the change.
        name: The full name of the object that the program uses, such as ``"oauth2.Server"``.
        line: The line, counted from 1.
        column: The column in bytes of UTF-8, counted from 0.
    """

    rule: Rule
    name: str
    line: int
    column: int


def find(tree: ast.Module, *, shadowed: Collection[str] = ()) -> list[Finding]:
    """Return the findings of one file, sorted by line, with at most one finding for each rule and position.

    Args:
        tree: The syntax tree of the file.
        shadowed: The names of libraries for which the program has its own module. Uses of this module are not reported.

    Raises:
        RecursionError: The file is nested too deeply.
    """
    found: dict[tuple[int, int, str], Finding] = {}
    for event in Reader(shadowed).read(tree):
        for rule in _matching(event):
            finding = Finding(rule=rule, name=event.name, line=event.line, column=event.column)
            found.setdefault((event.line, event.column, rule.key), finding)
    order = {rule.key: number for number, rule in enumerate(rules())}
    return sorted(found.values(), key=lambda each: (each.line, each.column, order[each.rule.key]))


def _matching(event: Event) -> Iterator[Rule]:
    for rule in _rules_for(event.kind, event.name):
        if not rule.when or CONDITIONS[rule.when](event):
            yield rule


@cache
def _rules_for(kind: str, name: str) -> tuple[Rule, ...]:
    text = f"{kind} {name}"
    return tuple(rule for rule in rules() if any(fnmatchcase(text, pattern) for pattern in rule.on))
