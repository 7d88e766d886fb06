"""``Signer``, ``Exchange``, and the time that an answer tells: values in, values out."""

import io
from email.utils import formatdate

import pytest

import oauth2
from oauth2.clock import Clock, MonotonicClock
from oauth2.errors import InsecureRedirect, InvalidAnswer, InvalidURL
from oauth2.exchange import Chunks, Exchange, Signer, may_tell_why, service_time
from oauth2.outgoing import BODY, HEADER, QUERY, Outgoing
from oauth2.parameters import body_hash

CONSUMER = oauth2.Consumer("key", "hush-consumer")
TOKEN = oauth2.Token("token", "hush-token")
FORM = "application/x-www-form-urlencoded"
URI = "https://api.example/photos"
NOW = 1_700_000_000


class Fixed(Clock):
    def __init__(self, now=NOW):
        super().__init__()
        self.time = now

    def now(self):
        return self.time

    def set(self, now):
        self.time = now


def exchange(*asked, **options):
    return Exchange(Signer(consumer=CONSUMER, token=TOKEN, **options), Outgoing(*(asked or ("GET", URI))))


# --- Signer -----------------------------------------------------------------------


def test_a_signer_shows_no_secret():
    assert "hush" not in repr(Signer(consumer=CONSUMER, token=TOKEN))


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("consumer", "key", ValueError),
        ("consumer", None, ValueError),
        ("token", "token", ValueError),
        ("signature_method", "HMAC-SHA1", TypeError),
        ("signature_method", None, TypeError),
        ("placement", "cookie", ValueError),
        ("realm", 1, ValueError),
        ("clock", None, ValueError),
        ("clock", 1.5, ValueError),
    ],
)
def test_what_is_no_option_is_refused_by_name(option, value, error):
    with pytest.raises(error, match=option):
        Signer(**{"consumer": CONSUMER, option: value})


def test_an_unknown_option_is_refused():
    with pytest.raises(TypeError, match="timestamp"):
        Signer(consumer=CONSUMER, timestamp=1)


@pytest.mark.parametrize("token", [None, {}, ""])
def test_there_may_be_no_token(token):
    signed = Exchange(Signer(consumer=CONSUMER, token=token), Outgoing("GET", URI)).sign()
    assert "oauth_token" not in signed.protocol


# --- signing again ----------------------------------------------------------------


@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
def test_each_time_has_a_nonce_and_the_time_it_is(placement):
    clock = Fixed()
    one = exchange("POST", URI, "a=1", FORM, placement=placement, clock=clock)
    first = one.sign()
    clock.time += 1
    second = one.sign()
    assert f"{NOW}" in repr(first)
    assert f"{NOW}" not in repr(second)
    assert f"{NOW + 1}" in repr(second)
    assert first != second


def test_what_is_unsigned_goes_out_as_it_is():
    asked = Outgoing("GET", URI)
    assert Exchange(None, asked).sign() is asked


def test_a_file_is_put_back_before_it_is_signed_again():
    file = io.BytesIO(b"not this:this")
    file.seek(9)
    one = exchange("PUT", URI, file)
    assert one.is_repeatable
    first = one.sign()
    assert file.read() == b"this"
    assert one.sign().body is first.body
    assert file.read() == b"this"


@pytest.mark.parametrize("body", [iter([b"one"]), (chunk for chunk in [b"one"])])
def test_what_can_be_read_once_is_not_signed_twice(body):
    one = exchange("PUT", URI, body, body_hash=False)
    assert not one.is_repeatable
    one.sign()
    with pytest.raises(InvalidAnswer, match="once"):
        one.sign()


def test_a_hash_that_the_client_made_is_taken():
    one = Exchange(Signer(consumer=CONSUMER, placement=QUERY), Outgoing("PUT", URI, None, hashed="bWFkZQ=="))
    assert "oauth_body_hash=bWFkZQ%3D%3D" in one.sign().uri


def test_chunks_are_hashed_as_a_file_is():
    chunks = Chunks(lambda: iter([b"one ", b"", b"two"]))
    assert body_hash(chunks) == body_hash(b"one two") == body_hash(chunks)


# --- redirects --------------------------------------------------------------------


def test_across_origins_nothing_is_signed_ever_after():
    one = exchange("POST", f"{URI}?oauth_callback=oob", "a=1&oauth_verifier=1&x_auth_mode=x", FORM)
    one.sign()
    assert one.leaves("https://elsewhere.example/")
    away = one.redirected("https://elsewhere.example/?b=2", "POST", one.asked.body, FORM)
    sent = away.sign()
    assert (sent.uri, sent.body, sent.authorization) == ("https://elsewhere.example/?b=2", "a=1", None)
    back = away.redirected(f"{URI}?c=3", "GET", None, "").sign()
    assert (back.uri, back.body, back.authorization) == (f"{URI}?c=3", None, None)


def test_a_form_in_a_file_loses_its_credentials_too():
    one = exchange("POST", URI, io.BytesIO(b"a=1&oauth_verifier=1"), FORM)
    one.sign()
    away = one.redirected("https://elsewhere.example/", "POST", one.asked.body, FORM)
    assert away.sign().body == b"a=1"


