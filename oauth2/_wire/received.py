"""Collect the parameters of a received request: RFC 5849 sections 3.1, 3.2 and 3.4.1.3.1.

A peer sends all input, so every mistake in the input raises :class:`~oauth2.errors.Error`. Limits are checked before
the input is parsed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from .._typing import Any, Protocol
from ..errors import InvalidRequest
from .form import FORM, form_text, read_form, text_pairs
from .header import is_oauth_header, read_header
from .pairs import Pairs, decode_pairs, decode_texts, encode_pairs, group_pairs, pair_up, subtract
from .text import is_utf8


class Headers(Protocol):
    """Header fields: any mapping, or a message of the standard library."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Return names and values."""
        ...


class Limits(Protocol):
    """Limits of a request, and the protocol parameters that may be outside the Authorization header."""

    max_header: int
    max_parameters: int
    max_form: int
    may_stand_apart: frozenset[str]


_VARIABLES = {
    "HTTP_AUTHORIZATION": "authorization",
    "CONTENT_TYPE": "content-type",
}  # names of variables in a WSGI environ
_FIELDS = {
    "Authorization": "authorization",
    "authorization": "authorization",
    "Content-Type": "content-type",
    "content-type": "content-type",
    **_VARIABLES,
}
_LENGTHS = {*map(len, _FIELDS)}
# Upper-case names of header fields. No variable of a WSGI environ has one of these names, so a mapping with one of
# these names is not an environ.
_FIELDS_ALONE = {"AUTHORIZATION", "HOST"}
_TOKEN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~")
_LONGEST_SHOWN = 40  # Maximum length of a parameter's name in an error message. A longer name is not shown.


def find_headers(headers: Headers) -> tuple[str, str]:
    """Return the values of Authorization and Content-Type; ``""`` for a field that is missing.

    Args:
        headers: A mapping of header fields, whose names may be in upper or lower case. *headers* can also be a WSGI
            environ, Django's META, or a part of an environ or META. In a mapping of header fields, a field with the
            name ``Content_Type`` or ``CONTENT_TYPE`` is ignored.

    Raises:
        Error: A field occurs twice, and the two values are different.
        TypeError: *headers* is not a mapping.
    """
    authorization = content_type = ""
    is_environ: bool | None = None  # None until *headers* contains a name that an environ has.
    if not hasattr(headers, "items"):
        raise TypeError("headers: must be a mapping")
    for name, value in headers.items():
        if len(name) not in _LENGTHS:  # Fast path: the length alone excludes most names of an environ.
            continue
        field = _FIELDS.get(name) or _FIELDS.get(_header_text(name).lower())
        if name in _VARIABLES:
            is_environ = _is_environ(headers) if is_environ is None else is_environ
            if not is_environ:
                continue
        if field == "authorization":
            authorization = _same(authorization, value)
        elif field == "content-type":
            content_type = _same(content_type, value)
    return authorization, content_type


def _is_environ(headers: Headers) -> bool:
    # A client can send a header field with any name, even HTTP_AUTHORIZATION, but the value of a header field is always
    # text. In an environ, the value of wsgi.multithread is a bool (PEP 3333; Django's META also has this variable). A
    # part of an environ may have no wsgi.multithread. A mapping without wsgi.multithread is treated as an environ if
    # all names are in upper case, because the names of variables are in upper case.
    get = getattr(headers, "get", None)
    if get is not None and isinstance(get("wsgi.multithread"), int):
        return True
    names = {name for each, _ in headers.items() if "." not in (name := _header_text(each))}
    return _FIELDS_ALONE.isdisjoint(names) and all("-" not in name and name == name.upper() for name in names)


def _header_text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _same(earlier: str, value: str | bytes) -> str:
    text = _header_text(value).strip(" \t")
    if earlier and earlier != text:
        raise InvalidRequest("The request has two different headers with the same name.")
    return text


