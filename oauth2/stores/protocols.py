"""The store protocols. Each kind of record has its own small protocol.

Each method is atomic. A store that cannot be read or written raises
:class:`~oauth2.errors.StoreUnavailable` and no other error. No store has a
clock: expiry is computed from the timestamps in the arguments. When a record is
added, the store deletes a few expired records, so that no clean-up job is necessary.
"""

from __future__ import annotations

from typing import Protocol

from .records import ClientCredentials, TemporaryCredentials, TokenCredentials

__all__ = [
    "ConsumerStore",
    "CredentialStore",
    "ListingStore",
    "NonceStore",
    "ProviderStore",
    "Store",
    "TemporaryStore",
    "TokenStore",
]


class Store(Protocol):
    """The method that every store has."""

    def close(self) -> None:
        """Close open connections and files. No records are deleted.

        This method may be called several times. The next call of another method opens connections and files again.
        """
        ...


class NonceStore(Store, Protocol):
    """A store of used nonces (section 3.3)."""

    @property
    def window(self) -> int:
        """The largest ``timestamp_threshold`` of a server that may use this store, in seconds.

        A server accepts timestamps from its clock minus the threshold to its clock plus the threshold. If the timestamp
        of a nonce is more than two windows below the highest timestamp so far, the nonce may be deleted, because the
        server refuses such an old timestamp.
        """
        ...

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """Record the combination of all arguments atomically; return True if the combination was new.

        Return False if the combination is already recorded. Also return False if the timestamp is so low that
        nonces with this timestamp may have been deleted.
        """
        ...

    def nonce_count(self) -> int:
        """Return the number of stored nonces, for monitoring. This method may be slow."""
        ...


class ConsumerStore(Store, Protocol):
    """A store of client credentials."""

    def add_consumer(self, consumer: ClientCredentials) -> None:
        """Store *consumer*; replace client credentials with the same key."""
        ...

    def get_consumer(self, key: str) -> ClientCredentials | None:
        """Return the client credentials with *key*, or None."""
        ...

    def replace_consumer(self, consumer: ClientCredentials) -> bool:
        """Replace the stored client credentials that have the key of *consumer*; return True.

        If no client credentials have this key, store nothing and return False.
        """
        ...

    def remove_consumer(self, key: str) -> bool:
        """Delete client credentials, and all credentials issued to the client; return whether the client existed."""
        ...

    def consumers_of(self, owner: str) -> list[ClientCredentials]:
        """Return the client credentials that *owner* registered, sorted by name and key."""
        ...


class TokenStore(Store, Protocol):
    """A store of token credentials."""

    def add_token(self, token: TokenCredentials) -> None:
        """Store new token credentials. They replace stored token credentials with the same grant."""
        ...

    def get_token(self, key: str) -> TokenCredentials | None:
        """Return the token credentials with *key*, or None."""
        ...

    def replace_token(self, key: str, token: TokenCredentials) -> bool:
        """Replace the token credentials whose key is *key* by *token*. Return True if they existed.

        Store nothing and return False if the grant of *token* has token credentials with a key other than *key*
        (already renewed), or no token credentials (revoked).

        Raises:
            StoreUnavailable: Other token credentials have the key of *token*; nothing was changed.
        """
        ...

    def revoke_grant(self, grant: str, user: str | None = None) -> TokenCredentials | None:
        """Delete and return the token credentials of *grant*, even if they were renewed.

        Return None if the grant has no token credentials, or if *user* did not approve them. None as *user* means any
        user. If a renewal runs at the same time, either the renewal fails, or this method also deletes the new token
        credentials.
        """
        ...

    def tokens_of(self, user: str) -> list[TokenCredentials]:
        """Return the token credentials that *user* approved: one object for each grant, newest first."""
        ...


class CredentialStore(ConsumerStore, TokenStore, Protocol):
    """A store of client credentials and token credentials."""

    def find(
        self, consumer_key: str, token_key: str | None
    ) -> tuple[ClientCredentials | None, TokenCredentials | None]:
        """Look up the client credentials and the token credentials of a request in one call.

        In the result, None replaces credentials that do not exist. The caller must check that the token belongs to the
        client.
        """
        ...


class TemporaryStore(Store, Protocol):
    """A store of temporary credentials."""

    def issue(self, temporary: TemporaryCredentials) -> None:
        """Store new temporary credentials. Also delete some temporary credentials that have expired."""
        ...

    def get_temporary(self, key: str) -> TemporaryCredentials | None:
        """Return the temporary credentials with *key*, or None."""
        ...

    def approve(self, key: str, user: str, verifier: str, realms: tuple[str, ...]) -> bool:
        """Record that *user* approved the credentials with *key*, and store *verifier* and *realms*.

        Return True if the credentials existed and had not been approved yet; otherwise change nothing and return False.
        """
        ...

    def count_try(self, key: str) -> int:
        """Count an attempt to redeem the credentials, and return the number of attempts.

        If the credentials do not exist, return 0.
        """
        ...

    def redeem(self, key: str) -> TemporaryCredentials | None:
        """Delete and return the credentials. Only the first caller gets the credentials; all other callers get None."""
        ...


class ProviderStore(CredentialStore, TemporaryStore, NonceStore, Protocol):
    """A store of all records of a :class:`~oauth2.provider.Provider`."""

    def redeem_for_token(self, key: str, token: TokenCredentials) -> bool:
        """Delete temporary credentials, and store *token* instead; return True if the temporary credentials existed.

        The two changes are atomic, even if the process is killed. The only exception is a
        :class:`~oauth2.stores.CombinedStore` whose *credentials* and *temporary* are two stores.
        """
        ...


class ListingStore(Store, Protocol):
    """A store that can list all of its client and token credentials, for operators.

    This protocol is separate from :class:`CredentialStore`, because a provider does not need these methods, and some
    databases cannot list records in order. All stores of credentials in this package implement this protocol.

    Both methods return one page. To get the next page, pass as *after* the key of the last client credentials, or the
    grant of the last token credentials, of the current page.
    """

    def list_consumers(self, after: str = "", *, limit: int = 100) -> list[ClientCredentials]:
        """Return at most *limit* client credentials whose keys are higher than *after*, sorted by key.

        Keys are compared by code points.
        """
        ...

    def list_tokens(
        self, after: str = "", *, consumer_key: str | None = None, limit: int = 100
    ) -> list[TokenCredentials]:
        """Return at most *limit* token credentials whose grants are higher than *after*, sorted by grant.

        Args:
            after: The grant of the last token credentials of the previous page; ``""`` for the first page.
            consumer_key: Return only token credentials of this client; None for all clients.
            limit: The maximum number of token credentials.
        """
        ...
