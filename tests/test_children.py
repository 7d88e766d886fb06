"""Forked processes end, even if their parent is killed."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from children import Child, fork, needs_fork, run_all, run_one

ROOT = Path(__file__).parent.parent
pytestmark = [needs_fork, pytest.mark.slow]


@pytest.fixture
def other_thread():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    yield
    stop.set()
    thread.join()


def answer(answers, *_):
    answers.put(os.getpid())


def test_processes_are_forked_beside_threads_without_a_warning(other_thread):
    with Child(lambda: True) as child:
        assert child.step()
    assert len(set(run_all("fork", answer, count=2))) == 2
    assert run_one(answer) != os.getpid()


def test_an_exception_in_a_child_is_its_exit_status_and_is_shown(capfd):
    assert os.waitstatus_to_exitcode(os.waitpid(fork(lambda: 1 / 0), 0)[1]) == 1
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_child_that_hangs_is_ended_by_the_system():
    _, status = os.waitpid(fork(lambda: time.sleep(60), lifetime=1), 0)
    assert os.WTERMSIG(status) == signal.SIGALRM


KILLED_PARENT = """
import os, signal
from children import Child
first, second = Child(lambda: True), Child(lambda: True)
assert first.step()
print(first.pid, second.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_child_outlives_a_parent_that_is_killed():
    """An orphan would keep the standard output of the test run open, and ``make test | tee`` would not end."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_PARENT], cwd=ROOT / "tests", stdout=subprocess.PIPE, text=True, timeout=30
    )  # run() returns only after every process has closed the standard output.
    assert done.returncode == -signal.SIGKILL
    assert len(done.stdout.split()) == 2


def test_everything_forks_through_the_one_module_that_ends_its_children():
    pattern = re.compile(r"os\.fork\(|get_context\(\"fork\"\)|forkpty")
    files = [path for folder in ("tests", "oauth2", "example", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    forking = {path.name for path in files if pattern.search(path.read_text(encoding="utf-8"))}
    assert forking - {Path(__file__).name} == {"children.py"}
