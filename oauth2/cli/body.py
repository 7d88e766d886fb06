"""``Data`` has the values of curl's options for the body. ``build_message`` builds the request that curl would send."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._wire.form import FORM, add_to_query
from .._wire.percent import percent_encode_as_sent
from ..errors import InvalidURL
from ..signature import base_string_uri
from .escape import one_line
from .failure import Failure, not_a_url
from .files import open_file, read_file
from .message import Message
from .multipart import Multipart, Part

__all__ = ["Data", "build_message", "read_field"]

_METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # the syntax "token" of RFC 9110 section 5.6.2


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Data:
    """The values of curl's body options, in the order of the command line."""

    data: tuple[str, ...] = ()
    data_raw: tuple[str, ...] = ()
    data_binary: tuple[str, ...] = ()
    data_urlencode: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    json: tuple[str, ...] = ()
    upload: str | None = None

    def text(self) -> bytes | None:
        """Return the body that the ``--data`` options give, joined by ``&``; None if no ``--data`` option was given.

        Raises:
            Failure: A file cannot be read.
        """
        pieces = [
            *[_data(value, strip=True) for value in self.data],
            *[value.encode("utf-8", "surrogateescape") for value in self.data_raw],
            *[_data(value, strip=False) for value in self.data_binary],
            *[_urlencoded(value) for value in self.data_urlencode],
        ]
        return b"&".join(pieces) if pieces else None


def build_message(url: str, method: str | None, headers: tuple[str, ...], data: Data, *, get: bool = False) -> Message:
    """Return the request that curl would send for the same options.

    Args:
        url: The URL. If it has no scheme, https is added.
        method: The HTTP method. None means PUT with ``--upload-file``, POST with another body, and GET without a body.
        headers: Lines ``Name: value``.
        data: The values of the options for the body.
        get: Whether to send the values of the ``--data`` options in the query, and no body.

    Raises:
        Failure: An option is malformed, or a file cannot be read.
    """
    url = _absolute_url(url)
    if method is not None and not _METHOD.fullmatch(method):
        raise Failure(f"Not an HTTP request method: {one_line(method)!r}.", "Give a method such as GET or POST.")
    fields = [read_field(line) for line in headers]
    body, added = _body(data)
    if get and (data.form or data.json or data.upload is not None):
        raise Failure("--get can be used only with the --data options.", "Remove --get, or give the body with --data.")
    if get:
        url = add_to_query(url, (body or b"").decode("utf-8", "surrogateescape"))
        body, added = None, []
    if data.upload not in (None, "-"):
        url = _with_file_name(url, data.upload or "")
    names = {name.lower() for name, _ in fields}
    fields += [(name, value) for name, value in added if name.lower() not in names]
    default = "GET" if body is None else "PUT" if data.upload is not None else "POST"
    return Message(method=(method or default).upper(), url=url, headers=tuple(fields), body=body)


def _absolute_url(url: str) -> str:
    url = url if "://" in url else f"https://{url}"
    try:
        base_string_uri(url)
    except InvalidURL:
        raise not_a_url(one_line(url)) from None
    return url


def _with_file_name(url: str, upload: str) -> str:
    base, mark, query = url.partition("?")
    return base + percent_encode_as_sent(Path(upload).name) + mark + query if base.endswith("/") else url


def read_field(line: str) -> tuple[str, str]:
    """Return the name and the value of a header line.

    Raises:
        Failure: The line is malformed.
    """
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or any(ord(char) < 32 and char != "\t" for char in line):
        raise Failure(f"Not a header: {one_line(name)!r}.", "Give the header as 'Name: value'.")
    return name.strip(), value.strip()


def _body(data: Data) -> tuple[Any, list[tuple[str, str]]]:
    texts = [*data.data, *data.data_raw, *data.data_binary, *data.data_urlencode]
    if sum(map(bool, [texts, data.form, data.json, data.upload])) > 1:
        hint = "Give only one of --data, --form, --json and --upload-file."
        raise Failure("The request has more than one kind of body.", hint)
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
    # curl accepts five forms: name=text, =text, text, name@file and @file.
    equals, at = value.find("="), value.find("@")
    if equals >= 0 and not 0 <= at < equals:
        name, text = value[:equals], value[equals + 1 :]
    elif at >= 0:
        name, text = value[:at], _utf8(value[at + 1 :])
    else:
        name, text = "", value
    return (f"{name}=" if name else "").encode("utf-8", "surrogateescape") + percent_encode_as_sent(text).encode()


def _utf8(path: str) -> str:
    try:
        return read_file(path).decode()
    except UnicodeDecodeError:
        raise Failure(f"The file {one_line(path)} is not UTF-8.", "Use --data-binary or --form.") from None


def _part(value: str) -> Part:
    name, equals, content = value.partition("=")
    if not equals or not name:
        raise Failure(f"Not a form field: {one_line(value)!r}.", "Give the field as NAME=TEXT or NAME=@FILE.")
    if content[:1] not in ("@", "<"):
        return Part(name=name, content=content.encode("utf-8", "surrogateescape"))
    path, *options = content[1:].split(";")
    given: dict[str, str] = {}
    for option in options:
        key, _, text = option.strip().partition("=")
        given[key] = text
    if content[0] == "<":
        return Part(name=name, content=read_file(path), content_type=given.get("type"))
    guessed = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return Part(
        name=name,
        content=open_file(path),
        content_type=given.get("type", guessed),
        filename=given.get("filename", Path(path).name),
    )
