"""Compare a run with its goals. Each ratio is computed from the shortest times of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .client import HTTPLIB2, OTHERS, signed, unsigned
from .report import FLOOR, OURS, Goal, geometric_mean
from .scaling import BARE_HASH
from .served import BARE as BARE_APP
from .served import MEMORY as MEMORY_APP
from .served import SQLITE as SQLITE_APP
from .servers import ALONE, ASGI, WSGI
from .sign import BARE_RSA
from .stores import BARE_INSERT, MEMORY, SQLITE
from .workloads import MAIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .report import Report, Table

_KEYS = [workload.key for workload in MAIN]


def goals(report: Report) -> list[Goal]:
    """Return all goals; goals of suites that did not run are marked as not measured."""
    tables = report.tables
    signs = [tables[f"sign {key}"] for key in _KEYS if f"sign {key}" in tables]
    verifies = [tables[f"verify {key}"] for key in _KEYS if f"verify {key}" in tables]
    return [
        _floor(
            "sign, each of the workloads a to d: at most 4.5 times the time of the floor, and at most 3.0 times in the"
            " geometric mean",
            signs,
            3.0,
            4.5,
        ),
        _fastest(signs),
        _faster("sign, each of the workloads a to d: at least 6.5 times as fast as oauthlib", signs, "oauthlib", 6.5),
        _floor(
            "verify, workloads a to d: at most 2.5 times the time of the floor in the geometric mean",
            verifies,
            2.5,
            None,
        ),
        _faster("verify, each of the workloads a to d: at least 4 times as fast as Authlib", verifies, "Authlib", 4.0),
        _ratio(
            "sign with RSA-SHA256: at most 1.10 times the time of a bare signature with cryptography",
            tables.get("sign rsa"),
            OURS,
            BARE_RSA,
            1.10,
        ),
        _parameters(tables),
        _hostile(tables.get("hostile")),
        _body(tables),
        _import(tables),
        _memory_store(tables),
        _sqlite(tables.get("sqlite insert")),
        _client(tables),
        _clients(tables),
        _ratio(
            "Protected (WSGI), empty application, MemoryStore: at most 1.35 times the time of"
            " Provider.authenticate alone",
            tables.get("middleware"),
            WSGI,
            ALONE[MEMORY_APP],
            1.35,
        ),
        _ratio(
            "Protected (ASGI), empty application, AsyncProvider, MemoryStore: at most 1.6 times the time of"
            " Provider.authenticate alone",
            tables.get("middleware"),
            ASGI,
            ALONE[MEMORY_APP],
            1.6,
        ),
        _uvicorn(tables),
    ]


def _unmeasured(text: str) -> Goal:
    return Goal(text, "-", None)


def _ratios(tables: Iterable[Table], library: str, base: str) -> list[float] | None:
    ratios = [table.ratio(library, base) for table in tables]
    found = [ratio for ratio in ratios if ratio is not None]
    return found if found and len(found) == len(ratios) else None


def _floor(text: str, tables: Sequence[Table], mean_limit: float, row_limit: float | None) -> Goal:
    ratios = _ratios(tables, OURS, FLOOR)
    if ratios is None:
        return _unmeasured(text)
    mean = geometric_mean(ratios)
    met = mean <= mean_limit and (row_limit is None or max(ratios) <= row_limit)
    return Goal(text, f"{mean:.2f} ({_list(ratios)})", met)


def _fastest(tables: Sequence[Table]) -> Goal:
    text = "sign, each of the workloads a to d: at least 2.5 times as fast as the fastest other library"
    factors, names = [], []
    for table in tables:
        peers = [row for row in table.rows if row.library not in (OURS, FLOOR) and row.minimum is not None]
        peer = min(peers, key=lambda row: row.minimum or 0, default=None)
        ratio = None if peer is None else table.ratio(peer.library, OURS)
        if peer is None or ratio is None:
            return _unmeasured(text)
        factors.append(ratio)
        names.append(f"{ratio:.2f} ({peer.library})")
    return Goal(text, ", ".join(names), min(factors) >= 2.5) if factors else _unmeasured(text)


def _faster(text: str, tables: Sequence[Table], peer: str, factor: float) -> Goal:
    # Each ratio is the time of the other library divided by the time of this project. No ratio may be less than
    # *factor*.
    ratios = _ratios(tables, peer, OURS)
    return _unmeasured(text) if ratios is None else Goal(text, _list(ratios), min(ratios) >= factor)


def _ratio(text: str, table: Table | None, library: str, base: str, limit: float) -> Goal:
    ratio = None if table is None else table.ratio(library, base)
    return _unmeasured(text) if ratio is None else Goal(text, f"{ratio:.3f}", ratio <= limit)


def _figure(tables: dict[str, Table], key: str, library: str) -> float | None:
    table = tables.get(key)
    return None if table is None else table.minimum(library)


def _parameters(tables: dict[str, Table]) -> Goal:
    text = (
        "sign 10,000 query parameters: at most 0.5 us for each, and at most 1.3 times the time for each of 1,000"
        " parameters"
    )
    many, fewer = (_figure(tables, f"sign parameters {size}", OURS) for size in (10_000, 1_000))
    if many is None or fewer is None:
        return _unmeasured(text)
    return Goal(text, f"{many:.3f} us, {many / fewer:.2f} times", many <= 0.5 and many <= 1.3 * fewer)


def _hostile(table: Table | None) -> Goal:
    text = (
        "hostile header, query or form, with the size limits of the package switched off: 512 KB take at most 12"
        " times as long as 64 KB"
    )
    if table is None:
        return _unmeasured(text)
    worst = max(table.rows, key=lambda row: row.minimum or 0)
    return Goal(text, f"at most {worst.minimum or 0:.1f} times ({worst.library})", (worst.minimum or 0) <= 12)


def _body(tables: dict[str, Table]) -> Goal:
    text = (
        "sign a body of 10 MB: oauth_body_hash takes at most 1.05 times the time of a bare SHA-1 hash, and signing"
        " needs additional memory for less than 1 % of the body, or less than 25 % if the body is a file"
    )
    time = tables["body time"].ratio(OURS, BARE_HASH) if "body time" in tables else None
    memory, file = (_figure(tables, "body memory", name) for name in (OURS, f"{OURS}, file"))
    if time is None or memory is None or file is None:
        return _unmeasured(text)
    measured = f"{time:.3f}; {memory:.2f} %; file {file:.0f} %"
    return Goal(text, measured, time <= 1.05 and memory < 1 and file < 25)


def _import(tables: dict[str, Table]) -> Goal:
    text = "import oauth2 in a fresh interpreter: takes at most 20 ms, adds at most 4 MB, does not load httplib2"
    time, memory = _figure(tables, "import time", OURS), _figure(tables, "import memory", OURS)
    if time is None or memory is None:
        return _unmeasured(text)
    return Goal(text, f"{time:.1f} ms, {memory:.1f} MB", time <= 20 and memory <= 4)


def _memory_store(tables: dict[str, Table]) -> Goal:
    text = (
        "each nonce in MemoryStore: at most 100 bytes (mean of several measurements), at most 60 ns to delete after"
        " its expiry, at most 1.2 us to insert"
    )
    table = tables.get("memory size")
    size = None if table is None else table.rows[0].median
    expiry, insert = _figure(tables, "memory expiry", MEMORY), _figure(tables, "memory insert", MEMORY)
    if size is None or expiry is None or insert is None:
        return _unmeasured(text)
    measured = f"{size:.0f} bytes, {expiry:.0f} ns, {insert:.2f} us"
    return Goal(text, measured, size <= 100 and expiry <= 60 and insert <= 1.2)


def _sqlite(table: Table | None) -> Goal:
    text = (
        "SQLiteStore (WAL, synchronous=NORMAL), one process: inserts at least 80 % as many nonces per second as a bare"
        " prepared INSERT"
    )
    ratio = None if table is None else table.ratio(BARE_INSERT, SQLITE)
    return _unmeasured(text) if ratio is None else Goal(text, f"{ratio:.0%}", ratio >= 0.8)


def _uvicorn(tables: dict[str, Table]) -> Goal:
    text = (
        "Protected over SQLiteStore in uvicorn, empty application: adds at most 2.0 times the time of"
        " Provider.authenticate alone"
    )
    names = (SQLITE_APP, BARE_APP, ALONE[SQLITE_APP])
    protected, bare, alone = (_figure(tables, "server uvicorn", name) for name in names)
    if protected is None or bare is None or not alone:
        return _unmeasured(text)
    factor = (protected - bare) / alone
    return Goal(text, f"+ {factor:.2f} times", factor <= 2.0)


def _client(tables: dict[str, Table]) -> Goal:
    text = "Client, compared with httplib2, over loopback, workloads a and b: signing adds at most 80 us per request"
    added = _added(tables, OURS, HTTPLIB2)
    if added is None:
        return _unmeasured(text)
    return Goal(text, ", ".join([f"{each:.0f} us" for each in added]), max(added) <= 80)


def _clients(tables: dict[str, Table]) -> Goal:
    text = "OAuth1 in other clients, over loopback, workloads a and b: signing adds at most as much time as in Client"
    limit = _added(tables, OURS, HTTPLIB2)
    measured, met = [], True
    for client in OTHERS:
        added = _added(tables, signed(client), unsigned(client))
        if added is None or limit is None:
            return _unmeasured(text)
        measured.append(f"{client} {' and '.join([f'{each:.0f}' for each in added])} us")
        met = met and all(each <= most for each, most in zip(added, limit, strict=True))
    return Goal(text, ", ".join(measured), met)


def _added(tables: dict[str, Table], name: str, bare_name: str) -> list[float] | None:
    added = []
    for key in _KEYS[:2]:
        figure, bare = (_figure(tables, f"client {key}", each) for each in (name, bare_name))
        if figure is None or bare is None:
            return None
        added.append(figure - bare)
    return added


def _list(values: Iterable[float]) -> str:
    return ", ".join([f"{value:.2f}" for value in values])
