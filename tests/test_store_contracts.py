"""The contracts find defects in a store: for each defect a test fails, and for MemoryStore no test fails."""

import pytest

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]

HEAD = """
import time
import pytest
from dataclasses import replace
from oauth2.errors import StoreUnavailable
from oauth2.stores import MemoryStore
from oauth2 import testing

"""
CLASS = """
class TestStore{number}(testing.{contract}Contract):
    @pytest.fixture
    def store(self):
        return Store{number}()

class Store{number}(MemoryStore):
"""
# Key: a defect. Value: the contract that finds the defect, the code of the store, and a test that fails.
DEFECTS = {
    "claims twice": (
        "NonceStore",
        """
    def add_nonce(self, *args):
        super().add_nonce(*args)
        return True
""",
        "test_a_new_nonce_is_claimed_and_a_used_one_is_refused",
    ),
    "ignores the token": (
        "NonceStore",
        """
    def add_nonce(self, nonce, timestamp, consumer_key, token_key):
        return super().add_nonce(nonce, timestamp, consumer_key, "")
""",
        "test_combinations_that_differ_in_one_part_are_different",
    ),
    "tells no token from an empty one": (
        "NonceStore",
        """
    def add_nonce(self, nonce, timestamp, consumer_key, token_key):
        return super().add_nonce(nonce, timestamp, consumer_key, repr(token_key))
""",
        "test_no_token_and_an_empty_token_are_the_same",
    ),
    "joins the parts": (
        "NonceStore",
        """
    def add_nonce(self, nonce, timestamp, consumer_key, token_key):
        return super().add_nonce(nonce + consumer_key + (token_key or ""), timestamp, "", "")
""",
        "test_the_boundaries_between_the_parts_matter",
    ),
    "ignores case": (
        "NonceStore",
        """
    def add_nonce(self, nonce, *rest):
        return super().add_nonce(nonce.lower(), *rest)
""",
        "test_combinations_that_differ_in_one_part_are_different",
    ),
    "never deletes": (
        "NonceStore",
        """
    def __init__(self):
        super().__init__()
        self.used = set()
    def add_nonce(self, *args):
        is_new = args not in self.used
        self.used.add(args)
        return is_new
    def nonce_count(self):
        return len(self.used)
""",
        "test_memory_is_bounded_while_time_goes_on",
    ),
    "deletes too early": (
        "NonceStore",
        """
    def __init__(self):
        super().__init__()
        self.add_nonce = MemoryStore(window=100).add_nonce
""",
        "test_timestamps_out_of_order_are_claimed_at_the_edges_of_the_window",
    ),
    "looks and then claims": (
        "NonceStore",
        """
    def __init__(self):
        super().__init__()
        self.used = set()
    def add_nonce(self, *args):
        is_new = args not in self.used
        time.sleep(0.0001)
        self.used.add(args)
        return is_new
""",
        "test_of_sixteen_threads_with_one_nonce_exactly_one_claims_it",
    ),
    "loses all when it is closed": (
        "NonceStore",
        """
    def close(self):
        self.__init__()
""",
        "test_a_closed_store_can_be_closed_again_and_used_again_and_has_lost_nothing",
    ),
    "loses a field": (
        "CredentialStore",
        """
    def add_consumer(self, consumer):
        super().add_consumer(replace(consumer, previous_secret=None))
""",
        "test_client_credentials_come_back_as_they_were",
    ),
    "keeps the tokens of a removed client": (
        "CredentialStore",
        """
    def remove_consumer(self, key):
        kept = self.tokens_of("jane")
        is_removed = super().remove_consumer(key)
        for each in kept:
            self.add_token(each)
        return is_removed
""",
        "test_removing_a_client_removes_its_tokens",
    ),
    "revokes for anyone": (
        "CredentialStore",
        """
    def revoke_grant(self, grant, user=None):
        return super().revoke_grant(grant)
""",
        "test_a_grant_is_revoked_only_if_it_belongs_to_the_given_user",
    ),
    "replaces without the grant": (
        "CredentialStore",
        """
    def replace_token(self, key, token):
        found = self.get_token(key)
        return found is not None and super().replace_token(key, replace(token, grant=found.grant))
""",
        "test_a_token_is_replaced_by_one_of_the_same_grant_only",
    ),
    "raises UnicodeError": (
        "CredentialStore",
        """
    def add_token(self, token):
        token.key.encode()
        super().add_token(token)
""",
        "test_any_text_in_clients_and_tokens_is_kept_as_it_is_or_refused",
    ),
    "redeems twice": (
        "TemporaryStore",
        """
    def redeem(self, key):
        return self.get_temporary(key)
""",
        "test_temporary_credentials_are_issued_approved_and_redeemed_once",
    ),
    "approves twice": (
        "TemporaryStore",
        """
    def approve(self, key, *rest):
        found = self.redeem(key)
        if found is not None:
            self.issue(replace(found, user=None, verifier=None))
        return super().approve(key, *rest)
""",
        "test_an_approval_needs_existing_credentials_and_happens_once",
    ),
    "looks and then redeems": (
        "TemporaryStore",
        """
    def redeem(self, key):
        found = self.get_temporary(key)
        time.sleep(0.001)
        super().redeem(key)
        return found
""",
        "test_of_32_threads_that_redeem_one_verifier_exactly_one_does",
    ),
    "never expires": (
        "TemporaryStore",
        """
    def issue(self, temporary):
        super().issue(replace(temporary, issued_at=0))
""",
        "test_expired_temporary_credentials_are_deleted_when_others_are_issued",
    ),
    "redeems and then fails": (
        "ProviderStore",
        """
    def redeem_for_token(self, key, token):
        if self.redeem(key) is None:
            return False
        if not token.secret.isprintable():
            raise ValueError("secret: must be printable")
        self.add_token(token)
        return True
""",
        "test_a_token_that_cannot_be_stored_does_not_use_up_the_approval",
    ),
    "stores no token": (
        "ProviderStore",
        """
    def redeem_for_token(self, key, token):
        return self.redeem(key) is not None
""",
        "test_temporary_credentials_are_redeemed_for_a_token_once",
    ),
}


