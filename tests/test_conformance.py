"""One suite for all clients checks the requests that arrive; oauthlib verifies each signature."""

import io
import itertools
import json
import time
from urllib.parse import parse_qsl

import pytest
from callers import FORM, Httplib2, Httpx, every_kind, opened
from keys import self_signed
from loopback import redirect
from verifying import (
    Verifying,
    assert_hashed,
    assert_no_credentials,
    header_of,
    nonce_of,
    own_pairs,
    places,
)

from oauth2._sending.signer import BODY, HEADER, ORIGIN, QUERY
from oauth2.errors import InsecureRedirect
from oauth2.signature import base_string_uri

pytestmark = pytest.mark.slow

JSON = "application/json"
PLACES = [HEADER, QUERY, BODY]
LONG = bytes(range(256)) * 5000  # This body is hashed in several chunks.


@pytest.fixture
def service():
    with Verifying() as loopback:
        yield loopback


@pytest.fixture
def elsewhere():
    with Verifying() as loopback:
        yield loopback


# --- query and path ---------------------------------------------------------------

QUERIES = [
    ("size=original&file=vacation.jpg", None),
    ("a=2&a=1&b=&c", [("a", "2"), ("a", "1"), ("b", ""), ("c", "")]),
    ("b&b=&b=+&b=%20", [("b", ""), ("b", ""), ("b", " "), ("b", " ")]),
    ("x=%2B%26%3D%25&y=+&a%26b=c", [("x", "+&=%"), ("y", " "), ("a&b", "c")]),
    ("q=naïve 語&é=1&k=%E2%82%AC", [("q", "naïve 語"), ("é", "1"), ("k", "€")]),
    ("p=!$'()*,;:@/?-._~", [("p", "!$'()*,;:@/?-._~")]),
]


@every_kind()
@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_a_query_arrives_and_is_signed(service, kind, placement):
    with opened(kind, placement=placement) as caller:
        for query, pairs in QUERIES:
            assert caller.send("GET", f"{service.origin}/photos?{query}")[0] == 200, query
            assert places(service.last) == {placement}
            assert own_pairs(service.last.query) == (pairs or parse_qsl(query)), query


@every_kind()
@pytest.mark.parametrize("path", ["/", "/caf%C3%A9/%2F", "/café/日本 x", "/a;b=1,(c)'!*$~@:/x//y", "/%7e/%c3%a9"])
def test_a_path_arrives_and_is_signed(service, kind, path):
    with opened(kind) as caller:
        assert caller.send("GET", service.origin + path)[0] == 200
        assert caller.send("GET", service.origin + path + "?a=b")[0] == 200


ILLEGAL = '[x]{y}|\\^`"<> é'
LEGAL_OCTETS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?%")


@every_kind()
@pytest.mark.parametrize("placement", [HEADER, QUERY])
@pytest.mark.parametrize("name", ["q", "q[0]", ILLEGAL])
def test_characters_that_a_query_cannot_contain_are_encoded(service, kind, placement, name):
    # oauthlib refuses a query with these characters if they are not encoded.
    with opened(kind, placement=placement) as caller:
        assert caller.send("GET", f"{service.origin}/?p=!$'()*,;:@/?-._~&{name}={ILLEGAL}")[0] == 200
    assert service.last.query.startswith("p=!$'()*,;:@/?-._~&")
    assert own_pairs(service.last.query) == [("p", "!$'()*,;:@/?-._~"), (name, ILLEGAL)]
    assert LEGAL_OCTETS.issuperset(service.last.query.encode())


@every_kind()
@pytest.mark.parametrize("placement", [HEADER, QUERY])
@pytest.mark.parametrize("value", ["100%", "%zz", "5%4", "a%[b"])
def test_a_percent_sign_that_starts_no_escape_is_encoded(service, kind, placement, value):
    with opened(kind, placement=placement) as caller:
        assert caller.send("GET", f"{service.origin}/?a={value}")[0] == 200
        assert own_pairs(service.last.query) == [("a", value)]
        headers = {"Content-Type": FORM}
        assert caller.send("POST", service.origin, content=f"a={value}", headers=headers)[0] == 200
        assert own_pairs(service.last.body.decode("ascii")) == [("a", value)]


