"""Redirects that ``Client`` follows: it signs for the same origin, and sends no credentials to another origin."""

import io
import itertools
from contextlib import closing

import httplib2
import pytest
from keys import self_signed
from loopback import Answer, Loopback, redirect

import oauth2
from oauth2._sending.signer import BODY, HEADER, QUERY
from oauth2.errors import InsecureRedirect

CONSUMER = oauth2.Consumer("consumer", "consumer secret")
TOKEN = oauth2.Token("token", "token secret")
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

CODES = [301, 302, 303, 307, 308]
KEEP_METHOD = [301, 307, 308]  # After these statuses, httplib2 keeps the method.
MATRIX = list(itertools.product(CODES, ["GET", "POST", "PUT"], [None, HEADER, QUERY, BODY]))
PLACES = [None, HEADER, QUERY]


@pytest.fixture
def here():
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def there():
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def verify():
    """Verify all requests of a test with one server, which refuses a nonce that it receives twice."""
    server = oauth2.Server({"HMAC-SHA1": oauth2.SignatureMethod_HMAC_SHA1()})
    return lambda received: server.verify_request(received.request(), CONSUMER, TOKEN)


@pytest.fixture
def client():
    with opened() as client:
        yield client


def opened(**options):
    client = oauth2.Client(CONSUMER, TOKEN, timeout=10, proxy_info=None, **options)
    client.follow_all_redirects = True
    return closing(client)


def own_form(received):
    """Return the received form without the protocol parameters."""
    return b"&".join([segment for segment in received.body.split(b"&") if not segment.startswith(b"oauth_")])


def assert_no_credentials(received):
    names = {name.lower() for name, _ in received.headers}
    assert not names & {"authorization", "cookie", "proxy-authorization"}
    everything = f"{received.target} {received.headers} {received.body!r}".lower()
    assert "oauth" not in everything
    assert "x_auth" not in everything
    assert "secret" not in everything
    assert received.request() is None or not any(name.startswith("oauth_") for name in received.request())


# --- all methods, statuses and placements -----------------------------------------


def sent(method, placement):
    """Return a body for *method*, its Content-Type header, and the parameters that a server reads from the body."""
    if method == "GET":
        return None, {}, {}
    if method == "PUT" and placement != BODY:
        return b'{"b": "2"}', {"Content-Type": JSON}, {}
    return "b=2", {"Content-Type": FORM}, {"b": "2"}


@pytest.mark.parametrize(("code", "method", "placement"), MATRIX)
def test_on_the_same_origin_a_redirect_is_signed_anew(here, verify, code, method, placement):
    here.routes["/start"] = redirect(code, f"{here.origin}/end?c=3")
    body, headers, form = sent(method, placement)
    with opened(placement=placement) as client:
        response, content = client.request(f"{here.origin}/start?a=1", method, body, {"Cookie": "mine", **headers})
    assert (response.status, content, response.previous.status) == (200, b"ok", code)

    start, end = here.requests
    assert verify(start) == {"a": "1", **form}
    kept = code in KEEP_METHOD
    assert end.method == (method if kept else "GET")
    assert verify(end) == {"c": "3", **(form if kept else {})}
    assert end.header("Cookie") == "mine"
    assert start.request()["oauth_nonce"] != end.request()["oauth_nonce"]
    if kept:
        assert own_form(end) == own_form(start)
        assert end.header("Content-Type") == start.header("Content-Type")
    else:
        assert own_form(end) == b""
        assert placement == BODY or end.header("Content-Type") is None


@pytest.mark.parametrize(("code", "method", "placement"), MATRIX)
def test_no_secret_is_sent_to_another_origin(here, there, verify, code, method, placement):
    here.routes["/start"] = redirect(code, f"{there.origin}/away?c=3")
    there.routes["/away"] = redirect(code, f"{here.origin}/back?d=4")
    body, headers, form = sent(method, placement)
    headers |= {"Cookie": "mine", "Proxy-Authorization": "Basic eDp5", "X-Own": "1"}
    with opened(placement=placement) as client:
        response, content = client.request(f"{here.origin}/start?a=1", method, body, headers)
    assert (response.status, content) == (200, b"ok")

    start, away, back = here.arrived("/start"), there.arrived("/away"), here.arrived("/back")
    assert verify(start) == {"a": "1", **form}
    for received in (away, back):
        assert_no_credentials(received)
        kept = code in KEEP_METHOD
        assert received.method == (method if kept else "GET")
        assert received.body == (own_form(start) if kept else b"")
        assert received.header("X-Own") == "1"
    assert (away.query, back.query) == ("c=3", "d=4")


