"""A provider in an ASGI application: over a real server, and with scopes no server should make."""

import asyncio
import contextvars
import json
import threading
from urllib.parse import parse_qsl

import pytest
from served import FORM, asgi_app, ask, make_provider, part, seen, serve_uvicorn, signed

import oauth2
from oauth2.errors import StoreUnavailable
from oauth2.middleware.asgi import ACCESS, STATE_ACCESS, Endpoints, Protected, read_request
from oauth2.middleware.proxies import TrustedProxies
from oauth2.provider import Provider
from oauth2.stores import MemoryStore


def guarded(app=asgi_app, **options):
    return Protected(app, provider=make_provider(realms=["photos", "other"]), **options)


@pytest.fixture(scope="module")
def port():
    with serve_uvicorn(guarded(paths=["/"], max_body=100_000)) as port:
        yield port


def get(port, target, *lines, method="GET", url=None, host=None, body=b"", **signing):
    host = f"127.0.0.1:{port}" if host is None else host
    header = signed(method, url or f"http://{host}{target}", **signing)
    head = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"Authorization: {header}", *lines]
    return ask(port, head, body)


# --- over a real server --------------------------------------------------------------


def test_a_signed_request_gets_in_and_brings_what_was_verified(port):
    found = seen(get(port, "/photos?size=big&x=1&x=2"))
    assert (found["path"], found["user"]) == ("/photos", "jane")
    assert found["parameters"] == {"size": "big", "x": ["1", "2"]}
    assert found["rest"] is True  # the state has it, too


def test_refusals_say_what_is_wrong(port):
    status, headers, body = ask(port, ["GET / HTTP/1.1", f"Host: 127.0.0.1:{port}"])
    assert (status, headers["Content-Type"]) == (400, FORM)
    assert dict(parse_qsl(body.decode()))["oauth_problem"] == "parameter_absent"
    status, headers, _ = get(port, "/a", url=f"http://127.0.0.1:{port}/b")
    assert status == 401
    assert 'oauth_problem="signature_invalid"' in headers["WWW-Authenticate"]


def test_a_request_is_good_once(port):
    head = ["GET / HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Authorization: {signed('GET', f'http://127.0.0.1:{port}/')}"]
    assert ask(port, head)[0] == 200
    assert ask(port, head)[0] == 401


def test_two_authorization_lines_are_refused(port):
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


def test_absolute_form_is_served_only_as_what_it_is_verified_as(port):
    origin = f"http://127.0.0.1:{port}"
    lines = [f"Host: 127.0.0.1:{port}", f"Authorization: {signed('GET', origin + '/p')}"]
    status, _, body = ask(port, [f"GET {origin}/p HTTP/1.1", *lines])
    assert status == 400 or json.loads(body)["path"] == "/p"


def test_a_head_request_is_verified_and_refused_without_a_body(port):
    assert get(port, "/", method="HEAD")[0] == 200
    status, headers, body = ask(port, ["HEAD / HTTP/1.1", f"Host: 127.0.0.1:{port}"])
    assert (status, body) == (400, b"")
    assert int(headers["Content-Length"]) > 0


def test_forwarded_headers_count_from_trusted_hops_only(port):
    lines = ["X-Forwarded-Proto: https", "X-Forwarded-Host: api.example"]
    assert get(port, "/", *lines)[0] == 200
    assert get(port, "/", *lines, url="https://api.example/")[0] == 401


def test_forwarded_headers_of_a_trusted_hop():
    with serve_uvicorn(guarded(proxies=TrustedProxies(["127.0.0.1"], headers=["Forwarded"]))) as port:
        line = "Forwarded: for=203.0.113.9;proto=https;host=api.example"
        assert get(port, "/p", line, url="https://api.example/p")[0] == 200
        assert get(port, "/p", line)[0] == 401
        assert get(port, "/p", 'Forwarded: for="')[0] == 400
        assert get(port, "/p", "Forwarded: host=evil.example", line, url="https://api.example/p")[0] == 200


