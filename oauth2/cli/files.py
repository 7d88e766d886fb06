"""Read the files whose names are given in options. The name ``-`` means standard input."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from io import BytesIO
from typing import BinaryIO

import click

from .escape import one_line
from .failure import USAGE, Failure, unreadable

__all__ = ["no_files", "open_file", "read_file"]

# The pattern matches text that some users enter instead of a file name: a curl command, an HTTP request, JSON, PEM, or
# several lines.
_CONTENT = re.compile(r"curl\s|[A-Z]+ (?:/|https?:)|OAuth\s|\{|-----BEGIN|.*[\r\n]")
_NO_FILES = ContextVar("_NO_FILES", default=False)


@contextmanager
def no_files() -> Iterator[None]:
    """Refuse to read files while the block runs.

    A request from another person may contain names of files. The command must not read these files.
    """
    before = _NO_FILES.set(True)
    try:
        yield
    finally:
        _NO_FILES.reset(before)


def open_file(path: str, *, code: int = USAGE) -> BinaryIO:
    """Open a file for reading. The file is closed when the command ends.

    Args:
        path: The path; "-" for standard input, which is read completely.
        code: The exit code of the failure.

    Raises:
        Failure: The file cannot be opened.
    """
    _require_files()
    if path == "-":
        return BytesIO(sys.stdin.buffer.read())
    try:
        file = open(path, "rb")  # noqa: SIM115 - it is read while the request is sent
    except (OSError, ValueError) as exc:  # open() raises ValueError for U+0000, and a curl command can contain U+0000.
        if _CONTENT.match(path):
            # The content is not shown, because it may contain a secret.
            raise Failure(
                "A file name is required, but the content of a file was given.",
                "Give - instead of the file name, and enter the content on standard input.",
                code=code,
            ) from None
        reason = getattr(exc, "strerror", None) or "Not a path"
        raise unreadable(one_line(path), reason, code=code) from None
    context = click.get_current_context(silent=True)
    return context.with_resource(file) if context else file


def read_file(path: str, *, code: int = USAGE) -> bytes:
    """Return the content of a file; see :func:`open_file` for arguments and errors."""
    _require_files()
    if path == "-":
        return sys.stdin.buffer.read()
    with open_file(path, code=code) as file:
        try:
            return file.read()
        except OSError as exc:
            raise unreadable(one_line(path), exc.strerror, code=code) from None


def _require_files() -> None:
    if _NO_FILES.get():
        raise Failure(
            "The request contains a file name, but files are not read for this request.",
            "Give the content instead of the file name.",
        )
