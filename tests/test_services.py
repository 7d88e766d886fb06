"""Each profile signs as the service's documentation says. The checks do not use the code of the package."""

import base64
import datetime
import hashlib
import hmac
import json
import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import httplib2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from keys import rsa_key
from peer import base_string, encode

import oauth2
from oauth2 import flow, services
from oauth2._methods import MODULES
from oauth2.authorize import begin, redeem, renew, xauth
from oauth2.clock import MonotonicClock
from oauth2.request import Request
from oauth2.services import Service

CONSUMER = oauth2.Consumer("client&key", "client&secret")
TOKEN = oauth2.Token("token/key", "token&secret")
FORM = "application/x-www-form-urlencoded"
PLACEHOLDERS = {
    "account": "1234567-sb1",
    "base": "https://shop.example/m2",
    "site": "https://site.example/blog",
    "wiki": "https://wiki.example/w",
    "installation": "https://usos.example",
}
TABLES = tomllib.loads((Path(services.__file__).parent / "profiles.toml").read_text(encoding="utf-8"))
ALL = sorted(TABLES)


def at(name):
    service = services.get(name)
    return service.at(**{placeholder: PLACEHOLDERS[placeholder] for placeholder in service.placeholders})


class Sent(NamedTuple):
    """The arguments that ``Client`` passes to ``httplib2``, which would send the request."""

    uri: str
    method: str
    body: object
    headers: dict

    @property
    def header(self):
        """Realm and pairs of the Authorization header, read without the parser of the package."""
        value = self.headers.get("Authorization")
        if value is None:
            return None, []
        elements = re.findall(r'([a-z_]+)="([^"]*)"', value.removeprefix("OAuth "))
        realm = dict(elements).get("realm")
        return realm, [(name, unquote(text)) for name, text in elements if name != "realm"]

    @property
    def query(self):
        return parse_qsl(urlsplit(self.uri).query, keep_blank_values=True)

    @property
    def form(self):
        is_form = self.headers.get("Content-Type") == FORM
        body = self.body if isinstance(self.body, str) else self.body.decode()
        return parse_qsl(body, keep_blank_values=True) if is_form else []

    @property
    def signed(self):
        return self.header[1] + self.query + self.form

    @property
    def protocol(self):
        return {name: value for name, value in self.signed if name.startswith("oauth_")}

    @property
    def placement(self):
        places = {"header": self.header[1], "query": self.query, "body": self.form}
        (place,) = [place for place, pairs in places.items() if "oauth_signature" in dict(pairs)]
        return place

    @property
    def base_string(self):
        pairs = [pair for pair in self.signed if pair[0] != "oauth_signature"]
        return base_string(self.method, self.uri.partition("?")[0], pairs)


@pytest.fixture
def wire(monkeypatch):
    """Replaces the network: records each request, and returns the bodies in ``answers``."""
    sent, answers = [], []

    def request(_, uri, method="GET", body=None, headers=None, redirections=5, connection_type=None):
        sent.append(Sent(uri, method, body or "", headers))
        return httplib2.Response({"status": "200"}), answers.pop(0) if answers else b""

    monkeypatch.setattr(httplib2.Http, "request", request)
    request.sent, request.answers = sent, answers
    return request


# --- the file ---------------------------------------------------------------------

HTTPS = re.compile(r"(https://[a-z0-9_{}-]+(\.[a-z0-9-]+)*|\{(base|site|wiki|installation)\})(/[!-~]*)?")
SCHEMA = {
    "title": str,
    "sources": [r"https://[!-~]+"],
    "checked": datetime.date,
    "signature_methods": ["|".join(MODULES)],
    "issuance": re.compile("xauth|website|own|none"),
    "variant": re.compile("protocol parameters as they are|secret without ampersand"),
    "placement": re.compile("header|query|body"),
    "realm": str,
    "body_hash": bool,
    "empty_token": bool,
    "placeholders": {r"[a-z]+": r"name|url"},
    "urls": {r"temporary|authorize|authenticate|token|renew|revoke|identify|request": HTTPS},
    "http_method": re.compile("GET|POST"),
    "token_method": re.compile("GET|POST"),
    "callback": re.compile("oob"),
    "authorize_query": {r"[a-z_]+": r"\{oauth_(token|consumer_key)\}"},
    "confirmations": [r"true|false"],
    "request_parameters": [r"[a-z_]+"],
    "authorize_parameters": [r"[A-Za-z_]+"],
    "nonce_min": int,
    "nonce_max": int,
    "timestamp_window": int,
    "timestamps_never_back": bool,
    "ends": datetime.date,
    "error_header": re.compile("MediaWiki-API-Error"),
    "tried": re.compile(r"[ -~]+, 20\d\d-\d\d-\d\d"),
    "notes": [r"[ -~]+"],
}
REQUIRED = {"title", "sources", "checked", "signature_methods"}


