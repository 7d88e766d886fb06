"""OAuth 1.0a for requests and niquests: ``requests.get(url, auth=OAuth1(consumer, token))``.

The library ``requests`` calls an auth object once, when it prepares a request. Afterwards the session and urllib3 may
send the prepared request again, for redirects and retries, without calling the auth object. Therefore this module
changes the class of the prepared request to a subclass that signs the request each time that it is sent. An adapter
reads ``path_url`` before it passes the request to urllib3, and urllib3 reads the items of the headers before each of
its attempts to send the request. The subclass signs the request at these moments.
"""

from __future__ import annotations

import re
from functools import lru_cache
from inspect import iscoroutinefunction
from typing import Any, TypeVar
from weakref import ref

from .._sending.exchange import Exchange
from .._sending.fields import text_of
from .._sending.outgoing import Outgoing, write_authorization
from .._sending.record import body_of
from .._sending.service_time import REFUSALS, should_read_body
from ._oauth1 import BaseOAuth1

__all__ = ["OAuth1"]

#: The class ``PreparedRequest`` of the library ``requests`` or ``niquests``.
_PreparedT = TypeVar("_PreparedT")

_ESCAPE = re.compile("%[0-9a-fA-F]{2}")


class OAuth1(BaseOAuth1):
    """Signs the requests of the library ``requests`` or ``niquests``.

    Pass an instance as ``auth=`` to a request or a session.
    """

    def __call__(self, request: _PreparedT) -> _PreparedT:
        """Sign *request*, which the library is preparing."""
        prepared: Any = request
        prepared.url = _as_sent(prepared.url)
        content_type, host = _field(prepared, "Content-Type"), _field(prepared, "Host")
        outgoing = Outgoing(prepared.method, prepared.url, prepared.body, content_type, host=host)
        signature = _Signature(Exchange(self.signer, outgoing))
        signature.attach(prepared)
        signature.sign(prepared)
        prepared.register_hook("response", _take_note)
        return request


class _Signature:
    """The signature of one prepared request, and the state of the request.

    Attributes:
        exchange: The request before signing.
        authorization: The value of the Authorization field; None if the protocol parameters are in the query or the
            body.
        signed: Method, URL and body of the signed request.
        was_used: Whether the signature was sent.
        is_in_flight: Whether an adapter is sending the request.
        attempts: Number of times that urllib3 has tried to send the request.
    """

    __slots__ = ("attempts", "authorization", "exchange", "is_in_flight", "signed", "was_used")

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.authorization: str | None = None
        self.signed: tuple[Any, ...] = ()
        self.was_used = False
        self.is_in_flight = False
        self.attempts = 0

    def attach(self, request: Any) -> None:
        """Change the class of *request*, so that *request* is signed each time that it is sent."""
        request.__class__ = _signing_kind(request.__class__)
        request.oauth1 = self
        request.headers.__class__ = _signing_headers(request.headers.__class__)
        request.headers.request = ref(request)
        request.headers.is_attempt = False

    def attach_copy(self, request: Any) -> None:
        """Attach a copy of this signature to *request*, which is a copy of the signed request."""
        copy = _Signature(self.exchange)
        copy.authorization, copy.signed, copy.was_used = self.authorization, self.signed, self.was_used
        copy.attach(request)

    def sign(self, request: Any) -> None:
        """Sign *request* with a new nonce."""
        signed = self.exchange.sign()
        request.url = _as_sent(signed.uri)
        if signed.body is not request.body:
            request.body = signed.body
            request.headers.pop("Content-Length", None)
            request.prepare_content_length(signed.body)
        write_authorization(request.headers, signed)
        self.authorization = signed.authorization
        self.signed = (request.method, request.url, request.body)
        self.was_used = False

    def before_send(self, request: Any) -> None:
        """Sign *request* again if its signature was sent, or if *request* has changed since it was signed."""
        method, url, body = self.signed
        if request.method != method or request.url != url or request.body is not body:
            self.follow(request)
        elif self.was_used:
            self.sign(request)
        self.was_used = self.is_in_flight = True
        self.attempts = 0

    def follow(self, request: Any) -> None:
        """Sign *request*, which a redirect or the program has changed."""
        before = self.exchange
        body = before.asked.body if request.body is self.signed[2] else request.body
        request.url = _as_sent(request.url)
        if self.authorization is not None and request.headers.get("Authorization") == self.authorization:
            del request.headers["Authorization"]
        content_type, host = _field(request, "Content-Type"), _field(request, "Host")
        self.exchange = before.redirected(request.url, request.method, body, content_type, host=host)
        self.sign(request)

    def before_attempt(self, request: Any, headers: Any) -> None:
        """Sign *request* again if urllib3 retries it; *headers* are the header fields that urllib3 is about to send."""
        self.attempts += 1
        if self.attempts == 1 or self.exchange.signer is None:
            return
        if self.authorization is None:
            raise ValueError('placement: must be "header" if urllib3 retries; a retry cannot change URL or body')
        self.authorization = self.exchange.sign().authorization
        headers["Authorization"] = request.headers["Authorization"] = self.authorization


