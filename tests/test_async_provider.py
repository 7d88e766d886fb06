"""Behaviour that only AsyncProvider and ThreadedStore have; tests/test_provider.py runs with both providers."""

import asyncio
import contextlib
import inspect
import threading

import pytest
from hosted import APP, CALLBACK, Hosted, as_http, credentials
from over_asyncio import Yielding
from peer import NOW, Peer

import oauth2
from oauth2.errors import NonceUsed, StoreUnavailable
from oauth2.http import HTTPRequest
from oauth2.middleware import wsgi
from oauth2.provider import AsyncProvider, Provider
from oauth2.stores import AsyncProviderStore, MemoryStore, ProviderStore
from oauth2.stores.sqlite import SQLiteStore
from oauth2.stores.threaded import ThreadedStore

PEER = Peer()
TRUSTED = oauth2.stores.ClientCredentials(key="trusted", secret="trusted-secret", xauth=True, two_legged=True)


def sent(path="/photos", method="GET", **options):
    options = {"timestamp": str(NOW), "token": None, **options}
    return as_http(PEER.sign(method, f"https://api.example{path}", **options))


def provider_over(store, **options):
    return AsyncProvider(store, now=lambda: NOW, **options)


def filled():
    store = MemoryStore()
    for consumer in (APP, TRUSTED):
        store.add_consumer(consumer)
    return store


# --- the methods and protocols ---------------------------------------------------------


def public(kind, *, of=inspect.isfunction):
    return {name: each for name, each in inspect.getmembers(kind, of) if not name.startswith("_")}


def test_both_providers_have_the_same_methods_and_arguments():
    blocking, coroutines = public(Provider), public(AsyncProvider)
    assert blocking.keys() == coroutines.keys()
    for name, method in coroutines.items():
        assert inspect.iscoroutinefunction(method)
        assert inspect.signature(method).parameters == inspect.signature(blocking[name]).parameters


def test_both_constructors_have_the_same_arguments():
    blocking, coroutines = (list(inspect.signature(each).parameters) for each in (Provider, AsyncProvider))
    assert blocking == coroutines


@pytest.mark.parametrize("kind", [AsyncProviderStore, ThreadedStore])
def test_an_asyncio_store_has_the_methods_of_a_blocking_one(kind):
    wanted = public(ProviderStore)
    found = public(kind)
    assert wanted.keys() <= found.keys()
    for name, method in wanted.items():
        assert list(inspect.signature(found[name]).parameters) == list(inspect.signature(method).parameters)


# --- mistakes --------------------------------------------------------------------------


@pytest.mark.parametrize("store", [Yielding, None, object(), "provider.db"])
def test_an_invalid_store_is_refused(store):
    with pytest.raises(TypeError, match=r"^store: "):
        AsyncProvider(store)


def test_a_blocking_store_is_refused_with_a_hint(tmp_path):
    with (
        contextlib.closing(SQLiteStore(tmp_path / "provider.db")) as store,
        pytest.raises(TypeError, match="ThreadedStore"),
    ):
        AsyncProvider(store)
    with pytest.raises(TypeError, match=r"^store: "):
        ThreadedStore(ThreadedStore(MemoryStore()))


async def hook(*_):
    """Do nothing."""


@pytest.mark.parametrize(
    "options",
    [{"store": ThreadedStore(MemoryStore())}, {"audit": hook}, {"check_password": hook}],
    ids=lambda options: next(iter(options)),
)
def test_a_blocking_provider_refuses_coroutine_functions(options):
    with pytest.raises(TypeError, match=f"^{next(iter(options))}: .*AsyncProvider"):
        Provider(**{"store": MemoryStore(), **options})


@pytest.mark.parametrize("middleware", [wsgi.Protected, wsgi.CredentialEndpoints])
def test_wsgi_refuses_an_asyncio_provider(middleware):
    with pytest.raises(TypeError, match=r"^provider: .*asgi"):
        middleware(lambda environ, start_response: [], provider=AsyncProvider(MemoryStore()))


# --- hooks -----------------------------------------------------------------------------


def test_hooks_may_be_coroutine_functions():
    events = []

    async def audit(event):
        await asyncio.sleep(0)
        events.append(type(event).__name__)

    async def check_password(name, password):
        await asyncio.sleep(0)
        return name if password == "right" else None

    async def log_in(password):
        provider = provider_over(filled(), audit=audit, check_password=check_password)
        form = [("x_auth_mode", "client_auth"), ("x_auth_username", "jane"), ("x_auth_password", password)]
        return await provider.access_token(sent("/access_token", "POST", consumer=TRUSTED, form=form))

    assert credentials(asyncio.run(log_in("right"))).key
    assert events == ["Redeemed"]
    assert asyncio.run(log_in("wrong")).status == 401
    assert events == ["Redeemed", "Refused"]


