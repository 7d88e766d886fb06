"""The project's settings whose names begin with ``OAUTH2_``, and the provider that these settings configure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ..._checks import require_max_body
from ...middleware.body import MAX_BODY
from ...provider import Lifetimes, Provider, RequestPolicy
from ...provider.audit import Event, Handled
from ...stores import ProviderStore
from ...stores.cipher import Cipher
from ...stores.django import DjangoStore

__all__ = ["database", "forget", "known_realm", "max_body", "provider"]

_Value = TypeVar("_Value")
_PREFIX = "OAUTH2_"


@lru_cache(maxsize=1)
def provider() -> Provider:
    """Return the provider of the project, made from the settings on first use.

    Raises:
        ImproperlyConfigured: A setting is missing or not valid; the message contains the name of the setting.
    """
    if not getattr(settings, "OAUTH2_BASE_URL", None):
        raise ImproperlyConfigured("OAUTH2_BASE_URL: must be set to the public URL of the site")
    policy: RequestPolicy = _object("POLICY", RequestPolicy(body_hash_required=True))
    if not isinstance(policy, RequestPolicy):
        raise ImproperlyConfigured("OAUTH2_POLICY: must be a RequestPolicy")
    lifetimes: Lifetimes | None = _object("LIFETIMES", None)
    check_password: Callable[[str, str], str | None] | None = _object("CHECK_PASSWORD", None)
    audit: Callable[[Event], object] | None = _object("AUDIT", None)
    requests: Callable[[Handled], object] | None = _object("REQUESTS", None)
    try:
        require_max_body("max_body", max_body())
        return Provider(
            _store(policy),
            base_url=settings.OAUTH2_BASE_URL,
            realm=getattr(settings, "OAUTH2_REALM", ""),
            realms=_realms(),
            policy=policy,
            lifetimes=lifetimes,
            check_password=check_password,
            audit=audit,
            requests=requests,
        )
    except (TypeError, ValueError) as exc:
        name, _, reason = str(exc).partition(": ")
        raise ImproperlyConfigured(f"{_PREFIX}{name.upper()}: {reason}") from exc


def forget(*, setting: str, **_: object) -> None:
    """Delete the cached provider if a test has changed a setting. Django calls this receiver of ``setting_changed``."""
    if setting.startswith(_PREFIX):
        provider.cache_clear()


def database() -> str:
    """Return the alias of the database that has the tables."""
    alias: str = getattr(settings, "OAUTH2_DATABASE", "default")
    return alias


def max_body() -> int:
    """Return the maximum size of the body of a signed request, in bytes."""
    size: int = getattr(settings, "OAUTH2_MAX_BODY", MAX_BODY)
    return size


def known_realm(realm: str | None) -> str | None:
    """Return *realm* if it is None or a realm of the project.

    Raises:
        ValueError: *realm* is neither None nor one of ``OAUTH2_REALMS``.
    """
    if realm is not None and realm not in _realms():
        raise ValueError("realm: must be one of OAUTH2_REALMS")
    return realm


def _realms() -> tuple[str, ...]:
    realms: Sequence[str] = getattr(settings, "OAUTH2_REALMS", ())
    if isinstance(realms, str):
        raise ImproperlyConfigured("OAUTH2_REALMS: must be a list of realms, not one str")
    return tuple(realms)


def _store(policy: RequestPolicy) -> ProviderStore:
    cipher: Cipher | None = _object("CIPHER", None)
    store: ProviderStore | None = _object("STORE", None)
    if store is None:
        try:
            return DjangoStore(using=database(), window=policy.timestamp_threshold, cipher=cipher)
        except ValueError:
            raise ValueError("database: must be the alias of a PostgreSQL, MariaDB or SQLite database") from None
    if cipher is not None:
        raise ValueError("cipher: must not be set with OAUTH2_STORE; pass the cipher to the store")
    return store


def _object(name: str, default: _Value) -> _Value:
    """Return the object that a setting contains. The setting may contain the dotted path of the object instead."""
    value: Any = getattr(settings, _PREFIX + name, default)
    try:
        found: _Value = import_string(value) if isinstance(value, str) else value
    except ImportError as exc:
        raise ImproperlyConfigured(f"{_PREFIX}{name}: must be an object, or its dotted path: {exc}") from exc
    return found
