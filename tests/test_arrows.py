"""The rows of rows.toml: a module imports only from lower rows, or from its own row if the row allows it."""

import sys
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter

import pytest

from tools.rows import core_files, draw, imports_of, modules, rows, rows_of

ROWS = rows()
ONLY_THE_EDGE = {"asyncio", "http", "imaplib", "select", "smtplib", "socket", "sqlite3", "ssl", "subprocess", "urllib"}
MODULES = modules()


def test_a_module_is_in_one_row():
    wrong = [name for name in sorted(MODULES) if len(rows_of(name)) != 1]
    assert wrong == [], "name each module in exactly one row of rows.toml"


def test_rows_name_only_modules_that_exist():
    patterns = {pattern for row in ROWS for pattern in row["modules"]}
    assert [each for each in sorted(patterns) if not any(fnmatchcase(name, each) for name in MODULES)] == []


def test_a_module_imports_from_lower_rows_or_from_its_own_if_that_combines():
    wrong = []
    for name in sorted(MODULES):
        number = rows_of(name)[0]
        limit = number + bool(ROWS[number].get("combining"))
        wrong += [f"{name} imports {each}" for each in imports_of(name)[0] if rows_of(each)[0] >= limit]
    assert wrong == []


def test_only_the_edge_imports_other_libraries_and_sockets():
    wrong = []
    for name in sorted(MODULES):
        others = imports_of(name)[1]
        if ROWS[rows_of(name)[0]].get("core") and not name.startswith("middleware."):
            wrong += [f"{name} imports {each}" for each in others - (sys.stdlib_module_names - ONLY_THE_EDGE)]
        if name not in {"rsa", "stores.fernet"} and "cryptography" in others:
            wrong.append(f"{name} imports cryptography")
    assert wrong == []


def test_no_imports_form_a_cycle():
    try:
        TopologicalSorter({name: imports_of(name)[0] for name in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_an_internal_module_is_imported_by_its_parent_package_only():
    wrong = []
    for importing, each in [(name, each) for name in sorted(MODULES) for each in imports_of(name)[0]]:
        parts = each.split(".")
        for depth, part in enumerate(parts):
            if part.startswith("_") and not part.startswith("__") and importing.split(".")[:depth] != parts[:depth]:
                wrong.append(f"{importing} imports {each}")
    assert wrong == []


def test_imports_are_found_at_the_top_and_inside_functions():
    ours, others = imports_of("server")
    assert {"errors", "stores"} <= ours  # One import is at the top of the module, the other is inside a function.
    assert "time" in others
    assert "hmac" in imports_of("_wire.text")[1]  # Imported inside a function.
    assert "stores.nonces" in imports_of("stores.sqlite")[0]  # Imported through its package.
    assert "sqlite3" in imports_of("stores._sqlite_file")[1]


def test_the_core_rows_give_the_files_whose_coverage_must_be_complete():
    assert {"oauth2/__init__.py", "oauth2/_wire/pairs.py", "oauth2/server.py"} <= set(core_files())
    assert "oauth2/client.py" not in core_files()


def test_the_drawing_shows_every_row_and_every_module():
    drawing = draw()
    assert [row["title"] for row in reversed(ROWS) if f"─ {row['title']} ─" not in drawing] == []
    words = drawing.replace("/", "").split()
    assert {part for name in MODULES for part in (name, name.partition(".")[2]) if part.count(".") == 0} - {""} <= set(
        words
    )
