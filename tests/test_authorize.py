"""Tests that one call of `authorize` gets token credentials from a provider built with oauthlib, over loopback HTTP."""

import contextlib
import http.client
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from functools import partial
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from loopback import Answer, Loopback, redirect
from oauthlib_provider import CONSUMER, Provider, form
from peer import what_is_shown

import oauth2
from oauth2 import authorize as driver
from oauth2.authorize import PendingAuthorization, authorize, begin, finish, redeem, renew, revoke, xauth
from oauth2.errors import AuthorizationDenied, Error, InvalidAnswer, ServiceRefused
from oauth2.flow import Endpoints, IssuedToken
from oauth2.signature import signature_base_string

pytestmark = pytest.mark.slow

TEMPORARY = form(oauth_token="asked-for", oauth_token_secret="temporary-secret", oauth_callback_confirmed="true")
TOKEN = form(oauth_token="the-token", oauth_token_secret="token-secret")
APP = "https://app.example/ready"


@pytest.fixture
def provider():
    with Provider() as running:
        yield running


@pytest.fixture
def service():
    """A service with valid answers by default; a test can replace the answers."""
    with Loopback() as loopback:
        loopback.routes.update({"/temporary": Answer(body=TEMPORARY), "/token": Answer(body=TOKEN)})
        yield loopback


def endpoints_of(service, **more):
    origin = service.origin
    paths = {"temporary": f"{origin}/temporary", "authorize": f"{origin}/authorize", "token": f"{origin}/token"}
    return Endpoints(**{**paths, **more})


