"""``StrictService``: what it verifies, records and answers, and the faults that a test injects."""

import asyncio
import time

import httpx2
import pytest
import requests
from hosted import as_http
from keys import public_octets, rsa_key
from peer import Peer
from urllib3 import Retry

import oauth2
from oauth2.clients.httpx import OAuth1 as HttpxOAuth1
from oauth2.clients.requests import OAuth1
from oauth2.http import HTTPRequest, HTTPResponse
from oauth2.provider import Lifetimes, RequestPolicy
from oauth2.rsa import SignatureMethod_RSA_SHA256
from oauth2.testing import Faults, FixedNonces, FrozenClock, StrictService

pytestmark = [pytest.mark.slow, pytest.mark.portable]


@pytest.fixture
def service():
    with StrictService() as service:
        yield service


@pytest.fixture
def app():
    return StrictService()


def call(service, path="/photos", *, auth=None, retries=0, method="GET", **options):
    """Send a signed request to a path or to a URL, with the client requests."""
    with requests.Session() as session:
        session.trust_env = False
        retry = Retry(retries, status_forcelist=[503], allowed_methods=None, backoff_factor=0)
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
        url = service.url(path) if path.startswith("/") else path
        return session.request(method, url, auth=auth or OAuth1(*service.credentials()), timeout=10, **options)


def sent(service, path="/photos", **options):
    """Return a request that independent code signed for *service*."""
    consumer, token = service.credentials()
    options.setdefault("timestamp", str(int(time.time())))
    return as_http(Peer().sign(uri=service.url(path), consumer=consumer, token=token, **options))


# --- what is verified and recorded ---------------------------------------------------------


def test_a_signed_request_is_verified_and_recorded(service):
    form = {"title": "Sea & sun", "tag": ["a", "b"]}
    answer = call(service, "/photos?size=big", method="POST", data=form)
    assert (answer.status_code, answer.content) == (200, b"ok")
    arrival = service.last
    assert (arrival.method, arrival.path, arrival.status, arrival.error) == ("POST", "/photos", 200, None)
    assert arrival.is_verified
    assert arrival.query == [("size", "big")]
    assert arrival.form == [("title", "Sea & sun"), ("tag", "a"), ("tag", "b")]
    assert arrival.header("content-type") == "application/x-www-form-urlencoded"
    assert arrival.header("absent") is None
    assert (arrival.access.user, arrival.access.consumer.key) == ("jane", "consumer-1")
    assert arrival.access.parameters["tag"] == ["a", "b"]
    assert service.arrived("/photos") == [arrival]
    assert service.arrived("/other") == []
    service.assert_verified(1)


def test_the_body_of_a_request_is_recorded(service):
    call(service, method="PUT", json={"a": [1]})
    assert service.last.json() == {"a": [1]}
    assert service.last.form == []
    assert service.last.body == b'{"a": [1]}'


def test_independent_code_signs_a_request_that_is_verified(app):
    assert app.handle(sent(app, query=[("ü", "a b"), ("ü", "")], form=[("~", "*")], method="POST")).status == 200
    app.assert_verified(1)


def test_a_wrong_signature_is_refused_and_explained(app):
    request = sent(app)
    response = app.handle(HTTPRequest(request.method, request.url + "?size=big", request.headers))
    assert response.status == 401
    assert isinstance(app.last.error, oauth2.Error)
    assert [each.key for each in app.last.diagnosis.findings] == ["query-not-signed"]
    with pytest.raises(AssertionError) as caught:
        app.assert_verified()
    told = str(caught.value)
    assert "The service refused 1 of 1 requests." in told
    assert "GET https://service.example/photos: 401 signature_invalid" in told
    assert "query-not-signed: The parameters of the URL's query were not signed." in told
    assert "(This mistake gives exactly the signature that was sent.)" in told
    assert "Repair: Sign every parameter" in told


def test_an_explanation_has_no_secret(app):
    consumer, token = app.credentials()
    other = oauth2.Consumer(consumer.key, consumer.secret + "\n")
    request = as_http(Peer().sign(uri=app.url("/"), consumer=other, token=token, timestamp=str(int(time.time()))))
    app.handle(request)
    shown = f"{app.last.explanation} {app.last!r} {app!r} {app.requests}"
    assert "secret-with-whitespace" in shown
    assert consumer.secret not in shown
    assert token.secret not in shown


