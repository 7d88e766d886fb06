"""The signature base string and the signature methods (RFC 5849 section 3.4)."""

import hashlib
import hmac
from base64 import b64encode
from types import SimpleNamespace

import pytest

import oauth2
from oauth2._methods import hmac_methods
from oauth2._wire.base_string import on_the_wire, url_text
from oauth2.errors import InvalidURL
from oauth2.signature import (
    SignatureMethod_PLAINTEXT_OVER_HTTP,
    base_string_uri,
    body_digest,
    normalize_parameters,
    shared_secrets,
    signature_base_string,
)

CONSUMER = oauth2.Consumer("ck", "consumer secret")
TOKEN = oauth2.Token("tk", "token&secret")
HMAC = oauth2.SignatureMethod_HMAC_SHA1()
PLAINTEXT = oauth2.SignatureMethod_PLAINTEXT()
ALL = {cls.name: cls for cls in (*map(type, hmac_methods()), oauth2.SignatureMethod_PLAINTEXT)}


def request_of(url="https://api.example/", **parameters):
    return oauth2.Request("GET", url, parameters)


# --- base string URI, section 3.4.1.2 -----------------------------------------


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        ("http://example.com", "http://example.com/"),
        ("http://example.com?a=1", "http://example.com/"),
        ("http://example.com#a", "http://example.com/"),
        ("http://example.com:/", "http://example.com/"),
        ("HTTP://EXAMPLE.com:80/Path", "http://example.com/Path"),
        ("http://example.com/path\n", "http://example.com/path%0A"),
        ("http://example.com:0080/", "http://example.com/"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("https://example.com:443/", "https://example.com/"),
        ("https://example.com:080/", "https://example.com:80/"),
        ("http://example.com:65535/", "http://example.com:65535/"),
        ("http://[2001:DB8::1]/", "http://[2001:db8::1]/"),
        ("http://[2001:db8::1]:80/", "http://[2001:db8::1]/"),
        ("http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://user:p%40ss@example.com/", "http://example.com/"),
        ("http://user@evil@example.com/", "http://example.com/"),
        ("http://example.com/a;b=1/%7e/%2F/.././/", "http://example.com/a;b=1/%7e/%2F/.././/"),
        ("http://example.com/é a\\b\x7f", "http://example.com/%C3%A9%20a\\b%7F"),
        ("http://example.com/100%", "http://example.com/100%"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        (b"http://example.com/\xc3\xa9", "http://example.com/%C3%A9"),
    ],
)
def test_the_base_string_uri_is_what_the_request_line_and_the_host_header_carry(url, uri):
    assert base_string_uri(url) == uri
    assert base_string_uri(uri) == uri


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/a",
        "/a",
        "//example.com/a",
        "ftp://example.com/",
        "javascript:alert(1)",
        " http://example.com/",
        "http:example.com/",
        "http://",
        "http:///a",
        "https://?a",
        "http://:80/",
        "http://user@/",
        "http://[]/",
        "http://[::1/",
        "http://::1]/",
        "http://[::1]x/",
        "http://a b/",
        "http://a\\b/",
        "http://api.example\\@evil.example/",
        "http://a\nb/",
        "http://a\0/",
        'http://a"b/',
        "http://℀.example/",
        "http://" + "a" * 64 + "é.example/",
        "http://a:b/",
        "http://a:80 /",
        "http://a:-1/",
        "http://a:+80/",
        "http://a:65536/",
        "http://a:000080/",
        "http://a:\u0668\u0660/",
        "http://a/\ud800",
        "http://\ud800/",
        b"http://a/\xff",
        b"http://a/?\xff",
        "http://[a/",
        "http://a]/",
        "http://ÿ\x7f/",
    ],
)
def test_a_url_without_a_base_string_uri_is_refused(url):
    with pytest.raises(InvalidURL):
        base_string_uri(url)


def test_the_host_header_decides():
    assert base_string_uri("http://10.0.0.1:8080/a", host="API.example:80") == "http://api.example/a"
    assert base_string_uri("https://user@proxy/", host="api.example:8443") == "https://api.example:8443/"


@pytest.mark.parametrize("host", ["", "a@b", "a/b", "a b", "a:b", "a,b:c", "a?b"])
def test_a_host_header_that_names_no_host_is_refused(host):
    with pytest.raises(InvalidURL):
        base_string_uri("http://example.com/", host=host)


def test_a_url_that_is_not_text_is_a_type_error():
    with pytest.raises(TypeError, match="url"):
        url_text(17)


def test_only_characters_that_a_request_line_cannot_contain_are_escaped():
    printable = "".join(map(chr, range(0x21, 0x7F)))
    assert on_the_wire(printable) == printable
    assert on_the_wire(" \t\r\n\0\x7f\x80海") == "%20%09%0D%0A%00%7F%C2%80%E6%B5%B7"


# --- parameters and base string, sections 3.4.1.3.2 and 3.4.1.1 ---------------


