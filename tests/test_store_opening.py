"""A store is opened by its URL, and no message has the password of the URL."""

import traceback

import pytest
from cryptography.fernet import Fernet

from oauth2.errors import StoreUnavailable
from oauth2.stores import ClientCredentials, CombinedStore
from oauth2.stores.condition import read_condition, read_schema_version, supported_schema_version
from oauth2.stores.fernet import FernetCipher
from oauth2.stores.opening import (
    connect_redis,
    create_engine,
    kind_of,
    open_credential_store,
    open_nonce_store,
    open_store,
    secrets_of,
    shown_url,
    sqlite_path,
)
from oauth2.stores.redis import RedisStore
from oauth2.stores.sqlite import SQLiteStore

pytestmark = pytest.mark.slow  # SQLAlchemy and its drivers are loaded.


def test_an_sqlite_file_is_opened_with_a_relative_and_an_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///provider.db", f"sqlite:///{tmp_path}/provider.db"):
        store = open_store(url, window=100, timeout=1)
        assert (type(store), store.path, store.window) == (SQLiteStore, str(tmp_path / "provider.db"), 100)
        store.close()


def test_nonces_can_be_in_another_database(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/a.db", nonces="redis://127.0.0.1:1/0", cipher=None)
    assert isinstance(store, CombinedStore)
    assert store.credentials is store.temporary
    assert isinstance(store.nonces, RedisStore)
    store.close()
    other = open_store(f"sqlite:///{tmp_path}/a.db", nonces=f"sqlite:///{tmp_path}/b.db")
    assert other.nonces.path == str(tmp_path / "b.db")
    other.close()


def test_a_store_is_closed_if_that_of_its_nonces_cannot_be_opened(tmp_path, monkeypatch):
    closed, close = [], SQLiteStore.close

    def recorded(store):
        closed.append(store.path)
        close(store)

    monkeypatch.setattr(SQLiteStore, "close", recorded)
    with pytest.raises(ValueError, match=r"^url: must"):
        open_store(f"sqlite:///{tmp_path}/a.db", nonces="http://127.0.0.1/")
    assert closed == [str(tmp_path / "a.db")]


def test_secrets_are_encrypted_with_the_cipher(tmp_path):
    url, cipher = f"sqlite:///{tmp_path}/a.db", FernetCipher(Fernet.generate_key())
    store = open_store(url, cipher=cipher)
    store.add_consumer(ClientCredentials(key="k", secret="hush"))
    store.close()
    plain = open_credential_store(url)
    with pytest.raises(StoreUnavailable, match="is encrypted"):
        plain.get_consumer("k")
    plain.close()


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgres://h/d", "postgresql+psycopg"),
        ("postgresql://h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg"),
        ("mysql://h/d", "mysql+pymysql"),
        ("mariadb://h/d", "mysql+pymysql"),
        ("mysql+pymysql://h/d", "mysql+pymysql"),
    ],
)
def test_a_scheme_without_a_driver_means_the_driver_that_is_tested(url, driver):
    engine = create_engine(url)
    assert engine.url.drivername == driver
    assert engine.hide_parameters


class Recorded(Exception):
    pass


def test_the_time_out_is_passed_to_the_driver_unless_the_url_has_one():
    def given(url):
        engine = create_engine(url, timeout=3.2)
        received = {}

        def connect(**options):
            received.update(options)
            raise Recorded

        engine.dialect.connect = connect
        with pytest.raises(Recorded):
            engine.connect()
        return received

    assert given("postgresql://h/d")["connect_timeout"] == 3
    assert given("postgresql://h/d")["tcp_user_timeout"] == 3000
    assert given("postgresql://h/d?connect_timeout=7")["connect_timeout"] == "7"
    found = given("mysql://h/d?read_timeout=7")
    assert (found["connect_timeout"], found["read_timeout"], found["write_timeout"]) == (3, 7, 3)
    client = connect_redis("redis://h/3", timeout=1.5)
    options = client.connection_pool.connection_kwargs
    assert (options["db"], options["socket_timeout"], options["socket_connect_timeout"]) == (3, 1.5, 1.5)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "provider.db",
        "sqlite:provider.db",
        "sqlite://host",
        "sqlite:///",
        "sqlite:///a.db?timeout=5",
        "http://h/",
        "postgresql+asyncpg://joe:hunter2@h/d",
        "postgresql+nothing://joe:hunter2@h/d",
        "postgresql://joe:hunter2@h:port/d",
        "mysql+asyncmy://joe:hunter2@h/d",
        "redis://joe:hunter2@h/0",
    ],
)
def test_a_url_that_is_not_that_of_a_store_of_credentials_is_refused_without_its_password(url):
    with pytest.raises(ValueError, match=r"^url: must") as caught:
        open_store(url)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("url", ["redis://", "redis://joe:hunter2@h:port/0", "redis://joe:hunter2@[h/0", "redis:///0"])
