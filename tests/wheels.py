"""The wheel of this package, as a user installs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ["oauth2", "README.md", "LICENSE.txt", "setup.py", "setup.cfg", "pyproject.toml", "tests", "example"]


def build(directory: Path) -> Path:
    """Build the wheel from a copy of the sources below *directory*; return its path."""
    source, built = directory / "source", directory / "built"
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            source.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    done = pip(sys.executable, "wheel", "--no-deps", f"--wheel-dir={built}", str(source))
    wheels = list(built.glob("*.whl"))
    if not wheels:
        unavailable("no wheel could be built here", done)
    return wheels[0]


def pip(python: str | Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pip."""
    command = [python, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def unavailable(reason: str, done: subprocess.CompletedProcess[str]) -> None:
    """Skip the test, or fail if OAUTH2_TEST_REQUIRE_ALL is set."""
    message = f"{reason}: {done.stderr.strip()[-300:]}"
    if os.environ.get("OAUTH2_TEST_REQUIRE_ALL"):
        pytest.fail(message)
    pytest.skip(message)
