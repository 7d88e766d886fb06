"""``SiteContext``: the objects that the views of one site use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from flask import current_app
from werkzeug.wrappers import Response

from ..middleware.proxies import TrustedProxies
from ..provider import Provider
from .accounts import Accounts
from .notebook import Notebook
from .throttle import Throttle
from .waiting import Waiting

__all__ = ["EXTENSION", "SiteContext", "ViewResult", "context"]

EXTENSION = "oauth2.site"

#: The result of a view: a page or a redirect. A tuple also contains the status, or the status and the headers.
ViewResult = str | Response | tuple[str | Response, int] | tuple[str | Response, int, dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteContext:
    """The objects of one site.

    Attributes:
        base_url: The public URL of the site, with its path prefix.
        provider: The provider that issues credentials and authenticates requests.
        accounts: The users and their sessions.
        throttle: The limits on attempts to sign in.
        notebook: The notes.
        waiting: The approvals that have not been redeemed yet.
        now: A function that returns seconds since 1970-01-01 00:00 UTC.
        proxies: The reverse proxies that send the address of the client; None if the site has no proxy.
    """

    base_url: str
    provider: Provider
    accounts: Accounts = field(repr=False)
    throttle: Throttle = field(repr=False)
    notebook: Notebook = field(repr=False)
    waiting: Waiting = field(repr=False)
    now: Callable[[], float] = field(repr=False)
    proxies: TrustedProxies | None = field(repr=False)


def context() -> SiteContext:
    """Return the context of the site that serves the current request."""
    return cast(SiteContext, current_app.extensions[EXTENSION])
