"""Stores between processes: a nonce is claimed once and a verifier redeemed once, whoever races and whoever dies."""

import itertools
import multiprocessing
import os
import signal
import threading
from contextlib import closing

import databases
import pytest

from oauth2.stores import TemporaryCredentials

T = 1_700_000_000
PATIENCE = 120  # seconds until a process that does not answer counts as hung
PROCESSES = 8

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here"),
    # Where threads run, as in a parallel test run, Python 3.12 and later warn of fork.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


@pytest.fixture(scope="module", params=databases.SHARED)
def backend(request, tmp_path_factory):
    with databases.backend(request.param, tmp_path_factory.mktemp("stores")) as backend:
        backend.clear()
        yield backend


def open_anew(backend):
    """Return a store with a connection of its own."""
    return backend.make(backend.connect()) if hasattr(backend, "connect") else backend.make()


def run_all(target, *args, count=PROCESSES):
    """Run *target* in processes at once; return what each of them put into its queue."""
    context = multiprocessing.get_context("fork")
    answers, barrier = context.Queue(), context.Barrier(count)
    processes = [context.Process(target=target, args=(answers, barrier, *args), daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        return [answers.get(timeout=PATIENCE) for _ in processes]
    finally:
        for process in processes:
            process.join(PATIENCE)
            if process.is_alive():
                process.kill()


def claim_all(answers, barrier, backend, count):
    store = open_anew(backend)
    barrier.wait(PATIENCE)
    answers.put(sum(store.add_nonce(f"n{i}", T + i % 300, "c", None) for i in range(count)))
    store.close()


@pytest.mark.heavy
def test_ten_thousand_nonces_are_claimed_ten_thousand_times_by_eight_processes(backend):
    assert sum(run_all(claim_all, backend, 10_000)) == 10_000
    assert open_anew(backend).nonce_count() == 10_000


def redeem_all(answers, barrier, backend, keys):
    store = open_anew(backend)
    redeemed = []

    def redeem(key):
        redeemed.append(store.redeem(key) is not None)

    for key in keys:
        threads = [threading.Thread(target=redeem, args=(key,)) for _ in range(4)]
        barrier.wait(PATIENCE)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    answers.put(redeemed)
    store.close()


def test_of_32_redemptions_in_eight_processes_exactly_one_succeeds(backend):
    store, keys = open_anew(backend), [f"t{i}" for i in range(3)]
    for key in keys:
        store.issue(
            TemporaryCredentials(key=key, secret="s", consumer_key="c", callback="oob", issued_at=T, expires_at=T + 600)
        )
    answers = run_all(redeem_all, backend, keys)
    for number in range(len(keys)):
        redeemed = [each for answer in answers for each in answer[4 * number : 4 * number + 4]]
        assert sorted(redeemed) == [False] * 31 + [True]


def open_at_once(answers, barrier, kind, directory, prefixes):
    for prefix in prefixes:
        barrier.wait(PATIENCE)
        backend = databases.Database(kind, directory, prefix=prefix)
        answers.put(backend.make().add_nonce(f"{os.getpid()}", T, "c", None))
        backend.engine.dispose()


@pytest.mark.parametrize("kind", databases.SQL)
def test_eight_processes_make_the_tables_at_once(kind, tmp_path):
    backends = []
    try:
        with databases.backend(kind, tmp_path) as usable:
            prefixes = [f"{usable.prefix}{i}_" for i in range(3)]
        assert run_all(open_at_once, kind, tmp_path, prefixes) == [True] * PROCESSES
        backends = [databases.Database(kind, tmp_path, prefix=prefix) for prefix in prefixes]
        assert [backend.make().nonce_count() for backend in backends] == [PROCESSES] * len(prefixes)
    finally:
        for backend in backends:
            backend.close()


# --- the end of a process ------------------------------------------------------------


def claim_until_killed(backend, prefix, told):
    store = backend.make(backend.connect(connect_args={})) if hasattr(backend, "connect") else backend.make()
    for number in itertools.count():
        nonce = f"{prefix}-{number}"
        if store.add_nonce(nonce, T, "c", "t"):
            os.write(told, nonce.encode() + b"\n")


def claim_and_be_killed(backend, prefix, patience):
    """Fork a process that claims; kill it once it has told of some claims; return what it told."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            claim_until_killed(backend, prefix, write)
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as lines:
        told = [lines.readline() for _ in range(patience)]
        os.kill(pid, signal.SIGKILL)
        told += lines.readlines()
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    return [line.strip() for line in told if line.endswith("\n")]


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_claim_that_was_told_is_forgotten_when_its_process_is_killed(kind, tmp_path):
    with databases.backend(kind, tmp_path) as backend, closing(backend.make()) as store:
        told = []
        for round_ in range(100):
            told.append(claim_and_be_killed(backend, f"round{round_}", 1 + round_ % 7))
            assert not [nonce for nonce in told[-1] if store.add_nonce(nonce, T, "c", "t")]
        assert not [nonce for (nonce, *_) in told if store.add_nonce(nonce, T, "c", "t")]
        assert all(told)


@pytest.mark.parametrize("kind", databases.SQL)
def test_a_child_uses_the_store_it_was_forked_with_and_the_parent_goes_on(kind, tmp_path):
    with databases.backend(kind, tmp_path) as backend:
        store = backend.make()
        assert store.add_nonce("before", T, "c", None)
        for round_ in range(3):
            pid = os.fork()
            if pid == 0:
                try:
                    claims = [store.add_nonce(each, T, "c", None) for each in ("before", f"child{round_}")]
                    os._exit(0 if claims == [False, True] else 2)
                finally:
                    os._exit(1)
            assert store.add_nonce(f"parent{round_}", T, "c", None)
            assert os.waitpid(pid, 0)[1] == 0
            assert not store.add_nonce(f"child{round_}", T, "c", None)