def get(url):
    """Follow redirects; return the status and the text of the page."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


class Browser:
    """A browser in a separate thread; it opens the pages that *visit* returns for the URL, one after the other."""

    def __init__(self, visit=lambda url: [url]):
        self.visit = visit
        self.urls = []
        self.pages = []
        self._threads = []

    def __call__(self, url):
        self.urls.append(url)
        thread = threading.Thread(target=lambda: self.pages.extend(map(get, self.visit(url))))
        self._threads.append(thread)
        thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for thread in self._threads:
            thread.join()


def callback_of(service):
    """Return the callback of the request for temporary credentials."""
    return dict(service.arrived("/temporary").request())["oauth_callback"]


def coming_back(service, *queries):
    """Return a browser that opens the callback with each of *queries*."""
    return Browser(lambda _: [f"{callback_of(service)}?{query}" for query in queries])


# --- a program with a user ------------------------------------------------------


def test_a_user_approves_and_the_browser_is_redirected_to_the_callback(provider):
    with Browser() as browser:
        token = authorize(CONSUMER, provider.endpoints, open_browser=browser)
    assert isinstance(token, IssuedToken)
    assert token.key in provider.memory.tokens
    assert token.parameters["screen_name"] == "jane & co"
    assert browser.pages[0][0] == 200
    assert "You can close this window" in browser.pages[0][1]
    client = oauth2.Client(CONSUMER, token, placement="header", body_hash=False)
    assert client.request(f"{provider.loopback.origin}/photos")[0].status == 200
    client.close()


@pytest.mark.parametrize(
    "method", [oauth2.SignatureMethod_HMAC_SHA256(), oauth2.SignatureMethod_PLAINTEXT_OVER_HTTP()], ids=lambda m: m.name
)
def test_the_signature_method_is_the_one_asked_for(provider, method):
    with Browser() as browser:
        authorize(CONSUMER, provider.endpoints, open_browser=browser, signature_method=method)
    for received in provider.loopback.requests:
        if received.path in ("/temporary", "/token"):
            assert received.request()["oauth_signature_method"] == method.name


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_endpoints_are_asked_with_their_method_and_the_header(service, method):
    endpoints = endpoints_of(service, http_method=method, token_method="PUT")
    with coming_back(service, "oauth_token=asked-for&oauth_verifier=v%26") as browser:
        authorize(CONSUMER, endpoints, open_browser=browser, headers={"User-Agent": "printer/1"})
    temporary, token = service.arrived("/temporary"), service.arrived("/token")
    assert (temporary.method, token.method) == (method, "PUT")
    assert token.request()["oauth_verifier"] == "v&"
    for received in (temporary, token):
        assert received.header("Authorization").startswith("OAuth oauth_consumer_key=")
        assert received.header("User-Agent") == "printer/1"
        assert (received.query, received.body) == ("", b"")
        assert "oauth_body_hash" not in received.header("Authorization")


def test_a_person_types_the_code_if_the_callback_is_oob(provider):
    asked = []

    def ask(url):
        asked.append(url)
        return f" {provider.pin}\n"

    token = authorize(CONSUMER, provider.endpoints, callback="oob", open_browser=get, ask=ask)
    assert token.key in provider.memory.tokens
    assert "oauth_token=" in asked[0]


def test_a_service_that_accepts_one_callback_only_gets_this_callback(service):
    endpoints = endpoints_of(service, callback="oob")
    authorize(CONSUMER, endpoints, open_browser=lambda _: None, ask=lambda _: "1234")
    assert callback_of(service) == "oob"
    assert service.arrived("/token").request()["oauth_verifier"] == "1234"


@pytest.mark.parametrize("code", ["", "  \n"])
def test_an_empty_code_is_refused(service, code):
    with pytest.raises(ValueError, match="verifier"):
        authorize(CONSUMER, endpoints_of(service), callback="oob", open_browser=lambda _: None, ask=lambda _: code)


def test_a_wrong_code_is_refused_by_the_service(provider):
    with pytest.raises(ServiceRefused) as caught:
        authorize(CONSUMER, provider.endpoints, callback="oob", open_browser=get, ask=lambda _: "wrong")
    assert caught.value.answered == 401


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("path", ["/", "/ready", "/printer/ready"])
def test_a_callback_that_is_registered_is_sent_as_it_is(provider, host, path):
    callback = f"http://{host}:{free_port()}{path}"
    with Browser() as browser:
        authorize(CONSUMER, provider.endpoints, callback=callback, open_browser=browser)
    assert callback_of(provider.loopback) == callback
    assert browser.pages[0][0] == 200


def test_the_default_callback_is_a_free_port_and_a_path_that_nobody_guesses(service):
    with coming_back(service, "oauth_token=asked-for&oauth_verifier=v") as browser:
        authorize(CONSUMER, endpoints_of(service), open_browser=browser)
    callback = urlsplit(callback_of(service))
    assert (callback.scheme, callback.hostname) == ("http", "127.0.0.1")
    assert callback.port > 1023
    assert len(callback.path) == 23


def test_parameters_reach_the_page_and_the_request_they_are_for(service):
    with coming_back(service, "oauth_token=asked-for&oauth_verifier=v") as browser:
        authorize(
            CONSUMER,
            endpoints_of(service),
            open_browser=browser,
            parameters={"name": "My Printer"},
            request_parameters={"x_auth_access_type": "read"},
        )
    assert parse_qs(urlsplit(browser.urls[0]).query) == {"oauth_token": ["asked-for"], "name": ["My Printer"]}
    received = service.arrived("/temporary")
    assert received.body == b"x_auth_access_type=read"
    assert received.header("Content-Type") == "application/x-www-form-urlencoded"


def test_parameters_of_a_get_are_in_its_query(service):
    begin(CONSUMER, endpoints_of(service, http_method="GET"), APP, request_parameters={"scopes": "a|b"})
    assert service.arrived("/temporary").query == "scopes=a%7Cb"


def test_the_users_browser_is_opened_and_without_one_the_url_is_printed(monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(driver.webbrowser, "open", lambda url: opened.append(url) or len(opened) == 1)
    driver.open_in_browser("https://photos.example/a")
    assert capsys.readouterr().err == ""
    driver.open_in_browser("https://photos.example/b")
    assert "https://photos.example/b" in capsys.readouterr().err
    assert opened == ["https://photos.example/a", "https://photos.example/b"]


def test_the_code_is_asked_for_at_the_terminal(monkeypatch):
    asked = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or "1234")
    assert driver.ask_for_code("https://photos.example/a") == "1234"
    assert "https://photos.example/a" in asked[0]


# --- requests that the listener refuses -------------------------------------------


def test_only_the_token_that_was_asked_for_is_taken(service):
    queries = [
        "oauth_token=another&oauth_verifier=evil",
        "oauth_token=another&oauth_token=asked-for&oauth_verifier=evil",
        "denied=another",
        "oauth_token=another&oauth_problem=user_refused",
        "oauth_token=%ff&oauth_verifier=evil",
        "",
        "oauth_token=asked-for&oauth_verifier=good",
    ]
    with coming_back(service, *queries) as browser:
        authorize(CONSUMER, endpoints_of(service), open_browser=browser)
    assert [status for status, _ in browser.pages] == [404] * 6 + [200]
    assert service.arrived("/token").request()["oauth_verifier"] == "good"


@pytest.mark.parametrize("origin", ["http://127.0.0.1:{}/ready", "http://127.0.0.1:{}/", "http://127.0.0.1:0/ready"])
def test_at_a_known_callback_a_denial_without_the_token_is_ignored(service, origin):
    queries = ["oauth_problem=user_refused", "oauth_problem=anything", "oauth_problem=user_refused&denied="]
    with coming_back(service, *queries, "oauth_token=asked-for&oauth_verifier=good") as browser:
        authorize(CONSUMER, endpoints_of(service), callback=origin.format(free_port()), open_browser=browser)
    assert [status for status, _ in browser.pages] == [404, 404, 404, 200]
    assert service.arrived("/token").request()["oauth_verifier"] == "good"


def test_at_a_known_callback_a_denial_with_the_token_is_accepted(service):
    callback = f"http://127.0.0.1:{free_port()}/ready"
    query = "oauth_token=asked-for&oauth_problem=user_refused"
    with coming_back(service, query) as browser, pytest.raises(AuthorizationDenied):
        authorize(CONSUMER, endpoints_of(service), callback=callback, open_browser=browser)


def test_unrelated_requests_are_answered_and_ignored(service):
    good = "oauth_token=asked-for&oauth_verifier=good"

    def visit(_):
        callback = callback_of(service)
        origin = callback.rpartition("/")[0]
        return [f"{origin}/favicon.ico", f"{origin}/?{good}", f"{callback}/more?{good}", f"{callback}?{good}"]

    with Browser(visit) as browser:
        authorize(CONSUMER, endpoints_of(service), open_browser=browser)
    assert [status for status, _ in browser.pages] == [404, 404, 404, 200]


@pytest.mark.parametrize(
    ("method", "host", "status"), [("POST", None, 501), ("HEAD", None, 501), ("GET", "evil.example", 404)]
)
def test_another_method_or_another_host_is_ignored(service, method, host, status):
    good = "oauth_token=asked-for&oauth_verifier=good"
    statuses = []

    def play():
        callback = urlsplit(callback_of(service))
        connection = http.client.HTTPConnection(callback.netloc, timeout=10)
        connection.request(method, f"{callback.path}?{good}", headers={"Host": host or callback.netloc})
        statuses.append(connection.getresponse().status)
        connection.close()
        statuses.append(get(f"{callback.geturl()}?{good}")[0])

    thread = threading.Thread(target=play)
    authorize(CONSUMER, endpoints_of(service), open_browser=lambda _: thread.start())
    thread.join()
    assert statuses == [status, 200]


def test_a_silent_connection_does_not_block_the_callback(service):
    silent = []

    def visit(_):
        callback = callback_of(service)
        port = urlsplit(callback).port
        silent.append(socket.create_connection(("127.0.0.1", port)))
        garbage = socket.create_connection(("127.0.0.1", port))
        garbage.sendall(b"\x00\xff garbage\r\n\r\n")
        garbage.close()
        return [f"{callback}?oauth_token=asked-for&oauth_verifier=v"]

    started = time.monotonic()
    with Browser(visit) as browser:
        authorize(CONSUMER, endpoints_of(service), open_browser=browser)
    assert time.monotonic() - started < 4
    silent[0].close()


def test_a_closed_connection_of_the_browser_is_no_error(service, capfd):
    def visit(_):
        callback = callback_of(service)
        for _ in range(20):
            gone = socket.create_connection(("127.0.0.1", urlsplit(callback).port))
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() resets
            gone.sendall(b"GET / HTTP/1.1\r\nHost: ")
            gone.close()
        return [f"{callback}?oauth_token=asked-for&oauth_verifier=v"]

    with Browser(visit) as browser:
        authorize(CONSUMER, endpoints_of(service), open_browser=browser)
    assert capfd.readouterr() == ("", "")


def test_the_page_is_not_cached_and_sends_no_referrer(service):
    fields = {}

    def visit(_):
        with urllib.request.urlopen(f"{callback_of(service)}?oauth_token=asked-for&oauth_verifier=v") as response:
            fields.update(response.headers)
        return []

    with Browser(visit) as browser:
        authorize(CONSUMER, endpoints_of(service), open_browser=browser)
    assert fields["Cache-Control"] == "no-store"
    assert fields["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in fields["Content-Security-Policy"]


def test_nothing_is_written_to_the_terminal(service, capfd):
    with coming_back(service, "oauth_token=asked-for&oauth_verifier=hidden") as browser:
        authorize(CONSUMER, endpoints_of(service), open_browser=browser)
    assert capfd.readouterr() == ("", "")


def test_the_port_is_free_again_afterwards(service):
    for _ in range(2):
        with coming_back(service, "oauth_token=asked-for&oauth_verifier=v") as browser:
            authorize(CONSUMER, endpoints_of(service), open_browser=browser)
        port = urlsplit(callback_of(service)).port
        service.requests.clear()
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), 1)


def test_a_port_in_use_is_reported_before_anything_is_sent(service):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        callback = f"http://127.0.0.1:{taken.getsockname()[1]}/ready"
        with pytest.raises(OSError, match="in use"):
            authorize(CONSUMER, endpoints_of(service), callback=callback, open_browser=pytest.fail)
    assert service.requests == []


@pytest.mark.parametrize(
    "callback",
    [
        "https://127.0.0.1:8080/ready",
        "http://app.example/ready",
        "http://127.0.0.1@evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://[::1]:8080/",
        "http://127.0.0.1:8080/ready?lang=en",
        "http://127.0.0.1:8080/ready#top",
        "/ready",
        "javascript:alert(1)",
    ],
)
def test_a_callback_that_is_no_loopback_url_is_a_value_error(service, callback):
    with pytest.raises(ValueError, match="callback"):
        authorize(CONSUMER, endpoints_of(service), callback=callback, open_browser=pytest.fail)
    assert service.requests == []


def test_a_timeout_without_approval_is_a_timeout_error(service):
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="did not approve"):
        authorize(CONSUMER, endpoints_of(service), open_browser=lambda _: None, timeout=0.1)
    assert time.monotonic() - started < 3


# --- refusals ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "denied=asked-for",
        "oauth_token=asked-for&oauth_problem=user_refused",
        "oauth_problem=permission_denied",
        "oauth_token=asked-for&oauth_problem=permission_denied&oauth_verifier=v",
    ],
)
def test_a_denial_by_the_user_has_its_own_error(service, query):
    with coming_back(service, query) as browser, pytest.raises(AuthorizationDenied) as caught:
        authorize(CONSUMER, endpoints_of(service), open_browser=browser)
    assert caught.value.status == 403
    assert [request.path for request in service.requests] == ["/temporary"]


@pytest.mark.parametrize("query", ["oauth_token=asked-for", "oauth_token=asked-for&oauth_verifier="])
def test_a_callback_without_verifier_is_refused(service, query):
    with coming_back(service, query) as browser, pytest.raises(InvalidAnswer, match="oauth_verifier"):
        authorize(CONSUMER, endpoints_of(service), open_browser=browser)


def test_another_problem_at_the_callback_is_the_services(service):
    query = "oauth_token=asked-for&oauth_problem=token_expired"
    with coming_back(service, query) as browser, pytest.raises(ServiceRefused) as caught:
        authorize(CONSUMER, endpoints_of(service), open_browser=browser)
    assert (caught.value.problem, caught.value.answered) == ("token_expired", None)


@pytest.mark.parametrize("confirmed", [{}, {"oauth_callback_confirmed": "false"}])
def test_a_service_that_does_not_confirm_the_callback_is_refused(service, confirmed):
    body = form(oauth_token="asked-for", oauth_token_secret="temporary-secret", **confirmed)
    service.routes["/temporary"] = Answer(body=body)
    with pytest.raises(InvalidAnswer, match="oauth_callback_confirmed"):
        authorize(CONSUMER, endpoints_of(service), open_browser=pytest.fail)


def test_other_confirmations_can_be_accepted(service):
    service.routes["/temporary"] = Answer(
        body=form(oauth_token="asked-for", oauth_token_secret="s", oauth_callback_confirmed="false")
    )
    endpoints = endpoints_of(service, confirmations=("true", "false"))
    assert begin(CONSUMER, endpoints, "oob").temporary.callback_confirmed == "false"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, body=b"<html>Over capacity</html>"),
        Answer(200, {"Content-Type": "text/html"}, b"<html>Please log in</html>"),
        Answer(200, body=b""),
        Answer(200, body=b"Error: consumer is not approved"),
        Answer(200, body=b'{"oauth_token": "a", "oauth_token_secret": "b"}'),
        Answer(200, body=b"oauth_token=%zz&oauth_token_secret=b"),
        Answer(200, body=b"\xff\x00\xfe"),
        Answer(200, body=b"oauth_token=a&oauth_token=b&oauth_token_secret=c"),
        Answer(204, body=b""),
        Answer(401, {"WWW-Authenticate": '= ,,, "x'}, b""),
        Answer(401, {"WWW-Authenticate": "OAuth oauth_problem=signature_invalid&debug=1"}, b""),
        Answer(200, {"Content-Encoding": "gzip"}, b"no gzip"),
    ],
)
@pytest.mark.parametrize("path", ["/temporary", "/token"])
def test_an_answer_without_credentials_is_an_invalid_answer(service, path, answer):
    service.routes[path] = answer
    with pytest.raises(InvalidAnswer) as caught:
        authorize(CONSUMER, endpoints_of(service), callback="oob", open_browser=lambda _: None, ask=lambda _: "1234")
    shown = what_is_shown(caught.value)
    assert not [secret for secret in (CONSUMER.secret, "temporary-secret") if secret in shown]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_redirects_of_endpoints_are_not_followed(service, status, method):
    with Loopback() as other:
        service.routes["/temporary"] = redirect(status, f"{other.origin}/temporary")
        with pytest.raises(ServiceRefused) as caught:
            begin(CONSUMER, endpoints_of(service, http_method=method), "oob")
        assert caught.value.answered == status
        service.routes["/temporary"] = redirect(status, f"{service.origin}/temporary2")
        with pytest.raises(ServiceRefused):
            begin(CONSUMER, endpoints_of(service, http_method=method), "oob")
        assert other.requests == []
    assert {request.path for request in service.requests} == {"/temporary"}


@pytest.mark.parametrize("challenge", ["OAuth", "Bearer", "oauth_error=no such key"])
def test_a_refusal_with_a_malformed_challenge_is_a_refusal(service, challenge):
    service.routes["/temporary"] = Answer(401, {"WWW-Authenticate": challenge}, b"oauth_problem=signature_invalid")
    with pytest.raises(ServiceRefused, match="401") as caught:
        begin(CONSUMER, endpoints_of(service), "oob")
    assert caught.value.answered == 401


def test_a_refusal_says_what_the_service_said_without_secrets(provider):
    wrong = oauth2.Consumer(CONSUMER.key, "wrong & secret")
    with pytest.raises(ServiceRefused) as caught:
        begin(wrong, provider.endpoints, "oob")
    assert caught.value.answered == 401
    assert caught.value.status == 502


def test_on_refusal_gets_the_explanation_before_the_error(provider):
    told = []
    with pytest.raises(ServiceRefused) as caught:
        begin(oauth2.Consumer(CONSUMER.key, "wrong & secret"), provider.endpoints, "oob", on_refusal=told.append)
    (found,) = told
    assert found.status == caught.value.answered == 401
    assert found.diagnosis.signature_is_right
    assert "wrong" not in str(found)


@pytest.mark.parametrize("shows_base_string", [True, False])
def test_an_explanation_contains_no_secret_of_the_flow(service, shows_base_string):
    def refuse(received):
        made = signature_base_string("GET", received.url, [*received.request().items(), ("echo", CONSUMER.secret)])
        return Answer(401, body=f"expected {made if shows_base_string else received.header('Authorization')}".encode())

    service.routes.update({"/token": refuse})
    token = IssuedToken("the-token", "token-secret", parameters={"oauth_session_handle": "handle-1"})
    told = []
    for secret, call in {
        "p@ss": partial(xauth, CONSUMER, endpoints_of(service), "jane", "p@ss"),
        "handle-1": partial(renew, CONSUMER, endpoints_of(service), token),
        "hunter-2": partial(redeem, CONSUMER, endpoints_of(service), oauth2.Token("t", "token-secret"), "hunter-2"),
    }.items():
        with pytest.raises(ServiceRefused):
            call(on_refusal=told.append)
        shown = f"{told[-1]} {told[-1].their_base_string}"
        for each in (secret, CONSUMER.secret, "token-secret"):
            assert each not in shown
            assert quote(each, "") not in shown
        assert ("has not stored" in shown) == (secret == "p@ss")


def test_the_error_contains_no_secret_of_the_request(service):
    def echo(received):
        known = " ".join([*received.request().values(), *map(oauth2.escape, received.request().values())])
        text = f"{received.header('Authorization')} {received.body.decode()} {CONSUMER.secret} {known}"
        return Answer(403, body=f"<pre>{text}</pre> oauth_problem=permission_denied".encode())

    service.routes.update({"/token": echo})
    token = IssuedToken("the-token", "token-secret", parameters={"oauth_session_handle": "handle-1"})
    endpoints = endpoints_of(service)
    calls = {
        "p@ss": partial(xauth, CONSUMER, endpoints, "jane", "p@ss"),
        "handle-1": partial(renew, CONSUMER, endpoints, token),
        "hunter-2": partial(redeem, CONSUMER, endpoints, oauth2.Token("the-token", "token-secret"), "hunter-2"),
    }
    for secret, call in calls.items():
        with pytest.raises(ServiceRefused) as caught:
            call()
        error = caught.value
        signature = service.last.request()["oauth_signature"]
        assert error.problem == "permission_denied"
        assert "oauth_consumer_key" in error.body
        for hidden in (CONSUMER.secret, signature, secret, token.key, token.secret):
            assert hidden not in error.body + what_is_shown(error)
            assert oauth2.escape(hidden) not in error.body


def test_a_service_that_does_not_answer_in_time_is_a_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        origin = f"http://127.0.0.1:{silent.getsockname()[1]}"
        endpoints = Endpoints(temporary=f"{origin}/t", authorize=f"{origin}/a", token=f"{origin}/k")
        with pytest.raises(TimeoutError):
            begin(CONSUMER, endpoints, "oob", client=partial(oauth2.Client, timeout=0.2))


@pytest.mark.parametrize("sent", [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", b""])
def test_a_response_that_is_not_http_is_an_invalid_answer(sent):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            for _ in range(2):  # httplib2 sends a request again if it receives no response.
                with contextlib.suppress(OSError):
                    server.settimeout(0.5)
                    connection, _ = server.accept()
                    connection.recv(65536)
                    connection.sendall(sent)
                    connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        origin = f"http://127.0.0.1:{server.getsockname()[1]}"
        endpoints = Endpoints(temporary=f"{origin}/t", authorize=f"{origin}/a", token=f"{origin}/k")
        with pytest.raises((InvalidAnswer, ConnectionError)):
            begin(CONSUMER, endpoints, "oob")
        thread.join()


def test_a_service_that_is_not_there_is_an_os_error():
    endpoints = Endpoints(temporary=f"http://127.0.0.1:{free_port()}/t", authorize="https://a.example/")
    with pytest.raises(OSError):
        begin(CONSUMER, endpoints, "oob")


# --- web applications: the two halves -----------------------------------------------


def test_a_web_application_keeps_the_temporary_credentials_between_the_halves(provider):
    pending = begin(CONSUMER, provider.endpoints, APP)
    session = str(pending.temporary)
    _, came_back = provider.loopback, redirect_of(pending.url)
    token = finish(CONSUMER, provider.endpoints, came_back, oauth2.Token.from_string(session))
    assert came_back.startswith(f"{APP}?")
    assert token.key in provider.memory.tokens
    with pytest.raises(ServiceRefused):
        finish(CONSUMER, provider.endpoints, came_back, oauth2.Token.from_string(session))


def test_a_callback_of_another_session_is_refused(provider):
    mine, theirs = (begin(CONSUMER, provider.endpoints, APP) for _ in range(2))
    with pytest.raises(InvalidAnswer, match="not the key of these temporary"):
        finish(CONSUMER, provider.endpoints, redirect_of(theirs.url), mine.temporary)
    assert not provider.memory.tokens


def test_pending_shows_no_secret(service):
    pending = begin(CONSUMER, endpoints_of(service), APP)
    assert isinstance(pending, PendingAuthorization)
    assert "temporary-secret" not in repr(pending)


# --- xAuth, renewal and revocation ------------------------------------------------------


def test_xauth_sends_the_password_in_a_form_and_the_rest_in_the_header(service):
    token = xauth(CONSUMER, endpoints_of(service), "jane", "p@ss & word")
    assert (token.key, token.secret) == ("the-token", "token-secret")
    received = service.arrived("/token")
    assert received.method == "POST"
    assert parse_qs(received.body.decode()) == {
        "x_auth_mode": ["client_auth"],
        "x_auth_username": ["jane"],
        "x_auth_password": ["p@ss & word"],
    }
    request = received.request()
    assert "oauth_token" not in request
    oauth2.Server({"HMAC-SHA1": oauth2.SignatureMethod_HMAC_SHA1()}).verify_request(request, CONSUMER, None)


def test_a_token_is_renewed_with_its_session_handle(service):
    service.routes["/token"] = Answer(
        body=form(
            oauth_token="new", oauth_token_secret="new-secret", oauth_session_handle="h2", oauth_expires_in="3600"
        )
    )
    old = IssuedToken("old", "old-secret", parameters={"oauth_session_handle": "h1&"})
    new = renew(CONSUMER, endpoints_of(service), old)
    assert (new.key, new.session_handle, new.expires_in) == ("new", "h2", 3600)
    request = service.arrived("/token").request()
    assert (request["oauth_token"], request["oauth_session_handle"]) == ("old", "h1&")
    oauth2.Server({"HMAC-SHA1": oauth2.SignatureMethod_HMAC_SHA1()}).verify_request(request, CONSUMER, old)


def test_a_renewal_without_new_credentials_keeps_the_token(service):
    service.routes["/renew"] = Answer(body=b"Access Token has been renewed")
    endpoints = endpoints_of(service, renew=f"{service.origin}/renew", http_method="GET")
    token = renew(CONSUMER, endpoints, oauth2.Token("old", "old-secret"))
    assert (token.key, token.secret) == ("old", "old-secret")
    assert service.arrived("/renew").method == "GET"
    service.routes["/renew"] = Answer(401, body=b"oauth_problem=token_rejected")
    with pytest.raises(ServiceRefused, match="token_rejected"):
        renew(CONSUMER, endpoints, token)


def test_a_token_without_session_handle_cannot_be_renewed(service):
    with pytest.raises(ValueError, match="session_handle"):
        renew(CONSUMER, endpoints_of(service), oauth2.Token("old", "old-secret"))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_is_revoked_if_the_service_has_an_endpoint(service, method):
    endpoints = endpoints_of(service, revoke=f"{service.origin}/revoke", http_method=method)
    assert revoke(CONSUMER, endpoints, oauth2.Token("old", "old-secret")) is None
    received = service.arrived("/revoke")
    assert (received.method, received.request()["oauth_token"]) == (method, "old")
    service.routes["/revoke"] = Answer(401, body=b"oauth_problem=token_revoked")
    with pytest.raises(ServiceRefused, match="token_revoked"):
        revoke(CONSUMER, endpoints, oauth2.Token("old", "old-secret"))
    with pytest.raises(ValueError, match="endpoints: revoke must be set"):
        revoke(CONSUMER, endpoints_of(service), oauth2.Token("old", "old-secret"))


# --- arguments of the caller ------------------------------------------------------------


@pytest.mark.parametrize("name", ["temporary", "authorize"])
def test_an_endpoint_that_is_missing_is_named_before_anything_is_sent(service, name):
    with pytest.raises(ValueError, match=f"endpoints: {name} must be set"):
        begin(CONSUMER, endpoints_of(service, **{name: None}), "oob")
    assert service.requests == []


def test_endpoints_are_endpoints_or_a_service():
    with pytest.raises(TypeError, match="endpoints"):
        begin(CONSUMER, "https://photos.example", "oob")


def test_the_client_is_the_callers_own(service):
    made = []

    def client(consumer, token):
        made.append(token)
        return oauth2.Client(consumer, token, placement="query", timeout=5)

    method = oauth2.SignatureMethod_HMAC_SHA256()
    begin(CONSUMER, endpoints_of(service), "oob", client=client, signature_method=method)
    assert "oauth_signature_method=HMAC-SHA256" in service.last.query
    redeem(CONSUMER, endpoints_of(service), oauth2.Token("asked-for", "s"), "1234", client=client)
    assert [token and token.key for token in made] == [None, "asked-for"]
    for received in service.requests:
        assert received.header("Authorization") is None
        assert "oauth_signature=" in received.query


def test_every_refusal_is_an_error_of_the_package():
    assert issubclass(ServiceRefused, InvalidAnswer)
    assert issubclass(InvalidAnswer, Error)
    assert issubclass(AuthorizationDenied, Error)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def redirect_of(url):
    """Return the URL that the consent page of the provider redirects to."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.headers["Location"]


