"""The credentials that a service for tests has issued.

A test issues credentials with one call. A diagnosis looks up the credentials of a request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote

from ..credentials import Consumer, Credentials
from ..http import HTTPRequest
from ..provider import Provider
from ..stores import ClientCredentials, MemoryStore, TokenCredentials
from ._exchange import fields_of

_AWKWARD = "&+/% é"  # Secrets end with these characters, so that a test fails if a client does not encode its secrets.

# In seconds. With the usual window, the store would refuse new nonces after a test has moved the clock back.
_WINDOW = 100 * 365 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """The credentials of the sender of a request.

    Attributes:
        consumer: The client whose key is in the request. If the key is unknown and only one client is registered,
            *consumer* is this client. If the key is unknown and no client or several clients are registered, *consumer*
            has an invented key and secret.
        token: Token credentials or temporary credentials; None if the request contains no token, or an unknown token.
        known: The credentials of all other clients, and all other tokens.
        fault: "expired_token" or "revoked_token" if the test has expired or revoked the token, otherwise ``""``.
    """

    consumer: Credentials
    token: Credentials | None
    known: Sequence[Credentials]
    fault: str


class Accounts:
    """Client credentials and token credentials, and the store that contains them."""

    def __init__(self) -> None:
        self.store = MemoryStore(window=_WINDOW)
        self._consumers: dict[str, ClientCredentials] = {}
        self._tokens: dict[str, TokenCredentials] = {}
        self._ended: dict[str, str] = {}

    def register(
        self,
        *,
        callbacks: Sequence[str],
        two_legged: bool,
        xauth: bool,
        signature_methods: Iterable[str] | None,
        public_key: str | None,
    ) -> ClientCredentials:
        """Return new client credentials; see ``Provider.register()`` for the arguments."""
        number = len(self._consumers) + 1
        consumer = Provider(self.store).register(
            key=f"consumer-{number}",
            secret="" if public_key else f"consumer-{number}-secret{_AWKWARD}",
            callbacks=callbacks,
            two_legged=two_legged,
            xauth=xauth,
            signature_methods=signature_methods,
            public_key=public_key,
        )
        self._consumers[consumer.key] = consumer
        return consumer

    def issue(
        self, consumer: Credentials, *, user: str, realms: tuple[str, ...], issued_at: int, lifetime: int | None
    ) -> TokenCredentials:
        """Return new token credentials. *lifetime* is in seconds; None if the credentials do not expire."""
        number = len(self._tokens) + 1
        token = TokenCredentials(
            key=f"token-{number}",
            secret=f"token-{number}-secret{_AWKWARD}",
            consumer_key=str(consumer.key),
            user=user,
            issued_at=issued_at,
            realms=realms,
            expires_at=None if lifetime is None else issued_at + lifetime,
        )
        self.store.add_token(token)
        self._tokens[token.key] = token
        return token

    def expire(self, token: Credentials, now: int) -> None:
        """Let *token* expire at the time *now*.

        Raises:
            ValueError: The service has not issued *token*, or *token* is revoked.
        """
        found = self._own(token, "expired_token")
        self.store.replace_token(found.key, replace(found, expires_at=now))

    def revoke(self, token: Credentials) -> None:
        """Revoke *token*.

        Raises:
            ValueError: The service has not issued *token*, or *token* is revoked.
        """
        self.store.revoke_grant(self._own(token, "revoked_token").grant)

    def party(self, request: HTTPRequest) -> Party:
        """Return the credentials whose keys are in *request*, even if *request* has mistakes."""
        key, token_key = _sent(request, "oauth_consumer_key"), _sent(request, "oauth_token")
        consumers, tokens = list(self._consumers.values()), list(self._tokens.values())
        consumer: Credentials | None = self._consumers.get(key) or self.store.get_consumer(key)
        if consumer is None:
            consumer = consumers[0] if len(consumers) == 1 else Consumer("unknown", "unknown")
        token = self._tokens.get(token_key) or self.store.get_token(token_key) or self.store.get_temporary(token_key)
        known: list[Credentials] = [each for each in consumers if each.key != key]
        known += [each for each in tokens if each.key != token_key]
        return Party(consumer=consumer, token=token, known=known, fault=self._ended.get(token_key, ""))

    def _own(self, token: Credentials, fault: str) -> TokenCredentials:
        found = self.store.get_token(str(token.key))
        if found is None:
            raise ValueError("token: must be a token that this service has issued and that is not revoked")
        self._tokens[found.key] = found  # The token is kept, so that a later request with this token can be diagnosed.
        self._ended[found.key] = fault
        return found


def _sent(request: HTTPRequest, name: str) -> str:
    """Return the first decoded value of a protocol parameter; ``""`` if the parameter is missing."""
    fields = {field.lower(): value for field, value in fields_of(request.headers)}
    match = re.search(rf'\b{name}="?([^",]*)', fields.get("authorization", ""))
    if match is not None:
        return unquote(match[1])
    texts = [request.url.partition("?")[2], request.body.decode("utf-8", "replace")]
    return next((value for text in texts for key, value in parse_qsl(text) if key == name), "")
