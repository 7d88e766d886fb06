"""The whole flow in each framework: a client asks, a user decides on the consent page, and the client gets a token."""

import contextlib
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from requests_oauthlib import OAuth1Session
from served import ask, make_provider, part, serve_uvicorn, serve_waitress, signed

from oauth2.provider import Access, AsyncProvider

flask = part("flask")
fastapi = part("fastapi")
part("asgiref")
part("python_multipart")

import oauth2.integrations.fastapi  # noqa: E402 - skipped without the frameworks
import oauth2.integrations.flask  # noqa: E402
from oauth2.integrations.flask import current_access  # noqa: E402

pytestmark = pytest.mark.slow


def make_flask(provider):
    oauth = oauth2.integrations.flask.OAuth1Provider(provider=provider)
    app = flask.Flask("site")

    def page(verifier):
        return flask.Response(f"<b>{verifier}</b>", 201)

    async def page_later(verifier):
        return page(verifier)

    async def denied_later():
        return flask.Response("denied", 201)

    @app.get("/authorize")
    def consent():
        return {"key": oauth.pending(flask.request.args["oauth_token"]).consumer.key}

    @app.post("/authorize")
    def decide():
        token, answer = flask.request.form["oauth_token"], flask.request.form["answer"]
        if answer.startswith("deny"):
            return oauth.deny(token, show=denied_later if answer == "deny later" else None)
        show = {"shown": page, "shown later": page_later}.get(answer)
        return oauth.approve(token, user="jane", show=show)

    @app.route("/me", methods=["GET", "POST"])
    @oauth.required
    def me():
        return {"user": current_access.user, "parameters": current_access.parameters}

    oauth.init_app(app)
    return app


def make_fastapi(provider):
    oauth = oauth2.integrations.fastapi.OAuth1Provider(provider)
    app = fastapi.FastAPI()
    oauth.install(app)

    def page(verifier):
        return fastapi.responses.HTMLResponse(f"<b>{verifier}</b>", 201)

    async def page_later(verifier):
        return page(verifier)

    async def denied_later():
        return fastapi.responses.PlainTextResponse("denied", 201)

    @app.get("/authorize")
    async def consent(oauth_token: str):
        return {"key": (await oauth.pending(oauth_token)).consumer.key}

    @app.post("/authorize")
    async def decide(oauth_token: Annotated[str, fastapi.Form()], answer: Annotated[str, fastapi.Form()]):
        if answer.startswith("deny"):
            return await oauth.deny(oauth_token, show=denied_later if answer == "deny later" else None)
        show = {"shown": page, "shown later": page_later}.get(answer)
        return await oauth.approve(oauth_token, user="jane", show=show)

    @app.api_route("/me", methods=["GET", "POST"])
    def me(access: Annotated[Access, fastapi.Depends(oauth.access())]):
        return {"user": access.user, "parameters": access.parameters}

    return app


@contextlib.contextmanager
def serve_flask():
    app = flask.Flask("outer")
    dispatcher = part("werkzeug.middleware.dispatcher").DispatcherMiddleware
    with serve_waitress(app) as port:
        inner = make_flask(make_provider(base_url=f"http://127.0.0.1:{port}"))
        app.wsgi_app = dispatcher(app.wsgi_app, {"/v1": inner})
        yield f"http://127.0.0.1:{port}/v1"


@contextlib.contextmanager
def serve_fastapi(convert=lambda provider: provider):
    outer = fastapi.FastAPI()
    with serve_uvicorn(outer) as port:
        outer.mount("/v1", make_fastapi(convert(make_provider(base_url=f"http://127.0.0.1:{port}"))))
        yield f"http://127.0.0.1:{port}/v1"


SITES = {
    "flask": serve_flask,
    "fastapi": serve_fastapi,
    "fastapi with an AsyncProvider": lambda: serve_fastapi(
        lambda provider: AsyncProvider(provider.store, base_url=provider.base_url)
    ),
}


@pytest.fixture(scope="module", params=SITES)
def site(request):
    with SITES[request.param]() as url:
        yield url


def decide(site, token, answer):
    form = {"oauth_token": token, "answer": answer}
    return requests.post(f"{site}/authorize", data=form, allow_redirects=False, timeout=20)


@contextlib.contextmanager
def asking(site, callback):
    with OAuth1Session("printer", "printer-secret", callback_uri=callback) as session:
        session.fetch_request_token(f"{site}/oauth/request_token", timeout=20)
        yield session, session.token["oauth_token"]


def test_a_client_gets_a_token_below_a_prefix_on_a_real_server(site):
    with asking(site, "https://printer.example/ready") as (session, token):
        assert requests.get(f"{site}/authorize", {"oauth_token": token}, timeout=20).json() == {"key": "printer"}
        answer = decide(site, token, "allow")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (303, "no-store")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        session.parse_authorization_response(answer.headers["Location"])
        session.fetch_access_token(f"{site}/oauth/access_token", timeout=20)
        assert session.get(f"{site}/me?a=%2Fb", timeout=20).json() == {"user": "jane", "parameters": {"a": "/b"}}
        assert session.post(f"{site}/me", {"a": "b c"}, timeout=20).json()["parameters"] == {"a": "b c"}
        assert requests.get(f"{site}/me", timeout=20).status_code == 400
        assert decide(site, token, "allow").status_code == 401
        assert requests.get(f"{site}/authorize", {"oauth_token": token}, timeout=20).status_code == 401


def test_two_authorization_headers_are_refused_on_a_real_server(site):
    line = f"Authorization: {signed('GET', f'{site}/me')}"
    head = ["GET /v1/me HTTP/1.1", f"Host: {urlsplit(site).netloc}", line]
    assert ask(urlsplit(site).port, [*head, line])[0] == 400
    assert ask(urlsplit(site).port, head)[0] == 200


def test_a_user_without_a_callback_sees_the_verifier(site):
    with asking(site, "oob") as (session, token):
        answer = decide(site, token, "allow")
        assert answer.headers["Cache-Control"] == "no-store"
        verifier = answer.text.removeprefix("Type this code into the application: ")
        session.fetch_access_token(f"{site}/oauth/access_token", verifier=verifier, timeout=20)
        assert session.get(f"{site}/me", timeout=20).json()["user"] == "jane"


@pytest.mark.parametrize("page", ["shown", "shown later"])
def test_a_page_with_the_verifier_may_come_from_a_coroutine_function(site, page):
    with asking(site, "oob") as (_, token):
        answer = decide(site, token, page)
        assert (answer.status_code, answer.text[:3], answer.headers["Cache-Control"]) == (201, "<b>", "no-store")


def test_a_user_can_say_no(site):
    with asking(site, "https://printer.example/ready") as (_, token):
        answer = decide(site, token, "deny")
        assert answer.status_code == 303
        told = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
        assert told == {"oauth_token": token, "oauth_problem": "permission_denied"}
    with asking(site, "oob") as (_, token):
        assert decide(site, token, "deny").text == "The application does not get access."
    with asking(site, "oob") as (_, token):
        answer = decide(site, token, "deny later")
        assert (answer.status_code, answer.text, answer.headers["Cache-Control"]) == (201, "denied", "no-store")
