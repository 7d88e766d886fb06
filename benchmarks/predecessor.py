"""Send tasks to python-oauth2 1.9 through a pipe; see :mod:`benchmarks.worker`."""

from __future__ import annotations

import atexit
import json
import subprocess
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .peers import CREDENTIALS, FORM, Received

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .peers import Signed
    from .workloads import Call

NAME = "python-oauth2 1.9"
_WORKER = Path(__file__).with_name("worker.py")


class Worker:
    """A worker process that runs until this process ends.

    Args:
        python: The interpreter of an environment that has python-oauth2 1.9.

    Raises:
        RuntimeError: The worker cannot start. The message of the error is the reason.
    """

    def __init__(self, python: Path) -> None:
        if not python.exists():
            raise RuntimeError("not installed; run make bench to install it")
        # With the option -I, Python ignores this checkout and environment variables, so the worker always imports
        # python-oauth2 1.9.
        self._process = subprocess.Popen(
            [python, "-I", _WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        atexit.register(self.close)
        self.version = str(self.ask("start", asdict(CREDENTIALS)))

    def ask(self, kind: str, items: Any, *, timed: bool = False) -> Any:
        """Send *items* to the worker and return its response.

        Raises:
            RuntimeError: The worker exited.
        """
        process = self._process
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise RuntimeError("the worker has no pipes")
        try:
            process.stdin.write(json.dumps({"kind": kind, "items": items, "timed": timed}) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass  # The worker has exited. The code below reads the reason from its standard error.
        answer = process.stdout.readline()
        if not answer:
            reason = (process.stderr.read().strip().splitlines() or ["no reason given"])[-1]
            raise RuntimeError(f"does not work in this environment: {reason}")
        return json.loads(answer)

    def close(self) -> None:
        """Terminate the worker."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


@cache
def _start(python: Path) -> Worker | RuntimeError:
    try:
        return Worker(python)
    except RuntimeError as exc:
        return exc


def worker(python: Path) -> Worker:
    """Return the worker for this interpreter. All calls return the same worker.

    Raises:
        RuntimeError: The worker cannot start. The message of the error is the reason.
    """
    started = _start(python)
    if isinstance(started, RuntimeError):
        raise started
    return started


class SignRunner:
    """Signs with python-oauth2 1.9."""

    def __init__(self, python: Path) -> None:
        self._worker = worker(python)

    def results(self, items: Sequence[Call]) -> list[Signed]:
        """See :class:`~benchmarks.peers.Runner`."""
        return [(header, form) for header, form in self._worker.ask("sign", _call_items(items))]

    def seconds(self, items: Sequence[Call]) -> float:
        """See :class:`~benchmarks.peers.Runner`."""
        return float(self._worker.ask("sign", _call_items(items), timed=True))


class VerifyRunner:
    """Verifies with python-oauth2 1.9, which stores no nonces."""

    def __init__(self, python: Path) -> None:
        self._worker = worker(python)

    def results(self, items: Sequence[Received]) -> list[bool]:
        """See :class:`~benchmarks.peers.Runner`."""
        return [bool(each) for each in self._worker.ask("verify", _received_items(items))]

    def seconds(self, items: Sequence[Received]) -> float:
        """See :class:`~benchmarks.peers.Runner`."""
        return float(self._worker.ask("verify", _received_items(items), timed=True))


def _call_items(calls: Sequence[Call]) -> list[Any]:
    return [
        (call.method, call.url, call.form, None if call.body is None else call.body.decode("latin-1")) for call in calls
    ]


def _received_items(items: Sequence[Received]) -> list[Any]:
    return [
        (item.method, item.url, item.headers, item.text if item.headers.get("Content-Type") == FORM else "")
        for item in items
    ]
