"""The connection of :class:`~oauth2.stores.sqlite.SQLiteStore` to its file.

This module handles locks of other processes, forks, removed files, and the schema.
"""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Callable, Sequence
from os import getpid
from threading import Lock
from time import monotonic, sleep
from typing import Any, TypeVar

from ..errors import StoreUnavailable
from ._database import Row, Values
from ._dialects import SQLITE
from ._statements import Statements
from ._turn import Turn

STATEMENTS = Statements(SQLITE)
FORK_LOCK = Lock()  # A thread needs this lock to fork, and for work that a fork must not interrupt.
_Result = TypeVar("_Result")
# Seconds between two checks of the file. If every claim checked the file, a claim would take 17 % more time.
_CHECK_EVERY = 0.0002
# Seconds between two attempts to get the lock while another process writes.
_PAUSES = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.025, 0.025, 0.025, 0.05, 0.05, 0.1)
_CHECK_LOG_EVERY = 0.001  # Seconds between two checks of the write-ahead log.
_LOG_HEADER, _FRAME_HEADER = 32, 24  # Sizes, in octets, in the format of SQLite's write-ahead log.
SQLITE_VERSION = 3  # Schema version. In version 1, the file had only nonces. In version 2, tokens had no grant.


class DatabaseFile:
    """A connection to a database file. Only one thread at a time uses the connection.

    A separate connection for each thread would be slower; see :class:`~oauth2.stores._turn.Turn`. A forked child
    process opens a new connection.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._turn = Turn()
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor  # The cursor for all changes; created together with the connection.
        self._pid = 0  # Identifier of the process that opened the connection.
        self._identity: tuple[int, int] | None = None  # Device and inode of the file that was opened first.
        self._log: WriteAheadLog  # The write-ahead log; this object is created together with the connection.
        # Whether the file was removed, replaced or truncated. True is never changed back to False, because a new file
        # may get the inode number of the removed file.
        self._is_lost = False
        self._check_again = 0.0  # Monotonic time of the next check of the identity.
        with FORK_LOCK:
            _FILES.add(self)

    def rows(self, statement: str, values: Values) -> Sequence[Row]:
        """See :meth:`~oauth2.stores._database.Database.rows`."""
        return self._run(lambda connection: connection.execute(statement, values).fetchall())

    def change(self, statement: str, values: Values | tuple[Any, ...]) -> int:
        """See :meth:`~oauth2.stores._database.Database.change`."""
        return self._run(lambda _connection: self._cursor.execute(statement, values).rowcount)

    def count(self, statement: str, values: Values) -> int:
        """See :meth:`~oauth2.stores._database.Database.count`."""
        found = self.rows(statement, values)
        return int(found[0][0]) if found else 0

    def changes(self, statements: Sequence[tuple[str, Values]]) -> list[int]:
        """See :meth:`~oauth2.stores._database.Database.changes`."""

        def work(connection: sqlite3.Connection) -> list[int]:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                return [connection.execute(statement, values).rowcount for statement, values in statements]

        return self._run(work)

    def change_both(self, first: tuple[str, Values], second: tuple[str, Values]) -> bool:
        """See :meth:`~oauth2.stores._database.Database.change_both`."""

        def work(connection: sqlite3.Connection) -> bool:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                is_changed = connection.execute(*first).rowcount > 0
                if is_changed:
                    connection.execute(*second)
            return is_changed

        return self._run(work)

    def close(self) -> None:
        """Close the connection; the next call opens a new connection."""
        self._turn.stop()
        try:
            self._disconnect()
        finally:
            self._turn.resume()

    def _run(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """Return the result of *work*. While other processes write, *work* fails and is repeated.

        Raises:
            StoreUnavailable: *work* failed, but not because another process was writing; or the timeout has expired; or
                the database file or its write-ahead log was removed, replaced or truncated.
        """
        turn, attempts = self._turn, 0
        deadline: float | None = None  # The deadline is computed only if the call must wait.
        while True:
            if not turn.take_free():
                deadline = deadline or monotonic() + self._timeout
                turn.wait(deadline)
            try:
                # If the connection is already open, _opened() is not called. This saves 5 % of the time of a claim.
                connection = self._connection if self._pid == getpid() else None
                result = work(connection or self._opened())
            except sqlite3.Error as exc:
                cause = _shown(exc)
            else:
                if monotonic() >= self._check_again:
                    self._check_file()
                return result
            finally:
                turn.release()
            now = monotonic()
            deadline = deadline or now + self._timeout
            if now >= deadline or cause is None or cause.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                break
            # SQLite itself can wait for the lock of the file, but while SQLite waits, the other threads cannot read.
            sleep(min(_PAUSES[min(attempts, len(_PAUSES) - 1)], deadline - now))
            attempts += 1
        # This error is raised outside the except block. Otherwise the traceback would also show an error for which
        # _shown() returns None.
        raise StoreUnavailable("The store cannot be used.") from cause

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        connection = self._connection or self._open()
        if self._pid != getpid():
            raise StoreUnavailable(
                "The store was opened in another process, and the fork did not call Python's fork handlers. Create a "
                "new store."
            )
        return connection

    def _open(self) -> sqlite3.Connection:
        if self._identity is not None:
            self._check_file()  # If the file was removed, SQLite would create a new, empty database.
        connection = _connect(self._path)
        self._log = WriteAheadLog(self._path)
        self._connection, self._cursor, self._pid = connection, connection.cursor(), getpid()
        self._identity = self._identity or _identity(self._path)
        self._check_again = 0.0  # The next call checks again: the file may have been removed after the check above.
        return connection

    def _check_file(self) -> None:
        # SQLite continues to use a removed file. Other processes cannot read nonces that are claimed in the removed
        # file, and would accept these nonces again.
        found = None if self._is_lost else _identity(self._path)
        is_same = found is not None and found == self._identity
        if not is_same or (self._connection is not None and not self._log.is_whole(self._connection)):
            self._is_lost = True
            self._disconnect()
            raise StoreUnavailable(
                "The file or its -wal was removed, replaced or truncated. Create a new store to use the current file."
            )
        # If the file is removed, all nonces in the removed file are lost. Nonces that are claimed after the removal and
        # before the next check are also lost.
        self._check_again = monotonic() + _CHECK_EVERY


class WriteAheadLog:
    """The file with the suffix ``-wal``. This file contains the latest changes of the database.

    While any process has an open connection to the database, SQLite does not remove this file.
    """

    def __init__(self, path: str) -> None:
        self._path = f"{os.path.realpath(path)}-wal"  # SQLite follows a symbolic link.
        self._identity = _identity(self._path)
        self._size = 0  # Size of the file at the last check, in octets.
        self._check_again = 0.0  # Monotonic time of the next check.

    def is_whole(self, connection: sqlite3.Connection) -> bool:
        """Return True if the write-ahead log was not replaced, and contains all changes that SQLite has written.

        The file is checked at most once per millisecond.

        Raises:
            StoreUnavailable: The file cannot be checked.
        """
        now = monotonic()
        if now < self._check_again:
            return True
        try:
            found = os.stat(self._path)
            # If the file is truncated, SQLite continues to write at the previous end of the file. The file then has a
            # hole, and therefore fewer blocks than its size requires. A file that the file system has compressed also
            # has fewer blocks, so _has_hole() must examine the file.
            may_have_hole = getattr(found, "st_blocks", found.st_size) * 512 < found.st_size
            if (found.st_dev, found.st_ino) != self._identity or (may_have_hole and self._has_hole()):
                return False
        except FileNotFoundError:
            return False
        except OSError as exc:
            raise StoreUnavailable("The store cannot be used.") from exc
        if found.st_size < self._size and not self._has_all_frames(connection, found.st_size):
            return False
        self._size, self._check_again = found.st_size, now + _CHECK_LOG_EVERY
        return True

    def _has_hole(self) -> bool:
        # If a process closes a file, POSIX releases all locks of the process on this file. Here this is harmless,
        # because SQLite does not lock the -wal file.
        with open(self._path, "rb") as file:
            return file.seek(0, os.SEEK_HOLE) < file.seek(0, os.SEEK_END)

    def _has_all_frames(self, connection: sqlite3.Connection, size: int) -> bool:
        # A checkpoint of another process may truncate the log without losing data. After a checkpoint, SQLite reports
        # at most as many frames as the file contains. If frames are missing, SQLite reports more frames than the file
        # contains, or reports an error.
        try:
            _, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            (page,) = connection.execute("PRAGMA page_size").fetchone()
        except sqlite3.Error:
            return False
        if frames < 0:
            raise StoreUnavailable(
                "The write-ahead log of SQLite cannot be checked while another process copies changes from this log to "
                "the database."
            )
        return frames == 0 or _LOG_HEADER + int(frames) * (_FRAME_HEADER + int(page)) <= size


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise StoreUnavailable("The store cannot be used.") from exc
    return found.st_dev, found.st_ino


def _shown(error: sqlite3.Error) -> sqlite3.Error | None:
    """Return *error* if SQLite reported it.

    Return None if Python raised it, because the message of such an error may contain stored text.
    """
    return error if hasattr(error, "sqlite_errorcode") else None


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        _create_schema(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _create_schema(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SQLITE_VERSION:
        raise StoreUnavailable(
            f"The store has schema {version}; this version of oauth2 supports {SQLITE_VERSION}. Upgrade oauth2."
        )
    if version < SQLITE_VERSION:  # Create the missing tables; existing nonces are not deleted.
        grants = STATEMENTS.add_grants() if version == 2 else []
        for statement in [*grants, *STATEMENTS.create_nonces(), *STATEMENTS.create_credentials()]:
            connection.execute(statement)
    # The version is always written, so that opening a read-only file raises an error.
    connection.execute(f"PRAGMA user_version = {SQLITE_VERSION}")
    connection.execute("COMMIT")


# SQLite counts the file locks of a process. A forked child process inherits the count but not the locks. The child
# process would therefore write without a lock, and claims would be lost. To prevent this, _before_fork() waits until no
# claim is in progress, and closes all connections.
_FILES: weakref.WeakSet[DatabaseFile] = weakref.WeakSet()
_FORKING: list[DatabaseFile] = []


def _before_fork() -> None:
    FORK_LOCK.acquire()
    for file in list(_FILES):
        file._turn.stop()
        _FORKING.append(file)
        file._disconnect()


def _after_fork() -> None:
    while _FORKING:
        _FORKING.pop()._turn.resume()
    if FORK_LOCK.locked():  # False if a program that embeds Python calls PyOS_AfterFork_*() without PyOS_BeforeFork().
        FORK_LOCK.release()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
