"""The reference provider: its pages over real HTTP, and what must come to nothing there."""

import json
import logging
import re
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from site_server import CALLBACK, PASSWORD, Clock, Site, page_of, running

from oauth2 import flow
from oauth2.errors import StoreUnavailable
from oauth2.site import CannotServe, create_app, people, serve
from oauth2.site.accounts import SESSION_LIFETIME
from oauth2.site.headers import source_of
from oauth2.site.key import secret_key
from oauth2.site.notebook import LONGEST
from oauth2.site.session import local_path
from oauth2.site.throttle import OF_ADDRESS, OF_NAME, OF_NAME_HERE, OF_NEW_ACCOUNTS, WINDOW, sign_in_limits
from oauth2.site.visitor import Page

SITE = Path(__file__).parent.parent / "oauth2" / "site"
FOR_USERS = ["/notes", "/applications", "/applications/new", "/applications/some", "/access", "/oauth/authorize"]
NAMES_OF_OTHERS = ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example", "evil", "", None]


@pytest.fixture
def clock():
    return Clock(time.time())


@pytest.fixture
def site(tmp_path, clock):
    with running(tmp_path, clock=clock) as site:
        yield site


@pytest.fixture
def jane(site):
    return site.person("jane")


@pytest.fixture
def printer(site, jane):
    return site.client(jane, CALLBACK, "oob")


# --- every page ----------------------------------------------------------------------


def test_every_page_keeps_frames_scripts_referrers_and_caches_out(site, jane, printer):
    temporary = printer.ask()
    pages = ["/", "/sign-in", "/sign-up", "/nothing", *FOR_USERS, flow.authorization_url("/oauth/authorize", temporary)]
    for visitor in (jane, site.visitor()):
        for path in pages:
            headers = visitor.get(path).headers
            policy = headers["Content-Security-Policy"]
            assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy.split("; ")), path
            assert "script-src" not in policy
            assert "unsafe" not in policy
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_page_has_a_script_or_needs_anything_from_elsewhere():
    for template in (SITE / "templates").glob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<script|\bon\w+=|style=|<style|\|safe|https?://(?!app\.example)", text), template.name
    assert "url(" not in (SITE / "static" / "site.css").read_text(encoding="utf-8")


def test_the_style_may_be_kept_and_is_named_for_what_is_in_it(site):
    path = re.search(r'href="(/static/site\.css\?v=\w+)"', site.visitor().get("/").text).group(1)
    answer = site.visitor().get(path)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=3600")


def test_text_can_be_told_from_its_ground_in_both_schemes():
    light, dark = re.findall(r":root \{(.*?)\}", (SITE / "static" / "site.css").read_text(encoding="utf-8"), re.DOTALL)
    pairs = [
        ("--ink", "--paper"), ("--ink", "--sheet"), ("--soft", "--paper"), ("--soft", "--sheet"),
        ("--green", "--paper"), ("--green", "--sheet"), ("--on-green", "--green"), ("--on-green", "--green-deep"),
        ("--red", "--sheet"), ("--red", "--red-tint"), ("--amber", "--amber-tint"), ("--ink", "--tint"),
    ]  # fmt: skip
    for scheme in (light, dark):
        colours = dict(re.findall(r"(--[\w-]+): (#\w{6})", scheme))
        for text, ground in pairs:
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for edge in ("--edge", "--focus"):
            assert contrast(colours[edge], colours["--paper"]) >= 3, edge


