"""What MemoryStore remembers besides the contract of every store, and the records it keeps (RFC 5849 section 2)."""

import dataclasses
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oauth2
from oauth2.stores import MemoryStore, TemporaryCredentials, TokenCredentials

NOW = 1_700_000_000


def temporary(key="t", **changes):
    fields = {"secret": "hidden", "consumer_key": "ck", "callback": "oob", "issued_at": NOW, **changes}
    return TemporaryCredentials(key=key, **fields)


def token(key="t", user="jane"):
    return TokenCredentials(key=key, secret="hidden", consumer_key="ck", user=user)


def in_threads(call):
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda _: call(), range(64)))


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
    assert max(before - after for before, after in zip(left, left[1:], strict=False)) <= 128  # two requests in between
    assert len(left) > 50
    assert store._forgotten == []


def test_many_nonces_of_one_minute_are_each_claimed_once():
    store = MemoryStore()
    assert all(store.add_nonce(f"n{index}", NOW, "ck", "t") for index in range(20_000))
    assert not any(store.add_nonce(f"n{index}", NOW, "ck", "t") for index in range(20_000))
    assert store.nonce_count() == 20_000


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


# --- client credentials -------------------------------------------------------


def test_a_consumer_is_kept_in_place_of_an_earlier_one_of_its_key():
    store, consumer = MemoryStore(), oauth2.Consumer("ck", "new")
    assert store.get_consumer("ck") is None
    store.add_consumer(oauth2.Consumer("ck", "old"))
    store.add_consumer(consumer)
    assert store.get_consumer("ck") is consumer


# --- temporary credentials, sections 2.1 to 2.3 -------------------------------


def test_temporary_credentials_are_issued_approved_and_redeemed():
    store = MemoryStore()
    store.issue(temporary())
    assert store.get_temporary("t") == temporary()
    assert store.approve("t", "jane", "v") is True
    approved = temporary(user="jane", verifier="v")
    assert store.get_temporary("t") == approved
    assert store.redeem("t") == approved
    assert store.get_temporary("t") is None


def test_they_are_approved_once():
    store = MemoryStore()
    store.issue(temporary())
    assert in_threads(lambda: store.approve("t", "jane", "v")).count(True) == 1
    assert store.approve("t", "mary", "w") is False
    assert store.get_temporary("t").user == "jane"


def test_they_are_redeemed_once():
    store = MemoryStore()
    store.issue(temporary())
    assert [each for each in in_threads(lambda: store.redeem("t")) if each] == [temporary()]


def test_what_was_never_issued_is_neither_approved_nor_redeemed():
    store = MemoryStore()
    assert store.get_temporary("t") is None
    assert store.approve("t", "jane", "v") is False
    assert store.redeem("t") is None


# --- token credentials --------------------------------------------------------


def test_token_credentials_are_kept_until_they_are_revoked():
    store = MemoryStore()
    assert store.get_token("t") is None
    store.add_token(token())
    assert store.get_token("t") == token()
    assert store.revoke_token("t") is True
    assert store.get_token("t") is None
    assert store.revoke_token("t") is False


def test_the_token_credentials_of_a_user_can_be_listed():
    store = MemoryStore()
    for each in (token("t1"), token("t2", "mary"), token("t3")):
        store.add_token(each)
    assert store.tokens_of("jane") == [token("t1"), token("t3")]
    assert store.tokens_of("nobody") == []


def test_temporary_credentials_are_no_token_credentials():
    store = MemoryStore()
    store.issue(temporary())
    assert store.get_token("t") is None


# --- records ------------------------------------------------------------------


@pytest.mark.parametrize("record", [temporary(verifier="hidden"), token()])
def test_a_record_is_fixed_and_its_repr_shows_no_secret(record):
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.key = "other"
    assert "hidden" not in repr(record)
    assert "'t'" in repr(record)
