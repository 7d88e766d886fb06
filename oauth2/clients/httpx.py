"""OAuth 1.0a for httpx2 and httpx: ``Client(auth=OAuth1(consumer, token))``, for synchronous and asynchronous clients.

httpx calls an auth object once for each request of the program. For a redirect, httpx does not call the auth object
again. httpcore, however, calls the ``trace`` extension of a request each time before it writes the request: the first
time, and for each redirect and each retry. If a redirect does not change the origin of the URL, the ``trace``
extension of this module signs the new request. Otherwise, the extension removes all credentials from the new request.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._sending.body import Chunks
from .._sending.exchange import Exchange
from .._sending.outgoing import Outgoing, write_authorization
from .._sending.record import body_of
from .._sending.service_time import REFUSALS, should_read_body
from .._sending.signer import Signer
from .._wire.header import is_oauth_header
from ._oauth1 import BaseOAuth1

__all__ = ["OAuth1"]

_WRITE_EVENT = ".send_request_headers.started"


def _modules() -> list[Any]:
    found = []
    for name in ("httpx2", "httpx"):
        try:
            module = import_module(name)
        except ModuleNotFoundError as exc:
            if exc.name != name:
                raise
        else:
            found += [module] if module not in found else []  # If httpx is an alias of httpx2, list it once.
    if not found:
        raise ModuleNotFoundError("oauth2.clients.httpx requires httpx2 or httpx: pip install httpx2", name="httpx2")
    return found


_MODULES = _modules()
_NOT_READ = tuple([module.RequestNotRead for module in _MODULES])

if TYPE_CHECKING:
    import httpx
    import httpx2

    # The type checker reports that the methods of the two base classes are incompatible: they have equal names, but use
    # different types of requests and responses. This error is ignored.
    class _Auth(httpx2.Auth, httpx.Auth):  # type: ignore[misc]
        pass

    class _Stream(httpx2.SyncByteStream, httpx2.AsyncByteStream):
        pass
else:
    _Auth = type("_Auth", tuple([module.Auth for module in _MODULES]), {})
    _streams = [stream for module in _MODULES for stream in (module.SyncByteStream, module.AsyncByteStream)]
    _Stream = type("_Stream", tuple(_streams), {})


class OAuth1(BaseOAuth1, _Auth):  # type: ignore[misc]
    """Signs the requests of httpx2 or httpx. Pass an instance as ``auth=`` to a client or to a request."""

    # The type is Any, because a request can be a request of httpx2 or of httpx.
    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Sign *request*. If the service refuses the timestamp, sign *request* again."""
        exchange = _exchange(self.signer, request)
        while True:
            writes = _sign(request, exchange, _Trace)
            response = yield request
            body = response.read() if _should_read_body(exchange, response) else b""
            if not _is_sent_again(writes, exchange, response, body):
                return

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Sign *request* as :meth:`sync_auth_flow` does, for an asynchronous client."""
        exchange = _exchange(self.signer, request)
        while True:
            writes = _sign(request, exchange, _AsyncTrace)
            response = yield request
            body = await response.aread() if _should_read_body(exchange, response) else b""
            if not _is_sent_again(writes, exchange, response, body):
                return


# --- the request of the program ----------------------------------------------------


def _exchange(signer: Signer, request: Any) -> Exchange:
    content_type, host = request.headers.get("Content-Type") or "", request.headers.get("Host") or ""
    return Exchange(signer, Outgoing(request.method, str(request.url), _body(request), content_type, host=host))


def _body(request: Any) -> Any:
    try:
        return request.content or None
    except _NOT_READ:
        stream = request.stream
    fields = getattr(stream, "fields", None)
    if fields is not None:  # This is a multipart body. If all its files are seekable, the body can be created again.
        files = [getattr(field, "file", b"") for field in fields]
        if all(isinstance(file, (str, bytes)) or _is_seekable(file) for file in files):
            return Chunks(lambda: iter(stream))
    source = getattr(stream, "_stream", None)
    if isinstance(source, (list, tuple)):
        return Chunks(lambda: iter(source))
    # The class Exchange treats every iterator as a body that can be read only once. The empty iterator is not read: it
    # only shows Exchange that the body can be read only once.
    return source if _is_seekable(source) else iter(())


def _is_seekable(source: Any) -> bool:
    return bool(hasattr(source, "read") and hasattr(source, "seekable") and source.seekable())


def _should_read_body(exchange: Exchange, response: Any) -> bool:
    status = response.status_code
    return should_read_body(status, response.headers.get) or exchange.explains(status)


def _is_sent_again(writes: _Writes, exchange: Exchange, response: Any, body: bytes) -> bool:
    noted = response.status_code, response.headers.get, body
    later = body_of(response, "_content") if response.status_code in REFUSALS else None
    if not response.history:
        return exchange.answered(*noted, later=later)
    if later is not None:  # This is the response to the last redirect.
        writes.exchange.refused(*noted, later=later)
    return False


def _sign(request: Any, exchange: Exchange, kind: type[_Writes]) -> _Writes:
    signed = exchange.sign()
    write_authorization(request.headers, signed)
    if signed.uri != str(request.url):
        request.url = type(request.url)(signed.uri)
    if signed.body != exchange.asked.body:
        request.stream = _Octets(signed.body)
        request.headers["Content-Length"] = str(len(request.stream.octets))
    trace = request.extensions.get("trace")
    if isinstance(trace, _Writes):  # The request was signed before, so this function has already set the extension.
        trace = trace.program_trace
    writes = kind(exchange, trace)
    request.extensions = {**request.extensions, "trace": writes}
    return writes


# --- the request that httpcore is about to write -----------------------------------


class _Writes:
    """Signs each request that httpcore writes after the first request: each redirect and each retry."""

    def __init__(self, exchange: Exchange, program_trace: Any) -> None:
        self.exchange = exchange
        self.program_trace = program_trace
        self._is_first = True

    def handle(self, event: str, info: Any) -> None:
        """Handle an event of httpcore."""
        if not event.endswith(_WRITE_EVENT) or info["request"].method == b"CONNECT":
            return
        if not self._is_first:
            self._sign(info["request"])
        self._is_first = False

    def _sign(self, request: Any) -> None:
        fields = {name.lower(): value.decode("latin-1") for name, value in request.headers}
        has_body = b"content-length" in fields or b"transfer-encoding" in fields
        uri = _uri(request.url)
        self.exchange = self.exchange.redirected(
            uri,
            request.method.decode("ascii"),
            self.exchange.asked.body if has_body else None,
            fields.get(b"content-type", ""),
            host=fields.get(b"host", ""),
        )
        signed = self.exchange.sign()
        changed = self._authorization(fields, signed)
        if signed.uri != uri:
            prefix = uri.removesuffix(request.url.target.decode("ascii"))
            request.url.target = signed.uri.removeprefix(prefix).encode("ascii")
        if isinstance(signed.body, (str, bytes)) or (has_body and signed.body is None):
            # Without this line, httpcore would send the body that was signed for the previous request.
            request.stream = _Octets(signed.body or b"")
            changed |= {b"content-length": str(len(request.stream.octets)), b"content-type": signed.content_type}
        kept = [(name, value) for name, value in request.headers if name.lower() not in changed]
        request.headers = kept + [(name, value.encode("latin-1")) for name, value in changed.items() if value]

    def _authorization(self, fields: dict[bytes, str], signed: Outgoing) -> dict[bytes, str | None]:
        # If the request is sent to the origin of the previous request, an Authorization field with a scheme other than
        # OAuth, such as Basic or Bearer, is not changed.
        is_kept = self.exchange.signer is not None and not is_oauth_header(fields.get(b"authorization", ""))
        return {} if is_kept and not signed.authorization else {b"authorization": signed.authorization}


class _Trace(_Writes):
    def __call__(self, event: str, info: Any) -> Any:
        self.handle(event, info)
        return self.program_trace(event, info) if self.program_trace else None


class _AsyncTrace(_Writes):
    async def __call__(self, event: str, info: Any) -> None:
        self.handle(event, info)
        if self.program_trace:
            await self.program_trace(event, info)


class _Octets(_Stream):
    """A body of octets, which synchronous and asynchronous clients can send."""

    def __init__(self, body: str | bytes) -> None:
        self.octets = body.encode() if isinstance(body, str) else body

    def __iter__(self) -> Iterator[bytes]:
        yield self.octets

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.octets


def _uri(url: Any) -> str:
    target: str = url.target.decode("ascii")
    if "://" in target.partition("?")[0][:8]:  # The target of a request to a proxy is an absolute URL.
        return target
    host = url.host.decode("ascii")
    host = f"[{host}]" if ":" in host else host
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme.decode('ascii')}://{host}{port}{target}"
