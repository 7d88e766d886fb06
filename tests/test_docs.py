"""Every Python block of the README and of docs/ runs, against the example server where it makes calls.

Whole web applications are served, and driven by clients, in test_frameworks.py.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import oauth2 as oauth
from oauth2.stores import TokenCredentials

ROOT = Path(__file__).parent.parent
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
    found = {}
    exec(compile(text, "snippet", "exec"), found)
    if "client" in found:
        assert found["response"].status == 200
        found["client"].close()
    if hasattr(getattr(found.get("server"), "nonce_store", None), "close"):
        found["server"].nonce_store.close()
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


def test_every_relative_link_leads_somewhere():
    for page in [*PAGES, ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_tests_that_conformance_names_exist():
    named = set(re.findall(r"`(test_\w+\.py)`", (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")))
    assert {name for name in named if not (ROOT / "tests" / name).exists()} == set()
