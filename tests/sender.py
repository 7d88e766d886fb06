"""A sender that signs with separate code, and makes the mistakes that its hooks define."""

import base64
import hashlib
import hmac
import json
import random
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from oauth2 import Consumer, Token
from oauth2.http import HTTPRequest

CONSUMER = Consumer("key/1", "con+sumer secret&1")
TOKEN = Token("tok~1", "to/ken=secret 2")
FORM = "application/x-www-form-urlencoded"
# Blanks, reserved characters, UTF-8, repeated names, empty values, line ends, brackets, other Unicode forms.
PAIRS = [
    ("q", "a b+c~d"),
    ("name", "Zo\u00eb (x)!*'"),
    ("tag", "z"),
    ("tag", "B"),
    ("empty", ""),
    ("a-b", "1"),
    ("a", "2,3:/@$"),
    ("text", "one\r\ntwo"),
    ("lines", "1\n2"),
    ("list[0]", "x"),
    ("more[]", "y"),
    ("%41", "%2541"),
    ("\u00e9", "1"),
    ("Z", "%3D"),
    ("trim", " t "),
    ("nfd", "e\u0301"),
    ("deep[k][l]", "w"),
]
TIMESTAMP = 1_700_000_000
HASHES = {"SHA1": hashes.SHA1, "SHA256": hashes.SHA256, "SHA512": hashes.SHA512}


@cache
def keys():
    """Return two RSA keys."""
    return [rsa.generate_private_key(65537, 2048) for _ in range(2)]


def private_key(number=0):
    return keys()[number]


def enc(text):
    return quote(text, safe="-._~")


def same(value):
    return value


@dataclass
class Sender:
    """The request to send; the hooks of ``send()`` change how the request is signed."""

    method: str = "GET"
    uri: str = "https://api.example:8443/v1/photos%20x/'a'"
    query: list = field(default_factory=list)
    form: list | None = None
    body: bytes | None = None
    content_type: str = ""
    body_hash: str | None = None
    realm: str | None = None
    signature_method: str = "HMAC-SHA1"
    protocol: dict = field(default_factory=dict)
    headers: list = field(default_factory=list)
    consumer: Any = CONSUMER
    token: Any = TOKEN
    placement: str = "header"
    sends_plus: bool = False
    charset: str = "utf-8"
    fragment: str = ""

    def send(self, **hooks):
        """Return the request, signed with the given hooks."""
        how = {name: hooks.pop(name, same) for name in ("pairs", "sort", "sign_method", "sign_uri", "text", "write")}
        value, name, part = hooks.pop("value", enc), hooks.pop("name", enc), hooks.pop("part", enc)
        protocol = self.protocol_parameters()
        places = [("query", one, other or "") for one, other in self.query]
        places += [("form", one, other or "") for one, other in self.form or ()]
        places += [(self.placement, *pair) for pair in protocol.items()]
        signed = how["pairs"](places)
        if how["sort"] is same:
            encoded = sorted((name(one), value(other)) for _, one, other in signed)
        else:
            encoded = how["sort"](signed, name, value)
        normalized = "&".join(f"{one}={other}" for one, other in encoded)
        text = "&".join(map(part, (how["sign_method"](self.method), how["sign_uri"](self.uri), normalized)))
        code = self.code(how["text"](text), hooks)
        assert not hooks, hooks
        if how["write"] is not same:
            signature = how["write"](code)
        else:
            signature = code.decode() if self.signature_method == "PLAINTEXT" else base64.b64encode(code).decode()
        return self.request({**protocol, "oauth_signature": signature})

    def protocol_parameters(self):
        found = {
            "oauth_consumer_key": self.consumer.key,
            "oauth_nonce": "n0nce",
            "oauth_signature_method": self.signature_method,
            "oauth_timestamp": str(TIMESTAMP),
            "oauth_version": "1.0",
            "oauth_token": self.token.key if self.token else None,
            "oauth_body_hash": self.body_hash,
            **self.protocol,
        }
        return {each: text for each, text in found.items() if text is not None}

    def code(self, text, hooks):
        """Return the octets of the signature."""
        secret = hooks.pop("key", f"{enc(self.consumer.secret)}&{enc(self.token.secret) if self.token else ''}")
        digest, sign = hooks.pop("digest", None), hooks.pop("sign", None)
        kind, _, name = self.signature_method.partition("-")
        if sign is not None:
            return sign(text.encode())
        if kind == "PLAINTEXT":
            return secret.encode()
        if kind == "RSA":
            hashed = HASHES[(digest or name).upper()]()
            return private_key().sign(text.encode("utf-8", "surrogateescape"), padding.PKCS1v15(), hashed)
        return hmac.new(secret.encode(), text.encode("utf-8", "surrogateescape"), digest or name.lower()).digest()

    def request(self, protocol):
        query, form, headers = list(self.query), None if self.form is None else list(self.form), list(self.headers)
        if self.placement == "header":
            realm = [] if self.realm is None else [f'realm="{self.realm}"']
            written = ", ".join(realm + [f'{enc(one)}="{enc(other)}"' for one, other in protocol.items()])
            headers.insert(0, ("Authorization", f"OAuth {written}"))
        else:
            (query if self.placement == "query" else form).extend(protocol.items())
        if self.content_type:
            headers.append(("Content-Type", self.content_type))
        body = self.written(form).encode() if form is not None else self.body or b""
        url = self.uri + ("?" + self.written(query) if query else "") + self.fragment
        return HTTPRequest(self.method, url, headers, body)

    def written(self, pairs):
        def escaped(text):
            return quote(text.encode(self.charset, "replace"), safe="-._~")

        text = "&".join(escaped(one) + ("" if other is None else f"={escaped(other)}") for one, other in pairs)
        return text.replace("%20", "+") if self.sends_plus else text


