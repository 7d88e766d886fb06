"""``sign_outgoing`` and its helper functions, without I/O."""

import io

import pytest

import oauth2
from oauth2._sending.outgoing import Outgoing, _take_apart, sign_outgoing, without_credentials, write_authorization
from oauth2._sending.signer import BODY, HEADER, ORIGIN, QUERY, Signer
from oauth2._sending.uri import COMPUTED, origin, take_protocol
from oauth2._wire.form import parse_form_as_sent
from oauth2._wire.pairs import group_pairs
from oauth2.encoding import percent_encode
from oauth2.errors import InvalidURL
from oauth2.parameters import body_hash, build_form, parse_authorization_header, parse_form

CONSUMER = oauth2.Consumer("key", "secret")
TOKEN = oauth2.Token("token", "token secret")
HMAC = oauth2.SignatureMethod_HMAC_SHA1()
URI = "https://api.example/photos"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
PROTOCOL = {
    "oauth_consumer_key",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_version",
    "oauth_token",
    "oauth_signature_method",
    "oauth_signature",
}


def sign(outgoing, consumer, token, method, *, placement=None, realm=ORIGIN, body_hash=True, **sending):
    signer = Signer(
        consumer=consumer, token=token, signature_method=method, placement=placement, realm=realm, body_hash=body_hash
    )
    return sign_outgoing(outgoing, signer, **sending)


def signed(method="GET", uri=URI, body=None, content_type="", *, host="", **options):
    outgoing = Outgoing(method, uri, body, content_type, host=host)
    before = str(tuple(outgoing))
    result = sign(outgoing, CONSUMER, TOKEN, HMAC, **options)
    assert str(tuple(outgoing)) == before
    return result


def found_in(outgoing):
    """Return the protocol parameters of each place, as pairs."""
    header = [pair for pair in parse_authorization_header(outgoing.authorization or "OAuth") if pair[0] != "realm"]
    form = outgoing.body if outgoing.content_type == FORM and isinstance(outgoing.body, (str, bytes)) else ""
    everywhere = {
        HEADER: header,
        QUERY: parse_form_as_sent(outgoing.uri.partition("#")[0].partition("?")[2]),
        BODY: parse_form_as_sent(form),
    }
    places = {place: [pair for pair in pairs if pair[0].startswith("oauth_")] for place, pairs in everywhere.items()}
    return {place: pairs for place, pairs in places.items() if pairs}


def the_place(outgoing):
    ((place, pairs),) = found_in(outgoing).items()
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names))
    assert outgoing.protocol == set(names)
    return place


# --- all protocol parameters in one place -----------------------------------------


@pytest.mark.parametrize(
    ("method", "body", "content_type", "place"),
    [
        ("GET", None, "", QUERY),
        ("get", b"", "", QUERY),
        ("HEAD", None, "", HEADER),
        ("HEAD", None, FORM, HEADER),
        ("GET", None, FORM, QUERY),
        ("GET", "a=1", FORM, BODY),
        ("POST", None, FORM, BODY),
        ("POST", b"", FORM, BODY),
        ("POST", "a=1", FORM, BODY),
        ("POST", "a=1", "", HEADER),
        ("POST", "{}", JSON, HEADER),
        ("DELETE", None, "", HEADER),
        ("DELETE", None, FORM, BODY),
        ("PUT", b"a=1", FORM, BODY),
    ],
)
def test_the_place_is_that_of_1_9_unless_given(method, body, content_type, place):
    result = signed(method, body=body, content_type=content_type)
    assert the_place(result) == place
    assert (result.method, result.content_type) == (method, content_type)


@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("body", [None, "", b"", "a=1", b"a=1"])
def test_the_place_of_a_form_may_be_given(method, body, placement):
    result = signed(method, body=body, content_type=FORM, placement=placement)
    assert the_place(result) == placement
    assert (result.authorization is not None) == (placement == HEADER)


def test_only_the_header_has_an_authorization():
    assert signed(placement=QUERY).authorization is None
    assert signed("POST", content_type=FORM).authorization is None
    assert signed(placement=HEADER).authorization.startswith("OAuth ")
    assert signed(placement=HEADER).uri == URI


