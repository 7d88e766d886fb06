"""A refusal does the same work, and takes the same time, for existing and for unknown credentials."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hosted import APP, OTHER_APP, Hosted, problem
from keys import public_octets, rsa_key
from peer import HMACS

import oauth2
from oauth2 import rsa, signature
from oauth2.stores import ClientCredentials, CombinedStore, MemoryStore, TokenCredentials
from oauth2.stores.sqlite import SQLiteStore

ROOT = Path(__file__).parent.parent
PEM = public_octets(rsa_key()).decode()
STRANGER = ClientCredentials(key="stranger", secret="guessed", callbacks=("oob",))
ROTATED = ClientCredentials(key="rotated", secret="new", previous_secret="old", callbacks=("oob",))
BY_RSA = ClientCredentials(key="by-rsa", public_key=PEM)


# --- HMAC ------------------------------------------------------------------------


@pytest.fixture
def hashed_keys(monkeypatch):
    """Return a list of the HMAC keys that were hashed."""
    made = []
    init = signature._KeyedHash.__init__

    def counting(self, digest, key):
        made.append(key)
        init(self, digest, key)

    monkeypatch.setattr(signature._KeyedHash, "__init__", counting)
    return made


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("consumer", [APP, STRANGER], ids=["known", "unknown"])
def test_a_refused_hmac_hashes_two_keys_for_every_client(hashed_keys, consumer, cached):
    hosted = Hosted(consumers=[APP])
    signature._keyed_hash.cache_clear()
    nobody = oauth2.SignatureMethod_HMAC_SHA1.dummy_credentials
    signature._keyed_hash("sha1", signature.shared_secrets(nobody, None).encode()).uses = 2
    if cached:
        hosted.ask(consumer=APP)
        hosted.ask(consumer=consumer, signer=lambda text: "wrong")
    hashed_keys.clear()
    assert problem(hosted.ask(consumer=consumer, signer=lambda text: "wrong")) == (401, "signature_invalid")
    assert len(hashed_keys) == 2  # A client may have two secrets; the provider hashes a key for each.


def test_an_accepted_hmac_hashes_its_key_once(hashed_keys):
    hosted = Hosted(consumers=[APP])
    signature._keyed_hash.cache_clear()
    for _ in range(3):
        assert hosted.ask(consumer=APP).status == 200
    assert len(hashed_keys) == 1


def test_a_method_with_a_key_of_its_own_making_hashes_one_more(hashed_keys):
    class Own(oauth2.SignatureMethod_HMAC_SHA1):
        def signing_base(self, request, consumer, token):
            return b"of its own making", super().signing_base(request, consumer, token)[1]

    request = oauth2.Request("GET", "https://api.example/", {"a": "1"})
    for _ in range(2):
        hashed_keys.clear()
        assert not Own().check(request, oauth2.Consumer("key", "secret"), None, "wrong")
        assert hashed_keys


# --- RSA -------------------------------------------------------------------------


@pytest.fixture
def rsa_work(monkeypatch):
    """Return a list that records "read" for each key that is read, and the size of each power that OpenSSL computes."""
    work = []
    read, verifies = rsa.read_public_key, rsa._verifies

    def reading(key):
        work.append("read")
        return read(key)

    def verifying(key, raw, text, digest):
        if 8 * len(raw) == key.key_size and int.from_bytes(raw) < key.public_numbers().n:
            work.append(key.key_size)
        return verifies(key, raw, text, digest)

    monkeypatch.setattr(rsa, "read_public_key", reading)
    monkeypatch.setattr(rsa, "_verifies", verifying)
    monkeypatch.setattr(rsa, "_sizes_in_use", {2048})
    rsa._parsed.cache_clear()
    return work


SIGNATURES = {
    "of the right length": b"\0\1" * 128,
    "of one octet": b"x",
    "empty": b"",
    "that is too short": bytes(255),
    "of a larger key": b"\0\1" * 256,
    "above every modulus": b"\xff" * 256,
    "that is no base64": None,
}


def check(consumer, raw):
    method = oauth2.SignatureMethod_RSA_SHA256()
    request = oauth2.Request("GET", "https://api.example/", {"a": "1"})
    text = "~~ no base64 ~~" if raw is None else signature.b2a_base64(raw, newline=False).decode()
    assert not method.check(request, consumer, None, text)


@pytest.mark.parametrize("raw", SIGNATURES.values(), ids=SIGNATURES)
def test_a_refused_rsa_signature_reads_one_key_and_computes_one_power(rsa_work, raw):
    without_key = oauth2.Consumer("key", "secret")
    known = oauth2.Consumer("key", "", public_key=PEM)
    for consumer in (known, known, without_key, oauth2.SignatureMethod_RSA_SHA256.dummy_credentials):
        rsa_work.clear()
        check(consumer, raw)
        # Without a public key, an empty PEM is read, which also counts as "read".
        assert [each for each in rsa_work if each != "read"] == [2048]
        assert "read" in rsa_work


def test_a_key_that_was_read_for_an_accepted_signature_is_cached_at_the_next(rsa_work):
    method = oauth2.SignatureMethod_RSA_SHA256(rsa_key())
    known = oauth2.Consumer("key", "", public_key=PEM)
    request = oauth2.Request("GET", "https://api.example/", {"a": "1"})
    assert method.check(request, known, None, method.sign(request, known, None))
    rsa_work.clear()
    check(known, bytes(255))
    assert rsa_work == ["read", 2048]


def test_a_refusal_computes_one_power_for_each_size_of_keys_in_use(rsa_work):
    known = oauth2.Consumer("key", "", public_key=PEM)
    larger = oauth2.Consumer("larger", "", public_key=rsa._dummy_key(3072))
    check(larger, bytes(384))
    for consumer in (known, larger, oauth2.Consumer("none", "secret")):
        for octets in (1, 255, 256, 384):
            rsa_work.clear()
            check(consumer, b"\0" * (octets - 1) + b"\1")
            assert sorted(each for each in rsa_work if each != "read") == [2048, 3072]


def test_a_key_of_an_unusual_size_adds_none_to_what_others_compute(rsa_work):
    check(oauth2.Consumer("odd", "", public_key=rsa._dummy_key(2056)), bytes(257))
    rsa_work.clear()
    check(oauth2.Consumer("none", "secret"), bytes(257))
    assert rsa_work == ["read", 2048]


# --- stores ------------------------------------------------------------------------


class Counting:
    """A cipher that counts how often it decrypts."""

    def __init__(self):
        self.decrypted = 0

    def encrypt(self, text):
        return text[::-1]

    def decrypt(self, text):
        self.decrypted += 1
        return text[::-1]


@pytest.fixture(params=["one store", "combined"])
def encrypted(request, tmp_path):
    """A provider over an encrypted store, and its cipher."""
    cipher = Counting()
    store = SQLiteStore(tmp_path / "provider.db", cipher=cipher)
    combined = CombinedStore(credentials=store, temporary=store, nonces=MemoryStore())
    methods = [*HMACS, oauth2.SignatureMethod_RSA_SHA256()]
    hosted = Hosted(
        store if request.param == "one store" else combined,
        consumers=[APP, OTHER_APP, ROTATED, BY_RSA],
        policy={"signature_methods": methods},
    )
    for consumer, handle in ((APP, None), (OTHER_APP, "handle"), (ROTATED, None), (BY_RSA, None)):
        key, secret = f"token-of-{consumer.key}", "token-secret"
        store.add_token(
            TokenCredentials(key=key, secret=secret, consumer_key=consumer.key, user="jane", session_handle=handle)
        )
    yield hosted, cipher
    store.close()


def forged(text):
    return "wrong"


@pytest.mark.parametrize("changes", [{}, {"timestamp": "1"}, {"timestamp": "x"}], ids=["now", "stale", "malformed"])
def test_a_refusal_decrypts_the_same_number_of_secrets_for_every_client(encrypted, changes):
    hosted, cipher = encrypted
    counts = set()
    for consumer in (APP, OTHER_APP, ROTATED, BY_RSA, STRANGER):
        for owner in (APP, OTHER_APP, ROTATED, BY_RSA, STRANGER):
            before = cipher.decrypted
            with pytest.raises(oauth2.Error):
                hosted.call(oauth2.Token(f"token-of-{owner.key}", "x"), consumer=consumer, signer=forged, **changes)
            counts.add(cipher.decrypted - before)
    assert counts == {4}


def test_a_refusal_at_the_token_endpoints_decrypts_the_same_number_of_secrets_for_every_client(encrypted):
    hosted, cipher = encrypted
    pending, approved = hosted.temporary(), hosted.temporary()
    hosted.provider.approve(approved.key, user="jane")
    found = [pending, approved, oauth2.Token("unknown", "x"), oauth2.Token(f"token-of-{APP.key}", "x")]
    for ask, expected in ((hosted.exchange, {4}), (lambda token, _, **rest: hosted.ask(token=token, **rest), {4})):
        counts = set()
        for consumer in (APP, OTHER_APP, ROTATED, STRANGER):
            for token in found:
                before = cipher.decrypted
                assert ask(token, "x", consumer=consumer, signer=forged).status == 401
                counts.add(cipher.decrypted - before)
        assert counts == expected


def test_an_accepted_request_decrypts_nothing_but_its_own_secrets(encrypted):
    hosted, cipher = encrypted
    before = cipher.decrypted
    hosted.call(oauth2.Token(f"token-of-{APP.key}", "token-secret"), consumer=APP)
    assert cipher.decrypted - before == 2


def test_a_custom_store_need_not_read_dummies():
    class Own:
        def __init__(self):
            self._store = MemoryStore()

        def __getattr__(self, name):
            return getattr(self._store, name)

    own = CombinedStore(credentials=Own(), temporary=Own(), nonces=MemoryStore())
    for store in (Own(), own):
        assert problem(Hosted(store).ask(signer=forged)) == (401, "signature_invalid")


# --- time --------------------------------------------------------------------------

ATTEMPTS = 10  # Noise can only move a ratio away from 1, so the best of several attempts is used.


def measure(name):
    # The benchmark runs in a separate process, in which coverage is not measured.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.refusals", "--json", "--chunks=12", name],
        cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.alone
@pytest.mark.parametrize("name", ["HMAC-SHA1", "PLAINTEXT", "2048 bits", "not cached", "SQLite"])
def test_response_time_does_not_reveal_which_credentials_exist(name):
    worst = {}
    for _ in range(ATTEMPTS):
        for case, ratios in measure(name).items():
            distance = max(abs(ratio - 1) for kind, ratio in ratios.items() if kind != "microseconds")
            worst[case] = min(distance, worst.get(case, distance))
        if all(distance <= 0.1 for distance in worst.values()):
            break
    assert worst
    assert {case: distance for case, distance in worst.items() if distance > 0.1} == {}
