"""The Debian packaging has the version of the package, and its tests have the libraries that they need."""

import configparser
import re
from pathlib import Path

import oauth2

ROOT = Path(__file__).parent.parent
DEBIAN = ROOT / "debian"


def paragraphs(name):
    """Return the fields of each paragraph of a control file, without substitution variables and build profiles."""
    found = []
    for text in re.split(r"\n\n+", (DEBIAN / name).read_text(encoding="utf-8").strip()):
        fields = re.split(r"\n(?=\S)", text)
        found.append({key: value.strip() for key, _, value in (field.partition(":") for field in fields)})
    return found


def packages(field):
    return {re.split(r"[ (<\[]", each.strip())[0] for each in field.split(",") if each.strip()}


def test_the_version_of_the_first_entry_is_the_version_of_the_package():
    (version,) = re.findall(r"\Apython-oauth2 \((.*)-[^-]+\)", (DEBIAN / "changelog").read_text(encoding="utf-8"))
    assert version == oauth2.__version__.replace(".dev", "~dev")


def test_the_package_requires_the_version_of_httplib2_that_setup_cfg_requires():
    config = configparser.ConfigParser()
    config.read_string((ROOT / "setup.cfg").read_text(encoding="utf-8"))
    (bound,) = re.findall(r"httplib2 >= (\S+)", config["options"]["install_requires"])
    assert f"python3-httplib2 (>= {bound})" in paragraphs("control")[0]["Build-Depends"]


def test_the_tests_of_the_installed_package_have_the_libraries_of_the_tests_at_build_time():
    source = paragraphs("control")[0]["Build-Depends"]
    tools = {"debhelper-compat", "dh-sequence-python3", "pybuild-plugin-pyproject", "python3-all", "python3-setuptools"}
    # python3-markdown builds the documentation; python3-httplib2 is a dependency of python3-oauth2.
    others = {"python3-markdown", "python3-httplib2"}
    quick = next(each for each in paragraphs("tests/control") if each["Tests"] == "quick")
    assert packages(quick["Depends"]) - {"python3-oauth2", "make"} >= {
        each for each in packages(source) - tools - others if each != "python3-requests"
    }


def test_the_command_and_the_demo_find_their_libraries_among_the_recommended_and_suggested_packages():
    package = next(each for each in paragraphs("control") if each.get("Package") == "python3-oauth2")
    named = packages(package["Recommends"]) | packages(package["Suggests"])
    demo = next(each for each in paragraphs("tests/control") if each["Tests"] == "demo")
    assert packages(demo["Depends"]) - {"python3-oauth2"} <= named


def test_the_licence_is_that_of_the_package():
    licence = (ROOT / "LICENSE.txt").read_text(encoding="utf-8").partition("\n\nPermission")[2]
    copyright_file = (DEBIAN / "copyright").read_text(encoding="utf-8")
    words = copyright_file.partition("License: Expat\n Permission")[2].replace("\n .\n", "\n").split()
    assert words == licence.split()
