"""``Message``: an HTTP request that a command reads, signs, sends or verifies."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InvalidURL
from ..http import shown_url
from ..signature import base_string_uri
from .escape import one_line
from .failure import Failure

__all__ = ["Fields", "Message"]

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Message:
    """An HTTP request.

    Attributes:
        method: HTTP request method, in upper case.
        url: Absolute URL with its query.
        headers: Names and values of the header fields, in order.
        body: None, bytes, or a seekable binary file.
    """

    method: str
    url: str
    headers: Fields = ()
    body: Any = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.method} {shown_url(self.url)}>"

    def header(self, name: str) -> str:
        """Return the first value of a header field; ``""`` if the message has no such field."""
        return next((value for found, value in self.headers if found.lower() == name.lower()), "")

    def items(self) -> Fields:
        """Return all header fields, including fields with the same name."""
        return self.headers

    @property
    def signed_url(self) -> str:
        """The URL to sign.

        If the message has a Host header, its host replaces the host of the URL (section 3.4.1.2 rule 2).

        Raises:
            Failure: The Host header is malformed.
        """
        host = self.header("Host")
        if not host:
            return self.url
        scheme, separator, rest = self.url.partition("://")
        path = rest[len(re.split("[/?#]", rest, maxsplit=1)[0]) :]
        try:
            base_string_uri(self.url, host=host if host.isascii() else "")
        except InvalidURL:
            message = f"Not a valid Host header: {one_line(host)!r}."
            raise Failure(message, "Give a host name or an address, with or without a port.") from None
        return f"{scheme}{separator}{host}{path}"

    def without_host(self) -> Message:
        """Return the message without its Host header. The URL must already contain the signed host."""
        return replace(self, headers=tuple(field for field in self.headers if field[0].lower() != "host"))

    def content(self) -> bytes:
        """Return the whole body. If the body is a file, the file is set back to its start after reading."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body or b""
        content: bytes = self.body.read()
        self.body.seek(0)
        return content
