"""``SQLAlchemyStore``: a store for all records in PostgreSQL or MariaDB, which several machines can share."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any, ParamSpec, TypeVar
from zlib import crc32

import sqlalchemy as sa
from sqlalchemy import exc as sa_exc
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from ..errors import StoreUnavailable
from ._called import CalledStore
from ._database import Row, Values
from ._dialects import MARIADB, POSTGRESQL, SQLITE, Dialect
from ._loop import LoopOwner
from ._sql import SQLStore
from ._statements import VERSION, Statements
from .cipher import Cipher

__all__ = ["AsyncSQLAlchemyStore", "SQLAlchemyStore", "schema_statements"]

_P = ParamSpec("_P")
_Result = TypeVar("_Result")
_DIALECTS = {"postgresql": POSTGRESQL, "mysql": MARIADB, "mariadb": MARIADB, "sqlite": SQLITE}
_TRIES = 5
# Each of these SQLSTATEs and MariaDB error numbers means that the database has rolled back the transaction because of a
# conflict with another transaction.
_ROLLED_BACK = {"40001", "40P01", 1213, 1020}


class _SQLAlchemyStore(SQLStore):
    """A store that uses an SQLAlchemy engine; :meth:`create_schema` creates its tables."""

    def __init__(self, engine: sa.Engine, prefix: str, window: int, cipher: Cipher | None) -> None:
        self._pool = _Pool(engine)
        self._statements = Statements(_dialect("engine", engine.dialect.name), prefix)
        super().__init__(self._pool, self._statements, window=window, cipher=cipher)

    def create_schema(self) -> None:
        """Create the tables, or upgrade the tables to the current schema version."""
        self._pool.run(lambda connection: _create_schema(connection, self._statements))

    def forget_connections(self) -> object:
        """Remove all open connections from the pool, and return them. Later calls open new connections."""
        return self._pool.forget()


class SQLAlchemyStore(_SQLAlchemyStore):
    """A store for all records in a PostgreSQL, MariaDB or SQLite database, through SQLAlchemy.

    The store creates its tables if they do not exist. Each method executes one or a few statements in separate
    transactions, which are independent of the transactions of the application. Configure connection pool, time-outs and
    TLS in the engine.

    Args:
        engine: A synchronous engine. With ``isolation_level="AUTOCOMMIT"`` and
            ``skip_autocommit_rollback=True``, a statement needs only one round trip.
        prefix: The prefix of the name of each table: lower-case letters, digits and ``_``.
        window: The largest ``timestamp_threshold`` of a server that may use this store, in seconds.
        cipher: The cipher that encrypts secrets in the database; None for no encryption.

    Raises:
        TypeError: *engine* is not a synchronous engine, or *window* is not a number.
        ValueError: *engine* belongs to a database that is not supported, such as MySQL; *prefix* is not
            valid; or *window* is negative.
        StoreUnavailable: The database cannot be used, or its tables have a newer schema version.
    """

    def __init__(
        self, engine: sa.Engine, *, prefix: str = "oauth2_", window: int = 300, cipher: Cipher | None = None
    ) -> None:
        if not isinstance(engine, sa.Engine):
            raise TypeError("engine: must be an Engine; pass the return value of sqlalchemy.create_engine()")
        super().__init__(engine, prefix, window, cipher)
        self.create_schema()


class AsyncSQLAlchemyStore(CalledStore[_SQLAlchemyStore]):
    """:class:`SQLAlchemyStore` for asyncio, with the drivers asyncpg, psycopg or asyncmy.

    Each method executes the statements of :class:`SQLAlchemyStore`. SQLAlchemy runs the blocking code in a greenlet,
    which returns to the event loop while the driver waits. If a task is cancelled, the connection is closed. If the
    statement or the transaction is not yet committed, the database then rolls it back.

    The constructor does not use the database. The first call of a method creates the tables if they do not exist. To
    create the tables before the first call, await :meth:`create_schema`.

    The connections belong to the event loop that opened them. If that event loop is
    closed, or the process was forked, the store opens new connections.

    Args:
        engine: An asyncio engine; see :class:`SQLAlchemyStore` for its options.
        prefix: See :class:`SQLAlchemyStore` for this argument and the other arguments.

    Raises:
        TypeError: *engine* is not an asyncio engine, or *window* is not a number.
        ValueError: See :class:`SQLAlchemyStore`.
    """

    def __init__(
        self, engine: AsyncEngine, *, prefix: str = "oauth2_", window: int = 300, cipher: Cipher | None = None
    ) -> None:
        if not isinstance(engine, AsyncEngine):
            raise TypeError("engine: must be an AsyncEngine; pass the return value of create_async_engine()")
        self._store = self._blocking = _SQLAlchemyStore(engine.sync_engine, prefix, window, cipher)
        self._owner = LoopOwner("engine", self._forget)
        self._has_schema = False
        self._creation: asyncio.Task[None] | None = None

    async def create_schema(self) -> None:
        """Create the tables, or upgrade the tables to the current schema version.

        Raises:
            StoreUnavailable: The database cannot be used, or its tables have a newer schema version.
            ValueError: The database is MySQL.
            RuntimeError: Another event loop has open connections of the engine.
        """
        self._owner.enter()
        await greenlet_spawn(self._blocking.create_schema)
        self._has_schema = True

    async def close(self) -> None:
        """See :meth:`~oauth2.stores.Store.close`. The application must call this method before the event loop ends."""
        self._owner.enter()
        await greenlet_spawn(self._store.close)
        self._owner.leave()

    async def reencrypt(self, position: str | None = None, *, limit: int = 100) -> str | None:
        """See :meth:`SQLAlchemyStore.reencrypt`."""
        return await self._call(self._blocking.reencrypt, position, limit=limit)

    async def _call(self, method: Callable[_P, _Result], *args: _P.args, **kwargs: _P.kwargs) -> _Result:
        self._owner.enter()
        if not self._has_schema:
            await self._create_schema_once()
        task = asyncio.current_task()
        cancellations = task.cancelling() if task is not None else 0
        try:
            return await greenlet_spawn(partial(method, *args, **kwargs))
        except StoreUnavailable:
            # In a cancelled task, asyncmy raises an error other than CancelledError, but the task must end with
            # CancelledError.
            if task is not None and task.cancelling() > cancellations:
                raise asyncio.CancelledError from None
            raise

    async def _create_schema_once(self) -> None:
        # All tasks wait for the same task, which creates the schema. If one waiting task is cancelled, the other tasks
        # must not be cancelled.
        if self._creation is None:
            self._creation = asyncio.ensure_future(self.create_schema())
            self._creation.add_done_callback(self._end_creation)
        await asyncio.shield(self._creation)

    def _end_creation(self, creation: asyncio.Task[None]) -> None:
        if self._creation is creation:
            self._creation = None

    def _forget(self) -> object:
        self._creation = None
        return self._blocking.forget_connections()


def schema_statements(database: str, *, prefix: str = "oauth2_", since: int | None = None) -> list[str]:
    """Return the statements that create the tables, for a migration tool or for a database administrator.

    Args:
        database: ``"postgresql"``, ``"mariadb"`` or ``"sqlite"``.
        prefix: The prefix of the name of each table.
        since: The schema version of existing tables, which must be 1; the function then returns the statements that
            upgrade these tables. None if no tables exist.

    Raises:
        ValueError: *database* is another name, *prefix* is not valid, or *since* is neither None nor 1.
    """
    if since not in (None, *range(1, VERSION)):
        raise ValueError(f"since: must be None or a version before {VERSION}")
    return _schema(Statements(_dialect("database", database), prefix), is_upgrade=since is not None)


def _schema(statements: Statements, *, is_upgrade: bool) -> list[str]:
    # The last statement writes the version. If the version table has a version, the schema is therefore complete.
    created = [*statements.create_nonces(), *statements.create_credentials(), *statements.create_version()]
    return [*statements.add_grants(), *created] if is_upgrade else created


def _dialect(argument: str, name: str) -> Dialect:
    if name not in _DIALECTS:
        raise ValueError(f"{argument}: must be PostgreSQL, MariaDB or SQLite")
    return _DIALECTS[name]


class _Pool:
    """The connections of an engine.

    If a connection is lost, or if two transactions conflict, this class executes the statements again. This class can
    be used after a fork, and raises only StoreUnavailable.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._level: IsolationLevel = "SERIALIZABLE" if engine.dialect.name == "sqlite" else "READ COMMITTED"
        self._driver_errors: Any = _driver_errors(engine.dialect.loaded_dbapi)
        self._base_error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._texts: dict[str, sa.TextClause] = {}
        self._compiled: dict[str, tuple[str, Sequence[str] | None]] = {}
        self._pid = os.getpid()
        self._lock = Lock()

    def rows(self, statement: str, values: Values) -> Sequence[Row]:
        """See :meth:`~oauth2.stores._database.Database.rows`."""
        return self._alone(statement, values, _all_rows)

    def change(self, statement: str, values: Values) -> int:
        """See :meth:`~oauth2.stores._database.Database.change`."""
        return self._alone(statement, values, _row_count)

    def count(self, statement: str, values: Values) -> int:
        """See :meth:`~oauth2.stores._database.Database.count`."""
        if "RETURNING" in statement:
            return self._alone(statement, values, _first_value)
        return self._alone(statement, values, _last_id)

    def changes(self, statements: Sequence[tuple[str, Values]]) -> list[int]:
        """See :meth:`~oauth2.stores._database.Database.changes`."""

        def work() -> list[int]:
            with self._connected(self._level) as connection, connection.begin():
                return [connection.execute(self._text(each), values).rowcount for each, values in statements]

        return self._repeated(work)

    def change_both(self, first: tuple[str, Values], second: tuple[str, Values]) -> bool:
        """See :meth:`~oauth2.stores._database.Database.change_both`."""

        def work() -> bool:
            with self._connected(self._level) as connection, connection.begin():
                if not connection.execute(self._text(first[0]), first[1]).rowcount:
                    return False
                connection.execute(self._text(second[0]), second[1])
                return True

        return self._repeated(work)

    def run(self, work: Callable[[sa.Connection], _Result]) -> _Result:
        """Return the result of *work*.

        Args:
            work: A function that is called with a connection. On this connection, each statement is a separate
                transaction.
        """

        def connected() -> _Result:
            # A single statement without BEGIN and COMMIT saves two round trips.
            with self._connected("AUTOCOMMIT") as connection:
                return work(connection)

        return self._repeated(connected)

    def close(self) -> None:
        """Close the idle connections."""
        self._engine.dispose()

    @contextmanager
    def _connected(self, level: IsolationLevel) -> Iterator[sa.Connection]:
        # execution_options(isolation_level=) is not used. With this option, SQLAlchemy would reset the isolation level
        # when it returns the connection to the pool. If the task were cancelled during the reset, the pool would lose
        # the connection.
        with self._engine.connect() as connection:
            dialect, driver = connection.dialect, connection.connection.dbapi_connection
            if driver is None or (level == "AUTOCOMMIT" and dialect.detect_autocommit_setting(driver)):
                yield connection
                return
            try:
                dialect.set_isolation_level(driver, level)
                try:
                    yield connection
                finally:
                    if not connection.invalidated:
                        connection.rollback()  # The isolation level of a connection cannot be changed in a transaction.
                        dialect.reset_isolation_level(driver)
            except BaseException as exc:
                # The connection may have a wrong isolation level, or may still receive a response of the database, so
                # the connection cannot be used again.
                if not isinstance(exc, sa_exc.DBAPIError):
                    connection.invalidate(exc)
                raise

    def _alone(self, statement: str, values: Values, read: Callable[[Any], _Result]) -> _Result:
        return self._repeated(lambda: self._once(statement, values, read))

    def _once(self, statement: str, values: Values, read: Callable[[Any], _Result]) -> _Result:
        engine = self._engine
        # The fast path does not call event handlers and does not log statements. It is used only if the engine has no
        # event handlers and logs no statements.
        if not (engine._has_events or engine.dialect._has_events or engine.logger.isEnabledFor(logging.INFO)):
            pooled = engine.raw_connection()
            try:
                # If the isolation level of the engine is not AUTOCOMMIT, _connected() must change the isolation level
                # and restore it afterwards.
                if pooled.dbapi_connection and engine.dialect.detect_autocommit_setting(pooled.dbapi_connection):
                    return self._fast(pooled, statement, values, read)
            except BaseException as exc:
                # The task was cancelled. The connection may still receive a response of the database, so it cannot be
                # used again.
                if not isinstance(exc, Exception):
                    pooled.invalidate(exc)
                raise
            finally:
                pooled.close()
        # A single statement without BEGIN and COMMIT saves two round trips.
        with self._connected("AUTOCOMMIT") as connection:
            return read(connection.execute(self._text(statement), values))

    def _fast(
        self, pooled: sa.PoolProxiedConnection, statement: str, values: Values, read: Callable[[Any], _Result]
    ) -> _Result:
        """Execute a statement in a fraction of the time that ``sa.Connection.execute`` needs."""
        sql, names = self._compiled.get(statement) or self._compile(statement)
        cursor: Any = pooled.cursor()
        try:
            cursor.execute(sql, values if names is None else [values[name] for name in names])
            result = read(cursor)
        except self._base_error as exc:
            dialect: Any = self._engine.dialect
            is_lost: bool = dialect.is_disconnect(exc, pooled.dbapi_connection, cursor)
            if is_lost:  # The other connections in the pool are probably also lost.
                self._engine.pool._invalidate(pooled, exc)
            else:
                cursor.close()
            raise sa_exc.DBAPIError.instance(
                statement,
                None,
                exc,
                self._base_error,
                hide_parameters=True,
                connection_invalidated=is_lost,
                dialect=dialect,
            ) from exc
        cursor.close()
        return result

    def _compile(self, statement: str) -> tuple[str, Sequence[str] | None]:
        """Return *statement* in the driver's parameter style; for positional parameters, also return their order."""
        compiled: Any = self._text(statement).compile(dialect=self._engine.dialect)
        self._compiled[statement] = found = str(compiled), compiled.positiontup if compiled.positional else None
        return found

    def _text(self, statement: str) -> sa.TextClause:
        text = self._texts.get(statement)
        if text is None:
            text = self._texts[statement] = sa.text(statement)
        return text

    def _repeated(self, work: Callable[[], _Result]) -> _Result:
        """Return the result of *work*; repeat *work* after a lost connection or a conflict of transactions.

        The database may have completed the first attempt although it reported an error. Even in this case, repeating
        *work* is safe, because a second claim, redemption or approval is refused.
        """
        if self._pid != os.getpid():
            self._leave_to_parent()
        lost = False
        cause: BaseException | None = None
        for _ in range(_TRIES):
            try:
                return work()
            except sa_exc.DBAPIError as exc:
                # Only an OperationalError or an InterfaceError is shown, because the messages of other errors may
                # contain stored values.
                cause = exc.orig if isinstance(exc, (sa_exc.OperationalError, sa_exc.InterfaceError)) else None
                if not _is_rolled_back(exc.orig) and (lost or not exc.connection_invalidated):
                    break
                lost = lost or exc.connection_invalidated
            except self._driver_errors as exc:
                # SQLAlchemy does not wrap an error that occurs while it opens a connection.
                cause = exc
                if lost or not self._engine.dialect.is_disconnect(exc, None, None):
                    break
                lost = True
                self._engine.dispose()  # The other connections in the pool are probably also lost.
            except (sa_exc.SQLAlchemyError, UnicodeError):
                cause = None
                break
        # This error is raised outside the except block. Otherwise the traceback would show an error of SQLAlchemy,
        # which contains the values of the statement, including secrets.
        raise StoreUnavailable("The store cannot be used.") from cause

    def _leave_to_parent(self) -> None:
        with self._lock:
            if self._pid != os.getpid():
                self.forget()  # The parent process still uses the connections of this pool.
                self._pid = os.getpid()

    def forget(self) -> sa.Pool:
        """Replace the pool by a new pool, and return the old pool with the open connections."""
        pool = self._engine.pool
        self._engine.dispose(close=False)
        return pool