def test_without_a_body_placement_in_the_body_creates_a_form():
    for body in (None, "", b""):
        result = signed("POST", body=body, placement=BODY)
        assert result.content_type == FORM
        assert the_place(result) == BODY


@pytest.mark.parametrize(("body", "content_type"), [("{}", JSON), (b"x", ""), (None, JSON), (io.BytesIO(b"x"), "")])
def test_placement_in_the_body_requires_a_form(body, content_type):
    with pytest.raises(ValueError, match="placement"):
        signed("POST", body=body, content_type=content_type, placement=BODY)


def test_the_protocol_parameters_are_those_of_the_rfc():
    assert signed(placement=HEADER, body_hash=False).protocol == PROTOCOL
    assert signed("PUT", body="{}", placement=HEADER).protocol == PROTOCOL | {"oauth_body_hash"}
    without_token = sign(Outgoing("GET", URI), CONSUMER, None, HMAC, body_hash=False)
    assert without_token.protocol == PROTOCOL - {"oauth_token"}


# --- the caller's own protocol parameters -----------------------------------------


@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
@pytest.mark.parametrize("given_in", [QUERY, BODY])
@pytest.mark.parametrize("written", ["oauth_callback=a%20b", "oauth%5Fcallback=a+b", "%6fauth_callback=a%20b"])
def test_the_callers_protocol_parameters_go_to_the_place_of_the_others(placement, given_in, written):
    uri, form = (f"{URI}?x=1&{written}", "y=2") if given_in == QUERY else (f"{URI}?x=1", f"{written}&y=2")
    result = signed("POST", uri, form, FORM, placement=placement)
    assert the_place(result) == placement
    assert ("oauth_callback", "a b") in found_in(result)[placement]
    assert result.uri.startswith(f"{URI}?x=1")
    assert result.body.startswith("y=2")


def test_the_callers_protocol_parameters_can_be_in_query_and_form():
    result = signed("POST", f"{URI}?oauth_callback=oob", "oauth_verifier=1", FORM)
    assert {"oauth_callback", "oauth_verifier"} < result.protocol
    assert result.uri == URI


@pytest.mark.parametrize("name", ["oauth_signature", "oauth_signature_method", "oauth_body_hash"])
@pytest.mark.parametrize("more", ["", "&oauth_callback=oob"])
def test_parameters_that_signing_computes_are_not_taken_from_the_caller(name, more):
    for result in (signed(uri=f"{URI}?{name}=old{more}"), signed("POST", body=f"{name}=old{more}", content_type=FORM)):
        ((_, pairs),) = found_in(result).items()
        assert (name, "old") not in pairs
        the_place(result)


def test_a_nonce_and_a_timestamp_of_the_callers_own_are_kept():
    result = signed(uri=f"{URI}?oauth_nonce=mine&oauth_timestamp=1234567890")
    assert {("oauth_nonce", "mine"), ("oauth_timestamp", "1234567890")} < set(found_in(result)[QUERY])


# --- unchanged octets of URL and body ---------------------------------------------

QUERIES = ["", "a=1", "b&b=&c=+%20", "a=1&&b=2&", "a=100%25zz", "a=%92&", "p=!$'()*,;:@/?", "%c3%a9=%7e"]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_a_query_stays(query, placement):
    result = signed(uri=f"{URI}?{query}#top", placement=placement)
    if placement == HEADER:
        assert result.uri == f"{URI}?{query}#top"
    else:
        assert result.uri.startswith(f"{URI}?{query}")
        assert result.uri.endswith("#top")
        assert "#" not in result.uri[:-4]


@pytest.mark.parametrize("form", QUERIES)
@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
@pytest.mark.parametrize("kind", [str, str.encode, lambda text: io.BytesIO(text.encode())])
def test_a_form_stays(form, placement, kind):
    body = signed("POST", body=kind(form), content_type=FORM, placement=placement).body
    text = body if isinstance(body, str) else body.decode()
    if placement == BODY:
        assert text.startswith(form)
    else:
        assert text == form


