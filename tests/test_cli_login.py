"""``oauth2 login``: get a token from a provider built on oauthlib, store it, and use it."""

import json
import os
import re
import socket
import sys
import urllib.request
from urllib.parse import parse_qs, quote

import pytest
from command import Command, at_a_terminal
from loopback import Answer
from oauthlib_provider import CONSUMER, Provider
from site_server import Site

from oauth2.cli.keeping import InFile
from oauth2.cli.vault import Vault
from oauth2.parameters import parse_form

pytestmark = pytest.mark.slow

CREDENTIALS = {"OAUTH2_CONSUMER_KEY": CONSUMER.key, "OAUTH2_CONSUMER_SECRET": CONSUMER.secret}


@pytest.fixture
def provider():
    with Provider() as found:
        yield found


@pytest.fixture
def command(tmp_path):
    return Command(tmp_path / "config", **CREDENTIALS)


def urls(provider):
    where = provider.endpoints
    return [where.temporary, where.authorize, where.token]


def secrets(provider):
    return [CONSUMER.secret, *[token["oauth_token_secret"] for token in provider.memory.tokens.values()]]


def log_in(command, provider, *options):
    """Log in as a user who opens the page that the command prints."""
    arguments = ["login", *urls(provider), "--account", "photos", "--no-browser", *options]
    with command.start(*arguments) as process:
        line = process.stderr.readline().decode()
        page = line.removeprefix("Open this page to approve: ").strip()
        assert page.startswith(f"{provider.endpoints.authorize}?oauth_token="), line
        with urllib.request.urlopen(page, timeout=10) as answer:
            answer.read()
        code = f"{provider.pin}\n".encode() if provider.pin else None
        out, err = process.communicate(code, timeout=30)
    return process.returncode, out.decode(), line + err.decode()


@pytest.mark.parametrize("options", [(), ("--callback", "oob"), ("--signature-method", "HMAC-SHA256")])
def test_a_token_is_requested_saved_and_used(command, provider, options):
    code, out, err = log_in(command, provider, *options)
    assert code == 0, err
    assert out.startswith("Saved the account photos in ")
    shown = out + err
    assert not any(secret in shown for secret in secrets(provider))
    kept = Vault(command.folder / "accounts", InFile()).load("photos")
    assert kept.token_secret == provider.memory.tokens[kept.token]["oauth_token_secret"]
    assert kept.parameters["screen_name"] == "jane & co"
    assert kept.origins == (provider.loopback.origin,)
    done = Command(command.folder).process("request", f"{provider.loopback.origin}/photos", "--fail")
    assert done.code == 0, done.err


def test_logging_in_again_needs_no_consumer_again(command, provider):
    assert log_in(command, provider)[0] == 0
    first = Vault(command.folder / "accounts", InFile()).load("photos").token
    assert log_in(Command(command.folder), provider)[0] == 0
    kept = Vault(command.folder / "accounts", InFile()).load("photos")
    assert kept.token != first
    assert kept.consumer_secret == CONSUMER.secret


def test_a_consumer_s_secret_goes_to_no_other_service(command, provider):
    assert log_in(command, provider)[0] == 0
    with Provider() as other:
        done = Command(command.folder)("login", *urls(other), "--account", "photos", "--no-browser")
        assert (done.code, other.loopback.requests) == (3, [])
        assert "OAUTH2_CONSUMER_KEY" in done.hint


def test_a_credentials_file_brings_the_consumer(command, provider, tmp_path):
    path = tmp_path / "consumer"
    path.write_text("".join(f"{name}={value}\n" for name, value in CREDENTIALS.items()))
    assert log_in(Command(command.folder), provider, "--credentials", path)[0] == 0


def test_without_a_name_it_is_kept_under_the_host(command, provider):
    approve_at_once(provider)
    done = command("login", *urls(provider), "--callback", "oob", "--no-browser", given="123\n")
    host = provider.loopback.origin.removeprefix("http://").replace(":", "-")
    assert done.code == 0, done.err
    assert done.out.startswith(f"Saved the account {host} in ")


def approve_at_once(provider):
    answer = Answer(body=b"oauth_token=temporary&oauth_token_secret=s3&oauth_callback_confirmed=true")
    provider.loopback.routes["/temporary"] = answer
    provider.loopback.routes["/token"] = Answer(body=b"oauth_token=token-of-jane&oauth_token_secret=s3cr3t-of-token")