def fits(value, schema):
    if isinstance(schema, dict):
        ((name, inner),) = schema.items()
        return isinstance(value, dict) and all(re.fullmatch(name, key) and fits(value[key], inner) for key in value)
    if isinstance(schema, list):
        return isinstance(value, list) and bool(value) and all(fits(member, schema[0]) for member in value)
    if isinstance(schema, type):
        return type(value) is schema and value != 0
    return isinstance(value, str) and re.fullmatch(schema, value) is not None


@pytest.mark.parametrize("name", ALL)
def test_a_profile_fits_the_schema(name):
    assert re.fullmatch("[a-z0-9-]+", name)
    assert REQUIRED <= set(TABLES[name]) <= set(SCHEMA)
    assert [key for key, value in TABLES[name].items() if not fits(value, SCHEMA[key])] == []
    used = set(
        re.findall(r"\{([a-z]+)(?:_host|_realm)?\}", str(TABLES[name].get("urls")) + str(TABLES[name].get("realm")))
    )
    assert (
        used - {"request", "oauth"} == set(TABLES[name].get("placeholders", {})) - {"request"} or name == "cardmarket"
    )


@pytest.mark.parametrize("key", ["unknown", "oauth"])
def test_an_unknown_key_is_refused_when_it_is_loaded(key):
    with pytest.raises(TypeError, match=key):
        services._catalogue._service("x", {**TABLES["x"], key: 1})


@pytest.mark.parametrize("name", ALL)
def test_the_nonces_of_this_package_are_what_the_service_takes(name):
    service = services.get(name)
    nonce = Request.make_nonce()
    assert service.nonce_min <= len(nonce) <= (service.nonce_max or 1000)
    assert nonce.isascii()
    assert nonce.isalnum()


@pytest.mark.parametrize("name", ALL)
def test_a_profile_has_the_endpoints_of_the_way_to_a_token(name):
    service = services.get(name)
    if service.issuance == "three steps":
        assert {"temporary", "authorize", "token"} <= set(service.urls)
    elif service.issuance == "xauth":
        assert set(service.urls) == {"token"}
    elif service.issuance in {"website", "none"}:
        assert not service.urls
    if service.issuance == "none":
        assert SIGNED[name]["token"] is None


# --- signing, compared with documented_services.json ----------------------------------

DOCUMENTED = json.loads((Path(__file__).parent / "documented_services.json").read_text(encoding="utf-8"))
SIGNED, FLOW = DOCUMENTED["signed"], DOCUMENTED["flow"]


def test_there_is_a_documented_request_for_every_profile():
    assert sorted(SIGNED) == ALL


@pytest.mark.parametrize("name", ALL)
def test_a_request_is_signed_as_the_documents_say(name, wire):
    documented = SIGNED[name]
    url, body, method_name = documented["url"], documented.get("body", "").encode(), documented["signature_method"]
    token = TOKEN if documented["token"] else None
    headers = {"Content-Type": documented["content_type"]} if body else {}
    key = {"private_key": rsa_key()} if method_name.startswith("RSA") else {}
    at(name).client(CONSUMER, token, **key).request(url, documented["method"], body, headers)
    (sent,) = wire.sent
    assert sent.uri.partition("?")[0] == url.partition("?")[0]
    assert sent.uri.startswith(url.replace("[", "%5B").replace("]", "%5D"))
    assert sent.method == documented["method"]
    assert sent.placement == documented["placement"]
    assert sent.header[0] == documented["realm"]
    assert sent.protocol["oauth_consumer_key"] == CONSUMER.key
    assert sent.protocol.get("oauth_token") == documented["token"]
    assert sent.protocol["oauth_signature_method"] == method_name
    digest = "sha1" if method_name == "PLAINTEXT" else method_name.partition("-")[2].lower()
    expected = base64.b64encode(hashlib.new(digest, body).digest()).decode() if documented.get("body_hash") else None
    assert sent.protocol.get("oauth_body_hash") == expected
    check(name, sent, token)


