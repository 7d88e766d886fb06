"""Over HTTP: this package verifies the requests of oauthlib, and oauthlib verifies the requests of this package."""

import io
from contextlib import closing

import pytest
from keys import private_octets, public_octets, rsa_key
from loopback import Answer, Loopback
from oauthlib.oauth1 import RequestValidator, ResourceEndpoint, SignatureOnlyEndpoint
from requests_oauthlib import OAuth1Session

import oauth2
from oauth2._sending.signer import BODY, HEADER, QUERY

pytestmark = pytest.mark.slow

# oauthlib requires 20 to 30 ASCII letters and digits.
CONSUMER = oauth2.Consumer("consumer0123456789abcdef", "consumer&secrét")
TOKEN = oauth2.Token("token0123456789abcdefgh", "token/secret +")
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

HMACS = [
    oauth2.SignatureMethod_HMAC_SHA1,
    oauth2.SignatureMethod_HMAC_SHA256,
    oauth2.SignatureMethod_HMAC_SHA512,
]
RSAS = [oauth2.SignatureMethod_RSA_SHA1, oauth2.SignatureMethod_RSA_SHA256, oauth2.SignatureMethod_RSA_SHA512]
METHODS = [pytest.param(cls, id=cls.name) for cls in HMACS + RSAS]


def make(cls):
    """Return the method with its key. oauthlib needs PyJWT for RSA."""
    if cls in HMACS:
        return cls()
    pytest.importorskip("jwt", reason="oauthlib[signedtoken] has no RSA without PyJWT")
    return cls(private_octets(rsa_key()))


class Validator(RequestValidator):
    """A validator that knows one consumer and one token, and accepts each nonce once."""

    enforce_ssl = False
    dummy_client = "dummy"
    dummy_access_token = "dummy"

    def __init__(self):
        self.used = set()

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request, **tokens):
        new = nonce not in self.used
        self.used.add(nonce)
        return new

    def validate_client_key(self, client_key, request):
        return client_key == CONSUMER.key

    def validate_access_token(self, client_key, token, request):
        return token == TOKEN.key

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return True

    def get_client_secret(self, client_key, request):
        return CONSUMER.secret

    def get_access_token_secret(self, client_key, token, request):
        return TOKEN.secret

    def get_rsa_key(self, client_key, request):
        return public_octets(rsa_key()).decode()


@pytest.fixture
def service():
    """A service that answers 200 if oauthlib accepts a request, and otherwise 401."""
    validator = Validator()

    def verified(received):
        call = received.url, received.method, received.body.decode("latin-1"), dict(received.headers)
        if "oauth_token" in f"{received.target}{received.headers}{received.body}":
            valid, request = ResourceEndpoint(validator).validate_protected_resource_request(*call)
        else:
            valid, request = SignatureOnlyEndpoint(validator).validate_request(*call)
        if not valid:
            return Answer(401)
        assert request.signature_method in validator.allowed_signature_methods
        return Answer(200)

    with Loopback() as loopback:
        loopback.routes = Everywhere(verified)
        yield loopback


class Everywhere:
    def __init__(self, route):
        self.route = route

    def get(self, path, default):
        return self.route


def opened(method=None, token=TOKEN, **options):
    client = oauth2.Client(CONSUMER, token, timeout=10, proxy_info=None, **options)
    client.set_signature_method(method or oauth2.SignatureMethod_HMAC_SHA1())
    return closing(client)


# --- Client, verified by oauthlib -------------------------------------------------


@pytest.mark.parametrize("placement", [None, HEADER, QUERY, BODY])
@pytest.mark.parametrize("cls", METHODS)
def test_oauthlib_accepts_every_method_in_every_place(service, cls, placement):
    with opened(make(cls), placement=placement) as client:
        for method in ("GET", "POST", "PUT", "DELETE"):
            response, _ = client.request(f"{service.origin}/photos?size=original", method)
            assert response.status == 200, method
            response, _ = client.request(f"{service.origin}/photos", method, "a=1&b=+&a=0", {"Content-Type": FORM})
            assert response.status == 200, method
    assert len(service.requests) == 8


