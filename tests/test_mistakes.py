"""A caller's mistake is a TypeError or a ValueError that names the argument."""

from types import MappingProxyType, SimpleNamespace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from keys import certificate, ec_key, public_octets, rsa_key

import oauth2
from oauth2.errors import BodyHashInvalid, ParameterAbsent, StoreUnavailable
from oauth2.http import HTTPRequest
from oauth2.stores import MemoryStore
from oauth2.stores.sqlite import SQLiteStore

CONSUMER, TOKEN = oauth2.Consumer("key", "secret"), oauth2.Token("token", "secret")
URL = "https://api.example/"


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("signature_methods", lambda: oauth2.Server([oauth2.SignatureMethod_HMAC_SHA1])),
        ("signature_methods", lambda: oauth2.Server({"HMAC-SHA1": oauth2.SignatureMethod_HMAC_SHA1})),
        ("signature_methods", lambda: oauth2.Server(["HMAC-SHA1"])),
        ("signature_methods", lambda: oauth2.Server("HMAC-SHA1")),
        ("signature_methods", lambda: oauth2.Server(oauth2.SignatureMethod_HMAC_SHA1())),
        ("signature_methods", lambda: oauth2.Server([SimpleNamespace(check=None)])),
        ("timestamp_threshold", lambda: oauth2.Server(timestamp_threshold="300")),
        ("now", lambda: oauth2.Server(now=1_700_000_000)),
        ("request", lambda: oauth2.Server().verify_request(HTTPRequest("GET", URL), CONSUMER, TOKEN)),
        ("request", lambda: oauth2.Server().verify_request("GET", CONSUMER, TOKEN)),
        ("consumer", lambda: oauth2.Request.from_consumer_and_token(oauth2.Consumer, None, "GET", URL)),
        ("consumer", lambda: oauth2.Request.from_consumer_and_token(SimpleNamespace(key="k"), None, "GET", URL)),
        ("signature_method", lambda: oauth2.Server().add_signature_method(oauth2.SignatureMethod_HMAC_SHA1)),
        ("signature_method", lambda: oauth2.Server().add_signature_method("HMAC-SHA1")),
        ("nonce_store", lambda: oauth2.Server(nonce_store="nonces.db")),
        ("nonce_store", lambda: oauth2.Server(nonce_store=MemoryStore)),
        ("consumer", lambda: oauth2.Request.from_consumer_and_token("key", None, "GET", URL)),
        ("token", lambda: oauth2.Request.from_consumer_and_token(CONSUMER, "token", "GET", URL)),
        ("method", lambda: oauth2.Request(None, URL)),
        ("parameters", lambda: oauth2.Request.from_request("POST", URL, {}, b"a=1")),
        ("headers", lambda: oauth2.Request.from_request("GET", URL, "Authorization: OAuth")),
        ("body", lambda: oauth2.Request.from_request("GET", URL, {}, body=5)),
        ("realm", lambda: oauth2.Request("GET", URL, {"oauth_token": "a"}).to_header(5)),
    ],
)
def test_the_argument_is_named(argument, call):
    with pytest.raises(TypeError, match=f"^{argument}: "):
        call()


@pytest.mark.parametrize("threshold", [-5, -0.5, float("nan")])
def test_a_negative_timestamp_threshold_is_refused_when_the_server_is_built(threshold):
    with pytest.raises(ValueError, match="timestamp_threshold: must not be negative"):
        oauth2.Server(timestamp_threshold=threshold)


@pytest.mark.parametrize("threshold", [0, 300])
def test_a_timestamp_threshold_may_be_zero(threshold):
    assert oauth2.Server(timestamp_threshold=threshold).timestamp_threshold == threshold


@pytest.mark.parametrize("kind", [list, tuple, iter, lambda methods: {each.name: each for each in methods}])
def test_signature_methods_may_be_a_list_or_a_dict(kind):
    methods = [oauth2.SignatureMethod_HMAC_SHA1(), oauth2.SignatureMethod_HMAC_SHA256()]
    assert list(oauth2.Server(kind(methods)).signature_methods) == ["HMAC-SHA1", "HMAC-SHA256"]


def test_signature_methods_may_be_any_mapping():
    method = oauth2.SignatureMethod_HMAC_SHA1()
    assert oauth2.Server(MappingProxyType({"HMAC-SHA1": method})).signature_methods == {"HMAC-SHA1": method}


def test_a_dict_of_signature_methods_is_used_itself_as_in_1_9():
    methods = {}
    server = oauth2.Server(methods)
    server.add_signature_method(oauth2.SignatureMethod_HMAC_SHA1())
    assert list(methods) == ["HMAC-SHA1"]


@pytest.mark.parametrize("nothing", [None, {}, ""])
def test_a_request_without_parameters_is_refused_and_not_a_mistake(nothing):
    with pytest.raises(ParameterAbsent):
        oauth2.Server().verify_request(nothing, CONSUMER, TOKEN)


