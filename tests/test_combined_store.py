"""``CombinedStore`` redeems temporary credentials for a token.

If one store has the temporary credentials and the tokens, redeeming is one atomic step. With two stores, there are two
steps in a fixed order.
"""

import asyncio

import pytest
from hosted import Hosted, problem

from oauth2.errors import StoreUnavailable
from oauth2.stores import CombinedStore, MemoryStore
from oauth2.stores.async_combined import AsyncCombinedStore
from oauth2.stores.threaded import ThreadedStore


class Watched(MemoryStore):
    """A store that records the calls of three methods, and fails in one of them."""

    def __init__(self, fails_at=None):
        super().__init__()
        self.asked, self.fails_at = [], fails_at

    def _note(self, name):
        self.asked.append(name)
        if name == self.fails_at:
            raise StoreUnavailable("The store cannot be used.")

    def add_token(self, token):
        self._note("add_token")
        super().add_token(token)

    def redeem(self, key):
        self._note("redeem")
        return super().redeem(key)

    def redeem_for_token(self, key, token):
        self._note("redeem_for_token")
        return super().redeem_for_token(key, token)


class TwoSteps:
    """A store of credentials without redeem_for_token()."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        if name == "redeem_for_token":
            raise AttributeError(name)
        return getattr(self._store, name)


def approved(store):
    """A provider, and temporary credentials that jane approved, with their verifier."""
    hosted = Hosted(store)
    temporary = hosted.temporary()
    return hosted, temporary, hosted.provider.approve(temporary.key, user="jane").verifier


def test_one_store_for_both_redeems_for_a_token_in_one_step():
    both = Watched()
    hosted, temporary, verifier = approved(CombinedStore(credentials=both, temporary=both, nonces=MemoryStore()))
    assert hosted.exchange(temporary, verifier).status == 200
    assert both.asked == ["redeem_for_token"]


def test_a_failed_step_of_one_store_for_both_keeps_the_approval():
    both = Watched("redeem_for_token")
    hosted, temporary, verifier = approved(CombinedStore(credentials=both, temporary=both, nonces=both))
    assert hosted.exchange(temporary, verifier).status == 503
    both.fails_at = None
    assert hosted.exchange(temporary, verifier).status == 200


@pytest.mark.parametrize("is_one", [True, False])
def test_with_two_stores_the_approval_is_deleted_before_the_token_is_stored(is_one):
    watched = Watched()
    store = TwoSteps(watched)
    other = store if is_one else TwoSteps(watched)
    hosted, temporary, verifier = approved(CombinedStore(credentials=store, temporary=other, nonces=watched))
    assert hosted.exchange(temporary, verifier).status == 200
    assert watched.asked == ["redeem", "add_token"]
    assert problem(hosted.exchange(temporary, verifier))[0] == 401
    assert len(hosted.provider.tokens_of("jane")) == 1


def test_a_crash_between_two_stores_leaves_no_token_and_the_client_can_start_again():
    credentials, others = Watched("add_token"), Watched()
    hosted, temporary, verifier = approved(CombinedStore(credentials=credentials, temporary=others, nonces=others))
    assert hosted.exchange(temporary, verifier).status == 503
    assert hosted.provider.tokens_of("jane") == []
    credentials.fails_at = None
    assert problem(hosted.exchange(temporary, verifier))[0] == 401
    assert hosted.token()
    assert len(hosted.provider.tokens_of("jane")) == 1


class WithoutListing:
    """A provider's store without the methods that list credentials."""

    find = add_nonce = redeem = None


def test_a_store_that_cannot_list_its_credentials_is_named():
    store = WithoutListing()
    combined = CombinedStore(credentials=store, temporary=store, nonces=store)
    for method in (combined.list_consumers, combined.list_tokens):
        with pytest.raises(TypeError, match=r"^credentials: must be a ListingStore"):
            method()
    threaded = ThreadedStore(store)
    for method in (threaded.list_consumers, threaded.list_tokens):
        with pytest.raises(TypeError, match=r"^store: must be a ListingStore"):
            asyncio.run(method())


def test_an_asyncio_store_that_cannot_list_its_credentials_is_named():
    class AsyncWithoutListing:
        async def find(self):
            pass

        add_nonce = redeem = find

    store = AsyncWithoutListing()
    combined = AsyncCombinedStore(credentials=store, temporary=store, nonces=store)
    for method in (combined.list_consumers, combined.list_tokens):
        with pytest.raises(TypeError, match=r"^credentials: must be an AsyncListingStore"):
            asyncio.run(method())
