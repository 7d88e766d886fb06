"""What only asyncio stores do: event loops, forks, the first call, and AsyncCombinedStore."""

import asyncio
import contextlib
import gc
import os
import re
import time
from pathlib import Path

import databases
import pytest
from children import fork, needs_fork
from hosted import Hosted
from on_a_loop import Loop, OnLoop
from peer import CONSUMER, NOW, Peer
from peer import TOKEN as PEERS_TOKEN

import oauth2
from oauth2.errors import StoreUnavailable
from oauth2.provider import AsyncProvider
from oauth2.stores import (
    AsyncProviderStore,
    ClientCredentials,
    CombinedStore,
    MemoryStore,
    TemporaryCredentials,
    TokenCredentials,
)
from oauth2.stores.async_combined import AsyncCombinedStore
from oauth2.stores.sqlite import SQLiteStore
from oauth2.stores.threaded import ThreadedStore

pytestmark = pytest.mark.slow

T = 1_700_000_000
SERVERS = [*databases.DRIVERS, "redis-asyncio"]
TEMPORARY = TemporaryCredentials(key="t", secret="s", consumer_key="c", callback="oob", issued_at=T, expires_at=T + 600)
TOKEN = TokenCredentials(key="new", secret="s", consumer_key="c", user="jane", issued_at=T)


@pytest.fixture(params=SERVERS)
def backend(request, tmp_path):
    with databases.backend(request.param, tmp_path) as backend:
        yield backend


@pytest.fixture
def store(backend):
    """An asyncio store without open connections."""
    facade = backend.make()
    facade.close()
    return facade.asyncio_store


# --- event loops -----------------------------------------------------------------------


def test_a_store_that_was_closed_is_used_in_another_event_loop(store):
    async def run(nonce):
        assert await store.add_nonce(nonce, T, "c", None)
        assert not await store.add_nonce(nonce, T, "c", None)
        await store.close()

    asyncio.run(run("one"))
    asyncio.run(run("two"))


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_store_that_was_not_closed_opens_new_connections_when_its_event_loop_is_closed(store):
    async def run(nonce, *, closes):
        assert await store.add_nonce(nonce, T, "c", None)
        if closes:
            await store.close()

    asyncio.run(run("one", closes=False))
    asyncio.run(run("two", closes=True))
    # A warning about a connection that was not closed must be issued in this test, and not in a later test.
    gc.collect()


def test_an_event_loop_cannot_use_the_connections_of_another(store):
    first, second = Loop(), Loop()
    with contextlib.closing(first), contextlib.closing(second):
        here, there = OnLoop(store, first), OnLoop(store, second)
        assert here.add_nonce("n", T, "c", None)
        for call in (there.close, lambda: there.add_nonce("n", T, "c", None)):
            with pytest.raises(RuntimeError, match=r"^(engine|client): .* another event loop"):
                call()
        here.close()
        assert not there.add_nonce("n", T, "c", None)
        there.close()


@needs_fork
def test_a_store_made_before_a_fork_is_used_in_the_child_and_in_the_parent(store):
    async def claim(nonce):
        assert await store.add_nonce(nonce, T, "c", None)
        await store.close()

    pid = fork(lambda: asyncio.run(claim("child")))
    asyncio.run(claim("parent"))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@needs_fork
def test_a_child_does_not_disturb_the_open_connections_of_its_parent(backend):
    facade = backend.make()
    assert facade.add_nonce("before", T, "c", None)

    def child():
        assert not facade.add_nonce("before", T, "c", None)
        assert facade.add_nonce("child", T, "c", None)
        facade.close()

    pid = fork(child)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not facade.add_nonce("child", T, "c", None)
    assert facade.add_nonce("parent", T, "c", None)


def test_a_client_of_redis_cluster_must_be_made_anew_for_another_event_loop():
    cluster = pytest.importorskip("redis.asyncio").RedisCluster
    from oauth2.stores.redis import AsyncRedisStore

    async def enter(store):
        store._owner.enter()

    async def make():
        return AsyncRedisStore(cluster(host="127.0.0.1", port=1))

    store = asyncio.run(make())
    asyncio.run(enter(store))
    with pytest.raises(RuntimeError, match=r"^client: .*Redis Cluster"):
        asyncio.run(enter(store))


# --- the first call --------------------------------------------------------------------


@pytest.fixture(params=databases.DRIVERS)
def unused(request, tmp_path):
    """A backend, and a function that makes a store whose tables do not exist."""
    from oauth2.stores.sqlalchemy import AsyncSQLAlchemyStore

    with databases.backend(request.param, tmp_path) as backend:
        backend.make()
        backend.drop()
        backend.engine_of_store = backend.asyncio_engine.asyncio_engine
        backend.new = lambda: AsyncSQLAlchemyStore(backend.engine_of_store, prefix=backend.prefix)
        yield backend


