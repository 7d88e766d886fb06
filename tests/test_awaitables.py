"""An awaitable in place of a result is refused.

In a condition, an awaitable counts as true, so a used nonce would be accepted as a new nonce.
"""

import asyncio
import functools
import types

import pytest
from hosted import APP, Hosted, as_http, credentials
from peer import NOW, Peer

import oauth2
from oauth2._checks import is_coroutine_function
from oauth2.middleware import wsgi
from oauth2.provider import AsyncProvider, Provider, RequestPolicy
from oauth2.provider.diagnoses import Diagnoses
from oauth2.stores import ClientCredentials, CombinedStore, MemoryStore
from oauth2.stores.threaded import ThreadedStore
from oauth2.telemetry import to_each

TRUSTED = ClientCredentials(key="trusted", secret="trusted-secret", xauth=True, two_legged=True)


async def coroutine_function(*_, **__):
    return "jane"


class Asynchronous:
    """A callable object whose calls return coroutines."""

    async def __call__(self, *_):
        return "jane"


class Awaitable:
    """An awaitable that is not a coroutine."""

    def __await__(self):
        yield from ()
        return "jane"


@types.coroutine
def generator_based(*_):
    yield from ()
    return "jane"


COROUTINE_FUNCTIONS = {
    "function": coroutine_function,
    "partial": functools.partial(functools.partial(coroutine_function), "x"),
    "object": Asynchronous(),
    "method": Asynchronous().__call__,
    "generator": generator_based,
}
# Functions that return an awaitable, but are not coroutine functions. Only a call shows that the result is an
# awaitable.
HIDDEN = {
    "coroutine": lambda *_: coroutine_function(),
    "other awaitable": lambda *_: Awaitable(),
}


def log_in():
    form = [("x_auth_mode", "client_auth"), ("x_auth_username", "jane"), ("x_auth_password", "wrong")]
    url = "https://api.example/access_token"
    return as_http(Peer().sign("POST", url, consumer=TRUSTED, token=None, timestamp=str(NOW), form=form))


def hosted_with(store=None, **options):
    return Hosted(store, consumers=[APP, TRUSTED], **options)


class Returning(MemoryStore):
    """A MemoryStore whose method *name* returns an awaitable of its result."""

    def __init__(self, name):
        super().__init__()
        found = getattr(self, name)

        async def later(*args):
            return found(*args)

        setattr(self, name, lambda *args: later(*args))


# --- at the construction -----------------------------------------------------------------


@pytest.mark.parametrize("kind", COROUTINE_FUNCTIONS)
@pytest.mark.parametrize("name", ["check_password", "audit", "requests", "now"])
def test_a_blocking_provider_refuses_every_kind_of_coroutine_function(name, kind):
    assert is_coroutine_function(COROUTINE_FUNCTIONS[kind])
    with pytest.raises(TypeError, match=f"^{name}: must not be a coroutine function"):
        Provider(MemoryStore(), **{name: COROUTINE_FUNCTIONS[kind]})


@pytest.mark.parametrize("function", [len, Awaitable, Provider.register, functools.partial(len), *HIDDEN.values()])
def test_other_functions_are_no_coroutine_functions(function):
    assert not is_coroutine_function(function)


def test_an_asyncio_provider_refuses_only_a_clock_that_is_a_coroutine_function():
    with pytest.raises(TypeError, match=r"^now: "):
        AsyncProvider(MemoryStore(), now=coroutine_function)
    for name in ("check_password", "audit", "requests"):
        AsyncProvider(MemoryStore(), **{name: coroutine_function})


@pytest.mark.parametrize("name", ["find", "add_nonce", "redeem", "redeem_for_token", "close"])
def test_a_store_with_one_coroutine_function_is_refused(name):
    store = MemoryStore()
    setattr(store, name, coroutine_function)
    with pytest.raises(TypeError, match=r"^store: .*AsyncProvider"):
        Provider(store)