# --- the URL in the Location header -----------------------------------------------


@pytest.mark.parametrize("location", ["/a/end?c=3", "end?c=3", "./end?c=3", "../a/end?c=3"])
@pytest.mark.parametrize("placement", PLACES)
def test_a_location_may_be_relative(here, verify, location, placement):
    here.routes["/a/start"] = redirect(302, location)
    with opened(placement=placement) as client:
        client.request(f"{here.origin}/a/start?a=1")
    verify(here.arrived("/a/start"))
    assert verify(here.arrived("/a/end")) == {"c": "3"}


def test_a_location_in_another_case_is_the_same_origin(here, client, verify):
    here.routes["/start"] = redirect(302, here.origin.replace("http:", "HTTP:") + "/end")
    client.request(f"{here.origin}/start")
    verify(here.arrived("/end"))


def echo(code, origin, path):
    return lambda received: redirect(code, f"{origin}{path}?{received.query}&c=3")


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("placement", [None, QUERY])
def test_a_location_that_repeats_the_signed_query_is_signed_anew(here, verify, code, placement):
    here.routes["/start"] = echo(code, here.origin, "/end")
    with opened(placement=placement) as client:
        client.request(f"{here.origin}/start?a=1&a=%C3%A9")
    start, end = here.requests
    assert verify(start) == {"a": ["1", "é"]}
    assert verify(end) == {"a": ["1", "é"], "c": "3"}
    assert end.query.count("oauth_signature=") == 1
    assert start.request()["oauth_nonce"] not in end.query


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("location", ["/end", None])
def test_the_callers_own_protocol_parameters_are_signed_anew_too(here, verify, code, location):
    here.routes["/start"] = redirect(code, location) if location else echo(code, here.origin, "/end")
    for placement in PLACES:
        here.requests.clear()
        with opened(placement=placement) as client:
            client.request(f"{here.origin}/start?oauth_callback=oob")
        for received in here.requests:
            assert received.request()["oauth_callback"] == "oob"
            verify(received)


@pytest.mark.parametrize("code", CODES)
def test_a_location_that_repeats_the_signed_query_carries_nothing_away(here, there, code):
    here.routes["/start"] = echo(code, there.origin, "/end")
    with opened(placement=QUERY) as client:
        client.request(f"{here.origin}/start?a=1", "POST", '{"b": 2}', {"Content-Type": JSON})
    assert_no_credentials(there.last)
    assert there.last.query == "a=1&c=3"


@pytest.mark.parametrize(
    "name", ["oauth_signature", "oauth_body_hash", "oauth_signature_method", "oauth_token", "oauth_nonce"]
)
def test_a_location_that_repeats_one_protocol_parameter_loses_it(here, there, client, name):
    def leak(received):
        value = dict(segment.split("=", 1) for segment in received.query.split("&"))[name]
        return redirect(302, f"{there.origin}/end?c=3&{name.replace('_', '%5F')}={value}")

    here.routes["/start"] = leak
    client.placement = QUERY
    client.request(f"{here.origin}/start", "POST", "[1]", {"Content-Type": JSON})
    assert_no_credentials(there.last)
    assert there.last.query == "c=3"


def test_a_location_may_hold_protocol_parameters_that_were_not_sent(here, there, client):
    # If the service itself puts a verifier into the Location, the verifier is not one of the client's credentials.
    here.routes["/start"] = redirect(302, f"{there.origin}/ready?oauth_verifier=4711")
    client.request(f"{here.origin}/start")
    assert there.last.query == "oauth_verifier=4711"


def test_another_scheme_is_another_origin(here, tmp_path):
    certificate = self_signed(tmp_path)
    with Loopback(certificate) as there, opened(ca_certs=certificate) as client:
        here.routes["/start"] = redirect(302, f"{there.origin}/end")
        client.request(f"{here.origin}/start", headers={"Cookie": "mine"})
        assert_no_credentials(there.last)


def test_over_https_redirects_are_handled_in_the_same_way(there, tmp_path, verify):
    certificate = self_signed(tmp_path)
    with Loopback(certificate) as here, opened(ca_certs=certificate) as client:
        here.routes["/start"] = redirect(307, "/end?c=3")
        client.request(f"{here.origin}/start?a=1", "POST", "b=2")
        assert verify(here.arrived("/start")) == {"a": "1", "b": "2"}
        assert verify(here.arrived("/end")) == {"c": "3", "b": "2"}


