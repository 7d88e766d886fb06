"""Client credentials and token credentials, as RFC 5849 section 1.1 names them."""

from __future__ import annotations

from .encoding import STRING_TYPES, is_utf8, percent_encode, to_text
from .generate import generate_verifier
from .parameters import parse_form_as_sent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VERIFIER_DIGITS = 20  # 66 bits: section 4.9 wants them hard to guess


class Consumer:
    """Client credentials: the drop-in name for what RFC 5849 calls the client.

    ``str()`` of it is the form-encoded key and secret; ``repr()`` never shows the secret.

    Args:
        key: The client identifier, sent as ``oauth_consumer_key``.
        secret: The shared secret; ``""`` for a client that signs with RSA only.
        public_key: The client's RSA public key, for a server: anything that
            ``SignatureMethod_RSA_SHA1(public_key=...)`` takes.

    Raises:
        ValueError: *key* or *secret* is None.
    """

    key: Any = None
    secret: Any = None
    public_key: Any = None

    def __init__(self, key: str | bytes, secret: str | bytes, *, public_key: Any = None) -> None:
        _require(key, secret)
        self.key = key
        self.secret = secret
        self.public_key = public_key

    def __str__(self) -> str:
        return _form([("oauth_consumer_key", self.key), ("oauth_consumer_secret", self.secret)])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key!r}>"


class Token:
    """Token credentials, or the temporary credentials they are got with.

    ``str()`` of it is :meth:`to_string`; ``repr()`` never shows the secret.

    Attributes:
        key: The token, sent as ``oauth_token``.
        secret: Its shared secret.
        callback: Where section 2.2 redirects to.
        callback_confirmed: ``"true"`` once a callback was set (section 2.1).
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
        """Set the callback and confirm it."""
        self.callback = callback
        self.callback_confirmed = "true"

    def set_verifier(self, verifier: str | None = None) -> None:
        """Set the verifier; a new one of 20 random digits if none is given."""
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
        """Serialise for storage, secret included: keep it where nobody else reads it."""
        items = [("oauth_token", self.key), ("oauth_token_secret", self.secret)]
        if self.callback_confirmed is not None:
            items.append(("oauth_callback_confirmed", self.callback_confirmed))
        return _form(items)

    @staticmethod
    def from_string(s: str | bytes) -> Token:
        """Read what :meth:`to_string` wrote, or a service's answer (sections 2.1 and 2.3).

        Raises:
            TypeError: *s* is neither str nor bytes.
            ValueError: No usable ``oauth_token`` or ``oauth_token_secret`` in it.
        """
        if not isinstance(s, STRING_TYPES):
            raise TypeError("s: str or bytes wanted")
        found: dict[str, str] = {}
        for name, value in parse_form_as_sent(s):
            if value:
                found.setdefault(name, value)
        for name in ("oauth_token", "oauth_token_secret"):
            if not is_utf8(found.get(name)):
                raise ValueError(f"s: no {name} in it")
        token = Token(found["oauth_token"], found["oauth_token_secret"])
        token.callback_confirmed = found.get("oauth_callback_confirmed")
        return token

    def __str__(self) -> str:
        return self.to_string()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key!r}>"


def require_credentials(consumer: Any, token: Any) -> None:
    """Refuse what is no :class:`Consumer`, or no :class:`Token`; a token may be None.

    Raises:
        ValueError: Which of the two it is.
    """
    if not isinstance(consumer, Consumer):
        raise ValueError("Invalid consumer.")  # noqa: TRY004 - as 1.9
    if token is not None and not isinstance(token, Token):
        raise ValueError("Invalid token.")


def _require(key: Any, secret: Any) -> None:
    for name, value in (("key", key), ("secret", secret)):
        if value is None:
            raise ValueError(f"{name}: must be set")


def _form(items: list[tuple[str, Any]]) -> str:
    # A space as "+", the form's own way and what 1.9 wrote.
    return "&".join([f"{name}={percent_encode(to_text(value)).replace('%20', '+')}" for name, value in items])
