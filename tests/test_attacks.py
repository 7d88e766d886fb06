"""Known attacks on OAuth 1.0a servers, one function each; attacks.json says what must come of them.

A function makes whatever has to go before and returns the last step, which the
test takes. What must be refused must be refused with an ``oauth2.Error``.
"""

import base64
import hmac
import json
import logging
import math
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hosted import CALLBACK, Hosted
from peer import (
    CONSUMER,
    FORM,
    HMACS,
    HOST,
    NOW,
    OF_OTHER,
    OTHER,
    PHOTOS,
    SECOND,
    TEMPORARY,
    TOKEN,
    Peer,
    Sent,
    Service,
    encode,
    form_of,
    header_of,
    what_is_shown,
)

import oauth2
import oauth2.server
from oauth2.stores.sqlite import SQLiteStore

ATTACKS = json.loads((Path(__file__).parent / "attacks.json").read_text(encoding="utf-8"))

CASES = {}


def case(*ids):
    def register(function):
        for name in ids:
            assert name not in CASES
            CASES[name] = function
        return function

    return register


class World:
    """What a case has to work with: a peer, a service, and a directory for the service's database."""

    def __init__(self, directory, attack):
        self.id, self.path = attack, directory / "nonces.db"
        self.peer = Peer()
        self.sign = self.peer.sign
        self.service = Service()

    def changed(self, sent, attacked, service=None):
        """Return the step that sends *attacked*, once *sent* was shown to be right before the change."""
        Service(methods=(service or self.service).server.signature_methods.values())(*sent)
        assert attacked != sent
        return lambda: (service or self.service)(*attacked)

    def sending(self, *args, **kwargs):
        sent = self.sign(*args, **kwargs)
        return lambda: self.service(*sent)


