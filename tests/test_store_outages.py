"""An unavailable store: each method raises StoreUnavailable, and a provider refuses every request."""

import contextlib
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import databases
import pytest
from children import needs_fork, run_one
from cuttable import Proxy, free_port, own_redis
from hosted import Hosted
from peer import what_is_shown

from oauth2.errors import StoreUnavailable
from oauth2.stores import ClientCredentials, CombinedStore, TemporaryCredentials, TokenCredentials, _sqlite_file
from oauth2.stores.fernet import FernetCipher
from oauth2.stores.sqlite import SQLiteStore

pytestmark = pytest.mark.slow

T = 1_700_000_000
SECRET = "hush-hush-hush"
KEY = "k" * 43 + "="
CONSUMER = ClientCredentials(key="c", secret=SECRET, owner="jane")
TOKEN = TokenCredentials(key="t", secret=SECRET, consumer_key="c", user="jane", issued_at=T)
TEMPORARY = TemporaryCredentials(
    key="t", secret=SECRET, consumer_key="c", callback="oob", issued_at=T, expires_at=T + 600
)
NONCES = {
    "add_nonce": lambda store: store.add_nonce("n", T, "c", "t"),
    "nonce_count": lambda store: store.nonce_count(),
}
TEMPORARIES = {
    "issue": lambda store: store.issue(TEMPORARY),
    "get_temporary": lambda store: store.get_temporary("t"),
    "approve": lambda store: store.approve("t", "jane", SECRET, ()),
    "count_try": lambda store: store.count_try("t"),
    "redeem": lambda store: store.redeem("t"),
}
BOTH = {"redeem_for_token": lambda store: store.redeem_for_token("t", TOKEN)}
CREDENTIALS = {
    "find": lambda store: store.find("c", "t"),
    "find without a token": lambda store: store.find("c", None),
    "add_consumer": lambda store: store.add_consumer(CONSUMER),
    "get_consumer": lambda store: store.get_consumer("c"),
    "replace_consumer": lambda store: store.replace_consumer(CONSUMER),
    "consumers_of": lambda store: store.consumers_of("jane"),
    "add_token": lambda store: store.add_token(TOKEN),
    "get_token": lambda store: store.get_token("t"),
    "replace_token": lambda store: store.replace_token("t", TOKEN),
    "tokens_of": lambda store: store.tokens_of("jane"),
    "reencrypt": lambda store: store.reencrypt(),
    "revoke_grant": lambda store: store.revoke_grant("t"),
    "revoke_grant of a user": lambda store: store.revoke_grant("t", "jane"),
    "remove_consumer": lambda store: store.remove_consumer("c"),
}
EVERYTHING = {**NONCES, **CREDENTIALS, **TEMPORARIES, **BOTH}
READS = {"nonce_count", "get_temporary", "find", "find without a token", "get_consumer", "consumers_of"}
READS |= {"get_token", "tokens_of"}
SERVERS = ["postgresql", "mariadb", *databases.DRIVERS, "redis", "redis-asyncio"]


def outcome(call, store):
    """Return the name of the error that a call raises; None if it raises none. The error must show no secret."""
    try:
        call(store)
    except BaseException as error:  # noqa: BLE001 - the test compares every error
        caught = error
    else:
        return None
    if not isinstance(caught, StoreUnavailable):
        return f"{type(caught).__name__}: {caught}"
    assert caught.status == 503
    assert SECRET not in what_is_shown(caught)
    return "StoreUnavailable"


def outcomes(calls, store):
    return {name: outcome(call, store) for name, call in calls.items()}


def all_unavailable(calls):
    return dict.fromkeys(calls, "StoreUnavailable")


def all_work(calls):
    return dict.fromkeys(calls)


# --- servers --------------------------------------------------------------------------


