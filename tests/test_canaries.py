"""Undocumented behaviour of other libraries that the client adapters rely on.

These tests do not use this package. If a test fails after an update of a library, the library has changed. Then change
the adapter that the heading above the test names.
"""

import asyncio
import io
import logging
import time
from importlib import import_module

import pytest
from callers import missing
from loopback import HANG_UP, Answer, Loopback, redirect

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def service():
    with Loopback() as loopback:
        yield loopback


# --- httplib2: oauth2.client ----------------------------------------------------------


def recording_http(**options):
    """Return an ``httplib2.Http`` that records calls of four of its methods in ``calls``: name and arguments."""
    import httplib2

    class Recording(httplib2.Http):
        calls = []  # noqa: RUF012 - the class is created for each test

        def request(self, *args, **kwargs):
            self.calls.append(("request", args, kwargs))
            return super().request(*args, **kwargs)

        def _normalize_headers(self, *args):
            self.calls.append(("_normalize_headers", args))
            return super()._normalize_headers(*args)

        def _request(self, *args):
            self.calls.append(("_request", args))
            return super()._request(*args)

        def _conn_request(self, *args):
            self.calls.append(("_conn_request", args))
            return super()._conn_request(*args)

    return Recording(timeout=10, proxy_info=None, **options)


def test_httplib2_calls_its_private_methods_in_this_order_and_with_these_arguments(service):
    http = recording_http()
    http.request(f"{service.origin}/a?b=1", method="POST", body=b"c=1", headers={"Content-Type": FORM})
    http.close()
    _, (*normalized,), (name, (_, host, uri, target, method, body, *_)), (inner, sent) = http.calls
    assert normalized == ["_normalize_headers", ({"Content-Type": FORM},)]
    assert name == "_request"
    assert (f"http://{host}", uri, target, method, body) == (
        service.origin, f"{service.origin}/a?b=1", "/a?b=1", "POST", b"c=1",
    )  # fmt: skip
    assert (inner, sent[1:4]) == ("_conn_request", ("/a?b=1", "POST", b"c=1"))
    assert sent[4]["content-type"] == FORM


def test_httplib2_follows_a_redirect_by_calling_request(service):
    service.routes["/start"] = redirect(307, "/end")
    http = recording_http()
    http.follow_all_redirects = True
    http.request(f"{service.origin}/start", "PUT", b"body", redirections=4)
    http.close()
    (_, args, kwargs) = [call for call in http.calls if call[0] == "request"][1]
    assert args == (f"{service.origin}/end",)
    assert (kwargs["method"], kwargs["body"], kwargs["redirections"]) == ("PUT", b"body", 3)


def test_httplib2_resends_with_the_request_method_of_the_connection_after_a_kept_one_was_closed(service):
    """The adapter passes its own connection object to httplib2; the ``request()`` of this object signs."""
    sent = []

    class Connection:
        def __init__(self, connection):
            self.connection = connection

        def __getattr__(self, name):
            return getattr(self.connection, name)

        def request(self, method, request_uri, body, headers):
            sent.append((method, request_uri, body, sorted(headers)))
            headers["x-late"] = str(len(sent))
            self.connection.request(method, request_uri, body, headers)

    import httplib2

    class Wrapping(httplib2.Http):
        def _conn_request(self, conn, *args):
            return super()._conn_request(Connection(conn), *args)

    answers = [Answer(), HANG_UP, Answer()]
    service.routes["/"] = lambda received: answers.pop(0)
    http = Wrapping(timeout=10, proxy_info=None)
    for _ in range(2):
        assert http.request(f"{service.origin}/", "GET")[0].status == 200
    http.close()
    assert [each[:2] for each in sent] == [("GET", "/")] * 3
    assert service.last.header("X-Late") == "3"


def test_httplib2_marks_a_permanent_redirect_in_its_cache_by_this_field(service):
    class Cache:
        def __init__(self):
            self.kept = {}
            self.get, self.set = self.kept.get, self.kept.__setitem__

        def delete(self, key):
            self.kept.pop(key, None)

    service.routes["/start"] = redirect(301, "/end", **{"Cache-Control": "max-age=600"})
    cache = Cache()
    http = recording_http(cache=cache)
    assert http.cache is cache
    http.request(f"{service.origin}/start")
    assert b"\n-x-permanent-redirect-url:" in cache.get(f"{service.origin}/start").partition(b"\r\n\r\n")[0].lower()
    del http.calls[:]
    http.request(f"{service.origin}/start")
    # If httplib2 has cached the redirect, request() calls itself and does not call _request().
    assert [call[0] for call in http.calls][:2] == ["request", "request"]
    assert [received.path for received in service.requests].count("/start") == 1
    http.close()


