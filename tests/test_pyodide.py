"""The core in Pyodide, a CPython for browsers that has only the standard library.

Pyodide runs core_program.py. The program must print the same results as in the Python that runs the tests.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import oauth2

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parent
PROGRAM = TESTS / "core_program.py"
PACKAGE = Path(oauth2.__file__).resolve().parent
PYODIDE = "314.0.7"  # version of the npm package, which contains Python 3.14


def results(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def run_with_only(folder):
    """Return the arguments of a Python that runs the program with the package in *folder* and the standard library."""
    code = "import runpy, sys; sys.path.insert(0, sys.argv[1]); runpy.run_path(sys.argv[2], run_name='__main__')"
    return ["-I", "-S", "-c", code, folder, PROGRAM]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder that has the package and nothing else."""
    found = tmp_path_factory.mktemp("package")
    shutil.copytree(PACKAGE, found / "oauth2", ignore=shutil.ignore_patterns("__pycache__"))
    return found


@pytest.fixture(scope="module")
def expected(folder):
    """Return the results in this Python, without its site-packages."""
    code = "import runpy, sys; sys.path.insert(0, sys.argv[1]); runpy.run_path(sys.argv[2], run_name='__main__')"
    return results([sys.executable, "-I", "-S", "-c", code, folder, PROGRAM])


@pytest.fixture(scope="module")
def pyodide(request):
    """Return the folder of the npm package."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node.js is not installed")
    folder = request.config.cache.mkdir("pyodide")
    installed = folder / "node_modules" / "pyodide"
    with open(folder / "lock", "w") as lock:  # The processes of pytest-xdist share the cache.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists() or json.loads((installed / "package.json").read_text())["version"] != PYODIDE:
            command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"--prefix={folder}"]
            done = subprocess.run([*command, f"pyodide@{PYODIDE}"], capture_output=True, text=True)
            if done.returncode:
                message = f"Pyodide could not be installed from npm: {done.stderr.strip()[-300:]}"
                (pytest.fail if os.environ.get("OAUTH2_TEST_REQUIRE_ALL") else pytest.skip)(message)
    return installed


def test_the_program_has_the_expected_results_in_this_python(expected):
    assert expected["signatures"]["HMAC-SHA1"] == "ghE4gmU4h9AuubK5uKnjmp4fkZo="
    assert expected["verified"] == {
        "parameters": {"size": "original", "file": "vacation.jpg"},
        "replay": "nonce_used",
        "tampered": "signature_invalid",
    }
    assert expected["provided"] == {
        "user": "jane",
        "parameters": {"size": "original"},
        "replay": "nonce_used",
        "revoked": "signature_invalid",
    }
    assert expected["loaded"] == []


def test_the_core_signs_verifies_and_hosts_a_provider_in_pyodide(pyodide, folder, expected):
    found = results(["node", TESTS / "pyodide.cjs", pyodide, folder, PROGRAM])
    assert found["platform"] == "emscripten"
    changed = {"platform": found["platform"], "python": found["python"]}
    assert found == {**expected, **changed}