def test_parameters_reach_the_authorization_page(command, provider):
    approve_at_once(provider)
    options = ["--callback", "oob", "--no-browser", "--parameter", "name=My app", "--parameter", "expiration=never"]
    done = command("login", *urls(provider), *options, given="123\n")
    page = next(line for line in done.err.splitlines() if "Open this page" in line).rpartition(": ")[2]
    assert parse_form(page.partition("?")[2])[1:] == [("name", "My app"), ("expiration", "never")]
    assert parse_qs(page)["name"] == ["My app"]


def test_more_urls_are_for_the_account_too(command, provider):
    approve_at_once(provider)
    options = ["--callback", "oob", "--no-browser", "--url", "https://api.example/v1"]
    assert command("login", *urls(provider), *options, "-a", "photos", given="123\n").code == 0
    (account,) = json.loads(command("token", "list", "--json").out)
    assert account["used_for"] == [provider.loopback.origin, "https://api.example"]


REFUSALS = [
    (401, {}, b"oauth_problem=timestamp_refused", 1, "Set the clock"),
    (401, {}, b"oauth_problem=consumer_key_unknown", 1, "Check the consumer key"),
    (403, {}, b"no: \x1b[2J oauth_token_secret=abc123def", 1, "The service answered 403"),
    (200, {}, b"oauth_token=a&oauth_token_secret=b", 1, "oauth_callback_confirmed"),
    (200, {}, b"<html>", 1, "Check the URLs"),
    (302, {"Location": "https://elsewhere.example/"}, b"", 1, "302"),
    (500, {}, b"Callback URL is invalid", 1, "answered 500: Callback URL is invalid. Give the registered callback"),
    (
        401,
        {},
        b"Signature method is invalid",
        1,
        "Signature method is invalid. Choose another method with --signature-m",
    ),
    (401, {}, b"The signature is invalid", 1, "is invalid. Check both secrets"),
    (400, {}, b"bad &quot;timestamp&quot;", 1, 'answered 400: bad "timestamp". Set the clock'),
    (400, {}, b"unknown consumer", 1, "Check the consumer key"),
    (403, {}, b'{"code": 7, "error": {"message": "Bad nonce."}}', 1, "answered 403: Bad nonce. Run the command again"),
    (
        403,
        {},
        b'{"code": 7, "why": "Not today; come back"}',
        1,
        "answered 403: Not today; come back. Check the URLs",
    ),
    (403, {}, b'["a", {"error": ' + b"[" * 300, 1, 'answered 403: ["a", {"error": [[['),
    (403, {}, b"[1, 2]", 1, "answered 403. Check the URLs"),
    (
        403,
        {},
        b"<!doctype html><head><title>t</title></head><style>p {x: y}</style><p>No <b>entry</b> &amp; no\nexit",
        1,
        "answered 403: No entry & no exit. Check",
    ),
    (
        401,
        {},
        b"oauth_problem=signature_invalid&oauth_problem_advice=Look+twice",
        1,
        "(signature_invalid): Look twice. Check both secrets",
    ),
    (503, {}, b"", 1, "answered 503. Try again later"),
    (
        400,
        {},
        b"oauth_problem=parameter_rejected&oauth_problem_advice=unknown+callback",
        1,
        " Give the registered callback",
    ),
    (400, {}, b"oauth_problem=parameter_rejected", 1, " Compare the request"),
]


@pytest.mark.parametrize(("status", "headers", "body", "code", "said"), REFUSALS)
def test_a_refusal_is_an_error_with_a_hint(command, provider, status, headers, body, code, said):
    provider.loopback.routes["/temporary"] = Answer(status, headers, body)
    done = command("login", *urls(provider), "--no-browser")
    assert (done.code, done.out) == (code, "")
    assert said in done.failure
    assert "\x1b" not in done.err
    assert "abc123def" not in done.err


@pytest.mark.parametrize("written", [lambda text: text, quote])
def test_the_base_string_of_the_service_is_shown_and_compared(command, provider, written):
    made = "POST&http%3A%2F%2F127.0.0.1%2Ftemporary&oauth_nonce%3D" + "n" * 600 + "%26oauth_consumer_key%3Dk"
    body = f"oauth_problem=signature_invalid&oauth_problem_advice=Base+string+{written(made)}".encode()
    provider.loopback.routes["/temporary"] = Answer(401, {}, body)
    done = command("login", *urls(provider), "--no-browser")
    lines = done.err.splitlines()
    assert lines[0] == f"The service computed this base string: {made}"
    assert lines[1].startswith("This command signed this base string:  POST&http%3A%2F%2F127.0.0.1%3A")
    assert lines[2].startswith("The first difference is at character ")
    assert lines[-2].startswith("Error: The service answered 401 (signature_invalid)")
    assert "abc123def" not in done.err


