"""Mistakes that the doctor finds without the signature: in places, forms, lengths, names, time, nonce and body hash."""

import hashlib

import pytest
from sender import BODY, CONSUMER, FORM, SHAPES, TIMESTAMP, TOKEN, Sender, get, hash_of, post, post_json

from oauth2 import Consumer, Token
from oauth2.doctor import diagnose
from oauth2.http import HTTPRequest

pytestmark = [pytest.mark.slow, pytest.mark.portable]


def keys_of(diagnosis):
    return [finding.key for finding in diagnosis.findings]


def with_header(request, change):
    headers = [(name, change(value) if name == "Authorization" else value) for name, value in request.headers]
    return HTTPRequest(request.method, request.url, headers, request.body)


CLOCKS = [
    ("timestamp-unit", "milliseconds", lambda now: now * 1000),
    ("timestamp-unit", "microseconds", lambda now: now * 1_000_000),
    ("timestamp-unit", "nanoseconds", lambda now: now * 1_000_000_000),
    ("timestamp-local-time", "+2 hours", lambda now: now + 7200 + 3),
    ("timestamp-local-time", "-5 hours", lambda now: now - 5 * 3600),
    ("timestamp-local-time", "+5.5 hours", lambda now: now + 19800),
    ("clock", "705 seconds before", lambda now: now - 700),
    ("clock", "995 seconds after", lambda now: now + 1000),
    ("timestamp-not-a-number", "positive whole number", lambda now: f"{now}.5"),
    ("timestamp-not-a-number", "positive whole number", lambda now: 0),
    ("timestamp-not-a-number", "positive whole number", lambda now: "2026-01-01"),
    ("timestamp-not-a-number", "positive whole number", lambda now: "9" * 5000),
]


@pytest.mark.parametrize(("key", "words", "stamp"), CLOCKS, ids=range(len(CLOCKS)))
@pytest.mark.parametrize("shape", SHAPES)
def test_a_wrong_timestamp_is_named_with_its_unit(key, words, stamp, shape):
    sender = SHAPES[shape](protocol={"oauth_timestamp": str(stamp(TIMESTAMP))})
    diagnosis = diagnose(sender.send(), CONSUMER, TOKEN, now=TIMESTAMP + 5)
    assert keys_of(diagnosis) == [key]
    assert words in diagnosis.findings[0].sentence
    assert (diagnosis.verdict, diagnosis.signature_is_right) == ("mistaken", True)


def test_the_timestamp_is_not_checked_without_a_time():
    assert diagnose(get().send(), CONSUMER, TOKEN).verdict == "right"


def test_a_used_nonce_is_named():
    assert keys_of(diagnose(get().send(), CONSUMER, TOKEN, nonce_used=True)) == ["nonce-used"]


HASHES = [
    ("body-hash-algorithm", hash_of(BODY, "sha256"), "HMAC-SHA1"),
    ("body-hash-algorithm", hash_of(BODY, "sha1"), "HMAC-SHA256"),
    ("body-hash-algorithm", hash_of(BODY, "md5"), "HMAC-SHA1"),
    ("body-hash-hex", hashlib.sha1(BODY).hexdigest(), "HMAC-SHA1"),
    ("body-hash-of-nothing", hash_of(b""), "HMAC-SHA1"),
    ("body-hash-of-nothing", hash_of(b"", "sha256"), "HMAC-SHA1"),
    ("body-hash-line-end", hash_of(BODY + b"\n"), "HMAC-SHA1"),
    ("body-hash", hash_of(b"another body"), "HMAC-SHA1"),
    ("body-hash", "", "HMAC-SHA1"),
]


@pytest.mark.parametrize(("key", "given", "method"), HASHES)
def test_a_wrong_body_hash_is_named(key, given, method):
    diagnosis = diagnose(post_json(body_hash=given, signature_method=method).send(), CONSUMER, TOKEN)
    assert keys_of(diagnosis) == [key]
    assert diagnosis.signature_is_right


@pytest.mark.parametrize("sent", [b"1\n2", b"1\r\n2\r\n"])
def test_a_body_hash_of_other_line_ends_is_named(sent):
    other = sent.replace(b"\r\n", b"\n") if b"\r" in sent else sent.replace(b"\n", b"\r\n")
    sender = Sender(method="POST", body=sent, content_type="text/plain", body_hash=hash_of(other))
    assert keys_of(diagnose(sender.send(), CONSUMER, TOKEN)) == ["body-hash-line-end"]


def test_a_body_hash_with_a_form_is_named():
    sender = post(body_hash=hash_of(b"x"))
    assert keys_of(diagnose(sender.send(), CONSUMER, TOKEN)) == ["body-hash-of-form"]


