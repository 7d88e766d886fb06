"""The tables of the site. By default, the SQLite file also contains the tables of the provider's store."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from ..errors import StoreUnavailable
from ..stores.sqlite import create_file, warn_of_access

__all__ = ["Database"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS site_user (name TEXT PRIMARY KEY, password TEXT NOT NULL, since INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS site_session (
    digest BLOB PRIMARY KEY, user TEXT NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS site_waiting (
    token TEXT PRIMARY KEY, user TEXT NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS site_attempt (subject TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS site_attempt_subject ON site_attempt (subject, at);
CREATE TABLE IF NOT EXISTS site_note (
    number INTEGER PRIMARY KEY, user TEXT NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL, client TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS site_note_user ON site_note (user, number);
"""
_TIMEOUT = 10.0  # Seconds to wait while another process writes; afterwards the transaction fails.


class Database:
    """An SQLite file with the tables of the site. Threads and processes can share it.

    A new file has mode 0600, because it contains secrets.

    Args:
        path: Path of the file.

    Raises:
        StoreUnavailable: The file cannot be opened or written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(path)
        try:
            create_file(self.path)
            with closing(self._connect()) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else exc
            raise StoreUnavailable(f"{self.path} cannot be used as a database: {reason}") from exc
        warn_of_access(self.path)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection. If the block raises no error, commit the changes.

        Raises:
            StoreUnavailable: The database cannot be used.
        """
        # Each transaction opens a new connection, because an SQLite connection must not be used after a fork.
        try:
            with closing(self._connect()) as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
        except sqlite3.Error as exc:
            raise _unavailable() from exc

    def rows(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """Return the rows that *query* selects.

        Raises:
            StoreUnavailable: The database cannot be used.
        """
        try:
            with closing(self._connect()) as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.Error as exc:
            raise _unavailable() from exc

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_TIMEOUT, isolation_level=None)
        try:
            # SQLiteStore has the same setting, which is safe in WAL mode.
            connection.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _unavailable() -> StoreUnavailable:
    return StoreUnavailable("The site's database cannot be used.")
