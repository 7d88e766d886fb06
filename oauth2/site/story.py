"""The whole flow of RFC 5849 over loopback HTTP, told step by step: what is expected, and what comes back."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httplib2

from .. import flow
from ..client import Client
from ..credentials import Consumer, Token
from ..encoding import percent_encode
from ..parameters import parse_form
from ..request import Request
from ..signature import SignatureMethod_HMAC_SHA256
from .visitor import Page, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator

_CALLBACK = "http://127.0.0.1:9/ready"  # nobody needs to listen: the story reads where it leads
_METHOD = SignatureMethod_HMAC_SHA256()
_PASSWORD = "correct horse battery"  # noqa: S105 - of an account that is gone in a moment


def demo() -> int:
    """Tell the story against a provider of its own; return 0 if every step went as expected, else 1."""
    teller = Teller()
    with tempfile.TemporaryDirectory() as folder, _provider(f"{folder}/provider.db") as url:
        print(f"The provider runs at {url}, with a database of its own.")
        Story(url, teller).tell()
    print(f"\nThe provider is stopped. {teller.right} of {teller.steps} steps went as expected.")
    return 0 if teller.right == teller.steps else 1


class Teller:
    """Counts the steps, and prints each with what was expected and what came back."""

    def __init__(self) -> None:
        self.steps = 0
        self.right = 0

    def part(self, title: str) -> None:
        """Begin a part of the story."""
        print(f"\n{title}\n")

    def step(self, title: str, expected: str, came: str) -> None:
        """Tell one step; it is right if what came starts as expected."""
        self.steps += 1
        is_right = came.startswith(expected)
        self.right += is_right
        print(f"{self.steps:3}. {title}")
        print(f"     expected: {expected}")
        print(f"     came:     {_without_secrets(came)}   {'ok' if is_right else 'NOT AS EXPECTED'}")


class Story:
    """Jane, who keeps notes, and the printer, an application that asks for some.

    Args:
        url: Of the provider.
        teller: Whom to tell.
    """

    def __init__(self, url: str, teller: Teller) -> None:
        self.url = url
        self.teller = teller
        self.jane = Visitor(url)
        self.consumer = Consumer("none", "none")
        self.token = Token("none", "none")

    def tell(self) -> None:
        """Tell it all."""
        self.register()
        temporary = self.ask()
        approved = self.approve(temporary)
        self.redeem(approved)
        self.call()
        self.attack()
        self.revoke()

    def register(self) -> None:
        """An account, and an application (no section: the RFC leaves it to the service)."""
        step, jane = self.teller.step, self.jane
        self.teller.part("An account and an application")
        page = jane.fill("/sign-up", name="jane", password=_PASSWORD, again=_PASSWORD)
        step("Jane creates an account", "303 /notes", _page(page))
        page = jane.fill("/notes", text="The tide is low at seven.")
        step("She writes a note", "303 /notes", _page(page))
        page = jane.fill("/applications/new", name="Printer", callbacks=_CALLBACK)
        self.consumer = Consumer(page.text_of("key") or "none", page.text_of("secret"))
        shown = f"{page.status} key {self.consumer.key}, secret {'shown' if self.consumer.secret else 'missing'}"
        step("She registers the application Printer", "201 key", shown)

    def ask(self) -> Token:
        """Temporary credentials, section 2.1."""
        step = self.teller.step
        self.teller.part("Temporary credentials (section 2.1)")
        status, body = self._post("/oauth/request_token", f"oauth_callback={percent_encode('http://127.0.0.1:9/evil')}")
        step("The printer names a callback that is not registered", "400 parameter_rejected", _answer(status, body))
        status, body = self._post("/oauth/request_token", f"oauth_callback={percent_encode(_CALLBACK)}")
        confirmed = dict(parse_form(body)).get("oauth_callback_confirmed")
        step("It names the one that is", "200 confirmed=true", f"{status} confirmed={confirmed}")
        return flow.read_temporary(body)

    def approve(self, temporary: Token) -> Token:
        """Approval, section 2.2."""
        step, jane = self.teller.step, self.jane
        path = flow.authorization_url("/oauth/authorize", temporary)
        self.teller.part("Approval (section 2.2)")
        page = Visitor(self.url).get(path)
        step("Somebody who is not signed in opens the consent page", "303 /sign-in?", _page(page))
        forged = {"oauth_token": temporary.key, "decision": "allow", "realm": ["profile", "notes"]}
        step("Another site sends Jane's browser the form, without its token", "400", _page(jane.send(path, forged)))
        page = jane.fill(path, decision="allow", realm=["profile", "notes"])
        step("Jane allows two of the three things asked for", f"303 {_CALLBACK}?", _page(page))
        token = flow.read_callback(page.location or "", temporary)
        again = jane.send("/oauth/authorize", {**jane.get("/notes").hidden("/notes"), **forged})
        step("The same form once more", "410", _page(again))
        return token

    def redeem(self, approved: Token) -> None:
        """Token credentials, section 2.3."""
        step = self.teller.step
        self.teller.part("Token credentials (section 2.3)")
        guess = Token(approved.key, approved.secret)
        guess.set_verifier("guessed")
        status, body = self._post("/oauth/access_token", "", guess)
        step("A verifier that is guessed", "401 verifier_invalid", _answer(status, body))
        status, body = self._post("/oauth/access_token", "", approved)
        step("The one that came to the callback", "200 token", _answer(status, body))
        self.token = flow.read_token(body)
        status, body = self._post("/oauth/access_token", "", approved)
        step("The same verifier again", "401", _answer(status, body))

    def call(self) -> None:
        """Authenticated requests, section 3."""
        step = self.teller.step
        self.teller.part("Calls with the token (section 3)")
        step("Who is the user?", '200 {"application":"Printer","user":"jane"}', self._call("GET", "/api/me"))
        step("What does she note?", '200 {"notes":[{', self._call("GET", "/api/notes"))
        refused = self._call("POST", "/api/notes", "text=Buy+ink")
        step("Write a note, which Jane did not allow", "401 permission_denied", refused)

    def attack(self) -> None:
        """What sections 3.2, 3.3 and 4 are for."""
        step, url = self.teller.step, f"{self.url}/api/me?page=1"
        self.teller.part("What must not get in")
        header = self._header(url)
        step("A signed request", "200", self._send(url, header))
        step("The same request again (replay)", "401 nonce_used", self._send(url, header))
        tampered = self._send(url.replace("=1", "=2"), self._header(url))
        step("A parameter changed after signing (tampering)", "401 signature_invalid", tampered)
        hour_ago = self._send(url, self._header(url, oauth_timestamp=str(int(time.time()) - 3600)))
        step("A timestamp of an hour ago", "401 timestamp_refused", hour_ago)
        forged = self._send(url, self._header(url, Token(self.token.key, "guessed")))
        step("A token secret that is guessed", "401 signature_invalid", forged)
        step("No signature at all", "400 parameter_absent", self._send(url, {}))

    def revoke(self) -> None:
        """Revocation, section 4.10."""
        step, jane = self.teller.step, self.jane
        self.teller.part("Jane takes it back")
        page = jane.send("/access", jane.get("/access").hidden("/access"))
        step("Jane revokes the printer's access", "303 /access", _page(page))
        step("The printer calls again", "401 signature_invalid", self._call("GET", "/api/me"))

    def _post(self, path: str, form: str, token: Token | None = None) -> tuple[int, bytes]:
        client = Client(self.consumer, token, placement="header", proxy_info=None)
        client.set_signature_method(_METHOD)
        response, body = client.request(self.url + path, "POST", form)
        client.close()
        return response.status, body

    def _call(self, method: str, path: str, form: str = "") -> str:
        client = Client(self.consumer, self.token, placement="header", proxy_info=None)
        client.set_signature_method(_METHOD)
        response, body = client.request(self.url + path, method, form)
        client.close()
        return _answer(response.status, body)

    def _header(self, url: str, token: Token | None = None, **protocol: str) -> dict[str, str]:
        request = Request.from_consumer_and_token(self.consumer, token or self.token, "GET", url, protocol)
        request.sign_request(_METHOD, self.consumer, token or self.token)
        return request.to_header()

    def _send(self, url: str, header: dict[str, str]) -> str:
        http = httplib2.Http(proxy_info=None)
        response, body = http.request(url, headers=header)
        http.close()
        return _answer(response.status, body)


def _page(page: Page) -> str:
    return f"{page.status} {page.location or page.title}"


def _answer(status: int, body: bytes) -> str:
    if body.startswith(b"{"):
        return f"{status} {body.decode().strip()}"
    found = dict(parse_form(body))
    if "oauth_token" in found:
        return f"{status} token"
    return f"{status} {found.get('oauth_problem')} ({found.get('oauth_problem_advice')})"


def _without_secrets(text: str) -> str:
    return re.sub(r"(oauth_token|oauth_verifier)(=|%3D)[A-Za-z0-9]+", r"\1\2...", text)


@contextmanager
def _provider(database: str) -> Iterator[str]:
    command = [sys.executable, "-m", "oauth2.site", "--port=0", f"--database={database}"]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, **options) as process:  # noqa: S603 - this interpreter, and no shell
        try:
            line = next(iter(process.stdout or ()), "")
            if not line.startswith("Serving "):
                raise SystemExit(f"The provider did not start; do: {' '.join(command[:3])}")
            yield line.split()[1]
        finally:
            process.terminate()