@pytest.mark.parametrize("attack", [pytest.param(a, id=a["id"]) for a in ATTACKS])
def test_attack(attack, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    world = World(tmp_path, attack["id"])
    last_step = CASES[attack["id"]](world)
    refused = None
    try:
        last_step()
    except oauth2.Error as exc:
        refused = exc
    if attack["expected"] == "accept" and refused:
        raise refused
    if attack["expected"] == "reject":
        assert refused is not None, "it was accepted"
        assert 400 <= refused.status < 500
    if refused:
        shown = what_is_shown(refused)
        assert not [text for text in world.peer.sensitive if text in shown]
    assert not caplog.records


def test_every_attack_is_tried():
    ids = [attack["id"] for attack in ATTACKS]
    assert len(set(ids)) == len(ids)
    assert CASES.keys() == set(ids)


# --- A: what must be accepted --------------------------------------------------


@case("ctl_header")
def _(world):
    return world.sending()


@case("ctl_header_query")
def _(world):
    return world.sending(query=[("size", "original"), ("file", "vacation.jpg")])


@case("ctl_query")
def _(world):
    return world.sending(query=[("size", "original")], place="query")


@case("ctl_utf8")
def _(world):
    return world.sending("POST", form=[("título", "☃ &=+%"), ("名前", "𝒳")])


@case("ctl_realm")
def _(world):
    return world.sending(realm="Photos")


@case("ctl_lower_pct")
def _(world):
    sent = world.sign(callback="https://app.example/cb?a=b")
    lower = sent.edited("https%3A%2F%2Fapp.example%2Fcb%3Fa%3Db", "https%3a%2f%2fapp.example%2fcb%3fa%3db")
    return lambda: world.service(*lower)


@case("ctl_skew_past")
def _(world):
    return world.sending(timestamp=str(NOW - 200))


@case("ctl_default_port")
def _(world):
    sent = world.sign()._replace(url="https://api.example:443/photos")
    return lambda: world.service(*sent)


@case("ctl_case_host")
def _(world):
    sent = world.sign()._replace(url="HTTPS://API.Example/photos")
    return lambda: world.service(*sent)


@case("ctl_empty_value")
def _(world):
    sent = world.sign(query=[("a", ""), ("b", "")])._replace(url=f"{PHOTOS}?a=&b")
    return lambda: world.service(*sent)


@case("ctl_pct_value")
def _(world):
    sent = world.sign(query=[("a", "%41")])
    assert sent.url.endswith("?a=%2541")
    return lambda: world.service(*sent)


@case("ctl_oauth_pct_value_header")
def _(world):
    return world.sending(callback="https://app.example/cb?q=100%25")


@case("ctl_sha256")
def _(world):
    return world.sending(name="HMAC-SHA256")


@case("ctl_same_nonce_other_token")
def _(world):
    world.service(*world.sign(nonce="once"))
    return world.sending(token=SECOND, nonce="once")


@case("ctl_same_nonce_other_consumer")
def _(world):
    world.service(*world.sign(nonce="once"))
    return world.sending(consumer=OTHER, token=OF_OTHER, nonce="once")


# --- B: replay and nonces ------------------------------------------------------


@case("replay_same")
def _(world):
    sent = world.sign()
    world.service(*sent)
    return lambda: world.service(*sent)


@case("replay_reencoded_nonce")
def _(world):
    sent = world.sign(nonce="nonce")
    world.service(*sent)
    respelled = sent.edited('oauth_nonce="nonce"', 'oauth_nonce="%6Eonce"')
    return lambda: world.service(*respelled)


@case("replay_double_encoded_nonce")
def _(world):
    sent = world.sign(nonce="nonce")
    world.service(*sent)
    respelled = sent.edited('oauth_nonce="nonce"', 'oauth_nonce="%256Eonce"')
    return lambda: world.service(*respelled)


@case("replay_double_encoded_ts")
def _(world):
    sent = world.sign()
    world.service(*sent)
    respelled = sent.edited(f'oauth_timestamp="{NOW}"', f'oauth_timestamp="%25{ord("1"):X}{str(NOW)[1:]}"')
    return lambda: world.service(*respelled)


@case("replay_scheme_case")
def _(world):
    sent = world.sign()
    world.service(*sent)
    elements = sent.headers["Authorization"].removeprefix("OAuth ").split(", ")
    respelled = sent.with_header(Authorization='oAUTH\t realm="x" ,, ' + " ,\t".join(reversed(elements)) + " ,")
    # That spelling is no error: before the first one it would have passed.
    Service()(*respelled)
    return lambda: world.service(*respelled)


@case("replay_sig_noncanonical_b64")
def _(world):
    key, method = rsa_key(), oauth2.SignatureMethod_RSA_SHA1()
    client = oauth2.Consumer("client-rsa", "", public_key=public_pem(key))
    world.service = Service(methods=[*HMACS, method], consumers=[client], tokens=[(client, TOKEN)])
    sent = world.sign(consumer=client, name="RSA-SHA1", signer=rsa_signer(key))
    world.service(*sent)
    signature = sent.headers["Authorization"].rpartition('oauth_signature="')[2].rstrip('"')
    respelled = sent.edited(signature, f"%0A{signature}%0D%0A")  # RFC 2045 allows line breaks
    hmac_signed = world.sign()
    world.service(*hmac_signed)
    last = hmac_signed.headers["Authorization"].rpartition("%3D")[0][-1]
    other = chr(ord(last) + 1)  # 20 octets leave two bits in the last character

    def both():
        for variant in (
            respelled,
            hmac_signed.edited(f'{last}%3D"', f'{other}%3D"'),
            hmac_signed.edited('%3D"', '%3D%0A"'),
        ):
            with pytest.raises(oauth2.Error):
                world.service(*variant)
        world.service(*respelled)

    return both


def verify_elsewhere(path, sent, answers):
    try:
        answers.put(("accepted", Service(SQLiteStore(path))(*sent)))
    except oauth2.Error as exc:
        answers.put((type(exc).__name__, str(exc)))


@case("replay_other_worker")
def _(world):
    service = Service(SQLiteStore(world.path))
    sent = world.sign()
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    worker = context.Process(target=verify_elsewhere, args=(world.path, sent, answers))
    worker.start()
    assert answers.get(timeout=60) == ("accepted", {})
    worker.join(60)

    def last_step():
        try:
            service(*sent)
        finally:
            service.store.close()

    return last_step


@case("replay_after_restart")
def _(world):
    store = SQLiteStore(world.path)
    sent = world.sign()
    Service(store)(*sent)
    store.close()
    again = SQLiteStore(world.path)

    def last_step():
        try:
            Service(again)(*sent)
        finally:
            again.close()

    return last_step


@case("nonce_burn_by_forgery")
def _(world):
    sent = world.sign()
    forged = world.sign(nonce="nonce-1", signer=lambda text: base64.b64encode(bytes(20)).decode())
    with pytest.raises(oauth2.Error):
        world.service(*forged)
    return lambda: world.service(*sent)


def flood(world, requests):
    for sent in requests:
        with pytest.raises(oauth2.Error) as caught:
            world.service(*sent)
        assert world.service.store.nonce_count() == 0
    raise caught.value


@case("nonce_flood_unauthenticated")
def _(world):
    def unsigned(nonce):
        said = [("oauth_consumer_key", CONSUMER.key), ("oauth_timestamp", str(NOW)), ("oauth_nonce", nonce)]
        said += [("oauth_signature_method", "HMAC-SHA1"), ("oauth_signature", "bm90aGluZw==")]
        # Every other one without a signature at all.
        return Sent("GET", PHOTOS, {"Authorization": header_of(said[: 5 - len(nonce) % 2])}, b"")

    return lambda: flood(world, [unsigned("x" * (i % 2) + str(10_000 + i)) for i in range(2_000)])


@case("nonce_flood_unknown_consumer")
def _(world):
    stranger = oauth2.Consumer("stranger", "secret-of-a-stranger")
    return lambda: flood(world, [world.sign(consumer=stranger, token=None) for _ in range(2_000)])


@case("nonce_space")
def _(world):
    return world.sending(nonce=" ")


@case("nonce_nul")
def _(world):
    return world.sending(nonce="a\0b")


@case("nonce_unicode")
def _(world):
    return world.sending(nonce="ñønçé☃𝒳")


# --- C: timestamps, correctly signed -------------------------------------------

TIMESTAMPS = {
    "ts_future_9e99": str(10**99),
    "ts_zero": "0",
    "ts_text": "yesterday",
    "ts_inf": "inf",
    "ts_5000_digits": "1" * 5_000,
    "ts_unicode_digits": "".join(chr(0x660 + int(digit)) for digit in str(NOW)),
    "ts_plus": f"+{NOW}",
}


@case(*TIMESTAMPS)
def _(world):
    return world.sending(timestamp=TIMESTAMPS[world.id])


# --- D: parameters -------------------------------------------------------------


@case("tamper_method")
def _(world):
    sent = world.sign()
    return world.changed(sent, sent._replace(method="DELETE"))


@case("tamper_path")
def _(world):
    sent = world.sign()
    return world.changed(sent, sent._replace(url=f"{PHOTOS}/1"))


@case("tamper_host")
def _(world):
    sent = world.sign()
    return world.changed(sent, sent._replace(url="https://admin.example/photos"))


@case("host_header_mismatch")
def _(world):
    # Signed for another service, sent to this one, with that one's Host: the URL is the configured one.
    sent = world.sign(uri="https://other.example/photos", headers={"Host": "other.example"})
    return world.changed(sent, sent._replace(url=PHOTOS))


@case("xfh_override")
def _(world):
    forwarded = {"X-Forwarded-Host": "other.example", "X-Forwarded-Proto": "http", "Forwarded": "host=other.example"}
    sent = world.sign(uri="http://other.example/photos", headers=forwarded)
    return world.changed(sent, sent._replace(url=PHOTOS))


@case("smuggle_unsigned_oauth_query")
def _(world):
    sent = world.sign()
    return world.changed(sent, sent._replace(url=f"{PHOTOS}?oauth_foo=1"))


@case("smuggle_unsigned_oauth_header")
def _(world):
    sent = world.sign()
    return world.changed(sent, sent.edited("OAuth ", 'OAuth oauth_foo="1", '))


@case("smuggle_nonoauth_header")
def _(world):
    sent = world.sign()
    return world.changed(sent, sent.edited("OAuth ", 'OAuth admin="1", '))


@case("smuggle_realm_query")
def _(world):
    sent = world.sign(realm="Photos")
    return world.changed(sent, sent._replace(url=f"{PHOTOS}?realm=admin"))


@case("smuggle_realm_query_noheader")
def _(world):
    sent = world.sign()
    return world.changed(sent, sent._replace(url=f"{PHOTOS}?realm=admin"))


@case("smuggle_realm_body")
def _(world):
    sent = world.sign("POST", form=[("a", "1")])
    return world.changed(sent, sent._replace(body=b"a=1&realm=admin"))


@case("smuggle_oauth_signature_body")
def _(world):
    sent = world.sign("POST", form=[("a", "1")])
    return world.changed(sent, sent._replace(body=b"a=1&oauth_signature=abc"))


@case("dup_conflict_token_header")
def _(world):
    sent = world.sign(token=SECOND)
    return world.changed(sent, sent.edited("OAuth ", f'OAuth oauth_token="{TOKEN.key}", '))


@case("dup_token_header_body")
def _(world):
    # Signed as a server that adds it all up would expect it.
    sent = world.sign("POST", form=[("a", "1"), ("oauth_token", TOKEN.key)])
    return lambda: world.service(*sent)


@case("sep_semicolon")
def _(world):
    sent = world.sign(query=[("a", "1")])
    return world.changed(sent, sent._replace(url=f"{PHOTOS}?a=1;admin=1"))


@case("body_smuggle_unparseable")
def _(world):
    sent = world.sign("POST", headers={"Content-Type": FORM})
    return world.changed(sent, sent._replace(body=b"admin=1&x={%"))


@case("body_smuggle_ctype_case")
def _(world):
    sent = world.sign("POST")
    attacked = sent.with_header(Content_Type="APPLICATION/X-WWW-Form-Urlencoded")._replace(body=b"admin=1")
    return world.changed(sent, attacked)


@case("body_smuggle_ctype_param")
def _(world):
    sent = world.sign("POST")
    attacked = sent.with_header(Content_Type=f" {FORM} \t; charset = UTF-8 ")._replace(body=b"admin=1")
    return world.changed(sent, attacked)


@case("body_smuggle_get")
def _(world):
    sent = world.sign()
    return world.changed(sent, sent.with_header(Content_Type=FORM)._replace(body=b"admin=1"))


@case("query_unparseable")
def _(world):
    sent = world.sign(query=[("a", "1")])
    return world.changed(sent, sent._replace(url=f"{PHOTOS}?a=1&admin={{%"))


JSON = b'{"amount": 1}'


def signed_json(world):
    digest = hashes.Hash(hashes.SHA1())
    digest.update(JSON)
    hashed = base64.b64encode(digest.finalize()).decode()
    return world.sign("POST", body=JSON, headers={"Content-Type": "application/json"}, body_hash=hashed)


@case("json_tamper_bodyhash")
def _(world):
    sent = signed_json(world)
    return world.changed(sent, sent._replace(body=b'{"amount": 9}'))


@case("json_bodyhash_strip")
def _(world):
    sent = signed_json(world)
    kept = [e for e in sent.headers["Authorization"].split(", ") if not e.startswith("oauth_body_hash")]
    return world.changed(sent, sent.with_header(Authorization=", ".join(kept))._replace(body=b'{"amount": 9}'))


@case("bodyhash_on_form")
def _(world):
    return world.sending("POST", form=[("a", "1")], body_hash="2jmj7l5rSw0yVb/vlWAYkK/YBwk=")


# --- E: signatures -------------------------------------------------------------


def rsa_key():
    return rsa.generate_private_key(65537, 2048)


def public_pem(key):
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, info).decode()