@pytest.mark.parametrize("placement", PLACES)
@pytest.mark.parametrize("code", CODES)
def test_a_redirect_from_https_to_http_is_refused(there, tmp_path, code, placement):
    certificate = self_signed(tmp_path)
    with Loopback(certificate) as here, opened(ca_certs=certificate, placement=placement) as client:
        here.routes["/start"] = redirect(code, f"{there.origin}/end")
        with pytest.raises(InsecureRedirect, match="https"):
            client.request(f"{here.origin}/start")
        client.request(f"{here.origin}/after")
        assert here.arrived("/after").request() is not None
    assert there.requests == []


def test_a_redirect_from_https_to_http_over_another_origin_is_refused(there, tmp_path):
    certificate = self_signed(tmp_path)
    with Loopback(certificate) as here, Loopback(certificate) as detour, opened(ca_certs=certificate) as client:
        here.routes["/start"] = redirect(302, f"{detour.origin}/on")
        detour.routes["/on"] = redirect(302, f"{there.origin}/end")
        with pytest.raises(InsecureRedirect):
            client.request(f"{here.origin}/start")
    assert there.requests == []


@pytest.mark.parametrize(
    "location",
    [
        "ftp://127.0.0.1/",
        "mailto:somebody@example.com",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://[::1",
        "http://127.0.0.1:port/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1\\@example.com/",
        "http://exa mple.com/",
        "//",
        "//[",
    ],
)
def test_a_location_that_is_no_http_url_is_an_error(here, client, location):
    here.routes["/start"] = redirect(302, location)
    with pytest.raises(oauth2.Error):
        client.request(f"{here.origin}/start")
    assert len(here.requests) == 1


def test_a_redirect_without_location_is_httplib2s_error(here, client):
    here.routes["/start"] = Answer(302)
    with pytest.raises(httplib2.RedirectMissingLocation):
        client.request(f"{here.origin}/start")


@pytest.mark.parametrize("placement", PLACES)
def test_a_loop_is_httplib2s_redirect_limit(here, there, placement):
    here.routes["/start"] = redirect(302, f"{there.origin}/start")
    there.routes["/start"] = redirect(302, f"{here.origin}/start")
    with opened(placement=placement) as client, pytest.raises(httplib2.RedirectLimit):
        client.request(f"{here.origin}/start", redirections=4)
    first, *others = here.requests
    assert first.request() is not None
    assert (len(others), len(there.requests)) == (2, 2)
    for received in [*others, *there.requests]:
        assert_no_credentials(received)


def test_a_chain_on_the_same_origin_is_signed_at_each_step(here, client, verify):
    for step in range(4):
        here.routes[f"/{step}"] = redirect(307, f"/{step + 1}?c={step}")
    client.request(f"{here.origin}/0", "POST", "b=2&oauth_callback=oob")
    assert len(here.requests) == 5
    for received in here.requests:
        assert verify(received)["b"] == "2"
        assert received.request()["oauth_callback"] == "oob"


# --- bodies -----------------------------------------------------------------------


@pytest.mark.parametrize("code", KEEP_METHOD)
@pytest.mark.parametrize("content_type", ["image/jpeg", FORM])
@pytest.mark.parametrize("placement", PLACES)
def test_a_file_is_rewound_to_where_it_stood(here, verify, code, content_type, placement):
    here.routes["/start"] = redirect(code, "/end")
    file = io.BytesIO(b"not=this&a=1&b=2")
    file.seek(9)
    with opened(placement=placement) as client:
        client.request(f"{here.origin}/start", "POST", file, {"Content-Type": content_type})
    parameters = {"a": "1", "b": "2"} if content_type == FORM else {}
    for received in here.requests:
        assert own_form(received) == b"a=1&b=2"
        assert verify(received) == parameters
    assert here.last.path == "/end"


@pytest.mark.parametrize("code", KEEP_METHOD)
def test_a_file_is_rewound_for_another_origin_too(here, there, client, code):
    here.routes["/start"] = redirect(code, f"{there.origin}/end")
    client.request(f"{here.origin}/start", "PUT", io.BytesIO(b"all of it"))
    assert there.last.body == b"all of it"
    assert_no_credentials(there.last)


