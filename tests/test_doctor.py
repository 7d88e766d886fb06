"""The doctor names the mistake that a signature proves, and finds no mistake in a correct request."""

import base64
import hashlib
import hmac
import itertools
import random
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from sender import (
    BODY,
    CONSUMER,
    FORM,
    PAIRS,
    SHAPES,
    TIMESTAMP,
    TOKEN,
    Sender,
    enc,
    get,
    post,
    private_key,
    random_sender,
)

from oauth2 import Consumer, Token
from oauth2.doctor import MISTAKES, diagnose
from oauth2.http import HTTPRequest

pytestmark = pytest.mark.slow

C, T = enc(CONSUMER.secret), enc(TOKEN.secret)
WITH_RSA = Consumer(CONSUMER.key, CONSUMER.secret, public_key=private_key().public_key())
OTHER = Consumer("other", "another consumer's secret", public_key=private_key(1).public_key())
OTHER_TOKEN = Token("other-token", "another token's secret")
ALL = ("get", "form", "json")
QUERY = ("get", "json")


def only(test):
    return lambda places: [each for each in places if test(*each)]


def without(*names):
    return only(lambda place, name, value: name not in names)


def values(how, test=lambda place, name: True):
    return lambda places: [(place, name, how(value) if test(place, name) else value) for place, name, value in places]


def renamed(old, new):
    return lambda places: [(place, name.replace(old, new), value) for place, name, value in places]


def plus(*added):
    return lambda places: [*places, *[("body", name, value) for name, value in added]]


def collapsed(last):
    def pairs(places):
        found = {}
        for place, name, value in places:
            if last or name not in found:
                found[name] = (place, name, value)
        return list(found.values())

    return pairs


def both(how):
    return {"name": how, "value": how}


def leaving(characters):
    def how(text):
        text = enc(text)
        for each in characters:
            text = text.replace(enc(each), each)
        return text

    return how


def replacing(*pairs):
    def how(text):
        text = enc(text)
        for old, new in pairs:
            text = text.replace(old, new)
        return text

    return how


def lower(text):
    pieces = enc(text).split("%")
    return "%".join([pieces[0], *[each[:2].lower() + each[2:] for each in pieces[1:]]])


def in_charset(charset):
    return lambda text: quote(text.encode(charset, "replace"), safe="-._~")


def sorted_by(order, place=None):
    def sort(places, name, value):
        encoded = [(each[0], (name(each[1]), value(each[2]))) for each in order(places)]
        return [pair for _, pair in encoded]

    return sort


def uri(old, new):
    return {"sign_uri": lambda text: text.replace(old, new)}


def is_header(each):
    return each[0] == "header"


@dataclass
class Case:
    """A mistake: the key of the finding, the request, and the hooks that make the mistake while signing."""

    key: str
    shapes: tuple = ALL
    hooks: dict = field(default_factory=dict)
    fields: dict = field(default_factory=dict)
    known: tuple = ()
    consumer: object = CONSUMER

    def send(self, shape):
        return SHAPES[shape](**self.fields).send(**self.hooks)

    def diagnose(self, shape):
        token = self.fields.get("token", TOKEN)
        return diagnose(self.send(shape), self.consumer, token, known=self.known, now=TIMESTAMP)


def case(finding, shapes=ALL, fields=None, known=(), consumer=CONSUMER, **hooks):
    return Case(finding, shapes, hooks, fields or {}, known, consumer)


CALLBACK = {"protocol": {"oauth_callback": "https://printer.example/ready?a=b c%20d", "oauth_verifier": "v1"}}
NO_TOKEN = {"token": None, "protocol": {"oauth_token": None}}
NESTED = ("size[w]", "1"), ("tags[0]", "a"), ("tags[1]", "b")

