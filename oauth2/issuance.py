"""Issue token credentials: RFC 5849 section 2.3, the session extension and xAuth."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from .audit import Redeemed, Renewed
from .errors import InvalidRequest, ParameterAbsent, PermissionDenied, TokenRejected, VerifierInvalid
from .generate import make_nonce
from .incoming import keys
from .parameters import parse_form, query_of
from .stores import ClientCredentials, TokenCredentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from .http import HTTPRequest
    from .incoming import Incoming, Issued
    from .parameters import Pairs
    from .request import Request

_MAX_TRIES = 5  # to redeem temporary credentials


class Issuance:
    """Issues token credentials for one provider; see there for the arguments."""

    def __init__(
        self,
        incoming: Incoming,
        *,
        realms: tuple[str, ...],
        token_lifetime: int | None,
        session_lifetime: int | None,
        check_password: Callable[[str, str], str | None] | None,
    ) -> None:
        self._incoming = incoming
        self._store = incoming.store
        self.realms = realms
        self.token_lifetime = token_lifetime
        self.session_lifetime = session_lifetime
        self.check_password = check_password

    def token_for(self, request: Request, _http_request: HTTPRequest) -> Pairs:
        """Verify *request* and return the pairs of the answer: new token credentials.

        Raises:
            Error: It is refused.
        """
        if "x_auth_mode" in request:
            return self._log_in(request)
        if "oauth_session_handle" in request:
            return self._renew(request)
        return self._redeem(request)

    def _redeem(self, request: Request) -> Pairs:
        consumer_key, token_key = keys(request)
        consumer = None if consumer_key is None else self._store.get_consumer(consumer_key)
        temporary = None if token_key is None else self._store.get_temporary(token_key)
        consumer, _ = self._incoming.verify(request, consumer, temporary)
        if temporary is None:
            raise ParameterAbsent("Missing oauth_token.", "oauth_token")
        verifier = request.get("oauth_verifier")
        if not verifier:
            raise ParameterAbsent("Missing oauth_verifier.", "oauth_verifier")
        if temporary.verifier is None or temporary.user is None:
            raise TokenRejected("The temporary credentials are not approved.")
        now = self._incoming.now()
        if temporary.expires_at <= now or not 0 < self._store.count_try(temporary.key) <= _MAX_TRIES:
            raise TokenRejected("The temporary credentials are over: too old, redeemed, or tried too often.")
        if not _is_same(temporary.verifier, verifier):
            raise VerifierInvalid("oauth_verifier is not the one that was handed over.")
        if self._store.redeem(temporary.key) is None:
            raise TokenRejected("The temporary credentials are redeemed.")
        token = self._new_token(consumer, temporary.user, temporary.realms, self._session_end(now))
        self._store.add_token(token)
        self._tell_redeemed(token, temporary.key)
        return self._issued(token)

    def _renew(self, request: Request) -> Pairs:
        consumer, token = self._incoming.find(request)
        consumer, _ = self._incoming.verify(request, consumer, token)
        now, handle = self._incoming.now(), request["oauth_session_handle"]
        if token is None or token.session_handle is None or not _is_same(token.session_handle, handle):
            raise TokenRejected("The token credentials cannot be renewed with this oauth_session_handle.")
        if token.session_expires_at is not None and token.session_expires_at <= now:
            raise TokenRejected("The session is over.")
        renewed = self._new_token(consumer, token.user, token.realms, token.session_expires_at)
        if not self._store.replace_token(token.key, renewed):
            raise TokenRejected("The token credentials are renewed already, or revoked.")
        self._incoming.tell(
            Renewed(at=now, consumer_key=consumer.key, token_key=renewed.key, earlier_key=token.key, user=token.user)
        )
        return self._issued(renewed)

    def _log_in(self, request: Request) -> Pairs:
        consumer, token = self._incoming.find(request)
        consumer, parameters = self._incoming.verify(request, consumer, token)
        if request.method != "POST" or "x_auth_password" in dict(parse_form(query_of(request.url or ""))):
            raise InvalidRequest("POST wanted: a password does not belong into a URL.")
        if not consumer.xauth or self.check_password is None or token is not None:
            raise PermissionDenied("This client may not exchange passwords for token credentials.")
        found = [parameters.get(f"x_auth_{name}") for name in ("mode", "username", "password")]
        mode, name, password = (text if isinstance(text, str) else "" for text in found)
        if mode != "client_auth":
            raise InvalidRequest('x_auth_mode: "client_auth" wanted.')
        user = self.check_password(name, password)
        if not user:
            raise PermissionDenied("The name or the password is wrong.")
        token = self._new_token(consumer, user, self.realms, self._session_end(self._incoming.now()))
        self._store.add_token(token)
        self._tell_redeemed(token, None)
        return self._issued(token)

    def _new_token(
        self, consumer: ClientCredentials, user: str, realms: tuple[str, ...], session_end: int | None
    ) -> TokenCredentials:
        now = self._incoming.now()
        return TokenCredentials(
            key=make_nonce(),
            secret=make_nonce(),
            consumer_key=consumer.key,
            user=user,
            issued_at=now,
            realms=realms,
            expires_at=None if self.token_lifetime is None else now + self.token_lifetime,
            session_handle=None if self.session_lifetime is None else make_nonce(),
            session_expires_at=session_end,
        )

    def _session_end(self, now: int) -> int | None:
        return None if self.session_lifetime is None else now + self.session_lifetime

    def _issued(self, token: TokenCredentials) -> Pairs:
        pairs = credential_pairs(token)
        if token.expires_at is not None:
            pairs.append(("oauth_expires_in", str(token.expires_at - token.issued_at)))
        if token.session_handle is not None:
            pairs.append(("oauth_session_handle", token.session_handle))
            if token.session_expires_at is not None:
                pairs.append(("oauth_authorization_expires_in", str(token.session_expires_at - token.issued_at)))
        return pairs

    def _tell_redeemed(self, token: TokenCredentials, temporary_key: str | None) -> None:
        self._incoming.tell(
            Redeemed(
                at=token.issued_at,
                consumer_key=token.consumer_key,
                token_key=token.key,
                temporary_key=temporary_key,
                user=token.user,
            )
        )


def credential_pairs(issued: Issued) -> Pairs:
    """Return what every answer with credentials holds."""
    return [("oauth_token", issued.key), ("oauth_token_secret", issued.secret)]


def _is_same(known: str, given: str) -> bool:
    return hmac.compare_digest(known.encode(), given.encode())