@pytest.mark.parametrize(
    ("part", "method"), [("credentials", "add_token"), ("temporary", "get_temporary"), ("nonces", "nonce_count")]
)
def test_a_combined_store_refuses_a_part_with_one_coroutine_function(part, method):
    parts = {name: MemoryStore() for name in ("credentials", "temporary", "nonces")}
    setattr(parts[part], method, coroutine_function)
    with pytest.raises(TypeError, match=f"^{part}: .*AsyncCombinedStore"):
        CombinedStore(**parts)


def test_an_observer_must_be_blocking():
    observer = Diagnoses()
    observer.observe = coroutine_function
    with pytest.raises(TypeError, match=r"^diagnoses: "):
        Provider(MemoryStore(), audit=print, diagnoses=observer)


def test_a_predicate_of_the_middleware_must_be_blocking():
    with pytest.raises(TypeError, match=r"^paths: "):
        wsgi.Protected(print, provider=Provider(MemoryStore()), paths=coroutine_function)


# --- at the call ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", HIDDEN)
def test_a_password_is_not_right_because_its_check_returns_an_awaitable(kind):
    hosted = hosted_with(check_password=HIDDEN[kind])
    with pytest.raises(TypeError, match=r"^check_password: must return its results, not awaitables"):
        hosted.provider.access_token(log_in())
    assert hosted.store.tokens_of("jane") == []


@pytest.mark.parametrize("found", [True, 1, b"jane", ["jane"]])
def test_a_check_of_passwords_returns_a_user_and_no_other_value(found):
    with pytest.raises(TypeError, match=r"^check_password: must return a str or None"):
        hosted_with(check_password=lambda *_: found).provider.access_token(log_in())


@pytest.mark.parametrize("name", ["audit", "requests"])
@pytest.mark.parametrize("kind", HIDDEN)
def test_an_event_does_not_get_lost_in_an_awaitable(name, kind):
    with pytest.raises(TypeError, match=f"^{name}: "):
        hosted_with(**{name: HIDDEN[kind]}).ask()


@pytest.mark.parametrize("name", ["add_nonce", "get_consumer", "issue"])
def test_a_store_that_returns_awaitables_issues_no_temporary_credentials(name):
    with pytest.raises(TypeError, match=r"^(nonce_)?store: "):
        hosted_with(Returning(name)).ask()


def test_an_approval_is_not_recorded_because_a_store_returns_an_awaitable():
    hosted = hosted_with(Returning("approve"))
    temporary = hosted.temporary()
    with pytest.raises(TypeError, match=r"^store: "):
        hosted.provider.approve(temporary.key, user="jane")


@pytest.mark.parametrize("name", ["redeem_for_token", "count_try"])
def test_a_token_is_not_issued_because_a_store_returns_an_awaitable(name):
    hosted = hosted_with(Returning(name))
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    with pytest.raises(TypeError, match=r"^store: "):
        hosted.exchange(temporary, verifier)
    assert hosted.store.tokens_of("jane") == []


@pytest.mark.parametrize("method", ["redeem", "redeem_for_token"])
def test_a_combined_store_does_not_redeem_because_a_part_returns_an_awaitable(method):
    other, returning = MemoryStore(), Returning(method)
    credentials_in = returning if method == "redeem_for_token" else other
    store = CombinedStore(credentials=credentials_in, temporary=returning, nonces=other)
    hosted = hosted_with(store)
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    with pytest.raises(TypeError, match=r"^temporary: "):
        hosted.exchange(temporary, verifier)
    assert store.tokens_of("jane") == []


def test_several_hooks_must_be_blocking():
    with pytest.raises(TypeError, match=r"^hooks: must not be coroutine functions"):
        to_each(print, coroutine_function)
    with pytest.raises(TypeError, match=r"^hooks: "):
        to_each(HIDDEN["coroutine"])(object())


# --- asyncio -------------------------------------------------------------------------------


async def twice(*_):
    return coroutine_function()


def asynchronous(**options):
    store = MemoryStore()
    store.add_consumer(TRUSTED)
    return store, AsyncProvider(store, now=lambda: NOW, **options)