# --- cancellation ----------------------------------------------------------------------


class Stopping(Yielding):
    """A store whose method *name* waits forever: before its work, or after its work if *after* is true."""

    def __init__(self, store, name, *, after):
        super().__init__(store)
        self.name, self.after = name, after
        self.waits = asyncio.Event()

    def __getattr__(self, name):
        found = super().__getattr__(name)
        return self._stopping(found) if name == self.name else found

    async def find(self, consumer_key, token_key):
        found = super().find
        return await (self._stopping(found) if self.name == "find" else found)(consumer_key, token_key)

    def _stopping(self, method):
        async def call(*args):
            result = await method(*args) if self.after else None
            self.waits.set()
            await asyncio.Event().wait()
            return result

        return call


async def cancelled(store, call):
    task = asyncio.create_task(call)
    await asyncio.wait_for(store.waits.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("name", "after", "is_claimed"), [("find", True, False), ("add_nonce", False, False), ("add_nonce", True, True)]
)
def test_a_cancelled_request_is_claimed_or_not(name, after, is_claimed):
    memory, request, events = filled(), sent(consumer=TRUSTED), []

    async def run():
        store = Stopping(memory, name, after=after)
        await cancelled(store, provider_over(store, audit=events.append).authenticate(request))
        assert memory.nonce_count() == is_claimed
        assert events == []
        again = provider_over(memory).authenticate(request)
        if is_claimed:
            with pytest.raises(NonceUsed):
                await again
        else:
            assert (await again).consumer == TRUSTED

    asyncio.run(run())


@pytest.mark.parametrize("after", [False, True])
def test_a_cancelled_redemption_gives_one_token_or_keeps_the_approval(after):
    hosted = Hosted()
    temporary = hosted.temporary(CALLBACK)
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier

    def redemption():
        return hosted.sent("/access_token", token=temporary, verifier=verifier)

    async def run():
        store = Stopping(hosted.store, "redeem_for_token", after=after)
        await cancelled(store, provider_over(store).access_token(redemption()))
        answer = await provider_over(hosted.store).access_token(redemption())
        assert answer.status == (401 if after else 200)
        assert len(hosted.store.tokens_of("jane")) == 1

    asyncio.run(run())


# --- errors ----------------------------------------------------------------------------


def test_a_store_that_fails_is_an_error_response():
    class Failing(Yielding):
        async def find(self, consumer_key, token_key):
            raise StoreUnavailable("The store cannot be read.")

    async def run():
        with pytest.raises(StoreUnavailable) as caught:
            await provider_over(Failing(filled())).authenticate(sent(consumer=APP))
        return await provider_over(MemoryStore()).error_response(caught.value)

    assert asyncio.run(run()).status == 503


def test_any_other_exception_of_a_store_is_raised():
    class Failing(Yielding):
        async def find(self, consumer_key, token_key):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(provider_over(Failing(filled())).authenticate(sent(consumer=APP)))


def test_many_requests_at_once_are_verified_each_for_itself():
    async def run():
        provider = provider_over(Yielding(filled()))
        good = [sent(f"/{number}", consumer=TRUSTED) for number in range(50)]
        forged = [HTTPRequest(each.method, f"{each.url}?x=1", each.headers, each.body) for each in good]
        calls = [provider.authenticate(each) for pair in zip(good, forged, strict=True) for each in pair]
        replayed = [provider.authenticate(each) for each in good]
        return await asyncio.gather(*calls, *replayed, return_exceptions=True)

    results = asyncio.run(run())
    names = [type(each).__name__ for each in results]
    assert names == ["Access", "SignatureInvalid"] * 50 + ["NonceUsed"] * 50


# --- ThreadedStore ---------------------------------------------------------------------


def test_a_threaded_store_calls_the_store_in_another_thread(tmp_path):
    threads = set()

    class Watched(SQLiteStore):
        def find(self, consumer_key, token_key):
            threads.add(threading.get_ident())
            return super().find(consumer_key, token_key)

    async def run():
        store = ThreadedStore(Watched(tmp_path / "provider.db", window=600))
        assert store.window == 600
        await store.add_consumer(TRUSTED)
        access = await provider_over(store).authenticate(sent(consumer=TRUSTED))
        assert await store.nonce_count() == 1
        await store.close()
        return access

    assert asyncio.run(run()).consumer == TRUSTED
    assert threads
    assert threading.get_ident() not in threads