@pytest.mark.parametrize("cls", METHODS)
def test_oauthlib_accepts_it_without_a_token(service, cls):
    with opened(make(cls), token=None) as client:
        assert client.request(f"{service.origin}/?a=1")[0].status == 200
        assert client.request(service.origin, "POST", "a=1")[0].status == 200


def test_oauthlib_refuses_another_secret(service):
    with opened(token=oauth2.Token(TOKEN.key, "another")) as client:
        assert client.request(f"{service.origin}/?a=1")[0].status == 401


QUERIES = [
    "a=2&a=1&a=&a=10",
    "b=&c&=d",
    "q=%C3%A9%E8%AA%9E",
    "q=é 語",
    "q=+%20+&%20=+",
    "a%20b=%2B%26%3D%25",
    "x!y=1,2;(3)*'$@:/?~",
    "z=1&A=2&a=3&_=4&%7E=5&0=6",
]


@pytest.mark.parametrize("placement", [HEADER, QUERY])
@pytest.mark.parametrize("query", QUERIES)
def test_oauthlib_accepts_any_query(service, query, placement):
    with opened(placement=placement) as client:
        assert client.request(f"{service.origin}/?{query}")[0].status == 200
        assert (
            client.request(f"{service.origin}/?{query}", "POST", "a=1&b=%C3%A9", {"Content-Type": FORM})[0].status
            == 200
        )


@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
@pytest.mark.parametrize("form", [query for query in QUERIES if query.isascii()])
def test_oauthlib_accepts_any_form(service, form, placement):
    with opened(placement=placement) as client:
        assert client.request(f"{service.origin}/?a=5", "POST", form, {"Content-Type": FORM})[0].status == 200


@pytest.mark.parametrize("path", ["/", "/café/日本", "/a%2Fb/%c3%a9", "/x;y=1,2/(a)'!*$~@:", "//a/../b/./", "/a b"])
def test_oauthlib_accepts_any_path(service, path):
    with opened() as client:
        assert client.request(f"{service.origin}{path}?a=1")[0].status == 200


@pytest.mark.parametrize("placement", [HEADER, QUERY])
@pytest.mark.parametrize("body", ['{"a": [1, "é"]}', b'{"a": 1}', "a=1&a=1", b"\xff\x00", None])
def test_oauthlib_accepts_json_and_octets(service, body, placement):
    with opened(placement=placement) as client:
        for body_hash in (True, False):
            client.body_hash = body_hash
            for method in ("POST", "PUT", "PATCH"):
                assert client.request(service.origin, method, body, {"Content-Type": JSON})[0].status == 200


def test_oauthlib_accepts_a_file(service):
    with opened() as client:
        response, _ = client.request(service.origin, "PUT", io.BytesIO(b"octets"), {"Content-Type": "image/jpeg"})
    assert (response.status, service.last.body) == (200, b"octets")


def test_oauthlib_accepts_any_realm(service):
    for realm in (None, "", "my photos", 'my "own", x=y'):
        with opened(placement=HEADER, realm=realm) as client:
            assert client.request(f"{service.origin}/?a=1")[0].status == 200


# --- requests-oauthlib, verified by Server ----------------------------------------


@pytest.fixture
def verifying():
    """A service that answers with the parameters that ``Server`` verified, or with 401 if it refuses the request."""
    server = oauth2.Server()
    for method in [cls() for cls in HMACS] + [cls(public_key=public_octets(rsa_key())) for cls in RSAS]:
        server.add_signature_method(method)

    def verified(received):
        request = received.request()
        try:
            parameters = server.verify_request(request, CONSUMER, TOKEN if "oauth_token" in request else None)
        except oauth2.Error as error:
            return Answer(error.status, body=str(error).encode())
        return Answer(200, body=repr(parameters).encode())

    with Loopback() as loopback:
        loopback.routes = Everywhere(verified)
        yield loopback


