"""The rows of rows.toml, the imports of each module, and a drawing of the rows.

::

    python -m tools.rows core     print the files that the tests must cover completely, for coverage.py
    python -m tools.rows draw     print the drawing in ARCHITECTURE.md
"""

from __future__ import annotations

import ast
import sys
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from textwrap import wrap
from typing import Any

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "oauth2"
_WIDTH = 100  # The width of the drawing, in columns.


@cache
def rows() -> list[dict[str, Any]]:
    """Return the rows; the first row is the lowest row."""
    found: list[dict[str, Any]] = tomllib.loads((ROOT / "rows.toml").read_text(encoding="utf-8"))["row"]
    return found


@cache
def modules(*, with_package: bool = False) -> dict[str, Path]:
    """Return a mapping from the name of each module, relative to ``oauth2``, to its file.

    With *with_package*, the package itself is included; its name is ``""``.
    """
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found if with_package else {name: path for name, path in found.items() if name}


def rows_of(name: str) -> list[int]:
    """Return the numbers of the rows that contain a module; an exact name is preferred to a pattern."""
    exact = [number for number, row in enumerate(rows()) if name in row["modules"]]
    return exact or [
        number for number, row in enumerate(rows()) if any(fnmatchcase(name, each) for each in row["modules"])
    ]


def core_files() -> list[str]:
    """Return the files of the core rows, as paths relative to the root of the project."""
    found = ["oauth2/__init__.py"]
    for name, path in modules().items():
        if any(rows()[number].get("core") for number in rows_of(name)):
            found.append(path.relative_to(ROOT).as_posix())
    return found


@cache
def imports_of(name: str) -> tuple[set[str], set[str]]:
    """Return the modules that a module imports, including imports inside functions and for type checkers.

    Returns:
        The names of the modules of the package, relative to ``oauth2``; and the top-level names of all other modules.
    """
    known = modules()
    path = known[name]
    package = ["oauth2", *name.split(".")][: None if path.name == "__init__.py" else -1]
    ours, others = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for each in _imported(node, package, known):
            if each.split(".")[0] == "oauth2":
                ours.add(each.removeprefix("oauth2."))
            else:
                others.add(each.split(".")[0])
    return ours - {"oauth2"}, others


def _imported(node: ast.AST, package: list[str], known: dict[str, Path]) -> list[str]:
    """Return the full names of the modules that one statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    parent = package[: len(package) - node.level + 1] if node.level else []
    base = ".".join(parent + (node.module.split(".") if node.module else []))
    inner = [f"{base}.{alias.name}" for alias in node.names]
    return [each if each.removeprefix("oauth2.") in known else base for each in inner]


def draw() -> str:
    """Return the rows as a drawing of boxes. The highest row is at the top. Each package in a row has one line."""
    lines: list[str] = []
    for number, row in reversed(list(enumerate(rows()))):
        lines.append(f"{'├' if lines else '┌'}─ {row['title']} ".ljust(_WIDTH, "─") + ("┤" if lines else "┐"))
        for text in _packages([name for name in modules() if number in rows_of(name)]):
            lines += [f"│ {part}".ljust(_WIDTH) + "│" for part in wrap(text, _WIDTH - 4, subsequent_indent="    ")]
    return "\n".join([*lines, "└".ljust(_WIDTH, "─") + "┘"])


def _packages(names: list[str]) -> list[str]:
    """Return a line for the modules at the top level, and a line for each package with its modules."""
    known = modules()
    inner: dict[str, list[str]] = {}
    for name in names:
        top, _, rest = name.partition(".")
        if rest or known[name].name == "__init__.py":
            inner.setdefault(top, []).extend([rest] if rest else [])
    alone = [name for name in names if "." not in name and name not in inner]
    lines = [f"{top}/ {' '.join(parts)}" for top, parts in inner.items()]
    return [*([" ".join(alone)] if alone else []), *lines]


if __name__ == "__main__":
    if sys.argv[1:] == ["core"]:
        print(",".join(core_files()))
    elif sys.argv[1:] == ["draw"]:
        print(draw())
    else:
        sys.exit("Usage: python -m tools.rows core|draw")
