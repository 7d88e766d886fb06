"""RSA-SHA1, RSA-SHA256 and RSA-SHA512: keys in every format, invalid keys, and invalid signatures."""

import base64
import subprocess
import sys
import textwrap

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from keys import certificate, ec_key, other_rsa_key, private_octets, public_octets, rsa_key

import oauth2
from oauth2._methods import MODULES, method_class
from oauth2.rsa import generate_key_pair, read_private_key, read_public_key

RSA = oauth2.SignatureMethod_RSA_SHA1
CLASSES = [method_class(name) for name in MODULES if name.startswith("RSA-")]
METHODS = [pytest.param(cls, id=cls.name) for cls in CLASSES]
HASHES = {cls.name: getattr(hashes, cls.name.removeprefix("RSA-"))() for cls in CLASSES}
CONSUMER = oauth2.Consumer("key", "")
PASSWORD = "pässword"


def a_request():
    return oauth2.Request("POST", "https://api.example/?b=1", {"a": "é", "oauth_consumer_key": "key"})


REQUEST = a_request()


def bundle(key, password=None, **others):
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password.encode())
    return pkcs12.serialize_key_and_certificates(b"name", key, others.get("cert"), None, encryption)


def locked(password=PASSWORD):
    return BestAvailableEncryption(password.encode())


# --- keys -------------------------------------------------------------------------

PRIVATE = {
    "PEM": lambda: private_octets(rsa_key()),
    "PEM as text": lambda: private_octets(rsa_key()).decode(),
    "PEM of PKCS#1": lambda: private_octets(rsa_key(), form=PrivateFormat.TraditionalOpenSSL),
    "PEM with line ends of Windows": lambda: private_octets(rsa_key()).replace(b"\n", b"\r\n"),
    "PEM after blank lines": lambda: b"\n\n  " + private_octets(rsa_key()),
    "PEM after its attributes": lambda: b"Bag Attributes\n    friendlyName: me\n" + private_octets(rsa_key()),
    "PEM with its certificate": lambda: private_octets(rsa_key()) + certificate(rsa_key()).public_bytes(Encoding.PEM),
    "DER": lambda: private_octets(rsa_key(), Encoding.DER),
    "DER of PKCS#1": lambda: private_octets(rsa_key(), Encoding.DER, form=PrivateFormat.TraditionalOpenSSL),
    "PKCS#12": lambda: bundle(rsa_key(), cert=certificate(rsa_key())),
    "object": rsa_key,
}
ENCRYPTED = {
    "PEM": lambda: private_octets(rsa_key(), encryption=locked()),
    "DER": lambda: private_octets(rsa_key(), Encoding.DER, locked()),
    "PKCS#12": lambda: bundle(rsa_key(), PASSWORD, cert=certificate(rsa_key())),
}
PUBLIC = {
    "PEM": lambda: public_octets(rsa_key()),
    "PEM as text": lambda: public_octets(rsa_key()).decode(),
    "PEM of PKCS#1": lambda: public_octets(rsa_key(), form=PublicFormat.PKCS1),
    "PEM after blank lines": lambda: b"\n " + public_octets(rsa_key()),
    "DER": lambda: public_octets(rsa_key(), Encoding.DER),
    "DER of PKCS#1": lambda: public_octets(rsa_key(), Encoding.DER, PublicFormat.PKCS1),
    "certificate": lambda: certificate(rsa_key()).public_bytes(Encoding.PEM),
    "certificate as text": lambda: certificate(rsa_key()).public_bytes(Encoding.PEM).decode(),
    "certificate after its text": lambda: (
        b"Certificate:\n  Data:\n" + certificate(rsa_key()).public_bytes(Encoding.PEM)
    ),
    "certificate as DER": lambda: certificate(rsa_key()).public_bytes(Encoding.DER),
    "certificate as object": lambda: certificate(rsa_key()),
    "object": lambda: rsa_key().public_key(),
}


def each(forms):
    return [pytest.param(make, id=name) for name, make in forms.items()]


@pytest.mark.parametrize("cls", METHODS)
def test_a_signature_is_that_of_the_rfc(cls):
    signature = cls(rsa_key()).sign(REQUEST, CONSUMER, None)
    assert type(signature) is bytes
    text = "POST&https%3A%2F%2Fapi.example%2F&a%3D%25C3%25A9%26b%3D1%26oauth_consumer_key%3Dkey"
    rsa_key().public_key().verify(base64.b64decode(signature), text.encode(), padding.PKCS1v15(), HASHES[cls.name])
    assert cls(rsa_key()).signing_base(REQUEST, CONSUMER, None) == (b"", text.encode())


