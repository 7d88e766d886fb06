"""The site of the documentation: ``make docs-check`` builds it, and runs these tests in Chromium, with axe-core.

Other test runs skip this file, because the environment of the tests cannot build the site.
"""

import ast
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tools import pages, rows

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

SITE = Path(os.environ.get("OAUTH2_TEST_SITE") or "missing").resolve()
if not SITE.exists():
    pytest.skip("make docs-check runs these tests", allow_module_level=True)

AXE = "axe-core@4.10.3"
CHROMIUM = os.environ.get("OAUTH2_TEST_CHROMIUM") or shutil.which("chromium")
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if path.name != "404.html")
# All pages of one kind have the same structure, so only one page of each kind is opened at both widths and in both
# colour schemes.
CHOSEN = ["index.html", "start.html", "errors.html", "services.html", "command.html", "performance.html",
          "reference/oauth2.provider.html", "source/example/testing.html"]  # fmt: skip


class Document(HTMLParser):
    """The links, the anchors, the loaded files and the text of a page."""

    def __init__(self, name):
        super().__init__()
        self.links, self.anchors, self.loaded, self.text = [], set(), [], []
        self._hidden = 0
        self.feed((SITE / name).read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        self._hidden += tag in {"pre", "script", "style"}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag in {"script", "img", "source"} and found.get("src"):
            self.loaded.append(found["src"])
        if tag == "link" and found.get("rel") in {"stylesheet", "icon", "preload", "modulepreload"}:
            self.loaded.append(found["href"])

    def handle_endtag(self, tag):
        self._hidden -= tag in {"pre", "script", "style"}

    def handle_data(self, data):
        if not self._hidden:
            self.text.append(data)


@pytest.fixture(scope="session")
def documents():
    return {name: Document(name) for name in PAGES}


def test_every_public_module_has_a_page_and_every_public_name_an_anchor(documents):
    missing = []
    for module in pages.public_modules():
        document = documents[pages.reference_page(module).replace(".md", ".html")]
        source = rows.modules(with_package=True)[module.removeprefix("oauth2").removeprefix(".")]
        for name in exported(source):
            named = {f"{module}.{name}"} & document.anchors or [
                each for each in document.links if each.rpartition("#")[2].endswith(f".{name}")
            ]
            if not named and (module, name) != ("oauth2", "httplib2"):  # a module of another library
                missing.append(f"{module}.{name}")
    assert missing == []


def exported(source):
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(getattr(each, "id", "") == "__all__" for each in targets):
            return ast.literal_eval(node.value)
    return []


def test_every_link_inside_the_site_names_a_page_and_an_anchor_that_exist(documents):
    wrong = []
    for name, document in documents.items():
        for link in document.links:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            file = (SITE / name).parent / unquote(parts.path) if parts.path else SITE / name
            page = os.path.relpath(file.resolve(), SITE)
            if not file.exists() or (
                parts.fragment and page in documents and unquote(parts.fragment) not in documents[page].anchors
            ):
                wrong.append(f"{name}: {link}")  # fmt: skip
    assert wrong == []


def test_the_site_loads_nothing_from_other_sites(documents):
    loaded = {f"{name}: {url}" for name, each in documents.items() for url in each.loaded if urlsplit(url).netloc}
    assert loaded == set()
    styles = "".join(path.read_text(encoding="utf-8") for path in SITE.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//[^)\"']+", styles) == []


def test_no_page_shows_markup_that_was_not_rendered(documents):
    raw = re.compile(r":(?:class|func|meth|exc|mod|attr|data):|\]\[oauth2|^\| |^```|(?<!:)::\s*$", re.MULTILINE)
    shown = {name: raw.findall("".join(each.text)) for name, each in documents.items() if name != "style.html"}
    assert {name: found for name, found in shown.items() if found} == {}


# --- in a browser --------------------------------------------------------------------


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The text of axe-core: from OAUTH2_TEST_AXE, or downloaded with npm."""
    if path := os.environ.get("OAUTH2_TEST_AXE"):
        return Path(path).read_text(encoding="utf-8")
    folder, npm = tmp_path_factory.mktemp("axe"), shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    done = subprocess.run([npm, "pack", AXE, "--silent"], cwd=folder, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"npm cannot download {AXE}")
    shutil.unpack_archive(folder / done.stdout.strip().splitlines()[-1], folder)
    return (folder / "package" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed. Run: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser):
    """A function that opens a page; the page must write no error to its console."""
    contexts = []

    def open_page(name, size, scheme):
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce"))
        page, errors = contexts[-1].new_page(), []
        page.set_default_timeout(120_000)  # milliseconds, for a busy machine
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((SITE / name).as_uri())
        assert errors == []
        return page

    yield open_page
    for each in contexts:
        each.close()


def findings(page, axe):
    page.evaluate(axe)
    found = page.evaluate("async () => (await axe.run({ resultTypes: ['violations'] })).violations")
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"][:3]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("name", CHOSEN)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(opened, axe, name, size, scheme):
    page = opened(name, size, scheme)
    assert findings(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.mark.parametrize("name", [name for name in PAGES if name not in CHOSEN and "/" not in name])
def test_axe_finds_nothing_on_any_other_written_page(opened, axe, name):
    page = opened(name, PHONE, "dark" if len(name) % 2 else "light")
    assert findings(page, axe) == []


def test_no_page_is_wider_than_a_phone(opened):
    page, wide = opened("index.html", PHONE, "light"), []
    for name in PAGES:
        page.goto((SITE / name).as_uri())
        if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            wide.append(name)
    assert wide == []


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("401 invalid signature behind nginx", "middleware.html"),
        ("NetSuite python", "recipes.html"),
        ("python-oauth2 python 3.12", "migration.html"),
        ("LTI grade passback", "lti.html"),
        ("which store for two machines", "stores.html"),
        ("rotate secret", "provider.html"),
    ],
)
def test_one_search_without_a_network_finds_the_heading_that_leads_to_the_page(opened, documents, words, page):
    site = opened("index.html", DESK, "light")
    site.context.set_offline(True)
    site.wait_for_timeout(4000)  # The page ignores text that is typed before its script has started.
    query = site.locator("[data-md-component=search-query]").first
    query.click()
    query.press_sequentially(words, delay=30)
    results = site.locator(".md-search-result__link")
    results.first.wait_for(state="attached")
    site.wait_for_timeout(1000)
    found = [urlsplit(each.get_attribute("href")).path.rpartition("/")[2] for each in results.all()]
    assert "how-to.html" in list(dict.fromkeys(found))[:3]
    assert page in {urlsplit(link).path for link in documents["how-to.html"].links}


def test_a_reader_can_choose_the_colours(opened):
    page = opened("index.html", DESK, "light")
    page.locator("label[title='Use dark colours']").click()
    assert page.locator("body").get_attribute("data-md-color-scheme") == "slate"
