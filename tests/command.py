"""Run the ``oauth2`` command: in this process for details, as a process of its own for the main path."""

import os
import subprocess
import sys
from dataclasses import dataclass

from click.testing import CliRunner

from oauth2.cli.app import run

KEY, SECRET = "printer", "s3cret&of%the+printer"
TOKEN, TOKEN_SECRET = "janes-photos-token", "t0ken/secret of jane"
CREDENTIALS = {
    "OAUTH2_CONSUMER_KEY": KEY,
    "OAUTH2_CONSUMER_SECRET": SECRET,
    "OAUTH2_TOKEN": TOKEN,
    "OAUTH2_TOKEN_SECRET": TOKEN_SECRET,
}
AS_FILE = "".join(f"{name}={value}\n" for name, value in CREDENTIALS.items())
LINES = 200  # columns, so that help texts stay on one line


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
        """The one line that an error is."""
        (line,) = self.err.splitlines()
        assert line.startswith("error: ")
        return line.removeprefix("error: ")


class Command:
    """The command with a folder of its own for accounts."""

    def __init__(self, folder, **environment):
        self.folder = folder
        self.environment = {
            "OAUTH2_CONFIG_DIR": str(folder),
            "OAUTH2_STORE": "file",
            **dict.fromkeys([*CREDENTIALS, "OAUTH2_KEY_PASSWORD", "NO_COLOR"]),
            **environment,
        }

    def __call__(self, *arguments, given="", **environment):
        """Run it in this process."""
        outputs = CliRunner().isolation(input=given, env={**self.environment, **environment})
        with outputs as streams:
            try:
                code = run([str(argument) for argument in arguments])
            except SystemExit as exc:  # how completion ends
                code = exc.code
            sys.stdout.flush()
            out, err = streams[0].getvalue(), streams[1].getvalue()
        return Done(code, out.decode("utf-8", "replace"), err.decode(), out)

    def start(self, *arguments, **options):
        """Start it as a process of its own."""
        environment = {**os.environ, **self.environment, **options.pop("environment", {})}
        command = [sys.executable, "-W", "error", "-m", "oauth2", *map(str, arguments)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        kept = {name: value for name, value in environment.items() if value is not None}
        return subprocess.Popen(command, env=kept, **pipes)

    def process(self, *arguments, given=b"", **options):
        """Run it as a process of its own."""
        with self.start(*arguments, **options) as process:
            out, err = process.communicate(given, timeout=30)
        return Done(process.returncode, out.decode("utf-8", "replace"), err.decode(), out)

    def add(self, name, *urls, given=AS_FILE, **how):
        """Keep an account."""
        options = [part for url in urls for part in ("--url", url)]
        options += [part for key, value in how.items() for part in (f"--{key.replace('_', '-')}", value)]
        done = self("token", "add", name, "--credentials", "-", *options, given=given)
        assert done.code == 0, done.err
        return done
