"""Child processes of tests: they may be forked while threads run, and they end even if the test is killed."""

import contextlib
import multiprocessing
import os
import select
import signal
import time
import traceback
import warnings

import pytest

PATIENCE = 60  # Seconds after which a process that has not answered is considered to hang.
LIFETIME = 3 * PATIENCE  # Seconds after which the operating system ends a forked process, even if the test was killed.

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@contextlib.contextmanager
def fork_beside_threads():
    """Allow a fork in a process with threads; a parallel test run always has threads.

    Python 3.12 and later warn of such a fork. In Python 3.15 the warning becomes an exception after the child has
    started, so that the parent would not get the process id of the child.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
        yield


def limit_lifetime(seconds=LIFETIME):
    """Let the operating system end this process after *seconds*.

    This works even if the process hangs in SQLite, or if its parent has ended.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)


def fork(work, *, lifetime=LIFETIME):
    """Return the id of a forked process that calls *work*, then exits with 0, or with 1 if *work* raised an error."""
    with fork_beside_threads():
        pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        limit_lifetime(lifetime)
        work()
        status = 0
    finally:
        if status:
            traceback.print_exc()
        os._exit(status)  # os._exit() ends the child without the clean-up of pytest, which only the parent must run.


class Child:
    """A forked process that runs functions on request, one after the other."""

    def __init__(self, *steps):
        theirs, self._go = os.pipe()
        self._result, result = os.pipe()

        def take_steps():
            # If the parent's ends of the pipes stay open here, the child does not notice that the parent has ended.
            os.close(self._go)
            os.close(self._result)
            for step in steps:
                if os.read(theirs, 1) != b"g":
                    break
                os.write(result, b"1" if step() else b"0")

        try:
            self.pid = fork(take_steps)
        finally:
            os.close(theirs)
            os.close(result)

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


def run_all(start_method, target, *args, count=8):
    """Run ``target(answers, barrier, *args)`` in *count* processes; return the objects that they put into *answers*."""
    context = multiprocessing.get_context(start_method)
    answers, barrier = context.Queue(), context.Barrier(count)
    arguments = (target, answers, barrier, *args)
    processes = [context.Process(target=_run_limited, args=arguments, daemon=True) for _ in range(count)]
    started = []
    try:
        for process in processes:
            with fork_beside_threads():
                process.start()
            started.append(process)
        return [answers.get(timeout=2 * PATIENCE) for _ in processes]
    finally:
        end_all(started)


class Crew:
    """Processes that run the same function at the same time. Many tests use them, so they are started only once."""

    def __init__(self, start_method, count=8):
        context = multiprocessing.get_context(start_method)
        # A spawned process opens these objects by name, so they must not be deleted before the process has started.
        self._answers, self._barrier = context.Queue(), context.Barrier(count)
        self._tasks = [context.SimpleQueue() for _ in range(count)]
        self._processes = []
        for tasks in self._tasks:
            process = context.Process(target=_take_tasks, args=(tasks, self._answers, self._barrier), daemon=True)
            with fork_beside_threads():
                process.start()
            self._processes.append(process)

    def run(self, target, *args):
        """Run ``target(answers, barrier, *args)`` in each process; return the objects that they put into *answers*."""
        for tasks in self._tasks:
            tasks.put((target, args))
        return [self._answers.get(timeout=2 * PATIENCE) for _ in self._tasks]

    def close(self):
        for tasks in self._tasks:
            tasks.put(None)
        end_all(self._processes)


def _take_tasks(tasks, answers, barrier):
    while (task := tasks.get()) is not None:
        target, args = task
        _run_limited(target, answers, barrier, *args)


def run_one(target, *args):
    """Run ``target(answers, *args)`` in a forked process; return the object that it puts into *answers*."""
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=_run_limited, args=(target, answers, *args), daemon=True)
    with fork_beside_threads():
        process.start()
    try:
        return answers.get(timeout=PATIENCE)
    finally:
        end_all([process])


def _run_limited(target, *args):
    if hasattr(signal, "SIGALRM"):
        limit_lifetime()
    target(*args)


def end_all(processes, seconds=PATIENCE):
    """Wait for all *processes*, then kill the processes that are still running; leave no zombie processes."""
    deadline = time.monotonic() + seconds
    for process in processes:
        process.join(max(0, deadline - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()
