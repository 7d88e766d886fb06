"""One interface for all HTTP clients: a test sends the same request with each client."""

import asyncio
import json
import os
import ssl
from importlib import import_module
from urllib.parse import urlencode

import pytest

import oauth2

# oauthlib requires 20 to 30 ASCII letters and digits.
CONSUMER = oauth2.Consumer("consumer0123456789abcdef", "consumer&secrét")
TOKEN = oauth2.Token("token0123456789abcdefgh", "token/secret +")
FORM = "application/x-www-form-urlencoded"


class Caller:
    """Sends signed requests with one client; ``auth`` is the object that signs them.

    Args:
        certificate: Path of a certificate to trust; None for plain http.
        retries: How often the client itself resends a request, if it supports retries.
        options: Options for signing.
    """

    def __init__(self, consumer=CONSUMER, token=TOKEN, *, certificate=None, retries=0, **options):
        self.auth_of = (consumer, token)
        self.certificate = certificate
        self.retries = retries
        self.options = options

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def context(self):
        return ssl.create_default_context(cafile=self.certificate) if self.certificate else True


class Httplib2(Caller):
    """``Client`` itself."""

    def open(self):
        self.client = oauth2.Client(
            *self.auth_of, timeout=10, proxy_info=None, ca_certs=self.certificate, **self.options
        )
        self.client.follow_all_redirects = True
        self.auth = self.client

    def close(self):
        self.client.close()

    def send(self, method, url, *, content=None, form=None, document=None, files=None, headers=None):
        headers = dict(headers or {})
        if form is not None:
            content = urlencode(form, doseq=True)
            headers.setdefault("Content-Type", FORM)
        if document is not None:
            content = json.dumps(document)
            headers.setdefault("Content-Type", "application/json")
        if files is not None:
            (name, (filename, file)), *_ = files.items()
            head = f'--sep\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'
            content = head.encode() + file.read() + b"\r\n--sep--\r\n"
            headers["Content-Type"] = "multipart/form-data; boundary=sep"
        if content is not None and method == "POST":
            headers.setdefault("Content-Type", "application/octet-stream")
        response, answer = self.client.request(url, method, content, headers)
        return response.status, answer


class Requests(Caller):
    """The client ``requests``; its session has the auth object."""

    module = "requests"

    def open(self):
        from oauth2.clients.requests import OAuth1

        module = import_module(self.module)
        self.session = module.Session()
        self.session.trust_env = False
        self.auth = self.session.auth = OAuth1(*self.auth_of, **self.options)
        if self.certificate:
            self.session.verify = self.certificate
        if self.retries:
            from urllib3 import Retry

            retry = Retry(self.retries, status_forcelist=[503], allowed_methods=None)
            self.session.mount("http://", import_module(f"{self.module}.adapters").HTTPAdapter(max_retries=retry))

    def close(self):
        self.session.close()

    def send(self, method, url, *, content=None, form=None, document=None, files=None, headers=None):
        response = self.session.request(
            method, url, data=content if form is None else form, json=document, files=files, headers=headers, timeout=10
        )
        return response.status_code, response.content


class Niquests(Requests):
    """The client ``niquests``; its session has the auth object."""

    module = "niquests"


class Httpx2(Caller):
    """httpx2, synchronous."""

    module = "httpx2"

    def open(self):
        from oauth2.clients.httpx import OAuth1

        self.auth = OAuth1(*self.auth_of, **self.options)
        self.client = import_module(self.module).Client(**self.settings(self.auth))

    def settings(self, auth):
        verify = self.context if self.certificate else False
        return {"auth": auth, "follow_redirects": True, "verify": verify, "trust_env": False, "timeout": 10}

    def close(self):
        self.client.close()

    def send(self, method, url, *, content=None, form=None, document=None, files=None, headers=None):
        response = self.client.request(
            method, url, content=content, data=form, json=document, files=files, headers=headers
        )
        return response.status_code, response.content


class Httpx(Httpx2):
    """httpx, synchronous."""

    module = "httpx"


class InALoop(Caller):
    """The common part of the asynchronous clients."""

    def __enter__(self):
        self.runner = asyncio.Runner()
        try:
            self.runner.run(self.open())
        except BaseException:
            self.runner.close()
            raise
        return self

    def __exit__(self, *_):
        self.runner.run(self.close())
        self.runner.close()

    def send(self, method, url, **what):
        content = what.get("content")
        if hasattr(content, "__next__") and not hasattr(content, "read"):
            what["content"] = _asynchronous(content)
        return self.runner.run(self.asend(method, url, **what))


async def _asynchronous(chunks):
    for chunk in chunks:
        yield chunk


class AsyncHttpx2(InALoop, Httpx2):
    """httpx2, asynchronous."""

    async def open(self):
        from oauth2.clients.httpx import OAuth1

        self.auth = OAuth1(*self.auth_of, **self.options)
        self.client = import_module(self.module).AsyncClient(**self.settings(self.auth))

    async def close(self):
        await self.client.aclose()

    async def asend(self, method, url, *, content=None, form=None, document=None, files=None, headers=None):
        if hasattr(content, "read"):
            content = content.read()  # The file is read here, because an asynchronous client does not read files.
        response = await self.client.request(
            method, url, content=content, data=form, json=document, files=files, headers=headers
        )
        return response.status_code, response.content


class AsyncHttpx(AsyncHttpx2):
    """httpx, asynchronous."""

    module = "httpx"


class Aiohttp(InALoop):
    """The client ``aiohttp``; its session has the middleware that signs."""

    async def open(self):
        import aiohttp

        from oauth2.clients.aiohttp import OAuth1

        self.auth = OAuth1(*self.auth_of, **self.options)
        connector = aiohttp.TCPConnector(ssl=self.context)
        self.session = aiohttp.ClientSession(
            middlewares=[self.auth], connector=connector, timeout=aiohttp.ClientTimeout(10)
        )

    async def close(self):
        await self.session.close()

    async def asend(self, method, url, *, content=None, form=None, document=None, files=None, headers=None):
        import aiohttp

        if form is not None:
            values = [(name, value if isinstance(value, list) else [value]) for name, value in form.items()]
            content = aiohttp.FormData([(name, each) for name, every in values for each in every])
        if files is not None:
            content = aiohttp.FormData()
            for name, (filename, file) in files.items():
                content.add_field(name, file, filename=filename)
        async with self.session.request(method, url, data=content, json=document, headers=headers) as response:
            return response.status, await response.read()


KINDS = [Httplib2, Requests, Niquests, Httpx2, AsyncHttpx2, Httpx, AsyncHttpx, Aiohttp]
_NEEDS = {"Aiohttp": "aiohttp"}


def missing(module):
    """Skip the test if *module* is not installed, or fail if OAUTH2_TEST_REQUIRE_ALL is set."""
    try:
        import_module(module)
    except ModuleNotFoundError:
        if os.environ.get("OAUTH2_TEST_REQUIRE_ALL"):
            raise
        pytest.skip(f"{module} is not installed")


def available(kind):
    """Return *kind* if its client is installed; otherwise skip the test."""
    missing(getattr(kind, "module", _NEEDS.get(kind.__name__, "httplib2")))
    return kind


def every_kind(*kinds):
    return pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.__name__) for kind in kinds or KINDS])


def opened(kind, **options):
    """Return a caller for a ``with`` statement; it signs in the header unless *options* name another placement."""
    return available(kind)(**{"placement": "header", **options})