@every_kind()
def test_characters_that_a_path_cannot_contain_are_encoded(service, kind):
    with opened(kind) as caller:
        assert caller.send("GET", f'{service.origin}/[x]{{y}}|^`"<> é/%5B')[0] == 200
    assert service.last.path == "/%5Bx%5D%7By%7D%7C%5E%60%22%3C%3E%20%C3%A9/%5B"


@every_kind()
@pytest.mark.parametrize("placement", PLACES)
@pytest.mark.parametrize("kind_of_body", [str, str.encode])
def test_characters_that_a_form_cannot_contain_are_encoded(service, kind, placement, kind_of_body):
    # If these characters are not encoded, oauthlib does not treat the body as a form, and ignores its parameters.
    headers = {"Content-Type": FORM, "Content-Length": "54"} if kind is Httplib2 else {"Content-Type": FORM}
    form = kind_of_body(f"status=hello world [é]\r\n#&p=!$'()*,;:@/?-._~+&{ILLEGAL}=")
    service.routes["/start"] = redirect(307, "/end")
    with opened(kind, placement=placement) as caller:
        assert caller.send("POST", f"{service.origin}/start", content=form, headers=headers)[0] == 200
    for received in service.requests:
        assert LEGAL_OCTETS.issuperset(received.body)
        assert received.body.startswith(b"status=hello%20world%20%5B%C3%A9%5D%0D%0A%23&p=!$'()*,;:@/?-._~+&")
        own = [("status", "hello world [é]\r\n#"), ("p", "!$'()*,;:@/?-._~ "), (ILLEGAL, "")]
        assert own_pairs(received.body.decode()) == own


@every_kind()
def test_an_empty_path_is_a_slash(service, kind):
    with opened(kind) as caller:
        assert caller.send("GET", service.origin)[0] == 200
    assert service.last.path == "/"


# --- bodies -----------------------------------------------------------------------


@every_kind()
@pytest.mark.parametrize("placement", PLACES)
def test_a_form_arrives_and_is_signed(service, kind, placement):
    with opened(kind, placement=placement) as caller:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            form = {"a": ["1", "0"], "b": " +&", "c": "é", "d": ""}
            assert caller.send(method, f"{service.origin}/?a=2", form=form)[0] == 200, method
            assert service.last.method == method
            assert places(service.last) == {placement}
            sent = [("a", "1"), ("a", "0"), ("b", " +&"), ("c", "é"), ("d", "")]
            assert own_pairs(service.last.body.decode()) == sent
            assert service.last.header("Content-Type") == FORM


@every_kind()
@pytest.mark.parametrize("content", [b"a=1&b=%20+x&c=%c3%a9&a=0&d=&e", "a=1&b=%20+x&c=%c3%a9&a=0&d=&e"])
@pytest.mark.parametrize("content_type", [f"{FORM}; charset=UTF-8", f"{FORM};charset=utf-8"])
@pytest.mark.parametrize("placement", PLACES)
def test_a_form_with_a_charset_is_a_form(service, kind, content, content_type, placement):
    with opened(kind, placement=placement) as caller:
        answer = caller.send("POST", service.origin, content=content, headers={"Content-Type": content_type})
    assert answer[0] == 200
    assert service.last.header("Content-Type") == content_type
    assert places(service.last) == {placement}
    own = b"&".join([part for part in service.last.body.split(b"&") if not part.startswith(b"oauth_")])
    assert own == b"a=1&b=%20+x&c=%c3%a9&a=0&d=&e"