@lru_cache
def _signing_kind(kind: type) -> Any:
    if hasattr(kind, "plain_kind"):
        return kind

    class SigningRequest(kind):  # type: ignore[misc]
        plain_kind = kind

        def copy(self) -> Any:
            copied = super().copy()
            self.oauth1.attach_copy(copied)
            return copied

        @property
        def path_url(self) -> Any:
            # An adapter reads the request target immediately before it sends the request.
            self.oauth1.before_send(self)
            return super().path_url

        def __reduce_ex__(self, _protocol: Any) -> Any:
            # A pickle must not contain the secrets, so the pickled object is an instance of the original class.
            state = {**vars(self), "headers": self.headers.plain_kind(dict(self.headers))}
            del state["oauth1"]
            return _restored, (kind, state)

    return SigningRequest


@lru_cache
def _signing_headers(kind: type) -> Any:
    if hasattr(kind, "plain_kind"):
        return kind

    class SigningHeaders(kind):  # type: ignore[misc]
        plain_kind = kind

        def copy(self) -> Any:
            # urllib3 copies the headers for each attempt to send the request, and then reads the items of the copy.
            # items() of the copy signs the request.
            copied = super().copy()
            copied.__class__ = type(self)
            copied.request, copied.is_attempt = self.request, True
            return copied

        def items(self) -> Any:
            request = self.request()
            if self.is_attempt and request is not None and request.oauth1.is_in_flight:
                request.oauth1.before_attempt(request, self)
            return super().items()

    return SigningHeaders


def _restored(kind: Any, state: dict[str, Any]) -> Any:
    restored = kind.__new__(kind)
    restored.__dict__.update(state)
    return restored


def _as_sent(url: str) -> str:
    # urllib3 sends the escapes of a path in upper case, so the path must be signed with upper-case escapes.
    base, mark, query = url.partition("?")
    if "%" in base:
        base = _ESCAPE.sub(lambda escape: escape[0].upper(), base)
    return f"{base}{mark}{query}"


def _field(request: Any, name: str) -> str:
    return text_of(request.headers.get(name) or "")


def _take_note(response: Any, *_: Any, **options: Any) -> Any:
    request = response.request
    if not hasattr(request, "oauth1"):
        return response
    request.oauth1.is_in_flight = False
    is_sent_again = _is_sent_again(request.oauth1.exchange, response, options)
    if not is_sent_again or iscoroutinefunction(response.connection.send):
        return response
    response.content  # noqa: B018 - reading the body to its end releases the connection
    response.close()
    again: Any = request.copy()
    answer = response.connection.send(again, **options)
    answer.history.append(response)
    answer.request = again
    _is_sent_again(again.oauth1.exchange, answer, options)
    return answer


def _is_sent_again(exchange: Exchange, response: Any, options: Any) -> bool:
    fields = response.headers.get
    is_read = should_read_body(response.status_code, fields)
    if not is_read and exchange.explains(response.status_code):
        # Without stream=True, the library always reads the body after this hook, so this function can read it now.
        is_read = not options.get("stream") and not iscoroutinefunction(response.connection.send)
    body = response.content if is_read else b""
    later = body_of(response, "_content") if response.status_code in REFUSALS else None
    return exchange.answered(response.status_code, fields, body, later=later)
