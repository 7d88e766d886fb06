"""Behaviour of the clients that differs between requests, httpx and aiohttp; test_conformance.py tests the rest."""

import asyncio
import inspect
import io
import os
import pickle
import subprocess
import sys
import time
from email.utils import formatdate
from importlib import import_module

import pytest
from callers import (
    CONSUMER,
    TOKEN,
    Aiohttp,
    AsyncHttpx2,
    Httpx,
    Httpx2,
    Niquests,
    Requests,
    every_kind,
    missing,
    opened,
)
from loopback import Answer, Loopback, redirect
from verifying import Verifying, assert_no_credentials, header_of, nonce_of, places

from oauth2._sending.signer import BODY, HEADER, QUERY


@pytest.fixture
def service():
    with Verifying() as loopback:
        yield loopback


@pytest.fixture
def elsewhere():
    with Verifying() as loopback:
        yield loopback


@pytest.mark.parametrize("kind", [Requests, Httpx2, Aiohttp])
@pytest.mark.parametrize(
    ("options", "error"),
    [({"placement": "cookie"}, ValueError), ({"timestamp": 1}, TypeError), ({"consumer": 1}, ValueError)],
)
def test_a_wrong_option_of_an_auth_is_refused(kind, options, error):
    with pytest.raises(error), opened(kind, **options):
        pass


# --- requests and niquests --------------------------------------------------------


def prepared(caller, *arguments, **options):
    module = sys.modules[caller.module]
    return caller.session.prepare_request(module.Request(*arguments, **options))


def test_the_requests_module_imports_neither_requests_nor_niquests():
    code = "import sys, oauth2.clients.requests; sys.exit('requests' in sys.modules or 'niquests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@every_kind(Requests, Niquests)
@pytest.mark.parametrize("placement", [HEADER, QUERY, BODY])
def test_a_prepared_request_is_signed_and_may_be_sent_twice(service, kind, placement):
    with opened(kind, placement=placement) as caller:
        request = prepared(caller, "POST", f"{service.origin}/?a=1", data={"b": "2"})
        assert "oauth_" in f"{request.url} {request.headers} {request.body}"
        for _ in range(2):
            assert caller.session.send(request).status_code == 200
        assert caller.session.send(request.copy()).status_code == 200
    assert len({nonce_of(received) for received in service.requests}) == 3


@every_kind(Requests, Niquests)
def test_a_changed_prepared_request_is_signed_anew(service, elsewhere, kind):
    with opened(kind) as caller:
        request = prepared(caller, "POST", f"{service.origin}/?a=1", data={"b": "2"})
        request.method, request.body = "PUT", "b=3"
        assert caller.session.send(request).status_code == 200
        assert (service.last.method, service.last.body) == ("PUT", b"b=3")
        request.url = f"{elsewhere.origin}/away"
        assert caller.session.send(request).status_code == 200
    assert_no_credentials(elsewhere.last)


@every_kind(Requests, Niquests)
@pytest.mark.parametrize("placement", [HEADER, QUERY])
def test_headers_may_be_read_at_any_time(service, kind, placement):
    with opened(kind, placement=placement) as caller:
        request = prepared(caller, "GET", f"{service.origin}/?a=1")
        response = caller.session.send(request)
        for headers in (request.headers, response.request.headers, request.headers.copy()):
            assert str(headers) == str(headers) == str(dict(headers.items()))
            assert ("Authorization" in headers) == (placement == HEADER)
        assert response.request.headers.get("Authorization") == service.last.header("Authorization")


@every_kind(Requests, Niquests)
def test_an_answer_can_be_pickled_without_any_secret(service, kind):
    with opened(kind) as caller:
        response = caller.session.get(f"{service.origin}/?a=1")
        pickled = pickle.dumps(response)
    assert CONSUMER.secret.encode() not in pickled
    assert TOKEN.secret.encode() not in pickled
    again = pickle.loads(pickled)
    assert again.request.headers["Authorization"] == service.last.header("Authorization")
    assert again.request.path_url == "/?a=1"


@every_kind(Requests, Niquests)
def test_an_auth_can_be_used_for_a_single_request(service, elsewhere, kind):
    from oauth2.clients.requests import OAuth1

    with opened(kind) as caller:
        caller.session.auth = None
        assert caller.session.get(service.origin, auth=OAuth1(CONSUMER, TOKEN)).status_code == 200
        caller.session.get(elsewhere.origin)
    assert places(service.last) == {HEADER}
    assert_no_credentials(elsewhere.last)


