"""``Provider``: the whole server side of RFC 5849 over a store, without a framework."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from . import audit as events
from .access import Access, Approved, Pending
from .callback import OUT_OF_BAND, check_callback
from .errors import (
    CallbackRejected,
    Error,
    InvalidRequest,
    ParameterAbsent,
    PermissionDenied,
    TokenExpired,
    TokenRejected,
)
from .generate import make_nonce, make_verifier
from .incoming import Incoming, may_be_known, requested_realms
from .issuance import Issuance, credential_pairs
from .parameters import Pairs, add_to_query, build_form, quote_realm
from .problem import NOT_STORED, form_response, refusal
from .signature import SignatureMethod_HMAC_SHA1, SignatureMethod_HMAC_SHA256, SignatureMethod_HMAC_SHA512
from .stores import ClientCredentials, TemporaryCredentials, TokenCredentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .http import HTTPRequest, HTTPResponse
    from .request import Request
    from .signature import SignatureMethod
    from .stores import ProviderStore

_METHODS = ("POST", "GET")  # section 2.1 says POST; clients that send GET are many


class Provider:
    """Issues temporary and token credentials, and authenticates requests made with them.

    Args:
        store: What is remembered: a ``MemoryStore``, an ``SQLiteStore``, or any
            :class:`~oauth2.stores.ProviderStore`.
        signature_methods: The allow-list; HMAC-SHA1, HMAC-SHA256 and HMAC-SHA512 unless given.
        base_url: Scheme, host and path prefix that clients sign, in place of those
            that arrive: for a service behind a proxy. ``http://127.0.0.1:8080`` is
            how to choose plain http, on this machine only.
        realm: The realm of the ``WWW-Authenticate`` header.
        realms: Names of the accesses that tokens may give. A client asks for some in
            the realm of its request for temporary credentials, with spaces
            between them; for all where it names none.
        timestamp_threshold: Seconds that a timestamp may lie before or after the clock.
        body_hash_required: Refuse a body that is neither a form nor covered by
            ``oauth_body_hash``. A hash that is there is always checked.
        temporary_lifetime: Seconds that temporary credentials live.
        token_lifetime: Seconds that token credentials live; None for ever.
        session_lifetime: Seconds that token credentials may be renewed from their
            first issue on (session extension); None for not at all.
        check_password: For xAuth: takes a user's name and password, returns the user or None.
        audit: Called with an event of :mod:`oauth2.audit` for all that happens. What it
            raises is not caught.
        clock: Returns seconds since 1970-01-01 00:00 UTC.

    Raises:
        TypeError: *store* is no store, or *realms* is one str.
        ValueError: *base_url* is no http or https URL without a query; a lifetime is not
            positive; a realm holds a space; sessions without a lifetime of tokens.
    """

    def __init__(
        self,
        store: ProviderStore,
        *,
        signature_methods: Iterable[SignatureMethod] | None = None,
        base_url: str | None = None,
        realm: str = "",
        realms: Iterable[str] = (),
        timestamp_threshold: int = 300,
        body_hash_required: bool = False,
        temporary_lifetime: int = 600,
        token_lifetime: int | None = None,
        session_lifetime: int | None = None,
        check_password: Callable[[str, str], str | None] | None = None,
        audit: Callable[[events.Event], object] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        quote_realm(realm)
        if session_lifetime is not None and token_lifetime is None:
            raise ValueError("session_lifetime: needs token_lifetime; what lives for ever is not renewed")
        self.store = store
        self.realm = realm
        self.realms = _realms(realms)
        self.temporary_lifetime = _lifetime("temporary_lifetime", temporary_lifetime)
        self._incoming = Incoming(
            store,
            _hmac_methods() if signature_methods is None else signature_methods,
            base_url=base_url,
            timestamp_threshold=timestamp_threshold,
            body_hash_required=body_hash_required,
            clock=clock,
            audit=audit,
        )
        self._issuance = Issuance(
            self._incoming,
            realms=self.realms,
            token_lifetime=None if token_lifetime is None else _lifetime("token_lifetime", token_lifetime),
            session_lifetime=None if session_lifetime is None else _lifetime("session_lifetime", session_lifetime),
            check_password=check_password,
        )

    # --- temporary credentials, section 2.1 --------------------------------------

    def request_token(self, http_request: HTTPRequest) -> HTTPResponse:
        """Answer a request for temporary credentials (section 2.1), or say why not."""
        return self._answered(http_request, self._issue)

    def _issue(self, request: Request, http_request: HTTPRequest) -> Pairs:
        consumer, _ = self._incoming.find(request)
        consumer, _ = self._incoming.verify(request, consumer, None)
        callback = request.get("oauth_callback")
        if not callback:
            raise ParameterAbsent("Missing oauth_callback.", "oauth_callback")
        if not _is_registered(callback, consumer):
            raise CallbackRejected("oauth_callback is not one that this client registered.")
        now = self._incoming.now()
        asked = requested_realms(http_request)
        temporary = TemporaryCredentials(
            key=make_nonce(),
            secret=make_nonce(),
            consumer_key=consumer.key,
            callback=callback,
            issued_at=now,
            expires_at=now + self.temporary_lifetime,
            realms=tuple([realm for realm in self.realms if realm in asked]) or self.realms,
        )
        self.store.issue(temporary)
        self._incoming.tell(events.Issued(at=now, consumer_key=consumer.key, token_key=temporary.key))
        return [*credential_pairs(temporary), ("oauth_callback_confirmed", "true")]

    # --- approval, section 2.2 -----------------------------------------------------

    def pending(self, token_key: str) -> Pending:
        """Return what the consent page shows for the ``oauth_token`` that a user came with (section 2.2).

        Raises:
            TokenRejected: It was never issued, is approved already, or has expired.
            StoreUnavailable: The store cannot be read.
        """
        temporary = self._pending(token_key)
        consumer = self.store.get_consumer(temporary.consumer_key)
        if consumer is None:
            raise _not_pending()
        age = self._incoming.now() - temporary.issued_at
        return Pending(consumer=consumer, callback=temporary.callback, realms=temporary.realms, age=age)

    def approve(self, token_key: str, *, user: str, realms: Iterable[str] | None = None) -> Approved:
        """Record that *user* approves (section 2.2); once, whoever else tries.

        Call it for a user who is signed in, on a form that only your own page can send.

        Args:
            token_key: The ``oauth_token`` that the user came with.
            user: What your application knows the user by.
            realms: Those that the user grants, of those asked for; all unless given.

        Raises:
            TokenRejected: As for :meth:`pending`.
            ValueError: *user* is empty, or *realms* are not of those asked for.
            StoreUnavailable: The store cannot be written.
        """
        if not user:
            raise ValueError("user: must be set")
        temporary = self._pending(token_key)
        granted = temporary.realms if realms is None else _realms(realms)
        if not set(granted) <= set(temporary.realms):
            raise ValueError("realms: more than what was asked for")
        is_out_of_band = temporary.callback == OUT_OF_BAND
        verifier = make_verifier() if is_out_of_band else make_nonce()
        if not self.store.approve(token_key, user, verifier, granted):
            raise _not_pending()
        self._incoming.tell(
            events.Approved(
                at=self._incoming.now(), consumer_key=temporary.consumer_key, token_key=token_key, user=user
            )
        )
        added = build_form([("oauth_token", token_key), ("oauth_verifier", verifier)])
        return Approved(url=None if is_out_of_band else add_to_query(temporary.callback, added), verifier=verifier)

    def deny(self, token_key: str) -> str | None:
        """Forget temporary credentials that a user does not approve; return where to redirect to, if anywhere.

        Raises:
            TokenRejected: As for :meth:`pending`.
            StoreUnavailable: The store cannot be written.
        """
        temporary = self._pending(token_key)
        if self.store.redeem(token_key) is None:
            raise _not_pending()
        self._incoming.tell(
            events.Denied(at=self._incoming.now(), consumer_key=temporary.consumer_key, token_key=token_key)
        )
        added = build_form([("oauth_token", token_key), ("oauth_problem", "permission_denied")])
        return None if temporary.callback == OUT_OF_BAND else add_to_query(temporary.callback, added)

    def _pending(self, token_key: str) -> TemporaryCredentials:
        temporary = self.store.get_temporary(token_key) if may_be_known(token_key) else None
        if temporary is None or temporary.user is not None or temporary.expires_at <= self._incoming.now():
            raise _not_pending()
        return temporary

    # --- token credentials, section 2.3 --------------------------------------------

    def access_token(self, http_request: HTTPRequest) -> HTTPResponse:
        """Answer a request for token credentials (section 2.3), or say why not.

        They are issued for temporary credentials and their verifier; for token
        credentials and their ``oauth_session_handle`` (session extension); and, to a
        client that may, for a user's name and password (xAuth).
        """
        return self._answered(http_request, self._issuance.token_for)

    # --- authenticated requests, section 3 -----------------------------------------

    def authenticate(self, http_request: HTTPRequest, *, realm: str | None = None) -> Access:
        """Verify a request for a protected resource (section 3), once.

        Args:
            http_request: As it arrived.
            realm: What access the resource wants, of ``realms``; None for any.

        Returns:
            Who asks, on whose behalf, and the parameters to serve.

        Raises:
            Error: It is refused: send :meth:`answer`. StoreUnavailable (503) is one:
                nobody is let in while the store is down.
            ValueError: *realm* is none of ``realms``.
        """
        if realm is not None and realm not in self.realms:
            raise ValueError("realm: not one of the provider's realms")
        request: dict[str, Any] = {}
        try:
            request = self._incoming.receive(http_request)
            consumer, token = self._incoming.find(request)
            consumer, parameters = self._incoming.verify(request, consumer, token)
            self._check_access(consumer, token, realm)
        except Error as error:
            self._incoming.refuse(error, request, realm or self.realm)
            raise
        return Access(consumer=consumer, token=token, user=None if token is None else token.user, parameters=parameters)

    def answer(self, error: Error) -> HTTPResponse:
        """Return what to send for an error that :meth:`authenticate` raised, or that came before it.

        The audit hook, which knows of the former, is told of the latter: a body that was
        too large to be read, a malformed URL.
        """
        if not error.headers:
            self._incoming.refuse(error, {}, self.realm)
        return refusal(error)

    def _check_access(self, consumer: ClientCredentials, token: TokenCredentials | None, realm: str | None) -> None:
        if token is None:
            if not consumer.two_legged or realm is not None:
                raise PermissionDenied("This client may not make requests without a token here.")
            return
        if token.expires_at is not None and token.expires_at <= self._incoming.now():
            raise TokenExpired("The token credentials have expired.")
        if realm is not None and realm not in token.realms:
            raise PermissionDenied("The token credentials do not give access to this realm.")

    # --- what users do with what they approved -------------------------------------

    def tokens_of(self, user: str) -> list[TokenCredentials]:
        """Return the token credentials that *user* approved, the newest first.

        Raises:
            StoreUnavailable: The store cannot be read.
        """
        return self.store.tokens_of(user)

    def revoke(self, token_key: str, *, user: str | None = None) -> bool:
        """Revoke token credentials from now on; True if they were there.

        Args:
            token_key: Their key.
            user: Where a user asks for it: leave those of others alone.

        Raises:
            StoreUnavailable: The store cannot be written.
        """
        token = self.store.get_token(token_key) if may_be_known(token_key) else None
        if token is None or (user is not None and token.user != user) or not self.store.revoke_token(token_key):
            return False
        self._incoming.tell(
            events.Revoked(
                at=self._incoming.now(), consumer_key=token.consumer_key, token_key=token_key, user=token.user
            )
        )
        return True

    def register(self, **fields: Any) -> ClientCredentials:
        """Make, keep and return client credentials; *fields* are those of :class:`~oauth2.stores.ClientCredentials`.

        Key and secret are made unless given: no secret for a client with a public key.

        Raises:
            ValueError: A callback that :func:`~oauth2.callback.check_callback` refuses.
            StoreUnavailable: The store cannot be written.
        """
        made = {"key": make_nonce(), "secret": "" if fields.get("public_key") else make_nonce()}
        consumer = ClientCredentials(**{**made, **fields})
        for callback in consumer.callbacks:
            check_callback(callback)
        self.store.add_consumer(consumer)
        return consumer

    # --- what all endpoints share ---------------------------------------------------

    def _answered(self, http_request: HTTPRequest, endpoint: Callable[[Request, HTTPRequest], Pairs]) -> HTTPResponse:
        request = None
        try:
            if http_request.method.upper() not in _METHODS:
                raise InvalidRequest("POST wanted.")
            request = self._incoming.receive(http_request)
            self._incoming.require_tls(request)
            pairs = endpoint(request, http_request)
        except Error as error:
            self._incoming.refuse(error, request or {}, self.realm)
            return refusal(error)
        return form_response(build_form(pairs), 200, [NOT_STORED])


def _hmac_methods() -> list[SignatureMethod]:
    return [SignatureMethod_HMAC_SHA1(), SignatureMethod_HMAC_SHA256(), SignatureMethod_HMAC_SHA512()]


def _is_registered(callback: str, consumer: ClientCredentials) -> bool:
    # Exactly one that was registered; and if a store holds what nobody should have registered, not that.
    try:
        check_callback(callback)
    except ValueError:
        return False
    return callback in consumer.callbacks


def _not_pending() -> TokenRejected:
    return TokenRejected("There are no temporary credentials of this oauth_token that wait for approval.")


def _realms(realms: Iterable[str]) -> tuple[str, ...]:
    if isinstance(realms, str):
        raise TypeError("realms: names wanted, not one str")
    found = tuple(realms)
    if any(realm.split() != [realm] for realm in found):
        raise ValueError("realms: a name without spaces wanted for each")
    return found


def _lifetime(name: str, seconds: int) -> int:
    if seconds <= 0:
        raise ValueError(f"{name}: seconds wanted, more than 0")
    return seconds
