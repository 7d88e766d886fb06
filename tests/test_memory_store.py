"""Guarantees of MemoryStore in addition to the contracts of all stores."""

import itertools
import sys
import threading
import tracemalloc

from oauth2.stores import MemoryStore, TokenCredentials

NOW = 1_700_000_000


# --- nonces -------------------------------------------------------------------


def test_text_without_utf8_form_is_a_nonce_like_any():
    store = MemoryStore()
    assert store.add_nonce("\ud800", NOW, "ck", None) is True
    assert store.add_nonce("\ud801", NOW, "ck", None) is True
    assert store.add_nonce("\ud800", NOW, "ck", None) is False


def test_deleted_buckets_are_freed_a_little_with_each_request():
    store = MemoryStore(window=300)
    for step in range(600):
        assert store.add_nonce(f"n{step}", NOW + step, "ck", None)
    later = NOW + 10_000
    assert store.add_nonce("first", later, "ck", None)
    assert store.nonce_count() == 1
    left = [sum(map(len, store._deleted))]
    while left[-1]:
        assert store.add_nonce(f"m{len(left)}", later, "ck", None)
        assert not store.add_nonce("n1", NOW + 1, "ck", None)
        left.append(sum(map(len, store._deleted)))
    assert (
        max(before - after for before, after in itertools.pairwise(left)) <= 128
    )  # Two requests are sent between two measurements.
    assert len(left) > 50
    assert store._deleted == []


def test_many_nonces_of_one_minute_are_each_claimed_once():
    store = MemoryStore()
    assert all(store.add_nonce(f"n{index}", NOW, "ck", "t") for index in range(20_000))
    assert not any(store.add_nonce(f"n{index}", NOW, "ck", "t") for index in range(20_000))
    assert store.nonce_count() == 20_000


def test_the_row_of_a_nonce_is_unpredictable():
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


# --- tokens -------------------------------------------------------------------


def test_a_token_is_found_at_any_moment_while_others_are_kept():
    store, done = MemoryStore(), threading.Event()

    def token(key):
        return TokenCredentials(key=key, secret="s", consumer_key="c", user="jane")

    def keep_others():
        for number in range(3_000):
            store.add_token(token(f"t{number % 3}"))
        done.set()

    store.add_token(token("t"))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        thread = threading.Thread(target=keep_others)
        thread.start()
        missed = 0
        while not done.is_set():
            missed += store.find("c", "t")[1] is None
        thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    assert missed == 0


def test_a_token_that_has_the_key_of_another_takes_its_place():
    store = MemoryStore()
    for grant in ("one", "other"):
        store.add_token(TokenCredentials(key="t", secret=grant, consumer_key="c", user="jane", grant=grant))
    assert [each.secret for each in store.tokens_of("jane")] == ["other"]
    assert store.revoke_grant("one") is None
    assert store.revoke_grant("other").secret == "other"
    assert (store._tokens, store._grants) == ({}, {})
