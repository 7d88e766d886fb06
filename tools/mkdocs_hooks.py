"""Hooks of mkdocs: add the pages of tools/pages.py to the site, and adapt the links of each page."""

from __future__ import annotations

import re
from typing import Any

import griffe
from mkdocs.structure.files import File

from tools import griffe_roles, pages
from tools.rows import ROOT

# With a lower boost, the search shows the reference and the pages for contributors after the pages for users.
_LESS_IMPORTANT = "---\nsearch:\n  boost: 0.3\n---\n\n"


def _reference() -> dict[str, str]:
    """Return a mapping from the name of each page of the reference to its text."""
    package: Any = griffe.load("oauth2", search_paths=[str(ROOT)])
    described, exports = griffe_roles.described(package), griffe_roles.exports(package)
    found = {}
    for module, names in described.items():
        members = "\n".join(f"        - {name}" for name in names)
        lines = [f"::: {module}", "    options:", f"      members:\n{members}" if members else "      members: false"]
        if module == "oauth2.errors":
            lines.append("      inherited_members: false")  # Otherwise each class would repeat the members of Error.
        others = {name: path for name, path in exports[module].items() if name not in names}
        if others:
            lines += ["", "Further names that can be imported from this module:", ""]
            lines += [f"- [`{name}`][{path}]" for name, path in others.items()]
        found[pages.reference_page(module)] = "\n".join(lines) + "\n"
    return found


def _sources(texts: dict[str, str]) -> set[str]:
    """Return the files outside of docs/ to which the documents link.

    The files to which these files link are also returned.
    """
    found: set[str] = set()
    new = {file for origin, text in texts.items() for file in pages.linked_files(text, origin)}
    while new:
        new = {file for file in new - found if pages.page_of(file).startswith("source/") and (ROOT / file).exists()}
        found |= new
        new = {
            linked
            for file in new
            if file.endswith(".md")
            for linked in pages.linked_files((ROOT / file).read_text(encoding="utf-8"), file)
        }
    return found


def on_config(config: Any) -> Any:
    """Add to the navigation: a page for each public module, and the pages in docs/ that the navigation lacks."""
    if others := pages.not_named(config.nav):
        config.nav.append({"More": others})
    reference = next(each["Reference"] for each in config.nav if "Reference" in each)
    reference.extend({module: pages.reference_page(module)} for module in pages.public_modules())
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are not files in docs/."""
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in pages.ROOT_PAGES}
    texts |= {f"docs/{each.src_uri}": each.content_string for each in files.documentation_pages()}
    made = {pages.page_of(name): pages.with_links_of_the_site(texts[name], name) for name in pages.ROOT_PAGES}
    made |= {pages.page_of(name): pages.source_page(name) for name in _sources(texts)}
    made |= _reference()
    for name, text in made.items():
        files.append(File.generated(config, name, content=_LESS_IMPORTANT + text if name != "index.md" else text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """In a file in docs/, adapt the links to files outside of docs/."""
    if page.file.generated_by:
        return markdown
    return pages.with_links_of_the_site(markdown, f"docs/{page.file.src_uri}")


def on_page_content(html: str, **_: Any) -> str:
    """Change empty heading cells of tables (th) into ordinary cells (td), because a heading must have a text."""
    return re.sub(r"<th( [^>]*)?></th>", r"<td\1></td>", html)
