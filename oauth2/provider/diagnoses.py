"""Diagnose refused requests, and pass each diagnosis to the audit hook after the refusal was sent.

``Provider(audit=hook, diagnoses=Diagnoses())`` passes a :class:`Diagnosed` to the audit hook after each
:class:`~oauth2.provider.audit.Refused`. The responses to the clients do not change.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections import deque
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from .._steps import Result, Steps, run, run_async
from ..doctor import Diagnosis
from ..errors import Error
from ..http import shown_url
from ._explained import explain
from ._refused import RefusedRequest
from .audit import Event, Refused

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Diagnosed", "Diagnoses"]

_LOG = logging.getLogger("oauth2.provider")
_DELAY = 0.1  # Seconds from a refusal to its diagnosis. The provider sends the response during this time.
# If the store or the audit hook needs more than this number of seconds in the event loop, the diagnosis fails.
_PATIENCE = 10
_REST = 4  # The thread sleeps 4 times as long as a diagnosis took, so that it uses at most 1/5 of one processor.


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosed(Event):
    """The diagnosis of a request that was refused.

    The event contains no secret. The event contains parameters of the request, which may be personal data. The peer
    chooses parts of the texts, so escape all texts before you write them to a log.

    Attributes:
        refused: The event of the refusal.
        diagnosis: The verdict and the findings, see :mod:`oauth2.doctor`. ``pieces`` of the diagnosis is None, because
            ``pieces`` would contain the base string.
        arrived: The URL at which the provider received the request, without the query.
        verified: The URL with which the signature was verified, without the query. If the provider has a ``base_url``,
            this URL consists of ``base_url`` and the path of *arrived*.
        advice: Advice about the settings of the provider, for the operator; ``""`` if there is no advice.
        dropped: The number of refusals before this event that got no diagnosis; see :attr:`Diagnoses.dropped`.
    """

    refused: Refused
    diagnosis: Diagnosis
    arrived: str = field(repr=False)
    verified: str = field(repr=False)
    advice: str = field(repr=False)
    dropped: int


class Diagnoses:
    """Diagnoses the refused requests of one or more providers, in a separate thread.

    The thread that sends the response only appends the request to a bounded queue. After the response was sent, a
    daemon thread reads the request from the queue. The daemon thread starts at the first refusal. After a fork, a new
    daemon thread starts in the child process. A diagnosis usually takes 0.2 seconds of processor time, and at most
    two seconds. After each diagnosis, the thread sleeps four times as long as the diagnosis took. With an
    ``AsyncProvider``, the store and the audit hook are called in the event loop.

    Args:
        per_second: The maximum number of diagnoses per second.
        max_queued: The maximum number of requests in the queue; if the queue is full, further requests get no
            diagnosis.
        max_size: The maximum size of a request in bytes (URL, header fields and body); larger requests get no
            diagnosis.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is not positive.
    """

    def __init__(self, *, per_second: float = 5, max_queued: int = 20, max_size: int = 65_536) -> None:
        for name, value in (("per_second", per_second), ("max_queued", max_queued), ("max_size", max_size)):
            if not isinstance(value, (int, float)):
                raise TypeError(f"{name}: must be a number")
            if not value > 0:  # This condition is also true for NaN, so NaN is refused.
                raise ValueError(f"{name}: must be positive")
        self._interval = 1 / per_second
        self._max_queued = max_queued
        self._max_size = max_size
        self._dropped = 0
        self._is_closed = False
        self._reset()
        _ALL.add(self)

    def _reset(self) -> None:
        # In a child process, the thread of the parent process does not exist, and the lock may stay locked forever. A
        # child process therefore needs new objects.
        self._changed = threading.Condition()
        self._queue: deque[tuple[float, RefusedRequest, asyncio.AbstractEventLoop | None]] = deque()
        self._awaited: Future[Any] | None = None
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """The number of refusals that got no diagnosis.

        The possible reasons are: the queue was full, the request was too large, the thread could not start,
        :meth:`close` was called, or the diagnosis or the audit hook failed.
        """
        return self._dropped

    def observe(self, refused: RefusedRequest) -> None:
        """Append a refused request to the queue, unless the queue is full or the request is too large.

        A provider calls this method.
        """
        is_small = _size(refused) <= self._max_size
        loop = _running_loop()
        with self._changed:
            if self._is_closed or not is_small or len(self._queue) >= self._max_queued or not self._is_running():
                self._dropped += 1
                return
            self._queue.append((time.monotonic() + _DELAY, refused, loop))
            # If the queue was not empty, the thread will read the queue again without a notification.
            if len(self._queue) == 1:
                self._changed.notify()

    def close(self) -> None:
        """End the thread, and delete the requests in the queue. After this call, refusals get no diagnosis."""
        with self._changed:
            self._is_closed = True
            self._dropped += len(self._queue)
            self._queue.clear()
            self._changed.notify()
            if self._awaited is not None:
                # close() may run in the event loop that the thread is waiting for. Without cancel(), join() below would
                # then block this event loop until the thread stops waiting, after _PATIENCE seconds.
                self._awaited.cancel()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def __enter__(self) -> Diagnoses:
        """Return the object itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Call :meth:`close`."""
        self.close()

    # --- the thread ------------------------------------------------------------------

    def _is_running(self) -> bool:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="oauth2-diagnoses", daemon=True)
            # start() raises RuntimeError if the process is ending, or has too many threads. The response must be sent
            # also in these cases.
            with contextlib.suppress(RuntimeError):
                thread.start()
                self._thread = thread
        return self._thread is not None

    def _run(self) -> None:
        earliest = 0.0
        while self._wait(earliest):
            started = time.monotonic()
            self._work()
            ended = time.monotonic()
            earliest = max(started + self._interval, ended + _REST * (ended - started))

    def _wait(self, earliest: float) -> bool:
        """Wait until there is a request to diagnose and the time *earliest* has come; return False after close()."""
        with self._changed:
            while not self._is_closed:
                start = max(earliest, self._queue[0][0]) if self._queue else None
                now = time.monotonic()
                if start is not None and start <= now:
                    return True
                self._changed.wait(None if start is None else start - now)
            return False

    def _work(self) -> None:
        # This code is in a separate function, so that no local variable keeps the request in memory after the
        # diagnosis.
        with self._changed:
            if not self._queue:
                return  # close() has cleared the queue.
            _, refused, loop = self._queue.popleft()
        try:
            found = self._wait_for(refused.find(), loop)
            diagnosis, advice = explain(refused, found)
        except (Error, ValueError, ImportError):
            # The store is unavailable, the request has no absolute URL, or the public key of the client cannot be used.
            # Nothing is logged here, because the audit hook has already received the refusal.
            with self._changed:
                self._dropped += 1
            return
        except (Exception, CancelledError) as exc:  # noqa: BLE001 - the next request must be diagnosed
            self._report("A diagnosis failed", exc)
            return
        event = Diagnosed(
            at=refused.event.at,
            consumer_key=refused.event.consumer_key,
            refused=refused.event,
            diagnosis=diagnosis,
            arrived=shown_url(refused.http_request.url),
            verified=shown_url(refused.url),
            advice=advice,
            dropped=self._dropped,
        )
        try:
            self._wait_for(refused.emit(event), loop)
        except (Exception, CancelledError) as exc:  # noqa: BLE001 - the next request must be diagnosed
            self._report("The audit hook failed", exc)

    def _wait_for(self, steps: Steps[Result], loop: asyncio.AbstractEventLoop | None) -> Result:
        """Run *steps* in the event loop in which the request was refused.

        If the request was refused without an event loop, run *steps* in this thread.
        """
        if loop is None:
            return run(steps)
        coroutine = run_async(steps)
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        except RuntimeError:  # The event loop is closed.
            coroutine.close()
            raise
        with self._changed:
            self._awaited = future
            if self._is_closed:
                future.cancel()
        try:
            return future.result(_PATIENCE)
        finally:
            self._awaited = None
            future.cancel()

    def _report(self, what: str, error: BaseException) -> None:
        with self._changed:
            self._dropped += 1
        # The message and the traceback are not logged, because they may show a part of the request.
        _LOG.error("%s: %s", what, type(error).__name__)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _size(refused: RefusedRequest) -> int:
    fields = sum([len(name) + len(value) for name, value in refused.header_fields()])
    return len(refused.http_request.url) + fields + len(refused.http_request.body)


_ALL: WeakSet[Diagnoses] = WeakSet()


def _after_fork() -> None:
    for each in _ALL:
        each._reset()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_after_fork)
