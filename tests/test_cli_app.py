"""The command as a whole: how it starts, what it says when it cannot, and how it completes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import Command

import oauth2
from oauth2.cli.app import _COMMANDS
from oauth2.cli.redact import redacted_header, redacted_text, redacted_url
from oauth2.cli.terminal import one_line, printable

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
def test_without_the_extra_one_line_says_what_to_install(names):
    code = WITHOUT.format(names=names, arguments=["sign"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    said = f"error: the oauth2 command needs {', '.join(names)}; do: python -m pip install 'oauth2[cli]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


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


@pytest.mark.parametrize("name", [*_COMMANDS, "token list", "token show", "token add", "token delete", "services show"])
def test_every_command_has_help_that_fits_a_screen(command, name):
    done = command(*name.split(), "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: oauth2 {name} ")
    assert max(map(len, done.out.splitlines())) <= 80


def completed(command, shell, words, incomplete):
    """What a shell's own script is told."""
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


def test_completion_says_nothing_where_accounts_cannot_be_read(command):
    (command.folder / "accounts").chmod(0o755)
    assert completed(command, "bash", "token show", "p") == ""


def test_the_provider_is_loaded_only_for_its_commands(command):
    code = "import sys; from oauth2.cli.app import run; run(['serve', '--help']); assert 'flask' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


class Site:
    """In place of the provider, which has tests of its own."""

    class CannotServe(RuntimeError):
        pass

    def __init__(self, error=None):
        self.error = error
        self.asked = None

    def serve(self, database, host, port, *, base_url):
        self.asked = (database, host, port, base_url)
        if self.error:
            raise self.CannotServe(self.error)

    def demo(self):
        return 1


def test_the_provider_is_run_as_the_options_say(command, monkeypatch):
    site = Site()
    monkeypatch.setitem(sys.modules, "oauth2.site", site)
    assert command("serve", "--port", "0", "--database", "a.db", "--base-url", "https://a.example").code == 0
    assert site.asked == ("a.db", "127.0.0.1", 0, "https://a.example")
    assert command("demo").code == 1


def test_a_provider_that_cannot_start_is_one_line(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "oauth2.site", Site("Port 80 cannot be used; port 0 takes a free one"))
    done = command("serve")
    assert (done.code, done.error) == (2, "Port 80 cannot be used; port 0 takes a free one")


@pytest.mark.parametrize("name", ["serve", "demo"])
def test_without_the_provider_s_extra_one_line_says_what_to_install(command, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "flask", None)
    monkeypatch.delitem(sys.modules, "oauth2.site", raising=False)
    done = command(name)
    assert (done.code, "pip install 'oauth2[provider]'" in done.error) == (2, True)


@pytest.mark.parametrize("options", [["--port", "70000"], ["--port", "x"]])
def test_a_port_that_is_none_is_one_line(command, options):
    done = command("serve", *options)
    assert (done.code, "--port" in done.error) == (2, True)


# --- what may be shown ------------------------------------------------------------


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
def test_what_steers_a_terminal_is_escaped(text, shown):
    assert printable(text) == shown
    assert "\n" not in one_line(text)


def test_what_opens_a_door_is_not_shown():
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
