"""``Client`` end to end, over one kept connection to this machine, beside clients that do not sign."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
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
    from collections.abc import Iterator

    from .comparison import Setting
    from .peers import Runner
    from .report import Report

HTTPLIB2, REQUESTS = "httplib2, unsigned", "requests, unsigned"
REQUESTS_OAUTHLIB = "requests-oauthlib"
_UNSIGNED = (HTTPLIB2, REQUESTS)
_ORIGIN = "https://api.example.com"


def run(setting: Setting, report: Report) -> None:
    """A GET and a form, from call to answer."""
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

    makers = {HTTPLIB2: _httplib2, OURS: _client, REQUESTS: _requests, REQUESTS_OAUTHLIB: _requests_oauthlib}
    libraries = assemble(makers)
    for name, runner in list(libraries.runners.items()):
        # Checked by what arrived, which only the echo tells.
        calls = batch("/echo", 3)
        faults = [
            _wrong(call, arrived, origin, signed=name not in _UNSIGNED)
            for call, arrived in zip(calls, runner.results(calls), strict=True)
        ]
        if any(faults):
            del libraries.runners[name]
            libraries.absent[name] = f"wrong: {next(filter(None, faults))}"

    def answered(_call: Call, content: bytes) -> str | None:
        return None if content == b"ok" else "has another answer"

    report.add(
        compare(
            libraries,
            lambda size: batch("", size),
            answered,
            setting.effort,
            key=f"client {workload.key}",
            title=f"Client ({workload.key}): {workload.title}, over a kept loopback connection",
            bases=(HTTPLIB2, REQUESTS_OAUTHLIB),
        )
    )


def _wrong(call: Call, arrived: bytes, origin: str, *, signed: bool) -> str | None:
    head, _, body = arrived.decode("latin-1").partition("\r\n\r\n")
    line, *lines = head.split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    method, target, _ = line.split(" ")
    if not signed:
        return None if method == call.method else "has another method"
    form = body if fields.get("content-type") == FORM else None
    return fault(Call(method, origin + target, call.form), fields.get("authorization"), form, CREDENTIALS)


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


def _requests() -> Runner[Call, bytes]:
    return _with_session(import_module("requests").Session())


def _requests_oauthlib() -> Runner[Call, bytes]:
    session = import_module("requests_oauthlib").OAuth1Session(
        CREDENTIALS.consumer_key,
        client_secret=CREDENTIALS.consumer_secret,
        resource_owner_key=CREDENTIALS.token,
        resource_owner_secret=CREDENTIALS.token_secret,
    )
    return _with_session(session)


def _with_session(session: Any) -> Runner[Call, bytes]:
    session.trust_env = False  # no look for proxies, which httplib2 makes only once

    def send(verb: str, url: str, form: dict[str, str] | None, _body: bytes | None) -> bytes:
        content: bytes = session.request(verb, url, data=form).content
        return content

    return InProcess(send)
