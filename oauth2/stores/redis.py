"""``RedisStore``: nonces and temporary credentials, shared by many machines."""

from __future__ import annotations

import json
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from ..errors import StoreUnavailable
from .cipher import seal
from .nonces import BUCKET, nonce_digest, oldest_kept
from .rows import TEMPORARY, pack, temporary_of, temporary_row

if TYPE_CHECKING:
    from redis import Redis, RedisCluster

    from .cipher import Cipher
    from .records import TemporaryCredentials

_SHARDS = 256
_ERRORS = (RedisError, RedisClusterException)

# KEYS: the bucket of the timestamp, the shard's list of buckets, its horizon.
# ARGV: digest, start of the bucket, the horizon that the timestamp makes.
_CLAIM = """
local start, horizon = tonumber(ARGV[2]), tonumber(ARGV[3])
local oldest = tonumber(redis.call('GET', KEYS[3]) or '0')
if start < oldest then return 0 end
if redis.call('SADD', KEYS[1], ARGV[1]) == 0 then return 0 end
if redis.call('SCARD', KEYS[1]) > 1 then return 1 end
redis.call('ZADD', KEYS[2], start, KEYS[1])
if horizon > oldest then
    oldest = horizon
    redis.call('SET', KEYS[3], ARGV[3])
end
for _, bucket in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. oldest, 'LIMIT', 0, 32)) do
    redis.call('UNLINK', bucket)
    redis.call('ZREM', KEYS[2], bucket)
end
return 1
"""
# What takes memory comes first: Redis, when it is full, lets through what follows on a deletion.
_ISSUE = """
redis.call('HSET', KEYS[1], 'issued', ARGV[1])
redis.call('HDEL', KEYS[1], 'approved', 'tries')
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
_APPROVE = """
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[1], 'approved') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'approved', ARGV[1])
return 1
"""
_COUNT = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HINCRBY', KEYS[1], 'tries', 1)
"""
_REDEEM = """
local found = redis.call('HMGET', KEYS[1], 'issued', 'approved')
redis.call('DEL', KEYS[1])
return found
"""
_SHA1 = {
    text: sha1(text.encode(), usedforsecurity=False).hexdigest() for text in (_CLAIM, _ISSUE, _APPROVE, _COUNT, _REDEEM)
}


