"""``Client`` over real HTTP: the correct request arrives, and ``Server`` accepts the request.

test_redirects.py tests redirects.
"""

import base64
import hashlib
import io
import json
import os
import threading
import time
from contextlib import closing

import httplib2
import pytest
from keys import private_octets, rsa_key, self_signed
from loopback import HANG_UP, Answer, Loopback, redirect

import oauth2
from oauth2._methods import MODULES, method_class
from oauth2._sending.signer import BODY, HEADER, QUERY
from oauth2._wire.form import parse_form_as_sent
from oauth2._wire.pairs import group_pairs
from oauth2.clock import Clock
from oauth2.parameters import parse_authorization_header

CONSUMER = oauth2.Consumer("consumer", "consumer&secrét")
TOKEN = oauth2.Token("token", "token/secret +")
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@pytest.fixture
def service():
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def client():
    with opened() as client:
        yield client


def opened(consumer=CONSUMER, token=TOKEN, **options):
    return closing(oauth2.Client(consumer, token, timeout=10, proxy_info=None, **options))


def server(*methods, **options):
    methods = methods or (oauth2.SignatureMethod_HMAC_SHA1(),)
    return oauth2.Server({method.name: method for method in methods}, **options)


def verify(received, by=None, consumer=CONSUMER, token=TOKEN):
    """Return the parameters that are not protocol parameters, or raise the error of the refusal."""
    return (by or server()).verify_request(received.request(), consumer, token)


def places(received):
    """Return the places that have protocol parameters."""
    found = set()
    if (received.header("Authorization") or "").startswith("OAuth "):
        found.add(HEADER)
    if "oauth_" in received.query:
        found.add(QUERY)
    if b"oauth_" in received.body:
        found.add(BODY)
    return found


def header_of(received):
    return dict(parse_authorization_header(received.header("Authorization")))


def own_part(form):
    """Return a raw form without the protocol parameters that the client added."""
    return b"&".join([segment for segment in form.split(b"&") if not segment.startswith(b"oauth_")])


# --- query and path ---------------------------------------------------------------


def test_a_get_is_signed_in_the_query(service, client):
    response, content = client.request(f"{service.origin}/photos?size=original&file=vacation.jpg")
    assert (response.status, content) == (200, b"ok")
    assert service.last.method == "GET"
    assert service.last.target.startswith("/photos?size=original&file=vacation.jpg&oauth_")
    assert places(service.last) == {QUERY}
    assert verify(service.last) == {"size": "original", "file": "vacation.jpg"}


def test_a_get_without_query_gets_one(service, client):
    client.request(f"{service.origin}/photos")
    assert service.last.target.startswith("/photos?oauth_")
    assert verify(service.last) == {}


@pytest.mark.parametrize("query", ["a=2&a=1&b=&c", "b&b=&b=+&b=%20", "=v&a==1", "a=1&&b=2&", "x=%2B%26%3D%25&y=+"])
@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_duplicate_and_blank_parameters_arrive_as_they_are(service, query, placement):
    with opened(placement=placement) as client:
        client.request(f"{service.origin}/?{query}")
    assert service.last.query.startswith(query)
    assert verify(service.last) == group_pairs(parse_form_as_sent(query))


@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_text_beyond_ascii_is_escaped_as_utf_8(service, placement):
    with opened(placement=placement) as client:
        client.request(f"{service.origin}/café/日本?q=naïve 語&é=1")
    assert service.last.path == "/caf%C3%A9/%E6%97%A5%E6%9C%AC"
    assert service.last.query.startswith("q=na%C3%AFve%20%E8%AA%9E&%C3%A9=1")
    assert verify(service.last) == {"q": "naïve 語", "é": "1"}


def test_existing_escapes_are_kept(service, client):
    client.request(f"{service.origin}/caf%c3%a9/%2F?q=%7e~")
    assert service.last.path == "/caf%c3%a9/%2F"
    assert service.last.query.startswith("q=%7e~&")
    assert verify(service.last) == {"q": "~~"}


@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_allowed_punctuation_is_not_encoded(service, placement):
    path, query = "/a;b=1,(c)'!*$~@:/x//y/./z", "p=!$'()*,;:@/?-._~&%5bq%5D=%7er+s"
    with opened(placement=placement) as client:
        client.request(f"{service.origin}{path}?{query}")
    assert service.last.path == path
    assert service.last.query.startswith(query)
    assert verify(service.last) == {"p": "!$'()*,;:@/?-._~", "[q]": "~r s"}


def test_an_empty_path_is_a_slash(service, client):
    client.request(f"{service.origin}?q=é")
    assert service.last.path == "/"
    assert verify(service.last) == {"q": "é"}


def test_a_fragment_is_neither_sent_nor_signed(service, client):
    client.request(f"{service.origin}/a?b=1#oauth_token=x")
    assert service.last.target.startswith("/a?b=1&oauth_")
    assert verify(service.last) == {"b": "1"}


def test_the_uri_may_be_bytes(service, client):
    client.request(f"{service.origin}/é".encode())
    assert service.last.path == "/%C3%A9"
    verify(service.last)


