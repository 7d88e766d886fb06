"""Get a token with a code that the user copies from a page of the service (``oauth_callback=oob``)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Unpack

import click

from .. import errors
from ..credentials import Credentials
from ..flow import OUT_OF_BAND, Endpoints, IssuedToken
from .failure import CREDENTIALS, Failure
from .terminal import is_interactive, note

if TYPE_CHECKING:
    from ..authorize import SendingOptions
    from ..services import Service

__all__ = ["redeem_code"]

_ATTEMPTS = 5  # maximum number of codes that the user may type; a service may allow fewer codes


def redeem_code(
    consumer: Credentials,
    endpoints: Endpoints | Service,
    parameters: dict[str, str],
    show: Callable[[str], None],
    **sending: Unpack[SendingOptions],
) -> IssuedToken:
    """Exchange the code that the user types for a token. After a wrong code, the user is asked again.

    Args:
        consumer: The client credentials.
        endpoints: The service.
        parameters: Further parameters for the authorization page.
        show: A function that is called with the URL of the authorization page.
        **sending: The options for sending the requests.

    Raises:
        Failure: No code was typed.
        ServiceRefused: The service refused the last code, or the temporary credentials.
    """
    from ..authorize import begin, redeem

    pending = begin(consumer, endpoints, OUT_OF_BAND, parameters=parameters, **sending)
    show(pending.url)
    refused: Exception = Failure(
        "No code was given.", "Log in again, and type the code that the page shows.", code=CREDENTIALS
    )
    for _ in range(_ATTEMPTS):
        code = _ask(refused)
        if not code:
            continue
        try:
            return redeem(consumer, endpoints, pending.temporary, code, **sending)
        except errors.ServiceRefused as exc:
            if not _is_wrong_code(exc):
                raise
            refused = exc
        note("The service refused this code. Compare the code with the page, and type it again.")
    raise refused


def _is_wrong_code(exc: errors.ServiceRefused) -> bool:
    return exc.problem == "verifier_invalid" or (exc.problem is None and "verifier" in exc.body.lower())


def _ask(last_error: Exception) -> str:
    try:
        code: str = click.prompt(
            "The code that the page shows", err=True, prompt_suffix=": " if sys.stdin.isatty() else ":\n"
        )
    except click.Abort:
        if is_interactive():
            raise
        raise last_error from None  # The input has ended, so the user cannot type another code.
    return "".join(
        code.split()
    )  # Pages show the code in groups. The spaces between the groups are not part of the code.
