"""The signature base string and the signature methods: RFC 5849 section 3.4.

Clients and servers both use this module, so that client and server compute equal base strings. To add a signature
method, subclass :class:`SignatureMethod`: set ``name`` and ``uses_secrets``, and implement ``signing_base`` and
``sign``. Inherit ``check``, which compares signatures in constant time.
"""

from __future__ import annotations

import os
from binascii import b2a_base64
from functools import lru_cache

from ._hashes import hash_name
from ._typing import Any, Protocol
from ._wire.base_string import base_string_uri, normalize_parameters, signature_base_string
from ._wire.percent import percent_encode
from ._wire.text import constant_time_equal
from .credentials import Credentials
from .encoding import to_unicode

__all__ = [
    "AnyRequest",
    "SignableRequest",
    "SignatureMethod",
    "SignatureMethod_HMAC_SHA1",
    "SignatureMethod_HMAC_SHA256",
    "SignatureMethod_HMAC_SHA512",
    "SignatureMethod_PLAINTEXT",
    "SignatureMethod_PLAINTEXT_OVER_HTTP",
    "base_string_uri",
    "body_digest",
    "normalize_parameters",
    "shared_secrets",
    "signature_base_string",
]


class SignableRequest(Protocol):
    """The attributes and methods of a :class:`~oauth2.Request` that signature methods use."""

    @property
    def method(self) -> str:
        """HTTP request method, upper case."""
        ...

    @property
    def normalized_url(self) -> str | None:
        """Base string URI."""
        ...

    def get_normalized_parameters(self) -> str:
        """Return the normalized request parameters."""
        ...

    def get_signature_base_string(self) -> str:
        """Return the signature base string: method, base string URI and normalized request parameters."""
        ...


#: Type of the *request* parameter of signature methods: a :class:`SignableRequest`, usually an :class:`oauth2.Request`.
#: For type checkers, the type is ``Any``, so that a program may annotate the *request* parameter of its own signature
#: method with ``oauth2.Request``. With a type other than ``Any`` in the base class, type checkers would refuse this
#: annotation.
AnyRequest = Any

_KEYS_CACHED = 1024
_IPAD = bytes([octet ^ 0x36 for octet in range(256)])
_OPAD = bytes([octet ^ 0x5C for octet in range(256)])


class SignatureMethod:
    """Base class of signature methods. To add a signature method, write a subclass.

    Attributes:
        name: The value of ``oauth_signature_method``.
        uses_secrets: True if the shared secrets are the signing key. A server then refuses secrets that other people
            can know, such as a public key that was registered as a secret. A subclass must set this attribute to True
            or False. ``Server`` treats None as False, and ``Provider`` refuses None.
        dummy_credentials: Credentials that belong to no client, or None. A server checks the signature of an unknown
            client with these dummy credentials, so that this check takes as long as the check for a known client
            (timing attack).
        needs_tls: True if the signature contains secrets. A server then refuses the method over plain http.
        hashes_no_body: True if clients send ``oauth_body_hash`` with every request that is not a form, even with a GET,
            HEAD, DELETE or OPTIONS request without a body.
        needs_nonce: True if each request must have a timestamp and a nonce (section 3.1).
    """

    name: str
    dummy_credentials: Credentials | None = None
    uses_secrets: bool | None = None
    needs_tls = False
    needs_nonce = True
    hashes_no_body = False

    def signing_base(self, request: AnyRequest, consumer: Credentials, token: Credentials | None) -> tuple[Any, Any]:
        """Return the signing key and the text to sign.

        Args:
            request: The request, with all parameters except ``oauth_signature``.
            consumer: Client credentials.
            token: Token credentials or temporary credentials; None or a false value if there are none.
        """
        raise NotImplementedError(f"{type(self).__name__}.signing_base")

    def sign(self, request: AnyRequest, consumer: Credentials, token: Credentials | None) -> str | bytes:
        """Return the signature without percent-encoding. :meth:`signing_base` describes the arguments."""
        raise NotImplementedError(f"{type(self).__name__}.sign")

    def check(
        self, request: AnyRequest, consumer: Credentials, token: Credentials | None, signature: str | bytes
    ) -> bool:
        """Return whether *signature* is equal to the result of :meth:`sign`. The comparison takes constant time.

        Args:
            request: See :meth:`signing_base`.
            consumer: See :meth:`signing_base`.
            token: See :meth:`signing_base`.
            signature: The decoded value of ``oauth_signature`` in the request.
        """
        given = _ascii(signature)
        if given is None:
            return False
        octets = _ascii(self.sign(request, consumer, token))
        if octets is not None and constant_time_equal()(octets, given):
            return True
        self._equalize_time(consumer, token)
        return False

    def _equalize_time(self, consumer: Credentials, token: Credentials | None) -> None:
        """Do the work that the check did not do because a result was in a cache.

        With this work, the refusal of unknown credentials takes as long as the refusal of known credentials. Otherwise
        the response time would reveal which keys exist (timing attack).
        """


def _ascii(signature: object) -> bytes | None:
    if isinstance(signature, str):
        return signature.encode("ascii") if signature.isascii() else None
    return signature if isinstance(signature, bytes) else None


def shared_secrets(consumer: Credentials, token: Credentials | None) -> str:
    """Return both secrets, percent-encoded and joined by ``&`` (section 3.4.2).

    Without a token, the result is the percent-encoded secret of the consumer, followed by ``&``.
    """
    return _encode_secrets(consumer.secret, token.secret if token else "")


def _encode_secrets(secret: str | bytes, token_secret: str | bytes) -> str:
    return f"{percent_encode(to_unicode(secret))}&{percent_encode(to_unicode(token_secret))}"


