"""The command as a whole: start, failures, and shell completion."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from command import Command, commands
from stopwatch import within

import oauth2
from oauth2.cli.app import _COMMANDS
from oauth2.cli.escape import one_line, printable
from oauth2.cli.redact import redacted_header, redacted_text, redacted_url
from oauth2.provider.diagnoses import Diagnoses

pytestmark = pytest.mark.slow

ROOT = Path(oauth2.__file__).parent.parent
WITHOUT = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {names!r} else found(name, *rest)
sys.argv[1:] = {arguments!r}
import oauth2.__main__ as command
command.main()
"""


@pytest.fixture
def command(tmp_path):
    found = Command(tmp_path / "config")
    found.add("photos", "https://photos.example")
    found.add("printer", "https://printer.example")
    return found


@pytest.mark.parametrize("names", [["click"], ["click", "keyring", "requests", "rich"]])
def test_without_the_extra_an_error_names_the_packages_and_a_hint_installs_them(names):
    code = WITHOUT.format(names=names, arguments=["sign"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    error = f"Error: The oauth2 command needs {', '.join(names)}.\n"
    hint = f"Hint: Run: {sys.executable} -m pip install 'oauth2[cli]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", error + hint)


def test_importing_the_package_does_not_load_the_command():
    code = "import sys, oauth2; assert not {'click', 'rich', 'keyring', 'requests', 'oauth2.cli'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_signing_does_not_wait_for_the_keyring(command):
    code = (
        "import sys; from oauth2.cli.app import run; assert run(sys.argv[1:]) == 0; assert 'keyring' not in sys.modules"
    )
    environment = {**os.environ, **{name: value for name, value in command.environment.items() if value}}
    del environment["OAUTH2_STORE"]
    arguments = [sys.executable, "-c", code, "sign", "https://photos.example/"]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_runs_as_a_module(command):
    assert command.process("--version").out == f"oauth2 {oauth2.__version__}\n"


@pytest.mark.parametrize("module", ["cli.explain", "doctor"])
def test_explaining_a_signature_needs_no_package_of_the_extra(module):
    code = f"import sys, oauth2.{module}; assert not {{'click', 'rich', 'keyring', 'requests'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("name", [*_COMMANDS, "token list", "token show", "token add", "token delete", "services show"])
def test_every_command_has_help_that_fits_a_screen(command, name):
    done = command(*name.split(), "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: oauth2 {name} ")
    assert max(map(len, done.out.splitlines())) <= 80


def completed(command, shell, words, incomplete):
    """The output that a shell's completion script reads."""
    environment = {
        "_OAUTH2_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": f"oauth2 {words} {incomplete}",
        "COMP_CWORD": incomplete if shell == "fish" else str(len(words.split()) + 1),
    }
    return command(**environment).out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(command, shell):
    done = command(_OAUTH2_COMPLETE=f"{shell}_source")
    assert (done.code, done.err) == (0, "")
    assert f"_OAUTH2_COMPLETE={shell}_complete" in done.out


@pytest.mark.parametrize(
    ("words", "incomplete", "found"),
    [
        ("", "ver", ["verify"]),
        ("request --account", "ph", ["photos"]),
        ("token show", "p", ["photos", "printer"]),
        ("login", "disco", ["discogs"]),
        ("services show", "netsu", ["netsuite"]),
        ("sign --placement", "q", ["query"]),
    ],
)
def test_commands_accounts_and_services_are_completed(command, words, incomplete, found):
    assert completed(command, "bash", words, incomplete).split() == [f"plain,{name}" for name in found]


def test_completion_is_empty_if_accounts_cannot_be_read(command):
    (command.folder / "accounts").chmod(0o755)
    assert completed(command, "bash", "token show", "p") == ""


def test_the_provider_is_loaded_only_for_its_commands(command):
    code = "import sys; from oauth2.cli.app import run; run(['serve', '--help']); assert 'flask' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


class Site:
    """Replaces the provider, which other test files test."""

    class CannotServe(RuntimeError):
        def __init__(self, message, hint):
            super().__init__(message)
            self.message = message
            self.hint = hint

    def __init__(self, *error):
        self.error = error
        self.asked = None

    def serve(self, database, host, port, **options):
        self.asked = (database, host, port, options)
        if self.error:
            raise self.CannotServe(*self.error)

    def demo(self):
        return 1


def test_the_provider_is_run_as_the_options_say(command, monkeypatch):
    site = Site()
    monkeypatch.setitem(sys.modules, "oauth2.site", site)
    assert command("serve", "--port", "0", "--database", "a.db", "--base-url", "https://a.example").code == 0
    proxy = {"base_url": "https://a.example", "trusted_proxy": None, "trusted_proxy_headers": "x-forwarded-for"}
    assert site.asked == ("a.db", "127.0.0.1", 0, {**proxy, "store": None, "diagnoses": None})
    assert command("demo").code == 1


def test_the_proxy_that_the_provider_trusts_is_an_option(command, monkeypatch):
    site = Site()
    monkeypatch.setitem(sys.modules, "oauth2.site", site)
    options = ["--trusted-proxy", "10.0.0.0/8", "--trusted-proxy-headers", "Forwarded"]
    assert command("serve", "--base-url", "https://a.example", *options).code == 0
    expected = {"base_url": "https://a.example", "trusted_proxy": "10.0.0.0/8", "trusted_proxy_headers": "forwarded"}
    assert site.asked[3] == {**expected, "store": None, "diagnoses": None}


def test_the_provider_logs_why_it_refuses_requests_if_an_option_says_so(command, monkeypatch):
    site = Site()
    monkeypatch.setitem(sys.modules, "oauth2.site", site)
    assert command("serve", "--diagnose").code == 0
    assert isinstance(site.asked[3]["diagnoses"], Diagnoses)


def test_an_invalid_proxy_is_an_error_that_names_the_option(command, tmp_path):
    database = str(tmp_path / "provider.db")
    done = command("serve", "--port", "0", "--database", database, "--trusted-proxy", "nobody")
    assert (done.code, done.error.startswith("--trusted-proxy: must be ")) == (2, True)
    done = command("serve", "--trusted-proxy-headers", "x-real-ip")
    assert (done.code, "--trusted-proxy-headers" in done.error) == (2, True)


def test_a_provider_that_cannot_start_is_an_error_with_a_hint(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "oauth2.site", Site("Cannot use port 80.", "Choose another port."))
    done = command("serve")
    assert (done.code, done.error, done.hint) == (2, "Cannot use port 80.", "Choose another port.")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["sing"], "oauth2 sign"),
        (["Login"], "oauth2 login"),
        (["tokens"], "oauth2 token"),
        (["add"], "oauth2 token add"),
        (["list"], "oauth2 services list or oauth2 token list"),
        (["token", "ad"], "oauth2 token add"),
        (["token", "remove"], "oauth2 token --help"),
        (["services", "shwo"], "oauth2 services show"),
        (["check"], "oauth2 provider check"),
        (["revoke"], "oauth2 provider grants revoke"),
        (["provider", "add"], "oauth2 provider consumers add"),
        (["provider", "list"], "oauth2 provider consumers list or oauth2 provider grants list"),
        (["provider", "sign"], "oauth2 sign"),
        (["services", "discogs"], "oauth2 services show discogs"),
        (["\x1b[2J"], "oauth2 --help"),
    ],
)
def test_the_hint_for_a_mistyped_command_is_the_right_one(command, words, hint):
    done = command(*words)
    assert (done.code, done.hint) == (2, f"Run: {hint}")