def test_a_request_without_oauth_is_refused_and_explained(service):
    assert requests.get(service.url("/")).status_code == 400
    assert "no-oauth-parameters" in service.last.explanation


def test_a_repeated_request_is_refused_and_explained(app):
    request = sent(app)
    assert [app.handle(request).status, app.handle(request).status] == [200, 401]
    assert "nonce-used" in app.last.explanation


def test_an_unknown_consumer_and_an_unknown_token_are_named(app):
    consumer, token = app.credentials()
    now = str(int(time.time()))
    for given in ((oauth2.Consumer("other", "x"), token), (consumer, oauth2.Token("other", "x"))):
        app.handle(as_http(Peer().sign(uri=app.url("/"), consumer=given[0], token=given[1], timestamp=now)))
    assert "consumer-key: " in app.requests[0].explanation
    assert "token-unknown: " in app.requests[1].explanation


def test_a_signature_with_the_secret_of_another_token_is_named(app):
    consumer, token = app.credentials()
    other = app.token(consumer, user="joe")
    wrong = oauth2.Token(token.key, other.secret)
    app.handle(as_http(Peer().sign(uri=app.url("/"), consumer=consumer, token=wrong, timestamp=str(int(time.time())))))
    assert "other-token" in app.last.explanation


def test_a_malformed_request_is_refused_and_never_raises(app):
    odd = ["OAuth", "OAuth x", 'OAuth oauth_consumer_key="a", oauth_consumer_key="b"', "OAuth \x00=\xff", "Basic x"]
    for header in odd:
        assert app.handle(HTTPRequest("GET", app.url("/?oauth_token=%ff"), {"Authorization": header})).status >= 400
        assert app.last.explanation
    assert app.handle(HTTPRequest("GET", "http://a b/", {})).status == 400
    assert app.last.explanation


def test_no_request_is_a_failure(app):
    with pytest.raises(AssertionError, match="The service received no request"):
        app.assert_verified()
    with pytest.raises(AssertionError, match="The service received no request"):
        app.last  # noqa: B018 - the property raises
    app.assert_verified(0)


def test_another_number_of_requests_is_a_failure(app):
    app.handle(sent(app))
    with pytest.raises(AssertionError, match="The service received 1 requests, not 2"):
        app.assert_verified(2)


def test_a_service_with_a_policy_refuses_what_the_policy_refuses():
    app = StrictService(policy=RequestPolicy(body_hash_required=True))
    response = app.handle(sent(app, method="PUT", body=b"x"))
    assert response.status == 400
    assert app.last.error.problem == "parameter_absent"


def test_a_client_with_an_rsa_key_is_verified():
    method = SignatureMethod_RSA_SHA256(private_key=rsa_key())
    app = StrictService(
        policy=RequestPolicy(signature_methods=[SignatureMethod_RSA_SHA256(public_key=public_octets(rsa_key()))])
    )
    consumer = app.consumer(public_key=public_octets(rsa_key()).decode())
    request = oauth2.Request.from_consumer_and_token(consumer, None, "GET", app.url("/a"))
    request.sign_request(method, consumer, None)
    assert app.handle(HTTPRequest("GET", app.url("/a"), request.to_header())).status == 200


@pytest.mark.parametrize("name", ["clock", "policy", "lifetimes", "realms", "origin"])
def test_a_wrong_argument_raises_when_the_service_is_made(name):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: "):
        StrictService(**{name: "x y"})


# --- answers -------------------------------------------------------------------------------


def test_a_path_is_answered_as_the_test_sets_it(service):
    auth = OAuth1(*service.credentials())
    service.answer("/json", {"a": 1}, status=201, headers={"X-Rate": "9"})
    service.answer("/text", b"\x00\xff", headers={"content-type": "image/x"})
    service.answer_with("/echo", lambda arrival: HTTPResponse(200, [], arrival.path.encode()))
    answer = call(service, "/json", auth=auth)
    assert (answer.status_code, answer.json(), answer.headers["X-Rate"]) == (201, {"a": 1}, "9")
    assert answer.headers["Content-Type"] == "application/json"
    answer = call(service, "/text", auth=auth)
    assert (answer.content, answer.headers["Content-Type"]) == (b"\x00\xff", "image/x")
    assert call(service, "/echo?x=1", auth=auth).text == "/echo"
    with pytest.raises(TypeError):
        service.answer("/", object())


