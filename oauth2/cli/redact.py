"""Remove credentials from a request or a response before it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .._wire.header import is_oauth_header
from .._wire.percent import percent_encode

__all__ = ["HIDDEN", "redacted_header", "redacted_text", "redacted_url", "without_values"]

HIDDEN = "[redacted]"

_NAMES = "oauth_(?:signature|token|token_secret|verifier|session_handle|callback)|x_auth_[a-z_]+"
_IN_HEADER = re.compile(rf'(?i)\b({_NAMES}|xoauth_[a-z_]+)=("[^"]*"|[^\s,"]*)')
_IN_FORM = re.compile(rf"(?i)(^|[?&])({_NAMES})=[^&#\s]*")
_SECRET_HEADERS = ("cookie", "set-cookie", "proxy-authorization", "x-api-key", "x-auth-token")
# Because of the lookbehind and the possessive quantifiers, the search needs only linear time.
_SECRET_FIELDS = re.compile(
    r"""(?i)(?<![\w-])((?=[\w-]*?(?:secret|token|password|verifier|signature))[\w-]++["']?\s*+[=:]\s*+["']?)[^"&\s,}]+"""
)


def redacted_header(name: str, value: str) -> str:
    """Return *value*, the value of a header field, with a placeholder instead of credentials."""
    lowered = name.lower()
    if lowered in _SECRET_HEADERS:
        return HIDDEN
    if lowered in ("authorization", "x-authorization"):
        if not is_oauth_header(value):
            return f"{value.partition(' ')[0]} {HIDDEN}"
        return _IN_HEADER.sub(rf'\1="{HIDDEN}"', value)
    return redacted_url(value) if lowered in ("location", "referer", "content-location", "link") else value


def redacted_url(url: str) -> str:
    """Return a URL or a request target without credentials."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    if separator and "@" in authority:
        url = f"{scheme}://{HIDDEN}@{authority.rpartition('@')[2]}{slash}{path}"
    return _IN_FORM.sub(rf"\1\2={HIDDEN}", url)


def redacted_text(text: str) -> str:
    """Return *text*, a part of a response, with a placeholder instead of each secret value.

    A value is secret if its name contains, for example, ``secret`` or ``token``.
    """
    return _SECRET_FIELDS.sub(rf"\1{HIDDEN}", text)


def without_values(text: str, values: Iterable[str]) -> str:
    """Return *text* with a placeholder instead of *values*, even if a value is percent-encoded up to three times."""
    for value in filter(None, values):
        for _ in range(4):
            text = text.replace(value, HIDDEN)
            value = percent_encode(value)
    return text
