"""Every Python block of the README and of docs/ runs. Blocks that send requests use the example server.

test_frameworks.py serves the complete web applications, and calls them with clients.
"""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

import oauth2 as oauth
from oauth2._sending.exchange import Exchange
from oauth2._sending.outgoing import Outgoing
from oauth2._sending.signer import Signer
from oauth2.stores import TokenCredentials

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page):
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def is_application(page):
    return any(re.search(r"^(app|application) = ", text, re.MULTILINE) for text in blocks(page))


SNIPPETS = [
    pytest.param(text, id=f"{page.name}-{number}")
    for page in PAGES
    if not is_application(page)
    for number, text in enumerate(blocks(page), 1)
]


@pytest.fixture(scope="module")
def example_server(tmp_path_factory):
    nonces = tmp_path_factory.mktemp("example") / "nonces.db"
    command = [sys.executable, ROOT / "example" / "server.py", "--port=0", f"--nonces={nonces}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().split()[1].removesuffix("/photos")
        process.terminate()


def run(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = {"__name__": "snippet"}  # Without this line, __name__ is "builtins", which Flask refuses.
    exec(compile(text, "snippet", "exec"), found)
    if "client" in found:
        assert found["response"].status == 200
        found["client"].close()
    if hasattr(getattr(found.get("server"), "nonce_store", None), "close"):
        found["server"].nonce_store.close()
    if hasattr(found.get("nonces"), "close"):
        found["nonces"].close()
    if hasattr(getattr(found.get("provider"), "store", None), "close"):
        found["provider"].store.close()
    if "notebook" in found:
        found["notebook"].extensions["oauth2.site"].provider.store.close()
    return found


@pytest.mark.parametrize("text", SNIPPETS)
def test_a_snippet_runs(text, tmp_path, monkeypatch, example_server):
    run(text.replace("http://127.0.0.1:8080", example_server), tmp_path, monkeypatch)


def test_the_readme_has_a_snippet_for_calling_signing_and_hosting():
    assert len(blocks(PAGES[0])) == 3


def test_the_page_about_the_installation_names_each_extra():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "docs" / "install.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(config["options.extras_require"])


def test_the_provider_of_the_readme_accepts_a_request_once(tmp_path, monkeypatch):
    found = run(blocks(PAGES[0])[2], tmp_path, monkeypatch)
    handle, provider, printer = (found[name] for name in ("handle", "provider", "printer"))
    token = TokenCredentials(key="t", secret="token-secret", consumer_key=printer.key, user="jane")
    provider.store.add_token(token)
    url = "https://api.example.com/photos?size=original"
    request = oauth.Request.from_consumer_and_token(printer, token, "GET", url)
    request.sign_request(oauth.SignatureMethod_HMAC_SHA256(), printer, token)
    sent = ("GET", url, request.to_header(), b"")
    assert handle(*sent) == (200, "jane", {"size": "original"})
    assert handle(*sent) == (401, "nonce_used", "The nonce has been used.")
    assert handle("GET", "https://api.example.com/", {}, b"")[0] == 400
    provider.store.close()


def documents():
    """Return all Markdown files of the repository."""
    folders = [ROOT, ROOT / "docs", ROOT / "example", ROOT / "example" / "provider", ROOT / "oauth2", ROOT / "tests"]
    return [page for folder in folders for page in sorted(folder.glob("*.md"))]


def without_code(page):
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page):
    """Return the anchors that GitHub generates for the headings of *page*."""
    found = []
    for heading in re.findall(r"^#+ (.+)$", without_code(page), re.MULTILINE):
        words = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        repeated = sum(re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", each) is not None for each in found)
        found.append(f"{anchor}-{repeated}" if repeated else anchor)
    return found


def links(page):
    """Return the file and the anchor, or "", of each link on *page* to a file of the repository."""
    # The text of a link may contain a line break; the target of a link may not.
    targets = re.findall(r"\]\((?!https?:)([^)\s]+)\)", without_code(page))
    parts = [target.partition("#") for target in targets]
    return [(page.parent / file if file else page, anchor) for file, _, anchor in parts]


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_names_a_file_and_an_anchor_that_exist(page):
    missing = [file for file, _ in links(page) if not file.exists()]
    assert missing == []
    unnamed = [f"{file.name}#{anchor}" for file, anchor in links(page) if anchor and anchor not in anchors(file)]
    assert unnamed == []


def test_the_links_to_check_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b`: c, d\n\n## A b c d\n\n[one](page.md#a-b-c-d-1) [two](#none) [web](https://example.com/)\n"
    )
    assert anchors(page) == ["a-b-c-d", "a-b-c-d-1"]
    assert links(page) == [(page, "a-b-c-d-1"), (page, "none")]


def test_every_page_is_in_the_list_of_all_pages():
    listing = ROOT / "docs" / "how-to.md"
    assert (listing, "all-pages") in links(ROOT / "README.md")
    linked = {file.resolve() for file, _ in links(listing)}
    assert [page.name for page in PAGES[1:] if page.resolve() not in {listing, *linked}] == []


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 100


def test_the_modules_that_conformance_names_exist():
    rows = re.findall(r"^\|.*\|$", (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = {name for row in rows[2:] for name in re.findall(r"`([a-z_/]+(?:\.py|/))`", row.split("|")[3])}
    assert "_wire/header.py" in named
    assert {name for name in named if not (ROOT / "oauth2" / name).exists()} == set()


def test_the_tests_that_conformance_names_exist():
    named = set(re.findall(r"`(test_\w+\.py)`", (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")))
    assert "test_vectors.py" in named
    assert {name for name in named if not (ROOT / "tests" / name).exists()} == set()


@pytest.mark.parametrize(("options", "is_sent"), [({}, True), ({"body_hash": False}, False)])
def test_the_page_about_other_libraries_says_what_the_adapters_do_about_the_body_hash(options, is_sent):
    page = (ROOT / "docs" / "migration-from-other-libraries.md").read_text(encoding="utf-8")
    sections = page.split("\n## ")[1:]
    assert all("`oauth_body_hash`" in section and "body_hash=False" in section for section in sections)
    assert "body_hash=True" not in page
    signer = Signer(consumer=oauth.Consumer("key", "secret"), **options)
    sent = Exchange(signer, Outgoing("POST", "https://api.example/", b"[1]", "application/json")).sign()
    assert ("oauth_body_hash" in sent.authorization) is is_sent
