"""The files, commands and versions in the documents and settings for contributors exist."""

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("ARCHITECTURE.md", "CONTRIBUTING.md", "STYLE.md", ".github/pull_request_template.md")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
WORKFLOW = (ROOT / ".github" / "workflows" / "check.yml").read_text(encoding="utf-8")


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_tree_of_the_architecture_has_one_line_for_each_module_and_package():
    tree = read("ARCHITECTURE.md").partition("```\noauth2/\n")[2].partition("```")[0]
    named = re.findall(r"^  (\S+)  +\S", tree, re.MULTILINE)
    found = [f"{path.name}/" if path.is_dir() else path.name for path in (ROOT / "oauth2").iterdir()]
    assert sorted(named) == sorted(set(found) - {"__pycache__/", "py.typed"})


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_and_paths_lead_to_files(document):
    text = read(document)
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    quoted = re.findall(r"`((?:oauth2|docs|tests|tools)/[\w./]+\.\w+)`|`(\w+\.(?:toml|cfg|md))`", text)
    paths = {*linked, *(path or name for path, name in quoted if "NAME" not in path + name)}
    places = (ROOT, ROOT / "oauth2" / "services")
    assert [path for path in sorted(paths) if not any((place / path).exists() for place in places)] == []


WITH_COMMANDS = [*DOCUMENTS, "README.md", ".pre-commit-config.yaml", ".github/workflows/check.yml"]


@pytest.mark.parametrize("document", WITH_COMMANDS)
def test_commands_of_make_are_targets(document):
    commands = re.findall(r"(?:`|^\$ |(?:run|entry): )make ([^`#;\n]+)", read(document), re.MULTILINE)
    words = {word for command in commands for word in re.sub(r'\w+="[^"]*"', "", command).split()}
    words = {word for word in words if not word.startswith("--")}
    assert words - {"help"} <= TARGETS
    assert words


def test_the_workflow_runs_the_targets_of_ci_run_on_every_supported_python():
    config = configparser.ConfigParser()
    config.read_string(read("setup.cfg"))
    supported = re.findall(r"Python :: (3\.\d+)$", config["metadata"]["classifiers"], re.MULTILINE)
    (matrix,) = re.findall(r"python: \[(.*)\]", WORKFLOW)
    assert re.findall(r'"(.*?)"', matrix) == supported
    of_ci = set(re.findall(r"^\s+run ([a-z-]+)", read(".ci/run"), re.MULTILINE))
    # .ci/run runs make test-portable for all Pythons except the oldest. There the workflow runs make test.
    assert set(re.findall(r"run: make ([a-z-]+)", WORKFLOW)) == of_ci - {"test-portable"}
    assert of_ci <= TARGETS


def test_contributing_names_each_place_of_a_signature_method():
    section = read("CONTRIBUTING.md").partition("### A signature method\n")[2].partition("\n### ")[0]
    for path in ("oauth2/signature.py", "oauth2/rsa.py", "oauth2/_methods.py", "oauth2/__init__.py"):
        assert f"`{path}`" in section
