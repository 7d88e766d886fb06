"""Read and verify a request. All endpoints of a provider use this module.

This module is the counterpart of :mod:`oauth2._sending.outgoing`. The input is a received request. The result is the
client that signed the request, and the signed parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any, Protocol

from .._steps import Steps, result_of
from .._wire.header import is_oauth_header, parse_authorization_header
from .._wire.received import find_headers
from .._wire.uri import is_loopback_host
from .._wire.url import checked_base_url, with_base_url
from ..errors import (
    Error,
    InsecureTransport,
    InvalidRequest,
    ParameterAbsent,
    SignatureInvalid,
    SignatureMethodRejected,
    StoreUnavailable,
)
from ..http import HTTPRequest
from ..request import Request
from ..server import Server
from ..signature import base_string_uri
from ..stores import AsyncProviderStore, ClientCredentials, ProviderStore, is_valid_key
from ._refused import FoundCredentials, RefusalObserver, RefusedRequest
from ._settings import RequestPolicy
from .audit import Event, Handled, Refused
from .refusal import error_headers, report

_DUMMY = ClientCredentials(key="dummy")


class IssuedCredentials(Protocol):
    """Temporary or token credentials."""

    @property
    def key(self) -> str:
        """The value of ``oauth_token``."""
        ...

    @property
    def secret(self) -> str:
        """The shared secret of :attr:`key`."""
        ...

    @property
    def consumer_key(self) -> str:
        """The key of the only client that may use these credentials."""
        ...


class TokenEndpointRequest(Request):
    """A request for temporary or token credentials (sections 2.1 and 2.3).

    Section 3.5 requires all protocol parameters in one place. Many clients nevertheless send ``oauth_callback`` or
    ``oauth_verifier`` in the form, and the other protocol parameters in the Authorization header. This deviation is
    safe, because the signature covers all protocol parameters.
    """

    may_stand_apart = frozenset({"oauth_callback", "oauth_verifier"})


class _Server(Server):
    _calls_store = False
    # If this attribute were True, anyone could sign requests in the name of a client that has an empty secret.
    _empty_secret_allowed = False


class Verification:
    """Reads and verifies requests for one provider; see ``Provider`` for the arguments."""

    def __init__(
        self,
        store: ProviderStore | AsyncProviderStore,
        policy: RequestPolicy,
        *,
        base_url: str | None,
        now: Callable[[], float],
        audit: Callable[[Event], object] | None,
        requests: Callable[[Handled], object] | None,
        observer: RefusalObserver | None,
    ) -> None:
        if isinstance(store, type) or not hasattr(store, "find"):
            raise TypeError("store: must be a store, such as MemoryStore() or SQLiteStore(path)")
        self.store = store
        self.base_url = None if base_url is None else checked_base_url(base_url)
        self._audit = audit
        self._requests = requests
        self._observer = observer
        self._now = now
        self._methods = policy.methods_by_name()
        nonces: Any = store  # _Server reads only the window of the store; verify() calls add_nonce().
        self._server = _Server(
            self._methods,
            nonce_store=nonces,
            timestamp_threshold=policy.timestamp_threshold,
            body_hash_required=policy.body_hash_required,
            sha1_body_hash_allowed=policy.sha1_body_hash_allowed,
            now=now,
        )

    def now(self) -> int:
        """Return the seconds since 1970-01-01 00:00 UTC."""
        return int(self._now())

    def emit(self, event: Event) -> Steps[None]:
        """Pass *event* to the audit hook, if there is one."""
        if self._audit is not None:
            yield from result_of("audit", self._audit(event))

    def start(self) -> float:
        """Return the start time of a request, which the caller later passes to :meth:`handled` as *started*.

        The result is 0.0 if there is no hook ``requests``.
        """
        return 0.0 if self._requests is None else perf_counter()

    def handled(
        self,
        endpoint: str,
        request: Mapping[str, Any],
        started: float,
        *,
        refused: Refused | None = None,
        user: str | None = None,
    ) -> Steps[None]:
        """Pass :class:`Handled` to the hook ``requests``, if there is one.

        Args:
            endpoint: See :class:`Handled`.
            request: The parameters of the request; empty if the request could not be read.
            started: The return value of :meth:`start`.
            refused: None if the request was accepted.
            user: The user who approved the token, or None.
        """
        if self._requests is None:
            return
        consumer_key, token_key = keys(request)
        event = Handled(
            at=self.now(),
            consumer_key=consumer_key,
            endpoint=endpoint,
            token_key=token_key,
            user=user,
            refused=refused,
            seconds=perf_counter() - started,
        )
        yield from result_of("requests", self._requests(event))

    def needs_secret(self, consumer: ClientCredentials) -> bool:
        """Return whether *consumer* can sign with its shared secret.

        True if the client has no public key, and may use a signature method with shared secrets.
        """
        allowed = self._methods if consumer.signature_methods is None else consumer.signature_methods
        return consumer.public_key is None and any(
            method.uses_secrets for name, method in self._methods.items() if name in allowed
        )

    def receive(self, http_request: HTTPRequest, request_type: type[Request] = Request) -> Request:
        """Read *http_request*; the URL of the result is the URL that the client signed.

        Args:
            http_request: The received request.
            request_type: The class of the result. The attributes of this class determine how parameters are read.

        Raises:
            Error: The request is malformed, is too large, or has no OAuth parameters.
        """
        url = self._signed_url(http_request)
        fields = _Fields(http_request.headers)
        request = request_type.from_request(http_request.method, url, fields, body=http_request.body)
        if request is None:
            raise ParameterAbsent("The request has no OAuth parameters.")
        return request

    def _signed_url(self, http_request: HTTPRequest) -> str:
        return with_base_url(self.base_url, http_request.url)

    def require_tls(self, request: Request) -> None:
        """Refuse plain http, unless ``base_url`` is on a loopback host (sections 2.1 and 2.3).

        Raises:
            InsecureTransport: The request was sent over plain http.
        """
        # Plain http is allowed only if base_url is a loopback URL. The Host header is not checked, because the peer
        # chooses its value.
        if not (request.normalized_url or "").startswith("https:") and not _is_loopback(self.base_url):
            raise InsecureTransport("Credentials are issued over https only. Send the request to an https URL.")

    def find(self, request: Request) -> Any:
        """Look up the client credentials and the token credentials of *request* in one call of the store.

        Returns:
            The pair of client credentials and token credentials, or an awaitable that returns this pair. An element of
            the pair is None if the store does not have these credentials.
        """
        consumer_key, token_key = keys(request)
        return (None, None) if consumer_key is None else self.store.find(consumer_key, token_key)

    def verify(
        self,
        request: Request,
        consumer: ClientCredentials | None,
        issued: IssuedCredentials | None,
        *,
        kind: str = "token",
    ) -> Steps[tuple[ClientCredentials, dict[str, Any]]]:
        """Verify *request* and record its nonce; return the client and all parameters except the protocol parameters.

        Args:
            request: The return value of :meth:`receive`.
            consumer: The client credentials of the request; None if the client is unknown.
            issued: The credentials of the ``oauth_token``; None if the ``oauth_token`` is unknown or missing.
            kind: The kind of *issued*: ``"token"`` or ``"temporary"``.

        Raises:
            Error: The request is refused. Unknown credentials, credentials of another client and a wrong signature all
                cause the same error after the same time, so the peer cannot find out which keys exist.
        """
        is_own = issued is not None and consumer is not None and issued.consumer_key == consumer.key
        try:
            parameters, claim = self._check(request, consumer, issued if is_own else None)
            if claim is not None:
                self._server._require_new((yield self.store.add_nonce(*claim)))
            if consumer is None:
                # Server refuses the signature if *consumer* is None. A program may replace Server._check_signature by a
                # function that accepts the signature. Without this line, the provider would then accept the request of
                # an unknown client.
                raise SignatureInvalid("The signature is invalid.")
            allowed = consumer.signature_methods
            if allowed is not None and request["oauth_signature_method"] not in allowed:
                raise SignatureMethodRejected("This client is not allowed to use this signature method.")
        except Error:
            # For unknown credentials, a store has less to read and to decrypt. The store therefore reads dummy
            # credentials now, so that the response takes as long as for known credentials (timing attack).
            read_dummies = getattr(self.store, "read_dummies", None)
            if read_dummies is not None:
                yield read_dummies({"consumer": consumer, kind: issued})
            raise
        return consumer, parameters

    def _check(
        self, request: Request, consumer: ClientCredentials | None, token: IssuedCredentials | None
    ) -> tuple[dict[str, Any], tuple[str, int, str, str | None] | None]:
        try:
            return self._server._check_request(request, consumer, token)
        except SignatureInvalid:
            # Always verify a second time: with the previous secret, or with dummy credentials if the client has no
            # previous secret. Otherwise the response time would reveal that a client is changing its secret.
            known = consumer or _DUMMY
            earlier = replace(known, secret=known.previous_secret or "")
            return self._server._check_request(request, earlier if known.previous_secret else None, token)

    def refuse(
        self, error: Error, request: Mapping[str, Any], realm: str, http_request: HTTPRequest | None = None
    ) -> Steps[Refused]:
        """Add the problem report and the header fields of the response to *error*.

        Emit and return the event :class:`Refused`.

        If the provider has an observer, also pass the request to the observer.

        Args:
            error: The reason for the refusal.
            request: The parameters of the request; empty if the request could not be read.
            realm: The realm of the ``WWW-Authenticate`` header.
            http_request: The received request; None if the middleware could not read the request.
        """
        now, threshold = self.now(), self._server.timestamp_threshold
        error.report = report(error, request, (now - threshold, now + threshold))
        error.headers = error_headers(error, list(error.report), realm)
        consumer_key, token_key = keys(request)
        event = Refused(
            at=now,
            consumer_key=consumer_key,
            token_key=token_key,
            status=error.status,
            problem=error.problem,
            message=error.message,
        )
        yield from self.emit(event)
        if self._observer is not None and http_request is not None and _is_signed(error, request):
            self._observer.observe(
                RefusedRequest(
                    event=event,
                    http_request=http_request,
                    url=self._signed_url(http_request),
                    base_url=self.base_url,
                    timestamp_threshold=threshold,
                    is_issuance=isinstance(request, TokenEndpointRequest),
                    find=partial(self._find_all, consumer_key, token_key),
                    emit=self.emit,
                )
            )
        return event

    def _find_all(self, consumer_key: str | None, token_key: str | None) -> Steps[FoundCredentials]:
        consumer, token = (None, None) if consumer_key is None else (yield self.store.find(consumer_key, token_key))
        temporary = None if token_key is None else (yield self.store.get_temporary(token_key))
        return FoundCredentials(consumer=consumer, token=token, temporary=temporary)


class _Fields:
    """Header fields for :func:`~oauth2._wire.received.find_headers`; more than one Authorization header is refused."""

    def __init__(self, headers: Sequence[tuple[str, str]] | Mapping[str, str]) -> None:
        items: Any = getattr(headers, "items", None)
        pairs: Any = headers if items is None else items()
        # A WSGI server converts the names Content_Type and Content-Type to the same variable. Fields whose names have
        # an underscore are ignored, so that a client cannot override Content-Type with Content_Type.
        self._pairs = [pair for pair in pairs if "_" not in pair[0]]
        # Fast path: 13 is the length of "authorization".
        if len([name for name, _ in self._pairs if len(name) == 13 and name.lower() == "authorization"]) > 1:
            raise InvalidRequest("The request has more than one Authorization header.")

    def items(self) -> list[tuple[str, str]]:
        return self._pairs


def keys(request: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the consumer key and the token key of a request; None for a key that is missing or not valid."""
    consumer_key, token_key = request.get("oauth_consumer_key"), request.get("oauth_token")
    return (
        consumer_key if is_valid_key(consumer_key) else None,
        token_key if is_valid_key(token_key) else None,
    )


def _is_signed(error: Error, request: Mapping[str, Any]) -> bool:
    """Return whether a refused request may have a signature; False if the store caused *error*."""
    if isinstance(error, StoreUnavailable):
        return False
    # *request* is empty if the request could not be read. In this case the request may have a malformed Authorization
    # header with a signature, unless *error* is ParameterAbsent.
    return any(name.startswith("oauth_") for name in request) or not (request or isinstance(error, ParameterAbsent))


def requested_realms(http_request: HTTPRequest) -> list[str]:
    """Return the names in the parameter ``realm`` of the Authorization header; whitespace separates the names."""
    authorization, _ = find_headers(_Fields(http_request.headers))
    pairs = parse_authorization_header(authorization) if is_oauth_header(authorization) else []
    return dict(pairs).get("realm", "").split()


def _is_loopback(base_url: str | None) -> bool:
    if base_url is None:
        return False
    host = base_string_uri(base_url).removeprefix("http://").partition("/")[0]
    return is_loopback_host(host) or is_loopback_host(host.rpartition(":")[0])
