"""Deviations of requests with a body that is not a form: fields of the body were signed as parameters."""

from __future__ import annotations

import json
import re
from html import unescape
from itertools import islice
from typing import TYPE_CHECKING, Any

from .._wire.form import is_form
from ._message import read_form, text_of, with_utf8_form
from ._parameters import adding, deviation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ._message import Message
    from ._signed import Deviation

    Fields = list[tuple[str, str]]

_MAX_BODY = 1 << 20  # In bytes. The fields of a larger body are not read.
_MAX_FIELDS = 200
_MAX_DEPTH = 8
# With possessive quantifiers, the time of the search is linear in the length of the text.
_ELEMENT = re.compile(r"<([\w:.-]++)[^<>]*+>([^<>]*+)</\1\s*+>")
_INDEX = re.compile(r"\[\d+\]")
_BOUNDARY = re.compile(r"""boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))""", re.IGNORECASE)
_NAME = re.compile(r"""[;\s]name=(?:"([^"]*+)"|([^\s;"]++))""", re.IGNORECASE)
_FILENAME = re.compile(r"""[;\s]filename=(?:"([^"]*+)"|([^\s;"]++))""", re.IGNORECASE)


def body_deviations(message: Message) -> Iterator[Deviation]:
    """Yield deviations in which the fields of a body that is not a form were signed as parameters."""
    content_type = message.header("content-type")
    if not message.body or is_form(content_type) or len(message.body) > _MAX_BODY:
        return
    text = text_of(message.body)
    for key, sentence, fields in _readings(content_type, text):
        added = [message.made(with_utf8_form(name), with_utf8_form(value), "body") for name, value in fields]
        if added:
            yield deviation(key, adding(*added), sentence)


def _readings(content_type: str, text: str) -> Iterator[tuple[str, str, Fields]]:
    found = _json(text)
    if isinstance(found, (dict, list)):
        yield from _json_fields(found)
    elif "multipart/" in content_type.lower():
        yield from _multipart_fields(content_type, text)
    elif text.lstrip()[:1] == "<":
        elements = [(each[1], unescape(each[2])) for each in islice(_ELEMENT.finditer(text), _MAX_FIELDS)]
        yield "xml-signed", "", elements
    yield "body-signed", "The whole body was signed as one name without a value.", [(text, "")]
    if text.count("&") < _MAX_FIELDS:
        fields = [(each.name, each.value) for each in read_form(text, "body")]
        yield "body-signed", "The body was signed as a form, but its Content-Type is not the type of a form.", fields


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _json_fields(found: dict[str, Any] | list[Any]) -> Iterator[tuple[str, str, Fields]]:
    for step in ("[{}]", ".{}"):
        for scalar in (_as_json, str):
            yield "json-signed", "", _few(_flat(found, "", step, scalar))
    flat = _few(_flat(found, "", "[{}]", _as_json))
    yield "json-signed", "", [(_INDEX.sub("[]", name), value) for name, value in flat]
    yield "json-signed", "", [(_INDEX.sub("", name), value) for name, value in flat]
    yield "json-signed", "", [(name, {"true": "1", "false": "0"}.get(value, value)) for name, value in flat]
    if isinstance(found, dict):
        yield "json-signed", "", _few((name, _as_json(value)) for name, value in found.items())
        yield "json-signed", "", _few((name, _as_json(value, (", ", ": "))) for name, value in found.items())
        yield "json-signed", "", _few((name, _as_javascript(value)) for name, value in found.items())
        plain = [(name, value) for name, value in islice(found.items(), _MAX_FIELDS) if not _is_nested(value)]
        sentence = "The fields of the JSON body, except nested fields, were signed as parameters."
        yield "json-signed", sentence, [(name, _as_json(value)) for name, value in plain]
        yield "json-signed", sentence, [(name, str(value)) for name, value in plain]


def _few(pairs: Iterable[tuple[str, str]]) -> Fields:
    return list(islice(pairs, _MAX_FIELDS))


def _is_nested(value: Any) -> bool:
    return isinstance(value, (dict, list))


def _as_json(value: Any, separators: tuple[str, str] = (",", ":")) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, separators=separators, ensure_ascii=False)
    except RecursionError:
        return ""


def _as_javascript(value: Any) -> str:
    """Return the text to which JavaScript converts *value*."""
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, list):
        return ",".join("[object Object]" if isinstance(each, dict) else _as_json(each) for each in value[:_MAX_FIELDS])
    return _as_json(value)


def _flat(
    value: Any, prefix: str, step: str, scalar: Callable[[Any], str], depth: int = 0
) -> Iterator[tuple[str, str]]:
    if not _is_nested(value):
        yield prefix, scalar(value)
    elif depth <= _MAX_DEPTH:
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            inner = f"{prefix}{step.format(name)}" if prefix else str(name)
            yield from _flat(member, inner, step, scalar, depth + 1)


def _multipart_fields(content_type: str, text: str) -> Iterator[tuple[str, str, Fields]]:
    parts = _parts(content_type, text)
    yield "multipart-signed", "", [(name, value) for name, value, file in parts if file is None]
    files = [(name, file) for name, _, file in parts if file is not None]
    if files:
        by_name = [(name, value if file is None else file) for name, value, file in parts]
        sentence = "The fields of the multipart body were signed as parameters. For a file, the file name was signed."
        yield "multipart-file-signed", sentence, by_name
        whole = [(name, value) for name, value, _ in parts]
        sentence = "The fields of the multipart body were signed as parameters. For a file, the content was signed."
        yield "multipart-file-signed", sentence, whole
        sentence = "Of the multipart body, only the names of the files were signed as parameters."
        yield "multipart-file-signed", sentence, files


def _parts(content_type: str, text: str) -> list[tuple[str, str, str | None]]:
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        return []
    found = []
    for part in text.split(f"--{boundary[1] or boundary[2]}", _MAX_FIELDS)[1:_MAX_FIELDS]:
        head, _, content = part.partition("\r\n\r\n")
        name, file = _NAME.search(head[:1000]), _FILENAME.search(head[:1000])
        if name is not None:
            filename = None if file is None else file[1] or file[2] or ""
            found.append((name[1] or name[2] or "", content.removesuffix("\r\n"), filename))
    return found
