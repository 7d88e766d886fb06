"""Write new client credentials to a file that only its owner can read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..stores import ClientCredentials
from .credentials import CONSUMER_KEY, CONSUMER_SECRET
from .escape import one_line
from .failure import Failure, unreadable

__all__ = ["new_secret_file"]


@contextmanager
def new_secret_file(path: str | None, consumer: ClientCredentials) -> Iterator[None]:
    """Write the key and the secret of *consumer* to a new file. The file is deleted if the block raises an exception.

    The file has the form that the option ``--credentials`` of the other commands reads. The file is written before
    the block changes the store. Otherwise, if the disk was full, the store would already use a secret that is lost.

    Args:
        path: The path of the file; None to write no file.
        consumer: The client credentials.

    Raises:
        Failure: The file exists, or cannot be written.
    """
    if path is None:
        yield
        return
    if path in ("", "-"):
        raise Failure("--secret-file: Not the name of a file.", "Give the name of a new file.")
    text = f"{CONSUMER_KEY}={consumer.key}\n{CONSUMER_SECRET}={consumer.secret}\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Failure(f"The file {one_line(path)} exists.", "Choose another name, or move the file away.") from None
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or "Not a path"
        raise Failure(f"Cannot write {one_line(path)}: {reason}.", unreadable("", "").hint) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogatepass") as file:
            file.write(text)
        yield
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise
