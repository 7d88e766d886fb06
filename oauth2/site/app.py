"""``create_app``: the Flask application of the reference provider."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, abort, g, render_template, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException

from ..audit import Event, Refused
from ..errors import Error
from ..middleware.wsgi import Endpoints
from ..provider import Provider
from ..stores.sqlite import SQLiteStore
from .accounts import SESSION_LIFETIME, Accounts
from .api import api, http_error, is_for_programs
from .applications import applications
from .consent import consent
from .database import Database
from .headers import harden
from .key import secret_key
from .notebook import REALMS, Notebook
from .people import people
from .services import EXTENSION, Services, services
from .session import current_user
from .throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..stores import ProviderStore

_LOG = logging.getLogger("oauth2.site")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LARGEST_BODY = 1_000_000  # octets
_STYLE = Path(__file__).parent / "static" / "site.css"


def create_app(
    database: str | os.PathLike[str],
    *,
    base_url: str,
    name: str = "Notebook",
    store: ProviderStore | None = None,
    clock: Callable[[], float] = time.time,
) -> Flask:
    """Make the Flask application of the reference provider.

    Beside *database* it keeps ``DATABASE.key``, which signs its cookies. Both are
    readable for their owner alone.

    Args:
        database: SQLite file; it is made if need be.
        base_url: Scheme, host and path prefix by which the site is reached, and which
            clients sign: https, or http on a loopback address.
        name: What the pages call the service.
        store: What the provider remembers; an ``SQLiteStore`` in *database* unless given.
        clock: Returns seconds since 1970-01-01 00:00 UTC.

    Raises:
        ValueError: *base_url* is no such URL.
        StoreUnavailable: *database* or the key cannot be used.
    """
    base_url = base_url.rstrip("/")
    parts = urlsplit(base_url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("base_url: https wanted, or http on a loopback address")
    tables, key = Database(database), secret_key(f"{os.fspath(database)}.key")
    app = Flask("oauth2.site", template_folder="templates", static_folder="static")
    kept = SQLiteStore(database) if store is None else store
    try:
        provider = Provider(kept, base_url=base_url, realm=name, realms=REALMS, audit=_log, clock=clock)
    except ValueError:
        if isinstance(kept, SQLiteStore) and store is None:
            kept.close()
        raise
    app.extensions[EXTENSION] = Services(
        base_url=base_url,
        provider=provider,
        accounts=Accounts(tables, clock),
        throttle=Throttle(tables, clock),
        notebook=Notebook(tables, clock),
        clock=clock,
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
        # One cookie for each site on a host; over https nobody else can set it (__Host-).
        "SESSION_COOKIE_NAME": _cookie_name(base_url),
        "SESSION_COOKIE_PATH": parts.path or "/",
        "SESSION_COOKIE_SECURE": parts.scheme == "https",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",  # not Strict: a user comes to the consent page from elsewhere
        "PERMANENT_SESSION_LIFETIME": SESSION_LIFETIME,
        "WTF_CSRF_TIME_LIMIT": None,  # a form is good for as long as its session
        "WTF_CSRF_SSL_STRICT": False,  # it wants a Referer; _refuse_other_sites() does what that is for
    }


def _add_pages(app: Flask, base_url: str, name: str) -> None:
    # First of all, so that it comes before the forms' tokens are looked at.
    app.before_request(_refuse_other_sites)
    protect = CSRFProtect(app)
    for blueprint in (people, applications, consent, api):
        app.register_blueprint(blueprint)
    protect.exempt(api)  # its requests are signed, and no cookie counts
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
        environ["SCRIPT_NAME"] = prefix  # links lead below it; nothing that a peer sends decides
        return inner(environ, start_response)

    app.wsgi_app = Endpoints(mounted, provider=provider, prefix="/oauth")  # type: ignore[method-assign]


def _cookie_name(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme == "https" and not parts.path:
        return "__Host-session"
    return f"session-{hashlib.sha256(base_url.encode()).hexdigest()[:8]}"


def _refuse_other_sites() -> None:
    if request.method in ("GET", "HEAD", "OPTIONS") or request.blueprint == api.name:
        return
    # Browsers say where a form comes from; "null" is what no-referrer makes of our own.
    origin = request.headers.get("Origin", "null")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    parts = urlsplit(services().base_url)
    if site not in ("same-origin", "none") or origin not in ("null", f"{parts.scheme}://{parts.netloc}"):
        abort(403)


def _form_is_stale(error: CSRFError) -> tuple[str, int]:
    text = "It was not sent from a page of yours here, or you signed in or out since. Open the page again."
    return render_template("message.html", title="This form does not count", text=text), 400


_TEXTS = {
    400: ("This cannot be understood", "Something is missing in what was sent."),
    403: ("Not from here", "Forms of this site only count when they are sent from it."),
    404: ("There is no such page", "It may be gone, or belong to somebody else."),
    405: ("This cannot be done here", "The page is there, but not for that."),
    413: ("Too large", "Less than a megabyte, please."),
    500: ("Something broke", "It was written to the log. Try again later."),
}


def _http_error(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error  # a redirect
    if is_for_programs(request.path):
        return http_error(error)
    title, text = _TEXTS.get(error.code, (error.name, ""))
    return render_template("message.html", title=title, text=text), error.code


def _store_is_down(error: Error) -> tuple[str, int, dict[str, str]]:
    _LOG.error("%s", error.message)
    g.user = None  # who it is cannot be looked up, either
    text = "What has to be remembered cannot be, for the moment. Try again in a little while."
    return render_template("message.html", title="Out of order", text=text), 503, {"Retry-After": "5"}


def _log(event: Event) -> None:
    # Tokens stay out of it; and what a peer claims may hold anything, a line break, too.
    client = ascii((event.consumer_key or "")[:64])
    if isinstance(event, Refused):
        _LOG.info("refused client=%s status=%d problem=%s", client, event.status, event.problem)
    else:
        user = ascii(getattr(event, "user", None))
        _LOG.info("%s client=%s user=%s", type(event).__name__.lower(), client, user)