def test_an_answer_is_only_for_verified_requests(service):
    service.answer("/photos", b"private")
    answer = requests.get(service.url("/photos"))
    assert (answer.status_code, b"private" in answer.content) == (400, False)


# --- the flow ------------------------------------------------------------------------------


def test_a_client_gets_a_token_by_the_flow(service):
    consumer = service.consumer(callbacks=["https://app.example/cb"])
    callback = {"oauth_callback": "https://app.example/cb"}
    asked = call(service, service.request_token_url, method="POST", auth=OAuth1(consumer), data=callback)
    temporary = oauth2.Token.from_string(asked.text)
    approval = service.approve(f"{service.authorize_url}?oauth_token={temporary.key}", user="joe")
    assert approval.url.startswith("https://app.example/cb?")
    verifier = {"oauth_verifier": approval.verifier}
    auth = OAuth1(consumer, temporary)
    answer = call(service, service.access_token_url, method="POST", auth=auth, data=verifier)
    token = oauth2.Token.from_string(answer.text)
    assert call(service, auth=OAuth1(consumer, token)).status_code == 200
    assert service.last.access.user == "joe"
    service.assert_verified(3)


def test_the_consent_page_approves_at_once_and_is_not_recorded(service):
    consumer = service.consumer(callbacks=["https://app.example/cb"])
    callback = {"oauth_callback": "https://app.example/cb"}
    asked = call(service, service.request_token_url, method="POST", auth=OAuth1(consumer), data=callback)
    url = f"{service.authorize_url}?oauth_token={oauth2.Token.from_string(asked.text).key}"
    page = requests.get(url, allow_redirects=False)
    assert page.status_code == 302
    assert page.headers["Location"].startswith("https://app.example/cb?oauth_token=")
    assert requests.get(url).status_code == 401
    service.assert_verified(1)


def test_a_refusal_at_a_token_endpoint_is_recorded_and_explained(service):
    consumer = service.consumer()
    wrong = OAuth1(oauth2.Consumer(consumer.key, consumer.secret.strip("é")))
    assert call(service, service.request_token_url, method="POST", auth=wrong).status_code == 401
    assert service.last.error.problem == "signature_invalid"
    auth = OAuth1(consumer)
    assert call(service, service.request_token_url, method="POST", auth=auth).status_code == 400
    assert service.last.error.problem == "parameter_absent"
    assert "oauth_callback" in service.last.explanation


# --- without a port ------------------------------------------------------------------------


def test_a_service_without_a_port_answers_wsgi(app):
    auth = HttpxOAuth1(*app.credentials())
    with httpx2.Client(transport=httpx2.WSGITransport(app.wsgi), base_url=app.origin, auth=auth) as client:
        assert client.get("/photos/a%20b", params={"size": "big"}).text == "ok"
        assert client.post("/photos", data={"a": "b c"}).status_code == 200
        assert client.head("/photos").content == b""
        assert client.get("/", headers={"Host": "a b"}, auth=None).status_code == 400
    assert app.requests[0].path == "/photos/a%20b"
    app.assert_verified(3)  # The service answers an unreadable request, but does not record it.


def test_a_service_without_a_port_answers_asgi(app):
    auth = HttpxOAuth1(*app.credentials())

    async def run():
        transport = httpx2.ASGITransport(app.asgi)
        async with httpx2.AsyncClient(transport=transport, base_url=app.origin, auth=auth) as client:
            answers = [await client.get("/photos/a%20b?x=1"), await client.head("/"), await client.put("/", json=[1])]
            return [each.status_code for each in answers]

    assert asyncio.run(run()) == [200, 200, 200]
    app.assert_verified(3)
    with pytest.raises(ValueError, match=r"^scope: "):
        asyncio.run(app.asgi({"type": "lifespan"}, None, None))


def test_a_service_is_started_and_closed_more_than_once():
    service = StrictService()
    service.start()
    origin = service.origin
    service.start()
    assert service.origin == origin
    service.close()
    service.close()


