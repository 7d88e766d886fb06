"""Known attacks on OAuth 1.0a servers, one function for each; attacks.json says whether a request must be accepted.

Each function prepares an attack and returns its last step, which the test then runs. A refusal must be an
``oauth2.Error``.
"""

import asyncio
import base64
import hmac
import json
import logging
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from wsgiref.util import setup_testing_defaults

import pytest
from children import run_one
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hosted import CALLBACK, Hosted, credentials, fields
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
from stopwatch import within

import oauth2
import oauth2.server
from oauth2.http import HTTPResponse
from oauth2.middleware import asgi, wsgi
from oauth2.stores import ClientCredentials
from oauth2.stores.sqlite import SQLiteStore

pytestmark = pytest.mark.slow

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
    """The objects for a case: a peer, a service, and the path of the service's database."""

    def __init__(self, directory, attack):
        self.id, self.path = attack, directory / "nonces.db"
        self.peer = Peer()
        self.sign = self.peer.sign
        self.service = Service()

    def changed(self, sent, attacked, service=None):
        """Check that *sent* is accepted, and return the step that sends the changed request *attacked*."""
        Service(methods=(service or self.service).server.signature_methods.values())(*sent)
        assert attacked != sent
        return lambda: (service or self.service)(*attacked)

    def sending(self, *args, **kwargs):
        sent = self.sign(*args, **kwargs)
        return lambda: self.service(*sent)


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack["id"] for attack in ATTACKS])
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
        # Texts of up to 4 characters are left out, because the code that a traceback shows can also contain them.
        assert not [text for text in world.peer.sensitive if len(text) > 4 and text in shown]
    assert not [record for record in caplog.records if record.name != "asyncio"]


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
    # The changed spelling is valid: another service, which has not seen the nonce, accepts the request.
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
    respelled = sent.edited(signature, f"%0A{signature}%0D%0A")  # RFC 2045 allows line breaks in base64
    hmac_signed = world.sign()
    world.service(*hmac_signed)
    last = hmac_signed.headers["Authorization"].rpartition("%3D")[0][-1]
    other = chr(ord(last) + 1)  # In the base64 of 20 octets, two bits of the last character are unused.

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


def verify_elsewhere(answers, path, sent):
    try:
        answers.put(("accepted", Service(SQLiteStore(path))(*sent)))
    except oauth2.Error as exc:
        answers.put((type(exc).__name__, str(exc)))


@case("replay_other_worker")
def _(world):
    service = Service(SQLiteStore(world.path))
    sent = world.sign()
    assert run_one(verify_elsewhere, world.path, sent) == ("accepted", {})

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
        # Every second request has no oauth_signature.
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
    # The request was signed for another service, and is sent to this service with the Host header of the other service.
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
    # The signature covers a token in the header and a token in the form. A careless server would accept it.
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


CONTENT_TYPES = {
    "ct_nbsp_form": [f"\xa0{FORM}", f"{FORM}\xa0", f"{FORM}\xa0; charset=utf-8"],
    "ct_nel_form": [f"\x85{FORM}", f"{FORM}\x85", f"\x85{FORM}\x85"],
    "ct_comma_form": [f"{FORM}, text/plain", f"text/plain, {FORM}", f"{FORM},"],
    "ct_prefix_form": [f"{FORM}-x", f"{FORM} x", f"{FORM}/x", f"{FORM}\0"],
    "ct_no_token": ["form", "application/", "/json", "application json", "text/(plain)", "a/b/c", "text/pl\xe4in"],
}


@case(*CONTENT_TYPES)
def _(world):
    sent = world.sign("POST")
    tried = [sent.with_header(Content_Type=each)._replace(body=b"admin=1") for each in CONTENT_TYPES[world.id]]
    for attacked in tried[1:]:
        with pytest.raises(oauth2.Error):
            world.service(*attacked)
    return world.changed(sent, tried[0])


@case("header_underscore_ct")
def _(world):
    # Some servers drop a field with an underscore in its name. If the package read this field, the package would treat
    # the body as a form, but the application would not.
    sent = world.sign("POST", form=[("admin", "1")])
    underscored = {"Content_Type": FORM, "Authorization": sent.headers["Authorization"]}
    return world.changed(sent, sent._replace(headers=underscored))


@case("header_nonoauth_param")
def _(world):
    sent = world.sign(header=[("admin", "1")])

    def last_step():
        assert world.service(*sent) == {"admin": "1"}

    return last_step


JSON = b'{"amount": 1}'
SHA1_OF_NOTHING = "2jmj7l5rSw0yVb/vlWAYkK/YBwk="


