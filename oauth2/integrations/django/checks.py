"""System checks. They report settings that prevent clients from using the provider, or that allow replays."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Warned
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.http.request import validate_host

from ..._wire.uri import is_loopback_host
from ...stores import CombinedStore, MemoryStore
from .configuration import database, provider

__all__ = ["check_database", "check_deployment", "check_settings"]

_OLDEST_SQLITE = (3, 35)  # Version 3.35 is the first version of SQLite with RETURNING.
_IN_DEBUG = [".localhost", "127.0.0.1", "[::1]"]  # With DEBUG and an empty ALLOWED_HOSTS, Django allows these hosts.
_AUTHENTICATION = "oauth2.integrations.rest_framework.OAuth1Authentication"


def check_settings(app_configs: Sequence[AppConfig] | None, **_: object) -> list[CheckMessage]:
    """Check the settings whose names begin with ``OAUTH2_``, and the settings of Django that the provider needs."""
    try:
        store = provider().store
    except ImproperlyConfigured as exc:
        return [Error(str(exc), id="oauth2.E001")]
    found = [*_base_url(), *_transactions()]
    if isinstance(store.nonces if isinstance(store, CombinedStore) else store, MemoryStore):
        found.append(
            Warned(
                "The nonces of OAUTH2_STORE are in the memory of one process.",
                hint="If the project runs in several processes, each process accepts a replayed request once. Remove "
                "OAUTH2_STORE to store nonces in the database, or use a RedisStore.",
                id="oauth2.W001",
            )
        )
    return found


def check_deployment(app_configs: Sequence[AppConfig] | None, **_: object) -> list[CheckMessage]:
    """Check the settings of a site behind a proxy, for ``check --deploy``."""
    try:
        url = urlsplit(provider().base_url or "")
    except ImproperlyConfigured:
        return []  # check_settings() reports the wrong setting.
    found: list[CheckMessage] = []
    if url.scheme == "http":
        found.append(
            Warned(
                "OAUTH2_BASE_URL is an http URL.",
                hint="Use the public https URL of the site. Credentials are issued over http on this machine only.",
                id="oauth2.W002",
            )
        )
    elif not settings.SECURE_PROXY_SSL_HEADER and f"https://{url.netloc}" not in settings.CSRF_TRUSTED_ORIGINS:
        found.append(
            Warned(
                "OAUTH2_BASE_URL is an https URL, and SECURE_PROXY_SSL_HEADER is not set.",
                hint="If a proxy receives the https requests, set SECURE_PROXY_SSL_HEADER. Otherwise the CSRF check "
                "refuses the form of the consent page. If there is no proxy, add oauth2.W003 to "
                "SILENCED_SYSTEM_CHECKS.",
                id="oauth2.W003",
            )
        )
    return found


def check_database(
    app_configs: Sequence[AppConfig] | None, databases: Iterable[str] | None = None, **_: object
) -> list[CheckMessage]:
    """Check that the database of the provider supports the statements of the store."""
    alias = database()
    if alias not in (databases or ()):
        return []
    connection = connections[alias]
    if connection.vendor == "mysql" and not getattr(connection, "mysql_is_mariadb", False):
        problem = "is MySQL, which has no DELETE ... RETURNING"
    elif connection.vendor == "sqlite" and sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        problem = "is an SQLite before 3.35, which has no RETURNING"
    else:
        return []
    hint = "Use PostgreSQL, MariaDB or a newer SQLite, and set OAUTH2_DATABASE to the alias of this database."
    return [Error(f"The database {alias!r} {problem}.", hint=hint, id="oauth2.E005")]


def _base_url() -> list[CheckMessage]:
    url = urlsplit(provider().base_url or "")
    found: list[CheckMessage] = []
    allowed = settings.ALLOWED_HOSTS or (_IN_DEBUG if settings.DEBUG else [])
    if not validate_host(url.hostname or "", allowed):
        found.append(
            Error(
                "ALLOWED_HOSTS does not contain the host of OAUTH2_BASE_URL.",
                hint="Django refuses the requests that clients send to OAUTH2_BASE_URL. Correct one of the settings.",
                id="oauth2.E002",
            )
        )
    if url.scheme == "http" and not settings.DEBUG and not is_loopback_host(url.hostname or ""):
        found.append(
            Error(
                "OAUTH2_BASE_URL is an http URL of another machine.",
                hint="Use the public https URL of the site. Credentials are not issued over http.",
                id="oauth2.E003",
            )
        )
    prefix = (settings.FORCE_SCRIPT_NAME or "").rstrip("/")
    if prefix and url.path.rstrip("/").endswith(prefix):
        found.append(
            Warned(
                "OAUTH2_BASE_URL ends with FORCE_SCRIPT_NAME.",
                hint="The URLs that clients sign would contain the prefix twice. Remove it from OAUTH2_BASE_URL.",
                id="oauth2.W004",
            )
        )
    return found


def _transactions() -> list[CheckMessage]:
    used = connections.settings[database()]
    found: list[CheckMessage] = []
    if not used["AUTOCOMMIT"]:
        hint = "Set AUTOCOMMIT to True, which is the default. Otherwise the used nonces are not stored."
        found.append(Error("AUTOCOMMIT of the database is False.", hint=hint, id="oauth2.E004"))
    rest_framework = getattr(settings, "REST_FRAMEWORK", {})
    if used["ATOMIC_REQUESTS"] and _AUTHENTICATION in rest_framework.get("DEFAULT_AUTHENTICATION_CLASSES", ()):
        found.append(
            Warned(
                "ATOMIC_REQUESTS begins a transaction before OAuth1Authentication verifies a request.",
                hint="Write oauth_required(View.as_view()) in urls.py, so that requests are verified before the "
                "transaction begins. Otherwise each signed request fails.",
                id="oauth2.W005",
            )
        )
    return found
