"""Mistakes that type checkers must report. Each line below "mistakes" ends with the error codes of mypy.

test_typing.py checks this file; no module imports it.
"""

import time

import oauth2 as oauth
from oauth2 import clients, services
from oauth2.authorize import authorize, begin, finish, redeem, renew, revoke
from oauth2.clients.aiohttp import OAuth1 as AiohttpOAuth1
from oauth2.clients.httpx import OAuth1 as HttpxOAuth1
from oauth2.clients.requests import OAuth1
from oauth2.flow import Endpoints, read_callback, temporary_request, token_request
from oauth2.http import HTTPRequest
from oauth2.integrations.django import oauth_required
from oauth2.middleware import asgi, wsgi
from oauth2.provider import Access, Lifetimes, Provider, RequestPolicy
from oauth2.provider.diagnoses import Diagnoses
from oauth2.services import Service
from oauth2.stores import CombinedStore, MemoryStore
from oauth2.stores.redis import RedisStore
from oauth2.stores.sqlalchemy import SQLAlchemyStore
from oauth2.stores.sqlite import SQLiteStore
from oauth2.telemetry.logs import EventLog


def names(
    consumer: oauth.Consumer,
    token: oauth.Token,
    request: oauth.Request,
    received: HTTPRequest,
    provider: Provider,
    service: Service,
    access: Access,
) -> None:
    method = oauth.SignatureMethod_HMAC_SHA1()
    store = MemoryStore()
    # --- mistakes
    # The decorator for Django.
    oauth_required(realm=5)  # call-overload
    oauth_required("photos")  # call-overload
    oauth_required(ream="photos")  # call-overload
    # The options of the clients.
    OAuth1(consumer, placment="body")  # call-arg
    OAuth1(consumer, placement="cookie")  # arg-type
    OAuth1(consumer, realm=5)  # arg-type
    OAuth1(consumer, signature_method="HMAC-SHA1")  # arg-type
    OAuth1(consumer, signature_method=oauth.SignatureMethod_HMAC_SHA1)  # arg-type
    OAuth1(consumer, token, method)  # call-arg
    OAuth1(consumer, body_hash="yes")  # arg-type
    OAuth1(consumer, clock=time.time)  # arg-type
    OAuth1("key", "secret")  # arg-type
    OAuth1(consumer, "secret")  # arg-type
    OAuth1()  # call-arg
    HttpxOAuth1(consumer, placment="body")  # call-arg
    HttpxOAuth1(consumer, signature_method="HMAC-SHA1")  # arg-type
    HttpxOAuth1("key", "secret")  # arg-type
    AiohttpOAuth1(consumer, placment="body")  # call-arg
    AiohttpOAuth1(consumer, signature_method="HMAC-SHA1")  # arg-type
    AiohttpOAuth1("key", "secret")  # arg-type
    oauth.Client("key", "secret")  # arg-type
    oauth.Client(consumer, placement="cookie")  # arg-type
    oauth.Client(consumer, realm=5)  # arg-type
    oauth.Client(consumer, timout=5)  # call-arg
    oauth.Client(consumer, clock=time.time)  # arg-type
    oauth.Client(consumer, signature_method=oauth.SignatureMethod_HMAC_SHA1)  # arg-type
    oauth.Client(consumer).request("https://api.example/", "GET", header={"Accept": "*/*"})  # call-arg
    oauth.Client(consumer).set_signature_method("HMAC-SHA1")  # arg-type
    # Requests.
    request.sign_request(method, 1, 2)  # arg-type
    request.sign_request("HMAC-SHA1", consumer, token)  # arg-type
    request.sign_request(oauth.SignatureMethod_HMAC_SHA1, consumer, token)  # arg-type
    request.sign_request(consumer, token)  # arg-type, call-arg
    oauth.Request.from_consumer_and_token("key", token, "GET", "https://api.example/")  # arg-type
    oauth.Request.from_consumer_and_token(consumer, "token", "GET", "https://api.example/")  # arg-type
    oauth.Request.from_request("GET", "https://api.example/", "Authorization: OAuth")  # arg-type
    request.to_header(5)  # arg-type
    method.sign(request, "key", "secret")  # arg-type
    # Servers.
    oauth.Server().verify_request(None, 1, 2)  # arg-type
    oauth.Server().verify_request(received, consumer, token)  # arg-type
    oauth.Server().verify_request(request, "key", token)  # arg-type
    oauth.Server().add_signature_method(oauth.SignatureMethod_HMAC_SHA1)  # arg-type
    oauth.Server().add_signature_method("HMAC-SHA1")  # arg-type
    oauth.Server(nonce_store="nonces.db")  # arg-type
    oauth.Server(nonce_store=MemoryStore)  # arg-type
    oauth.Server(timestamp_treshold=60)  # call-arg
    # The flow.
    authorize("consumer", "endpoints", call_back="oob")  # arg-type, call-arg
    authorize("consumer", service)  # arg-type
    authorize("consumer", Endpoints())  # arg-type
    authorize(consumer, "https://api.example/")  # arg-type
    authorize(consumer, service, call_back="oob")  # call-arg
    authorize(consumer, service, timeout="5 min")  # arg-type
    begin(consumer, service)  # call-arg
    begin(consumer, Endpoints(), "oob", header={})  # call-arg
    begin(consumer, service, "https://client.example/", signature_method="HMAC-SHA1")  # arg-type
    finish(consumer, Endpoints(), "oob", token, signature_method=oauth.SignatureMethod_HMAC_SHA1)  # arg-type
    finish(consumer, service, "https://client.example/", "token")  # arg-type
    redeem(consumer, service, "token", "verifier")  # arg-type
    renew(consumer, service, "token")  # arg-type
    revoke("key", service, token)  # arg-type
    temporary_request("key", "https://api.example/")  # arg-type
    token_request(consumer, "https://api.example/", "token")  # arg-type
    read_callback(token, "https://client.example/")  # arg-type
    # Services.
    services.get(5)  # arg-type
    service.client("key", "secret")  # arg-type
    service.client(consumer, timout=5)  # call-arg
    service.client(consumer, placment="body")  # call-arg
    service.oauth1(OAuth1, "key")  # arg-type
    service.oauth1(OAuth1, consumer, placment="body")  # call-arg
    service.oauth1(OAuth1, consumer).sign()  # attr-defined
    # Providers.
    Provider()  # call-arg
    Provider(MemoryStore)  # arg-type
    Provider("provider.db")  # arg-type
    Provider(store, relm="photos")  # call-arg
    Provider(store, policy=RequestPolicy)  # arg-type
    Provider(store, lifetimes=3600)  # arg-type
    Provider(store, audit=print, now=1_700_000_000)  # arg-type
    Provider(store, audit=print, diagnoses=Diagnoses)  # arg-type
    Provider(store, audit=print, diagnoses=5)  # arg-type
    Diagnoses(5)  # call-arg
    Provider(store, requests=[print])  # arg-type
    EventLog(level="INFO")  # arg-type
    RequestPolicy(signature_methods=[oauth.SignatureMethod_HMAC_SHA1])  # list-item
    RequestPolicy(signature_methods=["HMAC-SHA1"])  # list-item
    RequestPolicy(timestamp_treshold=60)  # call-arg
    Lifetimes(token="1 h")  # arg-type
    Provider(store).register(nmae="x")  # call-arg
    Provider(store).register(name=5)  # arg-type
    provider.authenticate(request)  # arg-type
    provider.request_token("https://api.example/")  # arg-type
    provider.approve("token", "user")  # call-arg
    provider.approve(token, user="user")  # arg-type
    print(access.consumer_secret)  # attr-defined
    # Stores.
    MemoryStore(windw=60)  # call-arg
    MemoryStore(window="5 min")  # arg-type
    SQLiteStore()  # call-arg
    SQLiteStore("provider.db", windw=60)  # call-arg
    SQLAlchemyStore("sqlite://")  # arg-type
    RedisStore("redis://")  # arg-type
    CombinedStore(store, store, store)  # call-arg
    store.add_consumer(consumer)  # arg-type
    store.add_token("token")  # arg-type
    store.add_nonce("nonce", "timestamp", "key", None)  # arg-type
    # Middleware.
    wsgi.Protected(provider)  # arg-type, call-arg
    asgi.Protected(provider)  # arg-type, call-arg
    # Names that do not exist.
    oauth.SignatureMethod_HMAC_MD5()  # attr-defined
    oauth.Tokn("key", "secret")  # attr-defined
    clients.requests_oauth1()  # attr-defined
