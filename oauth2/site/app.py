"""``create_app``: the Flask application of the reference provider."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, abort, g, render_template, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException

from ..errors import Error
from ..middleware.proxies import TrustedProxies
from ..middleware.wsgi import CredentialEndpoints
from ..provider import Provider
from ..provider.audit import Event, Refused
from ..provider.diagnoses import Diagnosed, Diagnoses
from ..stores import ProviderStore
from ..stores.sqlite import SQLiteStore
from .accounts import SESSION_LIFETIME, Accounts
from .api import api, http_error, is_for_programs
from .applications import applications
from .consent import consent
from .context import EXTENSION, SiteContext, context
from .database import Database
from .headers import harden
from .key import secret_key
from .notebook import REALMS, Notebook
from .people import people
from .session import current_user
from .throttle import Throttle
from .waiting import Waiting

__all__ = ["LOOPBACK", "create_app"]

_LOG = logging.getLogger("oauth2.site")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LARGEST_BODY = 1_000_000  # In bytes; a larger body is refused.
_STYLE = Path(__file__).parent / "static" / "site.css"


def create_app(
    database: str | os.PathLike[str],
    *,
    base_url: str,
    name: str = "Notebook",
    store: ProviderStore | None = None,
    proxies: TrustedProxies | None = None,
    diagnoses: Diagnoses | None = None,
    now: Callable[[], float] = time.time,
) -> Flask:
    """Create the Flask application of the reference provider.

    The key that signs the cookies is stored in a file whose name is *database* with ``.key`` at the end. Only the owner
    can read this file and the database.

    Args:
        database: Path of the SQLite file; created if it does not exist.
        base_url: The public URL of the site, with its path prefix; clients sign URLs below *base_url*. *base_url* must
            be an https URL, or an http URL of a loopback address.
        name: The name of the service on the pages.
        store: The provider's store; defaults to an ``SQLiteStore`` in *database*.
        proxies: Reverse proxies that send the address of the client in X-Forwarded-For or Forwarded.
            With *proxies*, attempts to sign in are counted separately for each address of a client. The signed URL
            depends only on *base_url*.
        diagnoses: An object that diagnoses each refusal, so that the reason is logged; None if the reasons must not be
            logged.
        now: A function that returns seconds since 1970-01-01 00:00 UTC.

    Raises:
        ValueError: *base_url* is not allowed.
        StoreUnavailable: *database* or the key cannot be used.
    """
    base_url = base_url.rstrip("/")
    parts = urlsplit(base_url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError("base_url: must be an https URL, or an http URL of a loopback address")
    tables, key = Database(database), secret_key(f"{os.fspath(database)}.key")
    app = Flask("oauth2.site", template_folder="templates", static_folder="static")
    kept = SQLiteStore(database) if store is None else store
    try:
        provider = Provider(
            kept, base_url=base_url, realm=name, realms=REALMS, audit=_log, diagnoses=diagnoses, now=now
        )
    except ValueError:
        if isinstance(kept, SQLiteStore) and store is None:
            kept.close()
        raise
    app.extensions[EXTENSION] = SiteContext(
        base_url=base_url,
        provider=provider,
        accounts=Accounts(tables, now),
        throttle=Throttle(tables, now),
        notebook=Notebook(tables, now),
        waiting=Waiting(tables, provider, now),
        now=now,
        proxies=proxies,
    )
    app.config.update(_settings(base_url, key))
    _add_pages(app, base_url, name)
    _mount(app, parts.path, provider)
    return app


def _settings(base_url: str, key: str) -> dict[str, Any]:
    parts = urlsplit(base_url)
    return {
        "SECRET_KEY": key,
        "MAX_CONTENT_LENGTH": _LARGEST_BODY,
        # Two sites on the same host use two names, so that neither site overwrites the cookie of the other. Over https,
        # the prefix __Host- prevents other hosts from setting the cookie.
        "SESSION_COOKIE_NAME": _cookie_name(base_url),
        "SESSION_COOKIE_PATH": parts.path or "/",
        "SESSION_COOKIE_SECURE": parts.scheme == "https",
        "SESSION_COOKIE_HTTPONLY": True,
        # "Strict" is not possible: if a link in an application opens the consent page, the browser must send the
        # cookie.
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": SESSION_LIFETIME,
        "WTF_CSRF_TIME_LIMIT": None,  # None: the CSRF token is valid as long as the session.
        "WTF_CSRF_SSL_STRICT": False,  # True would require a Referer. _refuse_other_sites() checks Origin instead.
    }


def _add_pages(app: Flask, base_url: str, name: str) -> None:
    # This check is registered first, so that a form from another site is refused before CSRFProtect reads the form.
    app.before_request(_refuse_other_sites)
    protect = CSRFProtect(app)
    for blueprint in (people, applications, consent, api):
        app.register_blueprint(blueprint)
    # Requests to the API are authenticated by a signature, not by a cookie, so they need no CSRF token.
    protect.exempt(api)
    app.after_request(harden)
    app.register_error_handler(CSRFError, _form_is_stale)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Error, _store_is_down)
    style = hashlib.sha256(_STYLE.read_bytes()).hexdigest()[:12]

    @app.context_processor
    def shared() -> dict[str, Any]:
        return {
            "site": name,
            "base_url": base_url,
            "style": url_for("static", filename="site.css", v=style),
            "user": current_user(),
        }

    @app.template_filter("day")
    def day(seconds: int) -> str:
        moment = datetime.fromtimestamp(seconds, UTC)
        return f"{moment.day} {moment:%B %Y, %H:%M} UTC"

    @app.template_filter("iso")
    def iso(seconds: int) -> str:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _mount(app: Flask, prefix: str, provider: Provider) -> None:
    inner = app.wsgi_app

    def mounted(environ: dict[str, Any], start_response: Any) -> Any:
        # Flask's url_for() puts SCRIPT_NAME before each path. The URLs must begin with the prefix of base_url, so this
        # line replaces the SCRIPT_NAME of the request.
        environ["SCRIPT_NAME"] = prefix
        return inner(environ, start_response)

    app.wsgi_app = CredentialEndpoints(mounted, provider=provider, prefix="/oauth")  # type: ignore[method-assign]


def _cookie_name(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme == "https" and not parts.path:
        return "__Host-session"
    return f"session-{hashlib.sha256(base_url.encode()).hexdigest()[:8]}"


def _refuse_other_sites() -> None:
    if request.method in ("GET", "HEAD", "OPTIONS") or request.blueprint == api.name:
        return
    # When a browser sends a form, the header Origin contains the origin of the page on which the user filled in the
    # form. For forms of this site, the origin is "null", because this site sends Referrer-Policy: no-referrer.
    origin = request.headers.get("Origin", "null")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    parts = urlsplit(context().base_url)
    if site not in ("same-origin", "none") or origin not in ("null", f"{parts.scheme}://{parts.netloc}"):
        abort(403)


def _form_is_stale(error: CSRFError) -> tuple[str, int]:
    text = (
        "After you opened this page, you may have signed in or signed out. Open the page again and repeat your entry."
    )
    return render_template("message.html", title="This form has expired", text=text), 400


_TEXTS = {
    400: ("Bad request", "A part of the form is missing. Open the page again."),
    403: ("Not allowed", "This form was sent from another site. Open the page on this site and try again."),
    404: ("Page not found", "The page does not exist, or belongs to another user."),
    405: ("Not possible", "This page does not support this action."),
    413: ("Too large", "Send less than 1 megabyte."),
    500: ("Internal error", "The error was written to the log. Try again later."),
}


def _http_error(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error  # This exception is a redirect, not an error.
    if is_for_programs(request.path):
        return http_error(error)
    title, text = _TEXTS.get(error.code, (error.name, ""))
    return render_template("message.html", title=title, text=text), error.code


def _store_is_down(error: Error) -> tuple[str, int, dict[str, str]]:
    _LOG.error("%s", error.message)
    g.user = None  # Without this line, the page would look up the user in the unavailable database.
    text = "The database is not available. Try again in a moment."
    return render_template("message.html", title="Temporarily unavailable", text=text), 503, {"Retry-After": "5"}


def _log(event: Event) -> None:
    # Tokens are not logged. ascii() escapes line feeds in a received consumer key. Without the escapes, a peer could
    # forge lines of the log.
    client = ascii((event.consumer_key or "")[:64])
    if isinstance(event, Refused):
        _LOG.info("refused client=%s status=%d problem=%s", client, event.status, event.problem)
    elif isinstance(event, Diagnosed):
        _log_diagnosis(client, event)
    else:
        user = ascii(getattr(event, "user", None))
        _LOG.info("%s client=%s user=%s", type(event).__name__.lower(), client, user)


def _log_diagnosis(client: str, event: Diagnosed) -> None:
    said = [each.sentence for each in event.diagnosis.findings] or event.diagnosis.ruled_out
    _LOG.info(
        "diagnosed client=%s verdict=%s findings=%s arrived=%s verified=%s said=%s",
        client,
        event.diagnosis.verdict,
        ",".join([each.key for each in event.diagnosis.findings]) or None,
        ascii(event.arrived),
        ascii(event.verified),
        ascii(" ".join([*said, event.advice]).strip()),
    )
