"""DjangoStore on PostgreSQL, MariaDB and SQLite: the contracts of every store, and further guarantees."""

import threading
import unittest

import databases
import django_project
import pytest

from oauth2.errors import StoreUnavailable
from oauth2.stores import ClientCredentials, TemporaryCredentials, TokenCredentials
from oauth2.stores._statements import DELETE_BESIDE
from oauth2.testing import ProviderStoreContract

django_project.set_up()

from django.db import IntegrityError, OperationalError, connections, transaction  # noqa: E402

from oauth2.stores.django import PREFIX, DjangoStore, table_statements  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

T = 1_700_000_000


@pytest.fixture(scope="module", params=django_project.KINDS)
def kind(request):
    with django_project.tables(request.param):
        yield request.param


@pytest.fixture
def make(kind, monkeypatch):
    """Empty the tables; return a function that makes a store."""
    monkeypatch.setattr("oauth2.stores._sql.DELETE_EVERY", 4)
    for table in databases.TABLES[:4]:
        execute(kind, f"DELETE FROM {PREFIX}{table}")
    execute(kind, f"UPDATE {PREFIX}nonce_horizon SET oldest = 0")
    return lambda **options: DjangoStore(using=kind, **options)


def execute(kind, statement):
    with connections[kind].cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None


class TestDjangoStore(ProviderStoreContract):
    most_deleted_at_once = DELETE_BESIDE

    @pytest.fixture
    def make_store(self, make):
        made = []

        def make_store(window):
            made.append(django_project.SharedConnections(make(window=window)))
            return made[-1]

        yield make_store
        for each in made:
            each.close_all()

    @pytest.fixture
    def store(self, make_store):
        return make_store(300)

    @pytest.fixture
    def pace(self):
        return 16


# --- further guarantees ------------------------------------------------------------------

CONSUMER = ClientCredentials(key="c", secret="s")


def test_a_nonce_is_refused_inside_a_transaction_of_the_application(make, kind):
    store = make()
    with transaction.atomic(using=kind), pytest.raises(RuntimeError, match="verified before a transaction begins"):
        store.add_nonce("n", T, "c", None)
    assert store.add_nonce("n", T, "c", None)


def test_a_nonce_is_claimed_inside_the_transaction_of_a_test_case(make, kind):
    from django.test import TestCase

    class Case(TestCase):
        databases = {kind}  # noqa: RUF012 - as the documentation of Django

        def runTest(self):
            self.claimed = [store.add_nonce("n", T, "c", None) for _ in range(2)]

    store, case = make(), Case()
    result = unittest.TestSuite([case]).run(unittest.TestResult())
    assert (result.testsRun, result.errors, result.failures) == (1, [], [])
    assert case.claimed == [True, False]
    assert store.nonce_count() == 0  # rolled back


def test_other_methods_are_part_of_the_transaction_of_the_application(make, kind):
    store = make()
    with transaction.atomic(using=kind):
        store.add_consumer(CONSUMER)
        assert store.get_consumer("c") == CONSUMER
        transaction.set_rollback(True, using=kind)
    assert store.get_consumer("c") is None


def test_an_error_does_not_end_the_transaction_of_the_application(make, kind):
    store = make()
    for key in ("old", "taken"):
        store.add_token(TokenCredentials(key=key, secret="hush", consumer_key="c", user="u"))
    with transaction.atomic(using=kind):
        with pytest.raises(StoreUnavailable) as caught:
            store.replace_token(
                "old", TokenCredentials(key="taken", secret="s", consumer_key="c", user="u", grant="old")
            )
        assert caught.value.__cause__ is None  # An IntegrityError would show stored values.
        store.add_consumer(CONSUMER)
    assert store.get_consumer("c") == CONSUMER


def test_a_lost_connection_is_opened_again(make, kind):
    store = make()
    assert store.add_nonce("n", T, "c", None)
    if kind == "sqlite":  # SQLite has no server that could end a connection.
        store.close()
    else:
        statements = {
            "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
            "mariadb": ("SELECT connection_id()", "KILL {}"),
        }
        find, end = statements[kind]
        number = execute(kind, find)[0][0]
        in_thread(kind, lambda: execute(kind, end.format(number)))
    assert store.add_nonce("n2", T, "c", None)
    assert not store.add_nonce("n", T, "c", None)
    assert store.nonce_count() == 2


def in_thread(kind, work):
    def run():
        try:
            work()
        finally:
            connections[kind].close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


def test_a_conflict_of_transactions_is_repeated_and_another_error_is_not(make, kind, monkeypatch):
    store, calls = make(), []

    class Deadlock(Exception):
        sqlstate = "40P01"

    def work(errors):
        def run(connection):
            calls.append(1)
            if errors:
                raise errors.pop()
            return "done"

        return run

    conflict = OperationalError(1213, "deadlock")
    conflict.__cause__ = Deadlock()
    assert store._connected._run(work([conflict, conflict])) == "done"
    assert len(calls) == 3
    for error in (OperationalError("disk full"), IntegrityError("a stored value")):
        calls.clear()
        execute(kind, "SELECT 1")  # the connection is open
        with pytest.raises(StoreUnavailable) as caught:
            store._connected._run(work([error]))
        assert (len(calls), caught.value.__cause__) == (1, error if isinstance(error, OperationalError) else None)
    calls.clear()
    with transaction.atomic(using=kind), pytest.raises(StoreUnavailable):
        store._connected._run(work([conflict]))
    assert len(calls) == 1  # The store cannot repeat the application's transaction.


