"""``read_condition`` reads what an operator must know about the database of a store. It does not change the schema."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import StoreUnavailable
from ._dialects import MARIADB, POSTGRESQL
from ._sqlite_file import SQLITE_VERSION, STATEMENTS
from ._statements import VERSION, Statements
from .opening import connect_redis, create_engine, kind_of, open_nonce_store, sqlite_path

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Condition", "read_condition", "read_schema_version", "supported_schema_version"]

_SETTINGS = {
    "postgresql": ("synchronous_commit", "synchronous_standby_names", "fsync", "full_page_writes"),
    "mariadb": ("innodb_flush_log_at_trx_commit", "sync_binlog"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The condition of a database that a store uses.

    Attributes:
        kind: "sqlite", "postgresql", "mariadb" or "redis".
        server: The name and the version of the database, such as "PostgreSQL 17.2".
        schema: The schema version of the tables; None if there are no tables, or if the database has no schema.
        supported_schema: The schema version that this version of oauth2 uses; None for Redis, which has no schema.
        clock_difference: Seconds by which the clock of the server is ahead of the clock of this machine; None for an
            SQLite file, which has no clock.
        nonces: The number of stored nonces; None if the tables are missing or have another schema version.
        write_error: The reason why the database does not complete a write; None if the test write was completed. For
            PostgreSQL and MariaDB, also None if *schema* is not *supported_schema*, because no write is tried then.
        settings: The settings of the server that determine whether stored records can be lost, for example in a crash.
            Each key is the name of a setting.
    """

    kind: str
    server: str
    schema: int | None = None
    supported_schema: int | None = None
    clock_difference: float | None = None
    nonces: int | None = None
    write_error: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


def supported_schema_version(url: str) -> int | None:
    """Return the schema version that this version of oauth2 uses in the database of *url*; None for Redis.

    Raises:
        ValueError: *url* is not the URL of a store.
    """
    return {"sqlite": SQLITE_VERSION, "redis": None}.get(kind_of(url), VERSION)


def read_schema_version(url: str, *, prefix: str | None = None, timeout: float = 10.0) -> int | None:
    """Return the schema version of the tables; None if there are no tables. The database is not changed.

    See :func:`read_condition` for the arguments and the errors.
    """
    kind = kind_of(url)
    if kind == "redis":
        return None
    if kind == "sqlite":
        with _connected_file(_sqlite_path(url, prefix), timeout) as connection:
            return _sqlite_version(connection)
    statements = _statements(kind, prefix)
    with _connected(url, timeout) as database:
        return _sql_version(database, statements)


def read_condition(url: str, *, prefix: str | None = None, timeout: float = 10.0) -> Condition:
    """Read the condition of the database at *url*. This function neither creates nor upgrades the schema.

    This function also tries one write that changes no record of a provider. PostgreSQL and MariaDB are tested in this
    way only if their tables have the supported schema version.

    Args:
        url: The URL of the database, see :mod:`oauth2.stores.opening`.
        prefix: The prefix of the names of the tables or keys; None for the default.
        timeout: Seconds to wait for a connection and for the write.

    Raises:
        ValueError: *url* or *prefix* is not valid.
        ModuleNotFoundError: The library for the database is not installed.
        StoreUnavailable: The database cannot be reached or read.
    """
    kind = kind_of(url)
    if kind == "sqlite":
        return _sqlite(_sqlite_path(url, prefix), timeout)
    if kind == "redis":
        return _redis(url, prefix, timeout)
    return _sql(url, kind, prefix, timeout)


# --- SQLite ------------------------------------------------------------------------


def _sqlite_path(url: str, prefix: str | None) -> str:
    if prefix is not None:
        raise ValueError("prefix: must be None for an SQLite file")
    return sqlite_path(url)


@contextmanager
def _connected_file(path: str, timeout: float) -> Iterator[sqlite3.Connection]:
    # This function must not change the schema. It does not use SQLiteStore, which would upgrade the schema. It also
    # checks that the file exists, because sqlite3.connect() would create a missing file.
    if not os.path.exists(path):
        raise StoreUnavailable("The database file does not exist.")
    try:
        with closing(sqlite3.connect(path, timeout=timeout, isolation_level=None)) as connection:
            yield connection
    except sqlite3.Error as exc:
        raise StoreUnavailable("The database file cannot be read.") from exc


def _sqlite_version(connection: sqlite3.Connection) -> int | None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return version or None


def _sqlite(path: str, timeout: float) -> Condition:
    with _connected_file(path, timeout) as connection:
        version = _sqlite_version(connection)
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        nonces = None
        if version == SQLITE_VERSION:
            (nonces,) = connection.execute(STATEMENTS.count_nonces).fetchone()
        return Condition(
            kind="sqlite",
            server=f"SQLite {sqlite3.sqlite_version}",
            schema=version,
            supported_schema=SQLITE_VERSION,
            nonces=nonces,
            write_error=_sqlite_write_error(connection, version or 0),
            settings={"journal_mode": mode},
        )


def _sqlite_write_error(connection: sqlite3.Connection, version: int) -> str | None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
    except sqlite3.Error as exc:
        return str(exc)
    return None


# --- PostgreSQL and MariaDB --------------------------------------------------------


def _statements(kind: str, prefix: str | None) -> Statements:
    return Statements(POSTGRESQL if kind == "postgresql" else MARIADB, "oauth2_" if prefix is None else prefix)


