"""Lines for the user about the base string that a service computed, if its response shows this base string."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from .escape import one_line
from .problem import hint_for
from .redact import without_values
from .terminal import note

if TYPE_CHECKING:
    from ..clients.explanation import Explanation

__all__ = ["note_wanted", "wanted"]

_MOST = 4_000  # Maximum number of characters of a line. The end of a longer line is left out.
_BEFORE, _AFTER = 20, 60  # Number of characters shown before and after the first difference.


def note_wanted(explanation: Explanation, hidden: Iterable[str], *, with_problem: bool) -> None:
    """Write the lines of :func:`wanted` to standard error; see :func:`wanted` for the arguments."""
    for line in wanted(explanation, list(hidden), with_problem=with_problem):
        shown = one_line(line)
        note(shown if len(shown) <= _MOST else f"{shown[:_MOST]}...")


def wanted(explanation: Explanation, hidden: Sequence[str], *, with_problem: bool) -> Iterator[str]:
    """Yield lines about the base string that the service computed, if the response shows this base string.

    Args:
        explanation: The refusal.
        hidden: Texts that are replaced by a placeholder.
        with_problem: Whether to include the ``oauth_problem``.
    """
    if with_problem and explanation.problem is not None:
        hint = hint_for(explanation.status or 400, explanation.problem, explanation.said)
        yield f"The service refused the request ({explanation.problem}). {hint}"
    if explanation.their_base_string is None:
        return
    theirs = without_values(explanation.their_base_string, hidden)
    yield f"The service computed this base string: {theirs}"
    diagnosis = explanation.diagnosis
    if diagnosis is None or diagnosis.pieces is None:
        return
    if diagnosis.comparison is None:
        yield "This command computed the same base string, so the secrets or keys differ."
        return
    ours = without_values(diagnosis.pieces.base_string, hidden)
    yield f"This command signed this base string:  {ours}"
    # The texts are shortened after the credentials are removed, so that no part of a credential is shown.
    pairs = enumerate(zip(ours, theirs, strict=False))
    position = next((at for at, (one, other) in pairs if one != other), min(len(ours), len(theirs)))
    start = max(0, position - _BEFORE)
    yield f"The first difference is at character {position + 1}, in the {diagnosis.comparison.piece}:"
    yield f"  signed   {ours[start : position + _AFTER]}"
    yield f"  service  {theirs[start : position + _AFTER]}"
    if explanation.wanted:
        yield f"The base string of the service: {without_values(explanation.wanted, hidden)}"
    yield f"Next step: {explanation.next_step}"
