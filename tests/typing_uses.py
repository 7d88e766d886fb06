"""Correct uses, in which a type checker must find no error. test_typing.py checks this file; no module imports it."""

from dataclasses import dataclass
from typing import Annotated, assert_type

import aiohttp
import httpx
import httpx2
import pytest
import requests
import responses
import respx
import vcr  # type: ignore[import-untyped]
from django.http import HttpRequest, HttpResponse, JsonResponse
from fastapi import Depends, FastAPI
from fastapi import Request as FastAPIRequest
from flask import Flask, Response

import oauth2 as oauth
from oauth2 import services
from oauth2.authorize import authorize, begin, finish
from oauth2.clients import ORIGIN
from oauth2.clients.aiohttp import OAuth1 as AiohttpOAuth1
from oauth2.clients.explanation import Explanation
from oauth2.clients.httpx import OAuth1 as HttpxOAuth1
from oauth2.clients.requests import OAuth1
from oauth2.clock import Clock, MonotonicClock
from oauth2.credentials import Credentials
from oauth2.doctor import Diagnosis
from oauth2.flow import Endpoints
from oauth2.http import HTTPRequest, HTTPResponse
from oauth2.integrations.django import SignedRequest, oauth_required
from oauth2.integrations.django import provider as django_provider
from oauth2.integrations.fastapi import AccessRefused, access_refused
from oauth2.integrations.fastapi import OAuth1Provider as FastAPIProvider
from oauth2.integrations.flask import OAuth1Provider as FlaskProvider
from oauth2.integrations.flask import current_access
from oauth2.provider import Access, AsyncProvider, Lifetimes, Provider, RequestPolicy
from oauth2.provider.diagnoses import Diagnoses
from oauth2.stores import MemoryStore
from oauth2.stores.sqlite import SQLiteStore
from oauth2.telemetry import to_each
from oauth2.telemetry.logs import EventLog
from oauth2.telemetry.opentelemetry import OpenTelemetrySpans
from oauth2.telemetry.prometheus import PrometheusMetrics
from oauth2.testing import (
    Arrival,
    FixedNonces,
    FrozenClock,
    NonceStoreContract,
    ProviderStoreContract,
    RequestMatcher,
    StrictService,
    prepare_responses,
    prepare_vcr,
)


class Reversed(oauth.SignatureMethod):
    """A custom signature method that is annotated with ``oauth.Request``."""

    name = "REVERSED"

    def signing_base(self, request: oauth.Request, consumer: Credentials, token: Credentials | None) -> tuple[str, str]:
        return str(consumer.secret), f"{request.method}&{request.get_normalized_parameters()}"

    def sign(self, request: oauth.Request, consumer: Credentials, token: Credentials | None) -> str:
        key, text = self.signing_base(request, consumer, token)
        return f"{key}{text}"[::-1]


@dataclass
class Row:
    """Credentials in a program's own class."""

    key: str
    secret: str
    name: str = ""


@dataclass(frozen=True)
class FrozenRow:
    """Immutable credentials."""

    key: str
    secret: str


consumer, token = oauth.Consumer("key", "secret"), oauth.Token("token", "secret")
row, frozen = Row("key", "secret"), FrozenRow("token", "secret")
method = oauth.SignatureMethod_HMAC_SHA256()


def sign() -> oauth.Request:
    request = oauth.Request.from_consumer_and_token(consumer, token, "GET", "https://api.example/", {"a": "1"})
    for signature_method in (Reversed(), method, oauth.SignatureMethod_PLAINTEXT()):
        request.sign_request(signature_method, consumer, token)
        request.sign_request(signature_method, row, None)
        request.sign_request(signature_method, frozen, frozen)
    assert_type(request.to_header(), dict[str, str])
    assert_type(request.to_url(), str)
    return request


def verify(server: oauth.Server) -> None:
    server.add_signature_method(Reversed())
    server.add_signature_method(oauth.SignatureMethod_RSA_SHA256())
    request = oauth.Request.from_request("GET", "https://api.example/", {"Authorization": "OAuth"}, body=b"")
    server.verify_request(request, consumer, token)
    server.verify_request(request, row, None)
    server.verify_request(request, None, None)
    oauth.Server(nonce_store=None)
    oauth.Server({"HMAC-SHA256": method}, nonce_store=MemoryStore())


class Photos(oauth.Client):
    """A subclass of Client, as programs define it."""

    def fetch(self, url: str) -> bytes:
        response, content = self.request(url, "GET", headers={"Accept": "image/png"})
        return content if response.status == 200 else b""


def call() -> None:
    requests.get("https://api.example/", auth=OAuth1(consumer, token), timeout=5)
    requests.Session().auth = OAuth1(row, frozen, signature_method=Reversed(), placement="header", realm=ORIGIN)
    httpx2.Client(auth=HttpxOAuth1(consumer, token, placement="query", body_hash=False))
    httpx.AsyncClient(auth=HttpxOAuth1(consumer, token, realm=lambda url: url))
    httpx2.AsyncClient(auth=HttpxOAuth1(consumer, None, clock=MonotonicClock()))
    Photos(consumer, token, realm=None, timeout=5, clock=Clock()).fetch("https://api.example/")
    oauth.Client(consumer, token, cache=".cache", timeout=5.0).request(
        "https://api.example/", headers={"Accept": "*/*"}
    )
    oauth.Client(row, realm=lambda url: "photos", placement=None).set_signature_method(method)


