"""Remove credentials from requests and responses that a recorder writes to a file."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .._wire.header import is_oauth_header

#: This text replaces each secret. The text needs no percent-encoding. If a test replays a recorded response, the client
#: uses this text as the secret.
REDACTED = "REDACTED"

# The signature is also hidden, because a PLAINTEXT signature contains both secrets.
_HIDDEN = "oauth_(?:token_secret|signature|verifier|session_handle)|x_auth_password"
_IN_FORM = re.compile(rf"(^|[?&;\s])({_HIDDEN})=[^&\s#]*")
_IN_HEADER = re.compile(rf"(\b)({_HIDDEN})=(?:\"[^\"]*\"|[^\s,\"]*)")
_IN_JSON = re.compile(rf"""(["'])({_HIDDEN})\1(\s*:\s*)(?:"(?:[^"\\]|\\.)*"|[^\s,}}\]]+)""")


class Scrubber:
    """Replaces secrets and, optionally, the consumer key.

    Args:
        consumer_key: The text that replaces the value of ``oauth_consumer_key``; None to leave the value unchanged.
    """

    def __init__(self, consumer_key: str | None = None) -> None:
        self._consumer_key = consumer_key

    def text(self, text: str) -> str:
        """Return a URL, a form or JSON without secrets."""
        text = _IN_FORM.sub(rf"\1\2={REDACTED}", text)
        text = _IN_JSON.sub(rf'\1\2\1\3"{REDACTED}"', text)
        if self._consumer_key is not None:
            key = self._consumer_key
            text = re.sub(
                r"(^|[?&])oauth_consumer_key=[^&\s#]*", lambda match: f"{match[1]}oauth_consumer_key={key}", text
            )
        return text

    def body(self, body: bytes) -> bytes:
        """Return a body without secrets; octets that are not UTF-8 do not change."""
        return self.text(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def authorization(self, value: str) -> str:
        """Return the value of an Authorization header without secrets.

        For a scheme other than OAuth, return only the scheme.
        """
        if not is_oauth_header(value):
            return f"{value.partition(' ')[0]} {REDACTED}"
        value = _IN_HEADER.sub(rf'\1\2="{REDACTED}"', value)
        if self._consumer_key is not None:
            key = self._consumer_key
            value = re.sub(r'oauth_consumer_key="[^"]*"', lambda _: f'oauth_consumer_key="{key}"', value)
        return value

    def field(self, name: str, value: str) -> str:
        """Return the value of a header field without secrets."""
        return self.authorization(value) if name.lower() == "authorization" else self.text(value)

    def fields(self, fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return header fields without secrets."""
        return [(name, self.field(name, value)) for name, value in fields]
