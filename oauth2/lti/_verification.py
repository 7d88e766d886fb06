"""Verify a signed LTI message: a form from a browser, or XML from the server of a tool."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from .._checks import is_coroutine_function
from .._steps import Steps, result_of
from .._wire.form import form_text, query_of, read_form
from .._wire.header import is_oauth_header
from .._wire.pairs import subtract
from .._wire.received import find_headers, form_body
from .._wire.url import checked_base_url, with_base_url
from ..credentials import Consumer
from ..errors import InvalidRequest, ParameterAbsent, SignatureInvalid
from ..http import HTTPRequest
from ..request import Request
from ..server import Server
from ..signature import SignatureMethod_HMAC_SHA1, SignatureMethod_HMAC_SHA256
from ..stores import AsyncNonceStore, MemoryStore, NonceStore, is_valid_key

#: A mapping of consumer keys to shared secrets; or a function that takes a consumer key, and returns the shared secret
#: or None.
Secrets = Mapping[str, str] | Callable[[str], str | None]
#: :data:`Secrets` for asyncio. The function may also be a coroutine function.
AsyncSecrets = Secrets | Callable[[str], Awaitable[str | None]]

_METHODS = [SignatureMethod_HMAC_SHA1(), SignatureMethod_HMAC_SHA256()]


class VerifyOptions(TypedDict, total=False):
    """Options of the functions that verify messages. Every option may be omitted.

    Attributes:
        base_url: The first part of the URL that users open or tools call: scheme, host and a path prefix that a proxy
            removes. Pass *base_url* if a proxy changes the URL. With *base_url*, the URL of the request needs to
            contain only path and query.
        timestamp_threshold: Largest accepted difference between a timestamp and the clock, in seconds. Defaults to 300.
        now: A function that returns seconds since 1970-01-01 00:00 UTC.
    """

    base_url: str | None
    timestamp_threshold: int
    now: Callable[[], float]


class _Server(Server):
    _calls_store = False  # verify() calls add_nonce() itself, because the store may be an asyncio store.
    _empty_secret_allowed = False  # If this value were True, anyone could sign for a key whose secret is empty.

    def verify(self, received: Request, consumer: Consumer | None) -> Steps[dict[str, Any]]:
        """Verify a request, and mark its nonce as used; return all parameters except the protocol parameters."""
        parameters, claim = self._check_request(received, consumer, None)
        if claim is not None and self.nonce_store is not None:
            self._require_new((yield from result_of("nonce_store", self.nonce_store.add_nonce(*claim))))
        return parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The options for verifying messages; see :func:`~oauth2.lti.verify_launch` for the attributes."""

    secrets: AsyncSecrets
    nonce_store: NonceStore | AsyncNonceStore
    base_url: str | None = None
    timestamp_threshold: int = 300
    now: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        if not callable(self.secrets) and not isinstance(self.secrets, Mapping):
            raise TypeError("secrets: must be a mapping, or a function that takes a key")
        if isinstance(self.nonce_store, type) or not hasattr(self.nonce_store, "add_nonce"):
            raise TypeError("nonce_store: must be a store, such as MemoryStore() or SQLiteStore(path)")
        if is_coroutine_function(self.now):
            raise TypeError("now: must not be a coroutine function")
        if self.base_url is not None:
            object.__setattr__(self, "base_url", checked_base_url(self.base_url))

    def url_of(self, request: HTTPRequest) -> str:
        """Return the URL that the peer signed."""
        return with_base_url(self.base_url, request.url)

    def consumer(self, key: object) -> Steps[Consumer | None]:
        """Return the credentials with *key*, or None if the key is unknown or not valid.

        Raises:
            TypeError: The function *secrets* returned neither text nor None.
        """
        if not isinstance(key, str) or not is_valid_key(key):
            return None
        found = self.secrets.get(key) if isinstance(self.secrets, Mapping) else self.secrets(key)
        secret = yield from result_of("secrets", found)
        if secret is not None and not isinstance(secret, str):
            raise TypeError("secrets: each secret must be a str, or None for an unknown key")
        return None if secret is None else Consumer(key, secret)

    def server(self, *, body_hash_required: bool) -> _Server:
        """Return the server that verifies one message."""
        nonces: Any = self.nonce_store  # The server reads only store.window, and never calls add_nonce().
        return _Server(
            _METHODS,
            nonce_store=nonces,
            timestamp_threshold=self.timestamp_threshold,
            body_hash_required=body_hash_required,
            sha1_body_hash_allowed=True,  # LTI 1.1 defines only the SHA-1 body hash.
            now=self.now,
        )


def blocking_policy(secrets: Secrets, nonce_store: NonceStore, options: VerifyOptions) -> Policy:
    """Return the :class:`Policy` for a blocking function.

    Raises:
        TypeError: An argument has a wrong type; for example *nonce_store* is an asyncio store.
        ValueError: ``base_url`` is not valid.
    """
    if is_coroutine_function(secrets):
        raise TypeError("secrets: must not be a coroutine function; async_verify_launch accepts coroutine functions")
    if is_coroutine_function(getattr(nonce_store, "add_nonce", None)):
        raise TypeError("nonce_store: must be a blocking store; async_verify_launch accepts asyncio stores")
    return Policy(secrets=secrets, nonce_store=nonce_store, **options)


