"""A provider's methods as steps (see :mod:`oauth2._steps`). ``Provider`` and ``AsyncProvider`` run these steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .._checks import is_coroutine_function
from .._generate import make_nonce
from .._steps import Steps
from .._wire.form import build_form
from .._wire.header import quote_realm
from .._wire.pairs import Pairs
from ..errors import Error, InvalidRequest, PermissionDenied, TokenExpired
from ..http import HTTPRequest, HTTPResponse
from ..request import Request
from ..stores import AsyncProviderStore, ClientCredentials, ProviderStore, TokenCredentials
from ..stores.records import as_tuple
from ._access import Access
from ._approval import Approvals
from ._issuance import Issuance
from ._refused import RefusalObserver
from ._settings import Lifetimes, RequestPolicy, checked_realms
from ._verification import TokenEndpointRequest, Verification
from .audit import Event, Handled
from .callbacks import check_callback
from .refusal import NOT_STORED, form_response, refusal

_METHODS = ("POST", "GET")  # Section 2.1 requires POST, but many clients send GET, so both are accepted.


class Endpoints:
    """Returns the steps of each method of a provider; see ``Provider`` for the arguments and the methods."""

    def __init__(
        self,
        store: ProviderStore | AsyncProviderStore,
        *,
        base_url: str | None,
        realm: str,
        realms: Iterable[str],
        policy: RequestPolicy | None,
        lifetimes: Lifetimes | None,
        check_password: Callable[[str, str], Any] | None,
        audit: Callable[[Event], object] | None,
        requests: Callable[[Handled], object] | None,
        diagnoses: RefusalObserver | None,
        now: Callable[[], float],
    ) -> None:
        quote_realm(realm)
        _require("policy", policy, RequestPolicy)
        _require("lifetimes", lifetimes, Lifetimes)
        hooks = {"check_password": check_password, "audit": audit, "requests": requests, "now": now}
        for name, hook in hooks.items():
            if not callable(hook) and (hook is not None or name == "now"):
                raise TypeError(f"{name}: must be callable")
        if is_coroutine_function(now):
            raise TypeError("now: must not be a coroutine function")
        _check_observer(diagnoses, audit)
        self.store = store
        self.realm = realm
        self.realms = checked_realms(realms)
        self.policy = policy or RequestPolicy()
        self.lifetimes = lifetimes or Lifetimes()
        self._verification = Verification(
            store, self.policy, base_url=base_url, now=now, audit=audit, requests=requests, observer=diagnoses
        )
        self.base_url = self._verification.base_url
        self.approvals = Approvals(self._verification)
        self._issuance = Issuance(
            self._verification, realms=self.realms, lifetimes=self.lifetimes, check_password=check_password
        )

    def register(self, consumer: ClientCredentials) -> Steps[ClientCredentials]:
        """Check and store *consumer*, which :func:`client_credentials` created."""
        for callback in consumer.callbacks:
            check_callback(callback)
        if not consumer.secret and self._verification.needs_secret(consumer):
            raise ValueError(
                "secret: must not be empty, because this client signs with the secret; omit secret= to "
                "generate a secret"
            )
        yield self.store.add_consumer(consumer)
        return consumer

    def request_token(self, http_request: HTTPRequest) -> Steps[HTTPResponse]:
        """See :meth:`~oauth2.provider.Provider.request_token`."""
        return self._respond("request_token", http_request, self._issuance.temporary_for)

    def access_token(self, http_request: HTTPRequest) -> Steps[HTTPResponse]:
        """See :meth:`~oauth2.provider.Provider.access_token`."""
        return self._respond("access_token", http_request, self._issuance.token_for)

    def authenticate(self, http_request: HTTPRequest, realm: str | None) -> Steps[Access]:
        """See :meth:`~oauth2.provider.Provider.authenticate`."""
        if realm is not None and realm not in self.realms:
            raise ValueError("realm: must be one of the realms of the provider")
        request: Mapping[str, Any] = {}  # for the refusal, if receive() fails
        verification = self._verification
        started = verification.start()
        try:
            request = received = verification.receive(http_request)
            consumer, token = yield verification.find(received)
            consumer, parameters = yield from verification.verify(received, consumer, token)
            self._check_access(consumer, token, realm)
        except Error as error:
            refused = yield from verification.refuse(error, request, realm or self.realm, http_request)
            yield from verification.handled("resource", request, started, refused=refused)
            raise
        user = None if token is None else token.user
        if started:  # Fast path: without the hook *requests*, handled() would do nothing.
            yield from verification.handled("resource", request, started, user=user)
        return Access(consumer=consumer, token=token, user=user, parameters=parameters)

    def error_response(self, error: Error) -> Steps[HTTPResponse]:
        """See :meth:`~oauth2.provider.Provider.error_response`."""
        if not error.headers:
            started = self._verification.start()
            refused = yield from self._verification.refuse(error, {}, self.realm)
            yield from self._verification.handled("unknown", {}, started, refused=refused)
        return refusal(error)

    def tokens_of(self, user: str) -> Steps[list[TokenCredentials]]:
        """See :meth:`~oauth2.provider.Provider.tokens_of`."""
        found: list[TokenCredentials] = yield self.store.tokens_of(user)
        return found

    def _check_access(self, consumer: ClientCredentials, token: TokenCredentials | None, realm: str | None) -> None:
        if token is None:
            if not consumer.two_legged or realm is not None:
                raise PermissionDenied("This client is not allowed to access this resource without a token.")
            return
        if token.expires_at is not None and token.expires_at <= self._verification.now():
            raise TokenExpired("The token credentials have expired.")
        if realm is not None and realm not in token.realms:
            raise PermissionDenied("The token credentials do not give access to this realm.")

    def _respond(
        self, name: str, http_request: HTTPRequest, endpoint: Callable[[Request, HTTPRequest], Steps[Pairs]]
    ) -> Steps[HTTPResponse]:
        request = None
        started = self._verification.start()
        try:
            if http_request.method.upper() not in _METHODS:
                raise InvalidRequest("The request method must be POST.")
            request = self._verification.receive(http_request, TokenEndpointRequest)
            self._verification.require_tls(request)
            pairs = yield from endpoint(request, http_request)
        except Error as error:
            refused = yield from self._verification.refuse(error, request or {}, self.realm, http_request)
            yield from self._verification.handled(name, request or {}, started, refused=refused)
            return refusal(error)
        yield from self._verification.handled(name, request, started)
        return form_response(build_form(pairs), 200, [NOT_STORED])


def client_credentials(
    *,
    key: str | None,
    secret: str | None,
    public_key: str | None,
    callbacks: Iterable[str],
    signature_methods: Iterable[str] | None,
    **others: Any,
) -> ClientCredentials:
    """Create client credentials; see :meth:`~oauth2.provider.Provider.register` for the arguments."""
    if secret is None:
        secret = "" if public_key else make_nonce()
    return ClientCredentials(
        key=make_nonce() if key is None else key,
        secret=secret,
        public_key=public_key,
        callbacks=as_tuple("callbacks", callbacks),
        signature_methods=None if signature_methods is None else as_tuple("signature_methods", signature_methods),
        **others,
    )


def _check_observer(diagnoses: RefusalObserver | None, audit: Callable[[Event], object] | None) -> None:
    if diagnoses is None:
        return
    if isinstance(diagnoses, type) or not hasattr(diagnoses, "observe"):
        raise TypeError("diagnoses: must be a Diagnoses or None")
    if is_coroutine_function(diagnoses.observe):
        raise TypeError("diagnoses: observe() must not be a coroutine function")
    if audit is None:
        raise ValueError("diagnoses: must be None if audit is None, because audit receives the diagnoses")


def _require(name: str, value: object, expected: type) -> None:
    if value is not None and not isinstance(value, expected):
        raise TypeError(f"{name}: must be an instance of {expected.__name__}")
