"""The doctor and PLAINTEXT: an unencoded secret is split into parts, and no part of it is shown."""

import dataclasses
import random
import re
from urllib.parse import quote

import pytest
from sender import FORM, TIMESTAMP, get, post

from oauth2 import Consumer, Token
from oauth2.doctor import diagnose
from oauth2.http import HTTPRequest

pytestmark = pytest.mark.slow

CONSUMER, TOKEN = Consumer("key/1", "alpha&bravo=charlie"), Token("tok~1", "delta,echo'foxtrot\"golf=hotel&&india")
WORDS = re.findall("[a-z]{4,}", CONSUMER.secret + TOKEN.secret)
UNKNOWN = Consumer("key/1", "unknown"), Token("tok~1", "unknown")
PLACES = ["quoted", "single-quoted", "without quotes", "with ampersands", "query", "form"]


def plaintext(place, signature, method="PLAINTEXT", scheme="https", more=()):
    """Return a request in which *signature* is sent without further percent-encoding."""
    named = [("oauth_signature_method", method)] if method else []
    pairs = [*named, ("oauth_consumer_key", "key%2F1"), ("oauth_signature", signature), *more]
    url, headers, body = f"{scheme}://api.example/photos?size=original", [], b""
    joined = "&".join(f"{name}={value}" for name, value in [*pairs, ("oauth_token", "tok~1")])
    if place == "query":
        url += f"&{joined}"
    elif place == "form":
        headers, body = [("Content-Type", FORM)], joined.encode()
    else:
        quotation = {"quoted": '"', "single-quoted": "'"}.get(place, "")
        separator = "&" if place == "with ampersands" else ", "
        written = separator.join(f"{name}={quotation}{value}{quotation}" for name, value in pairs)
        headers = [("Authorization", f'OAuth {written}{separator}oauth_token="tok~1"')]
    return HTTPRequest("POST" if place == "form" else "GET", url, headers, body)


def shown_by(request, consumer=CONSUMER, token=TOKEN, **options):
    diagnosis = diagnose(request, consumer, token, **options)
    return f"{diagnosis!r} {dataclasses.asdict(diagnosis)}"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("method", ["plaintext", "HMAC-SHA1", None])
def test_no_part_of_an_unencoded_secret_is_shown(place, method):
    request = plaintext(place, f"{CONSUMER.secret}&{TOKEN.secret}", method)
    theirs = f"GET&{quote(request.url, safe='')}&{quote(request.body.decode(), safe='')}"
    for credentials in ((CONSUMER, TOKEN), UNKNOWN):
        shown = shown_by(request, *credentials, their_base_string=theirs)
        assert [word for word in WORDS if word in shown] == []


ALPHABET = "abcdefXYZ0123456789" * 2 + "&&&==,\"'+%#?/ ;:\\"


def assert_is_not_shown(seed):
    draw = random.Random(seed)
    one, other = ("".join(draw.choices(ALPHABET, k=draw.randint(8, 24))) for _ in range(2))
    encode = draw.choice([str, lambda text: quote(text, safe="-._~")])
    more = [("oauth_nonce", "n0nce")] if draw.random() < 0.5 else []
    method = draw.choice(["PLAINTEXT", "HMAC-SHA1", "FOO"])
    request = plaintext(draw.choice(PLACES), f"{encode(one)}&{encode(other)}", method, more=more)
    credentials = draw.choice([UNKNOWN, (Consumer("key/1", one), Token("tok~1", other))])
    shown = shown_by(request, *credentials)
    assert [word for word in re.findall("[A-Za-z0-9]{4,}", f"{one} {other}") if word in shown] == [], seed


@pytest.mark.parametrize("seed", range(12))
def test_no_part_of_a_random_unencoded_secret_is_shown(seed):
    assert_is_not_shown(seed)


@pytest.mark.heavy
def test_no_part_of_a_hundred_random_unencoded_secrets_is_shown():
    for seed in range(100, 200):
        assert_is_not_shown(seed)


