"""Every store satisfies the contracts of ``oauth2.testing``. The stores of this package give further guarantees."""

import contextlib
from dataclasses import replace

import databases
import pytest
from hosted import APP, Hosted, problem

from oauth2.errors import StoreUnavailable
from oauth2.stores import CombinedStore, MemoryStore, TemporaryCredentials, TokenCredentials
from oauth2.stores._statements import DELETE_BESIDE
from oauth2.stores.sqlite import SQLiteStore
from oauth2.testing import (
    ListingStoreContract,
    NonceStoreContract,
    ProviderStoreContract,
    TemporaryStoreContract,
)

pytestmark = pytest.mark.slow

WINDOW = 300
T = 1_700_000_000
FOR_PROVIDERS = [kind for kind in databases.ALL if not kind.startswith("redis")]


@pytest.fixture(scope="module", params=FOR_PROVIDERS)
def backend(request, tmp_path_factory):
    with databases.backend(request.param, tmp_path_factory.mktemp("stores")) as backend:
        yield backend


@pytest.fixture(scope="module", params=["redis", "redis-asyncio"])
def redis(request, tmp_path_factory):
    with databases.backend(request.param, tmp_path_factory.mktemp("stores")) as backend:
        yield backend


def clear(backend, monkeypatch):
    """Empty *backend*; return a function that makes a store with the given window."""
    # For a slow store, the tests make fewer claims. Therefore, a larger part of these claims must delete old nonces.
    if backend.pace > 1:
        monkeypatch.setattr("oauth2.stores._sql.DELETE_EVERY", 4)
    backend.clear()
    return lambda window: backend.make(window=window)


class TestProviderStore(ProviderStoreContract, ListingStoreContract):
    most_deleted_at_once = DELETE_BESIDE

    @pytest.fixture
    def make_store(self, backend, monkeypatch):
        return clear(backend, monkeypatch)

    @pytest.fixture
    def store(self, make_store):
        return make_store(WINDOW)

    @pytest.fixture
    def pace(self, backend):
        return backend.pace

    @pytest.fixture
    def is_one_store(self, backend):
        return not backend.kind.startswith("combined")

    @pytest.fixture
    def deletes_by_clock(self, backend):
        return backend.kind.startswith("combined")


class TestRedisStore(NonceStoreContract, TemporaryStoreContract):
    @pytest.fixture
    def make_store(self, redis, monkeypatch):
        return clear(redis, monkeypatch)

    @pytest.fixture
    def store(self, make_store):
        return make_store(WINDOW)

    @pytest.fixture
    def deletes_by_clock(self):
        return True


# --- further guarantees ------------------------------------------------------------------


def token(key, **fields):
    return TokenCredentials(**{"key": key, "secret": f"s{key}", "consumer_key": "printer", "user": "jane", **fields})


def test_a_grant_is_the_first_key_unless_given():
    assert (token("t").grant, token("t", grant="g").grant, replace(token("t"), key="u").grant) == ("t", "g", "t")


def test_a_combined_store_closes_each_of_its_stores_once():
    closed = []

    class Watched(MemoryStore):
        def close(self):
            closed.append(self)

    one, other = Watched(), Watched()
    CombinedStore(credentials=one, temporary=one, nonces=other).close()
    assert closed == [one, other]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("memory", "window"),
        ("sqlite", "window"),
        ("sqlalchemy-sqlite", "window"),
        ("redis", "window"),
        ("sqlite", "timeout"),
    ],
)
def test_a_store_refuses_seconds_that_are_not_a_number_or_negative(kind, name, tmp_path):
    with databases.backend(kind, tmp_path) as backend:
        for seconds, error in (("300", TypeError), (None, TypeError), (-1, ValueError), (float("nan"), ValueError)):
            with pytest.raises(error, match=f"^{name}: must"):
                backend.make(**{name: seconds})


@pytest.fixture
def store(backend):
    backend.clear()
    return backend.make()


def test_temporary_credentials_of_a_removed_client_are_never_redeemed(store):
    hosted = Hosted(store)
    temporary = hosted.temporary()
    verifier = hosted.provider.approve(temporary.key, user="jane").verifier
    assert store.remove_consumer(APP.key)
    assert problem(hosted.exchange(temporary, verifier))[0] == 401
    assert hosted.ask().status == 401
    assert store.tokens_of("jane") == []


# The contract also allows that a new token replaces the token with the same key. MariaDB and MemoryStore do this, so
# they are not tested here.
@pytest.mark.parametrize("backend", ["sqlite", "sqlalchemy-sqlite", "postgresql"], indirect=True, scope="module")
def test_a_token_with_the_key_of_another_does_not_use_up_the_approval(store):
    store.issue(
        TemporaryCredentials(key="t", secret="s", consumer_key="c", callback="oob", issued_at=T, expires_at=T + 600)
    )
    store.approve("t", "jane", "v", ())
    store.add_token(token("taken"))
    with pytest.raises(StoreUnavailable):
        store.redeem_for_token("t", token("taken", grant="new"))
    assert store.get_temporary("t").verifier == "v"


@pytest.mark.parametrize("backend", ["sqlite", *databases.SQL], indirect=True, scope="module")
def test_a_database_refuses_a_token_that_has_no_utf8_form(store):
    store.issue(
        TemporaryCredentials(key="t", secret="s", consumer_key="c", callback="oob", issued_at=T, expires_at=T + 600)
    )
    with pytest.raises(ValueError, match=r"^secret: "):
        store.redeem_for_token("t", token("n", secret="\ud800"))
    assert store.get_temporary("t") is not None


def test_a_page_after_a_key_that_no_record_can_have_is_refused(tmp_path):
    with contextlib.closing(SQLiteStore(tmp_path / "store.db")) as store:
        for read in (store.list_consumers, store.list_tokens):
            with pytest.raises(ValueError, match=r"^after: must be the key of a record"):
                read("\ud800")
