"""The WSGI middleware, with real servers and with environs that no server should send."""

import io
import json
import wsgiref.util
import wsgiref.validate
from urllib.parse import parse_qsl, unquote

import pytest
from served import (
    FORM,
    ask,
    make_provider,
    part,
    seen,
    serve_waitress,
    serve_werkzeug,
    serve_wsgiref,
    signed,
    wsgi_app,
)

import oauth2
from oauth2.errors import StoreUnavailable
from oauth2.middleware import asgi, wsgi
from oauth2.middleware._routes import covers
from oauth2.middleware._target import request_url
from oauth2.middleware.proxies import Origin, TrustedProxies
from oauth2.middleware.wsgi import ACCESS, CredentialEndpoints, Protected, read_request
from oauth2.provider import Provider
from oauth2.stores import MemoryStore

SERVERS = {"waitress": serve_waitress, "werkzeug": serve_werkzeug, "wsgiref": serve_wsgiref}


def guarded(**options):
    return Protected(wsgi_app, provider=make_provider(realms=["photos", "other"]), **options)


@pytest.fixture(scope="module", params=sorted(SERVERS))
def port(request):
    with SERVERS[request.param](guarded(paths=["/"], max_body=100_000)) as port:
        yield port


@pytest.fixture(scope="module", params=["waitress", "werkzeug"])
def raw_port(request):
    """The port of a server that passes on the request target without decoding it, and decodes chunked bodies."""
    with SERVERS[request.param](guarded(max_body=100_000)) as port:
        yield port


def get(port, target, *lines, method="GET", url=None, host=None, body=b"", **signing):
    host = f"127.0.0.1:{port}" if host is None else host
    header = signed(method, url or f"http://{host}{target}", body=b"" if "form" in signing else body, **signing)
    head = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"Authorization: {header}", *lines]
    return ask(port, head, body)


# --- accepted and refused requests ---------------------------------------------------


def test_a_signed_request_reaches_the_application_with_access(port):
    found = seen(get(port, "/photos?size=big&x=1&x=2"))
    assert (found["path"], found["user"]) == ("/photos", "jane")
    assert found["parameters"] == {"size": "big", "x": ["1", "2"]}


def test_a_refusal_has_a_problem_report(port):
    status, headers, body = ask(port, ["GET / HTTP/1.1", f"Host: 127.0.0.1:{port}"])
    assert (status, headers["Content-Type"]) == (400, FORM)
    assert "parameter_absent" in headers["WWW-Authenticate"]
    assert dict(parse_qsl(body.decode()))["oauth_problem"] == "parameter_absent"
    status, headers, _ = get(port, "/a", url=f"http://127.0.0.1:{port}/b")
    assert status == 401
    assert headers["WWW-Authenticate"].startswith("OAuth ")
    assert 'oauth_problem="signature_invalid"' in headers["WWW-Authenticate"]


def test_a_replayed_request_is_refused(port):
    head = ["GET / HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Authorization: {signed('GET', f'http://127.0.0.1:{port}/')}"]
    assert ask(port, head)[0] == 200
    assert ask(port, head)[0] == 401


def test_two_authorization_headers_are_refused(port):
    good = f"Authorization: {signed('GET', f'http://127.0.0.1:{port}/')}"
    for other in (good, "Authorization: Basic eDp5", "Authorization: OAuth"):
        for lines in ([good, other], [other, good]):
            status, _, _ = ask(port, ["GET / HTTP/1.1", f"Host: 127.0.0.1:{port}", *lines])
            assert status in (400, 401), lines


def test_a_header_cannot_set_access():
    # Of the servers, only wsgiref accepts underscores and dots in header names.
    with serve_wsgiref(guarded(paths=["/api"])) as port:
        lines = [f"{name}: x" for name in ("oauth2.access", "Oauth2-Access", "OAUTH2_ACCESS", "oauth2.provider.user")]
        found = seen(ask(port, ["GET /open HTTP/1.1", f"Host: 127.0.0.1:{port}", *lines]))
        assert (found["user"], found["parameters"]) == (None, None)
        assert ask(port, ["GET /api HTTP/1.1", f"Host: 127.0.0.1:{port}", *lines])[0] == 400


