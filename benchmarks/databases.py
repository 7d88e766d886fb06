"""Stores that several processes can share. Environment variables contain the addresses of the database servers.

In each measurement, the names of the tables and keys start with a new random prefix.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from oauth2.errors import StoreUnavailable
from oauth2.stores import CombinedStore, MemoryStore, nonce_digest
from oauth2.stores.sqlite import SQLiteStore

from .peers import WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Claim = tuple[str, int, str, str]

URLS = {
    "PostgreSQL": os.environ.get("OAUTH2_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/test"),
    "MariaDB": os.environ.get("OAUTH2_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/test"),
}
REDIS_URL = os.environ.get("OAUTH2_TEST_REDIS", "redis://127.0.0.1:6379/0")
MEMORY, SQLITE, POSTGRESQL, MARIADB, REDIS = "memory", "SQLite", "PostgreSQL", "MariaDB", "Redis"
SERVERS = (POSTGRESQL, MARIADB, REDIS)

_TABLES = ("consumer", "token", "temporary", "nonce", "nonce_horizon", "schema_version")
_SHARDS = 16  # The benchmark stores few nonces. With only 16 shards, each set in Redis is as large as on a busy server.
_SIZES = {
    POSTGRESQL: "SELECT pg_total_relation_size('{}nonce')",
    MARIADB: (
        "SELECT data_length + index_length FROM information_schema.tables"
        " WHERE table_schema = database() AND table_name = '{}nonce'"
    ),
}


@contextmanager
def place(kind: str) -> Iterator[Place]:
    """Yield a place in which stores of *kind* keep their data. Delete the data at the end of the ``with`` block.

    Raises:
        LookupError: The server cannot be reached, or its driver is not installed. The message of the error is the
            reason.
    """
    with TemporaryDirectory() as folder:
        made = Place(kind, folder, f"bench{os.getpid()}_{secrets.token_hex(4)}_")
        try:
            with closing(made.store()) as store:
                store.add_nonce("first", 0, "key", None)
        except (ImportError, StoreUnavailable) as exc:
            raise LookupError("not measured: " + " ".join(str(exc.__cause__ or exc).split())) from exc
        try:
            yield made
        finally:
            with suppress(StoreUnavailable):
                made.clean()


class Place:
    """The place in which stores of one kind keep their data.

    Another process that passes the same arguments uses the same data.

    Args:
        kind: One of the constants of this module.
        folder: Directory for files.
        prefix: Prefix of table and key names.
    """

    def __init__(self, kind: str, folder: str, prefix: str) -> None:
        self.kind, self.folder, self.prefix = kind, folder, prefix

    def store(self) -> Any:
        """Return a store for a provider, with a method ``close()``. With Redis, the credentials are in SQLite."""
        file = Path(self.folder) / "store.db"
        if self.kind == MEMORY:
            return _Open(MemoryStore(window=WINDOW))
        if self.kind == SQLITE:
            return SQLiteStore(file, window=WINDOW)
        if self.kind == REDIS:
            shared, credentials = self._redis_store(), SQLiteStore(file, window=WINDOW)
            return _Open(CombinedStore(credentials=credentials, temporary=shared, nonces=shared), shared, credentials)
        from oauth2.stores.sqlalchemy import SQLAlchemyStore

        return SQLAlchemyStore(self._engine(), prefix=self.prefix, window=WINDOW)

    def bytes_a_nonce(self, claims: Sequence[Claim]) -> float:
        """Store *claims* on a server; return the bytes that the server uses for one claim, including indexes."""
        if self.kind == REDIS:
            return self._redis_bytes(claims)
        import sqlalchemy as sa

        rows = [{"timestamp": claim[1], "digest": nonce_digest(*claim)} for claim in claims]
        insert = f"INSERT INTO {self.prefix}nonce (timestamp, digest) VALUES (:timestamp, :digest)"  # noqa: S608 - ours
        engine = self._engine(isolation_level="READ COMMITTED")
        # Insert all rows in one transaction, which is faster than one transaction for each row. The size of the table
        # is the same in both cases.
        with engine.begin() as connection:
            connection.execute(sa.text(insert), rows)
        with engine.begin() as connection:
            connection.execute(sa.text(f"ANALYZE {'TABLE ' if self.kind == MARIADB else ''}{self.prefix}nonce"))
        with engine.connect() as connection:
            size = float(connection.execute(sa.text(_SIZES[self.kind].format(self.prefix))).scalar_one())
        engine.dispose()
        return size / len(claims)

    def clean(self) -> None:
        """Delete the tables or keys of this place from the server."""
        if self.kind == REDIS:
            with closing(self._redis()) as client:
                for key in client.scan_iter(f"*{self.prefix}*", count=10_000):
                    client.unlink(key)
        elif self.kind in URLS:
            import sqlalchemy as sa

            engine = self._engine()
            with engine.connect() as connection:
                for table in _TABLES:
                    connection.execute(sa.text(f"DROP TABLE IF EXISTS {self.prefix}{table}"))
            engine.dispose()

    def _engine(self, **options: Any) -> Any:
        import sqlalchemy as sa

        options = {"isolation_level": "AUTOCOMMIT", "connect_args": {"connect_timeout": 5}, **options}
        if self.kind == MARIADB:
            options["skip_autocommit_rollback"] = True
        return sa.create_engine(URLS[self.kind], hide_parameters=True, **options)

    def _redis(self) -> Any:
        import redis

        return redis.Redis.from_url(REDIS_URL, socket_timeout=10, socket_connect_timeout=5)

    def _redis_store(self) -> Any:
        from oauth2.stores.redis import RedisStore

        return RedisStore(self._redis(), prefix=self.prefix, window=WINDOW, shards=_SHARDS)

    def _redis_bytes(self, claims: Sequence[Claim]) -> float:
        with closing(self._redis_store()) as store:
            for claim in claims:
                store.add_nonce(*claim)
            count = store.nonce_count()
        # Add up only the memory of the keys with this prefix, because Redis may also contain other data.
        with closing(self._redis()) as client:
            sizes = Counter({key: client.memory_usage(key, 0) for key in client.scan_iter(f"*{self.prefix}*")})
        return float(sizes.total() / count)


class _Open:
    """A store that consists of several parts; ``close()`` closes all parts."""

    def __init__(self, store: Any, *parts: Any) -> None:
        self._store, self._parts = store, parts
        self.add_nonce: Callable[[str, int, str, str | None], bool] = store.add_nonce

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def close(self) -> None:
        for part in self._parts:
            part.close()
