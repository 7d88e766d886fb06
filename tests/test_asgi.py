"""The ASGI middleware, with a real server and with scopes that no server should send."""

import asyncio
import contextvars
import json
import subprocess
import sys
import threading
import tracemalloc
from urllib.parse import parse_qsl

import pytest
from served import FORM, asgi_app, ask, make_provider, part, seen, serve_uvicorn, signed

import oauth2
from oauth2.errors import StoreUnavailable
from oauth2.middleware.asgi import ACCESS, STATE_ACCESS, CredentialEndpoints, Protected, read_request
from oauth2.middleware.proxies import TrustedProxies
from oauth2.provider import AsyncProvider, Provider
from oauth2.stores import MemoryStore


@pytest.fixture(autouse=True, scope="module", params=[Provider, AsyncProvider], ids=["blocking", "asyncio"])
def provider_type(request):
    """Every test of this file runs with a Provider and with an AsyncProvider."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("served.Provider", request.param)
        yield request.param


def guarded(app=asgi_app, **options):
    return Protected(app, provider=make_provider(realms=["photos", "other"]), **options)


@pytest.fixture(scope="module")
def port(provider_type):
    with serve_uvicorn(guarded(paths=["/"], max_body=100_000)) as port:
        yield port


def get(port, target, *lines, method="GET", url=None, host=None, body=b"", **signing):
    host = f"127.0.0.1:{port}" if host is None else host
    header = signed(method, url or f"http://{host}{target}", **signing)
    head = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"Authorization: {header}", *lines]
    return ask(port, head, body)


# --- with a real server --------------------------------------------------------------


def test_a_signed_request_reaches_the_application_with_access(port):
    found = seen(get(port, "/photos?size=big&x=1&x=2"))
    assert (found["path"], found["user"]) == ("/photos", "jane")
    assert found["parameters"] == {"size": "big", "x": ["1", "2"]}
    assert found["rest"] is True  # scope["state"] contains Access too.


def test_a_refusal_has_a_problem_report(port):
    status, headers, body = ask(port, ["GET / HTTP/1.1", f"Host: 127.0.0.1:{port}"])
    assert (status, headers["Content-Type"]) == (400, FORM)
    assert dict(parse_qsl(body.decode()))["oauth_problem"] == "parameter_absent"
    status, headers, _ = get(port, "/a", url=f"http://127.0.0.1:{port}/b")
    assert status == 401
    assert 'oauth_problem="signature_invalid"' in headers["WWW-Authenticate"]


def test_a_replayed_request_is_refused(port):
    head = ["GET / HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Authorization: {signed('GET', f'http://127.0.0.1:{port}/')}"]
    assert ask(port, head)[0] == 200
    assert ask(port, head)[0] == 401


def test_two_authorization_headers_are_refused(port):
    good = f"Authorization: {signed('GET', f'http://127.0.0.1:{port}/')}"
    for other in (good, "Authorization: Basic eDp5", "Authorization: OAuth"):
        for lines in ([good, other], [other, good]):
            assert ask(port, ["GET / HTTP/1.1", f"Host: 127.0.0.1:{port}", *lines])[0] == 400


def test_a_header_that_is_too_large_is_refused(port):
    assert get(port, "/", oauth_note="x" * 17_000)[0] == 400


@pytest.mark.parametrize(
    "target",
    [
        "/a%2Fb",
        "/%7Ejane",
        "/%7ejane",
        "/a%25b",
        "/a;v=1",
        "/caf%C3%A9",
        "/%92",
        "/a//b",
        "//a",
        "/a%20b?q=%7E+%2B&r",
        "/?",
    ],
)
def test_a_path_is_verified_as_it_was_sent(port, target):
    assert seen(get(port, target))["user"] == "jane"


def test_absolute_form_is_verified_as_the_path_that_is_served(port):
    origin = f"http://127.0.0.1:{port}"
    lines = [f"Host: 127.0.0.1:{port}", f"Authorization: {signed('GET', origin + '/p')}"]
    status, _, body = ask(port, [f"GET {origin}/p HTTP/1.1", *lines])
    assert status == 400 or json.loads(body)["path"] == "/p"


def test_a_head_request_is_verified_and_refused_without_a_body(port):
    assert get(port, "/", method="HEAD")[0] == 200
    status, headers, body = ask(port, ["HEAD / HTTP/1.1", f"Host: 127.0.0.1:{port}"])
    assert (status, body) == (400, b"")
    assert int(headers["Content-Length"]) > 0


def test_forwarded_headers_are_read_from_trusted_proxies_only(port):
    lines = ["X-Forwarded-Proto: https", "X-Forwarded-Host: api.example"]
    assert get(port, "/", *lines)[0] == 200
    assert get(port, "/", *lines, url="https://api.example/")[0] == 401


def test_forwarded_headers_of_a_trusted_proxy_are_used():
    with serve_uvicorn(guarded(proxies=TrustedProxies(["127.0.0.1"], headers=["Forwarded"]))) as port:
        line = "Forwarded: for=203.0.113.9;proto=https;host=api.example"
        assert get(port, "/p", line, url="https://api.example/p")[0] == 200
        assert get(port, "/p", line)[0] == 401
        assert get(port, "/p", 'Forwarded: for="')[0] == 400
        assert get(port, "/p", "Forwarded: host=evil.example", line, url="https://api.example/p")[0] == 200


def test_a_form_is_verified_and_can_be_read_by_the_application(port):
    body = b"caption=caf%C3%A9+au+lait&x="
    lines = [f"Content-Type: {FORM}; charset=utf-8", f"Content-Length: {len(body)}"]
    form = [("caption", "caf\xe9 au lait"), ("x", "")]
    found = seen(get(port, "/", *lines, method="POST", form=form, body=body))
    assert (found["parameters"], bytes.fromhex(found["body"])) == (dict(form), body)
    assert get(port, "/", *lines, method="POST", form=form, body=body.replace(b"au", b"AU"))[0] == 401


def test_a_body_in_chunks_is_verified_and_can_be_read_by_the_application(port):
    lines = [f"Content-Type: {FORM}", "Transfer-Encoding: chunked"]
    found = seen(get(port, "/", *lines, method="POST", form=[("a", "b c")], body=b"3\r\na=b\r\n2\r\n+c\r\n0\r\n\r\n"))
    assert (found["parameters"], bytes.fromhex(found["body"])) == ({"a": "b c"}, b"a=b+c")
    body = (b"fa00\r\n" + b"x" * 64_000 + b"\r\n") * 2 + b"0\r\n\r\n"
    assert get(port, "/", "Transfer-Encoding: chunked", method="POST", body=body)[0] == 413


def issue(port, path, token=None, method="POST", **protocol):
    header = signed(method, f"http://127.0.0.1:{port}{path}", token=token, **protocol)
    head = [f"{method} {path} HTTP/1.1", "Host: ignored", f"Authorization: {header}"]
    status, _, body = ask(port, [*head, "Content-Length: 0"] if method == "POST" else head)
    return status, dict(parse_qsl(body.decode()))


def test_credentials_are_issued_at_the_endpoints():
    apps = []

    async def app(scope, receive, send):
        await apps[0](scope, receive, send)

    with serve_uvicorn(app) as port:
        provider = make_provider(base_url=f"http://127.0.0.1:{port}")
        apps.append(CredentialEndpoints(Protected(asgi_app, provider=provider), provider=provider))
        status, temporary = issue(port, "/oauth/request_token", oauth_callback="oob")
        assert (status, temporary["oauth_callback_confirmed"]) == (200, "true")
        approval = provider.approve(temporary["oauth_token"], user="jane")
        if isinstance(provider, AsyncProvider):
            approval = asyncio.run(approval)
        verifier = approval.verifier
        token = oauth2.Token(temporary["oauth_token"], temporary["oauth_token_secret"])
        status, issued = issue(port, "/oauth/access_token", token, "GET", oauth_verifier=verifier)
        token = oauth2.Token(issued["oauth_token"], issued["oauth_token_secret"])
        assert seen(get(port, "/photos", token=token))["user"] == "jane"


def test_a_framework_may_mount_it():
    applications, routing = part("starlette.applications"), part("starlette.routing")
    provider = make_provider(base_url="http://127.0.0.1:8080")
    inner = applications.Starlette(routes=[routing.Mount("/inner", Protected(asgi_app, provider=make_provider()))])
    mounts = [routing.Mount("/issue", CredentialEndpoints(provider=provider)), routing.Mount("/api", inner)]
    with serve_uvicorn(applications.Starlette(routes=mounts)) as port:
        assert seen(get(port, "/api/inner/a%2Fb"))["path"] == "/api/inner/a/b"
        header = signed("POST", "http://127.0.0.1:8080/issue/oauth/request_token", token=None, oauth_callback="oob")
        head = ["POST /issue/oauth/request_token HTTP/1.1", "Host: h", f"Authorization: {header}", "Content-Length: 0"]
        status, _, body = ask(port, head)
        assert (status, b"oauth_callback_confirmed=true" in body) == (200, True)


def test_no_spelling_of_a_path_bypasses_the_protection():
    applications, routing = part("starlette.applications"), part("starlette.routing")

    async def secret(scope, receive, send):
        raise AssertionError("served")

    app = applications.Starlette(routes=[routing.Route("/api", secret), routing.Route("/api/{rest:path}", secret)])
    with serve_uvicorn(guarded(app, paths=["/api"])) as port:
        for target in ("/api", "/api/", "/api%0A", "/%61pi", "//api", "/api//", "/x/..%2Fapi", "/api%00", "/api/%0A"):
            assert ask(port, [f"GET {target} HTTP/1.1", "Host: h"])[0] == 400


def test_an_application_that_removes_a_prefix_does_not_bypass_the_protection():
    applications, routing, responses = map(part, ["starlette.applications", "starlette.routing", "starlette.responses"])

    async def served(request):
        return responses.JSONResponse({"path": "served"})

    inner = applications.Starlette(routes=[routing.Route(path, served) for path in ("/api/photos", "/open")])

    async def app(scope, receive, send):
        await inner({**scope, "root_path": "/v1"}, receive, send)  # FastAPI(root_path="/v1") does this.

    with serve_uvicorn(guarded(app, paths=["/api"])) as port:
        for target in ("/v1/api/photos", "/v1/%61pi/photos", "/v1%2Fapi/photos", "/V1/api/photos", "/api/photos"):
            assert ask(port, [f"GET {target} HTTP/1.1", "Host: h"])[0] == 400
        assert seen(ask(port, ["GET /v1/open HTTP/1.1", "Host: h"]))["path"] == "served"
        assert seen(get(port, "/v1/api/photos"))["path"] == "served"


DJANGO = """
import asyncio, sys
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path
from oauth2.middleware.asgi import Protected
from oauth2.provider import AsyncProvider, Provider
from oauth2.stores import MemoryStore