def get(**fields):
    return Sender(**{"query": PAIRS, **fields})


def post(**fields):
    return Sender(**{"method": "POST", "form": PAIRS, "content_type": FORM, **fields})


BODY = json.dumps({"title": "Sea", "size": {"w": 1}, "tags": ["a", "b"], "on": True}).encode()


def hash_of(body, name="sha1"):
    return base64.b64encode(hashlib.new(name, body).digest()).decode()


def post_json(**fields):
    usual = {"method": "POST", "query": PAIRS, "body": BODY, "content_type": "application/json"}
    return Sender(**{**usual, "body_hash": hash_of(BODY), **fields})


SHAPES = {"get": get, "form": post, "json": post_json}
_ALPHABET = "abcXYZ019 -._~!*'()+&=%/?#:;,@$[]\"\\<>|\u00e9\u20ac\U0001f600\n\t"
METHODS = ("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "PLAINTEXT")


def random_text(random, least=0, most=12):
    return "".join(random.choice(_ALPHABET) for _ in range(random.randint(least, most)))


def random_sender(seed, signature_methods=METHODS):
    """Return a sender that sends a random request and makes no mistake."""
    draw = random.Random(seed)
    kind = draw.choice(["get", "form", "json", "plain"])
    pairs = [(random_text(draw, 1), random_text(draw)) for _ in range(draw.randint(0, 12))]
    named = [(name, value) for name, value in pairs if not name.startswith("oauth_")]
    path = draw.choice(["/", "/a", "/a/b/", "/caf%C3%A9/(x)'", "/a%2Fb//c", "/~me;v=1"])
    uri = (
        draw.choice(["http://", "https://"]) + draw.choice(["api.example", "127.0.0.1:8080", "www.x.example:81"]) + path
    )
    consumer = Consumer(random_text(draw, 1), random_text(draw, 1), public_key=private_key().public_key())
    token = draw.choice([None, Token(random_text(draw, 1), random_text(draw))])
    signature_method = draw.choice(signature_methods)
    if signature_method == "PLAINTEXT":
        uri = uri.replace("http:", "https:")
    fields = {
        "uri": uri,
        "query": named,
        "consumer": consumer,
        "token": token,
        "signature_method": signature_method,
        "placement": draw.choice(["header", "query"]),
        "sends_plus": draw.random() < 0.3,
    }
    if fields["placement"] == "header":
        fields["realm"] = draw.choice([None, "", "Photos"])
    if kind == "form":
        form = [(random_text(draw, 1), random_text(draw)) for _ in range(draw.randint(0, 6))]
        placement = draw.choice(["header", "query", "form"])
        method = draw.choice(["POST", "PUT", "DELETE", "PATCH"])
        content_type = draw.choice([FORM, f"{FORM}; charset=UTF-8", FORM.title()])
        fields |= {"form": form, "method": method, "content_type": content_type, "placement": placement}
    elif kind == "json":
        body = json.dumps(dict(pairs)).encode()
        digest = {"256": "sha256", "512": "sha512"}.get(signature_method[-3:], "sha1")
        given = draw.choice([None, hash_of(body, digest)])
        fields |= {"method": "POST", "body": body, "content_type": "application/json", "body_hash": given}
    elif kind == "plain":
        fields |= {"method": draw.choice(["GET", "HEAD", "DELETE", "OPTIONS"])}
    protocol = {
        "oauth_nonce": random_text(draw, 1),
        "oauth_version": draw.choice(["1.0", None]),
        "oauth_callback": draw.choice([None, "oob", "https://printer.example/ready?a=b c"]),
        "oauth_token": "" if token is None and draw.random() < 0.3 else None if token is None else token.key,
    }
    return Sender(protocol=protocol, **fields)
