"""OAuth 1.0a for aiohttp: ``ClientSession(middlewares=[OAuth1(consumer, token)])``.

A client middleware sees each request as it will be written, redirects and
repetitions too; aiohttp has them since 3.12. Put this one last in the list, so
that nothing changes what it has signed.
"""

from __future__ import annotations

from binascii import b2a_base64
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import new
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import hdrs
from yarl import URL

from ..exchange import Exchange, Signer, may_tell_why
from ..outgoing import Outgoing
from ..parameters import is_form
from ..signature import body_digest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]

_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class _Redirect:
    """What a middleware saw last in this task: a redirect, which aiohttp may follow."""

    middleware: OAuth1
    call: Any  # of the session, which is one for all that it leads to
    exchange: Exchange


_last: ContextVar[_Redirect | None] = ContextVar("oauth2_redirect", default=None)


class OAuth1:
    """Signs what aiohttp sends: a client middleware, of a session or of a request.

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

    async def __call__(self, request: aiohttp.ClientRequest, handler: Handler) -> aiohttp.ClientResponse:
        """Sign *request* and have it sent; once more if it was refused for the clock."""
        exchange = await self._exchange(request)
        body = request.body or None
        try:
            response = await _send(request, exchange, handler)
        finally:
            if request.body is not body and (request.body or body):
                await request.update_body(body)  # for what follows, which takes it from here
        if response.status in _REDIRECTS:
            _last.set(_Redirect(self, _call(request), exchange))
        return response

    async def _exchange(self, request: aiohttp.ClientRequest) -> Exchange:
        last = _last.get()
        _last.set(None)
        if last is None or last.middleware is not self or last.call is not _call(request):
            return Exchange(self.signer, await _asked(self.signer, request))
        asked = await _asked(self.signer, request)
        following = last.exchange.redirected(asked.uri, asked.method, asked.body, asked.content_type)
        following.asked = following.asked._replace(hashed=asked.hashed)
        return following


async def _send(request: aiohttp.ClientRequest, exchange: Exchange, handler: Handler) -> aiohttp.ClientResponse:
    while True:
        await _sign(request, exchange)
        response = await handler(request)
        if not exchange.learn(response.status, response.headers.get, await _reason(response)):
            return response
        response.release()


def _call(request: aiohttp.ClientRequest) -> Any:
    # aiohttp makes this list for each call of a session and gives it to all its requests. Without
    # it, whatever comes next in a task after a redirect would be taken for what follows from it.
    return getattr(request, "_traces", None)


async def _asked(signer: Signer, request: aiohttp.ClientRequest) -> Outgoing:
    body: Any = request.body or None
    content_type = request.headers.get(hdrs.CONTENT_TYPE, "")
    hashed = None
    if body is not None and signer.body_hash and request.compress:
        raise TypeError("body: aiohttp is to compress what would be hashed; body_hash=False takes it")
    if isinstance(body, aiohttp.BytesPayload) or (body is not None and is_form(content_type)):
        body = await body.as_bytes()
    elif body is not None and body.size is None:
        body = iter(())  # which stands for what can be read only once
    elif body is not None:
        if signer.body_hash:
            hashed = await _hash(body, body_digest(signer.signature_method.name))
        body = None
    return Outgoing(request.method, str(request.url), body, content_type, hashed=hashed)


class _Hasher(aiohttp.abc.AbstractStreamWriter):
    """Takes what a body writes, for its hash."""

    def __init__(self, digest: str) -> None:
        self.digested = new(digest)

    async def write(self, chunk: Any) -> None:
        self.digested.update(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.write(chunk)

    async def drain(self) -> None:
        """Nothing waits."""

    def enable_compression(self, *_: Any, **__: Any) -> None:
        """Nothing is sent."""

    def enable_chunking(self) -> None:
        """Nothing is sent."""

    async def write_headers(self, *_: Any) -> None:
        """Nothing is sent."""


async def _hash(body: aiohttp.Payload, digest: str) -> str:
    hasher = _Hasher(digest)
    await body.write(hasher)
    return b2a_base64(hasher.digested.digest(), newline=False).decode("ascii")


async def _sign(request: aiohttp.ClientRequest, exchange: Exchange) -> None:
    signed = exchange.sign()
    if signed.authorization is not None:
        request.headers[hdrs.AUTHORIZATION] = signed.authorization
    if signed.uri != str(request.url):
        request.url = URL(signed.uri, encoded=True)
    if not isinstance(signed.body, (str, bytes)):
        return  # it is not a form, and goes out as it is
    octets = signed.body.encode() if isinstance(signed.body, str) else signed.body
    if not isinstance(request.body, aiohttp.BytesPayload) or octets != await request.body.as_bytes():
        request.headers.setdefault(hdrs.CONTENT_TYPE, signed.content_type)
        await request.update_body(aiohttp.BytesPayload(octets, content_type=signed.content_type))


async def _reason(response: aiohttp.ClientResponse) -> bytes:
    is_read = may_tell_why(response.status, response.headers.get(hdrs.CONTENT_LENGTH))
    return await response.read() if is_read else b""
