"""Verify a request that a provider received: what all its endpoints share.

The counterpart of :mod:`oauth2.outgoing`: a request comes in as it arrived, and
what leaves is the client that rightly signed it, with the parameters it signed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from .audit import Event, Refused
from .encoding import is_utf8
from .errors import (
    Error,
    InsecureTransport,
    InvalidRequest,
    ParameterAbsent,
    SignatureInvalid,
    SignatureMethodRejected,
)
from .parameters import is_oauth_header, parse_authorization_header
from .problem import error_headers, report
from .received import find_headers
from .request import Request
from .server import Server
from .signature import base_string_uri
from .stores import ClientCredentials, TokenCredentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .http import HTTPRequest
    from .signature import SignatureMethod
    from .stores import ProviderStore

_MAX_KEY = 255  # characters
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Issued(Protocol):
    """Temporary or token credentials."""

    @property
    def key(self) -> str:
        """Sent as ``oauth_token``."""

    @property
    def secret(self) -> str:
        """Its shared secret."""

    @property
    def consumer_key(self) -> str:
        """The one client it works for."""


class Incoming:
    """Reads and verifies what arrives, for one provider; see there for the arguments."""

    def __init__(
        self,
        store: ProviderStore,
        signature_methods: Iterable[SignatureMethod],
        *,
        base_url: str | None,
        timestamp_threshold: int,
        body_hash_required: bool,
        clock: Callable[[], float],
        audit: Callable[[Event], object] | None,
    ) -> None:
        if isinstance(store, type) or not hasattr(store, "find"):
            raise TypeError("store: a store wanted, such as MemoryStore() or SQLiteStore(path)")
        self.store = store
        self.base_url = None if base_url is None else _base_url(base_url)
        self.audit = audit
        self._clock = clock
        self._server = Server(
            {method.name: method for method in signature_methods},
            nonce_store=store,
            timestamp_threshold=timestamp_threshold,
            body_hash_required=body_hash_required,
            clock=clock,
        )

    def now(self) -> int:
        """Return the seconds since 1970-01-01 00:00 UTC."""
        return int(self._clock())

    def tell(self, event: Event) -> None:
        """Hand *event* to the audit hook, if there is one."""
        if self.audit is not None:
            self.audit(event)

    def receive(self, http_request: HTTPRequest) -> Request:
        """Return what *http_request* holds, at the URL that its client signed.

        Raises:
            Error: It is malformed, too large, or has no OAuth parameters.
        """
        url = http_request.url if self.base_url is None else self.base_url + _target(http_request.url)
        request = Request.from_request(http_request.method, url, _Fields(http_request.headers), body=http_request.body)
        if request is None:
            raise ParameterAbsent("The request has no OAuth parameters.")
        return request

    def require_tls(self, request: Request) -> None:
        """Refuse plain http, but for the loopback address that ``base_url`` names (sections 2.1 and 2.3).

        Raises:
            InsecureTransport: As it says.
        """
        # The Host header is the peer's word: only the configuration can make an exception.
        if not (request.normalized_url or "").startswith("https:") and not _is_loopback(self.base_url):
            raise InsecureTransport("Credentials are issued over https only.")

    def find(self, request: Request) -> tuple[ClientCredentials | None, TokenCredentials | None]:
        """Return the client and token credentials that *request* names, in one look-up."""
        consumer_key, token_key = keys(request)
        return (None, None) if consumer_key is None else self.store.find(consumer_key, token_key)

    def verify(
        self, request: Request, consumer: ClientCredentials | None, token: Issued | None
    ) -> tuple[ClientCredentials, dict[str, Any]]:
        """Verify *request* and claim its nonce; return the client and the parameters that are not the protocol's.

        Args:
            request: What :meth:`receive` returned.
            consumer: The client that it names; None if it is not known.
            token: The credentials that it names; None likewise, or if it names none.

        Raises:
            Error: It is refused. Unknown credentials, those of another client and a
                wrong signature look the same.
        """
        if token is not None and (consumer is None or token.consumer_key != consumer.key):
            token = None
        try:
            parameters = self._server.verify_request(request, consumer, token)
        except SignatureInvalid:
            # The second look, with a secret or with none, costs the same: nobody can tell whose is rotated.
            previous = None if consumer is None else consumer.previous_secret
            earlier = replace(consumer, secret=previous) if consumer and previous else None
            parameters = self._server.verify_request(request, earlier, token)
        if consumer is None:
            raise SignatureInvalid("The signature is invalid.")  # the server said so before
        if (
            consumer.signature_methods is not None
            and request["oauth_signature_method"] not in consumer.signature_methods
        ):
            raise SignatureMethodRejected("This client may not use this signature method.")
        return consumer, parameters

    def refuse(self, error: Error, request: Mapping[str, Any], realm: str) -> None:
        """Complete *error* with what is to be answered, and tell the audit hook.

        Args:
            error: Why *request* is refused.
            request: Its parameters; empty if it could not be read.
            realm: Of the ``WWW-Authenticate`` header.
        """
        now, threshold = self.now(), self._server.timestamp_threshold
        error.report = report(error, request, (now - threshold, now + threshold))
        error.headers = error_headers(error, list(error.report), realm)
        consumer_key, token_key = keys(request)
        self.tell(
            Refused(
                at=now,
                consumer_key=consumer_key,
                token_key=token_key,
                status=error.status,
                problem=error.problem,
                message=error.message,
            )
        )


class _Fields:
    """Header fields as :func:`~oauth2.received.find_headers` takes them; one Authorization line at most."""

    def __init__(self, headers: Sequence[tuple[str, str]] | Mapping[str, str]) -> None:
        pairs = headers.items() if hasattr(headers, "items") else headers
        # With an underscore it would be the name of a variable, and pass for another field.
        self._pairs = [(name, value) for name, value in pairs if "_" not in name]
        if len([name for name, _ in self._pairs if name.lower() == "authorization"]) > 1:
            raise InvalidRequest("The request has two Authorization headers.")

    def items(self) -> list[tuple[str, str]]:
        return self._pairs


def keys(request: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the consumer key and the token of a request, None for each that no store can know."""
    consumer_key, token_key = request.get("oauth_consumer_key"), request.get("oauth_token")
    return (
        consumer_key if may_be_known(consumer_key) else None,
        token_key if may_be_known(token_key) else None,
    )


