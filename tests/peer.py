"""A peer that signs without the code of the package, and a service that the tests attack."""

import base64
import hmac
import itertools
import traceback
from typing import NamedTuple
from urllib.parse import quote

import oauth2
from oauth2._methods import hmac_methods
from oauth2.stores import MemoryStore

FORM = "application/x-www-form-urlencoded"
HOST = "https://api.example"
PHOTOS = f"{HOST}/photos"
NOW = 1_700_000_000

CONSUMER = oauth2.Consumer("client-one", "kd94hf93k423kf44")
OTHER = oauth2.Consumer("client-two", "pq31lx07v553zz18")
TOKEN = oauth2.Token("token-nnch734d00sl2jdk", "pfkkdhi9sl3r4s00")
SECOND = oauth2.Token("token-second-8a7fe2", "xw62mmc9sk10ty47")
OF_OTHER = oauth2.Token("token-of-two-55bd01", "ls82jfh3qq90ab12")
TEMPORARY = oauth2.Token("temporary-hh5s93j4", "hdhd0244k9j7ao03")

HMACS = tuple(hmac_methods())


class Sent(NamedTuple):
    """A request on the wire."""

    method: str
    url: str
    headers: dict
    body: bytes

    def with_header(self, **fields):
        return self._replace(headers={**self.headers, **{name.replace("_", "-"): fields[name] for name in fields}})

    def edited(self, old, new):
        """Return the request with *old* replaced by *new* in the Authorization header."""
        authorization = self.headers["Authorization"]
        assert old in authorization
        return self.with_header(Authorization=authorization.replace(old, new))


def encode(text):
    return quote(text, safe="")


def form_of(pairs):
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in pairs)


def header_of(pairs, realm=None):
    elements = [] if realm is None else [f'realm="{realm}"']
    return "OAuth " + ", ".join(elements + [f'{encode(name)}="{encode(value)}"' for name, value in pairs])


def base_string(method, uri, pairs):
    encoded = sorted((encode(name), encode(value)) for name, value in pairs)
    normalized = "&".join(f"{name}={value}" for name, value in encoded)
    return "&".join(encode(part) for part in (method, uri, normalized))


class Peer:
    """Signs requests, and records the secrets and signatures that no error may contain."""

    def __init__(self):
        self.sensitive = set()
        self._nonces = itertools.count(1)

    def sign(
        self,
        method="GET",
        uri=PHOTOS,
        *,
        query=(),
        form=(),
        header=(),
        consumer=CONSUMER,
        token=TOKEN,
        place="header",
        realm=None,
        name="HMAC-SHA1",
        signer=None,
        body=b"",
        headers=None,
        **protocol,
    ):
        """Build a request with a valid signature.

        Args:
            uri: The base string URI, which is also the URL without *query*.
            query, form, header: Decoded pairs (text or bytes) to send in the query, in the form and in the header.
            signer: A function that takes the base string and returns the signature. By default, *name* selects HMAC or
                PLAINTEXT.
            protocol: Values that replace the usual values of protocol parameters. The names have no prefix ``oauth_``;
                None omits the parameter.
        """
        said = {
            "consumer_key": consumer.key,
            "token": token.key if token else None,
            "signature_method": name,
            "timestamp": str(NOW),
            "nonce": f"nonce-{next(self._nonces)}",
            "version": "1.0",
            **protocol,
        }
        own = [(f"oauth_{key}", value) for key, value in said.items() if value is not None]
        text = base_string(method, uri, [*query, *form, *header, *own])
        key = f"{encode(consumer.secret)}&{encode(token.secret) if token else ''}"
        if signer is not None:
            signature = signer(text)
        elif name == "PLAINTEXT":
            signature = key
        else:
            digest = name.removeprefix("HMAC-").lower()
            signature = base64.b64encode(hmac.digest(key.encode(), text.encode(), digest)).decode()
        self.sensitive |= {signature, text, key, *([token.key, token.secret] if token else [])} - {"", "&"}
        own.append(("oauth_signature", signature))

        fields = dict(headers or {})
        query, form = list(query), list(form)
        if place == "header":
            fields["Authorization"] = header_of([*header, *own], realm)
        else:
            (query if place == "query" else form).extend(own)
        if form:
            fields.setdefault("Content-Type", FORM)
            body = form_of(form).encode()
        return Sent(method, f"{uri}?{form_of(query)}" if query else uri, fields, body)


class Service:
    """A protected resource: it looks up the credentials and verifies the request."""

    def __init__(self, store=None, *, methods=HMACS, consumers=(), tokens=(), now=lambda: NOW, **options):
        self.store = MemoryStore() if store is None else store
        self.server = oauth2.Server(nonce_store=self.store, now=now, **options)
        for method in methods:
            self.server.add_signature_method(method)
        self.consumers = {consumer.key: consumer for consumer in (CONSUMER, OTHER, *consumers)}
        # A token is valid only for the consumer that it was issued to.
        bound = [(CONSUMER, TOKEN), (CONSUMER, SECOND), (OTHER, OF_OTHER), *tokens]
        self.tokens = {(consumer.key, token.key): token for consumer, token in bound}

    def __call__(self, method, url, headers, body=b""):
        request = oauth2.Request.from_request(method, url, headers, body=body)
        return self.verify(request)

    def verify(self, request):
        key = None if request is None else request.get("oauth_consumer_key")
        consumer = self.consumers.get(key)
        token = None if request is None else self.tokens.get((key, request.get("oauth_token")))
        return self.server.verify_request(request, consumer, token)


def what_is_shown(error):
    """Return all texts of an error and of its causes that a log or a crash report may show."""
    shown = "".join(traceback.format_exception(error))
    current = error
    while current is not None:
        shown += f"\n{current}\n{current!r}\n{current.args!r}"
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return shown
