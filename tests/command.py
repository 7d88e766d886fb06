"""Run the ``oauth2`` command: in this process to test details, in a separate process to test the main path."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass

import click
from click.testing import CliRunner

from oauth2.cli.app import oauth2, run

KEY, SECRET = "printer", "s3cret&of%the+printer"
TOKEN, TOKEN_SECRET = "janes-photos-token", "t0ken/secret of jane"
CREDENTIALS = {
    "OAUTH2_CONSUMER_KEY": KEY,
    "OAUTH2_CONSUMER_SECRET": SECRET,
    "OAUTH2_TOKEN": TOKEN,
    "OAUTH2_TOKEN_SECRET": TOKEN_SECRET,
}
AS_FILE = "".join(f"{name}={value}\n" for name, value in CREDENTIALS.items())
LINES = 200  # width of the terminal in columns, so that each help text fits on one line


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str
    raw: bytes = b""

    @property
    def all(self):
        return self.out + self.err

    @property
    def error(self):
        """The text of the ``Error:`` line. Only the ``Hint:`` line may follow it."""
        return self._failure()[0]

    @property
    def hint(self):
        return self._failure()[1]

    @property
    def failure(self):
        """Both texts, separated by a space."""
        return " ".join(self._failure())

    def _failure(self):
        error, hint = self.err.splitlines()
        assert error.startswith("Error: ")
        assert hint.startswith("Hint: ")
        return error.removeprefix("Error: "), hint.removeprefix("Hint: ")


class Command:
    """The command with a separate folder for accounts."""

    def __init__(self, folder, **environment):
        self.folder = folder
        self.environment = {
            "OAUTH2_CONFIG_DIR": str(folder),
            "OAUTH2_STORE": "file",
            **dict.fromkeys([*CREDENTIALS, "OAUTH2_KEY_PASSWORD", "NO_COLOR"]),
            **environment,
        }

    def __call__(self, *arguments, given="", **environment):
        """Run the command in this process."""
        outputs = CliRunner().isolation(input=given, env={**self.environment, **environment})
        with outputs as streams:
            try:
                code = run([str(argument) for argument in arguments])
            except SystemExit as exc:  # Shell completion raises SystemExit at its end.
                code = exc.code
            sys.stdout.flush()
            out, err = streams[0].getvalue(), streams[1].getvalue()
        return Done(code, out.decode("utf-8", "replace"), err.decode(), out)

    def start(self, *arguments, **options):
        """Start the command as a separate process."""
        environment = {**os.environ, **self.environment, **options.pop("environment", {})}
        command = [sys.executable, "-W", "error", "-m", "oauth2", *map(str, arguments)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        kept = {name: value for name, value in environment.items() if value is not None}
        return subprocess.Popen(command, env=kept, **pipes)

    def process(self, *arguments, given=b"", **options):
        """Run the command as a separate process."""
        with self.start(*arguments, **options) as process:
            out, err = process.communicate(given, timeout=30)
        return Done(process.returncode, out.decode("utf-8", "replace"), err.decode(), out)

    def add(self, name, *urls, given=AS_FILE, **how):
        """Store an account."""
        options = [part for url in urls for part in ("--url", url)]
        options += [part for key, value in how.items() for part in (f"--{key.replace('_', '-')}", value)]
        done = self("token", "add", name, "--credentials", "-", *options, given=given)
        assert done.code == 0, done.err
        return done


def commands(group=oauth2, words=()):
    """Yield each command: its name, as a list of words, and its object."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        yield [*words, name], found
        if isinstance(found, click.Group):
            yield from commands(found, [*words, name])


def read_all(handle, process, answers=b""):
    """Return the output of *process* at a terminal; type *answers* when the output ends with a question."""
    seen = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            chunk = os.read(handle, 65536)
        except OSError:  # On Linux, this error means that the other end is closed.
            break
        if not chunk:
            break
        seen += chunk
        if answers and seen.endswith(b": "):
            os.write(handle, answers)
            answers = b""
    process.wait(30)
    os.close(handle)
    return seen


def at_a_terminal(command, *arguments, answers=b"", **environment):
    """The process of a command that ran at a pseudo-terminal, and its output."""
    import pty

    ours, theirs = pty.openpty()
    ends = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with command.start(*arguments, **ends, environment={"TERM": "xterm-256color", **environment}) as process:
        os.close(theirs)
        return process, read_all(ours, process, answers)
