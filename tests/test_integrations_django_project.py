"""The project of docs/django.md: made by startproject, protected with five lines, called over HTTP and in a browser."""

import contextlib
import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from requests_oauthlib import OAuth1Session
from served import part
from test_docs import blocks

import oauth2
from oauth2 import flow

part("django")
part("rest_framework")

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parent.parent / "docs" / "django.md"
READY = "https://printer.example/ready"
WAITRESS = """
import socket, sys, waitress
from mysite.wsgi import application
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
if isinstance(application, WSGIHandler):
    application = StaticFilesHandler(application)  # as runserver does
waitress.create_server(application, sockets=[socket.socket(fileno=int(sys.argv[1]))], threads=2).run()
"""
UVICORN = """
import socket, sys, uvicorn
config = uvicorn.Config("mysite.asgi:application", log_config=None, proxy_headers=False)
uvicorn.Server(config).run([socket.socket(fileno=int(sys.argv[1]))])
"""
PREPARE = """
import django, io, json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
call_command("check", fail_level="WARNING", verbosity=0)
call_command("migrate", verbosity=0)
call_command("makemigrations", check=True, verbosity=0)
get_user_model().objects.create_superuser("jane", password="secret-of-jane")
out = io.StringIO()
arguments = ["add", "Printer", "--callback=oob", "--callback=READY"]
call_command("oauth2_consumers", *arguments, stdout=out, stderr=io.StringIO())
print(json.dumps([line.partition(": ")[2] for line in out.getvalue().splitlines()]))
""".replace("READY", READY)


