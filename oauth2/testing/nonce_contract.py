"""The contract of a :class:`~oauth2.stores.NonceStore` as a class of tests (RFC 5849 section 3.3)."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from ..stores import NonceStore
from ._contract import PATIENCE, StoreContract, T

__all__ = ["NonceStoreContract"]

_ANY_TEXT = ["é☃𝒳", "a\0b", "\0", " ", "", "n" * 100_000, "'; DROP TABLE nonce; --", "e\u0301"]

_ClaimMany = Callable[[NonceStore, int, int, str], int]


class NonceStoreContract(StoreContract):
    """Tests of a nonce store; a subclass overrides the fixture :meth:`store`."""

    @pytest.fixture
    def make_store(self) -> Callable[[int], NonceStore] | None:
        """Return a function that makes an empty store with a given window, or None to skip the tests of windows.

        A subclass overrides this fixture to test the store with several windows.
        """
        return None

    @pytest.fixture
    def pace(self) -> int:
        """Return a divisor. A test that claims many nonces divides the number of nonces by this divisor.

        A subclass for a slow database overrides this fixture and returns a larger divisor.
        """
        return 1

    @pytest.fixture
    def claim_many(self, pace: int) -> _ClaimMany:
        """Return a function that claims many nonces, and returns their number.

        The tests need many claims, because a store may delete old nonces only after many claims.
        """

        def claim(store: NonceStore, count: int, timestamp: int, prefix: str) -> int:
            count //= pace
            assert all(store.add_nonce(f"{prefix}{i}", timestamp, "filler", None) for i in range(count))
            return count

        return claim

    def test_a_closed_store_can_be_closed_again_and_used_again_and_has_lost_nothing(self, store: NonceStore) -> None:
        assert store.nonce_count() == 0
        assert store.add_nonce("n", T, "c", "t") is True
        store.close()
        store.close()
        assert store.nonce_count() == 1
        assert store.add_nonce("n", T, "c", "t") is False

    def test_the_window_is_a_number_of_seconds(self, store: NonceStore) -> None:
        assert store.window >= 0

    def test_a_new_nonce_is_claimed_and_a_used_one_is_refused(self, store: NonceStore) -> None:
        assert store.add_nonce("n", T, "c", "t") is True
        assert store.add_nonce("n", T, "c", "t") is False
        assert store.add_nonce("n", T, "c", "t") is False
        assert store.nonce_count() == 1

    def test_combinations_that_differ_in_one_part_are_different(self, store: NonceStore) -> None:
        combinations: list[tuple[str, int, str, str | None]] = [("n", T, "c", "t"), ("N", T, "c", "t")]
        combinations += [("n", T + 1, "c", "t"), ("n", T, "d", "t"), ("n", T, "c", "u"), ("n", T, "c", None)]
        combinations += [("n ", T, "c", "t"), ("n", T, "C", "t")]
        assert [store.add_nonce(*combination) for combination in combinations] == [True] * len(combinations)
        assert [store.add_nonce(*combination) for combination in combinations] == [False] * len(combinations)
        assert store.nonce_count() == len(combinations)

    def test_no_token_and_an_empty_token_are_the_same(self, store: NonceStore) -> None:
        assert store.add_nonce("n", T, "c", None)
        assert not store.add_nonce("n", T, "c", "")
        assert store.add_nonce("m", T, "c", "")
        assert not store.add_nonce("m", T, "c", None)

    def test_the_boundaries_between_the_parts_matter(self, store: NonceStore) -> None:
        combinations: list[tuple[str, str, str | None]] = [("ab", "c", None), ("a", "bc", None), ("abc", "", None)]
        combinations += [("", "abc", None), ("", "", "abc"), ("a", "b", "c"), ("a", "", "bc"), ("1,1", "a", "b")]
        combinations += [("1", "1,a", "b"), ("a\0", "b", "c"), ("a", "\0b", "c"), ("a,1", "b", "c"), ("a", "1,b", "c")]
        assert all(store.add_nonce(nonce, T, consumer, token) for nonce, consumer, token in combinations)
        assert not any(store.add_nonce(nonce, T, consumer, token) for nonce, consumer, token in combinations)

    def test_any_text_is_a_nonce_a_consumer_and_a_token(self, store: NonceStore) -> None:
        for number, text in enumerate(_ANY_TEXT):
            stamp = T + number
            for combination in [
                (f"n{text}", stamp, "c", "t"),
                ("n", stamp, f"k{text}", "t"),
                ("n", stamp, "c", f"s{text}"),
                (text, stamp, "a", "b"),
            ]:
                assert store.add_nonce(*combination), ascii(text[:20])
                assert not store.add_nonce(*combination), ascii(text[:20])

    def test_equivalent_unicode_texts_are_different_nonces(self, store: NonceStore) -> None:
        assert store.add_nonce("\u00e9", T, "c", None)
        assert store.add_nonce("e\u0301", T, "c", None)

    def test_nonces_deleted_after_a_high_timestamp_are_still_refused(
        self, store: NonceStore, claim_many: _ClaimMany
    ) -> None:
        claim_many(store, 500, T, "many")
        later = T + 10 * store.window
        count = claim_many(store, 500, later, "later")
        assert store.nonce_count() <= count * 1.2
        # The store must refuse deleted nonces, and also new nonces with the same low timestamp.
        assert not store.add_nonce("many0", T, "filler", None)
        assert not store.add_nonce("never seen", T, "filler", None)
        assert not store.add_nonce("later0", later, "filler", None)

    def test_memory_is_bounded_while_time_goes_on(self, store: NonceStore, claim_many: _ClaimMany) -> None:
        second_step = max(store.window // 5, 60)
        count = 0
        for step in range(48):
            count = claim_many(store, 64, T + second_step * step, f"{step}-")
        # A store may keep the nonces of the last two windows, and the nonces of six more steps of this loop.
        assert store.nonce_count() <= count * (2 * store.window // second_step + 6)

    @pytest.mark.parametrize("window", [1, 30, 59, 60, 61, 90, 300, 3600])
    @pytest.mark.parametrize("phase", [0, 1, 59])
    def test_nonces_inside_twice_the_window_are_kept(
        self, make_store: Callable[[int], NonceStore] | None, claim_many: _ClaimMany, window: int, phase: int
    ) -> None:
        if make_store is None:
            pytest.skip("override the fixture make_store to test other windows")
        store = make_store(window)
        newest = T - T % 60 + phase
        oldest = newest - 2 * window  # The lowest timestamp that a server may have accepted.
        assert store.add_nonce("victim", oldest, "c", None)
        count = claim_many(store, 130, newest, "many")
        assert not store.add_nonce("victim", oldest, "c", None)
        assert store.add_nonce("another of that time", oldest, "c", None)
        assert store.nonce_count() == count + 2

    def test_timestamps_out_of_order_are_claimed_at_the_edges_of_the_window(self, store: NonceStore) -> None:
        window = store.window
        order = [T, T + window, T - window, T + 1, T - window + 1, T + window - 1, T]
        for round_ in range(20):
            for index, timestamp in enumerate(order):
                assert store.add_nonce(f"{round_}-{index}", timestamp, "c", None)
        for round_ in range(20):
            for index, timestamp in enumerate(order):
                assert not store.add_nonce(f"{round_}-{index}", timestamp, "c", None)

    def test_an_old_timestamp_does_not_lower_the_horizon(self, store: NonceStore, claim_many: _ClaimMany) -> None:
        count = claim_many(store, 320, T + 10 * store.window, "many")
        for i in range(count):
            assert not store.add_nonce(f"old{i}", T, "c", None)
        assert not store.add_nonce("old", T + store.window, "c", None)
        assert store.nonce_count() == count

    def test_a_negative_timestamp_is_refused(self, store: NonceStore) -> None:
        assert not store.add_nonce("n", -1, "c", None)

    def test_of_sixteen_threads_with_one_nonce_exactly_one_claims_it(self, store: NonceStore) -> None:
        rounds, threads = 30, 16
        barrier = threading.Barrier(threads)
        claims: list[list[bool]] = [[] for _ in range(rounds)]

        def run() -> None:
            for round_ in range(rounds):
                barrier.wait(PATIENCE)
                claims[round_].append(store.add_nonce(f"round{round_}", T + round_, "c", "t"))

        workers = [threading.Thread(target=run) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(PATIENCE)
        assert [sorted(claimed) for claimed in claims] == [[False] * (threads - 1) + [True]] * rounds
