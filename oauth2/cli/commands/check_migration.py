"""``oauth2 check-migration``: find the code that a migration from python-oauth2 1.9 or another library changes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import click

from ..escape import one_line
from ..failure import REFUSED, Failure, missing_package, unreadable
from ..group import Command
from ..migration.report import FileReport, as_data, check, diff, lines, summary
from ..migration.sources import Skipped, read_sources
from ..options import as_json
from ..terminal import is_interactive, note, say, say_json, warn

__all__ = ["check_migration"]


@click.command("check-migration", cls=Command)
@click.argument("path", metavar="PATH")
@click.option("--fix", is_flag=True, help="Rewrite simple uses, after showing a diff.")
@click.option("-y", "--yes", is_flag=True, help="With --fix: do not ask for confirmation.")
@as_json
def check_migration(path: str, fix: bool, yes: bool, as_json: bool) -> int:
    """Find what a migration from python-oauth2 1.9 changes.

    PATH is a folder or a file. The command reads the Python files in PATH, but does not run them. The command also
    finds uses of the OAuth 1 parts of requests-oauthlib, rauth, oauthlib and Authlib.

    The exit code is 1 if the command found code whose behaviour changes, and otherwise 0.
    """
    root = Path(path)
    if not root.exists():
        raise unreadable(one_line(path), "There is no such file or folder")
    if as_json and fix:
        raise Failure("--json and --fix exclude each other.", "Run --fix first, then --json.")
    reports, skipped = check(read_sources(root))
    if not reports and not skipped:
        raise Failure(f"There is no Python file in {one_line(path)}.", "Give the folder of the program.")
    if fix and _fixed(reports, ask=not yes):
        reports, skipped = check(read_sources(root))
    if as_json:
        say_json(as_data(reports, skipped))
    else:
        _say(reports, skipped)
    return REFUSED if any(each.findings for each in reports) else 0


def _say(reports: Sequence[FileReport], skipped: Sequence[Skipped]) -> None:
    for line in (*lines(reports), *summary(reports)):
        say(line)
    for each in skipped:
        warn(f"{each.path} was skipped. {each.reason}")


def _fixed(reports: Sequence[FileReport], *, ask: bool) -> bool:
    """Show the changes, ask for confirmation, and write the changes. Return whether files were changed."""
    if find_spec("libcst") is None:
        raise missing_package("libcst", "migration")
    changes = _changes([each for each in reports if each.findings and not each.is_python2])
    if not changes:
        note("No code can be rewritten automatically.")
        return False
    if ask and not is_interactive():
        raise Failure("There is no terminal to ask for confirmation.", "Give --yes.", code=REFUSED)
    count = f"{len(changes)} {'file' if len(changes) == 1 else 'files'}"
    if ask and not click.confirm(f"Change {count}?", err=True):
        note("No file was changed.")
        return False
    for path, content in changes.items():
        _replace(path.resolve(), content)
    note(f"Changed {count}.")
    return True


def _changes(reports: Sequence[FileReport]) -> dict[Path, bytes]:
    """Print the differences. Return a dict of the files that change. Key: the path. Value: the new content."""
    from ..migration.fixes import CannotRewrite, rewrite

    changes: dict[Path, bytes] = {}
    for each in reports:
        before = each.path.read_bytes()
        try:
            after = rewrite(before, each.findings)
        except CannotRewrite:
            warn(f"{each.path} cannot be rewritten, because libcst cannot parse it.")
            continue
        if after != before:
            changes[each.path] = after
            for line in diff(each.path, before, after):
                say(line)
    return changes


def _replace(path: Path, content: bytes) -> None:
    # The new text is written to a temporary file, which then replaces the original file. If the command were
    # interrupted while it wrote to the original file, the original text would be lost.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        shutil.copymode(path, name)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
