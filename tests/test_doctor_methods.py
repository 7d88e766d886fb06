"""The doctor reads the list of the signature methods, and says with which method a signature was made."""

import hmac
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from sender import BODY, CONSUMER, SHAPES, TIMESTAMP, TOKEN, enc, get, hash_of, post_json, private_key

from oauth2 import Consumer, _methods
from oauth2._hashes import HASHES, hash_name
from oauth2._methods import MODULES, sent_names
from oauth2.doctor import diagnose
from oauth2.doctor._checks import ALL_HASHES
from oauth2.doctor._rsa import DIGEST_INFO

pytestmark = [pytest.mark.slow, pytest.mark.portable]

WITH_RSA = Consumer(CONSUMER.key, CONSUMER.secret, public_key=private_key().public_key())


def keys_of(diagnosis):
    return [finding.key for finding in diagnosis.findings]


def named(name, **fields):
    """Return a sender of a GET request that names the signature method *name*; *fields* define how the sender signs."""
    return get(protocol={"oauth_signature_method": name}, **fields)


def rsa_sha384(text):
    return private_key().sign(text, padding.PKCS1v15(), hashes.SHA384())


@pytest.fixture
def with_sha384(monkeypatch):
    """Add two methods to the list, as a contributor does."""
    monkeypatch.setattr(_methods, "MODULES", {**MODULES, "HMAC-SHA384": "signature", "RSA-SHA384": "rsa"})


@pytest.fixture
def without_sha384(monkeypatch):
    """Remove all methods with SHA-384 from the list, so that a test still passes if the package gets these methods."""
    others = {name: module for name, module in MODULES.items() if not name.endswith("SHA384")}
    monkeypatch.setattr(_methods, "MODULES", others)


# --- the list of the signature methods


def test_each_hash_of_a_listed_method_is_known_and_tried():
    used = {name: hash_name(name) for name in sent_names() if not name.startswith("PLAINTEXT")}
    assert [name for name, found in used.items() if not found] == [], "see oauth2/_hashes.py"
    assert set(HASHES.values()) <= set(ALL_HASHES)
    assert set(ALL_HASHES) <= set(DIGEST_INFO), "see oauth2/doctor/_rsa.py"


@pytest.mark.parametrize("name", sent_names())
@pytest.mark.parametrize("shape", SHAPES)
def test_a_right_request_of_each_listed_method_is_accused_of_nothing(name, shape):
    fields = {"body_hash": hash_of(BODY, hash_name(name) or "sha1")} if shape == "json" else {}
    sender = SHAPES[shape](signature_method=name, **fields)
    assert diagnose(sender.send(), WITH_RSA, TOKEN, now=TIMESTAMP).verdict == "right"


def test_a_method_that_is_added_to_the_list_is_diagnosed(with_sha384):
    body_hash = hash_of(BODY, "sha384")
    sender = post_json(signature_method="HMAC-SHA384", body_hash=body_hash)
    assert diagnose(sender.send(), CONSUMER, TOKEN).verdict == "right"
    wrong = diagnose(sender.send(digest="sha1"), CONSUMER, TOKEN)
    assert keys_of(wrong) == ["other-hash"]
    assert "made with HMAC-SHA1, but the method in the request is HMAC-SHA384" in wrong.findings[0].sentence
    rsa = post_json(signature_method="RSA-SHA384", body_hash=body_hash)
    assert diagnose(rsa.send(sign=rsa_sha384), WITH_RSA, TOKEN).verdict == "right"
    sender = post_json(signature_method="HMAC-SHA384", body_hash=hash_of(BODY))
    assert keys_of(diagnose(sender.send(), CONSUMER, TOKEN)) == ["body-hash-algorithm"]


def test_a_method_that_is_taken_from_the_list_is_unknown(monkeypatch):
    others = {name: module for name, module in MODULES.items() if name != "HMAC-SHA512"}
    monkeypatch.setattr(_methods, "MODULES", others)
    diagnosis = diagnose(get(signature_method="HMAC-SHA512").send(), CONSUMER, TOKEN)
    assert keys_of(diagnosis) == ["signature-method-unknown"]


# --- names that are not in the list