@pytest.fixture(autouse=True)
def without_other_plugins(monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # Other plugins would only make the test slower.


def failed(pytester, *tests):
    """Run the named *tests* of the written file, or all tests of this file; return the names of the failed tests."""
    files = [f"test_stores_of_others.py{each}" for each in tests or [""]]
    result = pytester.runpytest_inprocess("-q", "--tb=no", "-p", "no:cacheprovider", *files)
    reports = result.reprec.getreports("pytest_runtest_logreport")
    assert reports
    return {"::" + "::".join(each.nodeid.partition("[")[0].split("::")[1:]) for each in reports if each.failed}


def test_a_store_with_a_defect_fails_a_test(pytester):
    classes, expected = [HEAD], set()
    for number, (contract, code, test) in enumerate(DEFECTS.values()):
        classes.append(CLASS.format(number=number, contract=contract) + code)
        expected.add(f"::TestStore{number}::{test}")
    pytester.makepyfile(test_stores_of_others="".join(classes))
    found = failed(pytester, *expected)
    assert [list(DEFECTS)[int(each.split("::")[1][9:])] for each in expected - found] == []


def test_a_store_of_a_third_party_that_keeps_the_contract_fails_no_test(pytester):
    code = HEAD + CLASS.format(number=1, contract="ProviderStore") + "    pass"
    pytester.makepyfile(test_stores_of_others=code)
    assert failed(pytester) == set()


def test_a_failure_shows_the_values_that_the_test_compares(pytester):
    contract, code, test = DEFECTS["claims twice"]
    pytester.makepyfile(HEAD + CLASS.format(number=1, contract=contract) + code)
    result = pytester.runpytest_subprocess("-k", test)
    result.stdout.fnmatch_lines(["E*assert True is False"])


def test_a_class_without_a_store_says_what_to_override(pytester):
    pytester.makepyfile("from oauth2.testing import NonceStoreContract\nclass TestMine(NonceStoreContract): pass")
    result = pytester.runpytest_inprocess()
    result.stdout.fnmatch_lines(["*Override the fixture store. It must return an empty store.*"])
