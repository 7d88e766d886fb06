"""The parameters of a received request, from one place each: RFC 5849 sections 3.1, 3.2 and 3.4.1.3.1.

Everything here is what a peer sent, so everything that is wrong with it is an
:class:`~oauth2.errors.Error`. Limits are checked before anything is parsed.
"""

from __future__ import annotations

from .encoding import is_utf8
from .errors import InvalidRequest
from .parameters import (
    Pairs,
    encode_pairs,
    form_text,
    is_form,
    is_oauth_header,
    query_of,
    read_form,
    read_header,
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
        Error: Two that differ.
        TypeError: *headers* is no mapping.
    """
    authorization = content_type = ""
    if not hasattr(headers, "items"):
        raise TypeError("headers: a mapping wanted")
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
) -> tuple[Pairs, list[str]]:
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
        Decoded pairs, without the realm of the header, and the same encoded, see
        :func:`~oauth2.parameters.encode_pairs`; not in one order.

    Raises:
        Error: Too much, malformed, a protocol parameter twice, or in two places (section 3.5).
    """
    header, encoded_header = _read_header(authorization, limits)
    query, encoded_query = _read_form(query_of(url), limits)
    query_string = form_text(query_string or "")
    if query_string != query_of(url):
        more, encoded_more = _read_form(query_string, limits)
        query = query + without(more, query)
        encoded_query = encoded_query + without(encoded_more, encoded_query)
    body, encoded_body = _read_form(form, limits) if form else ([], [])
    merged = without(_merged_pairs(parameters), query + body) if parameters else []
    pairs = header + query + body + merged
    encoded = encoded_header + encoded_query + encoded_body + encode_pairs(merged)
    if len(pairs) > limits.max_parameters:
        raise InvalidRequest("The request has too many parameters.")
    if "oauth_" in "&".join(encoded[len(header) :]) or len(dict(header)) < len(header):
        refuse_ambiguity(header, query, body, merged)
    return pairs, encoded


def refuse_ambiguity(*places: Pairs) -> None:
    """Refuse protocol parameters in two places (section 3.5), and one that stands twice (section 3.1).

    Raises:
        Error: Either of these.
    """
    found = [names for place in places if place and (names := [name for name, _ in place if name[:6] == "oauth_"])]
    if len(found) > 1:
        raise InvalidRequest("The protocol parameters stand in more than one place.")
    if found and len(set(found[0])) < len(found[0]):
        raise InvalidRequest("A protocol parameter stands twice.")


def _read_header(authorization: str, limits: Limits) -> tuple[Pairs, list[str]]:
    if not is_oauth_header(authorization):
        return [], []
    if len(authorization) > limits.max_header:
        raise InvalidRequest("The Authorization header is too long.")
    return read_header(authorization)


def _read_form(data: str | bytes, limits: Limits) -> tuple[Pairs, list[str]]:
    if not data:
        return [], []
    if len(data) > limits.max_form:
        raise InvalidRequest("A query or form body is too long.")
    text = form_text(data)
    if text.count("&") >= limits.max_parameters:
        raise InvalidRequest("The request has too many parameters.")
    return read_form(text)


def _merged_pairs(parameters: Mapping[Any, Any]) -> Pairs:
    try:
        getlist = getattr(parameters, "getlist", None)  # Django's QueryDict and its like
        pairs = text_pairs({name: getlist(name) for name in parameters} if getlist else parameters)
    except TypeError:
        raise InvalidRequest("A parameter is not valid UTF-8.") from None
    if not all(is_utf8(name) and is_utf8(value) for name, value in pairs):
        raise InvalidRequest("A parameter is not valid UTF-8.")
    return pairs


def form_body(content_type: str, body: bytes | str | None) -> tuple[bytes | None, bool]:
    """Return the body as bytes, None where it was not given, and whether its Content-Type is that of a form.

    Raises:
        Error: Text without a UTF-8 form.
        TypeError: *body* is neither bytes nor str.
    """
    if isinstance(body, str):
        if not is_utf8(body):
            raise InvalidRequest("The body is not valid UTF-8.")
        body = body.encode()
    if not isinstance(body, (bytes, bytearray, memoryview, type(None))):
        raise TypeError("body: bytes or str wanted")
    return None if body is None else bytes(body), is_form(content_type)
