"""A provider under test, and a client that signs with the independent signer of the tests."""

from urllib.parse import parse_qsl

from peer import NOW, Peer

import oauth2
from oauth2.http import HTTPRequest
from oauth2.provider import Lifetimes, Provider, RequestPolicy
from oauth2.stores import ClientCredentials, MemoryStore

ORIGIN = "https://api.example"
CALLBACK = "https://app.example/cb"
APP = ClientCredentials(key="app", secret="app-secret", name="App", callbacks=(CALLBACK, "oob"))
OTHER_APP = ClientCredentials(key="other-app", secret="other-secret", callbacks=("oob",))


class Hosted:
    """A provider over a store, with a clock that tests set and a list of its audit events.

    *policy* and *lifetimes* are the arguments of RequestPolicy and Lifetimes.
    """

    def __init__(self, store=None, *, consumers=(APP, OTHER_APP), policy=None, lifetimes=None, **options):
        self.now, self.events = NOW, []
        self.store = MemoryStore() if store is None else store
        options = {"now": lambda: self.now, "audit": self.events.append, **options}
        self.provider = Provider(
            self.store, policy=RequestPolicy(**policy or {}), lifetimes=Lifetimes(**lifetimes or {}), **options
        )
        for consumer in consumers:
            self.store.add_consumer(consumer)
        self.peer = Peer()

    def sent(self, path, method="POST", *, origin=ORIGIN, consumer=APP, token=None, **options):
        """Return a request with a valid signature."""
        options.setdefault("timestamp", str(self.now))
        sent = self.peer.sign(method, origin + path, consumer=consumer, token=token, **options)
        return as_http(sent)

    def ask(self, callback="oob", **options):
        """Ask for temporary credentials; return the answer."""
        return self.provider.request_token(self.sent("/request_token", callback=callback, **options))

    def temporary(self, callback="oob", **options):
        """Return temporary credentials."""
        return credentials(self.ask(callback, **options))

    def exchange(self, temporary, verifier, **options):
        """Ask for token credentials; return the answer."""
        return self.provider.access_token(self.sent("/access_token", token=temporary, verifier=verifier, **options))

    def token(self, user="jane", **options):
        """Go through the whole flow; return token credentials."""
        temporary = self.temporary(**options)
        verifier = self.provider.approve(temporary.key, user=user).verifier
        return credentials(self.exchange(temporary, verifier, **{k: v for k, v in options.items() if k == "consumer"}))

    def call(self, token, path="/photos", method="GET", *, realm_wanted=None, **options):
        """Make an authenticated request; return the Access."""
        return self.provider.authenticate(self.sent(path, method, token=token, **options), realm=realm_wanted)


def as_http(sent):
    return HTTPRequest(sent.method, sent.url, sent.headers, sent.body)


def fields(answer):
    """The form in the body of an answer."""
    return dict(parse_qsl(answer.body.decode(), keep_blank_values=True, strict_parsing=True))


def credentials(answer):
    """The credentials in an answer, which must have status 200."""
    assert answer.status == 200, answer.body
    found = fields(answer)
    return oauth2.Token(found["oauth_token"], found["oauth_token_secret"])


def problem(answer):
    """The status and the problem of a refusal."""
    return answer.status, fields(answer).get("oauth_problem")