def test_parameters_are_sorted_by_the_octets_of_what_was_encoded():
    pairs = [
        ("a", "x!y"),
        ("a", "x y"),
        ("BAR", "1"),
        ("®", "2"),
        ("c2", "3"),
        ("c@", "4"),
        ("\U0001f600", ""),
        ("\uffff", ""),
    ]
    assert normalize_parameters(pairs) == "%C2%AE=2&%EF%BF%BF=&%F0%9F%98%80=&BAR=1&a=x%20y&a=x%21y&c%40=4&c2=3"


def test_names_are_sorted_before_values():
    assert normalize_parameters([("a-", "c"), ("a", "b"), ("a.", ""), ("a", "")]) == "a=&a=b&a-=c&a.="


def test_the_signature_is_left_out_wherever_it_came_from():
    assert normalize_parameters([("oauth_signature", "x"), ("oauth_signature_", "y"), ("realm", "z")]) == (
        "oauth_signature_=y&realm=z"
    )


def test_octets_that_are_not_utf8_are_kept():
    assert normalize_parameters([("a", "\udc92")]) == "a=%92"


@pytest.mark.parametrize(
    ("method", "url", "pairs", "expected"),
    [
        ("get", "http://example.com", [], "GET&http%3A%2F%2Fexample.com%2F&"),
        (
            "PURGE!",
            "http://example.com/?b&a=%2B",
            [("c", "")],
            "PURGE%21&http%3A%2F%2Fexample.com%2F&a%3D%252B%26b%3D%26c%3D",
        ),
        ("GET", "http://example.com/r%20v/é", [], "GET&http%3A%2F%2Fexample.com%2Fr%2520v%2F%25C3%25A9&"),
    ],
)
def test_the_base_string_joins_method_uri_and_parameters(method, url, pairs, expected):
    assert signature_base_string(method, url, pairs) == expected


def test_the_base_string_of_a_request_is_the_same():
    request = oauth2.Request("POST", "https://api.example/a%20b?x=~&x=1", {"oauth_token": "t k", "y": "é&="})
    pairs = [("oauth_token", "t k"), ("y", "é&=")]
    assert request.get_signature_base_string() == signature_base_string("post", request.url, pairs)


# --- secrets, section 3.4.2 ---------------------------------------------------


@pytest.mark.parametrize(
    ("consumer", "token", "expected"),
    [
        (CONSUMER, TOKEN, "consumer%20secret&token%26secret"),
        (CONSUMER, None, "consumer%20secret&"),
        (CONSUMER, {}, "consumer%20secret&"),
        (oauth2.Consumer("k", ""), oauth2.Token("k", ""), "&"),
        (oauth2.Consumer("k", b"\xe6\xb5\xb7"), oauth2.Token("k", "~%"), "%E6%B5%B7&~%25"),
        (SimpleNamespace(secret="a"), SimpleNamespace(secret="b"), "a&b"),
    ],
)
def test_secrets_are_encoded_and_always_joined(consumer, token, expected):
    assert shared_secrets(consumer, token) == expected


def test_a_secret_that_is_none_is_a_type_error_that_does_not_show_it():
    with pytest.raises(TypeError):
        shared_secrets(SimpleNamespace(secret=None), None)
    with pytest.raises(TypeError) as caught:
        shared_secrets(SimpleNamespace(secret=b"hidden\xff"), None)
    assert "hidden" not in repr(caught.value)
    assert caught.value.__cause__ is None


# --- signature methods --------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_methods_carry_their_name(name):
    assert ALL[name].name == ALL[name]().name == name


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith("HMAC-")])
def test_hmac_is_keyed_with_the_secrets_over_the_base_string(name):
    request = request_of(oauth_token="x")
    key, text = ALL[name]().signing_base(request, CONSUMER, TOKEN)
    assert (key, text) == (b"consumer%20secret&token%26secret", request.get_signature_base_string().encode())
    digest = hmac.new(key, text, getattr(hashlib, name.removeprefix("HMAC-").lower())).digest()
    assert ALL[name]().sign(request, CONSUMER, TOKEN) == b64encode(digest)


def test_plaintext_is_the_secrets_as_text_and_signs_in_bytes():
    secrets = "consumer%20secret&token%26secret"
    assert PLAINTEXT.signing_base(request_of(), CONSUMER, TOKEN) == (secrets, secrets)
    assert PLAINTEXT.sign(request_of(), CONSUMER, TOKEN) == secrets.encode()
    assert isinstance(SignatureMethod_PLAINTEXT_OVER_HTTP(), oauth2.SignatureMethod_PLAINTEXT)


@pytest.mark.parametrize("name", ALL)
def test_check_accepts_text_and_bytes(name):
    method, request = ALL[name](), request_of(oauth_token="x")
    signature = method.sign(request, CONSUMER, TOKEN)
    assert method.check(request, CONSUMER, TOKEN, signature) is True
    assert method.check(request, CONSUMER, TOKEN, signature.decode()) is True


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("signature", ["", b"", "AAAA", "ü", b"\xff", "\ud800", None, 17, ["a"]])
def test_check_of_what_is_no_signature_is_false(name, signature):
    assert ALL[name]().check(request_of(), CONSUMER, TOKEN, signature) is False


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("HMAC-SHA1", "sha1"),
        ("RSA-SHA256", "sha256"),
        ("HMAC-SHA384", "sha384"),
        ("RSA-SHA512", "sha512"),
        ("PLAINTEXT", "sha1"),
        ("", "sha1"),
    ],
)
def test_the_body_is_hashed_with_the_hash_of_the_method(name, digest):
    assert body_digest(name) == digest