class RedisStore:
    """Used nonces and temporary credentials in Redis or Redis Cluster; each call is one round trip.

    Nonces go when newer ones come, by their timestamps and no clock, as in every
    store. So no clock that is wrong, set back or apart from the others lets a
    request in twice. Temporary credentials have a time to live of minutes, so a
    new key of the cipher needs no ``reencrypt()``: keep the older one until then.

    Redis must not evict keys to make room: ``maxmemory-policy noeviction``, its
    default. A nonce that is evicted could be used again.

    Args:
        client: A synchronous client of redis-py, with or without ``decode_responses``.
            Time-outs, retries and TLS are the client's.
        prefix: Before the name of each key; no braces.
        window: Seconds; the largest ``timestamp_threshold`` of a server that uses it.
        cipher: What encrypts secrets in it; None for no encryption.
        shards: In how many parts, each in one hash slot, nonces are kept: 1 to 256,
            and the same for all that share them.

    Raises:
        TypeError: *client* is no such client.
        ValueError: *prefix* has braces, which would decide about hash slots, or
            *shards* is out of range.
    """

    def __init__(
        self,
        client: Redis | RedisCluster,
        *,
        prefix: str = "oauth2:",
        window: int = 300,
        cipher: Cipher | None = None,
        shards: int = _SHARDS,
    ) -> None:
        if not hasattr(client, "evalsha"):
            raise TypeError("client: a client of redis-py wanted, such as redis.Redis()")
        if "{" in prefix or "}" in prefix:
            raise ValueError("prefix: no braces wanted")
        if not 1 <= shards <= _SHARDS:
            raise ValueError("shards: 1 to 256 wanted")
        self.window = window
        self._client = client
        self._prefix = prefix
        self._cipher = cipher
        # A hash tag each: Redis Cluster spreads the shards over its nodes.
        self._shards = [f"{{{prefix}{shard:02x}}}:" for shard in range(shards)]
        self._oldest = 0  # the horizon that this process knows of

    # --- nonces -----------------------------------------------------------------

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`.

        Raises:
            StoreUnavailable: Redis cannot be reached, or not be written.
        """
        digest = nonce_digest(nonce, timestamp, consumer_key, token_key)
        shard, start = self._shards[digest[0] % len(self._shards)], timestamp - timestamp % BUCKET
        oldest = oldest_kept(timestamp, self.window)
        if start < self._oldest:  # too old, whatever this shard has seen
            return False
        keys = [f"{shard}{start}", f"{shard}buckets", f"{shard}oldest"]
        new: bool = self._run(_CLAIM, keys, digest, start, oldest) == 1
        if new and oldest > self._oldest:
            self._oldest = oldest
        return new

    def nonce_count(self) -> int:
        """Return how many nonces are remembered now; not at one moment, and slowly.

        Raises:
            StoreUnavailable: Redis cannot be reached.
        """
        client: Any = self._client
        try:
            buckets = [bucket for shard in self._shards for bucket in client.zrange(f"{shard}buckets", 0, -1)]
            return sum(client.scard(bucket) for bucket in buckets)
        except _ERRORS as exc:
            raise StoreUnavailable("The store cannot be used.") from exc

    # --- temporary credentials --------------------------------------------------

    def issue(self, temporary: TemporaryCredentials) -> None:
        """See :meth:`~oauth2.stores.TemporaryStore.issue`.

        Redis forgets them when as many seconds have passed as lie between
        ``issued_at`` and ``expires_at``, and one more.

        Raises:
            StoreUnavailable: Redis cannot be reached, or not be written.
        """
        row = json.dumps(temporary_row(temporary, self._cipher))
        seconds = max(temporary.expires_at - temporary.issued_at, 0) + 1
        self._run(_ISSUE, [self._key(temporary.key)], row, seconds)

    def get_temporary(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.get_temporary`."""
        try:
            found: Any = self._client.hmget(self._key(key), ["issued", "approved"])
        except _ERRORS as exc:
            raise StoreUnavailable("The store cannot be used.") from exc
        except UnicodeError:
            raise _unreadable() from None
        return self._read(found)

    def approve(self, key: str, user: str, verifier: str, realms: tuple[str, ...]) -> bool:
        """See :meth:`~oauth2.stores.TemporaryStore.approve`."""
        sealed = seal(verifier, self._cipher)
        changed = json.dumps({"approved_by": user, "verifier": sealed, "realms": pack(realms)})
        return int(self._run(_APPROVE, [self._key(key)], changed)) == 1

    def count_try(self, key: str) -> int:
        """See :meth:`~oauth2.stores.TemporaryStore.count_try`."""
        return int(self._run(_COUNT, [self._key(key)]))

    def redeem(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.redeem`."""
        return self._read(self._run(_REDEEM, [self._key(key)]))

    def close(self) -> None:
        """Close the client's idle connections; the next call opens others."""
        self._client.close()

    def _key(self, key: str) -> bytes:
        return f"{self._prefix}temporary:{key}".encode("utf-8", "surrogatepass")

    def _read(self, found: list[str | bytes | None]) -> TemporaryCredentials | None:
        issued, approved = found
        if issued is None:
            return None
        try:
            row = {**json.loads(issued), **json.loads(approved or "{}")}
            return temporary_of([row[column] for column in TEMPORARY], self._cipher)
        except (ValueError, TypeError, KeyError):
            pass
        raise _unreadable()  # out here, without a part of it

    def _run(self, script: str, keys: list[Any], *values: str | bytes | int) -> Any:
        try:
            try:
                return self._client.evalsha(_SHA1[script], len(keys), *keys, *values)
            except NoScriptError:  # the first of all, or Redis was started again
                return self._client.eval(script, len(keys), *keys, *values)
        except _ERRORS as exc:
            raise StoreUnavailable("The store cannot be used.") from exc
        except UnicodeError:  # a client with decode_responses came upon something else
            raise _unreadable() from None


def _unreadable() -> StoreUnavailable:
    return StoreUnavailable("What is in the store cannot be read.")
