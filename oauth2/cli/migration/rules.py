"""The rules of ``oauth2 check-migration``. The rules are read from ``rules.toml`` on first use."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Rule", "Unseen", "rules", "unseen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One change of behaviour, and the uses of a library that this change concerns.

    Attributes:
        key: The name of the rule.
        library: The library that the program uses.
        on: The events to which the rule applies, such as ``"call oauth2.Server.verify_request"``. ``*`` matches any
            text.
        when: The condition in ``conditions.py`` that an event must also meet; ``""`` if there is no condition.
        says: What changes, in a few sentences.
        do: What to do about the change, in the imperative.
        see: The section of the documentation: the name of the page, ``#`` and the anchor.
        covers: The rows of docs/migration.md that describe the change. Each text is the start of the first cell of a
            row.
        fix: The function in ``fixes.py`` that rewrites a use; ``""`` if a person must rewrite the use.
        found: Example that the rule finds.
        not_found: Similar example that the rule does not find.
    """

    key: str
    library: str
    on: tuple[str, ...]
    says: str
    do: str
    see: str
    found: str
    not_found: str
    when: str = ""
    covers: tuple[str, ...] = ()
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A change in docs/migration.md that the source code of a program does not show.

    Attributes:
        change: The start of the first cell of its row in docs/migration.md.
        reason: The reason why the source code does not show the change.
    """

    change: str
    reason: str


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules, in the order of the documentation."""
    return tuple(Rule(**_with_tuples(table)) for table in _tables()["rule"])


@cache
def unseen() -> tuple[Unseen, ...]:
    """Return the changes that no rule can find."""
    return tuple(Unseen(**table) for table in _tables()["unseen"])


def _with_tuples(table: dict[str, Any]) -> dict[str, Any]:
    texts = {name: " ".join(table[name].split()) for name in ("says", "do")}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in {**table, **texts}.items()}


@cache
def _tables() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = tomllib.loads(
        files("oauth2").joinpath("cli", "migration", "rules.toml").read_text(encoding="utf-8")
    )
    return found