@pytest.mark.parametrize("cls", METHODS)
def test_the_secrets_are_not_used(cls):
    method = cls(rsa_key())
    token = oauth2.Token("token", "token secret")
    other = oauth2.Consumer("key", "other")
    assert method.sign(REQUEST, CONSUMER, None) == method.sign(REQUEST, other, token)


@pytest.mark.parametrize("make", each(PRIVATE))
def test_a_private_key_signs_and_its_public_half_checks(make):
    method = RSA(make())
    signature = method.sign(REQUEST, CONSUMER, None)
    assert signature == RSA(rsa_key()).sign(REQUEST, CONSUMER, None)
    assert method.check(REQUEST, CONSUMER, None, signature)


@pytest.mark.parametrize("make", each(ENCRYPTED))
@pytest.mark.parametrize("password", [PASSWORD, PASSWORD.encode()])
def test_an_encrypted_private_key_has_a_password(make, password):
    assert RSA(make(), password=password).sign(REQUEST, CONSUMER, None)


@pytest.mark.parametrize("make", each(ENCRYPTED))
@pytest.mark.parametrize("password", [None, "wrong", b"\xff"])
def test_a_wrong_password_is_a_value_error(make, password):
    with pytest.raises(ValueError, match="private_key") as caught:
        RSA(make(), password=password)
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("make", each(PUBLIC))
def test_a_public_key_checks(make):
    signature = RSA(rsa_key()).sign(REQUEST, CONSUMER, None)
    for method in (RSA(public_key=make()), RSA(other_rsa_key(), make())):
        assert method.check(REQUEST, CONSUMER, None, signature)
        assert not method.check(REQUEST, CONSUMER, None, RSA(other_rsa_key()).sign(REQUEST, CONSUMER, None))
    with pytest.raises(ValueError, match="private_key"):
        RSA(public_key=make()).sign(REQUEST, CONSUMER, None)


@pytest.mark.parametrize("cls", METHODS)
def test_a_callable_signs(cls):
    seen = []

    def in_a_vault(text):
        seen.append(text)
        return rsa_key().sign(text, padding.PKCS1v15(), HASHES[cls.name])

    method = cls(in_a_vault)
    signature = method.sign(REQUEST, CONSUMER, None)
    assert signature == cls(rsa_key()).sign(REQUEST, CONSUMER, None)
    assert seen == [method.signing_base(REQUEST, CONSUMER, None)[1]]
    assert not method.check(REQUEST, CONSUMER, None, signature)  # This object has no public key, so it cannot verify.
    assert cls(in_a_vault, rsa_key().public_key()).check(REQUEST, CONSUMER, None, signature)


def test_without_a_key_signing_fails_and_no_signature_is_valid():
    signature = RSA(rsa_key()).sign(REQUEST, CONSUMER, None)
    assert not RSA().check(REQUEST, CONSUMER, None, signature)
    with pytest.raises(ValueError, match="private_key"):
        RSA().sign(REQUEST, CONSUMER, None)


# --- a consumer's own key ---------------------------------------------------------


@pytest.mark.parametrize("make", each(PUBLIC))
def test_a_consumers_public_key_is_preferred_to_that_of_the_method(make):
    consumer = oauth2.Consumer("key", "", public_key=make())
    mine = RSA(rsa_key()).sign(REQUEST, consumer, None)
    others = RSA(other_rsa_key()).sign(REQUEST, consumer, None)
    for method in (RSA(), RSA(other_rsa_key()), RSA(public_key=other_rsa_key().public_key())):
        assert method.check(REQUEST, consumer, None, mine)
        assert not method.check(REQUEST, consumer, None, others)
    assert RSA(public_key=other_rsa_key().public_key()).check(REQUEST, CONSUMER, None, others)


def test_a_consumer_may_be_any_object():
    class Client:
        key, secret = "key", None

    signature = RSA(rsa_key()).sign(REQUEST, Client(), None)
    assert RSA(rsa_key()).check(REQUEST, Client(), None, signature)


def test_a_key_is_read_once(monkeypatch):
    pem = private_octets(rsa_key())
    method = RSA(pem)
    monkeypatch.delattr(serialization, "load_pem_private_key")  # from here on, no key can be parsed
    assert len({method.sign(REQUEST, CONSUMER, None) for _ in range(100)}) == 1
    with pytest.raises(AttributeError):
        RSA(pem)


def test_a_consumers_key_is_read_once(monkeypatch):
    signature = RSA(rsa_key()).sign(REQUEST, CONSUMER, None)
    pem = public_octets(rsa_key()) + b"\n"  # no other test has parsed this text, so it is not cached

    def checks(key):
        return RSA().check(REQUEST, oauth2.Consumer("key", "", public_key=key), None, signature)

    assert checks(pem)
    monkeypatch.delattr(serialization, "load_pem_public_key")  # from here on, no key can be parsed
    assert all(checks(pem) for _ in range(100))
    with pytest.raises(AttributeError):
        checks(pem + b"\n")