@every_kind()
@pytest.mark.parametrize("body", ['{"name": "Ærøskøbing 語"}', '{"name": "Ærøskøbing 語"}'.encode(), b"[1]"])
def test_json_arrives_whole_and_hashed(service, kind, body):
    with opened(kind) as caller:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = caller.send(method, f"{service.origin}/?b=2", content=body, headers={"Content-Type": JSON})
            assert answer[0] == 200
            assert service.last.body == (body.encode() if isinstance(body, str) else body)
            assert service.last.header("Content-Type") == JSON
            assert_hashed(service.last)


@every_kind()
def test_a_json_document_is_signed_as_the_client_writes_it(service, kind):
    with opened(kind) as caller:
        assert caller.send("POST", service.origin, document={"name": "語"})[0] == 200
    assert json.loads(service.last.body) == {"name": "語"}
    assert service.last.header("Content-Type").startswith(JSON)
    assert_hashed(service.last)


@every_kind()
def test_binary_arrives_whole_and_hashed(service, kind):
    headers = {"Content-Type": "image/x-own"}
    with opened(kind) as caller:
        assert caller.send("PUT", service.origin, content=bytes(range(256)), headers=headers)[0] == 200
    assert service.last.body == bytes(range(256))
    assert service.last.header("Content-Type") == "image/x-own"
    assert_hashed(service.last)


@every_kind()
@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_a_file_upload_arrives_whole_and_hashed(service, kind, placement):
    with opened(kind, placement=placement) as caller:
        assert caller.send("POST", service.origin, files={"photo": ("a.jpg", io.BytesIO(LONG))})[0] == 200
    assert places(service.last) == {placement}
    assert LONG in service.last.body
    boundary = service.last.header("Content-Type").partition("multipart/form-data; boundary=")[2]
    assert service.last.body.rstrip().endswith(f"--{boundary}--".encode())
    if placement == HEADER:
        assert_hashed(service.last)


@every_kind()
def test_a_file_is_sent_from_where_it_stands_and_hashed(service, kind, tmp_path):
    path = tmp_path / "photo"
    path.write_bytes(b"not this:" + LONG)
    with opened(kind) as caller, path.open("rb") as file:
        file.seek(0 if kind is Httpx else 9)  # httpx sends the Content-Length of the whole file
        assert caller.send("PUT", service.origin, content=file, headers={"Content-Type": "image/jpeg"})[0] == 200
    assert service.last.body.removeprefix(b"not this:" if kind is Httpx else b"") == LONG
    assert service.last.header("Content-Type") == "image/jpeg"
    assert_hashed(service.last)


@every_kind()
def test_a_generator_is_not_hashed_and_the_error_says_what_to_do(service, kind):
    with opened(kind) as caller, pytest.raises(TypeError, match="body_hash=False"):
        caller.send("POST", service.origin, content=iter([b"one ", b"two"]), headers={"Content-Type": "text/plain"})
    assert service.requests == []


@every_kind()
@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_a_generator_is_sent_without_its_hash(service, kind, placement):
    with opened(kind, body_hash=False, placement=placement) as caller:
        chunks = (chunk for chunk in (b"one ", b"two"))
        assert caller.send("POST", service.origin, content=chunks, headers={"Content-Type": "text/plain"})[0] == 200
    assert service.last.body == b"one two"
    assert service.last.header("Content-Type") == "text/plain"
    assert "oauth_body_hash" not in service.last.request()


@every_kind()
@pytest.mark.parametrize("placement", PLACES)
def test_there_may_be_no_body(service, kind, placement):
    with opened(kind, placement=placement) as caller:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert caller.send(method, f"{service.origin}/?a=1")[0] == 200, method
            expected = placement
            assert places(service.last) == {expected}
            assert own_pairs(service.last.body.decode()) == []


