"""The errors that mypy and pyright report in programs that use the package, and in the package."""

import importlib
import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
import typing
from pathlib import Path

import django_project
import pytest

import oauth2

ROOT = Path(__file__).parent.parent
MISTAKES = Path(__file__).with_name("typing_mistakes.py")
USES = Path(__file__).with_name("typing_uses.py")


def run(*command):
    # Without this variable, pyright looks for its newest version on the network.
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def mypy():
    """Return path, line number and code of each error that mypy reports."""
    done = run("mypy", "--strict", "--no-error-summary", "--output=json", "--config-file=", str(MISTAKES), str(USES))
    assert done.returncode == 1, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [(ROOT / each["file"], each["line"], each["code"]) for each in found if each["severity"] == "error"]


def pyright():
    """Return path, line number and rule of each error that pyright reports in standard mode."""
    done = run("pyright", "--outputjson", "--pythonpath", sys.executable, "oauth2", str(MISTAKES), str(USES))
    assert done.returncode == 1, done.stderr
    found = [each for each in json.loads(done.stdout)["generalDiagnostics"] if each["severity"] == "error"]
    return [(Path(each["file"]), each["range"]["start"]["line"] + 1, each.get("rule")) for each in found]


def mistakes():
    """Return the lines with mistakes; the keys are the line numbers."""
    lines = MISTAKES.read_text(encoding="utf-8").splitlines()
    start = lines.index("    # --- mistakes") + 1
    return {number: line for number, line in enumerate(lines, 1) if number > start and not line.startswith("    #")}


def refused_uses(found):
    """Return the lines that a type checker reports although the lines are correct."""
    lines = USES.read_text(encoding="utf-8").splitlines()
    return [lines[line - 1] for path, line, _ in found if path == USES]


# One test for each type checker, so that no checker runs in two processes.


@pytest.mark.heavy
def test_mypy_reports_every_mistake_and_nothing_else():
    found, reported = mypy(), {}
    for path, line, code in found:
        if path == MISTAKES:
            reported.setdefault(line, set()).add(code)
    expected = {number: set(line.rpartition("# ")[2].split(", ")) for number, line in mistakes().items()}
    assert reported == expected
    assert refused_uses(found) == []


@pytest.mark.heavy
def test_pyright_reports_every_mistake_and_nothing_else_and_accepts_the_package():
    found = pyright()
    reported = {line for path, line, _ in found if path == MISTAKES}
    assert [line for number, line in mistakes().items() if number not in reported] == []
    assert sorted(reported - set(mistakes())) == []
    assert refused_uses(found) == []
    in_package = {path.relative_to(ROOT).as_posix() for path, *_ in found if path not in {MISTAKES, USES}}
    assert sorted(in_package) == []


def public_modules():
    """Return the names of the public modules, without the command and the reference provider, which are programs."""
    found = [each.name for each in pkgutil.walk_packages(oauth2.__path__, "oauth2.")]
    is_public = re.compile(r"oauth2(?!\.cli|\.site)(\.[a-z][a-z0-9_]*)+").fullmatch
    return ["oauth2", *filter(is_public, found)]


def is_ours(value):
    return (getattr(value, "__module__", None) or "").partition(".")[0] == "oauth2"


def callables(module):
    """Return the public functions and methods that are defined in *module*, by name."""
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
    for name in getattr(module, "__all__", own):
        value = inspect.unwrap(getattr(module, name)) if callable(getattr(module, name)) else None
        if not is_ours(value):
            continue
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value):
            yield name, value
            for each, member in inspect.getmembers_static(value):
                member = getattr(member, "fget", None) or getattr(member, "__func__", member)
                if inspect.isfunction(member) and is_ours(member) and (not each.startswith("_") or each == "__init__"):
                    yield f"{name}.{each}", member


@pytest.mark.parametrize("name", public_modules())
def test_annotations_can_be_read_at_run_time(name):
    """Frameworks and documentation tools read annotations. Names that are defined only for type checkers would raise an
    error.
    """
    failed = []
    for each, value in callables(django_project.import_module(name)):
        try:
            typing.get_type_hints(value)
        except NameError as exc:
            failed.append(f"{each}: {exc}")
    assert failed == []


def test_annotations_of_methods_are_read_too():
    found = dict(callables(importlib.import_module("oauth2.request")))
    assert {"Request", "Request.__init__", "Request.from_request", "Request.url", "Request.sign_request"} <= set(found)
