"""The programs of example/ that have no server of their own: each runs against a service that verifies requests."""

import asyncio
import contextlib
import html
import importlib.util
import json
import re
import subprocess
import sys
import threading
import wsgiref.simple_server
from pathlib import Path

import pytest
from served import part

import oauth2
from oauth2.parameters import parse_authorization_header, parse_form
from oauth2.stores import MemoryStore
from oauth2.testing import StrictService

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parent.parent / "example"
CONSUMER, TOKEN = oauth2.Consumer("printer", "printer-secret"), oauth2.Token("janes-photos", "token-secret")


def load(path):
    """Import a file of example/ without a change of ``sys.path``."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def service():
    with StrictService() as running:
        yield running


def signed_headers(method, url, body=b"", consumer=CONSUMER, token=TOKEN):
    request = oauth2.Request.from_consumer_and_token(consumer, token, method, url, dict(parse_form(body.decode())))
    request.is_form_encoded = bool(body)
    request.sign_request(oauth2.SignatureMethod_HMAC_SHA256(), consumer, token)
    return request.to_header()


def test_the_readme_lists_every_example():
    listed = set(re.findall(r"`([\w./]+)`", (EXAMPLE / "README.md").read_text(encoding="utf-8")))
    found = {f"{each.name}/" if each.is_dir() else each.name for each in EXAMPLE.iterdir()}
    assert found - listed == {"README.md"} | ({"__pycache__/"} & found)


def test_signing_prints_a_header_a_url_and_a_form_that_a_server_accepts():
    done = subprocess.run([sys.executable, EXAMPLE / "signing.py"], capture_output=True, text=True, check=True)
    header, url, form = (line.partition(": ")[2] for line in done.stdout.splitlines())
    server = oauth2.Server([oauth2.SignatureMethod_HMAC_SHA1()])
    at = "https://photos.example/photos"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for request in (
        oauth2.Request.from_request("GET", f"{at}?size=original", {"Authorization": header}),
        oauth2.Request.from_request("GET", url),
        oauth2.Request.from_request("POST", at, kind, body=form.encode()),
    ):
        assert server.verify_request(request, CONSUMER, TOKEN) in ({"size": "original"}, {"title": "Sea & sun"})
    assert dict(parse_authorization_header(header))["realm"] == "photos"


def test_a_token_is_obtained_at_the_command_line(service):
    consumer = service.consumer(callbacks=["oob"])
    service.answer("/photos", {"photos": 3})
    base_url = service.url("").removesuffix("/")
    command = [sys.executable, "-u", EXAMPLE / "three_legged.py", base_url, consumer.key, consumer.secret]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        url = process.stdout.readline().rpartition(" ")[2].strip()
        out, err = process.communicate(f"{service.approve(url).verifier}\n", timeout=30)
    assert out.endswith('200 {"photos": 3}\n'), err


def test_a_failure_at_the_command_line_is_an_error_with_a_hint(service):
    for arguments in ([service.url("").removesuffix("/"), "unknown", "x"], ["http://127.0.0.1:1", "a", "b"]):
        done = subprocess.run(
            [sys.executable, EXAMPLE / "three_legged.py", *arguments], capture_output=True, text=True, input=""
        )
        assert (done.returncode, done.stderr.count("\n")) == (1, 2), done.stderr


def test_the_wrapper_reads_and_writes_json_and_raises_its_own_error(service):
    wrapper = load(EXAMPLE / "wrapper.py")
    service.answer("/photos", [{"title": "Sea"}])
    photos = wrapper.Photos(service.url("").removesuffix("/"), *service.credentials())
    assert photos.photos() == [{"title": "Sea"}]
    assert photos.add("Été") == [{"title": "Sea"}]
    assert json.loads(service.last.body) == {"title": "Été"}
    service.assert_verified(2)
    service.answer("/missing", "no such photo", status=404)
    with contextlib.closing(photos), pytest.raises(wrapper.PhotosError, match="404"):
        photos.call("GET", "/missing")


def test_the_backend_names_the_user_of_a_signed_request():
    backend = load(EXAMPLE / "backend.py")
    tokens = {"janes-photos": backend.Access("token-secret", "printer", "jane")}
    accounts = backend.Backend({"printer": "printer-secret", "other": "other-secret"}, tokens, MemoryStore())
    url = "https://photos.example/photos?size=original"
    sent = ("GET", url, signed_headers("GET", url), b"")
    assert accounts.user_of(*sent) == ("jane", {"size": "original"})
    with pytest.raises(oauth2.Error, match="nonce"):
        accounts.user_of(*sent)
    refused = {
        "without a signature": {},
        "unknown token": signed_headers("GET", url, token=oauth2.Token("x", "y")),
        "without a token": signed_headers("GET", url, token=None),
        "token of another client": signed_headers("GET", url, consumer=oauth2.Consumer("other", "other-secret")),
    }
    for headers in refused.values():
        with pytest.raises(oauth2.Error):
            accounts.user_of("GET", url, headers, b"")


@contextlib.contextmanager
def serving(application, port=0):
    """Serve a WSGI application; yield its base URL."""

    class Quiet(wsgiref.simple_server.WSGIRequestHandler):
        def log_message(self, *_):
            pass

    with wsgiref.simple_server.make_server("127.0.0.1", port, application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)


def test_the_application_of_the_backend_answers_over_http():
    backend = load(EXAMPLE / "backend.py")
    accounts = backend.Backend(
        {"printer": "printer-secret"}, {TOKEN.key: backend.Access(TOKEN.secret, "printer", "jane")}, MemoryStore()
    )
    made, client = [], oauth2.Client(CONSUMER, TOKEN)
    with serving(lambda *call: made[0](*call)) as base_url, contextlib.closing(client):
        made.append(backend.application(accounts, base_url))
        response, content = client.request(f"{base_url}/photos", "POST", "title=a+b")
        assert (response.status, json.loads(content)) == (200, {"user": "jane", "parameters": {"title": "a b"}})
        client.token = oauth2.Token("janes-photos", "wrong")
        response, _ = client.request(f"{base_url}/photos")
        assert (response.status, response["www-authenticate"]) == (401, 'OAuth realm="photos"')


URL = "http://127.0.0.1:8080/photos?size=original"
EXPECTED = {"user": "jane", "parameters": {"size": "original"}}


def test_the_flask_api_answers_signed_requests_only():
    part("flask")
    client = load(EXAMPLE / "with_flask" / "photos_flask.py").app.test_client()
    at = {"base_url": "http://127.0.0.1:8080"}
    assert client.get("/photos?size=original", headers=signed_headers("GET", URL), **at).json == EXPECTED
    assert client.get("/photos?size=original", **at).status_code == 400


def test_the_fastapi_api_answers_signed_requests_only():
    part("fastapi")
    import httpx

    transport = httpx.ASGITransport(load(EXAMPLE / "with_fastapi" / "photos_fastapi.py").app)

    async def call():
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            signed = await client.get("/photos?size=original", headers=signed_headers("GET", URL))
            return signed, await client.get("/photos?size=original")

    signed, unsigned = asyncio.run(call())
    assert signed.json() == EXPECTED
    assert unsigned.status_code == 400


def test_the_django_api_answers_signed_requests_only():
    """The example runs in a separate process, because Django can be configured only once in a process."""
    part("django")
    code = f"""
