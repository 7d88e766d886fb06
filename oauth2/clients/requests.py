"""OAuth 1.0a for requests and niquests: ``requests.get(url, auth=OAuth1(consumer, token))``.

requests asks an auth once, when it prepares a request. What follows, the session
and urllib3 do alone: they send again what was prepared, elsewhere too. So the
prepared request itself learns to be signed each time that it is sent. It becomes
one of a subclass that goes by what an adapter and urllib3 ask of it: its
``path_url`` once for each send, the items of its headers once for each try.
"""

from __future__ import annotations

import re
from functools import lru_cache
from inspect import iscoroutinefunction
from typing import Any
from weakref import ref

from ..exchange import Exchange, Signer, may_tell_why, text_of
from ..outgoing import Outgoing

_ESCAPE = re.compile("%[0-9a-fA-F]{2}")


class OAuth1:
    """Signs what requests or niquests sends: for ``auth=`` of a request or of a session.

    Args:
        consumer: Client credentials: any object with ``key`` and ``secret``.
        token: The same for the token; None or empty for none.
        **options: Of :class:`~oauth2.exchange.Signer`: ``signature_method``,
            ``placement``, ``realm``, ``body_hash``, ``clock``.

    Raises:
        TypeError: An option is unknown.
        ValueError: An argument is none that :class:`~oauth2.exchange.Signer` takes.
    """

    def __init__(self, consumer: Any, token: Any = None, **options: Any) -> None:
        self.signer = Signer(consumer=consumer, token=token, **options)

    def __call__(self, request: Any) -> Any:
        """Sign *request*, which is being prepared."""
        request.url = _as_sent(request.url)
        exchange = Exchange(self.signer, Outgoing(request.method, request.url, request.body, _content_type(request)))
        _Signature(exchange).attach(request)
        request.oauth1.sign(request)
        request.register_hook("response", _answered)
        return request


class _Signature:
    """What a prepared request was signed with, and how often it went out with that."""

    __slots__ = ("authorization", "exchange", "is_under_way", "signed", "tries", "was_used")

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.authorization: str | None = None
        self.signed: tuple[Any, ...] = ()
        self.was_used = False
        self.is_under_way = False
        self.tries = 0

    def attach(self, request: Any) -> None:
        """Make *request* one that is signed each time that it is sent."""
        request.__class__ = _signed_kind(request.__class__)
        request.oauth1 = self
        request.headers.__class__ = _renewed_kind(request.headers.__class__)
        request.headers.request = ref(request)
        request.headers.is_on_its_way = False

    def copied(self, request: Any) -> None:
        """Be attached to *request*, a copy, as another one."""
        other = _Signature(self.exchange)
        other.authorization, other.signed, other.was_used = self.authorization, self.signed, self.was_used
        other.attach(request)

    def sign(self, request: Any) -> None:
        """Sign *request*, with another nonce than before."""
        signed = self.exchange.sign()
        request.url = _as_sent(signed.uri)
        if signed.body is not request.body:
            request.body = signed.body
            request.headers.pop("Content-Length", None)
            request.prepare_content_length(signed.body)
        if signed.authorization is not None:
            request.headers["Authorization"] = signed.authorization
        if signed.content_type and "Content-Type" not in request.headers:
            request.headers["Content-Type"] = signed.content_type
        self.authorization = signed.authorization
        self.signed = (request.method, request.url, request.body)
        self.was_used = False

    def is_about_to_go(self, request: Any) -> None:
        """See to it that *request* has a signature of its own."""
        method, url, body = self.signed
        if request.method != method or request.url != url or request.body is not body:
            self.follow(request)
        elif self.was_used:
            self.sign(request)
        self.was_used = self.is_under_way = True
        self.tries = 0

    def follow(self, request: Any) -> None:
        """Sign what a redirect, or whoever else, has made of the request."""
        before = self.exchange
        body = before.asked.body if request.body is self.signed[2] else request.body
        request.url = _as_sent(request.url)
        if self.authorization is not None and request.headers.get("Authorization") == self.authorization:
            del request.headers["Authorization"]
        self.exchange = before.redirected(request.url, request.method, body, _content_type(request))
        self.sign(request)

    def is_tried(self, request: Any, headers: Any) -> None:
        """See to it that *headers*, which are about to be written, have a signature of their own."""
        self.tries += 1
        if self.tries == 1 or self.exchange.signer is None:
            return
        if self.authorization is None:
            raise ValueError('placement: a retry by urllib3 can sign a request anew with placement="header" only')
        self.authorization = self.exchange.sign().authorization
        headers["Authorization"] = request.headers["Authorization"] = self.authorization


@lru_cache
def _signed_kind(kind: type) -> Any:
    if hasattr(kind, "plain_kind"):
        return kind

    class Signed(kind):  # type: ignore[misc]
        plain_kind = kind

        def copy(self) -> Any:
            copied = super().copy()
            self.oauth1.copied(copied)
            return copied

        @property
        def path_url(self) -> Any:
            # An adapter that asks for the request target is about to send.
            self.oauth1.is_about_to_go(self)
            return super().path_url

        def __reduce_ex__(self, _protocol: Any) -> Any:
            state = {**vars(self), "headers": self.headers.plain_kind(dict(self.headers))}
            del state["oauth1"]
            return _restored, (kind, state)

    return Signed


@lru_cache
def _renewed_kind(kind: type) -> Any:
    if hasattr(kind, "plain_kind"):
        return kind

    class Renewed(kind):  # type: ignore[misc]
        plain_kind = kind

        def copy(self) -> Any:
            # urllib3 makes one for each try.
            copied = super().copy()
            copied.__class__ = type(self)
            copied.request, copied.is_on_its_way = self.request, True
            return copied

        def items(self) -> Any:
            request = self.request()
            if self.is_on_its_way and request is not None and request.oauth1.is_under_way:
                request.oauth1.is_tried(request, self)
            return super().items()

    return Renewed


def _restored(kind: Any, state: dict[str, Any]) -> Any:
    restored = kind.__new__(kind)
    restored.__dict__.update(state)
    return restored


def _as_sent(url: str) -> str:
    # urllib3 writes escapes in upper case, and escapes brackets; a path is signed as it is written.
    base, mark, query = url.partition("?")
    if "%" in base:
        base = _ESCAPE.sub(lambda escape: escape[0].upper(), base)
    if "[" in base:
        scheme, slashes, rest = base.partition("//")
        authority, slash, path = rest.partition("/")
        base = f"{scheme}{slashes}{authority}{slash}{path.replace('[', '%5B').replace(']', '%5D')}"
    return f"{base}{mark}{query}"


def _content_type(request: Any) -> str:
    return text_of(request.headers.get("Content-Type") or "")


def _answered(response: Any, *_: Any, **options: Any) -> Any:
    """Send once more what was refused for the clock."""
    request = response.request
    if not hasattr(request, "oauth1"):
        return response
    request.oauth1.is_under_way = False
    if not _learn(request.oauth1.exchange, response) or iscoroutinefunction(response.connection.send):
        return response
    response.content  # noqa: B018 - is read to the end, so that the connection is free
    response.close()
    again: Any = request.copy()
    answer = response.connection.send(again, **options)
    answer.history.append(response)
    answer.request = again
    _learn(again.oauth1.exchange, answer)
    return answer


def _learn(exchange: Exchange, response: Any) -> bool:
    is_read = may_tell_why(response.status_code, response.headers.get("Content-Length"))
    body = response.content if is_read else b""
    return exchange.learn(response.status_code, response.headers.get, body)
