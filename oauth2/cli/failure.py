"""``Failure``: an error of a command, with the message, the hint for the user, and the exit code."""

from __future__ import annotations

import re
import shlex
import sys

__all__ = [
    "CREDENTIALS",
    "INTERRUPTED",
    "REFUSED",
    "UNREACHABLE",
    "USAGE",
    "Failure",
    "UnusableAccount",
    "in_options",
    "missing_package",
    "not_a_url",
    "pip_command",
    "sentence",
    "unreadable",
]

REFUSED = 1
USAGE = 2
CREDENTIALS = 3
UNREACHABLE = 4
INTERRUPTED = 130


class Failure(Exception):  # noqa: N818 - a Failure is the result of a command
    """The command cannot continue. ``app.run`` prints the two texts as an ``Error:`` and a ``Hint:`` line.

    Args:
        message: One sentence about the error, without a secret.
        hint: The instruction for the user.
        code: The exit code.
    """

    def __init__(self, message: str, hint: str, *, code: int = USAGE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


class UnusableAccount(Failure):
    """One account cannot be used. Other accounts can still be used."""


def unreadable(path: str, reason: str | None, *, code: int = USAGE) -> Failure:
    """Return the failure for a file that cannot be read.

    Args:
        path: The path. The caller must escape control characters in the path.
        reason: The operating system's text for the error.
        code: The exit code.
    """
    return Failure(f"Cannot read {path}: {reason}.", "Check the path and its permissions.", code=code)


def not_a_url(url: str) -> Failure:
    """Return the failure for *url*, which is not an http or https URL. The caller must escape control characters."""
    return Failure(f"Not an http or https URL: {url!r}.", "Give a URL such as https://api.example.com/")


def missing_package(name: str, extra: str) -> Failure:
    """Return the failure for a package that is not installed. *extra* is the extra that installs this package."""
    return Failure(f"This command needs {name}.", f"Run: {pip_command(extra)}")


def pip_command(extra: str) -> str:
    """Return the shell command that installs an extra of this package for the running Python."""
    return f"{shlex.quote(sys.executable or 'python')} -m pip install 'oauth2[{extra}]'"


def sentence(text: str) -> str:
    """Return *text*, the message of an error, as one line. Add a full stop if there is no punctuation at the end."""
    line = " ".join(text.split())
    return line if line.endswith((".", "?", "!")) else f"{line}."


#: Each row: a pattern for names of parameters in errors of this package, and the option or text that replaces the
#: match.
_OPTIONS = (
    (r"^(?:uri|name): ", ""),
    (r"[;.]? *(?:Call |call )?names\(\)[^.]*\.?", ""),
    (r"\bpass it to at\(\) or endpoints\(\)", "pass it with --set NAME=VALUE"),
    (r"\bat\(\)", "--set NAME=VALUE"),
    (r"\bSignatureMethod_PLAINTEXT_OVER_HTTP\b(?:\(\))?", "--signature-method PLAINTEXT-OVER-HTTP"),
    (r"^temporary: ", "The URL for temporary credentials: "),
    (r"^authorize: ", "The URL for authorization: "),
    (r"^token: ", "The URL for token credentials: "),
)


def in_options(error: Exception) -> str:
    """Return the text of a ``TypeError`` or ``ValueError`` of this package, with options in place of parameters."""
    text = str(error)
    for pattern, replacement in _OPTIONS:
        text = re.sub(pattern, replacement, text)
    # If a text starts with the name of a parameter or a service, the case of the name must not change.
    return sentence(text if re.match(r"[\w-]+: ", text) else text[:1].upper() + text[1:])