def test_the_scheme_may_be_upper_case(service, client):
    client.request(service.origin.replace("http:", "HTTP:") + "/Path")
    assert service.last.path == "/Path"
    verify(service.last)


@pytest.mark.parametrize("uri", ["ftp://127.0.0.1/", "/relative", "", "http://", "http://host:port/", "mailto:a@b.c"])
def test_a_uri_that_is_no_http_url_is_a_value_error(client, uri):
    with pytest.raises(ValueError, match="URL"):
        client.request(uri)


def test_without_a_token_there_is_no_oauth_token(service):
    for token in (None, {}):
        with opened(token=token) as client:
            client.request(service.origin)
        assert "oauth_token" not in service.last.query
        assert verify(service.last, token=None) == {}


def test_the_tokens_verifier_is_sent(service):
    token = oauth2.Token("temporary", "secret")
    token.set_verifier("4711")
    with opened(token=token) as client:
        client.request(service.origin, "POST")
    assert service.last.request()["oauth_verifier"] == "4711"
    verify(service.last, token=token)


def test_credentials_may_be_any_object_with_key_and_secret(service):
    class Credentials:
        def __init__(self, key, secret):
            self.key, self.secret = key, secret

    consumer, token = Credentials(b"k\xc3\xa9y", b"s"), Credentials("t", "é")
    with opened(consumer, token) as client:
        client.request(service.origin)
    verify(service.last, consumer=oauth2.Consumer("kéy", "s"), token=token)


# --- bodies -----------------------------------------------------------------------


@pytest.mark.parametrize("body", ["a=1&b=%20+x&c=%C3%A9&a=0&d=&e", b"a=1&b=%20+x&c=%C3%A9&a=0&d=&e"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_form_holds_the_protocol_parameters(service, client, method, body):
    client.request(f"{service.origin}/?a=2", method, body, {"Content-Type": FORM})
    assert service.last.method == method
    assert places(service.last) == {BODY}
    assert service.last.body.startswith(b"a=1&b=%20+x&c=%C3%A9&a=0&d=&e&oauth_")
    assert b"oauth_body_hash" not in service.last.body
    assert verify(service.last) == {"a": ["2", "1", "0"], "b": "  x", "c": "é", "d": "", "e": ""}


def test_a_post_without_content_type_is_a_form(service, client):
    client.request(service.origin, "POST", "a=1")
    assert service.last.header("Content-Type") == FORM
    assert verify(service.last) == {"a": "1"}


@pytest.mark.parametrize("method", ["post", "Post"])
def test_the_method_may_be_in_any_case(service, client, method):
    client.request(service.origin, method, "a=1")
    assert service.last.method == method
    assert verify(service.last) == {"a": "1"}


@pytest.mark.parametrize("content_type", [f"{FORM}; charset=UTF-8", "Application/X-WWW-Form-URLEncoded;Charset=x"])
def test_a_form_is_known_in_any_case_and_with_parameters(service, client, content_type):
    client.request(service.origin, "POST", "a=1", {"CONTENT-type": content_type})
    assert service.last.header("Content-Type") == content_type
    assert places(service.last) == {BODY}
    assert verify(service.last) == {"a": "1"}


def test_text_in_a_form_is_encoded_as_utf_8(service, client):
    client.request(service.origin, "POST", "name=Ærøskøbing 語")
    assert own_part(service.last.body) == b"name=%C3%86r%C3%B8sk%C3%B8bing%20%E8%AA%9E"
    assert verify(service.last) == {"name": "Ærøskøbing 語"}


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        (b"a=%92", b"a=%92"),
        (b"a=100%zz", b"a=100%25zz"),
        (b"a=%&b=5%", b"a=%25&b=5%25"),
        (b"%=1&%ff%FE=%e9", b"%25=1&%ff%FE=%e9"),
        (b"raw=\xff\xfe\x80", b"raw=%FF%FE%80"),
        (b"a=%u20AC", b"a=%25u20AC"),
    ],
)
@pytest.mark.parametrize("placement", [None, HEADER])
def test_a_form_of_any_octets_is_signed_as_it_is_sent(service, form, sent, placement):
    # A strict server refuses octets that are not UTF-8, so this test checks the signature itself.
    with opened(placement=placement) as client:
        client.request(service.origin, "POST", form, {"Content-Type": FORM})
    received = service.last
    assert own_part(received.body) == sent
    parameters = parse_form_as_sent(received.body)
    if placement == HEADER:
        parameters += parse_authorization_header(received.header("Authorization"))[1:]
    request = oauth2.Request("POST", received.url, group_pairs(parameters), is_form_encoded=True)
    signature = request["oauth_signature"]
    assert oauth2.SignatureMethod_HMAC_SHA1().check(request, CONSUMER, TOKEN, signature)


def test_a_query_of_any_octets_is_signed_as_it_is_sent(service, client):
    client.request(f"{service.origin}/?a=100%zz&b=%92")
    assert service.last.query.startswith("a=100%25zz&b=%92&oauth_")
    request = oauth2.Request("GET", service.last.url)
    signature = dict(parse_form_as_sent(service.last.query))["oauth_signature"]
    assert oauth2.SignatureMethod_HMAC_SHA1().check(request, CONSUMER, TOKEN, signature)


