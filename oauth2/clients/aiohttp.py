"""OAuth 1.0a for aiohttp: ``ClientSession(middlewares=[OAuth1(consumer, token)])``.

aiohttp supports client middlewares since version 3.12. aiohttp calls a client middleware for each request that aiohttp
sends, including redirects and retries. ``OAuth1`` must be the last middleware in the list, so that no middleware
changes a request after it was signed.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import new
from typing import Any

import aiohttp
from aiohttp import hdrs
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from .._sending.exchange import Exchange
from .._sending.outgoing import Outgoing, write_authorization
from .._sending.record import body_of
from .._sending.service_time import REFUSALS, should_read_body
from .._sending.signer import Signer
from .._wire.form import is_form
from ..signature import body_digest
from ._oauth1 import BaseOAuth1

__all__ = ["OAuth1"]

_Handler = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]

_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class _Redirect:
    """The last response in this task, if it was a redirect. aiohttp may follow the redirect.

    Attributes:
        middleware: The middleware that signed the redirected request.
        call: The return value of ``_call()`` for the redirected request.
        exchange: The redirected request before signing.
    """

    middleware: OAuth1
    call: Any
    exchange: Exchange


_last: ContextVar[_Redirect | None] = ContextVar("oauth2_redirect", default=None)


class OAuth1(BaseOAuth1):
    """Client middleware that signs the requests of aiohttp.

    Pass an instance in the list ``middlewares=`` to a session or to a request.
    """

    async def __call__(self, request: aiohttp.ClientRequest, handler: _Handler) -> aiohttp.ClientResponse:
        """Sign and send *request*. If the service refuses the timestamp, sign *request* again and send it again."""
        exchange = await self._exchange(request)
        body = request.body or None
        try:
            response = await _send(request, exchange, handler)
        finally:
            # If the service redirects the request, aiohttp sends the body again. Therefore restore the body that the
            # request had before it was signed.
            if request.body is not body and (request.body or body):
                await request.update_body(body)
        if response.status in _REDIRECTS:
            _last.set(_Redirect(self, _call(request), exchange))
        return response

    async def _exchange(self, request: aiohttp.ClientRequest) -> Exchange:
        last = _last.get()
        _last.set(None)
        asked = await _outgoing(self.signer, request)
        if last is None or last.middleware is not self or last.call is not _call(request):
            return Exchange(self.signer, asked)
        following = last.exchange.redirected(asked.uri, asked.method, asked.body, asked.content_type, host=asked.host)
        following.asked = following.asked._replace(hashed=asked.hashed)
        return following


async def _send(request: aiohttp.ClientRequest, exchange: Exchange, handler: _Handler) -> aiohttp.ClientResponse:
    while True:
        await _sign(request, exchange)
        response = await handler(request)
        is_read = should_read_body(response.status, response.headers.get) or exchange.explains(response.status)
        body = await response.read() if is_read else b""
        if not _is_sent_again(exchange, response, body):
            return response
        response.release()


def _is_sent_again(exchange: Exchange, response: aiohttp.ClientResponse, body: bytes) -> bool:
    later = body_of(response, "_body") if response.status in REFUSALS else None
    return exchange.answered(response.status, response.headers.get, body, later=later)


def _call(request: aiohttp.ClientRequest) -> Any:
    # For each call of a session method, such as get(), aiohttp creates one list _traces. aiohttp passes this list to
    # all requests of the call, so the list identifies the call. If calls were not compared, the next call in this task
    # would be treated as a redirect that aiohttp follows.
    return getattr(request, "_traces", None)


async def _outgoing(signer: Signer, request: aiohttp.ClientRequest) -> Outgoing:
    body: Any = request.body or None
    content_type = request.headers.get(hdrs.CONTENT_TYPE, "")
    hashed = None
    if body is not None and signer.body_hash and request.compress:
        raise TypeError("body: must not be compressed by aiohttp if the body hash is sent; pass body_hash=False")
    if isinstance(body, aiohttp.BytesPayload) or (body is not None and is_form(content_type)):
        body = await body.as_bytes()
    elif body is not None and body.size is None:
        # The class Exchange treats every iterator as a body that can be read only once. This iterator is not read: it
        # only shows Exchange that the body can be read only once.
        body = iter(())
    elif body is not None:
        if signer.body_hash:
            hashed = await _hash(body, body_digest(signer.signature_method.name))
        body = None
    host = request.headers.get(hdrs.HOST, "")
    return Outgoing(request.method, str(request.url), body, content_type, hashed=hashed, host=host)


class _Hasher(AbstractStreamWriter):
    """A stream writer that hashes the octets that a body writes to it."""

    def __init__(self, digest: str) -> None:
        self.hash = new(digest)

    async def write(self, chunk: Any) -> None:
        self.hash.update(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.write(chunk)

    async def drain(self) -> None:
        """Do nothing, because there is no buffer."""

    def enable_compression(self, *_: Any, **__: Any) -> None:
        """Do nothing, because the body is hashed before compression."""

    def enable_chunking(self) -> None:
        """Do nothing, because the body is hashed without chunk sizes."""

    async def write_headers(self, status_line: str, headers: Any) -> None:
        """Do nothing, because only the body is hashed."""


async def _hash(body: aiohttp.Payload, digest: str) -> str:
    hasher = _Hasher(digest)
    await body.write(hasher)
    return b2a_base64(hasher.hash.digest(), newline=False).decode("ascii")


async def _sign(request: aiohttp.ClientRequest, exchange: Exchange) -> None:
    signed = exchange.sign()
    write_authorization(request.headers, signed)
    if signed.uri != str(request.url):
        request.url = URL(signed.uri, encoded=True)
    if not isinstance(signed.body, (str, bytes)):
        return  # The body is not a form, so signing did not change the body.
    octets = signed.body.encode() if isinstance(signed.body, str) else signed.body
    if not isinstance(request.body, aiohttp.BytesPayload) or octets != await request.body.as_bytes():
        await request.update_body(aiohttp.BytesPayload(octets, content_type=signed.content_type))