def signed_json(world, **options):
    digest = hashes.Hash(hashes.SHA1())
    digest.update(JSON)
    hashed = base64.b64encode(digest.finalize()).decode()
    return world.sign("POST", body=JSON, headers={"Content-Type": "application/json"}, body_hash=hashed, **options)


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
    return world.sending("POST", form=[("a", "1")], body_hash=SHA1_OF_NOTHING)


@case("bodyhash_sha1_empty_sha256")
def _(world):
    world.service(*world.sign("POST", name="HMAC-SHA256", body_hash=SHA1_OF_NOTHING))
    return world.sending(name="HMAC-SHA256", body_hash=SHA1_OF_NOTHING)


@case("bodyhash_sha1_body_sha256")
def _(world):
    sent = signed_json(world, name="HMAC-SHA256")
    told = Service(sha1_body_hash_allowed=True)
    told(*sent)
    return lambda: world.service(*sent)


@case("post_nobody_body_added")
def _(world):
    sent = world.sign("POST", body_hash=SHA1_OF_NOTHING)
    return world.changed(sent, sent.with_header(Content_Type="application/json")._replace(body=JSON))


# --- E: signatures -------------------------------------------------------------


def rsa_key():
    return rsa.generate_private_key(65537, 2048)


def public_pem(key):
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, info).decode()


def rsa_signer(key):
    return lambda text: base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA1())).decode()


def with_rsa(world, secret="", key=None):
    """Register a consumer that signs with RSA, and return it."""
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
    world.sign(name="PLAINTEXT")  # This call adds the secrets to the list of texts that no error may show.
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
    client.secret = None  # The consumer object of an application may have None as its secret.
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


EMPTY = oauth2.Token("", "")


@case("token_empty")
def _(world):
    return lambda: Flow(world).call(EMPTY)


@case("token_empty_two_legged")
def _(world):
    robot = ClientCredentials(key="robot", secret="robot-secret", two_legged=True)
    return lambda: Flow(world, consumers=[robot]).call(EMPTY, consumer=robot)


@case("consumer_empty_secret")
def _(world):
    client = ClientCredentials(key="no-secret", callbacks=("oob",), two_legged=True)
    flow = Flow(world, consumers=[client])
    assert flow.ask(consumer=client).status == 401
    return lambda: flow.call(None, consumer=client)


PROTECTED = {"provider": Hosted().provider, "paths": ["/api"]}


@case("asgi_prefix_stripped")
def _(_world):
    statuses = []

    async def application(scope, receive, send):
        # This application behaves as a FastAPI application with root_path="/v1". The path in the scope contains this
        # prefix, and the application removes the prefix.
        assert scope["path"].removeprefix("/v1") == "/api/photos"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"photos"})

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    path = "/v1/api/photos"
    scope = {"type": "http", "method": "GET", "scheme": "https", "path": path, "raw_path": path.encode()}
    scope |= {"query_string": b"", "headers": [(b"host", b"api.example")]}

    def last_step():
        asyncio.run(asgi.Protected(application, **PROTECTED)(scope, receive, send))
        answered_with(statuses[0])

    return last_step


@case("wsgi_script_name_header")
def _(_world):
    # A peer sent the header "SCRIPT_NAME: /api". The server used the header as the mount point, and the rest of the URL
    # as the path.
    environ = {"SCRIPT_NAME": "/api", "PATH_INFO": "/x", "REQUEST_URI": "/api/x", "HTTP_HOST": "api.example"}
    setup_testing_defaults(environ)
    statuses = []

    def application(_environ, start_response):
        start_response("200 OK", [])
        return [b"photos"]

    def last_step():
        guarded = wsgi.Protected(application, **PROTECTED)
        list(guarded(environ, lambda status, headers, exc_info=None: statuses.append(int(status[:3]))))
        answered_with(statuses[0])

    return last_step


@case("dummy_client")
def _(world):
    # The dummy credentials with which the package verifies the request of an unknown client.
    dummies = [oauth2.SignatureMethod_HMAC_SHA1.dummy_credentials, oauth2.SignatureMethod_PLAINTEXT.dummy_credentials]

    def last_step():
        for dummy in [oauth2.Consumer("", ""), *dummies]:
            for token in (None, TOKEN):
                with pytest.raises(oauth2.Error):
                    world.service(*world.sign(consumer=dummy, token=token))
        world.service(*world.sign(consumer=dummies[0], token=None))

    return last_step


@case("request_token_as_access")
def _(world):
    # The service looks for the token only among token credentials, so it does not find these temporary credentials.
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
    # First send the value alone. Then send the value before the elements of a valid header.
    with pytest.raises(oauth2.Error):
        world.service("GET", PHOTOS, {"Authorization": value})
    if value[:6].strip() == "OAuth" and value.strip() != "OAuth":
        right = sent.headers["Authorization"].removeprefix("OAuth ")
        value = f"{value}, {right}"
    return lambda: world.service("GET", PHOTOS, {"Authorization": value})


