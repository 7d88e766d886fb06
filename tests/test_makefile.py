"""The Makefile: the text of ``make help``, the tests that ``make quick`` leaves out, and the measured files."""

import re
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tools.rows import core_files

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split()


@pytest.fixture(scope="module")
def help_text():
    return subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("target", TARGETS)
def test_help_describes_every_target(help_text, target):
    assert target == "help" or f"make {target}" in help_text


def test_help_describes_every_variable_with_its_default(help_text):
    for name, default in re.findall(r"^(\w+) \?= (.*)$", MAKEFILE, re.MULTILINE):
        described = re.search(rf"^  {name}='?([^' ]*)", help_text, re.MULTILINE)
        assert name == "BENCH_ARGS" or described, name
        assert name in {"BENCH_ARGS", "PYTHON"} or described[1] == default.split()[0]


def test_help_describes_every_environment_variable_of_the_tests_with_its_default(help_text):
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("*.py"))
    names = set(re.findall(r'"(OAUTH2_TEST_\w+)"', sources))
    assert {name for name in names if f"  {name} " not in help_text} == set()
    for name, default in re.findall(r'"(OAUTH2_TEST_\w+)", "(.*?)"', sources):
        assert re.search(rf"^  {name} +default {re.escape(default)}$", help_text, re.MULTILINE), name


def test_quick_runs_all_test_files_without_the_marker_slow():
    command = subprocess.run(
        ["make", "--dry-run", "quick"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    files = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.glob("tests/test_*.py")
    }
    slow = {name for name, text in files.items() if re.search(r"^pytestmark = .*\bslow\b", text, re.MULTILINE)}
    assert slow
    # The Makefile finds the marker "slow" only in the first line of the assignment to pytestmark.
    assert {name for name, text in files.items() if re.search(r"^pytestmark = [\[(]$", text, re.MULTILINE)} == set()
    assert sorted(re.findall(r"tests/test_\w+\.py", command)) == sorted(set(files) - slow)
    portable = {name for name, text in files.items() if re.search(r"^pytestmark = .*\bportable\b", text, re.MULTILINE)}
    assert portable
    assert portable < slow
    command = subprocess.run(
        ["make", "--dry-run", "test-portable"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r"tests/test_\w+\.py", command)) == set(files) - slow | portable


def test_every_test_file_is_run_once_and_those_with_the_marker_alone_again():
    command = subprocess.run(["make", "--dry-run", "test"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.glob("tests/test_*.py")
    }
    measured, others, alone = [
        re.findall(r"tests/test_\w+\.py", line) for line in command.splitlines() if "pytest" in line
    ]
    assert sorted(measured + others) == sorted(files)
    assert sorted(alone) == sorted(name for name, text in files.items() if re.search(r"\bmark\.alone\b", text))


def test_the_files_that_test_oldest_leaves_out_exist():
    command = subprocess.run(
        ["make", "--dry-run", "test-oldest"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    left_out = re.findall(r"--ignore=(\S+)", command)
    assert "tests/test_typing.py" in left_out
    assert [name for name in left_out if not (ROOT / name).exists()] == []


def test_the_coverage_of_every_core_file_is_measured():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["coverage"]["run"]["omit"]
    assert [name for name in core_files() for pattern in patterns if fnmatch(name, pattern)] == []
