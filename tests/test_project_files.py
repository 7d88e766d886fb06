"""The project files name the current version, and the pages for maintainers name only files that exist."""

import re
from pathlib import Path

import pytest

import oauth2

ROOT = Path(__file__).parent.parent
RELEASE = oauth2.__version__.partition(".dev")[0]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_citation_names_the_version():
    assert re.findall(r"^version: (.*)$", read("CITATION.cff"), re.MULTILINE) == [oauth2.__version__]


def test_the_first_entry_of_the_changelog_is_for_the_version_and_has_a_date_only_if_it_is_released():
    (version, date), *_ = re.findall(r"^## (\S+) - (\S+)$", read("CHANGELOG.md"), re.MULTILINE)
    assert version == RELEASE
    assert (date == "unreleased") is (".dev" in oauth2.__version__)
    assert date == "unreleased" or re.fullmatch(r"\d{4}-\d\d-\d\d", date)


def test_the_headings_of_the_changelog_are_those_of_keep_a_changelog_once_for_each_version():
    for entry in read("CHANGELOG.md").split("\n## ")[1:]:
        kinds = re.findall(r"^### (.*)$", entry, re.MULTILINE)
        assert len(kinds) == len(set(kinds))
        assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_security_page_says_that_the_version_is_supported():
    supported = re.findall(r"^\| (\d+\.\d+)\b.*\| yes \|$", read("SECURITY.md"), re.MULTILINE)
    assert RELEASE.rpartition(".")[0] in supported


def test_the_version_is_written_in_no_other_file_of_the_package():
    written = [
        path.relative_to(ROOT).as_posix()
        for path in [*ROOT.glob("oauth2/**/*.py"), ROOT / "setup.cfg", ROOT / "setup.py", ROOT / "pyproject.toml"]
        if f'"{oauth2.__version__}"' in path.read_text(encoding="utf-8")
        or f"= {oauth2.__version__}" in path.read_text()
    ]
    assert written == ["oauth2/_version.py"]


def test_the_two_parts_of_the_version_that_python_oauth2_has_make_up_the_version():
    from oauth2 import _version

    assert f"{_version.manual_verstr}.{_version.auto_build_num}" == _version.verstr == oauth2.__version__


@pytest.mark.parametrize("page", ["docs/releasing.md", "CODE_OF_CONDUCT.md", "SECURITY.md"])
def test_a_page_for_maintainers_names_only_files_that_exist(page):
    names = re.findall(r"`((?:\w+/)*\w+\.(?:md|py|cfg|toml|cff))`", read(page))
    assert [name for name in names if not (ROOT / name).exists()] == []
