"""``Message``: an HTTP request as a command is given it, and how curl's options make one."""

from __future__ import annotations

import mimetypes
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..encoding import percent_encode
from ..errors import InvalidURL
from ..parameters import FORM, add_to_query
from ..signature import base_string_uri
from .failure import Failure
from .multipart import Multipart, Part
from .terminal import one_line

if TYPE_CHECKING:
    from typing import BinaryIO

_METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token of RFC 7230

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An HTTP request.

    Attributes:
        method: In upper case.
        url: Absolute, with its query.
        headers: Names and values, in order.
        body: None, bytes, or a seekable binary file.
    """

    method: str
    url: str
    headers: Fields = ()
    body: Any = field(default=None, repr=False)

    def header(self, name: str) -> str:
        """Return the first value of a header field, ``""`` if there is none."""
        return next((value for found, value in self.headers if found.lower() == name.lower()), "")

    def items(self) -> Fields:
        """Return the header fields, each as often as it was sent."""
        return self.headers

    def content(self) -> bytes:
        """Return the body as a whole."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body or b""
        content: bytes = self.body.read()
        self.body.seek(0)
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What curl's body options say, each as often as it was given."""

    data: tuple[str, ...] = ()
    data_raw: tuple[str, ...] = ()
    data_binary: tuple[str, ...] = ()
    data_urlencode: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    json: tuple[str, ...] = ()
    upload: str | None = None

    def text(self) -> bytes | None:
        """Return what the ``--data`` options give, joined by ``&``; None if there are none.

        Raises:
            Failure: A file cannot be read.
        """
        pieces = [
            *[_data(value, strip=True) for value in self.data],
            *[value.encode() for value in self.data_raw],
            *[_data(value, strip=False) for value in self.data_binary],
            *[_urlencoded(value) for value in self.data_urlencode],
        ]
        return b"&".join(pieces) if pieces else None


def build_message(url: str, method: str | None, headers: tuple[str, ...], data: Data, *, get: bool = False) -> Message:
    """Return the request that curl would send for the same options.

    Args:
        url: Without a scheme, it is taken for https.
        method: None for what the body calls for.
        headers: Lines ``Name: value``.
        data: The body.
        get: Put the data into the query.

    Raises:
        Failure: An option is malformed, or a file cannot be read.
    """
    url = _wire_url(url)
    if method is not None and not _METHOD.fullmatch(method):
        raise Failure(f"{one_line(method)!r} is no HTTP request method", "use one such as GET or POST")
    fields = [read_field(line) for line in headers]
    body, added = _body(data)
    if get and (data.form or data.json or data.upload is not None):
        raise Failure("--get puts --data into the query, and nothing else", "choose one of the two")
    if get:
        url = add_to_query(url, (body or b"").decode("utf-8", "surrogateescape"))
        body, added = None, []
    if data.upload not in (None, "-") and url.partition("?")[0].endswith("/"):
        base, mark, query = url.partition("?")
        url = base + percent_encode(Path(data.upload or "").name) + mark + query
    names = {name.lower() for name, _ in fields}
    fields += [(name, value) for name, value in added if name.lower() not in names]
    default = "GET" if body is None else "PUT" if data.upload is not None else "POST"
    return Message(method=(method or default).upper(), url=url, headers=tuple(fields), body=body)


def _wire_url(url: str) -> str:
    url = url if "://" in url else f"https://{url}"
    try:
        base_string_uri(url)
    except InvalidURL:
        what = f"{one_line(url)!r} is no http or https URL"
        raise Failure(what, "give one such as https://api.example.com/") from None
    return url


def read_field(line: str) -> tuple[str, str]:
    """Return name and value of a header line.

    Raises:
        Failure: It is none.
    """
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or any(ord(char) < 32 and char != "\t" for char in line):
        raise Failure(f"{one_line(name)!r} is no header", "give it as 'Name: value'")
    return name.strip(), value.strip()


def _body(data: Data) -> tuple[Any, list[tuple[str, str]]]:
    texts = [*data.data, *data.data_raw, *data.data_binary, *data.data_urlencode]
    if sum(map(bool, [texts, data.form, data.json, data.upload])) > 1:
        raise Failure("more than one kind of body was given", "choose one of --data, --form, --json and --upload-file")
    if data.form:
        multipart = Multipart([_part(value) for value in data.form])
        return multipart, [("Content-Type", multipart.content_type)]
    if data.json:
        joined = b"".join([_data(value, strip=False) for value in data.json])
        return joined, [("Content-Type", "application/json"), ("Accept", "application/json")]
    if data.upload is not None:
        return open_file(data.upload), []
    text = data.text()
    return text, [] if text is None else [("Content-Type", FORM)]


def _data(value: str, *, strip: bool) -> bytes:
    if not value.startswith("@"):
        return value.encode("utf-8", "surrogateescape")
    content = read_file(value[1:])
    return content.translate(None, b"\r\n\0") if strip else content


def _urlencoded(value: str) -> bytes:
    # name=text, =text, text, name@file or @file, as curl reads it.
    equals, at = value.find("="), value.find("@")
    if equals >= 0 and not 0 <= at < equals:
        name, text = value[:equals], value[equals + 1 :]
    elif at >= 0:
        name, text = value[:at], _utf8(value[at + 1 :])
    else:
        name, text = "", value
    return (f"{name}=" if name else "").encode() + percent_encode(text).encode()


def _utf8(path: str) -> str:
    try:
        return read_file(path).decode()
    except UnicodeDecodeError:
        raise Failure(f"{one_line(path)} is not UTF-8", "use --data-binary or --form") from None


def _part(value: str) -> Part:
    name, equals, content = value.partition("=")
    if not equals or not name:
        raise Failure(f"{one_line(value)!r} is no form field", "give it as name=value or name=@file")
    if content[:1] not in ("@", "<"):
        return Part(name=name, content=content.encode("utf-8", "surrogateescape"))
    path, *options = content[1:].split(";")
    said = dict(option.strip().partition("=")[::2] for option in options)
    if content[0] == "<":
        return Part(name=name, content=read_file(path), content_type=said.get("type"))
    guessed = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return Part(
        name=name,
        content=open_file(path),
        content_type=said.get("type", guessed),
        filename=said.get("filename", Path(path).name),
    )


def open_file(path: str) -> BinaryIO:
    """Return a file to be read from, which is closed when the command ends.

    Raises:
        Failure: It cannot be opened, or is no ordinary file.
    """
    if path == "-":
        from io import BytesIO

        return BytesIO(sys.stdin.buffer.read())
    try:
        file = open(path, "rb")  # noqa: SIM115 - read while it is sent
    except OSError as exc:
        raise Failure(f"{one_line(path)} cannot be read: {exc.strerror}", "look at the path") from None
    context = click.get_current_context(silent=True)
    return context.with_resource(file) if context else file


def read_file(path: str) -> bytes:
    """Return what a file holds, "-" for standard input.

    Raises:
        Failure: It cannot be read.
    """
    if path == "-":
        return sys.stdin.buffer.read()
    with open_file(path) as file:
        return file.read()
