"""``SQLAlchemyStore``: PostgreSQL and MariaDB, shared by many machines."""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, Any
from zlib import crc32

import sqlalchemy as sa

from ..errors import StoreUnavailable
from .sql import SQLStore
from .statements import MARIADB, POSTGRESQL, SQLITE, VERSION, Statements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .cipher import Cipher
    from .sql import Row, Values
    from .statements import Dialect

    Work = Callable[[sa.Connection], Any]

_DIALECTS = {"postgresql": POSTGRESQL, "mysql": MARIADB, "mariadb": MARIADB, "sqlite": SQLITE}
_TRIES = 5
#: Another transaction was in the way, and the database took this one back whole: SQLSTATE, or MariaDB's number.
_TAKEN_BACK = {"40001", "40P01", 1213, 1020}


class SQLAlchemyStore(SQLStore):
    """Every store protocol in a PostgreSQL or MariaDB database, or in any SQLite one that SQLAlchemy opens.

    It makes its tables unless they are there. Each method is one statement or a
    few, in transactions of their own; what an application has under way on the
    same engine is not part of them. Pools, time-outs and TLS are the engine's.

    Args:
        engine: A synchronous engine. With ``isolation_level="AUTOCOMMIT"`` (and, for
            MariaDB, ``skip_autocommit_rollback=True``, from SQLAlchemy 2.0.43 on) a
            statement is one round trip.
        prefix: Before the name of each table: lower-case letters, digits and ``_``.
        window: Seconds; the largest ``timestamp_threshold`` of a server that uses it.
        cipher: What encrypts secrets in it; None for no encryption.

    Raises:
        TypeError: *engine* is no synchronous engine.
        ValueError: It is of another database (MySQL, too), or *prefix* does not do.
        StoreUnavailable: The database cannot be used, or has tables of a newer version.
    """

    def __init__(
        self, engine: sa.Engine, *, prefix: str = "oauth2_", window: int = 300, cipher: Cipher | None = None
    ) -> None:
        if not isinstance(engine, sa.Engine):
            raise TypeError("engine: what sqlalchemy.create_engine() returns wanted")
        database = _Pool(engine)
        statements = Statements(_dialect(engine.dialect.name), prefix)
        super().__init__(database, statements, window=window, cipher=cipher)
        database.carry_out(lambda connection: _make_schema(connection, statements))

    def close(self) -> None:
        """Close the engine's idle connections; the next call opens others."""
        self._database.close()  # type: ignore[attr-defined]


def schema_statements(database: str, *, prefix: str = "oauth2_") -> list[str]:
    """Return the statements that make the tables, for a migration tool or by hand.

    Args:
        database: ``"postgresql"``, ``"mariadb"`` or ``"sqlite"``.
        prefix: Before the name of each table.

    Raises:
        ValueError: It is another database, or *prefix* does not do.
    """
    statements = Statements(_dialect(database), prefix)
    return [*statements.make_nonces(), *statements.make_credentials(), *statements.make_version()]


def _dialect(name: str) -> Dialect:
    if name not in _DIALECTS:
        raise ValueError("engine: one of PostgreSQL, MariaDB or SQLite wanted")
    return _DIALECTS[name]