def test_from_https_to_http_it_does_not_go():
    with pytest.raises(InsecureRedirect):
        exchange().redirected(URI.replace("https", "http"), "GET", None, "")


def test_a_location_that_is_no_url_is_an_error():
    with pytest.raises(InvalidURL):
        exchange().redirected("javascript:alert(1)", "GET", None, "")


# --- the time that an answer tells ------------------------------------------------


def date(offset):
    return formatdate(NOW + offset, usegmt=True)


@pytest.mark.parametrize(
    ("told", "authenticate", "body", "time"),
    [
        (date(0), None, b"", None),
        (date(59), None, b"", None),
        (date(61), None, b"", NOW + 61),
        (date(-3600), None, b"refused", NOW - 3600),
        (date(3600), "Basic realm=x", b"", NOW + 3600),
        (date(3600), "OAuth", b"", NOW + 3600),
        (date(3600), 'OAuth realm="x', b"", NOW + 3600),
        (date(3600), "OAuth oauth_problem=signature_invalid", b"", None),
        (date(3600), None, b"oauth_problem=token_rejected", None),
        (date(30), "OAuth oauth_problem=timestamp_refused", b"", NOW + 30),
        (date(3), "OAuth oauth_problem=timestamp_refused", b"", None),
        (None, "OAuth oauth_problem=timestamp_refused", b"", None),
        (None, None, b"", None),
        ("yesterday", None, b"", None),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None, b"", None),
        (None, f'OAuth oauth_acceptable_timestamps="{NOW + 90}-{NOW + 110}"', b"", NOW + 100),
        (date(99), f'OAuth oauth_acceptable_timestamps="{NOW + 90}-{NOW + 110}"', b"", NOW + 99),
        (date(0), f'OAuth oauth_acceptable_timestamps="{NOW + 90}-{NOW + 110}"', b"", NOW + 100),
        (date(99), f'OAuth oauth_acceptable_timestamps="{NOW - 10}-{NOW + 10}"', b"", None),
        (date(99), 'OAuth oauth_acceptable_timestamps="soon"', b"", NOW + 99),
        (date(99), 'OAuth oauth_acceptable_timestamps="1-99999999999999"', b"", NOW + 99),
        (None, None, f"oauth_problem=x&oauth_acceptable_timestamps={NOW + 9}-{NOW + 9}\n".encode(), NOW + 9),
        (None, None, b"oauth_problem=\xff%zz", None),
    ],
)
def test_the_time_an_answer_tells(told, authenticate, body, time):
    assert service_time(NOW, told, authenticate, body) == time


def answer(**fields):
    return lambda name: fields.get(name.lower().replace("-", "_"))


def test_a_second_try_is_worth_it_once():
    clock = Fixed()
    one = exchange(clock=clock)
    one.sign()
    assert one.learn(401, answer(date=date(3600)))
    assert clock.now() == NOW + 3600
    one.sign()
    assert not one.learn(401, answer(date=date(3600)))
    assert clock.now() == NOW  # it did not help


def test_what_helped_is_kept():
    clock = Fixed()
    one = exchange(clock=clock)
    one.sign()
    assert one.learn(401, answer(date=date(3600)))
    one.sign()
    assert not one.learn(200, answer(date=date(3600)))
    assert clock.now() == NOW + 3600


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_only_a_401_is_about_the_clock(status):
    one = exchange(clock=Fixed())
    one.sign()
    assert not one.learn(status, answer(date=date(3600)))


def test_what_was_not_signed_says_nothing_of_the_clock():
    assert not exchange().learn(401, answer(date=date(3600)))
    unsigned = Exchange(None, Outgoing("GET", URI))
    unsigned.sign()
    assert not unsigned.learn(401, answer(date=date(3600)))


@pytest.mark.parametrize(
    ("status", "length", "is_read"),
    [
        (401, "9", True),
        (401, "65536", True),
        (401, "65537", False),
        (401, None, False),
        (401, "x", False),
        (200, "9", False),
    ],
)
def test_only_a_short_refusal_is_read(status, length, is_read):
    assert may_tell_why(status, length) is is_read


# --- clocks -----------------------------------------------------------------------


def test_a_clock_goes_on_from_what_it_was_set_to(monkeypatch):
    monkeypatch.setattr("oauth2.clock.time.time", lambda: NOW + 0.7)
    clock = Clock(5)
    assert clock.now() == NOW + 5
    clock.set(NOW + 100)
    assert (clock.now(), clock.offset) == (NOW + 100, 100)


def test_a_monotonic_clock_goes_back_at_a_services_word_alone(monkeypatch):
    now = [NOW]
    monkeypatch.setattr("oauth2.clock.time.time", lambda: now[0])
    clock = MonotonicClock()
    assert clock.now() == NOW
    now[0] -= 10
    assert clock.now() == NOW
    clock.set(NOW - 100)
    assert clock.now() == NOW - 100
    now[0] += 1
    assert clock.now() == NOW - 99
