"""Widely used clients run the whole flow against a Provider, over real HTTP."""

import json
import threading
from urllib.parse import parse_qsl, urlsplit

import pytest
from authlib.integrations.requests_client import OAuth1Session as AuthlibSession
from hosted import APP, CALLBACK
from requests_oauthlib import OAuth1Session
from served import serve_waitress, wsgi_app

import oauth2
from oauth2 import flow
from oauth2.middleware.wsgi import CredentialEndpoints, Protected
from oauth2.provider import Provider
from oauth2.stores import MemoryStore

pytestmark = pytest.mark.slow

FORM = [("title", "Sea & sky"), ("tag", "a"), ("tag", "b")]


class Site:
    """A running provider, with a method that approves in place of the consent page."""

    def __init__(self):
        self.provider = None
        self.url = None

    def __call__(self, environ, start_response):
        return self.app(environ, start_response)

    def open(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.provider = Provider(MemoryStore(), base_url=self.url)
        self.provider.store.add_consumer(APP)
        self.app = CredentialEndpoints(Protected(wsgi_app, provider=self.provider), provider=self.provider)
        return self

    def consent(self, url):
        """Approve as a user at the authorization URL; return the callback URL, or the verifier if there is none."""
        key = dict(parse_qsl(urlsplit(url).query))["oauth_token"]
        approved = self.provider.approve(key, user="jane")
        return approved.url or approved.verifier


@pytest.fixture(scope="module")
def site():
    site = Site()
    with serve_waitress(site) as port:
        yield site.open(port)


def check(answer):
    seen = json.loads(answer)
    assert seen["user"] == "jane"
    return seen["parameters"]


@pytest.mark.parametrize(
    ("session_type", "method"),
    [(OAuth1Session, "HMAC-SHA1"), (OAuth1Session, "HMAC-SHA256"), (AuthlibSession, "HMAC-SHA1")],
)
@pytest.mark.parametrize("place", ["AUTH_HEADER", "QUERY", "BODY"])
def test_requests_oauthlib_and_authlib_walk_the_flow(site, session_type, method, place):
    options = {"signature_method": method}
    options["signature_type" if session_type is OAuth1Session else "placement"] = _place(session_type, place)
    callback = {"callback_uri" if session_type is OAuth1Session else "redirect_uri": CALLBACK}
    session = session_type(APP.key, APP.secret, **callback, **options)
    with session:
        session.fetch_request_token(f"{site.url}/oauth/request_token")
        url = _authorization_url(session, f"{site.url}/oauth/authorize")
        session.parse_authorization_response(site.consent(url))
        token = session.fetch_access_token(f"{site.url}/oauth/access_token")
    names = (
        ("resource_owner_key", "resource_owner_secret") if session_type is OAuth1Session else ("token", "token_secret")
    )
    resource = dict(zip(names, (token["oauth_token"], token["oauth_token_secret"]), strict=True))
    with session_type(APP.key, APP.secret, **resource, **options) as session:
        answer = session.post(f"{site.url}/photos?size=big", data=FORM)
        assert check(answer.text) == {"size": "big", "title": "Sea & sky", "tag": ["a", "b"]}
        if place == "AUTH_HEADER":
            assert check(session.get(f"{site.url}/photos?q=%C3%A9+x").text) == {"q": "é x"}


def _place(session_type, place):
    if session_type is AuthlibSession:
        return {"AUTH_HEADER": "HEADER", "QUERY": "URI", "BODY": "BODY"}[place]
    return place


def _authorization_url(session, endpoint):
    make = getattr(session, "authorization_url", None) or session.create_authorization_url
    return make(endpoint)


@pytest.mark.parametrize("callback", ["oob", CALLBACK])
@pytest.mark.parametrize("placement", [None, "header", "query", "body"])
def test_our_own_client_walks_the_flow(site, callback, placement):
    def send(token, request):
        client = oauth2.Client(APP, token, placement=placement)
        response, content = client.request(
            f"{request.url}?oauth_callback={callback}" if token is None else request.url, "POST"
        )
        client.close()
        assert response.status == 200, content
        return content

    consumer = oauth2.Consumer(APP.key, APP.secret)
    temporary = flow.read_temporary(send(None, flow.temporary_request(consumer, f"{site.url}/oauth/request_token")))
    where = site.consent(flow.authorization_url(f"{site.url}/oauth/authorize", temporary))
    if callback == "oob":
        temporary.set_verifier(where)
    else:
        temporary = flow.read_callback(where, temporary)
    token = flow.read_token(send(temporary, flow.token_request(consumer, f"{site.url}/oauth/access_token", temporary)))
    client = oauth2.Client(consumer, token, placement=placement)
    _, content = client.request(f"{site.url}/photos?size=big", "POST", body="title=Sea+%26+sky&tag=a&tag=b")
    assert check(content) == {"size": "big", "title": "Sea & sky", "tag": ["a", "b"]}
    client.close()


def test_python_oauth2s_own_way_walks_the_flow(site):
    # As in the README of python-oauth2: use GET, and read the answer with parse_qsl.
    consumer = oauth2.Consumer(APP.key, APP.secret)
    client = oauth2.Client(consumer)
    _, content = client.request(f"{site.url}/oauth/request_token?oauth_callback=oob", "GET")
    found = dict(parse_qsl(content.decode()))
    client.close()
    token = oauth2.Token(found["oauth_token"], found["oauth_token_secret"])
    token.set_verifier(site.consent(f"{site.url}/oauth/authorize?oauth_token={token.key}"))
    client = oauth2.Client(consumer, token)
    _, content = client.request(f"{site.url}/oauth/access_token", "POST")
    assert dict(parse_qsl(content.decode())).keys() == {"oauth_token", "oauth_token_secret"}
    client.close()


def test_of_32_concurrent_redemptions_over_http_one_gets_a_token(site):
    session = OAuth1Session(APP.key, APP.secret, callback_uri="oob")
    found = session.fetch_request_token(f"{site.url}/oauth/request_token")
    session.close()
    verifier = site.consent(f"{site.url}/oauth/authorize?oauth_token={found['oauth_token']}")
    answers, barrier = [], threading.Barrier(32)

    def redeem():
        token = oauth2.Token(found["oauth_token"], found["oauth_token_secret"])
        token.set_verifier(verifier)
        client = oauth2.Client(oauth2.Consumer(APP.key, APP.secret), token)
        barrier.wait(30)
        response, content = client.request(f"{site.url}/oauth/access_token", "POST")
        answers.append((response.status, content))
        client.close()

    threads = [threading.Thread(target=redeem) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 32
    assert [status for status, _ in answers].count(200) == 1


def test_a_refusal_has_a_problem_report_for_the_client(site):
    client = oauth2.Client(oauth2.Consumer(APP.key, "wrong"))
    response, content = client.request(f"{site.url}/oauth/request_token?oauth_callback=oob", "POST")
    client.close()
    assert response.status == 401
    assert 'oauth_problem="signature_invalid"' in response["www-authenticate"]
    assert dict(parse_qsl(content.decode()))["oauth_problem"] == "signature_invalid"
