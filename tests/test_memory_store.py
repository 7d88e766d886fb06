"""What MemoryStore promises of nonces besides the contract of every store."""

import itertools
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from oauth2.stores import MemoryStore

NOW = 1_700_000_000


# --- nonces -------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(
    window=st.integers(0, 400),
    steps=st.lists(st.tuples(st.integers(0, 200), st.sampled_from([-1, 1]) | st.floats(-1, 1)), max_size=60),
)
def test_inside_the_window_what_is_new_is_new_and_what_is_used_stays_used(window, steps):
    store, used, clock = MemoryStore(window=window), set(), NOW
    for elapsed, skew in steps:
        clock += elapsed
        timestamp = clock + int(skew * window)
        assert store.add_nonce("n", timestamp, "ck", None) is (timestamp not in used)
        used.add(timestamp)
        assert not any(store.add_nonce("n", each, "ck", None) for each in used)


def test_text_without_utf8_form_is_a_nonce_like_any():
    store = MemoryStore()
    assert store.add_nonce("\ud800", NOW, "ck", None) is True
    assert store.add_nonce("\ud801", NOW, "ck", None) is True
    assert store.add_nonce("\ud800", NOW, "ck", None) is False


def test_what_is_forgotten_is_given_back_a_little_with_each_request():
    store = MemoryStore(window=300)
    for step in range(600):
        assert store.add_nonce(f"n{step}", NOW + step, "ck", None)
    later = NOW + 10_000
    assert store.add_nonce("first", later, "ck", None)
    assert store.nonce_count() == 1
    left = [sum(map(len, store._forgotten))]
    while left[-1]:
        assert store.add_nonce(f"m{len(left)}", later, "ck", None)
        assert not store.add_nonce("n1", NOW + 1, "ck", None)
        left.append(sum(map(len, store._forgotten)))
    assert max(before - after for before, after in itertools.pairwise(left)) <= 128  # two requests in between
    assert len(left) > 50
    assert store._forgotten == []


def test_many_nonces_of_one_minute_are_each_claimed_once():
    store = MemoryStore()
    assert all(store.add_nonce(f"n{index}", NOW, "ck", "t") for index in range(20_000))
    assert not any(store.add_nonce(f"n{index}", NOW, "ck", "t") for index in range(20_000))
    assert store.nonce_count() == 20_000


def test_nobody_can_tell_which_row_a_nonce_will_be_in():
    stores = [MemoryStore(), MemoryStore()]
    for store in stores:
        assert all(store.add_nonce(f"n{index}", NOW, "ck", "t") for index in range(20))
    one, other = [next(iter(store._buckets.values())) for store in stores]
    assert one != other
    assert not {row for row in one if row} & {row for row in other if row}


def test_a_nonce_takes_less_than_100_bytes():
    tracemalloc.start()
    try:
        store = MemoryStore(window=300)
        before = tracemalloc.get_traced_memory()[0]
        for index in range(30_000):
            store.add_nonce(f"n{index}", NOW + index // 50, "ck", "t")
        assert (tracemalloc.get_traced_memory()[0] - before) / store.nonce_count() < 100
    finally:
        tracemalloc.stop()
