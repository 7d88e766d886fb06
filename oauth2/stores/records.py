"""What a provider remembers: client, temporary and token credentials (RFC 5849 section 1.1)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..generate import make_nonce


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """A client that a provider knows.

    A client signs with its shared secret, with the private key of *public_key*,
    or with either. While a secret is rotated, the previous one holds too.

    Attributes:
        key: The client identifier, ``oauth_consumer_key``.
        secret: The shared secret; ``""`` for a client that signs with RSA only.
        previous_secret: Accepted besides *secret*; None where no rotation is under way.
        public_key: RSA public key in PEM, or None.
        name: For people.
        callbacks: The callbacks it may ask for, compared exactly. ``"oob"`` among
            them allows for clients without one.
        signature_methods: Names of the methods it may use; None for all of the provider's.
        two_legged: It may make requests without a token.
        xauth: It may exchange a user's name and password for token credentials.
        owner: Who registered it, or None.
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
        for name in ("callbacks", "signature_methods"):
            if isinstance(getattr(self, name), str):
                raise TypeError(f"{name}: a tuple of str wanted, not one str")
        if not self.key:
            raise ValueError("key: must be set")

    def with_new_secret(self) -> ClientCredentials:
        """Return these with a secret of 130 random bits; the secret until now becomes the previous one."""
        return replace(self, secret=make_nonce(), previous_secret=self.secret or None)

    def without_previous_secret(self) -> ClientCredentials:
        """Return these with the rotation ended."""
        return replace(self, previous_secret=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryCredentials:
    """What section 2.1 issues, and section 2.2 approves.

    Times are in seconds since 1970-01-01 00:00 UTC.

    Attributes:
        key: Sent as ``oauth_token``.
        secret: Its shared secret.
        consumer_key: The client it was issued to.
        callback: Where section 2.2 redirects to, or ``"oob"``.
        issued_at: When it was issued.
        expires_at: From when on it is worth nothing, and may be forgotten.
        realms: What access is asked for; once approved, what was granted.
        user: Who approved it; None before that.
        verifier: What section 2.2 hands over; None before approval.
    """

    key: str
    secret: str = field(repr=False)
    consumer_key: str
    callback: str
    issued_at: int
    expires_at: int
    realms: tuple[str, ...] = ()
    user: str | None = None
    verifier: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCredentials:
    """What section 2.3 issues.

    Times are in seconds since 1970-01-01 00:00 UTC.

    Attributes:
        key: Sent as ``oauth_token``.
        secret: Its shared secret.
        consumer_key: The one client it works for.
        user: Who approved it.
        issued_at: When it was issued.
        realms: What it gives access to.
        expires_at: From when on it is refused; None for never.
        session_handle: What renews it (session extension); None if nothing does.
        session_expires_at: From when on it cannot be renewed; None for never. Then, or
            when it has expired and nothing renews it, it may be forgotten.
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

    @property
    def ends_at(self) -> int | None:
        """From when on it can neither be used nor renewed; None for never."""
        if self.expires_at is None or (self.session_handle is not None and self.session_expires_at is None):
            return None
        return max(self.expires_at, self.session_expires_at or 0)
