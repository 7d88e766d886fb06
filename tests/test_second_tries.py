"""Requests that a client sends again: a new nonce and timestamp are used each time."""

import io
import time
from email.utils import formatdate
from itertools import count

import pytest
from callers import Aiohttp, Httplib2, Niquests, Requests, every_kind, opened
from loopback import HANG_UP, Answer, Loopback, redirect
from verifying import Verifying, nonce_of

import oauth2
from oauth2._sending.signer import BODY, HEADER, QUERY
from oauth2.clock import Clock, MonotonicClock

pytestmark = pytest.mark.slow

JSON = "application/json"


@pytest.fixture
def service():
    with Verifying() as loopback:
        yield loopback


def first(answer, then=None):
    """Return a route that answers the first request with *answer*."""
    calls = count()
    return lambda _: answer if next(calls) == 0 else then or Answer()


# --- connections and retries ------------------------------------------------------


@every_kind()
def test_connections_are_used_again(service, kind):
    with opened(kind) as caller:
        for _ in range(3):
            assert caller.send("POST", service.origin, content=b"[1]", headers={"Content-Type": JSON})[0] == 200
            assert caller.send("GET", f"{service.origin}/?a=1")[0] == 200
    assert len({received.port for received in service.requests}) == 1


@every_kind(Httplib2, Aiohttp)
@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
def test_after_a_kept_connection_was_closed_it_is_signed_anew(service, kind, placement):
    service.routes["/closed"] = first(HANG_UP)
    with opened(kind, placement=placement) as caller:
        assert caller.send("GET", service.origin)[0] == 200
        assert caller.send("PUT", f"{service.origin}/closed?a=1", form={"b": "2"})[0] == 200
    _, closed, again = service.requests
    assert nonce_of(closed) != nonce_of(again)
    assert closed.port != again.port
    assert again.request().get_nonoauth_parameters() == {"a": "1", "b": "2"}


def test_a_body_that_can_be_read_once_is_not_sent_again_by_httplib2(service):
    service.routes["/closed"] = first(HANG_UP)
    with opened(Httplib2, body_hash=False) as caller, pytest.raises(oauth2.Error, match="once"):
        caller.send("POST", f"{service.origin}/closed", content=(chunk for chunk in (b"one ", b"two")))
    assert len(service.requests) == 1


@every_kind(Requests, Niquests)
@pytest.mark.parametrize("answer", [Answer(503), HANG_UP], ids=["503", "closed"])
def test_a_retry_of_urllib3_is_signed_anew(service, kind, answer, tmp_path):
    path = tmp_path / "photo"
    path.write_bytes(b"photo" * 1000)
    service.routes["/"] = lambda _: answer if len(service.requests) % 3 else Answer()
    with opened(kind, retries=3) as caller, path.open("rb") as file:
        assert caller.send("GET", f"{service.origin}/?a=1")[0] == 200
        assert caller.send("POST", f"{service.origin}/", form={"b": "2"})[0] == 200
        assert caller.send("PUT", f"{service.origin}/", content=file, headers={"Content-Type": "image/jpeg"})[0] == 200
    assert len(service.requests) == 9
    assert len({nonce_of(received) for received in service.requests}) == 9
    assert service.last.body == b"photo" * 1000


@every_kind(Requests, Niquests)
def test_a_retry_has_a_new_timestamp(service, kind):
    clock = Ticking()
    service.routes["/"] = lambda _: Answer(503) if len(service.requests) < 3 else Answer()
    with opened(kind, retries=3, clock=clock) as caller:
        assert caller.send("GET", f"{service.origin}/")[0] == 200
    times = [int(received.request()["oauth_timestamp"]) for received in service.requests]
    assert times == sorted(set(times))


class Ticking(Clock):
    """A clock that advances by one second each time it is read."""

    def now(self):
        self.offset += 1
        return super().now()


@every_kind(Requests, Niquests)
def test_a_retry_of_urllib3_is_signed_anew_after_a_redirect_too(service, kind):
    service.routes["/start"] = redirect(307, "/end")
    service.routes["/end"] = first(Answer(503))
    with opened(kind, retries=3) as caller:
        assert caller.send("POST", f"{service.origin}/start", form={"b": "2"})[0] == 200
    assert len({nonce_of(received) for received in service.requests}) == 3


@every_kind(Requests, Niquests)
@pytest.mark.parametrize("placement", [QUERY, BODY])
def test_a_retry_that_cannot_be_signed_anew_is_not_sent(service, kind, placement):
    service.routes["/"] = Answer(503)
    with opened(kind, retries=3, placement=placement) as caller, pytest.raises(ValueError, match="placement"):
        caller.send("POST", f"{service.origin}/", form={"b": "2"})
    assert len(service.requests) == 1


# --- clocks -----------------------------------------------------------------------

FAR = 7200


class Punctual(Verifying):
    """A service whose clock is two hours ahead; it refuses a timestamp that differs by more than a minute."""

    def __init__(self, headers=None, body=b"refused", status=401):
        super().__init__()
        self.refusal = Answer(status, headers, body)

    @staticmethod
    def now():
        return int(time.time()) + FAR

    def answer(self, received):
        self.requests.append(received)
        late = abs(int(received.request()["oauth_timestamp"]) - self.now()) > 60
        return self.refusal if late else Answer()


