"""Measure the time of ``Client`` and of other clients, with and without a signature, over one loopback connection."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import httplib2

import oauth2

from .comparison import assemble, compare
from .peers import CREDENTIALS, FORM, InProcess
from .reference import fault
from .report import OURS, progress
from .workloads import MAIN, Call, Workload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from .comparison import Setting
    from .peers import Runner
    from .report import Report

HTTPLIB2 = "httplib2, unsigned"
REQUESTS_OAUTHLIB = "requests-oauthlib"

#: Clients of other libraries. Each client is timed with and without a signature.
OTHERS = ("requests", "niquests", "httpx2", "httpx2 async", "aiohttp")
_ORIGIN = "https://api.example.com"


def unsigned(client: str) -> str:
    """Return the name of the table row for a client that does not sign."""
    return f"{client}, unsigned"


def signed(client: str) -> str:
    """Return the name of the table row for a client that signs with ``OAuth1``."""
    return f"{client}, {OURS}"


def run(setting: Setting, report: Report) -> None:
    """Measure the time of a GET and of a form, from the call to the response."""
    with _server() as origin:
        for workload in MAIN[:2]:
            progress(f"client: {workload.title}")
            _compare(origin, workload, setting, report)


@contextmanager
def _server() -> Iterator[str]:
    command = [sys.executable, "-I", str(Path(__file__).with_name("loopback.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip() if process.stdout else ''}"
        finally:
            process.terminate()


def _compare(origin: str, workload: Workload, setting: Setting, report: Report) -> None:
    def batch(prefix: str, size: int) -> list[Call]:
        return [call._replace(url=call.url.replace(_ORIGIN, origin + prefix)) for call in workload.batch(size)]

    libraries = assemble(_makers())
    for name, runner in list(libraries.runners.items()):
        # Check the requests that the client sends. These requests have the path /echo, because the server then returns
        # each request as the body of its response.
        calls = batch("/echo", 3)
        faults = [
            _wrong(call, arrived, origin, is_signed=not name.endswith("unsigned"))
            for call, arrived in zip(calls, runner.results(calls), strict=True)
        ]
        if any(faults):
            del libraries.runners[name]
            libraries.absent[name] = f"wrong: {next(filter(None, faults))}"

    def answered(_call: Call, content: bytes) -> str | None:
        return None if content == b"ok" else 'does not return the response body "ok"'

    report.add(
        compare(
            libraries,
            lambda size: batch("", size),
            answered,
            setting.effort.for_slow_calls,
            key=f"client {workload.key}",
            title=f"Client ({workload.key}): {workload.title}, from call to response, over one loopback connection",
            bases=(HTTPLIB2, REQUESTS_OAUTHLIB),
        )
    )


def _wrong(call: Call, arrived: bytes, origin: str, *, is_signed: bool) -> str | None:
    head, _, body = arrived.decode("latin-1").partition("\r\n\r\n")
    line, *lines = head.split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    method, target, _ = line.split(" ")
    if not is_signed:
        return None if method == call.method else "sends a wrong HTTP method"
    form = body if fields.get("content-type") == FORM else None
    return fault(Call(method, origin + target, call.form), fields.get("authorization"), form, CREDENTIALS)


def _makers() -> dict[str, Callable[[], Runner[Call, bytes]]]:
    makers = {HTTPLIB2: _httplib2, OURS: _client, REQUESTS_OAUTHLIB: _requests_oauthlib}
    for client in OTHERS:
        for name, module in ((unsigned(client), None), (signed(client), _MODULE_OF[client])):
            makers[name] = partial(_MAKER_OF[client], client.partition(" ")[0], module)
    return makers


def _auth(module: str | None) -> Any:
    if module is None:
        return None
    consumer = oauth2.Consumer(CREDENTIALS.consumer_key, CREDENTIALS.consumer_secret)
    token = oauth2.Token(CREDENTIALS.token, CREDENTIALS.token_secret)
    return import_module(f"oauth2.clients.{module}").OAuth1(consumer, token)


def _httplib2() -> Runner[Call, bytes]:
    return _with_http(httplib2.Http())


def _client() -> Runner[Call, bytes]:
    consumer = oauth2.Consumer(CREDENTIALS.consumer_key, CREDENTIALS.consumer_secret)
    return _with_http(oauth2.Client(consumer, oauth2.Token(CREDENTIALS.token, CREDENTIALS.token_secret)))


def _with_http(http: httplib2.Http) -> Runner[Call, bytes]:
    def send(verb: str, url: str, form: dict[str, str] | None, _body: bytes | None) -> bytes:
        if form is None:
            return bytes(http.request(url, verb)[1])
        return bytes(http.request(url, verb, urlencode(form, quote_via=quote), {"Content-Type": FORM})[1])

    return InProcess(send)


def _requests_oauthlib() -> Runner[Call, bytes]:
    session = import_module("requests_oauthlib").OAuth1Session(
        CREDENTIALS.consumer_key,
        client_secret=CREDENTIALS.consumer_secret,
        resource_owner_key=CREDENTIALS.token,
        resource_owner_secret=CREDENTIALS.token_secret,
    )
    return _with_session(session)


def _requests(name: str, module: str | None) -> Runner[Call, bytes]:
    session = import_module(name).Session()
    session.auth = _auth(module)
    return _with_session(session)


def _httpx(name: str, module: str | None) -> Runner[Call, bytes]:
    client = import_module(name).Client(auth=_auth(module), trust_env=False)

    def send(verb: str, url: str, form: dict[str, str] | None, _body: bytes | None) -> bytes:
        content: bytes = client.request(verb, url, data=form).content
        return content

    return InProcess(send)


def _async_httpx(name: str, module: str | None) -> Runner[Call, bytes]:
    client = import_module(name).AsyncClient(auth=_auth(module), trust_env=False)

    async def send(verb: str, url: str, form: dict[str, str] | None, _body: bytes | None) -> bytes:
        content: bytes = (await client.request(verb, url, data=form)).content
        return content

    return _InALoop(send)


def _aiohttp(name: str, module: str | None) -> Runner[Call, bytes]:
    session: Any = None
    auth = _auth(module)

    async def send(verb: str, url: str, form: dict[str, str] | None, _body: bytes | None) -> bytes:
        nonlocal session
        if session is None:  # aiohttp can create a session only in a running event loop.
            session = import_module(name).ClientSession(middlewares=[auth] if auth else ())
        async with session.request(verb, url, data=form) as response:
            content: bytes = await response.read()
            return content

    return _InALoop(send)


class _InALoop:
    """Run an asynchronous function in a separate event loop, one call after the other."""

    def __init__(self, function: Callable[..., Awaitable[bytes]]) -> None:
        self._function = function
        self._runner = asyncio.Runner()

    def results(self, items: Sequence[Call]) -> list[bytes]:
        """See :class:`~benchmarks.peers.Runner`."""
        return self._runner.run(self._results(items))

    def seconds(self, items: Sequence[Call]) -> float:
        """See :class:`~benchmarks.peers.Runner`."""
        return self._runner.run(self._seconds(items))

    async def _results(self, items: Sequence[Call]) -> list[bytes]:
        return [await self._function(*item) for item in items]

    async def _seconds(self, items: Sequence[Call]) -> float:
        start = perf_counter()
        for item in items:
            await self._function(*item)
        return perf_counter() - start


_MAKER_OF: dict[str, Callable[..., Runner[Call, bytes]]] = {
    "requests": _requests,
    "niquests": _requests,
    "httpx2": _httpx,
    "httpx2 async": _async_httpx,
    "aiohttp": _aiohttp,
}
_MODULE_OF = {
    "requests": "requests",
    "niquests": "requests",
    "httpx2": "httpx",
    "httpx2 async": "httpx",
    "aiohttp": "aiohttp",
}


def _with_session(session: Any) -> Runner[Call, bytes]:
    # Without this line, the library ``requests`` would read the proxy settings for each request, and the comparison
    # would be unfair: httplib2 reads these settings only once.
    session.trust_env = False

    def send(verb: str, url: str, form: dict[str, str] | None, _body: bytes | None) -> bytes:
        content: bytes = session.request(verb, url, data=form).content
        return content

    return InProcess(send)