@every_kind(Requests, Niquests)
@pytest.mark.parametrize("path", ["/%c3%a9/[x]/y", "/a%5bb"])
def test_a_path_is_signed_as_urllib3_writes_it(service, kind, path):
    service.routes["/start"] = redirect(307, path)
    with opened(kind) as caller:
        assert caller.send("GET", service.origin + path)[0] == 200
        assert caller.send("GET", f"{service.origin}/start")[0] == 200


@every_kind(Requests, Niquests)
def test_hooks_of_the_callers_own_are_called(service, kind):
    seen = []
    with opened(kind) as caller:
        caller.session.hooks["response"].append(lambda response, **_: seen.append(response.status_code))
        caller.send("GET", service.origin)
    assert seen == [200]


def test_niquests_signs_asynchronously_too(service):
    missing("niquests")
    import niquests

    from oauth2.clients.requests import OAuth1

    async def get():
        async with niquests.AsyncSession() as session:
            session.auth = OAuth1(CONSUMER, TOKEN)
            service.routes["/start"] = redirect(307, "/end")
            return (await session.post(f"{service.origin}/start", data={"b": "2"})).status_code

    assert asyncio.run(get()) == 200
    assert len({nonce_of(received) for received in service.requests}) == 2


# --- the constructor, which is the same for all clients -----------------------------


@pytest.mark.parametrize("module", ["requests", "httpx", "aiohttp"])
@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("clock", time.time, ValueError),
        ("realm", 5, ValueError),
        ("placement", "cookie", ValueError),
        ("token", "token", ValueError),
        ("signature_method", "HMAC-SHA1", TypeError),
        ("placment", "body", TypeError),
    ],
)
def test_a_wrong_option_is_refused_when_the_auth_is_built(module, option, value, error):
    missing(module)
    oauth1 = import_module(f"oauth2.clients.{module}").OAuth1
    with pytest.raises(error, match=option):
        oauth1(CONSUMER, **{option: value})


@pytest.mark.parametrize("module", ["requests", "httpx", "aiohttp"])
def test_the_options_are_in_the_signature_and_have_their_defaults(module):
    missing(module)
    oauth1 = import_module(f"oauth2.clients.{module}").OAuth1
    names = ["consumer", "token", "signature_method", "placement", "realm", "body_hash", "clock", "on_refusal"]
    assert list(inspect.signature(oauth1).parameters) == names
    signer = oauth1(CONSUMER, TOKEN, signature_method=None, clock=None).signer
    assert (signer.signature_method.name, type(signer.clock).__name__) == ("HMAC-SHA1", "Clock")


# --- httpx ------------------------------------------------------------------------


@every_kind(Httpx2, Httpx)
def test_a_trace_of_the_callers_own_is_called(service, kind):
    events = []
    service.routes["/start"] = redirect(307, "/end")
    with opened(kind) as caller:
        extensions = {"trace": lambda event, _: events.append(event)}
        assert caller.client.get(f"{service.origin}/start", extensions=extensions).status_code == 200
    assert events.count("http11.send_request_headers.started") == 2


def test_an_asynchronous_trace_is_called(service):
    events = []

    async def trace(event, _):
        events.append(event)

    with opened(AsyncHttpx2) as caller:
        response = caller.runner.run(caller.client.get(service.origin, extensions={"trace": trace}))
    assert response.status_code == 200
    assert events.count("http11.send_request_headers.started") == 1


@every_kind(Httpx2, Httpx)
def test_a_redirect_that_is_not_followed_can_be_followed_later(service, elsewhere, kind):
    service.routes["/start"] = redirect(307, "/end")
    service.routes["/away"] = redirect(307, f"{elsewhere.origin}/end")
    with opened(kind) as caller:
        for start in ("/start", "/away"):
            response = caller.client.post(service.origin + start, data={"b": "2"}, follow_redirects=False)
            assert response.status_code == 307
            assert caller.client.send(response.next_request, auth=None).status_code == 200
    assert nonce_of(service.arrived("/start")) != nonce_of(service.arrived("/end"))
    assert_no_credentials(elsewhere.last)


