"""The contract of a :class:`~oauth2.stores.TemporaryStore` as a class of tests (RFC 5849 section 2)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from ..stores import TemporaryCredentials, TemporaryStore
from ._contract import ODD, TEXTS, StoreContract, T, approved, at_once, is_kept, temporary

__all__ = ["TemporaryStoreContract"]


class TemporaryStoreContract(StoreContract):
    """Tests of a store of temporary credentials; a subclass overrides the fixture :meth:`store`.

    Attributes:
        most_deleted_at_once: Maximum number of expired records that the store deletes when a record is added.
    """

    most_deleted_at_once = 8

    @pytest.fixture
    def deletes_by_clock(self) -> bool:
        """Return whether the database uses its own clock to delete expired records.

        A subclass for such a database must override this fixture and return True.
        """
        return False

    def test_temporary_credentials_are_issued_approved_and_redeemed_once(self, store: TemporaryStore) -> None:
        issued = replace(temporary("t"), realms=("photos", "☃"))
        store.issue(issued)
        assert store.get_temporary("t") == issued
        assert store.approve("t", "jane", "verifier", ("photos",)) is True
        expected = approved(issued, "jane", "verifier", ("photos",))
        assert store.get_temporary("t") == expected
        assert store.redeem("t") == expected
        assert store.redeem("t") is None
        assert store.get_temporary("t") is None

    def test_an_approval_needs_existing_credentials_and_happens_once(self, store: TemporaryStore) -> None:
        assert store.approve("t", "jane", "v", ()) is False
        assert store.get_temporary("t") is None
        store.issue(temporary("t"))
        assert store.approve("t", "jane", "v", ()) is True
        assert store.approve("t", "joe", "w", ("all",)) is False
        assert store.redeem("t") == approved(temporary("t"), "jane", "v", ())
        assert store.approve("t", "jane", "v", ()) is False

    def test_tries_are_counted_and_start_anew_with_each_issue(self, store: TemporaryStore) -> None:
        assert store.count_try("t") == 0
        store.issue(temporary("t"))
        assert [store.count_try("t") for _ in range(4)] == [1, 2, 3, 4]
        assert store.approve("t", "jane", "v", ())
        assert store.count_try("t") == 5
        store.redeem("t")
        assert store.count_try("t") == 0
        store.issue(temporary("t"))
        assert store.count_try("t") == 1

    def test_expired_temporary_credentials_are_deleted_when_others_are_issued(
        self, store: TemporaryStore, deletes_by_clock: bool
    ) -> None:
        if deletes_by_clock:
            pytest.skip("the database deletes by its own clock")
        for i in range(20):
            store.issue(temporary(f"old{i}"))
        store.issue(temporary("on the edge", expires_at=T + 601))
        counts = [20]
        for i in range(4):
            store.issue(temporary(f"new{i}", issued_at=T + 600, expires_at=T + 1200))
            counts.append(sum(store.get_temporary(f"old{i}") is not None for i in range(20)))
        assert counts[-1] == 0
        assert all(before - after <= self.most_deleted_at_once for before, after in pairwise(counts))
        assert store.get_temporary("on the edge")
        assert all(store.get_temporary(f"new{i}") for i in range(4))

    def test_keys_of_temporary_credentials_are_compared_exactly(self, store: TemporaryStore) -> None:
        for text in TEXTS:
            store.issue(temporary(text, consumer_key=text))
        for text in TEXTS:
            assert store.count_try(text) == 1
            assert store.approve(text, text, text, (text,))
        for text in TEXTS:
            assert store.redeem(text) == approved(temporary(text, consumer_key=text), text, text, (text,))

    def test_any_text_is_a_key_without_temporary_credentials(self, store: TemporaryStore) -> None:
        store.issue(temporary("kept"))
        for text in ODD:
            assert store.get_temporary(text) is None, ascii(text[:20])
            assert store.redeem(text) is None, ascii(text[:20])
            assert store.count_try(text) == 0, ascii(text[:20])
            assert store.approve(text, "jane", "v", ()) is False, ascii(text[:20])
        assert store.get_temporary("kept") == temporary("kept")

    @pytest.mark.parametrize("text", ODD, ids=ascii)
    def test_any_text_in_temporary_credentials_is_kept_as_it_is_or_refused(
        self, store: TemporaryStore, text: str
    ) -> None:
        issued = replace(temporary(text, consumer_key=text), secret=text, callback=text, realms=(text, "a"))
        if not is_kept(lambda: store.issue(issued)):
            assert text not in TEXTS
            assert store.get_temporary(text) is None
            return
        expected = issued
        if is_kept(lambda: store.approve(text, text, text, (text,))):
            expected = approved(issued, text, text, (text,))
        assert store.redeem(text) == expected

    def test_of_32_threads_that_redeem_one_verifier_exactly_one_does(self, store: TemporaryStore) -> None:
        for round_ in range(3):
            store.issue(temporary(f"t{round_}"))

            def work(_: int, round_: int = round_) -> TemporaryCredentials | None:
                return store.redeem(f"t{round_}")

            answers = at_once(32, work)
            assert len(answers) == 32
            assert [answer for answer in answers if answer] == [temporary(f"t{round_}")]

    def test_of_16_threads_that_approve_exactly_one_does(self, store: TemporaryStore) -> None:
        store.issue(temporary("t"))
        answers = at_once(16, lambda number: (store.approve("t", f"user{number}", "v", ()), f"user{number}"))
        (winner,) = [user for won, user in answers if won]
        assert store.redeem("t") == approved(temporary("t"), winner, "v", ())

    def test_tries_of_16_threads_are_all_counted(self, store: TemporaryStore) -> None:
        store.issue(temporary("t"))
        assert sorted(at_once(16, lambda _: store.count_try("t"))) == list(range(1, 17))
