"""Secrets at rest: with a cipher, a store contains no secret in plain text, and the keys can be rotated."""

import contextlib
import logging
import sqlite3

import databases
import pytest
from hosted import Hosted
from peer import what_is_shown

from oauth2.errors import StoreUnavailable
from oauth2.stores import ClientCredentials, TemporaryCredentials, TokenCredentials
from oauth2.stores.fernet import FernetCipher
from oauth2.stores.sqlite import SQLiteStore

pytestmark = pytest.mark.slow

T = 1_700_000_000
OLD, NEW, WRONG = ("o" * 43 + "=", "n" * 42 + "0=", "w" * 42 + "4=")
SQL = ["sqlite", *databases.SQL]
CONSUMER = ClientCredentials(key="c", secret="secret-of-client", previous_secret="secret-before-it", owner="jane")
TOKEN = TokenCredentials(
    key="t", secret="secret-of-token", consumer_key="c", user="jane", issued_at=T, session_handle="secret-handle"
)
TEMPORARY = TemporaryCredentials(
    key="t", secret="secret-of-temporary", consumer_key="c", callback="oob", issued_at=T, expires_at=T + 600
)
VERIFIER = "secret-verifier"


def keep_all(store, keeps_credentials=True):
    if keeps_credentials:
        store.add_consumer(CONSUMER)
        assert store.replace_consumer(CONSUMER)
        store.add_token(TOKEN)
    store.issue(TEMPORARY)
    assert store.approve("t", "jane", VERIFIER, ())


def what_is_kept(backend):
    """Return all bytes or all values that the store contains."""
    if backend.kind == "sqlite":
        parts = [backend.path.with_name(backend.path.name + end) for end in ("", "-wal")]
        return b"".join(part.read_bytes() for part in parts if part.exists())
    if backend.kind == "redis":
        keys = list(backend.client.scan_iter(f"*{backend.prefix}*", count=10_000))
        return repr([(key, backend.client.hgetall(key)) for key in keys]).encode()
    return repr([backend.execute(f"SELECT * FROM {{}}{table}") for table in databases.TABLES]).encode()


@pytest.fixture(scope="module", params=[*SQL, "redis"])
def usable(request, tmp_path_factory):
    with databases.backend(request.param, tmp_path_factory.mktemp("secrets")) as backend:
        yield backend


@pytest.fixture
def backend(usable):
    usable.clear()
    return usable


sql_only = pytest.mark.parametrize("usable", SQL, indirect=True)


def test_without_a_cipher_secrets_are_stored_in_plain_text(backend):
    keep_all(backend.make(), backend.kind != "redis")
    assert b"secret-of-temporary" in what_is_kept(backend)
    assert b"secret-verifier" in what_is_kept(backend)


def test_with_a_cipher_no_secret_is_stored_in_plain_text(backend):
    store = backend.make(cipher=FernetCipher(OLD))
    keep_all(store, backend.kind != "redis")
    kept = what_is_kept(backend)
    assert b"jane" in kept  # The search also finds a value that is not secret.
    assert b"secret-" not in kept
    assert store.redeem("t").verifier == VERIFIER
    if backend.kind != "redis":
        assert store.find("c", "t") == (CONSUMER, TOKEN)


@pytest.mark.parametrize("cipher", [None, FernetCipher(WRONG)], ids=["none", "wrong"])
def test_without_the_right_key_a_store_is_unavailable_and_shows_no_secret(backend, caplog, cipher):
    caplog.set_level(logging.DEBUG)
    keep_all(backend.make(cipher=FernetCipher(OLD)), backend.kind != "redis")
    stranger = backend.make(cipher=cipher)
    reads = [lambda: stranger.get_temporary("t"), lambda: stranger.redeem("t")]
    if backend.kind != "redis":
        reads += [lambda: stranger.find("c", "t"), lambda: stranger.get_consumer("c"), lambda: stranger.get_token("t")]
        reads += [lambda: stranger.consumers_of("jane"), lambda: stranger.tokens_of("jane")]
    for read in reads:
        with pytest.raises(StoreUnavailable) as caught:
            read()
        shown = what_is_shown(caught.value) + caplog.text
        assert "secret-" not in shown
        assert "gAAAA" not in shown  # Every Fernet token starts with these characters.


