"""The contract of a :class:`~oauth2.stores.CredentialStore` as a class of tests (RFC 5849 section 1.1)."""

from __future__ import annotations

import threading
import traceback
from dataclasses import replace
from itertools import pairwise

import pytest

from ..errors import StoreUnavailable
from ..stores import ClientCredentials, CredentialStore, TokenCredentials
from ._contract import FULL, ODD, PATIENCE, TEXTS, StoreContract, T, at_once, client, is_kept, token

__all__ = ["CredentialStoreContract"]


class CredentialStoreContract(StoreContract):
    """Tests of a store of client and token credentials; a subclass overrides the fixture :meth:`store`.

    Attributes:
        most_deleted_at_once: Maximum number of expired records that the store deletes when a record is added.
    """

    most_deleted_at_once = 8

    # --- client credentials

    @pytest.mark.parametrize(
        "consumer",
        [FULL, ClientCredentials(key="k"), replace(client("k"), signature_methods=())],
        ids=["full", "least", "none"],
    )
    def test_client_credentials_come_back_as_they_were(
        self, store: CredentialStore, consumer: ClientCredentials
    ) -> None:
        store.add_consumer(consumer)
        assert store.get_consumer(consumer.key) == consumer
        assert store.find(consumer.key, None) == (consumer, None)
        assert store.get_consumer("other") is None
        assert store.find("other", "other") == (None, None)

    def test_add_consumer_replaces_client_credentials_with_the_same_key(self, store: CredentialStore) -> None:
        store.add_consumer(FULL)
        store.add_token(token("t"))
        changed = FULL.with_new_secret()
        store.add_consumer(changed)
        assert store.get_consumer("printer") == changed
        assert store.find("printer", "t") == (changed, token("t"))
        store.add_consumer(ClientCredentials(key="printer"))
        assert store.get_consumer("printer") == ClientCredentials(key="printer")

    def test_replace_consumer_stores_nothing_if_there_is_no_client(self, store: CredentialStore) -> None:
        assert store.replace_consumer(FULL) is False
        assert store.get_consumer("printer") is None
        store.add_consumer(client("other"))
        store.add_consumer(FULL)
        store.add_token(token("t"))
        # The result is also True if the new credentials are equal to the stored credentials.
        assert store.replace_consumer(FULL) is True
        changed = replace(FULL.with_new_secret(), name="Another", callbacks=(), signature_methods=None, owner="joe")
        assert store.replace_consumer(changed) is True
        assert store.find("printer", "t") == (changed, token("t"))
        assert (store.consumers_of("jane"), store.consumers_of("joe")) == ([], [changed])
        assert store.replace_consumer(ClientCredentials(key="printer")) is True
        assert store.get_consumer("printer") == ClientCredentials(key="printer")
        assert store.remove_consumer("printer") is True
        assert store.replace_consumer(changed) is False
        assert store.find("printer", "t") == (None, None)
        assert store.get_consumer("other") == client("other")

    def test_removing_a_client_removes_its_tokens(self, store: CredentialStore) -> None:
        for key in ("printer", "other"):
            store.add_consumer(client(key))
            store.add_token(token(f"token of {key}", consumer_key=key))
        assert store.remove_consumer("printer") is True
        assert store.remove_consumer("printer") is False
        assert store.find("printer", "token of printer") == (None, None)
        assert store.find("other", "token of other")[1] is not None

    def test_client_credentials_are_listed_by_owner_name_and_key(self, store: CredentialStore) -> None:
        given = [("3", "b"), ("1", "a"), ("2", "b"), ("4", "B"), ("5", "ä"), ("6", "")]
        for key, name in given:
            store.add_consumer(client(key, name=name, owner="jane"))
        store.add_consumer(client("7", owner="Jane"))
        store.add_consumer(client("8"))
        assert [each.key for each in store.consumers_of("jane")] == ["6", "4", "1", "2", "3", "5"]
        assert [each.key for each in store.consumers_of("Jane")] == ["7"]
        assert store.consumers_of("nobody") == store.consumers_of("") == []

    # --- token credentials

    @pytest.mark.parametrize(
        "given",
        [
            token("t"),
            replace(token("t", secret="", user="", issued_at=T, expires_at=T + 1), realms=("photos", "a b", "☃")),
            replace(token("t", expires_at=T), session_handle="handle", session_expires_at=T + 9),
            replace(token("t", expires_at=T), session_handle="handle"),
        ],
        ids=["least", "realms", "session", "session without end"],
    )
    def test_token_credentials_come_back_as_they_were(self, store: CredentialStore, given: TokenCredentials) -> None:
        store.add_token(given)
        assert store.get_token("t") == given
        assert store.find("other", "t") == (None, given)
        assert store.get_token("u") is None

    def test_find_returns_both_or_either_of_them(self, store: CredentialStore) -> None:
        store.add_consumer(FULL)
        store.add_token(token("t", consumer_key="another"))
        assert store.find("printer", "t") == (FULL, token("t", consumer_key="another"))
        assert store.find("printer", "u") == (FULL, None)
        assert store.find("printer", "") == (FULL, None)
        assert store.find("p", "t") == (None, token("t", consumer_key="another"))

    def test_a_token_is_replaced_once(self, store: CredentialStore) -> None:
        store.add_token(token("old"))
        assert store.replace_token("old", token("new", issued_at=T, grant="old")) is True
        assert store.replace_token("old", token("newer", grant="old")) is False
        assert store.get_token("old") is None
        assert store.get_token("newer") is None
        assert store.tokens_of("jane") == [token("new", issued_at=T, grant="old")]
        assert store.replace_token("new", token("new", secret="anew", grant="old")) is True
        assert store.get_token("new") == token("new", secret="anew", grant="old")

    def test_a_token_is_replaced_by_one_of_the_same_grant_only(self, store: CredentialStore) -> None:
        for key in ("a", "b"):
            store.add_token(token(key))
        for given in (token("new"), token("new", grant="b"), token("b"), token("new", grant="c")):
            assert store.replace_token("a", given) is False
        assert (store.get_token("a"), store.get_token("b"), store.get_token("new")) == (token("a"), token("b"), None)

    def test_a_grant_stays_through_renewals(self, store: CredentialStore) -> None:
        store.add_token(token("first"))
        for earlier, key in [("first", "second"), ("second", "third")]:
            found = store.get_token(earlier)
            assert found is not None
            assert store.replace_token(earlier, replace(found, key=key))
        assert store.get_token("third") == token("third", secret="sfirst", grant="first")
        assert store.find("printer", "third")[1] == token("third", secret="sfirst", grant="first")

    def test_a_grant_has_one_token(self, store: CredentialStore) -> None:
        store.add_token(token("a"))
        store.add_token(token("b", grant="a"))
        assert store.tokens_of("jane") == [token("b", grant="a")]
        assert store.get_token("a") is None
        store.add_token(token("b", grant="a", secret="again"))
        assert store.tokens_of("jane") == [token("b", grant="a", secret="again")]
        assert store.revoke_grant("a") == token("b", grant="a", secret="again")
        assert store.tokens_of("jane") == []

    def test_a_token_cannot_be_replaced_by_one_with_the_key_of_another(self, store: CredentialStore) -> None:
        for key in ("old", "taken"):
            store.add_token(token(key))
        another = token("taken", secret="hush", grant="old")
        with pytest.raises(StoreUnavailable) as caught:
            store.replace_token("old", another)
        assert "hush" not in "".join(traceback.format_exception(caught.value))
        assert store.replace_token("absent", replace(another, grant="absent")) is False
        assert (store.get_token("old"), store.get_token("taken")) == (token("old"), token("taken"))

    def test_a_grant_is_revoked_once(self, store: CredentialStore) -> None:
        store.add_token(token("t"))
        store.add_token(token("u"))
        assert store.revoke_grant("t") == token("t")
        assert store.revoke_grant("t") is None
        assert (store.get_token("t"), store.get_token("u")) == (None, token("u"))

    def test_a_grant_is_revoked_whatever_its_token_was_renewed_to(self, store: CredentialStore) -> None:
        store.add_token(token("first"))
        for earlier, key in [("first", "second"), ("second", "third")]:
            assert store.replace_token(earlier, token(key, grant="first"))
        assert store.revoke_grant("third") is None
        assert store.revoke_grant("first") == token("third", grant="first")
        assert store.tokens_of("jane") == []
        assert store.replace_token("third", token("fourth", grant="first")) is False
        assert store.get_token("fourth") is None

    def test_a_grant_is_revoked_only_if_it_belongs_to_the_given_user(self, store: CredentialStore) -> None:
        store.add_token(token("t"))
        for other in ("joe", "Jane", "jane ", ""):
            assert store.revoke_grant("t", other) is None
        assert store.get_token("t") == token("t")
        assert store.revoke_grant("t", "jane") == token("t")
        assert store.get_token("t") is None

    def test_the_tokens_of_a_user_are_listed_the_newest_first(self, store: CredentialStore) -> None:
        for key, issued_at in [("b", T + 1), ("a", T + 2), ("c", T)]:
            store.add_token(token(key, issued_at=issued_at))
        store.add_token(token("d", user="Jane"))
        assert [each.key for each in store.tokens_of("jane")] == ["a", "b", "c"]
        assert [each.key for each in store.tokens_of("Jane")] == ["d"]
        assert store.tokens_of("jane ") == store.tokens_of("") == []

    def test_expired_tokens_are_deleted_a_few_at_a_time_when_new_ones_are_added(self, store: CredentialStore) -> None:
        for i in range(20):
            store.add_token(token(f"old{i}", issued_at=T, expires_at=T + 10))
        renewable = token("renewable", issued_at=T, expires_at=T + 10)
        store.add_token(replace(renewable, session_handle="h", session_expires_at=T + 999))
        store.add_token(token("for good", issued_at=T))
        left = [22]
        for i in range(9):
            store.add_token(token(f"new{i}", issued_at=T + 11, expires_at=T + 999, user="joe"))
            left.append(len(store.tokens_of("jane")))
        assert left[-1] == 2
        assert all(0 <= before - after <= self.most_deleted_at_once for before, after in pairwise(left))
        assert store.get_token("renewable")
        assert store.get_token("for good")
        assert len(store.tokens_of("joe")) == 9

    # --- any text

    def test_keys_of_clients_and_tokens_are_compared_exactly(self, store: CredentialStore) -> None:
        for text in TEXTS:
            store.add_consumer(client(text, owner=text))
            store.add_token(token(text, user=text, consumer_key=text))
        for text in TEXTS:
            assert store.find(text, text) == (client(text, owner=text), token(text, user=text, consumer_key=text))
            assert [each.key for each in store.consumers_of(text)] == [text]
            assert [each.key for each in store.tokens_of(text)] == [text]
        for text in TEXTS:
            assert store.revoke_grant(text) == token(text, user=text, consumer_key=text)
            assert store.remove_consumer(text)

    @pytest.mark.parametrize("text", ODD, ids=ascii)
    def test_any_text_is_a_key_without_credentials(self, store: CredentialStore, text: str) -> None:
        store.add_consumer(client("printer"))
        store.add_token(token("t"))
        assert store.find(text, text) == (None, None)
        assert store.find("printer", text) == (client("printer"), None)
        assert store.find(text, "t") == (None, token("t"))
        assert store.get_consumer(text) is None
        assert store.get_token(text) is None
        assert store.remove_consumer(text) is False
        assert store.replace_token(text, token("n", grant="t")) is False
        assert store.revoke_grant(text) is None
        assert store.revoke_grant("t", text) is None
        assert store.consumers_of(text) == []
        assert store.tokens_of(text) == []
        assert not is_kept(lambda: store.replace_consumer(client(text)))
        assert store.get_consumer(text) is None

    @pytest.mark.parametrize("text", ODD, ids=ascii)
    def test_any_text_in_clients_and_tokens_is_kept_as_it_is_or_refused(
        self, store: CredentialStore, text: str
    ) -> None:
        consumer = ClientCredentials(
            key=text, secret=text, previous_secret=text, public_key=text, name=text, owner=text
        )
        consumer = replace(consumer, callbacks=(text,), signature_methods=(text, text))
        is_needed = text in TEXTS
        is_added = is_kept(lambda: store.add_consumer(consumer))
        assert is_added == (store.get_consumer(text) == consumer) >= is_needed
        renewed = consumer.with_new_secret()
        is_replaced = is_kept(lambda: store.replace_consumer(renewed))
        assert is_replaced == (store.get_consumer(text) == renewed) >= is_needed
        given = token(text, secret=text, consumer_key=text, user=text)
        given = replace(given, realms=(text,), session_handle=text)
        is_added = is_kept(lambda: store.add_token(given))
        assert is_added == (store.get_token(text) == given) >= is_needed

    # --- races

    def test_of_16_threads_that_replace_a_token_exactly_one_does(self, store: CredentialStore) -> None:
        store.add_token(token("old"))

        def work(number: int) -> tuple[bool, str]:
            return store.replace_token("old", token(f"new{number}", grant="old")), f"new{number}"

        answers = at_once(16, work)
        (winner,) = [key for won, key in answers if won]
        assert [each.key for each in store.tokens_of("jane")] == [winner]

    # The keys of renewed tokens start with "a" or "z". In an index, these keys are before and after the key *first*.
    @pytest.mark.parametrize("first", ["b", "m", "y"])
    def test_of_32_renewals_and_a_revocation_no_token_is_left(self, store: CredentialStore, first: str) -> None:
        store.add_token(token(first))
        ready = threading.Event()
        revoked: list[TokenCredentials | None] = []

        def work(number: int) -> None:
            if number == 16:
                ready.wait(PATIENCE)
                revoked.append(store.revoke_grant(first))
                return
            for step in range(40):  # Renew the token repeatedly until it is revoked.
                found = store.tokens_of("jane")
                if not found:
                    return
                if store.replace_token(found[0].key, token(f"{'az'[step % 2]}{number}-{step}", grant=first)):
                    ready.set()
            ready.set()

        at_once(33, work)
        assert [each.grant if each else None for each in revoked] == [first]
        assert store.tokens_of("jane") == []
        assert store.revoke_grant(first) is None

    def test_a_client_that_is_removed_while_tokens_are_renewed_leaves_none(self, store: CredentialStore) -> None:
        for round_ in range(5):
            store.add_consumer(client("printer"))
            store.add_token(token("m"))

            def work(number: int) -> None:
                if number == 4:
                    store.remove_consumer("printer")
                    return
                for step in range(10):
                    found = store.tokens_of("jane")
                    if found:
                        store.replace_token(found[0].key, token(f"{'az'[step % 2]}{number}-{step}", grant="m"))

            at_once(9, work)
            assert store.tokens_of("jane") == [], round_

    def test_client_credentials_that_are_removed_while_others_replace_them_stay_removed(
        self, store: CredentialStore
    ) -> None:
        for round_ in range(5):
            consumer = client(f"{round_}", owner="jane")
            store.add_consumer(consumer)

            def work(number: int, consumer: ClientCredentials = consumer) -> bool:
                if number == 0:
                    return store.remove_consumer(consumer.key)
                return store.replace_consumer(consumer.with_new_secret())

            assert len(at_once(8, work)) == 8
            assert store.get_consumer(consumer.key) is None
        assert store.consumers_of("jane") == []