# --- invalid keys -----------------------------------------------------------------

NO_PRIVATE_KEY = {
    "EC as PEM": lambda: private_octets(ec_key()),
    "EC as DER": lambda: private_octets(ec_key(), Encoding.DER),
    "EC as PKCS#12": lambda: bundle(ec_key(), cert=certificate(ec_key())),
    "PKCS#12 without a key": lambda: bundle(None, cert=certificate(rsa_key())),
    "public key": lambda: public_octets(rsa_key()),
    "certificate": lambda: certificate(rsa_key()).public_bytes(Encoding.PEM),
    "PEM that was cut off": lambda: private_octets(rsa_key())[:300],
    "DER that was cut off": lambda: private_octets(rsa_key(), Encoding.DER)[:300],
    "PEM of something": lambda: "-----BEGIN SOMETHING-----\nAAAA\n-----END SOMETHING-----\n",
    "PEM of nothing": lambda: "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
    "garbage": lambda: b"garbage",
    "garbage as text": lambda: "garbage",
    "text beyond ASCII": lambda: "schlüssel",
    "nothing": lambda: b"",
    "no text": lambda: "",
}
NO_PUBLIC_KEY = {
    "EC as PEM": lambda: public_octets(ec_key()),
    "EC as DER": lambda: public_octets(ec_key(), Encoding.DER),
    "EC certificate": lambda: certificate(ec_key()).public_bytes(Encoding.PEM),
    "EC certificate as DER": lambda: certificate(ec_key()).public_bytes(Encoding.DER),
    "private key": lambda: private_octets(rsa_key()),
    "certificate that was cut off": lambda: certificate(rsa_key()).public_bytes(Encoding.PEM)[:300],
    "PEM that was cut off": lambda: public_octets(rsa_key())[:200],
    "garbage": lambda: b"\x30\x00garbage",
    "text beyond ASCII": lambda: "schlüssel",
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("make", each(NO_PRIVATE_KEY))
def test_what_is_no_rsa_private_key_is_a_value_error(make):
    with pytest.raises(ValueError, match="private_key"):
        RSA(make())
    with pytest.raises(ValueError, match="private_key"):
        read_private_key(make())


@pytest.mark.parametrize("make", each(NO_PUBLIC_KEY))
def test_what_is_no_rsa_public_key_is_a_value_error(make):
    with pytest.raises(ValueError, match="public_key"):
        RSA(public_key=make())
    with pytest.raises(ValueError, match="public_key"):
        read_public_key(make())


@pytest.mark.parametrize("value", [7, object(), ["key"], {}])
def test_a_value_of_another_type_than_a_key_is_a_type_error(value):
    with pytest.raises(TypeError, match="private_key"):
        RSA(value)
    with pytest.raises(TypeError, match="public_key"):
        RSA(public_key=value)


def test_a_key_object_of_another_kind_is_a_type_error():
    with pytest.raises(TypeError, match="private_key"):
        RSA(ec_key())
    with pytest.raises(TypeError, match="public_key"):
        RSA(public_key=ec_key().public_key())


def test_no_error_shows_the_key():
    pem = private_octets(rsa_key()).decode()
    for text in (pem[:300], pem.replace("BEGIN", "BEGIN X", 1), pem[30:]):
        with pytest.raises(ValueError, match="private_key") as caught:
            RSA(text)
        assert pem.splitlines()[1] not in str(caught.value)
    assert pem.splitlines()[1] not in repr(RSA(pem))


# --- signatures -------------------------------------------------------------------


@pytest.mark.parametrize("cls", METHODS)
@pytest.mark.parametrize(
    "wrong", ["", b"", "junk", "====", "AAAA", "é" * 344, b"\xff" * 344, None, 7, [], "\ud800", "A\0=="]
)
def test_text_that_is_not_a_signature_is_not_valid(cls, wrong):
    assert cls(rsa_key()).check(REQUEST, CONSUMER, None, wrong) is False


@pytest.mark.parametrize("cls", METHODS)
def test_a_changed_signature_is_not_valid(cls):
    method = cls(rsa_key())
    right = method.sign(REQUEST, CONSUMER, None).decode()
    raw = base64.b64decode(right)
    changed = [right[:-4], right + "AAAA", right[:-1], "=" + right, f"!{right}", right.swapcase(), right[::-1]]
    changed += [base64.b64encode(octets).decode() for octets in (raw[:-1], b"\0" + raw, raw + b"\0", raw[::-1])]
    changed.append(base64.urlsafe_b64encode(b"\xff" + raw[1:]).decode())
    for signature in changed:
        assert not method.check(REQUEST, CONSUMER, None, signature), signature
    assert method.check(REQUEST, CONSUMER, None, right)


@pytest.mark.parametrize("cls", METHODS)
@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r\n ", "\n\t"])
def test_a_signature_may_be_broken_into_lines(cls, separator):
    method = cls(rsa_key())
    text = method.sign(REQUEST, CONSUMER, None).decode()
    broken = separator.join([text[start : start + 64] for start in range(0, len(text), 64)]) + separator
    assert method.check(REQUEST, CONSUMER, None, broken)
    assert method.check(REQUEST, CONSUMER, None, broken.encode())


def test_a_signature_is_valid_for_its_request_and_method_only():
    signature = RSA(rsa_key()).sign(REQUEST, CONSUMER, None)
    other = a_request()
    other["a"] = "e"
    assert not RSA(rsa_key()).check(other, CONSUMER, None, signature)
    assert not oauth2.SignatureMethod_RSA_SHA256(rsa_key()).check(REQUEST, CONSUMER, None, signature)


def test_a_server_verifies_by_the_consumers_key():
    consumer = oauth2.Consumer("key", "", public_key=public_octets(rsa_key()))
    server = oauth2.Server()
    for cls in CLASSES:
        server.add_signature_method(cls())
        for key in (rsa_key(), other_rsa_key()):
            signed = oauth2.Request.from_consumer_and_token(consumer, None, "GET", "https://api.example/?a=1")
            signed.sign_request(cls(key), consumer, None)
            received = oauth2.Request.from_request("GET", "https://api.example/?a=1", signed.to_header(), body=b"")
            if key is rsa_key():
                assert server.verify_request(received, consumer, None) == {"a": "1"}
            else:
                with pytest.raises(oauth2.Error, match="signature"):
                    server.verify_request(received, consumer, None)


# --- without cryptography ---------------------------------------------------------


def run(program):
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, timeout=50)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().replace("\r\n", "\n")