class Project:
    """A project in *folder* with the first *count* blocks of the page, or with all of them."""

    def __init__(self, folder, count=None):
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
        subprocess.run([sys.executable, "-m", "django", "startproject", "mysite", "."], cwd=folder, check=True)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        for block in blocks(PAGE)[:count]:
            name, _, text = block.partition("\n")
            file = folder / name.removeprefix("# ")
            before = file.read_text() if file.exists() and file.name in ("settings.py", "wsgi.py") else ""
            if file.name in ("urls.py", "views.py") and "# added" not in text:
                before = file.read_text()
            file.write_text(before + text.replace("http://127.0.0.1:8000", self.origin))

    def run(self, program):
        command = [sys.executable, "-c", program]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextlib.contextmanager
    def served(self, runner):
        """Create the tables, a user and a client, and start the server."""
        with self.listening:
            self.key, self.secret = json.loads(self.run(PREPARE).splitlines()[-1])
            descriptor = self.listening.fileno()
            command = [sys.executable, "-c", runner, str(descriptor)]
            process = subprocess.Popen(command, cwd=self.folder, env=self.environment, pass_fds=[descriptor])
            try:
                yield self
                assert process.poll() is None, "the server process has ended"
            finally:
                process.terminate()
                process.wait(20)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The project with five added lines, and a login page."""
    project = Project(tmp_path_factory.mktemp("small"), 4)
    with project.served(WAITRESS):
        yield project


@pytest.fixture(scope="module", params=[WAITRESS, UVICORN], ids=["WSGI", "ASGI"])
def whole(request, tmp_path_factory):
    """The project with all blocks of the page."""
    project = Project(tmp_path_factory.mktemp("whole"))
    with project.served(request.param):
        project.has_middleware = request.param == WAITRESS
        yield project


class Person:
    """A user who logs in and fills in the consent page."""

    def __init__(self, project):
        self.project = project
        self.session = requests.Session()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()

    def decide(self, url, answer="allow"):
        page = self.session.get(url, timeout=30)
        if "/admin/login/" in page.url:
            page = self.submit(page, username="jane", password="secret-of-jane")
        page.raise_for_status()
        return self.submit(page, answer=answer)

    def submit(self, page, **fields):
        inputs = re.findall(r"<input[^>]*>", page.text)
        values = [(re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)) for tag in inputs]
        known = [(name[1], html.unescape(value[1])) for name, value in values if name and value]
        headers = {"Referer": page.url, "Origin": self.project.origin}
        target = requests.compat.urljoin(
            page.url, next(iter(re.findall(r'<form action="([^"]+)"', page.text)), page.url)
        )
        data = [*known, *fields.items()]
        answer = self.session.post(target, data=data, headers=headers, allow_redirects=False, timeout=30)
        location = answer.headers.get("Location", "")
        return self.session.get(requests.compat.urljoin(target, location)) if location.startswith("/") else answer


def token_of_ours(project):
    """Get a token with our own client and a callback URL of "oob"."""
    consumer = oauth2.Consumer(project.key, project.secret)
    with contextlib.closing(oauth2.Client(consumer, timeout=30)) as client:
        response, content = client.request(f"{project.origin}/oauth/request_token", "POST", "oauth_callback=oob")
        assert response.status == 200, content
        temporary = flow.read_temporary(content)
        with Person(project) as person:
            page = person.decide(flow.authorization_url(f"{project.origin}/oauth/authorize", temporary))
        verifier = page.text.partition('id="verifier">')[2].partition("<")[0]
        client.token = oauth2.Token(temporary.key, temporary.secret)
        response, content = client.request(f"{project.origin}/oauth/access_token", "POST", f"oauth_verifier={verifier}")
        assert response.status == 200, content
        return flow.read_token(content)


@contextlib.contextmanager
def calling(project, token):
    consumer = oauth2.Consumer(project.key, project.secret)
    with contextlib.closing(oauth2.Client(consumer, token, timeout=30)) as client:
        yield lambda path, *rest: client.request(f"{project.origin}{path}", *rest)


def test_five_lines_are_added_and_one_is_changed():
    added = [line for block in blocks(PAGE) for line in block.splitlines() if line.endswith("# added")]
    assert len(added) == 5
    assert all("# added" in block for block in blocks(PAGE)[:3])
    changed = [line for block in blocks(PAGE) for line in block.splitlines() if "# changed" in line]
    assert [line.partition("  #")[0] for line in changed] == ["from django.urls import include, path"]
    assert "Five added lines and one changed line" in PAGE.read_text()


def test_a_request_that_is_not_signed_is_refused(small):
    for method in ("GET", "POST", "PUT", "OPTIONS"):
        answer = requests.request(method, f"{small.origin}/photos", timeout=30)
        assert (answer.status_code, answer.headers["WWW-Authenticate"][:6]) == (400, "OAuth ")
        assert "oauth_problem=parameter_absent" in answer.text
    assert requests.head(f"{small.origin}/photos", timeout=30).status_code == 400


def test_our_own_client_gets_a_token_and_calls(small):
    with calling(small, token_of_ours(small)) as call:
        response, content = call("/photos?size=big&note=caf%C3%A9")
        assert response.status == 200, content
        assert json.loads(content) == {"user": "jane", "parameters": {"size": "big", "note": "caf\xe9"}}
        response, content = call("/photos", "POST", "caption=caf%C3%A9+au+lait")
        assert json.loads(content)["parameters"] == {"caption": "caf\xe9 au lait"}


def test_requests_oauthlib_gets_a_token_and_its_unsigned_bodies_are_refused(small):
    with OAuth1Session(small.key, small.secret, callback_uri=READY) as session:
        session.fetch_request_token(f"{small.origin}/oauth/request_token", timeout=30)
        with Person(small) as person:
            answer = person.decide(session.authorization_url(f"{small.origin}/oauth/authorize"))
        assert answer.headers["Location"].startswith(READY)
        session.parse_authorization_response(answer.headers["Location"])
        session.fetch_access_token(f"{small.origin}/oauth/access_token", timeout=30)
        answer = session.post(f"{small.origin}/photos", data={"caption": "a & b"}, timeout=30)
        assert answer.json() == {"user": "jane", "parameters": {"caption": "a & b"}}
        for body in ({"json": {"caption": "forged"}}, {"files": {"caption": (None, "forged")}}):
            answer = session.post(f"{small.origin}/photos", timeout=30, **body)
            assert answer.status_code in (400, 401)
            assert "forged" not in answer.text


def test_a_user_denies(small):
    with OAuth1Session(small.key, small.secret, callback_uri=READY) as session, Person(small) as person:
        session.fetch_request_token(f"{small.origin}/oauth/request_token", timeout=30)
        answer = person.decide(session.authorization_url(f"{small.origin}/oauth/authorize"), "deny")
    assert dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["oauth_problem"] == "permission_denied"


def test_every_block_of_the_page_works(whole):
    paths = ["/photos", "/async/photos", "/signed/prints", "/signed/frames", "/api/photos"]
    for path in paths:
        assert requests.get(f"{whole.origin}{path}", timeout=30).status_code in (400, 401)
    for path in ("/protected/none", "/%70rotected/none"):
        assert requests.get(f"{whole.origin}{path}", timeout=30).status_code == (400 if whole.has_middleware else 404)
    with calling(whole, token_of_ours(whole)) as call:
        for path in paths:
            response, content = call(f"{path}?a=b%20c")
            assert response.status == 200, content
            assert json.loads(content)["parameters"] == {"a": "b c"}
        assert call("/protected/none")[0].status == 404  # There is no view.


# --- a browser ------------------------------------------------------------------------------


@pytest.fixture
def tab():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = os.environ.get("OAUTH2_TEST_CHROMIUM") or shutil.which("chromium")
    if chromium is None and not os.environ.get("OAUTH2_TEST_REQUIRE_ALL"):
        pytest.skip("chromium is not installed. Run: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--disable-gpu", "--no-first-run"])
        page = browser.new_context().new_page()
        page.set_default_timeout(30_000)
        yield page
        browser.close()


@pytest.mark.heavy
def test_an_administrator_registers_a_client_which_a_user_approves_and_revokes(small, tab):
    tab.goto(f"{small.origin}/admin/oauth2/registeredclient/add/")
    tab.get_by_label("Username").fill("jane")
    tab.get_by_label("Password").fill("secret-of-jane")
    tab.get_by_role("button", name="Log in").click()
    tab.get_by_label("Name").fill("<b>Camera</b>")
    tab.get_by_label("Callback urls").fill("oob")
    tab.get_by_role("button", name="Save", exact=True).click()
    key, secret = tab.locator("code.key").inner_text(), tab.locator("code.secret").inner_text()
    tab.get_by_role("link", name="I have copied it").click()
    assert secret not in tab.content()

    consumer = oauth2.Consumer(key, secret)
    with contextlib.closing(oauth2.Client(consumer, timeout=30)) as client:
        temporary = flow.read_temporary(
            client.request(f"{small.origin}/oauth/request_token", "POST", "oauth_callback=oob")[1]
        )
        tab.goto(flow.authorization_url(f"{small.origin}/oauth/authorize", temporary))
        assert tab.get_by_role("heading", level=1).inner_text() == "<b>Camera</b> asks for access"
        assert tab.get_by_label("prints").is_checked()
        tab.get_by_label("prints").uncheck()
        tab.get_by_role("button", name="Allow").click()
        client.token = oauth2.Token(temporary.key, temporary.secret)
        verifier = tab.locator("#verifier").inner_text()
        content = client.request(f"{small.origin}/oauth/access_token", "POST", f"oauth_verifier={verifier}")[1]
        client.token = flow.read_token(content)
        assert client.request(f"{small.origin}/photos")[0].status == 200

        tab.goto(f"{small.origin}/admin/oauth2/grant/?q={key}")
        tab.get_by_role("link", name=key).click()
        assert '["photos"]' in tab.content()
        tab.get_by_role("link", name="Delete").click()
        tab.get_by_role("button", name="Yes, I’m sure").click()
        tab.get_by_text("was deleted successfully").wait_for()
        assert client.request(f"{small.origin}/photos")[0].status == 401
