"""One request that a :class:`~oauth2.testing.StrictService` received, and the result of its verification."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl

from .._wire.form import is_form
from ..doctor import Diagnosis
from ..doctor.report import lines
from ..errors import Error
from ..http import HTTPRequest, shown_url
from ..provider import Access
from ._exchange import fields_of, path_of

__all__ = ["Arrival"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Arrival:
    """A received request, and the result of its verification. ``repr()`` shows no credentials.

    Attributes:
        http_request: The received request, with its absolute URL. If a fault has changed the request, for example
            :meth:`Faults.proxy`, this attribute is the changed request.
        status: The HTTP status of the response.
        error: The reason for the refusal; None if the service accepted the request.
        access: The client, the user and the parameters of a verified request; None for a refused request, and for a
            request to a token endpoint.
        faults: The names of the faults that were injected, see :class:`~oauth2.testing.Faults`.
        is_refused_by_fault: Whether an injected fault is the reason for *error*.
    """

    http_request: HTTPRequest
    status: int
    error: Error | None = None
    access: Access | None = None
    faults: Sequence[str] = ()
    is_refused_by_fault: bool = False
    _diagnose: Callable[[], Diagnosis]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._summary()}>"

    def _summary(self) -> str:
        error = "" if self.error is None else f" {self.error.problem or ''}".rstrip()
        return f"{self.method} {shown_url(self.url)}: {self.status}{error}"

    @property
    def method(self) -> str:
        """HTTP request method."""
        return self.http_request.method

    @property
    def url(self) -> str:
        """Absolute URL with its query."""
        return self.http_request.url

    @property
    def path(self) -> str:
        """The percent-encoded path that the client sent."""
        return path_of(self.url)

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded pairs of the query."""
        return _pairs(self.url.partition("?")[2])

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The header fields: one pair of name and value for each line of the header."""
        return fields_of(self.http_request.headers)

    def header(self, name: str) -> str | None:
        """Return the value of a header field; None if the field is missing.

        If the request has several fields with this name, their values are joined with commas.
        """
        found = [value for field, value in self.headers if field.lower() == name.lower()]
        return ", ".join(found) if found else None

    @property
    def body(self) -> bytes:
        """The octets of the body."""
        return self.http_request.body

    @property
    def form(self) -> list[tuple[str, str]]:
        """The decoded pairs of a form body; empty for another body."""
        return _pairs(self.body.decode("utf-8", "replace")) if is_form(self.header("Content-Type") or "") else []

    def json(self) -> object:
        """Return the value of a JSON body.

        Raises:
            ValueError: The body is not JSON.
        """
        value: object = json.loads(self.body)
        return value

    @property
    def is_verified(self) -> bool:
        """Whether the service accepted the signature, the timestamp, the nonce and the credentials."""
        return self.error is None

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """The diagnosis of the request. The diagnosis is computed on first use, in up to two seconds."""
        return self._diagnose()

    @property
    def explanation(self) -> str:
        """The status of the response, and the verdict, the proof and the repair of the diagnosis, in several lines.

        The text contains no secret.
        """
        return "\n".join([self._summary(), *(f"  {line}" for line in self._details())])

    def _details(self) -> list[str]:
        injected = [f"Injected: {', '.join(self.faults)}."] if self.faults else []
        if self.error is None:
            return [*injected, "The signature is valid."]
        try:
            verdict = [_one_line(line) for line in lines(self.diagnosis) if line]
        except (ImportError, ValueError) as error:  # The rsa extra is not installed, or the URL has no host.
            verdict = [f"The request cannot be diagnosed: {error}"]
        return [*injected, f"The service refused the request: {self.error.message}", *verdict]


def _one_line(text: str) -> str:
    return "".join([char if char.isprintable() else ascii(char)[1:-1] for char in text])


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True)