def test_tasks_that_call_a_new_store_at_once_create_its_tables_once(unused):
    store, statements = unused.new(), []
    unused.sqlalchemy.event.listen(
        unused.engine_of_store.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )

    async def run():
        return await asyncio.gather(*[store.add_nonce(f"n{number % 8}", T, "c", None) for number in range(16)])

    assert sorted(unused.loop.run(run())) == [False] * 8 + [True] * 8
    created = [each for each in statements if each.startswith("CREATE TABLE")]
    assert len(created) == len(set(created)) == len(databases.TABLES)


def test_two_stores_create_the_same_tables_at_once(unused):
    async def run():
        return await asyncio.gather(*[unused.new().add_nonce("n", T, "c", None) for _ in range(4)])

    assert sorted(unused.loop.run(run())) == [False] * 3 + [True]


def test_a_cancelled_first_call_does_not_cancel_the_others(unused):
    store = unused.new()

    async def run():
        first = asyncio.create_task(store.add_nonce("a", T, "c", None))
        others = [asyncio.create_task(store.add_nonce(f"{number}", T, "c", None)) for number in range(3)]
        await asyncio.sleep(0.001)
        first.cancel()
        results = await asyncio.gather(first, *others, return_exceptions=True)
        return [type(results[0]), *results[1:]]

    assert unused.loop.run(run()) == [asyncio.CancelledError, True, True, True]


def test_a_first_call_that_failed_is_tried_again(unused):
    store = unused.new()
    unused.make()
    unused.execute("UPDATE {}schema_version SET version = 99")

    async def run():
        return await asyncio.gather(*[store.nonce_count() for _ in range(3)], return_exceptions=True)

    assert [type(each) for each in unused.loop.run(run())] == [StoreUnavailable] * 3
    unused.execute("UPDATE {}schema_version SET version = 2")
    assert unused.loop.run(run()) == [0, 0, 0]


def test_a_new_store_does_not_use_the_database():
    asyncio_engine = pytest.importorskip("sqlalchemy.ext.asyncio")
    from oauth2.stores.sqlalchemy import AsyncSQLAlchemyStore

    pytest.importorskip("asyncpg")
    engine = asyncio_engine.create_async_engine("postgresql+asyncpg://127.0.0.1:1/nothing")
    store = AsyncSQLAlchemyStore(engine)

    async def run():
        await store.nonce_count()

    with pytest.raises(StoreUnavailable):
        asyncio.run(run())


# --- mistakes --------------------------------------------------------------------------


def test_a_blocking_engine_or_client_is_refused():
    sqlalchemy, redis = pytest.importorskip("sqlalchemy"), pytest.importorskip("redis")
    from oauth2.stores.redis import AsyncRedisStore, RedisStore
    from oauth2.stores.sqlalchemy import AsyncSQLAlchemyStore

    for engine in (sqlalchemy.create_engine("sqlite://"), "postgresql+asyncpg://127.0.0.1/x", None):
        with pytest.raises(TypeError, match=r"^engine: must be an AsyncEngine"):
            AsyncSQLAlchemyStore(engine)
    with redis.Redis(port=1) as client:
        for wrong in (client, redis.asyncio.Redis, None):
            with pytest.raises(TypeError, match=r"^client: must be a client of redis.asyncio"):
                AsyncRedisStore(wrong)
    with pytest.raises(TypeError, match=r"^client: must be a blocking client"):
        RedisStore(redis.asyncio.Redis(port=1))


@pytest.mark.parametrize("name", ["credentials", "temporary", "nonces"])
def test_a_combined_store_refuses_a_blocking_part(name, tmp_path):
    parts = {"credentials": MemoryStore(), "temporary": MemoryStore(), "nonces": MemoryStore()}
    with contextlib.closing(SQLiteStore(tmp_path / "store.db")) as blocking:
        for wrong in (blocking, MemoryStore, None, ThreadedStore):
            with pytest.raises(TypeError, match=f"^{name}: must be an asyncio store"):
                AsyncCombinedStore(**{**parts, name: wrong})
        AsyncCombinedStore(**{**parts, name: ThreadedStore(blocking)})


# --- AsyncCombinedStore ----------------------------------------------------------------


def public(kind):
    return {name: each for name, each in vars(kind).items() if not name.startswith("_") and callable(each)}


def test_both_combined_stores_have_the_same_methods():
    assert public(AsyncCombinedStore).keys() == public(CombinedStore).keys()
    store: AsyncProviderStore = AsyncCombinedStore(
        credentials=MemoryStore(), temporary=MemoryStore(), nonces=MemoryStore(window=77)
    )
    assert store.window == 77


def test_a_provider_over_memory_stores_authenticates():
    one, nonces = MemoryStore(), MemoryStore()
    hosted = Hosted(CombinedStore(credentials=one, temporary=one, nonces=nonces))
    provider = AsyncProvider(AsyncCombinedStore(credentials=one, temporary=one, nonces=nonces), now=lambda: hosted.now)
    token = hosted.token()
    sent = hosted.sent("/photos", "GET", token=token)
    assert asyncio.run(provider.authenticate(sent)).user == "jane"
    assert nonces.nonce_count() == 3