def test_httplib2_splits_a_url_into_what_it_writes():
    import httplib2

    assert httplib2.urlnorm("http://a.example/b?c=%20d")[2] == "/b?c=%20d"


# --- requests, niquests and urllib3: oauth2.clients.requests ------------------------------

both = pytest.mark.parametrize("module", ["requests", "niquests"])


def recording_request(module, url):
    """Return a prepared request, and a list of the attributes that an adapter and urllib3 read from it."""
    missing(module)
    models = import_module(module)
    asked = []

    class Prepared(models.PreparedRequest):
        @property
        def path_url(self):
            asked.append("path_url")
            return super().path_url

    prepared = models.Request("POST", url, data={"a": "1"}).prepare()

    class Headers(type(prepared.headers)):
        copies = 0

        def copy(self):
            made = super().copy()
            made.__class__, made.copies = type(self), self.copies + 1
            return made

        def items(self):
            asked.append(f"items of copy {self.copies}" if self.copies else "items")
            return super().items()

    prepared.__class__, prepared.headers.__class__ = Prepared, Headers
    return prepared, asked


@both
def test_an_adapter_reads_the_path_once_for_each_send_and_the_headers_once_for_each_attempt(service, module):
    prepared, asked = recording_request(module, f"{service.origin}/a")
    answers = [Answer(503), Answer(503), Answer()]
    service.routes["/a"] = lambda received: answers.pop(0)
    retry = import_module("urllib3").Retry(2, status_forcelist=[503], allowed_methods=None)
    adapter = import_module(f"{module}.adapters").HTTPAdapter(max_retries=retry)
    with import_module(module).Session() as session:
        session.trust_env = False
        session.mount("http://", adapter)
        asked.clear()
        response = session.send(prepared)
    assert response.status_code == 200
    assert asked.count("path_url") == 1
    written = [each for each in asked[asked.index("path_url") :] if each.startswith("items of copy")]
    assert len(written) == 3
    assert response.connection is adapter
    assert type(response.request) is type(prepared)


@both
def test_a_redirect_is_made_of_a_copy_of_the_prepared_request(service, module):
    prepared, _ = recording_request(module, f"{service.origin}/start")
    copied = []
    kind = type(prepared)
    kind.copy = lambda self: copied.append(self) or super(kind, self).copy()
    service.routes["/start"] = redirect(307, "/end")
    with import_module(module).Session() as session:
        session.trust_env = False
        assert session.send(prepared).status_code == 200
    assert copied == [prepared]


@both
def test_the_length_of_a_body_is_computed_by_this_method(module):
    prepared, _ = recording_request(module, "http://a.example/")
    prepared.headers.pop("Content-Length")
    prepared.prepare_content_length(b"12345")
    assert prepared.headers["Content-Length"] == "5"


# --- httpx2, httpx and httpcore: oauth2.clients.httpx --------------------------------------

either = pytest.mark.parametrize("module", ["httpx2", "httpx"])
CORES = {"httpx2": "httpcore2", "httpx": "httpcore"}


@either
@pytest.mark.parametrize("content", [io.BytesIO(b"a"), [b"a", b"b"], (each for each in [b"a"])], ids=type)
def test_a_stream_has_the_content_that_it_was_created_from(module, content):
    missing(module)
    httpx = import_module(module)
    request = httpx.Request("POST", "http://a.example/", content=content)
    assert request.stream._stream is content
    with pytest.raises(httpx.RequestNotRead):
        request.content  # noqa: B018 - the test is about the look-up


@either
def test_a_multipart_stream_lists_its_fields_with_their_files(module):
    missing(module)
    file = io.BytesIO(b"content")
    request = import_module(module).Request("POST", "http://a.example/", data={"a": "1"}, files={"file": file})
    assert [getattr(field, "file", None) for field in request.stream.fields] == [None, file]
    assert b"".join(request.stream) == b"".join(request.stream)  # Each iteration reads the files from their start.


