"""The records of a provider: client, temporary and token credentials (RFC 5849 section 1.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from .._generate import make_nonce
from .._wire.text import is_utf8

__all__ = ["ClientCredentials", "TemporaryCredentials", "TokenCredentials", "as_tuple", "is_valid_key"]

_MAX_KEY = 255  # In characters. A provider treats a longer key as unknown.


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """A client that is registered at a provider (section 1.1).

    The client signs with its shared secret, or with the private key that belongs to
    *public_key*. During a rotation of the secret, the provider also accepts the previous secret.

    Attributes:
        key: The client identifier, ``oauth_consumer_key``.
        secret: The shared secret; ``""`` for a client that signs with RSA only.
        previous_secret: A second secret that is accepted during a rotation; None if no rotation is in progress.
        public_key: The client's RSA public key, as text in the PEM format, or None.
        name: The name that is shown to users.
        callbacks: The callback URLs that the client may request. Callback URLs are compared exactly. Add ``"oob"`` to
            allow requests without a callback URL (out of band).
        signature_methods: Names of the signature methods that the client may use; None for all signature methods of
            the provider.
        two_legged: Whether the client may send requests without a token.
        xauth: Whether the client may exchange a user's name and password for token credentials.
        owner: The user who registered the client, or None.

    Raises:
        TypeError: *callbacks* or *signature_methods* is one str.
        ValueError: *key* is empty.
    """

    key: str
    secret: str = field(default="", repr=False)
    previous_secret: str | None = field(default=None, repr=False)
    public_key: str | None = None
    name: str = ""
    callbacks: tuple[str, ...] = ()
    signature_methods: tuple[str, ...] | None = None
    two_legged: bool = False
    xauth: bool = False
    owner: str | None = None

    def __post_init__(self) -> None:
        if type(self.callbacks) is not tuple:
            object.__setattr__(self, "callbacks", as_tuple("callbacks", self.callbacks))
        if type(self.signature_methods) is not tuple and self.signature_methods is not None:
            object.__setattr__(self, "signature_methods", as_tuple("signature_methods", self.signature_methods))
        if not self.key:
            raise ValueError("key: must not be empty")

    def with_new_secret(self) -> ClientCredentials:
        """Return a copy with a new secret of 130 random bits. The current secret becomes the previous secret."""
        return replace(self, secret=make_nonce(), previous_secret=self.secret or None)

    def without_previous_secret(self) -> ClientCredentials:
        """Return a copy without a previous secret. A rotation ends when this copy is stored."""
        return replace(self, previous_secret=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryCredentials:
    """Temporary credentials, which a server issues (section 2.1) and a user approves (section 2.2).

    Times are in seconds since 1970-01-01 00:00 UTC.

    Attributes:
        key: The value of ``oauth_token``.
        secret: The shared secret of *key*.
        consumer_key: The key of the client to which the credentials were issued.
        callback: The URL to which the user is redirected after the approval, or ``"oob"``.
        issued_at: The time of issue.
        expires_at: The time of expiry. From this time, the credentials are refused and may be deleted.
        realms: Before the approval, the realms that the client requested; afterwards, the realms that the user granted.
        user: The user who approved the credentials; None before the approval.
        verifier: The ``oauth_verifier`` of section 2.2; None before the approval.
    """

    key: str
    secret: str = field(repr=False)
    consumer_key: str
    callback: str = field(repr=False)
    issued_at: int
    expires_at: int
    realms: tuple[str, ...] = ()
    user: str | None = None
    verifier: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCredentials:
    """Token credentials, which a server issues (section 2.3).

    Times are in seconds since 1970-01-01 00:00 UTC.

    Attributes:
        key: The value of ``oauth_token``.
        secret: The shared secret of *key*.
        consumer_key: The key of the only client that may use the credentials.
        user: The user who approved the client.
        issued_at: The time of issue.
        realms: The realms to which the credentials give access.
        expires_at: The time from which the credentials are refused; None if the credentials never expire.
        session_handle: The secret for renewal (session extension); None if the credentials cannot be renewed.
        session_expires_at: The time from which the credentials cannot be renewed; None for no limit.
        grant: The identifier of the approval. By default, the grant is *key*. Renewed credentials keep the grant, so
            the grant is the key of the first token credentials that were issued for this approval. A grant never has
            more than one set of token credentials at a time.
    """

    key: str
    secret: str = field(repr=False)
    consumer_key: str
    user: str
    issued_at: int = 0
    realms: tuple[str, ...] = ()
    expires_at: int | None = None
    session_handle: str | None = field(default=None, repr=False)
    session_expires_at: int | None = None
    grant: str = ""

    def __post_init__(self) -> None:
        if not self.grant:
            object.__setattr__(self, "grant", self.key)

    @property
    def ends_at(self) -> int | None:
        """The time from which the credentials are expired and cannot be renewed; None if there is no such time."""
        if self.expires_at is None or (self.session_handle is not None and self.session_expires_at is None):
            return None
        return max(self.expires_at, self.session_expires_at or 0)


def as_tuple(argument: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return *names* as a tuple.

    Raises:
        TypeError: *names* is one str. The message starts with *argument*, the name of the caller's argument.
    """
    if isinstance(names, str):
        raise TypeError(f"{argument}: must be a list or tuple of str, not one str")
    return tuple(names)


def is_valid_key(key: object) -> bool:
    """Return whether *key* may be passed to a store: 1 to 255 characters, valid UTF-8, no NUL.

    A provider treats a key that is not valid as unknown, because some databases raise an error for such a key.
    """
    return isinstance(key, str) and 0 < len(key) <= _MAX_KEY and "\0" not in key and is_utf8(key)