class Reached:
    """A store that reaches its server through a proxy, and another store that connects directly."""

    def __init__(self, kind, directory, stack):
        self.backend = stack.enter_context(databases.backend(kind, directory))
        self.kind = kind = self.backend.kind
        self.calls = NONCES | TEMPORARIES if kind == "redis" else EVERYTHING
        if kind == "redis":
            parts = urlsplit(databases.REDIS)
            self.proxy = Proxy((parts.hostname, parts.port or 6379))
        else:
            url = self.backend.engine.url
            self.proxy = Proxy((url.host, url.port or {"postgresql": 5432, "mariadb": 3306}[kind]))
        stack.callback(self.proxy.close)
        self.stack = stack

    def make(self, port=None, **options):
        port, cipher = port or self.proxy.port, FernetCipher(KEY)
        if self.kind == "redis":
            url = urlsplit(databases.REDIS)
            netloc = f"{url.netloc.rpartition('@')[0]}@" if "@" in url.netloc else ""
            client = self.backend.at(f"redis://{netloc}127.0.0.1:{port}{url.path}")
            return self.backend.make(client, cipher=cipher)
        engine = self.backend.new_engine(
            self.backend.engine.url.set(host="127.0.0.1", port=port), hide_parameters=True, **options
        )
        self.stack.callback(engine.dispose)
        return self.backend.make(engine, cipher=cipher)


def redis_at(stack, url):
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # The client does not retry, because retries would take several seconds.
    return stack.enter_context(redis.Redis.from_url(url, socket_timeout=1, retry=Retry(NoBackoff(), 0)))


@pytest.fixture(params=SERVERS)
def reached(request, tmp_path):
    with contextlib.ExitStack() as stack:
        yield Reached(request.param, tmp_path, stack)


def test_a_server_that_vanishes_makes_every_method_unavailable_until_it_is_back(reached):
    store = reached.make()
    assert outcomes(reached.calls, store) == all_work(reached.calls)
    reached.proxy.cut()
    assert outcomes(reached.calls, store) == all_unavailable(reached.calls)
    reached.proxy.restore()
    assert outcomes(reached.calls, store) == all_work(reached.calls)


def test_a_connection_cut_before_each_call_is_made_again_or_reported(reached):
    store = reached.make()
    for call in reached.calls.values():
        call(store)
        reached.proxy.cut()
        reached.proxy.restore()
        assert outcome(call, store) in (None, "StoreUnavailable")


def test_a_closed_port_is_unavailable(reached):
    port = free_port()
    if reached.kind == "redis":
        assert outcomes(reached.calls, reached.make(port)) == all_unavailable(reached.calls)
    else:
        with pytest.raises(StoreUnavailable) as caught:
            reached.make(port)
        assert caught.value.status == 503


@pytest.mark.parametrize("reached", ["mariadb", "redis"], indirect=True)
def test_a_server_that_says_nothing_is_unavailable_after_the_clients_time_out(reached):
    options = {"connect_args": {"read_timeout": 1, "connect_timeout": 1}} if reached.kind == "mariadb" else {}
    store = reached.make(**options)
    NONCES["add_nonce"](store)
    reached.proxy.silent = True
    assert outcome(NONCES["add_nonce"], store) == "StoreUnavailable"


def test_a_pool_without_a_free_connection_is_unavailable(tmp_path):
    with databases.backend("postgresql", tmp_path) as backend:
        engine = backend.connect(pool_size=1, max_overflow=0, pool_timeout=0.05)
        store = backend.make(engine, cipher=FernetCipher(KEY))
        with engine.connect():
            assert outcomes(EVERYTHING, store) == all_unavailable(EVERYTHING)
        assert outcomes(EVERYTHING, store) == all_work(EVERYTHING)


def test_without_its_tables_every_method_is_unavailable(tmp_path):
    for kind in databases.SQL:
        with databases.backend(kind, tmp_path) as backend:
            store = backend.make(cipher=FernetCipher(KEY))
            backend.drop()
            assert outcomes(EVERYTHING, store) == all_unavailable(EVERYTHING)


# --- a provider with an unavailable store ---------------------------------------------


def refused_with_503(provider, request):
    with pytest.raises(StoreUnavailable) as caught:
        provider.authenticate(request)
    return provider.error_response(caught.value).status == 503


