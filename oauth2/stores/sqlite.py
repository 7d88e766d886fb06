"""``SQLiteStore``: one file, shared by all processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from threading import Lock
from typing import Any

from ..errors import StoreUnavailable
from .nonces import nonce_digest, oldest_kept

_VERSION = 1
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS nonce (timestamp INTEGER NOT NULL, digest BLOB NOT NULL,"
    " PRIMARY KEY (timestamp, digest)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS nonce_horizon (one INTEGER PRIMARY KEY CHECK (one = 1), oldest INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO nonce_horizon VALUES (1, 0)",
)
_CLAIM = """
INSERT OR IGNORE INTO nonce
SELECT ?, ? WHERE ? >= (SELECT oldest FROM nonce_horizon WHERE one = 1)
"""
_ADVANCE = "UPDATE nonce_horizon SET oldest = max(oldest, ?) WHERE one = 1"
_FORGET = """
DELETE FROM nonce WHERE (timestamp, digest) IN (
    SELECT timestamp, digest FROM nonce
    WHERE timestamp < (SELECT oldest FROM nonce_horizon WHERE one = 1)
    ORDER BY timestamp LIMIT ?)
"""
_FORGET_EVERY = 64  # one claim in so many looks for what can go
_FORGET_AT_MOST = 256  # rows a look: more than came in, so that it keeps up


class SQLiteStore:
    """Used nonces in an SQLite database (section 3.3); safe between threads and processes.

    A nonce that was claimed stays claimed when the process is killed. When the
    machine loses power, the last claims before it may be lost: the database is in
    WAL mode with ``synchronous=NORMAL``.

    Args:
        path: The database file; it is created if need be. ``":memory:"`` is
            refused: no other process would see it.
        window: Seconds; the largest ``timestamp_threshold`` of a server that uses it.
        timeout: Seconds to wait for other processes that are writing.

    Raises:
        ValueError: *path* names no file.
        StoreUnavailable: The database cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], *, window: int = 300, timeout: float = 10.0) -> None:
        name = os.fsdecode(path)
        if name in ("", ":memory:"):
            raise ValueError("path: a file wanted, so that other processes see it; use MemoryStore within one")
        self.path = os.path.abspath(name)
        self.window = window
        self.timeout = timeout
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0  # of the process that opened the connection
        with _FORK:
            _STORES.add(self)
        try:
            self._execute("SELECT 1")
        except StoreUnavailable as exc:
            raise StoreUnavailable(f"{self.path} cannot be used as a nonce store: {exc.__cause__ or exc}") from exc

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`.

        Raises:
            StoreUnavailable: The database cannot be written.
        """
        digest = nonce_digest(nonce, timestamp, consumer_key, token_key)
        # One statement, in a transaction of its own: that is what makes it atomic.
        new = self._execute(_CLAIM, (timestamp, digest, timestamp)).rowcount == 1
        if new and digest[0] % _FORGET_EVERY == 0:
            self._execute(_ADVANCE, (oldest_kept(timestamp, self.window),))
            self._execute(_FORGET, (_FORGET_AT_MOST,))
        return new

    def nonce_count(self) -> int:
        """Return how many nonces are remembered now.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        return int(self._execute("SELECT count(*) FROM nonce").fetchone()[0])

    def close(self) -> None:
        """Close the database; the next call opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _execute(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection, self._pid = _connect(self.path, self.timeout), os.getpid()
                if self._pid != os.getpid():
                    raise StoreUnavailable("The nonce store was opened before a fork that Python was not told of.")
                return self._connection.execute(statement, values)
            except sqlite3.Error as exc:
                raise StoreUnavailable("The nonce store cannot be used.") from exc


def _connect(path: str, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        _use_wal(connection, time.monotonic() + timeout)
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
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _make_schema(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise StoreUnavailable(f"The nonce store has schema {version}; this version knows {_VERSION}.")
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("COMMIT")


# SQLite counts the locks of a process, and a child process inherits the count but not
# the locks. It would take the file for its own and lose claims. So no connection is
# open, and no claim under way, at the moment of a fork.
_STORES: weakref.WeakSet[SQLiteStore] = weakref.WeakSet()
_FORKING: list[SQLiteStore] = []
_FORK = Lock()  # two threads may fork at once


def _before_fork() -> None:
    _FORK.acquire()
    for store in list(_STORES):
        store._lock.acquire()
        _FORKING.append(store)
        if store._connection is not None:
            store._connection.close()
            store._connection = None


def _after_fork() -> None:
    while _FORKING:
        _FORKING.pop()._lock.release()
    if _FORK.locked():  # else an embedding program forked, and told of it only afterwards
        _FORK.release()


if hasattr(os, "register_at_fork"):  # pragma: no branch - all but Windows
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