@every_kind(Httpx2, Httpx)
def test_through_a_proxy_redirects_are_signed_too(kind):
    with Loopback() as proxy, opened(kind) as caller:
        proxy.routes["http://service.example/start"] = redirect(307, "http://service.example/end")
        module = sys.modules[type(caller.client).__module__.partition(".")[0]]
        for placement in (HEADER, QUERY):
            from oauth2.clients.httpx import OAuth1

            auth = OAuth1(CONSUMER, TOKEN, placement=placement)
            with module.Client(auth=auth, proxy=proxy.origin, follow_redirects=True, trust_env=False) as client:
                assert client.post("http://service.example/start", data={"b": "2"}).status_code == 200
            start, end = proxy.requests
            proxy.requests.clear()
            assert end.target.startswith("http://service.example/end")
            assert start.header("Authorization") != end.header("Authorization") or placement == QUERY
            assert start.query != end.query or placement == HEADER
            assert (start.body, end.body) == (b"b=2", b"b=2")


@every_kind(Httpx2, Httpx)
def test_chunks_in_a_list_are_hashed(service, kind):
    with opened(kind) as caller:
        assert caller.send("PUT", service.origin, content=[b"one ", b"two"])[0] == 200
    assert "oauth_body_hash" in header_of(service.last)


@every_kind(Httpx2, Httpx)
def test_a_multipart_body_with_a_pipe_is_not_hashed(service, kind):
    reading, writing = os.pipe()
    os.write(writing, b"piped")
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe, opened(kind) as caller, pytest.raises(TypeError, match="body_hash=False"):
        caller.send("POST", service.origin, files={"photo": ("a", pipe)})
    assert service.requests == []


def test_an_ipv6_address_keeps_its_brackets():
    from oauth2.clients.httpx import _uri

    class URL:
        scheme, host, port, target = b"http", b"::1", 8080, b"/a?b"

    assert _uri(URL) == "http://[::1]:8080/a?b"


# --- aiohttp ----------------------------------------------------------------------


def test_a_call_after_a_redirect_that_was_not_followed_is_signed(service, elsewhere):
    service.routes["/start"] = redirect(307, f"{elsewhere.origin}/end")

    async def calls(session):
        async with session.get(f"{service.origin}/start", allow_redirects=False) as response:
            assert response.status == 307
        async with session.get(f"{elsewhere.origin}/end") as response:
            return response.status

    with opened(Aiohttp) as caller:
        assert caller.runner.run(calls(caller.session)) == 200
    assert places(elsewhere.last) == {HEADER}


def test_redirects_in_many_tasks_do_not_mix(service, elsewhere):
    service.routes["/away"] = redirect(307, f"{elsewhere.origin}/end")
    service.routes["/start"] = redirect(307, "/end")

    async def calls(caller):
        urls = [f"{service.origin}/away", f"{service.origin}/start", f"{elsewhere.origin}/other"] * 5
        return await asyncio.gather(*[caller.asend("POST", url, form={"b": "2"}) for url in urls])

    with opened(Aiohttp) as caller:
        assert {status for status, _ in caller.runner.run(calls(caller))} == {200}
    for received in service.requests:
        assert places(received) == {HEADER}
    for received in elsewhere.requests:
        assert places(received) == ({HEADER} if received.path == "/other" else set())


def test_a_body_that_aiohttp_compresses_is_refused_unless_no_hash_is_sent(service):
    async def put(caller):
        async with caller.session.put(service.origin, data=b"x" * 1000, compress=True) as response:
            return response.status

    with opened(Aiohttp) as caller, pytest.raises(TypeError, match="body_hash=False"):
        caller.runner.run(put(caller))
    with opened(Aiohttp, body_hash=False) as caller:
        assert caller.runner.run(put(caller)) == 200


def test_a_form_in_a_file_is_a_form(service):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for placement in (HEADER, BODY):
        for kind in (Aiohttp, Httpx2, Requests):
            with opened(kind, placement=placement) as caller:
                assert caller.send("POST", service.origin, content=io.BytesIO(b"a=1"), headers=headers)[0] == 200
            assert places(service.last) == {placement}
            assert service.last.body.startswith(b"a=1")


def test_a_middleware_can_be_used_for_a_single_call(service):
    missing("aiohttp")
    import aiohttp

    from oauth2.clients.aiohttp import OAuth1

    async def get():
        auth = OAuth1(CONSUMER, TOKEN)
        async with aiohttp.ClientSession() as session, session.get(service.origin, middlewares=[auth]) as response:
            return response.status

    assert asyncio.run(get()) == 200
    assert places(service.last) == {HEADER}


def test_an_answer_that_is_not_a_refusal_is_not_read(service):
    service.routes["/"] = Answer(401, {"Date": formatdate(time.time() - 7200, usegmt=True)}, b"x" * 100_000)
    with opened(Aiohttp, body_hash=False) as caller:
        assert caller.send("GET", f"{service.origin}/") == (401, b"refused")
