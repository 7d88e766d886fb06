"""What may be shown of a request or an answer: all but what opens a door."""

from __future__ import annotations

import re

from ..parameters import is_oauth_header

HIDDEN = "[redacted]"

_NAMES = "oauth_(?:signature|token|token_secret|verifier|session_handle|callback)|x_auth_[a-z_]+"
_IN_HEADER = re.compile(rf'(?i)\b({_NAMES}|xoauth_[a-z_]+)=("[^"]*"|[^\s,"]*)')
_IN_FORM = re.compile(rf"(?i)(^|[?&])({_NAMES})=[^&#\s]*")
_SECRET_HEADERS = ("cookie", "set-cookie", "proxy-authorization", "x-api-key", "x-auth-token")
_SECRET_FIELDS = re.compile(r'(?i)("?[\w-]*(?:secret|token|password|verifier|signature)[\w-]*"?\s*[=:]\s*"?)[^"&\s,}]+')


def redacted_header(name: str, value: str) -> str:
    """Return a header field value as it may be shown."""
    lowered = name.lower()
    if lowered in _SECRET_HEADERS:
        return HIDDEN
    if lowered in ("authorization", "x-authorization"):
        if not is_oauth_header(value):
            return f"{value.partition(' ')[0]} {HIDDEN}"
        return _IN_HEADER.sub(rf'\1="{HIDDEN}"', value)
    return redacted_url(value) if lowered in ("location", "referer", "content-location", "link") else value


def redacted_url(url: str) -> str:
    """Return a URL, or the request target in it, as it may be shown."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    if separator and "@" in authority:
        url = f"{scheme}://{HIDDEN}@{authority.rpartition('@')[2]}{slash}{path}"
    return _IN_FORM.sub(rf"\1\2={HIDDEN}", url)


def redacted_text(text: str) -> str:
    """Return some of a service's answer as it may be shown in an error."""
    return _SECRET_FIELDS.sub(rf"\1{HIDDEN}", text)