@every_kind()
def test_no_body_is_hashed_where_a_body_is_usual(service, kind):
    with opened(kind) as caller:
        for method in ("GET", "HEAD", "DELETE", "OPTIONS"):
            assert caller.send(method, service.origin)[0] == 200
            assert "oauth_body_hash" not in header_of(service.last), method
        for method in ("PUT", "PATCH"):
            assert caller.send(method, service.origin)[0] == 200
            assert_hashed(service.last)
        headers = {"Content-Type": JSON}
        assert caller.send("DELETE", service.origin, content=b"[1]", headers=headers)[0] == 200
        assert_hashed(service.last)


@every_kind()
def test_placement_in_the_body_requires_a_form(service, kind):
    with opened(kind, placement=BODY) as caller, pytest.raises(ValueError, match="placement"):
        caller.send("POST", service.origin, content=b"[1]", headers={"Content-Type": JSON})
    assert service.requests == []


# --- options ----------------------------------------------------------------------


@every_kind()
def test_the_realm_is_what_was_chosen(service, kind):
    url = f"{service.origin}/photos?a=1"
    for realm, sent in [
        ("Photos", "Photos"),
        ('my "own"', 'my "own"'),
        (None, None),
        (ORIGIN, service.origin),
        (base_string_uri, f"{service.origin}/photos"),
    ]:
        with opened(kind, realm=realm) as caller:
            assert caller.send("GET", url)[0] == 200
        assert header_of(service.last).get("realm") == sent


@every_kind()
def test_the_body_hash_may_be_left_out(service, kind):
    with opened(kind, body_hash=False) as caller:
        assert caller.send("PUT", service.origin, content=b"[1]", headers={"Content-Type": JSON})[0] == 200
    assert "oauth_body_hash" not in header_of(service.last)


@every_kind()
def test_one_authorization_header_is_sent(service, kind):
    with opened(kind) as caller:
        assert caller.send("GET", service.origin, headers={"authorization": "Basic eDp5"})[0] == 200
    assert places(service.last) == {HEADER}


@every_kind()
@pytest.mark.parametrize("placement", PLACES)
@pytest.mark.parametrize("scheme", ["OAuth", "oauth", "OAUTH"])
def test_an_oauth_header_of_the_caller_is_replaced(service, kind, placement, scheme):
    service.routes["/start"] = redirect(307, "/end")
    headers = {"authorization": f'{scheme} oauth_consumer_key="other", oauth_signature="old"'}
    with opened(kind, placement=placement) as caller:
        assert caller.send("POST", f"{service.origin}/start", form={"b": "2"}, headers=headers)[0] == 200
    for received in service.requests:
        assert places(received) == {placement}
        assert (received.header("Authorization") is None) == (placement != HEADER)


@every_kind()
@pytest.mark.parametrize("placement", [QUERY, BODY])
@pytest.mark.parametrize("value", ["Basic eDp5", "Bearer oauth", "OAuthToken x"])
def test_another_authorization_header_of_the_caller_stays(service, kind, placement, value):
    headers = {"Authorization": value}
    with opened(kind, placement=placement) as caller:
        assert caller.send("POST", service.origin, form={"b": "2"}, headers=headers)[0] == 200
    assert service.last.header("Authorization") == value
    assert places(service.last) == {placement}


@every_kind()
@pytest.mark.parametrize("placement", [QUERY, BODY])
def test_another_authorization_header_does_not_leave_the_origin(service, elsewhere, kind, placement):
    service.routes["/start"] = redirect(307, "/next")
    service.routes["/next"] = redirect(307, f"{elsewhere.origin}/end")
    headers = {"Authorization": "Basic eDp5"}
    with opened(kind, placement=placement) as caller:
        assert caller.send("POST", f"{service.origin}/start", form={"b": "2"}, headers=headers)[0] == 200
    kept = None if kind is Httplib2 else "Basic eDp5"  # httplib2 removes the header at every redirect
    assert service.arrived("/next").header("Authorization") == kept
    assert_no_credentials(elsewhere.last)


# --- the Host header --------------------------------------------------------------


