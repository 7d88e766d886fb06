"""The parameters of a request. Each public function implements one section of RFC 5849.

Parameters are a list of decoded ``(name, value)`` pairs. The parsers are strict, because a server must verify exactly
the parameters that the client signed.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable
from functools import lru_cache

from ._typing import Protocol
from ._wire.form import build_form, parse_form
from ._wire.header import build_authenticate_header, build_authorization_header, parse_authorization_header
from ._wire.pairs import Pairs

TYPE_CHECKING = False
if TYPE_CHECKING:
    import hashlib

__all__ = [
    "BinaryFile",
    "Pairs",
    "body_hash",
    "build_authenticate_header",
    "build_authorization_header",
    "build_form",
    "parse_authorization_header",
    "parse_form",
]

_CHUNK = 1 << 20  # Maximum number of bytes that are read at once, so that a large file does not fill the memory.


class BinaryFile(Protocol):
    """A seekable binary file."""

    def read(self, size: int, /) -> bytes:
        """Return the next *size* bytes or fewer; ``b""`` at the end."""
        ...

    def seek(self, offset: int, /) -> object:
        """Set the current offset."""
        ...

    def tell(self) -> int:
        """Return the current offset."""
        ...


def body_hash(body: bytes | BinaryFile, digest: str = "sha1") -> str:
    """Return ``oauth_body_hash`` of a body that is not a form (request body hash extension).

    Args:
        body: The body, or a seekable binary file. The file is read in chunks from its current position to its end.
            Then the current position is restored.
        digest: Name of the hash function. The signature method determines the hash function, see
            :func:`~oauth2.signature.body_digest`.

    Returns:
        The hash in base64.

    Raises:
        TypeError: *body* is neither bytes nor a seekable binary file.
        ValueError: :mod:`hashlib` has no hash function with the name *digest*.
    """
    digested = _hash(digest)(body) if isinstance(body, (bytes, bytearray, memoryview)) else _file_hash(body, digest)
    return b2a_base64(digested.digest(), newline=False).decode("ascii")


@lru_cache(16)
def _hash(digest: str) -> Callable[..., hashlib._Hash]:
    import hashlib  # hashlib is imported on first use, because it loads OpenSSL.

    if digest not in hashlib.algorithms_guaranteed:
        raise ValueError('digest: must be the name of a hash function in hashlib, such as "sha256"')
    found: Callable[..., hashlib._Hash] = getattr(hashlib, digest)
    return found


def _file_hash(file: BinaryFile, digest: str) -> hashlib._Hash:
    try:
        start = file.tell()
    except (AttributeError, OSError):
        raise TypeError(
            "body: must be bytes, str or a seekable binary file; for another body, pass body_hash=False"
        ) from None
    digested = _hash(digest)()
    while chunk := file.read(_CHUNK):
        digested.update(chunk)
    file.seek(start)
    return digested
