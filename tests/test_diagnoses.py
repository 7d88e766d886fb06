"""The operator sees why a request was refused; the client gets no further information."""

import asyncio
import gc
import http.client
import logging
import os
import queue
import threading
import time
import tracemalloc
import weakref
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from children import fork, needs_fork
from hosted import APP, CALLBACK, Hosted, as_http
from loopback import Answer, Loopback
from peer import NOW
from served import make_provider, serve_waitress, signed, wsgi_app

import oauth2
from oauth2.doctor import diagnose
from oauth2.errors import Error, InvalidRequest
from oauth2.http import HTTPRequest
from oauth2.middleware.wsgi import Protected
from oauth2.provider import AsyncProvider, Provider, _explained, diagnoses
from oauth2.provider.audit import Refused
from oauth2.provider.diagnoses import Diagnosed, Diagnoses
from oauth2.stores import MemoryStore, TokenCredentials

pytestmark = pytest.mark.slow

BASE = "https://api.example"
PATIENCE = 60  # seconds


@pytest.fixture(autouse=True)
def _without_delay(monkeypatch):
    monkeypatch.setattr(diagnoses, "_DELAY", 0)
    monkeypatch.setattr(diagnoses, "_REST", 0)


class Observed(Hosted):
    """A provider; ``next()`` waits for its next diagnosis."""

    def __init__(self, **options):
        self.arrived = queue.Queue()
        self.diagnoses = options.pop("diagnoses", None) or Diagnoses(per_second=1000)
        options = {"base_url": BASE, "diagnoses": self.diagnoses, "audit": self.arrived.put, **options}
        super().__init__(**options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.diagnoses.close()

    def next(self, kind=Diagnosed):
        """Return the next event of *kind*."""
        while True:
            event = self.arrived.get(timeout=PATIENCE)
            if isinstance(event, kind):
                return event

    def diagnose(self, request):
        """Let the provider refuse *request*; return the diagnosis."""
        with pytest.raises(Error):
            self.provider.authenticate(request)
        return self.next()


@pytest.fixture
def observed():
    with Observed() as made:
        yield made


def at(request, origin):
    """Return *request* as it arrives at another *origin*."""
    parts = urlsplit(request.url)
    return replace(request, url=f"{origin}{parts.path}{'?' if parts.query else ''}{parts.query}")


def keys_of(event):
    return [each.key for each in event.diagnosis.findings]


# --- mistakes in the settings of a new host ------------------------------------------


@pytest.mark.parametrize(
    ("base_url", "signed_for", "arrived_at", "expected"),
    [
        (BASE, "http://api.example", "http://api.example", "scheme"),
        (BASE, "http://10.0.0.7:8000", "http://10.0.0.7:8000", "host"),
        (f"{BASE}/v2", BASE, BASE, "path-prefix"),
        (None, BASE, "http://api.example", "scheme"),
    ],
)
def test_a_base_url_that_clients_do_not_sign_is_named(base_url, signed_for, arrived_at, expected):
    with Observed(base_url=base_url) as observed:
        token = oauth2.Token("t", "s")
        observed.store.add_token(oauth2_token(token))
        request = at(observed.sent("/photos", "GET", token=token, origin=signed_for), arrived_at)
        event = observed.diagnose(request)
        assert (event.diagnosis.verdict, keys_of(event)) == ("mistaken", [expected])
        (finding,) = event.diagnosis.findings
        assert finding.is_proven
        assert finding.evidence.signed == f"{signed_for}/photos"
        assert finding.evidence.arrived == event.verified
        assert event.arrived == f"{arrived_at}/photos"
        assert event.advice.endswith("If the client used the right URL, correct base_url.")


def oauth2_token(token, **fields):
    return TokenCredentials(key=token.key, secret=token.secret, **{"consumer_key": "app", "user": "jane", **fields})


def test_the_host_that_a_trusted_proxy_hides_is_tried_too():
    # The middleware takes the host from X-Forwarded-Host; the client signed the Host header.
    with Observed(base_url=None) as observed:
        request = observed.sent("/photos", "GET", origin="https://inner.example")
        request = replace(
            request, url=f"{BASE}/photos", headers={**request.headers, "Host": "inner.example", "X-None": None}
        )
        event = observed.diagnose(request)
        assert keys_of(event) == ["host"]
        assert event.diagnosis.findings[0].evidence.signed == "https://inner.example/photos"


def test_a_request_that_arrives_without_a_host_in_its_url_is_diagnosed(observed):
    request = observed.sent("/photos", "GET", origin="http://inner.example")
    for headers, expected in ((request.headers, []), ([*request.headers.items(), ("Host", "inner.example")], ["host"])):
        assert keys_of(observed.diagnose(replace(request, url="/photos", headers=headers))) == expected


@pytest.mark.parametrize(
    ("base_url", "advice"),
    [
        (None, "The provider received the request at http://127.0.0.1:8000. If clients use another URL, set base_url."),
        (
            BASE,
            "The provider received the request at http://127.0.0.1:8000. "
            "Clients must sign URLs that start with base_url, https://api",
        ),
        ("http://127.0.0.1:8000", ""),
    ],
)
def test_a_signature_that_nothing_explains_comes_with_the_url_that_arrived(base_url, advice):
    with Observed(base_url=base_url) as observed:
        wrong = oauth2.Consumer("app", "guessed")
        event = observed.diagnose(at(observed.sent("/photos", consumer=wrong), "http://127.0.0.1:8000"))
        assert (event.diagnosis.verdict, keys_of(event)) == ("unexplained", [])
        assert event.advice.startswith(advice)
        assert bool(event.advice) is bool(advice)
        assert any("a wrong secret" in each for each in event.diagnosis.ruled_out)
        assert event.consumer_key == "app"


# --- findings from the provider's store ----------------------------------------------------


def test_credentials_that_are_not_accepted_are_named(observed):
    token, foreign, temporary = oauth2.Token("t", "s"), oauth2.Token("f", "s2"), observed.temporary()
    observed.store.add_token(oauth2_token(token))
    observed.store.add_token(oauth2_token(foreign, consumer_key="other-app"))
    unknown = oauth2.Consumer("nobody", "secret")
    for options, expected in [
        ({"consumer": unknown}, "consumer-not-registered"),
        ({"consumer": unknown, "token": token}, "consumer-not-registered"),
        ({"token": oauth2.Token("revoked", "s3")}, "token-not-issued"),
        ({"token": foreign}, "token-of-another-consumer"),
        ({"token": temporary}, "token-temporary"),
    ]:
        event = observed.diagnose(observed.sent("/photos", **options))
        assert (event.diagnosis.verdict, keys_of(event)) == ("mistaken", [expected])
        assert event.diagnosis.ruled_out == ()
        assert event.diagnosis.findings[0].repair


def test_the_token_endpoints_are_diagnosed_with_temporary_credentials(observed):
    temporary = observed.temporary()
    verifier = observed.provider.approve(temporary.key, user="jane").verifier
    request = observed.sent("/access_token", token=oauth2.Token(temporary.key, ""), verifier=verifier)
    assert observed.provider.access_token(request).status == 401
    assert keys_of(observed.next()) == ["token-secret-left-out"]
    assert observed.exchange(temporary, verifier).status == 200
    assert observed.exchange(temporary, verifier).status == 401  # redeemed already
    assert keys_of(observed.next()) == ["token-not-issued"]
    assert observed.ask(callback="https://app.example/other").status == 400
    # The signature is right; the request was refused because of its callback.
    assert observed.next().diagnosis.verdict == "right"


def test_clock_and_nonce_are_named_and_the_time_is_that_of_the_refusal(observed):
    token = oauth2.Token("t", "s")
    observed.store.add_token(oauth2_token(token))
    assert keys_of(observed.diagnose(observed.sent("/photos", token=token, timestamp=str(NOW - 900)))) == ["clock"]
    assert keys_of(observed.diagnose(observed.sent("/photos", token=token, timestamp=f"{NOW}000"))) == [
        "timestamp-unit"
    ]
    request = observed.sent("/photos", token=token)
    observed.provider.authenticate(request)
    event = observed.diagnose(request)
    assert keys_of(event) == ["nonce-used"]
    assert (event.at, event.refused.problem) == (NOW, "nonce_used")


def test_the_previous_secret_is_right_while_a_secret_is_rotated(observed):
    old, rotating = oauth2.Consumer("app", APP.secret), APP.with_new_secret()
    observed.store.replace_consumer(rotating)
    token = oauth2.Token("t", "s")
    observed.store.add_token(oauth2_token(token))
    assert observed.diagnose(observed.sent("/photos", consumer=old)).diagnosis.verdict == "right"  # Not two-legged.
    request = observed.sent("/photos", consumer=old, token=token, timestamp=str(NOW - 900))
    event = observed.diagnose(request)
    assert (keys_of(event), event.diagnosis.signature_is_right) == (["clock"], True)
    event = observed.diagnose(observed.sent("/photos", consumer=old, token=oauth2.Token("t", "")))
    assert (event.diagnosis.verdict, keys_of(event)) == ("mistaken", ["token-secret-left-out"])
    event = observed.diagnose(at(observed.sent("/photos", consumer=old, token=token, origin="http://b.example"), BASE))
    assert event.diagnosis.verdict == "unexplained"


def test_a_header_that_cannot_be_read_is_diagnosed(observed):
    request = observed.sent("/photos")
    broken = request.headers["Authorization"].replace(", ", "&")
    event = observed.diagnose(replace(request, headers={"Authorization": broken}))
    assert "header-ampersand" in keys_of(event)
    assert event.consumer_key is None
    assert "consumer-key" not in keys_of(event)


def test_what_no_diagnosis_can_explain_is_not_queued():
    class Down(MemoryStore):
        def find(self, *_):
            raise oauth2.errors.StoreUnavailable("The store cannot be read.")

    seen = []
    observer = type("Observer", (), {"observe": lambda _, refused: seen.append(refused)})()
    provider = Hosted(base_url=BASE, diagnoses=observer).provider
    for request in (HTTPRequest("GET", "/"), HTTPRequest("GET", f"{BASE}/?a=b", {"Authorization": "Basic eA=="})):
        with pytest.raises(Error):
            provider.authenticate(request)
    provider.error_response(InvalidRequest("The body is too large."))
    hosted = Hosted(Down(), consumers=(), base_url=BASE, diagnoses=observer)
    with pytest.raises(Error):
        hosted.provider.authenticate(hosted.sent("/photos"))
    assert seen == []
    with pytest.raises(Error):
        provider.authenticate(hosted.sent("/photos"))
    assert repr(seen) == "[<RefusedRequest POST signature_invalid>]".replace("signature_invalid", seen[0].event.problem)


# --- the peer ------------------------------------------------------------------------


def refusals(hosted):
    """Requests that are refused, each for a different reason."""
    token = oauth2.Token("t", "s")
    hosted.store.add_token(oauth2_token(token))
    return [
        hosted.sent("/photos", consumer=oauth2.Consumer("nobody", "x"), nonce="1"),
        hosted.sent("/photos", token=oauth2.Token("t", "wrong"), nonce="2"),
        hosted.sent("/photos", token=oauth2.Token("unknown", "s"), nonce="3"),
        hosted.sent("/photos", token=token, origin="http://api.example", nonce="4"),
        hosted.sent("/photos", token=token, timestamp="1", nonce="5"),
        hosted.sent("/photos", nonce="6"),
        hosted.sent("/photos", version="2.0", nonce="7"),
        HTTPRequest("GET", f"{BASE}/photos", {"Authorization": "OAuth oauth_consumer_key=app"}),
    ]


def test_responses_are_the_same_with_and_without_diagnoses(observed):
    with Observed(diagnoses=Diagnoses(per_second=0.001)) as other:
        plain = Hosted(base_url=BASE)
        for hosted in (observed, other, plain):
            hosted.answers = []
            for request in refusals(hosted):
                with pytest.raises(Error) as caught:
                    hosted.provider.authenticate(request)
                hosted.answers.append((hosted.provider.error_response(caught.value), str(caught.value)))
            for endpoint in (hosted.provider.request_token, hosted.provider.access_token):
                hosted.answers.extend(map(endpoint, refusals(hosted)))
        assert observed.answers == other.answers == plain.answers
        assert len(plain.answers) == 24


def test_the_thread_that_answers_does_no_diagnosis(observed, monkeypatch):
    threads = []
    explain, find_all = diagnoses.explain, observed.store.get_temporary
    monkeypatch.setattr(diagnoses, "explain", lambda *given: threads.append(threading.get_ident()) or explain(*given))
    monkeypatch.setattr(
        observed.store, "get_temporary", lambda key: threads.append(threading.get_ident()) or find_all(key)
    )
    for request in refusals(observed):
        observed.diagnose(request)
    assert len(threads) > 8
    assert threading.get_ident() not in threads


def test_the_diagnosis_starts_after_the_response_was_sent(monkeypatch):
    monkeypatch.setattr(diagnoses, "_DELAY", 0.3)
    with Observed() as observed:
        started = time.monotonic()
        observed.diagnose(observed.sent("/photos", consumer=oauth2.Consumer("nobody", "x")))
        assert time.monotonic() - started >= 0.3


def test_the_work_does_not_depend_on_whether_credentials_exist(observed, monkeypatch):
    searches = []

    def recorded(*args, **options):
        searches.append(diagnose(*args, **options))
        return searches[-1]

    monkeypatch.setattr(_explained, "diagnose", recorded)
    observed.store.add_token(oauth2_token(oauth2.Token("t", "AbC-dEf_123-4567890abcdEF")))
    for key, changes in (("own", {}), ("rsa", {"secret": ""}), ("rot", {"previous_secret": "AbC-dEf_123-4567890abcd"})):
        observed.store.add_consumer(replace(observed.provider.register(key=key), **changes))
    for consumer in ("own", "no1", "rsa", "rot"):
        for named in ("t", "n"):
            guessed = {"consumer": oauth2.Consumer(consumer, "x"), "token": oauth2.Token(named, "x")}
            observed.diagnose(observed.sent("/photos", **guessed, nonce="n1", signer=lambda _: f"{'A' * 27}="))
    # ruled_out says how many base strings and keys were tried.
    assert len({each.ruled_out for each in searches}) == 1
    assert len(searches) == 8
    assert "every pair of them" in searches[0].ruled_out[0]


def test_no_event_has_a_secret(observed, caplog):
    temporary = observed.temporary(CALLBACK)
    verifier = observed.provider.approve(temporary.key, user="jane").verifier
    request = observed.sent("/access_token", token=temporary, verifier=verifier)
    # The verifier is sent but not signed, so the evidence of the finding contains the verifier.
    unsigned = observed.peer.sign("POST", f"{BASE}/access_token", consumer=APP, token=temporary, timestamp=str(NOW))
    header = unsigned.headers["Authorization"] + f', oauth_verifier="{verifier}"'
    events = []
    assert observed.provider.access_token(as_http(unsigned.with_header(Authorization=header))).status == 401
    events.append(observed.next())
    assert "REDACTED" in everything(events[0])
    for plaintext in (APP.secret, "another-secret"):
        guessed = oauth2.Consumer("app", plaintext)
        events.append(observed.diagnose(observed.sent("/photos", consumer=guessed, token=temporary, name="PLAINTEXT")))
    events += [observed.diagnose(each) for each in refusals(observed)]
    secrets = {verifier, temporary.secret, APP.secret, *observed.peer.sensitive} - {temporary.key, "t", "s", "x", ""}
    shown = "\n".join(map(everything, events)) + repr(request)
    assert [secret for secret in secrets if len(secret) > 7 and secret in shown] == []
    assert not caplog.records


def everything(event):
    diagnosis = event.diagnosis
    assert diagnosis.pieces is diagnosis.comparison is None
    texts = [event.arrived, event.verified, event.advice, repr(event), *diagnosis.ruled_out]
    for each in diagnosis.findings:
        evidence = (each.evidence.arrived, each.evidence.signed) if each.evidence else ()
        texts += [each.sentence, each.repair, *evidence]
    return "\n".join(texts)


# --- bounds --------------------------------------------------------------------------


def guess(observed, number=0):
    return observed.sent("/photos", consumer=oauth2.Consumer("nobody", "x"), nonce=f"n{number}")


@pytest.mark.heavy
@pytest.mark.heavy
def test_a_flood_of_refused_requests_leads_to_few_diagnoses_and_constant_memory():
    with Observed(diagnoses=Diagnoses(per_second=5)) as observed:
        requests = [guess(observed, number) for number in range(2_000)]
        seen = []
        observed.provider._endpoints._verification._audit = seen.append
        started = time.monotonic()
        tracemalloc.start()
        try:
            flood(observed.provider, requests)
            seen.clear()
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(4):
                flood(observed.provider, requests)
                assert (
                    len([event for event in seen if isinstance(event, Diagnosed)])
                    <= 5 * (time.monotonic() - started) + 1
                )
                seen[:] = [event for event in seen if isinstance(event, Diagnosed)]
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 2_000_000
        assert observed.diagnoses.dropped > 9_000


def flood(provider, requests):
    for request in requests:
        try:
            provider.authenticate(request)
        except Error:
            continue
        pytest.fail("a forged request was accepted")


def test_at_most_so_many_requests_are_diagnosed_in_a_second():
    with Observed(diagnoses=Diagnoses(per_second=20, max_queued=100)) as observed:
        started = time.monotonic()
        for number in range(5):
            with pytest.raises(Error):
                observed.provider.authenticate(
                    replace(guess(observed, number), headers={"Authorization": "OAuth oauth_nonce=1"})
                )
        for _ in range(5):
            observed.next()
        assert time.monotonic() - started >= 4 / 20


def test_the_thread_rests_longer_than_it_works(monkeypatch):
    monkeypatch.setattr(diagnoses, "_REST", 4)
    with Observed() as observed:
        broken = {"Authorization": "OAuth oauth_nonce=1"}
        monkeypatch.setattr(diagnoses, "explain", lambda *_: time.sleep(0.1) or 1 / 0)
        calls = []
        monkeypatch.setattr(observed.diagnoses, "_report", lambda *_: calls.append(time.monotonic()))
        for _ in range(2):
            with pytest.raises(Error):
                observed.provider.authenticate(HTTPRequest("GET", "/", broken))
        wait_for(lambda: len(calls) == 2)
        assert calls[1] - calls[0] >= 0.5


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_requests_beyond_the_queue_and_large_requests_are_left_out(monkeypatch):
    gate = threading.Event()
    explain = diagnoses.explain
    monkeypatch.setattr(diagnoses, "explain", lambda *given: gate.wait(PATIENCE) and explain(*given))
    with Observed(diagnoses=Diagnoses(per_second=1000, max_queued=3, max_size=2_000)) as observed:
        with pytest.raises(Error):
            observed.provider.authenticate(guess(observed))
        wait_for(lambda: not observed.diagnoses._queue)  # The thread took the first request.
        for body in (b"x" * 2_000, b"", b"", b"", b"", b""):
            request = replace(guess(observed), body=body, headers={"Authorization": "OAuth oauth_nonce=1"})
            with pytest.raises(Error):
                observed.provider.authenticate(request)
        assert observed.diagnoses.dropped == 3
        gate.set()
        assert [observed.next().dropped for _ in range(4)] == [3] * 4


def test_nothing_of_a_request_is_kept_after_its_diagnosis(observed):
    class Headers(dict):
        pass

    headers = Headers(guess(observed).headers)
    kept = weakref.ref(headers)
    observed.diagnose(HTTPRequest("POST", f"{BASE}/photos", headers))
    del headers
    wait_for(lambda: gc.collect() >= 0 and kept() is None)


# --- failures ------------------------------------------------------------------------


def test_a_diagnosis_that_fails_does_not_end_the_others(observed, monkeypatch, caplog):
    explain = diagnoses.explain
    monkeypatch.setattr(diagnoses, "explain", lambda *_: {}["app-secret"])
    with pytest.raises(Error):
        observed.provider.authenticate(guess(observed))
    wait_for(lambda: observed.diagnoses.dropped == 1)
    assert caplog.messages == ["A diagnosis failed: KeyError"]
    monkeypatch.setattr(diagnoses, "explain", explain)
    assert observed.diagnose(guess(observed)).dropped == 1


def test_a_hook_that_fails_does_not_end_the_diagnoses(caplog):
    class Failing:
        events = queue.Queue()

        def __call__(self, event):
            self.events.put(event)
            if event.consumer_key and isinstance(event, Diagnosed):
                raise LookupError("app-secret")

    hook = Failing()
    with Observed(audit=hook) as observed:
        for number in (0, 1):
            with pytest.raises(Error):
                observed.provider.authenticate(guess(observed, number))
        events = [hook.events.get(timeout=PATIENCE) for _ in range(4)]
        assert len([event for event in events if isinstance(event, Diagnosed)]) == 2
        wait_for(lambda: observed.diagnoses.dropped == 2)
    assert caplog.messages == ["The audit hook failed: LookupError"] * 2


def test_a_request_without_an_absolute_url_and_a_store_that_fails_are_left_out(caplog):
    with Observed(base_url=None) as observed:
        with pytest.raises(Error):
            observed.provider.authenticate(replace(guess(observed), url="/photos"))
        wait_for(lambda: observed.diagnoses.dropped == 1)

        def get_temporary(_):
            raise oauth2.errors.StoreUnavailable("The store cannot be read.")

        observed.store.get_temporary = get_temporary
        with pytest.raises(Error):
            observed.provider.authenticate(observed.sent("/photos", token=oauth2.Token("n", "n")))
        wait_for(lambda: observed.diagnoses.dropped == 2)
    assert not caplog.records


def test_a_process_that_can_start_no_thread_answers(observed, monkeypatch):
    def start(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(Error):
            observed.provider.authenticate(guess(observed))
    assert observed.diagnoses.dropped == 1
    assert observed.diagnose(guess(observed, 1)).dropped == 1


# --- its life ------------------------------------------------------------------------


def test_the_thread_starts_with_the_first_refusal_and_ends_with_close():
    def running():
        return [each for each in threading.enumerate() if each.name == "oauth2-diagnoses"]

    before = len(running())
    with Observed() as observed:
        assert len(running()) == before
        observed.diagnose(guess(observed))
        assert len(running()) == before + 1
        assert all(each.daemon for each in running())
    assert len(running()) == before
    with pytest.raises(Error):
        observed.provider.authenticate(guess(observed, 1))
    assert observed.diagnoses.dropped == 1
    observed.diagnoses.close()


def test_close_leaves_out_what_waits_and_does_not_wait_for_it():
    with Diagnoses(per_second=0.001) as made:
        observed = Observed(diagnoses=made)
        observed.diagnose(guess(observed))
        with pytest.raises(Error):
            observed.provider.authenticate(guess(observed, 1))
        assert made.dropped == 0
        started = time.monotonic()
    assert time.monotonic() - started < PATIENCE
    assert made.dropped == 1
    assert not made._queue


def test_the_hook_may_close_it():
    made = Diagnoses(per_second=1000)
    done = queue.Queue()

    def hook(event):
        if isinstance(event, Diagnosed):
            made.close()
            done.put(event)

    observed = Observed(diagnoses=made, audit=hook)
    with pytest.raises(Error):
        observed.provider.authenticate(guess(observed))
    assert done.get(timeout=PATIENCE)


@needs_fork
def test_a_forked_process_has_a_thread_of_its_own(observed):
    observed.diagnose(guess(observed))
    with observed.diagnoses._changed:  # A lock that is held during the fork is never released in the child.
        pid = fork(lambda: observed.diagnose(guess(observed, 1)))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert observed.diagnose(guess(observed, 2))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"per_second": 0}, ValueError),
        ({"per_second": float("nan")}, ValueError),
        ({"per_second": "5"}, TypeError),
        ({"max_queued": -1}, ValueError),
        ({"max_size": None}, TypeError),
    ],
)
def test_invalid_arguments_are_named(options, error):
    (name,) = options
    with pytest.raises(error, match=name):
        Diagnoses(**options)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"diagnoses": Diagnoses, "audit": print}, TypeError),
        ({"diagnoses": True, "audit": print}, TypeError),
        ({"diagnoses": Diagnoses()}, ValueError),
    ],
)
def test_a_provider_names_wrong_diagnoses(options, error):
    with pytest.raises(error, match="diagnoses"):
        Provider(MemoryStore(), **options)


