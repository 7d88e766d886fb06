"""A caller's mistake is a TypeError or a ValueError that names the argument."""

import pytest

import oauth2
from oauth2.errors import BodyHashInvalid, StoreUnavailable
from oauth2.stores import MemoryStore
from oauth2.stores.sqlite import SQLiteStore

CONSUMER, TOKEN = oauth2.Consumer("key", "secret"), oauth2.Token("token", "secret")
URL = "https://api.example/"


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("signature_methods", lambda: oauth2.Server([oauth2.SignatureMethod_HMAC_SHA1()])),
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


def test_a_file_name_is_no_key():
    with pytest.raises(ValueError, match="private_key: no PEM"):
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


def test_a_hash_that_cannot_be_checked_without_the_body_says_so():
    request = signed(b"{}")
    with pytest.raises(BodyHashInvalid, match="not given the body"):
        verified(headers=request.to_header(), parameters={"a": "1"})


def test_a_form_with_the_hash_of_no_body_is_accepted_as_older_senders_make_it():
    form = signed(b"").to_postdata()
    assert "oauth_body_hash" in form
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert verified(headers=headers, body=form.encode()) == {"a": "1"}


@pytest.mark.parametrize("body", [b"", b"&&"])
def test_a_content_type_changed_to_a_form_does_not_lift_the_hash(body):
    """A form without parameters adds nothing to what is signed, so that the signature still holds."""
    request = signed(b'{"pay": 1}')
    headers = {**request.to_header(), "Content-Type": "application/x-www-form-urlencoded"}
    with pytest.raises(BodyHashInvalid):
        verified(headers=headers, parameters={"a": "1"}, body=body)
