"""The header fields of every page: no frame, no script, no trace elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import g, request

if TYPE_CHECKING:
    from flask import Response

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action {}; frame-ancestors 'none'; base-uri 'none'"
)
_FIELDS = {
    "X-Frame-Options": "DENY",  # for browsers without frame-ancestors
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HOST = re.compile(r"[a-z0-9.-]+")
_STATIC_AGE = "public, max-age=3600"


def harden(response: Response) -> Response:
    """Return *response* with the fields that keep others out."""
    targets = " ".join(["'self'", *g.get("form_targets", ())])
    response.headers["Content-Security-Policy"] = _POLICY.format(targets)
    for name, value in _FIELDS.items():
        response.headers[name] = value
    is_static = request.endpoint == "static" and response.status_code in (200, 304)
    response.headers["Cache-Control"] = _STATIC_AGE if is_static else "no-store"
    return response


def allow_form_target(callback: str) -> None:
    """Let the form of this page end at *callback*: browsers hold redirects after a form to ``form-action``."""
    g.form_targets = [source_of(callback)]


def source_of(callback: str) -> str:
    """Return the Content-Security-Policy source of a callback: its origin, or its scheme if no source can say more."""
    parts = urlsplit(callback)
    scheme = re.sub(r"[^a-z0-9+.-]", "", parts.scheme.lower())
    if scheme not in ("http", "https"):
        return f"{scheme}:"
    host, _, port = parts.netloc.lower().partition(":")
    if not _HOST.fullmatch(host) or (port and not port.isdecimal()):
        return f"{scheme}:"  # an IPv6 address has no form there
    return f"{scheme}://{host}:{port}" if port else f"{scheme}://{host}"