def test_expired_records_are_deleted_and_a_replay_stays_refused(make, kind):
    store = make()
    old, new = T - 10_000, T
    for timestamp in (old, new):
        store.add_nonce("n", timestamp, "c", None)
    for key, ends in (("ended", T - 1), ("valid", T + 1), ("for good", None)):
        store.add_token(TokenCredentials(key=key, secret="s", consumer_key="c", user="u", expires_at=ends))
    temporary = {"secret": "s", "consumer_key": "c", "callback": "oob", "issued_at": old}
    store.issue(TemporaryCredentials(key="t", expires_at=T + 1, **temporary))
    store.issue(TemporaryCredentials(key="u", expires_at=T - 1, **temporary))
    assert store.delete_expired(T) == 3
    assert store.delete_expired(T) == 0
    assert (store.nonce_count(), {each.key for each in store.tokens_of("u")}) == (1, {"valid", "for good"})
    assert (store.get_temporary("t") is not None, store.get_temporary("u")) == (True, None)
    assert not store.add_nonce("n", old, "c", None)


def test_a_program_without_django_can_use_the_tables(make, kind):
    import sqlalchemy

    from oauth2.stores.sqlalchemy import SQLAlchemyStore

    settings = connections[kind].settings_dict
    store = make()
    store.add_consumer(CONSUMER)
    store.add_nonce("n", T, "c", None)
    options = {"connect_args": {"options": settings["OPTIONS"]["options"]}} if kind == "postgresql" else {}
    url = sqlalchemy.make_url(databases.URLS.get(kind, "sqlite://")).set(database=settings["NAME"])
    engine = sqlalchemy.create_engine(url, **options)
    try:
        other = SQLAlchemyStore(engine)
        assert other.get_consumer("c") == CONSUMER
        assert not other.add_nonce("n", T, "c", None)
    finally:
        engine.dispose()


def test_secrets_are_encrypted_with_a_cipher(make, kind):
    from cryptography.fernet import Fernet

    from oauth2.stores.fernet import FernetCipher

    store = make(cipher=FernetCipher(Fernet.generate_key()))
    store.add_consumer(ClientCredentials(key="c", secret="in clear text"))
    assert store.get_consumer("c").secret == "in clear text"
    assert "in clear" not in str(execute(kind, f"SELECT * FROM {PREFIX}consumer"))


def test_the_migration_can_be_reversed_and_repeated(kind):
    from django.core.management import call_command

    call_command("migrate", "oauth2", "zero", database=kind, verbosity=0)
    assert [name for name in connections[kind].introspection.table_names() if name.startswith(PREFIX)] == []
    call_command("migrate", "oauth2", database=kind, verbosity=0)
    assert DjangoStore(using=kind).nonce_count() == 0


def test_the_models_and_the_migration_have_the_same_fields():
    from django.core.management import call_command

    call_command("makemigrations", "oauth2", check=True, dry_run=True, verbosity=0)


def test_the_models_read_what_the_store_writes(make, kind):
    from oauth2.integrations.django.models import Grant, IssuedTemporary, RegisteredClient, UsedNonce

    store = make()
    store.add_consumer(CONSUMER)
    store.add_token(TokenCredentials(key="t", secret="s", consumer_key="c", user="u", issued_at=T))
    store.issue(
        TemporaryCredentials(key="t", secret="s", consumer_key="c", callback="oob", issued_at=T, expires_at=T + 1)
    )
    store.add_nonce("n", T, "c", None)
    (client,), (grant,) = RegisteredClient.objects.using(kind), Grant.objects.using(kind)
    (temporary,), (nonce,) = IssuedTemporary.objects.using(kind), UsedNonce.objects.using(kind)
    assert (client.pk, client.two_legged, grant.pk, grant.ends_at) == ("c", 0, "t", None)
    assert grant.issued.isoformat() == "2023-11-14T22:13:20+00:00"
    assert (temporary.tries, nonce.timestamp, len(nonce.digest)) == (0, T, 15)
    assert [str(each) for each in (client, grant, temporary, nonce)] == [
        "c", "c for user u", "temporary credentials of c", f"nonce of {T}"]  # fmt: skip


def test_another_database_is_refused():
    with pytest.raises(ValueError, match="using: must be the alias of a database in DATABASES"):
        DjangoStore(using="nowhere")
    with pytest.raises(ValueError, match="vendor: must be postgresql, mysql"):
        table_statements("oracle")


def test_a_nonce_is_refused_while_autocommit_is_off(make, kind):
    store = make()
    store.add_consumer(CONSUMER)
    transaction.set_autocommit(False, using=kind)
    try:
        with pytest.raises(RuntimeError, match="while autocommit is on"):
            store.add_nonce("n", T, "c", None)
        transaction.rollback(using=kind)
    finally:
        transaction.set_autocommit(True, using=kind)
    connections[kind].close()
    assert store.add_nonce("n", T, "c", None)  # with a new connection