def test_a_callback_port_in_use_is_an_error_that_says_so(command, provider):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        callback = f"http://127.0.0.1:{busy.getsockname()[1]}/ready"
        done = command("login", *urls(provider), "--no-browser", "--callback", callback)
    assert (done.code, provider.loopback.requests) == (2, [])
    assert done.error == "Cannot listen on the port of the callback: Address already in use."


def test_an_unknown_host_is_an_error_that_says_so(command):
    where = "https://photos.invalid"
    done = command("login", f"{where}/1", f"{where}/2", f"{where}/3", "--no-browser")
    assert (done.code, "unknown host name" in done.error) == (4, True)


def test_no_token_is_requested_if_it_could_not_be_saved(command, provider):
    command.add("maps")
    (command.folder / "accounts").chmod(0o755)
    done = command("login", *urls(provider), "--no-browser")
    assert (done.code, provider.loopback.requests) == (3, [])
    assert "chmod 700" in done.hint


def test_a_person_who_denies_is_an_error_with_a_hint(command, provider):
    approve_at_once(provider)
    with command.start("login", *urls(provider), "--no-browser") as process:
        process.stderr.readline()
        callback = provider.loopback.last.request()["oauth_callback"]
        with urllib.request.urlopen(f"{callback}?oauth_token=temporary&oauth_problem=user_refused", timeout=10):
            pass
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.decode().startswith("Error: The service reports that you denied the access.\nHint: ")


def test_a_login_without_approval_is_an_error_with_a_hint(command, provider):
    done = command("login", *urls(provider), "--no-browser", "--timeout", "0.1")
    assert done.code == 4
    assert done.err.splitlines()[-2].startswith("Error: ")
    assert "within 0.1 seconds" in done.err.splitlines()[-2]


def test_a_service_that_is_not_there_is_an_error_with_a_hint(command):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        origin = f"http://127.0.0.1:{closed.getsockname()[1]}"
    done = command("login", f"{origin}/1", f"{origin}/2", f"{origin}/3", "--no-browser")
    assert (done.code, "Connection refused" in done.error) == (4, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument"),
        (["nowhere"], "o service has this name"),
        (["discog"], "did you mean discogs"),
        (["netsuite"], "Give --set account=..."),
        (["netsuite", "--set", "account"], "Not of the form NAME=VALUE"),
        (["netsuite", "--set", "colour=red"], "account="),
        (["https://a.example"], "a service or three URLs"),
        (["http://a.example/1", "http://a.example/2", "http://a.example/3"], "must be an https URL"),
        (["a", "b", "c"], "URL"),
        (["bricklink"], "no endpoints that issue tokens"),
        (["discogs", "-a", "../x"], "Not a valid name of an account"),
        (["discogs", "--callback", "https://elsewhere.example/"], "callback"),
    ],
)
def test_a_mistake_is_an_error_with_a_hint(command, arguments, said):
    done = command("login", *arguments)
    assert done.code == 2
    assert said in done.failure


def test_without_a_terminal_the_consumer_is_not_asked_for(command, provider):
    done = Command(command.folder)("login", *urls(provider))
    assert (done.code, provider.loopback.requests) == (3, [])
    assert "--credentials" in done.hint


def test_the_browser_is_opened_unless_an_option_forbids_it(command, provider, tmp_path):
    approve_at_once(provider)
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    script.chmod(0o755)
    environment = {"BROWSER": f"{script} %s"}
    options = ["--callback", "oob", "-a", "photos"]
    done = command.process("login", *urls(provider), *options, given=b"123\n", environment=environment)
    assert done.code == 0, done.err
    assert (tmp_path / "opened").read_text().startswith(f"{provider.endpoints.authorize}?oauth_token=temporary")
    os.unlink(tmp_path / "opened")
    command.process("login", *urls(provider), *options, "--no-browser", given=b"1\n", environment=environment)
    assert not (tmp_path / "opened").exists()


