"""The reference provider: its pages over real HTTP, and attacks that must fail."""

import json
import logging
import re
import socket
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from served import ask
from site_server import CALLBACK, PASSWORD, Clock, Site, page_of, running
from waitress.server import create_server

import oauth2
from oauth2 import flow
from oauth2.errors import StoreUnavailable
from oauth2.middleware.proxies import TrustedProxies
from oauth2.provider.diagnoses import Diagnoses
from oauth2.site import CannotServe, create_app, people, serve, serving
from oauth2.site.accounts import SESSION_LIFETIME
from oauth2.site.browser import browser_of
from oauth2.site.headers import source_of
from oauth2.site.key import secret_key
from oauth2.site.notebook import LONGEST
from oauth2.site.session import local_path
from oauth2.site.throttle import (
    OF_ADDRESS,
    OF_NAME,
    OF_NAME_HERE,
    OF_NEW_ACCOUNTS,
    WINDOW,
    network_of,
    sign_in_limits,
    sign_up_limits,
)
from oauth2.site.visitor import Page

pytestmark = pytest.mark.slow

SITE = Path(__file__).parent.parent / "oauth2" / "site"
FOR_USERS = ["/notes", "/applications", "/applications/new", "/applications/some", "/access", "/oauth/authorize",
             "/account", "/applications/some/edit"]  # fmt: skip
NAMES_OF_OTHERS = ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example", "evil", "", None]


@pytest.fixture
def clock():
    return Clock(time.time())


@pytest.fixture
def site(tmp_path, clock):
    with running(tmp_path, now=clock) as site:
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


def test_the_stylesheet_is_cached_under_a_url_with_its_digest(site):
    path = re.search(r'href="(/static/site\.css\?v=\w+)"', site.visitor().get("/").text).group(1)
    answer = site.visitor().get(path)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=3600")


