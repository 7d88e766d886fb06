"""The applications of docs/flask.md and fastapi.md, each in a separate process, with real clients."""

import contextlib
import html
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from requests_oauthlib import OAuth1Session
from served import CLIENT, TOKEN, part, serve_uvicorn, serve_waitress, signed
from test_docs import PAGES, blocks, is_application

import oauth2
from oauth2 import flow

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parent.parent / "docs"
WAITRESS = """
import socket, sys, waitress, app
waitress.create_server(app.{name}, sockets=[socket.socket(fileno=int(sys.argv[1]))], threads=2).run()
"""
UVICORN = """
import socket, sys, uvicorn, app
config = uvicorn.Config(app.{name}, log_config=None, proxy_headers=False)
uvicorn.Server(config).run([socket.socket(fileno=int(sys.argv[1]))])
"""
APPLICATIONS = {
    "flask.md": (WAITRESS, "app", ["flask", "flask_wtf", "waitress"]),
    "fastapi.md": (UVICORN, "app", ["fastapi", "uvicorn", "itsdangerous"]),
}
READY = "https://printer.example/ready"


@contextlib.contextmanager
def serve(page, folder):
    runner, name, parts = APPLICATIONS[page]
    for each in parts:
        part(each)
    text = "\n".join(blocks(DOCS / page))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
        assert "http://127.0.0.1:8080" in text
        (folder / "app.py").write_text(text.replace("http://127.0.0.1:8080", origin))
        command = [sys.executable, "-c", runner.format(name=name), str(listening.fileno())]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
        process = subprocess.Popen(command, cwd=folder, env=environment, pass_fds=[listening.fileno()])
    try:
        yield origin
        assert process.poll() is None, "the server process has ended"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module", params=sorted(APPLICATIONS))
def origin(request, tmp_path_factory):
    with serve(request.param, tmp_path_factory.mktemp("served")) as origin:
        yield origin


class Browser:
    """A user who fills in the forms of the consent page."""

    def __init__(self):
        self.session = requests.Session()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()

    def open(self, url):
        return self.submit(self.session.get(url, timeout=20), user="jane <3")

    def submit(self, page, **fields):
        page.raise_for_status()
        action = re.search(r'action="([^"]+)"', page.text)[1]
        hidden = {
            re.search(r'name="([^"]+)"', tag)[1]: html.unescape(re.search(r'value="([^"]+)"', tag)[1])
            for tag in re.findall(r'<input type="hidden"[^>]*>', page.text)
        }
        url = "http://" + urlsplit(page.url).netloc + action
        answer = self.session.post(url, data={**hidden, **fields}, allow_redirects=False, timeout=20)
        target = answer.headers.get("Location", "")
        if target and not target.startswith("https://"):
            return self.session.get("http://" + urlsplit(page.url).netloc + target, timeout=20)
        return answer


def issued(response):
    assert response.status == 200, response
    return response


def token_of_ours(origin, browse):
    """Get a token with ``Client``; *browse* receives the URL of the consent page and returns the verifier."""
    consumer = oauth2.Consumer("printer", "printer-secret")
    with contextlib.closing(oauth2.Client(consumer, timeout=20)) as client:
        client.set_signature_method(oauth2.SignatureMethod_HMAC_SHA256())
        answer = client.request(f"{origin}/oauth/request_token", "POST", "oauth_callback=oob")
        temporary = flow.read_temporary(issued(answer[0]) and answer[1])
        verifier = browse(flow.authorization_url(f"{origin}/authorize", temporary))
        client.token = oauth2.Token(temporary.key, temporary.secret)
        answer = client.request(f"{origin}/oauth/access_token", "POST", f"oauth_verifier={verifier}")
        return flow.read_token(issued(answer[0]) and answer[1])


def allow(url):
    """Approve a request with the callback "oob", and return the verifier that the page shows."""
    with Browser() as browser:
        page = browser.submit(browser.open(url), answer="allow")
    return page.text.rpartition("application: ")[2]


def test_our_own_client_gets_a_token_and_calls(origin):
    token = token_of_ours(origin, allow)
    consumer = oauth2.Consumer("printer", "printer-secret")
    with contextlib.closing(oauth2.Client(consumer, token, timeout=20)) as client:
        response, content = client.request(f"{origin}/api/photos?size=big&note=caf%C3%A9")
        assert response.status == 200
        found = json.loads(content)
        assert found == {"user": "jane <3", "client": "Printer", "parameters": {"size": "big", "note": "caf\xe9"}}
        response, content = client.request(f"{origin}/api/photos", "POST", "caption=caf%C3%A9+au+lait")
        assert (response.status, json.loads(content)["caption"]) == (200, "caf\xe9 au lait")


