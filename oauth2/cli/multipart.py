"""``Multipart``: a multipart/form-data body (RFC 7578). While the body is sent, its files are read in chunks."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

__all__ = ["Multipart", "Part"]

_CHUNK = 1 << 16
# The HTML standard requires these escapes.
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One field of the form; *content* is bytes or a seekable binary file."""

    name: str
    content: bytes | BinaryIO = field(repr=False)
    content_type: str | None = None
    filename: str | None = None

    def head(self) -> bytes:
        """Return the header fields of the part, and the empty line after the fields."""
        disposition = f'form-data; name="{self.name.translate(_ESCAPES)}"'
        if self.filename is not None:
            disposition += f'; filename="{self.filename.translate(_ESCAPES)}"'
        lines = [f"Content-Disposition: {disposition}"]
        if self.content_type is not None:
            lines.append(f"Content-Type: {self.content_type.translate(_ESCAPES)}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


class Multipart:
    """A request body with the interface of a seekable binary file.

    Args:
        parts: The fields, in order.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._files: list[BinaryIO] = []
        for part in parts:
            content = BytesIO(part.content) if isinstance(part.content, bytes) else part.content
            self._files += [BytesIO(f"--{boundary}\r\n".encode() + part.head()), content, BytesIO(b"\r\n")]
        self._files.append(BytesIO(f"--{boundary}--\r\n".encode()))
        self._lengths = [file.seek(0, os.SEEK_END) for file in self._files]
        self.seek(0)

    def __len__(self) -> int:
        return sum(self._lengths)

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(_CHUNK):
            yield chunk

    def read(self, size: int = -1) -> bytes:
        """Return the next *size* bytes, or fewer at the end; return all remaining bytes if *size* is negative."""
        count = len(self) if size is None or size < 0 else size
        found = bytearray()
        while self._at < len(self._files) and len(found) < count:
            piece = self._files[self._at].read(count - len(found))
            if piece:
                found += piece
            else:
                self._at += 1
        self._position += len(found)
        return bytes(found)

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position to *offset* from the start, the current position or the end; return the new position."""
        target = offset + {os.SEEK_SET: 0, os.SEEK_CUR: getattr(self, "_position", 0), os.SEEK_END: len(self)}[whence]
        left, self._at = target, len(self._files)
        for index, (file, length) in enumerate(zip(self._files, self._lengths, strict=True)):
            inside = max(0, min(left, length))
            file.seek(inside)
            if inside < length:
                self._at = min(self._at, index)
            left -= inside
        self._position = target
        return target
