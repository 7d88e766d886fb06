"""Who is signed in: a random identifier in a signed cookie, and what stands behind it in the database."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import g, redirect, request, session, url_for

from .services import services

if TYPE_CHECKING:
    from collections.abc import Callable

_IDENTIFIER = "id"


def current_user() -> str | None:
    """Return the name of the user who is signed in, or None."""
    if "user" not in g:
        identifier = session.get(_IDENTIFIER)
        g.user = services().accounts.user_of(identifier) if isinstance(identifier, str) else None
    user: str | None = g.user
    return user


def sign_in(name: str) -> None:
    """Open a session of *name*.

    Nothing of the session before is kept, its form token neither: what somebody put
    into this browser beforehand, or left open in another window, is worth nothing.
    """
    sign_out()
    session[_IDENTIFIER] = services().accounts.open_session(name)
    g.user = name


def sign_out() -> None:
    """End the session, in the browser and in the database."""
    identifier = session.get(_IDENTIFIER)
    if isinstance(identifier, str):
        services().accounts.close_session(identifier)
    session.clear()
    g.user = None
    g.pop("csrf_token", None)  # else the page that follows would carry the old one


def signed_in(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let *view* be seen by users alone; it gets the user's name as its first argument."""

    @wraps(view)
    def only_for_users(*args: Any, **kwargs: Any) -> Any:
        user = current_user()
        if user is not None:
            return view(user, *args, **kwargs)
        # What was posted is gone then: nothing is done that nobody saw while signed in.
        here = request.script_root + request.full_path.removesuffix("?") if request.method == "GET" else None
        return redirect(url_for("people.sign_in", next=here), 303)

    return only_for_users


def local_path(target: str | None) -> str | None:
    """Return *target* if it is a path on this site, else None: nobody is redirected anywhere else."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return None
    # Browsers read a backslash as a slash, and drop tabs and line breaks.
    if "\\" in target or not target.isprintable() or " " in target:
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target