WITHOUT_CRYPTOGRAPHY = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "cryptography":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
import oauth2
consumer = oauth2.Consumer("key", "")
request = oauth2.Request("GET", "https://api.example/")
"""


def test_without_cryptography_oauth2_works():
    program = WITHOUT_CRYPTOGRAPHY + textwrap.dedent("""
        from oauth2 import SignatureMethod_RSA_SHA256
        print(oauth2.SignatureMethod_HMAC_SHA1().sign(request, oauth2.Consumer("key", "secret"), None).decode())
    """)
    assert len(base64.b64decode(run(program))) == 20


def test_without_cryptography_there_is_an_import_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.serialization", None)
    for arguments in ({"private_key": b"der"}, {"public_key": b"der"}):
        with pytest.raises(ImportError, match=r"oauth2\[rsa\]"):
            RSA(**arguments)


def test_without_cryptography_a_callable_signs():
    program = WITHOUT_CRYPTOGRAPHY + textwrap.dedent("""
        method = oauth2.SignatureMethod_RSA_SHA1(lambda text: text[:3])
        assert not method.check(request, consumer, None, "AAAA")
        print(method.sign(request, consumer, None).decode())
    """)
    assert run(program) == base64.b64encode(b"GET").decode() + "\n"


@pytest.mark.parametrize("argument", ["private_key=key", "public_key=key", "private_key=b'der'", "public_key=object()"])
def test_without_cryptography_a_key_names_the_extra(argument):
    program = WITHOUT_CRYPTOGRAPHY + textwrap.dedent(f"""
        key = "-----BEGIN PUBLIC KEY-----"
        try:
            oauth2.SignatureMethod_RSA_SHA1({argument})
        except ImportError as error:
            print(error)
    """)
    assert "oauth2[rsa]" in run(program)


def test_without_cryptography_a_consumers_key_names_the_extra():
    program = WITHOUT_CRYPTOGRAPHY + textwrap.dedent("""
        consumer = oauth2.Consumer("key", "", public_key="-----BEGIN PUBLIC KEY-----")
        try:
            oauth2.SignatureMethod_RSA_SHA1().check(request, consumer, None, "AAAA")
        except ImportError as error:
            print(error)
    """)
    assert "oauth2[rsa]" in run(program)


def test_a_key_pair_that_was_made_signs_and_verifies():
    private_key, public_key = generate_key_pair(2048)
    assert b"BEGIN PRIVATE KEY" in private_key
    request = oauth2.Request("GET", "https://api.example/photos")
    signature = oauth2.SignatureMethod_RSA_SHA256(private_key=private_key).sign(request, None, None)
    assert oauth2.SignatureMethod_RSA_SHA256(public_key=public_key).check(request, None, None, signature)


def test_a_key_that_is_too_short_is_not_made():
    with pytest.raises(ValueError, match="bits"):
        generate_key_pair(1024)