@pytest.mark.parametrize("body", ['{"a": 1}', b'{"a": 1}', '{"name": "Ærøskøbing 語"}'])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_json_arrives_whole_and_hashed(service, client, method, body):
    client.request(f"{service.origin}/?b=2", method, body, {"Content-Type": JSON})
    assert service.last.body == (body.encode() if isinstance(body, str) else body)
    assert json.loads(service.last.body)
    assert service.last.header("Content-Type") == JSON
    assert places(service.last) == {HEADER}
    assert verify(service.last, server(body_hash_required=True)) == {"b": "2"}


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_binary_arrives_whole_and_hashed(service, client, kind):
    client.request(service.origin, "PUT", kind(bytes(range(256))), {"Content-Type": "application/octet-stream"})
    assert service.last.body == bytes(range(256))
    verify(service.last, server(body_hash_required=True))


def test_multipart_arrives_whole_and_hashed(service, client):
    body = b'--sep\r\nContent-Disposition: form-data; name="oauth_token"\r\n\r\n\xff\r\n--sep--\r\n'
    client.request(service.origin, "POST", body, {"Content-Type": "multipart/form-data; boundary=sep"})
    assert service.last.body == body
    assert service.last.header("Content-Type") == "multipart/form-data; boundary=sep"
    assert header_of(service.last)["oauth_token"] == "token"
    verify(service.last, server(body_hash_required=True))


@pytest.mark.parametrize("body", [None, b"", ""])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_there_may_be_no_body(service, client, method, body):
    client.request(service.origin, method, body)
    assert own_part(service.last.body) == b""
    assert places(service.last) == {{"GET": QUERY, "POST": BODY}.get(method, HEADER)}
    assert verify(service.last) == {}


def test_a_get_with_a_form_is_signed_in_it(service, client):
    client.request(service.origin, "GET", "a=1", {"Content-Type": FORM})
    assert places(service.last) == {BODY}
    assert verify(service.last) == {"a": "1"}


def test_a_get_that_names_a_content_type_has_no_form(service, client):
    client.request(service.origin, "GET", headers={"Content-Type": FORM})
    assert places(service.last) == {QUERY}
    assert service.last.body == b""
    verify(service.last)


# --- bodies that are files or iterators --------------------------------------------

LONG = bytes(range(256)) * 5000  # This body is hashed in several chunks.


def test_a_file_is_hashed_and_arrives_whole(service, client, tmp_path):
    path = tmp_path / "photo"
    path.write_bytes(LONG)
    with path.open("rb") as file:
        client.request(service.origin, "POST", file, {"Content-Type": "image/jpeg"})
    assert service.last.body == LONG
    assert service.last.header("Content-Type") == "image/jpeg"
    digest = base64.b64encode(hashlib.sha1(LONG).digest()).decode()
    assert header_of(service.last)["oauth_body_hash"] == digest
    verify(service.last)


def test_a_file_is_sent_from_where_it_stands(service, client):
    file = io.BytesIO(b"not this:this")
    file.seek(9)
    client.request(service.origin, "PUT", file)
    assert service.last.body == b"this"
    verify(service.last, server(body_hash_required=True))


def test_a_file_without_content_type_is_no_form(service, client):
    client.request(service.origin, "POST", io.BytesIO(b"a=1"))
    assert service.last.header("Content-Type") is None
    assert places(service.last) == {HEADER}
    verify(service.last, server(body_hash_required=True))


class Spooled:
    """A file whose class is not from io, and whose seek() returns None."""

    def __init__(self, octets):
        self.file = io.BytesIO(octets)
        self.read, self.tell = self.file.read, self.file.tell

    def seek(self, *arguments):
        self.file.seek(*arguments)

    def seekable(self):
        return True


@pytest.mark.parametrize("placement", [HEADER, QUERY])
@pytest.mark.parametrize("kind", [io.BytesIO, Spooled])
@pytest.mark.parametrize(("start", "length"), [(0, "9"), (5, "4"), (9, "0"), (20, "0")])
def test_a_file_is_sent_with_its_length(service, kind, start, length, placement):
    service.routes["/start"] = redirect(307, "/end")
    file = kind(b"not this!")
    file.seek(start)
    with opened(placement=placement) as client:
        client.follow_all_redirects = True
        client.request(f"{service.origin}/start", "PUT", file, {"Content-Type": "image/jpeg"})
    assert [received.path for received in service.requests] == ["/start", "/end"]
    for received in service.requests:
        assert (received.header("Content-Length"), received.header("Transfer-Encoding")) == (length, None)
        assert received.body == b"not this!"[start:]


@pytest.mark.parametrize("headers", [{"content-length": "4"}, {b"Content-Length": b"4"}])
def test_a_length_of_the_callers_own_is_sent(service, client, headers):
    client.request(service.origin, "PUT", io.BytesIO(b"this and more"), headers)
    assert service.last.header("Content-Length") == "4"
    assert service.last.body == b"this"


@pytest.mark.parametrize("file", [io.StringIO("é"), io.BufferedReader(io.BytesIO(b"x"))])
def test_a_file_of_text_is_sent_in_chunks(service, file):
    is_text = isinstance(file, io.TextIOBase)
    with opened(body_hash=False) as client:
        client.request(service.origin, "PUT", file)
    assert (service.last.header("Transfer-Encoding") == "chunked") == is_text
    assert (service.last.header("Content-Length") is None) == is_text