def test_a_head_request_is_verified_and_refused_without_a_body(port):
    assert get(port, "/", method="HEAD")[0] == 200
    status, headers, body = ask(port, ["HEAD / HTTP/1.1", f"Host: 127.0.0.1:{port}"])
    assert (status, body) == (400, b"")
    assert int(headers["Content-Length"]) > 0


def test_a_header_that_is_too_large_is_refused(port):
    assert get(port, "/", oauth_note="x" * 17_000)[0] == 400


def test_a_store_that_is_down_refuses_every_request():
    class Down(MemoryStore):
        def find(self, consumer_key, token_key):
            raise StoreUnavailable("The store cannot be read.")

    status, headers, _ = call(Protected(wsgi_app, provider=oauth2.provider.Provider(Down())), environ_of("/"))
    assert status == "503 Service Unavailable"
    assert "Retry-After" in headers


def test_an_exception_of_the_application_is_not_caught():
    def failing(environ, start_response):
        raise oauth2.Error("The application's.")

    with pytest.raises(oauth2.Error, match="The application's"):
        call(Protected(failing, provider=make_provider()), environ_of("/"))


def test_a_realm_requires_a_token_for_it():
    assert call(guarded(realm="photos"), environ_of("/"))[0] == "200 OK"
    assert call(guarded(realm="other"), environ_of("/"))[0] == "401 Unauthorized"


# --- the URL -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    ["/a%2Fb", "/%7Ejane", "/%7ejane", "/a%25b", "/a;v=1", "/caf%C3%A9", "/%92", "/a//b", "/a%20b?q=%7E+%2B&r", "/?"],
)
def test_a_path_is_verified_as_it_was_sent(raw_port, target):
    assert seen(get(raw_port, target))["user"] == "jane"


@pytest.mark.parametrize("target", ["/plain", "/a%20b", "/caf%C3%A9", "/a;v=1:@,", "/a//b", "/?a=%7E"])
def test_without_the_request_target_a_path_is_encoded_anew(target):
    with serve_wsgiref(guarded()) as port:
        assert seen(get(port, target))["user"] == "jane"


@pytest.mark.parametrize("target", ["/a%2Fb", "/%7Ejane"])
def test_without_the_request_target_a_path_with_unnecessary_escapes_is_refused(target):
    with serve_wsgiref(guarded()) as port:
        assert get(port, target)[0] == 401


def test_non_ascii_octets_are_verified_as_they_were_sent():
    with serve_wsgiref(guarded()) as port:
        url = f"http://127.0.0.1:{port}/caf\xe9?x=\xe9"
        head = ["GET /caf\xe9?x=\xe9 HTTP/1.1".encode(), f"Host: 127.0.0.1:{port}"]
        found = seen(ask(port, [*head, f"Authorization: {signed('GET', url)}"]))
        assert found["parameters"] == {"x": "\xe9"}


def test_octets_that_are_not_utf8_are_refused(port):
    lines = [f"Host: 127.0.0.1:{port}", "Authorization: " + signed("GET", f"http://127.0.0.1:{port}/")]
    assert ask(port, [b"GET /?x=\x92 HTTP/1.1", *lines])[0] in (400, 401)
    assert ask(port, [b"GET /\x92 HTTP/1.1", *lines])[0] in (400, 401)
    assert ask(port, ["GET /?x=%92 HTTP/1.1", *lines])[0] == 400
    lines[1] = b'Authorization: OAuth oauth_consumer_key="\x92", oauth_token="%92"'
    assert ask(port, ["GET / HTTP/1.1", *lines])[0] == 400


