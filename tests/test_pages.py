"""The pages of the documentation site that are not files in docs/, and the links between all pages."""

import re

import pytest

from tools import pages
from tools.rows import ROOT

NAVIGATION = re.findall(
    r"^ +- (?:\w+: )?([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE
)


def test_the_navigation_names_no_page_twice_and_no_page_that_does_not_exist():
    written = {path.name for path in (ROOT / "docs").glob("*.md")} | set(pages.ROOT_PAGES.values())
    assert sorted(set(NAVIGATION)) == sorted(NAVIGATION)
    assert set(NAVIGATION) <= written


def test_a_page_that_the_navigation_does_not_name_is_found():
    navigation = [{"Home": "index.md"}, {"Start": ["start.md", {"Words": "glossary.md"}]}, {"Reference": []}]
    assert {"flow.md", "stores.md"} <= set(pages.not_named(navigation))
    assert {"index.md", "start.md", "glossary.md"} & set(pages.not_named(navigation)) == set()
    assert pages.not_named([*NAVIGATION]) == [
        path.name for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in NAVIGATION
    ]


@pytest.mark.parametrize(
    ("origin", "link", "expected"),
    [
        ("docs/flow.md", "[a](glossary.md)", "[a](glossary.md)"),
        ("docs/flow.md", "[a](doctor.md#in-a-client)", "[a](doctor.md#in-a-client)"),
        ("docs/flow.md", "[a](#errors)", "[a](#errors)"),
        ("docs/flow.md", "[a](https://a.example/b.md)", "[a](https://a.example/b.md)"),
        ("docs/flow.md", "[a](../SECURITY.md)", "[a](security.md)"),
        ("docs/flow.md", "[a](../example/testing/)", "[a](source/example/testing.md)"),
        ("README.md", "![a](docs/doctor.svg)", "![a](doctor.svg)"),
        ("README.md", "[a](docs/flow.md#errors)", "[a](flow.md#errors)"),
        ("README.md", "[a](LICENSE.txt)", "[a](source/LICENSE.txt.md)"),
        ("example/provider/README.md", "[a](../../docs/flow.md)", "[a](../../../flow.md)"),
        ("docs/flow.md", "`[a](../SECURITY.md)`", "`[a](../SECURITY.md)`"),
        ("docs/flow.md", "```\n[a](../SECURITY.md)\n```\n", "```\n[a](../SECURITY.md)\n```\n"),
    ],
)
def test_a_link_to_a_file_leads_to_the_page_of_the_file(origin, link, expected):
    assert pages.with_links_of_the_site(link, origin) == expected


def test_the_text_around_links_stays():
    text = "a `b` [c](../SECURITY.md)\n\n```python\nd = 1\n```\n\n````\n```\n````\n[e](../STYLE.md) `f`\n"
    expected = text.replace("../SECURITY.md", "security.md").replace("../STYLE.md", "style.md")
    assert pages.with_links_of_the_site(text, "docs/flow.md") == expected


def test_the_linked_files_are_found_outside_of_code():
    assert pages.linked_files("[a](../x.py) `[b](../y.py)` [c](d.md#e)", "docs/flow.md") == ["x.py", "docs/d.md"]


def test_a_source_page_has_the_text_of_the_file_or_of_each_file_of_the_folder():
    assert "def main() -> None:" in pages.source_page("example/client.py")
    folder = pages.source_page("example/testing")
    assert re.findall("^## `(.*)`$", folder, re.MULTILINE) == ["album.py", "pytest.ini", "test_album.py"]
    assert "](../../../provider-site.md" in pages.source_page("example/provider/README.md")


def test_the_reference_has_each_public_module():
    modules = pages.public_modules()
    assert {"oauth2", "oauth2.provider", "oauth2.site", "oauth2.stores.sqlite", "oauth2.clients.httpx"} <= set(modules)
    assert [name for name in modules if re.search(r"\._|\.cli\b|\.site\.", name)] == []
    assert pages.reference_page("oauth2.provider") == "reference/oauth2.provider.md"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A :class:`~oauth2.flow.Endpoints`.", "A [`Endpoints`][public]."),
        ("See :func:`begin`.", "See [`begin`][public]."),
        ("See :meth:`unknown`.", "See `unknown`."),
        ("Call these::\n\n    a()", "Call these:\n\n    a()"),
        ("Tree.\n\n::\n\n    a", "Tree.\n\n    a"),
        ("A ``:class:`` of x", "A ``:class:`` of x"),
    ],
)
def test_sphinx_markup_becomes_markdown(text, expected):
    assert pages.with_markdown_roles(text, lambda name: None if name == "unknown" else "public") == expected