def rsa_signer(key):
    return lambda text: base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA1())).decode()


def with_rsa(world, secret="", key=None):
    """Let a consumer that signs with RSA in; return it."""
    pem = public_pem(rsa_key() if key is None else key)
    client = oauth2.Consumer("client-rsa", secret, public_key=pem)
    methods = [*HMACS, oauth2.SignatureMethod_RSA_SHA1(), oauth2.SignatureMethod_PLAINTEXT()]
    world.service = Service(methods=methods, consumers=[client], tokens=[(client, TOKEN)])
    return client


def with_plaintext(world):
    world.service = Service(methods=[*HMACS, oauth2.SignatureMethod_PLAINTEXT()])


@case("sig_truncated")
def _(world):
    sent = world.sign(name="HMAC-SHA256")
    before, _, signature = sent.headers["Authorization"].partition('oauth_signature="')
    return world.changed(sent, sent.with_header(Authorization=f'{before}oauth_signature="{signature[:10]}"'))


@case("sig_nonascii")
def _(world):
    return world.sending(signer=lambda text: "é☃" * 14)


@case("sm_unknown")
def _(world):
    return world.sending(name="FOO-SHA1", signer=lambda text: "bm90aGluZw==")


@case("sm_lower")
def _(world):
    return world.sending(name="hmac-sha1", signer=lambda text: "bm90aGluZw==")


