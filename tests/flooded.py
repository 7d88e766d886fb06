"""Serve a protected application to many connections: ``python flooded.py SERVER`` prints the port.

The body of each response has the id of the process and the user. ``test_connections.py`` runs the program.
"""

import os
import resource
import socket
import sys

from served import make_provider

from oauth2.middleware import asgi, wsgi
from oauth2.provider import AsyncProvider

PATIENCE = 300  # seconds that a connection stays open without a request


def report(access):
    return f"{os.getpid()} {access.user}".encode()


def wsgi_app(environ, start_response):
    body = report(environ[wsgi.ACCESS])
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def asgi_app(scope, receive, send):
    body = report(scope[asgi.ACCESS])
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def serve_uvicorn(listener, most):
    import uvicorn

    provider = AsyncProvider(make_provider().store)
    settings = {"lifespan": "off", "log_config": None, "proxy_headers": False, "timeout_keep_alive": PATIENCE}
    uvicorn.Server(uvicorn.Config(asgi.Protected(asgi_app, provider=provider), **settings)).run(sockets=[listener])


def serve_gunicorn(listener, most):
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):
        def load_config(self):
            for name, value in {
                "bind": f"fd://{listener.fileno()}",
                "worker_class": "gthread",
                "threads": 4,
                "worker_connections": most,
                "keepalive": PATIENCE,
                "timeout": PATIENCE,
                "graceful_timeout": 1,
                "loglevel": "warning",
            }.items():
                self.cfg.set(name, value)

        def load(self):
            return wsgi.Protected(wsgi_app, provider=make_provider())

    Application().run()


def main():
    (server,) = sys.argv[1:]
    sys.argv[1:] = []  # gunicorn would read the argument
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # asyncio sets TCP_NODELAY only if the socket was created with IPPROTO_TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    print(listener.getsockname()[1], flush=True)
    {"uvicorn": serve_uvicorn, "gunicorn": serve_gunicorn}[server](listener, most)


if __name__ == "__main__":
    main()
