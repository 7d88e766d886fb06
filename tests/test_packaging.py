"""What is installed: the package with its types, and nothing else."""

import os
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import oauth2

ROOT = Path(__file__).parent.parent
SOURCES = ["oauth2", "README.md", "LICENSE.txt", "setup.py", "setup.cfg", "pyproject.toml", "tests", "example"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", f"--wheel-dir={built}", str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = list(built.glob("*.whl"))
    if not wheels:
        message = f"no wheel could be built here: {done.stderr.strip()[-300:]}"
        if os.environ.get("OAUTH2_TEST_REQUIRE_ALL"):
            pytest.fail(message)
        pytest.skip(message)
    with zipfile.ZipFile(wheels[0]) as archive:
        yield archive


def test_the_package_its_types_and_nothing_else_is_installed(wheel):
    names = [name for name in wheel.namelist() if ".dist-info/" not in name]
    assert {name.partition("/")[0] for name in names} == {"oauth2"}
    assert "oauth2/py.typed" in names
    in_source = {path.relative_to(ROOT).as_posix() for path in (ROOT / "oauth2").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == in_source


def test_the_metadata_is_that_of_setup_cfg(wheel):
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(name).decode())
    assert (metadata["Name"], metadata["Version"]) == ("oauth2", oauth2.__version__)
    assert metadata["Requires-Python"] == ">=3.11"
    assert [each for each in metadata.get_all("Requires-Dist") if "extra" not in each] == ["httplib2>=0.22"]
    assert "rsa" in metadata.get_all("Provides-Extra")


def test_setup_py_is_two_lines():
    assert len((ROOT / "setup.py").read_text().splitlines()) == 2
