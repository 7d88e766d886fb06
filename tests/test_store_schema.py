"""The schema of a store is created once and migrated; a schema of a later version is not changed."""

import contextlib
import sqlite3
import threading
from dataclasses import replace

import databases
import pytest
from cuttable import Proxy, own_redis
from hosted import Hosted

from oauth2.errors import StoreUnavailable
from oauth2.stores import ClientCredentials, TemporaryCredentials, TokenCredentials, nonce_digest
from oauth2.stores.sqlite import SQLiteStore

pytestmark = pytest.mark.slow

T = 1_700_000_000
# The first schema version, in which the store had only nonces.
VERSION_1 = """
CREATE TABLE nonce (timestamp INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (timestamp, digest)) WITHOUT ROWID;
CREATE TABLE nonce_horizon (one INTEGER PRIMARY KEY CHECK (one = 1), oldest INTEGER NOT NULL);
INSERT INTO nonce_horizon VALUES (1, 0);
PRAGMA journal_mode = WAL;
PRAGMA user_version = 1;
"""


# The table of tokens and its indexes, in the schema version in which tokens had no grant.
TOKEN_COLUMNS = """
token_key {key} PRIMARY KEY, secret {text} NOT NULL, consumer_key {key} NOT NULL, approved_by {key} NOT NULL,
issued_at {integer} NOT NULL, realms {text} NOT NULL, expires_at {integer}, session_handle {text},
session_expires_at {integer}, ends_at {integer}
"""
EXACT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
TYPES = {
    "sqlite": ({"key": "TEXT", "text": "TEXT", "integer": "INTEGER"}, " WITHOUT ROWID"),
    "postgresql": ({"key": 'VARCHAR(255) COLLATE "C"', "text": "TEXT", "integer": "BIGINT"}, ""),
    "mariadb": (
        {"key": f"VARCHAR(255) {EXACT}", "text": f"MEDIUMTEXT {EXACT}", "integer": "BIGINT"},
        " ENGINE=InnoDB",
    ),
}
TOKENS = [
    TokenCredentials(key="a", secret="sa", consumer_key="app", user="jane", issued_at=T),
    TokenCredentials(
        key="ä ☃",
        secret="sb",
        consumer_key="app",
        user="jane",
        issued_at=T,
        realms=("photos",),
        expires_at=T + 60,
        session_handle="handle",
        session_expires_at=T + 600,
    ),
]
KEPT = (
    "INSERT INTO {}token (token_key, secret, consumer_key, approved_by, issued_at, realms, expires_at, session_handle,"
    " session_expires_at, ends_at) VALUES (:key, :secret, :consumer, :user, :issued, :realms, :expires, :handle,"
    " :session, :ends)"
)


def tables_without_grants(kind, prefix=""):
    """Yield statements that replace the table of tokens by the table of the previous version."""
    types, end = TYPES[kind]
    columns = TOKEN_COLUMNS.format(**types)
    yield f"DROP TABLE {prefix}token"
    yield f"CREATE TABLE {prefix}token ({columns}){end}"
    for column in ("approved_by", "consumer_key", "ends_at"):
        yield f"CREATE INDEX {prefix}token_{column} ON {prefix}token ({column})"


def rows_without_grants():
    for token in TOKENS:
        yield {
            "key": token.key,
            "secret": f"={token.secret}",
            "consumer": token.consumer_key,
            "user": token.user,
            "issued": token.issued_at,
            "realms": '["photos"]' if token.realms else "[]",
            "expires": token.expires_at,
            "handle": token.session_handle and f"={token.session_handle}",
            "session": token.session_expires_at,
            "ends": token.ends_at,
        }


def check_grants(store):
    """Check that each token that was stored without a grant now has its own grant, and can be renewed and revoked."""
    assert sorted(store.tokens_of("jane"), key=lambda token: token.key) == TOKENS
    assert [store.get_token(token.key) for token in TOKENS] == TOKENS
    assert [token.grant for token in TOKENS] == ["a", "ä ☃"]
    assert store.replace_token("a", replace(TOKENS[0], key="b")) is True
    assert store.revoke_grant("a").key == "b"
    store.add_token(TokenCredentials(key="new", secret="s", consumer_key="app", user="joe", issued_at=T))
    with pytest.raises(StoreUnavailable):
        store.replace_token("new", TokenCredentials(key="ä ☃", secret="s", consumer_key="app", user="joe", grant="new"))
    assert store.find("app", "ä ☃")[1] == TOKENS[1]


