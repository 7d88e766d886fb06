"""``create_page``: the Flask application of the page."""

from __future__ import annotations

import hmac
import re
import secrets
import time
import traceback
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, render_template, request, send_from_directory
from jinja2 import FileSystemLoader
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException

from ..._wire.form import parse_form_as_sent
from ...doctor import diagnose
from ...doctor.report import verdict
from ...site.headers import harden
from ..escape import one_line
from . import view
from .entry import Entry, kept, read_entry

__all__ = ["LARGEST", "create_page"]

LARGEST = 4 << 20  # Maximum size of a form, in bytes. A larger form is refused.
_HERE = Path(__file__).parent
_SITE = _HERE.parents[1] / "site"  # The page uses the macros and the stylesheet of the site.
# Any port is accepted, because a user may open the page through a tunnel with another port.
_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_TEXTS = {
    403: ("Not allowed", "Open the page at the address that the command printed, and send the form on that page."),
    404: ("Page not found", "This address has no page."),
    405: ("Not possible", "This page does not support this action."),
    413: ("Too large", "Paste at most 4 megabytes. For a large file, run: oauth2 doctor FILE"),
}


def create_page() -> Flask:
    """Create the Flask application. It stores only the token that protects the form from other sites."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    app.jinja_env.loader = FileSystemLoader([_HERE / "templates", _SITE / "templates"])
    app.jinja_env.finalize = _visible
    token = secrets.token_urlsafe(16)
    app.before_request(_require_loopback)
    app.after_request(harden)
    app.add_template_global(_whole, "whole")
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _internal_error)

    @app.get("/")
    def form() -> str:
        return render_template("form.html", token=token, problems={}, kept={})

    @app.post("/")
    def result() -> str | tuple[str, int]:
        fields = dict(parse_form_as_sent(request.get_data(cache=False)))
        if not hmac.compare_digest(fields.get("form_token", "").encode("utf-8", "surrogatepass"), token.encode()):
            abort(403)
        entry, problems = read_entry(fields)
        if entry is None:
            return render_template("form.html", token=token, problems=problems, kept=kept(fields)), 422
        return _result(entry, checks_time=bool(fields.get("checks_time")))

    @app.get("/site.css")
    def style() -> Response:
        return send_from_directory(_SITE / "static", "site.css")

    return app


def _result(entry: Entry, *, checks_time: bool) -> str:
    diagnosis = diagnose(
        entry.request,
        entry.consumer,
        entry.token,
        their_base_string=entry.their_base_string,
        now=time.time() if checks_time else None,
    )
    return render_template(
        "result.html",
        title=verdict(diagnosis),
        notes=entry.notes,
        has_token=entry.token is not None,
        **view.shown(diagnosis),
    )


def _visible(value: object) -> object:
    """Return *value* with invisible characters escaped, for a page."""
    return value if isinstance(value, Markup) else one_line(str(value))


def _whole(text: object) -> Markup:
    """Escape *text*, except for its line ends, for a text field; return an empty text if *text* is not defined."""
    return escape("\n".join(map(one_line, str(text).splitlines())))


def _require_loopback() -> None:
    # The owner of another site can let a host name resolve to 127.0.0.1 (DNS rebinding). In this case the browser sends
    # the name of the other site in the Host header, so a request with another name is refused.
    if not _LOOPBACK.fullmatch(request.environ.get("HTTP_HOST", "")):
        abort(403)
    # In the header Origin, browsers send the origin of the page that contains the form. For the form of this page, the
    # origin is "null", because of Referrer-Policy: no-referrer. A form on a page of another site has another origin.
    origin = request.headers.get("Origin", "null")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    is_ours = site in ("same-origin", "none") and origin in ("null", request.host_url.rstrip("/"))
    if request.method == "POST" and not is_ours:
        abort(403)


def _http_error(error: HTTPException) -> Any:
    title, text = _TEXTS.get(error.code or 500, (error.name, "Open the page again."))
    return render_template("message.html", title=title, text=text), error.code


def _internal_error(error: Exception) -> tuple[str, int]:
    # The message of the error can contain text that the user has entered. Therefore only the class of the error and its
    # line number are shown.
    *_, place = traceback.extract_tb(error.__traceback__)
    where = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
    text = (
        f"This request cannot be diagnosed, because of a mistake in this program: {where}. Please report this mistake."
    )
    return render_template("message.html", title="Internal error", text=text), 500