def test_a_url_of_redis_that_cannot_be_read_is_refused_without_its_password(url):
    with pytest.raises(ValueError, match=r"^url: must") as caught:
        open_nonce_store(url)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_prefix_is_passed_on_and_refused_for_a_file(tmp_path):
    with pytest.raises(ValueError, match=r"^prefix: must"):
        open_store(f"sqlite:///{tmp_path}/a.db", prefix="a_")
    with pytest.raises(ValueError, match=r"^prefix: must"):
        open_nonce_store("redis://h/0", prefix="{a}")
    for read in (read_condition, read_schema_version):
        with pytest.raises(ValueError, match=r"^prefix: must"):
            read(f"sqlite:///{tmp_path}/a.db", prefix="a_")
        with pytest.raises(ValueError, match=r"^prefix: must"):
            read("postgresql://h/d", prefix="A")


def test_a_time_out_must_be_a_number():
    for url in ("postgresql://h/d", "redis://h/0"):
        with pytest.raises(TypeError, match=r"^timeout: must"):
            open_nonce_store(url, timeout="5")


@pytest.mark.parametrize(
    ("url", "shown", "secrets"),
    [
        ("postgresql://joe:pa%40ss@h:5432/d?sslmode=require", "postgresql://joe:***@h:5432/d", {"pa%40ss", "pa@ss"}),
        ("postgresql://joe@h/d?password=hush&sslpassword=quiet", "postgresql://joe@h/d", {"hush", "quiet"}),
        ("redis://:pw@h/0", "redis://:***@h/0", {"pw"}),
        ("redis://h/0", "redis://h/0", set()),
        ("mysql://joe:a:b@c@h/d", "mysql://joe:***@h/d", {"a:b@c"}),
        ("sqlite:///provider.db", "sqlite:///provider.db", set()),
    ],
)
def test_a_url_is_shown_without_its_password(url, shown, secrets):
    assert shown_url(url) == shown
    assert set(secrets_of(url)) == secrets


def test_kinds_paths_and_versions():
    assert [kind_of(f"{each}://h/d") for each in ("sqlite", "postgres", "mariadb", "rediss")] == [
        "sqlite",
        "postgresql",
        "mariadb",
        "redis",
    ]
    assert (sqlite_path("sqlite:///a b.db"), sqlite_path("sqlite:////a.db")) == ("a b.db", "/a.db")
    assert supported_schema_version("redis://h") is None
    assert read_schema_version("redis://h") is None
    assert supported_schema_version("sqlite:///a.db") == supported_schema_version("mysql://h/d") + 1


def test_the_version_of_a_file_is_read_without_creating_or_upgrading_it(tmp_path):
    url = f"sqlite:///{tmp_path}/a.db"
    with pytest.raises(StoreUnavailable, match="does not exist"):
        read_schema_version(url)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a.db").touch()
    assert read_schema_version(url) is None
    assert (read_condition(url).schema, read_condition(url).nonces) == (None, None)
    (tmp_path / "a.db").write_bytes(b"x" * 5000)
    for read in (read_condition, read_schema_version):
        with pytest.raises(StoreUnavailable, match="cannot be read"):
            read(url)


def test_keys_are_read_from_the_lines_of_a_text():
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    cipher = FernetCipher.from_text(f"# new\n{new}\r\n\n  {old}  \n")
    assert cipher.decrypt(FernetCipher(old).encrypt("a")) == "a"
    assert FernetCipher(new).decrypt(cipher.encrypt("b")) == "b"
    not_url_safe = "/" + new.strip("=")[1:] + "="
    for text, message in (
        ("", "at least one key"),
        ("# a", "at least one key"),
        ("hunter2", "32 bytes"),
        (not_url_safe, "32 bytes"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            FernetCipher.from_text(text)
        assert "hunter2" not in str(caught.value)
