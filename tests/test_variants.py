"""Signature methods for services that deviate from RFC 5849: only the documented part differs."""

import base64

import pytest
from keys import rsa_key
from peer import CONSUMER, TOKEN, encode

import oauth2
from oauth2.services import RawParameters, SecretWithoutAmpersand

URL = "https://api.example/service"


def made(query="", method="GET", **parameters):
    return oauth2.Request(method, f"{URL}?{query}" if query else URL, parameters)


def raw_base(query, **parameters):
    key, text = RawParameters().signing_base(made(query, **parameters), CONSUMER, None)
    assert key == b""
    return text.decode().split("&")


@pytest.mark.parametrize(
    ("query", "normalized"),
    [
        ("", "oauth_nonce=a/b="),
        ("b=1&a=2", "a=2&b=1&oauth_nonce=a/b="),
        ("a=2&a=1", "a=1&a=2&oauth_nonce=a/b="),
        ("a=x:y@z", "a=x:y@z&oauth_nonce=a/b="),  # Without an escape, the query is not changed.
        ("a=x%3Ay&b=p:q", "a=x%3Ay&b=p%3Aq&oauth_nonce=a/b="),  # If there is any escape, all values are encoded.
        ("a=1+2", "a=1+2&oauth_nonce=a/b="),
        ("a=1+2%20", "a=1%2B2%20&oauth_nonce=a/b="),
        ("a&b=&&c=d=e", "a=&b=&c=d=e&oauth_nonce=a/b="),
    ],
)
def test_mastercards_protocol_parameters_are_encoded_once(query, normalized):
    assert raw_base(query, oauth_nonce="a/b=") == ["GET", encode(URL), encode(normalized)]


def test_mastercards_signature_is_checked_by_the_same_rule():
    method = RawParameters(rsa_key())
    request = oauth2.Request.from_consumer_and_token(CONSUMER, None, "POST", URL, body=b"{}")
    request.sign_request(method, CONSUMER, None)
    arrived = oauth2.Request.from_request("POST", URL, request.to_header(), body=b"{}")
    server = oauth2.Server({"RSA-SHA256": method})
    assert server.verify_request(arrived, CONSUMER, None) == {}
    assert not oauth2.SignatureMethod_RSA_SHA256(rsa_key()).check(arrived, CONSUMER, None, arrived["oauth_signature"])


def test_woocommerces_legacy_key_has_no_ampersand():
    request = made("a=b", oauth_nonce="n")
    key, text = SecretWithoutAmpersand().signing_base(request, CONSUMER, TOKEN)
    assert key == CONSUMER.secret.encode()
    assert text == oauth2.SignatureMethod_HMAC_SHA256().signing_base(request, CONSUMER, TOKEN)[1]
    assert len(base64.b64decode(SecretWithoutAmpersand().sign(request, CONSUMER, None))) == 32