def test_absolute_form_is_verified_as_the_same_request(raw_port):
    origin = f"http://127.0.0.1:{raw_port}"
    lines = [f"Host: 127.0.0.1:{raw_port}", f"Authorization: {signed('GET', origin + '/p%2Fq?a=b')}"]
    assert seen(ask(raw_port, [f"GET {origin}/p%2Fq?a=b HTTP/1.1", *lines]))["user"] == "jane"
    lines[1] = f"Authorization: {signed('GET', 'http://other.example/p')}"
    assert ask(raw_port, ["GET http://other.example/p HTTP/1.1", *lines])[0] in (200, 400)


@pytest.mark.parametrize(
    ("host", "signed_host"),
    [("api.example:80", "api.example"), ("api.example", "api.example:80"), ("API.example:443", "api.example:443")],
)
def test_a_default_port_is_ignored(port, host, signed_host):
    assert get(port, "/", host=host, url=f"http://{signed_host}/")[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example/x?y=", "u@api.example", "api.example, evil.example", "api.example:x", ""]
)
def test_an_invalid_host_is_refused(port, host):
    assert get(port, "/", host=host, url="http://api.example/")[0] == 400


def test_two_hosts_are_refused(port):
    head = ["GET / HTTP/1.1", "Host: a.example", "Host: b.example"]
    for host in ("a.example", "b.example"):
        assert ask(port, [*head, f"Authorization: {signed('GET', f'http://{host}/')}"])[0] == 400


def test_without_a_host_a_base_url_is_required():
    header = signed("GET", "https://api.example/v1/p?a=b")
    environ = environ_of("/p", QUERY_STRING="a=b", HTTP_HOST="", HTTP_AUTHORIZATION=header)
    assert call(guarded(), environ)[0] == "400 Bad Request"
    provider = make_provider(base_url="https://api.example/v1")
    assert call(Protected(wsgi_app, provider=provider), environ)[0] == "200 OK"


@pytest.mark.parametrize(
    ("base_url", "mount", "path"),
    [
        ("https://api.example", "", "/v1/p"),
        ("https://api.example/v1", "", "/p"),
        ("https://api.example", "/v1", "/p"),
    ],
)
def test_the_signed_url_is_the_base_url_and_the_path_with_its_mount(base_url, mount, path):
    app = Protected(wsgi_app, provider=make_provider(base_url=base_url))
    header = signed("GET", "https://api.example/v1/p")
    assert call(app, environ_of(path, SCRIPT_NAME=mount, HTTP_AUTHORIZATION=header))[0] == "200 OK"


def test_a_base_url_sets_scheme_host_and_prefix(port):
    app = Protected(wsgi_app, provider=make_provider(base_url="https://api.example/v1"))
    for host in ("inner:8000", "evil.example"):
        header = signed("GET", "https://api.example/v1/p")
        assert call(app, environ_of("/p", HTTP_HOST=host, HTTP_AUTHORIZATION=header))[0] == "200 OK"
        header = signed("GET", f"http://{host}/p")
        assert call(app, environ_of("/p", HTTP_HOST=host, HTTP_AUTHORIZATION=header))[0] == "401 Unauthorized"


def test_a_mounted_application_is_verified_with_its_mount():
    environ = environ_of("/p", SCRIPT_NAME="/mount", HTTP_AUTHORIZATION=signed("GET", "http://api.example/mount/p"))
    _, _, body = call(guarded(paths=["/p"]), environ)
    assert json.loads(body)["user"] == "jane"


