"""The URL of a request that an HTTP client is about to send, and the protocol parameters in its query."""

from __future__ import annotations

from collections.abc import Callable, Container

from .._wire.form import parse_form_as_sent
from .._wire.pairs import Pairs, has_canonical_escapes
from .._wire.percent import percent_decode_as_sent
from .._wire.text import is_utf8
from .._wire.uri import encode_illegal
from ..encoding import to_unicode
from ..errors import InvalidURL
from ..signature import base_string_uri

#: Protocol parameters that are always computed during signing. A value that the caller has set for one of these
#: parameters is ignored.
COMPUTED = frozenset({"oauth_signature", "oauth_signature_method", "oauth_body_hash"})


def legal_uri(uri: str | bytes) -> str:
    """Percent-encode in *uri* all characters that its path and query must not contain (RFC 3986).

    Raises:
        InvalidURL: *uri* cannot be encoded as UTF-8.
        TypeError: *uri* is bytes that are not UTF-8.
    """
    text = to_unicode(uri)
    if not is_utf8(text):
        raise InvalidURL("The URL has no UTF-8 form.")
    scheme, separator, rest = text.partition("://")
    # The authority is not changed, because an IPv6 address in the authority has brackets, which are legal there.
    end = len(rest.replace("?", "/").replace("#", "/").partition("/")[0])
    path, hash_mark, fragment = rest[end:].partition("#")
    return f"{scheme}{separator}{rest[:end]}{encode_illegal(path)}{hash_mark}{encode_illegal(fragment)}"


def origin(uri: str) -> str:
    """Return the origin of a URL: scheme and host, and the port unless it is the default port.

    For example, the origin of ``https://api.example/photos`` is ``https://api.example``.

    Raises:
        InvalidURL: *uri* is not an http or https URL.
    """
    return origin_of(base_string_uri(uri))


def origin_of(base: str) -> str:
    """Return the origin of a base string URI."""
    return "/".join(base.split("/", 3)[:3])


def take_protocol(uri: str, names: Container[str] | None = None) -> tuple[str, Pairs]:
    """Remove the protocol parameters from the query of *uri*.

    Args:
        uri: Absolute URL.
        names: Names of the parameters to remove; None for all names that start with ``oauth_``.

    Returns:
        The URL without these parameters, and the decoded pairs of the removed parameters. Removed parameters whose
        names are in :data:`COMPUTED` are not in the pairs.
    """
    return take_from_query(uri, is_protocol if names is None else names.__contains__)


def take_from_query(uri: str, is_taken: Callable[[str], bool]) -> tuple[str, Pairs]:
    """Remove parameters from the query of *uri*. The result has the format of the result of :func:`take_protocol`.

    Args:
        uri: Absolute URL.
        is_taken: A function that is called with the decoded name of each parameter. The function must return True if
            the parameter must be removed.
    """
    if _has_none(uri):
        return uri, []
    base, hash_mark, fragment = uri.partition("#")
    base, mark, query = base.partition("?")
    kept, taken = take_from_form(query, is_taken)
    if kept == query:
        return uri, []
    return f"{base}{mark if kept else ''}{kept}{hash_mark}{fragment}", taken


def take_from_form(form: str, is_taken: Callable[[str], bool]) -> tuple[str, Pairs]:
    """Remove parameters from *form*.

    Args:
        form: A query or a form body.
        is_taken: A function that is called with the decoded name of each parameter. The function must return True if
            the parameter must be removed.

    Returns:
        The form without these parameters, and their decoded pairs. Removed parameters whose names are in
        :data:`COMPUTED` are not in the pairs.
    """
    if _has_none(form):
        return form, []
    kept: list[str] = []
    taken: list[str] = []
    for segment in form.split("&"):
        name = segment.partition("=")[0]
        if "%" in name:
            name = percent_decode_as_sent(name)
        (taken if is_taken(name) else kept).append(segment)
    if not taken:
        return form, []
    pairs = parse_form_as_sent("&".join(taken))
    return "&".join(kept), [pair for pair in pairs if pair[0] not in COMPUTED]


def is_protocol(name: str) -> bool:
    """Return whether *name* is the name of a protocol parameter."""
    return name.startswith("oauth_")


def _has_none(encoded: str) -> bool:
    # All parameter names that must be removed, such as oauth_token and x_auth_username, contain "auth_". If all escapes
    # are canonical, no letter and no underscore is escaped. Therefore each of these names contains "auth_" also in its
    # encoded form.
    return "auth_" not in encoded and has_canonical_escapes(encoded)
