"""A bar on standard error for transfers that take long, where a person is there to see it."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LONG = 0.5  # seconds after which a bar is worth its line
_CHUNK = 1 << 16


class Bar:
    """Shows how far a transfer is, once it has taken a while.

    Args:
        label: What is going on.
        total: Bytes; None if that is not known.
        shown: Whether to show anything, ever; unless given, where standard error is a terminal.
        clock: Returns seconds.
    """

    def __init__(
        self,
        label: str,
        total: int | None,
        *,
        shown: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._total = total
        self._shown = sys.stderr.isatty() if shown is None else shown
        self._clock = clock
        self._start = clock()
        self._progress: Any = None
        self._task: Any = None

    def at(self, position: int) -> None:
        """Say that *position* bytes are through."""
        if not self._shown or self._clock() - self._start < _LONG:
            return
        if self._progress is None:
            self._begin()
        self._progress.update(self._task, completed=position)

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task(self._label, total=self._total)
        self._progress.start()


class Watched:
    """A seekable binary file that tells a bar how far it was read.

    Args:
        file: What is read.
        bar: What is told.
    """

    def __init__(self, file: Any, bar: Bar) -> None:
        self._file = file
        self._bar = bar

    def __len__(self) -> int:
        return length_of(self._file)

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(_CHUNK):
            yield chunk

    def read(self, size: int = -1) -> bytes:
        """Return the next *size* bytes."""
        chunk: bytes = self._file.read(size)
        self._bar.at(self._file.tell())
        return chunk

    def tell(self) -> int:
        """Return how much of it was read."""
        return int(self._file.tell())

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to *offset*."""
        return int(self._file.seek(offset, whence))


def length_of(file: Any) -> int:
    """Return the bytes of a seekable binary file, which stays where it is."""
    here = file.tell()
    end = int(file.seek(0, os.SEEK_END))
    file.seek(here)
    return end