def test_accounts_without_a_command_are_answered_with_help(command):
    done = command("token")
    assert (done.code, done.err) == (0, "")
    assert done.out == command("token", "--help").out


def test_the_error_for_a_mistyped_option_names_the_right_one(command):
    done = command("--vers")
    assert "'--version'" in done.error
    assert done.hint == "Run: oauth2 --help"


VALUED = [
    pytest.param(words, option, id=f"{' '.join(words)} {option}")
    for words, found in commands()
    for each in found.params
    if isinstance(each, click.Option) and not each.is_flag
    for option in each.opts
]


@pytest.mark.parametrize(("words", "option"), VALUED)
def test_the_hint_for_an_option_without_its_value_is_the_help_of_the_command(command, words, option):
    done = command(*words, option)
    assert (done.code, done.hint) == (2, f"Run: oauth2 {' '.join(words)} --help")
    assert repr(option) in done.error


def test_the_provider_s_advice_names_the_option(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "oauth2.site", Site("No base_url.", "Give the https URL as base_url."))
    assert command("serve").failure == "No --base-url. Give the https URL as --base-url."


@pytest.mark.parametrize("name", ["serve", "demo"])
def test_without_the_provider_s_extra_the_hint_installs_it(command, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "flask", None)
    monkeypatch.delitem(sys.modules, "oauth2.site", raising=False)
    done = command(name)
    assert (done.code, f"{sys.executable} -m pip install 'oauth2[provider]'" in done.hint) == (2, True)


