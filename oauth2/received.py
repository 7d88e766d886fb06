"""The parameters of a received request, from one place each: RFC 5849 sections 3.1, 3.2 and 3.4.1.3.1.

Everything here is what a peer sent, so everything that is wrong with it is an
:class:`~oauth2.errors.Error`. Limits are checked before anything is parsed.
"""

from __future__ import annotations

from .encoding import is_utf8
from .errors import InvalidRequest
from .parameters import (
    Pairs,
    form_text,
    is_form,
    is_oauth_header,
    parse_authorization_header,
    parse_form,
    query_of,
    text_pairs,
    without,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Protocol

    class Headers(Protocol):
        """Header fields: any mapping, or a message of the standard library."""

        def items(self) -> Iterable[tuple[Any, Any]]:
            """Return names and values."""

    class Limits(Protocol):
        """How much is read."""

        max_header: int
        max_parameters: int
        max_form: int


def find_headers(headers: Headers) -> tuple[str, str]:
    """Return the Authorization and Content-Type of *headers*, ``""`` for one that is not there.

    Args:
        headers: Header fields by name in any case, or a WSGI environ, or Django's META.

    Raises:
        Error: Two that differ, or one that is not text.
    """
    authorization = content_type = ""
    for name, value in headers.items():
        # The lengths are looked at first: an environ is long, and these are few.
        if len(name) in (13, 18) and _name(name) in ("authorization", "http_authorization"):
            authorization = _same(authorization, value)
        elif len(name) == 12 and _name(name) in ("content-type", "content_type"):
            content_type = _same(content_type, value)
    return authorization, content_type


def _name(name: str | bytes) -> str:
    return _header_text(name).lower()


def _header_text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _same(known: str, value: str | bytes) -> str:
    text = _header_text(value).strip(" \t")
    if known not in ("", text):
        raise InvalidRequest("The request has two different headers of one name.")
    return text


def collect_parameters(
    url: str,
    authorization: str,
    form: bytes | None,
    query_string: str | bytes | None,
    parameters: Mapping[Any, Any] | None,
    limits: Limits,
) -> Pairs:
    """Return every parameter of a request as often as it was sent (section 3.4.1.3.1).

    Args:
        url: The URL with its query.
        authorization: The Authorization header field value; another scheme than OAuth is passed over.
        form: The body, if it is a form.
        query_string: The raw query, where *url* comes without it. What both have counts once.
        parameters: Query and form as a framework merged them. Of these, only what
            neither the query nor *form* has is added.
        limits: How much to read.

    Returns:
        Decoded pairs, without the realm of the header.

    Raises:
        Error: Too much, malformed, a protocol parameter twice, or in two places (section 3.5).
    """
    header = _header_pairs(authorization, limits)
    query = _form_pairs(query_of(url), limits)
    query_string = form_text(query_string or "")
    if query_string != query_of(url):
        query += without(_form_pairs(query_string, limits), query)
    body = _form_pairs(form, limits) if form else []
    merged = without(_merged_pairs(parameters), query + body) if parameters else []
    if len(header) + len(query) + len(body) + len(merged) > limits.max_parameters:
        raise InvalidRequest("The request has too many parameters.")
    refuse_ambiguity(header, query, body, merged)
    return header + query + body + merged


def refuse_ambiguity(*places: Pairs) -> None:
    """Refuse protocol parameters in two places (section 3.5), and one that stands twice (section 3.1).

    Raises:
        Error: Either of these.
    """
    found = [names for place in places if (names := [name for name, _ in place if name.startswith("oauth_")])]
    if len(found) > 1:
        raise InvalidRequest("The protocol parameters stand in more than one place.")
    if found and len(set(found[0])) < len(found[0]):
        raise InvalidRequest("A protocol parameter stands twice.")


def _header_pairs(authorization: str, limits: Limits) -> Pairs:
    if not is_oauth_header(authorization):
        return []
    if len(authorization) > limits.max_header:
        raise InvalidRequest("The Authorization header is too long.")
    pairs = parse_authorization_header(authorization)
    signed = [pair for pair in pairs if pair[0] != "realm"]
    if len(pairs) > len(signed) + 1:
        raise InvalidRequest("The Authorization header has two realms.")
    return signed


def _form_pairs(data: str | bytes, limits: Limits) -> Pairs:
    if len(data) > limits.max_form:
        raise InvalidRequest("A query or form body is too long.")
    segments = data.count(b"&") if isinstance(data, bytes) else data.count("&")
    if segments >= limits.max_parameters:
        raise InvalidRequest("The request has too many parameters.")
    return parse_form(data)


def _merged_pairs(parameters: Mapping[Any, Any]) -> Pairs:
    try:
        pairs = text_pairs(parameters)
    except TypeError:
        raise InvalidRequest("A parameter is not valid UTF-8.") from None
    if not all(is_utf8(name) and is_utf8(value) for name, value in pairs):
        raise InvalidRequest("A parameter is not valid UTF-8.")
    return pairs


def form_body(content_type: str, body: bytes | str | None) -> tuple[bytes, bool]:
    """Return the body as bytes, and whether it is a form by its Content-Type.

    Raises:
        Error: Text without a UTF-8 form.
    """
    if isinstance(body, str):
        if not is_utf8(body):
            raise InvalidRequest("The body is not valid UTF-8.")
        body = body.encode()
    return bytes(body or b""), is_form(content_type)
