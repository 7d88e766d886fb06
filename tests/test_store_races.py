"""Stores with several processes: a nonce is claimed once and a verifier redeemed once, even if processes are killed."""

import itertools
import os
import random
import signal
import threading
import time
from contextlib import closing

import databases
import pytest
from children import PATIENCE, Child, fork, needs_fork, run_all
from hosted import Hosted

from oauth2.stores import TemporaryCredentials

T = 1_700_000_000
PROCESSES = 8

pytestmark = [needs_fork, pytest.mark.slow]


@pytest.fixture(scope="module", params=databases.SHARED)
def backend(request, tmp_path_factory):
    with databases.backend(request.param, tmp_path_factory.mktemp("stores")) as backend:
        backend.clear()
        yield backend


def open_anew(backend):
    """Return a store with its own connection."""
    return backend.make(backend.connect()) if hasattr(backend, "connect") else backend.make()


def claim_all(answers, barrier, backend, count):
    store = open_anew(backend)
    barrier.wait(PATIENCE)
    answers.put(sum(store.add_nonce(f"n{i}", T + i % 300, "c", None) for i in range(count)))
    store.close()


@pytest.mark.heavy
def test_a_thousand_nonces_are_claimed_a_thousand_times_by_eight_processes(backend):
    assert sum(run_all("fork", claim_all, backend, 1_000)) == 1_000
    assert open_anew(backend).nonce_count() == 1_000


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
    answers = run_all("fork", redeem_all, backend, keys)
    for number in range(len(keys)):
        redeemed = [each for answer in answers for each in answer[4 * number : 4 * number + 4]]
        assert sorted(redeemed) == [False] * 31 + [True]


def open_at_once(answers, barrier, kind, directory, prefixes):
    for prefix in prefixes:
        barrier.wait(PATIENCE)
        backend = databases.database(kind, directory, prefix=prefix)
        answers.put(backend.make().add_nonce(f"{os.getpid()}", T, "c", None))
        for engine in backend.engines:
            engine.dispose()


@pytest.mark.parametrize("kind", databases.SQL)
def test_eight_processes_make_the_tables_at_once(kind, tmp_path):
    backends = []
    try:
        with databases.backend(kind, tmp_path) as usable:
            prefixes = [f"{usable.prefix}{i}_" for i in range(2)]
        assert run_all("fork", open_at_once, kind, tmp_path, prefixes) == [True] * PROCESSES
        backends = [databases.database(kind, tmp_path, prefix=prefix) for prefix in prefixes]
        assert [backend.make().nonce_count() for backend in backends] == [PROCESSES] * len(prefixes)
    finally:
        for backend in backends:
            backend.close()


# --- the end of a process ------------------------------------------------------------


def claim_until_killed(backend, prefix, told):
    store = backend.make(backend.connect(is_durable=True)) if hasattr(backend, "connect") else backend.make()
    for number in itertools.count():
        nonce = f"{prefix}-{number}"
        if store.add_nonce(nonce, T, "c", "t"):
            os.write(told, nonce.encode() + b"\n")


def claim_and_be_killed(backend, prefix, patience):
    """Fork a process that claims nonces; kill it after it has reported some claims; return the reported nonces."""
    read, write = os.pipe()

    def claim():
        os.close(read)  # Otherwise the child would continue to write after the parent has ended.
        claim_until_killed(backend, prefix, write)

    pid = fork(claim)
    os.close(write)
    with os.fdopen(read) as lines:
        try:
            told = [lines.readline() for _ in range(patience)]
        finally:
            os.kill(pid, signal.SIGKILL)
        told += lines.readlines()
        assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    return [line.strip() for line in told if line.endswith("\n")]


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "asyncpg"])
def test_no_reported_claim_is_lost_when_its_process_is_killed(kind, tmp_path):
    with databases.backend(kind, tmp_path) as backend, closing(backend.make()) as store:
        told = []
        for round_ in range(25):
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
            with Child(
                lambda: store.add_nonce("before", T, "c", None),
                lambda round_=round_: store.add_nonce(f"child{round_}", T, "c", None),
            ) as child:
                assert not child.step()
                assert child.step()
                assert store.add_nonce(f"parent{round_}", T, "c", None)
            assert not store.add_nonce(f"child{round_}", T, "c", None)


# --- the end of a process that issues a token ------------------------------------------


def redeem_until_killed(backend, requests, told):
    store = backend.make(backend.connect(is_durable=True)) if hasattr(backend, "connect") else backend.make()
    provider = Hosted(store, consumers=()).provider
    for request in requests:
        os.write(told, b"%d" % (provider.access_token(request).status == 200))
    time.sleep(PATIENCE)


def redeem_and_be_killed(backend, requests, answers, pause):
    """Fork a process that redeems, and kill it *pause* seconds after it has sent *answers* answers.

    Return the number of answers that the process has sent.
    """
    read, write = os.pipe()
    pid = fork(lambda: redeem_until_killed(backend, requests, write))
    os.close(write)
    with os.fdopen(read, "rb", buffering=0) as told:
        given = b"".join(told.read(1) for _ in range(answers))
        time.sleep(pause)
        os.kill(pid, signal.SIGKILL)
        given += told.readall()
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    assert set(given) == {ord("1")}
    return len(given)


@pytest.mark.parametrize("kind", ["sqlite", *databases.SQL])
def test_no_approval_is_used_up_without_a_token_when_its_process_is_killed(kind, tmp_path):
    rounds, each, pauses = 16, 5, random.Random(7)
    with databases.backend(kind, tmp_path) as backend, closing(backend.make()) as store:
        hosted = Hosted(store)
        asked = [hosted.temporary() for _ in range(rounds * each)]
        requests = []
        for number, temporary in enumerate(asked):
            verifier = hosted.provider.approve(temporary.key, user=f"user{number}").verifier
            requests.append(hosted.sent("/access_token", token=temporary, verifier=verifier))
        for number in range(rounds):
            some = requests[number * each : (number + 1) * each]
            redeem_and_be_killed(backend, some, 1 + number % 4, pauses.uniform(0, 0.004))
        waiting = [store.get_temporary(temporary.key) is not None for temporary in asked]
        tokens = [len(store.tokens_of(f"user{number}")) for number in range(len(asked))]
        assert tokens == [0 if waits else 1 for waits in waiting]
        assert rounds < sum(tokens) < len(tokens)
        # A redemption that was interrupted before its commit succeeds when the client repeats it.
        number = waiting.index(True)
        verifier = store.get_temporary(asked[number].key).verifier
        assert hosted.exchange(asked[number], verifier).status == 200