@pytest.mark.parametrize("reached", ["postgresql", "mariadb"], indirect=True)
def test_a_provider_answers_503_while_its_database_is_down_and_goes_on_afterwards(reached):
    hosted = Hosted(reached.make())
    token = hosted.token()
    sent = hosted.sent("/photos", "GET", token=token)
    reached.proxy.cut()
    assert refused_with_503(hosted.provider, sent)
    assert hosted.provider.request_token(hosted.sent("/rt", callback="oob")).status == 503
    assert hosted.provider.access_token(hosted.sent("/at", token=token, verifier="v")).status == 503
    reached.proxy.restore()
    assert hosted.provider.authenticate(sent).user == "jane"


@pytest.mark.parametrize("reached", ["redis"], indirect=True)
def test_a_provider_answers_503_while_only_the_nonces_are_down(reached, tmp_path):
    with databases.backend("postgresql", tmp_path) as backend:
        others = reached.make()
        hosted = Hosted(CombinedStore(credentials=backend.make(), temporary=others, nonces=others))
        token = hosted.token()
        sent = hosted.sent("/photos", "GET", token=token)
        reached.proxy.cut()
        assert refused_with_503(hosted.provider, sent)
        assert hosted.provider.request_token(hosted.sent("/rt", callback="oob")).status == 503
        reached.proxy.restore()
        assert hosted.provider.authenticate(sent).user == "jane"


# --- Redis ----------------------------------------------------------------------------


def changing_only(calls):
    # A full Redis still allows deletions; a read-only Redis allows no change.
    return {name: None if name in READS else "StoreUnavailable" for name in calls}


@pytest.fixture
def alone(tmp_path):
    import redis

    with own_redis(tmp_path) as port, redis.Redis(port=port) as client:
        from oauth2.stores.redis import RedisStore

        client.store = RedisStore(client)
        yield client


def test_a_redis_without_memory_left_claims_nothing_and_issues_nothing(alone):
    calls = NONCES | TEMPORARIES
    alone.store.issue(TEMPORARY)
    alone.config_set("maxmemory", 1)
    assert outcomes(calls, alone.store) == {**changing_only(calls), "redeem": None}
    alone.config_set("maxmemory", 0)
    assert outcomes(calls, alone.store) == all_work(calls)
    assert alone.store.add_nonce("n", T, "c", "t") is False


def test_a_read_only_redis_claims_nothing_and_redeems_nothing(alone):
    calls = NONCES | TEMPORARIES
    alone.store.issue(TEMPORARY)
    alone.replicaof("127.0.0.1", free_port())
    assert outcomes(calls, alone.store) == changing_only(calls)
    alone.replicaof("NO", "ONE")
    assert outcomes(calls, alone.store) == all_work(calls)


def test_a_redis_that_asks_for_a_password_or_holds_something_else_is_unavailable(alone):
    from oauth2.stores.redis import RedisStore

    calls = NONCES | TEMPORARIES
    store = RedisStore(alone, prefix="x:", shards=1)
    alone.set("x:temporary:t", "no hash")
    alone.set("{x:00}:buckets", "no list")
    wrong_type = outcomes(calls, store)
    # These three methods may return before they read a value of the wrong type.
    assert {name for name, found in wrong_type.items() if found is None} <= {"approve", "count_try", "redeem"}
    alone.config_set("requirepass", "pw")
    with contextlib.ExitStack() as stack:
        stranger = redis_at(stack, f"redis://127.0.0.1:{alone.connection_pool.connection_kwargs['port']}")
        assert outcomes(calls, RedisStore(stranger)) == all_unavailable(calls)


@pytest.mark.parametrize("decode_responses", [False, True])
def test_unreadable_records_in_redis_are_unavailable(alone, decode_responses):
    import redis

    from oauth2.stores.redis import RedisStore

    port = alone.connection_pool.connection_kwargs["port"]
    with redis.Redis(port=port, decode_responses=decode_responses) as client:
        store = RedisStore(client)
        for found in (b"\xff\xfe", b"", b"{}", b"[]", b"null", b'{"secret": "=hush-hush-hush"}', b"1" * 9999):
            for call in (TEMPORARIES["get_temporary"], TEMPORARIES["redeem"]):
                alone.hset("oauth2:temporary:t", "issued", found)
                assert outcome(call, store) == "StoreUnavailable"


# --- SQLite ---------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def file_store(path):
    with contextlib.closing(SQLiteStore(path, timeout=0.3, cipher=FernetCipher(KEY))) as store:
        assert outcomes(EVERYTHING, store) == all_work(EVERYTHING)
        yield store


