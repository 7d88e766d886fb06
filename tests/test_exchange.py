"""``Signer``, ``Exchange``, and the service's time in an answer, all without I/O."""

import io
from email.utils import formatdate

import pytest

import oauth2
from oauth2._sending.body import Chunks
from oauth2._sending.exchange import Exchange
from oauth2._sending.outgoing import Outgoing
from oauth2._sending.service_time import read_report, service_time, should_read_body
from oauth2._sending.signer import BODY, HEADER, QUERY, Signer
from oauth2.clock import Clock, MonotonicClock
from oauth2.errors import InsecureRedirect, InvalidAnswer, InvalidURL
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
        ("consumer", oauth2.Consumer, ValueError),
        ("token", oauth2.Token, ValueError),
        ("token", "token", ValueError),
        ("signature_method", "HMAC-SHA1", TypeError),
        ("signature_method", None, TypeError),
        ("placement", "cookie", ValueError),
        ("signature_method", oauth2.SignatureMethod_HMAC_SHA1, TypeError),
        ("realm", 1, ValueError),
        ("realm", str, ValueError),
        ("realm", "a\nb", ValueError),
        ("clock", None, ValueError),
        ("clock", Clock, ValueError),
        ("clock", 1.5, ValueError),
    ],
)
def test_a_wrong_option_is_refused_by_name(option, value, error):
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
def test_each_signing_has_a_new_nonce_and_timestamp(placement):
    clock = Fixed()
    one = exchange("POST", URI, "a=1", FORM, placement=placement, clock=clock)
    first = one.sign()
    clock.time += 1
    second = one.sign()
    assert f"{NOW}" in str(tuple(first))
    assert f"{NOW}" not in str(tuple(second))
    assert f"{NOW + 1}" in str(tuple(second))
    assert first != second


def test_a_replaced_make_timestamp_is_called_until_the_clock_is_corrected(monkeypatch):
    monkeypatch.setattr(oauth2.Request, "make_timestamp", lambda: "4711")
    clock = Clock(max_correction=NOW)
    one = exchange(clock=clock)
    assert 'oauth_timestamp="4711"' in one.sign().authorization
    clock.set(NOW)
    assert f'oauth_timestamp="{NOW // 100}' in one.sign().authorization


def test_an_exchange_without_a_signer_returns_the_request_unchanged():
    asked = Outgoing("GET", URI)
    assert Exchange(None, asked).sign() is asked


def test_a_file_is_rewound_before_the_request_is_signed_again():
    file = io.BytesIO(b"not this:this")
    file.seek(9)
    one = exchange("PUT", URI, file)
    assert one.is_repeatable
    first = one.sign()
    assert file.read() == b"this"
    assert one.sign().body is first.body
    assert file.read() == b"this"


@pytest.mark.parametrize("body", [iter([b"one"]), (chunk for chunk in [b"one"])])
def test_a_body_that_can_be_read_once_is_not_sent_twice(body):
    one = exchange("PUT", URI, body, body_hash=False)
    assert not one.is_repeatable
    one.sign()
    with pytest.raises(InvalidAnswer, match="once"):
        one.sign()


def test_a_body_hash_that_the_client_computed_is_sent():
    one = Exchange(Signer(consumer=CONSUMER, placement=QUERY), Outgoing("PUT", URI, None, hashed="bWFkZQ=="))
    assert "oauth_body_hash=bWFkZQ%3D%3D" in one.sign().uri


def test_chunks_are_hashed_as_a_file_is():
    chunks = Chunks(lambda: iter([b"one ", b"", b"two"]))
    assert body_hash(chunks) == body_hash(b"one two") == body_hash(chunks)


# --- redirects --------------------------------------------------------------------


def test_after_a_redirect_to_another_origin_nothing_is_signed():
    one = exchange("POST", f"{URI}?oauth_callback=oob", "a=1&oauth_verifier=1&x_auth_mode=x", FORM)
    one.sign()
    assert one.is_other_origin("https://elsewhere.example/")
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


def test_a_redirect_from_https_to_http_is_refused():
    with pytest.raises(InsecureRedirect):
        exchange().redirected(URI.replace("https", "http"), "GET", None, "")


def test_a_redirect_to_an_invalid_url_is_an_error():
    with pytest.raises(InvalidURL):
        exchange().redirected("javascript:alert(1)", "GET", None, "")


# --- the service's time in an answer ----------------------------------------------


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
def test_the_service_time_of_a_refusal(told, authenticate, body, time):
    assert service_time(NOW, told, read_report(authenticate, body)) == time


def answer(**fields):
    return lambda name: fields.get(name.lower().replace("-", "_"))


def test_the_clock_is_corrected_once_and_the_correction_undone_if_it_did_not_help():
    clock = Fixed()
    one = exchange(clock=clock)
    one.sign()
    assert one.correct_clock(401, answer(date=date(3600)))
    assert clock.now() == NOW + 3600
    one.sign()
    assert not one.correct_clock(401, answer(date=date(3600)))
    assert clock.now() == NOW  # The correction did not help, so the client has undone it.


def test_a_correction_that_helped_is_kept():
    clock = Fixed()
    one = exchange(clock=clock)
    one.sign()
    assert one.correct_clock(401, answer(date=date(3600)))
    one.sign()
    assert not one.correct_clock(200, answer(date=date(3600)))
    assert clock.now() == NOW + 3600


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_without_a_problem_report_only_a_401_corrects_the_clock(status):
    one = exchange(clock=Fixed())
    one.sign()
    assert not one.correct_clock(status, answer(date=date(3600)))
    assert not one.correct_clock(status, answer(date=date(3600)), b"oauth_problem=token_rejected")


