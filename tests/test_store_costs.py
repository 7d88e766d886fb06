"""The cost of a request: statements to a database, round trips to Redis, and hash slots of a cluster."""

import contextlib
from urllib.parse import urlsplit

import databases
import pytest
from cuttable import Proxy, free_port, own_redis
from hosted import Hosted
from on_a_loop import Loop, OnLoop

from oauth2.stores import ClientCredentials, CombinedStore, TemporaryCredentials
from oauth2.stores._statements import DELETE_EVERY
from oauth2.stores.sqlite import SQLiteStore

pytestmark = pytest.mark.slow

T = 1_700_000_000
REQUESTS = 200


def requests_of(hosted, count):
    token = hosted.token()
    return [hosted.sent("/photos", "GET", token=token, nonce=f"n{number}") for number in range(count)]


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_authenticate_executes_two_statements_on_a_server(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("oauth2.stores._sql.DELETE_EVERY", 4)
    with databases.backend(kind, tmp_path) as backend:
        hosted, statements = Hosted(backend.make()), []
        sent = requests_of(hosted, REQUESTS)
        backend.sqlalchemy.event.listen(
            backend.engine, "before_cursor_execute", lambda *given: statements.append(given[2])
        )
        for number, request in enumerate(sent, 1):
            hosted.provider.authenticate(request)
            assert len(statements) == 2 * number
        # Some of these requests also delete old nonces.
        assert len(set(statements)) == 3


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_client_credentials_are_replaced_in_one_statement(kind, tmp_path):
    consumer = ClientCredentials(key="c", secret="s")
    with databases.backend(kind, tmp_path) as backend:
        store, statements = backend.make(), []
        store.remove_consumer("c")
        backend.sqlalchemy.event.listen(backend.engine, "before_cursor_execute", lambda *given: statements.append(1))
        assert (store.replace_consumer(consumer), len(statements)) == (False, 1)
        store.add_consumer(consumer)
        statements.clear()
        assert (store.replace_consumer(consumer), len(statements)) == (True, 1)


def test_authenticate_is_one_round_trip_for_each_statement_to_mariadb(tmp_path):
    with databases.backend("mariadb", tmp_path) as backend, contextlib.ExitStack() as stack:
        url = backend.engine.url
        proxy = Proxy((url.host, url.port or 3306))
        stack.callback(proxy.close)
        backend.url = url.set(host="127.0.0.1", port=proxy.port)
        hosted = Hosted(backend.make(backend.connect()))
        sent = requests_of(hosted, REQUESTS)
        before = proxy.sent
        for request in sent:
            hosted.provider.authenticate(request)
        assert proxy.sent - before == 2 * REQUESTS


def test_authenticate_executes_two_statements_on_sqlite_and_sometimes_four_more(tmp_path):
    with contextlib.closing(SQLiteStore(tmp_path / "store.db")) as store:
        hosted, costs, statements = Hosted(store), [], []
        for _minute in range(10):
            hosted.now += 60
            sent = requests_of(hosted, 4 * DELETE_EVERY)
            store._file._connection.set_trace_callback(statements.append)
            for request in sent:
                statements.clear()
                hosted.provider.authenticate(request)
                costs.append(len(statements))
            store._file._connection.set_trace_callback(None)
        # One request in 64 also executes BEGIN, moves the horizon, deletes a bounded number of nonces, and executes
        # COMMIT.
        assert set(costs) == {2, 6}
        assert 5 <= costs.count(6) <= 10


@pytest.mark.parametrize("decode_responses", [False, True])
def test_each_call_to_redis_is_one_round_trip(tmp_path, decode_responses):
    with databases.backend("redis", tmp_path) as backend, contextlib.ExitStack() as stack:
        parts = urlsplit(databases.REDIS)
        proxy = Proxy((parts.hostname, parts.port or 6379))
        stack.callback(proxy.close)
        store = backend.make(client_through(backend, proxy, decode_responses))
        calls = [
            lambda: store.add_nonce("n", T, "c", "t"),
            lambda: store.add_nonce("n", T, "c", "t"),
            lambda: store.add_nonce("m", T + 1, "c", "t"),
            lambda: store.issue(temporary()),
            lambda: store.get_temporary("t"),
            lambda: store.approve("t", "jane", "v", ("☃",)),
            lambda: store.count_try("t"),
            lambda: store.redeem("t"),
            lambda: store.redeem("t"),
        ]
        answers = [call() for call in calls]  # The first call of a script sends its text.
        redeemed = answers[7]
        assert (redeemed.user, redeemed.verifier, redeemed.realms) == ("jane", "v", ("☃",))
        assert answers[:3] == [True, False, True]
        assert answers[8] is None
        for call in calls:
            before = proxy.sent
            call()
            assert proxy.sent == before + 1


def client_through(backend, proxy, decode_responses):
    parts = urlsplit(databases.REDIS)
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    url = f"redis://{user}127.0.0.1:{proxy.port}{parts.path}"
    backend.clients.append(backend.redis.Redis.from_url(url, socket_timeout=10, decode_responses=decode_responses))
    return backend.clients[-1]


def temporary(key="t", **fields):
    given = {"key": key, "secret": "s", "consumer_key": "c", "callback": "oob", "issued_at": T, "expires_at": T + 600}
    return TemporaryCredentials(**{**given, **fields})


# --- tests that need a separate Redis -------------------------------------------------


@pytest.fixture
def alone(tmp_path):
    import redis

    with own_redis(tmp_path) as port, redis.Redis(port=port) as client:
        yield client


def test_scripts_are_sent_again_to_a_redis_that_lost_them(alone):
    from oauth2.stores.redis import RedisStore

    store = RedisStore(alone)
    for round_ in range(3):
        alone.script_flush()
        assert store.add_nonce(f"n{round_}", T, "c", "t")
        alone.script_flush()
        assert not store.add_nonce(f"n{round_}", T, "c", "t")
        store.issue(temporary())
        alone.script_flush()
        assert store.count_try("t") == 1
        alone.script_flush()
        assert store.redeem("t") == temporary()


@pytest.mark.parametrize(("lifetime", "seconds"), [(600, 601), (1, 2), (0, 1), (-5, 1)])
def test_temporary_credentials_in_redis_expire_one_second_after_their_lifetime(alone, lifetime, seconds):
    from oauth2.stores.redis import RedisStore

    store = RedisStore(alone)
    store.issue(temporary(expires_at=T + lifetime))
    left = alone.pttl("oauth2:temporary:t")
    assert 1000 * (seconds - 1) < left <= 1000 * seconds
    store.approve("t", "jane", "v", ())
    store.count_try("t")
    # Neither an approval nor an attempt to redeem extends the lifetime.
    assert 0 < alone.pttl("oauth2:temporary:t") <= left
    store.issue(temporary(expires_at=T + 6000))
    assert alone.ttl("oauth2:temporary:t") > 5990


def test_a_single_node_spreads_its_nonces_over_the_shards(alone):
    from oauth2.stores.redis import RedisStore

    store = RedisStore(alone)
    assert all(store.add_nonce(f"n{number}", T, "c", "t") for number in range(500))
    assert alone.dbsize() > 3 * 150  # Each shard has a bucket, a list and a horizon.
    assert store.nonce_count() == 500


# --- Redis Cluster --------------------------------------------------------------------


class Recorded:
    """A Redis client that records the keys of each call."""

    def __init__(self):
        self.keys = []

    def evalsha(self, sha1, count, *keys_and_values):
        self.keys.append(keys_and_values[:count])
        return 1

    def hmget(self, key, fields):
        self.keys.append([key])
        return [None, None]


@pytest.mark.parametrize("prefix", ["oauth2:", "", "é:"])
def test_all_keys_of_a_call_hash_to_one_slot_and_nonces_to_many(prefix):
    crc = pytest.importorskip("redis.crc")
    from oauth2.stores.redis import RedisStore

    client = Recorded()
    store = RedisStore(client, prefix=prefix)
    for number in range(2000):
        assert store.add_nonce(f"n{number}", T + number % 300, "c", "t")
        store.count_try(f"{{t}}{number}")
        store.get_temporary(f"t{number}}}")
    slots = [{crc.key_slot(key if isinstance(key, bytes) else key.encode()) for key in keys} for keys in client.keys]
    assert {len(each) for each in slots} == {1}
    assert len({slot for each in slots[::3] for slot in each}) > 200  # of 256 shards


@contextlib.contextmanager
def blocking_cluster_store(port):
    from redis import RedisCluster
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    from oauth2.stores.redis import RedisStore

    with RedisCluster("127.0.0.1", port, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
        yield RedisStore(client)


@contextlib.contextmanager
def asyncio_cluster_store(port):
    from redis.asyncio import RedisCluster
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    from oauth2.stores.redis import AsyncRedisStore

    async def make():
        return AsyncRedisStore(RedisCluster("127.0.0.1", port, socket_timeout=1, retry=Retry(NoBackoff(), 0)))

    with contextlib.closing(Loop()) as loop, contextlib.closing(OnLoop(loop.run(make()), loop)) as store:
        yield store


@pytest.mark.parametrize("cluster_store", [blocking_cluster_store, asyncio_cluster_store])
def test_a_cluster_is_used_and_its_loss_is_unavailable(tmp_path, cluster_store):
    import time

    import redis

    from oauth2.errors import StoreUnavailable

    # The port for the connections between the nodes defaults to the port plus 10000.
    with own_redis(tmp_path, "--cluster-enabled", "yes", "--cluster-port", str(free_port())) as port:
        with redis.Redis(port=port) as node:
            node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            deadline = time.monotonic() + 20
            while node.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                assert time.monotonic() < deadline
                time.sleep(0.02)
        with cluster_store(port) as store:
            assert [store.add_nonce(f"n{number}", T, "c", "t") for number in range(300)] == [True] * 300
            assert not any(store.add_nonce(f"n{number}", T, "c", "t") for number in range(300))
            assert store.nonce_count() == 300
            store.issue(temporary())
            assert store.approve("t", "jane", "v", ())
            assert store.count_try("t") == 1
            assert store.get_temporary("t").user == "jane"
            assert store.redeem("t").verifier == "v"
            assert store.redeem("t") is None
            with redis.Redis(port=port) as node:
                node.execute_command("CLUSTER DELSLOTS", *range(16384))
            for call in (
                lambda: store.add_nonce("n", T, "c", "t"),
                lambda: store.nonce_count(),
                lambda: store.get_temporary("t"),
                lambda: store.redeem("t"),
            ):
                with pytest.raises(StoreUnavailable):
                    call()


# --- CombinedStore --------------------------------------------------------------------


def test_authenticate_with_nonces_in_redis_is_one_statement_and_one_round_trip(tmp_path):
    with databases.backend("combined", tmp_path) as backend, contextlib.ExitStack() as stack:
        parts = urlsplit(databases.REDIS)
        proxy = Proxy((parts.hostname, parts.port or 6379))
        stack.callback(proxy.close)
        others = backend.others.make(client_through(backend.others, proxy, False))
        store = CombinedStore(credentials=backend.credentials.make(), temporary=others, nonces=others)
        hosted, statements = Hosted(store), []
        sent = requests_of(hosted, 50)
        engine = backend.credentials.engine
        backend.credentials.sqlalchemy.event.listen(
            engine, "before_cursor_execute", lambda *given: statements.append(1)
        )
        before = proxy.sent
        for request in sent:
            hosted.provider.authenticate(request)
        assert (len(statements), proxy.sent - before) == (50, 50)