@case("plaintext_no_token_secret")
def _(world):
    with_plaintext(world)
    world.service(*world.sign(name="PLAINTEXT"))
    return world.sending(name="PLAINTEXT", signer=lambda text: f"{CONSUMER.secret}&")


@case("plaintext_wrong")
def _(world):
    with_plaintext(world)
    world.sign(name="PLAINTEXT")  # for what must not be shown
    return world.sending(name="PLAINTEXT", signer=lambda text: "wrong-guess&wrong-guess")


@case("sha1_as_sha256")
def _(world):
    return world.changed(world.sign(name="HMAC-SHA256"), world.sign(name="HMAC-SHA256", signer=hmac_signer("sha1")))


def hmac_signer(digest, consumer_secret=CONSUMER.secret, token_secret=TOKEN.secret):
    key = f"{encode(consumer_secret)}&{encode(token_secret)}".encode()
    return lambda text: base64.b64encode(hmac.digest(key, text.encode(), digest)).decode()


@case("rsa_pub_as_hmac_key")
def _(world):
    key = rsa_key()
    pem = public_pem(key)
    variants = [with_rsa(world, secret, key) for secret in ("", pem, pem.strip())]
    first, last = variants[0], variants[-1]
    for client in (first, variants[1]):
        service = Service(
            methods=[*HMACS, oauth2.SignatureMethod_RSA_SHA1()], consumers=[client], tokens=[(client, TOKEN)]
        )
        for secret in (pem, pem.strip()):
            with pytest.raises(oauth2.Error):
                service(*world.sign(consumer=client, signer=hmac_signer("sha1", secret)))
    return world.sending(consumer=last, signer=hmac_signer("sha1", pem.strip()))


