"""An authentication backend: ``Server`` inside an application that has its own accounts.

``Backend`` looks up keys in the tables of the application, and returns the user of a signed request. ``application`` is
a WSGI application that uses a ``Backend``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import oauth2 as oauth
from oauth2.middleware.wsgi import read_request
from oauth2.stores import NonceStore

_REALM = "photos"


@dataclass(frozen=True)
class Access:
    """A token in a table of the application: its secret, the client to which it was issued, and its user."""

    secret: str
    consumer_key: str
    user: str


class Backend:
    """Authenticates signed requests.

    Args:
        secrets: A mapping from the key of each client to its secret.
        tokens: A mapping from the key of each token to its :class:`Access`.
        nonce_store: The used nonces. All processes of the application must share this store. Otherwise each process
            would accept the same request once.
    """

    def __init__(self, secrets: Mapping[str, str], tokens: Mapping[str, Access], nonce_store: NonceStore) -> None:
        methods = [oauth.SignatureMethod_HMAC_SHA1(), oauth.SignatureMethod_HMAC_SHA256()]
        self._server = oauth.Server(methods, nonce_store=nonce_store)
        self._secrets = secrets
        self._tokens = tokens

    def user_of(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[str, dict[str, Any]]:
        """Verify a request, and return its user and its signed parameters.

        Raises:
            oauth2.Error: The request must be refused.
        """
        request = oauth.Request.from_request(method, url, headers, body=body)
        key = request.get("oauth_token", "") if request else ""
        access = self._tokens.get(key)
        consumer_key = request.get("oauth_consumer_key", "") if request else ""
        is_known = access is not None and access.consumer_key == consumer_key
        consumer = oauth.Consumer(consumer_key, self._secrets[consumer_key]) if consumer_key in self._secrets else None
        # If the consumer or the token is unknown, pass None. The refusal then takes as long as the refusal of a wrong
        # signature, so that the response time does not reveal which keys are valid.
        token = oauth.Token(key, access.secret) if access is not None and is_known else None
        parameters = self._server.verify_request(request, consumer, token)
        if access is None:
            raise oauth.Error("A token is required.")
        return access.user, parameters


def application(backend: Backend, base_url: str) -> Callable[..., Iterable[bytes]]:
    """Return a WSGI application whose response contains the user of each signed request."""

    def answer(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        try:
            sent, _ = read_request(environ)
            # Scheme and host come from the configuration. The Host header is ignored, because the client controls it.
            url = base_url + urlunsplit(("", "", *urlsplit(sent.url)[2:]))
            user, parameters = backend.user_of(sent.method, url, dict(sent.headers), sent.body)
        except oauth.Error as error:
            headers = oauth.build_authenticate_header(_REALM)
            start_response(f"{error.status} Refused", [*headers.items(), ("Content-Type", "text/plain")])
            return [error.message.encode()]
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"user": user, "parameters": parameters}).encode()]

    return answer