def test_events_of_refusals_come_first(observed):
    with pytest.raises(Error):
        observed.provider.authenticate(guess(observed))
    first, second = observed.arrived.get(timeout=PATIENCE), observed.arrived.get(timeout=PATIENCE)
    assert isinstance(first, Refused)
    assert second.refused is first


# --- asyncio -------------------------------------------------------------------------


class Yielding(MemoryStore):
    """An asyncio store that records in which thread it was called."""

    threads = ()

    async def find(self, consumer_key, token_key):
        self.threads = {*self.threads, threading.get_ident()}
        await asyncio.sleep(0)
        return super().find(consumer_key, token_key)

    async def get_temporary(self, key):
        return super().get_temporary(key)


async def refuse_in_loop(provider, request):
    try:
        await provider.authenticate(request)
    except Error:
        return
    pytest.fail("a forged request was accepted")


def test_an_asyncio_store_and_hook_are_called_in_the_event_loop():
    async def live():
        events, done = [], asyncio.Event()

        async def hook(event):
            events.append((event, threading.get_ident()))
            await asyncio.sleep(0)
            if isinstance(event, Diagnosed):
                done.set()

        with Diagnoses(per_second=1000) as made:
            store = Yielding()
            provider = AsyncProvider(store, base_url=BASE, audit=hook, diagnoses=made, now=lambda: NOW)
            store.add_consumer(APP)
            await refuse_in_loop(provider, Hosted().sent("/photos", token=oauth2.Token("gone", "x")))
            await asyncio.wait_for(done.wait(), PATIENCE)
            assert keys_of(events[1][0]) == ["token-not-issued"]
            assert [type(event) for event, _ in events] == [Refused, Diagnosed]
            assert store.threads == {thread for _, thread in events} == {threading.get_ident()}

    asyncio.run(live())