@case("rsa_consumer_empty_hmac")
def _(world):
    client = with_rsa(world)
    for name in ("HMAC-SHA256", "HMAC-SHA512", "PLAINTEXT"):
        with pytest.raises(oauth2.Error):
            world.service(*world.sign(consumer=client, name=name))
    return world.sending(consumer=client)


@case("rsa_consumer_none_hmac")
def _(world):
    client = with_rsa(world)
    client.secret = None  # as an object of the application's own may have it
    return world.sending(consumer=oauth2.Consumer(client.key, ""), signer=hmac_signer("sha1", "None"))


@case("rsa_wrong_key")
def _(world):
    key = rsa_key()
    client = with_rsa(world, key=key)
    world.service(*world.sign(consumer=client, name="RSA-SHA1", signer=rsa_signer(key)))
    return world.sending(consumer=client, name="RSA-SHA1", signer=rsa_signer(rsa_key()))


@case("rsa_junk_sig")
def _(world):
    client = with_rsa(world)
    for junk in ("", "=", "====", "é☃", "A", "\0", "QQ==QQ=="):
        with pytest.raises(oauth2.Error):
            world.service(*world.sign(consumer=client, name="RSA-SHA1", signer=lambda text, junk=junk: junk))
    return world.sending(consumer=client, name="RSA-SHA1", signer=lambda text: "~~ no base64 ~~")