class Slow:
    """An asyncio store over a MemoryStore whose add_token() waits until the test allows it."""

    def __init__(self):
        self.store = MemoryStore()
        self.waits, self.goes = asyncio.Event(), asyncio.Event()

    async def find(self, consumer_key, token_key):
        return self.store.find(consumer_key, token_key)

    async def add_token(self, token):
        self.waits.set()
        await self.goes.wait()
        self.store.add_token(token)


def test_a_cancelled_redemption_in_two_stores_is_done_to_its_end():
    async def run():
        credentials, temporary = Slow(), MemoryStore()
        temporary.issue(TEMPORARY)
        store = AsyncCombinedStore(credentials=credentials, temporary=temporary, nonces=MemoryStore())
        task = asyncio.create_task(store.redeem_for_token("t", TOKEN))
        await credentials.waits.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert temporary.get_temporary("t") is None
        credentials.goes.set()
        await asyncio.sleep(0.01)
        assert credentials.store.get_token("new") == TOKEN
        assert await store.redeem_for_token("t", TOKEN) is False

    asyncio.run(run())


def test_a_redemption_in_one_store_is_one_step():
    store = MemoryStore()
    store.issue(TEMPORARY)
    combined = AsyncCombinedStore(credentials=store, temporary=store, nonces=store)
    assert asyncio.run(combined.redeem_for_token("t", TOKEN)) is True
    assert asyncio.run(combined.redeem_for_token("t", TOKEN)) is False
    assert store.get_token("new") == TOKEN


# --- where a blocking store is required ------------------------------------------------


class Returning:
    """A store whose method returns an awaitable, although the method is not defined with ``async def``."""

    window = 300

    def add_nonce(self, *_):
        return asyncio.sleep(0, False)


def test_a_server_refuses_an_asyncio_store():
    with pytest.raises(TypeError, match=r"^nonce_store: .*AsyncProvider"):
        oauth2.Server(nonce_store=ThreadedStore(MemoryStore()))


def test_a_server_accepts_no_request_if_the_store_returns_an_awaitable():
    server = oauth2.Server([oauth2.SignatureMethod_HMAC_SHA1()], nonce_store=Returning(), now=lambda: NOW)
    sent = Peer().sign(timestamp=str(NOW))
    request = oauth2.Request.from_request(sent.method, sent.url, sent.headers)
    with pytest.warns(RuntimeWarning, match="never awaited"), pytest.raises(TypeError, match="nonce_store"):
        server.verify_request(request, CONSUMER, PEERS_TOKEN)


def test_a_store_in_threads_need_not_read_dummies():
    read = []

    class Reads(MemoryStore):
        def read_dummies(self, found):
            read.append(found)

    for store in (MemoryStore(), Reads()):
        ThreadedStore(store).read_dummies({"consumer": None})
    assert read == [{"consumer": None}]


@pytest.mark.parametrize("part", ["credentials", "temporary", "nonces"])
def test_a_combined_store_refuses_an_asyncio_store(part):
    parts = dict.fromkeys(("credentials", "temporary", "nonces"), MemoryStore())
    with pytest.raises(TypeError, match=f"^{part}: .*AsyncCombinedStore"):
        CombinedStore(**{**parts, part: ThreadedStore(MemoryStore())})


# --- docs/fastapi.md -------------------------------------------------------------------


def test_the_application_of_the_fastapi_page_with_an_asyncio_store_serves_signed_requests(tmp_path):
    pytest.importorskip("fastapi")
    httpx = pytest.importorskip("httpx")
    page = Path(__file__).parent.parent / "docs" / "fastapi.md"
    (text,) = re.findall(r"^```py\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    with databases.backend("asyncpg", tmp_path) as backend:
        url = backend.engine.url.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
        text = text.replace("postgresql+asyncpg://oauth@db.internal/oauth", url)
        found = {}
        exec(
            text.replace("AsyncSQLAlchemyStore(engine)", f"AsyncSQLAlchemyStore(engine, prefix={backend.prefix!r})"),
            found,
        )
        found["api"].get("/photos")(lambda: "a photo")
        peer, consumer = Peer(), ClientCredentials(key="printer", secret="s", two_legged=True)

        async def run():
            async with found["lifespan"](found["app"]):
                await found["store"].add_consumer(consumer)
                sent = peer.sign(
                    "GET",
                    "https://api.example.com/api/photos",
                    consumer=consumer,
                    token=None,
                    timestamp=str(int(time.time())),
                )
                transport = httpx.ASGITransport(found["app"])
                async with httpx.AsyncClient(transport=transport, base_url="https://api.example.com") as client:
                    return [await client.get("/api/photos", headers=dict(sent.headers)) for _ in range(2)]

        answers = asyncio.run(run())
    assert (answers[0].status_code, answers[0].text) == (200, '"a photo"')
    assert answers[1].status_code == 401
