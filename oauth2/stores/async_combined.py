"""``AsyncCombinedStore``: one asyncio store that combines several stores, such as PostgreSQL and Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from inspect import isawaitable, iscoroutinefunction
from typing import Any, cast

from ._called import CalledStore
from .async_protocols import AsyncCredentialStore, AsyncListingStore, AsyncNonceStore, AsyncStore, AsyncTemporaryStore
from .memory import MemoryStore
from .records import ClientCredentials, TemporaryCredentials, TokenCredentials

__all__ = ["AsyncCombinedStore"]


class AsyncCombinedStore:
    """:class:`~oauth2.stores.CombinedStore` for asyncio: an :class:`~oauth2.stores.AsyncProviderStore`.

    Each part is an asyncio store, or a ``MemoryStore``, whose methods return immediately.

    If *credentials* and *temporary* are two stores, :meth:`redeem_for_token` deletes the temporary credentials and then
    adds the token. If the task is cancelled, both steps are still completed in the background.

    Args:
        credentials: Stores client and token credentials, such as ``AsyncSQLAlchemyStore``.
        temporary: Stores temporary credentials, such as ``AsyncRedisStore``.
        nonces: Stores used nonces, such as ``AsyncRedisStore``.

    Raises:
        TypeError: An argument is neither an asyncio store nor a ``MemoryStore``. Use ``ThreadedStore`` for a blocking
            store.
    """

    def __init__(
        self,
        *,
        credentials: AsyncCredentialStore | MemoryStore,
        temporary: AsyncTemporaryStore | MemoryStore,
        nonces: AsyncNonceStore | MemoryStore,
    ) -> None:
        parts: dict[str, Any] = {"credentials": credentials, "temporary": temporary, "nonces": nonces}
        memory = {id(each): _Direct(each) for each in parts.values() if isinstance(each, MemoryStore)}
        for (name, store), method in zip(parts.items(), ("find", "redeem", "add_nonce"), strict=True):
            parts[name] = memory.get(id(store), store)
            if isinstance(store, type) or not iscoroutinefunction(getattr(parts[name], method, None)):
                raise TypeError(f"{name}: must be an asyncio store, or a MemoryStore")
        self.credentials: AsyncCredentialStore = parts["credentials"]
        self.temporary: AsyncTemporaryStore = parts["temporary"]
        self.nonces: AsyncNonceStore = parts["nonces"]
        self._redemptions: set[object] = set()

    @property
    def window(self) -> int:
        """The window of the nonce store, in seconds."""
        return self.nonces.window

    async def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`."""
        return await self.nonces.add_nonce(nonce, timestamp, consumer_key, token_key)

    async def find(
        self, consumer_key: str, token_key: str | None
    ) -> tuple[ClientCredentials | None, TokenCredentials | None]:
        """See :meth:`~oauth2.stores.CredentialStore.find`."""
        return await self.credentials.find(consumer_key, token_key)

    async def add_consumer(self, consumer: ClientCredentials) -> None:
        """See :meth:`~oauth2.stores.ConsumerStore.add_consumer`."""
        await self.credentials.add_consumer(consumer)

    async def get_consumer(self, key: str) -> ClientCredentials | None:
        """See :meth:`~oauth2.stores.ConsumerStore.get_consumer`."""
        return await self.credentials.get_consumer(key)

    async def replace_consumer(self, consumer: ClientCredentials) -> bool:
        """See :meth:`~oauth2.stores.ConsumerStore.replace_consumer`."""
        return await self.credentials.replace_consumer(consumer)

    async def remove_consumer(self, key: str) -> bool:
        """See :meth:`~oauth2.stores.ConsumerStore.remove_consumer`."""
        return await self.credentials.remove_consumer(key)

    async def consumers_of(self, owner: str) -> list[ClientCredentials]:
        """See :meth:`~oauth2.stores.ConsumerStore.consumers_of`."""
        return await self.credentials.consumers_of(owner)

    async def list_consumers(self, after: str = "", *, limit: int = 100) -> list[ClientCredentials]:
        """See :meth:`~oauth2.stores.CombinedStore.list_consumers`."""
        return await self._listing().list_consumers(after, limit=limit)

    async def list_tokens(
        self, after: str = "", *, consumer_key: str | None = None, limit: int = 100
    ) -> list[TokenCredentials]:
        """See :meth:`~oauth2.stores.CombinedStore.list_tokens`."""
        return await self._listing().list_tokens(after, consumer_key=consumer_key, limit=limit)

    def _listing(self) -> AsyncListingStore:
        if not hasattr(self.credentials, "list_tokens"):
            raise TypeError("credentials: must be an AsyncListingStore to list credentials")
        return cast("AsyncListingStore", self.credentials)

    async def add_token(self, token: TokenCredentials) -> None:
        """See :meth:`~oauth2.stores.TokenStore.add_token`."""
        await self.credentials.add_token(token)

    async def get_token(self, key: str) -> TokenCredentials | None:
        """See :meth:`~oauth2.stores.TokenStore.get_token`."""
        return await self.credentials.get_token(key)

    async def replace_token(self, key: str, token: TokenCredentials) -> bool:
        """See :meth:`~oauth2.stores.TokenStore.replace_token`."""
        return await self.credentials.replace_token(key, token)

    async def revoke_grant(self, grant: str, user: str | None = None) -> TokenCredentials | None:
        """See :meth:`~oauth2.stores.TokenStore.revoke_grant`."""
        return await self.credentials.revoke_grant(grant, user)

    async def tokens_of(self, user: str) -> list[TokenCredentials]:
        """See :meth:`~oauth2.stores.TokenStore.tokens_of`."""
        return await self.credentials.tokens_of(user)

    async def issue(self, temporary: TemporaryCredentials) -> None:
        """See :meth:`~oauth2.stores.TemporaryStore.issue`."""
        await self.temporary.issue(temporary)

    async def get_temporary(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.get_temporary`."""
        return await self.temporary.get_temporary(key)

    async def approve(self, key: str, user: str, verifier: str, realms: tuple[str, ...]) -> bool:
        """See :meth:`~oauth2.stores.TemporaryStore.approve`."""
        return await self.temporary.approve(key, user, verifier, realms)

    async def count_try(self, key: str) -> int:
        """See :meth:`~oauth2.stores.TemporaryStore.count_try`."""
        return await self.temporary.count_try(key)

    async def redeem(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.redeem`."""
        return await self.temporary.redeem(key)

    async def redeem_for_token(self, key: str, token: TokenCredentials) -> bool:
        """See :meth:`~oauth2.stores.ProviderStore.redeem_for_token`."""
        credentials: object = self.credentials
        in_one_step = getattr(credentials, "redeem_for_token", None)
        if credentials is self.temporary and in_one_step is not None:
            return bool(await in_one_step(key, token))
        # The deletion of the temporary credentials and the addition of the token are in a separate task, so that a
        # cancellation cannot occur between them. The set has a reference to the task, so that the task is not garbage
        # collected.
        task = asyncio.ensure_future(self._redeem_in_two_steps(key, token))
        self._redemptions.add(task)
        task.add_done_callback(self._redemptions.discard)
        return await asyncio.shield(task)

    async def _redeem_in_two_steps(self, key: str, token: TokenCredentials) -> bool:
        # The temporary credentials must be deleted before the token is added. In this order, one approval never results
        # in two tokens, even if the process is killed between the deletion and the addition.
        if await self.temporary.redeem(key) is None:
            return False
        await self.credentials.add_token(token)
        return True

    async def nonce_count(self) -> int:
        """See :meth:`~oauth2.stores.NonceStore.nonce_count`."""
        return await self.nonces.nonce_count()

    async def close(self) -> None:
        """Close each store, see :meth:`~oauth2.stores.Store.close`."""
        stores: list[AsyncStore] = [self.credentials, self.temporary, self.nonces]
        for store in {id(each): each for each in stores}.values():
            await store.close()

    async def read_dummies(self, found: Mapping[str, object]) -> None:
        """For each record in *found*, call ``read_dummies()`` of the store of this record.

        A store without this method is skipped. See :class:`~oauth2.stores._dummies.Dummies`.
        """
        for kind, credentials in found.items():
            store: AsyncStore = self.temporary if kind == "temporary" else self.credentials
            read_dummies = getattr(store, "read_dummies", None)
            if read_dummies is not None:
                read = read_dummies({kind: credentials})
                if isawaitable(read):
                    await read


class _Direct(CalledStore[MemoryStore]):
    """An asyncio store that calls a MemoryStore. No method waits."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
