"""``SQLiteStore`` with several processes: no claim is lost if processes are killed, fork, or restart."""

import contextlib
import functools
import itertools
import multiprocessing
import os
import re
import shlex
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from children import PATIENCE, Child, Crew, needs_fork
from peer import NOW, Peer, Service

import oauth2
from oauth2.errors import StoreUnavailable
from oauth2.stores import sqlite
from oauth2.stores.sqlite import SQLiteStore

pytestmark = pytest.mark.slow

T = NOW
PROCESSES = 8

METHODS = [m for m in ("spawn", "fork") if m in multiprocessing.get_all_start_methods()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "nonces.db"


@pytest.fixture
def store(path):
    with contextlib.closing(SQLiteStore(path)) as store:
        yield store


@pytest.fixture(scope="module", params=METHODS)
def crew(request):
    with contextlib.closing(Crew(request.param, PROCESSES)) as crew:
        yield crew


def claim_in_rounds(answers, barrier, path, rounds):
    store = SQLiteStore(path)
    claims = []
    for round_ in range(rounds):
        barrier.wait(PATIENCE)
        claims.append(store.add_nonce(f"round{round_}", T, "c", "t"))
    store.close()
    answers.put(claims)


def test_of_eight_processes_with_one_nonce_exactly_one_claims_it(path, crew):
    claims = crew.run(claim_in_rounds, path, 60)
    assert [sum(claimed) for claimed in zip(*claims, strict=True)] == [1] * 60


def claim_all(answers, barrier, path, count):
    store = SQLiteStore(path)
    barrier.wait(PATIENCE)
    answers.put(sum(store.add_nonce(f"n{i}", T + i % 300, "c", None) for i in range(count)))
    store.close()


def test_two_thousand_nonces_are_claimed_two_thousand_times_by_eight_processes(path, crew):
    assert sum(crew.run(claim_all, path, 2_000)) == 2_000
    with contextlib.closing(SQLiteStore(path)) as store:
        assert store.nonce_count() == 2_000


def open_at_once(answers, barrier, directory, rounds):
    opened = 0
    for round_ in range(rounds):
        barrier.wait(PATIENCE)
        store = SQLiteStore(directory / f"fresh{round_}.db")
        opened += store.add_nonce(f"{os.getpid()}", T, "c", None)
        store.close()
    answers.put(opened)


def test_eight_processes_open_a_fresh_file_at_once(tmp_path, crew):
    assert crew.run(open_at_once, tmp_path, 10) == [10] * PROCESSES
    for round_ in range(10):
        with contextlib.closing(SQLiteStore(tmp_path / f"fresh{round_}.db")) as store:
            assert store.nonce_count() == PROCESSES


def send(answers, barrier, path, sent):
    service = Service(SQLiteStore(path))
    barrier.wait(PATIENCE)
    try:
        answers.put(service(*sent))
    except oauth2.Error as exc:
        answers.put(type(exc).__name__)
    finally:
        service.store.close()


def test_one_signed_request_gets_into_one_of_eight_workers(path, crew):
    for _ in range(3):
        answers = crew.run(send, path, Peer().sign(nonce=os.urandom(8).hex(), query=[("a", "1")]))
        assert sorted(map(str, answers)) == ["NonceUsed"] * (PROCESSES - 1) + ["{'a': '1'}"]


# --- fork ------------------------------------------------------------------------


@needs_fork
def test_a_child_uses_the_store_it_was_forked_with_and_the_parent_goes_on(store):
    assert store.add_nonce("before", T, "c", None)
    with Child(
        lambda: store.add_nonce("before", T, "c", None),
        lambda: store.add_nonce("child's", T, "c", None),
        lambda: store.add_nonce("parent's", T, "c", None),
    ) as child:
        assert not child.step()
        assert child.step()
        assert not store.add_nonce("child's", T, "c", None)
        assert store.add_nonce("parent's", T, "c", None)
        assert not child.step()
    assert store.nonce_count() == 3


@needs_fork
def test_the_parent_closes_the_store_while_a_forked_child_uses_it(store):
    """SQLite's locks belong to one process. A child must take its own locks: otherwise the parent removes the log."""
    with Child(
        lambda: store.add_nonce("first", T, "c", None),
        lambda: store.add_nonce("second", T, "c", None),
        lambda: store.add_nonce("third", T, "c", None),
    ) as child:
        assert child.step()
        store.close()
        assert not store.add_nonce("first", T, "c", None)
        store.close()
        assert child.step()
        assert not store.add_nonce("second", T, "c", None)
        assert store.add_nonce("third", T, "c", None)
        assert not child.step()


@needs_fork
def test_another_process_opens_and_closes_the_file_while_a_forked_child_uses_it(path):
    """For example, a server opens the store and forks to become a daemon, and another program uses the file, too."""
    store = SQLiteStore(path)
    with Child(
        lambda: store.add_nonce("first", T, "c", None),
        lambda: store.add_nonce("second", T, "c", None),
    ) as child:
        assert child.step()
        store.close()
        code = "import sys, oauth2.stores.sqlite as s; store = s.SQLiteStore(sys.argv[1]); print(store.add_nonce("
        code += f"sys.argv[2], {T}, 'c', None)); store.close()"
        assert fresh_process(code, path, "first") == "False"
        assert child.step()
        assert fresh_process(code, path, "second") == "False"


def fresh_process(code, *args):
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    return done.stdout.strip()


@needs_fork
def test_a_child_forked_while_a_thread_is_claiming_can_claim(path):
    store = SQLiteStore(path, timeout=5)
    stop = threading.Event()

    def claim_on():
        count = 0
        while not stop.is_set():
            count += 1
            store.add_nonce(f"thread{count}", T, "c", None)

    thread = threading.Thread(target=claim_on)
    thread.start()
    try:
        for round_ in range(20):
            with Child(lambda round_=round_: store.add_nonce(f"child{round_}", T, "c", None)) as child:
                assert child.step()
            assert not store.add_nonce(f"child{round_}", T, "c", None)
    finally:
        stop.set()
        thread.join()
        store.close()


@needs_fork
def test_a_child_of_a_child_and_its_siblings_share_what_is_claimed(store):
    def grandchild():
        with Child(lambda: store.add_nonce("grandchild's", T, "c", None)) as child:
            return child.step()

    with (
        Child(grandchild) as first,
        Child(lambda: store.add_nonce("grandchild's", T, "c", None)) as second,
    ):
        assert first.step()
        assert not second.step()
    assert not store.add_nonce("grandchild's", T, "c", None)


@needs_fork
def test_a_deleted_or_closed_store_does_not_disturb_a_fork(path):
    gone = SQLiteStore(path)
    gone.close()
    del gone
    closed = SQLiteStore(path)
    closed.close()
    with Child(lambda: closed.add_nonce("n", T, "c", None)) as child:
        assert child.step()
    assert not closed.add_nonce("n", T, "c", None)
    closed.close()


def test_a_store_works_where_there_is_no_fork(path):
    """Windows has no fork."""
    code = "import os, secrets, sys; vars(os).pop('register_at_fork', None); import oauth2.stores.sqlite as s;"
    code += f"store = s.SQLiteStore(sys.argv[1]); print(store.add_nonce('n', {T}, 'c', None)); store.close()"
    assert fresh_process(code, path) == "True"


# --- the end of a process ----------------------------------------------------------

CLAIM_UNTIL_KILLED = """
import itertools, sys
from oauth2.stores.sqlite import SQLiteStore
store = SQLiteStore(sys.argv[1])
for number in itertools.count():
    nonce = f"{sys.argv[2]}-{number}"
    assert store.add_nonce(nonce, int(sys.argv[3]), "c", "t")
    sys.stdout.write(nonce + "\\n")
    sys.stdout.flush()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_no_claim_that_was_reported_is_forgotten_when_its_process_is_killed(path):
    reported = []
    for round_ in range(8):
        command = [sys.executable, "-c", CLAIM_UNTIL_KILLED, str(path), str(round_), str(T)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            lines = [process.stdout.readline() for _ in range(5 + 17 * round_ % 90)]
            os.kill(process.pid, signal.SIGKILL)
            lines += process.stdout.readlines()
        assert process.returncode == -signal.SIGKILL
        reported += [line.strip() for line in lines if line.endswith("\n")]
        with contextlib.closing(SQLiteStore(path)) as store:
            assert not [nonce for nonce in reported if store.add_nonce(nonce, T, "c", "t")]
    assert len(reported) > 8 * 5


def test_a_store_opened_again_remembers(path):
    with contextlib.closing(SQLiteStore(path)) as store:
        assert store.add_nonce("n", T, "c", "t")
    with contextlib.closing(SQLiteStore(str(path))) as store:
        assert not store.add_nonce("n", T, "c", "t")
        assert store.nonce_count() == 1


def test_a_deleted_nonce_is_refused_after_a_restart(path):
    with contextlib.closing(SQLiteStore(path)) as store:
        store.add_nonce("old", T, "c", None)
        for i in range(200):
            assert store.add_nonce(f"new{i}", T + 10_000, "c", None)
        assert store.nonce_count() == 200
    with contextlib.closing(SQLiteStore(path)) as store:
        assert not store.add_nonce("old", T, "c", None)


def test_a_closed_store_opens_again_when_it_is_used(store):
    assert store.add_nonce("n", T, "c", None)
    store.close()
    store.close()
    assert not store.add_nonce("n", T, "c", None)
    store.close()
    assert store.nonce_count() == 1


def test_a_relative_path_means_one_file_wherever_the_process_goes(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with contextlib.closing(SQLiteStore("nonces.db")) as store:
        assert store.add_nonce("n", T, "c", None)
        store.close()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert not store.add_nonce("n", T, "c", None)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_claim_uses_positional_parameters_only():
    """Python 3.12 and later treat ``?1`` as a named parameter and warn; the warning makes a claim 20 % slower."""
    assert not re.search(r"[?:@$]\w", sqlite._CLAIM)


# --- stored nonces -------------------------------------------------------------------


def test_the_database_is_in_wal_mode(store, path):
    assert store.add_nonce("n", T, "c", None)
    assert Path(f"{path}-wal").exists()
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_neither_nonces_nor_keys_are_in_the_file(store, path):
    assert store.add_nonce("a-nonce-to-look-for", T, "a-consumer-to-look-for", "a-token-to-look-for")
    kept = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"to-look-for" not in kept


def test_old_nonces_are_deleted_a_bounded_number_at_a_time(store):
    for i in range(2_000):
        store.add_nonce(f"old{i}", T, "c", None)
    later = T + 10_000
    counts = []
    for i in range(2_000):
        store.add_nonce(f"new{i}", later, "c", None)
        counts.append(store.nonce_count())
    steps = [before - after for before, after in itertools.pairwise(counts)]
    assert max(steps) <= 256  # No single claim deletes all old nonces.
    assert counts[-1] == 2_000


def test_short_lived_processes_delete_old_nonces_too(path):
    for generation in range(150):
        with contextlib.closing(SQLiteStore(path)) as store:
            for i in range(10):
                store.add_nonce(f"{generation}-{i}", T + 60 * generation, "c", None)
    with contextlib.closing(SQLiteStore(path)) as store:
        assert store.nonce_count() < 1_000


# --- files that cannot be used ---------------------------------------------------------


@pytest.mark.parametrize("name", [":memory:", "", Path(":memory:"), b":memory:", b""])
def test_a_database_that_no_other_process_sees_is_refused(name):
    with pytest.raises(ValueError, match=r"^path: "):
        SQLiteStore(name)


def unavailable(path, **options):
    started = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        SQLiteStore(path, **options)
    assert caught.value.status == 503
    assert str(path) in str(
        caught.value
    )  # The path may be shown, because the error is for the operator and not for a peer.
    return time.monotonic() - started


def test_a_missing_directory_is_reported_at_once(tmp_path):
    assert unavailable(tmp_path / "missing" / "nonces.db") < 2


def test_a_directory_is_refused_as_a_database(tmp_path):
    assert unavailable(tmp_path) < 2


def test_a_file_that_is_no_database_is_reported_and_left_alone(path):
    path.write_bytes(b"a file with something else in it\n" * 100)
    assert unavailable(path) < 2
    assert path.read_bytes() == b"a file with something else in it\n" * 100


def test_a_newer_schema_is_reported_and_left_alone(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
    assert unavailable(path) < 2
    assert unavailable(path) < 2  # The file is not locked afterwards.
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (99,)
        assert database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def open_read_only(path):
    if os.geteuid() == 0:
        os.setuid(65534)  # Root may write every file, so the test needs another user.
    unavailable(path)
    return True


@needs_fork
@pytest.mark.parametrize("existing", [True, False], ids=["file", "directory"])
def test_a_read_only_file_or_directory_is_reported_at_once(existing):
    with tempfile.TemporaryDirectory() as directory:  # Other users may enter this directory, but not tmp_path.
        path = Path(directory) / "nonces.db"
        if existing:
            with contextlib.closing(SQLiteStore(path)) as store:
                store.add_nonce("n", T, "c", None)
            path.chmod(0o444)
        path.parent.chmod(0o555)
        started = time.monotonic()
        with Child(lambda: open_read_only(path)) as child:
            assert child.step()
        path.parent.chmod(0o755)
    assert time.monotonic() - started < 5


@contextlib.contextmanager
def locked(path):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield
        database.execute("ROLLBACK")


def test_a_locked_database_is_reported_after_the_timeout_and_used_afterwards(path):
    with contextlib.closing(SQLiteStore(path, timeout=0.3)) as store:
        with locked(path):
            started = time.monotonic()
            with pytest.raises(StoreUnavailable) as caught:
                store.add_nonce("n", T, "c", None)
            assert 0.2 <= time.monotonic() - started < 3
            assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
            assert str(path) not in str(caught.value)
        assert store.add_nonce("n", T, "c", None)


def test_opening_a_locked_database_is_given_up_after_the_timeout(path):
    SQLiteStore(path).close()
    with locked(path):
        assert unavailable(path, timeout=0.3) < 3
    with contextlib.closing(sqlite3.connect(f"{path}.rollback", isolation_level=None)) as database:
        database.execute("CREATE TABLE other (a)")
    with locked(f"{path}.rollback"):  # This file is not in WAL mode yet.
        assert unavailable(f"{path}.rollback", timeout=0.3) < 3


LOCK_UNTIL_TOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def locked_by_a_process(path):
    command = [sys.executable, "-c", LOCK_UNTIL_TOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "locked\n"
        yield
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def seconds_until_unavailable(call):
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        call()
    return time.monotonic() - started


def test_each_of_four_threads_gives_up_after_its_own_timeout_and_the_others_can_read(path):
    with (
        contextlib.closing(SQLiteStore(path, timeout=2)) as store,
        ThreadPoolExecutor(4) as threads,
        locked_by_a_process(path),
    ):
        waits = [
            threads.submit(seconds_until_unavailable, lambda number=number: store.add_nonce(f"n{number}", T, "c", None))
            for number in range(4)
        ]
        reads, longest = 0, 0.0
        while not all(wait.done() for wait in waits):
            started = time.monotonic()
            assert store.nonce_count() == 0
            longest, reads = max(longest, time.monotonic() - started), reads + 1
            time.sleep(0.01)
        assert all(1.8 <= wait.result() < 5 for wait in waits)
        assert reads > 10
        assert longest < 1.8


def test_a_claim_that_waited_for_another_process_succeeds_when_the_lock_is_released(path):
    with contextlib.closing(SQLiteStore(path)) as store, ThreadPoolExecutor(4) as threads:
        with locked_by_a_process(path):
            claims = [threads.submit(store.add_nonce, "n", T, "c", None) for _ in range(4)]
            time.sleep(0.05)
            assert not any(claim.done() for claim in claims)
        assert sorted(claim.result(PATIENCE) for claim in claims) == [False, False, False, True]


def test_a_thread_gives_up_when_another_thread_uses_the_connection_for_longer_than_the_timeout(path):
    with contextlib.closing(SQLiteStore(path, timeout=0.2)) as store:
        store._file._turn.stop()
        try:
            assert 0.1 < seconds_until_unavailable(store.nonce_count) < 2
        finally:
            store._file._turn.resume()
        assert store.nonce_count() == 0


class BusyAtFirst(sqlite3.Connection):
    """A connection that is refused at first, as if another process were setting WAL mode in the same new file."""

    refusals = 3

    def execute(self, statement, *args):
        if "journal_mode" in statement and BusyAtFirst.refusals:
            BusyAtFirst.refusals -= 1  # an attribute of the class, because each attempt opens a new connection
            busy = sqlite3.OperationalError("database is locked")
            busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise busy
        return super().execute(statement, *args)


def test_a_new_file_that_is_busy_for_a_moment_is_opened_all_the_same(path, monkeypatch):
    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=BusyAtFirst))
    with contextlib.closing(SQLiteStore(path)) as store:
        assert store.add_nonce("n", T, "c", None)


def test_a_request_is_refused_while_its_nonce_cannot_be_claimed(path):
    sent = Peer().sign()
    service = Service(SQLiteStore(path, timeout=0.1))
    with locked(path), pytest.raises(StoreUnavailable):
        service(*sent)
    assert service(*sent) == {}
    service.store.close()


def test_a_damaged_database_refuses_every_nonce(path):
    service = Service(SQLiteStore(path))
    peer = Peer()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE nonce")
    with pytest.raises(StoreUnavailable):
        service(*peer.sign())
    with pytest.raises(StoreUnavailable):
        service.store.nonce_count()
    service.store.close()


def test_a_store_without_its_horizon_refuses_every_nonce(path):
    service = Service(SQLiteStore(path))
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("DELETE FROM nonce_horizon")
        database.commit()
    with pytest.raises(oauth2.Error):
        service(*Peer().sign())
    service.store.close()


# --- who may read the file -----------------------------------------------------------


@pytest.fixture
def no_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def modes(path):
    found = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
    return [stat.S_IMODE(file.stat().st_mode) for file in found]


needs_modes = pytest.mark.skipif(os.name != "posix", reason="the system has no file modes")


@needs_modes
def test_the_file_and_its_log_are_for_their_owner_alone_whatever_the_umask(path, no_umask):
    for _ in range(2):  # The first round creates the file, and the second opens it.
        with contextlib.closing(SQLiteStore(path)) as store:
            assert store.add_nonce(os.urandom(8).hex(), T, "c", "t")
            assert modes(path) == [0o600] * 3


@needs_modes
def test_the_target_of_a_link_is_created_with_mode_0600(path, no_umask):
    link = path.with_name("link.db")
    link.symlink_to(path)
    with contextlib.closing(SQLiteStore(link)) as store:
        assert store.add_nonce("n", T, "c", "t")
        assert modes(path) == [0o600] * 3


@needs_modes
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o606, 0o601])
def test_a_file_that_others_have_access_to_is_reported_and_left_as_it_is(path, mode):
    path.touch()
    path.chmod(mode)
    with pytest.warns(UserWarning, match=f"Run: chmod 600 {re.escape(str(path))} ") as caught:
        store = SQLiteStore(path)
    with contextlib.closing(store):
        assert len(caught) == 1
        assert store.add_nonce("n", T, "c", "t")
        assert modes(path) == [mode] * 3


@needs_modes
def test_a_log_that_others_can_read_is_reported_too_and_what_to_run_helps(path):
    path = path.with_name("a b.db")
    path.touch(0o644)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE a (b)")
        path.chmod(0o600)
        with pytest.warns(UserWarning, match="Other users have access") as caught:
            SQLiteStore(path).close()
        remedy = str(caught[0].message).partition("Run: ")[2]
        assert shlex.split(remedy) == ["chmod", "600", f"{path}-wal", f"{path}-shm"]
        subprocess.run(shlex.split(remedy), check=True)
        SQLiteStore(path).close()  # No warning is issued; the test run would raise a warning as an error.


def test_create_file_keeps_the_locks_on_an_existing_file(path):
    with contextlib.closing(SQLiteStore(path)) as store:
        assert store.add_nonce("n", T, "c", "t")
        sqlite.create_file(str(path))
        code = f"""
import sqlite3
database = sqlite3.connect({str(path)!r})
assert database.execute("SELECT count(*) FROM nonce").fetchone() == (1,)
database.close()
"""
        subprocess.run([sys.executable, "-c", code], check=True)
        assert path.with_name(f"{path.name}-wal").exists()  # SQLite removes the log when the last connection is closed.
        assert not store.add_nonce("n", T, "c", "t")
