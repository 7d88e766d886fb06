"""``SQLiteStore``: one file, shared by all processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import weakref
from os import getpid
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from ..errors import StoreUnavailable
from .nonces import nonce_digest, oldest_kept
from .sql import SQLStore
from .statements import FORGET_AT_MOST, FORGET_EVERY, SQLITE, Statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cipher import Cipher
    from .sql import Row, Values

_LOOK_EVERY = 0.0002  # seconds: to look costs a sixth of what a claim does
_VERSION = 2  # 1 had nonces only
_STATEMENTS = Statements(SQLITE)
_CLAIM = """
INSERT OR IGNORE INTO nonce (timestamp, digest)
SELECT ?, ? FROM nonce_horizon WHERE one = 1 AND oldest <= ?
"""


class SQLiteStore(SQLStore):
    """Every store protocol in an SQLite database; safe between threads and processes.

    What was written stays written when the process is killed. When the machine
    loses power, the last writes before it may be lost: the database is in WAL
    mode with ``synchronous=NORMAL``. When the file is removed or replaced under a
    store, that store is of no more use, since nonces may be lost with it. No answer
    is given for which the file was not seen in its place after the statement, or at
    most a fifth of a millisecond before.

    Args:
        path: The database file; it is created if need be. ``":memory:"`` is
            refused: no other process would see it.
        window: Seconds; the largest ``timestamp_threshold`` of a server that uses it.
        timeout: Seconds to wait for other processes that are writing.
        cipher: What encrypts secrets in the file; None for no encryption.

    Raises:
        ValueError: *path* names no file.
        StoreUnavailable: The database cannot be opened.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        window: int = 300,
        timeout: float = 10.0,
        cipher: Cipher | None = None,
    ) -> None:
        name = os.fsdecode(path)
        if name in ("", ":memory:"):
            raise ValueError("path: a file wanted, so that other processes see it; use MemoryStore within one")
        self.path = os.path.abspath(name)
        self.timeout = timeout
        self._file = _File(self.path, timeout)
        self._swept = -1  # the horizon below which this process found nothing left to forget
        super().__init__(self._file, _STATEMENTS, window=window, cipher=cipher)
        try:
            self._file.rows("SELECT 1", {})
        except StoreUnavailable as exc:
            raise StoreUnavailable(f"{self.path} cannot be used as a store: {exc.__cause__ or exc}") from exc

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`.

        One statement; for one claim in 64 four more, which let go what is too old.

        Raises:
            StoreUnavailable: The database cannot be written, or is no longer there.
        """
        digest = nonce_digest(nonce, timestamp, consumer_key, token_key)
        # One statement, in a transaction of its own: that is what makes it atomic.
        new = self._file.change(_CLAIM, (timestamp, digest, timestamp)) == 1
        if new and digest[0] % FORGET_EVERY == 0:
            self._forget(oldest_kept(timestamp, self.window))
        return new

    def _forget(self, oldest: int) -> None:
        if oldest <= self._swept:  # nothing is claimed below the horizon: there is no more to forget until it moves
            return
        steps: list[tuple[str, Values]] = [(_STATEMENTS.advance, {"oldest": oldest}), (_STATEMENTS.forget_nonces, {})]
        if self._file.changes(steps)[-1] < FORGET_AT_MOST:
            self._swept = oldest

    def close(self) -> None:
        """Close the database; the next call opens it again."""
        self._file.close()


class _File:
    """A connection to a database file that threads share and no forked child inherits."""

    def __init__(self, path: str, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor  # one for all changes: it is there when the connection is
        self._pid = 0  # of the process that opened the connection
        self._identity: tuple[int, int] | None = None  # of the file that was opened first
        self._gone = False  # for good: a new file may come to have the number of the old one
        self._look_again = 0.0  # when to see again that it is there, by the monotonic clock
        with _FORK:
            _FILES.add(self)

    def rows(self, statement: str, values: Values) -> Sequence[Row]:
        """See :meth:`~oauth2.stores.sql.Database.rows`."""
        with self._lock:
            try:
                found = self._opened().execute(statement, values).fetchall()
            except sqlite3.Error as exc:
                cause = _shown(exc)
            else:
                if monotonic() >= self._look_again:
                    self._look()
                return found
        raise StoreUnavailable("The store cannot be used.") from cause

    def change(self, statement: str, values: Values | tuple[Any, ...]) -> int:
        """See :meth:`~oauth2.stores.sql.Database.change`."""
        with self._lock:
            try:
                self._opened()
                changed = self._cursor.execute(statement, values).rowcount
            except sqlite3.Error as exc:
                cause = _shown(exc)
            else:
                if monotonic() >= self._look_again:
                    self._look()
                return changed
        raise StoreUnavailable("The store cannot be used.") from cause

    def count(self, statement: str, values: Values) -> int:
        """See :meth:`~oauth2.stores.sql.Database.count`."""
        found = self.rows(statement, values)
        return int(found[0][0]) if found else 0

    def changes(self, statements: Sequence[tuple[str, Values]]) -> list[int]:
        """See :meth:`~oauth2.stores.sql.Database.changes`."""
        with self._lock:
            try:
                connection = self._opened()
                connection.execute("BEGIN IMMEDIATE")
                with connection:
                    changed = [connection.execute(statement, values).rowcount for statement, values in statements]
            except sqlite3.Error as exc:
                cause = _shown(exc)
            else:
                if monotonic() >= self._look_again:
                    self._look()
                return changed
        raise StoreUnavailable("The store cannot be used.") from cause

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        with self._lock:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        connection = self._connection or self._open()
        if self._pid != getpid():
            raise StoreUnavailable("The store was opened before a fork that Python was not told of.")
        return connection

    def _open(self) -> sqlite3.Connection:
        if self._identity is not None:
            self._look()  # else SQLite would begin anew
        connection = _connect(self._path, self._timeout)
        self._connection, self._cursor, self._pid = connection, connection.cursor(), getpid()
        self._identity = self._identity or _identity(self._path)
        self._look_again = 0.0  # it may have gone meanwhile
        return connection

    def _look(self) -> None:
        # SQLite goes on with a file that is no longer there. What is claimed in it no other process sees.
        found = None if self._gone else _identity(self._path)
        if found is None or found != self._identity:
            self._gone = True
            self._disconnect()
            raise StoreUnavailable("The file was removed or replaced; a new store may use what is there now.")
        # A claim between two looks is no more lost than those of the minutes before, which went with the file.
        self._look_again = monotonic() + _LOOK_EVERY


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise StoreUnavailable("The store cannot be used.") from exc
    return found.st_dev, found.st_ino


def _shown(error: sqlite3.Error) -> sqlite3.Error | None:
    """Return *error*, unless it is no word of SQLite's: Python's module quotes a text that is not UTF-8."""
    return error if hasattr(error, "sqlite_errorcode") else None


def _connect(path: str, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        _use_wal(connection, monotonic() + timeout)
        connection.execute("PRAGMA synchronous = NORMAL")
        _make_schema(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            # SQLite itself does not wait here while another process opens the same new file.
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            sleep(0.01)
        else:
            return


def _make_schema(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise StoreUnavailable(f"The store has schema {version}; this version knows {_VERSION}.")
    if version < _VERSION:  # what is missing is made, and nonces stay what they are
        for statement in [*_STATEMENTS.make_nonces(), *_STATEMENTS.make_credentials()]:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {_VERSION}")  # a write, which shows that it can be written
    connection.execute("COMMIT")


# SQLite counts the locks of a process, and a child process inherits the count but not
# the locks. It would take the file for its own and lose claims. So no connection is
# open, and no claim under way, at the moment of a fork.
_FILES: weakref.WeakSet[_File] = weakref.WeakSet()
_FORKING: list[_File] = []
_FORK = Lock()  # two threads may fork at once


def _before_fork() -> None:
    _FORK.acquire()
    for file in list(_FILES):
        file._lock.acquire()
        _FORKING.append(file)
        file._disconnect()


def _after_fork() -> None:
    while _FORKING:
        _FORKING.pop()._lock.release()
    if _FORK.locked():  # else an embedding program forked, and told of it only afterwards
        _FORK.release()


if hasattr(os, "register_at_fork"):  # pragma: no branch - all but Windows
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