# --- different URLs to send as the callback and to listen on ----------------------


def test_oob_is_sent_and_the_browser_is_redirected_to_the_registered_url(service):
    registered = f"http://127.0.0.1:{free_port()}/ready"
    with Browser(lambda _: [f"{registered}?oauth_token=asked-for&oauth_verifier=v1"]) as browser:
        token = authorize(CONSUMER, endpoints_of(service), callback="oob", listen=registered, open_browser=browser)
    assert (token.key, callback_of(service)) == ("the-token", "oob")
    assert service.arrived("/token").request()["oauth_verifier"] == "v1"


def test_with_a_service_that_accepts_oob_only_a_registered_url_can_be_listened_on(service):
    registered = f"http://127.0.0.1:{free_port()}/ready"
    endpoints = endpoints_of(service, callback="oob")
    with Browser(lambda _: [f"{registered}?oauth_token=asked-for&oauth_verifier=v1"]) as browser:
        authorize(CONSUMER, endpoints, listen=registered, open_browser=browser)
    assert callback_of(service) == "oob"


def test_the_url_to_listen_on_is_the_callback_unless_it_is_given(service):
    registered = f"http://127.0.0.1:{free_port()}/ready"
    with coming_back(service, "oauth_token=asked-for&oauth_verifier=v1") as browser:
        authorize(CONSUMER, endpoints_of(service), listen=registered, open_browser=browser)
    assert callback_of(service) == registered