@pytest.mark.usefixtures("without_sha384")
@pytest.mark.parametrize("name", ["HMAC-SHA384", "HMAC-MD5", "hmac-sha-384"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_method_that_is_not_known_is_not_accused_of_another_hash(name, shape):
    digest = "md5" if "MD5" in name else "sha384"
    fields = {"body_hash": None} if shape == "json" else {}
    sender = SHAPES[shape](protocol={"oauth_signature_method": name}, **fields)
    diagnosis = diagnose(sender.send(digest=digest), CONSUMER, TOKEN)
    assert keys_of(diagnosis) == ["signature-method-unknown"]
    (finding,) = diagnosis.findings
    assert finding.is_proven
    assert finding.sentence.endswith(f"is {name!r}, and the signature was made with HMAC-{digest.upper()}.")
    assert (diagnosis.verdict, diagnosis.signature_is_right) == ("mistaken", False)


@pytest.mark.usefixtures("without_sha384")
def test_an_unknown_rsa_method_is_proven_with_the_public_key():
    sent = named("RSA-SHA384").send(sign=rsa_sha384)
    diagnosis = diagnose(sent, WITH_RSA, TOKEN)
    assert keys_of(diagnosis) == ["signature-method-unknown"]
    assert "made with RSA-SHA384" in diagnosis.findings[0].sentence
    assert keys_of(diagnose(sent, CONSUMER, TOKEN)) == ["signature-method-unknown"]


@pytest.mark.parametrize(
    ("name", "digest", "key", "right"),
    [
        ("hmac-sha1", "sha1", "signature-method-name", True),
        ("HMAC_SHA256", "sha256", "signature-method-name", True),
        ("HMAC-SHA-512", "sha512", "signature-method-name", True),
        ("SHA1", "sha1", "signature-method-name", False),
        ("sha-256", "sha256", "signature-method-name", False),
        ("HMAC", "sha1", "signature-method-name", False),
        ("FOO", "sha512", "signature-method-unknown", False),
    ],
)
def test_the_method_of_a_signature_under_a_wrong_name_is_proven(name, digest, key, right):
    diagnosis = diagnose(named(name).send(digest=digest), CONSUMER, TOKEN)
    assert keys_of(diagnosis) == [key]
    (finding,) = diagnosis.findings
    assert f"HMAC-{digest.upper()}" in finding.sentence
    assert finding.is_proven
    assert (diagnosis.verdict, diagnosis.signature_is_right) == ("mistaken", right)


def test_a_wrong_name_and_another_hash_are_two_mistakes():
    diagnosis = diagnose(named("hmac-sha1").send(digest="sha256"), CONSUMER, TOKEN)
    assert keys_of(diagnosis) == ["signature-method-name", "other-hash"]
    assert all(finding.is_proven for finding in diagnosis.findings)


def test_a_wrong_name_is_named_beside_another_mistake():
    diagnosis = diagnose(named("FOO").send(sign_uri=lambda text: f"{text}/"), CONSUMER, TOKEN)
    assert sorted(keys_of(diagnosis)) == ["signature-method-unknown", "trailing-slash"]


def test_a_wrong_name_whose_signature_is_not_explained_is_named_without_proof():
    diagnosis = diagnose(named("FOO").send(key="unknown"), CONSUMER, TOKEN)
    assert keys_of(diagnosis) == ["signature-method-unknown"]
    assert not diagnosis.findings[0].is_proven


def test_a_request_without_a_method_is_not_accused_of_a_hash():
    diagnosis = diagnose(named(None).send(digest="sha256"), CONSUMER, TOKEN)
    assert keys_of(diagnosis) == ["parameter-absent"]


@pytest.mark.parametrize(
    ("name", "write", "used"),
    [
        ("RSA-SHA1", lambda code: f"{enc(CONSUMER.secret)}&{enc(TOKEN.secret)}", "PLAINTEXT"),
        ("PLAINTEXT", lambda code: b64encode(rsa_sha384(b"")).decode(), ""),
    ],
)
def test_every_family_is_tried_whatever_is_named(name, write, used):
    diagnosis = diagnose(get(signature_method=name).send(write=write), WITH_RSA, TOKEN)
    assert keys_of(diagnosis) == (["other-method"] if used else [])
    assert all(used in finding.sentence for finding in diagnosis.findings)


def test_rsa_in_place_of_plaintext_is_named():
    sent = get(signature_method="PLAINTEXT").send(sign=rsa_sha384, write=lambda code: b64encode(code).decode())
    diagnosis = diagnose(sent, WITH_RSA, TOKEN)
    assert keys_of(diagnosis) == ["other-method"]
    assert "RSA-SHA384" in diagnosis.findings[0].sentence


def test_hmac_of_another_hash_in_place_of_rsa_is_named_once():
    def sign(text):
        return hmac.digest(f"{enc(CONSUMER.secret)}&{enc(TOKEN.secret)}".encode(), text, "sha256")

    diagnosis = diagnose(get(signature_method="RSA-SHA1").send(sign=sign), WITH_RSA, TOKEN)
    assert keys_of(diagnosis) == ["other-method"]
    assert "HMAC-SHA256" in diagnosis.findings[0].sentence
