"""A provider built on oauthlib's endpoints, over loopback HTTP: oauthlib verifies the requests of our clients."""

from urllib.parse import parse_qs, urlencode

from loopback import Answer, Loopback
from oauthlib.oauth1 import RequestValidator, WebApplicationServer

import oauth2
from oauth2.flow import Endpoints

CONSUMER = oauth2.Consumer("printer-of-jane", "printer&secret/1")


class Memory(RequestValidator):
    """Stores all credentials in dicts. ``allowed_signature_methods`` has the accepted signature methods."""

    enforce_ssl = False
    realms = ("photos",)
    allowed_signature_methods = ("HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT")
    dummy_client = dummy_request_token = dummy_access_token = "nobody"

    def __init__(self):
        super().__init__()
        self.temporary = {}
        self.tokens = {}
        self.nonces = set()

    def check_client_key(self, client_key):
        return True

    check_request_token = check_access_token = check_nonce = check_verifier = check_client_key

    def validate_timestamp_and_nonce(
        self, client_key, timestamp, nonce, request, request_token=None, access_token=None
    ):
        claim = (client_key, timestamp, nonce, request_token or access_token)
        is_new = claim not in self.nonces
        self.nonces.add(claim)
        return is_new

    def validate_client_key(self, client_key, request):
        return client_key == CONSUMER.key

    def get_client_secret(self, client_key, request):
        return CONSUMER.secret

    def get_default_realms(self, client_key, request):
        return ["photos"]

    def get_realms(self, token, request):
        return ["photos"]

    def validate_requested_realms(self, client_key, realms, request):
        return True

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return True

    def validate_redirect_uri(self, client_key, redirect_uri, request):
        return redirect_uri == "oob" or redirect_uri.startswith(("http://127.0.0.1:", "http://localhost:", "https://"))

    def save_request_token(self, token, request):
        self.temporary[token["oauth_token"]] = {**token, "callback": request.redirect_uri}

    def validate_request_token(self, client_key, token, request):
        return token in self.temporary

    def get_request_token_secret(self, client_key, token, request):
        return self.temporary.get(token, {}).get("oauth_token_secret", "nobodys")

    def get_redirect_uri(self, token, request):
        return self.temporary[token]["callback"]

    def verify_request_token(self, token, request):
        return token in self.temporary

    def verify_realms(self, token, realms, request):
        return True

    def save_verifier(self, token, verifier, request):
        self.temporary[token]["verifier"] = verifier["oauth_verifier"]

    def validate_verifier(self, client_key, token, verifier, request):
        return self.temporary.get(token, {}).get("verifier") == verifier

    def save_access_token(self, token, request):
        self.tokens[token["oauth_token"]] = token

    def invalidate_request_token(self, client_key, request_token, request):
        del self.temporary[request_token]

    def validate_access_token(self, client_key, token, request):
        return token in self.tokens

    def get_access_token_secret(self, client_key, token, request):
        return self.tokens.get(token, {}).get("oauth_token_secret", "nobodys")


class Provider:
    """A provider for a ``with`` statement; inside the statement, ``endpoints`` has the URLs."""

    def __init__(self):
        self.memory = Memory()
        self.server = WebApplicationServer(self.memory)
        self.loopback = Loopback()
        self.pin = None
        self.extra = {"user_id": "7", "screen_name": "jane & co"}
        routes = {"/temporary": self._temporary, "/authorize": self._authorize, "/token": self._token}
        self.loopback.routes.update({**routes, "/photos": self._photos})

    def __enter__(self):
        self.loopback.__enter__()
        return self

    def __exit__(self, *error):
        self.loopback.__exit__(*error)

    @property
    def endpoints(self):
        origin = self.loopback.origin
        return Endpoints(temporary=f"{origin}/temporary", authorize=f"{origin}/authorize", token=f"{origin}/token")

    def _temporary(self, received):
        return self._answer(self.server.create_request_token_response, received)

    def _token(self, received):
        return self._answer(self.server.create_access_token_response, received, self.extra)

    def _authorize(self, received):
        """The consent page; the user approves at once."""
        realms, credentials = self.server.get_realms_and_credentials(received.url)
        headers, body, status = self.server.create_authorization_response(
            received.url, realms=realms, credentials=credentials
        )
        if body:
            self.pin = parse_qs(body)["oauth_verifier"][0]
        return Answer(status, headers, (body or "").encode())

    def _photos(self, received):
        valid, _ = self.server.validate_protected_resource_request(*self._parts(received), realms=["photos"])
        return Answer(200 if valid else 401)

    def _answer(self, create, received, credentials=None):
        headers, body, status = create(*self._parts(received), credentials=credentials)
        return Answer(status, headers, (body or "").encode())

    def _parts(self, received):
        return received.url, received.method, received.body.decode() or None, dict(received.headers)


def form(**pairs):
    return urlencode(pairs).encode()
