"""What the pages work with, and how they come by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..provider import Provider
    from .accounts import Accounts
    from .notebook import Notebook
    from .throttle import Throttle

EXTENSION = "oauth2.site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of one site.

    Attributes:
        base_url: Scheme, host and path prefix.
        provider: Issues credentials, authenticates requests.
        accounts: Who may sign in.
        throttle: How often.
        notebook: What it is about.
        clock: Returns seconds since 1970-01-01 00:00 UTC.
    """

    base_url: str
    provider: Provider
    accounts: Accounts = field(repr=False)
    throttle: Throttle = field(repr=False)
    notebook: Notebook = field(repr=False)
    clock: Callable[[], float] = field(repr=False)


def services() -> Services:
    """Return those of the application that serves the current request."""
    return cast(Services, current_app.extensions[EXTENSION])
