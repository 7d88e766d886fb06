"""``CalledStore``: an asyncio store that calls the methods of a blocking store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, ParamSpec, TypeVar, cast

from .protocols import ListingStore, ProviderStore
from .records import ClientCredentials, TemporaryCredentials, TokenCredentials

_P = ParamSpec("_P")
_Result = TypeVar("_Result")
_Blocking = TypeVar("_Blocking", bound=ProviderStore)


class CalledStore(Generic[_Blocking]):
    """An :class:`~oauth2.stores.AsyncProviderStore` that calls the methods of a blocking store.

    The methods of a blocking store are ordinary functions instead of coroutine functions. This class calls them in the
    event loop, so each method must return immediately, like the methods of :class:`~oauth2.stores.MemoryStore`. For a
    store that waits for a file or a network, a subclass overrides ``_call()``, for example to call the methods in
    threads.
    """

    _store: _Blocking

    async def _call(self, method: Callable[_P, _Result], *args: _P.args, **kwargs: _P.kwargs) -> _Result:
        """Call *method*, a method of the blocking store, with the other arguments; return the result."""
        return method(*args, **kwargs)

    @property
    def window(self) -> int:
        """The window of the blocking store, in seconds."""
        return self._store.window

    async def close(self) -> None:
        """See :meth:`~oauth2.stores.Store.close`."""
        await self._call(self._store.close)

    async def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`."""
        return await self._call(self._store.add_nonce, nonce, timestamp, consumer_key, token_key)

    async def nonce_count(self) -> int:
        """See :meth:`~oauth2.stores.NonceStore.nonce_count`."""
        return await self._call(self._store.nonce_count)

    async def add_consumer(self, consumer: ClientCredentials) -> None:
        """See :meth:`~oauth2.stores.ConsumerStore.add_consumer`."""
        await self._call(self._store.add_consumer, consumer)

    async def get_consumer(self, key: str) -> ClientCredentials | None:
        """See :meth:`~oauth2.stores.ConsumerStore.get_consumer`."""
        return await self._call(self._store.get_consumer, key)

    async def replace_consumer(self, consumer: ClientCredentials) -> bool:
        """See :meth:`~oauth2.stores.ConsumerStore.replace_consumer`."""
        return await self._call(self._store.replace_consumer, consumer)

    async def remove_consumer(self, key: str) -> bool:
        """See :meth:`~oauth2.stores.ConsumerStore.remove_consumer`."""
        return await self._call(self._store.remove_consumer, key)

    async def consumers_of(self, owner: str) -> list[ClientCredentials]:
        """See :meth:`~oauth2.stores.ConsumerStore.consumers_of`."""
        return await self._call(self._store.consumers_of, owner)

    async def list_consumers(self, after: str = "", *, limit: int = 100) -> list[ClientCredentials]:
        """See :meth:`~oauth2.stores.ListingStore.list_consumers`."""
        return await self._call(self._listing().list_consumers, after, limit=limit)

    async def list_tokens(
        self, after: str = "", *, consumer_key: str | None = None, limit: int = 100
    ) -> list[TokenCredentials]:
        """See :meth:`~oauth2.stores.ListingStore.list_tokens`."""
        return await self._call(self._listing().list_tokens, after, consumer_key=consumer_key, limit=limit)

    def _listing(self) -> ListingStore:
        if not hasattr(self._store, "list_tokens"):
            raise TypeError("store: must be a ListingStore to list credentials")
        return cast("ListingStore", self._store)

    async def add_token(self, token: TokenCredentials) -> None:
        """See :meth:`~oauth2.stores.TokenStore.add_token`."""
        await self._call(self._store.add_token, token)

    async def get_token(self, key: str) -> TokenCredentials | None:
        """See :meth:`~oauth2.stores.TokenStore.get_token`."""
        return await self._call(self._store.get_token, key)

    async def replace_token(self, key: str, token: TokenCredentials) -> bool:
        """See :meth:`~oauth2.stores.TokenStore.replace_token`."""
        return await self._call(self._store.replace_token, key, token)

    async def revoke_grant(self, grant: str, user: str | None = None) -> TokenCredentials | None:
        """See :meth:`~oauth2.stores.TokenStore.revoke_grant`."""
        return await self._call(self._store.revoke_grant, grant, user)

    async def tokens_of(self, user: str) -> list[TokenCredentials]:
        """See :meth:`~oauth2.stores.TokenStore.tokens_of`."""
        return await self._call(self._store.tokens_of, user)

    async def find(
        self, consumer_key: str, token_key: str | None
    ) -> tuple[ClientCredentials | None, TokenCredentials | None]:
        """See :meth:`~oauth2.stores.CredentialStore.find`."""
        return await self._call(self._store.find, consumer_key, token_key)

    async def issue(self, temporary: TemporaryCredentials) -> None:
        """See :meth:`~oauth2.stores.TemporaryStore.issue`."""
        await self._call(self._store.issue, temporary)

    async def get_temporary(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.get_temporary`."""
        return await self._call(self._store.get_temporary, key)

    async def approve(self, key: str, user: str, verifier: str, realms: tuple[str, ...]) -> bool:
        """See :meth:`~oauth2.stores.TemporaryStore.approve`."""
        return await self._call(self._store.approve, key, user, verifier, realms)

    async def count_try(self, key: str) -> int:
        """See :meth:`~oauth2.stores.TemporaryStore.count_try`."""
        return await self._call(self._store.count_try, key)

    async def redeem(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.redeem`."""
        return await self._call(self._store.redeem, key)

    async def redeem_for_token(self, key: str, token: TokenCredentials) -> bool:
        """See :meth:`~oauth2.stores.ProviderStore.redeem_for_token`."""
        return await self._call(self._store.redeem_for_token, key, token)

    def read_dummies(self, found: Mapping[str, object]) -> None:
        """Call ``read_dummies()`` of the blocking store if it has this method.

        See :class:`~oauth2.stores._dummies.Dummies`.
        """
        read_dummies = getattr(self._store, "read_dummies", None)
        if read_dummies is not None:
            read_dummies(found)