OKAPI = b'{"error": {"reason_stack": ["bad_request", "invalid_oauth_request", "invalid_timestamp"], "status": 400}}'


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize(
    ("authenticate", "body"),
    [
        ('OAuth oauth_problem="timestamp_refused"', b""),
        (None, b"oauth_problem=timestamp_refused&oauth_problem_advice=x"),
        (None, b'{"oauth_problem": "timestamp_refused"}'),
        (None, b"<error>oauth_problem=timestamp_refused</error>"),
        (None, OKAPI),
    ],
)
def test_a_refusal_that_names_the_timestamp_corrects_the_clock(status, authenticate, body):
    clock = Fixed()
    one = exchange(clock=clock)
    one.sign()
    fields = answer(date=date(30), www_authenticate=authenticate)
    assert one.correct_clock(status, fields, body)
    assert clock.now() == NOW + 30
    one.sign()
    assert not one.correct_clock(status, fields, body)
    assert clock.now() == NOW  # The correction did not help, so the client has undone it.


@pytest.mark.parametrize("status", [404, 429, 500])
def test_another_status_never_corrects_the_clock(status):
    one = exchange(clock=Fixed())
    one.sign()
    assert not one.correct_clock(status, answer(date=date(3600)), b"oauth_problem=timestamp_refused")


def test_a_correction_is_kept_if_the_next_refusal_has_another_reason():
    clock = Fixed()
    one = exchange(clock=clock)
    one.sign()
    assert one.correct_clock(400, answer(date=date(3600)), OKAPI)
    one.sign()
    assert not one.correct_clock(403, answer(date=date(3600)), b"oauth_problem=permission_denied")
    assert clock.now() == NOW + 3600


def test_only_the_start_of_a_refusal_is_searched_for_a_report():
    one = exchange(clock=Fixed())
    one.sign()
    assert not one.correct_clock(400, answer(date=date(3600)), b"x" * 65536 + OKAPI)


def test_an_unsigned_request_never_corrects_the_clock():
    assert not exchange().correct_clock(401, answer(date=date(3600)))
    unsigned = Exchange(None, Outgoing("GET", URI))
    unsigned.sign()
    assert not unsigned.correct_clock(401, answer(date=date(3600)))


@pytest.mark.parametrize(
    ("status", "length", "is_read"),
    [
        (401, "9", True),
        (401, "65536", True),
        (401, "65537", False),
        (401, None, False),
        (401, "x", False),
        (200, "9", False),
        (400, "9", True),
        (403, "9", True),
        (404, "9", False),
    ],
)
def test_only_a_short_refusal_is_read(status, length, is_read):
    assert should_read_body(status, answer(content_length=length)) is is_read


def test_a_compressed_refusal_is_not_read():
    assert not should_read_body(401, answer(content_length="9", content_encoding="gzip"))
    assert should_read_body(401, answer(content_length="9"))


# --- clocks -----------------------------------------------------------------------


def test_a_clock_continues_from_the_time_it_was_set_to(monkeypatch):
    monkeypatch.setattr("oauth2.clock.time.time", lambda: NOW + 0.7)
    clock = Clock(5)
    assert clock.now() == NOW + 5
    clock.set(NOW + 100)
    assert (clock.now(), clock.offset) == (NOW + 100, 100)


def test_a_monotonic_clock_goes_back_only_when_it_is_set(monkeypatch):
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


@pytest.mark.parametrize("kind", [Clock, MonotonicClock])
@pytest.mark.parametrize("direction", [1, -1])
def test_services_can_move_a_clock_by_one_day_in_total(kind, direction, monkeypatch):
    monkeypatch.setattr("oauth2.clock.time.time", lambda: NOW)
    clock = kind()
    for days in (1, 2, 365):
        clock.set(NOW + direction * days * 86_400)
        assert clock.now() == NOW + direction * 86_400


def test_a_clock_can_have_another_limit_and_a_known_offset(monkeypatch):
    monkeypatch.setattr("oauth2.clock.time.time", lambda: NOW)
    clock = MonotonicClock(10**9, max_correction=60)
    clock.set(NOW + 10**9 + 61)
    assert clock.now() == NOW + 10**9
    clock.set(NOW + 10**9 + 60)
    assert clock.now() == NOW + 10**9 + 60


@pytest.mark.parametrize("kind", [Clock, MonotonicClock])
@pytest.mark.parametrize(
    "told",
    [
        {"date": "Tue, 01 Jan 2030 00:00:00 GMT"},
        {"date": "Mon, 01 Jan 1990 00:00:00 GMT"},
        {"www_authenticate": "OAuth oauth_acceptable_timestamps=1893456000-1893456600"},
    ],
)
def test_a_hostile_service_gets_no_signature_for_another_year(kind, told, monkeypatch):
    monkeypatch.setattr("oauth2.clock.time.time", lambda: NOW)
    clock = kind()
    one = exchange(clock=clock)
    one.sign()
    assert not one.correct_clock(401, answer(**told))
    assert (clock.offset, clock.now()) == (0, NOW)
    assert f'oauth_timestamp="{NOW}"' in one.sign().authorization


def test_a_monotonic_clock_ignores_a_time_beyond_its_limit(monkeypatch):
    now = [NOW]
    monkeypatch.setattr("oauth2.clock.time.time", lambda: now[0])
    clock = MonotonicClock()
    assert clock.now() == NOW
    now[0] -= 10
    clock.set(NOW - 365 * 86_400)
    assert clock.now() == NOW
