"""``SQLiteStore``: one file, shared by all processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from ..errors import StoreUnavailable
from . import nonce_digest, oldest_kept

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION = 1
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS nonce (timestamp INTEGER NOT NULL, digest BLOB NOT NULL,"
    " PRIMARY KEY (timestamp, digest)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS nonce_horizon (one INTEGER PRIMARY KEY CHECK (one = 1), oldest INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO nonce_horizon VALUES (1, 0)",
)
_CLAIM = """
INSERT OR IGNORE INTO nonce
SELECT ?1, ?2 WHERE ?1 >= (SELECT oldest FROM nonce_horizon WHERE one = 1)
"""
_ADVANCE = "UPDATE nonce_horizon SET oldest = max(oldest, ?) WHERE one = 1"
_FORGET = """
DELETE FROM nonce WHERE (timestamp, digest) IN (
    SELECT timestamp, digest FROM nonce
    WHERE timestamp < (SELECT oldest FROM nonce_horizon WHERE one = 1)
    ORDER BY timestamp LIMIT ?)
"""
_FORGET_EVERY = 64  # claims between two looks for what can go
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
        self.path = os.fspath(path)
        if self.path in ("", ":memory:"):
            raise ValueError("path: a file wanted, so that other processes see it; use MemoryStore within one")
        self.window = window
        self.timeout = timeout
        self._lock = Lock()
        self._claims = 0
        self._connection: sqlite3.Connection | None = None
        with self._open():
            pass
        _reset_after_fork(self)

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`.

        Raises:
            StoreUnavailable: The database cannot be written.
        """
        digest = nonce_digest(nonce, timestamp, consumer_key, token_key)
        with self._open() as connection:
            # One statement, in a transaction of its own: that is what makes it atomic.
            new = connection.execute(_CLAIM, (timestamp, digest)).rowcount == 1
            self._claims += 1
            if new and self._claims % _FORGET_EVERY == 0:
                connection.execute(_ADVANCE, (oldest_kept(timestamp, self.window),))
                connection.execute(_FORGET, (_FORGET_AT_MOST,))
        return new

    def nonce_count(self) -> int:
        """Return how many nonces are remembered now.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        with self._open() as connection:
            return int(connection.execute("SELECT count(*) FROM nonce").fetchone()[0])

    def close(self) -> None:
        """Close the database; the next call opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = _connect(self.path, self.timeout)
                yield self._connection
            except sqlite3.Error as exc:
                raise StoreUnavailable("The nonce store cannot be used.") from exc


def _connect(path: str, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout, isolation_level=None, check_same_thread=False)
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            # Not covered by SQLite's own waiting while another process opens the same new file.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous = NORMAL")
    _make_schema(connection)
    return connection


def _make_schema(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        connection.execute("ROLLBACK")
        raise StoreUnavailable(f"The nonce store has schema {version}; this version knows {_VERSION}.")
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("COMMIT")


_INHERITED: list[sqlite3.Connection] = []


def _reset_after_fork(store: SQLiteStore) -> None:
    # A child process must neither use nor close its parent's connection, and
    # another thread of the parent may have held the lock.
    reference = weakref.ref(store)

    def reset() -> None:
        if (inherited := reference()) is not None:
            if inherited._connection is not None:
                _INHERITED.append(inherited._connection)
            inherited._connection = None
            inherited._lock = Lock()

    os.register_at_fork(after_in_child=reset)