def test_a_length_of_the_callers_own_is_not_that_of_a_form(service, client):
    headers = {"Content-Type": FORM, "Content-Length": "3"}
    client.request(service.origin, "POST", io.BytesIO(b"a=1"), headers)
    assert service.last.header("Content-Length") == str(len(service.last.body))
    assert verify(service.last) == {"a": "1"}


def test_a_file_may_hold_a_form(service, client):
    client.request(service.origin, "POST", io.BytesIO(b"a=1&b=2"), {"Content-Type": FORM})
    assert places(service.last) == {BODY}
    assert verify(service.last) == {"a": "1", "b": "2"}


def chunks():
    yield b"one "
    yield b""
    yield b"two"


def test_a_body_that_is_read_once_has_no_hash(service, client):
    with pytest.raises(TypeError, match="body"):
        client.request(service.origin, "POST", chunks())
    assert service.requests == []


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "7"}, {"Transfer-Encoding": "chunked"}])
def test_a_body_that_is_read_once_is_sent_without_its_hash(service, headers):
    body = chunks()
    if headers.get("Transfer-Encoding"):  # With this header, the caller must encode the chunks.
        body = (b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (b"one ", b"two", b""))
    with opened(body_hash=False) as client:
        client.request(service.origin, "POST", body, headers)
    assert service.last.body == b"one two"
    assert "oauth_body_hash" not in header_of(service.last)
    verify(service.last)


def pipe_with(octets):
    reading, writing = os.pipe()
    os.write(writing, octets)
    os.close(writing)
    return os.fdopen(reading, "rb")


def test_a_pipe_has_no_hash(service, client):
    with pipe_with(b"piped") as pipe, pytest.raises(TypeError, match="body"):
        client.request(service.origin, "POST", pipe, {"Content-Type": "text/plain"})
    assert service.requests == []


def test_a_pipe_is_sent_without_its_hash(service):
    with opened(body_hash=False) as client, pipe_with(b"piped") as pipe:
        client.request(service.origin, "POST", pipe, {"Content-Type": "text/plain"})
    assert service.last.body == b"piped"
    verify(service.last)


def test_a_body_may_come_from_another_request_of_the_same_client(service):
    with Loopback() as source, opened(body_hash=False) as client:

        def copied():
            yield client.request(f"{source.origin}/original")[1]

        client.request(f"{service.origin}/copy", "PUT", copied())
    assert source.last.path == "/original"
    assert verify(source.last) == {}
    assert (service.last.method, service.last.body) == ("PUT", b"ok")
    verify(service.last)


# --- placement --------------------------------------------------------------------


@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_the_protocol_parameters_of_a_form_go_where_placement_says(service, method, placement):
    with opened(placement=placement) as client:
        client.request(f"{service.origin}/?a=1", method, "b=2", {"Content-Type": FORM})
    assert places(service.last) == {placement}
    assert own_part(service.last.body) == b"b=2"
    assert verify(service.last) == {"a": "1", "b": "2"}


@pytest.mark.parametrize("placement", [HEADER, QUERY])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_the_protocol_parameters_of_json_go_where_placement_says(service, method, placement):
    with opened(placement=placement) as client:
        client.request(service.origin, method, "[1]", {"Content-Type": JSON})
    assert places(service.last) == {placement}
    assert service.last.body == b"[1]"
    verify(service.last, server(body_hash_required=True))


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_without_a_body_placement_in_the_body_creates_a_form(service, method):
    with opened(placement=BODY) as client:
        client.request(service.origin, method)
    assert places(service.last) == {BODY}
    assert service.last.header("Content-Type") == FORM
    assert verify(service.last) == {}


def test_placement_in_the_body_requires_a_form(service):
    with opened(placement=BODY) as client, pytest.raises(ValueError, match="placement"):
        client.request(service.origin, "POST", "[1]", {"Content-Type": JSON})
    assert service.requests == []


@pytest.mark.parametrize("placement", [None, QUERY, BODY])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_force_auth_header_overrides_the_placement(service, placement, method):
    with opened(placement=placement) as client:
        client.request(f"{service.origin}/?b=2", method, force_auth_header=True)
        client.request(f"{service.origin}/?b=2", method, "a=1", {"Content-Type": FORM}, force_auth_header=True)
    first, second = service.requests
    assert places(first) == places(second) == {HEADER}
    assert verify(first) == {"b": "2"}
    assert verify(second) == {"b": "2", "a": "1"}
    assert (first.body, second.body) == (b"", b"a=1")


@pytest.mark.parametrize("placement", [None, HEADER, QUERY, BODY])
@pytest.mark.parametrize("name", ["oauth_callback", "oauth_verifier", "oauth_unheard_of"])
@pytest.mark.parametrize("given_in", [QUERY, BODY])
def test_the_callers_own_protocol_parameters_join_the_others(service, placement, name, given_in):
    added = f"{name}=http%3A%2F%2Fa.example%2F%3Fb%3Dc%2Bd"
    url, form = f"{service.origin}/?x=1", "y=2"
    url, form = (f"{url}&{added}", form) if given_in == QUERY else (url, f"{added}&{form}")
    with opened(placement=placement) as client:
        client.request(url, "POST", form)
    assert places(service.last) == {placement or BODY}
    assert service.last.request()[name] == "http://a.example/?b=c+d"
    assert verify(service.last) == {"x": "1", "y": "2"}


