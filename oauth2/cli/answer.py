"""Show an answer: its head, and its body to a file, a pipe or a terminal."""

from __future__ import annotations

import codecs
import sys
from typing import TYPE_CHECKING, Any

import click

from .failure import REFUSED, Failure
from .progress import Bar
from .redact import redacted_header, redacted_url
from .terminal import note, one_line, printable, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    import requests

_CHUNK = 1 << 16


def show_exchange(response: requests.Response) -> None:
    """Write to standard error what was sent and answered, redacted."""
    for each in [*response.history, response]:
        request = each.request
        note(one_line(f"> {request.method} {redacted_url(str(request.url))}"))
        for name, value in request.headers.items():
            text = _text(value)
            note(one_line(f"> {name}: {redacted_header(name, text)}"))
        note(">")
        for line in head_of(each, redacted=True):
            note(f"< {line}")
        note("<")


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def head_of(response: requests.Response, *, redacted: bool = False) -> Iterator[str]:
    """Yield the status line and the header lines of an answer, fit for a terminal."""
    version = {10: "HTTP/1.0", 11: "HTTP/1.1", 20: "HTTP/2"}.get(getattr(response.raw, "version", 11), "HTTP/1.1")
    yield one_line(f"{version} {response.status_code} {response.reason or ''}".rstrip())
    fields: Any = getattr(response.raw, "headers", response.headers)
    for name, value in fields.items():
        yield one_line(f"{name}: {redacted_header(name, value) if redacted else value}")


def say_head(response: requests.Response) -> None:
    """Write the head of an answer to standard output."""
    for line in head_of(response):
        say(line)
    say()


def write_body(response: requests.Response, output: str | None) -> None:
    """Write the body of an answer.

    Args:
        response: The answer.
        output: A file; "-" for standard output, whatever it is; None for the same, made fit for a terminal.

    Raises:
        Failure: A terminal is no place for it.
    """
    if output is not None and output != "-":
        with open(output, "wb") as file, _bar(response) as bar:
            _copy(response, file, bar)
    elif output is None and sys.stdout.isatty():
        _print(response)
    else:
        stream = sys.stdout.buffer
        with _bar(response) as bar:
            _copy(response, stream, bar)
        stream.flush()


def _bar(response: requests.Response) -> Bar:
    length = response.headers.get("Content-Length", "")
    known = length.isdigit() and "Content-Encoding" not in response.headers
    return Bar("Receiving", int(length) if known else None)


def _copy(response: requests.Response, file: BinaryIO, bar: Bar) -> None:
    position = 0
    for chunk in response.iter_content(_CHUNK):
        file.write(chunk)
        position += len(chunk)
        bar.at(position)


def _print(response: requests.Response) -> None:
    decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    text = ""
    for number, chunk in enumerate(response.iter_content(_CHUNK)):
        if number == 0 and b"\0" in chunk:
            raise Failure("the answer is binary", "give a file with -o FILE, or -o - for the terminal", code=REFUSED)
        text = decoder.decode(chunk)
        click.echo(printable(text.replace("\r\n", "\n")), nl=False)
    if text and not text.endswith("\n"):
        click.echo()
