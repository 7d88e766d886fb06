"""The tables of the site, beside those of the provider's store in one SQLite file."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMA = """
CREATE TABLE IF NOT EXISTS site_user (name TEXT PRIMARY KEY, password TEXT NOT NULL, since INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS site_session (
    digest BLOB PRIMARY KEY, user TEXT NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS site_attempt (subject TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS site_attempt_subject ON site_attempt (subject, at);
CREATE TABLE IF NOT EXISTS site_note (
    number INTEGER PRIMARY KEY, user TEXT NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL, client TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS site_note_user ON site_note (user, number);
"""
_TIMEOUT = 10.0  # seconds to wait for other processes that are writing


class Database:
    """An SQLite file with the site's tables; safe between threads and processes.

    The file is created readable for its owner alone: secrets are in it.

    Args:
        path: The file.

    Raises:
        StoreUnavailable: It cannot be opened or written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(path)
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(self._connect()) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else exc
            raise StoreUnavailable(f"{self.path} cannot be used as a database: {reason}") from exc

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give a connection whose changes are kept together, if the block ends well.

        Raises:
            StoreUnavailable: The database cannot be used.
        """
        # A connection for each: they are cheap, and none is open at a fork.
        try:
            with closing(self._connect()) as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
        except sqlite3.Error as exc:
            raise _unavailable() from exc

    def rows(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """Return what *query* finds.

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
            connection.execute("PRAGMA synchronous = NORMAL")  # as the store has it, in WAL mode
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _unavailable() -> StoreUnavailable:
    return StoreUnavailable("The site's database cannot be used.")
