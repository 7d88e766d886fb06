"""HTTP messages as values: what the parts without a framework take and return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """A request as it arrived.

    Attributes:
        method: HTTP request method.
        url: Absolute URL with its query, escapes as sent; where a base URL is
            configured, path and query are enough.
        headers: Header fields by name in any case: pairs, one for each line, or a mapping.
        body: The body, octet for octet.
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]] | Mapping[str, str] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class HTTPResponse:
    """An answer to be sent.

    Attributes:
        status: HTTP status code.
        headers: Names and values.
        body: The body; it may hold credentials.
    """

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = field(default=b"", repr=False)
