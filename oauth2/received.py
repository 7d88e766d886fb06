"""The parameters of a received request, from one place each: RFC 5849 sections 3.1, 3.2 and 3.4.1.3.1.

Everything here is what a peer sent, so everything that is wrong with it is an
:class:`~oauth2.errors.Error`. Limits are checked before anything is parsed.
"""

from __future__ import annotations

from itertools import islice

from .encoding import is_utf8
from .errors import InvalidRequest
from .pairs import Pairs, decode_pairs, encode_pairs, group_pairs, without
from .parameters import form_text, is_form, is_oauth_header, query_of, read_form, read_header, text_pairs

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


class Snapshot:
    """The parameters of a request at one moment, in the forms that are needed of them.

    Attributes:
        parameters: Name to value: text, bytes, or a list of texts that nobody else has.
        encoded: The same, see :func:`~oauth2.pairs.encode_pairs`; not in one order.
        others: Those whose names do not start with ``oauth_``; None if nobody looked.
    """

    __slots__ = ("encoded", "others", "parameters")

    def __init__(self, parameters: dict[str, Any], encoded: list[str], others: dict[str, Any] | None = None) -> None:
        self.parameters = parameters
        self.encoded = encoded
        self.others = others

    def add(self, name: str, value: str | bytes, encoded_value: str) -> None:
        """Take note of a protocol parameter that was added; *name* is nothing to encode."""
        self.encoded.append(f"{name} {encoded_value}")
        self.parameters[name] = value
        self.others = None


_FIELDS = {
    "Authorization": "authorization",
    "authorization": "authorization",
    "HTTP_AUTHORIZATION": "authorization",
    "http_authorization": "authorization",
    "Content-Type": "content-type",
    "content-type": "content-type",
    "CONTENT_TYPE": "content-type",
    "content_type": "content-type",
}
_LENGTHS = {*map(len, _FIELDS)}


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
        if len(name) not in _LENGTHS:  # an environ is long, and these are few
            continue
        field = _FIELDS.get(name) or _FIELDS.get(_header_text(name).lower())
        if field == "authorization":
            authorization = _same(authorization, value)
        elif field == "content-type":
            content_type = _same(content_type, value)
    return authorization, content_type


def _header_text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _same(known: str, value: str | bytes) -> str:
    text = (value if type(value) is str else _header_text(value)).strip(" \t")
    if known and known != text:
        raise InvalidRequest("The request has two different headers of one name.")
    return text


def collect_parameters(
    url: str,
    authorization: str,
    form: bytes | None,
    query_string: str | bytes | None,
    parameters: Mapping[Any, Any] | None,
    limits: Limits,
) -> tuple[dict[str, Any], Snapshot]:
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
        Decoded parameters by name, without the realm of the header, and what is known of
        them. The values of a name that stands more than once are a list.

    Raises:
        Error: Too much, malformed, a protocol parameter twice, or in two places (section 3.5).
    """
    header, is_protocol = _read_header(authorization, limits)
    query = query_of(url)
    in_query = _read_form(query, limits) if query else []
    if query_string and (text := form_text(query_string)) != query:
        in_query = in_query + without(_read_form(text, limits), in_query)
    in_form = _read_form(form, limits) if form else []
    elsewhere = in_query + in_form
    merged: list[str] = []
    if parameters:
        merged = encode_pairs(without(_merged_pairs(parameters), list(decode_pairs(elsewhere))))
        elsewhere = elsewhere + merged
    encoded = elsewhere + header
    if len(encoded) > limits.max_parameters:
        raise InvalidRequest("The request has too many parameters.")
    pairs = decode_pairs(encoded)
    others: dict[str, Any] = dict(islice(pairs, len(elsewhere)))
    found = others.copy()
    found.update(pairs)
    in_place = is_protocol and len(found) == len(others) + len(header) and "oauth_" not in "&".join(elsewhere)
    if not in_place:
        refuse_ambiguity(*[list(decode_pairs(place)) for place in (header, in_query, in_form, merged)])
    if len(found) == len(encoded):
        return found, Snapshot(found, encoded, others if in_place else None)
    encoded = header + elsewhere  # the order that values of one name are given in
    found = group_pairs(list(decode_pairs(encoded)))
    kept = {name: list(value) if isinstance(value, list) else value for name, value in found.items()}
    return found, Snapshot(kept, encoded)


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


def _read_header(authorization: str, limits: Limits) -> tuple[list[str], bool]:
    if authorization[:6] != "OAuth " and not is_oauth_header(authorization):
        return [], True
    if len(authorization) > limits.max_header:
        raise InvalidRequest("The Authorization header is too long.")
    return read_header(authorization)


def _read_form(data: str | bytes, limits: Limits) -> list[str]:
    if len(data) > limits.max_form:
        raise InvalidRequest("A query or form body is too long.")
    text = data if type(data) is str else form_text(data)
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
    if type(body) is bytes:
        return body, is_form(content_type)
    if isinstance(body, str):
        if not is_utf8(body):
            raise InvalidRequest("The body is not valid UTF-8.")
        body = body.encode()
    if not isinstance(body, (bytes, bytearray, memoryview, type(None))):
        raise TypeError("body: bytes or str wanted")
    return None if body is None else bytes(body), is_form(content_type)
