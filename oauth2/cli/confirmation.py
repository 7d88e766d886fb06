"""``confirm``: ask the user before a command deletes or changes something."""

from __future__ import annotations

import click

from .failure import Failure
from .terminal import is_interactive

__all__ = ["confirm"]


def confirm(question: str, *, yes: bool) -> None:
    """Ask *question*; end the command unless the user agrees.

    Args:
        question: The question, with its question mark.
        yes: Whether the user gave ``--yes``. In this case, the function does not ask.

    Raises:
        Failure: There is no terminal to ask for confirmation.
        click.Abort: The user does not agree.
    """
    if yes:
        return
    if not is_interactive():
        raise Failure("There is no terminal to ask for confirmation.", "Give --yes.")
    click.confirm(question, abort=True, err=True)