def test_a_callback_in_the_query_of_a_get_stays_in_its_query(service, client):
    client.request(f"{service.origin}/?oauth_callback=oob&x=1")
    assert service.last.query.startswith("x=1&oauth_")
    assert service.last.query.count("oauth_callback=oob") == 1
    assert verify(service.last) == {"x": "1"}


def test_the_protocol_parameters_of_an_earlier_signature_are_replaced(service, client):
    client.request(f"{service.origin}/?oauth_signature=old&oauth_signature_method=OLD&oauth_body_hash=old&x=1")
    assert "old" not in service.last.query.lower()
    assert verify(service.last) == {"x": "1"}


# --- headers ----------------------------------------------------------------------


@pytest.mark.parametrize("uri", ["/", "/path?query"])
def test_the_realm_is_scheme_and_host(service, uri):
    with opened(placement=HEADER) as client:
        client.request(service.origin + uri)
    assert service.last.header("Authorization").startswith(f'OAuth realm="{service.origin}", oauth_')


@pytest.mark.parametrize(("realm", "sent"), [("Photos", "Photos"), ('my "own"', 'my \\"own\\"'), ("", "")])
def test_the_realm_may_be_given(service, realm, sent):
    with opened(placement=HEADER, realm=realm) as client:
        client.request(service.origin)
    assert service.last.header("Authorization").startswith(f'OAuth realm="{sent}", oauth_')
    assert header_of(service.last)["realm"] == realm
    verify(service.last)


def test_the_realm_may_be_left_out(service):
    with opened(placement=HEADER, realm=None) as client:
        client.request(service.origin)
    assert service.last.header("Authorization").startswith("OAuth oauth_")
    verify(service.last)


def test_a_realm_cannot_break_the_header(service):
    with pytest.raises(ValueError, match="realm"):
        opened(placement=HEADER, realm="a\r\nX-Evil: 1")
    with opened(placement=HEADER) as client:
        client.realm = "a\r\nX-Evil: 1"
        with pytest.raises(ValueError, match="realm"):
            client.request(service.origin)
    assert service.requests == []


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("headers", [{"X-Own": "1"}, {"Authorization": "Basic eDp5"}, {"Content-Type": FORM}, {}])
def test_the_callers_headers_are_not_changed(service, method, headers):
    before = dict(headers)
    with opened(placement=HEADER) as client:
        client.request(service.origin, method, "a=1", headers)
    assert headers == before
    assert places(service.last) == {HEADER}
    verify(service.last)


def test_headers_of_the_callers_own_arrive(service, client):
    client.request(service.origin, headers={"X-Own": "1", b"X-Octets": b"2"})
    assert (service.last.header("X-Own"), service.last.header("X-Octets")) == ("1", "2")


@pytest.mark.parametrize("name", ["authorization", "AUTHORIZATION", b"Authorization"])
def test_one_authorization_header_is_sent(service, name):
    with opened(placement=HEADER) as client:
        client.request(service.origin, headers={name: "Basic eDp5"})
    verify(service.last)


@pytest.mark.parametrize("name", ["Content-Type", "content-type", b"CONTENT-TYPE"])
@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", f"{FORM}; charset=x"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_the_content_type_is_never_changed(service, client, method, content_type, name):
    value = content_type.encode() if isinstance(name, bytes) else content_type
    client.request(service.origin, method, "a=1", {name: value})
    assert service.last.header("Content-Type") == content_type
    verify(service.last)


# --- signature methods and body hash ----------------------------------------------

KEYED = [
    pytest.param(method_class(name), name.partition("-")[2].lower(), id=name)
    for name in MODULES
    if not name.startswith("PLAINTEXT")
]


def make(cls):
    return cls(private_octets(rsa_key())) if cls.name.startswith("RSA") else cls()


@pytest.mark.parametrize(("cls", "digest"), KEYED)
def test_every_method_signs_what_a_server_accepts(service, client, cls, digest):
    method = make(cls)
    client.set_signature_method(method)
    client.request(f"{service.origin}/?a=1")
    client.request(service.origin, "POST", "b=2")
    client.request(service.origin, "PUT", "[3]", {"Content-Type": JSON})
    first, second, third = service.requests
    by = server(method, body_hash_required=True)
    assert (verify(first, by), verify(second, by), verify(third, by)) == ({"a": "1"}, {"b": "2"}, {})
    assert first.request()["oauth_signature_method"] == cls.name
    body_hash = base64.b64encode(hashlib.new(digest, b"[3]").digest()).decode()
    assert header_of(third)["oauth_body_hash"] == body_hash