@pytest.mark.parametrize("place", ["query", "form"])
def test_an_unencoded_signature_that_falls_into_several_parts_is_named(place):
    diagnosis = diagnose(plaintext(place, f"{CONSUMER.secret}&{TOKEN.secret}"), CONSUMER, TOKEN)
    assert [finding.key for finding in diagnosis.findings] == ["plaintext-not-encoded"]
    assert diagnosis.findings[0].is_proven


def test_names_beside_a_right_signature_are_shown():
    diagnosis = diagnose(post(placement="form", signature_method="PLAINTEXT").send(), Consumer("key/1", "other"))
    assert ("q", "a%20b%2Bc~d") in diagnosis.pieces.parameters  # This parameter is before the signature.
    right = plaintext("query", "alpha%2526bravo%253Dcharlie%26", more=[("page", "2")])
    diagnosis = diagnose(right, CONSUMER, Token("tok~1", ""))
    assert diagnosis.verdict == "right"
    assert ("page", "2") in diagnosis.pieces.parameters


def test_names_behind_a_signature_that_is_a_digest_are_shown():
    diagnosis = diagnose(get(placement="query", query=[]).send(), *UNKNOWN)
    assert diagnosis.verdict == "unexplained"
    sent = get(placement="query", query=[]).send()
    sent = HTTPRequest(sent.method, f"{sent.url}&page=2", sent.headers, sent.body)
    assert ("page", "2") in diagnose(sent, *UNKNOWN).pieces.parameters


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_plaintext_in_place_of_hmac_is_named_with_what_it_shows(scheme):
    sent = plaintext("quoted", quote("s&t"), "HMAC-SHA1", scheme, [("oauth_timestamp", "1"), ("oauth_nonce", "n")])
    diagnosis = diagnose(sent, Consumer("key/1", "s"), Token("tok~1", "t"))
    expected = ["other-method", *(["plaintext-over-http"] if scheme == "http" else [])]
    assert [finding.key for finding in diagnosis.findings] == expected
    assert "cannot show mistakes in parameters" in diagnosis.findings[0].sentence


def test_the_base_string_of_the_other_side_shows_what_plaintext_hides():
    sent = get(signature_method="HMAC-SHA1").send(write=lambda code: "con%2Bsumer%20secret%261&to%2Fken%3Dsecret%202")
    consumer, token = Consumer("key/1", "con+sumer secret&1"), Token("tok~1", "to/ken=secret 2")
    ours = diagnose(sent, consumer, token).pieces.base_string
    theirs = ours.replace("https", "http", 1)
    diagnosis = diagnose(sent, consumer, token, now=TIMESTAMP, their_base_string=theirs)
    assert [finding.key for finding in diagnosis.findings] == ["other-method", "scheme"]


LONE = "secret \ud800"
WRONG = [
    ("consumer", Consumer("key", LONE), None, ()),
    ("consumer", Consumer("\udcff", "secret"), None, ()),
    ("consumer", Consumer("key", b"secret \xff"), None, ()),
    ("token", Consumer("key", "secret"), Token("key", LONE), ()),
    ("known", Consumer("key", "secret"), None, [Token("key", LONE)]),
]


@pytest.mark.parametrize(("name", "consumer", "token", "known"), WRONG)
def test_credentials_without_a_utf_8_form_are_refused(name, consumer, token, known):
    with pytest.raises(ValueError, match=f"{name}: its (key|secret) must have a UTF-8 form") as caught:
        diagnose(get().send(), consumer, token, known=known)
    assert caught.value.__context__ is None


def test_a_secret_that_is_not_text_is_refused():
    @dataclasses.dataclass
    class Pair:
        key: str
        secret: object

    with pytest.raises(TypeError, match="token: its secret must be str or bytes, not int"):
        diagnose(get().send(), Consumer("key", "secret"), Pair("key", 5))
    with pytest.raises(TypeError, match="consumer: must have a key and a secret"):
        diagnose(get().send(), Consumer)
