"""Convert the errors of ``oauth2 login`` to a ``Failure``."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .. import errors
from ..flow import OUT_OF_BAND
from .failure import REFUSED, UNREACHABLE, Failure, in_options, sentence
from .problem import hint_for, problem_of, refusal, text_of
from .wanted import note_wanted

if TYPE_CHECKING:
    from ..clients.explanation import Explanation

__all__ = ["login_failures"]

_CHECK = "Check the URLs, the consumer key and the callback."
_NETWORK = "Check the URLs and the network."
_BUSY = (errno.EADDRINUSE, errno.EACCES)  # Only the server that listens for the callback raises these errors.


@contextmanager
def login_failures(refusals: Sequence[Explanation] = ()) -> Iterator[None]:
    """Raise a :class:`Failure` for each error that a login can raise.

    Args:
        refusals: The explanations of the refusals so far; the last explanation is shown if the error reports the last
            refusal.
    """
    from httplib2 import HttpLib2Error

    try:
        yield
    except errors.Error as exc:
        if refusals and isinstance(exc, errors.ServiceRefused) and exc.answered == refusals[-1].status:
            note_wanted(refusals[-1], (), with_problem=False)
        raise _of_the_flow(exc) from None
    except HttpLib2Error as exc:
        raise _of_httplib2(exc) from None
    except OSError as exc:
        raise _of_the_system(exc) from None
    except ValueError as exc:
        raise Failure(in_options(exc), "Run: oauth2 login --help") from None


def _of_the_flow(exc: errors.Error) -> Failure:
    if isinstance(exc, errors.AuthorizationDenied):
        return Failure(
            "The service reports that you denied the access.", "To allow the access, log in again.", code=REFUSED
        )
    if isinstance(exc, errors.ServiceRefused):
        return _of_the_service(exc)
    if isinstance(exc, errors.InvalidURL):
        return Failure(sentence(exc.message), "Give an https URL.")
    return Failure(sentence(exc.message), "Check the three URLs, or ask the service.", code=REFUSED)


def _of_the_service(exc: errors.ServiceRefused) -> Failure:
    status = exc.answered or 400  # `answered` is None if the callback reported the refusal.
    known = problem_of("", f"oauth_problem={exc.problem}") if exc.problem else None
    text = text_of(exc.body)
    answered = str(exc.answered or "with the callback")
    return refusal(answered, exc.problem, text, hint_for(status, known, text, _CHECK))


def _of_httplib2(exc: Exception) -> Failure:
    from httplib2 import ServerNotFoundError

    reason = "unknown host name" if isinstance(exc, ServerNotFoundError) else type(exc).__name__
    return Failure(f"Cannot reach the service: {reason}.", _NETWORK, code=UNREACHABLE)


def _of_the_system(exc: OSError) -> Failure:
    if isinstance(exc, TimeoutError):
        message = sentence(str(exc) or "The service did not answer in time")
        hint = f"Log in again. If no browser can reach this machine, give --callback {OUT_OF_BAND}."
        return Failure(message, hint, code=UNREACHABLE)
    reason = exc.strerror or type(exc).__name__
    if exc.errno in _BUSY:
        hint = "Stop the program that uses the port, or choose another port with --callback."
        return Failure(f"Cannot listen on the port of the callback: {reason}.", hint)
    return Failure(f"Cannot reach the service: {reason}.", _NETWORK, code=UNREACHABLE)