@pytest.fixture
def path(tmp_path):
    """The path of an existing file that only its owner can read."""
    path = tmp_path / "store.db"
    path.touch(0o600)
    return path


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
    assert version_of(path) == 3
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
        database.execute("PRAGMA user_version = 4")
    with pytest.raises(StoreUnavailable, match="schema 4; this version of oauth2 supports 3"):
        SQLiteStore(path)
    with pytest.raises(StoreUnavailable):  # The store raises the error when it opens the file again.
        store.add_nonce("m", T, "c", "t")
    assert version_of(path) == 4


def make_version_2(path):
    """Create a file with tokens of the version in which tokens had no grant."""
    with contextlib.closing(SQLiteStore(path)) as store:
        store.add_consumer(ClientCredentials(key="app"))
        assert store.add_nonce("used", T, "c", "t")
    with contextlib.closing(sqlite3.connect(path)) as database:
        for statement in tables_without_grants("sqlite"):
            database.execute(statement)
        database.executemany(KEPT.format(""), list(rows_without_grants()))
        database.execute("PRAGMA user_version = 2")
        database.commit()


def schema_of(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT type, name, tbl_name FROM sqlite_master ORDER BY type, name").fetchall()


def test_tokens_in_a_file_of_version_2_get_a_grant_each(path, tmp_path):
    make_version_2(path)
    with contextlib.closing(SQLiteStore(path)) as store:
        check_grants(store)
        assert store.get_consumer("app") is not None
        assert not store.add_nonce("used", T, "c", "t")
    assert version_of(path) == 3
    SQLiteStore(tmp_path / "new.db").close()
    assert schema_of(path) == schema_of(tmp_path / "new.db")


def test_an_older_program_keeps_no_token_without_a_grant_in_a_file_that_was_brought_up_to_date(path):
    make_version_2(path)
    with contextlib.closing(sqlite3.connect(path)) as older, contextlib.closing(SQLiteStore(path)) as store:
        assert older.execute("SELECT count(*) FROM token WHERE approved_by = 'jane'").fetchone() == (2,)
        row = {**next(rows_without_grants()), "key": "without"}
        with pytest.raises(sqlite3.IntegrityError, match="grant_key"):
            older.execute(KEPT.format(""), row)
        older.rollback()
        assert store.get_token("without") is None


def test_of_eight_threads_that_open_a_file_of_version_2_each_finds_its_tokens(path):
    make_version_2(path)
    opened = at_once(8, lambda: SQLiteStore(path))
    try:
        assert [len(store.tokens_of("jane")) for store in opened] == [2] * 8
    finally:
        for store in opened:
            store.close()


def at_once(count, work):
    barrier, answers = threading.Barrier(count), []

    def run():
        barrier.wait(60)
        answers.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return answers


# --- SQLAlchemy -----------------------------------------------------------------------


@pytest.fixture(scope="module", params=databases.SQL)
def backend(request, tmp_path_factory):
    with databases.backend(request.param, tmp_path_factory.mktemp("schema")) as backend:
        yield backend


def test_tables_of_a_newer_version_are_left_alone(backend):
    backend.make().add_nonce("n", T, "c", "t")
    backend.execute("UPDATE {}schema_version SET version = 99")
    try:
        with pytest.raises(StoreUnavailable, match="schema 99; this version of oauth2 supports 2"):
            backend.make()
        assert backend.execute("SELECT version FROM {}schema_version") == [(99,)]
    finally:
        backend.execute("UPDATE {}schema_version SET version = 2")
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


def make_database_version_1(backend):
    """Create tables with tokens of the version in which tokens had no grant."""
    backend.make().add_nonce("used", T, "c", "t")
    # Use a single connection, because SQLite caches the schema for each connection.
    with backend.engine.connect() as connection:
        for statement in tables_without_grants(dialect_of(backend), backend.prefix):
            connection.execute(backend.sqlalchemy.text(statement))
    backend.execute("UPDATE {}schema_version SET version = 1")
    for row in rows_without_grants():
        backend.execute(KEPT, **row)


def dialect_of(backend):
    return "sqlite" if "sqlite" in backend.kind else backend.kind


def shape_of(backend):
    """Return columns, primary key and indexes of the table of tokens."""
    inspected = backend.sqlalchemy.inspect(backend.engine)
    table = f"{backend.prefix}token"
    columns = sorted((column["name"], column["nullable"]) for column in inspected.get_columns(table))
    indexes = sorted((index["name"], bool(index["unique"])) for index in inspected.get_indexes(table))
    return columns, inspected.get_pk_constraint(table)["constrained_columns"], indexes


def test_tokens_in_tables_of_version_1_get_a_grant_each(backend):
    backend.drop()
    backend.make()
    fresh = shape_of(backend)
    make_database_version_1(backend)
    store = backend.make()
    assert backend.execute("SELECT version FROM {}schema_version") == [(2,)]
    assert shape_of(backend) == fresh
    # If the primary key of a row changes, InnoDB moves the row, and a concurrent revocation can miss the row.
    assert fresh[1] == ["grant_key" if backend.kind == "mariadb" else "token_key"]
    check_grants(store)
    assert not store.add_nonce("used", T, "c", "t")


def test_the_statements_for_a_migration_tool_bring_version_1_up_to_date(backend):
    from oauth2.stores.sqlalchemy import schema_statements

    backend.drop()
    make_database_version_1(backend)
    for statement in schema_statements(dialect_of(backend), prefix=backend.prefix, since=1):
        backend.execute(statement)
    assert backend.execute("SELECT version FROM {}schema_version") == [(2,)]
    check_grants(backend.make())
    for since in (0, 2, -1, "1"):
        with pytest.raises(ValueError, match=r"^since: "):
            schema_statements("postgresql", since=since)


def test_an_upgrade_of_mariadb_that_was_cut_off_is_completed(tmp_path):
    from oauth2.stores.sqlalchemy import schema_statements

    with databases.backend("mariadb", tmp_path) as backend:
        statements = schema_statements("mariadb", prefix=backend.prefix, since=1)
        assert statements[-1].startswith("UPDATE")  # the statement that writes the new version
        for steps in (1, 2, 3, len(statements) - 1):
            backend.drop()
            make_database_version_1(backend)
            for statement in statements[:steps]:
                backend.execute(statement)
            check_grants(backend.make())


def test_an_upgrade_that_fails_leaves_the_tables_as_they_were(backend):
    if backend.kind == "mariadb":
        pytest.skip("MariaDB cannot change tables in a transaction")
    backend.drop()
    make_database_version_1(backend)
    before = shape_of(backend)
    # The upgrade fails, because this table has the name of an index of the new schema.
    backend.execute("CREATE TABLE {}token_grant_key (a INTEGER)")
    try:
        # In PostgreSQL, CREATE INDEX IF NOT EXISTS does nothing if a table has the name of the index. There, an
        # existing column makes the upgrade fail.
        if backend.kind == "postgresql":
            backend.execute("ALTER TABLE {}token ADD COLUMN grant_key INTEGER")
            before = shape_of(backend)
        with pytest.raises(StoreUnavailable):
            backend.make()
        assert shape_of(backend) == before
        assert backend.execute("SELECT version FROM {}schema_version") == [(1,)]
        assert backend.execute("SELECT count(*) FROM {}token") == [(2,)]
    finally:
        backend.execute("DROP TABLE {}token_grant_key")
        backend.drop()
        backend.make()


def test_of_eight_threads_that_open_tables_of_version_1_each_finds_its_tokens(backend):
    for _ in range(2):
        backend.drop()
        make_database_version_1(backend)
        stores = at_once(8, backend.make)
        assert [len(store.tokens_of("jane")) for store in stores] == [2] * 8
    check_grants(backend.make())


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


def test_schema_statements_create_what_the_store_needs(backend):
    from oauth2.stores.sqlalchemy import schema_statements

    backend.drop()
    for statement in schema_statements(dialect_of(backend), prefix=backend.prefix):
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
def test_a_prefix_with_braces_is_refused(prefix):
    redis = pytest.importorskip("redis")
    from oauth2.stores.redis import RedisStore

    with redis.Redis(port=1) as client:
        with pytest.raises(ValueError, match=r"^prefix: must not contain braces"):
            RedisStore(client, prefix=prefix)
        for shards in (0, 257, -1):
            with pytest.raises(ValueError, match=r"^shards: "):
                RedisStore(client, shards=shards)
    with pytest.raises(TypeError, match=r"^client: "):
        RedisStore("redis://127.0.0.1")


# --- which database -------------------------------------------------------------------


def test_a_wrong_engine_and_an_unsupported_database_are_refused():
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


def test_mysql_is_refused_and_no_table_is_created(tmp_path):
    from oauth2.stores.sqlalchemy import SQLAlchemyStore

    with databases.backend("mariadb", tmp_path) as backend:
        url = backend.engine.url
        # The proxy replaces the name of the server in all data that the server sends.
        proxy = Proxy((url.host, url.port or 3306), percona, as_mariadb_wants)
        engine = backend.sqlalchemy.create_engine(url.set(host="127.0.0.1", port=proxy.port))
        with contextlib.closing(proxy), pytest.raises(ValueError, match="must be MariaDB instead of MySQL"):
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
        # The store has lost the nonce, because flushall() deleted all data of Redis.
        assert store.add_nonce("n", T, "c", "t")
        assert not store.add_nonce("n", T, "c", "t")
