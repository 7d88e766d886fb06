"""``MemoryStore``: a store for all records in the memory of one process."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from itertools import chain, islice
from os import urandom
from threading import Lock

from ..errors import StoreUnavailable
from .nonces import BUCKET, DIGEST_SIZE, checked_seconds, oldest_kept
from .records import ClientCredentials, TemporaryCredentials, TokenCredentials

__all__ = ["MemoryStore"]

_ROWS = 2048  # Number of rows of a bucket. With more rows, a search is faster, but the store needs more memory.
_FREED_AT_ONCE = 64  # Maximum number of rows of a deleted bucket that one call of add_nonce() frees.
_CHECKED_AT_ONCE = 8  # Number of credentials whose expiry is checked each time that credentials are added.


class MemoryStore:
    """A thread-safe store for all records in the memory of one process.

    The records are lost when the process ends. Other processes cannot read the records.

    Args:
        window: The largest ``timestamp_threshold`` of a server that may use this store, in seconds.

    Raises:
        TypeError: *window* is not a number.
        ValueError: *window* is negative.
    """

    def __init__(self, *, window: int = 300) -> None:
        self.window = checked_seconds("window", window)
        self._lock = Lock()
        # A bucket contains the nonces of one minute. The key of the dict is the first timestamp of this minute. Each
        # row of a bucket is a concatenation of digests, which needs a quarter of the memory of a set.
        self._buckets: dict[int, list[bytes]] = {}
        self._deleted: list[list[bytes]] = []
        # Without a salt, a peer could choose nonces that are all stored in the same row, and make each search slow.
        self._salted = blake2b(digest_size=DIGEST_SIZE, salt=urandom(16))
        self._newest = 0
        self._oldest = 0
        self._consumers: dict[str, ClientCredentials] = {}
        self._temporary: dict[str, TemporaryCredentials] = {}  # In order of issue; the oldest credentials are first.
        self._tries: dict[str, int] = {}
        self._tokens: dict[str, TokenCredentials] = {}
        self._grants: dict[str, str] = {}  # Key: a grant. Value: the key of its token credentials.

    # --- nonces -----------------------------------------------------------------

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`."""
        # The following text is the same as in nonce_digest(). The digest of nonce_digest() cannot be used here, because
        # it has no salt.
        text = f"{timestamp},{len(nonce)},{len(consumer_key)},{nonce}{consumer_key}{token_key or ''}"
        hasher = self._salted.copy()
        hasher.update(text.encode("utf-8", "surrogatepass"))
        digest = hasher.digest()
        index = hash(digest) % _ROWS
        start = timestamp - timestamp % BUCKET
        with self._lock:
            if self._deleted:
                self._free_some()
            rows = self._buckets.get(start)
            if rows is None:
                if start < self._oldest:
                    return False
                rows = self._open_bucket(start)
            row = rows[index]
            # find() is faster than "in". The digests are joined without a separator, so a match could start in one
            # digest and end in the next digest. The probability of such a false match is about 2**-110.
            if row.find(digest) >= 0:
                return False
            rows[index] = row + digest
            return True

    def _open_bucket(self, start: int) -> list[bytes]:
        if start > self._newest:
            self._newest = start
            self._oldest = max(self._oldest, oldest_kept(start, self.window))
            for old in [key for key in self._buckets if key < self._oldest]:
                self._deleted.append(self._buckets.pop(old))
        return self._buckets.setdefault(start, [b""] * _ROWS)

    def _free_some(self) -> None:
        # Each call frees only a few rows, so that no request has to wait until a whole bucket is freed.
        rows = self._deleted[-1]
        del rows[-_FREED_AT_ONCE:]
        if not rows:
            self._deleted.pop()

    def nonce_count(self) -> int:
        """See :meth:`~oauth2.stores.NonceStore.nonce_count`."""
        with self._lock:
            return sum(map(len, chain.from_iterable(self._buckets.values()))) // DIGEST_SIZE

    # --- client and token credentials -------------------------------------------

    def find(
        self, consumer_key: str, token_key: str | None
    ) -> tuple[ClientCredentials | None, TokenCredentials | None]:
        """See :meth:`~oauth2.stores.CredentialStore.find`."""
        return self._consumers.get(consumer_key), None if token_key is None else self._tokens.get(token_key)

    def add_consumer(self, consumer: ClientCredentials) -> None:
        """See :meth:`~oauth2.stores.ConsumerStore.add_consumer`."""
        self._consumers[consumer.key] = consumer

    def get_consumer(self, key: str) -> ClientCredentials | None:
        """See :meth:`~oauth2.stores.ConsumerStore.get_consumer`."""
        return self._consumers.get(key)

    def replace_consumer(self, consumer: ClientCredentials) -> bool:
        """See :meth:`~oauth2.stores.ConsumerStore.replace_consumer`."""
        with self._lock:
            if consumer.key not in self._consumers:
                return False
            self._consumers[consumer.key] = consumer
            return True

    def remove_consumer(self, key: str) -> bool:
        """See :meth:`~oauth2.stores.ConsumerStore.remove_consumer`."""
        with self._lock:
            for token in [token for token in self._tokens.values() if token.consumer_key == key]:
                self._delete_token(token)
            for temporary in [temporary for temporary in self._temporary.values() if temporary.consumer_key == key]:
                self._delete_temporary(temporary.key)
            return self._consumers.pop(key, None) is not None

    def consumers_of(self, owner: str) -> list[ClientCredentials]:
        """See :meth:`~oauth2.stores.ConsumerStore.consumers_of`."""
        found = [consumer for consumer in list(self._consumers.values()) if consumer.owner == owner]
        return sorted(found, key=lambda consumer: (consumer.name, consumer.key))

    def list_consumers(self, after: str = "", *, limit: int = 100) -> list[ClientCredentials]:
        """See :meth:`~oauth2.stores.ListingStore.list_consumers`."""
        found = [consumer for consumer in list(self._consumers.values()) if consumer.key > after]
        return sorted(found, key=lambda consumer: consumer.key)[:limit]

    def list_tokens(
        self, after: str = "", *, consumer_key: str | None = None, limit: int = 100
    ) -> list[TokenCredentials]:
        """See :meth:`~oauth2.stores.ListingStore.list_tokens`."""
        found = [token for token in list(self._tokens.values()) if token.grant > after]
        if consumer_key is not None:
            found = [token for token in found if token.consumer_key == consumer_key]
        return sorted(found, key=lambda token: token.grant)[:limit]

    def add_token(self, token: TokenCredentials) -> None:
        """See :meth:`~oauth2.stores.TokenStore.add_token`."""
        with self._lock:
            self._put_token(token)

    def get_token(self, key: str) -> TokenCredentials | None:
        """See :meth:`~oauth2.stores.TokenStore.get_token`."""
        return self._tokens.get(key)

    def replace_token(self, key: str, token: TokenCredentials) -> bool:
        """See :meth:`~oauth2.stores.TokenStore.replace_token`."""
        with self._lock:
            if self._grants.get(token.grant) != key:
                return False
            if token.key != key and token.key in self._tokens:
                raise StoreUnavailable("The store already contains token credentials with the new key.")
            self._put_token(token)
            return True

    def revoke_grant(self, grant: str, user: str | None = None) -> TokenCredentials | None:
        """See :meth:`~oauth2.stores.TokenStore.revoke_grant`."""
        with self._lock:
            token = self._token_of(grant)
            if token is None or (user is not None and token.user != user):
                return None
            self._delete_token(token)
            return token

    def tokens_of(self, user: str) -> list[TokenCredentials]:
        """See :meth:`~oauth2.stores.TokenStore.tokens_of`."""
        found = [token for token in list(self._tokens.values()) if token.user == user]
        return sorted(found, key=lambda token: token.issued_at, reverse=True)

    def _put_token(self, token: TokenCredentials) -> None:
        # Check the expiry of the first tokens in self._grants, and move valid tokens to the end of self._grants. Over
        # many calls, all tokens are therefore checked. A valid token must always be in self._tokens, because find()
        # reads self._tokens without the lock.
        for grant in list(islice(self._grants, _CHECKED_AT_ONCE)):
            key = self._grants.pop(grant)
            ends_at = self._tokens[key].ends_at
            if ends_at is None or ends_at > token.issued_at:
                self._grants[grant] = key
            else:
                del self._tokens[key]
        earlier = self._grants.pop(token.grant, token.key)
        if earlier != token.key:
            del self._tokens[earlier]
        other = self._tokens.get(token.key)
        if other is not None:
            self._grants.pop(other.grant, None)
        self._tokens[token.key] = token
        self._grants[token.grant] = token.key

    def _token_of(self, grant: str) -> TokenCredentials | None:
        key = self._grants.get(grant)
        return None if key is None else self._tokens[key]

    def _delete_token(self, token: TokenCredentials) -> None:
        del self._tokens[token.key], self._grants[token.grant]

    # --- temporary credentials --------------------------------------------------

    def issue(self, temporary: TemporaryCredentials) -> None:
        """See :meth:`~oauth2.stores.TemporaryStore.issue`."""
        with self._lock:
            for other in list(islice(self._temporary.values(), _CHECKED_AT_ONCE)):
                if other.expires_at <= temporary.issued_at:
                    self._delete_temporary(other.key)
            self._temporary[temporary.key] = temporary

    def get_temporary(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.get_temporary`."""
        return self._temporary.get(key)

    def approve(self, key: str, user: str, verifier: str, realms: tuple[str, ...]) -> bool:
        """See :meth:`~oauth2.stores.TemporaryStore.approve`."""
        with self._lock:
            found = self._temporary.get(key)
            if found is None or found.user is not None:
                return False
            self._temporary[key] = replace(found, user=user, verifier=verifier, realms=realms)
            return True

    def count_try(self, key: str) -> int:
        """See :meth:`~oauth2.stores.TemporaryStore.count_try`."""
        with self._lock:
            if key not in self._temporary:
                return 0
            self._tries[key] = tries = self._tries.get(key, 0) + 1
            return tries

    def redeem(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.redeem`."""
        with self._lock:
            return self._delete_temporary(key)

    def redeem_for_token(self, key: str, token: TokenCredentials) -> bool:
        """See :meth:`~oauth2.stores.ProviderStore.redeem_for_token`."""
        with self._lock:
            if self._delete_temporary(key) is None:
                return False
            self._put_token(token)
            return True

    def _delete_temporary(self, key: str) -> TemporaryCredentials | None:
        self._tries.pop(key, None)
        return self._temporary.pop(key, None)

    # --- the store itself --------------------------------------------------------

    def close(self) -> None:
        """Do nothing, because the store has no connection and no file. The records are not deleted."""