@pytest.mark.parametrize("body", ['{"name": "Ærøskøbing 語"}', '{"name": "é"}'])
@pytest.mark.parametrize("code", KEEP_METHOD)
def test_text_arrives_as_utf_8_on_any_origin(here, there, client, code, body):
    here.routes["/start"] = redirect(code, f"{there.origin}/end")
    client.request(f"{here.origin}/start", "POST", body, {"Content-Type": JSON})
    assert here.last.body == body.encode()
    assert there.last.body == body.encode()


@pytest.mark.parametrize("code", KEEP_METHOD)
@pytest.mark.parametrize(
    ("form", "sent"),
    [("name=Ærø", b"name=%C3%86r%C3%B8"), (b"a=%92&b=100%zz&c=\xff+!", b"a=%92&b=100%25zz&c=%FF+!")],
)
def test_a_form_is_encoded_alike_on_any_origin(here, there, client, code, form, sent):
    here.routes["/start"] = redirect(code, f"{there.origin}/end?[q]")
    client.request(f"{here.origin}/start", "POST", form)
    assert own_form(here.last) == there.last.body == sent
    assert there.last.query == "%5Bq%5D"


XAUTH = b"x_auth_username=joe&a=1&x_auth_password=secret&x%5Fauth_mode=client_auth&oauth_verifier=4711"


@pytest.mark.parametrize("kind", [bytes, bytes.decode, bytearray, memoryview, io.BytesIO])
@pytest.mark.parametrize("code", KEEP_METHOD)
@pytest.mark.parametrize("placement", [None, HEADER])
def test_no_password_in_a_form_goes_to_another_origin(here, there, code, placement, kind):
    here.routes["/start"] = redirect(code, f"{there.origin}/end")
    with opened(placement=placement) as client:
        client.request(f"{here.origin}/start", "POST", kind(XAUTH), {"Content-Type": FORM})
    assert here.last.request()["x_auth_password"] == "secret"
    assert_no_credentials(there.last)
    assert there.last.body == b"a=1"


@pytest.mark.parametrize("code", CODES)
def test_no_password_in_a_repeated_query_goes_to_another_origin(here, there, client, code):
    here.routes["/start"] = echo(code, there.origin, "/end")
    client.request(f"{here.origin}/start?a=1&x_auth_password=secret")
    assert here.last.request()["x_auth_password"] == "secret"
    assert_no_credentials(there.last)


@pytest.mark.parametrize("code", KEEP_METHOD)
@pytest.mark.parametrize("where", ["same", "other"])
def test_a_body_that_is_read_once_is_not_sent_again_without_its_octets(here, there, code, where):
    here.routes["/start"] = redirect(code, f"{(here if where == 'same' else there).origin}/end")
    with opened(body_hash=False) as client, pytest.raises((oauth2.Error, TypeError, ValueError)):
        client.request(f"{here.origin}/start", "POST", iter([b"one ", b"two"]), {"Content-Type": "text/plain"})
    assert [received.body for received in here.requests + there.requests] == [b"one two"]


# --- options and cache of httplib2 ------------------------------------------------


def test_forwarded_authorization_does_not_reach_another_origin(here, there, verify):
    here.routes["/start"] = redirect(302, f"{here.origin}/next")
    here.routes["/next"] = redirect(302, f"{there.origin}/end")
    with opened(placement=HEADER) as client:
        client.forward_authorization_headers = True
        client.request(f"{here.origin}/start")
    verify(here.arrived("/start"))
    verify(here.arrived("/next"))
    assert_no_credentials(there.last)


def test_httplib2_decides_what_is_followed(here):
    here.routes["/start"] = redirect(307, "/end")
    with opened() as client:
        client.follow_all_redirects = False
        response, _ = client.request(f"{here.origin}/start", "POST", "a=1")
    assert response.status == 307
    assert len(here.requests) == 1


@pytest.mark.parametrize(("code", "method"), [(301, "GET"), (308, "GET"), (308, "POST"), (308, "PUT")])
@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_a_cached_redirect_is_signed_anew_on_the_same_origin(here, tmp_path, verify, code, method, placement):
    here.routes["/start"] = redirect(code, f"{here.origin}/end?c=3", **{"Cache-Control": "max-age=600"})
    body, headers = (None, {}) if method == "GET" else ("b=2", {"Content-Type": FORM})
    with opened(placement=placement, cache=str(tmp_path / "cache")) as client:
        for _ in range(2):
            response, _ = client.request(f"{here.origin}/start?a=1", method, body, headers)
            assert (response.status, response.fromcache) == (200, False)
    ends = [received for received in here.requests if received.path == "/end"]
    assert len(ends) == 2
    for received in ends:
        assert verify(received) == {"c": "3"} if method == "GET" else {"b": "2", "c": "3"}
        assert received.method == method
    if placement == HEADER and method == "GET":  # httplib2 took the first redirect from its cache.
        assert len(here.requests) == 3