@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
@pytest.mark.parametrize(
    ("form", "sent"),
    [
        (b"a=\xff\xfe&b=\x80%92", b"a=%FF%FE&b=%80%92"),
        ("a=é b&[c]=", b"a=%C3%A9%20b&%5Bc%5D="),
        ("a=100%zz&b=%", "a=100%25zz&b=%25"),
        ("a=%c3%a9#\r\n", "a=%c3%a9%23%0D%0A"),
    ],
)
def test_characters_that_a_form_cannot_contain_are_encoded(form, sent, placement):
    body = signed("POST", body=form, content_type=FORM, placement=placement).body
    if placement == BODY:
        assert body.startswith(sent + (b"&oauth_" if isinstance(sent, bytes) else "&oauth_"))
    else:
        assert body == sent


@pytest.mark.parametrize(
    ("body", "kind"), [("a=1", str), ("a=é", bytes), (b"a=1", bytes), (bytearray(b"a=1"), bytes), (None, str)]
)
def test_a_form_is_text_only_if_it_was_ascii_text(body, kind):
    for placement in (HEADER, BODY):
        assert type(signed("POST", body=body, content_type=FORM, placement=placement).body) is kind


def test_a_body_that_is_no_form_stays():
    file = io.BytesIO(b"octets")
    assert signed("POST", body=file).body is file
    assert file.tell() == 0
    assert signed("POST", body="{}", content_type=JSON).body == "{}"
    assert signed("POST", body="é", content_type=JSON).body == "é".encode()
    assert signed("POST", body=memoryview(b"x")).body == b"x"
    assert signed("POST").body is None


@pytest.mark.parametrize(
    ("uri", "wire"),
    [
        ("https://api.example/é?q=ü x", "https://api.example/%C3%A9?q=%C3%BC%20x"),
        (b"https://api.example/\xc3\xa9", "https://api.example/%C3%A9"),
        ("https://api.example", "https://api.example"),
        ("https://api.example/a b\r\nX: y", "https://api.example/a%20b%0D%0AX:%20y"),
        ('https://api.example/"<>\\^`{|}[]', "https://api.example/%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D"),
        ("https://api.example?[q]={r}&%=5%4", "https://api.example?%5Bq%5D=%7Br%7D&%25=5%254"),
        ("http://[2001:db8::1]:80/[x]?%5b[#[y]", "http://[2001:db8::1]:80/%5Bx%5D?%5b%5B#%5By%5D"),
        ("http://[2001:db8::1]", "http://[2001:db8::1]"),
        ("https://joe:a|b@api.example/a/b?c/d#e?f#g", "https://joe:a|b@api.example/a/b?c/d#e?f%23g"),
        ("https://api.example/!$&'()*+,;=:@-._~%7e/?", "https://api.example/!$&'()*+,;=:@-._~%7e/?"),
    ],
)
def test_only_characters_that_a_uri_cannot_contain_are_encoded(uri, wire):
    assert signed(uri=uri, placement=HEADER).uri == wire


@pytest.mark.parametrize("uri", ["https://api.example/\ud800", "https://api.example/?\udcff"])
def test_a_uri_without_utf_8_form_is_refused(uri):
    with pytest.raises(InvalidURL, match="UTF-8"):
        signed(uri=uri)


@pytest.mark.parametrize("uri", ["", "api.example/x", "ftp://api.example/", "https://", "https:///x", "https://h:x/"])
def test_what_is_no_http_url_is_refused(uri):
    with pytest.raises(InvalidURL):
        signed(uri=uri)


# --- the signature ----------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "post", "PUT"])
@pytest.mark.parametrize(
    "uri", [URI, f"{URI}?b=2&a=1&a=%C3%A9", f"{URI}?a=100%zz", f"{URI}?", "https://API.example:443"]
)
@pytest.mark.parametrize("body", [None, "b=1&a=+", b"c=%92"])
@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
def test_the_signature_is_correct(method, uri, body, placement):
    result = signed(method, uri, body, FORM, placement=placement)
    pairs = [pair for pair in parse_authorization_header(result.authorization or "OAuth") if pair[0] != "realm"]
    request = oauth2.Request(
        method, result.uri, group_pairs([*pairs, *parse_form_as_sent(result.body or "")]), is_form_encoded=True
    )
    signature = dict(found_in(result)[placement])["oauth_signature"]
    assert HMAC.check(request, CONSUMER, TOKEN, signature)
    assert not HMAC.check(request, CONSUMER, None, signature)


