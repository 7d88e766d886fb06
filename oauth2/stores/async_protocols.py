"""The store protocols for asyncio: the methods of :mod:`oauth2.stores.protocols` return awaitables.

Each method has the same effect as the method with the same name in that module, and is also atomic. If the task is
cancelled while it waits for a method, the change is either complete or not made.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from .records import ClientCredentials, TemporaryCredentials, TokenCredentials

__all__ = [
    "AsyncConsumerStore",
    "AsyncCredentialStore",
    "AsyncListingStore",
    "AsyncNonceStore",
    "AsyncProviderStore",
    "AsyncStore",
    "AsyncTemporaryStore",
    "AsyncTokenStore",
]


class AsyncStore(Protocol):
    """The method that every asyncio store has."""

    def close(self) -> Awaitable[None]:
        """See :meth:`Store.close`."""
        ...


class AsyncNonceStore(AsyncStore, Protocol):
    """An asyncio store of used nonces (section 3.3); see :class:`NonceStore`."""

    @property
    def window(self) -> int:
        """See :meth:`NonceStore.window`."""
        ...

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> Awaitable[bool]:
        """See :meth:`NonceStore.add_nonce`."""
        ...

    def nonce_count(self) -> Awaitable[int]:
        """See :meth:`NonceStore.nonce_count`."""
        ...


class AsyncConsumerStore(AsyncStore, Protocol):
    """An asyncio store of client credentials; see :class:`ConsumerStore`."""

    def add_consumer(self, consumer: ClientCredentials) -> Awaitable[None]:
        """See :meth:`ConsumerStore.add_consumer`."""
        ...

    def get_consumer(self, key: str) -> Awaitable[ClientCredentials | None]:
        """See :meth:`ConsumerStore.get_consumer`."""
        ...

    def replace_consumer(self, consumer: ClientCredentials) -> Awaitable[bool]:
        """See :meth:`ConsumerStore.replace_consumer`."""
        ...

    def remove_consumer(self, key: str) -> Awaitable[bool]:
        """See :meth:`ConsumerStore.remove_consumer`."""
        ...

    def consumers_of(self, owner: str) -> Awaitable[list[ClientCredentials]]:
        """See :meth:`ConsumerStore.consumers_of`."""
        ...


class AsyncTokenStore(AsyncStore, Protocol):
    """An asyncio store of token credentials; see :class:`TokenStore`."""

    def add_token(self, token: TokenCredentials) -> Awaitable[None]:
        """See :meth:`TokenStore.add_token`."""
        ...

    def get_token(self, key: str) -> Awaitable[TokenCredentials | None]:
        """See :meth:`TokenStore.get_token`."""
        ...

    def replace_token(self, key: str, token: TokenCredentials) -> Awaitable[bool]:
        """See :meth:`TokenStore.replace_token`."""
        ...

    def revoke_grant(self, grant: str, user: str | None = None) -> Awaitable[TokenCredentials | None]:
        """See :meth:`TokenStore.revoke_grant`."""
        ...

    def tokens_of(self, user: str) -> Awaitable[list[TokenCredentials]]:
        """See :meth:`TokenStore.tokens_of`."""
        ...


class AsyncCredentialStore(AsyncConsumerStore, AsyncTokenStore, Protocol):
    """An asyncio store of client credentials and token credentials; see :class:`CredentialStore`."""

    def find(
        self, consumer_key: str, token_key: str | None
    ) -> Awaitable[tuple[ClientCredentials | None, TokenCredentials | None]]:
        """See :meth:`CredentialStore.find`."""
        ...


class AsyncTemporaryStore(AsyncStore, Protocol):
    """An asyncio store of temporary credentials; see :class:`TemporaryStore`."""

    def issue(self, temporary: TemporaryCredentials) -> Awaitable[None]:
        """See :meth:`TemporaryStore.issue`."""
        ...

    def get_temporary(self, key: str) -> Awaitable[TemporaryCredentials | None]:
        """See :meth:`TemporaryStore.get_temporary`."""
        ...

    def approve(self, key: str, user: str, verifier: str, realms: tuple[str, ...]) -> Awaitable[bool]:
        """See :meth:`TemporaryStore.approve`."""
        ...

    def count_try(self, key: str) -> Awaitable[int]:
        """See :meth:`TemporaryStore.count_try`."""
        ...

    def redeem(self, key: str) -> Awaitable[TemporaryCredentials | None]:
        """See :meth:`TemporaryStore.redeem`."""
        ...


class AsyncProviderStore(AsyncCredentialStore, AsyncTemporaryStore, AsyncNonceStore, Protocol):
    """An asyncio store of all records of an :class:`~oauth2.provider.AsyncProvider`."""

    def redeem_for_token(self, key: str, token: TokenCredentials) -> Awaitable[bool]:
        """See :meth:`ProviderStore.redeem_for_token`."""
        ...


class AsyncListingStore(AsyncStore, Protocol):
    """An asyncio store that can list all of its client and token credentials; see :class:`ListingStore`."""

    def list_consumers(self, after: str = "", *, limit: int = 100) -> Awaitable[list[ClientCredentials]]:
        """See :meth:`ListingStore.list_consumers`."""
        ...

    def list_tokens(
        self, after: str = "", *, consumer_key: str | None = None, limit: int = 100
    ) -> Awaitable[list[TokenCredentials]]:
        """See :meth:`ListingStore.list_tokens`."""
        ...
