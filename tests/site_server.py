"""The reference provider on 127.0.0.1 for the tests, and people who use it over HTTP."""

import contextlib
import functools

import requests
from loopback import Serving
from werkzeug.security import generate_password_hash
from werkzeug.serving import WSGIRequestHandler, make_server

import oauth2
from oauth2 import flow
from oauth2.site import create_app
from oauth2.site.visitor import Page

PASSWORD = "correct horse battery"
CALLBACK = "https://printer.example/ready"
METHOD = oauth2.SignatureMethod_HMAC_SHA256()


@functools.cache
def _hash():
    return generate_password_hash(PASSWORD, "scrypt:1024:8:1")


class Clock:
    """A clock that returns the same time until a test sets another time."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


class Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass


class Site:
    """A running site; its methods create users and clients."""

    def __init__(self, database, **options):
        self._server = make_server("127.0.0.1", 0, self._call, threaded=True, request_handler=Quiet)
        self.listens_at = f"http://127.0.0.1:{self._server.port}"
        self.database = database
        self.app = create_app(database, **{"base_url": self.listens_at, **options})
        self._sessions = []
        self._serving = Serving(self._server)

    def _call(self, environ, start_response):
        return self.app(environ, start_response)

    def __enter__(self):
        self._serving.start()
        return self

    def __exit__(self, *_):
        for session in self._sessions:
            session.close()
        self._serving.stop()
        self._server.server_close()
        self.app.extensions["oauth2.site"].provider.store.close()

    def visitor(self):
        session = requests.Session()
        session.trust_env = False
        self._sessions.append(session)
        return Person(self.listens_at, session)

    def person(self, name="jane"):
        """Return a signed-in user with an account; the password is hashed only once for all users."""
        visitor = self.visitor()
        services = self.app.extensions["oauth2.site"]
        with services.accounts._database.transaction() as connection:
            connection.execute("INSERT INTO site_user VALUES (?, ?, 0)", (name, _hash()))
        signer = self.app.session_interface.get_signing_serializer(self.app)
        cookie = signer.dumps({"id": services.accounts.open_session(name)})
        visitor.session.cookies.set(self.app.config["SESSION_COOKIE_NAME"], cookie, domain="127.0.0.1")
        return visitor

    def client(self, person, *callbacks, name="Printer"):
        """Return an application that *person* registered."""
        return register_over_http(person, *callbacks, name=name)


class Person:
    """A user with a browser that does not follow redirects."""

    def __init__(self, url, session):
        self.url = url
        self.session = session

    def get(self, path, **headers):
        return self.session.get(self.url + path, allow_redirects=False, headers=headers, timeout=10)

    def send(self, path, fields, **headers):
        return self.session.post(self.url + path, fields, allow_redirects=False, headers=headers, timeout=10)

    def fill(self, path, action=None, **fields):
        action = action or path.partition("?")[0]
        return self.send(action, {**page_of(self.get(path)).hidden(action), **fields})

    def token(self, path="/notes", action="/notes"):
        return page_of(self.get(path)).hidden(action)["csrf_token"]

    def consent(self, temporary, decision="allow", realm=("profile", "notes", "notes.write")):
        return self.fill(flow.authorization_url("/oauth/authorize", temporary), decision=decision, realm=list(realm))


class Program:
    """An application that calls the site with OAuth."""

    def __init__(self, url, consumer):
        self.url = url
        self.consumer = consumer

    def send(self, method, path, form="", token=None, consumer=None):
        client = oauth2.Client(consumer or self.consumer, token, placement="header")
        client.set_signature_method(METHOD)
        response, body = client.request(self.url + path, method, form)
        client.close()
        return response.status, body

    def ask(self, callback=CALLBACK):
        status, body = self.send("POST", "/oauth/request_token", f"oauth_callback={oauth2.escape(callback)}")
        assert status == 200, body
        return flow.read_temporary(body)

    def redeem(self, temporary, verifier):
        temporary.set_verifier(verifier)
        status, body = self.send("POST", "/oauth/access_token", token=temporary)
        assert status == 200, body
        return flow.read_token(body)

    def let_in(self, person, **consent):
        """Run the whole flow; return the token credentials of *person*."""
        temporary = self.ask()
        answer = person.consent(temporary, **consent)
        assert answer.status_code == 303, answer.text
        approved = flow.read_callback(answer.headers["Location"], temporary)
        return self.redeem(temporary, approved.verifier)


def register_over_http(person, *callbacks, name="Printer"):
    fields = {"name": name, "callbacks": "\n".join(each for each in callbacks if each != "oob")}
    if "oob" in callbacks:
        fields["out_of_band"] = "yes"
    answer = person.fill("/applications/new", **fields)
    assert answer.status_code == 201, answer.text
    page = page_of(answer)
    return Program(person.url, oauth2.Consumer(page.text_of("key"), page.text_of("secret")))


def page_of(answer):
    return Page(status=answer.status_code, location=answer.headers.get("Location"), text=answer.text)


@contextlib.contextmanager
def running(folder, **options):
    with Site(folder / "provider.db", **options) as site:
        yield site