def _all_rows(result: Any) -> Sequence[Row]:
    rows: Sequence[Row] = result.fetchall()
    return rows


def _row_count(result: Any) -> int:
    return int(result.rowcount)


def _first_value(result: Any) -> int:
    row = result.fetchone()
    return row[0] if row else 0


def _last_id(result: Any) -> int:
    return result.lastrowid if result.rowcount else 0


def _driver_errors(driver: Any) -> tuple[type[Exception], ...]:
    # In SQLAlchemy's adapter for asyncpg, the module asyncpg is an attribute.
    asyncpg = getattr(driver, "asyncpg", None)
    own = (asyncpg.PostgresError, asyncpg.InterfaceError) if asyncpg is not None else ()
    return driver.Error, OSError, *own


def _is_rolled_back(error: BaseException | None) -> bool:
    """Return whether the database has rolled back the transaction (deadlock, serialization failure)."""
    arguments: tuple[Any, ...] = getattr(error, "args", ())
    return getattr(error, "sqlstate", None) in _ROLLED_BACK or (bool(arguments) and arguments[0] in _ROLLED_BACK)


def _create_schema(connection: sa.Connection, statements: Statements) -> None:
    if statements.dialect is MARIADB and not getattr(connection.dialect, "is_mariadb", False):
        raise ValueError(
            "engine: must be MariaDB instead of MySQL, because MySQL does not support DELETE ... RETURNING"
        )
    if _version(connection, statements) == VERSION:
        return
    if statements.dialect is MARIADB:  # MariaDB commits each statement immediately; repeating a statement is safe.
        _upgrade(connection, statements)
        return
    for statement in _begin(statements):
        connection.execute(sa.text(statement))
    try:
        _upgrade(connection, statements)
    except BaseException:
        connection.execute(sa.text("ROLLBACK"))
        raise
    connection.execute(sa.text("COMMIT"))


def _begin(statements: Statements) -> list[str]:
    if statements.dialect is SQLITE:
        return ["BEGIN IMMEDIATE"]
    # A lock is needed, because CREATE TABLE IF NOT EXISTS can fail if several processes execute it at the same time.
    lock = crc32(f"oauth2 schema {statements.prefix}".encode())
    return ["BEGIN", f"SELECT pg_advisory_xact_lock({lock})"]


def _upgrade(connection: sa.Connection, statements: Statements) -> None:
    # The version is read again, because another process may have upgraded the schema.
    version = _version(connection, statements)
    if version == VERSION:
        return
    for statement in _schema(statements, is_upgrade=version is not None):
        connection.execute(sa.text(statement))
    _version(connection, statements)


def _version(connection: sa.Connection, statements: Statements) -> int | None:
    if not sa.inspect(connection).has_table(statements.version_table):
        return None
    version: int | None = connection.execute(sa.text(statements.read_version)).scalar()
    if version is not None and version > VERSION:
        raise StoreUnavailable(
            f"The store has schema {version}; this version of oauth2 supports {VERSION}. Upgrade oauth2."
        )
    return version
