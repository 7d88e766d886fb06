"""The contract of a :class:`~oauth2.stores.ProviderStore` as a class of tests.

The contract includes the contracts of nonce stores, credential stores and temporary stores.
"""

from __future__ import annotations

import pytest

from ..errors import StoreUnavailable
from ..stores import ProviderStore
from ._contract import ODD, T, at_once, client, is_kept, temporary, token
from .credential_contract import CredentialStoreContract
from .nonce_contract import NonceStoreContract
from .temporary_contract import TemporaryStoreContract

__all__ = ["ProviderStoreContract"]


class ProviderStoreContract(CredentialStoreContract, TemporaryStoreContract, NonceStoreContract):
    """Tests of a store for a provider; a subclass overrides the fixture :meth:`store`.

    For a store that combines several stores, such as :class:`~oauth2.stores.CombinedStore`, also override
    :meth:`is_one_store`.
    """

    @pytest.fixture
    def is_one_store(self) -> bool:
        """Return whether the store can change token and temporary credentials together in one atomic step.

        A subclass must override this fixture if the store needs two steps.
        """
        return True

    def test_removing_a_client_removes_its_temporary_credentials(
        self, store: ProviderStore, is_one_store: bool
    ) -> None:
        for key in ("printer", "other"):
            store.add_consumer(client(key))
            store.issue(temporary(f"temporary of {key}", consumer_key=key))
        assert store.remove_consumer("printer") is True
        assert store.get_temporary("temporary of other") is not None
        # If the store needs two steps, the temporary credentials remain until they expire. A provider refuses temporary
        # credentials of a removed client.
        if is_one_store:
            assert store.get_temporary("temporary of printer") is None

    def test_temporary_credentials_are_redeemed_for_a_token_once(self, store: ProviderStore) -> None:
        store.issue(temporary("t"))
        store.approve("t", "jane", "v", ("photos",))
        assert store.redeem_for_token("other", token("n")) is False
        assert store.get_token("n") is None
        assert store.redeem_for_token("t", token("n")) is True
        assert store.get_temporary("t") is None
        assert store.redeem_for_token("t", token("m")) is False
        assert store.tokens_of("jane") == [token("n")]

    def test_a_token_that_cannot_be_stored_does_not_use_up_the_approval(
        self, store: ProviderStore, is_one_store: bool
    ) -> None:
        if not is_one_store:
            pytest.skip("the store redeems in two steps")
        store.issue(temporary("t"))
        store.approve("t", "jane", "v", ())
        if is_kept(lambda: store.redeem_for_token("t", token("n", secret="\ud800"))):
            pytest.skip("the store keeps any text")
        found = store.get_temporary("t")
        assert found is not None
        assert found.verifier == "v"
        assert store.redeem_for_token("t", token("n")) is True

    def test_a_token_with_the_key_of_another_replaces_it_or_does_not_use_up_the_approval(
        self, store: ProviderStore, is_one_store: bool
    ) -> None:
        if not is_one_store:
            pytest.skip("the store redeems in two steps")
        store.issue(temporary("t"))
        store.approve("t", "jane", "v", ())
        store.add_token(token("taken"))
        newer = token("taken", grant="new")
        try:
            assert store.redeem_for_token("t", newer) is True
        except StoreUnavailable:
            assert store.get_temporary("t") is not None
            assert store.get_token("taken") == token("taken")
        else:
            assert store.get_temporary("t") is None
            assert store.get_token("taken") == newer

    def test_any_text_is_a_key_that_is_not_redeemed(self, store: ProviderStore) -> None:
        store.issue(temporary("kept"))
        for text in ODD:
            assert store.redeem_for_token(text, token("n")) is False, ascii(text[:20])
        assert store.tokens_of("jane") == []

    def test_of_16_threads_that_redeem_for_a_token_exactly_one_does(self, store: ProviderStore) -> None:
        for round_ in range(3):
            store.issue(temporary(f"t{round_}"))

            def work(number: int, round_: int = round_) -> tuple[bool, str]:
                key = f"{round_}-{number}"
                return store.redeem_for_token(f"t{round_}", token(key, user=f"user{round_}")), key

            answers = at_once(16, work)
            assert [key for won, key in answers if won] == [each.key for each in store.tokens_of(f"user{round_}")]
            assert sum(won for won, _ in answers) == 1

    def test_a_client_that_is_removed_while_it_redeems_leaves_no_token(
        self, store: ProviderStore, is_one_store: bool
    ) -> None:
        if not is_one_store:
            pytest.skip("the store redeems in two steps")
        for round_ in range(10):
            store.add_consumer(client("printer"))
            for number in range(8):
                store.issue(temporary(f"t{number}"))

            def work(number: int, round_: int = round_) -> bool:
                if number == 4:
                    return store.remove_consumer("printer")
                return store.redeem_for_token(f"t{number}", token(f"{round_}-{number}"))

            at_once(8, work)
            assert store.tokens_of("jane") == []

    def test_tokens_are_added_and_removed_by_many_threads_at_once(self, store: ProviderStore) -> None:
        def work(number: int) -> bool:
            for i in range(5):
                store.add_token(token(f"{number}-{i}", issued_at=T + i, expires_at=T + 1))
                store.issue(temporary(f"{number}-{i}", issued_at=T + i, expires_at=T + 1))
            return True

        assert at_once(8, work) == [True] * 8
        store.add_consumer(client("printer"))
        assert store.remove_consumer("printer")
        assert store.tokens_of("jane") == []
