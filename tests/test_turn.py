"""``Turn``: threads use a connection in turn; if many threads wait, each turn is a time slice."""

import threading
import time

import pytest
from children import PATIENCE

from oauth2.errors import StoreUnavailable
from oauth2.stores import _turn


class Threads:
    """A turn with a stopped clock. ``naps`` records the seconds for which each waiting thread would sleep."""

    def __init__(self, monkeypatch):
        self.now, self.naps, self.turn = 100.0, [], _turn.Turn()
        monkeypatch.setattr(_turn, "monotonic", lambda: self.now)
        monkeypatch.setattr(_turn, "sleep", self.naps.append)

    def take(self, timeout):
        if not self.turn.take_free():
            self.turn.wait(self.now + timeout)

    def use(self, times, seconds):
        for _ in range(times):
            self.take(PATIENCE)
            self.turn.release()
        self.now += seconds

    def collide(self):
        """Let another thread wait for the turn, then release the turn for that thread."""
        self.take(PATIENCE)
        other = threading.Thread(target=self.use, args=(1, 0))
        other.start()
        time.sleep(0.02)
        assert other.is_alive()
        self.turn.release()
        other.join(PATIENCE)
        assert not other.is_alive()


@pytest.fixture
def threads(monkeypatch):
    return Threads(monkeypatch)


def test_threads_that_collide_seldom_do_not_sleep(threads):
    for _ in range(5):
        threads.use(100, 0.05)
        threads.collide()
    assert threads.naps == []


def test_a_thread_that_waits_for_a_busy_connection_sleeps_a_slice_until_the_load_is_over(threads):
    threads.collide()
    threads.use(100, 0.01)
    threads.collide()
    threads.collide()
    assert threads.naps == [0.005] * 2
    threads.use(10, 0.01)
    threads.collide()
    assert len(threads.naps) == 2


def test_a_thread_sleeps_no_longer_than_its_deadline(threads):
    threads.collide()
    threads.use(100, 0.01)
    threads.take(1)
    with pytest.raises(StoreUnavailable):
        threads.take(0.001)
    assert threads.naps == [pytest.approx(0.001)]


@pytest.mark.parametrize("calls", [10, 100], ids=["idle", "busy"])
def test_after_the_deadline_a_thread_gets_no_turn(threads, calls):
    threads.collide()
    threads.use(calls, 0.01)
    threads.turn.stop()
    with pytest.raises(StoreUnavailable):
        threads.take(-1)
    threads.turn.resume()
    threads.take(-1)