@lru_cache(_KEYS_CACHED)
def _hmac_key(secret: str | bytes, token_secret: str | bytes) -> bytes:
    # The results are cached, because clients and servers use the same secrets for many requests.
    return _encode_secrets(secret, token_secret).encode("ascii")


def body_digest(name: str) -> str:
    """Return the name of the hash function for ``oauth_body_hash`` with a signature method.

    The hash function is SHA-256, SHA-384 or SHA-512 if the method's name ends with SHA256, SHA384 or SHA512. Otherwise
    the hash function is SHA-1. A client and a server therefore choose equal hash functions, even for a signature method
    that a program has added.

    Args:
        name: Name of the signature method.
    """
    return hash_name(name) or "sha1"


class _DummyCredentials:
    key = ""
    secret = os.urandom(32).hex()


_DUMMY_CREDENTIALS = _DummyCredentials()


class _HMAC(SignatureMethod):
    """HMAC over the signature base string, RFC 5849 section 3.4.2."""

    digest: str
    dummy_credentials = _DUMMY_CREDENTIALS
    uses_secrets = True

    def signing_base(
        self, request: AnyRequest, consumer: Credentials, token: Credentials | None
    ) -> tuple[bytes, bytes]:
        """Return the key and the signature base string, both as ASCII bytes."""
        text: str = request.get_signature_base_string()
        return _hmac_key(consumer.secret, token.secret if token else ""), text.encode("ascii")

    def sign(self, request: AnyRequest, consumer: Credentials, token: Credentials | None) -> bytes:
        """Return the signature in base64, as ASCII bytes."""
        key, text = self.signing_base(request, consumer, token)
        return b2a_base64(_keyed_hash(self.digest, key).digest(text), newline=False)

    def _equalize_time(self, consumer: Credentials, token: Credentials | None) -> None:
        # If the key was not in the cache, the check has encoded the secrets and hashed the key. If the key was in the
        # cache (it was used before this check), or if a subclass does not use the cache, encode and hash a dummy secret
        # now.
        if (
            type(self).signing_base is not _HMAC.signing_base
            or type(self).sign is not _HMAC.sign
            or _keyed_hash(self.digest, _hmac_key(consumer.secret, token.secret if token else "")).uses > 1
        ):
            secret = _DUMMY_CREDENTIALS.secret
            _KeyedHash(self.digest, _encode_secrets(secret, secret).encode("ascii"))


class _KeyedHash:
    """HMAC with one key: the key is hashed once, and the hash states are copied for each text (RFC 2104 section 4).

    Fast path: if a key is used again, this class is twice as fast as :func:`hmac.digest`. Both give the same result,
    because HMAC hashes the key before the text.

    Attributes:
        uses: Number of texts that were hashed.
    """

    __slots__ = ("_inner", "_outer", "uses")

    def __init__(self, digest: str, key: bytes) -> None:
        import hashlib  # hashlib is imported on first use, because it loads OpenSSL.

        inner, outer = hashlib.new(digest), hashlib.new(digest)
        if len(key) > inner.block_size:
            key = hashlib.new(digest, key).digest()
        key = key.ljust(inner.block_size, b"\0")
        inner.update(key.translate(_IPAD))
        outer.update(key.translate(_OPAD))
        self._inner, self._outer, self.uses = inner, outer, 0

    def digest(self, text: bytes) -> bytes:
        """Return the HMAC of *text*."""
        inner, outer = self._inner.copy(), self._outer.copy()
        self.uses += 1
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()


_keyed_hash = lru_cache(_KEYS_CACHED)(_KeyedHash)


class SignatureMethod_HMAC_SHA1(_HMAC):  # noqa: N801 - drop-in name
    """HMAC-SHA1, RFC 5849 section 3.4.2."""

    name = "HMAC-SHA1"
    digest = "sha1"


class SignatureMethod_HMAC_SHA256(_HMAC):  # noqa: N801 - named like the drop-in classes
    """HMAC-SHA256, RFC 5849 section 3.4.2 with SHA-256 instead of SHA-1."""

    name = "HMAC-SHA256"
    digest = "sha256"


class SignatureMethod_HMAC_SHA512(_HMAC):  # noqa: N801 - named like the drop-in classes
    """HMAC-SHA512, RFC 5849 section 3.4.2 with SHA-512 instead of SHA-1."""

    name = "HMAC-SHA512"
    digest = "sha512"


class SignatureMethod_PLAINTEXT(SignatureMethod):  # noqa: N801 - drop-in name
    """PLAINTEXT, RFC 5849 section 3.4.4: the signature contains the secrets themselves, so https is required."""

    name = "PLAINTEXT"
    dummy_credentials = _DUMMY_CREDENTIALS
    uses_secrets = True
    needs_tls = True
    needs_nonce = False

    def signing_base(self, request: AnyRequest, consumer: Credentials, token: Credentials | None) -> tuple[str, str]:
        """Return the key and the text to sign. Both are the secrets, percent-encoded and joined by ``&``."""
        # The result is not cached. With a cache, the response time would reveal whether the secrets are in the cache.
        secrets = _encode_secrets(consumer.secret, token.secret if token else "")
        return secrets, secrets

    def sign(self, request: AnyRequest, consumer: Credentials, token: Credentials | None) -> bytes:
        """Return the secrets, percent-encoded and joined by ``&``, as ASCII bytes."""
        _, text = self.signing_base(request, consumer, token)
        return text.encode("ascii")


class SignatureMethod_PLAINTEXT_OVER_HTTP(SignatureMethod_PLAINTEXT):  # noqa: N801 - named like the drop-in classes
    """PLAINTEXT that is also allowed over plain http.

    Use this method only on a connection that cannot be intercepted, such as loopback.
    """

    needs_tls = False