def collect_parameters(
    query: str,
    authorization: str,
    form: bytes | None,
    query_string: str | bytes | None,
    parameters: Mapping[Any, Any] | None,
    limits: type[Limits],
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Return all parameters of a request (section 3.4.1.3.1). A name may occur more than once.

    Args:
        query: The query of the URL, encoded.
        authorization: The value of the Authorization header field. A value whose scheme is not OAuth is ignored.
        form: The body if it is a form, otherwise None.
        query_string: The encoded query, for a caller whose URL may have no query. A pair that is both in *query* and in
            *query_string* is used once.
        parameters: The parameters of query and form that a framework has merged. Only the pairs that are neither in the
            query nor in *form* are added.
        limits: The limits of the request.

    Returns:
        A tuple of three. First, a dict of all parameters, without the realm of the header. Second, a dict of the
        parameters whose names do not start with ``oauth_``. Third, all parameters in their encoded form, see
        :func:`~oauth2._wire.pairs.encode_pairs`. If a name occurs more than once, its value in both dicts is a list.

    Raises:
        Error: The request is malformed, or exceeds a limit. Or the request has a protocol parameter twice, or has
            protocol parameters in two places (section 3.5).
    """
    in_header, is_protocol_only = _read_header(authorization, limits)
    in_query = _read_form(query, limits) if query else []
    if query_string and (text := form_text(query_string)) != query:
        in_query = in_query + subtract(_read_form(text, limits), in_query)
    in_form = _read_form(form, limits) if form else []
    elsewhere = in_query + in_form
    merged: list[str] = []
    if parameters:
        merged = encode_pairs(subtract(_merged_pairs(parameters, limits), decode_pairs(elsewhere)))
        elsewhere = elsewhere + merged
    encoded = elsewhere + in_header
    if len(encoded) > limits.max_parameters:
        raise InvalidRequest("The request has too many parameters.")
    texts = decode_texts(encoded)
    first = 2 * len(elsewhere)  # position in the list `texts` of the first name from the header
    others: dict[str, Any] = dict(zip(texts[:first:2], texts[1:first:2], strict=True))
    found = others.copy()
    found.update(zip(texts[first::2], texts[first + 1 :: 2], strict=True))
    # Fast path: a request is not ambiguous if it meets three conditions. First, the header contains only protocol
    # parameters. Second, no name occurs twice in the header. Third, no protocol parameter is outside the header. The
    # text "oauth_" outside the header may also be a part of a value, so in this case the full check is necessary. The
    # list `elsewhere` never contains "oauth_" in percent-encoded form, because its texts have canonical escapes only.
    is_each_once = len(found) == len(others) + len(in_header)
    if is_protocol_only and is_each_once and "oauth_" not in "&".join(elsewhere):
        if len(others) < len(elsewhere):
            others = group_pairs(pair_up(texts[:first]))
            found.update(others)
        return found, others, encoded
    beside = [[name for name, _ in decode_pairs(place)] for place in (in_query, in_form, merged)]
    refuse_ambiguity(texts[first::2], *beside, may_stand_apart=limits.may_stand_apart)
    found = group_pairs(pair_up(texts[first:] + texts[:first]))
    return found, {name: value for name, value in found.items() if not name.startswith("oauth_")}, encoded


def refuse_ambiguity(*places: list[str], may_stand_apart: frozenset[str] = frozenset()) -> None:
    """Refuse protocol parameters in two places (section 3.5), and repeated protocol parameters (section 3.1).

    Args:
        places: The decoded names in each place. The first list contains the names in the Authorization header.
        may_stand_apart: Names of protocol parameters that may be in the query or the form although the Authorization
            header has the other protocol parameters. These parameters must all be in the query, or all in the form.

    Raises:
        Error: The request is ambiguous; the message contains the name of the parameter.
    """
    found = [[name for name in place if name.startswith("oauth_")] for place in places]
    used = [names for names in found if names]
    for names in used:
        if len(set(names)) < len(names):
            raise InvalidRequest(f"A protocol parameter occurs twice{named(_repeated(names))}.")
    if len(used) < 2 or (len(used) == 2 and found[0] and _may_be_apart(used[0], used[1], may_stand_apart)):
        return
    # The error message contains the name of a protocol parameter that is not in the place of oauth_signature.
    chosen = next((names for names in used if "oauth_signature" in names), used[0])
    apart = [name for names in used if names is not chosen for name in names]
    wrong = [name for name in apart if name in chosen or name not in may_stand_apart]
    raise InvalidRequest(f"The protocol parameters are in more than one place{named((wrong or apart)[0])}.")


def _may_be_apart(in_header: list[str], beside: list[str], may_stand_apart: frozenset[str]) -> bool:
    return may_stand_apart.issuperset(beside) and not {*in_header} & {*beside}


def _repeated(names: list[str]) -> str:
    return next(name for name, following in pairwise(sorted(names)) if name == following)


def named(name: str) -> str:
    """Return ``": name"`` for the end of an error message, or ``""`` if the name is long or has special characters.

    The name is from a peer, so it may contain any text.
    """
    is_plain = len(name) <= _LONGEST_SHOWN and name.isascii() and name.replace("_", "").isalnum()
    return f": {name}" if is_plain else ""


def _read_header(authorization: str, limits: type[Limits]) -> tuple[list[str], bool]:
    if len(authorization) <= limits.max_header:
        return read_header(authorization)
    if is_oauth_header(authorization):
        raise InvalidRequest("The Authorization header is too long.")
    return [], True


def _read_form(data: str | bytes, limits: type[Limits]) -> list[str]:
    if len(data) > limits.max_form:
        raise InvalidRequest("A query or form body is too long.")
    text = form_text(data) if isinstance(data, bytes) else data
    if text.count("&") >= limits.max_parameters:
        raise InvalidRequest("The request has too many parameters.")
    return read_form(text)


def _merged_pairs(parameters: Mapping[Any, Any], limits: type[Limits]) -> Pairs:
    try:
        # Django's QueryDict has getlist(). If a name occurs more than once, QueryDict.items() would return only one of
        # its values, but the signature covers all values.
        getlist = getattr(parameters, "getlist", None)
        pairs = text_pairs({name: getlist(name) for name in parameters} if getlist else parameters)
    except TypeError:
        raise InvalidRequest("A parameter is not valid UTF-8.") from None
    if sum([len(name) + len(value) for name, value in pairs]) > limits.max_form:
        raise InvalidRequest("A query or form body is too long.")
    if not all(is_utf8(name) and is_utf8(value) for name, value in pairs):
        raise InvalidRequest("A parameter is not valid UTF-8.")
    return pairs


def form_body(content_type: str, body: bytes | bytearray | memoryview | str | None) -> tuple[bytes | None, bool]:
    """Return the body as bytes (None if *body* is None), and whether *content_type* is the media type of a form.

    Raises:
        Error: *body* is text that cannot be encoded as UTF-8, or :func:`is_received_form` refuses *content_type*.
        TypeError: *body* is neither bytes nor str.
    """
    if body is None or isinstance(body, bytes):
        return body, is_received_form(content_type)
    if isinstance(body, str):
        if not is_utf8(body):
            raise InvalidRequest("The body is not valid UTF-8.")
        return body.encode(), is_received_form(content_type)
    if not isinstance(body, (bytearray, memoryview)):
        raise TypeError("body: must be bytes, str or None")
    return bytes(body), is_received_form(content_type)


def is_received_form(content_type: str) -> bool:
    """Return whether a received Content-Type is the media type of a form (section 3.4.1.3.1).

    This check is stricter than :func:`~oauth2._wire.form.is_form`. Some frameworks read the body as a form even if the
    Content-Type only starts with the media type of a form, or only contains it. Other frameworks ignore unusual
    whitespace around the media type. The signature would not cover the parameters of such a body, so these
    Content-Types are refused.

    Raises:
        Error: *content_type* is not a media type (RFC 9110 section 8.3.1), or contains the media type of a form but is
            not exactly this media type.
    """
    if not content_type:
        return False
    media_type = content_type.partition(";")[0].strip(" \t").lower()
    if media_type == FORM:
        return True
    kind, _, subtype = media_type.partition("/")
    if not (kind and subtype and _TOKEN.issuperset(kind) and _TOKEN.issuperset(subtype)):
        raise InvalidRequest("The Content-Type is not a media type.")
    if FORM in content_type.lower():
        raise InvalidRequest(f"The Content-Type contains {FORM}, but is not exactly this media type. Send only {FORM}.")
    return False
