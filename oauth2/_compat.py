"""Names that programs written for python-oauth2 1.9 import from here; nothing in this package does."""

from urllib.parse import (  # noqa: F401 - names to import
    parse_qs,
    parse_qsl,
    quote,
    unquote,
    unquote_to_bytes,
    urlencode,
    urlparse,
    urlsplit,
    urlunparse,
    urlunsplit,
)

from .encoding import STRING_TYPES  # noqa: F401 - a name to import

PY3 = True
TEXT = str


def b(x: str, encoding: str = "ascii") -> bytes:
    """Return *x* as bytes."""
    return x.encode(encoding)


def u(x: str | bytes, encoding: str = "ascii") -> str:
    """Return *x* as text."""
    return x if isinstance(x, str) else x.decode(encoding)