PARAMETERS = [
    case("query-not-signed", QUERY, pairs=only(lambda place, name, value: place != "query")),
    case("query-signed-twice", QUERY, pairs=lambda places: places + [each for each in places if each[0] == "query"]),
    case("form-not-signed", ("form",), pairs=only(lambda place, name, value: place != "form")),
    case("form-not-signed", ("form",), {"method": "PUT"}, pairs=only(lambda place, name, value: place != "form")),
    case("form-not-signed", ("form",), {"method": "DELETE"}, pairs=only(lambda place, name, value: place != "form")),
    case(
        "form-not-signed",
        ("form",),
        {"content_type": f"{FORM}; charset=utf-8"},
        pairs=only(lambda place, name, value: place != "form"),
    ),
    case("form-signed-twice", ("form",), pairs=lambda places: places + [each for each in places if each[0] == "form"]),
    case("json-signed", ("json",), pairs=plus(("title", "Sea"), *NESTED, ("on", "true"))),
    case(
        "json-signed",
        ("json",),
        pairs=plus(("title", "Sea"), ("on", "True"), ("size.w", "1"), ("tags.0", "a"), ("tags.1", "b")),
    ),
    case("json-signed", ("json",), pairs=plus(("title", "Sea"), ("on", "true"))),
    *[
        case("json-signed", ("json",), pairs=plus(("title", "Sea"), *more))
        for more in (
            [("size[w]", "1"), ("tags[]", "a"), ("tags[]", "b"), ("on", "true")],
            [("size[w]", "1"), ("tags", "a"), ("tags", "b"), ("on", "true")],
            [("size[w]", "1"), ("tags[0]", "a"), ("tags[1]", "b"), ("on", "1")],
            [("size", '{"w": 1}'), ("tags", '["a", "b"]'), ("on", "true")],
            [("size", "[object Object]"), ("tags", "a,b"), ("on", "true")],
        )
    ],
    *[
        case(
            f"{place}-signed-twice",
            (shape,),
            {"placement": place},
            pairs=lambda places: places + [each for each in places if not each[1].startswith("oauth_")],
        )
        for place, shape in (("query", "get"), ("form", "form"))
    ],
    case(
        "duplicates-to-last",
        ("form",),
        {"query": [("q", "of the query"), ("page", "1")]},
        pairs=only(lambda place, name, value: (place, name) != ("query", "q")),
    ),
    case(
        "duplicates-to-first",
        ("form",),
        {"query": [("q", "of the query")]},
        pairs=only(lambda place, name, value: (place, name) != ("form", "q")),
    ),
    case(
        "duplicates-joined",
        pairs=lambda places: [each for each in places if each[1] != "tag"] + [("query", "tag", "z, B")],
    ),
    case("array-keys-lost", pairs=renamed("more[]", "more")),
    case(
        "json-signed",
        ("json",),
        pairs=plus(("title", "Sea"), ("on", "true"), ("size", '{"w":1}'), ("tags", '["a","b"]')),
    ),
    case("body-signed", ("json",), pairs=plus((BODY.decode(), ""))),
    case("duplicates-to-first", pairs=collapsed(False)),
    case("duplicates-to-last", pairs=collapsed(True)),
    case(
        "duplicates-joined",
        pairs=lambda places: [each for each in places if each[1] != "tag"] + [("query", "tag", "z,B")],
    ),
    case("duplicates-to-last", ("form",), {"query": [("q", "of the query")]}, pairs=collapsed(True)),
    case("duplicates-to-first", ("form",), {"query": [("q", "of the query")]}, pairs=collapsed(False)),
    case(
        "equal-pairs-to-one",
        QUERY,
        {"query": [*PAIRS, ("q", "a b+c~d")]},
        pairs=lambda places: list(dict.fromkeys(places)),
    ),
    case("blank-values-dropped", pairs=only(lambda place, name, value: value)),
    case("names-without-equals-dropped", QUERY, {"query": [*PAIRS, ("flag", None)]}, pairs=without("flag")),
    case("empty-without-equals", text=lambda text: text.replace("empty%3D", "empty")),
    case("parameter-not-signed", pairs=without("q")),
    case("parameter-not-signed", pairs=without("oauth_nonce")),
    case(
        "only-protocol-signed",
        pairs=only(lambda place, name, value: name.startswith("oauth_")),
        fields={"query": PAIRS},
        shapes=("form",),
    ),
    case("fragment-signed", fields={"fragment": "#/list?page=2"}, pairs=plus(("page", "2"))),
    case("header-not-signed", pairs=only(lambda place, name, value: place != "header")),
    case("header-signed-twice", pairs=lambda places: places + [each for each in places if each[0] == "header"]),
    case("realm-signed", fields={"realm": "Photos"}, pairs=plus(("realm", "Photos"))),
    case("oauth-signature-signed", pairs=plus(("oauth_signature", ""))),
    case("oauth-version-not-signed", pairs=without("oauth_version")),
    case("oauth-token-not-signed", pairs=without("oauth_token")),
    case(
        "oauth-token-not-signed", fields={"token": None, "protocol": {"oauth_token": ""}}, pairs=without("oauth_token")
    ),
    case("oauth-token-signed-not-sent", fields=NO_TOKEN, pairs=plus(("oauth_token", ""))),
    case(
        "oauth-version-signed-not-sent",
        fields={"protocol": {"oauth_version": None}},
        pairs=plus(("oauth_version", "1.0")),
    ),
    case("oauth-callback-signed-not-sent", fields=NO_TOKEN, pairs=plus(("oauth_callback", "oob"))),
    case("oauth-verifier-signed-not-sent", pairs=plus(("oauth_verifier", ""))),
    case("oauth-callback-not-signed", fields=CALLBACK, pairs=without("oauth_callback")),
    case("oauth-verifier-not-signed", fields=CALLBACK, pairs=without("oauth_verifier")),
    case("oauth-body-hash-not-signed", ("json",), pairs=without("oauth_body_hash")),
    case("array-indices-added", pairs=renamed("more[]", "more[0]")),
    case(
        "array-indices-added",
        pairs=lambda places: [
            (p, {"z": "tag[0]", "B": "tag[1]"}.get(v, n) if n == "tag" else n, v) for p, n, v in places
        ],
    ),
    case("array-brackets-added", pairs=lambda places: [(p, "tag[]" if n == "tag" else n, v) for p, n, v in places]),
    case(
        "array-indices-removed",
        pairs=lambda places: [(p, n.replace("[0]", "[]").replace("[l]", "[]"), v) for p, n, v in places],
    ),
    case("array-keys-lost", pairs=lambda places: [(p, n.partition("[")[0], v) for p, n, v in places]),
    case(
        "array-dots",
        pairs=lambda places: [
            (p, n.replace("[0]", ".0").replace("[k]", ".k").replace("[l]", ".l"), v) for p, n, v in places
        ],
    ),
    case(
        "array-as-text",
        pairs=lambda places: [(p, n.partition("[")[0], "[object Object]" if "[" in n else v) for p, n, v in places],
    ),
    case(
        "array-as-text",
        pairs=lambda places: [(p, n.partition("[")[0], "Array" if "[" in n else v) for p, n, v in places],
    ),
    case("arrays-not-signed", pairs=only(lambda place, name, value: "[" not in name)),
]

