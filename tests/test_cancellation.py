"""A task that is cancelled while it waits for a database: no step is half done, and no connection is lost."""

import asyncio
import contextlib
import gc
import random

import databases
import pytest
from hosted import Hosted, credentials, fields

from oauth2.errors import NonceUsed
from oauth2.provider import AsyncProvider, Lifetimes
from oauth2.stores import MemoryStore
from oauth2.stores.async_combined import AsyncCombinedStore

LIFETIMES = {"token": 600, "session": 6000}
KINDS = [*databases.DRIVERS, "redis-asyncio"]


class World:
    """A blocking provider, which prepares requests, and an asyncio provider over the same store."""

    def __init__(self, backend):
        self.backend = backend
        self.loop = backend.loop
        store = backend.make()
        if backend.kind == "redis":
            other = AsyncCombinedStore(
                credentials=MemoryStore(), temporary=store.asyncio_store, nonces=store.asyncio_store
            )
            store = type(store)(other, backend.loop)
        self.hosted = Hosted(store, lifetimes=LIFETIMES)
        self.store = store
        self.provider = AsyncProvider(
            store.asyncio_store, lifetimes=Lifetimes(**LIFETIMES), now=lambda: self.hosted.now
        )

    def open_connections(self):
        """Return the number of connections that the store is using."""
        if self.backend.kind == "redis":
            return len(self.backend.asyncio_client.asyncio_client.connection_pool._in_use_connections)
        return self.backend.asyncio_engine.asyncio_engine.pool.checkedout()

    def approved(self, user):
        """Return a request that redeems approved temporary credentials, and the key of the temporary credentials."""
        temporary = self.hosted.temporary()
        verifier = self.hosted.provider.approve(temporary.key, user=user).verifier
        return lambda: self.hosted.sent("/at", token=temporary, verifier=verifier), temporary.key


@pytest.fixture(params=KINDS, scope="module")
def world(request, tmp_path_factory):
    with databases.backend(request.param, tmp_path_factory.mktemp("cancelled")) as backend:
        yield World(backend)


class CancelledAt:
    """Awaits *coroutine*. Cancels the task at wait *number* of the coroutine, and at the next *times* - 1 waits."""

    def __init__(self, coroutine, number, times=1):
        self.coroutine, self.number, self.times = coroutine, number, times
        self.has_cancelled = False

    def __await__(self):
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        step, count, value = self.coroutine.send, 0, None
        while True:
            try:
                waits_for = step(value)
            except StopIteration as stop:
                return stop.value
            if self.number <= count < self.number + self.times:
                loop.call_soon(task.cancel)
                self.has_cancelled = True
            count += 1
            try:
                value = yield waits_for
                step = self.coroutine.send
            except BaseException as error:  # noqa: BLE001 - raised in the coroutine
                value, step = error, self.coroutine.throw


async def _waiting_for(awaitable):
    return await awaitable


def cancelled(world, coroutine, number, times=1):
    """Run *coroutine*, and cancel its task as CancelledAt does; return False if it ended before wait *number*."""
    work = CancelledAt(coroutine, number, times)

    async def run():
        # In Python 3.11, asyncio.wait_for() may lose a cancellation. The coroutine then runs to its end.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.create_task(_waiting_for(work))

    world.loop.run(run())
    world.loop.run(asyncio.sleep(0.01))
    gc.collect()  # If a connection was not returned to its pool, a warning is issued now.
    assert world.open_connections() == 0
    return work.has_cancelled


def check_authenticate(world, number, times):
    token = world.token
    sent = world.hosted.sent("/photos", "GET", token=token)
    before = world.store.nonce_count()
    was = cancelled(world, world.provider.authenticate(sent), number, times)
    claimed = world.store.nonce_count() - before
    try:
        assert world.hosted.provider.authenticate(sent).user == "jane"
        again = True
    except NonceUsed:
        again = False
    # The database may execute the statement of the cancelled task after it was asked for the count.
    assert claimed in (0, 1)
    assert not (claimed and again)
    assert world.store.nonce_count() - before == 1
    return was


def check_redeem(world, number, times):
    user = f"user{number}-{times}"
    redemption, key = world.approved(user)
    was = cancelled(world, world.provider.access_token(redemption()), number, times)
    world.hosted.provider.access_token(redemption())
    assert world.store.get_temporary(key) is None
    assert len(world.store.tokens_of(user)) == 1
    return was


def check_renew(world, number, times):
    user = f"renewed{number}-{times}"
    redemption, _ = world.approved(user)
    answer = world.hosted.provider.access_token(redemption())
    token, handle = credentials(answer), fields(answer)["oauth_session_handle"]
    renewal = world.hosted.sent("/at", token=token, session_handle=handle)
    was = cancelled(world, world.provider.access_token(renewal), number, times)
    (kept,) = world.store.tokens_of(user)
    again = world.hosted.sent("/at", token=token, session_handle=handle)
    # Either the old token still exists and can be renewed, or the new token has replaced the old token.
    assert (world.hosted.provider.access_token(again).status == 200) == (kept.key == token.key)
    assert len(world.store.tokens_of(user)) == 1
    return was


CHECKS = [check_authenticate, check_redeem, check_renew]


@pytest.fixture
def with_token(world):
    if not hasattr(world, "token"):
        world.token = world.hosted.token()
    return world


@pytest.mark.heavy
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("check", CHECKS)
def test_a_task_cancelled_at_any_await_leaves_nothing_half_done(with_token, check, times):
    number = 0
    while check(with_token, number, times):
        number += 1
        assert number < 200
    assert number >= 1


@pytest.mark.heavy
@pytest.mark.parametrize("fresh", [False, True], ids=["pool", "no pool"])
def test_tasks_cancelled_after_a_random_time_leave_nothing_half_done(with_token, fresh):
    world, chance = with_token, random.Random(5)

    async def one():
        sent = world.hosted.sent("/photos", "GET", token=world.token)
        task = asyncio.create_task(world.provider.authenticate(sent))
        await asyncio.sleep(chance.uniform(0, 0.02))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def all_at_once():
        await asyncio.gather(*[one() for _ in range(12)])

    for _ in range(8):
        if fresh:
            world.store.close()
        world.loop.run(all_at_once())
        world.loop.run(asyncio.sleep(0.01))
        gc.collect()
        assert world.open_connections() == 0
    assert world.hosted.call(world.token).user == "jane"
