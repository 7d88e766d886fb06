"""``SQLiteStore``: a store for all records in one file, which all processes of one machine can share."""

from __future__ import annotations

import contextlib
import os
import shlex
import warnings

from ..errors import StoreUnavailable
from ._database import Values
from ._sql import SQLStore
from ._sqlite_file import FORK_LOCK, STATEMENTS, DatabaseFile
from ._statements import DELETE_AT_MOST, DELETE_EVERY
from .cipher import Cipher
from .nonces import checked_seconds, nonce_digest, oldest_kept

__all__ = ["SQLiteStore", "create_file", "warn_of_access"]

_OTHERS = 0o077  # The permission bits of the group and of other users.
# The statement has positional parameters, because sqlite3 binds them faster than named parameters.
_CLAIM = """
INSERT OR IGNORE INTO nonce (timestamp, digest)
SELECT ?, ? FROM nonce_horizon WHERE one = 1 AND oldest <= ?
"""


class SQLiteStore(SQLStore):
    """A store for all records in an SQLite database. Several threads and processes can use it at the same time.

    If the process is killed, completed writes are not lost. If the machine loses power, the last writes may be lost,
    because the database is in WAL mode with ``synchronous=NORMAL``.

    If the file or its ``-wal`` is removed, replaced or truncated while a store is open, nonces may be lost. In this
    case, every method of the store raises StoreUnavailable. After the SQL statement, each method checks that both files
    are still the files that the store opened. The file is checked at most once in 0.2 milliseconds, and the ``-wal`` at
    most once per millisecond. If a checkpoint of SQLite in another process truncates the ``-wal``, no error is raised,
    because a checkpoint loses no data.

    If several threads together call the methods more than 5,000 times a second, a thread may wait 5 milliseconds, or
    longer if more threads wait. Without these pauses, each call would need about three times as much processor time.

    The file and the files with the suffixes ``-wal`` and ``-shm`` contain secrets. These three files are created with
    mode 0600. If other users than the owner have access to an existing file, Python issues a ``UserWarning``.

    Args:
        path: The database file; it is created if it does not exist. ``":memory:"`` is refused, because other processes
            could not read such a database.
        window: The largest ``timestamp_threshold`` of a server that may use this store, in seconds.
        timeout: Maximum time, in seconds, that a method waits for other processes that write or for other threads that
            use the store. Afterwards the method raises StoreUnavailable. While one thread waits for another
            process, other threads of this process can read.
        cipher: The cipher that encrypts secrets in the file; None for no encryption.

    Raises:
        TypeError: *window* or *timeout* is not a number.
        ValueError: *path* is not the path of a file, or *window* or *timeout* is negative.
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
            raise ValueError(
                "path: must be the path of a file, so that other processes can use it; for one process, use MemoryStore"
            )
        self._path = os.path.abspath(name)
        self._file = DatabaseFile(self._path, checked_seconds("timeout", timeout))
        self._cleaned = -1  # This process has deleted all nonces below this horizon.
        super().__init__(self._file, STATEMENTS, window=window, cipher=cipher)
        create_file(self._path)
        try:
            self._file.rows("SELECT 1", {})
        except StoreUnavailable as exc:
            raise StoreUnavailable(f"{self._path} cannot be used as a store: {exc.__cause__ or exc}") from exc
        warn_of_access(self._path)

    @property
    def path(self) -> str:
        """The absolute path of the database file."""
        return self._path

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`.

        This method executes one statement. For one of 64 new nonces, this method executes four more statements to
        delete old nonces.

        Raises:
            StoreUnavailable: The database cannot be written, or its file was removed, replaced or truncated.
        """
        digest = nonce_digest(nonce, timestamp, consumer_key, token_key)
        # The claim is one statement in a separate transaction, so the claim is atomic.
        new = self._file.change(_CLAIM, (timestamp, digest, timestamp)) == 1
        if new and digest[0] % DELETE_EVERY == 0:
            self._delete_old_nonces(oldest_kept(timestamp, self.window))
        return new

    def _delete_old_nonces(self, oldest: int) -> None:
        # Delete at most DELETE_AT_MOST nonces with timestamps below the horizon *oldest*. Afterwards the store refuses
        # all nonces with these timestamps.
        if oldest <= self._cleaned:
            return
        steps: list[tuple[str, Values]] = [(STATEMENTS.advance, {"oldest": oldest}), (STATEMENTS.delete_old_nonces, {})]
        if self._file.changes(steps)[-1] < DELETE_AT_MOST:
            self._cleaned = oldest


def create_file(path: str) -> None:
    """Create a database file with mode 0600 if it does not exist. SQLite gives this mode to the -wal and the -shm."""
    # O_EXCL prevents opening an existing file. Closing an existing file would release the locks that SQLite has on this
    # file in this process. If the file cannot be created, SQLite reports the reason when it opens the file.
    with FORK_LOCK, contextlib.suppress(OSError):
        os.close(os.open(os.path.realpath(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def warn_of_access(path: str) -> None:
    """Warn if other users than the owner have access to a database file, its -wal or its -shm."""
    file = os.path.realpath(path)  # SQLite follows a symbolic link, and creates -wal and -shm next to the target.
    found = [each for each in (file, f"{file}-wal", f"{file}-shm") if _is_open_to_others(each)]
    if found:
        remedy = f"Run: chmod 600 {shlex.join(found)}"
        # With stacklevel=1, the warning has the same location for every caller. Therefore Python reports a file only
        # once.
        warnings.warn(f"Other users have access to a database that contains secrets. {remedy}", stacklevel=1)


def _is_open_to_others(file: str) -> bool:
    try:
        return os.name == "posix" and bool(os.stat(file).st_mode & _OTHERS)
    except OSError:
        return False
