"""Client credentials and token credentials, RFC 5849 section 1.1."""

from __future__ import annotations

from ._checks import strip_line_ends, warn_of_whitespace
from ._generate import generate_verifier
from ._typing import Any, Protocol
from ._wire.form import parse_form_as_sent
from ._wire.percent import percent_encode
from ._wire.text import is_utf8, to_text
from .encoding import STRING_TYPES

__all__ = ["Consumer", "Credentials", "Token"]

_VERIFIER_DIGITS = 20  # 20 digits have 66 random bits. Section 4.9 requires verifiers that are hard to guess.


class Credentials(Protocol):
    """Client credentials or token credentials: any object with a key and a secret (section 1.1)."""

    @property
    def key(self) -> str | bytes:
        """The identifier: ``oauth_consumer_key`` or ``oauth_token``."""
        ...

    @property
    def secret(self) -> str | bytes:
        """The shared secret."""
        ...


class Consumer:
    """Client credentials (section 1.1). python-oauth2 calls a client "consumer", so this class has this name.

    ``str()`` returns key and secret as a form; ``repr()`` never shows the secret.

    Attributes:
        key: The client identifier, sent as ``oauth_consumer_key``.
        secret: The client's shared secret; ``""`` for a client that signs with RSA only.
        public_key: The client's RSA public key, with which a server checks signatures: any key that the parameter
            ``public_key`` of ``SignatureMethod_RSA_SHA1`` accepts.

    Raises:
        ValueError: *key* or *secret* is None.
    """

    # The type is Any, so that type checkers accept the values both as str and as bytes. Each program knows which of the
    # two types it has set.
    key: Any = None
    secret: Any = None
    public_key: Any = None

    def __init__(self, key: str | bytes, secret: str | bytes, *, public_key: object = None) -> None:
        _require(key, secret)
        self.key = key
        self.secret = secret
        self.public_key = public_key

    def __str__(self) -> str:
        return _form([("oauth_consumer_key", self.key), ("oauth_consumer_secret", self.secret)])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key!r}>"


class Token:
    """Token credentials or temporary credentials. A client exchanges temporary credentials for token credentials.

    ``str()`` returns :meth:`to_string`; ``repr()`` never shows the secret.

    Attributes:
        key: The token, sent as ``oauth_token``.
        secret: The shared secret of the token.
        callback: The URL to which the service redirects the user after approval (section 2.2).
        callback_confirmed: The value of ``oauth_callback_confirmed`` (section 2.1), such as ``"true"``; None if it is
            not known.
        verifier: The ``oauth_verifier`` of section 2.2.

    Raises:
        ValueError: *key* or *secret* is None.
    """

    key: Any = None
    secret: Any = None
    callback: str | None = None
    callback_confirmed: str | None = None
    verifier: str | None = None

    def __init__(self, key: str | bytes, secret: str | bytes) -> None:
        _require(key, secret)
        self.key = key
        self.secret = secret

    def set_callback(self, callback: str | None) -> None:
        """Set the callback, and set ``callback_confirmed`` to ``"true"``."""
        self.callback = callback
        self.callback_confirmed = "true"

    def set_verifier(self, verifier: str | None = None) -> None:
        """Set the verifier; *verifier* defaults to 20 new random digits."""
        self.verifier = generate_verifier(_VERIFIER_DIGITS) if verifier is None else verifier

    def get_callback_url(self) -> str | None:
        """Return the callback with ``oauth_verifier`` added to its query (section 2.2)."""
        if not (self.callback and self.verifier):
            return self.callback
        url, hash_mark, fragment = self.callback.partition("#")
        base, _, query = url.partition("?")
        added = f"oauth_verifier={percent_encode(self.verifier)}"
        return f"{base}?{query}&{added}{hash_mark}{fragment}" if query else f"{base}?{added}{hash_mark}{fragment}"

    def to_string(self) -> str:
        """Return the token as text for storage.

        The text contains the secret. Store the text in a place that only this program can read.
        """
        items = [("oauth_token", self.key), ("oauth_token_secret", self.secret)]
        if self.callback_confirmed is not None:
            items.append(("oauth_callback_confirmed", self.callback_confirmed))
        return _form(items)

    @staticmethod
    def from_string(s: str | bytes) -> Token:
        """Return the token in the result of :meth:`to_string`, or in the response of a service (sections 2.1 and 2.3).

        Line ends after the last value are removed, because files often end with a line end. If the secret starts or
        ends with whitespace other than these line ends, the logger "oauth2" logs a warning.

        Raises:
            TypeError: *s* is neither str nor bytes.
            ValueError: ``oauth_token`` or ``oauth_token_secret`` is missing, empty or not UTF-8.
        """
        if not isinstance(s, STRING_TYPES):
            raise TypeError("s: must be str or bytes")
        found: dict[str, str] = {}
        for name, value in parse_form_as_sent(strip_line_ends(s)):
            if value:
                found.setdefault(name, value)
        for name in ("oauth_token", "oauth_token_secret"):
            if not is_utf8(found.get(name)):
                raise ValueError(f"s: must contain {name}")
        warn_of_whitespace("oauth_token_secret", found["oauth_token_secret"])
        token = Token(found["oauth_token"], found["oauth_token_secret"])
        token.callback_confirmed = found.get("oauth_callback_confirmed")
        return token

    def __str__(self) -> str:
        return self.to_string()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key!r}>"


def _require(key: object, secret: object) -> None:
    for name, value in (("key", key), ("secret", secret)):
        if value is None:
            raise ValueError(f"{name}: must be set")


def _form(items: list[tuple[str, object]]) -> str:
    # A space becomes "+", so that programs get the text that python-oauth2 1.9 returns.
    return "&".join([f"{name}={percent_encode(to_text(value)).replace('%20', '+')}" for name, value in items])