def test_a_method_of_the_users_own_signs(service, client):
    class Reversed(oauth2.SignatureMethod):
        name = "REVERSED"

        def sign(self, request, consumer, token):
            return request.get_normalized_parameters()[::-1]

    client.set_signature_method(Reversed())
    client.request(f"{service.origin}/?a=1")
    assert verify(service.last, server(Reversed())) == {"a": "1"}


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_the_body_hash_may_be_left_out(service, method):
    with opened(body_hash=False, placement=HEADER) as client:
        client.request(service.origin, method, "[1]", {"Content-Type": JSON})
    assert "oauth_body_hash" not in header_of(service.last)
    verify(service.last)
    with pytest.raises(oauth2.Error, match="oauth_body_hash"):
        verify(service.last, server(body_hash_required=True))


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_a_request_without_body_is_accepted_where_a_body_hash_is_required(service, client, method):
    client.request(service.origin, method)
    assert verify(service.last, server(body_hash_required=True)) == {}
    assert "oauth_body_hash" not in service.last.request()


def test_plaintext_is_refused_over_http_on_both_sides(service, client):
    client.set_signature_method(oauth2.SignatureMethod_PLAINTEXT())
    with pytest.raises(ValueError, match="PLAINTEXT") as caught:
        client.request(service.origin)
    assert "secr" not in str(caught.value).replace("secrets", "")
    assert service.requests == []

    client.set_signature_method(oauth2.SignatureMethod_PLAINTEXT_OVER_HTTP())
    client.request(f"{service.origin}/?a=1")
    with pytest.raises(oauth2.Error, match="plain http"):
        verify(service.last, server(oauth2.SignatureMethod_PLAINTEXT()))
    assert verify(service.last, server(oauth2.SignatureMethod_PLAINTEXT_OVER_HTTP())) == {"a": "1"}


def test_plaintext_goes_over_https(tmp_path):
    certificate = self_signed(tmp_path)
    with Loopback(certificate) as service, opened(ca_certs=certificate) as client:
        client.set_signature_method(oauth2.SignatureMethod_PLAINTEXT())
        client.request(f"{service.origin}/?a=1")
    assert verify(service.last, server(oauth2.SignatureMethod_PLAINTEXT())) == {"a": "1"}


def test_each_request_has_a_nonce_of_its_own(service, client):
    by = server()
    for _ in range(5):
        client.request(service.origin)
        verify(service.last, by)
    with pytest.raises(oauth2.Error, match="nonce"):
        verify(service.last, by)


# --- the object -------------------------------------------------------------------


def test_a_client_has_its_credentials_and_method(client):
    assert isinstance(client, httplib2.Http)
    assert (client.consumer, client.token) == (CONSUMER, TOKEN)
    assert isinstance(client.method, oauth2.SignatureMethod_HMAC_SHA1)
    method = oauth2.SignatureMethod_HMAC_SHA256()
    client.set_signature_method(method)
    assert client.method is method


def test_credentials_may_be_changed_later(service, client):
    client.consumer, client.token = oauth2.Consumer("other", "secret"), None
    client.request(service.origin)
    verify(service.last, consumer=client.consumer, token=None)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("consumer",), "consumer"),
        ((object(),), "consumer"),
        ((CONSUMER, "token"), "token"),
        ((CONSUMER, object()), "token"),
    ],
)
def test_wrong_credentials_are_refused(arguments, name):
    with pytest.raises(ValueError, match=name):
        oauth2.Client(*arguments)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("placement", "cookie"),
        ("realm", 5),
        ("realm", str),
        ("clock", time.time),
        ("clock", Clock),
        ("clock", 0),
    ],
)
def test_a_wrong_option_is_refused_when_the_client_is_built(option, value):
    with pytest.raises(ValueError, match=f"^{option}: "):
        oauth2.Client(CONSUMER, **{option: value})


@pytest.mark.parametrize("arguments", [(oauth2.Consumer,), (CONSUMER, oauth2.Token)])
def test_a_class_is_no_credentials(arguments):
    with pytest.raises(ValueError, match=r"Invalid (consumer|token)"):
        oauth2.Client(*arguments)


def test_a_client_without_a_consumer_says_so_when_a_request_is_sent(service):
    with opened(None, None) as client, pytest.raises(ValueError, match=r"^consumer: "):
        client.request(service.origin)


def test_the_signature_method_may_be_an_option(service):
    method = oauth2.SignatureMethod_HMAC_SHA256()
    with opened(signature_method=method) as client:
        assert client.method is method
        client.request(service.origin)
    verify(service.last, server(method))


@pytest.mark.parametrize("method", ["HMAC-SHA1", oauth2.SignatureMethod_HMAC_SHA1, 0])
def test_a_wrong_signature_method_is_refused_as_an_option(method):
    with pytest.raises(ValueError, match="method"):
        oauth2.Client(CONSUMER, signature_method=method)


@pytest.mark.parametrize("method", [None, "HMAC-SHA1", oauth2.SignatureMethod_HMAC_SHA1])
def test_a_wrong_signature_method_is_refused(client, method):
    with pytest.raises(ValueError, match="method"):
        client.set_signature_method(method)


# --- features of httplib2 ---------------------------------------------------------