class _Pool:
    """An engine's connections, in processes that fork, and with its errors as StoreUnavailable."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        # No BEGIN and COMMIT around a single statement, which is two round trips less.
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")
        level = "SERIALIZABLE" if engine.dialect.name == "sqlite" else "READ COMMITTED"
        self._several = engine.execution_options(isolation_level=level)
        self._driver_error: Any = engine.dialect.loaded_dbapi.Error
        self._texts: dict[str, sa.TextClause] = {}
        self._pid = os.getpid()
        self._lock = Lock()

    def rows(self, statement: str, values: Values) -> Sequence[Row]:
        """See :meth:`~oauth2.stores.sql.Database.rows`."""
        return self._alone(statement, values, lambda result: result.fetchall())  # type: ignore[no-any-return]

    def change(self, statement: str, values: Values) -> int:
        """See :meth:`~oauth2.stores.sql.Database.change`."""
        return self._alone(statement, values, lambda result: result.rowcount)  # type: ignore[no-any-return]

    def count(self, statement: str, values: Values) -> int:
        """See :meth:`~oauth2.stores.sql.Database.count`."""
        if "RETURNING" in statement:
            return self._alone(statement, values, lambda result: result.scalar() or 0)  # type: ignore[no-any-return]
        return self._alone(statement, values, lambda result: result.lastrowid if result.rowcount else 0)  # type: ignore[no-any-return]

    def changes(self, statements: Sequence[tuple[str, Values]]) -> list[int]:
        """See :meth:`~oauth2.stores.sql.Database.changes`."""

        def work() -> list[int]:
            with self._several.begin() as connection:
                return [connection.execute(self._text(each), values).rowcount for each, values in statements]

        return self._tried(work)  # type: ignore[no-any-return]

    def carry_out(self, work: Work) -> None:
        """Do *work* with a connection on which each statement is a transaction."""

        def connected() -> None:
            with self._single.connect() as connection:
                work(connection)

        self._tried(connected)

    def close(self) -> None:
        """Close the idle connections."""
        self._engine.dispose()

    def _alone(self, statement: str, values: Values, read: Callable[[Any], Any]) -> Any:
        text = self._text(statement)

        def work() -> Any:
            with self._single.connect() as connection:
                return read(connection.execute(text, values))

        return self._tried(work)

    def _text(self, statement: str) -> sa.TextClause:
        text = self._texts.get(statement)
        if text is None:
            text = self._texts[statement] = sa.text(statement)
        return text

    def _tried(self, work: Callable[[], Any]) -> Any:
        """Do *work*, again where a connection had died in the pool or others were in the way.

        Doing it again is safe if it was done in spite of the error: a second claim,
        redemption or approval is refused.
        """
        if self._pid != os.getpid():
            self._leave_to_parent()
        lost = False
        cause: BaseException | None = None
        for _ in range(_TRIES):
            try:
                return work()
            except sa.exc.DBAPIError as exc:
                # What other errors say may show values.
                cause = exc.orig if isinstance(exc, (sa.exc.OperationalError, sa.exc.InterfaceError)) else None
                if not _is_taken_back(exc.orig) and (lost or not exc.connection_invalidated):
                    break
                lost = lost or exc.connection_invalidated
            except self._driver_error as exc:  # SQLAlchemy lets it pass where a connection is got ready
                cause = exc
                if lost or not self._engine.dialect.is_disconnect(exc, None, None):
                    break
                lost = True
                self._engine.dispose()  # as SQLAlchemy does: those beside it are no better
            except (sa.exc.SQLAlchemyError, UnicodeError):
                cause = None
                break
        # Out here, since SQLAlchemy's errors show the values of a statement, secrets among them.
        raise StoreUnavailable("The store cannot be used.") from cause

    def _leave_to_parent(self) -> None:
        with self._lock:
            if self._pid != os.getpid():
                self._engine.dispose(close=False)  # connections that the parent goes on using
                self._pid = os.getpid()


def _is_taken_back(error: BaseException | None) -> bool:
    """Tell whether the database undid a transaction for the sake of another (deadlock, serialization)."""
    arguments: tuple[Any, ...] = getattr(error, "args", ())
    return getattr(error, "sqlstate", None) in _TAKEN_BACK or (bool(arguments) and arguments[0] in _TAKEN_BACK)


def _make_schema(connection: sa.Connection, statements: Statements) -> None:
    if statements.dialect is MARIADB and not getattr(connection.dialect, "is_mariadb", False):
        raise ValueError("engine: MariaDB wanted; this is MySQL, which has no DELETE ... RETURNING")
    if _has_version(connection, statements):
        return
    # The version comes last: where it stands, all is there.
    made = [*statements.make_nonces(), *statements.make_credentials(), *statements.make_version()]
    if statements.dialect is POSTGRESQL:  # where IF NOT EXISTS is not safe when several begin at once
        lock = crc32(f"oauth2 schema {statements.prefix}".encode())
        made = ["BEGIN", f"SELECT pg_advisory_xact_lock({lock})", *made, "COMMIT"]
    for statement in made:
        connection.execute(sa.text(statement))
    _has_version(connection, statements)


def _has_version(connection: sa.Connection, statements: Statements) -> bool:
    if not sa.inspect(connection).has_table(statements.version_table):
        return False
    version = connection.execute(sa.text(statements.read_version)).scalar()
    if version is not None and version > VERSION:
        raise StoreUnavailable(f"The store has schema {version}; this version knows {VERSION}.")
    return version is not None