@pytest.mark.parametrize("placement", ["AUTH_HEADER", "BODY"])
def test_requests_oauthlib_gets_a_token_and_calls(origin, placement):
    session = OAuth1Session("printer", "printer-secret", callback_uri=READY)
    session.fetch_request_token(f"{origin}/oauth/request_token", timeout=20)
    with Browser() as browser:
        answer = browser.submit(browser.open(session.authorization_url(f"{origin}/authorize")), answer="allow")
    assert answer.headers["Location"].startswith(READY)
    session.parse_authorization_response(answer.headers["Location"])
    token = session.fetch_access_token(f"{origin}/oauth/access_token", timeout=20)
    session.close()
    with OAuth1Session(
        "printer", "printer-secret", token["oauth_token"], token["oauth_token_secret"], signature_type=placement
    ) as session:
        if placement == "AUTH_HEADER":
            assert session.get(f"{origin}/api/photos", params={"a": "b c"}, timeout=20).json()["parameters"] == {
                "a": "b c"
            }
        answer = session.post(f"{origin}/api/photos", data={"caption": "caf\xe9 & au lait"}, timeout=20)
        assert answer.json() == {"user": "jane <3", "caption": "caf\xe9 & au lait"}


def test_a_call_without_a_signature_is_refused(origin):
    for path in ("/api/photos", "/%61pi/photos"):
        answer = ask(origin, path)
        assert (answer.status_code, answer.headers["WWW-Authenticate"][:6]) == (400, "OAuth ")
    for path in ("/api/", "/api/none", "/api/../api/photos"):
        assert ask(origin, path).status_code in (400, 404)  # there is no view
    spoofed = {"oauth2.access": "x", "Oauth2-Access": "x", "X-Forwarded-Prefix": "/open", "SCRIPT_NAME": "/api"}
    assert requests.get(f"{origin}/api/photos", headers=spoofed, timeout=20).status_code == 400


def test_no_spelling_of_a_path_is_served_without_a_signature(origin):
    for path in ("/api", "//api/photos", "/x/../api/photos", "/v1/api/photos", "/API/photos", "/api%2Fphotos",
                 "/photos", "/x%2F..%2Fapi/photos", "/api;x/photos", "/api%0A/photos", "/ap%FFi/photos"):  # fmt: skip
        answer = ask(origin, path)
        assert answer.status_code in (307, 308, 400, 404), (path, answer.status_code)
        assert "Printer" not in answer.text


def ask(origin, path):
    """Send a GET for *path* without normalizing it."""
    request = requests.Request("GET", f"{origin}/").prepare()
    request.url = f"{origin}{path}"
    with requests.Session() as session:
        return session.send(request, allow_redirects=False, timeout=20)


@pytest.mark.parametrize(
    "body",
    [
        {"files": {"caption": (None, "forged")}},
        {"files": {"caption": (None, "forged"), "photo": ("a.jpg", b"forged")}},
        {"json": {"caption": "forged"}},
        {"data": b"caption=forged", "headers": {"Content-Type": "text/plain"}},
        {"data": b"caption=forged"},
    ],
    ids=["multipart", "file", "json", "text", "no type"],
)
def test_a_field_that_was_not_signed_does_not_reach_the_application(origin, body):
    token = token_of_ours(origin, allow)
    paths = ["/api/photos", "/profile"] if has_profile(origin) else ["/api/photos"]
    with OAuth1Session("printer", "printer-secret", token.key, token.secret) as session:
        for path in paths:
            answer = session.post(f"{origin}{path}", timeout=20, **body)
            assert answer.status_code == (422 if path == "/api/photos" else 200), answer.text
            assert "forged" not in answer.text
            answer = session.post(f"{origin}{path}", params={"caption": "genuine"}, timeout=20, **body)
            assert answer.status_code == 200, answer.text
            assert "genuine" in answer.text
            assert "forged" not in answer.text


def has_profile(origin):
    return requests.get(f"{origin}/profile", timeout=20).status_code == 405