def session(method="HMAC-SHA1", place="auth_header", **options):
    key = {}
    if method.startswith("RSA"):
        pytest.importorskip("jwt", reason="oauthlib[signedtoken] has no RSA without PyJWT")
        key = {"rsa_key": private_octets(rsa_key()).decode()}
    made = OAuth1Session(
        CONSUMER.key,
        CONSUMER.secret,
        TOKEN.key,
        TOKEN.secret,
        signature_method=method,
        signature_type=place,
        **key,
        **options,
    )
    made.trust_env = False
    return closing(made)


def answered(response, **parameters):
    assert (response.status_code, response.text) == (200, repr(parameters))


@pytest.mark.parametrize("place", ["auth_header", "query", "body"])
@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "RSA-SHA512"])
def test_server_accepts_every_method_in_every_place(verifying, method, place):
    with session(method, place) as http:
        for verb in ("POST", "PUT", "PATCH"):
            response = http.request(verb, f"{verifying.origin}/photos?a=1", data={"b": "2 é", "c": ""}, timeout=10)
            answered(response, a="1", b="2 é", c="")
        if place != "body":
            answered(http.get(f"{verifying.origin}/photos?a=1", timeout=10), a="1")
            answered(http.delete(f"{verifying.origin}/photos", timeout=10))


@pytest.mark.parametrize("place", ["auth_header", "query"])
@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("a=2&a=1&a=", {"a": ["2", "1", ""]}),
        ("q=%C3%A9", {"q": "é"}),
        ("q=+%20%2B", {"q": "  +"}),
        ("x=~-._!()*,:@/?", {"x": "~-._!()*,:@/?"}),
    ],
)
def test_server_accepts_any_query(verifying, query, parameters, place):
    with session(place=place) as http:
        answered(http.get(f"{verifying.origin}/?{query}", timeout=10), **parameters)


@pytest.mark.parametrize("place", ["auth_header", "query", "body"])
def test_server_accepts_duplicates_and_text_in_a_form(verifying, place):
    with session(place=place) as http:
        data = [("a", "2"), ("a", "1"), ("é", "語 &=+%"), ("blank", "")]
        answered(http.post(f"{verifying.origin}/?a=3", data=data, timeout=10), a=["3", "2", "1"], é="語 &=+%", blank="")


@pytest.mark.parametrize("path", ["/", "/café/日本", "/a%2Fb", "/x;y=1,2/(a)'!*$~@:"])
def test_server_accepts_any_path(verifying, path):
    with session() as http:
        answered(http.get(f"{verifying.origin}{path}?a=1", timeout=10), a="1")


@pytest.mark.parametrize("place", ["auth_header", "query"])
@pytest.mark.parametrize("method", ["HMAC-SHA1", "RSA-SHA1"])
def test_server_accepts_json_with_its_hash(verifying, method, place):
    with session(method, place, force_include_body=True) as http:
        answered(http.post(verifying.origin, json={"a": "é"}, timeout=10))
    assert "oauth_body_hash" in f"{verifying.last.target} {verifying.last.header('Authorization')}"


@pytest.mark.parametrize("place", ["auth_header", "query"])
@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1"])
def test_server_accepts_json_without_its_hash(verifying, method, place):
    with session(method, place) as http:
        answered(http.post(verifying.origin, json={"a": "é"}, timeout=10))
    assert "oauth_body_hash" not in f"{verifying.last.target} {verifying.last.header('Authorization')}"


def test_server_refuses_a_body_hash_that_is_not_of_the_method(verifying):
    # This difference is intended: oauthlib hashes bodies with SHA-1 for every method.
    with session("HMAC-SHA256", force_include_body=True) as http:
        response = http.post(verifying.origin, json={"a": 1}, timeout=10)
    assert response.status_code == 401
    assert "oauth_body_hash" in response.text


def test_server_accepts_a_realm(verifying):
    with session(realm="my photos, x=y") as http:
        answered(http.get(f"{verifying.origin}/?realm=1", timeout=10), realm="1")


def test_server_refuses_another_secret(verifying):
    with session() as http:
        http.auth.client.client_secret = "another"
        response = http.get(verifying.origin, timeout=10)
    assert (response.status_code, response.text) == (401, "The signature is invalid.")
