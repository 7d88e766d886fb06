"""``oauth2 login``: a token from a provider that shares no code with us, kept, and then used."""

import json
import os
import socket
import urllib.request
from urllib.parse import parse_qs

import pytest
from command import Command
from loopback import Answer
from oauthlib_provider import CONSUMER, Provider

from oauth2.cli.vault import InFile, Vault
from oauth2.parameters import parse_form

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
    """Log in as a person does who opens the page that the command names."""
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
def test_a_token_is_got_kept_and_used(command, provider, options):
    code, out, err = log_in(command, provider, *options)
    assert code == 0, err
    assert out.startswith("Kept as photos, in ")
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
        assert "OAUTH2_CONSUMER_KEY" in done.error


def test_a_credentials_file_brings_the_consumer(command, provider, tmp_path):
    path = tmp_path / "consumer"
    path.write_text("".join(f"{name}={value}\n" for name, value in CREDENTIALS.items()))
    assert log_in(Command(command.folder), provider, "--credentials", path)[0] == 0


def test_without_a_name_it_is_kept_under_the_host(command, provider):
    approve_at_once(provider)
    done = command("login", *urls(provider), "--callback", "oob", "--no-browser", given="123\n")
    host = provider.loopback.origin.removeprefix("http://").replace(":", "-")
    assert done.code == 0, done.err
    assert done.out.startswith(f"Kept as {host}, in ")


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
    (401, {}, b"oauth_problem=timestamp_refused", 1, "set the clock"),
    (401, {}, b"oauth_problem=consumer_key_unknown", 1, "check the consumer key"),
    (403, {}, b"no: \x1b[2J oauth_token_secret=abc123def", 1, "the service answered 403"),
    (200, {}, b"oauth_token=a&oauth_token_secret=b", 1, "oauth_callback_confirmed"),
    (200, {}, b"<html>", 1, "check the URLs"),
    (302, {"Location": "https://elsewhere.example/"}, b"", 1, "302"),
]


@pytest.mark.parametrize(("status", "headers", "body", "code", "said"), REFUSALS)
def test_a_refusal_is_one_line(command, provider, status, headers, body, code, said):
    provider.loopback.routes["/temporary"] = Answer(status, headers, body)
    done = command("login", *urls(provider), "--no-browser")
    assert (done.code, done.out) == (code, "")
    assert said in done.error
    assert "\x1b" not in done.err
    assert "abc123def" not in done.err


def test_nothing_is_got_that_could_not_be_kept(command, provider):
    command.add("maps")
    (command.folder / "accounts").chmod(0o755)
    done = command("login", *urls(provider), "--no-browser")
    assert (done.code, provider.loopback.requests) == (3, [])
    assert "chmod 700" in done.error


def test_a_person_who_denies_is_one_line(command, provider):
    approve_at_once(provider)
    with command.start("login", *urls(provider), "--no-browser") as process:
        process.stderr.readline()
        callback = provider.loopback.last.request()["oauth_callback"]
        with urllib.request.urlopen(f"{callback}?oauth_token=temporary&oauth_problem=user_refused", timeout=10):
            pass
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.decode().startswith("error: the service says that you denied it; do ")


def test_nobody_who_approves_is_one_line(command, provider):
    done = command("login", *urls(provider), "--no-browser", "--timeout", "0.1")
    assert done.code == 4
    assert done.err.splitlines()[-1].startswith("error: Nobody approved within 0.1 seconds; do ")


def test_a_service_that_is_not_there_is_one_line(command):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        origin = f"http://127.0.0.1:{closed.getsockname()[1]}"
    done = command("login", f"{origin}/1", f"{origin}/2", f"{origin}/3", "--no-browser")
    assert (done.code, "Connection refused" in done.error) == (4, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument"),
        (["nowhere"], "no service of this name"),
        (["discog"], "did you mean discogs"),
        (["netsuite"], "account= wanted"),
        (["netsuite", "--set", "account"], "is not NAME=VALUE"),
        (["netsuite", "--set", "colour=red"], "account="),
        (["https://a.example"], "a service, or three URLs"),
        (["http://a.example/1", "http://a.example/2", "http://a.example/3"], "https wanted"),
        (["a", "b", "c"], "URL"),
        (["bricklink"], "no endpoints to get a token at"),
        (["discogs", "-a", "../x"], "cannot name an account"),
        (["discogs", "--callback", "https://elsewhere.example/"], "callback"),
    ],
)
def test_a_mistake_is_one_line(command, arguments, said):
    done = command("login", *arguments)
    assert done.code == 2
    assert said in done.error


def test_without_a_terminal_the_consumer_is_not_asked_for(command, provider):
    done = Command(command.folder)("login", *urls(provider))
    assert (done.code, provider.loopback.requests) == (3, [])
    assert "--credentials" in done.error


def test_the_browser_is_opened_unless_it_shall_not_be(command, provider, tmp_path):
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


def test_a_password_is_given_for_a_token_where_that_is_wanted(command, provider):
    approve_at_once(provider)
    options = ["--user", "jane", "--account", "photos"]
    done = command("login", *urls(provider), *options, OAUTH2_PASSWORD="pa55 word")
    assert (done.code, done.err) == (0, "")
    sent = dict(parse_form(provider.loopback.last.body))
    assert (sent["x_auth_username"], sent["x_auth_password"]) == ("jane", "pa55 word")
    done = command("login", *urls(provider), *options)
    assert (done.code, done.error) == (
        3,
        "the password is missing, and there is no terminal to ask at; do set OAUTH2_PASSWORD",
    )


# --- services ---------------------------------------------------------------------


def test_services_are_listed_and_shown(command):
    listed = command("services")
    assert "\ndiscogs " in listed.out
    assert listed.out == command("services", "list").out
    shown = command("services", "show", "netsuite")
    assert "{account_host}.restlets.api.netsuite.com" in shown.out
    assert json.loads(command("services", "show", "netsuite", "--json").out)["placeholders"] == ["account"]
    assert "netsuite" in [each["service"] for each in json.loads(command("services", "list", "--json").out)]


def test_a_service_s_profile_says_how_to_sign(command):
    text = "".join(f"{name}={value}\n" for name, value in CREDENTIALS.items())
    options = ["--service", "netsuite", "--set", "account=1234567-sb1", "--url", "https://1234567-sb1.example"]
    assert command("token", "add", "erp", "--credentials", "-", *options, given=text).code == 0
    done = Command(command.folder)("sign", "https://1234567-sb1.example/rest")
    assert done.out.startswith('Authorization: OAuth realm="1234567_SB1", ')
    assert 'oauth_signature_method="HMAC-SHA256"' in done.out
    assert "oauth_body_hash" not in done.out