def test_a_form_is_verified_and_left_for_the_application(port):
    body = b"caption=caf%C3%A9+au+lait&x="
    lines = [f"Content-Type: {FORM}; charset=utf-8", f"Content-Length: {len(body)}"]
    form = [("caption", "caf\xe9 au lait"), ("x", "")]
    found = seen(get(port, "/", *lines, method="POST", form=form, body=body))
    assert (found["parameters"], bytes.fromhex(found["body"])) == (dict(form), body)
    assert get(port, "/", *lines, method="POST", form=form, body=body.replace(b"au", b"AU"))[0] == 401


def test_a_body_in_chunks_is_verified_and_left_for_the_application(port):
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
        apps.append(Endpoints(Protected(asgi_app, provider=provider), provider=provider))
        status, temporary = issue(port, "/oauth/request_token", oauth_callback="oob")
        assert (status, temporary["oauth_callback_confirmed"]) == (200, "true")
        verifier = provider.approve(temporary["oauth_token"], user="jane").verifier
        token = oauth2.Token(temporary["oauth_token"], temporary["oauth_token_secret"])
        status, issued = issue(port, "/oauth/access_token", token, "GET", oauth_verifier=verifier)
        token = oauth2.Token(issued["oauth_token"], issued["oauth_token_secret"])
        assert seen(get(port, "/photos", token=token))["user"] == "jane"


def test_a_framework_may_mount_it():
    applications, routing = part("starlette.applications"), part("starlette.routing")
    provider = make_provider(base_url="http://127.0.0.1:8080")
    inner = applications.Starlette(routes=[routing.Mount("/inner", Protected(asgi_app, provider=make_provider()))])
    mounts = [routing.Mount("/issue", Endpoints(provider=provider)), routing.Mount("/api", inner)]
    with serve_uvicorn(applications.Starlette(routes=mounts)) as port:
        assert seen(get(port, "/api/inner/a%2Fb"))["path"] == "/api/inner/a/b"
        header = signed("POST", "http://127.0.0.1:8080/issue/oauth/request_token", token=None, oauth_callback="oob")
        head = ["POST /issue/oauth/request_token HTTP/1.1", "Host: h", f"Authorization: {header}", "Content-Length: 0"]
        status, _, body = ask(port, head)
        assert (status, b"oauth_callback_confirmed=true" in body) == (200, True)


def test_no_spelling_of_a_path_gets_around_the_protection():
    applications, routing = part("starlette.applications"), part("starlette.routing")

    async def secret(scope, receive, send):
        raise AssertionError("served")

    app = applications.Starlette(routes=[routing.Route("/api", secret), routing.Route("/api/{rest:path}", secret)])
    with serve_uvicorn(guarded(app, paths=["/api"])) as port:
        for target in ("/api", "/api/", "/api%0A", "/%61pi", "//api", "/api//", "/x/..%2Fapi", "/api%00", "/api/%0A"):
            assert ask(port, [f"GET {target} HTTP/1.1", "Host: h"])[0] == 400


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
def test_a_path_that_is_none_is_refused(path):
    assert status_of(guarded(), scope_of(path, "http://api.example/")) == 400


def test_absolute_form_has_to_name_the_host():
    scope = scope_of("/p", raw_path=b"http://api.example/p")
    assert status_of(guarded(), scope) == 200
    scope = scope_of("/p", "http://other.example/p", raw_path=b"http://other.example/p")
    assert status_of(guarded(), scope) == 400


@pytest.mark.parametrize("hosts", [[b"api.example", b"api.example"], [b"a b"], [b"api.example,x"], [b""], []])
def test_a_host_that_is_none_is_refused(hosts):
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
    assert b"https" in call(Endpoints(provider=make_provider()), scope)[1]["body"]  # it was asked over http
    assert status_of(Endpoints(provider=make_provider()), scope_of("/mount/oauth/request_token")) == 404


def test_fields_whose_names_have_an_underscore_are_other_fields():
    headers = [(b"content_type", FORM.encode()), (b"http_authorization", b"OAuth x"), (b"content-type", b"text/plain")]

    async def read():
        async def receive():
            return {"type": "http.request"}

        return await read_request(scope_of(headers=headers), receive)

    request, _ = asyncio.run(read())
    assert [name for name, _ in request.headers] == ["host", "authorization", "content-type"]