def test_a_rewritten_path_is_verified_as_what_is_served():
    header = signed("GET", "http://api.example/open")
    environ = environ_of("/secret", REQUEST_URI="/open", HTTP_AUTHORIZATION=header)
    assert call(guarded(), environ)[0] == "401 Unauthorized"


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("/p", "a=b", "/p?a=b"),
        ("/p", "", "/p"),
        ("/p", "", "/p?"),
        ("/a-b", "", "/%61-b"),  # The target contains an unnecessary escape.
        ("/p", "a=b", "/other?a=b"),
        ("/p?a=b", "", "/p?a=b"),  # The decoded path contains a question mark.
        ("/a%20b", "", "/a%20b"),  # The server has not decoded the path, or the client has encoded "%".
        ("/a b", "", "/a b"),
        ("/caf\xc3\xa9", "", "/caf\xc3\xa9"),
        ("/p", "a b", "/p?a b"),
        ("/p", "\xe9", "/p?\xe9"),
        ("/p", "a#b", "/p?a#b"),
    ],
)
def test_the_url_of_a_plain_target_is_that_of_any_target(path, query, target):
    origin = Origin(scheme="https", host="api.example", prefix="/v1")
    proxies = TrustedProxies(["192.0.2.1"], headers=["X-Forwarded-Proto", "X-Forwarded-Prefix"])
    forwarded = {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_PREFIX": "/v1", "REMOTE_ADDR": "192.0.2.1"}
    environ = environ_of("/", PATH_INFO=path, QUERY_STRING=query, REQUEST_URI=target, **forwarded)
    octets = [text.encode("latin-1") for text in (target, path, query)]
    assert read_request(environ, proxies=proxies)[0].url == request_url(origin, *octets)
    assert read_request({**environ, "HTTP_HOST": ""})[0].url == request_url(Origin(scheme="http", host=""), *octets)


@pytest.mark.parametrize("path", ["p", f"/{'p' * oauth2.Request.max_url}"])
def test_a_path_that_is_not_valid_is_refused_although_it_is_the_target(path):
    with pytest.raises(oauth2.Error, match=r"path of the request does not start|URL is too long"):
        read_request(environ_of("/", PATH_INFO=path, REQUEST_URI=path))


def test_forwarded_headers_are_read_from_trusted_proxies_only(port):
    lines = ["X-Forwarded-Proto: https", "X-Forwarded-Host: api.example"]
    assert get(port, "/", *lines)[0] == 200
    assert get(port, "/", *lines, url="https://api.example/")[0] == 401


def test_forwarded_headers_of_a_trusted_proxy_are_used():
    with serve_werkzeug(guarded(proxies=TrustedProxies(["127.0.0.1"]))) as port:
        lines = ["X-Forwarded-Proto: https", "X-Forwarded-Host: api.example"]
        assert get(port, "/p", *lines, url="https://api.example/p")[0] == 200
        assert get(port, "/p", *lines)[0] == 401
        assert get(port, "/p", "X-Forwarded-Proto: gopher")[0] == 400
    with serve_werkzeug(guarded(proxies=TrustedProxies(["192.0.2.1"]))) as port:
        assert get(port, "/p", *lines)[0] == 200
        assert get(port, "/p", *lines, url="https://api.example/p")[0] == 401


# --- the body ------------------------------------------------------------------------


def test_a_form_is_verified_and_can_be_read_by_the_application(port):
    body = b"caption=caf%C3%A9+au+lait&x="
    lines = [f"Content-Type: {FORM}; charset=utf-8", f"Content-Length: {len(body)}"]
    form = [("caption", "caf\xe9 au lait"), ("x", "")]
    found = seen(get(port, "/", *lines, method="POST", form=form, body=body))
    assert (found["parameters"], bytes.fromhex(found["body"])) == (dict(form), body)
    assert get(port, "/", *lines, method="POST", form=form, body=body.replace(b"au", b"AU"))[0] == 401


def test_any_body_reaches_the_application_unchanged(port):
    body = bytes(range(256)) * 300
    lines = ["Content-Type: image/png", f"Content-Length: {len(body)}"]
    found = seen(get(port, "/", *lines, method="PUT", body=body))
    assert bytes.fromhex(found["body"]) == body
    assert get(port, "/", *lines, method="PUT", body=body[::-1], url=f"http://127.0.0.1:{port}/x")[0] == 401


def test_a_body_in_chunks_is_verified_and_can_be_read_by_the_application(raw_port):
    lines = [f"Content-Type: {FORM}", "Transfer-Encoding: chunked"]
    found = seen(
        get(raw_port, "/", *lines, method="POST", form=[("a", "b c")], body=b"3\r\na=b\r\n2\r\n+c\r\n0\r\n\r\n")
    )
    assert (found["parameters"], bytes.fromhex(found["body"])) == ({"a": "b c"}, b"a=b+c")


def test_chunks_that_a_server_does_not_decode_are_refused():
    with serve_wsgiref(guarded()) as port:
        assert get(port, "/", "Transfer-Encoding: chunked", method="POST", body=b"0\r\n\r\n")[0] == 411


def test_a_body_in_too_many_chunks_is_refused(raw_port):
    body = b"fa00\r\n" + b"x" * 64_000 + b"\r\n"
    body = body + body + b"0\r\n\r\n"
    assert get(raw_port, "/", "Transfer-Encoding: chunked", method="POST", body=body)[0] == 413


class Untouchable:
    def read(self, size=-1):
        raise AssertionError("read")


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("101", "413 "),
        ("9" * 5000, "413 "),
        ("-1", "400 "),
        ("1e3", "400 "),
        ("+5", "400 "),
        ("5, 5", "400 "),
        ("\u0665", "400 "),
    ],
)
def test_a_content_length_is_checked_before_the_body_is_read(length, status):
    environ = environ_of("/", REQUEST_METHOD="POST", CONTENT_LENGTH=length)
    environ["wsgi.input"] = Untouchable()
    assert call(guarded(max_body=100), environ)[0].startswith(status)


