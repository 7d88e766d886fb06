"""Measure the time and the memory for storing a nonce, and the time for deleting a nonce."""

from __future__ import annotations

import os
import secrets
import sqlite3
import statistics
import time
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from oauth2.stores import MemoryStore
from oauth2.stores.sqlite import SQLiteStore

from .databases import MARIADB, POSTGRESQL, REDIS, SERVERS, place
from .peers import CREDENTIALS
from .probe import probe
from .report import Row, Table, progress, timed_rows
from .timing import interleave, spend

if TYPE_CHECKING:
    from collections.abc import Callable

    from .comparison import Setting
    from .databases import Place
    from .report import Report
    from .timing import Batch

    Claim = tuple[str, int, str, str]

MEMORY, SQLITE = "MemoryStore", "SQLiteStore"
BARE_SET, BARE_INSERT = "set of tuples", "bare prepared INSERT"
#: When a set of CPython is full, CPython makes its table four times as large. With these counts, some of the measured
#: sets are nearly full, and others have much free space.
COUNTS = (100_000, 141_000, 200_000, 283_000)

_WINDOW = 300
_SPREAD = 2 * _WINDOW  # Seconds between the oldest and the newest timestamp in a store.


def run(setting: Setting, report: Report) -> None:
    """Measure the memory of each store, and the time in which it adds and deletes nonces."""
    _memory_size(setting, report)
    _memory_insert(setting, report)
    _memory_expiry(setting, report)
    with TemporaryDirectory() as folder:
        _sqlite_insert(Path(folder), setting, report)
        _sqlite_size_and_expiry(Path(folder), setting, report)
    _servers(setting, report)


class _Claims:
    """Creates new nonces whose timestamps increase as on a busy server."""

    def __init__(self, per_second: int) -> None:
        self._numbers = count()
        self._per_second = per_second
        self._start = int(time.time())
        self._prefix = secrets.token_hex(8)

    def batch(self, size: int) -> list[Claim]:
        return [
            (
                f"{self._prefix}{number:06x}",
                self._start + number // self._per_second,
                CREDENTIALS.consumer_key,
                CREDENTIALS.token,
            )
            for number, _ in zip(self._numbers, range(size), strict=False)
        ]


# --- in memory --------------------------------------------------------------------

# The nonces are created one after another and not stored elsewhere, so only the memory of the store is counted.
_FILL = f"""
import gc, time
from oauth2.stores import MemoryStore
count = {{count}}
start = int(time.time())
store = MemoryStore(window={_WINDOW})
store.add_nonce("first", start, "key", "token")
gc.collect()
before = resident()
for number in range(count):
    store.add_nonce(f"a-nonce-of-22-chars{{{{number:06x}}}}", start + number * {_SPREAD} // count, "key", "token")
print((resident() - before) / store.nonce_count())
"""


def _memory_size(setting: Setting, report: Report) -> None:
    progress("memory of nonces")
    figures, notes = [], []
    for size in COUNTS[::2] if setting.quick else COUNTS:
        try:
            found = sorted(probe(_FILL.format(count=size)) for _ in range(3))
        except (OSError, RuntimeError) as exc:
            notes.append(f"not measured: {exc}")
            break
        figures.append(found[1])
        notes.append(f"{found[1]:.0f} for {size:,} nonces")
    row = Row(MEMORY, note="; ".join(notes))
    if figures:
        row = Row(
            MEMORY,
            min(figures),
            statistics.mean(figures),
            f"resident bytes per nonce: {'; '.join(notes)}",
        )
    title = f"MemoryStore: memory per nonce, timestamps spread over {_SPREAD} seconds (the last column is the mean)"
    report.add(Table("memory size", title, "bytes", [row]))


def _memory_insert(setting: Setting, report: Report) -> None:
    progress("inserts in memory")
    store, bare = MemoryStore(window=_WINDOW), set[tuple[str, int, str, str]]()
    mine, others = _Claims(20_000), _Claims(20_000)
    batches: dict[str, Batch] = {
        MEMORY: lambda size: spend(store.add_nonce, mine.batch(size)),
        BARE_SET: lambda size: spend(bare.add, [(claim,) for claim in others.batch(size)]),
    }
    rows = timed_rows(interleave(batches, setting.effort), "us", {})
    report.add(Table("memory insert", "MemoryStore: time to insert one nonce", "us", rows, (BARE_SET,)))