def date():
    return {"Date": formatdate(Punctual.now(), usegmt=True)}


REFUSALS = {
    "date": lambda: (date(), b"refused"),
    "problem": lambda: ({**date(), "WWW-Authenticate": "OAuth oauth_problem=timestamp_refused"}, b""),
    "range": lambda: (
        {"WWW-Authenticate": f'OAuth oauth_acceptable_timestamps="{Punctual.now() - 20}-{Punctual.now() + 20}"'},
        b"",
    ),
    "body": lambda: (
        {},
        b"oauth_problem=timestamp_refused&oauth_acceptable_timestamps=%d-%d" % (Punctual.now() - 9, Punctual.now() + 9),
    ),
}


NAMED = {
    "400 OKAPI": lambda: (date(), b'{"error": {"reason_stack": ["bad_request", "invalid_timestamp"]}}', 400),
    "400 form": lambda: (date(), b"oauth_problem=timestamp_refused", 400),
    "403 header": lambda: ({**date(), "WWW-Authenticate": "OAuth oauth_problem=timestamp_refused"}, b"", 403),
}
REFUSALS |= NAMED


@every_kind()
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_wrong_clock_is_corrected_once(kind, refusal):
    clock = Clock()
    with Punctual(*REFUSALS[refusal]()) as service, opened(kind, clock=clock) as caller:
        assert caller.send("POST", f"{service.origin}/?a=1", form={"b": "2"})[0] == 200
        assert caller.send("POST", service.origin, content=b"[1]", headers={"Content-Type": JSON})[0] == 200
        assert caller.send("POST", service.origin, files={"photo": ("a", io.BytesIO(b"photo"))})[0] == 200
    assert len(service.requests) == 4
    assert len({nonce_of(received) for received in service.requests}) == 4
    assert service.requests[1].body == b"b=2"
    assert abs(clock.offset - FAR) < 60


@every_kind()
@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
def test_a_second_try_keeps_the_placement(kind, placement):
    with Punctual(date()) as service, opened(kind, placement=placement) as caller:
        assert caller.send("POST", f"{service.origin}/?a=1", form={"b": "2"})[0] == 200
        assert caller.send("POST", f"{service.origin}/?a=1", form={"b": "2"})[0] == 200
    assert len(service.requests) == 3
    for received in service.requests:
        assert received.request().get_nonoauth_parameters() == {"a": "1", "b": "2"}
        assert len(received.request()) == 9
        assert received.header("Content-Type") == "application/x-www-form-urlencoded"


@every_kind()
def test_a_refusal_for_another_reason_is_returned(service, kind):
    refusals = [
        Answer(401),
        Answer(403, date()),
        Answer(400, date(), b"timestamp"),
        Answer(401, {**date(), "WWW-Authenticate": "OAuth oauth_problem=signature_invalid"}),
        Answer(401, {"WWW-Authenticate": "OAuth oauth_problem=timestamp_refused"}),
        Answer(401, {"WWW-Authenticate": 'OAuth oauth_problem="timestamp_refused'}),
        Answer(401, {"Date": "yesterday"}),
        Answer(401, body=b"x" * 100_000),
    ]
    clock = Clock()
    with opened(kind, clock=clock) as caller:
        for answer in refusals:
            service.requests.clear()
            service.routes["/"] = answer
            assert caller.send("GET", f"{service.origin}/") == (answer.status, answer.body)
            assert len(service.requests) == 1
    assert clock.offset == 0


@every_kind()
def test_a_correction_that_did_not_help_is_undone(service, kind):
    service.routes["/"] = Answer(401, date())
    clock = Clock()
    with opened(kind, clock=clock) as caller:
        for _ in range(2):
            service.requests.clear()
            assert caller.send("GET", f"{service.origin}/")[0] == 401
            assert len(service.requests) == 2
    assert abs(clock.offset) < 5


@every_kind()
def test_a_body_that_can_be_read_once_is_not_sent_again(kind):
    with Punctual(date()) as service, opened(kind, body_hash=False) as caller:
        chunks = (chunk for chunk in (b"one ", b"two"))
        assert caller.send("POST", service.origin, content=chunks, headers={"Content-Type": "text/plain"})[0] == 401
    assert len(service.requests) == 1


@every_kind()
def test_a_monotonic_clock_never_goes_back(kind, monkeypatch):
    now = iter([1000.0, 2000.0, 1500.0, 1400.0, 2100.0])
    with Loopback() as service, opened(kind, clock=MonotonicClock()) as caller:
        monkeypatch.setattr("oauth2.clock.time", Fixed(now))
        for _ in range(5):
            caller.send("GET", service.origin)
    times = [int(received.request()["oauth_timestamp"]) for received in service.requests]
    assert times == [1000, 2000, 2000, 2000, 2100]


class Fixed:
    def __init__(self, times):
        self.times = times

    def time(self):
        return next(self.times)