def contrast(one, other):
    """The ratio of WCAG 2, section 1.4.3."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_the_home_page_says_where_clients_go(site):
    text = site.visitor().get("/").text
    for path in ("/oauth/request_token", "/oauth/authorize", "/oauth/access_token", "/api/me"):
        assert path in text
    assert "Yours will be the first" in text


@pytest.mark.parametrize("path", FOR_USERS)
def test_a_page_for_users_sends_others_to_sign_in_and_back(site, path):
    visitor = site.visitor()
    answer = visitor.get(path + "?oauth_token=some")
    assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/sign-in")
    site.person("jane")
    answer = visitor.fill(answer.headers["Location"], name="jane", password=PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, path + "?oauth_token=some")


def test_below_a_path_all_links_stay_below_it(tmp_path):
    with running(tmp_path, base_url="http://127.0.0.1:9/note/book") as site:
        text = site.visitor().get("/").text
        links = re.findall(r'(?:href|src)="(/[^"]*)"', text)
        assert links
        assert all(link.startswith("/note/book/") for link in links)
        assert site.visitor().get("/notes").headers["Location"] == "/note/book/sign-in?next=/note/book/notes"
        cookie = site.visitor().get("/sign-in").headers["Set-Cookie"]
        assert "Path=/note/book" in cookie


# --- accounts and sessions --------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "jane doe"}),
        ("name", {"name": "<b>"}),
        ("name", {"name": "j" * 33}),
        ("password", {"password": "short", "again": "short"}),
        ("password", {"password": "x" * 257, "again": "x" * 257}),
        ("password", {"name": "jane.miller", "password": "Jane.Miller", "again": "Jane.Miller"}),
        ("again", {"again": "something else"}),
    ],
)
def test_what_is_wrong_with_an_account_is_said_at_its_field(site, field, fields):
    answer = site.visitor().fill("/sign-up", **{"name": "jane", "password": PASSWORD, "again": PASSWORD, **fields})
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in answer.text
    assert re.search(
        rf'<input id="{field}"[^>]*aria-describedby="[^"]*{field}-problem" aria-invalid="true"', answer.text
    )
    assert PASSWORD not in answer.text


def test_a_name_is_given_once(site, jane):
    answer = site.visitor().fill("/sign-up", name="JANE ", password=PASSWORD, again=PASSWORD)
    assert answer.status_code == 422
    assert "This name is taken." in answer.text


def test_a_wrong_password_and_a_name_that_nobody_has_read_the_same(site, jane):
    visitor = site.visitor()
    answers = [visitor.fill("/sign-in", name=name, password="wrong") for name in ("jane", "nobody")]
    assert [answer.status_code for answer in answers] == [403, 403]
    texts = [re.sub('value="[^"]*"', "", answer.text) for answer in answers]
    assert texts[0] == texts[1]


def test_after_five_guesses_the_right_password_has_to_wait_too(site, jane, clock):
    visitor = site.visitor()
    for _ in range(OF_NAME_HERE):
        assert visitor.fill("/sign-in", name="jane", password="wrong").status_code == 403
    answer = visitor.fill("/sign-in", name="jane", password=PASSWORD)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(WINDOW))
    clock.now += WINDOW
    assert visitor.fill("/sign-in", name="jane", password=PASSWORD).status_code == 303


def test_guesses_before_a_success_are_forgiven(site, jane):
    visitor = site.visitor()
    for _ in range(2):
        for _ in range(OF_NAME_HERE - 1):
            assert visitor.fill("/sign-in", name="jane", password="wrong").status_code == 403
        assert visitor.fill("/sign-in", name="jane", password=PASSWORD).status_code == 303
        visitor.send("/sign-out", {"csrf_token": visitor.token()})


def test_attempts_from_one_address_are_counted_over_all_names(site):
    with site.app.app_context():
        throttle = site.app.extensions["oauth2.site"].throttle
    for number in range(OF_ADDRESS):
        assert throttle.wait([(f"name {number}", OF_NAME_HERE), ("address", OF_ADDRESS)]) == 0
    assert throttle.wait([("another name", OF_NAME_HERE), ("address", OF_ADDRESS)]) == WINDOW


def test_accounts_from_one_address_are_limited(site):
    throttle = site.app.extensions["oauth2.site"].throttle
    for _ in range(OF_NEW_ACCOUNTS):
        throttle.wait([("sign up from 127.0.0.1", OF_NEW_ACCOUNTS)])
    answer = site.visitor().fill("/sign-up", name="jane", password=PASSWORD, again=PASSWORD)
    assert answer.status_code == 429


def test_signing_in_begins_a_new_session(site, jane):
    visitor = site.visitor()
    before = visitor.token("/sign-in", "/sign-in")
    cookie = dict(visitor.session.cookies)
    visitor.fill("/sign-in", name="jane", password=PASSWORD)
    assert dict(visitor.session.cookies) != cookie
    assert visitor.token() != before
    assert visitor.send("/notes", {"csrf_token": before, "text": "old form"}).status_code == 400
    # The one who put a cookie into the browser beforehand knows nothing with it.
    other = site.visitor()
    other.session.cookies.update(cookie)
    assert other.get("/notes").status_code == 303


def test_signing_out_ends_the_session_for_whoever_copied_its_cookie(site, jane):
    thief = site.visitor()
    thief.session.cookies.update(jane.session.cookies)
    assert thief.get("/notes").status_code == 200
    assert jane.send("/sign-out", {"csrf_token": jane.token()}).status_code == 303
    assert thief.get("/notes").status_code == 303


def test_a_session_is_over_after_half_a_day(site, jane, clock):
    clock.now += SESSION_LIFETIME - 1
    assert jane.get("/notes").status_code == 200
    clock.now += 1
    assert jane.get("/notes").status_code == 303


def test_the_cookie_is_for_http_alone_and_over_https_for_https_alone(tmp_path):
    with running(tmp_path) as site:
        cookie = site.visitor().get("/sign-in").headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    with running(tmp_path, base_url="https://notes.example") as site:
        cookie = site.visitor().get("/sign-in").headers["Set-Cookie"]
        assert cookie.startswith("__Host-session=")
        assert {"HttpOnly", "SameSite=Lax", "Path=/", "Secure"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


def test_a_cookie_signed_with_another_key_counts_for_nothing(site, jane, tmp_path):
    (tmp_path / "other").mkdir()
    with running(tmp_path / "other", base_url=site.listens_at) as other:
        stranger = other.visitor()
        stranger.session.cookies.update(jane.session.cookies)
        assert stranger.get("/notes").status_code == 303


@pytest.mark.parametrize("target", NAMES_OF_OTHERS)
def test_nobody_is_sent_elsewhere_after_signing_in(target):
    assert local_path(target) is None


def test_nobody_is_sent_elsewhere_by_the_form_either(site, jane):
    visitor = site.visitor()
    answer = visitor.fill("/sign-in", name="jane", password=PASSWORD, next="//evil.example")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/notes")
    assert visitor.get("/sign-in?next=//evil.example").headers["Location"] == "/notes"


# --- forms that did not come from here ---------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/sign-in", "/sign-up", "/sign-out", "/notes", "/applications/new", "/applications/some/secret",
     "/applications/some/previous", "/applications/some/delete", "/oauth/authorize", "/access"],
)  # fmt: skip
def test_a_form_without_the_token_of_its_session_counts_for_nothing(site, jane, path):
    other = site.person("joe")
    for fields in ({}, {"csrf_token": ""}, {"csrf_token": "made up"}, {"csrf_token": other.token()}):
        answer = jane.send(path, {"name": "x", "decision": "allow", **fields})
        assert answer.status_code == 400
        assert "This form does not count" in answer.text
    assert jane.get("/notes").status_code == 200  # still signed in


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
)
def test_a_form_from_another_site_counts_for_nothing_even_with_its_token(site, jane, headers):
    token = jane.token()
    assert jane.send("/notes", {"csrf_token": token, "text": "x"}, **headers).status_code == 403
    own = {"Origin": site.listens_at, "Sec-Fetch-Site": "same-origin"}
    assert jane.send("/notes", {"csrf_token": token, "text": "x"}, **own).status_code == 303


# --- applications --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "callback",
    ["javascript:alert(1)", "data:text/html,x", "http://user@app.example/", "https://app.example/#x", "//app.example",
     "https://app.example\\@evil.example/", "https://app.example/a b", "vbscript:x", "file:///etc/passwd", "oob",
     "https://app.example/" + "x" * 500],
)  # fmt: skip
def test_a_callback_that_nobody_should_have_is_refused(site, jane, callback):
    answer = jane.fill("/applications/new", name="Printer", callbacks=callback)
    assert answer.status_code == 422
    assert 'href="#callbacks"' in answer.text


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "x" * 61}),
        ("name", {"name": "\u202eretnirP"}),
        ("name", {"name": "Prin\u200bter"}),
        ("callbacks", {"callbacks": ""}),
        ("callbacks", {"callbacks": "\n".join(f"https://app.example/{number}" for number in range(11))}),
    ],
)
def test_what_is_wrong_with_an_application_is_said_at_its_field(site, jane, field, fields):
    answer = jane.fill("/applications/new", **{"name": "Printer", "callbacks": CALLBACK, **fields})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}-problem"' in answer.text


def test_an_application_may_have_several_callbacks_and_a_program_too(site, jane):
    printer = site.client(jane, CALLBACK, "com.example.printer:/ready", "oob")
    for callback in (CALLBACK, "com.example.printer:/ready", "oob"):
        assert printer.ask(callback).key


def test_a_secret_is_shown_once(site, jane, printer):
    for path in ("/applications", f"/applications/{printer.consumer.key}"):
        text = jane.get(path).text
        assert printer.consumer.key in text
        assert printer.consumer.secret not in text


def test_two_secrets_hold_while_one_is_replaced(site, jane, printer):
    path = f"/applications/{printer.consumer.key}"
    page = page_of(jane.fill(path, f"{path}/secret"))
    fresh = type(printer.consumer)(page.text_of("key"), page.text_of("secret"))
    assert fresh.secret != printer.consumer.secret
    form = f"oauth_callback={CALLBACK}"
    for consumer in (fresh, printer.consumer):
        assert printer.send("POST", "/oauth/request_token", form, consumer=consumer)[0] == 200
    assert jane.fill(path, f"{path}/previous").status_code == 303
    assert printer.send("POST", "/oauth/request_token", form, consumer=fresh)[0] == 200
    assert printer.send("POST", "/oauth/request_token", form)[0] == 401


@pytest.mark.parametrize("action", ["secret", "previous"])
def test_an_application_deleted_while_its_secret_is_changed_stays_deleted(site, jane, printer, action, monkeypatch):
    store, key = site.app.extensions["oauth2.site"].provider.store, printer.consumer.key
    path, look = f"/applications/{key}", store.get_consumer
    fields = {"csrf_token": jane.token()}
    monkeypatch.setattr(store, "get_consumer", lambda key: (look(key), store.remove_consumer(key))[0])
    assert jane.send(f"{path}/{action}", fields).status_code == 404
    monkeypatch.undo()
    assert store.get_consumer(key) is None
    assert store.consumers_of("jane") == []


def test_deleting_an_application_ends_all_access_to_it(site, jane, printer):
    token = printer.let_in(jane)
    assert printer.send("GET", "/api/me", token=token)[0] == 200
    path = f"/applications/{printer.consumer.key}/delete"
    assert jane.fill(path).status_code == 303
    assert printer.send("GET", "/api/me", token=token)[0] == 401
    assert "Printer" not in jane.get("/applications").text + jane.get("/access").text


def test_an_application_of_somebody_else_is_not_there(site, jane, printer):
    joe = site.person("joe")
    path = f"/applications/{printer.consumer.key}"
    assert joe.get(path).status_code == joe.get(f"{path}/delete").status_code == 404
    for action in ("secret", "previous", "delete"):
        assert joe.send(f"{path}/{action}", {"csrf_token": joe.token()}).status_code == 404
    assert printer.ask().key
    assert joe.get("/applications/" + "x" * 300).status_code == joe.get("/applications/%00").status_code == 404


# --- the consent page -------------------------------------------------------------------------


def test_the_consent_page_says_who_asks_for_what_and_where_it_leads(site, jane, printer):
    answer = jane.get(flow.authorization_url("/oauth/authorize", printer.ask()))
    for text in ("Printer", "printer.example", "Read your notes", "Add notes", "jane"):
        assert text in answer.text
    # Browsers hold the redirect after a form to this.
    assert "form-action 'self' https://printer.example;" in answer.headers["Content-Security-Policy"]


def test_looking_at_the_consent_page_approves_nothing(site, jane, printer):
    temporary = printer.ask()
    for _ in range(2):
        assert jane.get(flow.authorization_url("/oauth/authorize", temporary)).status_code == 200
    temporary.set_verifier("guess")
    assert printer.send("POST", "/oauth/access_token", token=temporary)[0] == 401


def test_what_is_in_a_name_is_text(site, jane):
    name = "<script>alert(1)</script>\"'><img src=x onerror=y>"
    printer = site.client(jane, CALLBACK, name=name)
    token = printer.let_in(jane)
    printer.send("POST", "/api/notes", "text=%3Cscript%3Ealert(2)%3C/script%3E", token)
    paths = [flow.authorization_url("/oauth/authorize", printer.ask()), "/access", "/applications", "/notes"]
    for path in [*paths, f"/applications/{printer.consumer.key}", f"/applications/{printer.consumer.key}/delete"]:
        text = jane.get(path).text
        assert "&lt;script&gt;" in text
        assert "<script" not in text
        assert "<img src=x" not in text


def test_only_the_first_decision_counts(site, jane, printer):
    joe, temporary = site.person("joe"), printer.ask()
    form = {"oauth_token": temporary.key, "decision": "allow", "realm": ["notes"]}
    assert jane.consent(temporary).status_code == 303
    for person in (jane, joe):
        for decision in ("allow", "deny"):
            answer = person.send("/oauth/authorize", {**form, "decision": decision, "csrf_token": person.token()})
            assert answer.status_code == 410
        assert person.get(flow.authorization_url("/oauth/authorize", temporary)).status_code == 410


def test_a_form_that_somebody_else_opened_is_not_sent_by_who_signed_in_since(site, jane, printer):
    site.person("joe")
    temporary = printer.ask()
    opened = page_of(jane.get(flow.authorization_url("/oauth/authorize", temporary))).hidden("/oauth/authorize")
    jane.send("/sign-out", {"csrf_token": jane.token()})
    jane.fill("/sign-in", name="joe", password=PASSWORD)
    answer = jane.send("/oauth/authorize", {**opened, "decision": "allow", "realm": "notes"})
    assert answer.status_code == 400
    assert jane.get(flow.authorization_url("/oauth/authorize", temporary)).status_code == 200  # undecided


def test_a_form_sent_by_nobody_does_nothing(site, jane, printer):
    temporary = printer.ask()
    stranger = site.visitor()
    form = {"oauth_token": temporary.key, "decision": "allow", "realm": "notes"}
    answer = stranger.send("/oauth/authorize", {**form, "csrf_token": stranger.token("/sign-in", "/sign-in")})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert jane.get(flow.authorization_url("/oauth/authorize", temporary)).status_code == 200


def test_who_denies_gives_no_access(site, jane, printer):
    temporary = printer.ask()
    answer = jane.consent(temporary, "deny")
    assert answer.headers["Location"].startswith(f"{CALLBACK}?oauth_token=")
    assert "oauth_problem=permission_denied" in answer.headers["Location"]
    temporary.set_verifier("guess")
    assert printer.send("POST", "/oauth/access_token", token=temporary)[0] == 401
    answer = jane.consent(printer.ask("oob"), "deny")
    assert (answer.status_code, page_of(answer).title) == (200, "Denied")


def test_allowing_nothing_is_a_mistake_that_can_be_corrected(site, jane, printer):
    temporary = printer.ask()
    answer = jane.consent(temporary, realm=())
    assert answer.status_code == 422
    assert "Choose what it may do" in answer.text
    assert "checked" not in answer.text
    assert jane.consent(temporary, realm=("notes",)).status_code == 303


def test_more_than_was_asked_for_cannot_be_allowed(site, jane, printer):
    status, body = printer.send("POST", "/oauth/request_token", f"oauth_callback={CALLBACK}")
    assert status == 200
    token = printer.let_in(jane, realm=("notes", "admin"))
    assert printer.send("GET", "/api/notes", token=token)[0] == 200
    assert printer.send("GET", "/api/me", token=token)[0] == 401
    assert b"admin" not in body


def test_a_decision_that_is_none_is_refused(site, jane, printer):
    assert jane.consent(printer.ask(), "perhaps").status_code == 400
    assert jane.get("/oauth/authorize?oauth_token=unknown").status_code == 410
    assert jane.get("/oauth/authorize").status_code == 410


def test_a_request_is_over_after_ten_minutes(site, jane, printer, clock):
    temporary = printer.ask()
    opened = page_of(jane.get(flow.authorization_url("/oauth/authorize", temporary))).hidden("/oauth/authorize")
    clock.now += 600
    answer = jane.send("/oauth/authorize", {**opened, "decision": "allow", "realm": "notes"})
    assert answer.status_code == 410


def test_without_a_callback_the_user_is_shown_a_code(site, jane, printer):
    temporary = printer.ask("oob")
    page = page_of(jane.consent(temporary))
    token = printer.redeem(temporary, page.text_of("verifier"))
    assert printer.send("GET", "/api/me", token=token) == (200, b'{"application":"Printer","user":"jane"}\n')


@pytest.mark.parametrize(
    ("callback", "source"),
    [
        ("https://app.example/cb?x=1", "https://app.example"),
        ("http://127.0.0.1:8000/cb", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/cb", "http:"),
        ("https://app.example;script-src/x", "https:"),
        ("com.example.app:/cb", "com.example.app:"),
    ],
)
def test_the_policy_names_where_the_form_may_lead(callback, source):
    assert source_of(callback) == source


# --- access, and the API ------------------------------------------------------------------------


def test_revoked_access_is_refused_from_then_on(site, jane, printer):
    token = printer.let_in(jane)
    assert "Printer" in jane.get("/access").text
    assert jane.fill("/access").status_code == 303
    assert "Its access is revoked" in jane.get("/access").text
    assert printer.send("GET", "/api/me", token=token)[0] == 401


def test_nobody_revokes_for_somebody_else(site, jane, printer):
    token = printer.let_in(jane)
    joe = site.person("joe")
    joe.send("/access", {"csrf_token": joe.token(), "token": token.key})
    assert printer.send("GET", "/api/me", token=token)[0] == 200


def test_the_api_answers_within_what_was_allowed(site, jane, printer):
    jane.fill("/notes", text="low tide at seven")
    token = printer.let_in(jane, realm=("notes", "notes.write"))
    status, body = printer.send("POST", "/api/notes", "text=buy+ink+%26+paper", token)
    assert (status, b'"by":"Printer"' in body) == (201, True)
    status, body = printer.send("GET", "/api/notes", token=token)
    assert status == 200
    assert body.index(b"buy ink & paper") < body.index(b"low tide")
    assert printer.send("GET", "/api/me", token=token)[0] == 401
    assert "buy ink &amp; paper" in jane.get("/notes").text


@pytest.mark.parametrize("form", ["", "text=", "text=a&text=b", f"text={'x' * (LONGEST + 1)}"])
def test_the_api_refuses_what_is_no_note(site, jane, printer, form):
    assert printer.send("POST", "/api/notes", form, printer.let_in(jane))[0] == 422


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/", 404),
        ("GET", "/api", 404),
        ("GET", "/api/nothing?a=b", 404),
        ("POST", "/api/notes/1", 404),
        ("DELETE", "/api/me", 405),
    ],
)
def test_what_the_api_has_not_got_it_says_in_json(site, method, path, status):
    answer = requests.request(method, site.listens_at + path, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    assert list(answer.json()) == ["problem"]
    assert "text/html" in site.visitor().get("/apiary").headers["Content-Type"]


def test_below_a_path_too_the_api_says_in_json_what_it_has_not_got(tmp_path):
    with running(tmp_path, base_url="http://127.0.0.1:9/note/book") as site:
        assert site.visitor().get("/api/nothing").json() == {"problem": "There is no such path in the API."}


def test_what_breaks_in_the_api_is_said_in_json(site, jane, printer, monkeypatch):
    token = printer.let_in(jane)
    monkeypatch.setattr(site.app.extensions["oauth2.site"].notebook, "notes_of", None)
    status, body = printer.send("GET", "/api/notes", token=token)
    assert (status, json.loads(body)) == (500, {"problem": "Something broke, and was written to the log."})


def test_notes_are_the_users_own(site, jane, printer):
    jane.fill("/notes", text="mine")
    joe = site.person("joe")
    assert "mine" not in joe.get("/notes").text
    assert b"mine" not in printer.send("GET", "/api/notes", token=printer.let_in(joe))[1]
    assert jane.fill("/notes", text=" ").status_code == 422


def test_a_cookie_is_no_signature(site, jane):
    answer = jane.get("/api/me")
    assert answer.status_code == 400
    assert "oauth_problem" in answer.headers["WWW-Authenticate"]


# --- what stays on the machine ---------------------------------------------------------------------


def test_database_and_key_are_for_their_owner_alone(site, jane, tmp_path):
    files = sorted(tmp_path.iterdir())
    assert {"provider.db", "provider.db.key"} <= {file.name for file in files}
    assert [file.name for file in files if stat.S_IMODE(file.stat().st_mode) & 0o077] == []


def test_the_key_stays_and_is_refused_where_others_can_read_it(tmp_path):
    file = tmp_path / "key"
    key = secret_key(file)
    assert secret_key(file) == key
    assert len(bytes.fromhex(key)) == 32
    file.chmod(0o644)
    with pytest.raises(StoreUnavailable, match="chmod 600"):
        secret_key(file)
    file.chmod(0o600)
    file.write_text("short")
    with pytest.raises(StoreUnavailable, match="holds no key"):
        secret_key(file)


def test_passwords_are_kept_as_scrypt_hashes_and_sessions_as_digests(site, jane):
    content = b"".join(file.read_bytes() for file in site.database.parent.iterdir() if "key" not in file.name)
    assert b"scrypt:" in content
    assert PASSWORD.encode() not in content


def test_no_secret_and_no_token_gets_into_a_log(site, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    jane = site.person("jane")
    printer = site.client(jane, CALLBACK)
    temporary = printer.ask()
    answer = jane.consent(temporary)
    approved = flow.read_callback(answer.headers["Location"], temporary)
    token = printer.redeem(temporary, approved.verifier)
    printer.send("GET", "/api/me", token=token)
    printer.send("GET", "/api/me", token=type(token)(token.key, "wrong"))
    jane.fill("/access")
    output = capfd.readouterr()
    records = [record for record in caplog.records if not record.name.startswith("urllib3")]  # the test's own client
    logged = "\n".join(record.getMessage() for record in records) + output.out + output.err
    assert "approved client=" in logged
    assert "problem=signature_invalid" in logged
    cookies = list(jane.session.cookies.values())
    for secret in (printer.consumer.secret, temporary.key, temporary.secret, approved.verifier, token.key,
                   token.secret, PASSWORD, *cookies):  # fmt: skip
        assert secret not in logged


def test_what_a_peer_claims_is_one_line_in_the_log(site, caplog):
    caplog.set_level(logging.INFO)
    visitor = site.visitor()
    visitor.get("/api/me?oauth_consumer_key=x%0Aapproved%20client%3D%1b&oauth_signature=x")
    lines = [record.getMessage() for record in caplog.records if record.name == "oauth2.site"]
    assert len(lines) == 1
    assert lines[0].isprintable()


def test_a_database_that_is_gone_lets_nobody_in_and_says_so(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    with running(folder) as site:
        jane = site.person("jane")
        for file in folder.glob("provider.db*"):
            file.unlink()
        folder.rmdir()
        answer = jane.get("/notes")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "Out of order" in answer.text


def test_what_breaks_is_logged_and_not_shown(site, jane, monkeypatch):
    monkeypatch.setattr(site.app.extensions["oauth2.site"].notebook, "notes_of", lambda user: 1 / 0)
    logging.getLogger("oauth2.site").disabled = True
    answer = jane.get("/notes")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    assert page_of(answer).title == "Something broke"


# --- serving -----------------------------------------------------------------------------------------


def test_serving_says_in_one_line_what_is_wrong(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotServe, match=rf"Port {port} .*in use.*port 0 takes a free one"):
            serve(tmp_path / "provider.db", port=port)
    with pytest.raises(CannotServe, match="is no port"):
        serve(tmp_path / "provider.db", port=70000)
    with pytest.raises(CannotServe, match="cannot be used as a database"):
        serve(tmp_path, port=0)
    with pytest.raises(CannotServe, match="cannot be used as a database"):
        serve(tmp_path / "missing" / "provider.db", port=0)
    with pytest.raises(CannotServe, match="base_url"):
        serve(tmp_path / "provider.db", host="0.0.0.0", port=0)
    with pytest.raises(CannotServe, match="https"):
        serve(tmp_path / "provider.db", port=0, base_url="http://notes.example")
    (tmp_path / "text.db").write_text("this is no database, but quite a long text" * 30)
    with pytest.raises(CannotServe, match="not a database"):
        serve(tmp_path / "text.db", port=0)


def test_plain_http_is_for_this_machine(tmp_path):
    for url in ("http://notes.example", "ftp://notes.example", "notes.example", "https://notes.example/?x", ""):
        with pytest.raises(ValueError, match="base_url"):
            create_app(tmp_path / "provider.db", base_url=url)


def test_it_runs_as_a_module(tmp_path):
    command = [sys.executable, "-m", "oauth2.site", f"--database={tmp_path}/provider.db", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline().startswith("Serving http://127.0.0.1:")
        finally:
            process.terminate()
    done = subprocess.run([*command, "--host=0.0.0.0"], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("error: ")


def test_without_flask_it_says_what_to_install():
    code = "import sys; sys.modules['flask'] = None; import importlib.util as u; find = u.find_spec; "
    code += "u.find_spec = lambda name: None if name == 'flask' else find(name); import oauth2.site"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'oauth2[provider]'" in done.stderr


def test_the_storys_reader_finds_forms_and_texts():
    page = Page(
        status=200, location=None, text='<h1>a <b>b</b></h1><form action="/x"><input type="hidden" name="n"></form>'
    )
    assert page.title == "a b"
    assert page.hidden("/x") == {"n": ""}
    assert page.hidden("/y") == {}
    assert page.text_of("nothing") == ""


def test_no_name_passes_for_an_address_or_for_another_name_with_one():
    subjects = [
        subject
        for name, address in [("jane 10.0.0.5", "6.6.6.6"), ("from", "6.6.6.6"), ("jane", "10.0.0.5"), ("", "6.6.6.6")]
        for subject, _ in sign_in_limits(name, address)
    ]
    assert subjects.count(subjects[1]) == 3  # the one address
    assert len(set(subjects)) == len(subjects) - 2


def test_behind_a_proxy_one_visitor_does_not_lock_the_others_out(tmp_path):
    with Site(tmp_path / "notes.db", base_url="https://notes.example") as site:
        with site.app.test_request_context(environ_base={"REMOTE_ADDR": "127.0.0.1"}):
            assert people._address() is None
        with site.app.test_request_context(environ_base={"REMOTE_ADDR": "10.0.0.5"}):
            assert people._address() == "10.0.0.5"
    assert [limit for _, limit in sign_in_limits("jane", None)] == [OF_NAME]