def test_the_result_of_a_coroutine_is_not_awaited_a_second_time():
    store, provider = asynchronous(check_password=twice)
    with pytest.raises(TypeError, match=r"^check_password: "):
        asyncio.run(provider.access_token(log_in()))
    assert store.tokens_of("jane") == []


def test_a_blocking_store_in_threads_must_not_return_awaitables():
    store = Returning("add_nonce")
    store.add_consumer(TRUSTED)
    provider = AsyncProvider(ThreadedStore(store), now=lambda: NOW)
    request = as_http(
        Peer().sign("GET", "https://api.example/photos", consumer=TRUSTED, token=None, timestamp=str(NOW))
    )
    with pytest.raises(TypeError, match=r"store: "):
        asyncio.run(provider.authenticate(request))


CHECKS = [lambda name, _: name, *COROUTINE_FUNCTIONS.values(), *HIDDEN.values()]
CHECKS.remove(generator_based)  # its result is not a collections.abc.Awaitable


@pytest.mark.parametrize("check", CHECKS)
def test_an_asyncio_provider_accepts_blocking_and_asyncio_checks_of_passwords(check):
    store, provider = asynchronous(check_password=check)
    issued = credentials(asyncio.run(provider.access_token(log_in())))
    assert [token.key for token in store.tokens_of("jane")] == [issued.key]


def test_an_asyncio_provider_refuses_a_wrong_password_of_a_blocking_check():
    _, provider = asynchronous(check_password=lambda *_: None)
    assert asyncio.run(provider.access_token(log_in())).status == 401


def test_a_server_refuses_a_replay_if_its_store_returns_an_awaitable():
    store = MemoryStore()
    store.add_nonce = HIDDEN["other awaitable"]
    server = oauth2.Server([oauth2.SignatureMethod_HMAC_SHA1()], nonce_store=store, now=lambda: NOW)
    sent = Peer().sign("GET", "https://api.example/photos", consumer=TRUSTED, token=None, timestamp=str(NOW))
    request = oauth2.Request.from_request(sent.method, sent.url, sent.headers)
    with pytest.raises(TypeError, match=r"^nonce_store: "):
        server.verify_request(request, TRUSTED, None)


@pytest.mark.parametrize("middleware", [wsgi.Protected, wsgi.CredentialEndpoints])
def test_a_coroutine_of_a_subclass_does_not_let_a_request_pass_the_middleware(middleware):
    class Wrapping(Provider):
        def authenticate(self, *_, **__):
            return coroutine_function()

        request_token = authenticate

    def app(environ, start_response):
        raise AssertionError("The request has reached the application.")

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/oauth/request_token", "wsgi.url_scheme": "http"}
    with pytest.raises(TypeError, match=r"^provider: "):
        middleware(app, provider=Wrapping(MemoryStore()))(environ, lambda *_: None)


class Remote(oauth2.SignatureMethod_HMAC_SHA1):
    """A signature method whose check() returns an awaitable instead of a result."""

    check = HIDDEN["other awaitable"]


class Asking(oauth2.SignatureMethod_HMAC_SHA1):
    check = coroutine_function


def test_a_signature_is_not_valid_because_its_check_returns_an_awaitable():
    server = oauth2.Server([Remote()], now=lambda: NOW)
    sent = Peer().sign("GET", "https://api.example/photos", consumer=TRUSTED, token=None, timestamp=str(NOW))
    request = oauth2.Request.from_request(sent.method, sent.url, sent.headers)
    with pytest.raises(TypeError, match=r"^signature_methods: check\(\) must return a bool"):
        server.verify_request(request, TRUSTED, None)


def test_a_signature_method_must_be_blocking():
    with pytest.raises(TypeError, match=r"^signature_methods: check\(\) must not be a coroutine function"):
        oauth2.Server([Asking()])
    with pytest.raises(TypeError, match=r"^signature_method: "):
        oauth2.Server().add_signature_method(Asking())
    with pytest.raises(TypeError, match=r"^signature_methods: "):
        RequestPolicy(signature_methods=[Asking()])