def test_a_body_shorter_than_announced_is_refused():
    environ = environ_of("/", b"abc", CONTENT_LENGTH="4", REQUEST_METHOD="POST")
    assert call(guarded(), environ)[0] == "400 Bad Request"


def test_a_body_is_not_read_beyond_its_content_length():
    environ = environ_of("/", b"abcdef", CONTENT_LENGTH="3", REQUEST_METHOD="POST")
    request, copy = read_request(environ)
    assert (request.body, copy["wsgi.input"].read()) == (b"abc", b"abc")
    environ = environ_of("/", b"abc", CONTENT_LENGTH="")
    assert read_request(environ)[0].body == b""
    assert environ["wsgi.input"].read() == b"abc"


def test_a_disconnected_client_is_refused():
    class Broken:
        def read(self, size):
            raise ConnectionResetError

    environ = environ_of("/", CONTENT_LENGTH="3", REQUEST_METHOD="POST")
    environ["wsgi.input"] = Broken()
    assert call(guarded(), environ)[0] == "400 Bad Request"


def test_a_content_type_with_an_underscore_is_ignored():
    request, _ = read_request(environ_of("/", HTTP_CONTENT_TYPE=FORM, HTTP_CONTENT_LENGTH="99", CONTENT_TYPE="text/x"))
    names = [name.lower() for name, _ in request.headers]
    assert [value for name, value in request.headers if name.lower() == "content-type"] == ["text/x"]
    assert "content-length" not in names


def test_the_environ_is_not_changed():
    environ = environ_of("/")
    before = dict(environ)
    call(guarded(), environ)
    assert environ == before


# --- protected paths -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "is_covered"),
    [
        ("/api", True),
        ("/api/", True),
        ("/api/x", True),
        ("//api/x", True),
        ("/open/../api", True),
        ("/./api//x", True),
        ("/api\n", True),
        ("/ap\x00i", True),
        ("/x\x00/../api", True),
        ("/api/../open", True),
        ("/apix", False),
        ("/open", False),
        ("/", False),
        ("", False),
    ],
)
def test_a_path_and_all_paths_below_it_are_protected_in_every_spelling(path, is_covered):
    assert covers(["/api/"])("", path) is is_covered


@pytest.mark.parametrize(
    "path",
    [
        "/v1/api/x",
        "/v1/v2/api",
        "/v1//api",
        "/API/x",
        "/v1/%61pi",
        "/v1%2fapi%2Fx",
        "/ap\ufffdi",
        "/v1\\api",
        "/v1/api;v=1/x",
        "/API/../open",
        "/api?x",
        "/%20api#x",
        "/ap%ffi",
        "/\u2003api",
    ],
)
def test_a_path_is_protected_below_whatever_prefix_an_application_removes(path):
    assert covers(["/api"])("", path)
    assert covers(["/api"])("/mount", path)


