"""The session of a user: a random identifier in a signed cookie, and a row in the database."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import g, redirect, request, session, url_for

from .context import context

__all__ = ["current_user", "local_path", "sign_in", "sign_out", "signed_in"]

_IDENTIFIER = "id"


def current_user() -> str | None:
    """Return the name of the user who is signed in, or None."""
    if "user" not in g:
        identifier = session.get(_IDENTIFIER)
        g.user = context().accounts.user_of(identifier) if isinstance(identifier, str) else None
    user: str | None = g.user
    return user


def sign_in(name: str) -> None:
    """Open a new session for *name*.

    The previous session and its form token become invalid. Otherwise an attacker who has set a cookie in this browser
    could act as the new user (session fixation). A page of the previous user that is still open could also send its
    form as the new user.
    """
    sign_out()
    session[_IDENTIFIER] = context().accounts.open_session(name)
    g.user = name


def sign_out() -> None:
    """Close the session in the browser and in the database."""
    identifier = session.get(_IDENTIFIER)
    if isinstance(identifier, str):
        context().accounts.close_session(identifier)
    session.clear()
    g.user = None
    g.pop(
        "csrf_token", None
    )  # Flask-WTF caches the CSRF token in g. Without this line, the next page would contain the old token.


def signed_in(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate *view*, so that only signed-in users reach it. The view gets the user's name as its first argument."""

    @wraps(view)
    def only_for_users(*args: Any, **kwargs: Any) -> Any:
        user = current_user()
        if user is not None:
            return view(user, *args, **kwargs)
        # If the user is not signed in when a form is received, the form is discarded. After signing in, the user must
        # first see the page again.
        here = request.script_root + request.full_path.removesuffix("?") if request.method == "GET" else None
        return redirect(url_for("people.sign_in", next=here), 303)

    return only_for_users


def local_path(target: str | None) -> str | None:
    """Return *target* if it is a path on this site, otherwise None. This check prevents an open redirect."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return None
    # Browsers treat a backslash as a slash, and remove tabs and line breaks.
    if "\\" in target or not target.isprintable() or " " in target:
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target
