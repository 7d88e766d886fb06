"""Read and write the pairs of a query or a form body: RFC 5849 sections 3.4.1.3.1, 3.5.2 and 3.5.3.

The functions for servers are strict. The functions whose names end in ``_as_sent`` are for clients. They accept any
text, because a client must sign exactly the octets that it sends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from .._typing import Any
from ..errors import InvalidRequest
from .pairs import ENCODED, Pairs, decode_pairs_as_sent, encode_pairs, has_canonical_escapes, pair_up
from .percent import percent_decode, percent_decode_as_sent
from .text import STRING_TYPES, decode_utf8, to_text

FORM = "application/x-www-form-urlencoded"
_NO_SEPARATOR = bytes({*range(256)} - {*b"=&"})


def parse_form(data: bytes | str) -> Pairs:
    """Read a query or a form body strictly (section 3.4.1.3.1).

    ``+`` is a space, a name without ``=`` has an empty value, empty segments are
    skipped, and ``;`` is not a separator.

    Args:
        data: The received octets, or their text; without the leading ``?``.

    Returns:
        Decoded pairs in the order of *data*. A name may occur more than once.

    Raises:
        Error: *data* has an invalid escape, or is not UTF-8.
    """
    return _parse(form_text(data), percent_decode)


def form_text(data: bytes | str) -> str:
    """Return a query or form body as text.

    Raises:
        Error: *data* is bytes that are not UTF-8.
    """
    text = data if isinstance(data, str) else decode_utf8(data)
    if text is None:
        raise InvalidRequest("A query or form body is not valid UTF-8.")
    return text


def parse_form_as_sent(data: bytes | str) -> Pairs:
    """Read a query or form body that this process sends (section 3.4.1.3.1).

    Unlike :func:`parse_form`, this function accepts invalid escapes and octets that are not UTF-8, see
    :func:`~oauth2._wire.percent.percent_decode_as_sent`.
    """
    if isinstance(data, bytes):
        data = data.decode("utf-8", "surrogateescape")
    encoded = _canonical_parameters(data)
    return decode_pairs_as_sent(encoded) if encoded else _parse(data, percent_decode_as_sent)


def _parse(form: str, decode: Callable[[str], str]) -> Pairs:
    form = form.replace("+", " ")
    # Fast path: if every segment is "name=value", replace each separator by a NUL, decode the form in one call,
    # and split the result at the NULs. If the form itself contains a NUL or a %00, the split would read this NUL as a
    # separator, so the fast path is not possible.
    separators = form.encode("utf-8", "surrogatepass").translate(None, _NO_SEPARATOR)
    if separators == b"=&" * (len(separators) // 2) + b"=" and "\0" not in form and "%00" not in form:
        return pair_up(decode(form.replace("=", "\0").replace("&", "\0")).split("\0"))
    segments = [segment.partition("=") for segment in form.split("&") if segment]
    return [(decode(name), decode(value)) for name, _, value in segments]


def encode_form(form: str) -> list[str]:
    """Return the encoded parameters of a query or form body that this process sends.

    This function accepts each form that :func:`parse_form_as_sent` accepts. Each text in the result is
    ``"name value"``, see :func:`~oauth2._wire.pairs.encode_pairs`.
    """
    return _canonical_parameters(form) or encode_pairs(_parse(form, percent_decode_as_sent))


def read_form(form: str) -> list[str]:
    """Return the encoded parameters of a query or form body that was received.

    Each text in the result is ``"name value"``, see :func:`~oauth2._wire.pairs.encode_pairs`.

    Raises:
        Error: The form has an invalid escape. This function may accept octets that are not UTF-8;
            :func:`~oauth2._wire.pairs.decode_pairs` refuses these octets later.
    """
    return _canonical_parameters(form) or encode_pairs(_parse(form, percent_decode))


def _canonical_parameters(form: str) -> list[str] | None:
    # Fast path: the form is used unchanged if it meets two conditions. First, every segment is "name=value". Second,
    # names and values contain only unreserved characters and canonical escapes, which are the escapes that section 3.6
    # produces. If both conditions are true, decoding and encoding would not change the form.
    if "+" in form:
        form = form.replace("+", "%20")
    others = form.encode("utf-8", "surrogatepass").translate(None, ENCODED)
    if others == b"=&" * (len(others) // 2) + b"=" and has_canonical_escapes(form):
        return form.replace("=", " ").split("&")
    return None


def build_form(pairs: Iterable[tuple[str, str]]) -> str:
    """Write decoded *pairs* as a query or form body; a space becomes ``%20`` (section 3.4.1.3.1)."""
    return "&".join(encode_pairs(list(pairs))).replace(" ", "=")


def is_form(content_type: str) -> bool:
    """Return whether a Content-Type that this process sends is the media type of a form.

    Case and the parameters of the Content-Type are ignored.
    """
    return content_type.partition(";")[0].strip(" \t").lower() == FORM


def query_of(url: str) -> str:
    """Return the query of *url*, still encoded; ``""`` if *url* has no query."""
    return url.partition("#")[0].partition("?")[2]


def add_to_query(url: str, form: str) -> str:
    """Return *url* with the encoded *form* appended to its query. The rest of *url* is not changed."""
    if not form:
        return url
    base, hash_mark, fragment = url.partition("#")
    base, _, query = base.partition("?")
    separator = "" if not query or query.endswith("&") else "&"
    return f"{base}?{query}{separator}{form}{hash_mark}{fragment}"


def text_pairs(parameters: Mapping[Any, Any]) -> Pairs:
    """Return the pairs of a dict. Each value is a text, a number, or a flat sequence of texts and numbers.

    A parameter whose value is None is omitted, as in the library ``requests``.

    Raises:
        TypeError: A value is nested, or is bytes that are not UTF-8.
    """
    pairs: Pairs = []
    for name, value in parameters.items():
        if type(value) is str or type(value) is bytes:
            pairs.append((to_text(name), to_text(value)))
        else:
            pairs += [(to_text(name), to_text(member)) for member in _members(name, value)]
    return pairs


def refuse_nested(name: object, value: object, kinds: tuple[type, ...] = ()) -> None:
    """Refuse a parameter whose value is a mapping or an instance of *kinds*.

    There is no standard for nested values in a form, so a client and a server could read a nested value differently.

    Raises:
        TypeError: *value* is refused.
    """
    if hasattr(value, "items") or isinstance(value, kinds):
        raise TypeError(
            f"parameters: the value of {to_text(name)!r} must be text, a number, or a flat list of these;"
            " write nested values in the form that the service documents"
        )


def _members(name: object, value: Any) -> Iterable[Any]:
    if isinstance(value, STRING_TYPES):
        return (value,)
    refuse_nested(name, value)
    try:
        members = [member for member in value if member is not None]
    except TypeError:
        return () if value is None else (value,)
    for member in members:
        refuse_nested(name, member, (list, tuple, set, frozenset))
    return members