def test_a_method_of_ones_own_has_to_say_how_it_signs():
    class Nothing(oauth2.SignatureMethod):
        name = "NOTHING"

    for call in (Nothing().sign, Nothing().signing_base):
        with pytest.raises(NotImplementedError, match="Nothing"):
            call(request_of(), CONSUMER, TOKEN)


class Own(oauth2.SignatureMethod):
    """A custom signature method, as programs define it."""

    name = "OWN-SHA256"

    def signing_base(self, request, consumer, token):
        parts = (request.method, request.normalized_url, request.get_normalized_parameters())
        key = f"{oauth2.escape(consumer.secret)}&{oauth2.escape(token.secret) if token else ''}"
        return key, "&".join(map(oauth2.escape, parts))

    def sign(self, request, consumer, token):
        key, text = self.signing_base(request, consumer, token)
        return b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest())


class OwnText(Own):
    def sign(self, request, consumer, token):
        return super().sign(request, consumer, token).decode()


@pytest.mark.parametrize("own", [Own(), OwnText()])
def test_a_method_of_ones_own_may_give_bytes_or_text_and_inherits_check(own):
    request = oauth2.Request.from_consumer_and_token(CONSUMER, TOKEN, "GET", "https://api.example/?a=1")
    request.sign_request(own, CONSUMER, TOKEN)
    text = oauth2.to_unicode(request["oauth_signature"])
    assert own.check(request, CONSUMER, TOKEN, text)
    assert own.check(request, CONSUMER, TOKEN, text.encode())
    assert not own.check(request, CONSUMER, TOKEN, text.lower())
    received = oauth2.Request.from_request("GET", request.url, request.to_header())
    assert oauth2.Server({own.name: own}).verify_request(received, CONSUMER, TOKEN) == {"a": "1"}


def test_a_method_of_ones_own_signs_what_hmac_signs():
    request = request_of("https://api.example/a b?x=%7e", oauth_token="ü")
    assert Own().sign(request, CONSUMER, None) == oauth2.SignatureMethod_HMAC_SHA256().sign(request, CONSUMER, None)


def test_a_subclass_of_hmac_may_change_what_is_signed():
    class Fixed(oauth2.SignatureMethod_HMAC_SHA1):
        def signing_base(self, request, consumer, token):
            return b"k", b"text"

    expected = b64encode(hmac.new(b"k", b"text", hashlib.sha1).digest())
    assert Fixed().sign(request_of(), CONSUMER, None) == expected
    assert Fixed().check(request_of(), CONSUMER, None, expected.decode())


# --- a request is any object with the members of SignableRequest -------------------


class Signable:
    method = "GET"
    normalized_url = "https://api.example/a"

    def get_normalized_parameters(self):
        return "a=1&b=%20"

    def get_signature_base_string(self):
        return "GET&https%3A%2F%2Fapi.example%2Fa&a%3D1%26b%3D%2520"


def test_a_request_of_another_type_is_signed_by_its_base_string():
    method, consumer = oauth2.SignatureMethod_HMAC_SHA1(), oauth2.Consumer("key", "secret")
    assert method.signing_base(Signable(), consumer, None) == (
        b"secret&",
        b"GET&https%3A%2F%2Fapi.example%2Fa&a%3D1%26b%3D%2520",
    )
    assert method.check(Signable(), consumer, None, method.sign(Signable(), consumer, None))


def test_a_request_without_url_has_no_base_string():
    request = oauth2.Request("GET", None, {"a": "1"})
    with pytest.raises(ValueError, match=r"set request\.url"):
        HMAC.signing_base(request, CONSUMER, None)


def test_parameters_that_a_subclass_or_a_patch_normalizes_are_what_is_signed(monkeypatch):
    class Own(oauth2.Request):
        def get_normalized_parameters(self):
            return "own=1"

    method, consumer = oauth2.SignatureMethod_HMAC_SHA1(), oauth2.Consumer("key", "secret")
    expected = b"GET&https%3A%2F%2Fapi.example%2F&own%3D1"
    assert method.signing_base(Own("GET", "https://api.example/"), consumer, None)[1] == expected
    monkeypatch.setattr(oauth2.Request, "get_normalized_parameters", lambda request: "own=1")
    assert method.signing_base(oauth2.Request("GET", "https://api.example/"), consumer, None)[1] == expected


def test_every_oauth_signature_is_left_out_and_no_name_that_starts_alike():
    pairs = [
        ("oauth_signature", "b"),
        ("oauth_signature", "a"),
        ("oauth_signature_method", "c"),
        ("oauth_signatur", "d"),
    ]
    assert normalize_parameters(pairs) == "oauth_signatur=d&oauth_signature_method=c"