ENCODING = [
    case("encoded-twice", **both(lambda text: enc(enc(text)))),
    case("values-encoded-twice", value=lambda text: enc(enc(text))),
    case("query-encoded-twice", QUERY, pairs=values(enc, lambda place, name: place == "query")),
    case("form-encoded-twice", ("form",), pairs=values(enc, lambda place, name: place == "form")),
    case("header-encoded-twice", pairs=values(enc, lambda place, name: place == "header")),
    case(
        "query-signed-as-sent",
        QUERY,
        {"sends_plus": True},
        pairs=values(lambda text: enc(text).replace("%20", "+"), lambda place, name: place == "query"),
    ),
    case(
        "form-signed-as-sent",
        ("form",),
        {"sends_plus": True},
        pairs=values(lambda text: enc(text).replace("%20", "+"), lambda place, name: place == "form"),
    ),
    case(
        "oauth-callback-encoded-twice", fields=CALLBACK, pairs=values(enc, lambda place, name: name == "oauth_callback")
    ),
    case(
        "oauth-callback-decoded-twice",
        fields=CALLBACK,
        pairs=values(unquote, lambda place, name: name == "oauth_callback"),
    ),
    case("values-not-encoded", value=str),
    case("names-not-encoded", name=str),
    case("parameters-not-encoded", **both(str)),
    case("characters-not-encoded", **both(leaving("!*'()"))),
    case("characters-not-encoded", **both(leaving(",:/@$"))),
    case("characters-not-encoded", **both(leaving("+"))),
    case("characters-not-encoded", **both(leaving("!*'()")), part=leaving("!*'()")),
    case("characters-not-encoded", part=leaving("!*'()")),
    case("characters-not-encoded", **both(leaving("@$"))),
    case(
        "characters-not-encoded", **both(lambda text: "".join(enc(each) if each.isascii() else each for each in text))
    ),
    case("form-encoder", **both(replacing(("%20", "+"), ("~", "%7E")))),
    case(
        "form-encoder",
        **both(replacing(("%20", "+"), ("%2A", "*"), ("~", "%7E"))),
        part=replacing(("%20", "+"), ("%2A", "*"), ("~", "%7E")),
    ),
    case("lower-case-escapes", part=lower),
    case(
        "query-encoded-twice",
        QUERY,
        pairs=lambda places: [(p, enc(n), enc(v)) if p == "query" else (p, n, v) for p, n, v in places],
    ),
    case(
        "form-encoded-twice",
        ("form",),
        pairs=lambda places: [(p, enc(n), enc(v)) if p == "form" else (p, n, v) for p, n, v in places],
    ),
    case("decoded-twice", pairs=lambda places: [(p, unquote(n), unquote(v)) for p, n, v in places]),
    case("other-charset", **both(in_charset("ascii"))),
    *[
        case(
            "form-in-other-charset",
            ("form",),
            {"charset": charset, "form": [("name", name)], "content_type": f"{FORM}; charset={charset}"},
        )
        for charset, name in (("Shift_JIS", "\u65e5\u672c"), ("windows-1251", "\u041f\u0440\u0438"))
    ],
    case(
        "not-sorted", sort=sorted_by(lambda places: sorted(places, key=lambda e: (not is_header(e), *map(enc, e[1:]))))
    ),
    case("not-sorted", sort=sorted_by(lambda places: sorted(places, key=lambda e: (is_header(e), *map(enc, e[1:]))))),
    case("space-as-plus", **both(replacing(("%20", "+")))),
    case("space-as-plus", **both(replacing(("%20", "+"))), part=replacing(("%20", "+"))),
    case(
        "plus-read-literally",
        QUERY,
        {"sends_plus": True},
        pairs=values(lambda text: text.replace(" ", "+"), lambda place, name: place == "query"),
    ),
    case(
        "plus-read-literally",
        ("form",),
        {"sends_plus": True},
        pairs=values(lambda text: text.replace(" ", "+"), lambda place, name: place == "form"),
    ),
    case("tilde-encoded", **both(replacing(("~", "%7E")))),
    case("lower-case-escapes", **both(lower)),
    case("lower-case-escapes", **both(lower), part=lower),
    case("form-encoder", **both(replacing(("%20", "+"), ("%2A", "*"), ("~", "%7E")))),
    case("decoded-twice", pairs=values(unquote)),
    case("utf-8-as-latin-1", pairs=values(lambda text: text.encode().decode("latin-1"))),
    case("other-charset", **both(in_charset("cp1252"))),
    case("other-charset", **both(in_charset("latin-1"))),
    case(
        "form-in-other-charset",
        ("form",),
        {
            "charset": "latin-1",
            "form": [("name", "Zo\u00eb"), ("\u00e9", "1")],
            "content_type": f"{FORM}; charset=ISO-8859-1",
        },
    ),
    case("form-in-other-charset", QUERY, {"charset": "cp1252", "query": [("name", "\u20ac Zo\u00eb")]}),
    case("crlf-as-lf", pairs=values(lambda text: text.replace("\r\n", "\n"))),
    case("lf-as-crlf", pairs=values(lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n"))),
    case("values-trimmed", pairs=values(str.strip)),
    case("unicode-form", pairs=values(lambda text: text.replace("e\u0301", "\u00e9"))),
    case("not-sorted", sort=sorted_by(lambda places: sorted(places, key=lambda each: each[0] != "header"))),
    case("not-sorted", sort=sorted_by(list)),
    case("sorted-before-encoding", sort=sorted_by(lambda places: sorted(places, key=lambda each: each[1:]))),
    case(
        "sorted-as-joined-text",
        sort=lambda places, name, value: [
            each.split("=", 1) for each in sorted(f"{name(n)}={value(v)}" for _, n, v in places)
        ],
    ),
    case(
        "sorted-by-name-only",
        sort=lambda places, name, value: [
            (name(n), value(v)) for _, n, v in sorted(places, key=lambda each: name(each[1]))
        ],
    ),
    case(
        "sorted-ignoring-case",
        sort=sorted_by(lambda places: sorted(places, key=lambda each: (each[1].lower(), each[2].lower()))),
    ),
    case(
        "parameters-not-encoded-again", text=lambda text: "&".join([*text.split("&")[:2], unquote(text.split("&")[2])])
    ),
    case(
        "uri-not-encoded",
        text=lambda text: "&".join([text.split("&")[0], unquote(text.split("&")[1]), text.split("&")[2]]),
    ),
    case("base-string-not-encoded", part=str),
]

URIS = [
    case("scheme", **uri("https:", "http:")),
    case("www", **uri("//api", "//www.api")),
    case("www", fields={"uri": "https://www.x.example/"}, **uri("www.", "")),
    case("internal-host", **uri("api.example:8443", "localhost")),
    case("internal-host", **uri("api.example:8443", "127.0.0.1:8443")),
    case("host", fields={"headers": [("Host", "public.example")]}),
    case(
        "forwarded-host",
        fields={"headers": [("X-Forwarded-Host", "public.example, proxy.example")]},
        **uri("api.example:8443", "public.example"),
    ),
    case("host-case", fields={"uri": "https://API.example/a", "headers": [("Host", "api.example")]}),
    case("port-lost", **uri(":8443", "")),
    case("other-port", **uri(":8443", ":8080")),
    case("other-port", fields={"headers": [("X-Forwarded-Port", "9999")]}, **uri(":8443", ":9999")),
    case("default-port-kept", fields={"uri": "https://api.example/a"}, **uri("example", "example:443")),
    case("default-port-kept", fields={"uri": "http://api.example/a"}, **uri("example", "example:80")),
    case("trailing-slash", sign_uri=lambda text: f"{text}/"),
    case("trailing-slash", fields={"uri": "https://api.example/a/"}, sign_uri=lambda text: text[:-1]),
    case("empty-path", fields={"uri": "https://api.example/"}, sign_uri=lambda text: text[:-1]),
    case("path-decoded", sign_uri=unquote),
    case("path-encoded-again", **uri("%20", "%2520")),
    case("path-encoded", **uri("'", "%27")),
    case("path-escape-case", fields={"uri": "https://api.example/caf%C3%A9"}, **uri("%C3%A9", "%c3%a9")),
    case("path-case", fields={"uri": "https://api.example/Photos"}, **uri("Photos", "photos")),
    case("path-slashes", fields={"uri": "https://api.example//a//b"}, sign_uri=lambda text: "https://api.example/a/b"),
    case(
        "path-dot-segments",
        fields={"uri": "https://api.example/a/../b/"},
        sign_uri=lambda text: "https://api.example/b/",
    ),
    case("path-prefix", **uri("/v1", "")),
    case("path-prefix", fields={"headers": [("X-Forwarded-Prefix", "/gateway/")]}, **uri("/v1", "/gateway/v1")),
    case(
        "path-rewritten",
        fields={"headers": [("X-Original-URL", "/public?page=1")]},
        sign_uri=lambda text: "https://api.example:8443/public",
    ),
    case("query-in-uri", QUERY, sign_uri=lambda text: f"{text}?{Sender().written(PAIRS)}"),
    case("question-mark-in-uri", QUERY, sign_uri=lambda text: f"{text}?"),
    case("fragment-in-uri", fields={"fragment": "#top"}, sign_uri=lambda text: f"{text}#top"),
    case("method", sign_method=lambda method: "PUT"),
    case("method-in-lower-case", sign_method=str.lower),
    case(
        "method-override", fields={"headers": [("X-HTTP-Method-Override", "PATCH")]}, sign_method=lambda method: "PATCH"
    ),
]

KEYS = [
    case("token-secret-left-out", key=f"{C}&"),
    case("consumer-secret-left-out", key=f"&{T}"),
    case("ampersand-left-out", key=f"{C}{T}"),
    case("ampersand-left-out", key=C),
    case("token-secret-left-out", key=f"{C}&undefined"),
    case("secrets-swapped", key=f"{T}&{C}"),
    case("secrets-not-encoded", key=f"{CONSUMER.secret}{TOKEN.secret}"),
    case("secrets-not-encoded", key=f"{C}&{T}".replace("%20", "+")),
    case("secrets-not-encoded", key=f"{lower(CONSUMER.secret)}&{lower(TOKEN.secret)}"),
    case("secret-with-whitespace", key=f"{C}&{T}\r\n"),
    case("secret-repeated", key=f"{C}&{C}"),
    case("secrets-not-encoded", key=f"{CONSUMER.secret}&{TOKEN.secret}"),
    case("secrets-not-encoded", key=f"{CONSUMER.secret}&{T}"),
    case("secrets-encoded-twice", key=f"{enc(C)}&{enc(T)}"),
    case("key-encoded", key=f"{C}%26{T}"),
    case("secret-with-whitespace", key=f"{enc(CONSUMER.secret + chr(10))}&{T}"),
    case("secret-with-whitespace", key=f"{C}&{enc(TOKEN.secret + ' ')}"),
    case("secret-with-whitespace", key=f"{CONSUMER.secret}&{TOKEN.secret}\r\n"),
    case("secret-with-whitespace", consumer=Consumer(CONSUMER.key, f"{CONSUMER.secret}\n")),
    case("secret-case", key=f"{enc(CONSUMER.secret.upper())}&{enc(TOKEN.secret.upper())}"),
    case("secret-decoded", key=f"{C}&{enc('to/ken')}", fields={"token": Token("tok~1", "to%2fken")}),
    case("secrets-empty", key="&"),
    case("secrets-empty", key=""),
    case("other-token", known=(OTHER_TOKEN,), key=f"{C}&{enc(OTHER_TOKEN.secret)}"),
    case("other-consumer", known=(OTHER,), key=f"{enc(OTHER.secret)}&{T}"),
    case("other-credentials", known=(OTHER, OTHER_TOKEN), key=f"{enc(OTHER.secret)}&{enc(OTHER_TOKEN.secret)}"),
]


def b64(octets):
    return base64.b64encode(octets).decode()


SIGNATURES = [
    case("other-hash", digest="sha256"),
    case("other-hash", fields={"signature_method": "HMAC-SHA256", "body_hash": None}, digest="sha1"),
    case("other-hash", fields={"signature_method": "HMAC-SHA512", "body_hash": None}, digest="sha256"),
    case("signature-hex", write=bytes.hex),
    case("signature-hex", write=lambda code: code.hex().upper()),
    case("signature-hex-in-base64", write=lambda code: b64(code.hex().encode())),
    case(
        "signature-url-safe",
        fields={"signature_method": "HMAC-SHA512", "body_hash": None},
        write=lambda code: base64.urlsafe_b64encode(code).decode(),
    ),
    case("signature-with-line-breaks", write=lambda code: base64.encodebytes(code).decode()),
    case(
        "signature-with-line-breaks",
        fields={"signature_method": "HMAC-SHA512", "body_hash": None},
        write=lambda code: base64.encodebytes(code).decode(),
    ),
    case("signature-encoded-twice", write=lambda code: enc(b64(code))),
    case(
        "signature-not-encoded",
        fields={"signature_method": "HMAC-SHA512", "body_hash": None},
        write=lambda code: b64(code).replace("+", " "),
    ),
    case("signature-without-padding", write=lambda code: b64(code).rstrip("=")),
    case(
        "other-method", sign=lambda text: private_key().sign(text, padding.PKCS1v15(), hashes.SHA1()), consumer=WITH_RSA
    ),
    case("other-method", write=lambda code: f"{C}&{T}"),
]

PLAIN = {"signature_method": "PLAINTEXT", "body_hash": None}
PLAINTEXT = [
    case("plaintext-encoded-twice", fields=PLAIN, key=enc(f"{C}&{T}")),
    case("plaintext-not-encoded", fields=PLAIN, key=f"{CONSUMER.secret}&{TOKEN.secret}"),
    case("token-secret-left-out", fields=PLAIN, key=f"{C}&"),
    case("ampersand-left-out", fields=PLAIN, key=f"{C}{T}"),
    case("secrets-swapped", fields=PLAIN, key=f"{T}&{C}"),
    case("other-token", fields=PLAIN, known=(OTHER_TOKEN,), key=f"{C}&{enc(OTHER_TOKEN.secret)}"),
    case("other-method", fields=PLAIN, sign=lambda text: hmac.digest(f"{C}&{T}".encode(), text, "sha1"), write=b64),
]

RSA = {"signature_method": "RSA-SHA1"}


def signed_with(number=0, scheme=padding.PKCS1v15, hashed=hashes.SHA1, prepare=lambda text: text):
    def sign(text):
        return private_key(number).sign(prepare(text), scheme(), hashed())

    return sign


def signed_raw(text):
    """Sign the digest alone, without the DigestInfo that names the hash algorithm."""
    numbers = private_key().private_numbers()
    digest = hashlib.sha1(text).digest()
    block = b"\0\1" + b"\xff" * (256 - 3 - len(digest)) + b"\0" + digest
    return pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")


def hex_of(text):
    return hashlib.sha1(text).hexdigest().encode()


def pss(name=hashes.SHA1):
    return padding.PSS(padding.MGF1(name()), padding.PSS.DIGEST_LENGTH)


RSAS = [
    case("other-rsa-key", fields=RSA, known=(OTHER,), sign=signed_with(1), write=b64, consumer=WITH_RSA),
    case("other-hash", fields=RSA, digest="sha256", write=b64, consumer=WITH_RSA),
    case("rsa-over-hex-digest", fields=RSA, sign=signed_with(prepare=hex_of), write=b64, consumer=WITH_RSA),
    case("rsa-without-digest-info", fields=RSA, sign=signed_raw, write=b64, consumer=WITH_RSA),
    case("rsa-pss", fields=RSA, sign=signed_with(scheme=pss), write=b64, consumer=WITH_RSA),
    case("signature-hex", fields=RSA, write=bytes.hex, consumer=WITH_RSA),
    case("query-not-signed", QUERY, RSA, pairs=only(lambda place, name, value: place != "query"), consumer=WITH_RSA),
    case("scheme", fields=RSA, **uri("https:", "http:"), consumer=WITH_RSA),
    case(
        "other-method",
        fields={**RSA, "body_hash": None},
        sign=lambda text: hmac.digest(f"{C}&{T}".encode(), text, "sha1"),
        write=b64,
        consumer=WITH_RSA,
    ),
]

CASES = [*PARAMETERS, *ENCODING, *URIS, *KEYS, *SIGNATURES, *PLAINTEXT, *RSAS]
EACH = [
    pytest.param(each, shape, id=f"{each.key}-{number}-{shape}")
    for number, each in enumerate(CASES)
    for shape in each.shapes
]


def keys_of(diagnosis):
    return [finding.key for finding in diagnosis.findings]


@pytest.mark.parametrize(("mistake", "shape"), EACH)
def test_a_mistake_is_named_and_proven(mistake, shape):
    diagnosis = mistake.diagnose(shape)
    assert keys_of(diagnosis) == [mistake.key]
    (finding,) = diagnosis.findings
    assert finding.is_proven
    assert finding.repair == MISTAKES[mistake.key].repair
    assert diagnosis.verdict == "mistaken"
    assert not diagnosis.signature_is_right
    assert diagnosis.ruled_out == ()


MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nSea\r\n'
    b'--b\r\nContent-Disposition: form-data; name="photo"; filename="sea.png"\r\n\r\n\x89PNG\r\n--b--\r\n'
)
BODIES = [
    ("multipart-signed", MULTIPART, "multipart/form-data; boundary=b", [("title", "Sea")]),
    ("multipart-file-signed", MULTIPART, 'multipart/form-data; boundary="b"', [("title", "Sea"), ("photo", "sea.png")]),
    ("multipart-file-signed", MULTIPART, "multipart/form-data; boundary=b", [("photo", "sea.png")]),
    ("multipart-file-signed", MULTIPART, "multipart/form-data; boundary=b", [("title", "Sea"), ("photo", "\udc89PNG")]),
    (
        "xml-signed",
        b"<photo id='1'><title>A &amp; B</title><n>2</n></photo>",
        "text/xml",
        [("title", "A & B"), ("n", "2")],
    ),
    ("body-signed", b"a=1&b=2+3", "text/plain", [("a", "1"), ("b", "2 3")]),
    ("body-signed", b"a=1&b=2+3", "", [("a", "1"), ("b", "2 3")]),
    ("body-signed", b"Hello, world", "text/plain", [("Hello, world", "")]),
    ("body-signed", b"<a/>", "application/xml", [("<a/>", "")]),
]


@pytest.mark.parametrize(("key", "body", "content_type", "signed"), BODIES)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_that_is_not_a_form_and_was_signed_is_named(key, body, content_type, signed, method):
    def how(text):
        return quote(text.encode("utf-8", "surrogateescape"), safe="-._~")

    sender = Sender(method=method, query=PAIRS, body=body, content_type=content_type)
    diagnosis = diagnose(sender.send(pairs=plus(*signed), **both(how)), CONSUMER, TOKEN)
    assert keys_of(diagnosis) == [key]


@pytest.mark.parametrize("placement", ["query", "form"])
def test_an_unencoded_plaintext_signature_in_a_query_or_form_is_named(placement):
    sender = post(placement=placement, signature_method="PLAINTEXT")
    sent = sender.send()
    escaped = f"oauth_signature={enc(f'{C}&{T}')}"
    assert escaped in sent.url + sent.body.decode()
    raw = f"oauth_signature={C}&{T}"
    sent = HTTPRequest(
        sent.method, sent.url.replace(escaped, raw), sent.headers, sent.body.replace(escaped.encode(), raw.encode())
    )
    assert keys_of(diagnose(sent, CONSUMER, TOKEN)) == ["plaintext-not-encoded"]


@pytest.mark.parametrize("placement", ["header", "query", "form"])
def test_a_mistake_is_named_wherever_the_protocol_parameters_are(placement):
    sender = post(query=[("page", "1")], placement=placement)
    drop = only(lambda place, name, value: name != "page")
    assert keys_of(diagnose(sender.send(pairs=drop), CONSUMER, TOKEN)) == ["query-not-signed"]


# --- Correct requests


@pytest.mark.parametrize("shape", SHAPES)
def test_no_mistake_is_found_in_a_correct_request(shape):
    diagnosis = diagnose(SHAPES[shape]().send(), CONSUMER, TOKEN, now=TIMESTAMP)
    assert (diagnosis.verdict, diagnosis.findings, diagnosis.tried) == ("right", (), 1)
    assert diagnosis.signature_is_right


def assert_right(seed):
    sender = random_sender(seed)
    diagnosis = diagnose(sender.send(), sender.consumer, sender.token, now=TIMESTAMP)
    assert (diagnosis.verdict, keys_of(diagnosis)) == ("right", []), seed


def test_no_mistake_is_found_in_random_correct_requests():
    for seed in range(300):
        assert_right(seed)


@pytest.mark.heavy
def test_no_mistake_is_found_in_five_hundred_correct_requests():
    for seed in range(1000, 1500):
        assert_right(seed)


def assert_unexplained(seed):
    sender = random_sender(seed, ("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "PLAINTEXT"))
    consumer = Consumer(sender.consumer.key, f"unknown {seed}")
    token = sender.token and Token(sender.token.key, f"unknown, too {seed}")
    diagnosis = diagnose(sender.send(), consumer, token, known=[OTHER, OTHER_TOKEN])
    assert (diagnosis.verdict, keys_of(diagnosis)) == ("unexplained", []), seed
    assert diagnosis.ruled_out


def test_requests_signed_with_unknown_secrets_are_not_explained_by_a_mistake():
    for seed in range(4):
        assert_unexplained(seed)


@pytest.mark.heavy
def test_fifty_requests_signed_with_unknown_secrets_are_not_explained_by_a_mistake():
    for seed in range(1000, 1050):
        assert_unexplained(seed)


def test_a_signature_that_is_not_explained_comes_with_what_was_tried():
    diagnosis = diagnose(get().send(), Consumer(CONSUMER.key, "another"), TOKEN)
    assert (diagnosis.verdict, diagnosis.findings) == ("unexplained", ())
    assert diagnosis.tried > 1000
    tried, _, causes = diagnosis.ruled_out
    assert str(diagnosis.tried) in tried
    assert "every pair" in tried
    assert "wrong secret" in causes
    assert diagnosis.pieces.base_string.startswith("GET&https%3A%2F%2Fapi.example%3A8443%2Fv1%2Fphotos")
    assert diagnosis.pieces.base_string_uri == "https://api.example:8443/v1/photos%20x/'a'"
    assert ("q", "a%20b%2Bc~d") in diagnosis.pieces.parameters


def test_an_rsa_signature_of_an_unknown_key_is_not_explained_by_a_mistake():
    sender = get(signature_method="RSA-SHA256")
    diagnosis = diagnose(sender.send(sign=signed_with(1, hashed=hashes.SHA256), write=b64), WITH_RSA, TOKEN)
    assert (diagnosis.verdict, diagnosis.findings) == ("unexplained", ())
    assert "private key" in diagnosis.ruled_out[0]


def test_an_rsa_signature_without_a_public_key_is_not_called_wrong():
    diagnosis = diagnose(get(signature_method="RSA-SHA1").send(), CONSUMER, TOKEN)
    assert (diagnosis.verdict, diagnosis.findings) == ("unexplained", ())
    assert diagnosis.ruled_out == ("The signature was not checked: no RSA public key of the consumer was given.",)


# --- Two mistakes together

# If PLAINTEXT is used instead of HMAC, a second mistake does not change the signature.
PAIRED = [
    each
    for each in CASES
    if len(each.shapes) == 3
    and each.key != "other-method"
    and not (each.fields or each.known or each.consumer is not CONSUMER)
]


def assert_pairs(count, seed):
    """Test random pairs of mistakes that use different hooks; the doctor must name at least 95 % of them."""
    pairs = [pair for pair in itertools.combinations(PAIRED, 2) if not pair[0].hooks.keys() & pair[1].hooks.keys()]
    missed = []
    draw = random.Random(seed)
    for one, other in draw.sample(pairs, count):
        shape = draw.choice(ALL)
        request = SHAPES[shape]().send(**one.hooks, **other.hooks)
        found = keys_of(diagnose(request, CONSUMER, TOKEN))
        if {one.key, other.key} != set(found):
            missed.append((shape, one.key, other.key, found))
    print(len(missed), *missed, sep="\n")
    assert len(missed) * 20 <= count


def test_two_mistakes_together_are_named():
    assert_pairs(10, 5849)


@pytest.mark.heavy
def test_of_a_hundred_pairs_of_mistakes_ninety_five_percent_are_named():
    assert_pairs(100, 1)


# --- The interface


def test_every_mistake_of_the_catalogue_is_made_by_a_test():
    folder = Path(__file__).parent
    paths = [*folder.glob("test_doctor*.py"), folder / "test_diagnoses.py"]
    tested = "".join(path.read_text(encoding="utf-8") for path in paths)
    assert [key for key in MISTAKES if f'"{key}"' not in tested] == []


def test_every_mistake_has_a_meaning_and_a_repair_in_sentences():
    for mistake in MISTAKES.values():
        assert mistake.meaning.endswith(".")
        assert mistake.repair.endswith(".")


def test_evidence_shows_the_pieces_that_differ():
    (finding,) = diagnose(get().send(**both(replacing(("%20", "+")))), CONSUMER, TOKEN).findings
    assert finding.evidence.piece == "parameters"
    assert "q=a%20b%2Bc~d" in finding.evidence.arrived
    assert "q=a+b%2Bc~d" in finding.evidence.signed
    assert "oauth_nonce" not in finding.evidence.arrived


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("key", TOKEN), "consumer: must have a key and a secret"),
        ((CONSUMER, "token"), "token: must have a key and a secret"),
    ],
)
def test_credentials_must_have_a_key_and_a_secret(arguments, message):
    with pytest.raises(TypeError, match=message):
        diagnose(get().send(), *arguments)


def test_known_credentials_must_have_a_key_and_a_secret():
    with pytest.raises(TypeError, match="known: must have"):
        diagnose(get().send(), CONSUMER, TOKEN, known=["secret"])


def test_the_url_must_be_absolute():
    with pytest.raises(ValueError, match="absolute"):
        diagnose(HTTPRequest("GET", "/photos"), CONSUMER)


def test_a_public_key_must_be_readable():
    with pytest.raises(ValueError, match="public_key"):
        diagnose(get().send(), Consumer("key/1", "secret", public_key=b"none"), TOKEN)
