"""Run the complete flow of RFC 5849 over loopback HTTP. Print the expected and the received result of each step."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httplib2

from .. import flow
from .._wire.form import parse_form
from .._wire.percent import percent_encode
from ..client import Client
from ..credentials import Consumer, Token
from ..request import Request
from ..signature import SignatureMethod_HMAC_SHA256
from .visitor import Page, Visitor

__all__ = ["Report", "Story", "demo"]

# The demo does not follow the redirect to this URL, so no server needs to listen at this URL.
_CALLBACK = "http://127.0.0.1:9/ready"
_METHOD = SignatureMethod_HMAC_SHA256()
_PASSWORD = "correct horse battery"  # noqa: S105 - the password of an account in a temporary database


def demo() -> int:
    """Run the flow against a provider with a temporary database.

    Returns:
        0 if each step had the expected result, otherwise 1.
    """
    report = Report()
    with tempfile.TemporaryDirectory() as folder, _provider(f"{folder}/provider.db") as url:
        print(f"The provider runs at {url} with a temporary database.")
        Story(url, report).run()
    print(f"\nThe provider is stopped. {report.right} of {report.steps} steps had the expected result.")
    return 0 if report.right == report.steps else 1


class Report:
    """Prints each step with the expected and the received result, and counts the steps."""

    def __init__(self) -> None:
        self.steps = 0
        self.right = 0

    def part(self, title: str) -> None:
        """Print the title of a part."""
        print(f"\n{title}\n")

    def step(self, title: str, expected: str, received: str) -> None:
        """Print one step. The step has succeeded if *received* starts with *expected*."""
        self.steps += 1
        is_right = received.startswith(expected)
        self.right += is_right
        print(f"{self.steps:3}. {title}")
        print(f"     expected: {expected}")
        print(f"     received: {_without_secrets(received)}   {'ok' if is_right else 'NOT AS EXPECTED'}")


class Story:
    """The steps of the flow: Jane has notes, and the application Printer asks for access to the notes.

    Args:
        url: The base URL of the provider.
        report: The report that prints the steps.
    """

    def __init__(self, url: str, report: Report) -> None:
        self.url = url
        self.report = report
        self.jane = Visitor(url)
        self.consumer = Consumer("none", "none")
        self.token = Token("none", "none")

    def run(self) -> None:
        """Run all parts."""
        self.register()
        temporary = self.ask()
        approved = self.approve(temporary)
        self.redeem(approved)
        self.call()
        self.attack()
        self.revoke()

    def register(self) -> None:
        """Create an account and register an application. RFC 5849 does not specify these two steps."""
        step, jane = self.report.step, self.jane
        self.report.part("An account and an application")
        page = jane.fill("/sign-up", name="jane", password=_PASSWORD, again=_PASSWORD)
        step("Jane creates an account", "303 /notes", _page(page))
        page = jane.fill("/notes", text="The tide is low at seven.")
        step("She writes a note", "303 /notes", _page(page))
        page = jane.fill("/applications/new", name="Printer", callbacks=_CALLBACK)
        self.consumer = Consumer(page.text_of("key") or "none", page.text_of("secret"))
        shown = f"{page.status} key {self.consumer.key}, secret {'shown' if self.consumer.secret else 'missing'}"
        step("She registers the application Printer", "201 key", shown)

    def ask(self) -> Token:
        """Get temporary credentials (section 2.1)."""
        step = self.report.step
        self.report.part("Temporary credentials (section 2.1)")
        status, body = self._post("/oauth/request_token", f"oauth_callback={percent_encode('http://127.0.0.1:9/evil')}")
        step("The printer names a callback that is not registered", "400 parameter_rejected", _answer(status, body))
        status, body = self._post("/oauth/request_token", f"oauth_callback={percent_encode(_CALLBACK)}")
        confirmed = dict(parse_form(body)).get("oauth_callback_confirmed")
        step("The printer names the registered callback", "200 confirmed=true", f"{status} confirmed={confirmed}")
        return flow.read_temporary(body)

    def approve(self, temporary: Token) -> Token:
        """Approve the request (section 2.2)."""
        step, jane = self.report.step, self.jane
        path = flow.authorization_url("/oauth/authorize", temporary)
        self.report.part("Approval (section 2.2)")
        page = Visitor(self.url).get(path)
        step("A visitor who is not signed in opens the consent page", "303 /sign-in?", _page(page))
        forged = {"oauth_token": temporary.key, "decision": "allow", "realm": ["profile", "notes"]}
        page = jane.send(path, forged)
        step("Another site makes Jane's browser send the form, without its form token", "400", _page(page))
        page = jane.fill(path, decision="allow", realm=["profile", "notes"])
        step("Jane allows two of the three requested kinds of access", f"303 {_CALLBACK}?", _page(page))
        token = flow.read_callback(page.location or "", temporary)
        again = jane.send("/oauth/authorize", {**jane.get("/notes").hidden("/notes"), **forged})
        step("The same form is sent again", "410", _page(again))
        return token

    def redeem(self, approved: Token) -> None:
        """Exchange the verifier for token credentials (section 2.3)."""
        step = self.report.step
        self.report.part("Token credentials (section 2.3)")
        guess = Token(approved.key, approved.secret)
        guess.set_verifier("guessed")
        status, body = self._post("/oauth/access_token", "", guess)
        step("The printer sends a guessed verifier", "401 verifier_invalid", _answer(status, body))
        status, body = self._post("/oauth/access_token", "", approved)
        step("The printer sends the verifier from the callback", "200 token", _answer(status, body))
        self.token = flow.read_token(body)
        status, body = self._post("/oauth/access_token", "", approved)
        step("The printer sends the same verifier again", "401", _answer(status, body))

    def call(self) -> None:
        """Send authenticated requests (section 3)."""
        step = self.report.step
        self.report.part("Calls with the token (section 3)")
        step(
            "The printer asks for the name of the user",
            '200 {"application":"Printer","user":"jane"}',
            self._call("GET", "/api/me"),
        )
        step("The printer reads the notes", '200 {"notes":[{', self._call("GET", "/api/notes"))
        refused = self._call("POST", "/api/notes", "text=Buy+ink")
        step("The printer adds a note, which Jane did not allow", "401 permission_denied", refused)

    def attack(self) -> None:
        """Send requests that must be refused (sections 3.2, 3.3 and 4)."""
        step, url = self.report.step, f"{self.url}/api/me?page=1"
        self.report.part("Requests that must be refused")
        header = self._header(url)
        step("A signed request is sent", "200", self._send(url, header))
        step("The same request is sent again (replay)", "401 nonce_used", self._send(url, header))
        tampered = self._send(url.replace("=1", "=2"), self._header(url))
        step("A parameter is changed after signing (tampering)", "401 signature_invalid", tampered)
        hour_ago = self._send(url, self._header(url, oauth_timestamp=str(int(time.time()) - 3600)))
        step("The timestamp is one hour old", "401 timestamp_refused", hour_ago)
        forged = self._send(url, self._header(url, Token(self.token.key, "guessed")))
        step("The token secret is guessed", "401 signature_invalid", forged)
        step("The request has no signature", "400 parameter_absent", self._send(url, {}))

    def revoke(self) -> None:
        """Revoke the access."""
        step, jane = self.report.step, self.jane
        self.report.part("Revocation")
        page = jane.send("/access", jane.get("/access").hidden("/access"))
        step("Jane revokes the printer's access", "303 /access", _page(page))
        step("The printer sends another request", "401 signature_invalid", self._call("GET", "/api/me"))

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
    with subprocess.Popen(command, **options) as process:  # noqa: S603 - a fixed command, no shell
        try:
            line = next(iter(process.stdout or ()), "")
            if not line.startswith("Serving "):
                raise SystemExit(f"Error: The provider did not start.\nHint: Run: {' '.join(command[:3])}")
            yield line.split()[1]
        finally:
            process.terminate()
