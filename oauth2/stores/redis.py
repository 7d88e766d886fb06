"""``RedisStore``: nonces and temporary credentials in Redis, which several machines can share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from hashlib import sha1
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from redis import Redis, RedisCluster
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio import RedisCluster as AsyncRedisCluster
from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from .._steps import Steps, run, run_async
from ..errors import StoreUnavailable
from ._dummies import Dummies
from ._loop import LoopOwner
from ._rows import TEMPORARY, pack, temporary_of, temporary_row
from .cipher import Cipher, seal
from .nonces import BUCKET, checked_seconds, nonce_digest, oldest_kept
from .records import TemporaryCredentials

__all__ = ["AsyncRedisStore", "RedisStore"]

_Result = TypeVar("_Result")
_SHARDS = 256
_ERRORS = (RedisError, RedisClusterException)

# KEYS: 1. the bucket of the timestamp; 2. the list of the buckets of the shard; 3. the horizon of the shard, which is
# the lowest accepted timestamp.
# ARGV: 1. the digest; 2. the first timestamp of the bucket; 3. the horizon computed from the timestamp.
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
# HSET must be the first command, so that the script fails if Redis has no free memory. If HDEL were the first command,
# Redis would execute HSET even without free memory.
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


class _RedisSteps:
    """The methods of a Redis store as generators, which work with a blocking or an asyncio client.

    See :mod:`oauth2._steps`.
    """

    def __init__(self, client: Any, prefix: str, window: int, cipher: Cipher | None, shards: int) -> None:
        if "{" in prefix or "}" in prefix:
            raise ValueError("prefix: must not contain braces")
        if not 1 <= shards <= _SHARDS:
            raise ValueError("shards: must be between 1 and 256")
        self.window = checked_seconds("window", window)
        self.client = client
        self._prefix = prefix
        self._cipher = cipher
        # Each shard has a different hash tag, so that Redis Cluster distributes the shards to its nodes.
        self._shards = [f"{{{prefix}{shard:02x}}}:" for shard in range(shards)]
        self._oldest = 0  # The highest horizon that this object has computed.

    # --- nonces -----------------------------------------------------------------

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> Steps[bool]:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`."""
        digest = nonce_digest(nonce, timestamp, consumer_key, token_key)
        shard, start = self._shards[digest[0] % len(self._shards)], timestamp - timestamp % BUCKET
        oldest = oldest_kept(timestamp, self.window)
        if start < self._oldest:  # The timestamp is too old, even if the horizon of this shard is lower.
            return False
        keys = [f"{shard}{start}", f"{shard}buckets", f"{shard}oldest"]
        new: bool = (yield from self._run(_CLAIM, keys, digest, start, oldest)) == 1
        if new and oldest > self._oldest:
            self._oldest = oldest
        return new

    def nonce_count(self) -> Steps[int]:
        """See :meth:`~oauth2.stores.NonceStore.nonce_count`."""
        count = 0
        try:
            for shard in self._shards:
                for bucket in (yield self.client.zrange(f"{shard}buckets", 0, -1)):
                    count += yield self.client.scard(bucket)
        except _ERRORS as exc:
            raise StoreUnavailable("The store cannot be used.") from exc
        return count

    # --- temporary credentials --------------------------------------------------

    def issue(self, temporary: TemporaryCredentials) -> Steps[None]:
        """See :meth:`~oauth2.stores.TemporaryStore.issue`."""
        row = json.dumps(temporary_row(temporary, self._cipher))
        seconds = max(temporary.expires_at - temporary.issued_at, 0) + 1
        yield from self._run(_ISSUE, [self._key(temporary.key)], row, seconds)

    def get_temporary(self, key: str) -> Steps[TemporaryCredentials | None]:
        """See :meth:`~oauth2.stores.TemporaryStore.get_temporary`."""
        try:
            found: Any = yield self.client.hmget(self._key(key), ["issued", "approved"])
        except _ERRORS as exc:
            raise StoreUnavailable("The store cannot be used.") from exc
        except UnicodeError:
            raise _unreadable() from None
        return self._read(found)

    def approve(self, key: str, user: str, verifier: str, realms: tuple[str, ...]) -> Steps[bool]:
        """See :meth:`~oauth2.stores.TemporaryStore.approve`."""
        sealed = seal(verifier, self._cipher)
        changed = json.dumps({"approved_by": user, "verifier": sealed, "realms": pack(realms)})
        return int((yield from self._run(_APPROVE, [self._key(key)], changed))) == 1

    def count_try(self, key: str) -> Steps[int]:
        """See :meth:`~oauth2.stores.TemporaryStore.count_try`."""
        return int((yield from self._run(_COUNT, [self._key(key)])))

    def redeem(self, key: str) -> Steps[TemporaryCredentials | None]:
        """See :meth:`~oauth2.stores.TemporaryStore.redeem`."""
        return self._read((yield from self._run(_REDEEM, [self._key(key)])))

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
        # This error is raised outside the except block, so that the traceback does not show a part of the record.
        raise _unreadable()

    def _run(self, script: str, keys: list[Any], *values: str | bytes | int) -> Steps[Any]:
        try:
            try:
                return (yield self.client.evalsha(_SHA1[script], len(keys), *keys, *values))
            except NoScriptError:  # Redis does not have the script yet, or has lost the script in a restart.
                return (yield self.client.eval(script, len(keys), *keys, *values))
        except _ERRORS as exc:
            raise StoreUnavailable("The store cannot be used.") from exc
        except UnicodeError:  # A client with decode_responses=True received bytes that are not UTF-8.
            raise _unreadable() from None


