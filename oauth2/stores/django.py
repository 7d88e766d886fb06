"""``DjangoStore``: a store for all records in a database of a Django project."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import lru_cache
from typing import TypeVar

from django.db import (
    Error,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.utils.connection import ConnectionDoesNotExist

from ..errors import StoreUnavailable
from ._database import Row, Values
from ._dialects import MARIADB, POSTGRESQL, SQLITE
from ._sql import SQLStore
from ._statements import Statements
from .cipher import Cipher
from .nonces import BUCKET, oldest_kept

__all__ = ["PREFIX", "DjangoStore", "table_statements"]

_Result = TypeVar("_Result")

#: The prefix of the name of each table. :class:`~oauth2.stores.sqlalchemy.SQLAlchemyStore` has the same default prefix,
#: so that both stores can use the same tables.
PREFIX = "oauth2_"
# Key: the vendor of a connection of Django. Value: the dialect of the statements.
_DIALECTS = {"postgresql": POSTGRESQL, "mysql": MARIADB, "sqlite": SQLITE}
_TRIES = 5
# Each of these SQLSTATEs and MariaDB error numbers means that the database has rolled back the transaction because of a
# conflict with another transaction.
_ROLLED_BACK = {"40001", "40P01", 1213, 1020}
_LOST = {2006, 2013, 2055}  # Each of these MariaDB error numbers means that the connection is lost.


class DjangoStore(SQLStore):
    """A store for all records in a PostgreSQL, MariaDB or SQLite database of a Django project.

    The migrations of ``oauth2.integrations.django`` create the tables. The tables and the statements are
    the same as for :class:`~oauth2.stores.sqlalchemy.SQLAlchemyStore`. A program without Django can therefore use that
    class with the same tables.

    Each thread uses the connection that Django has opened for this thread. If a method is called inside a transaction
    of the application, the statements of the method are part of this transaction. Only :meth:`add_nonce` raises an
    error inside a transaction, because a rollback would delete the nonce.

    Args:
        using: The alias of the database in ``DATABASES``.
        window: The largest ``timestamp_threshold`` of a server that may use this store, in seconds.
        cipher: The cipher that encrypts secrets in the database; None for no encryption.

    Raises:
        TypeError: *window* is not a number.
        ValueError: *using* is not the alias of a PostgreSQL, MariaDB or SQLite database, or *window* is negative.
    """

    def __init__(self, *, using: str = "default", window: int = 300, cipher: Cipher | None = None) -> None:
        self._connected = _Connections(using)
        self._statements = _statements(self._connected.vendor)
        super().__init__(self._connected, self._statements, window=window, cipher=cipher)

    @property
    def using(self) -> str:
        """The alias of the database."""
        return self._connected.using

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`.

        Raises:
            RuntimeError: The connection is inside a transaction of the application, or its autocommit is off.
            StoreUnavailable: The database cannot be written.
        """
        self._connected.require_no_transaction()
        return super().add_nonce(nonce, timestamp, consumer_key, token_key)

    def delete_expired(self, now: int) -> int:
        """Delete all nonces and credentials that have expired; return their number.

        Each method that adds a record also deletes a few expired records. Call ``delete_expired()`` if the database
        contains many expired records.

        Args:
            now: The time in seconds since 1970-01-01 00:00 UTC.

        Raises:
            StoreUnavailable: The database cannot be written.
        """
        # The horizon is raised first. Otherwise a request could be replayed after its nonce was deleted.
        self._connected.change(self._statements.advance, {"oldest": oldest_kept(now, self.window)})
        old = f"(SELECT oldest - {BUCKET} FROM {PREFIX}nonce_horizon WHERE one = 1)"  # noqa: S608 - constants
        expired = {"nonce": f"timestamp < {old}", "token": "ends_at <= :now", "temporary": "expires_at <= :now"}
        return sum(
            self._connected.change(f"DELETE FROM {PREFIX}{table} WHERE {condition}", {"now": now})  # noqa: S608 - constants
            for table, condition in expired.items()
        )


def table_statements(vendor: str) -> list[str]:
    """Return the statements that create the tables.

    Args:
        vendor: The ``vendor`` of a connection of Django: ``"postgresql"``, ``"mysql"`` for MariaDB, or ``"sqlite"``.

    Raises:
        ValueError: *vendor* is another database.
    """
    made = _statements(vendor)
    # The version is written last, so that a version in the version table means that the schema is complete.
    return [*made.create_nonces(), *made.create_credentials(), *made.create_version()]


def _statements(vendor: str) -> Statements:
    if vendor not in _DIALECTS:
        raise ValueError("vendor: must be postgresql, mysql (for MariaDB) or sqlite")
    return Statements(_DIALECTS[vendor], PREFIX)