@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_the_body_hash_is_that_of_the_method(placement):
    for method, digest in [
        (oauth2.SignatureMethod_HMAC_SHA1(), "sha1"),
        (oauth2.SignatureMethod_HMAC_SHA256(), "sha256"),
        (oauth2.SignatureMethod_HMAC_SHA512(), "sha512"),
        (oauth2.SignatureMethod_PLAINTEXT(), "sha1"),
    ]:
        result = sign(Outgoing("POST", URI, "é"), CONSUMER, TOKEN, method, placement=placement)
        assert ("oauth_body_hash", body_hash("é".encode(), digest)) in found_in(result)[placement]


@pytest.mark.parametrize("body", [None, "", b""])
@pytest.mark.parametrize("content_type", ["", JSON])
@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_the_empty_body_is_hashed_with_methods_that_usually_have_a_body(body, content_type, placement):
    for method in ("POST", "put", "PATCH", "X-OWN"):
        outgoing = signed(method, body=body, content_type=content_type, placement=placement)
        assert ("oauth_body_hash", body_hash(b"")) in found_in(outgoing)[placement]
    for method in ("GET", "get", "HEAD", "DELETE", "OPTIONS"):
        outgoing = signed(method, body=body, content_type=content_type, placement=placement)
        assert "oauth_body_hash" not in outgoing.protocol


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_a_body_has_a_hash_whatever_the_method(method):
    assert "oauth_body_hash" in signed(method, body=b"{}", content_type=JSON).protocol
    outgoing = sign(Outgoing(method, URI, hashed="aGFzaA=="), CONSUMER, TOKEN, HMAC)
    assert "oauth_body_hash" in outgoing.protocol


def test_a_signature_method_can_require_the_hash_of_the_empty_body():
    class Own(oauth2.SignatureMethod_HMAC_SHA256):
        hashes_no_body = True

    assert "oauth_body_hash" in sign(Outgoing("GET", URI), CONSUMER, TOKEN, Own()).protocol
    assert "oauth_body_hash" not in (sign(Outgoing("GET", URI), CONSUMER, TOKEN, Own(), body_hash=False).protocol)


def test_a_form_has_no_body_hash():
    for placement in (HEADER, QUERY, BODY):
        assert "oauth_body_hash" not in signed("POST", content_type=FORM, placement=placement).protocol


def test_a_body_that_can_be_read_once_is_refused_unless_no_hash_is_sent():
    body = iter([b"one", b"two"])
    with pytest.raises(TypeError, match="body"):
        signed("POST", body=body)
    assert signed("POST", body=body, body_hash=False).body is body
    assert list(body) == [b"one", b"two"]


def test_a_form_that_is_neither_text_nor_octets_is_refused():
    with pytest.raises(TypeError, match="body"):
        signed("POST", body=iter([b"a=1"]), content_type=FORM)


def test_plaintext_is_refused_over_plain_http():
    plaintext = oauth2.SignatureMethod_PLAINTEXT()
    for uri in ("http://api.example/", "HTTP://api.example/", "http://127.0.0.1/"):
        with pytest.raises(ValueError, match="plain http"):
            sign(Outgoing("GET", uri), CONSUMER, TOKEN, plaintext)
    for uri in ("https://api.example/", "HTTPS://api.example/"):
        assert "oauth_signature=secret%26token%2520secret" in (
            sign(Outgoing("GET", uri), CONSUMER, TOKEN, plaintext).uri
        )
    over_http = oauth2.SignatureMethod_PLAINTEXT_OVER_HTTP()
    assert "oauth_signature=" in sign(Outgoing("GET", "http://127.0.0.1/"), CONSUMER, TOKEN, over_http).uri


def test_a_signed_request_holds_no_secret():
    result = str(tuple(signed("POST", f"{URI}?a=1", "b=2", FORM)))
    assert percent_encode("token secret") not in result
    assert "secret" not in result