def test_octets_that_are_not_utf8_do_not_bypass_the_protection():
    assert covers(["/api"])("", "/ap\udcffi")
    assert covers(["/api"])("", "/\ud800/x/%61\udcffpi")


@pytest.mark.parametrize(
    ("path", "is_covered"),
    [
        ("/my_api/user.info", True),
        ("/My-Api/user_info/x", True),
        ("/my.api/./user.info", True),
        ("/my.api/v2/../user.info", True),
        ("/my.api/v2/..;x/user.info", True),
        ("/my.api/v2/.%00./user.info", True),
        ("/my;api/user?info", True),
        ("/v1/my.api//user.info;v=1", True),
        ("/../v1/my.api/%2e/user.info", True),
        ("/my.api", False),
        ("/my.api/user.infos", False),
        ("/user.info/my.api", False),
        ("/my.api/../user.info", False),
        ("/.my.api/user.info", False),
    ],
)
def test_segments_are_protected_in_their_order_and_with_any_punctuation(path, is_covered):
    assert covers(["/open", "/my.api/user.info"])("", path) is is_covered


@pytest.mark.parametrize(
    ("mount", "path", "is_covered"),
    [
        ("/api", "/x", True),  # CherryPy serves this path with the handler of "/api/x".
        ("/v1/ap", "i/x", True),
        ("/v1", "api", True),
        ("/v1/AP", "i/x", True),
        ("/v1", "/", False),
        ("/v1", "/open", False),
        ("/v1", "", False),
    ],
)
def test_the_mount_counts_because_some_servers_take_it_from_a_header(mount, path, is_covered):
    assert covers(["/api"])(mount, path) is is_covered
    status = call(guarded(paths=["/api"]), environ_of(path, SCRIPT_NAME=mount, HTTP_AUTHORIZATION=""))[0]
    assert status == ("400 Bad Request" if is_covered else "200 OK")


@pytest.mark.parametrize("root", ["/my api", "/MyAPI", "/my\tapi//"])
def test_a_protected_path_is_read_as_a_request_is(root):
    for path in ("/my api/x", "/MY api", "/v1/myapi", "/my%20api"):
        assert covers([root])("", path)


def test_an_empty_path_is_the_root_and_no_name_of_punctuation():
    assert not covers(["/_", "/."])("", "")


@pytest.mark.parametrize("root", ["/", ""])
def test_the_root_protects_everything(root):
    for path in ("/", "", "/x", "x"):
        assert covers([root])("", path)


def test_octets_that_an_application_drops_do_not_bypass_the_protection():
    def dropping(environ, start_response):  # Bottle does this.
        if environ["PATH_INFO"].encode("latin-1").decode("utf-8", "ignore") == "/api":
            raise AssertionError("served")
        return wsgi_app(environ, start_response)

    app = Protected(dropping, provider=make_provider(), paths=["/api"])
    assert call(app, environ_of("/ap\xffi", HTTP_AUTHORIZATION=""))[0] == "400 Bad Request"
    assert call(app, environ_of("/caf\xff", HTTP_AUTHORIZATION=""))[0] == "200 OK"


def test_a_dispatcher_inside_does_not_bypass_the_protection():
    dispatcher = part("werkzeug.middleware.dispatcher").DispatcherMiddleware

    def secret(environ, start_response):
        raise AssertionError("served")

    app = Protected(dispatcher(wsgi_app, {"/v1": secret}), provider=make_provider(), paths=["/api"])
    with serve_werkzeug(app) as port:
        for target in ("/v1/api", "/v1/api/x", "/v1//api", "/v1/%61pi", "/v1/.%2fapi"):
            assert ask(port, [f"GET {target} HTTP/1.1", "Host: h"])[0] == 400
        assert seen(ask(port, ["GET /v2/open HTTP/1.1", "Host: h"]))["user"] is None


