"""Read a ``Message`` from text: a curl command, or an HTTP/1.1 request."""

from __future__ import annotations

import re

import click

from .body import read_field
from .escape import one_line
from .failure import Failure, sentence
from .message import Message
from .options import REQUEST_OPTIONS, take_message
from .shell import split_words

__all__ = ["read_curl", "read_http", "read_message"]

_CURL = re.compile(rb"(?:\$ )?curl(?:\.exe)?\s")
_MOST_WORDS = 2_000  # click needs about 0.2 ms for each option, so a command with more words is refused.
# The pattern matches the start of a continuation line of a header field (RFC 9112 section 5.2).
_FOLD = re.compile(r"\r?\n[ \t]+")

# These options of curl do not change the signed request, so they are ignored.
_FLAGS = [
    "-s/--silent", "-S/--show-error", "-v/--verbose", "-i/--include", "-L/--location", "-k/--insecure", "-f/--fail",
    "-g/--globoff", "-#/--progress-bar", "--compressed", "--http1.0", "--http1.1", "--http2", "--http3",
    "--http2-prior-knowledge", "--fail-with-body", "-N/--no-buffer", "--location-trusted", "-O/--remote-name",
    "-J/--remote-header-name", "-4/--ipv4", "-6/--ipv6", "--ssl-no-revoke", "--tlsv1.2", "--tlsv1.3", "--path-as-is",
]  # fmt: skip
_VALUES = [
    "-A/--user-agent", "-b/--cookie", "-e/--referer", "-o/--output", "-m/--max-time", "-x/--proxy", "--cacert",
    "--connect-timeout", "--retry", "-u/--user", "-w/--write-out", "-c/--cookie-jar", "-D/--dump-header", "-E/--cert",
    "--key", "--resolve", "--connect-to", "--limit-rate", "--max-redirs", "--noproxy", "--proto",
]  # fmt: skip


def read_message(text: bytes, scheme: str = "https") -> Message:
    """Return the request in *text*, which is a curl command or an HTTP/1.1 request.

    Args:
        text: The content of a file or a pipe.
        scheme: The scheme of the URL. An HTTP request in text does not contain the scheme.

    Raises:
        Failure: The text is neither a curl command nor an HTTP request, or is malformed.
    """
    start = text.lstrip()
    if _CURL.match(start):
        try:
            return read_curl(start.decode())
        except UnicodeDecodeError:
            raise Failure("The curl command is not UTF-8.", "Save the command as UTF-8 text.") from None
    return read_http(start, scheme)


def read_curl(command: str) -> Message:
    """Return the request that a curl command would send.

    Raises:
        Failure: The command has an unknown option, or no URL.
    """
    try:
        words = split_words(command.removeprefix("$ "))
    except ValueError:
        raise Failure("The curl command has a quotation mark that is not closed.", "Copy the whole command.") from None
    if len(words) > _MOST_WORDS:
        raise Failure(f"The curl command has more than {_MOST_WORDS} words.", "Copy one command.")
    parser = click.Command("curl", params=_parameters(), add_help_option=False)
    try:
        with parser.make_context("curl", words[1:]) as context:
            given = dict(context.params)
    except click.UsageError as exc:
        message = f"The curl command is not supported: {sentence(exc.format_message())}"
        raise Failure(message, "Remove this option from the command.") from None
    names = {option.name for option in parser.params}
    url = given.pop("url_option") or given.get("url")
    if not url:
        raise Failure("The curl command has no URL.", "Copy the whole command.")
    return take_message({name: value for name, value in {**given, "url": url}.items() if name in names})


def _parameters() -> list[click.Parameter]:
    def holder() -> None:
        pass

    for decorate in reversed(REQUEST_OPTIONS[1:]):
        holder = decorate(holder)
    ignored = [click.Option([*flag.split("/"), f"ignored_{at}"], is_flag=True) for at, flag in enumerate(_FLAGS)]
    ignored += [click.Option([*value.split("/"), f"passed_{at}"]) for at, value in enumerate(_VALUES)]
    own: list[click.Parameter] = list(holder.__click_params__)  # type: ignore[attr-defined]
    return [
        *own,
        *ignored,
        click.Option(["--url", "url_option"]),
        click.Argument(["url"], required=False),
    ]


def read_http(text: bytes, scheme: str = "https") -> Message:
    """Return the request in *text*: a request line, header fields, an empty line, and the body.

    Args:
        text: The bytes of the request; lines may end in CRLF or LF.
        scheme: The scheme for a request line that has only a path.

    Raises:
        Failure: The text is not an HTTP request.
    """
    end = min((at, len(mark)) for mark in (b"\r\n\r\n", b"\n\n", b"") if (at := _find(text, mark)) is not None)
    head, body = text[: end[0]].decode("latin-1"), text[sum(end) :]
    line, *rest = _FOLD.sub(" ", head).splitlines() or [""]
    words = line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        raise Failure(
            "The input is neither a curl command nor an HTTP request.", "Start a request with: GET /path HTTP/1.1"
        )
    fields = tuple(read_field(each) for each in rest if each.strip())
    message = Message(method=words[0].upper(), url=words[1], headers=fields, body=body)
    length = message.header("Content-Length")
    # If the body is longer than its Content-Length, the rest is removed, because an editor can add a line feed.
    if length.isascii() and length.isdigit():
        body = body[: int(length)]
    url = words[1]
    # If the target is an absolute URL, the Host header is ignored (RFC 9112 section 3.2.2).
    if not url.startswith("/"):
        return Message(method=message.method, url=url, headers=message.without_host().headers, body=body)
    if not message.header("Host"):
        hint = f"Add the header, or write the absolute URL in this line: {one_line(line)}"
        raise Failure("The HTTP request has no Host header.", hint)
    url = f"{scheme}://{message.header('Host')}{url}"
    return Message(method=message.method, url=url, headers=fields, body=body)


def _find(text: bytes, mark: bytes) -> int | None:
    at = text.find(mark) if mark else len(text)
    return None if at < 0 else at