def check(name, sent, token):
    """Verify the signature without the code of the package."""
    text, signature, method_name = sent.base_string, sent.protocol["oauth_signature"], SIGNED[name]["signature_method"]
    secrets = f"{encode(CONSUMER.secret)}&{encode(token.secret) if token else ''}"
    if name in ("mastercard", "settlex"):  # These services join the protocol parameters without encoding them.
        pairs = sorted(pair for pair in sent.signed if pair[0] != "oauth_signature")
        normalized = "&".join(f"{name}={value}" for name, value in pairs)
        text = "&".join(map(encode, (sent.method, sent.uri.partition("?")[0], normalized)))
        assert encode(sent.protocol["oauth_body_hash"]) in text
        assert encode(encode(sent.protocol["oauth_body_hash"])) not in text
    if name == "woocommerce-legacy":
        secrets = CONSUMER.secret
    if method_name == "PLAINTEXT":
        assert signature == secrets
    elif method_name.startswith("HMAC"):
        digest = method_name.removeprefix("HMAC-").lower()
        assert signature == base64.b64encode(hmac.digest(secrets.encode(), text.encode(), digest)).decode()
    else:
        digest = getattr(hashes, method_name.removeprefix("RSA-"))()
        rsa_key().public_key().verify(base64.b64decode(signature), text.encode(), PKCS1v15(), digest)


def test_mastercard_hashes_an_empty_body_too(wire):
    client = services.get("mastercard").client(CONSUMER, private_key=rsa_key())
    client.request("https://api.mastercard.com/service")
    (sent,) = wire.sent
    assert sent.protocol["oauth_body_hash"] == base64.b64encode(hashlib.sha256(b"").digest()).decode()
    check("mastercard", sent, None)


def test_a_widget_app_of_cardmarket_sends_an_empty_token(wire):
    services.get("cardmarket").client(CONSUMER).request("https://api.cardmarket.com/ws/v2.0/games")
    assert wire.sent[0].protocol["oauth_token"] == ""


def test_a_maas_key_is_three_credentials(wire):
    consumer, token = services.read_maas_key("ck:tk:ts\n")
    services.get("maas").client(consumer, token).request("https://maas.example/MAAS/api/2.0/users/")
    protocol = wire.sent[0].protocol
    assert (protocol["oauth_consumer_key"], protocol["oauth_token"], protocol["oauth_signature"]) == ("ck", "tk", "&ts")
    for wrong in ("", "ck:tk", "ck::ts", "a:b:c:d"):
        with pytest.raises(ValueError, match="key"):
            services.read_maas_key(wrong)


def test_launchpad_signs_with_the_token_secret_alone(wire):
    client = services.get("launchpad").client(oauth2.Consumer("my app", ""), TOKEN)
    client.request("https://api.launchpad.net/1.0/")
    assert wire.sent[0].protocol["oauth_signature"] == "&token%26secret"


# --- endpoints ------------------------------------------------------------------------


def test_there_is_a_documented_flow_for_every_profile_whose_token_takes_three_steps():
    in_three_steps = {name for name in ALL if services.get(name).issuance == "three steps"}
    assert in_three_steps - set(FLOW) == set()


@pytest.mark.parametrize("name", FLOW)
def test_a_token_is_got_as_the_documents_say(name, wire):
    documented = FLOW[name]
    service = at(name)
    confirmed = b"false" if name == "etrade" else b"true"
    wire.answers += [b"oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=" + confirmed]
    wire.answers += [b"oauth_token=final&oauth_token_secret=f"]
    is_rsa = service.signature_methods[0].startswith("RSA-")
    sending = {"signature_method": service.signature_method(rsa_key())} if is_rsa else {}
    pending = begin(CONSUMER, service, service.callback or "https://app.example/ready", **sending)
    assert pending.url == documented["authorization"]
    assert redeem(CONSUMER, service, pending.temporary, "v", **sending).key == "final"
    first, second = wire.sent
    assert [first.method, first.uri] == documented["temporary"]
    assert [second.method, second.uri] == documented["token"]
    assert first.protocol["oauth_callback"] == ("oob" if name == "etrade" else "https://app.example/ready")
    assert (second.protocol["oauth_token"], second.protocol["oauth_verifier"]) == ("t", "v")
    for sent, credentials in ((first, None), (second, oauth2.Token("t", "s"))):
        assert "oauth_body_hash" not in sent.protocol
        check(name, sent, credentials)


def test_instapaper_takes_a_password(wire):
    wire.answers.append(b"oauth_token=final&oauth_token_secret=f")
    assert xauth(CONSUMER, services.get("instapaper"), "jane", "p&w").key == "final"
    (sent,) = wire.sent
    assert (sent.uri, sent.placement) == ("https://www.instapaper.com/api/1/oauth/access_token", "header")
    assert dict(sent.form)["x_auth_password"] == "p&w"
    check("instapaper", sent, None)