def test_the_name_localhost_is_as_good_as_the_address(service):
    consumer = service.consumer()
    url = service.request_token_url.replace("127.0.0.1", "localhost")
    answer = call(service, url, method="POST", auth=OAuth1(consumer), data={"oauth_callback": "oob"})
    assert answer.status_code == 200


# --- faults --------------------------------------------------------------------------------


def test_a_client_learns_the_time_of_a_service_whose_clock_is_skewed(service):
    service.faults.skewed_clock(3_000)
    assert call(service).status_code == 200
    refused, verified = service.requests
    assert refused.error.problem == "timestamp_refused"
    assert (refused.is_refused_by_fault, verified.is_verified) == (True, True)
    assert "clock: " in refused.explanation
    assert "Injected: skewed_clock." in refused.explanation
    service.assert_verified(2)
    service.faults.clear()
    assert call(service).status_code == 200
    assert service.last.faults == ()


def test_a_nonce_can_be_used_already(service):
    service.faults.used_nonce()
    auth = OAuth1(*service.credentials())
    assert [call(service, auth=auth).status_code for _ in range(2)] == [401, 200]
    assert service.requests[0].error.problem == "nonce_used"
    service.assert_verified(2)


def test_a_request_without_a_nonce_is_refused_whatever_the_fault(app):
    app.faults.used_nonce(times=None)
    assert app.handle(sent(app, nonce=None)).status == 400
    assert app.handle(HTTPRequest("GET", app.url("/"))).status == 400


def test_a_token_expires_or_is_revoked(service):
    consumer, token = service.credentials()
    other = service.token(consumer)
    service.faults.expired_token(token)
    service.faults.revoked_token(other)
    for each in (token, other):
        assert call(service, auth=OAuth1(consumer, each)).status_code == 401
    assert [each.error.problem for each in service.requests] == ["token_expired", "signature_invalid"]
    assert "Injected: expired_token." in service.requests[0].explanation
    assert "Injected: revoked_token." in service.requests[1].explanation
    assert service.requests[1].diagnosis.signature_is_right
    service.assert_verified(2)
    with pytest.raises(ValueError, match=r"^token: "):
        service.faults.expired_token(oauth2.Token("absent", "x"))


def test_a_token_has_a_lifetime():
    with FrozenClock() as clock:
        app = StrictService(clock=clock)
        consumer = app.consumer()
        token = app.token(consumer, lifetime=60)
        for expected in (200, 401):
            request = oauth2.Request.from_consumer_and_token(consumer, token, "GET", app.url("/"))
            request.sign_request(oauth2.SignatureMethod_HMAC_SHA1(), consumer, token)
            assert app.handle(HTTPRequest("GET", app.url("/"), request.to_header())).status == expected
            clock.advance(60)


def test_503_and_then_200_is_signed_anew(service):
    service.faults.unavailable(path="/photos")
    assert call(service, retries=1).status_code == 200
    assert [each.status for each in service.requests] == [503, 200]
    service.assert_verified(2)


def test_a_wrong_signature_is_found_out_also_while_the_service_is_unavailable(app):
    app.faults.unavailable()
    request = sent(app)
    assert app.handle(HTTPRequest("GET", request.url + "?x=1", request.headers)).status == 401
    with pytest.raises(AssertionError, match="query-not-signed"):
        app.assert_verified()


def test_a_redirect_on_the_origin_is_signed_anew(service):
    service.faults.redirect("/old", "/new?size=big", status=307)
    assert call(service, "/old", method="POST", data={"a": "b"}).status_code == 200
    assert [each.path for each in service.requests] == ["/old", "/new"]
    service.assert_verified(2)


def test_a_redirect_off_the_origin_gets_no_credentials(service):
    service.faults.redirect("/old", service.elsewhere.url("/new"))
    call(service, "/old")
    assert service.elsewhere is service.elsewhere
    (arrival,) = service.elsewhere.requests
    assert arrival.header("Authorization") is None
    assert "oauth_" not in arrival.url
    service.assert_verified(1)


def test_a_slow_answer_ends_when_the_service_is_closed():
    with StrictService() as service:
        service.faults.slow_answer(60)
        started = time.monotonic()
        with pytest.raises(requests.Timeout), requests.Session() as session:
            session.get(service.url("/"), auth=OAuth1(*service.credentials()), timeout=0.05)
    assert time.monotonic() - started < 20


