"""``Explanation``: the possible reasons why a service refused a request that this program signed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from .._login.response import printable

if TYPE_CHECKING:
    from ..doctor import Diagnosis
else:
    Diagnosis = object  # oauth2.doctor is loaded on first use, but a program can evaluate the annotations at any time.

__all__ = ["Explanation", "Verdict"]

Verdict = Literal[
    "other base string",
    "same base string",
    "clock",
    "body changed",
    "problem named",
    "other signature",
    "not explained",
    "not refused",
]

_MORE = 'More: the page "Why is my signature invalid?" of the documentation (docs/doctor.md).'
_MAX_PARAMETERS = 50
_MAX_LINE = 2_000  # Maximum number of characters of a line. A longer line is cut.


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The possible reasons why a service refused a request. ``str()`` returns the explanation as text, without secrets.

    Attributes:
        verdict: "other base string": the service computed a base string that is different from the base string of this
            client. "same base string": the two base strings are equal, so the secrets or keys differ. "clock": the
            service refuses the timestamp. "body changed": the service reports that the received body is not the signed
            body. "problem named": the service reports a problem that no other verdict describes. "other signature": the
            signature is not the signature that RFC 5849 defines for the request and the credentials of the client. "not
            explained": the service gives no reason. "not refused": the client has received no refusal.
        sentence: The verdict as a sentence for people.
        next_step: The instruction for the developer.
        method: HTTP request method.
        url: The URL without its query.
        status: HTTP status of the refusal; None if the client has received no refusal.
        problem: The ``oauth_problem`` of the refusal, which consists of letters and underscores; None if the refusal
            has no ``oauth_problem``.
        said: The start of the text in the body of the refusal.
        their_base_string: The signature base string that the service computed; None if the response shows no base
            string.
        wanted: The deviation from RFC 5849 that produces the base string of the service; ``""`` if no known deviation
            produces this base string.
        ruled_out: The causes that are not possible, one text for each cause.
        diagnosis: The diagnosis of :mod:`oauth2.doctor` for the signed request; None if the request was not stored.
    """

    verdict: Verdict
    sentence: str
    next_step: str
    method: str
    url: str = field(repr=False)
    status: int | None = None
    problem: str | None = None
    said: str = field(default="", repr=False)
    their_base_string: str | None = field(default=None, repr=False)
    wanted: str = field(default="", repr=False)
    ruled_out: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return "\n".join([_shown(line) for line in self._lines()])

    def _lines(self) -> Iterator[str]:
        yield self._headline()
        yield self.sentence
        if self.wanted:
            yield f"The base string of the service: {self.wanted}"
        yield from self._difference()
        yield f"Next: {self.next_step}"
        if self.said:
            yield ""
            yield "The service says:"
            yield f"  {self.said}"
        if self.ruled_out:
            yield ""
            yield "Ruled out:"
            for each in self.ruled_out:
                yield f"  - {each}"
        yield from self._pieces()
        yield ""
        yield _MORE

    def _headline(self) -> str:
        if self.status is None:
            return f"{self.method} {self.url} was signed."
        named = f", oauth_problem={self.problem}" if self.problem else ""
        return f"{self.method} {self.url} was refused: {self.status}{named}."

    def _difference(self) -> Iterator[str]:
        found = None if self.diagnosis is None else self.diagnosis.comparison
        if found is None:
            return
        from ..doctor.report import comparison_lines  # The package oauth2.doctor is loaded on first use.

        yield from comparison_lines(found, ours="signed by this client", theirs="computed by the service")

    def _pieces(self) -> Iterator[str]:
        pieces = None if self.diagnosis is None else self.diagnosis.pieces
        if pieces is None:
            return
        from ..doctor.report import pieces_lines  # The package oauth2.doctor is loaded on first use.

        yield ""
        yield "What was signed (RFC 5849 section 3.4.1):"
        yield from pieces_lines(pieces, _MAX_PARAMETERS)


def _shown(line: str) -> str:
    # The base string of the service can contain characters that control a terminal, so printable() replaces them.
    line = printable(line[: _MAX_LINE + 1])
    return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}..."
