"""What ends a command early: one line that a person can act on, and an exit code."""

from __future__ import annotations

REFUSED = 1
USAGE = 2
CREDENTIALS = 3
UNREACHABLE = 4
INTERRUPTED = 130


class Failure(Exception):  # noqa: N818 - named for what it is to the person who reads it
    """A command cannot go on.

    Args:
        what: What is wrong, without a secret in it.
        remedy: What to do about it, following "do ".
        code: The exit code.
    """

    def __init__(self, what: str, remedy: str = "", *, code: int = USAGE) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.code = code

    def __str__(self) -> str:
        return f"{self.what}; do {self.remedy}" if self.remedy else self.what


#: What the functions say, and what it is called on the command line.
_WORDS = (
    ("uri: ", ""),
    ("name: ", ""),
    ("; names() lists them", ""),
    ("at() fills in", "--set NAME=VALUE fills in"),
    ("SignatureMethod_PLAINTEXT_OVER_HTTP does", "--signature-method PLAINTEXT-OVER-HTTP does"),
    ("temporary: ", "the URL for temporary credentials: "),
    ("authorize: ", "the URL for authorization: "),
    ("token: ", "the URL for token credentials: "),
    (";", ","),
)


def in_words_of_the_command(error: Exception) -> str:
    """Return what *error*, a mistake in a call, says; options in place of arguments."""
    text = str(error).rstrip(".?")
    for ours, theirs in _WORDS:
        text = text.replace(ours, theirs)
    return text
