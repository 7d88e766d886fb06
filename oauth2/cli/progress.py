"""A progress bar on standard error for long transfers, shown only at a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Bar", "Watched", "length_of"]

_DELAY = 0.5  # In seconds. The bar appears only if the transfer takes longer than this time.
_CHUNK = 1 << 16


class Bar:
    """Show the progress of one transfer. The bar appears half a second after the start of the transfer.

    Args:
        label: The text before the bar.
        total: Number of bytes of the whole transfer; None if unknown.
        shown: Whether the bar may appear. By default, the bar may appear if standard error is a terminal.
        clock: A function that returns the time in seconds.
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
        """Show that *position* bytes have been transferred."""
        if not self._shown or self._clock() - self._start < _DELAY:
            return
        progress = self._progress or self._begin()
        progress.update(self._task, completed=position)

    def close(self) -> None:
        """Remove the bar from the terminal."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task(self._label, total=self._total)
        self._progress.start()
        return self._progress


class Watched:
    """A seekable binary file that updates a bar when it is read.

    Args:
        file: The file to read from.
        bar: The bar to update.
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
        """Return the position in bytes."""
        return int(self._file.tell())

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position; return the new position."""
        return int(self._file.seek(offset, whence))


def length_of(file: Any) -> int:
    """Return the length of a seekable binary file in bytes; its position does not change."""
    here = file.tell()
    end = int(file.seek(0, os.SEEK_END))
    file.seek(here)
    return end