@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
def test_the_repr_of_a_request_shows_neither_query_nor_body_nor_header(placement):
    uri = "https://joe:hush@api.example/photos?size=hush#hush"
    method = oauth2.SignatureMethod_PLAINTEXT()
    outgoing = sign(Outgoing("POST", uri, "b=hush", FORM), CONSUMER, TOKEN, method, placement=placement)
    assert repr(outgoing) == "<Outgoing POST https://api.example/photos>"


def test_the_repr_of_the_parts_shows_neither_query_nor_body():
    # A traceback that shows local variables contains the repr of the parts.
    parts = _take_apart(Outgoing("POST", f"{URI}?size=hush&oauth_token=hush", "b=hush", FORM), None, COMPUTED)
    assert repr(parts) == f"<_Parts {URI}>"


# --- the Host header --------------------------------------------------------------


def holds_at(outgoing, host):
    """Return whether a verifier with the host name *host* accepts the signature."""
    request = oauth2.Request(outgoing.method, outgoing.uri.replace("api.example:8000", host))
    request.update(parse_authorization_header(outgoing.authorization))
    del request["realm"]
    return HMAC.check(request, CONSUMER, TOKEN, request["oauth_signature"])


@pytest.mark.parametrize(
    ("host", "verified"),
    [
        ("", "api.example:8000"),
        ("api.example:8000", "api.example:8000"),
        ("API.example:8000", "api.example:8000"),
        ("photos.example", "photos.example"),
        ("Photos.Example:80", "photos.example"),
        ("photos.example:81", "photos.example:81"),
        (" photos.example\t", "photos.example"),
        ("[2001:DB8::1]", "[2001:db8::1]"),
    ],
)
def test_the_host_header_decides_what_is_signed(host, verified):
    uri = "http://api.example:8000/photos?next=http://photos.example/"
    outgoing = signed("DELETE", uri, host=host, placement=HEADER, realm=ORIGIN)
    assert holds_at(outgoing, verified)
    assert outgoing.authorization.startswith(f'OAuth realm="http://{verified}", ')
    assert (outgoing.uri, outgoing.host) == (uri, host)


@pytest.mark.parametrize("host", ["a b", "joe@photos.example", "photos.example/", "photos.example:http", "é", "a\r\nb"])
def test_an_invalid_host_header_is_refused(host):
    with pytest.raises(ValueError, match=r"^headers: Host must be"):
        signed(host=host)


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("https://photos.example/a/b", "photos.example/a"),
        ("https://joe@photos.example/", "joe@photos.example"),
        ("https://photos.example?a/", "photos.example?a"),
    ],
)
def test_a_host_header_with_more_than_host_and_port_is_refused(uri, host):
    with pytest.raises(ValueError, match=r"^headers: Host must be"):
        signed(uri=uri, host=host)


def test_a_host_header_does_not_make_plain_http_safe():
    outgoing = Outgoing("GET", "http://api.example/", host="https://api.example")
    with pytest.raises(ValueError, match="plain http"):
        sign(outgoing, CONSUMER, TOKEN, oauth2.SignatureMethod_PLAINTEXT())


# --- realm ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "realm", "start"),
    [
        ("https://API.example:443/x", ORIGIN, 'OAuth realm="https://api.example", '),
        ("http://api.example:8080?x", ORIGIN, 'OAuth realm="http://api.example:8080", '),
        (URI, "Photos", 'OAuth realm="Photos", '),
        (URI, 'a "b" \\', 'OAuth realm="a \\"b\\" \\\\", '),
        (URI, "", 'OAuth realm="", '),
        (URI, None, "OAuth oauth_consumer_key="),
    ],
)
def test_the_realm(uri, realm, start):
    authorization = signed(uri=uri, placement=HEADER, realm=realm).authorization
    assert authorization.startswith(start)
    if realm not in (ORIGIN, None):
        assert ("realm", realm) in parse_authorization_header(authorization)


def test_the_realm_may_follow_from_the_uri():
    seen = []
    outgoing = Outgoing("GET", f"{URI}?a=b&oauth_callback=oob")
    result = sign(outgoing, CONSUMER, TOKEN, HMAC, placement=HEADER, realm=lambda uri: seen.append(uri) or "R")
    assert seen == [f"{URI}?a=b"]
    assert result.authorization.startswith('OAuth realm="R", ')


def test_the_default_realm_says_what_it_is():
    assert repr(ORIGIN) == "scheme and host"