# Malformed headers. Each row has a short header, and the replacement that makes a valid header malformed in the same
# way.
SPOILT = {
    "hdr_after_quote": ('OAuth oauth_token="x"y', ('oauth_version="1.0"', 'oauth_version="1.0"y')),
    "hdr_before_quote": ('OAuth oauth_a=b"c"', ('oauth_version="1.0"', 'oauth_version=1".0"')),
    "hdr_realm_control": ('OAuth realm="\x01", oauth_token="x"', ("OAuth ", 'OAuth realm="\x01", ')),
    "hdr_realm_backslash": ('OAuth realm="a\\", oauth_token="x"', ("OAuth ", 'OAuth realm="a\\", ')),
}


@case(*SPOILT)
def _(world):
    alone, edit = SPOILT[world.id]
    with pytest.raises(oauth2.Error):
        oauth2.Request.from_request("GET", PHOTOS, {"Authorization": alone})
    sent = world.sign()
    with pytest.raises(oauth2.Error):
        oauth2.Request.from_request("GET", PHOTOS, sent.edited(*edit).headers)
    return world.changed(sent, sent.edited(*edit))


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


@case("path_10mb")
def _(world):
    accented = world.sign()._replace(url=f"{HOST}/" + "\xe9" * 10_000_000)
    signed = world.sign(uri=f"{HOST}/" + "a" * 10_000_000)

    def last_step():
        with within(0.1), pytest.raises(oauth2.Error):
            world.service(*accented)
        world.service(*signed)

    return last_step


@case("method_nonascii")
def _(world):
    return world.sending("GÉT")


@case("multipart")
def _(world):
    body = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
    return world.sending("POST", body=body, headers={"Content-Type": "multipart/form-data; boundary=b"})


# --- the peer itself -----------------------------------------------------------


def test_the_peer_signs_as_the_rfc_does():
    """The last example of section 1.2, whose signature is published."""
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
    """Raised if the status of a response is not 200."""

    def __init__(self, answer):
        super().__init__(f"{answer.body!r} {answer.headers!r}")
        self.status = answer.status


def forged(_base_string):
    return "c2lnbmF0" + "dXJl"


def answered(answer):
    if answer.status != 200:
        raise Refusal(answer)


def answered_with(status):
    if status != 200:
        raise Refusal(HTTPResponse(status, []))


class Flow(Hosted):
    """A provider, and the steps of the flow that an attack needs; the peer of *world* records the secrets."""

    def __init__(self, world, **options):
        super().__init__(**options)
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
    # The refused verifier is a guess: it has the same number and kind of characters as a real verifier.
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


@case("at_verifier_in_form")
def _(world):
    flow = Flow(world).approved()
    return flow.redeeming(None, form=[("oauth_verifier", flow.verifier)])


@case("at_verifier_twice")
def _(world):
    flow = Flow(world).approved()
    return flow.redeeming(flow.verifier, form=[("oauth_verifier", flow.verifier)])


def renewable(world):
    """Return a flow with a session, its token credentials, and the session handle that renews them."""
    flow = Flow(world, lifetimes={"token": 3600, "session": 86_400}).approved()
    answer = flow.exchange(flow.granted, flow.verifier)
    return flow, credentials(answer), fields(answer)["oauth_session_handle"]


@case("revoke_renewed")
def _(world):
    flow, token, handle = renewable(world)
    renewed = credentials(flow.exchange(token, None, session_handle=handle))
    flow.call(renewed)
    flow.provider.revoke(token.key)
    return lambda: flow.call(renewed)


def renew_and_revoke(world):
    flow, token, handle = renewable(world)
    sent = [flow.sent("/at", token=token, session_handle=handle) for _ in range(32)]
    with ThreadPoolExecutor(33) as pool:
        answers = [pool.submit(flow.provider.access_token, each) for each in sent[:16]]
        revocation = pool.submit(flow.provider.revoke, token.key)
        answers += [pool.submit(flow.provider.access_token, each) for each in sent[16:]]
    assert revocation.result() is True
    renewed = [credentials(answer.result()) for answer in answers if answer.result().status == 200]
    assert len(renewed) <= 1
    return flow, [token, *renewed]


@case("revoke_race_renew")
def _(world):
    flow, tokens = renew_and_revoke(world)
    for _ in range(10):
        for each in tokens:
            with pytest.raises(oauth2.Error):
                flow.call(each)
        flow, tokens = renew_and_revoke(world)
    return lambda: flow.call(tokens[-1])