@case("rsa_no_key")
def _(world):
    with_rsa(world)
    return world.sending(name="RSA-SHA1", signer=rsa_signer(rsa_key()))


@case("rsa_token_of_other")
def _(world):
    with_rsa(world)
    key = rsa_key()
    second = oauth2.Consumer("client-rsa-two", "", public_key=public_pem(key))
    world.service.consumers[second.key] = second
    world.service(*world.sign(consumer=second, token=None, name="RSA-SHA1", signer=rsa_signer(key)))
    return world.sending(consumer=second, name="RSA-SHA1", signer=rsa_signer(key))


@case("no_token_secret")
def _(world):
    return world.sending(signer=hmac_signer("sha1", token_secret=""))


@case("other_consumer_secret")
def _(world):
    return world.sending(signer=hmac_signer("sha1", OTHER.secret))


@case("swapped_token_after_sign")
def _(world):
    sent = world.sign()
    return world.changed(sent, sent.edited(TOKEN.key, SECOND.key))


@case("token_empty")
def _(world):
    return world.sending(token=oauth2.Token("", ""))


@case("dummy_client")
def _(world):
    # Whatever the package verifies against where nobody is known.
    dummies = [oauth2.SignatureMethod_HMAC_SHA1.nobody, oauth2.SignatureMethod_PLAINTEXT.nobody]

    def last_step():
        for dummy in [oauth2.Consumer("", ""), *dummies]:
            for token in (None, TOKEN):
                with pytest.raises(oauth2.Error):
                    world.service(*world.sign(consumer=dummy, token=token))
        world.service(*world.sign(consumer=dummies[0], token=None))

    return last_step


@case("request_token_as_access")
def _(world):
    # The service keeps temporary credentials elsewhere, and finds no token.
    return world.sending(token=TEMPORARY)


# --- F: version ----------------------------------------------------------------


@case("version_3")
def _(world):
    return world.sending(version="1.0 ")


@case("version_4")
def _(world):
    return world.sending(version="1")


# --- G: malformed --------------------------------------------------------------

HEADERS = {
    "hdr_none": None,
    "hdr_oauth_only": "OAuth",
    "hdr_oauth_space": "OAuth ",
    "hdr_basic": "Basic dXNlcjpwYXNz",
    "hdr_bearer": "Bearer mF_9.B5f-4.1JqM",
    "hdr_garbage": 'OAuth =""=,=',
    "hdr_bad_hex": 'OAuth oauth_nonce="%zz"',
    "hdr_cut_hex": 'OAuth oauth_nonce="%4"',
    "hdr_bad_utf8": 'OAuth oauth_nonce="%ff%fe"',
    "hdr_nul_raw": 'OAuth oauth_nonce="a\0b"',
    "hdr_nul_key": 'OAuth a%00b="1"',
    "hdr_100k_params": "OAuth " + ",".join(f'a{i}="{i}"' for i in range(100_000)),
    "hdr_100k_quotes": "OAuth " + '"' * 100_000,
    "hdr_100k_pct": 'OAuth oauth_nonce="' + "%41" * 100_000 + '"',
}


@case(*HEADERS)
def _(world):
    value = HEADERS[world.id]
    sent = world.sign()
    if value is None:
        return lambda: world.service("GET", PHOTOS, {})
    # Alone, and put before what is right.
    with pytest.raises(oauth2.Error):
        world.service("GET", PHOTOS, {"Authorization": value})
    if value[:6].strip() == "OAuth" and value.strip() != "OAuth":
        right = sent.headers["Authorization"].removeprefix("OAuth ")
        value = f"{value}, {right}"
    return lambda: world.service("GET", PHOTOS, {"Authorization": value})