@every_kind()
@pytest.mark.parametrize("placement", PLACES)
@pytest.mark.parametrize("host", ["photos.example", "Photos.example:80", "photos.example:8080"])
def test_the_host_header_of_the_caller_is_what_is_signed(service, kind, placement, host):
    service.routes["/start"] = redirect(307, "/end")
    with opened(kind, placement=placement) as caller:
        for path in ("/photos?a=1", "/start"):
            answer = caller.send("POST", service.origin + path, form={"b": "2"}, headers={"Host": host})
            assert answer[0] == 200
            assert service.last.header("Host") == host
            assert places(service.last) == {placement}
    assert [received.path for received in service.requests] == ["/photos", "/start", "/end"]


@every_kind()
def test_an_invalid_host_header_is_not_sent(service, kind):
    with opened(kind) as caller, pytest.raises(ValueError, match=r"^headers: Host must be"):
        caller.send("GET", service.origin, headers={"Host": "photos.example/path"})
    assert service.requests == []


@every_kind()
def test_the_default_realm_follows_the_host_header(service, kind):
    with opened(kind, realm=ORIGIN) as caller:
        assert caller.send("GET", service.origin, headers={"Host": "photos.example"})[0] == 200
    assert header_of(service.last)["realm"] == "http://photos.example"


# --- redirects --------------------------------------------------------------------

CODES = [301, 302, 303, 307, 308]
CALLS = list(itertools.product(CODES, ["GET", "POST", "PUT"]))


@every_kind()
@pytest.mark.parametrize("placement", [None, *PLACES])
def test_on_the_same_origin_a_redirect_is_signed_anew(service, kind, placement):
    with opened(kind, placement=placement) as caller:
        for code, method in CALLS:
            service.requests.clear()
            service.routes["/start"] = redirect(code, f"{service.origin}/end?c=3")
            form = None if method == "GET" else {"b": "2"}
            assert caller.send(method, f"{service.origin}/start?a=1", form=form)[0] == 200, (code, method)
            start, end = service.requests
            assert end.path == "/end"
            assert own_pairs(end.query) == [("c", "3")]
            own = own_pairs(end.body.decode())
            assert own == ([("b", "2")] if form else []) or (own == [] and code not in (307, 308))
            assert end.method == method or code in (301, 302, 303)
            assert nonce_of(start) != nonce_of(end)


@every_kind()
@pytest.mark.parametrize("placement", [None, *PLACES])
def test_no_credential_is_sent_to_another_origin(service, elsewhere, kind, placement):
    def away(received):
        # The worst case: the service copies the whole query of the request into the URL of the redirect.
        return redirect(code, f"{elsewhere.origin}/away?c=3&{received.query}")

    service.routes["/start"] = away
    with opened(kind, placement=placement) as caller:
        for code, method in CALLS:
            service.requests.clear()
            elsewhere.requests.clear()
            elsewhere.routes["/away"] = redirect(code, f"{service.origin}/back?d=4")
            form = None if method == "GET" else {"b": "2", "oauth_callback": "hush", "x_auth_password": "hush"}
            url = f"{service.origin}/start?a=1&x_auth_mode=hush&oauth_verifier=hush"
            assert caller.send(method, url, form=form)[0] == 200, (code, method)
            start, back = service.requests
            assert start.request()["oauth_verifier"] == "hush"
            assert_no_credentials(elsewhere.last)
            assert_no_credentials(back)
            assert elsewhere.last.query in ("c=3&a=1", "c=3&a=1&")
            assert elsewhere.last.body in (b"b=2", b"")
            assert elsewhere.last.body or not form or code not in (307, 308)