def _memory_expiry(setting: Setting, report: Report) -> None:
    # Each insert deletes a few expired nonces. This function measures the additional time for each deleted nonce.
    progress("expiry in memory")
    size = 30_000 if setting.quick else 200_000
    figures, longest = [], []
    for _ in range(3 if setting.quick else 5):
        store, fresh = MemoryStore(window=_WINDOW), MemoryStore(window=_WINDOW)
        claims = _Claims(size // _SPREAD)
        batch = claims.batch(size)
        spend(store.add_nonce, batch)
        held = store.nonce_count()
        after = [(nonce, timestamp + 10 * _SPREAD, key, token) for nonce, timestamp, key, token in batch[:1000]]
        each = [spend(store.add_nonce, [claim]) for claim in after]
        plain = [spend(fresh.add_nonce, [claim]) for claim in after]
        gone = held + len(after) - store.nonce_count()
        figures.append(max(sum(each) - sum(plain), 0.0) / gone * 1e9)
        longest.append(statistics.quantiles(each, n=100)[-1] * 1e6)
    note = f"after the expiry, 99 % of the claims (which delete the expired nonces) take at most {min(longest):.1f} us"
    row = Row(MEMORY, min(figures), statistics.median(figures), note)
    title = f"MemoryStore with {size:,} expired nonces: time to delete one nonce"
    report.add(Table("memory expiry", title, "ns", [row]))


# --- SQLite -----------------------------------------------------------------------

_BARE = (
    "CREATE TABLE nonce (timestamp INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (timestamp, digest))"
    " WITHOUT ROWID"
)


def _sqlite_insert(folder: Path, setting: Setting, report: Report) -> None:
    progress("inserts in SQLite")
    store, claims = SQLiteStore(folder / "store.db", window=_WINDOW), _Claims(2_000)
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", _BARE):
        bare.execute(statement)
    statement = "INSERT OR IGNORE INTO nonce VALUES (?, ?)"
    others = _Claims(2_000)

    def bare_batch(size: int) -> float:
        rows = [(statement, (timestamp, os.urandom(16))) for _, timestamp, _, _ in others.batch(size)]
        return spend(bare.execute, rows)

    batches: dict[str, Batch] = {
        SQLITE: lambda size: spend(store.add_nonce, claims.batch(size)),
        BARE_INSERT: bare_batch,
    }
    rows = timed_rows(interleave(batches, setting.effort), "us", {})
    store.close()
    bare.close()
    title = "SQLiteStore (WAL, synchronous=NORMAL), one process: time to insert one nonce in its own transaction"
    report.add(Table("sqlite insert", title, "us", rows, (BARE_INSERT,)))


def _sqlite_size_and_expiry(folder: Path, setting: Setting, report: Report) -> None:
    progress("size and expiry in SQLite")
    size = 5_000 if setting.quick else 50_000
    path = folder / "size.db"
    store, claims = SQLiteStore(path, window=_WINDOW), _Claims(size // _WINDOW)
    spend(store.add_nonce, claims.batch(size))
    store.close()  # Closing the store moves the write-ahead log into the database file.
    held = store.nonce_count()
    octets = path.stat().st_size / held
    title = f"SQLiteStore with {held:,} nonces: size of the file per nonce"
    report.add(Table("sqlite size", title, "bytes", [Row(SQLITE, octets, octets)]))

    # Inserts whose timestamps are one hour later delete the expired nonces. The same inserts into an empty store delete
    # nothing. The difference of the two times is the time of the deletions.
    fresh, later = SQLiteStore(folder / "fresh.db", window=_WINDOW), _Claims(size)
    batch = [(nonce, timestamp + 3600, key, token) for nonce, timestamp, key, token in later.batch(size // 4)]
    with_expiry, without = spend(store.add_nonce, batch), spend(fresh.add_nonce, batch)
    gone = held + len(batch) - store.nonce_count()
    figure = max(with_expiry - without, 0.0) / gone * 1e9 if gone else None
    note = f"{len(batch):,} inserts deleted {gone:,} expired nonces"
    store.close()
    fresh.close()
    title = "SQLiteStore: time to delete one expired nonce"
    report.add(Table("sqlite expiry", title, "ns", [Row(SQLITE, figure, figure, note)]))


# --- on servers -------------------------------------------------------------------

_SIZE_NOTES = {
    POSTGRESQL: "table and its index",
    MARIADB: "table, clustered by its key",
    REDIS: "MEMORY USAGE of all keys",
}


def _servers(setting: Setting, report: Report) -> None:
    sizes, inserts = [], []
    for kind in SERVERS:
        progress(f"nonces in {kind}")
        try:
            with place(kind) as made:
                sizes.append(_server_size(kind, made, 5_000 if setting.quick else 50_000))
                made.clean()
                with closing(made.store()) as store:
                    claims = _Claims(1_000)
                    batches: dict[str, Batch] = {kind: partial(_claim_all, store.add_nonce, claims)}
                    inserts += timed_rows(interleave(batches, setting.effort), "us", {})
        except LookupError as exc:
            sizes.append(Row(kind, note=str(exc)))
            inserts.append(Row(kind, note=str(exc)))
    title = f"Database servers: size per nonce, timestamps spread over {_SPREAD} seconds"
    report.add(Table("server size", title, "bytes", sizes))
    title = "Database servers, default configuration, one connection: time to insert one nonce in its own transaction"
    report.add(Table("server insert", title, "us", inserts))


def _server_size(kind: str, made: Place, count: int) -> Row:
    size = made.bytes_a_nonce(_Claims(max(1, count // _SPREAD)).batch(count))
    return Row(kind, size, size, f"{_SIZE_NOTES[kind]}; {count:,} nonces")


def _claim_all(add_nonce: Callable[..., bool], claims: _Claims, size: int) -> float:
    return spend(add_nonce, claims.batch(size))