class _Connections:
    """The connections of Django to one database. Each thread has one connection.

    If the connection is lost, or if two transactions conflict, this class executes the statements again.
    """

    def __init__(self, using: str) -> None:
        self.using = using
        try:
            self.vendor = connections[using].vendor
        except ConnectionDoesNotExist:
            raise ValueError("using: must be the alias of a database in DATABASES") from None

    def rows(self, statement: str, values: Values) -> Sequence[Row]:
        """See :meth:`~oauth2.stores._database.Database.rows`."""
        return self._run(lambda connection: _execute(connection, statement, values, _all_rows))

    def change(self, statement: str, values: Values) -> int:
        """See :meth:`~oauth2.stores._database.Database.change`."""
        return self._run(lambda connection: _execute(connection, statement, values, _row_count))

    def count(self, statement: str, values: Values) -> int:
        """See :meth:`~oauth2.stores._database.Database.count`."""
        read = _first_value if "RETURNING" in statement else _last_id
        return self._run(lambda connection: _execute(connection, statement, values, read))

    def changes(self, statements: Sequence[tuple[str, Values]]) -> list[int]:
        """See :meth:`~oauth2.stores._database.Database.changes`."""

        def work(connection: BaseDatabaseWrapper) -> list[int]:
            with transaction.atomic(using=self.using):
                return [_execute(connection, each, values, _row_count) for each, values in statements]

        return self._run(work)

    def change_both(self, first: tuple[str, Values], second: tuple[str, Values]) -> bool:
        """See :meth:`~oauth2.stores._database.Database.change_both`."""

        def work(connection: BaseDatabaseWrapper) -> bool:
            with transaction.atomic(using=self.using):
                if not _execute(connection, *first, _row_count):
                    return False
                _execute(connection, *second, _row_count)
                return True

        return self._run(work)

    def close(self) -> None:
        """Close the connection of this thread, unless it is inside a transaction."""
        connection = connections[self.using]
        if not connection.in_atomic_block:
            connection.close()

    def require_no_transaction(self) -> None:
        """Refuse to add a nonce in a transaction of the application, because a rollback would delete the nonce.

        Raises:
            RuntimeError: The connection is inside a transaction, or autocommit is off. The transaction that a
                ``TestCase`` opens is allowed.
        """
        connection = connections[self.using]
        if not connection.in_atomic_block:
            if not _commits(connection):
                raise RuntimeError(
                    "A request must be verified while autocommit is on, because a rollback would delete its nonce."
                )
            return
        try:
            with transaction.atomic(using=self.using, durable=True):
                pass
        except RuntimeError:
            raise RuntimeError(
                "A request must be verified before a transaction begins, because a rollback would delete its nonce. "
                "Apply oauth_required to the view, and remove transaction.atomic around it."
            ) from None

    def _run(self, work: Callable[[BaseDatabaseWrapper], _Result]) -> _Result:
        """Return the result of *work*; repeat *work* after a lost connection or a conflict of transactions.

        The database may have completed the first attempt although it reported an error. Even in this case, repeating
        *work* is safe, because a second claim, redemption or approval is refused.
        """
        connection = connections[self.using]
        in_transaction = connection.in_atomic_block
        cause: Error | None = None
        for _ in range(_TRIES):
            try:
                # Without a savepoint, an error would make the transaction of the application unusable.
                with transaction.atomic(using=self.using) if in_transaction else nullcontext():
                    return work(connection)
            except (OperationalError, InterfaceError) as exc:
                cause = exc
                if in_transaction or not (_is_rolled_back(exc) or _is_lost(connection, exc)):
                    break
            except (Error, UnicodeError):
                cause = None  # The messages of these errors may contain stored values.
                break
        # This error is raised outside the except block, so that the traceback does not show the values of the
        # statement.
        raise StoreUnavailable("The store cannot be used.") from cause


def _execute(
    connection: BaseDatabaseWrapper, statement: str, values: Values, read: Callable[[CursorWrapper], _Result]
) -> _Result:
    with connection.cursor() as cursor:
        cursor.execute(_in_format_style(statement), dict(values))
        return read(cursor)


@lru_cache(maxsize=256)
def _in_format_style(statement: str) -> str:
    """Return *statement* with parameters in the style of Django: ``%(name)s`` instead of ``:name``."""
    return re.sub(r":(\w+)", r"%(\1)s", statement)


def _all_rows(cursor: CursorWrapper) -> Sequence[Row]:
    return cursor.fetchall() if cursor.description else ()


def _row_count(cursor: CursorWrapper) -> int:
    return int(cursor.rowcount)


def _first_value(cursor: CursorWrapper) -> int:
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def _last_id(cursor: CursorWrapper) -> int:
    return int(cursor.lastrowid) if cursor.rowcount else 0


def _commits(connection: BaseDatabaseWrapper) -> bool:
    """Return whether each statement is committed immediately; for a closed connection, its setting ``AUTOCOMMIT``."""
    is_open = connection.connection is not None
    return bool(connection.autocommit if is_open else connection.settings_dict["AUTOCOMMIT"])


def _is_rolled_back(error: Error) -> bool:
    """Return whether the database rolled the transaction back (deadlock, serialization failure)."""
    cause = error.__cause__  # Django wraps the error of the driver, which contains the error number.
    return getattr(cause, "sqlstate", None) in _ROLLED_BACK or (bool(error.args) and error.args[0] in _ROLLED_BACK)


def _is_lost(connection: BaseDatabaseWrapper, error: Error) -> bool:
    """Return whether the connection was lost. A lost connection is closed, so that the next attempt opens a new one."""
    # With some versions of the driver PyMySQL, is_usable() opens a new connection and then returns True. Therefore the
    # number of the error is checked first.
    is_reported = bool(error.args) and error.args[0] in _LOST
    if not is_reported and connection.connection is not None and connection.is_usable():
        return False
    connection.close()
    return True
