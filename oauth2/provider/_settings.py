"""The settings of a provider: the rules for accepted requests, and the lifetimes of credentials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .._methods import hmac_methods, methods_by_name
from ..signature import SignatureMethod
from ..stores.records import as_tuple


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPolicy:
    """The rules for the requests that a provider accepts (sections 3.2 and 3.3).

    Attributes:
        signature_methods: The allowed signature methods, or a mapping from names to signature
            methods. Defaults to every HMAC method of this package.
        timestamp_threshold: Largest accepted difference between a timestamp and the provider's clock, in seconds. The
            timestamp may be earlier or later than the time of the clock.
        body_hash_required: Whether to refuse a request that has a body other than a form, but no ``oauth_body_hash``.
            If the client sends ``oauth_body_hash``, the provider always checks the hash.
        sha1_body_hash_allowed: Whether to accept a SHA-1 ``oauth_body_hash`` with every signature method. Some clients
            always send SHA-1. In a request without a body, SHA-1 is always accepted.

    Raises:
        TypeError: *signature_methods* contains an object that is not a signature method, such as a class. Or
            *timestamp_threshold* is not a number.
        ValueError: *signature_methods* is empty, or is a mapping in which a key is not the name of its method. The
            attribute ``uses_secrets`` of a method is None. *timestamp_threshold* is negative.
    """

    signature_methods: Mapping[str, SignatureMethod] | Iterable[SignatureMethod] = field(default_factory=hmac_methods)
    timestamp_threshold: int = 300
    body_hash_required: bool = False
    sha1_body_hash_allowed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "signature_methods", MappingProxyType(_by_name(self.signature_methods)))
        if not isinstance(self.timestamp_threshold, (int, float)):
            raise TypeError("timestamp_threshold: must be a number of seconds")
        if not self.timestamp_threshold >= 0:  # This condition is also true for NaN, so NaN is refused.
            raise ValueError("timestamp_threshold: must not be negative")

    def methods_by_name(self) -> dict[str, SignatureMethod]:
        """Return a new dict that maps the name of each signature method to the method."""
        return _by_name(self.signature_methods)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """The lifetimes of credentials, in seconds.

    Attributes:
        temporary: Lifetime of temporary credentials.
        token: Lifetime of token credentials; None if token credentials never expire.
        session: Time during which token credentials can be renewed (session extension), counted from the issue of the
            first token credentials. None if token credentials cannot be renewed.

    Raises:
        TypeError: A lifetime is not a number.
        ValueError: A lifetime is not positive, or *session* is set without *token*.
    """

    temporary: int = 600
    token: int | None = None
    session: int | None = None

    def __post_init__(self) -> None:
        for name, seconds in (("temporary", self.temporary), ("token", self.token), ("session", self.session)):
            if seconds is None and name != "temporary":
                continue
            if not isinstance(seconds, (int, float)):
                raise TypeError(f"{name}: must be a number of seconds")
            if not seconds > 0:  # This condition is also true for NaN, so NaN is refused.
                raise ValueError(f"{name}: must be positive")
        if self.session is not None and self.token is None:
            raise ValueError("session: must be None if token is None, because tokens then never expire")


def checked_realms(realms: Iterable[str]) -> tuple[str, ...]:
    """Return *realms* as a tuple.

    Raises:
        TypeError: *realms* is one str.
        ValueError: A realm is empty or contains whitespace.
    """
    found = as_tuple("realms", realms)
    if any(realm.split() != [realm] for realm in found):
        raise ValueError("realms: must be names without whitespace")
    return found


def _by_name(methods: Mapping[str, SignatureMethod] | Iterable[SignatureMethod]) -> dict[str, SignatureMethod]:
    found = dict(methods_by_name(methods))
    if not found:
        raise ValueError("signature_methods: must not be empty")
    for name, method in found.items():
        if name != method.name:
            raise ValueError("signature_methods: the keys must be the names of the methods")
        if getattr(method, "uses_secrets", None) is None:
            raise ValueError(f"signature_methods: uses_secrets of {name} must be set to True or False")
    return found
