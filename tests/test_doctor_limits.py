"""The doctor does a bounded amount of work for hostile requests, and no output contains a secret."""

import dataclasses
import tracemalloc

import pytest
from sender import CONSUMER, FORM, PAIRS, SHAPES, TIMESTAMP, TOKEN, Sender, enc, get, post, private_key
from stopwatch import within
from test_doctor import CASES

from oauth2 import Consumer, Token
from oauth2.doctor import diagnose, find_base_string
from oauth2.doctor._secrets import Secrets
from oauth2.doctor._their_words import compare
from oauth2.errors import InvalidURL
from oauth2.http import HTTPRequest

pytestmark = pytest.mark.slow

AUTHORIZATION = (
    'OAuth oauth_consumer_key="key%2F1", oauth_token="tok~1", oauth_nonce="n", oauth_timestamp="1700000000", '
    'oauth_signature_method="HMAC-SHA1", oauth_signature="AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D"'
)


def request(method="POST", url="https://api.example/", body=b"", content_type="", authorization=AUTHORIZATION, **more):
    headers = [("Authorization", authorization), ("Content-Type", content_type), *more.items()]
    return HTTPRequest(method, url, headers, body)


MEGABYTE = 1 << 20
DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
HOSTILE = {
    "1,000 parameters": request(url="https://api.example/?" + "&".join(f"name{n}=a+b%20{n}" for n in range(1000))),
    "1,000 equal names": request(body=b"&".join([b"a[]=%s" % (b"x" * 900)] * 1000), content_type=FORM),
    "a form of 1 MB": request(body=b"a=" + b"%20" * (MEGABYTE // 3), content_type=FORM),
    "a form of 1 MB of octets": request(body=b"a=" + b"\xff" * MEGABYTE, content_type=FORM),
    "a form of ampersands": request(body=b"&" * MEGABYTE, content_type=FORM),
    "a form of 5 MB": request(body=b"a=" + b"x" * (5 * MEGABYTE), content_type=FORM),
    "deep JSON": request(body=DEEP, content_type="application/json"),
    "deep JSON, less": request(body=b"[" * 900 + b"]" * 900, content_type="application/json"),
    "wide JSON": request(body=b'{"a":[' + b"1," * 300_000 + b"1]}", content_type="application/json"),
    "a long number": request(body=b"9" * MEGABYTE, content_type="application/json"),
    "XML that is not closed": request(body=b"<" + b"a" * MEGABYTE, content_type="text/xml"),
    "XML of open elements": request(body=b"<a>" * (MEGABYTE // 3), content_type="text/xml"),
    "many boundaries": request(body=b"--b\r\n" * (MEGABYTE // 5), content_type="multipart/form-data; boundary=b"),
    "a long Content-Type": request(body=b"x", content_type="multipart/form-data; boundary=" + "b" * 60_000),
    "a header of names": request(authorization="OAuth " + "a" * 60_000),
    "a header of quotes": request(authorization="OAuth " + 'a="' * 20_000),
    "a header of escapes": request(authorization="OAuth " + 'a="' + "\\" * 60_000),
    "a header of commas": request(authorization="OAuth " + ",= " * 20_000),
    "a header of blanks": request(authorization="OAuth a" + " " * 60_000),
    "a large header": request(authorization="OAuth " + "a" * MEGABYTE),
    "a long path": request(url="https://api.example/" + "a/../" * 50_000),
    "a path of escapes": request(url="https://api.example/" + "%2f" * 50_000),
    "a long query": request(url="https://api.example/?" + "%" * 500_000),
    "a long signature": request(authorization=AUTHORIZATION.replace("AAAA", "A" * 5000, 1)),
    "a timestamp of digits": request(authorization=AUTHORIZATION.replace("1700000000", "9" * 50_000)),
    "lone surrogates": request(method="\ud800", url="https://api.example/\udcff?a=\udcff&b=\udfff"),
    "JSON surrogates": request(body=b'{"\\ud800":"\\udfff"}', content_type="application/json"),
    "a hostile Host": request(Host="a b/\\\x00"),
    "forwarded headers": request(**{"X-Forwarded-Host": "x" * 60_000, "X-Original-URL": "/" + "y" * 60_000}),
}


def assert_is_diagnosed(name, known=()):
    try:
        diagnosis = diagnose(HOSTILE[name], CONSUMER, TOKEN, now=TIMESTAMP, known=known)
    except InvalidURL:
        return
    assert diagnosis.verdict in ("unexplained", "mistaken")
    assert len(repr(diagnosis)) < 20_000


@pytest.mark.parametrize(
    "name", [name for name in HOSTILE if "header" in name or "surrogates" in name or "Host" in name]
)
def test_a_malformed_request_is_diagnosed_without_an_exception(name):
    assert_is_diagnosed(name)


@pytest.mark.heavy
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_request_is_diagnosed_within_time_and_memory(name):
    keys = [Consumer(f"known {number}", f"secret {number}") for number in range(20)]
    with within(5):  # On an idle machine, the slowest diagnosis takes 1.2 seconds.
        assert_is_diagnosed(name, keys)
    tracemalloc.start()
    assert_is_diagnosed(name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * MEGABYTE


@pytest.mark.heavy
@pytest.mark.parametrize("count", [0, 20])
def test_two_deviations_of_twenty_parameters_are_searched_within_two_seconds(count):
    pairs = [(f"name {number}", f"v\u00e4lue +{number}") for number in range(20)]
    known = [Token(f"known {number}", f"secret {number}") for number in range(count)]
    sent = post(form=pairs).send()
    with within(2):
        diagnosis = diagnose(sent, Consumer(CONSUMER.key, "unknown"), TOKEN, known=known)
    assert diagnosis.verdict == "unexplained"
    assert "every pair" in diagnosis.ruled_out[0]


@pytest.mark.heavy
@pytest.mark.parametrize(
    "text", ["GET&https%3A%2F%2F" * 20_000, "base string: " * 30_000, "&" * 300_000, "%" * 300_000]
)
def test_a_hostile_answer_is_searched_in_linear_time(text):
    with within(2):
        find_base_string(text)


# --- Secrets


def texts(diagnosis):
    """Return all texts of a diagnosis."""
    return f"{diagnosis!r} {dataclasses.asdict(diagnosis)}"


def forms(secret):
    yield from (secret, secret.strip(), enc(secret), enc(enc(secret)), enc(secret).lower(), secret.upper())


@pytest.mark.parametrize("mistake", CASES, ids=lambda mistake: mistake.key)
def test_no_finding_shows_a_secret(mistake):
    shown = texts(mistake.diagnose(mistake.shapes[0]))
    token = mistake.fields.get("token", TOKEN)
    for each in (CONSUMER, mistake.consumer, token, *mistake.known):
        for secret in forms(each.secret) if each else ():
            assert secret not in shown


SECRETS = [
    Consumer("key/1", "line end at the end\n"),
    Consumer("key/1", "p&ss w\u00f6rd/%20"),
    Consumer("key/1", "xyz"),
    Consumer("key/1", " "),
]


@pytest.mark.parametrize("consumer", SECRETS, ids=range(len(SECRETS)))
@pytest.mark.parametrize("shape", SHAPES)
def test_a_secret_that_is_sent_as_a_parameter_is_not_shown(consumer, shape):
    pairs = [
        ("note", consumer.secret),
        ("both", f"a={consumer.secret}&b"),
        ("x_auth_password", "hunter2!"),
        ("q", "a b"),
    ]
    fields = {"form": pairs} if shape == "form" else {"query": pairs}
    for hooks in ({}, {"value": lambda text: enc(text).replace("%20", "+")}, {"value": str}, {"key": "unknown"}):
        sender = SHAPES[shape](consumer=consumer, **fields)
        theirs = enc(enc(f"GET&note={consumer.secret}&x_auth_password"))
        shown = texts(diagnose(sender.send(**hooks), consumer, TOKEN, their_base_string=theirs))
        assert "hunter2" not in shown
        for secret in forms(consumer.secret):
            assert not consumer.secret.strip() or secret not in shown


def test_a_secret_is_not_shown_in_part_where_a_text_is_cut():
    secret = "0123456789abcdef" * 4
    secrets = Secrets([secret])
    for length in range(60, 140):
        comparison = compare("GET&x", "GET&" + "x" * length + secret, secrets)
        assert "0123456789" not in f"{comparison.ours} {comparison.theirs}"
    for length in range(0, 200, 7):
        assert "0123456789" not in secrets.hide("x" * (65_536 - length) + secret * 9)


def test_the_secret_in_a_plaintext_signature_is_not_shown():
    sender = get(signature_method="PLAINTEXT", uri="http://api.example/", query=[("oauth_signature", "second&secret")])
    shown = texts(diagnose(sender.send(key="unknown-secret&unknown"), CONSUMER, TOKEN))
    assert "unknown-secret" not in shown
    assert "second" not in shown


def test_a_public_key_is_enough_to_check_an_rsa_signature():
    consumer = Consumer("key/1", "", public_key=private_key().public_key())
    sender = Sender(signature_method="RSA-SHA256", consumer=consumer)
    assert diagnose(sender.send(), consumer, TOKEN).verdict == "right"


# --- secrets in places where they do not belong ---------------------------------------


def shown_of(header, url="https://api.example/photos", secret="S3cretConsumer", **options):
    request = HTTPRequest("GET", url, [("Authorization", header)], b"")
    diagnosis = diagnose(request, Consumer("key", secret), **options)
    return diagnosis, f"{diagnosis} {dataclasses.asdict(diagnosis)}"


SIGNED = 'oauth_nonce="n", oauth_signature="x", oauth_signature_method="HMAC-SHA1", oauth_timestamp="1"'


def test_a_secret_that_is_sent_as_the_consumer_key_is_not_shown():
    diagnosis, shown = shown_of(f'OAuth oauth_consumer_key="S3cretConsumer", {SIGNED}')
    assert "consumer-key" in [finding.key for finding in diagnosis.findings]
    assert "S3cret" not in shown


@pytest.mark.parametrize("at", range(44, 60))
def test_the_start_of_a_secret_is_not_shown_where_a_sentence_is_cut(at):
    version = "v" * at + "S3cretConsumer"
    _, shown = shown_of(f'OAuth oauth_consumer_key="key", oauth_version="{version}", {SIGNED}')
    assert "S3cr" not in shown


@pytest.mark.parametrize("name", ["password", "pwd", "client_secret", "access_token", "api_key"])
def test_a_value_with_the_name_of_a_secret_is_not_shown_in_a_comparison(name):
    ours = f"GET&https%3A%2F%2Fapi.example%2Fphotos&{name}%3Dhunter22%26x%3D1"
    _, shown = shown_of(
        f'OAuth oauth_consumer_key="key", {SIGNED}',
        url=f"https://api.example/photos?{name}=hunter22",
        their_base_string=ours,
    )
    assert "hunter22" not in shown


@pytest.mark.heavy
@pytest.mark.parametrize("key", ["parameters-not-encoded-again", "sorted-by-name-only", "path-decoded", "method"])
def test_one_mistake_in_a_form_of_100_kb_is_named(key):
    mistake = next(each for each in CASES if each.key == key)
    form = [*PAIRS, ("big", "a b\u00e9+%&" * 5_000)]
    sent = SHAPES["form"](form=form).send(**mistake.hooks)
    assert len(sent.body) > 100_000
    assert [finding.key for finding in diagnose(sent, CONSUMER, TOKEN).findings] == [key]