@sql_only
def test_a_provider_without_the_right_key_answers_503(backend):
    hosted = Hosted(backend.make(cipher=FernetCipher(OLD)))
    sent = hosted.sent("/photos", "GET", token=hosted.token())
    stranger = Hosted(backend.make(cipher=FernetCipher(WRONG)), consumers=())
    with pytest.raises(StoreUnavailable) as caught:
        stranger.provider.authenticate(sent)
    assert stranger.provider.error_response(caught.value).status == 503
    assert hosted.provider.authenticate(sent).user == "jane"


@sql_only
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_key_is_rotated_piece_by_piece_while_the_store_is_used(backend, limit):
    keep_all(backend.make())  # This store has no cipher, so the secrets are stored in plain text.
    before = backend.make(cipher=FernetCipher(OLD))
    for number in range(3):
        before.add_token(TokenCredentials(key=f"t{number}", secret="secret-of-t", consumer_key="c", user="joe"))
    both = backend.make(cipher=FernetCipher(NEW, OLD))
    assert both.find("c", "t") == (CONSUMER, TOKEN)
    position, calls = both.reencrypt(limit=limit), 1
    while position is not None:
        assert both.get_token("t1").secret == "secret-of-t"
        position, calls = both.reencrypt(position, limit=limit), calls + 1
    assert calls >= 6 // limit
    if backend.kind == "sqlite":  # The file keeps unused pages until they are overwritten.
        backend.make().close()
    else:
        assert b"secret-" not in what_is_kept(backend)
    after = backend.make(cipher=FernetCipher(NEW))
    assert after.find("c", "t") == (CONSUMER, TOKEN)
    assert [each.secret for each in after.tokens_of("joe")] == ["secret-of-t"] * 3
    assert after.redeem("t").verifier == VERIFIER
    with pytest.raises(StoreUnavailable):
        backend.make(cipher=FernetCipher(OLD)).get_token("t")


@sql_only
def test_to_rotate_needs_a_cipher_a_position_and_the_older_keys(backend):
    keep_all(backend.make(cipher=FernetCipher(OLD)))
    with pytest.raises(ValueError, match="cipher"):
        backend.make().reencrypt()
    with pytest.raises(ValueError, match="position"):
        backend.make(cipher=FernetCipher(NEW)).reencrypt("nonce:a")
    before = what_is_kept(backend)
    with pytest.raises(StoreUnavailable):
        backend.make(cipher=FernetCipher(NEW)).reencrypt()
    if backend.kind != "sqlite":
        assert what_is_kept(backend) == before
    assert backend.make(cipher=FernetCipher(OLD)).find("c", "t") == (CONSUMER, TOKEN)


def test_a_secret_that_changes_meanwhile_is_left_as_it_is(tmp_path):
    path = tmp_path / "store.db"
    old = SQLiteStore(path, cipher=FernetCipher(OLD))
    keep_all(old)
    renewed = CONSUMER.with_new_secret()

    class Meanwhile(FernetCipher):
        def encrypt(self, text):
            if text == CONSUMER.secret:
                old.add_consumer(renewed)
            return super().encrypt(text)

    with contextlib.closing(old), contextlib.closing(SQLiteStore(path, cipher=Meanwhile(NEW, OLD))) as both:
        position = both.reencrypt()
        while position is not None:
            position = both.reencrypt(position)
        assert both.get_consumer("c") == renewed


def test_credentials_in_redis_encrypted_with_an_older_key_can_be_redeemed(tmp_path):
    with databases.backend("redis", tmp_path) as backend:
        keep_all(backend.make(cipher=FernetCipher(OLD)), keeps_credentials=False)
        assert backend.make(cipher=FernetCipher(NEW, OLD)).redeem("t").verifier == VERIFIER
        assert not hasattr(backend.make(), "reencrypt")


@pytest.mark.parametrize("key", ["", "short", b"short", "ключ" * 11, OLD[1:], "secret-" * 6])
def test_an_invalid_key_is_refused_and_not_quoted(key):
    for keys in ([key], [NEW, key]):
        with pytest.raises(ValueError, match=r"^key: must be 32 bytes") as caught:
            FernetCipher(*keys)
        assert "secret-" not in what_is_shown(caught.value)


def test_the_bytes_of_a_file_hold_no_secret_after_it_was_closed(tmp_path):
    path = tmp_path / "store.db"
    with contextlib.closing(SQLiteStore(path, cipher=FernetCipher(OLD))) as store:
        keep_all(store)
    assert b"secret-" not in path.read_bytes()
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert "secret-" not in "\n".join(database.iterdump())
