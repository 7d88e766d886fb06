"""``on_refusal``: a function that a client calls with the explanation of each refusal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from .._checks import is_coroutine_function

if TYPE_CHECKING:
    from ..clients.explanation import Explanation
    from .record import Sent
    from .signer import Signer


def reporter_of(
    on_refusal: Callable[[Explanation], object] | None,
) -> Callable[[Signer, Sent], object] | None:
    """Return the function that a client calls for a refusal. If *on_refusal* can be pickled, the result can, too.

    Raises:
        TypeError: *on_refusal* is not a function, or is an asynchronous function.
    """
    if on_refusal is None:
        return None
    if not callable(on_refusal) or is_coroutine_function(on_refusal):
        raise TypeError("on_refusal: must be a function without async, or None")
    return partial(_report, on_refusal)


def _report(on_refusal: Callable[[Explanation], object], signer: Signer, sent: Sent) -> None:
    from .explaining import explain  # The package oauth2.doctor is loaded on first use.

    on_refusal(explain(signer, sent))