def asyncio_policy(secrets: AsyncSecrets, nonce_store: AsyncNonceStore | MemoryStore, options: VerifyOptions) -> Policy:
    """Return the :class:`Policy` for a coroutine function.

    Raises:
        TypeError: An argument has a wrong type; for example *nonce_store* is a blocking store.
        ValueError: ``base_url`` is not valid.
    """
    add_nonce = getattr(nonce_store, "add_nonce", None)
    if add_nonce is not None and not isinstance(nonce_store, MemoryStore) and not is_coroutine_function(add_nonce):
        raise TypeError(
            "nonce_store: must be an asyncio store, or a MemoryStore; use ThreadedStore for a blocking store"
        )
    return Policy(secrets=secrets, nonce_store=nonce_store, **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A verified message.

    Attributes:
        consumer_key: The key of the peer that signed the message.
        parameters: A dict of all signed parameters except the protocol parameters. If a name occurs more than once, its
            value is a list.
        callback: ``oauth_callback``; None if the parameter is missing.
    """

    consumer_key: str
    parameters: dict[str, str | list[str]] = field(repr=False)
    callback: str | None


def verify_form(request: HTTPRequest, policy: Policy) -> Steps[Message]:
    """Verify a form that a browser posted, and mark its nonce as used.

    If a parameter is in the query and also in the form, the signature must cover it twice (RFC 5849 section 3.4.1.3.1).
    Canvas repeats the query of the launch URL in the form, but signs each of these parameters once. This function
    accepts both kinds of signatures. In both cases, the result contains only signed parameters.

    Raises:
        Error: The request is refused.
    """
    url, headers = policy.url_of(request), _headers(request)
    if request.method.upper() != "POST":
        raise InvalidRequest("An LTI message must be sent with POST.")
    authorization, content_type = find_headers(headers)
    _, is_form = form_body(content_type, request.body)
    if not is_form:
        raise InvalidRequest("An LTI message must be a form: send application/x-www-form-urlencoded.")
    if is_oauth_header(authorization):
        raise InvalidRequest("An LTI message must have the protocol parameters in its form, not in a header.")
    received = _receive(request, url, headers)
    if any(name.startswith("oauth_") for name in _names(query_of(url))):
        raise InvalidRequest("An LTI message must have the protocol parameters in its form, not in the URL.")
    consumer = yield from policy.consumer(received.get("oauth_consumer_key"))
    server = policy.server(body_hash_required=False)
    try:
        parameters = yield from server.verify(received, consumer)
    except SignatureInvalid:
        once = _without_repeated(url, request.body)
        if once is None:
            raise
        received = _receive(request, once, headers)
        parameters = yield from server.verify(received, consumer)
    return _message(received, parameters)


def verify_xml(request: HTTPRequest, policy: Policy) -> Steps[Message]:
    """Verify a request with an XML body, which the body hash must cover, and mark its nonce as used.

    Raises:
        Error: The request is refused.
    """
    headers = _headers(request)
    if request.method.upper() != "POST":
        raise InvalidRequest("An outcome request must be sent with POST.")
    _, content_type = find_headers(headers)
    if content_type.partition(";")[0].strip(" \t").lower() not in ("application/xml", "text/xml"):
        raise InvalidRequest("An outcome request must have the Content-Type application/xml.")
    if not request.body:
        raise InvalidRequest("An outcome request must have a body.")
    received = _receive(request, policy.url_of(request), headers)
    consumer = yield from policy.consumer(received.get("oauth_consumer_key"))
    parameters = yield from policy.server(body_hash_required=True).verify(received, consumer)
    return _message(received, parameters)


def _receive(request: HTTPRequest, url: str, headers: dict[str, str]) -> Request:
    received = Request.from_request(request.method, url, headers, body=request.body)
    if received is None:
        raise ParameterAbsent("The request has no OAuth parameters.")
    return received


def _message(received: Request, parameters: dict[str, Any]) -> Message:
    return Message(
        consumer_key=received["oauth_consumer_key"], parameters=parameters, callback=received.get("oauth_callback")
    )


def _without_repeated(url: str, form: bytes) -> str | None:
    """Remove the parameters that *form* repeats from the query of *url*; return None if *form* repeats no parameter."""
    in_query = read_form(query_of(url))
    kept = subtract(in_query, read_form(form_text(form)))
    if len(kept) == len(in_query):
        return None
    base = url.partition("#")[0].partition("?")[0]
    return f"{base}?{'&'.join(kept).replace(' ', '=')}" if kept else base


def _names(form: str) -> list[str]:
    return [encoded.partition(" ")[0] for encoded in read_form(form)] if form else []


def _headers(request: HTTPRequest) -> dict[str, str]:
    pairs = request.headers.items() if isinstance(request.headers, Mapping) else request.headers
    fields: dict[str, str] = {}
    for name, value in pairs:
        lower = name.lower()
        if lower in ("authorization", "content-type") and lower in fields:
            raise InvalidRequest(f"The request has more than one {lower} header.")
        fields[lower] = value
    return fields