def test_a_file_name_as_key_is_a_value_error():
    with pytest.raises(ValueError, match="private_key: must be PEM"):
        oauth2.SignatureMethod_RSA_SHA1(private_key="/etc/key.pem")


def test_a_store_that_cannot_be_opened_says_which_and_why(tmp_path):
    with pytest.raises(StoreUnavailable, match=r"nowhere.*unable to open"):
        SQLiteStore(tmp_path / "nowhere" / "nonces.db")


def signed(body, **options):
    request = oauth2.Request.from_consumer_and_token(CONSUMER, TOKEN, "POST", URL, {"a": "1"}, body, **options)
    request.sign_request(oauth2.SignatureMethod_HMAC_SHA1(), CONSUMER, TOKEN)
    return request


def verified(**received):
    server = oauth2.Server()
    server.add_signature_method(oauth2.SignatureMethod_HMAC_SHA1())
    return server.verify_request(oauth2.Request.from_request("POST", URL, **received), CONSUMER, TOKEN)


def test_a_hash_that_cannot_be_checked_without_the_body_says_what_to_pass():
    request = signed(b"{}")
    with pytest.raises(BodyHashInvalid, match=r"cannot be checked\. Pass body= to Request\.from_request\(\)\.$"):
        verified(headers=request.to_header(), parameters={"a": "1"})


def test_a_form_with_the_hash_of_no_body_is_accepted_as_older_senders_make_it():
    form = signed(b"").to_postdata()
    assert "oauth_body_hash" in form
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert verified(headers=headers, body=form.encode()) == {"a": "1"}


@pytest.mark.parametrize("body", [b"", b"&&"])
def test_changing_the_content_type_to_a_form_does_not_skip_the_body_hash(body):
    """The body, read as a form, adds nothing to the base string. The signature would be valid without the body hash."""
    request = signed(b'{"pay": 1}')
    headers = {**request.to_header(), "Content-Type": "application/x-www-form-urlencoded"}
    with pytest.raises(BodyHashInvalid):
        verified(headers=headers, parameters={"a": "1"}, body=body)


class Row:
    """A consumer in a program's own class."""

    def __init__(self, key, secret, public_key):
        self.key, self.secret, self.public_key = key, secret, public_key


@pytest.mark.parametrize("secret", ["", "secret", None])
@pytest.mark.parametrize("name", ["HMAC-SHA1", "PLAINTEXT", "RSA-SHA1"])
def test_a_key_in_der_leads_to_a_refusal_whatever_method_the_peer_names(name, secret):
    server = oauth2.Server()
    for method in (
        oauth2.SignatureMethod_HMAC_SHA1(),
        oauth2.SignatureMethod_PLAINTEXT(),
        oauth2.SignatureMethod_RSA_SHA1(),
    ):
        server.add_signature_method(method)
    consumer = Row("key", secret, public_octets(rsa_key(), Encoding.DER))
    request = oauth2.Request.from_consumer_and_token(consumer, None, "GET", URL)
    request.update(oauth_signature_method=name, oauth_signature="AAAA")
    with pytest.raises(oauth2.errors.SignatureInvalid):
        server.verify_request(oauth2.Request.from_request("GET", URL, request.to_header()), consumer, None)


def test_a_framework_dict_that_hides_lists_is_read_by_its_items():
    class Hiding(dict):
        def items(self):
            return [(name, values[-1]) for name, values in dict.items(self)]

        def values(self):
            return [value for _, value in self.items()]

    assert oauth2.Request("GET", URL, Hiding(a=["1", "2"], b=["3"])) == {"a": "2", "b": "3"}


def test_a_name_may_be_bytes():
    request = oauth2.Request("GET", URL, {"a": "1"})
    request[b"b"] = "2"
    assert request.get_normalized_parameters() == "a=1&b=2"


def test_a_store_opened_before_a_fork_refuses_to_be_used_after_it(tmp_path):
    store = SQLiteStore(tmp_path / "nonces.db")
    store._file._pid = -1
    with pytest.raises(StoreUnavailable, match="fork"):
        store.add_nonce("n", 1_700_000_000, "c", None)
    store.close()


def test_a_certificate_of_an_unknown_kind_is_a_value_error():
    der = certificate(ec_key()).public_bytes(Encoding.DER)
    # Change the object identifier of the key's algorithm.
    unknown = der.replace(bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0263"))
    assert unknown != der
    with pytest.raises(ValueError, match="public_key"):
        oauth2.rsa.read_public_key(unknown)
    request = oauth2.Request("GET", URL)
    assert not oauth2.SignatureMethod_RSA_SHA1().check(request, Row("key", "", unknown), None, "AAAA")