def test_a_cached_answer_is_used_again(service, tmp_path):
    service.routes["/fresh"] = Answer(200, {"Cache-Control": "max-age=600"}, b"fresh")
    with opened(placement=HEADER, cache=str(tmp_path / "cache")) as client:
        first, _ = client.request(f"{service.origin}/fresh")
        second, content = client.request(f"{service.origin}/fresh")
    assert (first.fromcache, second.fromcache, content) == (False, True, b"fresh")
    assert len(service.requests) == 1


def test_a_cached_answer_serves_an_unsigned_request_too(service, tmp_path):
    service.routes["/fresh"] = Answer(200, {"Cache-Control": "max-age=600"}, b"fresh")
    with opened(placement=HEADER, cache=str(tmp_path / "cache")) as client:
        client.request(f"{service.origin}/fresh")
        response, content = httplib2.Http.request(client, f"{service.origin}/fresh")
    assert (response.fromcache, content) == (True, b"fresh")


def test_a_cached_answer_is_validated_by_a_signed_request(service, tmp_path):
    def answer(received):
        known = received.header("If-None-Match") == '"v1"'
        return Answer(304 if known else 200, {"ETag": '"v1"'}, b"" if known else b"content")

    service.routes["/"] = answer
    by = server()
    with opened(placement=HEADER, cache=str(tmp_path / "cache")) as client:
        for _ in range(2):
            response, content = client.request(f"{service.origin}/")
            assert (response.status, content) == (200, b"content")
            verify(service.last, by)
    assert len(service.requests) == 2


def test_a_timeout_ends_the_wait(service):
    done = threading.Event()
    service.routes["/"] = lambda _: Answer(body=str(done.wait(10)).encode())
    with closing(oauth2.Client(CONSUMER, timeout=0.1, proxy_info=None)) as client:
        with pytest.raises(TimeoutError):
            client.request(f"{service.origin}/")
        done.set()


def test_redirects_can_be_disabled(service, client):
    service.routes["/"] = redirect(302, "/elsewhere")
    client.follow_redirects = False
    response, content = client.request(f"{service.origin}/")
    assert (response.status, response["location"], content) == (302, "/elsewhere", b"elsewhere")
    assert len(service.requests) == 1


def test_no_redirects_at_all_is_httplib2s_redirect_limit(service, client):
    service.routes["/"] = redirect(302, "/elsewhere")
    with pytest.raises(httplib2.RedirectLimit):
        client.request(f"{service.origin}/", redirections=0)
    assert len(service.requests) == 1


def test_a_patched_normalize_headers_is_called(service, client, monkeypatch):
    def keep_case(self, headers):
        return {name.title(): value for name, value in headers.items()}

    monkeypatch.setattr(httplib2.Http, "_normalize_headers", keep_case)
    client.request(service.origin, "POST", "a=1", {"x-own": "1"})
    assert ("X-Own", "1") in service.last.headers
    assert verify(service.last) == {"a": "1"}


def rename(self, headers, normalize=httplib2.Http._normalize_headers):
    fields = normalize(self, headers)
    return {name.replace("authorization", "Authorization"): value for name, value in fields.items()}


def repeat(self, headers, normalize=httplib2.Http._normalize_headers):
    fields = normalize(self, headers)
    authorization = fields.pop("authorization", "")
    return {"AUTHORIZATION": authorization, **fields, b"Authorization": "", "authorization": authorization}


def leave_out(self, headers):
    return {name.lower(): value for name, value in headers.items() if name != "Authorization"}


@pytest.mark.parametrize(
    ("patch", "name"), [(rename, "Authorization"), (repeat, "AUTHORIZATION"), (leave_out, "Authorization")]
)
@pytest.mark.parametrize("own", [{}, {"Authorization": "Basic eDp5"}, {"authorization": "OAuth old"}])
def test_one_authorization_header_is_sent_whatever_a_patch_does(service, monkeypatch, patch, name, own):
    def hang_up(_):
        del service.routes["/again"]
        return HANG_UP

    service.routes["/start"] = redirect(302, "/end")
    monkeypatch.setattr(httplib2.Http, "_normalize_headers", patch)
    with opened(placement=HEADER) as client:
        client.request(f"{service.origin}/start", headers=own)
        # The server closes a kept-alive connection, so httplib2 resends the request.
        service.routes["/again"] = hang_up
        client.request(f"{service.origin}/again", headers=own)
    assert [received.path for received in service.requests] == ["/start", "/end", "/again", "/again"]
    by = server()
    for received in service.requests:
        lines = [field for field in received.headers if field[0].lower() == "authorization"]
        assert [field for field, _ in lines] == [name]
        verify(received, by)


@pytest.mark.parametrize("patch", [rename, repeat])
def test_a_basic_header_is_sent_once_whatever_a_patch_does(service, client, monkeypatch, patch):
    monkeypatch.setattr(httplib2.Http, "_normalize_headers", patch)
    client.request(service.origin, headers={"authorization": "Basic eDp5"})
    assert service.last.header("Authorization") == "Basic eDp5"
    verify(service.last)


