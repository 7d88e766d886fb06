"""``Message`` from a text: a curl command, or a raw HTTP request."""

from __future__ import annotations

import re
import shlex

import click

from .failure import Failure
from .message import Message, read_field
from .options import _REQUEST_OPTIONS, take_message
from .terminal import one_line

_FOLD = re.compile(r"\r?\n[ \t]+")  # a header field that goes on in the next line (RFC 7230 section 3.2.4)

# What a curl command may say besides, which does not change what is signed.
_FLAGS = [
    "-s/--silent", "-S/--show-error", "-v/--verbose", "-i/--include", "-L/--location", "-k/--insecure", "-f/--fail",
    "-g/--globoff", "-#/--progress-bar", "--compressed", "--http1.1", "--http2", "--fail-with-body",
]  # fmt: skip
_VALUES = [
    "-A/--user-agent", "-b/--cookie", "-e/--referer", "-o/--output", "-m/--max-time", "-x/--proxy", "--cacert",
    "--connect-timeout", "--retry", "-u/--user", "-w/--write-out", "-c/--cookie-jar",
]  # fmt: skip


def read_message(text: bytes, scheme: str = "https") -> Message:
    """Return the request in *text*: a curl command, or an HTTP/1.1 request.

    Args:
        text: What a file or a pipe holds.
        scheme: Of an HTTP request, which does not say it.

    Raises:
        Failure: It is neither.
    """
    start = text.lstrip()
    if start.startswith((b"curl ", b"curl.exe ", b"$ curl ")):
        try:
            return read_curl(start.decode())
        except UnicodeDecodeError:
            raise Failure("the curl command is not UTF-8", "write it as text") from None
    return read_http(start, scheme)


def read_curl(command: str) -> Message:
    """Return the request that a curl command would send.

    Raises:
        Failure: An option is not understood, or there is no URL.
    """
    lines = command.removeprefix("$ ").replace("\\\r\n", " ").replace("\\\n", " ")
    try:
        words = shlex.split(lines)
    except ValueError:
        raise Failure("the curl command has an open quote", "copy the whole of it") from None
    parser = click.Command("curl", params=_parameters(), add_help_option=False)
    try:
        with parser.make_context("curl", words[1:]) as context:
            given = dict(context.params)
    except click.UsageError as exc:
        raise Failure(f"the curl command: {' '.join(exc.format_message().split())}", "leave that out") from None
    wanted = {option.name for option in parser.params}
    url = given.pop("url_option") or given.get("url")
    if not url:
        raise Failure("the curl command has no URL", "copy the whole of it")
    return take_message({name: value for name, value in {**given, "url": url}.items() if name in wanted})


def _parameters() -> list[click.Parameter]:
    def holder() -> None:
        pass

    for decorate in reversed(_REQUEST_OPTIONS[1:]):
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
    """Return the request of an HTTP/1.1 request line, header fields and body.

    Args:
        text: The octets; lines may end in LF alone, as editors write them.
        scheme: For a request line that has only a path.

    Raises:
        Failure: It is none.
    """
    end = min((at, len(mark)) for mark in (b"\r\n\r\n", b"\n\n", b"") if (at := _find(text, mark)) is not None)
    head, body = text[: end[0]].decode("latin-1"), text[sum(end) :]
    line, *rest = _FOLD.sub(" ", head).splitlines() or [""]
    words = line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        raise Failure("this is neither a curl command nor an HTTP request", "begin it with: GET /path HTTP/1.1")
    fields = tuple(read_field(each) for each in rest if each.strip())
    message = Message(method=words[0].upper(), url=words[1], headers=fields, body=body)
    length = message.header("Content-Length")
    if length.isascii() and length.isdigit():  # an editor may have added a line feed
        body = body[: int(length)]
    url = words[1]
    if url.startswith("/"):
        if not message.header("Host"):
            raise Failure("the HTTP request has no Host header", f"add one, or write the whole URL: {one_line(line)}")
        url = f"{scheme}://{message.header('Host')}{url}"
    return Message(method=message.method, url=url, headers=fields, body=body)


def _find(text: bytes, mark: bytes) -> int | None:
    at = text.find(mark) if mark else len(text)
    return None if at < 0 else at
