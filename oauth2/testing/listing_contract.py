"""The contract of a :class:`~oauth2.stores.ListingStore` as a class of tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import pytest

from ..stores import CredentialStore, ListingStore
from ._contract import FULL, TEXTS, T, client, token

__all__ = ["ListingStoreContract"]


class _Listed(CredentialStore, ListingStore, Protocol):
    """A store of credentials that can list them."""


class ListingStoreContract:
    """Tests of a store that can list its client and token credentials; a subclass overrides the fixture :meth:`store`.

    ::

        class TestMyStore(CredentialStoreContract, ListingStoreContract):
            @pytest.fixture
            def store(self):
                return MyStore()
    """

    @pytest.fixture
    def store(self) -> _Listed:
        """Return an empty store. A subclass must override this fixture."""
        raise NotImplementedError("Override the fixture store. It must return an empty store.")

    def test_an_empty_store_lists_no_credentials(self, store: _Listed) -> None:
        assert store.list_consumers() == []
        assert store.list_tokens() == []
        assert store.list_tokens(consumer_key="printer") == []

    def test_all_credentials_are_listed_as_they_were_stored(self, store: _Listed) -> None:
        owned, free = replace(FULL, key="a"), client("b")
        first = replace(token("t"), realms=("photos",), expires_at=T, session_handle="handle")
        for consumer in (free, owned):
            store.add_consumer(consumer)
        for each in (token("u", user="joe"), first):
            store.add_token(each)
        assert store.list_consumers() == [owned, free]
        assert store.list_tokens() == [first, token("u", user="joe")]

    def test_credentials_are_listed_in_pages_that_are_sorted_by_code_points(self, store: _Listed) -> None:
        for text in TEXTS:
            store.add_consumer(client(text))
            store.add_token(token(f"key of {text}", grant=text))
        for limit in (1, 7, len(TEXTS), len(TEXTS) + 1):
            keys, grants = [""], [""]
            while page := [each.key for each in store.list_consumers(keys[-1], limit=limit)]:
                assert len(page) <= limit
                keys += page
            while page := [each.grant for each in store.list_tokens(grants[-1], limit=limit)]:
                assert len(page) <= limit
                grants += page
            assert keys == grants == ["", *sorted(TEXTS)]

    def test_tokens_are_listed_for_one_client(self, store: _Listed) -> None:
        for key, consumer_key in [("a", "printer"), ("b", "Printer"), ("c", "printer"), ("d", "printer ")]:
            store.add_token(token(key, consumer_key=consumer_key))
        assert [each.key for each in store.list_tokens(consumer_key="printer")] == ["a", "c"]
        assert [each.key for each in store.list_tokens("a", consumer_key="printer")] == ["c"]
        assert [each.key for each in store.list_tokens(consumer_key="printer", limit=1)] == ["a"]
        assert [each.key for each in store.list_tokens(consumer_key="Printer")] == ["b"]
        for unknown in ("", "other", "k" * 300, "a\0b"):
            assert store.list_tokens(consumer_key=unknown) == []

    def test_a_renewed_token_keeps_its_place_and_a_revoked_one_is_not_listed(self, store: _Listed) -> None:
        for key in ("a", "b"):
            store.add_token(token(key))
        assert store.replace_token("a", token("z", grant="a"))
        assert [each.key for each in store.list_tokens()] == ["z", "b"]
        assert store.revoke_grant("a")
        assert [each.key for each in store.list_tokens()] == ["b"]
