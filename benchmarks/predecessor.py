"""The other end of the pipe to python-oauth2 1.9; see :mod:`benchmarks.worker`."""

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
    """A process that stays until this one ends.

    Args:
        python: The interpreter of an environment that has python-oauth2 1.9.

    Raises:
        RuntimeError: It does not work there; says why.
    """

    def __init__(self, python: Path) -> None:
        if not python.exists():
            raise RuntimeError("not installed; make bench does that")
        # -I: neither this checkout nor an environment variable brings another oauth2 in.
        self._process = subprocess.Popen(
            [python, "-I", _WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        atexit.register(self.close)
        self.version = str(self.ask("start", asdict(CREDENTIALS)))

    def ask(self, kind: str, items: Any, *, timed: bool = False) -> Any:
        """Send *items* and return the answer.

        Raises:
            RuntimeError: The worker came to its end.
        """
        process = self._process
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise RuntimeError("the worker has no pipes")
        try:
            process.stdin.write(json.dumps({"kind": kind, "items": items, "timed": timed}) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass  # why, it has said on its standard error
        answer = process.stdout.readline()
        if not answer:
            reason = (process.stderr.read().strip().splitlines() or ["no reason given"])[-1]
            raise RuntimeError(f"does not work there: {reason}")
        return json.loads(answer)

    def close(self) -> None:
        """End it."""
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
    """Return the one worker of this interpreter.

    Raises:
        RuntimeError: It does not work there; says why.
    """
    started = _start(python)
    if isinstance(started, RuntimeError):
        raise started
    return started


class SignRunner:
    """python-oauth2 1.9 signing."""

    def __init__(self, python: Path) -> None:
        self._worker = worker(python)

    def results(self, items: Sequence[Call]) -> list[Signed]:
        """See :class:`~benchmarks.peers.Runner`."""
        return [(header, form) for header, form in self._worker.ask("sign", _call_items(items))]

    def seconds(self, items: Sequence[Call]) -> float:
        """See :class:`~benchmarks.peers.Runner`."""
        return float(self._worker.ask("sign", _call_items(items), timed=True))


class VerifyRunner:
    """python-oauth2 1.9 verifying; it keeps no nonces."""

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
