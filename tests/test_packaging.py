"""The wheel contains the package with its types, and nothing else."""

import configparser
import importlib.util
import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
import wheels
from packaging.requirements import Requirement

import oauth2

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    with zipfile.ZipFile(wheels.build(tmp_path_factory.mktemp("wheel"))) as archive:
        yield archive


def test_the_package_its_types_and_nothing_else_is_installed(wheel):
    names = [name for name in wheel.namelist() if ".dist-info/" not in name]
    assert {name.partition("/")[0] for name in names} == {"oauth2"}
    assert "oauth2/py.typed" in names
    in_source = {path.relative_to(ROOT).as_posix() for path in (ROOT / "oauth2").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == in_source
    suffixes = ("*.html", "*.css", "*.svg", "*.toml")
    data = {path.relative_to(ROOT).as_posix() for each in suffixes for path in (ROOT / "oauth2").rglob(each)}
    assert data <= set(names)


def test_the_metadata_is_that_of_setup_cfg(wheel):
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(name).decode())
    assert (metadata["Name"], metadata["Version"]) == ("oauth2", oauth2.__version__)
    assert metadata["Requires-Python"] == ">=3.11"
    assert [each for each in metadata.get_all("Requires-Dist") if "extra" not in each] == ["httplib2>=0.32"]
    assert "rsa" in metadata.get_all("Provides-Extra")
    assert (metadata["Author"], metadata["License-Expression"]) == ("The oauth2 maintainers", "MIT")


def test_the_tools_of_contributors_are_not_published_as_extras(wheel):
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(name).decode())
    assert set(metadata.get_all("Provides-Extra")) & {"dev", "docs", *GROUPS} == set()
    assert not {"pytest", "mypy"} & {Requirement(each).name for each in metadata.get_all("Requires-Dist")}


def test_the_group_test_has_the_requirements_of_all_extras_and_the_group_dev_has_it():
    config = configparser.ConfigParser()
    config.read_string((ROOT / "setup.cfg").read_text(encoding="utf-8"))
    extras = {line for lines in config["options.extras_require"].values() for line in lines.split("\n") if line}
    # The libraries ``requests-oauthlib``, ``responses`` and others require the library ``requests``.
    assert {each for each in extras if Requirement(each).name != "requests"} - set(texts("test")) == set()
    assert set(texts("test")) <= set(texts("dev"))


def texts(group):
    """Return the requirements of a dependency group and of the groups that it includes."""
    found = []
    for entry in GROUPS[group]:
        found += [entry] if isinstance(entry, str) else texts(entry["include-group"])
    return found


def test_setup_py_is_two_lines():
    assert len((ROOT / "setup.py").read_text().splitlines()) == 2


# --- in place of python-oauth2 -------------------------------------------------------


@pytest.mark.heavy
def test_the_wheel_replaces_python_oauth2_and_leaves_nothing_of_it(tmp_path):
    python = environment(tmp_path / "env", "oauth2==1.9.0.post1")
    package = Path(site_packages(python))
    before = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert package / "oauth2" / "clients" / "imap.py" in before
    assert (package / "tests").exists()  # python-oauth2 1.9 installs its tests as a package "tests".
    wheel = wheels.build(tmp_path)
    assert wheels.pip(python, "install", wheel).returncode == 0
    with zipfile.ZipFile(wheel) as archive:
        ours = {package / name for name in archive.namelist()}
    after = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    left = {path for path in before & after if "oauth2" in path.relative_to(package).parts[0]}
    assert left - ours == set()
    assert not (package / "tests").exists()
    assert not list(package.glob("oauth2-1.9*"))


@pytest.mark.heavy
def test_the_wheel_satisfies_a_program_that_requires_python_oauth2(tmp_path):
    python = environment(tmp_path / "env", wheels.build(tmp_path))
    # PyLTI requires oauth2 >= 1.9.0.post1. pip must not install python-oauth2 in place of the wheel.
    done = wheels.pip(python, "install", "--upgrade", "--upgrade-strategy=eager", "PyLTI == 0.7.0")
    if done.returncode:
        wheels.unavailable("PyLTI cannot be installed here", done)
    assert wheels.pip(python, "check").returncode == 0
    shown = subprocess.run([python, "-c", "import oauth2; print(oauth2.__version__)"], capture_output=True, text=True)
    assert shown.stdout.strip() == oauth2.__version__
    launched = subprocess.run([python, "-c", LAUNCH_OF_PYLTI], capture_output=True, text=True)
    assert (launched.stdout.splitlines(), launched.returncode) == (["True", "True", "refused"], 0), launched.stderr


LAUNCH_OF_PYLTI = """
from pylti.common import LTIException, verify_request_common
import oauth2
from oauth2.lti import ResourceLink, User, launch_form
form = launch_form(
    "http://tool.example/launch", oauth2.Consumer("k", "s"), resource_link=ResourceLink(id="1"), user=User(id="7")
)
sent = dict(form.fields)
for fields in (sent, sent, {**sent, "user_id": "8"}):  # PyLTI does not check nonces
    try:
        print(verify_request_common({"k": {"secret": "s"}}, form.url, "POST", {}, fields))
    except LTIException:
        print("refused")
"""


def environment(folder, *requirements):
    """Create an environment with *requirements*, and return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = wheels.pip(python, "install", *requirements)
    if done.returncode:
        wheels.unavailable(f"{requirements} cannot be installed here", done)
    return python


def site_packages(python):
    """Return the folder into which pip installs the packages of *python*."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


# --- the oldest dependencies ---------------------------------------------------------


@pytest.fixture(scope="module")
def oldest():
    spec = importlib.util.spec_from_file_location("oldest", ROOT / ".ci" / "oldest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_constraints_pin_all_requirements_of_the_package_and_of_contributors(wheel, oldest):
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    required = [Requirement(each) for each in Parser().parsestr(wheel.read(name).decode()).get_all("Requires-Dist")]
    required += [Requirement(each) for group in GROUPS.values() for each in group if isinstance(each, str)]
    shown = subprocess.run([sys.executable, ROOT / ".ci" / "oldest.py"], capture_output=True, text=True, check=True)
    pins = [Requirement(line) for line in shown.stdout.splitlines()]
    assert {(each.name, str(each.specifier).replace("==", ">=")) for each in pins} == {
        (each.name, str(each.specifier)) for each in required
    }
    # Each package has the same lower bound in all extras and groups.
    assert len(pins) == len({each.name for each in required})


def test_requirements_of_the_package_of_extras_and_of_groups_are_read_alike(oldest):
    setup_cfg = (
        "[options]\ninstall_requires =\n    b >= 1.2\n[options.extras_require]\nx =\n    A[y,z] >= 3\n    b >= 1.2"
    )
    pyproject = '[dependency-groups]\nf = [{ include-group = "g" }]\ng = ["c.d-e >= 2024.1"]'
    required = oldest.requirements(setup_cfg, pyproject)
    assert oldest.lower_bounds(required) == [("A", "3"), ("b", "1.2"), ("c.d-e", "2024.1")]


@pytest.mark.parametrize("requirement", ["b", "b > 1", "b >= 1, < 2", "b >= 1; python_version < '3.12'", "b == 1"])
def test_a_requirement_without_one_plain_lower_bound_is_refused(oldest, requirement):
    with pytest.raises(ValueError, match="must be of the form"):
        oldest.lower_bounds(["a >= 1", requirement])


def test_two_lower_bounds_of_one_requirement_are_refused(oldest):
    with pytest.raises(ValueError, match="a must have one lower bound, not both 1 and 2"):
        oldest.lower_bounds(["a >= 1", "a >= 2"])
