"""Run a provider behind real servers on 127.0.0.1, and send raw HTTP requests to these servers."""

import asyncio
import contextlib
import http.client
import importlib
import json
import os
import socket
import threading
import wsgiref.simple_server

import pytest
from loopback import Serving

import oauth2
from oauth2.middleware import asgi, wsgi
from oauth2.provider import Provider
from oauth2.stores import ClientCredentials, MemoryStore, TokenCredentials

CLIENT = ClientCredentials(key="printer", secret="printer-secret", callbacks=("oob", "https://printer.example/ready"))
TOKEN = TokenCredentials(key="janes", secret="janes-secret", consumer_key="printer", user="jane", realms=("photos",))
FORM = "application/x-www-form-urlencoded"
HMAC = oauth2.SignatureMethod_HMAC_SHA256()


def make_provider(**options):
    store = MemoryStore()
    store.add_consumer(CLIENT)
    store.add_token(TOKEN)
    return Provider(store, **options)


def signed(method, url, form=(), token=TOKEN, body=b"", **protocol):
    """Return the Authorization header of a request, as created by a client that knows only the RFC."""
    pairs = dict(form)
    request = oauth2.Request.from_consumer_and_token(
        CLIENT, token, method, url, {**pairs, **protocol}, body=body, is_form_encoded=bool(form)
    )
    request.sign_request(HMAC, CLIENT, token)
    for name in pairs:
        del request[name]
    return request.to_header()["Authorization"]


def report(path, access, body, rest=None):
    """Return the body of an application's answer."""
    parameters = None if access is None else access.parameters
    seen = {"path": path, "user": access and access.user, "parameters": parameters, "body": body.hex(), "rest": rest}
    return json.dumps(seen).encode()


def wsgi_app(environ, start_response):
    stream = environ["wsgi.input"]
    body = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    path = environ["SCRIPT_NAME"] + environ["PATH_INFO"]
    answer = report(path.encode("latin-1").decode("utf-8", "replace"), environ.get(wsgi.ACCESS), body)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]


async def asgi_app(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError("scope: its type must be http")
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    access = scope.get(asgi.ACCESS)
    state = scope.get("state", {}).get(asgi.STATE_ACCESS)
    answer = report(scope["path"], access, body, rest=state == access)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


# --- servers ---------------------------------------------------------------------


def part(name):
    """Import an optional package, or skip the test that needs it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        if os.environ.get("OAUTH2_TEST_REQUIRE_ALL"):
            raise
        pytest.skip(f"{name} is not installed")


class _Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def _running(serve, stop):
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(10)
        assert not thread.is_alive()


@contextlib.contextmanager
def _serving(server):
    serving = Serving(server)
    serving.start()
    try:
        yield
    finally:
        serving.stop()


@contextlib.contextmanager
def serve_wsgiref(app):
    server = wsgiref.simple_server.make_server("127.0.0.1", 0, app, handler_class=_Quiet)
    with server, _serving(server):
        yield server.server_port


@contextlib.contextmanager
def serve_werkzeug(app):
    serving = part("werkzeug.serving")

    class Quiet(serving.WSGIRequestHandler):
        def log(self, *_):
            pass

    server = serving.make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    try:
        with _serving(server):
            yield server.server_port
    finally:
        server.server_close()


@contextlib.contextmanager
def serve_waitress(app):
    options = {"threads": 2, "clear_untrusted_proxy_headers": False}
    server = part("waitress").create_server(app, host="127.0.0.1", port=0, **options)
    done = threading.Event()

    def run():
        while not done.is_set():
            server.asyncore.loop(timeout=0.05, map=server._map, count=1)

    try:
        with _running(run, done.set):
            yield server.effective_port
    finally:
        server.task_dispatcher.shutdown()
        server.asyncore.close_all(server._map)


@contextlib.contextmanager
def serve_uvicorn(app, **options):
    uvicorn = part("uvicorn")
    settings = {"lifespan": "off", "log_config": None, "proxy_headers": False, **options}
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, **settings))

    def stop():
        server.should_exit = True

    with listening, _running(lambda: asyncio.run(server.serve([listening])), stop):
        yield listening.getsockname()[1]


# --- raw HTTP ----------------------------------------------------------------------


def ask(port, head, body=b""):
    """Send exactly these octets as a request; return status, headers and body of the answer.

    *head* has the request line and the header lines without a Connection header.
    """
    lines = [line if isinstance(line, bytes) else line.encode("latin-1") for line in head]
    method = lines[0].split(b" ")[0].decode()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"\r\n".join([*lines, b"Connection: close", b"", body]))
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        return answer.status, answer.headers, answer.read()


def seen(answer):
    """Return the values that the application under test received."""
    status, headers, body = answer
    assert status == 200, (status, headers.items(), body)
    return json.loads(body)