def test_magento_hands_over_a_verifier_and_takes_it_back(wire):
    wire.answers.append(b"oauth_token=final&oauth_token_secret=f")
    assert redeem(CONSUMER, at("magento"), oauth2.Token("t", "s"), "v").key == "final"
    assert wire.sent[0].uri == "https://shop.example/m2/oauth/token/access"
    assert at("magento").endpoints().temporary == "https://shop.example/m2/oauth/token/request"


def test_etrade_renews_a_token_without_new_credentials(wire):
    wire.answers.append(b"Access Token has been renewed")
    assert renew(CONSUMER, services.get("etrade"), TOKEN).key == TOKEN.key
    assert (wire.sent[0].uri, wire.sent[0].method) == ("https://api.etrade.com/oauth/renew_access_token", "GET")
    assert services.get("etrade").endpoints().revoke == "https://api.etrade.com/oauth/revoke_access_token"


def test_the_notes_of_tested_profiles_say_what_the_installations_refuse():
    tried = {name for name in ALL if services.get(name).tried}
    assert tried >= {"wordpress", "woocommerce", "woocommerce-legacy", "mediawiki"}
    for name, words in {
        "wordpress": ["Register every callback", "x[0]=", "repeated names", "form", "multipart", "/?rest_route="],
        "woocommerce": ["x[0]="],
        "mediawiki": ["in the header", "repeated names", "brackets", "MediaWiki-API-Error", "Cancel", "listen="],
        "lti": ["CRLF"],
        "flickr": ["signs no field of a multipart body"],
    }.items():
        assert [word for word in words if word not in " ".join(services.get(name).notes)] == []


def test_the_documented_upload_to_flickr_signs_every_field_but_the_photo(monkeypatch):
    page = (Path(__file__).parent.parent / "docs" / "services.md").read_text(encoding="utf-8")
    (snippet,) = [each for each in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "def upload" in each]
    posted = {}
    monkeypatch.setattr("requests.post", lambda url, **given: posted.update(given, url=url))
    names = {}
    exec(snippet, names)
    names["upload"](CONSUMER, TOKEN, b"photo", title="Sea & sun", tags="a b")
    assert (posted["data"], posted["files"]) == ({"title": "Sea & sun", "tags": "a b"}, {"photo": b"photo"})
    sent = Sent(posted["url"], "POST", "", posted["headers"])
    protocol = dict(sent.header[1])
    signature = protocol.pop("oauth_signature")
    text = base_string("POST", posted["url"], [*posted["data"].items(), *protocol.items()])
    key = f"{encode(CONSUMER.secret)}&{encode(TOKEN.secret)}"
    assert signature == base64.b64encode(hmac.digest(key.encode(), text.encode(), "sha1")).decode()
    assert "oauth_body_hash" not in protocol


def test_the_end_of_garmins_oauth_1_is_known():
    assert services.get("garmin").ends == datetime.date(2026, 12, 31)


@pytest.mark.parametrize("name", ["netsuite", "fatsecret", "schoology"])
def test_services_whose_timestamps_never_go_back_get_a_clock_that_does_not(name):
    service = at(name)
    assert service.timestamps_never_back
    clock = service.client(CONSUMER, TOKEN).clock
    assert isinstance(clock, MonotonicClock)
    assert service.client(CONSUMER, None).clock is service.auth_options()["clock"] is clock
    assert services.get("x").client(CONSUMER, TOKEN).clock is not clock


@pytest.mark.parametrize("module", ["requests", "httpx", "aiohttp"])
def test_an_adapter_signs_by_the_profile(module):
    adapter = import_module(f"oauth2.clients.{module}").OAuth1
    signer = services.get("schoology").oauth1(adapter, CONSUMER).signer
    assert (signer.realm, signer.placement, signer.token.key) == ("Schoology API", "header", "")
    assert (signer.body_hash, signer.signature_method.name) == (False, "HMAC-SHA1")


# --- get() and at() ----------------------------------------------------------------------


def test_services_are_got_by_name():
    assert services.names() == ALL
    service = services.get("discogs")
    assert isinstance(service, Service)
    assert (service.name, service.title) == ("discogs", "Discogs")
    assert services.get("discogs") is service


@pytest.mark.parametrize(("name", "hint"), [("discog", "did you mean discogs"), ("nothing-like-it-at-all", "names()")])
def test_a_name_that_is_not_there_is_an_error_with_a_hint(name, hint):
    with pytest.raises(ValueError, match=re.escape(hint)):
        services.get(name)


