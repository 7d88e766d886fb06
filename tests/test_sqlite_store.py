"""``SQLiteStore`` between processes: what was claimed once is claimed, whoever dies, forks or starts again."""

import contextlib
import functools
import itertools
import multiprocessing
import os
import re
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from peer import NOW, Peer, Service

import oauth2
from oauth2.errors import StoreUnavailable
from oauth2.stores import sqlite
from oauth2.stores.sqlite import SQLiteStore

T = NOW
PATIENCE = 60  # seconds until a process that does not answer counts as hung
PROCESSES = 8

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
# Where threads run, Python 3.12 and later warn of fork. That is what is tested.
fork_beside_threads = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
METHODS = [m for m in ("spawn", "fork") if m in multiprocessing.get_all_start_methods()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "nonces.db"


@pytest.fixture
def store(path):
    with contextlib.closing(SQLiteStore(path)) as store:
        yield store


def run_all(start_method, target, *args, count=PROCESSES):
    """Run *target* in processes at once; return what each of them put into its queue."""
    context = multiprocessing.get_context(start_method)
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


def claim_in_rounds(answers, barrier, path, rounds):
    store = SQLiteStore(path)
    claims = []
    for round_ in range(rounds):
        barrier.wait(PATIENCE)
        claims.append(store.add_nonce(f"round{round_}", T, "c", "t"))
    store.close()
    answers.put(claims)


@pytest.mark.parametrize("start_method", METHODS)
def test_of_eight_processes_with_one_nonce_exactly_one_claims_it(path, start_method):
    claims = run_all(start_method, claim_in_rounds, path, 60)
    assert [sum(claimed) for claimed in zip(*claims, strict=True)] == [1] * 60


def claim_all(answers, barrier, path, count):
    store = SQLiteStore(path)
    barrier.wait(PATIENCE)
    answers.put(sum(store.add_nonce(f"n{i}", T + i % 300, "c", None) for i in range(count)))
    store.close()


@pytest.mark.parametrize("start_method", METHODS)
def test_two_thousand_nonces_are_claimed_two_thousand_times_by_eight_processes(path, start_method):
    assert sum(run_all(start_method, claim_all, path, 2_000)) == 2_000
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


@pytest.mark.parametrize("start_method", METHODS)
def test_eight_processes_open_a_fresh_file_at_once(tmp_path, start_method):
    assert run_all(start_method, open_at_once, tmp_path, 10) == [10] * PROCESSES
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


@pytest.mark.parametrize("start_method", METHODS)
def test_one_signed_request_gets_into_one_of_eight_workers(path, start_method):
    for _ in range(3):
        answers = run_all(start_method, send, path, Peer().sign(nonce=os.urandom(8).hex(), query=[("a", "1")]))
        assert sorted(map(str, answers)) == ["NonceUsed"] * (PROCESSES - 1) + ["{'a': '1'}"]


# --- fork ------------------------------------------------------------------------


class Child:
    """A forked process that runs one function after the other, when told to."""

    def __init__(self, *steps):
        self._theirs, self._go = os.pipe()
        self._result, theirs = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                for step in steps:
                    if os.read(self._theirs, 1) != b"g":
                        break
                    os.write(theirs, b"1" if step() else b"0")
                status = 0
            finally:
                os._exit(status)
        os.close(self._theirs)
        os.close(theirs)

    def step(self):
        os.write(self._go, b"g")
        ready, _, _ = select.select([self._result], [], [], PATIENCE / 4)
        answer = os.read(self._result, 1) if ready else b""
        assert answer, "the child hangs" if not ready else "the child died"
        return answer == b"1"

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        os.close(self._go)
        os.close(self._result)
        if exc_info[0] is not None:
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


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
    """SQLite keeps its locks by process: a child must take locks of its own, or the file is tidied up under it."""
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
    """As when a server opens the store, becomes a daemon by forking, and others come and go."""
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
@fork_beside_threads
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
        for round_ in range(40):
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
def test_a_store_that_is_gone_or_closed_does_not_disturb_a_fork(path):
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
    """As on Windows."""
    code = "import os, sys; vars(os).pop('register_at_fork', None); import oauth2.stores.sqlite as s;"
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


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_no_claim_that_was_reported_is_forgotten_when_its_process_is_killed(path):
    reported = []
    for round_ in range(20):
        command = [sys.executable, "-c", CLAIM_UNTIL_KILLED, str(path), str(round_), str(T)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            lines = [process.stdout.readline() for _ in range(5 + 17 * round_ % 90)]
            os.kill(process.pid, signal.SIGKILL)
            lines += process.stdout.readlines()
        assert process.returncode == -signal.SIGKILL
        reported += [line.strip() for line in lines if line.endswith("\n")]
        with contextlib.closing(SQLiteStore(path)) as store:
            assert not [nonce for nonce in reported if store.add_nonce(nonce, T, "c", "t")]
    assert len(reported) > 20 * 5


def test_a_store_opened_again_remembers(path):
    with contextlib.closing(SQLiteStore(path)) as store:
        assert store.add_nonce("n", T, "c", "t")
    with contextlib.closing(SQLiteStore(str(path))) as store:
        assert not store.add_nonce("n", T, "c", "t")
        assert store.nonce_count() == 1


def test_what_is_forgotten_stays_refused_after_a_restart(path):
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


def test_what_a_claim_binds_in_order_has_no_names():
    """Python 3.12 and later take ``?1`` for a name too, and warn, which costs a fifth of the claim."""
    assert not re.search(r"[?:@$]\w", sqlite._CLAIM)


# --- what it keeps -------------------------------------------------------------------


def test_the_database_is_in_wal_mode(store, path):
    assert store.add_nonce("n", T, "c", None)
    assert Path(f"{path}-wal").exists()
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_neither_nonces_nor_keys_are_in_the_file(store, path):
    assert store.add_nonce("a-nonce-to-look-for", T, "a-consumer-to-look-for", "a-token-to-look-for")
    kept = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"to-look-for" not in kept


def test_what_expires_goes_a_bounded_number_of_rows_at_a_time(store):
    for i in range(2_000):
        store.add_nonce(f"old{i}", T, "c", None)
    later = T + 10_000
    counts = []
    for i in range(2_000):
        store.add_nonce(f"new{i}", later, "c", None)
        counts.append(store.nonce_count())
    steps = [before - after for before, after in itertools.pairwise(counts)]
    assert max(steps) <= 256  # no claim pays for all that is old
    assert counts[-1] == 2_000


def test_processes_that_live_for_a_few_claims_forget_too(path):
    for generation in range(150):
        with contextlib.closing(SQLiteStore(path)) as store:
            for i in range(10):
                store.add_nonce(f"{generation}-{i}", T + 60 * generation, "c", None)
    with contextlib.closing(SQLiteStore(path)) as store:
        assert store.nonce_count() < 1_000


# --- what cannot be used ---------------------------------------------------------------


@pytest.mark.parametrize("name", [":memory:", "", Path(":memory:"), b":memory:", b""])
def test_a_database_that_no_other_process_sees_is_refused(name):
    with pytest.raises(ValueError, match=r"^path: "):
        SQLiteStore(name)


def unavailable(path, **options):
    started = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        SQLiteStore(path, **options)
    assert caught.value.status == 503
    assert str(path) in str(caught.value)  # whoever opens it is no peer
    return time.monotonic() - started


def test_a_missing_directory_is_reported_at_once(tmp_path):
    assert unavailable(tmp_path / "missing" / "nonces.db") < 2


def test_a_directory_is_no_database(tmp_path):
    assert unavailable(tmp_path) < 2


def test_a_file_that_is_no_database_is_reported_and_left_alone(path):
    path.write_bytes(b"a file with something else in it\n" * 100)
    assert unavailable(path) < 2
    assert path.read_bytes() == b"a file with something else in it\n" * 100


def test_a_newer_schema_is_reported_and_left_alone(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
    assert unavailable(path) < 2
    assert unavailable(path) < 2  # and nothing stays locked
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (99,)
        assert database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def open_read_only(path):
    if os.geteuid() == 0:
        os.setuid(65534)  # to root, every file is writable
    unavailable(path)
    return True


@needs_fork
@pytest.mark.parametrize("existing", [True, False], ids=["file", "directory"])
def test_a_read_only_file_or_directory_is_reported_at_once(existing):
    with tempfile.TemporaryDirectory() as directory:  # one that others may enter, as tmp_path is not
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
    with locked(f"{path}.rollback"):  # not in WAL mode yet
        assert unavailable(f"{path}.rollback", timeout=0.3) < 3


class BusyAtFirst(sqlite3.Connection):
    """What SQLite answers at once, without waiting, while another process turns a new file to WAL mode."""

    refusals = 3

    def execute(self, statement, *args):
        if "journal_mode" in statement and self.refusals:
            self.refusals -= 1
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


def test_a_damaged_database_lets_nobody_in(path):
    service = Service(SQLiteStore(path))
    peer = Peer()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE nonce")
    with pytest.raises(StoreUnavailable):
        service(*peer.sign())
    with pytest.raises(StoreUnavailable):
        service.store.nonce_count()
    service.store.close()


def test_without_its_horizon_a_store_lets_nobody_in(path):
    service = Service(SQLiteStore(path))
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("DELETE FROM nonce_horizon")
        database.commit()
    with pytest.raises(oauth2.Error):
        service(*Peer().sign())
    service.store.close()
