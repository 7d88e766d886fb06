"""The pages of the documentation site that are not files in docs/, and the links between all pages.

mkdocs reads docs/ only. The site also has a page for each Markdown file at the root of the project, for each file that
a document links to, and for each public module. The functions of this module return the names and texts of these pages,
and need no library. tools/mkdocs_hooks.py passes the results to mkdocs.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

from . import rows

ROOT_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "ARCHITECTURE.md": "architecture.md",
    "STYLE.md": "style.md",
}
_PROGRAMS = (
    "cli",
    "site",
)  # In these packages, only the module oauth2.site is public; their other modules are internal.
_FENCE = re.compile(r"(^(`{3,}|~{3,}).*?^\2[^\S\n]*$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
_ROLE = re.compile(r":(?:class|func|meth|exc|mod|attr|data):`(~?)([\w.]+)`")
_LANGUAGES = {
    ".c": "c",
    ".cjs": "js",
    ".ini": "ini",
    ".js": "js",
    ".json": "json",
    ".mjs": "js",
    ".py": "python",
    ".toml": "toml",
}


def page_of(path: str) -> str:
    """Return the page of a file.

    The argument is a path relative to the root of the project. The result is a path relative to the root of the site.
    """
    if path in ROOT_PAGES:
        return ROOT_PAGES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"source/{path.rstrip('/')}.md"


def linked_files(text: str, origin: str) -> list[str]:
    """Return the files to which a document links, as paths relative to the root of the project."""
    folder = posixpath.dirname(origin)
    found = [match[1] for part in _FENCE.split(text)[::3] for match in _LINK.finditer(part)]
    return [posixpath.normpath(posixpath.join(folder, target)) for target in found]


def with_links_of_the_site(text: str, origin: str) -> str:
    """Return the text of a document with each link to a file replaced by a link to the page of the file.

    Args:
        text: The document.
        origin: The path of the document, relative to the root of the project.
    """
    here, folder = posixpath.dirname(page_of(origin)), posixpath.dirname(origin)

    def replaced(match: re.Match[str]) -> str:
        file = posixpath.normpath(posixpath.join(folder, match[1]))
        return f"]({posixpath.relpath(page_of(file), here or '.')}{match[2] or ''})"

    parts = _FENCE.split(text)  # text, code, fence, text, code, fence ...
    return "".join(
        _LINK.sub(replaced, part) if number % 3 == 0 else part for number, part in enumerate(parts) if number % 3 != 2
    )


def source_page(path: str) -> str:
    """Return the page of a file, or of each file in a folder, as Markdown."""
    file = rows.ROOT / path
    if file.suffix == ".md":
        return with_links_of_the_site(file.read_text(encoding="utf-8"), path)
    if file.is_file():
        return f"# `{path}`\n\n{_block(file)}"
    parts = [f"## `{each.name}`\n\n{_block(each)}" for each in sorted(file.iterdir()) if each.is_file()]
    return "\n".join([f"# `{path}`\n", *parts])


def _block(file: Path) -> str:
    return f"````{_LANGUAGES.get(file.suffix, 'text')}\n{file.read_text(encoding='utf-8')}````\n"


def public_modules() -> list[str]:
    """Return the full name of each module that has a page in the reference."""
    names = [name for name in rows.modules() if not any(part.startswith("_") for part in name.split("."))]
    found = [name for name in names if name == "site" or name.split(".")[0] not in _PROGRAMS]
    return ["oauth2", *(f"oauth2.{name}" for name in found)]


def reference_page(module: str) -> str:
    """Return the name of the page of a public module."""
    return f"reference/{module}.md"


def not_named(navigation: object) -> list[str]:
    """Return the pages in docs/ that are missing in the navigation of mkdocs.yml."""
    named = set(_leaves(navigation))
    return [path.name for path in sorted((rows.ROOT / "docs").glob("*.md")) if path.name not in named]


def _leaves(navigation: object) -> list[str]:
    if isinstance(navigation, dict):
        return _leaves(list(navigation.values()))
    if isinstance(navigation, list):
        return [leaf for each in navigation for leaf in _leaves(each)]
    return [str(navigation)]


def with_markdown_roles(text: str, resolve: Callable[[str], str | None]) -> str:
    """Return a docstring with its Sphinx roles and literal blocks replaced by Markdown.

    Args:
        text: The docstring.
        resolve: A function that returns the full public name of a target, or None if the site does not have the target.
            A target without a page is shown as code, without a link.
    """

    def replaced(match: re.Match[str]) -> str:
        shown = match[2].rpartition(".")[2] if match[1] else match[2]
        target = resolve(match[2])
        return f"[`{shown}`][{target}]" if target else f"`{shown}`"

    # Sphinx hides a paragraph "::" and shows the next paragraph as a literal block; Markdown would show the "::".
    text = re.sub(r"^[^\S\n]*::\n\n", "", text, flags=re.MULTILINE)
    return _ROLE.sub(replaced, re.sub(r"(?<=\w)::$", ":", text, flags=re.MULTILINE))
