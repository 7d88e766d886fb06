"""Issue credentials: RFC 5849 sections 2.1 and 2.3, the session extension and xAuth."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .._generate import make_nonce, read_verifier
from .._steps import Steps, result_of
from .._wire.form import parse_form, query_of
from .._wire.pairs import Pairs
from ..errors import (
    CallbackRejected,
    InvalidRequest,
    ParameterAbsent,
    PermissionDenied,
    TokenRejected,
    VerifierInvalid,
)
from ..http import HTTPRequest
from ..request import Request
from ..stores import ClientCredentials, TemporaryCredentials, TokenCredentials
from ._settings import Lifetimes
from ._verification import IssuedCredentials, Verification, keys, requested_realms
from .audit import Issued, Redeemed, Renewed
from .callbacks import OUT_OF_BAND, check_callback

_MAX_TRIES = 5  # The maximum number of attempts to redeem temporary credentials.


class Issuance:
    """Issues temporary and token credentials for one provider; see ``Provider`` for the arguments."""

    def __init__(
        self,
        verification: Verification,
        *,
        realms: tuple[str, ...],
        lifetimes: Lifetimes,
        check_password: Callable[[str, str], Any] | None,
    ) -> None:
        self._verification = verification
        self._store = verification.store
        self._realms = realms
        self._lifetimes = lifetimes
        self._check_password = check_password

    # --- temporary credentials, section 2.1 --------------------------------------

    def temporary_for(self, request: Request, http_request: HTTPRequest) -> Steps[Pairs]:
        """Verify *request*, issue temporary credentials, and return the pairs of the response.

        Raises:
            Error: The request is refused.
        """
        consumer_key, _ = keys(request)
        consumer = None if consumer_key is None else (yield self._store.get_consumer(consumer_key))
        consumer, _ = yield from self._verification.verify(request, consumer, None)
        callback = request.get("oauth_callback")
        if not callback:
            raise ParameterAbsent("Missing oauth_callback.", "oauth_callback")
        if not _is_registered(callback, consumer):
            raise CallbackRejected("The oauth_callback is not registered for this client.")
        now = self._verification.now()
        requested = requested_realms(http_request)
        temporary = TemporaryCredentials(
            key=make_nonce(),
            secret=make_nonce(),
            consumer_key=consumer.key,
            callback=callback,
            issued_at=now,
            expires_at=now + self._lifetimes.temporary,
            realms=tuple([realm for realm in self._realms if realm in requested]) or self._realms,
        )
        yield self._store.issue(temporary)
        yield from self._verification.emit(Issued(at=now, consumer_key=consumer.key, token_key=temporary.key))
        return [*_credential_pairs(temporary), ("oauth_callback_confirmed", "true")]

    # --- token credentials, section 2.3 ------------------------------------------

    def token_for(self, request: Request, _http_request: HTTPRequest) -> Steps[Pairs]:
        """Verify *request*, issue token credentials, and return the pairs of the response.

        Raises:
            Error: The request is refused.
        """
        if "x_auth_mode" in request:
            return (yield from self._log_in(request))
        if "oauth_session_handle" in request:
            return (yield from self._renew(request))
        return (yield from self._redeem(request))

    def _redeem(self, request: Request) -> Steps[Pairs]:
        consumer_key, token_key = keys(request)
        consumer = None if consumer_key is None else (yield self._store.get_consumer(consumer_key))
        temporary = None if token_key is None else (yield self._store.get_temporary(token_key))
        consumer, _ = yield from self._verification.verify(request, consumer, temporary, kind="temporary")
        if temporary is None:
            raise ParameterAbsent("Missing oauth_token.", "oauth_token")
        user = yield from self._check_verifier(request, temporary)
        token = self._new_token(consumer, user, temporary.realms, self._session_end(self._verification.now()))
        if not (yield self._store.redeem_for_token(temporary.key, token)):
            raise TokenRejected("The temporary credentials were already redeemed.")
        yield from self._redeemed(token, temporary.key)
        return self._issued(token)

    def _check_verifier(self, request: Request, temporary: TemporaryCredentials) -> Steps[str]:
        """Return the user who approved *temporary*; raise Error unless *request* has the right verifier."""
        verifier = request.get("oauth_verifier")
        if not verifier:
            raise ParameterAbsent("Missing oauth_verifier.", "oauth_verifier")
        if temporary.callback == OUT_OF_BAND:
            # The user may have typed the verifier with spaces, because the page shows the verifier in groups.
            verifier = read_verifier(verifier)
        if temporary.verifier is None or temporary.user is None:
            raise TokenRejected("The temporary credentials have not been approved yet.")
        is_expired = temporary.expires_at <= self._verification.now()
        if is_expired or not 0 < (yield self._store.count_try(temporary.key)) <= _MAX_TRIES:
            raise TokenRejected("The temporary credentials have expired, were redeemed, or had too many attempts.")
        if not _is_same(temporary.verifier, verifier):
            raise VerifierInvalid("The oauth_verifier is wrong.")
        return temporary.user

    # --- renewal, session extension ----------------------------------------------

    def _renew(self, request: Request) -> Steps[Pairs]:
        consumer, token = yield self._verification.find(request)
        consumer, _ = yield from self._verification.verify(request, consumer, token)
        now, handle = self._verification.now(), request["oauth_session_handle"]
        if token is None or token.session_handle is None or not _is_same(token.session_handle, handle):
            raise TokenRejected("The token credentials cannot be renewed with this oauth_session_handle.")
        if token.session_expires_at is not None and token.session_expires_at <= now:
            raise TokenRejected("The session has expired.")
        new = self._new_token(consumer, token.user, token.realms, token.session_expires_at)
        renewed = replace(new, grant=token.grant)
        if not (yield self._store.replace_token(token.key, renewed)):
            raise TokenRejected("The token credentials were already renewed, or were revoked.")
        yield from self._verification.emit(
            Renewed(
                at=now,
                consumer_key=consumer.key,
                token_key=renewed.key,
                earlier_key=token.key,
                user=token.user,
                grant=token.grant,
            )
        )
        return self._issued(renewed)

    # --- xAuth -------------------------------------------------------------------

    def _log_in(self, request: Request) -> Steps[Pairs]:
        consumer, token = yield self._verification.find(request)
        consumer, parameters = yield from self._verification.verify(request, consumer, token)
        if request.method != "POST" or "x_auth_password" in dict(parse_form(query_of(request.url or ""))):
            raise InvalidRequest("The request must be a POST request with the password in its body, not in its URL.")
        if not consumer.xauth or self._check_password is None or token is not None:
            raise PermissionDenied("This client is not allowed to exchange passwords for token credentials.")
        found = [parameters.get(f"x_auth_{name}") for name in ("mode", "username", "password")]
        mode, name, password = (text if isinstance(text, str) else "" for text in found)
        if mode != "client_auth":
            raise InvalidRequest('x_auth_mode must be "client_auth".')
        user = yield from result_of("check_password", self._check_password(name, password))
        if user is not None and not isinstance(user, str):
            raise TypeError("check_password: must return a str or None")
        if not user:
            raise PermissionDenied("The user name or the password is wrong.")
        token = self._new_token(consumer, user, self._realms, self._session_end(self._verification.now()))
        yield self._store.add_token(token)
        yield from self._redeemed(token, None)
        return self._issued(token)

    # --- helpers of _redeem(), _renew() and _log_in() ------------------------------

    def _new_token(
        self, consumer: ClientCredentials, user: str, realms: tuple[str, ...], session_end: int | None
    ) -> TokenCredentials:
        now, lifetimes = self._verification.now(), self._lifetimes
        return TokenCredentials(
            key=make_nonce(),
            secret=make_nonce(),
            consumer_key=consumer.key,
            user=user,
            issued_at=now,
            realms=realms,
            expires_at=None if lifetimes.token is None else now + lifetimes.token,
            session_handle=None if lifetimes.session is None else make_nonce(),
            session_expires_at=session_end,
        )

    def _session_end(self, now: int) -> int | None:
        return None if self._lifetimes.session is None else now + self._lifetimes.session

    def _issued(self, token: TokenCredentials) -> Pairs:
        pairs = _credential_pairs(token)
        if token.expires_at is not None:
            pairs.append(("oauth_expires_in", str(token.expires_at - token.issued_at)))
        if token.session_handle is not None:
            pairs.append(("oauth_session_handle", token.session_handle))
            if token.session_expires_at is not None:
                pairs.append(("oauth_authorization_expires_in", str(token.session_expires_at - token.issued_at)))
        return pairs

    def _redeemed(self, token: TokenCredentials, temporary_key: str | None) -> Steps[None]:
        return self._verification.emit(
            Redeemed(
                at=token.issued_at,
                consumer_key=token.consumer_key,
                token_key=token.key,
                temporary_key=temporary_key,
                user=token.user,
            )
        )


def _is_registered(callback: str, consumer: ClientCredentials) -> bool:
    # register() has checked the callbacks. Check the callback again, because a program may have added a callback to the
    # store without register().
    try:
        check_callback(callback)
    except ValueError:
        return False
    return callback in consumer.callbacks


def _credential_pairs(issued: IssuedCredentials) -> Pairs:
    return [("oauth_token", issued.key), ("oauth_token_secret", issued.secret)]


def _is_same(known: str, given: str) -> bool:
    return hmac.compare_digest(known.encode(), given.encode())