def change_what_is_written(octets, event, info):
    """Change the second request that httpcore is about to write, as the adapter does after a redirect."""
    if event.endswith(".send_request_headers.started"):
        request = info["request"]
        seen = request.extensions["seen"]
        seen.append((event, request.method, bytes(request.url.target)))
        if len(seen) > 1:
            request.url.target = b"/changed"
            request.stream = octets
            kept = [(name, value) for name, value in request.headers if name.lower() != b"content-length"]
            request.headers = [*kept, (b"X-Late", b"yes"), (b"Content-Length", b"5")]


EVENT = "http11.send_request_headers.started"


def assert_changed(service, seen):
    assert seen == [(EVENT, b"PUT", b"/start"), (EVENT, b"PUT", b"/end")]
    assert (service.last.target, service.last.body, service.last.header("X-Late")) == ("/changed", b"12345", "yes")


@either
def test_httpcore_traces_each_request_before_it_writes_it_and_writes_the_changed_request(service, module):
    missing(module)
    service.routes["/start"] = redirect(307, "/end")
    httpx, seen = import_module(module), []

    class Octets(httpx.SyncByteStream):
        def __iter__(self):
            yield b"12345"

    extensions = {"trace": lambda *args: change_what_is_written(Octets(), *args), "seen": seen}
    with httpx.Client(follow_redirects=True, trust_env=False) as client:
        client.put(f"{service.origin}/start", content=b"body", extensions=extensions)
    assert_changed(service, seen)


