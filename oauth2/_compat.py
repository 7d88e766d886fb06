"""Names that programs written for python-oauth2 1.9 can import from oauth2. This package does not use these names."""

import base64  # noqa: F401 - programs write `from oauth2 import base64`, and so on
import binascii  # noqa: F401
import hmac  # noqa: F401
import random  # noqa: F401
import time  # noqa: F401
from hashlib import sha1  # noqa: F401
from urllib.parse import (  # noqa: F401 - for programs that import the names
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

from .encoding import STRING_TYPES  # noqa: F401 - for programs that import the name

PY3 = True
TEXT = str


def b(x: str, encoding: str = "ascii") -> bytes:
    """Return *x* as bytes."""
    return x.encode(encoding)


def u(x: str | bytes, encoding: str = "ascii") -> str:
    """Return *x* as text."""
    return x if isinstance(x, str) else x.decode(encoding)
