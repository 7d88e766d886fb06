"""The client side of the flow with the provider of this package, over loopback HTTP."""

import socket
import ssl
import threading
import urllib.request
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
from keys import self_signed
from loopback import Answer, Loopback

import oauth2
from oauth2._login.endpoints import Endpoints
from oauth2.authorize import authorize, begin, redeem, renew, xauth
from oauth2.errors import AuthorizationDenied, ServiceRefused
from oauth2.http import HTTPRequest
from oauth2.provider import Lifetimes, Provider
from oauth2.stores import ClientCredentials, MemoryStore

CONSUMER = oauth2.Consumer("printer", "printer & secret")


class Site:
    """The endpoints of a provider, and a consent page that approves or denies at once."""

    def __init__(self, certificate, callback="oob", *, says_yes=True):
        self.store = MemoryStore()
        registered = ClientCredentials(key=CONSUMER.key, secret=CONSUMER.secret, callbacks=(callback,), xauth=True)
        self.store.add_consumer(registered)
        self.provider = Provider(
            self.store,
            lifetimes=Lifetimes(token=3600, session=86400),
            check_password=lambda user, password: user if password == "right & good" else None,
        )
        self.says_yes = says_yes
        self.verifier = None
        self.loopback = Loopback(certificate)
        self.client = partial(oauth2.Client, placement="header", body_hash=False, ca_certs=certificate, timeout=10)
        self.context = ssl.create_default_context(cafile=certificate)
        self.loopback.routes.update(
            {
                "/temporary": lambda received: self._answer(self.provider.request_token, received),
                "/token": lambda received: self._answer(self.provider.access_token, received),
                "/authorize": self._authorize,
            }
        )

    def __enter__(self):
        self.loopback.__enter__()
        return self

    def __exit__(self, *error):
        self.loopback.__exit__(*error)

    @property
    def endpoints(self):
        origin = self.loopback.origin
        return Endpoints(temporary=f"{origin}/temporary", authorize=f"{origin}/authorize", token=f"{origin}/token")

    def _answer(self, endpoint, received):
        answer = endpoint(HTTPRequest(received.method, received.url, received.headers, received.body))
        return Answer(answer.status, dict(answer.headers), answer.body)

    def _authorize(self, received):
        (key,) = parse_qs(received.query)["oauth_token"]
        if not self.says_yes:
            return self._redirect(self.provider.deny(key))
        approved = self.provider.approve(key, user="jane")
        self.verifier = approved.verifier
        return self._redirect(approved.url)

    def _redirect(self, url):
        return Answer(302, {"Location": url}) if url else Answer(body=b"The code is shown here.")

    def browse(self, url):
        with urllib.request.urlopen(url, timeout=10, context=self.context) as response:
            response.read()

    def browse_in_a_thread(self, url):
        self.browser = threading.Thread(target=self.browse, args=[url])
        self.browser.start()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("tls"))


def free_callback():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/ready"


def test_a_person_approves_in_the_browser(certificate):
    callback = free_callback()
    with Site(certificate, callback) as site:
        token = authorize(
            CONSUMER, site.endpoints, callback=callback, open_browser=site.browse_in_a_thread, client=site.client
        )
        assert site.store.get_token(token.key).user == "jane"
        assert token.expires_in == 3600
        renewed = renew(CONSUMER, site.endpoints, token, client=site.client)
        assert renewed.key != token.key
        assert site.store.get_token(token.key) is None
        with pytest.raises(ServiceRefused) as caught:
            renew(CONSUMER, site.endpoints, token, client=site.client)
        assert caught.value.answered == 401


def test_a_person_types_the_code(certificate):
    with Site(certificate) as site:
        token = authorize(
            CONSUMER,
            site.endpoints,
            callback="oob",
            open_browser=site.browse,
            ask=lambda _: site.verifier,
            client=site.client,
        )
        assert site.store.get_token(token.key).user == "jane"


def test_a_person_says_no(certificate):
    callback = free_callback()
    with Site(certificate, callback, says_yes=False) as site, pytest.raises(AuthorizationDenied):
        authorize(CONSUMER, site.endpoints, callback=callback, open_browser=site.browse_in_a_thread, client=site.client)


def test_a_wrong_code_is_refused_with_its_problem(certificate):
    with Site(certificate) as site:
        pending = begin(CONSUMER, site.endpoints, "oob", client=site.client)
        assert urlsplit(pending.url).path == "/authorize"
        site.browse(pending.url)
        with pytest.raises(ServiceRefused) as caught:
            redeem(CONSUMER, site.endpoints, pending.temporary, "1234567890", client=site.client)
        assert (caught.value.answered, caught.value.problem) == (401, "verifier_invalid")


def test_an_xauth_client_gets_a_token_for_a_password(certificate):
    with Site(certificate) as site:
        assert (
            site.store.get_token(xauth(CONSUMER, site.endpoints, "jane", "right & good", client=site.client).key).user
            == "jane"
        )
        with pytest.raises(ServiceRefused):
            xauth(CONSUMER, site.endpoints, "jane", "wrong", client=site.client)


def test_a_wrong_secret_is_refused_with_its_problem(certificate):
    with Site(certificate) as site, pytest.raises(ServiceRefused) as caught:
        begin(oauth2.Consumer(CONSUMER.key, "wrong"), site.endpoints, "oob", client=site.client)
    assert caught.value.problem == "signature_invalid"