@contextmanager
def _connected(url: str, timeout: float) -> Iterator[Connection]:
    from sqlalchemy import exc as sa_exc

    engine = create_engine(url, timeout=timeout)
    cause: BaseException | None = None
    try:
        with engine.connect() as connection:
            yield connection
    except (sa_exc.SQLAlchemyError, OSError) as exc:
        cause = getattr(exc, "orig", None) or exc
    finally:
        engine.dispose()
    # This error is raised outside the except block, so that the traceback does not show the error of SQLAlchemy, which
    # contains the statement.
    if cause is not None:
        raise StoreUnavailable("The database cannot be reached or read.") from cause


def _sql_version(connection: Connection, statements: Statements) -> int | None:
    import sqlalchemy as sa

    if not sa.inspect(connection).has_table(statements.version_table):
        return None
    version: int | None = connection.execute(sa.text(statements.read_version)).scalar()
    return version


def _sql(url: str, kind: str, prefix: str | None, timeout: float) -> Condition:
    import sqlalchemy as sa

    statements = _statements(kind, prefix)
    with _connected(url, timeout) as connection:
        version = _sql_version(connection, statements)
        is_current = version == VERSION
        return Condition(
            kind=kind,
            server=_server(connection, kind),
            schema=version,
            supported_schema=VERSION,
            clock_difference=_clock_difference(lambda: _sql_time(connection, kind)),
            nonces=connection.execute(sa.text(statements.count_nonces)).scalar() if is_current else None,
            settings=_sql_settings(connection, kind),
            # This line must be the last, because the connection cannot be used after a write that does not complete.
            write_error=_sql_write_error(connection, statements, timeout) if is_current else None,
        )


def _server(connection: Connection, kind: str) -> str:
    import sqlalchemy as sa

    if kind == "postgresql":
        return f"PostgreSQL {connection.execute(sa.text('SHOW server_version')).scalar()}"
    return f"MariaDB {connection.execute(sa.text('SELECT version()')).scalar()}"


def _sql_time(connection: Connection, kind: str) -> float:
    import sqlalchemy as sa

    clock = "extract(epoch FROM clock_timestamp())" if kind == "postgresql" else "unix_timestamp(sysdate(6))"
    return float(connection.execute(sa.text(f"SELECT {clock}")).scalar_one())


def _sql_settings(connection: Connection, kind: str) -> dict[str, str]:
    import sqlalchemy as sa

    show = "current_setting('{}')" if kind == "postgresql" else "@@global.{}"
    row = connection.execute(sa.text("SELECT " + ", ".join(show.format(name) for name in _SETTINGS[kind]))).one()
    return dict(zip(_SETTINGS[kind], map(str, row), strict=True))


def _sql_write_error(connection: Connection, statements: Statements, timeout: float) -> str | None:
    """Return the reason why a write does not complete within *timeout* seconds; None if the write completes.

    If the synchronous standby of a PostgreSQL primary is unreachable, a write on the primary waits forever.
    PostgreSQL has no time-out for this wait. Therefore a thread executes the statement, and this function cancels the
    statement after *timeout* seconds.
    """
    import sqlalchemy as sa
    from sqlalchemy import exc as sa_exc

    errors: list[str] = []
    # This statement changes no value. A read-only database nevertheless refuses the statement, like every other write.
    statement = f"UPDATE {statements.version_table} SET version = version WHERE one = 1"  # noqa: S608 - a checked prefix

    def write() -> None:
        try:
            connection.execute(sa.text(statement))
        except sa_exc.DBAPIError as exc:
            errors.append(str(exc.orig))

    driver: Any = connection.connection.dbapi_connection
    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    thread.join(timeout)
    if not thread.is_alive():
        return errors[0] if errors else None
    if hasattr(driver, "cancel"):
        driver.cancel()
        thread.join(timeout)
    return f"The database did not complete a write within {timeout:g} seconds."


# --- Redis -------------------------------------------------------------------------


def _redis(url: str, prefix: str | None, timeout: float) -> Condition:
    from redis.exceptions import RedisError

    client: Any = connect_redis(url, timeout=timeout)
    try:
        info = client.info()
        return Condition(
            kind="redis",
            server=f"Redis {info.get('redis_version')}",
            clock_difference=_clock_difference(lambda: _redis_time(client)),
            nonces=_redis_nonces(url, prefix, timeout),
            write_error=_redis_write_error(client, "oauth2:" if prefix is None else prefix),
            settings={**_redis_info(info), **_redis_settings(client)},
        )
    except (RedisError, OSError) as exc:
        raise StoreUnavailable("Redis cannot be reached or read.") from exc
    finally:
        client.close()


def _redis_time(client: Any) -> float:
    seconds, microseconds = client.time()
    return float(seconds + microseconds / 1_000_000)


def _redis_nonces(url: str, prefix: str | None, timeout: float) -> int:
    with closing(open_nonce_store(url, prefix=prefix, timeout=timeout)) as store:
        return store.nonce_count()


def _redis_write_error(client: Any, prefix: str) -> str | None:
    from redis.exceptions import RedisError

    try:
        client.set(f"{prefix}check", "1", px=1000)
    except RedisError as exc:
        return str(exc)
    return None


def _redis_info(info: Mapping[str, object]) -> dict[str, str]:
    found = {"role": "role", "maxmemory": "maxmemory", "maxmemory-policy": "maxmemory_policy"}
    settings = {name: str(info[key]) for name, key in found.items() if key in info}
    if "aof_enabled" in info:
        settings["appendonly"] = "yes" if info["aof_enabled"] else "no"
    return settings


def _redis_settings(client: Any) -> dict[str, str]:
    from redis.exceptions import RedisError

    try:  # Hosted Redis services often refuse CONFIG; the settings are then unknown.
        return {str(name): str(value) for name, value in client.config_get("appendfsync", "save").items()}
    except RedisError:
        return {}


def _clock_difference(read: Callable[[], float]) -> float:
    before = time.time()
    theirs = read()
    return theirs - (before + time.time()) / 2