def test_a_predicate_decides_which_paths_are_protected():
    app = guarded(paths=lambda path: path.endswith("\xe9"))
    assert call(app, environ_of("/caf\xc3\xa9", HTTP_AUTHORIZATION=""))[0] == "400 Bad Request"
    assert call(app, environ_of("/cafe", HTTP_AUTHORIZATION=""))[0] == "200 OK"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"paths": "/api"}, TypeError),
        ({"paths": ["api"]}, ValueError),
        ({"realm": "none"}, ValueError),
        ({"prefix": "oauth"}, ValueError),
        ({"prefix": "/oauth/"}, ValueError),
        ({"prefix": None}, TypeError),
        ({"provider": MemoryStore()}, TypeError),
        ({"provider": Provider}, TypeError),
        ({"proxies": ["127.0.0.1"]}, TypeError),
        ({"proxies": TrustedProxies}, TypeError),
        ({"max_body": "1 MB"}, TypeError),
        ({"max_body": -1}, ValueError),
    ],
)
@pytest.mark.parametrize("module", [wsgi, asgi], ids=["wsgi", "asgi"])
def test_wrong_arguments_are_refused_by_the_constructor(module, options, error):
    (name,) = options
    arguments = {"provider": make_provider(realms=["photos"]), **options}
    if name not in ("paths", "realm"):
        with pytest.raises(error, match=f"^{name}: must"):
            module.CredentialEndpoints(**arguments)
    if name != "prefix":
        with pytest.raises(error, match=f"^{name}: "):
            module.Protected(wsgi_app, **arguments)


# --- the endpoints -----------------------------------------------------------------------


def issue(port, path, token=None, method="POST", **protocol):
    header = signed(method, f"http://127.0.0.1:{port}{path}", token=token, **protocol)
    head = [f"{method} {path} HTTP/1.1", "Host: ignored", f"Authorization: {header}"]
    status, _, body = ask(port, [*head, "Content-Length: 0"] if method == "POST" else head)
    return status, dict(parse_qsl(body.decode()))


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("server", sorted(SERVERS))
def test_credentials_are_issued_at_the_endpoints(server, method):
    apps = []
    with SERVERS[server](lambda *call: apps[0](*call)) as port:
        provider = make_provider(base_url=f"http://127.0.0.1:{port}")
        apps.append(CredentialEndpoints(Protected(wsgi_app, provider=provider), provider=provider, prefix="/connect"))
        status, temporary = issue(port, "/connect/request_token", method=method, oauth_callback="oob")
        assert (status, temporary["oauth_callback_confirmed"]) == (200, "true")
        verifier = provider.approve(temporary["oauth_token"], user="jane").verifier
        token = oauth2.Token(temporary["oauth_token"], temporary["oauth_token_secret"])
        status, issued = issue(port, "/connect/access_token", token, method=method, oauth_verifier=verifier)
        token = oauth2.Token(issued["oauth_token"], issued["oauth_token_secret"])
        assert seen(get(port, "/photos", token=token))["user"] == "jane"
        assert issue(port, "/connect/access_token", token, method=method, oauth_verifier=verifier)[0] == 401


def test_other_requests_are_passed_to_the_application():
    app = CredentialEndpoints(provider=make_provider())
    for path in ("/", "/oauth", "/oauth/request_token/", "/oauth/other", "//oauth/request_token"):
        assert call(app, environ_of(path))[0] == "404 Not Found"
    assert call(app, environ_of("/oauth/request_token", REQUEST_METHOD="HEAD"))[0::2] == ("400 Bad Request", b"")
    assert call(app, environ_of("/oauth/request_token", HTTP_HOST="a b"))[0] == "400 Bad Request"
    assert call(app, environ_of("/oauth/request_token", CONTENT_LENGTH="9999999"))[0].startswith("413 ")


