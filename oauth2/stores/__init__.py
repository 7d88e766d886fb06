"""What a server remembers: one small protocol per thing, and a store in memory.

A :class:`~oauth2.server.Server` needs a :class:`NonceStore`; the other protocols
are what hosting a provider needs besides. Each method is atomic. A store that cannot do its work raises
:class:`~oauth2.errors.StoreUnavailable`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import chain
from os import urandom
from threading import Lock
from typing import Protocol

from ..credentials import Consumer

_DIGEST = 15  # bytes: 120 bits, in an object of 48 bytes, where 16 would take 64
BUCKET = 60  # seconds of timestamps that are forgotten together
_ROWS = 1024  # to a bucket in memory
_DROPPED = 64  # rows of forgotten buckets that are given back at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryCredentials:
    """What section 2.1 issues, and section 2.2 approves.

    Attributes:
        key: Sent as ``oauth_token``.
        secret: Its shared secret.
        consumer_key: The client it was issued to.
        callback: Where section 2.2 redirects to, or ``"oob"``.
        issued_at: Seconds since 1970-01-01 00:00 UTC.
        user: Who approved it; None before that.
        verifier: What section 2.2 hands over; None before approval.
    """

    key: str
    secret: str = field(repr=False)
    consumer_key: str
    callback: str
    issued_at: int
    user: str | None = None
    verifier: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCredentials:
    """What section 2.3 issues.

    Attributes:
        key: Sent as ``oauth_token``.
        secret: Its shared secret.
        consumer_key: The one client it works for.
        user: Who approved it.
    """

    key: str
    secret: str = field(repr=False)
    consumer_key: str
    user: str


class ConsumerStore(Protocol):
    """Client credentials."""

    def add_consumer(self, consumer: Consumer) -> None:
        """Keep *consumer*, in place of an earlier one of its key."""

    def get_consumer(self, key: str) -> Consumer | None:
        """Return the consumer of *key*, or None."""


class TemporaryStore(Protocol):
    """Temporary credentials, from issue to their one redemption."""

    def issue(self, temporary: TemporaryCredentials) -> None:
        """Keep new temporary credentials."""

    def get_temporary(self, key: str) -> TemporaryCredentials | None:
        """Return the temporary credentials of *key*, or None."""

    def approve(self, key: str, user: str, verifier: str) -> bool:
        """Record the approval; True if they were there and not approved yet."""

    def redeem(self, key: str) -> TemporaryCredentials | None:
        """Remove and return them; None for all but the first."""


class TokenStore(Protocol):
    """Token credentials."""

    def add_token(self, token: TokenCredentials) -> None:
        """Keep new token credentials."""

    def get_token(self, key: str) -> TokenCredentials | None:
        """Return the token credentials of *key*, or None."""

    def revoke_token(self, key: str) -> bool:
        """Forget them; True if they were there."""

    def tokens_of(self, user: str) -> list[TokenCredentials]:
        """Return the token credentials that *user* approved."""


class NonceStore(Protocol):
    """Nonces that were used (section 3.3).

    ``window`` seconds is the largest ``timestamp_threshold`` the store serves.
    It needs no clock: a server lets through timestamps of at most its clock plus
    the threshold, so that what is older than the newest one seen by more than
    twice the window cannot be let through again, and may be forgotten.
    """

    window: int

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """Record the combination atomically; True if it was new.

        False, too, for a timestamp so old that its nonces are forgotten.
        """


def nonce_digest(nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bytes:
    """Return 15 bytes that stand for the combination; no token and an empty one are the same."""
    token_key = token_key or ""
    # The lengths keep ("ab", "c") and ("a", "bc") apart.
    text = f"{timestamp},{len(nonce)},{len(consumer_key)},{nonce}{consumer_key}{token_key}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest()


def oldest_kept(newest: int, window: int) -> int:
    """Return the first timestamp of the oldest bucket to keep when *newest* was seen."""
    return (newest // BUCKET - 2 * window // BUCKET - 1) * BUCKET


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
        self._salt = urandom(16).hex()  # else a peer could choose nonces that are all of one row
        self._newest = 0
        self._oldest = 0
        self._consumers: dict[str, Consumer] = {}
        self._temporary: dict[str, TemporaryCredentials] = {}
        self._tokens: dict[str, TokenCredentials] = {}

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`NonceStore.add_nonce`."""
        # As nonce_digest() does, and fifteen bytes as well.
        text = f"{self._salt}{timestamp},{len(nonce)},{len(consumer_key)},{nonce}{consumer_key}{token_key or ''}"
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest()
        index = digest[0] << 2 | digest[1] & 3
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
            if digest in row:  # found across two of them it would be, too: once in 2**110
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
            return sum(map(len, chain.from_iterable(self._buckets.values()))) // _DIGEST

    def add_consumer(self, consumer: Consumer) -> None:
        """See :meth:`ConsumerStore.add_consumer`."""
        self._consumers[consumer.key] = consumer

    def get_consumer(self, key: str) -> Consumer | None:
        """See :meth:`ConsumerStore.get_consumer`."""
        return self._consumers.get(key)

    def issue(self, temporary: TemporaryCredentials) -> None:
        """See :meth:`TemporaryStore.issue`."""
        self._temporary[temporary.key] = temporary

    def get_temporary(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`TemporaryStore.get_temporary`."""
        return self._temporary.get(key)

    def approve(self, key: str, user: str, verifier: str) -> bool:
        """See :meth:`TemporaryStore.approve`."""
        with self._lock:
            found = self._temporary.get(key)
            if found is None or found.user is not None:
                return False
            self._temporary[key] = replace(found, user=user, verifier=verifier)
            return True

    def redeem(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`TemporaryStore.redeem`."""
        return self._temporary.pop(key, None)

    def add_token(self, token: TokenCredentials) -> None:
        """See :meth:`TokenStore.add_token`."""
        self._tokens[token.key] = token

    def get_token(self, key: str) -> TokenCredentials | None:
        """See :meth:`TokenStore.get_token`."""
        return self._tokens.get(key)

    def revoke_token(self, key: str) -> bool:
        """See :meth:`TokenStore.revoke_token`."""
        return self._tokens.pop(key, None) is not None

    def tokens_of(self, user: str) -> list[TokenCredentials]:
        """See :meth:`TokenStore.tokens_of`."""
        return [token for token in list(self._tokens.values()) if token.user == user]