@pytest.mark.parametrize("realm", ["a\nb", "a\rb", "\0", "\x7f"])
def test_a_realm_with_a_control_character_is_refused(realm):
    with pytest.raises(ValueError, match="realm"):
        signed(placement=HEADER, realm=realm)


# --- helper functions -------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "origin_of_it"),
    [
        ("https://API.example:443/a/b?c#d", "https://api.example"),
        ("HTTP://api.example:80", "http://api.example"),
        ("http://api.example:8080/", "http://api.example:8080"),
        ("http://joe:secret@api.example/", "http://api.example"),
        ("http://api.example@evil.example/", "http://evil.example"),
        ("http://evil.example#@api.example/", "http://evil.example"),
        ("http://evil.example?@api.example/", "http://evil.example"),
        ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]"),
        ("http://bücher.example/", "http://xn--bcher-kva.example"),
    ],
)
def test_origin(uri, origin_of_it):
    assert origin(uri) == origin_of_it


@pytest.mark.parametrize(
    "uri", ["//api.example/", "ftp://api.example/", "http://api.example\\@evil.example/", "http://a b/"]
)
def test_a_url_without_an_origin_is_refused(uri):
    with pytest.raises(InvalidURL):
        origin(uri)


@pytest.mark.parametrize(
    ("uri", "names", "left", "taken"),
    [
        (f"{URI}?a=1#oauth_b=2", None, f"{URI}?a=1#oauth_b=2", []),
        (f"{URI}?oauth_b=2", None, URI, [("oauth_b", "2")]),
        (f"{URI}?oauth_b=2#f", None, f"{URI}#f", [("oauth_b", "2")]),
        (f"{URI}?a=%zz&oauth_b=+&&c", None, f"{URI}?a=%zz&&c", [("oauth_b", " ")]),
        (f"{URI}?a=1&%6Fauth_b=%C3%A9", None, f"{URI}?a=1", [("oauth_b", "é")]),
        (f"{URI}?oauth_b=2&oauth_c=3", {"oauth_c"}, f"{URI}?oauth_b=2", [("oauth_c", "3")]),
        (f"{URI}?oauth_b=2", frozenset(), f"{URI}?oauth_b=2", []),
        (f"{URI}?oauth_signature=x&oauth_b=2", None, URI, [("oauth_b", "2")]),
        (f"{URI}?oauth_signature=x", None, URI, []),
        (f"{URI}?a=1&oauth_body_hash=x", {"oauth_body_hash"}, f"{URI}?a=1", []),
        (f"{URI}?", None, f"{URI}?", []),
    ],
)
def test_protocol_parameters_are_taken_out_of_a_query(uri, names, left, taken):
    assert take_protocol(uri, names) == (left, taken)


@pytest.mark.parametrize(
    ("body", "content_type", "left"),
    [
        ("a=1&oauth_token=x&x_auth_password=y&b=%zz", FORM, "a=1&b=%25zz"),
        (b"a=\xff&%6fauth_token=x&x%5Fauth_mode=y", f"{FORM}; charset=x", b"a=%FF"),
        ("oauth_token=x", JSON, "oauth_token=x"),
        (None, FORM, None),
    ],
)
def test_credentials_are_taken_out_of_a_form(body, content_type, left):
    outgoing = Outgoing("POST", URI, body, content_type)
    assert without_credentials(outgoing) == Outgoing("POST", URI, left, content_type)


def test_a_form_written_here_is_read_back():
    pairs = [("oauth_callback", "http://a.example/?b=c&d=é"), ("a b", "+%"), ("", "")]
    assert parse_form(build_form(pairs)) == pairs


@pytest.mark.parametrize("placement", [QUERY, BODY])
@pytest.mark.parametrize(("field", "left"), [("OAuth a=b", None), (b"OAuth a=b", None), ("Basic a", "Basic a")])
def test_no_authorization_of_the_oauth_scheme_stays_beside_a_query_or_a_body(placement, field, left):
    headers = {"Authorization": field}
    write_authorization(headers, signed("POST", body="a=1", content_type=FORM, placement=placement))
    assert headers.get("Authorization") == left
    assert headers["Content-Type"] == FORM
