"""Print a response: the status line, the headers, and the body to a file, a pipe or a terminal."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import click
import requests

from .escape import one_line, printable
from .failure import REFUSED, Failure
from .limits import chunks_of
from .progress import Bar
from .redact import redacted_header, redacted_url
from .terminal import note, say

__all__ = ["head_of", "say_head", "show_exchange", "write_body"]


def show_exchange(response: requests.Response) -> None:
    """Write the start line and header fields of each request and response to standard error, without credentials."""
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
    """Yield the status line and the header lines of a response, with control characters escaped."""
    version = {10: "HTTP/1.0", 11: "HTTP/1.1", 20: "HTTP/2"}.get(getattr(response.raw, "version", 11), "HTTP/1.1")
    yield one_line(f"{version} {response.status_code} {response.reason or ''}".rstrip())
    fields: Any = getattr(response.raw, "headers", response.headers)
    for name, value in fields.items():
        yield one_line(f"{name}: {redacted_header(name, value) if redacted else value}")


def say_head(response: requests.Response) -> None:
    """Write the status line and the header lines of a response to standard output."""
    for line in head_of(response):
        say(line)
    say()


def write_body(response: requests.Response, output: str | None, most: int) -> None:
    """Write the body of a response.

    Args:
        response: The response.
        output: Path of a file; "-" or None for standard output. With None, control characters are escaped if standard
            output is a terminal.
        most: Maximum size of the body in bytes.

    Raises:
        Failure: The body is binary and standard output is a terminal, or the body is too long.
    """
    chunks = chunks_of(response, most)
    if output is not None and output != "-":
        with open(output, "wb") as file, _bar(response) as bar:
            _copy(chunks, file, bar)
    elif output is None and sys.stdout.isatty():
        _print(chunks)
    else:
        stream = sys.stdout.buffer
        with _bar(response) as bar:
            _copy(chunks, stream, bar)
        stream.flush()


def _bar(response: requests.Response) -> Bar:
    length = response.headers.get("Content-Length", "")
    known = length.isdigit() and "Content-Encoding" not in response.headers
    return Bar("Receiving", int(length) if known else None)


def _copy(chunks: Iterator[bytes], file: BinaryIO, bar: Bar) -> None:
    position = 0
    for chunk in chunks:
        file.write(chunk)
        position += len(chunk)
        bar.at(position)


def _print(chunks: Iterator[bytes]) -> None:
    decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    text = ""
    for number, chunk in enumerate(chunks):
        if number == 0 and b"\0" in chunk:
            raise Failure(
                "The response is binary.",
                "Write the response to a file with -o FILE, or print it with -o -.",
                code=REFUSED,
            )
        text = decoder.decode(chunk)
        click.echo(printable(text.replace("\r\n", "\n")), nl=False)
    if text and not text.endswith("\n"):
        click.echo()