def remove(path):
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    until_it_is_looked_for()


def until_it_is_looked_for():
    time.sleep(5 * _sqlite_file._CHECK_LOG_EVERY)


def test_a_store_whose_file_was_removed_is_unavailable_and_does_not_begin_anew(file_store, path):
    remove(path)
    assert outcomes(EVERYTHING, file_store) == all_unavailable(EVERYTHING)
    file_store.close()
    assert outcomes(EVERYTHING, file_store) == all_unavailable(EVERYTHING)
    assert not path.exists()
    with contextlib.closing(SQLiteStore(path)) as another:  # This creates a file.
        assert another.add_nonce("n", T, "c", "t")
        assert outcomes(EVERYTHING, file_store) == all_unavailable(EVERYTHING)


def test_a_store_whose_file_was_replaced_is_unavailable(file_store, path):
    with contextlib.closing(SQLiteStore(path.with_name("other.db"))) as other:
        other.add_nonce("n", T, "c", "t")
    os.replace(path.with_name("other.db"), path)
    until_it_is_looked_for()
    assert outcomes(EVERYTHING, file_store) == all_unavailable(EVERYTHING)


def test_a_store_whose_file_is_elsewhere_now_is_unavailable_and_stays_so(file_store, path):
    path.rename(path.with_name("elsewhere.db"))
    until_it_is_looked_for()
    assert outcomes(EVERYTHING, file_store) == all_unavailable(EVERYTHING)
    path.with_name("elsewhere.db").rename(path)
    assert outcomes(EVERYTHING, file_store) == all_unavailable(EVERYTHING)


def log_of(path):
    return path.with_name(f"{path.name}-wal")


def remove_log(path):
    log_of(path).unlink()


def replace_log(path):
    copy = path.with_name("copy")
    copy.write_bytes(log_of(path).read_bytes())
    os.replace(copy, log_of(path))


def empty_log(path):
    os.truncate(log_of(path), 0)