def test_a_password_is_exchanged_for_a_token_with_the_option_user(command, provider):
    approve_at_once(provider)
    options = ["--user", "jane", "--account", "photos"]
    done = command("login", *urls(provider), *options, OAUTH2_PASSWORD="pa55 word")
    assert (done.code, done.err) == (0, "")
    sent = dict(parse_form(provider.loopback.last.body))
    assert (sent["x_auth_username"], sent["x_auth_password"]) == ("jane", "pa55 word")
    done = command("login", *urls(provider), *options)
    assert (done.code, done.failure) == (
        3,
        "There is no password, and without a terminal the command cannot ask for it. Set OAUTH2_PASSWORD.",
    )


# --- the code that a user types -------------------------------------------------


def refuse_codes(provider, *answers):
    """Let the token endpoint send *answers* first; return the list of verifiers that the endpoint receives."""
    approve_at_once(provider)
    granted, sent, left = provider.loopback.routes["/token"], [], list(answers)

    def answer(received):
        sent.append(received.request()["oauth_verifier"])
        return left.pop(0) if left else granted

    provider.loopback.routes["/token"] = answer
    return sent


WRONG_CODE = Answer(401, {"WWW-Authenticate": 'OAuth realm="x", oauth_problem="verifier_invalid"'}, b"")


def test_a_code_is_sent_without_the_spaces_that_the_page_shows(command, provider):
    sent = refuse_codes(provider)
    assert command("login", *urls(provider), "--callback", "oob", "--no-browser", given=" b9qf6 z8tkw pm6\n").code == 0
    assert sent == ["b9qf6z8tkwpm6"]


@pytest.mark.parametrize("wrong", [WRONG_CODE, Answer(401, {}, b"Invalid verifier.")])
def test_a_mistyped_code_is_asked_for_again(command, provider, wrong):
    sent = refuse_codes(provider, wrong, wrong)
    done = command("login", *urls(provider), "--callback", "oob", "--no-browser", given="1\n2\n \n3\n")
    assert (done.code, sent) == (0, ["1", "2", "3"])
    assert done.err.count("type it again") == 2


def test_a_code_is_not_asked_for_again_if_the_service_accepts_no_more(command, provider):
    spent = Answer(401, {}, b"oauth_problem=token_rejected")
    sent = refuse_codes(provider, WRONG_CODE, spent)
    done = command("login", *urls(provider), "--callback", "oob", "--no-browser", given="1\n2\n3\n")
    assert (done.code, sent) == (1, ["1", "2"])
    assert done.err.splitlines()[-2:] == [
        "Error: The service answered 401 (token_rejected).",
        "Hint: Get a new token. Run: oauth2 login",
    ]


@pytest.mark.parametrize("given", ["1\n", "1\n" * 9])
def test_the_last_wrong_code_has_a_hint_of_its_own(command, provider, given):
    sent = refuse_codes(provider, *[WRONG_CODE] * 9)
    done = command("login", *urls(provider), "--callback", "oob", "--no-browser", given=given)
    assert (done.code, len(sent)) == (1, min(given.count("1"), 5))
    assert done.err.splitlines()[-1].endswith("Log in again, and type the code exactly as the page shows it.")


@pytest.mark.parametrize("given", ["", "\n", " \n"])
def test_no_code_is_an_error_with_a_hint(command, provider, given):
    sent = refuse_codes(provider)
    done = command("login", *urls(provider), "--callback", "oob", "--no-browser", given=given)
    assert (done.code, sent) == (3, [])
    assert done.err.splitlines()[-2:] == [
        "Error: No code was given.",
        "Hint: Log in again, and type the code that the page shows.",
    ]


def test_a_code_of_the_reference_provider_is_typed_wrong_and_then_as_its_page_shows_it(tmp_path):
    with Site(tmp_path / "provider.db") as site:
        jane = site.person()
        consumer = site.client(jane, "oob").consumer
        command = Command(tmp_path / "config", OAUTH2_CONSUMER_KEY=consumer.key, OAUTH2_CONSUMER_SECRET=consumer.secret)
        where = [f"{site.listens_at}/oauth/{step}" for step in ("request_token", "authorize", "access_token")]
        with command.start("login", *where, "-a", "notes", "--no-browser", "--callback", "oob") as process:
            page = process.stderr.readline().decode().rpartition(": ")[2].strip()
            answer = jane.fill(page.removeprefix(site.listens_at), decision="allow", realm=["profile"])
            shown = re.search('id="verifier">(.*?)</code>', answer.text)[1]
            code = " ".join(re.findall("<span>(.*?)</span>", shown)).upper()
            _, err = process.communicate(f"wrong\n{code}\n".encode(), timeout=30)
        assert process.returncode == 0, err
        done = Command(command.folder)("request", f"{site.listens_at}/api/me", "--fail")
        assert json.loads(done.out)["user"] == "jane"


