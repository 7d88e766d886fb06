"""The reference provider in a real browser: at a desk and on a phone, with scripts and without, and under attack."""

import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys

import pytest
import requests
from loopback import Answer, Loopback
from site_server import PASSWORD, Person, Program, register_over_http

import oauth2
from oauth2 import flow
from oauth2.authorize import authorize
from oauth2.endpoints import Endpoints
from oauth2.errors import AuthorizationDenied

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = os.environ.get("OAUTH2_TEST_CHROMIUM") or shutil.which("chromium")
OPTIONS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]  # fmt: skip
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
NAME = "<script>alert(1)</script><img src=x onerror=alert(2)>"

if CHROMIUM is None and not os.environ.get("OAUTH2_TEST_REQUIRE_ALL"):
    pytest.skip("chromium is not there; do: apt-get install chromium", allow_module_level=True)


@pytest.fixture(scope="module")
def browser():
    assert CHROMIUM is not None, "chromium is not there; do: apt-get install chromium"
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The provider as people run it: a process of its own, on its own database."""
    database = tmp_path_factory.mktemp("provider") / "provider.db"
    command = [sys.executable, "-m", "oauth2.site", "--port=0", f"--database={database}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process.stdout.readline().split()[1]
        finally:
            process.terminate()


@pytest.fixture
def elsewhere():
    """Another site: an application's own, or an attacker's."""
    with Loopback() as loopback:
        loopback.routes["/ready"] = page("<h1>Thank you</h1>")
        yield loopback


@pytest.fixture
def window(browser):
    """Makes browsers that know nothing of each other; none may meet a script, or complain in its console."""
    contexts, complaints = [], []

    def open_window(viewport=DESK, **options):
        context = browser.new_context(viewport=viewport, **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        tab = context.new_page()
        tab.on("dialog", lambda dialog: (complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
        tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        tab.complaints = complaints
        return tab

    yield open_window
    for context in contexts:
        context.close()


def page(body):
    text = f"<!doctype html><html lang=en><title>Elsewhere</title>{body}"
    return Answer(200, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


def sign_up(tab, url, name):
    tab.goto(f"{url}/sign-up")
    tab.get_by_label("Name").fill(name)
    tab.get_by_label("Password", exact=True).fill(PASSWORD)
    tab.get_by_label("Password, once more").fill(PASSWORD)
    tab.get_by_role("button", name="Create the account").click()
    tab.get_by_role("heading", name="Notes", exact=True).wait_for()


def register(tab, url, callback, name="Printer"):
    tab.goto(f"{url}/applications")
    tab.get_by_role("link", name="Register an application").click()
    tab.get_by_label("Name").fill(name)
    if callback == "oob":
        tab.get_by_label("It has no address to come back to").check()
    else:
        tab.get_by_label("Callback URLs").fill(callback)
    tab.get_by_role("button", name="Register it").click()
    return Program(url, oauth2.Consumer(tab.locator("#key").inner_text(), tab.locator("#secret").inner_text()))


def member(tab, url, name):
    """Somebody with an account, signed in beforehand: *tab* has the cookie."""
    with requests.Session() as session:
        session.trust_env = False
        person = Person(url, session)
        assert person.fill("/sign-up", name=name, password=PASSWORD, again=PASSWORD).status_code == 303
        cookies = [{"name": cookie.name, "value": cookie.value, "url": url} for cookie in session.cookies]
        tab.context.add_cookies(cookies)


def client(tab, url, callback, name="Printer"):
    """An application that the member in *tab* registered beforehand."""
    with requests.Session() as session:
        session.trust_env = False
        for cookie in tab.context.cookies(url):
            session.cookies.set(cookie["name"], cookie["value"], domain=cookie["domain"], path=cookie["path"])
        return register_over_http(Person(url, session), callback, name=name)


def consent_url(url, temporary):
    return flow.authorization_url(f"{url}/oauth/authorize", temporary)


def is_undecided(program, temporary):
    """Whether nothing was approved: a verifier could not help then."""
    temporary.set_verifier("guess")
    status, body = program.send("POST", "/oauth/access_token", token=temporary)
    return status == 401 and b"verifier_invalid" not in body


@pytest.mark.parametrize(
    ("viewport", "scripts"),
    [(DESK, True), (PHONE, True), (PHONE, False)],
    ids=["desk", "phone", "phone without scripts"],
)
def test_the_whole_way(window, url, elsewhere, viewport, scripts):
    name = f"jane-{viewport['width']}-{scripts}".lower()
    tab = window(viewport, java_script_enabled=scripts)
    sign_up(tab, url, name)
    program = register(tab, url, f"{elsewhere.origin}/ready?from=notes", name="Bell & Sons")
    tab.get_by_role("button", name="Sign out").click()

    # Request, sign in, consent.
    temporary = program.ask(f"{elsewhere.origin}/ready?from=notes")
    tab.goto(consent_url(url, temporary))
    tab.get_by_label("Name").fill(name)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    assert "Bell & Sons asks for access" in tab.get_by_role("heading", level=1).inner_text()
    assert elsewhere.origin.partition("://")[2] in tab.locator("main").inner_text()
    tab.get_by_label("See the name of your account").uncheck()
    tab.get_by_role("button", name="Allow").click()

    # Verifier, token, call.
    tab.get_by_role("heading", name="Thank you").wait_for()
    (arrived,) = [each for each in elsewhere.requests if each.path == "/ready"]  # the browser asks for an icon, too
    assert arrived.query.startswith("from=notes&oauth_token=")
    assert arrived.header("Referer") is None
    approved = flow.read_callback(arrived.url, temporary)
    token = program.redeem(temporary, approved.verifier)
    assert program.send("POST", "/api/notes", "text=Buy+ink", token)[0] == 201
    assert json.loads(program.send("GET", "/api/notes", token=token)[1])["notes"][0]["by"] == "Bell & Sons"
    assert program.send("GET", "/api/me", token=token)[0] == 401
    tab.goto(f"{url}/notes")
    assert "Buy ink" in tab.locator("main").inner_text()

    # Revoke.
    tab.get_by_role("link", name="Access", exact=True).click()
    tab.get_by_role("button", name="Revoke the access of Bell & Sons").click()
    assert "You gave no application access." in tab.locator("main").inner_text()
    assert program.send("GET", "/api/notes", token=token)[0] == 401
    assert tab.complaints == []


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_no_page_is_wider_than_the_window_and_every_field_has_a_label(window, url, viewport):
    tab = window(viewport)
    member(tab, url, f"jill-{viewport['width']}")
    program = client(tab, url, "oob", name="W" * 60)
    key = program.consumer.key
    paths = ["", "/notes", "/access", "/applications", f"/applications/{key}", f"/applications/{key}/delete",
             "/applications/new", "/sign-up", "/nothing"]  # fmt: skip
    for address in [*[url + path for path in paths], consent_url(url, program.ask("oob"))]:
        tab.goto(address)
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        assert tab.evaluate(
            "[...document.querySelectorAll('main input:not([type=hidden]), textarea')].every(f => f.labels.length)"
        )
        assert tab.evaluate("document.querySelectorAll('h1').length") == 1
        assert tab.evaluate("document.documentElement.lang") == "en"
        # The ones that matter can be hit with a thumb.
        heights = tab.evaluate("[...document.querySelectorAll('main button, .button')].map(b => b.offsetHeight)")
        assert min(heights, default=44) >= 44, address


def test_a_keyboard_is_enough(window, url):
    tab = window(java_script_enabled=False)
    member(tab, url, "keys")
    program = client(tab, url, "oob")
    tab.context.clear_cookies()
    temporary = program.ask("oob")
    tab.goto(consent_url(url, temporary))
    keys = tab.keyboard

    keys.press("Tab")
    assert tab.get_by_role("link", name="Skip to the content").bounding_box()["y"] > 0  # seen once it has the focus
    keys.press("Enter")
    keys.press("Tab")
    keys.type("keys")
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    tab.get_by_role("button", name="Allow").wait_for()
    keys.press("Tab")
    keys.press("Enter")
    keys.press("Tab")
    keys.press("Space")  # the first realm: not that
    for _ in range(3):
        keys.press("Tab")
    outline = tab.get_by_role("button", name="Allow").evaluate("b => getComputedStyle(b).outlineStyle")
    assert outline == "solid"
    keys.press("Enter")
    token = program.redeem(temporary, tab.locator("#verifier").inner_text().replace("\n", "").replace(" ", ""))
    assert program.send("GET", "/api/notes", token=token)[0] == 200
    assert program.send("GET", "/api/me", token=token)[0] == 401


def test_a_mistake_is_said_first_and_leads_to_its_field(window, url):
    tab = window(PHONE, java_script_enabled=False)
    tab.goto(f"{url}/sign-up")
    tab.get_by_label("Name").fill("joan")
    tab.get_by_label("Password", exact=True).fill(PASSWORD)
    tab.get_by_label("Password, once more").fill("something else")
    tab.get_by_role("button", name="Create the account").click()
    assert tab.title().startswith("Error: ")
    tab.get_by_role("alert").get_by_role("link", name="Enter the same password twice.").click()
    field = tab.get_by_label("Password, once more")
    assert field.evaluate("f => f === document.activeElement")
    assert field.get_attribute("aria-invalid") == "true"


def test_a_form_that_another_site_sends_approves_nothing(window, url, elsewhere):
    tab = window()
    member(tab, url, "victim")
    program = client(tab, url, "oob")
    temporary = program.ask("oob")
    fields = {"oauth_token": temporary.key, "decision": "allow", "realm": "notes", "csrf_token": "guess"}
    inputs = "".join(f'<input type=hidden name="{name}" value="{value}">' for name, value in fields.items())
    form = f'<form method=post action="{url}/oauth/authorize">{inputs}<button>Win a prize</button></form>'
    elsewhere.routes["/prize"] = page(form)
    # The same address in the browser's eyes, on another port; and a site that is quite another.
    for origin in (elsewhere.origin, elsewhere.origin.replace("127.0.0.1", "localhost")):
        tab.goto(f"{origin}/prize")
        with tab.expect_navigation() as navigation:
            tab.get_by_role("button", name="Win a prize").click()
        assert navigation.value.status == 403
    assert is_undecided(program, temporary)
    tab.goto(f"{url}/notes")  # and the victim is still signed in
    assert tab.get_by_role("heading", name="Notes", exact=True).is_visible()


def test_a_consent_page_is_not_shown_in_a_frame(window, url, elsewhere):
    tab = window()
    member(tab, url, "framed")
    program = client(tab, url, "oob")
    temporary = program.ask("oob")
    elsewhere.routes["/frame"] = page(f'<iframe width=900 height=700 src="{consent_url(url, temporary)}"></iframe>')
    tab.goto(f"{elsewhere.origin}/frame")
    tab.wait_for_function("document.querySelector('iframe')")
    tab.wait_for_timeout(200)
    assert [frame for frame in tab.frames if frame.url.startswith(url)] == []
    assert tab.frame_locator("iframe").get_by_role("button", name="Allow").count() == 0
    assert any("frame-ancestors" in complaint for complaint in tab.complaints)
    assert is_undecided(program, temporary)


def test_a_callback_that_is_not_registered_leads_nowhere(window, url, elsewhere):
    tab = window()
    member(tab, url, "callbacks")
    program = client(tab, url, f"{elsewhere.origin}/ready")
    for callback in (
        f"{elsewhere.origin}/ready/",
        f"{elsewhere.origin}/evil",
        "http://evil.example/",
        "javascript:alert(1)",
        "oob",
    ):
        status, body = program.send("POST", "/oauth/request_token", f"oauth_callback={oauth2.escape(callback)}")
        assert (status, b"parameter_rejected" in body) == (400, True), callback
    # One that comes with the address of the page is not looked at.
    temporary = program.ask(f"{elsewhere.origin}/ready")
    tab.goto(flow.authorization_url(f"{url}/oauth/authorize", temporary, oauth_callback=f"{elsewhere.origin}/evil"))
    tab.get_by_role("button", name="Allow").click()
    tab.get_by_role("heading", name="Thank you").wait_for()
    assert "/evil" not in [each.path for each in elsewhere.requests]
    # And none that runs can be registered.
    tab.goto(f"{url}/applications/new")
    tab.get_by_label("Name").fill("Evil")
    tab.get_by_label("Callback URLs").fill("javascript:alert(document.cookie)")
    tab.get_by_role("button", name="Register it").click()
    assert tab.get_by_role("alert").is_visible()
    assert tab.locator("#secret").count() == 0


def test_a_script_in_the_name_of_an_application_is_read_and_not_run(window, url, elsewhere):
    tab = window()
    member(tab, url, "names")
    program = client(tab, url, "oob", name=NAME)
    temporary = program.ask("oob")
    tab.goto(consent_url(url, temporary))
    assert NAME in tab.get_by_role("heading", level=1).inner_text()
    assert NAME in tab.title()
    tab.get_by_role("button", name="Allow").click()
    assert NAME in tab.get_by_role("heading", level=1).inner_text()
    program.redeem(temporary, tab.locator("#verifier").inner_text().replace("\n", "").replace(" ", ""))
    for path in ("/access", "/applications", f"/applications/{program.consumer.key}"):
        tab.goto(url + path)
        assert NAME in tab.locator("main").inner_text()
        assert tab.locator("script, img[src=x]").count() == 0
    assert tab.complaints == []


def test_even_an_injected_script_would_not_run(window, url):
    tab = window()
    tab.goto(url)
    ran = tab.evaluate(
        """() => { const s = document.createElement('script'); s.textContent = 'window.ran = true';
        document.body.append(s); return window.ran === true }"""
    )
    assert ran is False
    assert any("Content Security Policy" in complaint for complaint in tab.complaints)


def test_an_approval_in_one_window_leaves_nothing_for_the_other(window, url):
    jane = window()
    member(jane, url, "windows")
    program = client(jane, url, "oob")
    temporary = program.ask("oob")
    jane.goto(consent_url(url, temporary))
    other = jane.context.new_page()
    other.goto(consent_url(url, temporary))
    jane.get_by_role("button", name="Allow").click()
    jane.locator("#verifier").wait_for()
    other.get_by_role("button", name="Allow").click()
    assert other.get_by_role("heading", level=1).inner_text() == "There is nothing to decide"


def test_a_page_left_open_by_one_user_is_not_sent_by_the_next(window, url):
    tab = window()
    member(tab, url, "first-user")
    program = client(tab, url, "oob")
    temporary = program.ask("oob")
    tab.goto(consent_url(url, temporary))
    other = tab.context.new_page()
    other.goto(url)
    other.get_by_role("button", name="Sign out").click()
    member(other, url, "second-user")
    tab.get_by_role("button", name="Allow").click()
    assert tab.get_by_role("heading", level=1).inner_text() == "This form does not count"
    assert is_undecided(program, temporary)


# --- a program that gets its token in one call -----------------------------------


def endpoints(url):
    return Endpoints(
        temporary=f"{url}/oauth/request_token", authorize=f"{url}/oauth/authorize", token=f"{url}/oauth/access_token"
    )


def free_port():
    """A port that is free, and that no program is given that leaves the choice to the system."""
    while True:
        port = random.randrange(20_000, 30_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@pytest.mark.parametrize("answer", ["Allow", "Deny"])
def test_a_program_waits_for_the_browser_to_come_back(window, url, answer):
    tab = window()
    member(tab, url, f"loopback-{answer}".lower())
    callback = f"http://127.0.0.1:{free_port()}/ready"
    program = client(tab, url, callback)

    def person(authorization_url):
        tab.goto(authorization_url)
        tab.get_by_role("button", name=answer).click()
        tab.get_by_role("heading", level=1).wait_for()

    if answer == "Deny":
        with pytest.raises(AuthorizationDenied):
            authorize(program.consumer, endpoints(url), callback=callback, open_browser=person, timeout=20)
    else:
        token = authorize(program.consumer, endpoints(url), callback=callback, open_browser=person, timeout=20)
        assert program.send("GET", "/api/me", token=token)[0] == 200
    assert tab.complaints == []


def test_a_program_asks_for_the_code_that_the_browser_shows(window, url):
    tab = window(PHONE)
    member(tab, url, "pin")
    program = client(tab, url, "oob")

    def person(authorization_url):
        tab.goto(authorization_url)
        tab.get_by_role("button", name="Allow").click()

    def type_code(_authorization_url):
        return tab.locator("main code").first.inner_text()

    token = authorize(program.consumer, endpoints(url), callback="oob", open_browser=person, ask=type_code)
    assert program.send("GET", "/api/me", token=token)[0] == 200
    assert tab.complaints == []
