"""A service that records each request, and verifies its signature with oauthlib."""

import base64
import hashlib
from urllib.parse import parse_qsl

from callers import CONSUMER, TOKEN
from loopback import Answer, Loopback
from oauthlib.oauth1 import RequestValidator, ResourceEndpoint

from oauth2._sending.signer import BODY, HEADER, QUERY
from oauth2.parameters import parse_authorization_header


class Validator(RequestValidator):
    """Knows one consumer and one token, and accepts each nonce once."""

    enforce_ssl = False
    dummy_client = dummy_access_token = "dummy"

    def __init__(self):
        self.used = set()

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request, **tokens):
        new = nonce not in self.used
        self.used.add(nonce)
        return new

    def validate_client_key(self, client_key, request):
        return client_key == CONSUMER.key

    def validate_access_token(self, client_key, token, request):
        return token == TOKEN.key

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return True

    def get_client_secret(self, client_key, request):
        return CONSUMER.secret

    def get_access_token_secret(self, client_key, token, request):
        return TOKEN.secret


class Verifying(Loopback):
    """Answers 401 to signed requests that oauthlib refuses; unsigned requests are not checked."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.endpoint = ResourceEndpoint(Validator())

    def answer(self, received):
        if is_signed(received):
            # The service takes its host name from the Host header, as a virtual host does.
            url = f"{received.origin.partition('://')[0]}://{received.header('Host')}{received.target}"
            headers = {name: value for name, value in received.headers if not is_another_scheme(name, value)}
            call = url, received.method, received.body.decode("latin-1"), headers
            accepted, _ = self.endpoint.validate_protected_resource_request(*call)
            if not accepted:
                self.requests.append(received)
                return Answer(401, body=b"refused")
        return super().answer(received)


def is_another_scheme(name, value):
    # oauthlib raises ValueError for an Authorization header of another scheme.
    return name.lower() == "authorization" and not value.lower().startswith("oauth ")


def is_signed(received):
    return "oauth_" in f"{received.target} {received.headers} {received.body!r}"


def places(received):
    found = set()
    if (received.header("Authorization") or "").startswith("OAuth "):
        found.add(HEADER)
    if "oauth_" in received.query:
        found.add(QUERY)
    if b"oauth_" in received.body:
        found.add(BODY)
    return found


def own_pairs(form):
    return [pair for pair in parse_qsl(form, keep_blank_values=True) if not pair[0].startswith("oauth_")]


def header_of(received):
    return dict(parse_authorization_header(received.header("Authorization")))


def nonce_of(received):
    return received.request()["oauth_nonce"]


def assert_hashed(received):
    assert header_of(received)["oauth_body_hash"] == base64.b64encode(hashlib.sha1(received.body).digest()).decode()


def assert_no_credentials(received):
    everything = f"{received.target} {received.headers} {received.body!r}".lower()
    for secret in ("authorization", "oauth", "x_auth", "secret", "hush"):
        assert secret not in everything
