"""An AsyncProvider with the blocking methods of a Provider, so that one suite tests both classes."""

import asyncio
import functools
import inspect

from oauth2.provider import AsyncProvider


class OverAsyncio:
    """Runs each coroutine of an AsyncProvider in a separate event loop."""

    def __init__(self, store, **options):
        self._provider = AsyncProvider(Yielding(store), **options)
        self.store = store

    def __getattr__(self, name):
        found = getattr(self._provider, name)
        return _blocking(found) if inspect.iscoroutinefunction(found) else found


class Yielding:
    """An asyncio store over a blocking store: each method lets other tasks run before and after its work."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        found = getattr(self._store, name)
        return _yielding(found) if callable(found) else found

    async def find(self, consumer_key, token_key):
        return await _yielding(self._store.find)(consumer_key, token_key)


def _blocking(method):
    @functools.wraps(method)
    def call(*args, **kwargs):
        return asyncio.run(method(*args, **kwargs))

    return call


def _yielding(method):
    @functools.wraps(method)
    async def call(*args, **kwargs):
        await asyncio.sleep(0)
        result = method(*args, **kwargs)
        await asyncio.sleep(0)
        return result

    return call
