"""``CombinedStore``: one store made of several, such as tokens in PostgreSQL and nonces in Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .protocols import CredentialStore, NonceStore, TemporaryStore
    from .records import ClientCredentials, TemporaryCredentials, TokenCredentials


class CombinedStore:
    """Every store protocol, each served by the store that is best at it.

    When client credentials are removed, temporary credentials that were issued to
    them stay where they are until they expire. Nobody can redeem them: a provider
    refuses the request of a client that it does not know.

    Args:
        credentials: Client and token credentials.
        temporary: Temporary credentials.
        nonces: Used nonces.
    """

    def __init__(self, *, credentials: CredentialStore, temporary: TemporaryStore, nonces: NonceStore) -> None:
        self.credentials = credentials
        self.temporary = temporary
        self.nonces = nonces

    @property
    def window(self) -> int:
        """Seconds; that of the nonces' store."""
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

    def add_token(self, token: TokenCredentials) -> None:
        """See :meth:`~oauth2.stores.TokenStore.add_token`."""
        self.credentials.add_token(token)

    def get_token(self, key: str) -> TokenCredentials | None:
        """See :meth:`~oauth2.stores.TokenStore.get_token`."""
        return self.credentials.get_token(key)

    def replace_token(self, key: str, token: TokenCredentials) -> bool:
        """See :meth:`~oauth2.stores.TokenStore.replace_token`."""
        return self.credentials.replace_token(key, token)

    def revoke_token(self, key: str) -> bool:
        """See :meth:`~oauth2.stores.TokenStore.revoke_token`."""
        return self.credentials.revoke_token(key)

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
