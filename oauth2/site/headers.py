"""Security headers of every page: no frames, no scripts, no referrer, no cache."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Response, g, request

__all__ = ["allow_form_target", "harden", "source_of"]

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action {}; frame-ancestors 'none'; base-uri 'none'"
)
_FIELDS = {
    "X-Frame-Options": "DENY",  # This header is for browsers that do not support frame-ancestors.
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HOST = re.compile(r"[a-z0-9.-]+")
_STATIC_AGE = "public, max-age=3600"


def harden(response: Response) -> Response:
    """Return *response* with the security headers."""
    targets = " ".join(["'self'", *g.get("form_targets", ())])
    response.headers["Content-Security-Policy"] = _POLICY.format(targets)
    for name, value in _FIELDS.items():
        response.headers[name] = value
    is_static = request.endpoint == "static" and response.status_code in (200, 304)
    response.headers["Cache-Control"] = _STATIC_AGE if is_static else "no-store"
    return response


def allow_form_target(callback: str) -> None:
    """Allow the form of the current page to redirect to *callback*.

    Browsers apply ``form-action`` to the form, and also to redirects after the form was sent.
    """
    g.form_targets = [source_of(callback)]


def source_of(callback: str) -> str:
    """Return the source of a callback for Content-Security-Policy: its origin if possible, otherwise its scheme."""
    parts = urlsplit(callback)
    scheme = re.sub(r"[^a-z0-9+.-]", "", parts.scheme.lower())
    if scheme not in ("http", "https"):
        return f"{scheme}:"
    host, _, port = parts.netloc.lower().partition(":")
    if not _HOST.fullmatch(host) or (port and not port.isdecimal()):
        return f"{scheme}:"  # A source of Content-Security-Policy cannot contain an IPv6 address.
    return f"{scheme}://{host}:{port}" if port else f"{scheme}://{host}"
