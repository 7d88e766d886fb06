"""An asyncio store with the methods of a blocking store, so that one suite tests both kinds of stores."""

import asyncio
import functools
import inspect
import os
import threading

PATIENCE = 120  # seconds until a call that does not return fails the test


class Loop:
    """An event loop in a separate thread. A forked process starts another thread and another loop on first use."""

    def __init__(self):
        self._lock = threading.Lock()
        self._pid = None

    def run(self, awaitable):
        """Return the result of *awaitable*. The awaitables of several threads run on the loop at the same time."""
        with self._lock:
            if self._pid != os.getpid():
                self._start()
        return asyncio.run_coroutine_threadsafe(_waiting_for(awaitable), self._loop).result(PATIENCE)

    def _start(self):
        self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close(self):
        if self._pid == os.getpid():
            self.run(asyncio.sleep(0.01))  # The loop must still run the last callback of closed transports.
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            self._loop.close()
            self._pid = None


async def _waiting_for(awaitable):
    return await awaitable


class OnLoop:
    """Runs each coroutine of an asyncio store on *loop*."""

    def __init__(self, store, loop):
        self.asyncio_store = store
        self._run = loop.run

    def __getattr__(self, name):
        found = getattr(self.asyncio_store, name)
        if not inspect.iscoroutinefunction(found):
            return found

        @functools.wraps(found)
        def call(*args, **kwargs):
            return self._run(found(*args, **kwargs))

        return call


class EngineOnLoop:
    """An asyncio engine whose connections are closed on *loop*."""

    def __init__(self, engine, loop):
        self.asyncio_engine, self.url = engine, engine.url
        self._run = loop.run

    def dispose(self):
        self._run(self.asyncio_engine.dispose())


class ClientOnLoop:
    """An asyncio client of Redis that is closed on *loop*."""

    def __init__(self, client, loop):
        self.asyncio_client = client
        self._run = loop.run

    def close(self):
        self._run(self.asyncio_client.aclose())