def may_be_known(key: object) -> bool:
    """Tell whether a store is to be asked for *key*: not for what it may be unable to look up."""
    return isinstance(key, str) and 0 < len(key) <= _MAX_KEY and "\0" not in key and is_utf8(key)


def requested_realms(http_request: HTTPRequest) -> list[str]:
    """Return the realms that the Authorization header of a request names, separated by spaces."""
    authorization, _ = find_headers(_Fields(http_request.headers))
    pairs = parse_authorization_header(authorization) if is_oauth_header(authorization) else []
    return dict(pairs).get("realm", "").split()


def _base_url(url: str) -> str:
    try:
        base_string_uri(url)
    except ValueError:
        raise ValueError("base_url: an http or https URL wanted") from None
    if "?" in url or "#" in url or "@" in url:
        raise ValueError("base_url: scheme, host and path prefix wanted, and nothing else")
    return url.rstrip("/")


def _is_loopback(base_url: str | None) -> bool:
    if base_url is None:
        return False
    host = base_string_uri(base_url).removeprefix("http://").partition("/")[0]
    return host in _LOOPBACK or host.rpartition(":")[0] in _LOOPBACK


def _target(url: str) -> str:
    """Return path and query of *url*, which may be all there is of it."""
    if url.startswith("/"):
        return url
    rest = url.partition("://")[2]
    start = min([index for index in map(rest.find, "/?#") if index >= 0], default=len(rest))
    return rest[start:]
