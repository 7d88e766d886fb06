"""Measure ``Provider.authenticate`` with each store, in one process and in two processes, in requests per second.

Each process signs its requests before the timing starts. All requests have the same client and the same token, and
every nonce is new. The configuration of the database servers is not changed for the benchmark.
"""

from __future__ import annotations

import multiprocessing
import statistics
from contextlib import closing
from time import perf_counter, process_time
from typing import TYPE_CHECKING, NamedTuple

from oauth2.http import HTTPRequest
from oauth2.provider import Provider, RequestPolicy
from oauth2.stores import ClientCredentials, TokenCredentials

from .databases import MARIADB, MEMORY, POSTGRESQL, REDIS, SQLITE, Place, place
from .peers import CREDENTIALS, WINDOW, receive
from .report import Row, Table, progress
from .timing import spend
from .workloads import MAIN

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from typing import Any

    from .comparison import Setting
    from .report import Report

_NAMES = {REDIS: "Redis, credentials in SQLite"}
_PATIENCE = 60  # Seconds to wait for a message of a process; afterwards the benchmark fails.
_FIRST = 100  # Number of requests in the first round, which estimates the rate.


class _Work(NamedTuple):
    """Instructions for one process.

    Attributes:
        kind: Kind of the store.
        folder: Directory of its files.
        prefix: Prefix of its table and key names.
        seconds: Duration of one round.
        rounds: Number of rounds.
    """

    kind: str
    folder: str
    prefix: str
    seconds: float
    rounds: int


class _Round(NamedTuple):
    """Result of one round.

    Attributes:
        rate: Requests per second.
        own: Processor time of one request in the measured process, in seconds.
    """

    rate: float
    own: float


def run(setting: Setting, report: Report) -> None:
    """Measure the throughput of each store."""
    for processes in (1, 2):
        rows = [_row(kind, processes, setting) for kind in (MEMORY, SQLITE, POSTGRESQL, MARIADB, REDIS)]
        words = "one process" if processes == 1 else "two processes"
        title = f"Provider.authenticate, {MAIN[0].title}: requests per second, {words}, each with one connection"
        report.add(Table(f"provider {processes}", title, "requests/s", rows))


def _row(kind: str, processes: int, setting: Setting) -> Row:
    name = _NAMES.get(kind, kind)
    if kind == MEMORY and processes > 1:
        return Row(name, note="not measured: two processes cannot share this store")
    progress(f"authenticate: {name}, {processes} at once")
    try:
        with place(kind) as made:
            _keep_credentials(made)
            rounds = 3 if setting.quick else 7
            work = _Work(kind, made.folder, made.prefix, 0.25 if setting.quick else 1.0, rounds)
            figures = _measure(work, processes)
    except LookupError as exc:
        return Row(name, note=str(exc))
    rates, own = [rate for rate, _ in figures], min(figure for _, figure in figures)
    note = f"fastest round {max(rates):,.0f} requests/s; processor time per request at least {own * 1e6:,.0f} us"
    return Row(name, min(rates), statistics.median(rates), note)


def _keep_credentials(made: Place) -> None:
    with closing(made.store()) as store:
        _introduce(store)


def _introduce(store: Any) -> None:
    key, token = CREDENTIALS.consumer_key, CREDENTIALS.token
    store.add_consumer(ClientCredentials(key=key, secret=CREDENTIALS.consumer_secret))
    store.add_token(TokenCredentials(key=token, secret=CREDENTIALS.token_secret, consumer_key=key, user="jane"))


def _measure(work: _Work, processes: int) -> list[_Round]:
    """Return one result for each round; it combines the results of all processes."""
    context = multiprocessing.get_context("spawn")
    started = []
    for _ in range(processes):
        ours, theirs = context.Pipe()
        process = context.Process(target=_authenticate, args=(work, theirs), daemon=True)
        process.start()
        theirs.close()
        started.append((process, ours))
    try:
        return [_round([pipe for _, pipe in started]) for _ in range(work.rounds)]
    finally:
        for process, pipe in started:
            pipe.close()
            process.join(_PATIENCE)
            if process.is_alive():
                process.kill()


def _round(pipes: list[Connection]) -> _Round:
    for pipe in pipes:
        _answer(pipe)  # The process sends this message after it has signed its requests.
    for pipe in pipes:
        pipe.send("go")
    answers = [_answer(pipe) for pipe in pipes]
    return _Round(sum(rate for rate, _ in answers), min(own for _, own in answers))


def _answer(pipe: Connection) -> _Round:
    if not pipe.poll(_PATIENCE):
        raise LookupError(f"not measured: no response in {_PATIENCE} seconds")
    try:
        return _Round(*pipe.recv())
    except EOFError:
        raise LookupError("not measured: the process that uses the store failed") from None


def _authenticate(work: _Work, pipe: Connection) -> None:
    """Measure in a separate process until the parent process closes *pipe*."""
    with closing(Place(work.kind, work.folder, work.prefix).store()) as store:
        if work.kind == MEMORY:
            _introduce(store)
        provider = Provider(store, policy=RequestPolicy(timestamp_threshold=WINDOW))
        size = _FIRST
        for number in range(-1, work.rounds):
            requests = _requests(size)
            if number >= 0:
                pipe.send((0, 0))
                pipe.recv()
            start, own = perf_counter(), process_time()
            spend(provider.authenticate, requests)
            rate, own = len(requests) / (perf_counter() - start), (process_time() - own) / len(requests)
            size = max(1, int(rate * work.seconds))
            if number >= 0:
                pipe.send((rate, own))


def _requests(size: int) -> list[tuple[HTTPRequest]]:
    received = [receive(call) for call in MAIN[0].batch(size)]
    return [(HTTPRequest(each.method, each.url, list(each.headers.items()), each.body),) for each in received]