@pytest.mark.parametrize("options", [["--port", "70000"], ["--port", "x"]])
def test_an_invalid_port_is_an_error_with_a_hint(command, options):
    done = command("serve", *options)
    assert (done.code, "--port" in done.error) == (2, True)


# --- output without secrets and control characters --------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2J", "a\\x1b[2J"),
        ("\x9b\x7f\0\r", "\\x9b\\x7f\\x00\\x0d"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\u2028\ud800", "\\u2028\\ud800"),
        ("ü 海 👩‍👧\t\n", "ü 海 👩‍👧\t\n"),
    ],
)
def test_characters_that_control_a_terminal_are_escaped(text, shown):
    assert printable(text) == shown
    assert "\n" not in one_line(text)


def test_credentials_are_redacted():
    header = 'OAuth realm="a", oauth_token="t0ken", oauth_signature="s%3D", oauth_consumer_key="k",oauth_verifier=1'
    shown = redacted_header("authorization", header)
    assert not any(each in shown for each in ("t0ken", "s%3D", "=1"))
    assert 'oauth_consumer_key="k"' in shown
    assert redacted_header("Authorization", "Basic abc") == "Basic [redacted]"
    assert redacted_header("Set-Cookie", "a=b") == "[redacted]"
    assert redacted_header("Location", "https://a.example/?oauth_verifier=1&b=c") == (
        "https://a.example/?oauth_verifier=[redacted]&b=c"
    )
    assert redacted_url("https://user:pass@a.example/?x_auth_password=1") == (
        "https://[redacted]@a.example/?x_auth_password=[redacted]"
    )
    assert "abc" not in redacted_text('oauth_token_secret=abc&x {"password": "abc"} secret: abc')


@pytest.mark.parametrize(
    "text",
    [
        "token=abc",
        "the x-auth-token : abc",
        "error: token=abc",
        "{'access_token_secret': 'abc'}",
        'my-Password="abc"',
        "tokens-and-secrets:abc",
        "a=b&SIGNATURE=abc",
        "token: secret=abc",
    ],
)
def test_a_field_that_is_secret_by_its_name_is_not_shown_in_an_error(text):
    assert "abc" not in redacted_text(text)
    assert "[redacted]" in redacted_text(text)


@pytest.mark.parametrize("text", ["oauth_problem=nonce_used", "code: 89, message: sorry", "token secret", "the secret"])
def test_text_that_is_no_secret_is_not_redacted(text):
    assert redacted_text(text) == text


REPEATED = [
    "token",
    "secret-",
    "-",
    "a",
    '"',
    "'",
    " ",
    "token ",
    "token=",
    "x_auth_",
    'oauth_token="',
    "?oauth_token=",
    "&",
]


@pytest.mark.parametrize("repeated", REPEATED)
@pytest.mark.parametrize("start", ["", "token", "x_auth_a", 'OAuth oauth_token="'])
def test_redacting_a_long_text_is_fast(start, repeated):
    text = start + repeated * (100_000 // len(repeated))
    with within(1):
        redacted_text(text)
        redacted_url(f"https://a.example/?{text}")
        redacted_header("Authorization", text)