def explain() -> Explanation:
    told: list[Explanation] = []
    client = oauth.Client(consumer, token, on_refusal=told.append)
    client.on_refusal = print
    auth = OAuth1(consumer, token, on_refusal=lambda explanation: print(explanation.next_step))
    services.get("discogs").client(consumer, token, on_refusal=print)
    begin(consumer, Endpoints(), "oob", on_refusal=told.append)
    found = auth.explain("oauth_problem=nonce_used", their_base_string="GET&...")
    if found.diagnosis is not None and found.verdict == "other base string":
        assert_type(found.diagnosis, Diagnosis)
    return client.explain(b"")


async def call_later() -> None:
    async with aiohttp.ClientSession(middlewares=[AiohttpOAuth1(consumer, token, realm="photos")]) as session:
        await session.get("https://api.example/")


def log_in() -> oauth.Token:
    service = services.get("discogs")
    assert_type(service.client(consumer, token), oauth.Client)
    assert_type(service.oauth1(OAuth1, consumer, token), OAuth1)
    assert_type(service.client(consumer, token, timeout=5, placement="query", private_key="PEM"), oauth.Client)
    assert_type(service.oauth1(HttpxOAuth1, row), HttpxOAuth1)
    service.oauth1(OAuth1, consumer, token, placement="query")
    begin(consumer, Endpoints(), "oob", request_parameters={"a": "b"})
    authorize(consumer, service, headers={"Accept": "*/*"}, client=oauth.Client)
    pending = begin(consumer, service, "https://client.example/back", signature_method=method)
    finish(row, service, "https://client.example/back?oauth_token=a", pending.temporary)
    return authorize(consumer, service, callback="oob", ask=lambda url: "1234", timeout=60)


def host(request: HTTPRequest) -> HTTPResponse | str:
    policy = RequestPolicy(signature_methods=[method, Reversed()], timestamp_threshold=60)
    provider = Provider(MemoryStore(), policy=policy, lifetimes=Lifetimes(token=3600))
    metrics = PrometheusMetrics()
    Provider(MemoryStore(), audit=to_each(metrics, EventLog()), requests=metrics, diagnoses=Diagnoses(per_second=1))
    Provider(MemoryStore(), audit=print, requests=OpenTelemetrySpans(with_consumer_key=True))
    Provider(SQLiteStore("provider.db"), realms=("photos", "albums"), now=lambda: 1_700_000_000.0)
    provider.register(name="Printer", callbacks=["https://client.example/back"])
    if request.url.endswith("/request_token"):
        return provider.request_token(request)
    approval = provider.approve("token", user="alice", realms=["photos"])
    access = provider.authenticate(request)
    assert_type(access, Access)
    return approval.url or access.user or ""


class TestMyNonces(NonceStoreContract):
    @pytest.fixture
    def store(self) -> SQLiteStore:
        return SQLiteStore("nonces.db")


class TestMyStore(ProviderStoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    @pytest.fixture
    def is_one_store(self) -> bool:
        return False


def test_a_client(oauth2_service: StrictService, oauth2_clock: FrozenClock, oauth2_nonces: FixedNonces) -> None:
    oauth2_service.answer("/", {"a": [1]}, status=201, headers={"X-Rate": "1"})
    oauth2_service.answer_with("/echo", lambda arrival: HTTPResponse(200, [], arrival.body))
    client = oauth.Client(*oauth2_service.credentials())
    oauth2_service.faults.redirect("/", oauth2_service.elsewhere.url("/"), status=307)
    client.request(oauth2_service.url("/"))
    oauth2_clock.advance(60)
    assert_type(oauth2_service.last, Arrival)
    assert_type(oauth2_service.last.access, Access | None)
    oauth2_service.assert_verified(1)
    with httpx2.Client(transport=httpx2.WSGITransport(oauth2_service.wsgi)) as in_process:
        in_process.get("/")
    httpx.ASGITransport(oauth2_service.asgi)


def record() -> None:
    recorder = vcr.VCR(match_on=["uri"])
    prepare_vcr(recorder, consumer_key="any-key")
    matcher = RequestMatcher(HTTPRequest("GET", "https://api.example/"))
    with responses.RequestsMock() as mock:
        mock.get("https://api.example/", match=[matcher.responses])
        prepare_responses(mock)
    respx.route(matcher.respx()).respond(json=[])


def host_in_flask(app: Flask) -> None:
    extension = FlaskProvider(app, provider=Provider(MemoryStore()))

    @app.get("/photos/<int:number>")
    @extension.required(realm="photos")
    def photo(number: int) -> str:
        assert_type(current_access, Access)
        return current_access.user or ""

    @extension.required
    def photos(number: int) -> list[str]:
        return []

    assert_type(photo(1), str)
    assert_type(photos(number=1), list[str])
    assert_type(extension.approve("token", user="jane", show=lambda verifier: f"<b>{verifier}</b>"), Response)


async def host_in_fastapi(app: FastAPI, request: FastAPIRequest) -> None:
    for provider in (Provider(MemoryStore()), AsyncProvider(MemoryStore())):
        integration = FastAPIProvider(provider, prefix="/oauth1")
        integration.install(app)
    app.add_exception_handler(AccessRefused, access_refused)
    assert_type(await integration.authenticate(request, "photos"), Access)

    @app.get("/photos")
    async def photos(access: Annotated[Access, Depends(integration.access("photos"))]) -> str | None:
        return access.user


@oauth_required
def django_view(request: SignedRequest, number: int) -> HttpResponse:
    assert_type(request.oauth, Access)
    return JsonResponse({"number": number, "user": request.oauth.user})


@oauth_required(realm="photos")
async def django_coroutine(request: SignedRequest) -> HttpResponse:
    return HttpResponse(request.oauth.user or "")


@oauth_required(realm="photos")
def django_view_without_access(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})


def calls_of_django_views(request: HttpRequest) -> None:
    assert_type(django_provider(), Provider)
    assert_type(django_view(request, 1).status_code, int)
    assert_type(django_view_without_access(request).status_code, int)