class _RedisBase:
    """The common attributes and methods of the blocking store and the asyncio store."""

    def __init__(self, steps: _RedisSteps, cipher: Cipher | None) -> None:
        self._steps = steps
        self._dummies = Dummies(cipher)

    @property
    def window(self) -> int:
        """The largest ``timestamp_threshold`` of a server that may use this store, in seconds."""
        return self._steps.window

    def read_dummies(self, found: Mapping[str, object]) -> None:
        """Read dummy credentials (timing attack), see :meth:`~oauth2.stores._dummies.Dummies.read`."""
        self._dummies.read(found)


class RedisStore(_RedisBase):
    """Used nonces and temporary credentials in Redis or Redis Cluster; each call needs one round trip.

    As in every store, the timestamps of newer nonces determine when old nonces are deleted; the store has no clock.
    Therefore a wrong clock of a machine never allows a replay. This store has no ``reencrypt()``, because temporary
    credentials expire within minutes. After you have added a new key to the cipher, keep the old key until all
    temporary credentials that were encrypted with the old key have expired.

    Configure Redis with ``maxmemory-policy noeviction``, the default. If Redis evicts a nonce, the nonce could be used
    again.

    Args:
        client: A synchronous client of redis-py, with or without ``decode_responses``.
            Configure time-outs, retries and TLS in the client.
        prefix: The prefix of the name of each key; it must not contain braces.
        window: The largest ``timestamp_threshold`` of a server that may use this store, in seconds.
        cipher: The cipher that encrypts secrets in Redis; None for no encryption.
        shards: The number of shards of the nonces, 1 to 256. Each shard is in one hash
            slot. The number must be the same for all stores with the same prefix. Otherwise the stores would look for
            the same nonce in different shards, and could accept the nonce twice.

    Raises:
        TypeError: *client* is not a client of redis-py, or *window* is not a number.
        ValueError: *prefix* contains braces, which would determine the hash slots;
            *shards* is out of range; or *window* is negative.
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
        if not _is_client(client) or _is_asyncio(client):
            raise TypeError("client: must be a blocking client of redis-py, such as redis.Redis()")
        super().__init__(_RedisSteps(client, prefix, window, cipher, shards), cipher)

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`.

        Raises:
            StoreUnavailable: Redis cannot be reached or written.
        """
        return run(self._steps.add_nonce(nonce, timestamp, consumer_key, token_key))

    def nonce_count(self) -> int:
        """See :meth:`~oauth2.stores.NonceStore.nonce_count`.

        The shards are counted one after another, so the result is not exact while nonces are added.

        Raises:
            StoreUnavailable: Redis cannot be reached.
        """
        return run(self._steps.nonce_count())

    def issue(self, temporary: TemporaryCredentials) -> None:
        """See :meth:`~oauth2.stores.TemporaryStore.issue`.

        Redis deletes the credentials ``expires_at - issued_at + 1`` seconds after this call.

        Raises:
            StoreUnavailable: Redis cannot be reached or written.
        """
        run(self._steps.issue(temporary))

    def get_temporary(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.get_temporary`."""
        return run(self._steps.get_temporary(key))

    def approve(self, key: str, user: str, verifier: str, realms: tuple[str, ...]) -> bool:
        """See :meth:`~oauth2.stores.TemporaryStore.approve`."""
        return run(self._steps.approve(key, user, verifier, realms))

    def count_try(self, key: str) -> int:
        """See :meth:`~oauth2.stores.TemporaryStore.count_try`."""
        return run(self._steps.count_try(key))

    def redeem(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.redeem`."""
        return run(self._steps.redeem(key))

    def close(self) -> None:
        """Close the connections of the client, see :meth:`~oauth2.stores.Store.close`."""
        self._steps.client.close()


class AsyncRedisStore(_RedisBase):
    """:class:`RedisStore` for asyncio.

    The connections belong to the event loop that opened them. If that event loop is
    closed, or the process was forked, the store opens new connections. With Redis Cluster, the store raises a
    RuntimeError instead.

    Args:
        client: A client of :mod:`redis.asyncio`: ``Redis`` or ``RedisCluster``.
        prefix: See :class:`RedisStore` for this argument and the other arguments.

    Raises:
        TypeError: *client* is not a client of :mod:`redis.asyncio`, or *window* is not a number.
        ValueError: See :class:`RedisStore`.
    """

    def __init__(
        self,
        client: AsyncRedis | AsyncRedisCluster,
        *,
        prefix: str = "oauth2:",
        window: int = 300,
        cipher: Cipher | None = None,
        shards: int = _SHARDS,
    ) -> None:
        if not _is_client(client) or not _is_asyncio(client):
            raise TypeError("client: must be a client of redis.asyncio, such as redis.asyncio.Redis()")
        super().__init__(_RedisSteps(client, prefix, window, cipher, shards), cipher)
        self._owner = LoopOwner("client", partial(_forget_connections, client))

    async def _run(self, steps: Steps[_Result]) -> _Result:
        self._owner.enter()
        return await run_async(steps)

    async def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`.

        Raises:
            StoreUnavailable: Redis cannot be reached or written.
        """
        return await self._run(self._steps.add_nonce(nonce, timestamp, consumer_key, token_key))

    async def nonce_count(self) -> int:
        """See :meth:`~oauth2.stores.NonceStore.nonce_count`.

        The shards are counted one after another, so the result is not exact while nonces are added.

        Raises:
            StoreUnavailable: Redis cannot be reached.
        """
        return await self._run(self._steps.nonce_count())

    async def issue(self, temporary: TemporaryCredentials) -> None:
        """See :meth:`~oauth2.stores.TemporaryStore.issue`.

        Redis deletes the credentials ``expires_at - issued_at + 1`` seconds after this call.

        Raises:
            StoreUnavailable: Redis cannot be reached or written.
        """
        await self._run(self._steps.issue(temporary))

    async def get_temporary(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.get_temporary`."""
        return await self._run(self._steps.get_temporary(key))

    async def approve(self, key: str, user: str, verifier: str, realms: tuple[str, ...]) -> bool:
        """See :meth:`~oauth2.stores.TemporaryStore.approve`."""
        return await self._run(self._steps.approve(key, user, verifier, realms))

    async def count_try(self, key: str) -> int:
        """See :meth:`~oauth2.stores.TemporaryStore.count_try`."""
        return await self._run(self._steps.count_try(key))

    async def redeem(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.redeem`."""
        return await self._run(self._steps.redeem(key))

    async def close(self) -> None:
        """Close the connections of the client, see :meth:`~oauth2.stores.Store.close`.

        The application must call this method before the event loop ends.
        """
        self._owner.enter()
        await self._steps.client.aclose()
        self._owner.leave()


def _is_client(client: object) -> bool:
    return not isinstance(client, type) and hasattr(client, "evalsha")


def _is_asyncio(client: object) -> bool:
    return iscoroutinefunction(getattr(client, "aclose", None))


def _forget_connections(client: AsyncRedis | AsyncRedisCluster) -> object:
    pool: Any = getattr(client, "connection_pool", None)
    if pool is None:
        raise RuntimeError(
            "client: has connections that belong to a closed event loop or to the parent process;"
            " create a new client of Redis Cluster, or await close() in the other event loop"
        )
    connections = dict(vars(pool))
    pool.reset()
    return connections


def _unreadable() -> StoreUnavailable:
    return StoreUnavailable("A record in the store cannot be read.")