def test_text_has_enough_contrast_in_both_colour_schemes():
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
    """Return the contrast ratio of two colours (WCAG 2, section 1.4.3)."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_the_home_page_names_the_paths_for_clients(site):
    text = site.visitor().get("/").text
    for path in ("/oauth/request_token", "/oauth/authorize", "/oauth/access_token", "/api/me"):
        assert path in text
    assert "Create the first account" in text


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
def test_a_problem_of_an_account_is_shown_at_its_field(site, field, fields):
    answer = site.visitor().fill("/sign-up", **{"name": "jane", "password": PASSWORD, "again": PASSWORD, **fields})
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in answer.text
    assert re.search(
        rf'<input id="{field}"[^>]*aria-describedby="[^"]*{field}-problem" aria-invalid="true"', answer.text
    )
    assert PASSWORD not in answer.text


def test_two_accounts_cannot_have_the_same_name(site, jane):
    answer = site.visitor().fill("/sign-up", name="JANE ", password=PASSWORD, again=PASSWORD)
    assert answer.status_code == 422
    assert "This name is already used. Choose another name." in answer.text


def test_a_wrong_password_and_an_unknown_name_have_the_same_answer(site, jane):
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
        throttle.wait(sign_up_limits("127.0.0.1"))
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
    # An attacker who planted a session cookie in the browser before the sign-in cannot use that cookie to enter the
    # user's session.
    other = site.visitor()
    other.session.cookies.update(cookie)
    assert other.get("/notes").status_code == 303


def test_signing_out_invalidates_copies_of_the_session_cookie(site, jane):
    thief = site.visitor()
    thief.session.cookies.update(jane.session.cookies)
    assert thief.get("/notes").status_code == 200
    assert jane.send("/sign-out", {"csrf_token": jane.token()}).status_code == 303
    assert thief.get("/notes").status_code == 303


def test_a_session_expires_after_12_hours(site, jane, clock):
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


def test_a_cookie_signed_with_another_key_is_ignored(site, jane, tmp_path):
    (tmp_path / "other").mkdir()
    with running(tmp_path / "other", base_url=site.listens_at) as other:
        stranger = other.visitor()
        stranger.session.cookies.update(jane.session.cookies)
        assert stranger.get("/notes").status_code == 303


@pytest.mark.parametrize("target", NAMES_OF_OTHERS)
def test_signing_in_does_not_redirect_to_another_site(target):
    assert local_path(target) is None


def test_the_sign_in_form_does_not_redirect_to_another_site(site, jane):
    visitor = site.visitor()
    answer = visitor.fill("/sign-in", name="jane", password=PASSWORD, next="//evil.example")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/notes")
    assert visitor.get("/sign-in?next=//evil.example").headers["Location"] == "/notes"


# --- the password ------------------------------------------------------------------------


NEW = "a longer one than before"


def test_a_password_is_changed_and_ends_all_other_sessions(site, jane):
    other = site.visitor()
    assert other.fill("/sign-in", name="jane", password=PASSWORD).status_code == 303
    before = dict(jane.session.cookies)
    answer = jane.fill("/account", current=PASSWORD, password=NEW, again=NEW)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    assert "Your password was changed." in jane.get("/account").text
    assert other.get("/notes").status_code == 303
    thief = site.visitor()
    thief.session.cookies.update(before)
    assert thief.get("/notes").status_code == 303
    assert site.visitor().fill("/sign-in", name="jane", password=PASSWORD).status_code == 403
    assert site.visitor().fill("/sign-in", name="jane", password=NEW).status_code == 303


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("current", {"current": "wrong"}),
        ("current", {"current": ""}),
        ("password", {"password": "short", "again": "short"}),
        ("again", {"again": "something else"}),
    ],
)
def test_a_refused_change_keeps_the_password(site, jane, field, fields):
    answer = jane.fill("/account", **{"current": PASSWORD, "password": NEW, "again": NEW, **fields})
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in answer.text
    assert NEW not in answer.text
    assert site.visitor().fill("/sign-in", name="jane", password=PASSWORD).status_code == 303


def test_guesses_of_the_current_password_are_limited_on_the_account_page(site, jane):
    for _ in range(OF_NAME_HERE):
        assert jane.fill("/account", current="wrong", password=NEW, again=NEW).status_code == 422
    assert jane.fill("/account", current=PASSWORD, password=NEW, again=NEW).status_code == 429
    assert site.visitor().fill("/sign-in", name="jane", password=PASSWORD).status_code == 429


# --- forms from other sites --------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/sign-in", "/sign-up", "/sign-out", "/notes", "/applications/new", "/applications/some/secret",
     "/applications/some/previous", "/applications/some/delete", "/oauth/authorize", "/access", "/access/waiting",
     "/account", "/applications/some/edit"],
)  # fmt: skip
def test_a_form_without_the_token_of_its_session_is_refused(site, jane, path):
    other = site.person("joe")
    for fields in ({}, {"csrf_token": ""}, {"csrf_token": "made up"}, {"csrf_token": other.token()}):
        answer = jane.send(path, {"name": "x", "decision": "allow", **fields})
        assert answer.status_code == 400
        assert "This form has expired" in answer.text
    assert jane.get("/notes").status_code == 200  # still signed in


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
)
def test_a_form_from_another_site_is_refused_even_with_its_token(site, jane, headers):
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
def test_an_unsafe_callback_is_refused(site, jane, callback):
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
def test_a_problem_of_an_application_is_shown_at_its_field(site, jane, field, fields):
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


def test_both_secrets_are_valid_during_a_rotation(site, jane, printer):
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


def test_a_new_secret_that_was_not_copied_is_replaced_and_the_previous_one_stays(site, jane, printer):
    path, form = f"/applications/{printer.consumer.key}", f"oauth_callback={CALLBACK}"
    made = []
    for _ in range(3):
        page = page_of(jane.fill(path, f"{path}/secret"))
        made.append(type(printer.consumer)(page.text_of("key"), page.text_of("secret")))
        assert "Make another secret" in jane.get(path).text
    for consumer, status in [(made[0], 401), (made[1], 401), (made[2], 200), (printer.consumer, 200)]:
        assert printer.send("POST", "/oauth/request_token", form, consumer=consumer)[0] == status
    jane.fill(path, f"{path}/previous")
    assert "Make another secret" not in jane.get(path).text
    jane.fill(path, f"{path}/secret")
    assert printer.send("POST", "/oauth/request_token", form, consumer=made[2])[0] == 200


def test_name_and_callbacks_of_an_application_can_be_changed(site, jane, printer):
    path = f"/applications/{printer.consumer.key}"
    store = site.app.extensions["oauth2.site"].provider.store
    before = store.get_consumer(printer.consumer.key)
    form = jane.get(f"{path}/edit").text
    assert 'value="Printer"' in form
    assert f">{CALLBACK}</textarea>" in form
    assert "checked" in form
    fields = {"name": "Press", "callbacks": "https://press.example/ready\ncom.example.press:/ready"}
    answer = jane.fill(f"{path}/edit", **fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    changed = store.get_consumer(printer.consumer.key)
    assert (changed.name, changed.callbacks) == ("Press", tuple(fields["callbacks"].split()))
    assert (changed.secret, changed.previous_secret, changed.owner) == (before.secret, None, "jane")
    assert "The application was changed." in jane.get(path).text
    for callback, status in [("https://press.example/ready", 200), (CALLBACK, 400), ("oob", 400)]:
        assert printer.send("POST", "/oauth/request_token", f"oauth_callback={callback}")[0] == status


@pytest.mark.parametrize(
    ("field", "fields"), [("name", {"name": " "}), ("callbacks", {"callbacks": "javascript:alert(1)"})]
)
def test_an_application_is_not_changed_to_what_cannot_be_registered(site, jane, printer, field, fields):
    path = f"/applications/{printer.consumer.key}"
    answer = jane.fill(f"{path}/edit", **{"name": "Press", "callbacks": CALLBACK, **fields})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert site.app.extensions["oauth2.site"].provider.store.get_consumer(printer.consumer.key).name == "Printer"


def test_a_user_cannot_change_the_application_of_another_user(site, jane, printer):
    joe, path = site.person("joe"), f"/applications/{printer.consumer.key}/edit"
    assert joe.get(path).status_code == 404
    fields = {"csrf_token": joe.token(), "name": "Mine", "callbacks": CALLBACK}
    assert joe.send(path, fields).status_code == 404


@pytest.mark.parametrize("action", ["secret", "previous", "edit"])
def test_an_application_deleted_while_its_secret_is_changed_stays_deleted(site, jane, printer, action, monkeypatch):
    store, key = site.app.extensions["oauth2.site"].provider.store, printer.consumer.key
    path, look = f"/applications/{key}", store.get_consumer
    fields = {"csrf_token": jane.token(), "name": "Press", "callbacks": CALLBACK}
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


def test_an_application_of_another_user_is_not_found(site, jane, printer):
    joe = site.person("joe")
    path = f"/applications/{printer.consumer.key}"
    assert joe.get(path).status_code == joe.get(f"{path}/delete").status_code == 404
    for action in ("secret", "previous", "delete"):
        assert joe.send(f"{path}/{action}", {"csrf_token": joe.token()}).status_code == 404
    assert printer.ask().key
    assert joe.get("/applications/" + "x" * 300).status_code == joe.get("/applications/%00").status_code == 404


# --- the consent page -------------------------------------------------------------------------


def test_the_consent_page_names_the_application_the_realms_and_the_destination(site, jane, printer):
    answer = jane.get(flow.authorization_url("/oauth/authorize", printer.ask()))
    for text in ("Printer", "printer.example", "Read your notes", "Add notes", "jane"):
        assert text in answer.text
    # Browsers also apply form-action to the redirect that follows the sending of a form.
    assert "form-action 'self' https://printer.example;" in answer.headers["Content-Security-Policy"]


def test_looking_at_the_consent_page_approves_nothing(site, jane, printer):
    temporary = printer.ask()
    for _ in range(2):
        assert jane.get(flow.authorization_url("/oauth/authorize", temporary)).status_code == 200
    temporary.set_verifier("guess")
    assert printer.send("POST", "/oauth/access_token", token=temporary)[0] == 401


def test_html_in_a_name_is_escaped(site, jane):
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


def test_a_form_that_another_user_opened_is_refused_after_a_new_sign_in(site, jane, printer):
    site.person("joe")
    temporary = printer.ask()
    opened = page_of(jane.get(flow.authorization_url("/oauth/authorize", temporary))).hidden("/oauth/authorize")
    jane.send("/sign-out", {"csrf_token": jane.token()})
    jane.fill("/sign-in", name="joe", password=PASSWORD)
    answer = jane.send("/oauth/authorize", {**opened, "decision": "allow", "realm": "notes"})
    assert answer.status_code == 400
    assert jane.get(flow.authorization_url("/oauth/authorize", temporary)).status_code == 200  # undecided


def test_a_form_sent_while_signed_out_does_nothing(site, jane, printer):
    temporary = printer.ask()
    stranger = site.visitor()
    form = {"oauth_token": temporary.key, "decision": "allow", "realm": "notes"}
    answer = stranger.send("/oauth/authorize", {**form, "csrf_token": stranger.token("/sign-in", "/sign-in")})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert jane.get(flow.authorization_url("/oauth/authorize", temporary)).status_code == 200


def test_denying_gives_no_access(site, jane, printer):
    temporary = printer.ask()
    answer = jane.consent(temporary, "deny")
    assert answer.headers["Location"].startswith(f"{CALLBACK}?oauth_token=")
    assert "oauth_problem=permission_denied" in answer.headers["Location"]
    temporary.set_verifier("guess")
    assert printer.send("POST", "/oauth/access_token", token=temporary)[0] == 401
    answer = jane.consent(printer.ask("oob"), "deny")
    assert (answer.status_code, page_of(answer).title) == (200, "Access denied")


def test_allowing_no_realm_is_an_error_on_the_page(site, jane, printer):
    temporary = printer.ask()
    answer = jane.consent(temporary, realm=())
    assert answer.status_code == 422
    assert "Select at least one kind of access" in answer.text
    assert "checked" not in answer.text
    assert jane.consent(temporary, realm=("notes",)).status_code == 303


def test_realms_that_were_not_requested_cannot_be_allowed(site, jane, printer):
    status, body = printer.send("POST", "/oauth/request_token", f"oauth_callback={CALLBACK}")
    assert status == 200
    token = printer.let_in(jane, realm=("notes", "admin"))
    assert printer.send("GET", "/api/notes", token=token)[0] == 200
    assert printer.send("GET", "/api/me", token=token)[0] == 401
    assert b"admin" not in body


def test_an_unknown_decision_is_refused(site, jane, printer):
    assert jane.consent(printer.ask(), "perhaps").status_code == 400
    assert jane.get("/oauth/authorize?oauth_token=unknown").status_code == 410
    assert jane.get("/oauth/authorize").status_code == 410


def test_a_request_expires_after_ten_minutes(site, jane, printer, clock):
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


def test_the_code_may_be_typed_as_it_is_shown(site, jane, printer):
    temporary = printer.ask("oob")
    shown = re.search(r'<code id="verifier">(.*?)</code>', jane.consent(temporary).text)[1]
    groups = re.findall(r"<span>(\w+)</span>", shown)
    assert [len(group) for group in groups] == [5, 5, 3]
    assert printer.redeem(temporary, " ".join(groups).upper()).key


# --- approvals that have not been redeemed yet ------------------------------------------------


def test_an_approval_is_in_the_list_until_the_application_redeems_it(site, jane, printer):
    temporary = printer.ask("oob")
    assert "Approved, but not used yet" not in jane.get("/access").text
    code = page_of(jane.consent(temporary, realm=("notes",))).text_of("verifier")
    listed = jane.get("/access").text
    assert "Approved, but not used yet" in listed
    assert "Printer" in listed
    assert "Read your notes" in listed
    assert "See the name of your account" not in listed
    assert code not in listed.replace(" ", "")
    assert "No application has access." not in listed
    printer.redeem(temporary, code)
    listed = jane.get("/access").text
    assert "Approved, but not used yet" not in listed
    assert "Printer" in listed


def test_an_approval_that_waits_for_the_callback_is_in_the_list_too(site, jane, printer):
    temporary = printer.ask()
    assert jane.consent(temporary).status_code == 303
    assert "Approved, but not used yet" in jane.get("/access").text


def test_a_user_cannot_see_or_withdraw_the_approval_of_another_user(site, jane, printer):
    joe, temporary = site.person("joe"), printer.ask("oob")
    code = page_of(jane.consent(temporary)).text_of("verifier")
    site.app.extensions["oauth2.site"].waiting.add("joe", temporary.key)  # as if Joe had opened the consent page
    assert "Approved, but not used yet" not in joe.get("/access").text
    for token in (temporary.key, "", "\0", "x" * 300, "unknown"):
        answer = joe.send("/access/waiting", {"csrf_token": joe.token(), "token": token})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/access")
        assert "The approval cannot be withdrawn" in joe.get("/access").text
    assert printer.redeem(temporary, code).key


def test_a_withdrawn_approval_cannot_be_redeemed(site, jane, printer):
    temporary = printer.ask("oob")
    code = page_of(jane.consent(temporary)).text_of("verifier")
    assert jane.fill("/access", "/access/waiting").status_code == 303
    listed = jane.get("/access").text
    assert "The approval was withdrawn" in listed
    assert "Approved, but not used yet" not in listed
    temporary.set_verifier(code)
    assert printer.send("POST", "/oauth/access_token", token=temporary)[0] == 401


def test_a_redeemed_approval_cannot_be_withdrawn(site, jane, printer):
    temporary = printer.ask("oob")
    code = page_of(jane.consent(temporary)).text_of("verifier")
    form = page_of(jane.get("/access")).hidden("/access/waiting")
    token = printer.redeem(temporary, code)
    jane.send("/access/waiting", form)
    assert "The approval cannot be withdrawn" in jane.get("/access").text
    assert printer.send("GET", "/api/me", token=token)[0] == 200


def test_an_expired_approval_is_not_in_the_list(site, jane, printer, clock):
    jane.consent(printer.ask("oob"))
    clock.now += 599
    assert "Approved, but not used yet" in jane.get("/access").text
    clock.now += 1
    assert "Approved, but not used yet" not in jane.get("/access").text
    with site.app.app_context():
        site.app.extensions["oauth2.site"].waiting.add("jane", "later")
        assert site.app.extensions["oauth2.site"].accounts._database.rows("SELECT token FROM site_waiting") == [
            ("later",)
        ]


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
def test_the_content_security_policy_allows_the_destination_of_the_form(callback, source):
    assert source_of(callback) == source


# --- access, and the API ------------------------------------------------------------------------


def test_revoked_access_is_refused_from_then_on(site, jane, printer):
    token = printer.let_in(jane)
    assert "Printer" in jane.get("/access").text
    assert jane.fill("/access").status_code == 303
    assert "The access was revoked" in jane.get("/access").text
    assert printer.send("GET", "/api/me", token=token)[0] == 401


def test_a_user_cannot_revoke_the_access_that_another_user_gave(site, jane, printer):
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
def test_the_api_refuses_an_invalid_note(site, jane, printer, form):
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
def test_an_unknown_path_of_the_api_is_answered_in_json(site, method, path, status):
    answer = requests.request(method, site.listens_at + path, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    assert list(answer.json()) == ["problem"]
    assert "text/html" in site.visitor().get("/apiary").headers["Content-Type"]


def test_an_unknown_path_of_the_api_is_answered_in_json_below_a_path_prefix(tmp_path):
    with running(tmp_path, base_url="http://127.0.0.1:9/note/book") as site:
        assert site.visitor().get("/api/nothing").json() == {"problem": "The API has no such path."}


def test_an_internal_error_of_the_api_is_answered_in_json(site, jane, printer, monkeypatch):
    token = printer.let_in(jane)
    monkeypatch.setattr(site.app.extensions["oauth2.site"].notebook, "notes_of", None)
    status, body = printer.send("GET", "/api/notes", token=token)
    problem = "An internal error occurred. The error was written to the log."
    assert (status, json.loads(body)) == (500, {"problem": problem})


def test_notes_are_the_users_own(site, jane, printer):
    jane.fill("/notes", text="mine")
    joe = site.person("joe")
    assert "mine" not in joe.get("/notes").text
    assert b"mine" not in printer.send("GET", "/api/notes", token=printer.let_in(joe))[1]
    assert jane.fill("/notes", text=" ").status_code == 422


def test_access_is_revoked_although_it_was_renewed_after_the_page_was_opened(site, jane, printer):
    token = printer.let_in(jane)
    store = site.app.extensions["oauth2.site"].provider.store
    kept = store.get_token(token.key)
    assert store.replace_token(token.key, replace(kept, key="renewed"))
    opened = page_of(jane.get("/access")).hidden("/access")
    assert store.replace_token("renewed", replace(kept, key="renewed again"))
    renewed = type(token)("renewed again", token.secret)
    assert printer.send("GET", "/api/me", token=renewed)[0] == 200
    stranger = site.person("joe")
    stranger.send("/access", {**opened, "csrf_token": stranger.token()})
    assert printer.send("GET", "/api/me", token=renewed)[0] == 200
    jane.send("/access", opened)
    assert printer.send("GET", "/api/me", token=renewed)[0] == 401
    assert "No application has access." in jane.get("/access").text


def test_a_session_cookie_does_not_authenticate_an_api_request(site, jane):
    answer = jane.get("/api/me")
    assert answer.status_code == 400
    assert "oauth_problem" in answer.headers["WWW-Authenticate"]


# --- files and logs ----------------------------------------------------------------------------------


def test_database_and_key_are_for_their_owner_alone(site, jane, tmp_path):
    files = sorted(tmp_path.iterdir())
    assert {"provider.db", "provider.db.key"} <= {file.name for file in files}
    assert [file.name for file in files if stat.S_IMODE(file.stat().st_mode) & 0o077] == []


def test_the_key_is_kept_and_refused_if_other_users_can_read_it(tmp_path):
    file = tmp_path / "key"
    key = secret_key(file)
    assert secret_key(file) == key
    assert len(bytes.fromhex(key)) == 32
    file.chmod(0o644)
    with pytest.raises(StoreUnavailable, match="chmod 600"):
        secret_key(file)
    file.chmod(0o600)
    file.write_text("short")
    with pytest.raises(StoreUnavailable, match="contains no key"):
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
    # The test itself uses urllib3; the site does not.
    records = [record for record in caplog.records if not record.name.startswith("urllib3")]
    logged = "\n".join(record.getMessage() for record in records) + output.out + output.err
    assert "approved client=" in logged
    assert "problem=signature_invalid" in logged
    cookies = list(jane.session.cookies.values())
    for secret in (printer.consumer.secret, temporary.key, temporary.secret, approved.verifier, token.key,
                   token.secret, PASSWORD, *cookies):  # fmt: skip
        assert secret not in logged


def test_why_a_request_is_refused_is_logged_if_asked_for(tmp_path, caplog):
    caplog.set_level(logging.INFO)

    def lines():
        return [record.getMessage() for record in caplog.records if "diagnosed" in record.getMessage()]

    with Diagnoses(per_second=100) as diagnoses, running(tmp_path, diagnoses=diagnoses) as site:
        printer = site.client(site.person("jane"), CALLBACK)
        assert printer.send("GET", "/api/me", token=oauth2.Token("gone", "secret-of-it"))[0] == 401
        site.visitor().get("/api/me?oauth_consumer_key=x%0Aapproved%20client%3D%1b&oauth_signature=x")
        deadline = time.monotonic() + 60
        while len(lines()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    revoked, forged = lines()
    assert "verdict=mistaken findings=token-not-issued" in revoked
    assert f"arrived='{site.listens_at}/api/me' verified='{site.listens_at}/api/me'" in revoked
    assert "secret-of-it" not in revoked
    assert forged.isprintable()


def test_a_received_consumer_key_is_one_line_in_the_log(site, caplog):
    caplog.set_level(logging.INFO)
    visitor = site.visitor()
    visitor.get("/api/me?oauth_consumer_key=x%0Aapproved%20client%3D%1b&oauth_signature=x")
    lines = [record.getMessage() for record in caplog.records if record.name == "oauth2.site"]
    assert len(lines) == 1
    assert lines[0].isprintable()


def test_a_missing_database_is_answered_with_503_and_lets_no_one_in(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    with running(folder) as site:
        jane = site.person("jane")
        for file in folder.glob("provider.db*"):
            file.unlink()
        folder.rmdir()
        answer = jane.get("/notes")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "Temporarily unavailable" in answer.text


def test_an_internal_error_is_logged_and_not_shown(site, jane, monkeypatch):
    monkeypatch.setattr(site.app.extensions["oauth2.site"].notebook, "notes_of", lambda user: 1 / 0)
    monkeypatch.setattr(logging.getLogger("oauth2.site"), "disabled", True)
    answer = jane.get("/notes")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    assert page_of(answer).title == "Internal error"


# --- serving -----------------------------------------------------------------------------------------


def test_serving_raises_an_error_that_names_the_problem(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotServe, match=rf"port {port} .*in use.*or 0 for a free port"):
            serve(tmp_path / "provider.db", port=port)
    with pytest.raises(CannotServe, match=r"Port -?\d+ is not valid"):
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


def test_plain_http_is_allowed_on_loopback_only(tmp_path):
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
    assert (done.returncode, done.stderr.count("\n")) == (1, 2), done.stderr
    assert done.stderr.startswith("Error: ")
    assert "\nHint: " in done.stderr


def test_without_flask_the_error_has_the_command_that_installs_it():
    code = "import sys; sys.modules['flask'] = None; import importlib.util as u; find = u.find_spec; "
    code += "u.find_spec = lambda name: None if name == 'flask' else find(name); import oauth2.site"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'oauth2[provider]'" in done.stderr


def test_the_visitor_of_the_demo_finds_forms_and_texts():
    page = Page(
        status=200, location=None, text='<h1>a <b>b</b></h1><form action="/x"><input type="hidden" name="n"></form>'
    )
    assert page.title == "a b"
    assert page.hidden("/x") == {"n": ""}
    assert page.hidden("/y") == {}
    assert page.text_of("nothing") == ""


def test_a_name_cannot_imitate_an_address_or_another_name_with_one():
    subjects = [
        subject
        for name, address in [("jane 10.0.0.5", "6.6.6.6"), ("from", "6.6.6.6"), ("jane", "10.0.0.5"), ("", "6.6.6.6")]
        for subject, _ in sign_in_limits(name, address)
    ]
    assert subjects.count(subjects[1]) == 3  # subjects[1] identifies the address 6.6.6.6.
    assert len(set(subjects)) == len(subjects) - 2


# --- limits of attempts ------------------------------------------------------------------------------


def address_of(folder, peer, forwarded=None, **options):
    with Site(folder / "notes.db", **options) as site:
        headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
        with site.app.test_request_context(environ_base={"REMOTE_ADDR": peer}, headers=headers):
            return people._address()


def test_behind_an_untrusted_proxy_the_address_is_unknown(tmp_path):
    for peer in ("127.0.0.1", "10.0.0.5"):
        assert address_of(tmp_path, peer, "203.0.113.9", base_url="https://notes.example") is None
    assert address_of(tmp_path, "127.0.0.1", "203.0.113.9") == "127.0.0.1"


def test_a_trusted_proxy_sends_the_address_of_the_client(tmp_path):
    options = {"base_url": "https://notes.example", "proxies": TrustedProxies(["10.0.0.5"])}
    assert address_of(tmp_path, "10.0.0.5", "198.51.100.1, 203.0.113.9", **options) == "203.0.113.9"
    assert address_of(tmp_path, "10.0.0.6", "203.0.113.9", **options) == "10.0.0.6"
    assert address_of(tmp_path, "10.0.0.5", None, **options) is None
    assert address_of(tmp_path, "10.0.0.5", "nonsense", **options) is None


def test_behind_a_proxy_a_visitor_cannot_lock_out_others(tmp_path):
    with running(tmp_path, proxies=TrustedProxies(["127.0.0.1"])) as site:
        site.person("jane")
        throttle = site.app.extensions["oauth2.site"].throttle
        for _ in range(OF_NEW_ACCOUNTS):
            throttle.wait(sign_up_limits("203.0.113.9"))
        for _ in range(OF_NAME_HERE):
            throttle.wait(sign_in_limits("jane", "203.0.113.9"))
        account = {"name": "joe", "password": PASSWORD, "again": PASSWORD}
        for address, status in [("203.0.113.9", 429), ("203.0.113.9, 198.51.100.1", 303)]:
            for path, fields in [("/sign-up", account), ("/sign-in", {"name": "jane", "password": PASSWORD})]:
                visitor = site.visitor()
                fields = {**page_of(visitor.get(path)).hidden(path), **fields}
                answer = visitor.send(path, fields, **{"X-Forwarded-For": address})
                assert answer.status_code == status, (path, address)


@pytest.mark.parametrize("limits", [sign_in_limits("jane", None), sign_in_limits("jane", "203.0.113.9")])
def test_a_browser_in_which_the_user_signed_in_is_not_locked_out_by_others(site, jane, limits):
    browser, stranger = site.visitor(), site.visitor()
    assert browser.fill("/sign-in", name="jane", password=PASSWORD).status_code == 303
    browser.send("/sign-out", {"csrf_token": browser.token()})
    throttle = site.app.extensions["oauth2.site"].throttle
    for number in range(OF_NAME):
        throttle.wait(sign_in_limits("jane", f"203.0.{number}.1"))
    assert stranger.fill("/sign-in", name="jane", password=PASSWORD).status_code == 429
    assert browser.fill("/sign-in", name="jane", password=PASSWORD).status_code == 303


def test_a_marked_browser_has_five_guesses_of_its_own_and_for_its_user_alone(site, jane):
    site.person("joe")
    browser = site.visitor()
    browser.fill("/sign-in", name="joe", password=PASSWORD)
    browser.send("/sign-out", {"csrf_token": browser.token()})
    for name in ("joe", "jane"):
        for _ in range(OF_NAME_HERE):
            assert browser.fill("/sign-in", name=name, password="wrong").status_code == 403
        assert browser.fill("/sign-in", name=name, password=PASSWORD).status_code == 429
    # The attempts of other browsers are counted separately.
    assert site.visitor().fill("/sign-in", name="joe", password=PASSWORD).status_code == 303


def test_a_forged_browser_cookie_is_ignored(site, jane):
    browser = site.visitor()
    browser.fill("/sign-in", name="jane", password=PASSWORD)
    cookie = next(cookie for cookie in browser.session.cookies if cookie.name.startswith("browser-"))
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.expires - time.time() > 300 * 24 * 3600
    app = site.app
    for value, found in [(cookie.value, True), (cookie.value[:-1], False), ("", False), ("x.y", False)]:
        with app.test_request_context(headers={"Cookie": f"{cookie.name}={value}"}):
            assert (browser_of("jane") is not None) is found
            assert browser_of("joe") is None


def test_an_ipv6_visitor_has_one_network():
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("192.0.2.2") == "192.0.2.2"
    assert network_of("no address") == "no address"
    assert sign_in_limits("jane", "2001:db8::1") == sign_in_limits("jane", "2001:db8::2")
    assert sign_up_limits("2001:db8::1") == sign_up_limits("2001:db8::2")


def test_without_an_address_attempts_are_counted_by_name_alone():
    assert [limit for _, limit in sign_in_limits("jane", None)] == [OF_NAME]
    assert sign_up_limits(None) == []


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({}, "X-Forwarded-For: 203.0.113.9"),
        ({"trusted_proxy_headers": "x-forwarded-for"}, "X-Forwarded-For: 203.0.113.9"),
        ({"trusted_proxy_headers": "Forwarded"}, "Forwarded: for=203.0.113.9"),
    ],
)
def test_serving_takes_the_address_of_a_proxy(tmp_path, monkeypatch, options, header):
    served = []
    monkeypatch.setattr(serving, "create_app", lambda *args, **given: served.append(given["proxies"]) or _report)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def stop_after(app, **settings):
        server = create_server(app, **settings)
        threading.Thread(target=lambda: served.append(ask(port, ["GET / HTTP/1.1", "Host: h", header])[2])).start()
        while len(served) < 2:
            server.asyncore.loop(timeout=0.05, map=server._map, count=1)
        return SimpleNamespace(run=lambda: None, close=server.close)

    monkeypatch.setattr(serving, "create_server", stop_after)
    serve(tmp_path / "provider.db", port=port, trusted_proxy="127.0.0.1", **options)
    name, _, value = header.partition(": ")
    assert json.loads(served[1])[name.lower()] == value
    assert served[0].client("127.0.0.1", {name.lower(): value}) == "203.0.113.9"


def _report(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [
        json.dumps({name[5:].replace("_", "-").lower(): environ[name] for name in environ if "HTTP_" in name}).encode()
    ]


@pytest.mark.parametrize(
    ("options", "is_said"),
    [
        ({}, False),
        ({"base_url": "https://notes.example"}, True),
        ({"base_url": "https://notes.example", "trusted_proxy": "127.0.0.1"}, False),
    ],
)
def test_serving_behind_an_untrusted_proxy_logs_a_warning(tmp_path, monkeypatch, caplog, options, is_said):
    def create_server(app, **settings):
        assert settings["clear_untrusted_proxy_headers"] is ("trusted_proxy" not in options)
        app.extensions["oauth2.site"].provider.store.close()
        return SimpleNamespace(run=lambda: None, close=lambda: None)

    monkeypatch.setattr(serving, "create_server", create_server)
    serve(tmp_path / "provider.db", port=0, **options)
    assert ("trusted_proxy" in caplog.text) is is_said


def test_serving_refuses_an_invalid_proxy(tmp_path):
    for options, said in [
        ({"trusted_proxy": "proxy.example"}, "trusted_proxy: must be"),
        ({"trusted_proxy": "127.0.0.1", "trusted_proxy_headers": "x-real-ip"}, "trusted_proxy_headers: must be"),
    ]:
        with pytest.raises(CannotServe, match=said):
            serve(tmp_path / "provider.db", port=0, **options)