@case("hdr_unbalanced_end")
def _(world):
    sent = world.sign()
    return lambda: world.service(*sent.with_header(Authorization=sent.headers["Authorization"][:-1]))


@case("hdr_unquoted")
def _(world):
    sent = world.sign()
    return lambda: world.service(*sent.with_header(Authorization=sent.headers["Authorization"].replace('"', "")))


@case("hdr_realm_substring")
def _(world):
    return world.sending(token=oauth2.Token("a realm of tokens", "realm-secret"))


@case("hdr_1mb_signed_realm")
def _(world):
    return world.sending(realm="r" * 1_000_000)


@case("qry_100k_unsigned")
def _(world):
    sent = world.sign()
    query = "&".join(f"a{i}={i}" for i in range(100_000))
    return world.changed(sent, sent._replace(url=f"{PHOTOS}?{query}"))


@case("body_bad_utf8")
def _(world):
    sent = world.sign("POST", form=[("a", b"\xff\xfe")])
    return lambda: world.service(*sent._replace(body=b"a=\xff\xfe"))


@case("body_bad_utf8_pct")
def _(world):
    return world.sending("POST", form=[("a", b"\xff")])


@case("qry_bad_hex")
def _(world):
    sent = world.sign(query=[("a", "%zz")])
    return world.changed(sent, sent._replace(url=f"{PHOTOS}?a=%zz"))


@case("qry_utf8_collision")
def _(world):
    sent = world.sign(query=[("a", b"\xff")])
    assert sent.url.lower().endswith("?a=%ff")
    return lambda: world.service(*sent._replace(url=f"{PHOTOS}?a=%fe"))


@case("body_utf8_collision")
def _(world):
    sent = world.sign("POST", form=[("a", b"\xff")])
    return lambda: world.service(*sent._replace(body=b"a=%fe"))


@case("qry_badhex_collision")
def _(world):
    sent = world.sign(query=[("a", "%zz")])
    assert sent.url.endswith("?a=%25zz")
    return world.changed(sent, sent._replace(url=f"{PHOTOS}?a=%zz"))


URLS = {
    "url_surrogate": f"{HOST}/phot\udcffs",
    "qry_surrogate": f"{PHOTOS}?a=\udcff",
    "url_no_scheme": "api.example/photos",
    "url_empty": "",
    "url_port_unicode": "https://api.example:٤٤٣/photos",
    "url_empty_host": "https:///photos",
    "url_ftp": "ftp://api.example/photos",
    "url_js": "javascript://api.example/photos",
    "url_userinfo": "https://user:pw@api.example/photos",
    "url_nfkc": "https://api.ex℀mple/photos",
}


@case(*URLS)
def _(world):
    sent = world.sign()
    return world.changed(sent, sent._replace(url=URLS[world.id]))


@case("method_nonascii")
def _(world):
    return world.sending("GÉT")


@case("multipart")
def _(world):
    body = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
    return world.sending("POST", body=body, headers={"Content-Type": "multipart/form-data; boundary=b"})


# --- the harness itself --------------------------------------------------------


def test_the_peer_signs_as_the_rfc_does():
    """Section 1.2's last example; its signature is published."""
    peer = Peer()
    sent = peer.sign(
        uri="http://photos.example.net/photos",
        query=[("file", "vacation.jpg"), ("size", "original")],
        consumer=oauth2.Consumer("dpf43f3p2l4k3l03", "kd94hf93k423kf44"),
        token=oauth2.Token("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00"),
        timestamp="137131202",
        nonce="chapoH",
        version=None,
    )
    assert 'oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"' in sent.headers["Authorization"]
    assert form_of([("a b", "c&d")]) == "a%20b=c%26d"


# --- H: the flow of section 2 ---------------------------------------------------


