"""The reference provider in a real browser: in large and small windows, with and without scripts, and under attack."""

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
from loopback import Answer, Loopback, Serving
from sender import FORM, Sender
from site_server import PASSWORD, Person, Program, Quiet, register_over_http
from werkzeug.serving import make_server

import oauth2
from oauth2 import flow
from oauth2._login.endpoints import Endpoints
from oauth2.authorize import authorize
from oauth2.cli.doctor_page import create_page
from oauth2.errors import AuthorizationDenied
from oauth2.http import HTTPRequest
from oauth2.lti import ResourceLink, launch_form, verify_launch
from oauth2.stores import MemoryStore

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = os.environ.get("OAUTH2_TEST_CHROMIUM") or shutil.which("chromium")
OPTIONS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]  # fmt: skip
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
NAME = "<script>alert(1)</script><img src=x onerror=alert(2)>"

if CHROMIUM is None and not os.environ.get("OAUTH2_TEST_REQUIRE_ALL"):
    pytest.skip("chromium is not installed. Run: apt-get install chromium", allow_module_level=True)


@pytest.fixture(scope="module")
def browser():
    assert CHROMIUM is not None, "chromium is not installed. Run: apt-get install chromium"
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The provider as people run it: in a separate process, with its own database."""
    database = tmp_path_factory.mktemp("provider") / "provider.db"
    command = [sys.executable, "-m", "oauth2.site", "--port=0", f"--database={database}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process.stdout.readline().split()[1]
        finally:
            process.terminate()


@pytest.fixture
def elsewhere():
    """Another site, of an application or of an attacker."""
    with Loopback() as loopback:
        loopback.routes["/ready"] = page("<h1>Thank you</h1>")
        yield loopback


@pytest.fixture
def window(browser):
    """Opens windows with separate cookies. ``complaints`` lists the dialogs and the console errors of all windows."""
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
    tab.get_by_label("Password again").fill(PASSWORD)
    tab.get_by_role("button", name="Create the account").click()
    tab.get_by_role("heading", name="Notes", exact=True).wait_for()


def register(tab, url, callback, name="Printer"):
    tab.goto(f"{url}/applications")
    tab.get_by_role("link", name="Register an application").click()
    tab.get_by_label("Name").fill(name)
    if callback == "oob":
        tab.get_by_label("Users can copy a code into the application").check()
    else:
        tab.get_by_label("Callback URLs").fill(callback)
    tab.get_by_role("button", name="Register").click()
    return Program(url, oauth2.Consumer(tab.locator("#key").inner_text(), tab.locator("#secret").inner_text()))


def member(tab, url, name):
    """Create an account and sign in over HTTP; *tab* gets the cookie."""
    with requests.Session() as session:
        session.trust_env = False
        person = Person(url, session)
        assert person.fill("/sign-up", name=name, password=PASSWORD, again=PASSWORD).status_code == 303
        cookies = [{"name": cookie.name, "value": cookie.value, "url": url} for cookie in session.cookies]
        tab.context.add_cookies(cookies)


def client(tab, url, callback, name="Printer"):
    """Return an application that the user of *tab* registers over HTTP."""
    with requests.Session() as session:
        session.trust_env = False
        for cookie in tab.context.cookies(url):
            session.cookies.set(cookie["name"], cookie["value"], domain=cookie["domain"], path=cookie["path"])
        return register_over_http(Person(url, session), callback, name=name)


def consent_url(url, temporary):
    return flow.authorization_url(f"{url}/oauth/authorize", temporary)


def is_undecided(program, temporary):
    """Return whether *temporary* is not approved yet.

    After the approval, a wrong verifier causes the problem verifier_invalid. Before, it causes another problem.
    """
    temporary.set_verifier("guess")
    status, body = program.send("POST", "/oauth/access_token", token=temporary)
    return status == 401 and b"verifier_invalid" not in body


@pytest.mark.parametrize(
    ("viewport", "scripts"),
    [(DESK, True), (PHONE, True), (PHONE, False)],
    ids=["desk", "phone", "phone without scripts"],
)
def test_the_complete_flow(window, url, elsewhere, viewport, scripts):
    name = f"jane-{viewport['width']}-{scripts}".lower()
    tab = window(viewport, java_script_enabled=scripts)
    sign_up(tab, url, name)
    program = register(tab, url, f"{elsewhere.origin}/ready?from=notes", name="Bell & Sons")
    tab.get_by_role("button", name="Sign out").click()

    # The program requests access, and the user signs in and consents.
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
    (arrived,) = [each for each in elsewhere.requests if each.path == "/ready"]  # Ignore requests for an icon.
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
    assert "No application has access." in tab.locator("main").inner_text()
    assert program.send("GET", "/api/notes", token=token)[0] == 401
    assert tab.complaints == []


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_no_page_is_wider_than_the_window_and_every_field_has_a_label(window, url, viewport):
    tab = window(viewport)
    member(tab, url, f"jill-{viewport['width']}")
    program = client(tab, url, "oob", name="W" * 60)
    key = program.consumer.key
    paths = ["", "/notes", "/access", "/applications", f"/applications/{key}", f"/applications/{key}/delete",
             f"/applications/{key}/edit", "/account", "/applications/new", "/sign-up", "/nothing"]  # fmt: skip
    tab.goto(consent_url(url, program.ask("oob")))
    tab.get_by_role("button", name="Allow").click()
    tab.get_by_role("link", name="See the applications with access").wait_for()
    tab.goto(f"{url}/applications/{key}")
    tab.get_by_role("button", name="Make a new secret").click()
    for address in [*[url + path for path in paths], consent_url(url, program.ask("oob"))]:
        tab.goto(address)
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        assert tab.evaluate(
            "[...document.querySelectorAll('main input:not([type=hidden]), textarea')].every(f => f.labels.length)"
        )
        assert tab.evaluate("document.querySelectorAll('h1').length") == 1
        assert tab.evaluate("document.documentElement.lang") == "en"
        # The main buttons are large enough for a thumb.
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
    # The link is visible when it has the focus.
    assert tab.get_by_role("link", name="Skip to main content").bounding_box()["y"] > 0
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
    keys.press("Space")  # The space key deselects the first realm.
    for _ in range(3):
        keys.press("Tab")
    outline = tab.get_by_role("button", name="Allow").evaluate("b => getComputedStyle(b).outlineStyle")
    assert outline == "solid"
    keys.press("Enter")
    token = program.redeem(temporary, tab.locator("#verifier").inner_text().replace("\n", "").replace(" ", ""))
    assert program.send("GET", "/api/notes", token=token)[0] == 200
    assert program.send("GET", "/api/me", token=token)[0] == 401


def test_the_code_is_typed_as_shown_and_listed_until_then(window, url):
    tab = window(PHONE, java_script_enabled=False)
    member(tab, url, "groups")
    program = client(tab, url, "oob", name="Bell & Sons")
    temporary = program.ask("oob")
    tab.goto(consent_url(url, temporary))
    tab.get_by_role("button", name="Allow").click()
    shown = " ".join(tab.locator("#verifier span").all_inner_texts())
    assert len(shown.split()) == 3
    tab.get_by_role("link", name="See the applications with access").click()
    assert tab.get_by_role("heading", name="Approved, but not used yet").is_visible()
    assert tab.get_by_role("button", name="Withdraw the approval of Bell & Sons").is_visible()
    assert program.redeem(temporary, shown.upper()).key
    tab.reload()
    assert tab.get_by_role("heading", name="Approved, but not used yet").count() == 0
    assert tab.get_by_role("button", name="Revoke the access of Bell & Sons").is_visible()
    assert tab.complaints == []


def test_an_application_is_changed_and_a_lost_secret_is_replaced(window, url):
    tab = window(DESK, java_script_enabled=False)
    member(tab, url, "edits")
    program = client(tab, url, "oob")
    tab.goto(f"{url}/applications/{program.consumer.key}")
    tab.get_by_role("link", name="Change name and callbacks").click()
    tab.get_by_label("Name").fill("Press")
    tab.get_by_role("button", name="Save").click()
    assert tab.get_by_role("heading", level=1).inner_text() == "Press"
    tab.get_by_role("button", name="Make a new secret").click()
    tab.get_by_role("link", name="I have copied it").click()
    tab.get_by_role("button", name="Make another secret").click()
    assert tab.locator("#secret").inner_text()
    assert program.ask("oob").key  # The program signs with the first secret, which is still valid.
    assert tab.complaints == []


def test_a_password_is_changed(window, url):
    tab = window(PHONE, java_script_enabled=False)
    member(tab, url, "changes")
    tab.goto(f"{url}/notes")
    tab.get_by_role("link", name="Your account: changes").click()
    tab.get_by_label("Current password").fill(PASSWORD)
    tab.get_by_label("New password", exact=True).fill(PASSWORD + "!")
    tab.get_by_label("New password again").fill(PASSWORD + "!")
    tab.get_by_role("button", name="Change password").click()
    assert "Your password was changed." in tab.get_by_role("status").inner_text()
    assert tab.complaints == []


def test_the_summary_of_problems_comes_first_and_links_to_the_fields(window, url):
    tab = window(PHONE, java_script_enabled=False)
    tab.goto(f"{url}/sign-up")
    tab.get_by_label("Name").fill("joan")
    tab.get_by_label("Password", exact=True).fill(PASSWORD)
    tab.get_by_label("Password again").fill("something else")
    tab.get_by_role("button", name="Create the account").click()
    assert tab.title().startswith("Error: ")
    tab.get_by_role("alert").get_by_role("link", name="Enter the same password twice.").click()
    field = tab.get_by_label("Password again")
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
    # For a browser, the first origin belongs to the same site as the provider: only the port differs. The second origin
    # belongs to another site.
    for origin in (elsewhere.origin, elsewhere.origin.replace("127.0.0.1", "localhost")):
        tab.goto(f"{origin}/prize")
        with tab.expect_navigation() as navigation:
            tab.get_by_role("button", name="Win a prize").click()
        assert navigation.value.status == 403
    assert is_undecided(program, temporary)
    tab.goto(f"{url}/notes")  # Check that the victim is still signed in.
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


def test_a_callback_that_is_not_registered_is_not_followed(window, url, elsewhere):
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
    # A callback in the URL of the consent page is ignored.
    temporary = program.ask(f"{elsewhere.origin}/ready")
    tab.goto(flow.authorization_url(f"{url}/oauth/authorize", temporary, oauth_callback=f"{elsewhere.origin}/evil"))
    tab.get_by_role("button", name="Allow").click()
    tab.get_by_role("heading", name="Thank you").wait_for()
    assert "/evil" not in [each.path for each in elsewhere.requests]
    # A callback that runs a script cannot be registered.
    tab.goto(f"{url}/applications/new")
    tab.get_by_label("Name").fill("Evil")
    tab.get_by_label("Callback URLs").fill("javascript:alert(document.cookie)")
    tab.get_by_role("button", name="Register").click()
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


def test_a_request_that_one_window_approved_is_no_longer_valid_in_another(window, url):
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
    assert other.get_by_role("heading", level=1).inner_text() == "This request is no longer valid"


def test_a_form_that_one_user_left_open_cannot_be_sent_by_the_next_user(window, url):
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
    assert tab.get_by_role("heading", level=1).inner_text() == "This form has expired"
    assert is_undecided(program, temporary)


# --- a program that gets its token in one call -----------------------------------


def endpoints(url):
    return Endpoints(
        temporary=f"{url}/oauth/request_token", authorize=f"{url}/oauth/authorize", token=f"{url}/oauth/access_token"
    )


def free_port():
    """Return a free port from a range that the operating system does not assign by itself."""
    while True:
        port = random.randrange(20_000, 30_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@pytest.mark.parametrize("answer", ["Allow", "Deny"])
def test_a_program_waits_until_the_browser_opens_its_callback(window, url, answer):
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


# --- The page of oauth2 doctor --web ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def doctor():
    server = make_server("127.0.0.1", 0, create_page(), threaded=True, request_handler=Quiet)
    serving = Serving(server)
    serving.start()
    yield f"http://127.0.0.1:{server.port}"
    serving.stop()
    server.server_close()


def signed_for_http():
    """Return a request as text, and its sender.

    The request was signed for http, and has long values in which a browser cannot break a line.
    """
    query, form = [("size", "original"), ("w" * 120, "x" * 300)], [("title", "Ink & paper"), ("<b>", "50% off")]
    sender = Sender(method="POST", uri="https://photos.example/list", query=query, form=form, content_type=FORM)
    sent = sender.send(sign_uri=lambda uri: uri.replace("https", "http"))
    lines = [f"POST {sent.url.removeprefix('https://photos.example')} HTTP/1.1", "Host: photos.example"]
    return "\n".join([*lines, *map(": ".join, sent.headers), "", sent.body.decode()]), sender


def is_as_wide_as_the_window(tab):
    return tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def colours(tab, name):
    """Return the colours of text and background of all parts that come from *name*, such as the query."""
    pairs = "[...document.querySelectorAll(s)].map(e => getComputedStyle(e)).map(s => s.color + s.backgroundColor)"
    return set(tab.evaluate(f"s => {pairs}", f".from-{name}"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_the_doctor_shows_the_mistake_and_the_origin_of_every_part(window, doctor, viewport, scheme):
    tab = window(viewport, java_script_enabled=False, color_scheme=scheme)
    text, sender = signed_for_http()
    tab.goto(doctor)
    assert is_as_wide_as_the_window(tab)
    assert tab.evaluate(
        "[...document.querySelectorAll('main input:not([type=hidden]), textarea')].every(f => f.labels[0])"
    )
    assert min(tab.evaluate("[...document.querySelectorAll('main button, summary')].map(b => b.offsetHeight)")) >= 44

    # If the form has a mistake, the page shows the text again, but not the secrets.
    tab.get_by_label("Request that was sent or received").fill(text.replace("HTTP/1.1", ""))
    tab.get_by_label("Consumer key").fill(sender.consumer.key)
    tab.get_by_label("Consumer secret").fill(sender.consumer.secret)
    tab.get_by_label("Token (empty for none)").fill(sender.token.key)
    tab.get_by_role("button", name="Diagnose").click()
    tab.get_by_role("alert").get_by_role("link").click()
    request = tab.get_by_label("Request that was sent or received")
    assert request.evaluate("f => f === document.activeElement")
    assert request.input_value() == text.replace("HTTP/1.1", "")
    assert tab.get_by_label("Consumer secret").input_value() == ""
    assert is_as_wide_as_the_window(tab)

    # The diagnosis.
    request.fill(text)
    tab.get_by_label("Consumer secret").fill(sender.consumer.secret)
    tab.get_by_label("Token secret").fill(sender.token.secret)
    tab.get_by_label("Base string of the service").fill("GET&https%3A%2F%2Fphotos.example%2Flist&" + "a%3Db%26" * 90)
    tab.get_by_role("button", name="Diagnose").click()
    heading = tab.get_by_role("heading", level=1)
    assert heading.inner_text() == "1 mistake was found."
    # The heading and the mistake can be seen without scrolling.
    assert heading.bounding_box()["y"] < viewport["height"] / 3
    first = tab.get_by_role("link", name="The request was signed for http and received over https.")
    assert first.bounding_box()["y"] < viewport["height"] / 2
    assert tab.locator("mark").first.inner_text() == "s"
    assert is_as_wide_as_the_window(tab)
    found = {name: colours(tab, name) for name in ("method", "url", "query", "form", "header")}
    assert [len(each) for each in found.values()] == [1] * 5  # All parts from one source have the same colours.
    assert len(set.union(*found.values())) == 5
    lines = tab.evaluate(
        "[...document.querySelectorAll('.legend .chip')].map(e => getComputedStyle(e).textDecorationStyle)"
    )
    assert len(set(lines)) == 5
    assert sender.consumer.secret not in tab.content()
    assert sender.token.secret not in tab.content()
    assert [each for each in tab.complaints if "422" not in each] == []


def test_the_doctor_needs_only_a_keyboard(window, doctor):
    tab = window(java_script_enabled=False)
    text, sender = signed_for_http()
    tab.goto(doctor)
    keys = tab.keyboard
    keys.press("Tab")
    assert tab.get_by_role("link", name="Skip to main content").bounding_box()["y"] > 0
    keys.press("Enter")
    keys.press("Tab")
    keys.insert_text(text)
    for _ in range(3):  # Tab moves to "method, URL and headers", to the scheme, and to the consumer key.
        keys.press("Tab")
    for value in (sender.consumer.key, sender.consumer.secret, sender.token.key, sender.token.secret):
        keys.insert_text(value)
        keys.press("Tab")
    keys.press("Shift+Tab")
    keys.press("Enter")
    tab.get_by_role("heading", name="1 mistake was found.").wait_for()
    assert tab.complaints == []


def test_another_site_cannot_use_the_doctor(window, doctor, elsewhere):
    form = f'<form method=post action="{doctor}"><input name=request value=x><button>Win a prize</button></form>'
    elsewhere.routes["/prize"] = page(form)
    elsewhere.routes["/frame"] = page(f'<iframe width=900 height=700 src="{doctor}"></iframe>')
    for origin in (elsewhere.origin, elsewhere.origin.replace("127.0.0.1", "localhost")):
        tab = window()
        tab.goto(f"{origin}/prize")
        with tab.expect_navigation() as navigation:
            tab.get_by_role("button", name="Win a prize").click()
        assert navigation.value.status == 403
        tab.goto(f"{origin}/frame")
        assert "Why is this signature invalid?" not in "".join([frame.content() for frame in tab.frames[1:]])


# --- a launch of LTI ------------------------------------------------------------------


@pytest.mark.parametrize("with_script", [True, False])
def test_a_browser_posts_a_launch_exactly_as_it_was_signed(window, elsewhere, with_script):
    launches = []
    value = " \"'<>&\u00a0é\u2028\U0001f600\r\n\n\r\ttab\x01 "

    def tool(received):
        request = HTTPRequest(received.method, received.url, received.headers, received.body)
        launches.append(verify_launch(request, {"key": "secret"}, nonce_store=MemoryStore()))
        return page("<h1>Opened</h1>")

    form = launch_form(
        f"{elsewhere.origin}/tool?media=51&q=a%20b+c",
        oauth2.Consumer("key", "secret"),
        resource_link=ResourceLink(id="1", description=value),
        custom={"<b>": value},
    )
    elsewhere.routes["/tool"] = tool
    elsewhere.routes["/course"] = Answer(
        200, {"Content-Type": "text/html; charset=utf-8"}, form.html(button="Open <it>").encode()
    )
    opened = window(java_script_enabled=with_script)
    opened.goto(f"{elsewhere.origin}/course")
    if not with_script:
        opened.get_by_role("button", name="Open <it>").click()
    opened.get_by_role("heading", name="Opened").wait_for()
    (found,) = launches
    assert found.resource_link.description == found.custom["<b>"] == value.replace("\r\n\n\r", "\r\n" * 3)
    assert dict(form.fields).items() >= {
        (name, text) for name, text in found.parameters.items() if name[:6] == "custom"
    }
