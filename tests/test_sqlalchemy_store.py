"""The fast path of the stores over SQLAlchemy does not break the features that users of SQLAlchemy expect."""

import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor

import databases
import pytest
from test_store_outages import EVERYTHING, Reached, all_work, outcome, outcomes

from oauth2.stores import TokenCredentials

pytestmark = pytest.mark.slow

T = 1_700_000_000
SERVERS = ["postgresql", "mariadb", *databases.DRIVERS]


@pytest.mark.parametrize("kind", databases.SQL)
@pytest.mark.parametrize("options", [{}, {"isolation_level": "SERIALIZABLE"}], ids=["usual", "serializable"])
def test_each_statement_is_committed_on_an_engine_without_autocommit(kind, options, tmp_path):
    with databases.backend(kind, tmp_path) as backend, contextlib.ExitStack() as stack:
        backend.make()
        engine = backend.new_engine(backend.engine.url, **options)
        stack.callback(engine.dispose)
        store, other = backend.make(engine), backend.make()
        for number in range(3):
            assert store.add_nonce(f"{number}", T, "c", None)
            assert not other.add_nonce(f"{number}", T, "c", None)
        store.add_token(TokenCredentials(key="t", secret="s", consumer_key="c", user="jane"))
        assert other.get_token("t").user == "jane"
        assert other.remove_consumer("c") is False
        assert store.get_token("t") is None


@pytest.fixture
def on_file(tmp_path):
    with databases.backend("sqlalchemy-sqlite", tmp_path) as backend:
        yield backend


def test_the_log_of_sqlalchemy_has_each_statement_but_no_value(on_file, caplog):
    store = on_file.make()
    assert store.get_consumer("before") is None
    caplog.set_level(logging.INFO, "sqlalchemy.engine")
    assert store.get_consumer("secret-key") is None
    assert "SELECT consumer_key" in caplog.text
    assert "secret-key" not in caplog.text
    assert caplog.text.count("SELECT consumer_key") == 1


@pytest.mark.parametrize("event", ["before_cursor_execute", "do_execute"])
def test_event_handlers_get_each_statement(on_file, event):
    store, seen = on_file.make(), []
    assert store.get_consumer("c") is None
    on_file.sqlalchemy.event.listen(on_file.engine, event, lambda *given: seen.append(given))
    assert store.get_consumer("c") is None
    assert store.add_nonce("n", T, "c", None)
    assert len(seen) == 2


def test_a_statement_that_fails_calls_the_handlers_of_errors(on_file):
    store, seen = on_file.make(), []
    on_file.sqlalchemy.event.listen(on_file.engine, "handle_error", seen.append)
    on_file.drop()
    assert outcome(EVERYTHING["get_consumer"], store) == "StoreUnavailable"
    assert len(seen) == 1


@pytest.mark.parametrize("kind", SERVERS)
def test_no_call_fails_because_all_connections_of_the_pool_were_cut(kind, tmp_path):
    with contextlib.ExitStack() as stack:
        reached = Reached(kind, tmp_path, stack)
        store = reached.make(isolation_level="AUTOCOMMIT", pool_size=8)
        assert outcomes(EVERYTHING, store) == all_work(EVERYTHING)
        for round_ in range(3):
            with ThreadPoolExecutor(8) as threads:
                claims = [threads.submit(store.add_nonce, f"{round_}-{n}", T, "c", None) for n in range(80)]
                assert all(claim.result() for claim in claims)
            assert len(reached.proxy.sockets) >= 4  # two for each connection
            reached.proxy.cut()
            reached.proxy.restore()
            assert store.add_nonce(f"after-{round_}", T, "c", None)