@pytest.mark.parametrize("account", ["1234567-sb1", "1234567_SB1", "1234567-SB1"])
def test_the_account_of_netsuite_is_written_as_each_place_wants_it(account):
    service = services.get("netsuite").at(account=account)
    assert service.realm == "1234567_SB1"
    assert service.urls["token"] == "https://1234567-sb1.restlets.api.netsuite.com/rest/accesstoken"


@pytest.mark.parametrize(
    "account", ["", "a.b", "a/b", "a b", "a@evil.example", "evil.example/", "a\n", "-a", "a--b", "ä", "{account}"]
)
def test_a_placeholder_cannot_change_the_host(account):
    with pytest.raises(ValueError, match="account"):
        services.get("netsuite").at(account=account)


@pytest.mark.parametrize(
    "base",
    [
        "",
        "shop.example",
        "http://shop.example",
        "https://user@shop.example",
        "https://shop.example/?a=b",
        "https://shop.example/#a",
        "https://shop.example/{base}",
        'https://shop.example/"',
        "https://shop.example/\n",
        "javascript:alert(1)",
    ],
)
def test_a_base_url_is_an_https_url(base):
    with pytest.raises(ValueError, match="base"):
        services.get("jira").endpoints(base=base)


def test_a_slash_at_the_end_of_a_base_url_does_not_count():
    for base in ("https://jira.example/j/", "https://jira.example/j"):
        assert services.get("jira").endpoints(base=base).token.startswith("https://jira.example/j/plugins/")
    assert services.get("jira").endpoints(base="http://127.0.0.1:2990/jira").token.startswith("http://127.0.0.1:2990/")


def test_the_error_names_the_missing_placeholders():
    with pytest.raises(ValueError, match="netsuite: needs account="):
        services.get("netsuite").endpoints()
    with pytest.raises(ValueError, match="netsuite: needs account="):
        services.get("netsuite").client(CONSUMER, TOKEN)
    with pytest.raises(TypeError, match="jira: accepts base= only"):
        services.get("jira").at(base="https://a.example", account="b")
    with pytest.raises(TypeError, match="no placeholder"):
        services.get("discogs").at(base="https://a.example")


def test_a_service_without_endpoints_says_so():
    with pytest.raises(ValueError, match="mastercard: the service has no endpoints"):
        services.get("mastercard").endpoints()


def test_endpoints_come_as_the_flow_takes_them():
    endpoints = services.get("mediawiki").endpoints(wiki="https://meta.wikimedia.org/w")
    assert isinstance(endpoints, flow.Endpoints)
    assert endpoints.authorization_url(CONSUMER, oauth2.Token("t", "s")).startswith("https://meta.wikimedia.org/w/")


# --- options ------------------------------------------------------------------------------


def test_rsa_requires_a_key_and_another_method_refuses_one():
    with pytest.raises(ValueError, match="private_key: must be given, because jira signs with RSA-SHA1"):
        services.get("jira").client(CONSUMER, TOKEN)
    with pytest.raises(ValueError, match="private_key: must not be given, because discogs signs with PLAINTEXT"):
        services.get("discogs").client(CONSUMER, TOKEN, private_key=rsa_key())
    assert services.get("jira").signature_method(rsa_key()).name == "RSA-SHA1"


def test_a_client_takes_another_method_and_what_clients_take():
    method = oauth2.SignatureMethod_HMAC_SHA1()
    client = services.get("discogs").client(CONSUMER, TOKEN, signature_method=method, timeout=7, placement="query")
    assert (client.method, client.timeout, client.placement) == (method, 7, "query")
    assert services.get("discogs").client(CONSUMER, TOKEN).timeout == 30


def test_an_adapter_is_set_up_with_the_same_options():
    made = services.get("lti-outcomes").oauth1(lambda *args, **options: (args, options), CONSUMER, TOKEN, clock="c")
    (args, options) = made
    assert args == (CONSUMER, TOKEN)
    assert sorted(options) == ["body_hash", "clock", "placement", "realm", "signature_method"]
    assert (options["clock"], options["placement"], options["body_hash"]) == ("c", "header", True)
    assert services.get("cardmarket").auth_options()["realm"]("https://a/b?c=d") == "https://a/b"
    method = oauth2.SignatureMethod_HMAC_SHA256()
    assert (
        services.get("x").oauth1(lambda *_, **options: options, CONSUMER, signature_method=method)["signature_method"]
        is method
    )
