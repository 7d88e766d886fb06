"""``tools/dist.py``: which files a distribution has, and the README on a package index."""

import os
import re
import shutil
import subprocess
import tarfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tools import dist

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETUP = (
    "[metadata]\nproject_urls =\n    Documentation = https://docs.example/\n    Source = https://git.example/oauth2/\n"
)

has_list_of_files = (ROOT / "PKG-INFO").exists() or ((ROOT / ".git").exists() and shutil.which("git") is not None)
needs_list_of_files = pytest.mark.skipif(
    not has_list_of_files, reason="the list of files needs git and a checkout, or a source distribution"
)


@needs_list_of_files
def test_all_files_that_the_checkout_tracks_are_packed():
    names = dist.tracked()
    expected = {"README.md", "Makefile", "setup.py", "docs/migration.md", "tests/vectors.json", ".ci/run", "rows.toml"}
    assert expected - set(names) == set()
    assert all((ROOT / name).is_file() for name in names)
    assert not [name for name in names if "__pycache__" in name or name.startswith((".venv", "build/", "oauth2.egg"))]


@needs_list_of_files
def test_the_manifest_names_each_file_of_the_checkout():
    manifest = (ROOT / "MANIFEST.in").read_text(encoding="utf-8")
    folders = re.findall(r"^graft (\S+)$", manifest, re.MULTILINE)
    patterns = re.findall(r"^include (.*)$", manifest, re.MULTILINE)[0].split()
    left_out = [
        name
        for name in dist.tracked()
        if not (name.partition("/")[0] in folders if "/" in name else any(fnmatch(name, each) for each in patterns))
    ]
    assert left_out == []  # Otherwise "make dist" refuses to build.


def test_a_folder_without_git_is_named_as_the_mistake(tmp_path, monkeypatch):
    monkeypatch.setattr(dist, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="neither a git checkout nor a source distribution"):
        dist.tracked()


def test_a_source_distribution_packs_the_files_that_it_lists(tmp_path, monkeypatch):
    monkeypatch.setattr(dist, "ROOT", tmp_path)
    (tmp_path / "PKG-INFO").write_text("")
    os.utime(tmp_path / "PKG-INFO", (1_700_000_000, 1_700_000_000))
    (tmp_path / "setup.py").write_text("")
    (tmp_path / "other.txt").write_text("")
    (tmp_path / "oauth2.egg-info").mkdir()
    (tmp_path / "oauth2.egg-info" / "SOURCES.txt").write_text("setup.py\nremoved.py\noauth2.egg-info/PKG-INFO\n")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert dist.tracked() == ["setup.py"]
    assert dist.time_of_sources() == 1_700_000_000


@needs_list_of_files
@needs_list_of_files
def test_the_time_of_a_build_can_be_given(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert dist.time_of_sources() == 1_700_000_000
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert dist.time_of_sources() > 1_700_000_000


def test_the_url_of_the_sources_is_read_from_setup_cfg():
    assert dist.source_url(SETUP) == "https://git.example/oauth2"
    assert dist.source_url("[metadata]\nname = oauth2\n") is None


def test_relative_links_and_pictures_become_absolute_and_others_stay():
    text = "[a](docs/a.md#b) ![c](docs/c.svg) [d](https://d.example) [e](#e) [f](example/)"
    assert dist.with_absolute_links(text, "https://git.example/oauth2", "2.0.0") == (
        "[a](https://git.example/oauth2/blob/2.0.0/docs/a.md#b) "
        "![c](https://git.example/oauth2/raw/2.0.0/docs/c.svg) "
        "[d](https://d.example) [e](#e) [f](https://git.example/oauth2/blob/2.0.0/example/)"
    )


def test_the_readme_on_an_index_has_no_relative_link():
    absolute = dist.with_absolute_links(README, "https://git.example/oauth2", "2.0.0")
    assert re.findall(r"\]\((?!https://|#)", README)
    assert re.findall(r"\]\((?!https://|#)", absolute) == []
    assert dist.with_absolute_links(absolute, "https://other.example", "1") == absolute


def test_an_archive_has_no_time_mode_or_user_of_this_machine(tmp_path):
    digests = set()
    for number, mode in enumerate([0o600, 0o664]):
        folder = tmp_path / str(number)
        (folder / "p").mkdir(parents=True)
        for name in ("b", "a"):
            (folder / "p" / name).write_text(name)
            (folder / "p" / name).chmod(mode)
            os.utime(folder / "p" / name, (number, number))
        packed = folder / "p.tar.gz"
        with tarfile.open(packed, "w:gz") as archive:
            for name in ("b", "a") if number else ("a", "b"):
                archive.add(folder / "p" / name, f"p/{name}")
        dist._normalize(packed, 1_700_000_000)
        digests.add(packed.read_bytes())
    assert len(digests) == 1
    with tarfile.open(packed) as archive:
        found = [(each.name, each.mode, each.mtime, each.uid, each.uname) for each in archive]
        assert archive.extractfile("p/a").read() == b"a"
    assert found == [(f"p/{name}", 0o644, 1_700_000_000, 0, "") for name in "ab"]


def test_a_build_that_fails_is_reported_in_one_line_and_its_output(tmp_path, monkeypatch):
    done = subprocess.CompletedProcess([], 1, stdout="one\n", stderr="two\n")
    monkeypatch.setattr(dist.subprocess, "run", lambda *arguments, **options: done)
    with pytest.raises(SystemExit, match=r"Error: The build failed\.\none\ntwo"):
        dist._run_build("--sdist", tmp_path, tmp_path, 0)
