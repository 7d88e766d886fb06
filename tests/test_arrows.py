"""The import arrows: a module imports only from rows above its own, and only the rim touches the world."""

import ast
import sys
from pathlib import Path

import pytest

import oauth2

ROWS = [
    {"errors", "generate", "http", "audit", "callback", "clock", "_version"},
    {"encoding", "stores.cipher", "stores.nonces", "stores.records"},
    {"pairs", "stores.memory", "stores.protocols", "stores.rows"},
    {"authorization"},
    {"parameters"},
    {"answer", "credentials", "received", "problem", "stores.combined", "stores.statements"},
    {"signature", "stores", "stores.sql"},
    {"access", "endpoints", "request"},
    {"server", "flow", "outgoing"},
    {"incoming", "exchange"},
    {"issuance"},
    {"provider"},
    {"middleware.proxies", "middleware.body"},  # what the two of the rim have in common
    {"middleware.target", "middleware.routes"},
]
# Rim modules whose job is to combine others.
COMBINING = {"__main__", "authorize", "cli", "services", "site", "testing", "variants"}
ONLY_THE_RIM = {"asyncio", "http", "imaplib", "select", "smtplib", "socket", "sqlite3", "ssl", "subprocess", "urllib"}

PACKAGE = Path(oauth2.__file__).parent


def _name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"}
ROW = {name: number for number, names in enumerate(ROWS) for name in names}
RIM = sorted(set(MODULES) - set(ROW))


def imports_of(name):
    """Every import in a module, those inside functions and for the type checker too: ours and others."""
    path = MODULES[name]
    package = ["oauth2", *name.split(".")][: None if path.name == "__init__.py" else -1]
    ours, others = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join(base + (node.module.split(".") if node.module else []))
            inner = [f"{base}.{alias.name}" for alias in node.names]
            found = [each if each.removeprefix("oauth2.") in MODULES else base for each in inner]
        else:
            continue
        for each in found:
            is_ours = each.split(".")[0] == "oauth2"
            (ours if is_ours else others).add(each.removeprefix("oauth2.") if is_ours else each.split(".")[0])
    return ours, others


@pytest.mark.parametrize("name", sorted(set(ROW) & set(MODULES)))
def test_a_module_imports_only_from_rows_above(name):
    ours, others = imports_of(name)
    assert {each for each in ours if ROW.get(each, len(ROWS)) >= ROW[name]} == set()
    assert others <= sys.stdlib_module_names - ONLY_THE_RIM


@pytest.mark.parametrize("name", RIM)
def test_the_rim_imports_the_rows_and_not_itself(name):
    ours, others = imports_of(name)
    if name.split(".")[0] not in COMBINING:
        assert ours <= set(ROW)
    if name not in {"rsa", "stores.fernet"}:
        assert "cryptography" not in others


def test_imports_are_seen_wherever_they_stand():
    ours, others = imports_of("server")
    assert {"errors", "stores"} <= ours  # the one at the top, the other inside a function
    assert "time" in others
    assert "hmac" in imports_of("signature")[1]  # inside a function, too
    ours, others = imports_of("stores.sqlite")
    assert "stores.nonces" in ours  # by way of its package
    assert "sqlite3" in others