def test_a_slow_answer_takes_so_many_seconds(app):
    app.faults.slow_answer(0.05)
    started = time.monotonic()
    assert app.handle(sent(app)).status == 200
    assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize(
    ("change", "finding", "url"),
    [
        ({"scheme": "http"}, "scheme", "http://service.example/photos"),
        ({"host": "internal:8000"}, "forwarded-host", "https://internal:8000/photos"),
    ],
)
def test_a_proxy_changes_what_the_service_verifies(app, change, finding, url):
    app.faults.proxy(**change, times=1)
    assert app.handle(sent(app)).status == 401
    assert app.last.url == url
    assert finding in [each.key for each in app.last.diagnosis.findings]
    app.assert_verified(1)
    assert app.handle(sent(app)).status == 200


def test_a_fault_concerns_its_path_and_its_number_of_requests(app):
    app.faults.unavailable(path="/a", times=2)
    answers = [app.handle(sent(app, path)).status for path in ("/b", "/a", "/a", "/a")]
    assert answers == [200, 503, 503, 200]


@pytest.mark.parametrize(
    ("add", "argument"),
    [
        (lambda faults: faults.skewed_clock("1"), "seconds"),
        (lambda faults: faults.unavailable(times=0), "times"),
        (lambda faults: faults.redirect("/", "/", status=200), "status"),
        (lambda faults: faults.proxy(), "scheme"),
    ],
)
def test_a_wrong_argument_of_a_fault_raises(app, add, argument):
    with pytest.raises((TypeError, ValueError), match=f"^{argument}: "):
        add(app.faults)


def test_faults_are_combined(app):
    assert isinstance(app.faults, Faults)
    app.faults.skewed_clock(10)
    app.faults.unavailable()
    assert app.handle(sent(app)).status == 503
    assert app.last.faults == ("skewed_clock", "unavailable")


# --- the frozen clock and fixed nonces ---------------------------------------------------------


def test_with_a_frozen_clock_and_fixed_nonces_a_signature_is_the_same_each_time():
    headers = []
    for _ in range(2):
        with FrozenClock(), FixedNonces(), StrictService(clock=FrozenClock()) as service:
            consumer, token = service.credentials()
            auth = OAuth1(consumer, token)
            request = requests.Request("GET", "https://api.example/", auth=auth).prepare()
            headers.append(request.headers["Authorization"])
            assert call(service, auth=auth).status_code == 200
    assert headers[0] == headers[1]
    assert 'oauth_timestamp="1700000000"' in str(headers[0])
    assert 'oauth_nonce="nonce00000000000000001"' in str(headers[0])


def test_after_a_frozen_clock_and_fixed_nonces_all_is_as_before():
    before = oauth2.Request.make_nonce.__func__
    with FrozenClock(5) as clock, FixedNonces() as nonces:
        assert oauth2.generate_timestamp() == clock.now() == 5
        clock.advance(-2)
        assert oauth2.Request.make_timestamp() == "3"
        clock.move_to(9)
        assert oauth2.clock.Clock(1).now() == 10
        assert [oauth2.Request.make_nonce(), nonces.next()] == [f"nonce{number:017d}" for number in (1, 2)]
    assert abs(oauth2.generate_timestamp() - time.time()) < 5
    assert abs(oauth2.clock.Clock().now() - time.time()) < 5
    assert oauth2.Request.make_nonce.__func__ is before


def test_a_client_corrects_its_own_clock_and_not_the_frozen_one():
    with FrozenClock() as clock:
        own = oauth2.clock.Clock()
        own.set(clock.now() + 60)
        assert (own.now(), clock.now()) == (1_700_000_060, 1_700_000_000)


@pytest.mark.parametrize(
    "mistake", [lambda: FrozenClock("1"), lambda: FrozenClock().advance(1.5), lambda: FrozenClock().move_to(None)]
)
def test_a_time_that_is_not_a_whole_number_of_seconds_raises(mistake):
    with pytest.raises(TypeError, match="must be an int, in seconds"):
        mistake()


def test_lifetimes_are_those_of_the_provider():
    app = StrictService(lifetimes=Lifetimes(temporary=1))
    assert app.store.nonce_count() == 0