SHAPED = [
    ("header-comma-after-scheme", lambda value: value.replace("OAuth ", "OAuth, ", 1)),
    ("header-comma-after-scheme", lambda value: value.replace("OAuth ", "OAuth ,", 1)),
    ("header-ampersand", lambda value: value.replace(", ", "&")),
    ("header-single-quotes", lambda value: value.replace('"', "'")),
    ("header-without-quotes", lambda value: value.replace('"', "")),
]


@pytest.mark.parametrize(("key", "change"), SHAPED)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_malformed_header_is_named_and_read_all_the_same(key, change, shape):
    diagnosis = diagnose(with_header(SHAPES[shape]().send(), change), CONSUMER, TOKEN)
    assert keys_of(diagnosis) == [key]
    assert diagnosis.signature_is_right


def test_protocol_parameters_in_two_places_are_named():
    request = get(query=[("oauth_version", "1.0")], protocol={"oauth_version": None}).send()
    assert keys_of(diagnose(request, CONSUMER, TOKEN)) == ["protocol-parameters-in-two-places"]


def test_a_repeated_protocol_parameter_is_named():
    request = get(placement="query", query=[("oauth_version", "1.0")]).send()
    diagnosis = diagnose(request, CONSUMER, TOKEN)
    assert keys_of(diagnosis) == ["protocol-parameter-twice"]
    assert "oauth_version" in diagnosis.findings[0].sentence


NAMED = [
    ("version", {"oauth_version": "1.0A"}),
    ("parameter-absent", {"oauth_nonce": None}),
    ("parameter-absent", {"oauth_timestamp": None}),
    ("parameter-absent", {"oauth_consumer_key": None}),
    ("parameter-too-long", {"oauth_nonce": "n" * 256}),
    ("signature-method-name", {"oauth_signature_method": "HMAC_SHA1"}),
    ("signature-method-name", {"oauth_signature_method": "hmac-sha1"}),
    ("signature-method-unknown", {"oauth_signature_method": "HMAC-MD5"}),
    ("consumer-key", {"oauth_consumer_key": "another"}),
    ("token", {"oauth_token": "another"}),
    ("token-not-sent", {"oauth_token": None}),
]


@pytest.mark.parametrize(("key", "protocol"), NAMED)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_wrong_protocol_parameter_is_named(key, protocol, shape):
    sent = SHAPES[shape](protocol=protocol).send()
    diagnosis = diagnose(sent, CONSUMER, TOKEN, now=TIMESTAMP)
    assert keys_of(diagnosis) == [key]
    assert diagnosis.verdict == "mistaken"


def test_a_signature_method_or_signature_that_is_missing_is_named():
    sender = get(protocol={"oauth_signature_method": None})
    assert keys_of(diagnose(sender.send(), CONSUMER, TOKEN)) == ["parameter-absent"]
    unsigned = with_header(get().send(), lambda value: value.partition(", oauth_signature=")[0])
    assert keys_of(diagnose(unsigned, CONSUMER, TOKEN)) == ["parameter-absent"]


def test_a_token_without_credentials_is_named():
    assert keys_of(diagnose(get().send(key="con%2Bsumer%20secret%261&"), CONSUMER)) == ["token-unknown"]


def test_the_wrong_credentials_explain_a_wrong_signature():
    diagnosis = diagnose(get().send(), Consumer("another", "secret"), Token("another", "secret"))
    assert (diagnosis.verdict, keys_of(diagnosis)) == ("mistaken", ["consumer-key", "token"])
    assert diagnosis.findings[0].evidence.arrived == CONSUMER.key


def test_plaintext_over_http_is_named():
    sender = get(uri="http://api.example/", signature_method="PLAINTEXT")
    diagnosis = diagnose(sender.send(), CONSUMER, TOKEN)
    assert keys_of(diagnosis) == ["plaintext-over-http"]
    assert diagnosis.signature_is_right


@pytest.mark.parametrize("headers", [[], [("Authorization", "Bearer abc")], {"Authorization": "Basic abc"}])
def test_a_request_without_oauth_parameters_is_named(headers):
    diagnosis = diagnose(HTTPRequest("GET", "https://api.example/?a=1", headers), CONSUMER, TOKEN)
    assert (diagnosis.verdict, keys_of(diagnosis)) == ("mistaken", ["no-oauth-parameters"])
    assert ("is not OAuth" in diagnosis.findings[0].sentence) is bool(headers)


def test_a_request_that_is_too_large_is_not_searched():
    body = b"&".join(b"a=%d" % number for number in range(3000))
    headers = [*get().send().headers, ("Content-Type", FORM)]
    diagnosis = diagnose(HTTPRequest("POST", "https://api.example/", headers, body), CONSUMER, TOKEN)
    assert (diagnosis.verdict, keys_of(diagnosis)) == ("unexplained", ["request-too-large"])
