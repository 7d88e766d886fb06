"""The schema of a store: made once, brought up to date, and left alone where a later version made it."""

import contextlib
import sqlite3

import databases
import pytest
from cuttable import Proxy, own_redis
from hosted import Hosted

from oauth2.errors import StoreUnavailable
from oauth2.stores import ClientCredentials, TemporaryCredentials, nonce_digest
from oauth2.stores.sqlite import SQLiteStore

T = 1_700_000_000
# As the store was before it kept credentials.
VERSION_1 = """
CREATE TABLE nonce (timestamp INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (timestamp, digest)) WITHOUT ROWID;
CREATE TABLE nonce_horizon (one INTEGER PRIMARY KEY CHECK (one = 1), oldest INTEGER NOT NULL);
INSERT INTO nonce_horizon VALUES (1, 0);
PRAGMA journal_mode = WAL;
PRAGMA user_version = 1;
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


def version_of(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def test_a_file_of_version_1_keeps_its_nonces_and_gets_room_for_credentials(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript(VERSION_1)
        database.execute("INSERT INTO nonce VALUES (?, ?)", (T, nonce_digest("used", T, "c", "t")))
        database.execute("UPDATE nonce_horizon SET oldest = ?", (T - 600,))
        database.commit()
    with contextlib.closing(SQLiteStore(path)) as store:
        assert not store.add_nonce("used", T, "c", "t")
        assert not store.add_nonce("new but old", T - 601, "c", "t")
        assert store.add_nonce("new", T, "c", "t")
        assert store.nonce_count() == 2
        hosted = Hosted(store)
        assert hosted.call(hosted.token()).user == "jane"
    assert version_of(path) == 2
    with contextlib.closing(SQLiteStore(path)) as again:
        assert not again.add_nonce("used", T, "c", "t")
        assert again.get_consumer("app") is not None


def test_a_file_of_version_1_is_brought_up_to_date_while_an_older_program_uses_it(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript(VERSION_1)
        with contextlib.closing(SQLiteStore(path)) as store:
            claim = (
                "INSERT OR IGNORE INTO nonce SELECT ?, ? WHERE ? >= (SELECT oldest FROM nonce_horizon WHERE one = 1)"
            )
            assert database.execute(claim, (T, nonce_digest("n", T, "c", "t"), T)).rowcount == 1
            database.commit()
            assert not store.add_nonce("n", T, "c", "t")


def test_a_file_whose_version_becomes_newer_is_left_alone(path):
    with contextlib.closing(SQLiteStore(path)) as store:
        assert store.add_nonce("n", T, "c", "t")
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 3")
    with pytest.raises(StoreUnavailable, match="schema 3; this version knows 2"):
        SQLiteStore(path)
    with pytest.raises(StoreUnavailable):  # when it opens the file again
        store.add_nonce("m", T, "c", "t")
    assert version_of(path) == 3


# --- SQLAlchemy -----------------------------------------------------------------------


@pytest.fixture(scope="module", params=databases.SQL)
def backend(request, tmp_path_factory):
    with databases.backend(request.param, tmp_path_factory.mktemp("schema")) as backend:
        yield backend


def test_tables_of_a_newer_version_are_left_alone(backend):
    backend.make().add_nonce("n", T, "c", "t")
    backend.execute("UPDATE {}schema_version SET version = 99")
    try:
        with pytest.raises(StoreUnavailable, match="schema 99; this version knows 1"):
            backend.make()
        assert backend.execute("SELECT version FROM {}schema_version") == [(99,)]
    finally:
        backend.execute("UPDATE {}schema_version SET version = 1")
    assert not backend.make().add_nonce("n", T, "c", "t")


def test_tables_that_were_made_in_part_are_completed(backend):
    backend.make().add_nonce("kept", T, "c", "t")
    for table in ("schema_version", "temporary"):
        backend.execute(f"DROP TABLE {{}}{table}")
    store = backend.make()
    assert not store.add_nonce("kept", T, "c", "t")
    store.issue(
        TemporaryCredentials(key="t", secret="s", consumer_key="c", callback="oob", issued_at=T, expires_at=T + 1)
    )
    assert store.redeem("t")


def test_two_prefixes_are_two_stores(backend):
    from oauth2.stores.sqlalchemy import SQLAlchemyStore

    prefix = f"{backend.prefix[:20]}_b_"
    try:
        first, second = backend.make(), SQLAlchemyStore(backend.engine, prefix=prefix)
        first.add_consumer(ClientCredentials(key="only here"))
        assert second.get_consumer("only here") is None
        assert first.add_nonce("both", T, "c", "t")
        assert second.add_nonce("both", T, "c", "t")
    finally:
        for table in databases.TABLES:
            backend.execute(f"DROP TABLE IF EXISTS {prefix}{table}")


def test_the_statements_for_a_migration_tool_make_what_the_store_wants(backend):
    from oauth2.stores.sqlalchemy import schema_statements

    backend.drop()
    kind = "sqlite" if "sqlite" in backend.kind else backend.kind
    for statement in schema_statements(kind, prefix=backend.prefix):
        backend.execute(statement)
    backend.execute(
        "INSERT INTO {}nonce VALUES (:timestamp, :digest)", timestamp=T, digest=nonce_digest("n", T, "c", "t")
    )
    names = backend.sqlalchemy.inspect(backend.engine).get_table_names()
    assert {name for name in names if name.startswith(backend.prefix)} == {
        f"{backend.prefix}{t}" for t in databases.TABLES
    }
    store = backend.make()
    assert not store.add_nonce("n", T, "c", "t")
    assert store.add_nonce("m", T, "c", "t")


@pytest.mark.parametrize("prefix", ["a-b", "A", "1a", "a b", "a;", "é", "a" * 33, "a\n", '"', "oauth2.", "%s"])
def test_a_prefix_that_is_no_plain_name_is_a_mistake(tmp_path, prefix):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    from oauth2.stores.sqlalchemy import SQLAlchemyStore, schema_statements

    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/a.db")
    with pytest.raises(ValueError, match=r"^prefix: "):
        SQLAlchemyStore(engine, prefix=prefix)
    with pytest.raises(ValueError, match=r"^prefix: "):
        schema_statements("postgresql", prefix=prefix)
    assert not (tmp_path / "a.db").exists()


@pytest.mark.parametrize("prefix", ["{a}", "}", "a{"])
def test_a_prefix_with_braces_would_decide_about_hash_slots(prefix):
    redis = pytest.importorskip("redis")
    from oauth2.stores.redis import RedisStore

    with redis.Redis(port=1) as client:
        with pytest.raises(ValueError, match=r"^prefix: no braces"):
            RedisStore(client, prefix=prefix)
        for shards in (0, 257, -1):
            with pytest.raises(ValueError, match=r"^shards: "):
                RedisStore(client, shards=shards)
    with pytest.raises(TypeError, match=r"^client: "):
        RedisStore("redis://127.0.0.1")


# --- which database -------------------------------------------------------------------


def test_what_is_no_engine_and_another_database_are_mistakes():
    sqlalchemy = pytest.importorskip("sqlalchemy")
    from oauth2.stores.sqlalchemy import SQLAlchemyStore, schema_statements

    for engine in ("sqlite://", None, object()):
        with pytest.raises(TypeError, match=r"^engine: "):
            SQLAlchemyStore(engine)
    strange = sqlalchemy.create_mock_engine("oracle://", lambda *_: None)
    with pytest.raises(TypeError, match=r"^engine: "):
        SQLAlchemyStore(strange)
    for name in ("oracle", "mssql", ""):
        with pytest.raises(ValueError, match="PostgreSQL, MariaDB or SQLite"):
            schema_statements(name)


def percona(piece):
    return piece.replace(b"MariaDB", b"Percona")


def as_mariadb_wants(piece):
    return piece.replace(b"@@transaction_isolation", b"@@tx_isolation".ljust(23))


def test_a_mysql_that_is_not_mariadb_is_a_mistake_and_nothing_is_made(tmp_path):
    from oauth2.stores.sqlalchemy import SQLAlchemyStore

    with databases.backend("mariadb", tmp_path) as backend:
        url = backend.engine.url
        # The server says that it is something else, wherever it says what it is.
        proxy = Proxy((url.host, url.port or 3306), percona, as_mariadb_wants)
        engine = backend.sqlalchemy.create_engine(url.set(host="127.0.0.1", port=proxy.port))
        with contextlib.closing(proxy), pytest.raises(ValueError, match="MariaDB wanted; this is MySQL"):
            SQLAlchemyStore(engine, prefix=f"{backend.prefix[:20]}_no_")
        engine.dispose()
        tables = backend.sqlalchemy.inspect(backend.engine).get_table_names()
        assert not [name for name in tables if name.startswith(f"{backend.prefix[:20]}_no_")]


def test_a_redis_that_is_started_again_without_its_data_goes_on(tmp_path):
    import redis

    from oauth2.stores.redis import RedisStore

    with own_redis(tmp_path) as port, redis.Redis(port=port) as client:
        store = RedisStore(client)
        assert store.add_nonce("n", T, "c", "t")
        client.flushall()
        client.script_flush()
        assert store.add_nonce("n", T, "c", "t")  # what Redis forgets is forgotten
        assert not store.add_nonce("n", T, "c", "t")