def test_httplib2s_request_is_called_with_the_keywords_of_1_9(service, client, monkeypatch):
    send, calls = httplib2.Http.request, []

    def request(self, uri, *args, **kwargs):
        calls.append((args, kwargs))
        return send(self, uri, *args, **kwargs)

    monkeypatch.setattr(httplib2.Http, "request", request)
    client.request(service.origin, "PUT", b"[1]", {"Content-Type": JSON}, redirections=3)
    ((args, kwargs),) = calls
    assert args == ()
    assert list(kwargs) == ["method", "body", "headers", "redirections", "connection_type"]
    assert (kwargs["method"], kwargs["body"], kwargs["redirections"]) == ("PUT", b"[1]", 3)
    verify(service.last)


def test_a_connection_type_is_used(service, client):
    class Connection(httplib2.HTTPConnectionWithTimeout):
        def putheader(self, header, *values):
            super().putheader(header.upper(), *values)

    client.request(service.origin, connection_type=Connection)
    assert "USER-AGENT" in dict(service.last.headers)
    verify(service.last)


def test_httplib2s_own_request_is_not_signed(service, client):
    httplib2.Http.request(client, f"{service.origin}/?a=1", "POST", "b=2", {"Authorization": "Basic eDp5"})
    assert (service.last.target, service.last.body) == ("/?a=1", b"b=2")
    assert service.last.header("Authorization") == "Basic eDp5"
    client.request(service.origin)
    verify(service.last)


def test_after_an_exception_the_client_can_be_used(service, client):
    with Loopback() as gone:
        pass
    with pytest.raises(OSError):
        client.request(gone.origin)
    client.request(service.origin)
    verify(service.last)


def test_a_connection_is_kept(service, client):
    by = server()
    for body in ("a=1", "a=2", None):
        client.request(service.origin, "POST", body)
        verify(service.last, by)
    assert len({received.port for received in service.requests}) == 1


def test_threads_share_a_client_while_a_redirect_is_under_way(service, client):
    # httplib2 has one connection for each origin, and two threads cannot use one connection at the same time. Therefore
    # the threads use two origins.
    reached, go_on = threading.Event(), threading.Event()

    def slow(_):
        reached.set()
        assert go_on.wait(10)
        return redirect(302, "/end")

    service.routes["/start"] = slow
    thread = threading.Thread(target=client.request, args=(f"{service.origin}/start?a=1",))
    thread.start()
    with Loopback() as other:
        assert reached.wait(10)
        other.routes["/start"] = redirect(307, f"{other.origin}/end?c=3")
        client.request(f"{other.origin}/start?b=2", "POST", "d=4", headers={"Cookie": "mine"}, force_auth_header=True)
        client.request(f"{other.origin}/more?b=2")
        go_on.set()
        thread.join(10)
    by = server()
    assert verify(other.arrived("/start"), by) == {"b": "2", "d": "4"}
    assert other.arrived("/start").header("Cookie") == "mine"
    assert verify(other.arrived("/more"), by) == {"b": "2"}
    assert verify(service.arrived("/start"), by) == {"a": "1"}
    assert verify(service.arrived("/end"), by) == {}


def test_two_clients_do_not_mix(service, client):
    # Another client sends a request while a request of this client is in flight. Each request must be signed by the
    # client that sends it.
    other_consumer = oauth2.Consumer("other", "secret")
    with Loopback() as second, opened(other_consumer, None) as other:

        class Connection(httplib2.HTTPConnectionWithTimeout):
            def connect(self):
                other.request(f"{second.origin}/inner")
                super().connect()

        client.request(f"{service.origin}/outer", connection_type=Connection)
    verify(second.last, consumer=other_consumer, token=None)
    verify(service.last)


# --- subclasses that do not call super().__init__() ------------------------------


class Bare(oauth2.Client):
    """A subclass as in programs for python-oauth2 1.9."""

    def __init__(self, **options):
        httplib2.Http.__init__(self, timeout=10, proxy_info=None, **options)
        self.consumer, self.token, self.method = CONSUMER, TOKEN, oauth2.SignatureMethod_HMAC_SHA256()


def test_a_subclass_that_calls_httplib2_alone_signs_as_any_other(service):
    with closing(Bare()) as client:
        response, _ = client.request(service.origin + "/a?b=1", "PUT", body=b"{}", headers={"Content-Type": JSON})
    assert response.status == 200
    (received,) = service.requests
    assert verify(received, server(oauth2.SignatureMethod_HMAC_SHA256())) == {"b": "1"}
    assert header_of(received)["realm"] == service.origin
    assert "oauth_body_hash" in header_of(received)


def test_every_attribute_of_a_client_has_the_constructors_default():
    bare = oauth2.Client.__new__(oauth2.Client)
    httplib2.Http.__init__(bare, timeout=10, proxy_info=None)
    with opened() as client:
        for name in set(vars(client)) - {"consumer", "token"}:
            assert type(getattr(bare, name)) is type(getattr(client, name)), name
            if name in ("realm", "placement", "body_hash", "method", "cache"):
                assert getattr(bare, name) == getattr(client, name)
    assert (bare.consumer, bare.token) == (None, None)
    assert isinstance(bare.method, oauth2.SignatureMethod_HMAC_SHA1)


def test_clients_without_our_constructor_share_no_clock():
    first, second = Bare(), Bare()
    first.clock.set(1_700_000_000)
    assert first.clock is first.clock
    assert abs(second.clock.offset) == 0