@every_kind()
def test_a_redirect_from_https_to_http_is_refused(elsewhere, kind, tmp_path):
    certificate = self_signed(tmp_path)
    with Verifying(certificate) as service:
        for placement in (None, *PLACES):
            with opened(kind, placement=placement, certificate=certificate) as caller:
                for code, method in CALLS:
                    service.routes["/start"] = redirect(code, f"{elsewhere.origin}/away")
                    with pytest.raises(InsecureRedirect, match="https"):
                        caller.send(method, f"{service.origin}/start?a=1", form=None if method == "GET" else {"b": "2"})
                assert caller.send("GET", f"{service.origin}/after")[0] == 200
    assert elsewhere.requests == []


@every_kind()
def test_a_redirect_from_http_to_https_carries_no_credential(service, kind, tmp_path):
    certificate = self_signed(tmp_path)
    with Verifying(certificate) as elsewhere, opened(kind, certificate=certificate) as caller:
        service.routes["/start"] = redirect(307, f"{elsewhere.origin}/away")
        assert caller.send("GET", f"{service.origin}/start?a=1")[0] == 200
        assert_no_credentials(elsewhere.last)


@every_kind()
@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_every_kind_of_body_is_sent_unsigned_to_another_origin(service, elsewhere, kind, placement, tmp_path):
    path = tmp_path / "photo"
    path.write_bytes(LONG)
    service.routes["/start"] = redirect(307, f"{elsewhere.origin}/away")
    service.routes["/again"] = redirect(307, f"{service.origin}/end")
    with opened(kind, placement=placement) as caller:
        for where, last in (("/start", elsewhere), ("/again", service)):
            headers = {"Content-Type": "image/jpeg"}
            with path.open("rb") as file:
                assert caller.send("PUT", service.origin + where, content=file, headers=headers)[0] == 200
            assert last.last.body == LONG
            assert last.last.header("Content-Type") == "image/jpeg"
            assert last.last.path in ("/away", "/end")
    assert_no_credentials(elsewhere.last)
    assert places(service.last) == {placement}


@every_kind()
@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_a_generator_is_not_sent_half_by_a_redirect(service, elsewhere, kind, placement):
    service.routes["/start"] = redirect(307, f"{elsewhere.origin}/away")
    chunks = (chunk for chunk in (b"one ", b"two"))
    with (
        opened(kind, body_hash=False, placement=placement) as caller,
        pytest.raises(Exception, match=r"(?i)once|consumed"),
    ):
        caller.send("POST", f"{service.origin}/start", content=chunks, headers={"Content-Type": "text/plain"})
    assert elsewhere.requests == []


@every_kind()
@pytest.mark.parametrize("placement", PLACES)
def test_a_nonce_of_the_callers_own_is_sent_once(service, kind, placement):
    service.routes["/start"] = redirect(307, "/end")
    earlier = str(int(time.time()) - 100)
    own = {"oauth_nonce": "mine0123456789abcdefgh", "oauth_timestamp": earlier, "b": "2"}
    with opened(kind, placement=placement) as caller:
        caller.send("POST", f"{service.origin}/start", form=own)
        caller.send("POST", f"{service.origin}/start?oauth_nonce=mine1123456789abcdefgh", form={"b": "2"})
    first, second, third, fourth = service.requests
    assert nonce_of(first) == "mine0123456789abcdefgh"
    assert first.request()["oauth_timestamp"] == earlier
    assert nonce_of(third) == "mine1123456789abcdefgh"
    for again in (second, fourth):
        assert not nonce_of(again).startswith("mine")
        assert again.request()["oauth_timestamp"] != earlier
        assert again.request()["b"] == "2"


@every_kind()
def test_a_chain_is_signed_at_each_step(service, kind):
    for step in range(4):
        service.routes[f"/{step}"] = redirect(307, f"/{step + 1}?c={step}")
    with opened(kind) as caller:
        assert caller.send("POST", f"{service.origin}/0", form={"b": "2", "oauth_callback": "oob"})[0] == 200
    assert len({nonce_of(received) for received in service.requests}) == 5
    for received in service.requests:
        assert received.request()["oauth_callback"] == "oob"
