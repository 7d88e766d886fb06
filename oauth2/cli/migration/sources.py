"""Read the Python files of a code base, without running any of them."""

from __future__ import annotations

import ast
import os
import stat
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from .names import LIBRARIES
from .python2 import readable

__all__ = ["MAX_SIZE", "Skipped", "Source", "read_sources"]

#: The largest file that is read, in bytes. A larger file is reported as skipped.
MAX_SIZE = 4 * 1024 * 1024

_NOT_ENTERED = {".git", ".hg", ".svn", ".tox", ".nox", "__pycache__", "node_modules", "site-packages", ".eggs"}
_SHEBANG = 100  # maximum number of bytes that are read to find the first line "#!..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that was read.

    Attributes:
        path: The path. It starts with the path that the user gave.
        tree: The syntax tree.
        text: The decoded text, with LF as line end.
        is_python2: Whether the file has syntax of Python 2. In this case *tree* is the tree of a text that was
            rewritten for Python 3.
        shadowed: The names of libraries for which the program has its own module, in the folder of this file or in a
            folder above it.
    """

    path: Path
    tree: ast.Module
    text: str
    is_python2: bool
    shadowed: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that cannot be read or parsed, and the reason in one sentence."""

    path: Path
    reason: str


def read_sources(root: Path) -> Iterator[Source | Skipped]:
    """Read and yield all Python files below *root*, or the file *root*, in the order of their paths.

    Links to folders are not followed, because links can form a loop. Each file is read only once.
    """
    seen: set[tuple[int, int]] = set()
    for path in _paths(root):
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode) or (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            if path != root and not path.suffix and not _is_script(path):
                continue
            if found.st_size > MAX_SIZE:
                yield Skipped(path=path, reason=f"The file has more than {MAX_SIZE:,} bytes.")
                continue
            content = path.read_bytes()
        except OSError as exc:
            if path.suffix or path == root:
                yield Skipped(path=path, reason=f"{exc.strerror or type(exc).__name__}.")
            continue
        yield _parsed(path, content, root)


def _paths(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        yield root
        return
    for folder, folders, files in os.walk(root):
        inner = Path(folder)
        folders[:] = sorted(each for each in folders if each not in _NOT_ENTERED and not _is_environment(inner / each))
        for name in sorted(files):
            if name.endswith((".py", ".pyw")) or "." not in name:
                yield inner / name


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").exists()


def _is_script(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.readline(_SHEBANG)
    return start.startswith(b"#!") and b"python" in start


def _parsed(path: Path, content: bytes, root: Path) -> Source | Skipped:
    if b"\0" in content:
        return Skipped(path=path, reason="It contains a null character.")
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, LookupError) as exc:
        return Skipped(path=path, reason=f"Its encoding is not valid: {exc}. Declare the encoding (PEP 263).")
    except UnicodeDecodeError as exc:
        return Skipped(path=path, reason=f"It is not valid {exc.encoding}. Declare its encoding (PEP 263).")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    tree = _tree(text)
    is_python2 = not isinstance(tree, ast.Module)
    if not isinstance(tree, ast.Module):
        second = _tree(readable(text))
        if not isinstance(second, ast.Module):
            return Skipped(path=path, reason=tree)
        tree = second
    return Source(path=path, tree=tree, text=text, is_python2=is_python2, shadowed=_beside(path.parent, root))


def _tree(text: str) -> ast.Module | str:
    """Return the syntax tree, or the reason why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # The parser warns of "\d" in a string, for example.
            return ast.parse(text)
    except SyntaxError as exc:
        return f"Line {exc.lineno}: {exc.msg}."
    except (RecursionError, MemoryError):
        return "It is nested too deeply."


@cache
def _beside(folder: Path, root: Path) -> frozenset[str]:
    """Return the names of libraries for which *folder*, or a folder above it up to *root*, has a module."""
    # Python 2 imports these modules instead of the libraries. Python 3 also does this in a script or in tests.
    found = {each for each in LIBRARIES if (folder / f"{each}.py").exists() or (folder / each / "__init__.py").exists()}
    above = _beside(folder.parent, root) if folder != root and root in folder.parents else frozenset()
    return above | found
