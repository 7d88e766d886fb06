"""The settings of a provider: the common base class of ``Provider`` and ``AsyncProvider``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from ..stores import AsyncProviderStore, ProviderStore
from ._endpoints import Endpoints
from ._refused import RefusalObserver
from ._settings import Lifetimes, RequestPolicy
from .audit import Event, Handled

_Store = TypeVar("_Store", bound="ProviderStore | AsyncProviderStore")
_User = TypeVar("_User")


class BaseProvider(Generic[_Store, _User]):
    """The settings of a provider.

    Each method of a subclass calls a method of :class:`Endpoints`, and runs the returned steps (see
    :mod:`oauth2._steps`).

    *_User* is the type of the values that *check_password* returns; see ``Provider`` for the arguments.
    """

    # This function is called with the store, and with a dict that maps the name of each hook to the hook. The function
    # raises TypeError if the methods of the subclass cannot call the store or a hook.
    _require: Callable[[object, Mapping[str, object]], None]

    def __init__(
        self,
        store: _Store,
        *,
        base_url: str | None = None,
        realm: str = "",
        realms: Iterable[str] = (),
        policy: RequestPolicy | None = None,
        lifetimes: Lifetimes | None = None,
        check_password: Callable[[str, str], _User] | None = None,
        audit: Callable[[Event], object] | None = None,
        requests: Callable[[Handled], object] | None = None,
        diagnoses: RefusalObserver | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._require(store, {"check_password": check_password, "audit": audit, "requests": requests})
        self._store = store
        self._endpoints = Endpoints(
            store,
            base_url=base_url,
            realm=realm,
            realms=realms,
            policy=policy,
            lifetimes=lifetimes,
            check_password=check_password,
            audit=audit,
            requests=requests,
            diagnoses=diagnoses,
            now=now,
        )

    @property
    def store(self) -> _Store:
        """The store that was passed to the constructor."""
        return self._store

    @property
    def base_url(self) -> str | None:
        """The scheme, host and path prefix of the URLs that clients sign, without a slash at the end; or None."""
        return self._endpoints.base_url

    @property
    def realm(self) -> str:
        """The realm of the ``WWW-Authenticate`` header."""
        return self._endpoints.realm

    @property
    def realms(self) -> tuple[str, ...]:
        """The realms to which tokens can give access."""
        return self._endpoints.realms

    @property
    def policy(self) -> RequestPolicy:
        """The rules for accepted requests."""
        return self._endpoints.policy

    @property
    def lifetimes(self) -> Lifetimes:
        """The lifetimes of credentials."""
        return self._endpoints.lifetimes
