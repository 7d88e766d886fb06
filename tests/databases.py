"""The stores under test, on the servers whose addresses are in environment variables."""

import contextlib
import os
import secrets
from pathlib import Path

import pytest
from on_a_loop import ClientOnLoop, EngineOnLoop, Loop, OnLoop

from oauth2.errors import StoreUnavailable
from oauth2.stores import CombinedStore, MemoryStore
from oauth2.stores.async_combined import AsyncCombinedStore
from oauth2.stores.sqlite import SQLiteStore
from oauth2.stores.threaded import ThreadedStore

POSTGRESQL = os.environ.get("OAUTH2_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
MARIADB = os.environ.get("OAUTH2_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/test")
REDIS = os.environ.get("OAUTH2_TEST_REDIS", "redis://127.0.0.1:6379/0")
URLS = {"postgresql": POSTGRESQL, "mariadb": MARIADB}
# Key: an asyncio driver. Value: the kind of its database, and the start of its SQLAlchemy URL.
DRIVERS = {
    "asyncpg": ("postgresql", "postgresql+asyncpg"),
    "psycopg-asyncio": ("postgresql", "postgresql+psycopg_async"),
    "asyncmy": ("mariadb", "mysql+asyncmy"),
}
REQUIRE_ALL = "OAUTH2_TEST_REQUIRE_ALL" in os.environ

TABLES = ("consumer", "token", "temporary", "nonce", "nonce_horizon", "schema_version")
SQL = ("sqlalchemy-sqlite", "postgresql", "mariadb", *DRIVERS)
SHARED = ("sqlite", "postgresql", "mariadb", *DRIVERS, "redis", "redis-asyncio")  # shared by processes
ALL = ("memory", "sqlite", "threaded-sqlite", *SQL, "redis", "redis-asyncio", "combined", "combined-asyncio")


def missing(what, reason):
    """Skip the test, or fail if OAUTH2_TEST_REQUIRE_ALL is set."""
    (pytest.fail if REQUIRE_ALL else pytest.skip)(f"{what}: {reason}")


@contextlib.contextmanager
def backend(kind, directory):
    """Yield an empty backend of *kind*; delete its records afterwards."""
    made = {
        "memory": lambda: Memory(),
        "sqlite": lambda: SQLiteFile(Path(directory)),
        "threaded-sqlite": lambda: ThreadedSQLiteFile(Path(directory)),
        "redis": lambda: RedisServer(),
        "redis-asyncio": lambda: AsyncRedisServer(),
        "combined": lambda: Combined(),
        "combined-asyncio": lambda: AsyncCombined(),
    }.get(kind, lambda: database(kind, Path(directory)))()
    try:
        yield made
    finally:
        made.close()


def database(kind, directory, **options):
    return (AsyncDatabase if kind in DRIVERS else Database)(kind, directory, **options)


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


class ThreadedSQLiteFile(SQLiteFile):
    def __init__(self, directory):
        super().__init__(directory)
        self.loop = Loop()

    def make(self, **options):
        return OnLoop(ThreadedStore(super().make(**options)), self.loop)

    def close(self):
        super().close()
        self.loop.close()


class Database:
    """Tables with a unique prefix in a database, used through SQLAlchemy."""

    # Tests divide their number of claims by this number, because each claim is a round trip and a commit.
    pace = 16

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

    def connect(self, *, is_durable=False, **options):
        """Return a new engine, with durable commits if *is_durable* is true. Durable commits are slow."""
        options = {"isolation_level": "AUTOCOMMIT", "hide_parameters": True, **options}
        if self.kind == "postgresql":
            commit = {} if is_durable else {"options": "-c synchronous_commit=off"}
            options = {"connect_args": {**commit, "connect_timeout": 5, "sslmode": "disable"}, **options}
        elif self.kind == "mariadb":
            options = {"connect_args": {"connect_timeout": 5}, "skip_autocommit_rollback": True, **options}
        engine = self.new_engine(self.url, **options)
        if self.kind == "sqlalchemy-sqlite":

            @self.sqlalchemy.event.listens_for(engine, "connect")
            def hurry(connection, record):
                connection.execute("PRAGMA synchronous = OFF")

        self.engines.append(engine)
        return engine

    def new_engine(self, url, **options):
        return self.sqlalchemy.create_engine(url, **options)

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


class AsyncDatabase(Database):
    """A Database with an asyncio driver; its stores run on one event loop."""

    def __init__(self, driver, directory, prefix=None):
        kind, self.scheme = DRIVERS[driver]
        self.driver = driver
        self.loop = Loop()
        self.asyncio_engine = None
        super().__init__(kind, directory, prefix)

    def connect(self, *, is_durable=False, **options):
        """Return a new engine. The first engine is blocking, because execute() uses it; all others are for asyncio."""
        if not self.engines:
            return super().connect(is_durable=is_durable, **options)
        options = {"isolation_level": "AUTOCOMMIT", "hide_parameters": True, **options}
        if self.driver == "asyncpg":
            # Without ssl=False, asyncpg creates an SSL context. In a forked process, creating this context can wait
            # forever. This happens if a thread of the parent process ended just before the fork, because the child
            # process then has a locked copy of OpenSSL's lock.
            given = {"timeout": 5, "ssl": False}
            if not is_durable:
                given["server_settings"] = {"synchronous_commit": "off"}
        elif self.driver == "psycopg-asyncio":
            commit = {} if is_durable else {"options": "-c synchronous_commit=off"}
            given = {**commit, "connect_timeout": 5, "sslmode": "disable"}
        else:
            given = {"connect_timeout": 5}
            options = {"skip_autocommit_rollback": True, **options}
        self.engines.append(self.new_engine(self.engine.url, **{"connect_args": given, **options}))
        return self.engines[-1]

    def new_engine(self, url, **options):
        if not self.engines:
            return super().new_engine(url, **options)
        from sqlalchemy.ext.asyncio import create_async_engine

        return EngineOnLoop(create_async_engine(url.set(drivername=self.scheme), **options), self.loop)

    def make(self, engine=None, **options):
        from oauth2.stores.sqlalchemy import AsyncSQLAlchemyStore

        self.asyncio_engine = self.asyncio_engine or self.connect(pool_size=16)
        engine = engine or self.asyncio_engine
        store = OnLoop(AsyncSQLAlchemyStore(engine.asyncio_engine, prefix=self.prefix, **options), self.loop)
        store.create_schema()
        return store

    def close(self):
        super().close()
        self.loop.close()


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

    def at(self, url):
        """Return a client of the server at *url*. The client does not retry, because retries last several seconds."""
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self.clients.append(self.redis.Redis.from_url(url, socket_timeout=1, retry=Retry(NoBackoff(), 0)))
        return self.clients[-1]

    def make(self, client=None, **options):
        from oauth2.stores.redis import RedisStore

        # The tests store few nonces. With few shards, each shard gets some of the nonces.
        return RedisStore(client or self.client, prefix=self.prefix, **{"shards": 8, **options})

    def clear(self):
        for key in self.client.scan_iter(f"*{self.prefix}*", count=10_000):
            self.client.delete(key)

    def close(self):
        self.clear()
        for client in self.clients:
            client.close()


class AsyncRedisServer(RedisServer):
    """A RedisServer with asyncio clients; its stores run on one event loop."""

    def __init__(self, loop=None):
        self.loop = loop or Loop()
        self.is_own_loop = loop is None
        super().__init__()
        self.asyncio_client = None

    def connect(self, **options):
        from redis.asyncio import Redis

        self.clients.append(ClientOnLoop(Redis.from_url(REDIS, **{"socket_timeout": 10, **options}), self.loop))
        return self.clients[-1]

    def at(self, url):
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        client = Redis.from_url(url, socket_timeout=1, retry=Retry(NoBackoff(), 0))
        self.clients.append(ClientOnLoop(client, self.loop))
        return self.clients[-1]

    def make(self, client=None, **options):
        from oauth2.stores.redis import AsyncRedisStore

        self.asyncio_client = self.asyncio_client or self.connect()
        client = client or self.asyncio_client
        options = {"shards": 8, **options}
        return OnLoop(AsyncRedisStore(client.asyncio_client, prefix=self.prefix, **options), self.loop)

    def close(self):
        super().close()
        if self.is_own_loop:
            self.loop.close()


class Combined:
    """Credentials in PostgreSQL; nonces and temporary credentials in Redis."""

    kind, pace = "combined", 1

    def __init__(self):
        self.credentials = self.make_credentials()
        self.others = self.make_others()

    def make_credentials(self):
        return Database("postgresql", None)

    def make_others(self):
        return RedisServer()

    def make(self, **options):
        others = self.others.make(**options)
        return CombinedStore(credentials=self.credentials.make(**options), temporary=others, nonces=others)

    def clear(self):
        self.credentials.clear()
        self.others.clear()

    def close(self):
        self.credentials.close()
        self.others.close()


class AsyncCombined(Combined):
    """The stores of Combined for asyncio, on one event loop."""

    def make_credentials(self):
        return AsyncDatabase("asyncpg", None)

    def make_others(self):
        return AsyncRedisServer(self.credentials.loop)

    def make(self, **options):
        credentials, others = self.credentials.make(**options), self.others.make(**options).asyncio_store
        store = AsyncCombinedStore(credentials=credentials.asyncio_store, temporary=others, nonces=others)
        return OnLoop(store, self.credentials.loop)

    def close(self):
        self.others.close()
        self.credentials.close()
