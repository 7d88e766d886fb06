"""OAuth 1.0a for httpx2 and httpx: ``Client(auth=OAuth1(consumer, token))``, sync and async.

An auth of httpx is asked once for each request of a caller. The client follows
redirects below it. What goes with a request on all its ways is its ``trace``
extension, which httpcore calls with the very request that it is about to write:
there a redirect gets a signature of its own, or loses all credentials.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..exchange import Chunks, Exchange, Signer, may_tell_why
from ..outgoing import Outgoing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator

_TO_BE_WRITTEN = ".send_request_headers.started"


def _modules() -> list[Any]:
    found = []
    for name in ("httpx2", "httpx"):
        try:
            module = import_module(name)
        except ModuleNotFoundError as exc:
            if exc.name != name:
                raise
        else:
            found += [module] if module not in found else []  # one may stand for the other
    if not found:
        raise ModuleNotFoundError("oauth2.clients.httpx wants httpx2 or httpx", name="httpx2")
    return found


_MODULES = _modules()
_STREAMS = [stream for module in _MODULES for stream in (module.SyncByteStream, module.AsyncByteStream)]
_NOT_READ = tuple([module.RequestNotRead for module in _MODULES])


class OAuth1(*[module.Auth for module in _MODULES]):  # type: ignore[misc]
    """Signs what a client of httpx2 or httpx sends: for ``auth=`` of a client or of a request.

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

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Sign *request*; send it once more if it was refused for the clock."""
        exchange = _exchange(self.signer, request)
        while True:
            _sign(request, exchange, _Trace)
            response = yield request
            if response.history:
                return
            body = response.read() if _is_read(response) else b""
            if not exchange.learn(response.status_code, response.headers.get, body):
                return

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Do the same in an asynchronous client."""
        exchange = _exchange(self.signer, request)
        while True:
            _sign(request, exchange, _AsyncTrace)
            response = yield request
            if response.history:
                return
            body = await response.aread() if _is_read(response) else b""
            if not exchange.learn(response.status_code, response.headers.get, body):
                return


def _is_read(response: Any) -> bool:
    return may_tell_why(response.status_code, response.headers.get("Content-Length"))


# --- the request, as the caller has it ---------------------------------------------


def _exchange(signer: Signer, request: Any) -> Exchange:
    content_type = request.headers.get("Content-Type") or ""
    return Exchange(signer, Outgoing(request.method, str(request.url), _body(request), content_type))


def _body(request: Any) -> Any:
    try:
        return request.content or None
    except _NOT_READ:
        stream = request.stream
    fields = getattr(stream, "fields", None)
    if fields is not None:  # of a multipart body, which reads its files from their beginning
        files = [getattr(field, "file", b"") for field in fields]
        if all(isinstance(file, (str, bytes)) or _is_seekable(file) for file in files):
            return Chunks(lambda: iter(stream))
    source = getattr(stream, "_stream", None)
    if isinstance(source, (list, tuple)):
        return Chunks(lambda: iter(source))
    return source if _is_seekable(source) else iter(())  # which stands for what can be read only once


def _is_seekable(source: Any) -> bool:
    return bool(hasattr(source, "read") and hasattr(source, "seekable") and source.seekable())


def _sign(request: Any, exchange: Exchange, kind: type[_Hops]) -> None:
    signed = exchange.sign()
    if signed.authorization is not None:
        request.headers["Authorization"] = signed.authorization
    if signed.uri != str(request.url):
        request.url = type(request.url)(signed.uri)
    if signed.body != exchange.asked.body:
        request.stream = _Octets(signed.body)
        request.headers["Content-Length"] = str(len(request.stream.octets))
    if signed.content_type and "Content-Type" not in request.headers:
        request.headers["Content-Type"] = signed.content_type
    earlier = request.extensions.get("trace")
    if isinstance(earlier, _Hops):  # of the first try
        earlier = earlier.earlier
    request.extensions = {**request.extensions, "trace": kind(exchange, earlier)}


# --- the request, as it is about to be written ---------------------------------------


class _Hops:
    """Signs anew what is written after the first time: redirects, and what httpcore repeats."""

    def __init__(self, exchange: Exchange, earlier: Any) -> None:
        self.exchange = exchange
        self.earlier = earlier
        self._is_first = True

    def see(self, event: str, info: Any) -> None:
        """Look at an event of httpcore."""
        if not event.endswith(_TO_BE_WRITTEN) or info["request"].method == b"CONNECT":
            return
        if not self._is_first:
            self._sign(info["request"])
        self._is_first = False

    def _sign(self, request: Any) -> None:
        fields = {name.lower(): value.decode("latin-1") for name, value in request.headers}
        has_body = b"content-length" in fields or b"transfer-encoding" in fields
        body = self.exchange.asked.body if has_body else None
        uri = _uri(request.url)
        content_type = fields.get(b"content-type", "")
        self.exchange = self.exchange.redirected(uri, request.method.decode("ascii"), body, content_type)
        signed = self.exchange.sign()
        changed = {b"authorization": signed.authorization}
        if signed.uri != uri:
            prefix = uri.removesuffix(request.url.target.decode("ascii"))
            request.url.target = signed.uri.removeprefix(prefix).encode("ascii")
        if isinstance(signed.body, (str, bytes)) or (has_body and signed.body is None):
            request.stream = _Octets(signed.body or b"")  # not the one that was signed before
            changed |= {b"content-length": str(len(request.stream.octets)), b"content-type": signed.content_type}
        kept = [(name, value) for name, value in request.headers if name.lower() not in changed]
        request.headers = kept + [(name, value.encode("latin-1")) for name, value in changed.items() if value]


class _Trace(_Hops):
    def __call__(self, event: str, info: Any) -> Any:
        self.see(event, info)
        return self.earlier(event, info) if self.earlier else None


class _AsyncTrace(_Hops):
    async def __call__(self, event: str, info: Any) -> None:
        self.see(event, info)
        if self.earlier:
            await self.earlier(event, info)


class _Octets(*_STREAMS):  # type: ignore[misc]
    """A body of octets, for synchronous and for asynchronous clients."""

    def __init__(self, body: str | bytes) -> None:
        self.octets = body.encode() if isinstance(body, str) else body

    def __iter__(self) -> Iterator[bytes]:
        yield self.octets

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.octets


def _uri(url: Any) -> str:
    target: str = url.target.decode("ascii")
    if "://" in target.partition("?")[0][:8]:  # for a proxy
        return target
    host = url.host.decode("ascii")
    host = f"[{host}]" if ":" in host else host
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme.decode('ascii')}://{host}{port}{target}"