def halve_log(path):
    os.truncate(log_of(path), log_of(path).stat().st_size // 2)


@pytest.mark.parametrize("damage", [remove_log, replace_log, empty_log, halve_log])
def test_a_store_whose_log_was_removed_or_truncated_is_unavailable_and_stays_so(damage, file_store, path):
    damage(path)
    until_it_is_looked_for()
    assert outcomes(EVERYTHING, file_store) == all_unavailable(EVERYTHING)
    file_store.close()
    assert outcomes(EVERYTHING, file_store) == all_unavailable(EVERYTHING)


def test_a_truncated_log_is_noticed_after_more_claims_were_written_to_it(path, monkeypatch):
    with contextlib.closing(SQLiteStore(path)) as store:
        now = time.monotonic()
        monkeypatch.setattr(_sqlite_file, "monotonic", lambda: now)
        assert store.add_nonce("before", T, "c", "t")
        size = log_of(path).stat().st_size
        empty_log(path)
        assert store.add_nonce("after", T, "c", "t")  # The clock has not advanced, so the file is not checked.
        assert log_of(path).stat().st_size > size
        now += 1
        assert outcomes(NONCES, store) == all_unavailable(NONCES)


def test_a_store_works_on_after_another_process_truncated_the_log_with_a_checkpoint(file_store, path):
    for number in range(3):
        with contextlib.closing(sqlite3.connect(path)) as other:
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
        assert log_of(path).stat().st_size == 0
        until_it_is_looked_for()
        assert file_store.nonce_count() == number + 1
        assert file_store.add_nonce(f"n{number}", T, "c", "t")
    until_it_is_looked_for()
    assert file_store.nonce_count() == 4  # Here, the store records the size of the log.
    empty_log(path)
    until_it_is_looked_for()
    assert outcomes(EVERYTHING, file_store) == all_unavailable(EVERYTHING)


@pytest.mark.parametrize("call", ["add_nonce", "add_consumer", "remove_consumer"])
def test_a_call_that_waited_while_the_file_was_removed_fails(call, path):
    with (
        contextlib.closing(SQLiteStore(path, timeout=20)) as store,
        contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other,
        ThreadPoolExecutor() as threads,
    ):
        other.execute("BEGIN IMMEDIATE")
        answer = threads.submit(outcome, EVERYTHING[call], store)
        time.sleep(0.05)
        assert not answer.done()
        remove(path)
        other.execute("COMMIT")
        assert answer.result(20) == "StoreUnavailable"


def test_a_file_removed_while_it_is_opened_again_is_unavailable(path, monkeypatch):
    connect = _sqlite_file._connect

    def too_late(*given):
        remove(path)
        return connect(*given)

    # While the old file is open, a new file cannot get the same inode number.
    with contextlib.closing(SQLiteStore(path)) as store, path.open():
        assert store.add_nonce("n", T, "c", "t")
        store.close()
        monkeypatch.setattr(_sqlite_file, "_connect", too_late)
        assert outcomes(NONCES, store) == all_unavailable(NONCES)


def test_the_file_is_checked_every_fifth_of_a_millisecond(path, monkeypatch):
    with contextlib.closing(SQLiteStore(path)) as store:
        now, looks = time.monotonic() + 60, []
        identity = _sqlite_file._identity
        monkeypatch.setattr(_sqlite_file, "monotonic", lambda: now)
        monkeypatch.setattr(_sqlite_file, "_identity", lambda given: looks.append(given) or identity(given))
        log = f"{os.path.realpath(path)}-wal"
        for number in range(10):
            now += 0.00015
            assert store.add_nonce(f"n{number}", T, "c", "t")
        assert len(looks) == 5
        for number in range(10):
            now += 0.0003
            assert not store.add_nonce(f"n{number}", T, "c", "t")
        assert len(looks) == 15
        store.close()
        assert store.nonce_count() == 10
        # The database file is checked before it is opened, and after the statement. The log is checked once, because it
        # is a new file.
        assert looks[15:] == [str(path), log, str(path)]


def test_a_provider_whose_file_was_removed_answers_503(path):
    with contextlib.closing(SQLiteStore(path)) as store:
        hosted = Hosted(store)
        sent = hosted.sent("/photos", "GET", token=hosted.token())
        remove(path)
        assert refused_with_503(hosted.provider, sent)


def test_a_corrupt_file_is_unavailable(file_store, path):
    file_store.close()
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xa5" * (len(content) - 100))
    assert outcomes(EVERYTHING, file_store) == all_unavailable(EVERYTHING)
    path.write_bytes(b"no database at all" * 1000)
    assert outcomes(EVERYTHING, file_store) == all_unavailable(EVERYTHING)


def test_an_error_does_not_quote_stored_text_that_is_not_utf8(path):
    with contextlib.closing(SQLiteStore(path)) as store:
        store.add_consumer(CONSUMER)
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("UPDATE consumer SET secret = CAST(? AS TEXT)", (f"={SECRET}".encode() + b"\xff",))
            database.commit()
        assert outcome(CREDENTIALS["get_consumer"], store) == "StoreUnavailable"


@needs_fork
def test_on_a_full_disk_every_change_is_unavailable(path):
    with contextlib.closing(SQLiteStore(path, cipher=FernetCipher(KEY))) as store:
        store.add_consumer(CONSUMER)
        found = run_one(full_disk, store)
        assert found["add_nonce"] == "StoreUnavailable"
        assert set(found.values()) == {"StoreUnavailable"}
        assert store.add_nonce("n", T, "c", "t")


def full_disk(answers, store):
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    answers.put(outcomes(EVERYTHING, store))


@pytest.mark.parametrize(("column", "text"), [("realms", "{secret"), ("realms", "7"), ("secret", "secret")])
def test_an_unreadable_record_is_unavailable_and_not_quoted(path, column, text):
    with contextlib.closing(SQLiteStore(path)) as store, contextlib.closing(sqlite3.connect(path)) as database:
        store.add_token(TokenCredentials(key="t", secret="s", consumer_key="c", user="u"))
        with database:
            database.execute(f"UPDATE token SET {column} = ?", (text,))
        with pytest.raises(StoreUnavailable) as caught:
            store.get_token("t")
        assert "secret" not in str(caught.value).replace("A secret in the store", "")
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
