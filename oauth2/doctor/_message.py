"""The diagnosed request, with its parameters. Each parameter has a place, and the encoded value that was sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._wire.form import is_form
from .._wire.percent import percent_decode_as_sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ..http import HTTPRequest

_MAX_PARAMETERS = 2_000
_MAX_SIZE = 4 << 20  # Maximum number of bytes of a body, and of characters of a URL. A larger request is not read.
# Maximum number of characters of the Authorization header. A request with a longer header is not read.
_MAX_HEADER = 1 << 16
# The quantifiers are possessive, and the pattern is matched at one position at a time, so the time to read a header is
# linear in its length.
_ELEMENT = re.compile(r"""[\s]*+([^\s=,"'&]++)\s*+=\s*+("(?:[^"\\]|\\.)*+"|'[^']*+'|[^,&"']*+)\s*+([,&]?)""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a request.

    Attributes:
        name: The decoded name.
        value: The decoded value.
        place: "header", "query" or "form"; or "body" for a field of a body that is not a form.
        raw: The encoded value that was sent; None for a parameter that was not sent.
        has_equals: Whether ``=`` followed the name.
        is_secret: Whether the value must not be shown.
        is_loose: Whether the parameter may be a part of an unencoded PLAINTEXT signature. The name of such a
            parameter is also treated as a secret.
    """

    name: str
    value: str = field(repr=False)
    place: str
    raw: str | None = field(default=None, repr=False)
    has_equals: bool = True
    is_secret: bool = False
    is_loose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Message:
    """A request, separated into the parts that a signature covers.

    Attributes:
        method: The method that was sent.
        url: Absolute URL with its query.
        headers: Pairs of a name in lower case and a value, in order.
        body: The octets of the body.
        parameters: All parameters of header, query and form. They include ``oauth_signature``, but not ``realm``.
        realm: The realm of the Authorization header, or None.
        shape: Keys of the mistakes in the syntax of the Authorization header.
        is_too_large: Whether the request is too large. The parameters of such a request are not read.
        is_secret: A function that is called with a name and a value. It returns whether the value must not be shown.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    parameters: tuple[Parameter, ...]
    realm: str | None
    shape: tuple[str, ...]
    is_too_large: bool
    is_secret: Callable[[str, str], bool]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.method}>"

    def header(self, name: str) -> str:
        """Return the first value of a header field; ``""`` if the request has no such field."""
        return next((value for found, value in self.headers if found == name), "")

    def first(self, name: str) -> str | None:
        """Return the first value of a parameter; None if the request has no such parameter."""
        return next((each.value for each in self.parameters if each.name == name), None)

    def made(self, name: str, value: str, place: str) -> Parameter:
        """Return a parameter that was not sent, but that the sender may have signed."""
        return Parameter(name, value, place, is_secret=self.is_secret(name, value))


def read(http_request: HTTPRequest, is_secret: Callable[[str, str], bool]) -> Message:
    """Return *http_request* as a :class:`Message`, even if the request has mistakes.

    Args:
        http_request: The request.
        is_secret: A function that is called with a name and a value. It returns whether the value must not be shown.
    """
    headers = tuple(_fields(http_request.headers))
    named = dict(reversed(headers))
    url = with_utf8_form(http_request.url)
    query, body = url.partition("#")[0].partition("?")[2], http_request.body
    form = body if is_form(named.get("content-type", "")) else b""
    authorization = named.get("authorization", "")
    too_large = len(url) > _MAX_SIZE or len(body) > _MAX_SIZE or len(authorization) > _MAX_HEADER
    too_large = too_large or query.count("&") + form.count(b"&") > _MAX_PARAMETERS
    in_header, realm, shape = ([], None, []) if too_large else _read_header(authorization)
    found = [] if too_large else [*in_header, *read_form(query, "query"), *read_form(text_of(form), "form")]
    parameters = [
        Parameter(each.name, each.value, each.place, each.raw, each.has_equals, is_secret(each.name, each.value))
        for each in found
    ]
    return Message(
        method=with_utf8_form(http_request.method),
        url=url,
        headers=headers,
        body=body,
        parameters=tuple(parameters),
        realm=realm,
        shape=tuple(shape),
        is_too_large=too_large,
        is_secret=is_secret,
    )


def _fields(headers: Sequence[tuple[str, str]] | Mapping[str, str]) -> Iterator[tuple[str, str]]:
    pairs: Iterable[tuple[str, str]] = headers.items() if isinstance(headers, Mapping) else headers
    for name, value in pairs:
        yield name.lower(), with_utf8_form(value.strip(" \t"))


def text_of(octets: bytes) -> str:
    """Return octets as text; octets that are not UTF-8 become lone surrogates (PEP 383)."""
    return octets.decode("utf-8", "surrogateescape")


def with_utf8_form(text: str) -> str:
    """Replace lone surrogates that PEP 383 does not use, so that *text* can be encoded with surrogateescape."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text_of(text.encode("utf-8", "surrogatepass"))
    return text


def read_form(text: str, place: str) -> list[Parameter]:
    """Return the parameters of a query or a form body, in order."""
    found = []
    for segment in text.split("&"):
        if segment:
            name, equals, value = segment.partition("=")
            found.append(Parameter(_decoded(name), _decoded(value), place, value, bool(equals)))
    return found


def _decoded(text: str) -> str:
    return percent_decode_as_sent(text.replace("+", " "))


def _read_header(value: str) -> tuple[list[Parameter], str | None, list[str]]:
    scheme, _, rest = value.partition(" ")
    if scheme.lower().rstrip(",") != "oauth":
        return [], None, []
    shape = ["header-comma-after-scheme"] if scheme.endswith(",") or rest.lstrip().startswith(",") else []
    found: list[Parameter] = []
    realm = None
    for name, raw, separator in _elements(rest.lstrip(" ,\t")):
        if separator == "&":
            shape.append("header-ampersand")
        if raw.startswith("'"):
            shape.append("header-single-quotes")
        elif not raw.startswith('"'):
            shape.append("header-without-quotes")
        text = raw[1:-1] if raw[:1] in ('"', "'") else raw.rstrip()
        if name.lower() == "realm":
            realm = re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
        else:
            found.append(Parameter(percent_decode_as_sent(name), percent_decode_as_sent(text), "header", text))
    return found, realm, list(dict.fromkeys(shape))


def _elements(text: str) -> Iterator[tuple[str, str, str]]:
    at = 0
    while 0 <= at < len(text):
        found = _ELEMENT.match(text, at)
        if found is None:
            at = text.find(",", at) + 1 or len(text)
            continue
        yield found[1], found[2], found[3]
        at = max(found.end(), at + 1)
