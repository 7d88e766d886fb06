"""``CombinedStore``: one store that combines several stores, such as tokens in PostgreSQL and nonces in Redis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from .._checks import has_coroutine_functions
from .._steps import blocking_result
from .protocols import CredentialStore, ListingStore, NonceStore, Store, TemporaryStore
from .records import ClientCredentials, TemporaryCredentials, TokenCredentials

__all__ = ["CombinedStore"]


class CombinedStore:
    """A :class:`~oauth2.stores.ProviderStore` that passes each call to one of several stores.

    :meth:`redeem_for_token` deletes temporary credentials and adds token credentials.
    If *credentials* and *temporary* are the same object, these two changes are one atomic step. Otherwise the temporary
    credentials are deleted first. If the process is then killed before the token credentials are stored, the user must
    approve the client again.

    If *credentials* and *temporary* are different objects, :meth:`remove_consumer` does not delete the temporary
    credentials of the client, which remain until they expire. They cannot be redeemed, because a provider refuses the
    request of an unknown client.

    Args:
        credentials: The store of client and token credentials.
        temporary: The store of temporary credentials.
        nonces: The store of used nonces.

    Raises:
        TypeError: An argument is an asyncio store.
    """

    def __init__(self, *, credentials: CredentialStore, temporary: TemporaryStore, nonces: NonceStore) -> None:
        parts = {
            "credentials": (credentials, CredentialStore),
            "temporary": (temporary, TemporaryStore),
            "nonces": (nonces, NonceStore),
        }
        for name, (store, protocol) in parts.items():
            if has_coroutine_functions(store, protocol):
                raise TypeError(f"{name}: must be a blocking store; AsyncCombinedStore accepts asyncio stores")
        self.credentials = credentials
        self.temporary = temporary
        self.nonces = nonces

    @property
    def window(self) -> int:
        """The window of the nonce store, in seconds."""
        return self.nonces.window

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`."""
        return self.nonces.add_nonce(nonce, timestamp, consumer_key, token_key)

    def find(
        self, consumer_key: str, token_key: str | None
    ) -> tuple[ClientCredentials | None, TokenCredentials | None]:
        """See :meth:`~oauth2.stores.CredentialStore.find`."""
        return self.credentials.find(consumer_key, token_key)

    def add_consumer(self, consumer: ClientCredentials) -> None:
        """See :meth:`~oauth2.stores.ConsumerStore.add_consumer`."""
        self.credentials.add_consumer(consumer)

    def get_consumer(self, key: str) -> ClientCredentials | None:
        """See :meth:`~oauth2.stores.ConsumerStore.get_consumer`."""
        return self.credentials.get_consumer(key)

    def replace_consumer(self, consumer: ClientCredentials) -> bool:
        """See :meth:`~oauth2.stores.ConsumerStore.replace_consumer`."""
        return self.credentials.replace_consumer(consumer)

    def remove_consumer(self, key: str) -> bool:
        """See :meth:`~oauth2.stores.ConsumerStore.remove_consumer`."""
        return self.credentials.remove_consumer(key)

    def consumers_of(self, owner: str) -> list[ClientCredentials]:
        """See :meth:`~oauth2.stores.ConsumerStore.consumers_of`."""
        return self.credentials.consumers_of(owner)

    def list_consumers(self, after: str = "", *, limit: int = 100) -> list[ClientCredentials]:
        """See :meth:`~oauth2.stores.ListingStore.list_consumers`.

        Raises:
            TypeError: The store of credentials is not a :class:`~oauth2.stores.ListingStore`.
        """
        return self._listing().list_consumers(after, limit=limit)

    def list_tokens(
        self, after: str = "", *, consumer_key: str | None = None, limit: int = 100
    ) -> list[TokenCredentials]:
        """See :meth:`~oauth2.stores.ListingStore.list_tokens`.

        Raises:
            TypeError: The store of credentials is not a :class:`~oauth2.stores.ListingStore`.
        """
        return self._listing().list_tokens(after, consumer_key=consumer_key, limit=limit)

    def _listing(self) -> ListingStore:
        if not hasattr(self.credentials, "list_tokens"):
            raise TypeError("credentials: must be a ListingStore to list credentials")
        return cast("ListingStore", self.credentials)

    def add_token(self, token: TokenCredentials) -> None:
        """See :meth:`~oauth2.stores.TokenStore.add_token`."""
        self.credentials.add_token(token)

    def get_token(self, key: str) -> TokenCredentials | None:
        """See :meth:`~oauth2.stores.TokenStore.get_token`."""
        return self.credentials.get_token(key)

    def replace_token(self, key: str, token: TokenCredentials) -> bool:
        """See :meth:`~oauth2.stores.TokenStore.replace_token`."""
        return self.credentials.replace_token(key, token)

    def revoke_grant(self, grant: str, user: str | None = None) -> TokenCredentials | None:
        """See :meth:`~oauth2.stores.TokenStore.revoke_grant`."""
        return self.credentials.revoke_grant(grant, user)

    def tokens_of(self, user: str) -> list[TokenCredentials]:
        """See :meth:`~oauth2.stores.TokenStore.tokens_of`."""
        return self.credentials.tokens_of(user)

    def issue(self, temporary: TemporaryCredentials) -> None:
        """See :meth:`~oauth2.stores.TemporaryStore.issue`."""
        self.temporary.issue(temporary)

    def get_temporary(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.get_temporary`."""
        return self.temporary.get_temporary(key)

    def approve(self, key: str, user: str, verifier: str, realms: tuple[str, ...]) -> bool:
        """See :meth:`~oauth2.stores.TemporaryStore.approve`."""
        return self.temporary.approve(key, user, verifier, realms)

    def count_try(self, key: str) -> int:
        """See :meth:`~oauth2.stores.TemporaryStore.count_try`."""
        return self.temporary.count_try(key)

    def redeem(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.redeem`."""
        return self.temporary.redeem(key)

    def redeem_for_token(self, key: str, token: TokenCredentials) -> bool:
        """See :meth:`~oauth2.stores.ProviderStore.redeem_for_token`."""
        credentials: object = self.credentials
        in_one_step = getattr(credentials, "redeem_for_token", None)
        if credentials is self.temporary and in_one_step is not None:
            return bool(blocking_result("temporary", in_one_step(key, token)))
        # The temporary credentials must be deleted before the token is added. In this order, one approval never results
        # in two tokens, even if the process is killed between the deletion and the addition. If redeem() returns an
        # awaitable, blocking_result() raises an error. Without this error, the awaitable, which is not None, would be
        # treated as temporary credentials, and a used approval would result in a second token.
        if blocking_result("temporary", self.temporary.redeem(key)) is None:
            return False
        self.credentials.add_token(token)
        return True

    def nonce_count(self) -> int:
        """See :meth:`~oauth2.stores.NonceStore.nonce_count`."""
        return self.nonces.nonce_count()

    def close(self) -> None:
        """Close each store, see :meth:`~oauth2.stores.Store.close`."""
        stores: list[Store] = [self.credentials, self.temporary, self.nonces]
        for store in {id(each): each for each in stores}.values():
            store.close()

    def read_dummies(self, found: Mapping[str, object]) -> None:
        """For each record in *found*, call ``read_dummies()`` of the store of this record.

        A store without this method is skipped. See :class:`~oauth2.stores._dummies.Dummies`.
        """
        for kind, credentials in found.items():
            store: Store = self.temporary if kind == "temporary" else self.credentials
            read_dummies = getattr(store, "read_dummies", None)
            if read_dummies is not None:
                read_dummies({kind: credentials})