def test_the_url_to_listen_on_must_be_loopback(service):
    with pytest.raises(ValueError, match="callback: "):
        authorize(CONSUMER, endpoints_of(service), callback="oob", listen="https://app.example/ready")
    assert service.requests == []


def test_a_user_who_waits_long_is_reminded_once(service, monkeypatch):
    monkeypatch.setattr("oauth2._login.listener._PATIENCE", 0.05)
    reminded = []
    with pytest.raises(TimeoutError, match=r"within 0\.2 seconds"):
        authorize(CONSUMER, endpoints_of(service), open_browser=lambda _: None, remind=reminded.append, timeout=0.2)
    assert reminded == [f"{service.origin}/authorize?oauth_token=asked-for"]


def test_a_callback_after_the_reminder_is_accepted(service, monkeypatch, capsys):
    monkeypatch.setattr("oauth2._login.listener._PATIENCE", 0.01)

    def visit(_):
        time.sleep(0.2)
        return [f"{callback_of(service)}?oauth_token=asked-for&oauth_verifier=v1"]

    with Browser(visit) as browser:
        token = authorize(CONSUMER, endpoints_of(service), open_browser=browser, timeout=20)
    assert token.key == "the-token"
    assert "not every service redirects the browser" in capsys.readouterr().err


def test_there_is_no_reminder_if_the_timeout_is_shorter(service):
    reminded = []
    with pytest.raises(TimeoutError):
        authorize(CONSUMER, endpoints_of(service), open_browser=lambda _: None, remind=reminded.append, timeout=0.05)
    assert reminded == []