def test_an_event_loop_that_has_ended_is_a_diagnosis_that_is_left_out(caplog, monkeypatch):
    monkeypatch.setattr(diagnoses, "_DELAY", 0.2)
    with Diagnoses(per_second=1000) as made:
        provider = AsyncProvider(Yielding(), base_url=BASE, audit=lambda _: None, diagnoses=made, now=lambda: NOW)
        asyncio.run(refuse_in_loop(provider, Hosted().sent("/photos")))
        wait_for(lambda: made.dropped == 1)
    assert caplog.messages == ["A diagnosis failed: RuntimeError"]


def test_close_in_the_event_loop_does_not_wait_for_the_event_loop():
    async def live():
        made = Diagnoses(per_second=1000)
        provider = AsyncProvider(Yielding(), base_url=BASE, audit=lambda _: None, diagnoses=made, now=lambda: NOW)
        await refuse_in_loop(provider, Hosted().sent("/photos"))
        wait_for(lambda: made._awaited is not None)  # The thread waits for the event loop, which this call blocks.
        started = time.monotonic()
        made.close()
        assert time.monotonic() - started < diagnoses._PATIENCE / 2
        assert made.dropped == 1

    asyncio.run(live())


# --- a real proxy --------------------------------------------------------------------


def test_behind_a_proxy_that_changes_the_host_the_operator_sees_what_to_set():
    events = queue.Queue()
    made = Diagnoses(per_second=1000)

    def forward(received):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        headers = {"Authorization": received.header("Authorization"), "Host": "inner.example:8000"}
        connection.request(received.method, received.target, headers=headers)
        answer = connection.getresponse()
        answer = Answer(answer.status, {"WWW-Authenticate": answer.headers["WWW-Authenticate"]}, answer.read())
        connection.close()
        return answer

    def ask(app_port):
        nonlocal port
        port = app_port
        header = signed("GET", f"{proxy.origin}/photos")
        connection = http.client.HTTPConnection(urlsplit(proxy.origin).netloc, timeout=PATIENCE)
        connection.request("GET", "/photos", headers={"Authorization": header})
        answer = connection.getresponse()
        try:
            return answer.status, answer.headers["WWW-Authenticate"], answer.read()
        finally:
            connection.close()

    port = 0
    with Loopback() as proxy, made:
        proxy.routes["/photos"] = forward
        answers = []
        for options in ({}, {"audit": events.put, "diagnoses": made}):
            app = Protected(wsgi_app, provider=make_provider(base_url="https://notes.example", **options))
            with serve_waitress(app) as app_port:
                answers.append(ask(app_port))
        assert answers[0] == answers[1]
        assert answers[0][0] == 401
        assert isinstance(events.get(timeout=PATIENCE), Refused)
        event = events.get(timeout=PATIENCE)
        # The client signed a URL that contains neither the origin of base_url nor the host of the Host header.
        assert event.arrived == "http://inner.example:8000/photos"
        assert event.verified == "https://notes.example/photos"
        assert event.advice == (
            "The provider received the request at http://inner.example:8000. "
            "Clients must sign URLs that start with base_url, https://notes.example."
        )
        assert event.diagnosis.verdict == "unexplained"
        app = Protected(wsgi_app, provider=make_provider(base_url=proxy.origin))
        with serve_waitress(app) as app_port:
            assert ask(app_port)[0] == 200


def test_nothing_is_logged_by_default(observed, caplog):
    caplog.set_level(logging.DEBUG)
    observed.diagnose(guess(observed))
    assert not caplog.records
