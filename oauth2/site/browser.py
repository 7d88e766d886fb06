"""A cookie for each browser in which a user has signed in.

Attempts to sign in with this cookie are counted separately. Therefore an attacker, who guesses passwords in another
browser, cannot lock out the user.
"""

from __future__ import annotations

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from .._generate import make_nonce

__all__ = ["browser_of", "mark_browser"]

_LIFETIME = 365 * 24 * 3600  # In seconds; the browser deletes the cookie after this time.


def mark_browser(response: Response, name: str) -> Response:
    """Add a cookie to *response* that records that *name* signed in with this browser; return *response*."""
    config = current_app.config
    response.set_cookie(
        _cookie(),
        _signer().dumps([name, make_nonce()]),
        max_age=_LIFETIME,
        path=config["SESSION_COOKIE_PATH"],
        secure=config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response


def browser_of(name: str) -> str | None:
    """Return the identifier of this browser if *name* was the last user who signed in with it, otherwise None."""
    try:
        marked, identifier = _signer().loads(request.cookies.get(_cookie(), ""))
    except BadSignature:
        return None
    return str(identifier) if marked == name else None


def _cookie() -> str:
    name: str = current_app.config["SESSION_COOKIE_NAME"]
    return name.replace("session", "browser")


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="oauth2.site.browser")