class Refusal(oauth2.Error):
    """An endpoint's answer, where it is none with credentials."""

    def __init__(self, answer):
        super().__init__(f"{answer.body!r} {answer.headers!r}")
        self.status = answer.status


def forged(_base_string):
    return "c2lnbmF0" + "dXJl"


def answered(answer):
    if answer.status != 200:
        raise Refusal(answer)


class Flow(Hosted):
    """A provider, as far into the flow as an attack wants it; what must not show is the world's to know."""

    def __init__(self, world):
        super().__init__()
        self.peer = world.peer
        self.granted = None

    def approved(self):
        self.granted = self.temporary()
        self.verifier = self.provider.approve(self.granted.key, user="jane").verifier
        return self

    def redeeming(self, verifier, token=None, **options):
        return lambda: answered(self.exchange(token or self.granted, verifier, **options))


@case("flow_rt_ok")
def _(world):
    return lambda: answered(Flow(world).ask(CALLBACK))


@case("flow_rt_oob")
def _(world):
    return lambda: answered(Flow(world).ask("oob"))


@case(*[f"rt_callback_{number}" for number in ("00", "04", "06", "07", "08", "09", "10", "12", "13")])
def _(world):
    quoted = next(attack["how"] for attack in ATTACKS if attack["id"] == world.id).split("'")[1]
    callback = quoted.encode().decode("unicode_escape")
    assert Flow(world).ask(CALLBACK).status == 200
    return lambda: answered(Flow(world).ask(callback))


@case("rt_replay")
def _(world):
    flow = Flow(world)
    sent = flow.sent("/rt", callback="oob")
    answered(flow.provider.request_token(sent))
    return lambda: answered(flow.provider.request_token(sent))


@case("rt_bad_sig")
def _(world):
    return lambda: answered(Flow(world).ask(signer=forged))


@case("rt_http")
def _(world):
    return lambda: answered(Flow(world).ask(origin="http://api.example"))


@case("at_no_verifier")
def _(world):
    return Flow(world).approved().redeeming(None)


@case("at_empty_verifier")
def _(world):
    return Flow(world).approved().redeeming("")


@case("at_verifier_prefix")
def _(world):
    flow = Flow(world).approved()
    return flow.redeeming(flow.verifier[:-1])


@case("at_unauthorized_none")
def _(world):
    flow = Flow(world)
    flow.granted = flow.temporary()
    return flow.redeeming("None")


@case("at_race")
def _(world):
    flow = Flow(world).approved()
    sent = [flow.sent("/at", token=flow.granted, verifier=flow.verifier) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        refusals = [answer for answer in pool.map(flow.provider.access_token, sent) if answer.status != 200]
    assert len(refusals) == 15
    return lambda: answered(refusals[0])


@case("at_forged_kill_wrong_verifier")
def _(world):
    flow = Flow(world).approved()
    for _ in range(10):
        assert flow.exchange(flow.granted, "wrong", signer=forged).status == 401
    return flow.redeeming(flow.verifier)


@case("at_http")
def _(world):
    flow = Flow(world).approved()
    return flow.redeeming(flow.verifier, origin="http://api.example")


@case("authz_unknown_token")
def _(world):
    return lambda: Flow(world).provider.approve("unknown", user="jane")


@case("authz_no_token")
def _(world):
    return lambda: Flow(world).provider.pending(None)


@case("flow_verifier_entropy")
def _(world):
    # What is refused is a guess: of as many characters, drawn as the verifiers are.
    flow = Flow(world).approved()
    verifiers = {
        flow.provider.approve(flow.temporary(callback).key, user="jane").verifier
        for callback in ("oob", CALLBACK) * 500
    }
    assert len(verifiers) == 1000
    characters = set("".join(verifiers))
    assert min(map(len, verifiers)) * math.log2(len(characters)) >= 64
    typed = {each for each in verifiers if len(each) == 13}
    assert 13 * math.log2(len(set("".join(typed)))) >= 64
    return flow.redeeming(max(typed - {flow.verifier}))
