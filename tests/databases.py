"""The stores under test: each kind, on the servers that the environment names."""

import contextlib
import os
import secrets
from pathlib import Path

import pytest

from oauth2.errors import StoreUnavailable
from oauth2.stores import CombinedStore, MemoryStore
from oauth2.stores.sqlite import SQLiteStore

POSTGRESQL = os.environ.get("OAUTH2_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
MARIADB = os.environ.get("OAUTH2_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/test")
REDIS = os.environ.get("OAUTH2_TEST_REDIS", "redis://127.0.0.1:6379/0")
URLS = {"postgresql": POSTGRESQL, "mariadb": MARIADB}
REQUIRE_ALL = "OAUTH2_TEST_REQUIRE_ALL" in os.environ

TABLES = ("consumer", "token", "temporary", "nonce", "nonce_horizon", "schema_version")
SQL = ("sqlalchemy-sqlite", "postgresql", "mariadb")
SHARED = ("sqlite", "postgresql", "mariadb", "redis")  # by processes
ALL = ("memory", "sqlite", *SQL, "redis", "combined")


def missing(what, reason):
    """Skip, or fail where nothing may be missing."""
    (pytest.fail if REQUIRE_ALL else pytest.skip)(f"{what}: {reason}")


@contextlib.contextmanager
def backend(kind, directory):
    """Yield a backend of *kind* that holds nothing; leave nothing behind."""
    made = {
        "memory": lambda: Memory(),
        "sqlite": lambda: SQLiteFile(Path(directory)),
        "redis": lambda: RedisServer(),
        "combined": lambda: Combined(),
    }.get(kind, lambda: Database(kind, Path(directory)))()
    try:
        yield made
    finally:
        made.close()


class Memory:
    kind, pace = "memory", 1

    def make(self, **options):
        return MemoryStore(**options)

    def clear(self):
        pass

    close = clear


class SQLiteFile:
    kind, pace = "sqlite", 1

    def __init__(self, directory):
        self.directory = directory
        self.number = 0
        self.stores = []

    @property
    def path(self):
        return self.directory / f"store{self.number}.db"

    def make(self, **options):
        self.stores.append(SQLiteStore(self.path, **options))
        return self.stores[-1]

    def clear(self):
        self.close()
        self.number += 1

    def close(self):
        for store in self.stores:
            store.close()
        self.stores.clear()


class Database:
    """Tables of a prefix of their own in a database that SQLAlchemy reaches."""

    pace = 16  # so many times fewer claims: each is a journey, and a commit

    def __init__(self, kind, directory, prefix=None):
        import sqlalchemy

        self.sqlalchemy = sqlalchemy
        self.kind = kind
        self.prefix = prefix or f"t{os.getpid()}_{secrets.token_hex(4)}_"
        self.url = URLS.get(kind, f"sqlite:///{directory}/{self.prefix}.db")
        self.engines = []
        self.engine = self.connect(pool_size=16)
        try:
            self.make()
        except (ImportError, StoreUnavailable) as exc:
            missing(kind, f"{self.engine.url} cannot be used: {exc.__cause__ or exc}")

    def connect(self, **options):
        """Return an engine of its own; what a server makes durable is no matter of ours, and slow."""
        options = {"isolation_level": "AUTOCOMMIT", "hide_parameters": True, **options}
        if self.kind == "postgresql":
            options = {"connect_args": {"options": "-c synchronous_commit=off", "connect_timeout": 5}, **options}
        elif self.kind == "mariadb":
            options = {"connect_args": {"connect_timeout": 5}, "skip_autocommit_rollback": True, **options}
        engine = self.sqlalchemy.create_engine(self.url, **options)
        if self.kind == "sqlalchemy-sqlite":

            @self.sqlalchemy.event.listens_for(engine, "connect")
            def hurry(connection, record):
                connection.execute("PRAGMA synchronous = OFF")

        self.engines.append(engine)
        return engine

    def make(self, engine=None, **options):
        from oauth2.stores.sqlalchemy import SQLAlchemyStore

        return SQLAlchemyStore(engine or self.engine, prefix=self.prefix, **options)

    def execute(self, statement, **values):
        with self.engine.connect() as connection:
            result = connection.execute(self.sqlalchemy.text(statement.replace("{}", self.prefix)), values)
            return result.fetchall() if result.returns_rows else None

    def clear(self):
        for table in TABLES[:4]:
            self.execute(f"DELETE FROM {{}}{table}")
        self.execute("UPDATE {}nonce_horizon SET oldest = 0")

    def drop(self):
        for table in TABLES:
            self.execute(f"DROP TABLE IF EXISTS {{}}{table}")

    def close(self):
        try:
            self.drop()
        finally:
            for engine in self.engines:
                engine.dispose()


class RedisServer:
    kind, pace = "redis", 1

    def __init__(self, **options):
        import redis

        self.redis = redis
        self.prefix = f"t{os.getpid()}-{secrets.token_hex(4)}:"
        self.client = redis.Redis.from_url(REDIS, socket_timeout=10, socket_connect_timeout=5)
        self.clients = [self.client]
        try:
            self.client.ping()
        except redis.RedisError as exc:
            missing("redis", f"{REDIS} cannot be used: {exc}")

    def connect(self, **options):
        self.clients.append(self.redis.Redis.from_url(REDIS, **{"socket_timeout": 10, **options}))
        return self.clients[-1]

    def make(self, client=None, **options):
        from oauth2.stores.redis import RedisStore

        # Few shards: with few nonces, each has some.
        return RedisStore(client or self.client, prefix=self.prefix, **{"shards": 8, **options})

    def clear(self):
        for key in self.client.scan_iter(f"*{self.prefix}*", count=10_000):
            self.client.delete(key)

    def close(self):
        self.clear()
        for client in self.clients:
            client.close()


class Combined:
    """Credentials in PostgreSQL; nonces and temporary credentials in Redis."""

    kind, pace = "combined", 1

    def __init__(self):
        self.credentials = Database("postgresql", None)
        self.others = RedisServer()

    def make(self, **options):
        others = self.others.make(**options)
        return CombinedStore(credentials=self.credentials.make(**options), temporary=others, nonces=others)

    def clear(self):
        self.credentials.clear()
        self.others.clear()

    def close(self):
        self.credentials.close()
        self.others.close()