import sys
sys.path[:0] = {[str(EXAMPLE / "with_django"), str(Path(__file__).parent)]!r}
import photos_django
from django.test import Client
from test_examples import URL, signed_headers
from wsgiref.util import setup_testing_defaults
application = photos_django.make()
for headers in (signed_headers("GET", URL), {{}}):
    environ = {{"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8080", "HTTP_HOST": "127.0.0.1:8080"}}
    environ |= {{"PATH_INFO": "/photos", "QUERY_STRING": "size=original"}}
    environ |= {{"HTTP_" + name.upper(): value for name, value in headers.items()}}
    setup_testing_defaults(environ)
    answer = application(environ, lambda status, _: print(status[:3]))
    print(b"".join(answer).decode())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    status, content, refused, *_ = done.stdout.splitlines() or ["", "{}", done.stderr]
    assert (status, json.loads(content), refused) == ("200", EXPECTED, "400"), done.stderr


def test_the_tool_consumer_opens_the_tool_and_receives_a_grade():
    part("flask")
    part("defusedxml")
    consumer, tool = load(EXAMPLE / "lti" / "lti_consumer.py"), load(EXAMPLE / "lti" / "lti_tool.py")
    grades, made = {}, []
    with serving(lambda *call: made[0](*call)) as base_url:
        made.append(consumer.make_consumer(base_url, "http://tool.example/launch", grades))
        page = made[0].test_client().get("/quiz").text
        form = {html.unescape(name): html.unescape(value) for name, value in fields(page)}
        student = tool.make_tool("http://tool.example").test_client()
        quiz = student.post("/launch", data=form)
        assert quiz.status_code == 200, quiz.text
        assert student.post("/launch", data=form).status_code == 401  # A launch is accepted once.
        answers = {**dict(fields(quiz.text)), "legs": "3"}
        assert student.post("/answer", data=answers).text == "The grade was sent."
        assert student.post("/answer", data=answers).status_code == 400
    assert grades == {"quiz-1:7": 1.0}


def fields(page):
    for tag in re.findall(r"<input type=\"hidden\"[^>]*>", page):
        yield re.search(r'name="([^"]*)"', tag)[1], re.search(r'value="([^"]*)"', tag)[1]