settings.configure(ROOT_URLCONF=__name__, FORCE_SCRIPT_NAME="/v1", ALLOWED_HOSTS=["h"], SECRET_KEY="x")
urlpatterns = [path("api", lambda request: HttpResponse("served")), path("open", lambda request: HttpResponse("open"))]
inner = get_asgi_application()
statuses = []

async def ask(app, path):
    messages = [{"type": "http.request"}]
    async def receive():
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
    async def send(message):
        statuses.append(message["status"]) if "status" in message else None
    await app({"type": "http", "method": "GET", "path": path, "headers": [(b"host", b"h")], "query_string": b""},
              receive, send)

async def main():
    for app in (inner, Protected(inner, provider=Provider(MemoryStore()), paths=["/api"])):
        for path in ("/v1/api", "/v1/open"):
            await ask(app, path)

asyncio.run(main())
print(statuses)
"""


def test_django_with_a_forced_script_name_does_not_bypass_the_protection():
    part("django")
    done = subprocess.run([sys.executable, "-c", DJANGO], capture_output=True, text=True)
    assert done.stdout == "[200, 200, 400, 200]\n", done.stderr


# --- scopes --------------------------------------------------------------------------


def scope_of(path="/", url=None, headers=(), method="GET", body=b"", **members):
    authorization = signed(method, url or f"http://api.example{path}", body=body).encode()
    fields = [(b"host", b"api.example"), (b"authorization", authorization), *headers]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": fields, "scheme": "http"}
    return {**scope, **members}


def call(app, scope, *messages):
    """Return what *app* sends."""
    sent = []
    incoming = list(messages or [{"type": "http.request"}])

    async def receive():
        return incoming.pop(0)

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def status_of(app, scope, *messages):
    return call(app, scope, *messages)[0].get("status")


def test_the_request_target_is_used_as_it_was_sent_if_that_is_what_is_served():
    scope = scope_of("/a/b", "http://api.example/a%2Fb?x=%7E", raw_path=b"/a%2Fb", query_string=b"x=%7E")
    assert status_of(guarded(), scope) == 200
    assert status_of(guarded(), scope_of("/b", "http://api.example/a", raw_path=b"/a")) == 401
    assert status_of(guarded(), scope_of("/b c", "http://api.example/b%20c", raw_path=None)) == 200
    assert status_of(guarded(), scope_of("/\xe9", "http://api.example/%C3%A9")) == 200
    assert status_of(guarded(), scope_of("/\udc92", "http://api.example/%92", raw_path=b"/%92")) == 200


@pytest.mark.parametrize("path", ["*", "http://api.example/p", "/\ud800"])
def test_an_invalid_path_is_refused(path):
    assert status_of(guarded(), scope_of(path, "http://api.example/")) == 400


def test_absolute_form_with_another_host_is_refused():
    scope = scope_of("/p", raw_path=b"http://api.example/p")
    assert status_of(guarded(), scope) == 200
    scope = scope_of("/p", "http://other.example/p", raw_path=b"http://other.example/p")
    assert status_of(guarded(), scope) == 400


@pytest.mark.parametrize("hosts", [[b"api.example", b"api.example"], [b"a b"], [b"api.example,x"], [b""], []])
def test_an_invalid_host_is_refused(hosts):
    scope = scope_of()
    scope["headers"] = [*[(b"Host", host) for host in hosts], *scope["headers"][1:]]
    assert status_of(guarded(), scope) == 400


@pytest.mark.parametrize(("path", "root"), [("/mount/p", "/mount"), ("/p", "/mount"), ("/mountp", "/mount")])
def test_a_mounted_application_is_verified_with_its_mount(path, root):
    whole = path if path.startswith("/mount/") else root + path
    scope = scope_of(path, f"http://api.example{whole}", root_path=root, raw_path=whole.encode())
    assert status_of(guarded(paths=[whole.removeprefix(root)]), scope) == 200


def test_the_endpoints_of_a_mounted_provider_are_below_its_mount():
    scope = scope_of("/mount/oauth/request_token", root_path="/mount")
    assert (
        b"https" in call(CredentialEndpoints(provider=make_provider()), scope)[1]["body"]
    )  # The request was sent over http.
    assert status_of(CredentialEndpoints(provider=make_provider()), scope_of("/mount/oauth/request_token")) == 404


def test_headers_whose_names_have_an_underscore_are_ignored():
    headers = [(b"content_type", FORM.encode()), (b"http_authorization", b"OAuth x"), (b"content-type", b"text/plain")]

    async def read():
        async def receive():
            return {"type": "http.request"}

        return await read_request(scope_of(headers=headers), receive)

    request, _ = asyncio.run(read())
    assert [name for name, _ in request.headers] == ["host", "authorization", "content-type"]


def test_an_unprotected_path_has_no_access():
    found = json.loads(call(guarded(paths=["/api"]), scope_of("/open", headers=[(b"oauth2.access", b"x")]))[1]["body"])
    assert (found["user"], found["parameters"]) == (None, None)


def test_the_scope_is_not_changed():
    scope = scope_of(state={"shared": 1})
    before = dict(scope)
    seen_by_app = []

    async def app(scope, receive, send):
        seen_by_app.append(scope)

    call(guarded(app), scope)
    assert scope == before
    assert scope["state"] == {"shared": 1}
    assert seen_by_app[0]["state"] == {"shared": 1, STATE_ACCESS: seen_by_app[0][ACCESS]}


def test_the_body_is_joined_and_later_messages_are_passed_on():
    messages = [
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.request", "more_body": True},
        {"type": "http.request", "body": b"c"},
        {"type": "http.disconnect"},
    ]
    received = []

    async def app(scope, receive, send):
        received.extend([await receive(), await receive()])

    call(guarded(app), scope_of(method="POST", body=b"abc"), *messages)
    assert received == [{"type": "http.request", "body": b"abc", "more_body": False}, {"type": "http.disconnect"}]


@pytest.mark.parametrize("messages", [[], [{"type": "http.request", "body": b"a", "more_body": True}]])
def test_a_disconnected_client_gets_no_response(messages):
    for app in (guarded(), CredentialEndpoints(provider=make_provider())):
        for path in ("/", "/oauth/request_token"):
            sent = call(app, scope_of(path), *messages, {"type": "http.disconnect"})
            assert sent == [] or (path == "/" and sent[0]["status"] == 404)


@pytest.mark.parametrize(
    ("lengths", "status"), [([b"101"], 413), ([b"-1"], 400), ([b"5", b"5"], 400), ([b"\xb2"], 400), ([b"4"], 400)]
)
def test_a_wrong_content_length_is_refused(lengths, status):
    headers = [(b"content-length", length) for length in lengths]
    body = {"type": "http.request", "body": b"abc"}
    assert status_of(guarded(max_body=100), scope_of(headers=headers), body) == status
    assert (
        status_of(
            CredentialEndpoints(provider=make_provider(), max_body=100),
            scope_of("/oauth/request_token", headers=headers),
            body,
        )
        == status
    )


@pytest.mark.parametrize("path", ["/oauth/request_token", "/photos"])
def test_a_refusal_by_the_middleware_is_emitted_once(path, provider_type):
    told, threads = [], set()

    def audit(event):
        told.append(event)
        threads.add(threading.get_ident())

    provider = make_provider(audit=audit)
    app = CredentialEndpoints(Protected(asgi_app, provider=provider), provider=provider)
    for headers in ([(b"content-length", b"9999999")], [(b"host", b"a b")], [(b"host", b"api.example")]):
        scope = {**scope_of(path), "headers": headers}
        status_of(app, scope, {"type": "http.request"})
    assert [event.status for event in told] == [413, 400, 400]
    assert [event.problem for event in told] == ["parameter_rejected"] * 2 + ["parameter_absent"]
    # The audit hook of a Provider may block, so it is not called in the thread of the event loop.
    assert (threading.get_ident() in threads) is (provider_type is AsyncProvider)


def test_a_body_that_is_too_large_is_not_read_to_its_end():
    piece = {"type": "http.request", "body": b"x" * 60, "more_body": True}
    assert status_of(guarded(max_body=100), scope_of(), piece, piece) == 413


def test_a_realm_requires_a_token_for_it():
    assert status_of(guarded(realm="photos"), scope_of()) == 200
    assert status_of(guarded(realm="other"), scope_of()) == 401


def test_stores_are_called_in_a_thread_with_the_context_variables():
    variable = contextvars.ContextVar("variable", default="unset")
    calls = []

    class Watched(MemoryStore):
        def find(self, consumer_key, token_key):
            calls.append((threading.get_ident(), variable.get()))
            raise StoreUnavailable("The store cannot be read.")

    async def app(scope, receive, send):
        variable.set("kept")
        await Protected(asgi_app, provider=Provider(Watched()))(scope, receive, send)

    (start, _) = call(app, scope_of())
    assert start["status"] == 503
    assert b"retry-after" in dict(start["headers"])
    assert calls == [(calls[0][0], "kept")]
    assert calls[0][0] != threading.get_ident()


def test_an_exception_of_the_application_is_not_caught():
    async def failing(scope, receive, send):
        raise oauth2.Error("The application's.")

    with pytest.raises(oauth2.Error, match="The application's"):
        call(guarded(failing), scope_of())


# --- other than requests ---------------------------------------------------------------


def test_lifespan_events_are_passed_through():
    scopes = []

    async def app(scope, receive, send):
        scopes.append(scope)

    scope = {"type": "lifespan", "asgi": {"version": "3.0"}}
    for each in (guarded(app), CredentialEndpoints(guarded(app), provider=make_provider())):
        call(each, scope)
    assert scopes == [scope, scope]
    with pytest.raises(ValueError):
        call(CredentialEndpoints(provider=make_provider()), scope)


def test_a_scope_of_another_type_is_refused():
    with pytest.raises(ValueError):
        call(guarded(), scope_of(type="webtransport"))


@pytest.mark.parametrize(("scheme", "url"), [("ws", "http://api.example/"), ("wss", "https://api.example/")])
def test_a_handshake_is_verified_as_a_get(scheme, url):
    received = []

    async def app(scope, receive, send):
        received.append((scope[ACCESS].user, await receive()))

    scope = scope_of(url=url, type="websocket", scheme=scheme)
    del scope["method"]
    call(guarded(app), scope, {"type": "websocket.connect"})
    assert received == [("jane", {"type": "websocket.connect"})]


def test_a_handshake_that_is_not_signed_is_refused():
    scope = scope_of(url="http://api.example/other", type="websocket", scheme="ws")
    del scope["method"]
    assert call(guarded(), scope, {"type": "websocket.connect"}) == [{"type": "websocket.close", "code": 1008}]
    scope["extensions"] = {"websocket.http.response": {}}
    start, body = call(guarded(), scope, {"type": "websocket.connect"})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert body["type"] == "websocket.http.response.body"
    assert call(CredentialEndpoints(provider=make_provider()), scope, {"type": "websocket.connect"})[0]["status"] == 404


def test_messages_without_content_fill_no_memory():
    messages = 20_000

    async def read():
        sent = iter([{"type": "http.request", "body": b"", "more_body": True}] * messages)

        async def receive():
            return next(sent, {"type": "http.request", "body": b"x", "more_body": False})

        tracemalloc.start()
        try:
            request, _ = await read_request(scope_of(), receive)
            return request.body, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    body, most = asyncio.run(read())
    assert body == b"x"
    assert most < 50_000


def test_a_coroutine_of_a_subclass_does_not_count_as_an_access():
    class Wrapping(AsyncProvider):
        def authenticate(self, request, realm=None):
            return super().authenticate(request, realm=realm)

    app = Protected(asgi_app, provider=Wrapping(make_provider().store))
    assert status_of(app, scope_of("/photos")) == 200
    assert status_of(app, scope_of("/photos", url="http://api.example/other")) == 401
    unsigned = {**scope_of("/photos"), "headers": [(b"host", b"h.example")]}
    assert status_of(app, unsigned) == 400