@pytest.mark.parametrize("origin", ["flask.md"], indirect=True)
def test_a_decorated_view_is_protected_by_itself(origin):
    answer = requests.post(f"{origin}/profile", data={"a": "b"}, timeout=20)
    assert (answer.status_code, answer.headers["WWW-Authenticate"][:6]) == (400, "OAuth ")
    token = token_of_ours(origin, allow)
    with OAuth1Session("printer", "printer-secret", token.key, token.secret) as session:
        answer = session.post(f"{origin}/profile", data={"a": "caf\xe9 & x"}, timeout=20)
        assert answer.json() == {"user": "jane <3", "form": {"a": "caf\xe9 & x"}}


def test_a_user_can_say_no(origin):
    session = OAuth1Session("printer", "printer-secret", callback_uri=READY)
    temporary = session.fetch_request_token(f"{origin}/oauth/request_token", timeout=20)
    with Browser() as browser:
        answer = browser.submit(browser.open(session.authorization_url(f"{origin}/authorize")), answer="deny")
    session.close()
    told = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    assert told == {"oauth_token": temporary["oauth_token"], "oauth_problem": "permission_denied"}


def test_nobody_approves_from_another_page_or_twice(origin):
    urls = []

    def browse(url):
        urls.append(url)
        token = url.partition("oauth_token=")[2]
        forged = {"oauth_token": token, "answer": "allow", "user": "mallory"}
        with requests.Session() as session:
            for path in ("/sign-in", "/authorize"):
                answer = session.post(f"{origin}{path}", data=forged, allow_redirects=False, timeout=20)
                assert answer.status_code in (400, 403)
        return allow(url)

    token_of_ours(origin, browse)
    assert requests.get(urls[0], timeout=20).status_code == 401


def test_a_consent_page_is_private(origin):
    seen = []

    def browse(url):
        seen.append(requests.get(url, timeout=20).headers)
        return allow(url)

    token_of_ours(origin, browse)
    assert seen[0]["Referrer-Policy"] == "no-referrer"
    assert "no-store" in seen[0]["Cache-Control"]
    assert "'none'" in seen[0].get("Content-Security-Policy", "") or seen[0]["X-Frame-Options"] == "DENY"


WITH_EXTENSION = {"flask.md": serve_waitress, "fastapi.md": serve_uvicorn}


def execute(page, numbers, folder, monkeypatch):
    """Execute the blocks of *page* with these numbers in one module; return the names that they define."""
    for each in APPLICATIONS[page][2]:
        part(each)
    monkeypatch.chdir(folder)
    found = {"__name__": "page"}
    exec(compile("\n".join(blocks(DOCS / page)[numbers]), page, "exec"), found)
    return found


def photos_for(serve, application, path):
    """Return the answers to an unsigned and a signed request for *path*."""
    signature = {"Authorization": signed("GET", f"http://127.0.0.1:8080{path}")}
    with serve(application) as port:
        return [requests.get(f"http://127.0.0.1:{port}{path}", headers=each, timeout=20) for each in ({}, signature)]


@pytest.mark.parametrize("page", WITH_EXTENSION)
def test_the_first_block_of_a_page_is_an_application_of_its_own(page, tmp_path, monkeypatch):
    found = execute(page, slice(1), tmp_path, monkeypatch)
    app = found["app"]
    provider = app.extensions["oauth2"].provider if page == "flask.md" else found["oauth"].provider
    with contextlib.closing(provider.store) as store:
        store.add_consumer(CLIENT)
        store.add_token(TOKEN)
        unsigned, answer = photos_for(WITH_EXTENSION[page], app, "/photos")
    assert unsigned.status_code == 400
    assert answer.json() == {"user": "jane", "parameters": {}}


@pytest.mark.parametrize("page", WITH_EXTENSION)
def test_the_last_block_of_a_page_protects_an_application_by_the_middleware(page, tmp_path, monkeypatch):
    found = execute(page, slice(1, None), tmp_path, monkeypatch)
    store = found["store"] if page == "fastapi.md" else found["provider"].store
    store.add_token(TOKEN)
    unsigned, answer = photos_for(WITH_EXTENSION[page], found["site"], "/api/photos")
    assert unsigned.status_code == 400
    assert answer.json() == {"user": "jane"}


def test_every_application_of_the_documentation_is_here():
    with_own_tests = {"django.md"}  # test_integrations_django_project.py
    assert {page.name for page in PAGES if is_application(page)} == set(APPLICATIONS) | with_own_tests