@pytest.mark.parametrize(("code", "method"), [(301, "GET"), (308, "GET"), (308, "POST"), (308, "PUT")])
@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_a_cached_redirect_carries_nothing_to_another_origin(here, there, tmp_path, code, method, placement):
    here.routes["/start"] = redirect(code, f"{there.origin}/end", **{"Cache-Control": "max-age=600"})
    there.routes["/end"] = redirect(302, f"{here.origin}/back")
    body, headers = (None, {}) if method == "GET" else ("b=2", {"Content-Type": FORM})
    with opened(placement=placement, cache=str(tmp_path / "cache")) as client:
        for _ in range(2):
            client.request(f"{here.origin}/start", method, body, {"Cookie": "mine", **headers})
    backs = [received for received in here.requests if received.path == "/back"]
    assert len(backs) == len(there.requests) == 2
    for received in there.requests + backs:
        assert_no_credentials(received)
    for received in there.requests:
        assert received.body == (body or "").encode()


# --- httplib2.Http.request(client, ...), which is not signed ----------------------


@pytest.mark.parametrize("where", ["same", "other"])
def test_what_is_sent_unsigned_is_not_signed_by_a_redirect(here, there, client, where):
    end = here if where == "same" else there
    here.routes["/start"] = redirect(302, f"{end.origin}/end")
    httplib2.Http.request(client, f"{here.origin}/start")
    assert_no_credentials(end.arrived("/end"))


class Bare(oauth2.Client):
    """A subclass that does not call super().__init__(), as in some programs for python-oauth2 1.9."""

    def __init__(self, **options):
        httplib2.Http.__init__(self, proxy_info=None, **options)
        self.consumer = CONSUMER


@pytest.mark.parametrize("opened", [opened, lambda **options: closing(Bare(**options))], ids=["Client", "subclass"])
@pytest.mark.parametrize("where", ["same", "other"])
def test_what_is_sent_unsigned_is_not_signed_by_a_cached_redirect(here, there, tmp_path, where, opened):
    end = here if where == "same" else there
    here.routes["/start"] = redirect(301, f"{end.origin}/end", **{"Cache-Control": "max-age=600"})
    with opened(cache=str(tmp_path / "cache")) as client:
        for _ in range(2):
            httplib2.Http.request(client, f"{here.origin}/start")
    ends = [received for received in end.requests if received.path == "/end"]
    assert len(ends) == 2
    for received in ends:
        assert_no_credentials(received)


@pytest.mark.parametrize("code", KEEP_METHOD)
@pytest.mark.parametrize("where", ["same", "other"])
def test_what_is_sent_unsigned_keeps_its_body(here, there, client, code, where):
    end = here if where == "same" else there
    here.routes["/start"] = redirect(code, f"{end.origin}/end")
    httplib2.Http.request(client, f"{here.origin}/start", "POST", b"[1]", {"Content-Type": JSON})
    received = end.arrived("/end")
    assert (received.method, received.body, received.header("Content-Type")) == ("POST", b"[1]", JSON)
    assert_no_credentials(received)


def test_what_is_sent_unsigned_keeps_its_cookie_on_the_same_origin(here, there, client):
    here.routes["/start"] = redirect(302, f"{here.origin}/next")
    here.routes["/next"] = redirect(302, f"{there.origin}/end")
    httplib2.Http.request(client, f"{here.origin}/start", headers={"Cookie": "mine"})
    assert here.arrived("/next").header("Cookie") == "mine"
    assert_no_credentials(there.last)


def test_a_host_header_stays_on_its_own_origin(here, there, client):
    here.routes["/start"] = redirect(307, "/next")
    here.routes["/next"] = redirect(307, f"{there.origin}/end")
    client.request(f"{here.origin}/start", headers={"Host": "photos.example"})
    assert [received.header("Host") for received in here.requests] == ["photos.example"] * 2
    assert there.last.header("Host") == there.origin.removeprefix("http://")
