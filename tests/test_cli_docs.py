"""The output in docs/command.md is the real output: the tests type each command of the page at a terminal."""

import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from oauthlib_provider import CONSUMER, Provider

pytestmark = pytest.mark.slow

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals")

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
ANSWERS = {
    "Consumer key: ": CONSUMER.key,
    "Consumer secret: ": CONSUMER.secret,
    "Remove Label printer and its grants? [y/N]: ": "y",
}
ANSWERS_OF_PRINTER = {
    "Consumer key: ": "printer",
    "Consumer secret: ": "printer-secret",
    "New consumer secret: ": "printer-secret",
    "Token (empty for none): ": "janes-photos",
    "Token secret: ": "token-secret",
}
OPEN = re.compile(r"Open this page to approve: (\S+)\r\n")
WRONG = "OAUTH2_CONSUMER_KEY=printer\nOAUTH2_CONSUMER_SECRET=wrong\nOAUTH2_TOKEN=janes-photos\nOAUTH2_TOKEN_SECRET=x\n"


def steps(block):
    """Return pairs of a command and its output."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)
    assert parts[0] == ""
    return list(zip(parts[1::2], parts[2::2], strict=True))


def typed(command, environment, folder, answers):
    """Return the output of *command* at a terminal; answer its questions, and approve at the service."""
    ours, theirs = pty.openpty()
    shell = ["/bin/sh", "-c", command]
    with subprocess.Popen(shell, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment) as process:
        os.close(theirs)
        screen, opened = "", False
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # On Linux, this error means that the other end is closed.
                break
            if not piece:
                break
            screen += piece.decode()
            for question, answer in answers.items():
                if screen.endswith(question):
                    os.write(ours, f"{answer}\n".encode())
            if not opened and (found := OPEN.search(screen)):
                opened = True
                with urllib.request.urlopen(found[1], timeout=10) as page:
                    page.read()
        process.wait(30)
    os.close(ours)
    return screen.replace("\r\n", "\n")


def matches(shown, screen):
    """Return whether *screen* matches *shown*, the text of the page. "..." in *shown* matches any text."""
    pattern = ".*?".join(re.escape(part) for part in "\n".join(map(str.rstrip, shown.splitlines())).split("..."))
    return re.fullmatch(pattern, "\n".join(map(str.rstrip, screen.splitlines())), re.DOTALL)


@pytest.fixture(scope="module")
def example_server(tmp_path_factory):
    nonces = tmp_path_factory.mktemp("example") / "nonces.db"
    command = [sys.executable, ROOT / "example" / "server.py", "--port=0", f"--nonces={nonces}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().split()[1].removesuffix("/photos")
        process.terminate()


def environment_in(folder):
    (folder / "bin").mkdir()
    (folder / "bin" / "oauth2").write_text(f'#!/bin/sh\nexec "{sys.executable}" -W error -m oauth2 "$@"\n')
    (folder / "bin" / "oauth2").chmod(0o755)
    (folder / "wrong").write_text(WRONG)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OAUTH2_", "PYTEST"))}
    return {
        **kept,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
        "PYTHON_KEYRING_BACKEND": "keyring_in_a_file.Keyring",
        "KEYRING_FILE": str(folder / "keyring.json"),
        "OAUTH2_CONFIG_DIR": str(folder / "config"),
        "NO_COLOR": "1",
        "TERM": "xterm",
        "BROWSER": "true",
        "COLUMNS": "80",
    }


def test_the_page_shows_what_the_screen_shows(tmp_path, example_server):
    environment = environment_in(tmp_path)
    screens = ""
    with Provider() as provider:
        places = [("https://photos.example.net", provider.loopback.origin), ("127.0.0.1:8080", example_server[7:])]
        for block in BLOCKS:
            for command, shown in steps(block):
                line = command
                for said, real in places:
                    line = line.replace(said, real)
                answers = ANSWERS_OF_PRINTER if "token add" in line or "token set" in line else ANSWERS
                screen = typed(line, environment, tmp_path, answers)
                for said, real in places:
                    screen = screen.replace(real, said)
                screens += screen
                assert matches(shown, screen), f"$ {command}\n{screen}"
    assert not any(secret in screens for secret in (CONSUMER.secret, "printer-secret", "token-secret"))


def test_the_page_knows_every_command():
    names = "login request sign verify doctor services token keygen check-migration provider serve demo"
    for name in names.split():
        assert f"`oauth2 {name}`" in PAGE
