"""What docs/hosting.md says about databases that fail: each statement is tested with a separate server."""

import asyncio
import contextlib
import os
import re
import socket
import threading
import time
from pathlib import Path

import psycopg
import pytest
import redis
import sqlalchemy as sa
from command import Command
from cuttable import own_redis
from own_postgresql import own_postgresql
from sqlalchemy.ext.asyncio import create_async_engine

from oauth2.errors import StoreUnavailable
from oauth2.stores.redis import RedisStore
from oauth2.stores.sqlalchemy import AsyncSQLAlchemyStore, SQLAlchemyStore

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

T = 1_700_000_000
PAGE = (Path(__file__).parent.parent / "docs" / "hosting.md").read_text(encoding="utf-8")


# --- PostgreSQL: the only synchronous standby is not running ---------------------------


class Primary:
    """A primary that waits for a standby which does not exist."""

    def __init__(self, port):
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        self.place = {"host": "127.0.0.1", "port": port, "user": "postgres", "autocommit": True}
        self.nonce = 0
        # This connection does not wait for the standby.
        self.administrator = psycopg.connect(**self.place, options="-c synchronous_commit=local")
        self.local = self.store("-c synchronous_commit=local")

    def store(self, options="", **connect_args):
        engine = sa.create_engine(
            self.url,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            connect_args={"options": options, **connect_args},
        )
        return SQLAlchemyStore(engine)

    def new_nonce(self):
        self.nonce += 1
        return (f"nonce {self.nonce}", T, "printer", None)

    def waiting(self):
        """Return the processes that wait for the standby."""
        found = self.administrator.execute("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        return [pid for (pid,) in found]

    def end_all(self, function="pg_cancel_backend"):
        for pid in self.waiting():
            self.administrator.execute(f"SELECT {function}({pid})")


class Claim:
    """A claim of a nonce in a thread."""

    def __init__(self, store, nonce):
        self.result = None
        self.thread = threading.Thread(target=self.run, args=(store, nonce), daemon=True)
        self.thread.start()

    def run(self, store, nonce):
        try:
            self.result = store.add_nonce(*nonce)
        except StoreUnavailable as exc:
            self.result = exc

    def is_waiting_after(self, seconds):
        self.thread.join(seconds)
        return self.thread.is_alive()


@pytest.fixture(scope="module")
def primary():
    with own_postgresql(synchronous_standby_names="missing") as port:
        found = Primary(port)
        yield found
        found.end_all()
        found.administrator.close()
        found.local.close()


@pytest.fixture
def clean(primary):
    yield primary
    primary.end_all()


@pytest.mark.parametrize(
    "options",
    [
        "",
        "-c statement_timeout=200",
        "-c lock_timeout=200",
        "-c idle_in_transaction_session_timeout=200 -c idle_session_timeout=200",
        "-c client_connection_check_interval=200",
        "tcp_user_timeout",
    ],
)
def test_no_time_out_ends_a_write_that_waits_for_the_standby(clean, options):
    given = {} if options.startswith("-c") or not options else {"tcp_user_timeout": 200, "keepalives_idle": 1}
    store = clean.store("" if given else options, **given)
    claim = Claim(store, clean.new_nonce())
    assert claim.is_waiting_after(1.5)
    assert len(clean.waiting()) == 1
    clean.end_all()
    assert not claim.is_waiting_after(10)
    store.close()


def test_reads_are_answered_meanwhile(clean):
    store = clean.store("")
    assert store.find("printer", None) == (None, None)
    store.close()


def test_a_cancelled_wait_counts_as_committed(clean):
    store, nonce = clean.store(), clean.new_nonce()
    claim = Claim(store, nonce)
    assert claim.is_waiting_after(0.5)
    clean.end_all()
    assert not claim.is_waiting_after(10)
    assert claim.result is True  # The claim succeeds; the primary has stored the nonce.
    assert store.add_nonce(*nonce) is False
    store.close()


def test_a_terminated_wait_counts_as_committed_too_and_the_request_is_refused(clean):
    store, nonce = clean.store(), clean.new_nonce()
    claim = Claim(store, nonce)
    assert claim.is_waiting_after(0.5)
    clean.end_all("pg_terminate_backend")
    assert not claim.is_waiting_after(10)
    assert claim.result is False  # The store repeats the claim on a new connection, and finds the nonce.
    store.close()


def test_a_client_that_goes_away_leaves_the_wait(clean):
    connection = psycopg.connect(**clean.place, options="-c client_connection_check_interval=100")
    thread = threading.Thread(target=run_and_ignore, args=(connection, "CREATE TABLE IF NOT EXISTS t ()"), daemon=True)
    thread.start()
    thread.join(0.5)
    with socket.socket(fileno=os.dup(connection.fileno())) as other:
        other.shutdown(socket.SHUT_RDWR)
    time.sleep(1)
    assert len(clean.waiting()) == 1


def run_and_ignore(connection, statement):
    with contextlib.suppress(psycopg.Error):
        connection.execute(statement)


def test_the_command_time_out_of_asyncpg_ends_the_wait(clean):
    nonce = clean.new_nonce()

    async def claim():
        engine = create_async_engine(
            clean.url.replace("+psycopg", "+asyncpg"),
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": 5, "command_timeout": 1},
        )
        store = AsyncSQLAlchemyStore(engine)
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await store.add_nonce(*nonce)
        await store.close()
        return time.monotonic() - started

    assert 0.9 < asyncio.run(claim()) < 5
    assert clean.local.add_nonce(*nonce) is False  # It counts as committed.


def test_synchronous_commit_local_does_not_wait(clean):
    store = clean.store("-c synchronous_commit=local")
    assert store.add_nonce(*clean.new_nonce()) is True
    store.close()


def test_the_watchdog_of_the_page_ends_waits_that_are_too_long(clean):
    store = clean.store()
    claim = Claim(store, clean.new_nonce())
    assert claim.is_waiting_after(0.5)
    (statement,) = re.findall(r"^```sql\n(SELECT pg_cancel_backend.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert clean.administrator.execute(statement).fetchall() == []
    clean.administrator.execute(statement.replace("5 seconds", "0.1 seconds"))
    assert not claim.is_waiting_after(10)
    store.close()


def test_the_check_of_the_operator_finds_it(clean, tmp_path, monkeypatch):
    monkeypatch.setattr("oauth2.cli.provider_store._TIMEOUT", 1)
    done = Command(tmp_path)("provider", "check", "--store", clean.url)
    assert done.code == 1
    assert "did not complete a write within 1 seconds. Check the synchronous standbys" in done.out
    assert clean.waiting() == []


# --- Redis -----------------------------------------------------------------------------


def claims(directory, *options, before=lambda client: None):
    """Claim a nonce, kill Redis (SIGKILL), start it again, and claim the nonce again; return both results."""
    results = []
    for _ in range(2):
        with own_redis(directory, *options) as port, redis.Redis(port=port) as client:
            before(client)
            results.append(RedisStore(client).add_nonce("n", T, "printer", None))
    return results


def test_redis_without_persistence_accepts_an_old_request_after_a_restart(tmp_path):
    assert claims(tmp_path) == [True, True]


@pytest.mark.parametrize("policy", ["always", "everysec", "no"])
def test_redis_with_an_append_only_file_refuses_it_after_a_kill(tmp_path, policy):
    assert claims(tmp_path, "--appendonly", "yes", "--appendfsync", policy) == [True, False]


def test_redis_with_snapshots_only_accepts_an_old_request_after_a_kill(tmp_path):
    assert claims(tmp_path, "--save", "60 1") == [True, True]


def fill(client, policy, store):
    """Claim nonces until Redis needs more memory than it may use; return how many claims were refused."""
    client.config_set("maxmemory-policy", policy)
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 500_000)
    refused = 0
    for number in range(30_000):
        try:
            store.add_nonce(f"other {number}", T + number % 600, "printer", None)
        except StoreUnavailable:
            refused += 1
            if refused == 100:
                break
    return refused


def test_redis_that_evicts_keys_accepts_old_requests(tmp_path):
    with own_redis(tmp_path) as port, redis.Redis(port=port) as client:
        store = RedisStore(client, shards=8)
        old = [(f"old {number}", T, "printer", None) for number in range(20)]
        assert all(store.add_nonce(*each) for each in old)
        fill(client, "allkeys-lru", store)
        assert client.info("stats")["evicted_keys"] > 0
        client.config_set("maxmemory", 0)
        assert sum(store.add_nonce(*each) for each in old) > 0


def test_redis_without_eviction_refuses_requests_when_it_is_full(tmp_path):
    with own_redis(tmp_path) as port, redis.Redis(port=port) as client:
        store = RedisStore(client, shards=8)
        old = [(f"old {number}", T, "printer", None) for number in range(20)]
        assert all(store.add_nonce(*each) for each in old)
        assert fill(client, "noeviction", store) == 100
        assert client.info("stats")["evicted_keys"] == 0
        client.config_set("maxmemory", 0)
        assert sum(store.add_nonce(*each) for each in old) == 0
