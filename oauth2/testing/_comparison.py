"""Compare two requests, except for the values that are new in each request: nonce, timestamp and signature."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from .._wire.form import is_form
from .._wire.header import is_oauth_header, parse_authorization_header
from ..errors import Error
from ..http import HTTPRequest
from ._exchange import fields_of, origin_of, path_of

IGNORED = ("oauth_nonce", "oauth_timestamp", "oauth_signature")

_PORTS = {"http": ":80", "https": ":443"}
_BOUNDARY = re.compile(r"boundary=\"?([^\";]+)", re.IGNORECASE)
_Pairs = list[tuple[str, str]]


def differences(expected: HTTPRequest, request: HTTPRequest) -> list[str]:
    """Return a sentence, without values, for each part that differs; an empty list if no part differs."""
    one, other = _pieces(expected), _pieces(request)
    return [_sentence(name, one[name], other[name]) for name in one if one[name] != other[name]]


def _sentence(name: str, one: object, other: object) -> str:
    if not (isinstance(one, list) and isinstance(other, list)):
        return f"{name} differs"
    names = sorted({key for key, _ in set(one) ^ set(other)})
    return f"{name} differ: {', '.join(names)}" if names else f"{name} differ in their number"


def _pieces(request: HTTPRequest) -> dict[str, object]:
    content_type = _field(request, "content-type")
    in_header, in_query = _in_header(request), _pairs(request.url.partition("#")[0].partition("?")[2])
    form = _pairs(request.body.decode("utf-8", "replace")) if is_form(content_type) else []
    sent = [("header", in_header), ("query", in_query), ("form", form)]
    boundary = _BOUNDARY.search(content_type)
    is_multipart = boundary is not None
    ignored = (*IGNORED, "oauth_body_hash") if is_multipart else IGNORED
    protocol = [
        (name, f"{place} {value}")
        for place, pairs in sent
        for name, value in pairs
        if name not in ignored and (place == "header" or _is_protocol(name))
    ]
    body = b"" if is_form(content_type) else request.body
    return {
        "the method": request.method.upper(),
        "the origin": _origin(request.url),
        "the path": path_of(request.url),
        "protocol parameters": sorted(protocol),
        "parameters of the query": sorted(_others(in_query)),
        "parameters of the form": sorted(_others(form)),
        # Each multipart body has a new boundary.
        "the body": body if boundary is None else body.replace(boundary[1].encode(), b"boundary"),
        "the Content-Type": _BOUNDARY.sub("boundary", content_type),
    }


def _others(pairs: Iterable[tuple[str, str]]) -> _Pairs:
    return [(name, value) for name, value in pairs if not _is_protocol(name)]


def _is_protocol(name: str) -> bool:
    return name.startswith("oauth_")


def _pairs(text: str) -> _Pairs:
    return parse_qsl(text, keep_blank_values=True)


def _field(request: HTTPRequest, name: str) -> str:
    return next((value for field, value in fields_of(request.headers) if field.lower() == name), "")


def _in_header(request: HTTPRequest) -> _Pairs:
    value = _field(request, "authorization")
    try:
        return list(parse_authorization_header(value)) if is_oauth_header(value) else []
    except Error:
        return [("Authorization", value)]  # A malformed header is compared as one text.


def _origin(url: str) -> str:
    origin = origin_of(url).lower()
    return origin.removesuffix(_PORTS.get(origin.partition(":")[0], " "))
