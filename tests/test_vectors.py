"""Published test vectors, and test vectors computed by hand from RFC 5849.

``verified: false`` means that the published result is wrong, or that the sender made a mistake when computing it. For
these vectors, the tests check that the result of this package differs from the published result.
"""

import json
from pathlib import Path

import pytest

import oauth2
from oauth2._wire.form import is_form, parse_form_as_sent
from oauth2._wire.pairs import group_pairs
from oauth2.encoding import percent_decode, percent_encode
from oauth2.errors import Error
from oauth2.parameters import body_hash, build_authorization_header, parse_authorization_header
from oauth2.signature import base_string_uri, normalize_parameters, shared_secrets, signature_base_string

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))
FORM = "application/x-www-form-urlencoded"
PROTOCOL = ("consumer_key", "token", "signature_method", "timestamp", "nonce", "version")


def of(kind):
    return [pytest.param(v, id=v["id"]) for v in VECTORS if v["kind"] == kind]


def expect(vector, name, value):
    assert (value == vector["expected"][name]) is vector["verified"], value
    if name in vector.get("oracle_gives", {}):
        assert value == vector["oracle_gives"][name]


@pytest.mark.parametrize("vector", of("percent-encode"))
def test_percent_encode(vector):
    inputs = vector["inputs"]
    text = inputs["text"] if "text" in inputs else bytes.fromhex(inputs["text_hex"])
    expect(vector, "encoded", percent_encode(text))
    if isinstance(text, str):
        assert percent_decode(vector["expected"]["encoded"]) == text


@pytest.mark.parametrize("vector", of("base-uri"))
def test_base_string_uri(vector):
    inputs = vector["inputs"]
    if vector["expected"].get("error"):
        with pytest.raises(Error):
            base_string_uri(inputs["url"], host=inputs.get("host_header"))
    else:
        expect(vector, "base_uri", base_string_uri(inputs["url"], host=inputs.get("host_header")))


def pairs_of(inputs):
    """Return all parameters except the parameters in the query of the URL."""
    pairs = [tuple(pair) for pair in inputs.get("params", [])]
    pairs += [
        (f"oauth_{name}", inputs[name]) for name in PROTOCOL if name in inputs and inputs.get(f"send_{name}", True)
    ]
    if "authorization" in inputs:
        pairs += [pair for pair in parse_authorization_header(inputs["authorization"]) if pair[0] != "realm"]
    if "form_body" in inputs and is_form(inputs.get("content_type", FORM)):
        pairs += parse_form_as_sent(inputs["form_body"])
    return pairs


@pytest.mark.parametrize("vector", of("normalized-params"))
def test_normalized_parameters(vector):
    inputs = vector["inputs"]
    pairs = parse_form_as_sent(inputs.get("query", "")) + pairs_of(inputs)
    expect(vector, "normalized", normalize_parameters(pairs))
    if "decoded" in vector["expected"]:
        decoded = sorted(map(tuple, vector["expected"]["decoded"]))
        assert sorted(pair for pair in pairs if pair[0] != "oauth_signature") == decoded


@pytest.mark.parametrize("vector", of("base-string"))
def test_base_string(vector):
    inputs = vector["inputs"]
    expect(vector, "base_string", signature_base_string(inputs["method"], inputs["url"], pairs_of(inputs)))


@pytest.mark.parametrize("vector", of("header-parse"))
def test_header_parse(vector):
    expected = vector["expected"]
    if expected.get("error"):
        with pytest.raises(Error):
            parse_authorization_header(vector["inputs"]["header"])
        return
    pairs = parse_authorization_header(vector["inputs"]["header"])
    assert [pair for pair in pairs if pair[0] != "realm"] == [tuple(pair) for pair in expected["params"]]
    assert dict(pairs).get("realm") == expected.get("realm")


@pytest.mark.parametrize("vector", of("header-build"))
def test_header_build(vector):
    inputs = vector["inputs"]
    built = build_authorization_header([tuple(pair) for pair in inputs["params"]], inputs.get("realm"))
    expect(vector, "header", built.replace(", ", inputs["sep"]))


@pytest.mark.parametrize("vector", of("body-hash"))
def test_body_hash(vector):
    inputs = vector["inputs"]
    expect(vector, "body_hash", body_hash(inputs["body"].encode(), inputs["hash"].lower()))


def method_of(inputs):
    name = inputs.get("signature_method", "HMAC-SHA1")
    cls = getattr(oauth2, f"SignatureMethod_{name.replace('-', '_')}")
    if "base_string" in inputs:

        class Given(cls):
            def signing_base(self, request, consumer, token):
                return shared_secrets(consumer, token).encode(), inputs["base_string"].encode()

        cls = Given
    return cls(private_key=inputs["rsa_private_key"]) if "rsa_private_key" in inputs else cls()


@pytest.mark.parametrize("vector", of("signature"))
def test_signature(vector):
    inputs, expected = vector["inputs"], vector["expected"]
    consumer = oauth2.Consumer(inputs.get("consumer_key", ""), inputs.get("consumer_secret", ""))
    token = oauth2.Token(inputs.get("token", ""), inputs.get("token_secret", ""))
    if "key" in expected:
        assert shared_secrets(consumer, token) == expected["key"]
    request = oauth2.Request("GET", "http://example.com/")
    if "url" in inputs:
        pairs = pairs_of(inputs)
        if "base_string" in expected:
            assert signature_base_string(inputs["method"], inputs["url"], pairs) == expected["base_string"]
        parameters = group_pairs(pairs)
        request = oauth2.Request(inputs["method"], inputs["url"], parameters, is_form_encoded="form_body" in inputs)
    method = method_of(inputs)
    expect(vector, "signature", method.sign(request, consumer, token).decode())
    if vector["verified"]:
        assert method.check(request, consumer, token, expected["signature"])


def test_there_are_vectors_of_both_kinds():
    assert sum(v["verified"] for v in VECTORS) >= 150
    assert sum(not v["verified"] for v in VECTORS) >= 10