# --- services ---------------------------------------------------------------------


def test_services_are_listed_and_shown(command):
    listed = command("services")
    assert "\ndiscogs " in listed.out
    assert listed.out == command("services", "list").out
    assert max(map(len, listed.out.splitlines())) <= 80
    shown = command("services", "show", "netsuite")
    assert "{account_host}.restlets.api.netsuite.com" in shown.out
    assert json.loads(command("services", "show", "netsuite", "--json").out)["placeholders"] == ["account"]
    assert "netsuite" in [each["service"] for each in json.loads(command("services", "list", "--json").out)]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("columns", [60, 80, 300])
def test_the_notes_of_a_service_are_wrapped_at_the_width_of_the_terminal(command, columns):
    plain = command("services", "show", "netsuite").out
    assert "\nnotes " in plain
    process, seen = at_a_terminal(command, "services", "show", "netsuite", COLUMNS=str(columns))
    lines = seen.decode().replace("\r\n", "\n").splitlines()
    assert process.returncode == 0
    assert seen.decode().split() == plain.split()
    # A URL is not wrapped. Name and URL are in one line, even if the line becomes too long.
    assert all(len(line) <= columns or "https://" in line for line in lines)
    assert (len(lines) > len(plain.splitlines())) is (columns < 300)


def test_the_profile_of_a_service_sets_the_options_for_signing(command):
    text = "".join(f"{name}={value}\n" for name, value in CREDENTIALS.items())
    options = ["--service", "netsuite", "--set", "account=1234567-sb1", "--url", "https://1234567-sb1.example"]
    assert command("token", "add", "erp", "--credentials", "-", *options, given=text).code == 0
    done = Command(command.folder)("sign", "https://1234567-sb1.example/rest")
    assert done.out.startswith('Authorization: OAuth realm="1234567_SB1", ')
    assert 'oauth_signature_method="HMAC-SHA256"' in done.out
    assert "oauth_body_hash" not in done.out


def test_a_service_with_placeholders_is_refused_before_credentials_are_saved(command):
    text = "".join(f"{name}={value}\n" for name, value in CREDENTIALS.items())
    done = command("token", "add", "erp", "--service", "netsuite", "--credentials", "-", given=text)
    assert (done.code, "Give --set account=..." in done.hint) == (2, True)
    assert command("token", "list", "--json").out == "[]\n"


def test_an_account_without_what_its_service_needs_is_an_error_with_a_hint(command):
    command.add("erp", "https://erp.example")
    path = command.folder / "accounts" / "erp.json"
    path.write_text(path.read_text().replace('"service": null', '"service": "netsuite"'))
    done = Command(command.folder)("sign", "https://erp.example/")
    assert done.code == 2
    assert done.error == "The service netsuite needs a value for account."
    assert done.hint.startswith("Run: oauth2 token delete erp, then add the account again. Give --set account=... ")


def test_without_a_url_an_account_is_used_for_its_service(command):
    command.add("records", service="discogs")
    (account,) = json.loads(command("token", "list", "--json").out)
    assert account["used_for"] == ["https://api.discogs.com"]
    assert command.add("wiki", service="mediawiki").out.endswith("To use the account, give --account wiki.\n")


def test_oob_is_sent_and_the_browser_is_redirected_to_the_command(command, provider):
    approve_at_once(provider)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    registered = f"http://127.0.0.1:{port}/ready"
    options = ["--no-browser", "--callback", "oob", "--listen", registered]
    with command.start("login", *urls(provider), "-a", "photos", *options) as process:
        process.stderr.readline()
        with urllib.request.urlopen(f"{registered}?oauth_token=temporary&oauth_verifier=v1", timeout=10) as answer:
            answer.read()
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert provider.loopback.arrived("/temporary").request()["oauth_callback"] == "oob"


def test_a_reminder_is_printed_while_the_login_waits(command, provider, monkeypatch):
    monkeypatch.setattr("oauth2._login.listener._PATIENCE", 0.05)
    approve_at_once(provider)
    done = command("login", *urls(provider), "--no-browser", "--timeout", "0.2")
    assert "Still waiting for the browser. If you denied the access, press Ctrl-C" in done.err
