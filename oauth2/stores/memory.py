"""``MemoryStore``: every store protocol, in the memory of one process."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from itertools import chain, islice
from os import urandom
from threading import Lock

from ..errors import StoreUnavailable
from .nonces import BUCKET, DIGEST_SIZE, oldest_kept
from .records import ClientCredentials, TemporaryCredentials, TokenCredentials

_ROWS = 2048  # of a bucket: more are quicker to search, and take more where few nonces come
_DROPPED = 64  # rows of a forgotten bucket, with each request
_FORGET_AT_MOST = 8  # credentials looked at for each new one


class MemoryStore:
    """Every store protocol, in the memory of one process; safe between threads.

    Args:
        window: Seconds; the largest ``timestamp_threshold`` of a server that uses it.
    """

    def __init__(self, *, window: int = 300) -> None:
        self.window = window
        self._lock = Lock()
        # By the first timestamp of each, rows of digests end to end: a quarter of what a set of them takes.
        self._buckets: dict[int, list[bytes]] = {}
        self._forgotten: list[list[bytes]] = []
        # Copied for each; salted, or a peer could choose nonces that are all of one row.
        self._salted = blake2b(digest_size=DIGEST_SIZE, salt=urandom(16))
        self._newest = 0
        self._oldest = 0
        self._consumers: dict[str, ClientCredentials] = {}
        self._temporary: dict[str, TemporaryCredentials] = {}  # the oldest first
        self._tries: dict[str, int] = {}
        self._tokens: dict[str, TokenCredentials] = {}

    # --- nonces -----------------------------------------------------------------

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`."""
        # As nonce_digest() does, and fifteen bytes as well.
        text = f"{timestamp},{len(nonce)},{len(consumer_key)},{nonce}{consumer_key}{token_key or ''}"
        hasher = self._salted.copy()
        hasher.update(text.encode("utf-8", "surrogatepass"))
        digest = hasher.digest()
        index = hash(digest) % _ROWS
        start = timestamp - timestamp % BUCKET
        with self._lock:
            if self._forgotten:
                self._drop_some()
            rows = self._buckets.get(start)
            if rows is None:
                if start < self._oldest:
                    return False
                rows = self._open_bucket(start)
            row = rows[index]
            if row.find(digest) >= 0:  # "in" is slower; found across two of them it would be, too: once in 2**110
                return False
            rows[index] = row + digest
            return True

    def _open_bucket(self, start: int) -> list[bytes]:
        if start > self._newest:
            self._newest = start
            self._oldest = max(self._oldest, oldest_kept(start, self.window))
            for old in [key for key in self._buckets if key < self._oldest]:
                self._forgotten.append(self._buckets.pop(old))
        return self._buckets.setdefault(start, [b""] * _ROWS)

    def _drop_some(self) -> None:
        # A little with every request, so that none has to wait for all of it.
        rows = self._forgotten[-1]
        del rows[-_DROPPED:]
        if not rows:
            self._forgotten.pop()

    def nonce_count(self) -> int:
        """Return how many nonces are remembered now."""
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
                del self._tokens[token.key]
            for temporary in [temporary for temporary in self._temporary.values() if temporary.consumer_key == key]:
                self._forget_temporary(temporary.key)
            return self._consumers.pop(key, None) is not None

    def consumers_of(self, owner: str) -> list[ClientCredentials]:
        """See :meth:`~oauth2.stores.ConsumerStore.consumers_of`."""
        found = [consumer for consumer in list(self._consumers.values()) if consumer.owner == owner]
        return sorted(found, key=lambda consumer: (consumer.name, consumer.key))

    def add_token(self, token: TokenCredentials) -> None:
        """See :meth:`~oauth2.stores.TokenStore.add_token`."""
        with self._lock:
            self._keep_token(token)

    def get_token(self, key: str) -> TokenCredentials | None:
        """See :meth:`~oauth2.stores.TokenStore.get_token`."""
        return self._tokens.get(key)

    def replace_token(self, key: str, token: TokenCredentials) -> bool:
        """See :meth:`~oauth2.stores.TokenStore.replace_token`."""
        with self._lock:
            if key not in self._tokens:
                return False
            if token.key != key and token.key in self._tokens:
                raise StoreUnavailable("The store has the new key already.")
            del self._tokens[key]
            self._keep_token(token)
            return True

    def revoke_token(self, key: str) -> bool:
        """See :meth:`~oauth2.stores.TokenStore.revoke_token`."""
        with self._lock:
            return self._tokens.pop(key, None) is not None

    def tokens_of(self, user: str) -> list[TokenCredentials]:
        """See :meth:`~oauth2.stores.TokenStore.tokens_of`."""
        found = [token for token in list(self._tokens.values()) if token.user == user]
        return sorted(found, key=lambda token: token.issued_at, reverse=True)

    def _keep_token(self, token: TokenCredentials) -> None:
        # Some of the others are looked at and go to the end, so that each has its turn.
        for key in list(islice(self._tokens, _FORGET_AT_MOST)):
            other = self._tokens.pop(key)
            if other.ends_at is None or other.ends_at > token.issued_at:
                self._tokens[key] = other
        self._tokens[token.key] = token

    # --- temporary credentials --------------------------------------------------

    def issue(self, temporary: TemporaryCredentials) -> None:
        """See :meth:`~oauth2.stores.TemporaryStore.issue`."""
        with self._lock:
            for other in list(islice(self._temporary.values(), _FORGET_AT_MOST)):
                if other.expires_at <= temporary.issued_at:
                    self._forget_temporary(other.key)
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
            return self._forget_temporary(key)

    def _forget_temporary(self, key: str) -> TemporaryCredentials | None:
        self._tries.pop(key, None)
        return self._temporary.pop(key, None)