def test_an_unprotected_path_brings_no_access():
    found = json.loads(call(guarded(paths=["/api"]), scope_of("/open", headers=[(b"oauth2.access", b"x")]))[1]["body"])
    assert (found["user"], found["parameters"]) == (None, None)


def test_the_scope_given_is_left_alone():
    scope = scope_of(state={"shared": 1})
    before = dict(scope)
    seen_by_app = []

    async def app(scope, receive, send):
        seen_by_app.append(scope)

    call(guarded(app), scope)
    assert scope == before
    assert scope["state"] == {"shared": 1}
    assert seen_by_app[0]["state"] == {"shared": 1, STATE_ACCESS: seen_by_app[0][ACCESS]}


def test_the_body_is_put_together_and_what_follows_it_arrives():
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
def test_a_client_that_goes_away_is_not_answered(messages):
    for app in (guarded(), Endpoints(provider=make_provider())):
        for path in ("/", "/oauth/request_token"):
            sent = call(app, scope_of(path), *messages, {"type": "http.disconnect"})
            assert sent == [] or (path == "/" and sent[0]["status"] == 404)


@pytest.mark.parametrize(
    ("lengths", "status"), [([b"101"], 413), ([b"-1"], 400), ([b"5", b"5"], 400), ([b"\xb2"], 400), ([b"4"], 400)]
)
def test_a_length_is_judged(lengths, status):
    headers = [(b"content-length", length) for length in lengths]
    body = {"type": "http.request", "body": b"abc"}
    assert status_of(guarded(max_body=100), scope_of(headers=headers), body) == status
    assert (
        status_of(
            Endpoints(provider=make_provider(), max_body=100), scope_of("/oauth/request_token", headers=headers), body
        )
        == status
    )


@pytest.mark.parametrize("path", ["/oauth/request_token", "/photos"])
def test_what_is_refused_before_the_provider_sees_it_is_told_to_its_audit_hook_once(path):
    told, threads = [], set()

    def audit(event):
        told.append(event)
        threads.add(threading.get_ident())  # where it may block

    provider = make_provider(audit=audit)
    app = Endpoints(Protected(asgi_app, provider=provider), provider=provider)
    for headers in ([(b"content-length", b"9999999")], [(b"host", b"a b")], [(b"host", b"api.example")]):
        scope = {**scope_of(path), "headers": headers}
        status_of(app, scope, {"type": "http.request"})
    assert [event.status for event in told] == [413, 400, 400]
    assert [event.problem for event in told] == ["parameter_rejected"] * 2 + ["parameter_absent"]
    assert threading.get_ident() not in threads


def test_a_body_that_is_too_large_is_not_collected():
    piece = {"type": "http.request", "body": b"x" * 60, "more_body": True}
    assert status_of(guarded(max_body=100), scope_of(), piece, piece) == 413


def test_a_realm_is_what_the_token_has_to_give():
    assert status_of(guarded(realm="photos"), scope_of()) == 200
    assert status_of(guarded(realm="other"), scope_of()) == 401


def test_stores_are_called_off_the_event_loop_with_the_context_kept():
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


def test_what_the_application_raises_is_its_own():
    async def failing(scope, receive, send):
        raise oauth2.Error("The application's.")

    with pytest.raises(oauth2.Error, match="The application's"):
        call(guarded(failing), scope_of())


# --- other than requests ---------------------------------------------------------------


def test_lifespan_goes_through():
    scopes = []

    async def app(scope, receive, send):
        scopes.append(scope)

    scope = {"type": "lifespan", "asgi": {"version": "3.0"}}
    for each in (guarded(app), Endpoints(guarded(app), provider=make_provider())):
        call(each, scope)
    assert scopes == [scope, scope]
    with pytest.raises(ValueError):
        call(Endpoints(provider=make_provider()), scope)


def test_a_scope_of_another_kind_does_not_get_in():
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
    assert call(Endpoints(provider=make_provider()), scope, {"type": "websocket.connect"})[0]["status"] == 404