@either
def test_httpcore_traces_asynchronous_requests_too(service, module):
    missing(module)
    service.routes["/start"] = redirect(307, "/end")
    httpx, seen = import_module(module), []

    class Octets(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield b"12345"

    async def trace(*args):
        change_what_is_written(Octets(), *args)

    async def put():
        async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as client:
            await client.put(f"{service.origin}/start", content=b"body", extensions={"trace": trace, "seen": seen})

    asyncio.run(put())
    assert_changed(service, seen)


@either
@pytest.mark.parametrize("kind", ["_sync", "_async"])
def test_http_2_has_a_trace_event_of_the_same_name(module, kind):
    """The test reads the source code, because h2 may not be installed."""
    missing(module)
    folder = import_module(CORES[module]).__path__[0]
    with open(f"{folder}/{kind}/http2.py", encoding="utf-8") as file:
        text = file.read()
    assert 'Trace("send_request_headers", logger, request' in text
    assert 'kwargs = {"request": request}' in text


# --- aiohttp: oauth2.clients.aiohttp ---------------------------------------------------------


def aiohttp_calls(service, middleware, *paths):
    missing("aiohttp")
    import aiohttp

    async def calls():
        async with aiohttp.ClientSession(middlewares=[middleware]) as session:
            for path in paths:
                async with session.put(service.origin + path, data=b"body") as response:
                    assert response.status == 200

    asyncio.run(calls())


def test_aiohttp_gives_one_list_of_traces_to_all_requests_of_a_call_and_to_no_others(service):
    service.routes["/start"] = redirect(307, "/end")
    traces = []

    async def middleware(request, handler):
        traces.append(request._traces)
        return await handler(request)

    aiohttp_calls(service, middleware, "/start", "/end")
    first, following, other = traces
    assert isinstance(first, list)
    assert first is following
    assert other is not first


def test_aiohttp_writes_the_request_as_a_middleware_changed_it(service):
    import aiohttp
    from yarl import URL

    async def middleware(request, handler):
        assert isinstance(request.body, aiohttp.BytesPayload)
        assert await request.body.as_bytes() == b"body"
        assert not request.compress
        request.url = URL(f"{service.origin}/other?a=%20b", encoded=True)
        request.headers["X-Late"] = "yes"
        await request.update_body(aiohttp.BytesPayload(b"12345"))
        return await handler(request)

    aiohttp_calls(service, middleware, "/start")
    assert (service.last.target, service.last.body) == ("/other?a=%20b", b"12345")
    assert service.last.header("X-Late") == "yes"
    assert service.last.header("Content-Length") == "5"


def test_aiohttp_writes_a_body_to_any_object_with_the_methods_of_its_writer(tmp_path):
    """The adapter's writer class has these methods. A further abstract method would make the class unusable."""
    missing("aiohttp")
    import aiohttp

    assert aiohttp.abc.AbstractStreamWriter.__abstractmethods__ <= {
        "write", "write_eof", "drain", "enable_compression", "enable_chunking", "write_headers",
    }  # fmt: skip
    payload = aiohttp.payload.PAYLOAD_REGISTRY.get(io.BytesIO(b"content"), disposition=None)
    assert payload.size == 7


# --- SQLAlchemy: oauth2.stores.sqlalchemy ---------------------------------------------


def test_greenlet_spawn_of_sqlalchemy_lets_blocking_code_wait_for_awaitables():
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("greenlet")
    from sqlalchemy.util import await_only, greenlet_spawn

    def work(number):
        return await_only(asyncio.sleep(0.001, number)) + 1

    async def run():
        assert await greenlet_spawn(work, 1) == 2
        task = asyncio.create_task(greenlet_spawn(lambda: await_only(asyncio.sleep(60))))
        await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


def test_the_asyncpg_adapter_of_sqlalchemy_has_the_errors_of_asyncpg():
    missing("sqlalchemy.ext.asyncio")
    missing("asyncpg")
    import asyncpg
    from sqlalchemy.ext.asyncio import create_async_engine

    adapter = create_async_engine("postgresql+asyncpg://127.0.0.1/x").dialect.loaded_dbapi
    assert adapter.asyncpg is asyncpg
    assert not issubclass(asyncpg.PostgresError, adapter.Error)


def test_dialects_of_sqlalchemy_tell_whether_a_connection_commits_each_statement(tmp_path):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    for options, found in (({}, False), ({"isolation_level": "AUTOCOMMIT"}, True)):
        engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/a.db", **options)
        with engine.connect() as connection:
            driver = connection.connection.dbapi_connection
            assert connection.dialect.detect_autocommit_setting(driver) is found
            connection.dialect.set_isolation_level(driver, "AUTOCOMMIT")
            assert connection.dialect.detect_autocommit_setting(driver) is True
            connection.dialect.reset_isolation_level(driver)
            assert connection.dialect.detect_autocommit_setting(driver) is found
        engine.dispose()


def test_an_engine_of_sqlalchemy_knows_whether_somebody_listens_or_reads_its_log(caplog):
    sqlalchemy = pytest.importorskip("sqlalchemy")

    def new(**options):
        return sqlalchemy.create_engine("sqlite://", **options)

    for event in ("before_cursor_execute", "handle_error"):
        engine = new()
        assert not engine._has_events
        assert not engine.dialect._has_events
        sqlalchemy.event.listen(engine, event, lambda *given: None)
        assert engine._has_events or engine.dialect._has_events
    engine = new()
    sqlalchemy.event.listen(engine, "do_execute", lambda *given: None)
    assert engine.dialect._has_events
    assert not new().logger.isEnabledFor(logging.INFO)
    assert new(echo=True).logger.isEnabledFor(logging.INFO)
    caplog.set_level(logging.INFO, "sqlalchemy.engine")
    assert new().logger.isEnabledFor(logging.INFO)


def test_a_pool_of_sqlalchemy_replaces_all_connections_after_one_was_invalidated(tmp_path):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/a.db")
    one, other = engine.raw_connection(), engine.raw_connection()
    drivers = [one.dbapi_connection, other.dbapi_connection]
    other.close()
    time.sleep(0.01)  # The pool compares times.
    engine.pool._invalidate(one, RuntimeError())
    assert not one.is_valid
    assert engine.pool.checkedout() == 0
    fresh = [engine.raw_connection() for _ in range(2)]
    assert not {id(each.dbapi_connection) for each in fresh} & {id(each) for each in drivers}
    for each in fresh:
        each.close()
    engine.dispose()


# --- redis.asyncio: oauth2.stores.redis -----------------------------------------------


def test_a_pool_of_redis_asyncio_forgets_its_connections():
    missing("redis")
    from redis.asyncio import Redis

    async def run():
        async with Redis(port=1) as client:
            pool = client.connection_pool
            connection = pool.make_connection()
            pool._available_connections.append(connection)
            before = dict(vars(pool))
            pool.reset()
            assert connection in before["_available_connections"]
            assert not pool._available_connections

    asyncio.run(run())