@pytest.mark.parametrize("path", ["/oauth/request_token", "/photos"])
def test_a_refusal_by_the_middleware_is_emitted_once(path):
    told = []
    provider = make_provider(audit=told.append)
    app = CredentialEndpoints(Protected(wsgi_app, provider=provider), provider=provider)
    # The provider itself refuses the last request.
    for fields in ({"CONTENT_LENGTH": "9999999"}, {"HTTP_TRANSFER_ENCODING": "chunked"}, {"HTTP_HOST": "a b"}, {}):
        call(app, environ_of(path, HTTP_AUTHORIZATION="", **fields))
    assert [event.status for event in told] == [413, 411, 400, 400]
    assert [event.problem for event in told] == ["parameter_rejected"] * 3 + ["parameter_absent"]


def test_a_framework_may_mount_it():
    dispatcher = part("werkzeug.middleware.dispatcher").DispatcherMiddleware
    provider = make_provider(base_url="http://127.0.0.1:8080")
    protected = Protected(wsgi_app, provider=make_provider())
    app = dispatcher(wsgi_app, {"/issue": CredentialEndpoints(provider=provider, prefix=""), "/api": protected})
    with serve_werkzeug(app) as port:
        assert seen(get(port, "/api/a%2Fb"))["path"] == "/api/a/b"
        header = signed("POST", "http://127.0.0.1:8080/issue/request_token", token=None, oauth_callback="oob")
        head = ["POST /issue/request_token HTTP/1.1", "Host: h", f"Authorization: {header}", "Content-Length: 0"]
        status, _, body = ask(port, head)
        assert (status, b"oauth_callback_confirmed=true" in body) == (200, True)


@pytest.mark.parametrize("app", [guarded(), CredentialEndpoints(guarded(), provider=make_provider())])
@pytest.mark.parametrize("path", ["/", "/oauth/request_token"])
@pytest.mark.parametrize("authorization", [None, ""])
def test_the_middleware_complies_with_pep_3333(app, path, authorization):
    environ = environ_of(path, b"abc", CONTENT_TYPE="text/plain", CONTENT_LENGTH="3", REQUEST_METHOD="POST")
    if authorization is not None:
        environ["HTTP_AUTHORIZATION"] = authorization
    answer = wsgiref.validate.validator(app)(environ, lambda status, headers, exc_info=None: None)
    list(answer)
    answer.close()


# --- calling without a server ------------------------------------------------------------


def environ_of(path, body=b"", **variables):
    environ = {"PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": "", "HTTP_HOST": "api.example"}
    environ["HTTP_AUTHORIZATION"] = signed("GET", f"http://api.example{path}")
    environ["wsgi.input"] = io.BytesIO(body)
    environ.update(variables)
    wsgiref.util.setup_testing_defaults(environ)
    return environ


def call(app, environ):
    found = []
    body = b"".join(app(environ, lambda status, headers: found.append((status, dict(headers)))))
    return (*found[0], body)


def test_access_is_where_the_documentation_says():
    assert ACCESS == "oauth2.access"


@pytest.mark.parametrize("variable", ["SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "RAW_URI"])
def test_a_variable_that_is_none_is_an_empty_variable(variable):
    environ = {"REQUEST_METHOD": "GET", "wsgi.url_scheme": "http", "HTTP_HOST": "h", "PATH_INFO": "/a"}
    path = "/" if variable == "PATH_INFO" else "/a"
    assert read_request({**environ, variable: None})[0].url == f"http://h{path}"


@pytest.mark.parametrize("base_url", [None, "http://h"])
@pytest.mark.parametrize("host", ["h", ""])
@pytest.mark.parametrize(
    "target", ["%2Fphotos", "%2fphotos?a=b", "%2Fphotos/..", "//evil/photos", "http:%2F%2Fh/photos"]
)
def test_the_target_cannot_hide_the_path_that_is_served(base_url, host, target):
    app = Protected(wsgi_app, provider=make_provider(base_url=base_url))
    path = unquote(target.partition("?")[0])
    for signed_path in ("/", "", "/photos"):
        header = signed("GET", f"http://h{signed_path}")
        environ = environ_of(path, HTTP_HOST=host, RAW_URI=target, HTTP_AUTHORIZATION=header)
        if signed_path != path:
            assert call(app, environ)[0][:1] == "4"
