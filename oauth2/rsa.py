"""RSA-SHA1, RSA-SHA256 and RSA-SHA512: RFC 5849 section 3.4.3.

The only module that uses cryptography, and only where there is a key to read or
to use: importing it needs nothing, nor does signing elsewhere.
"""

from __future__ import annotations

import os
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from .signature import SignatureMethod, signed_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType
    from typing import Any

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

    from .signature import SignableRequest

_NOBODYS_OCTETS = (128, 256, 384, 512)  # the sizes that keys have
_LEAST_BITS = 2048
_KEYS_KEPT = 1024  # public keys of consumers, each parsed once


class _Nobody:
    key = ""
    public_key = b""


class _RSA(SignatureMethod):
    """RSASSA-PKCS1-v1_5 over the signature base string (section 3.4.3); secrets play no part.

    A key is read when the object is made, and never again: make one and keep it.

    Args:
        private_key: For signing: PEM (str or bytes), DER, PKCS#12, a private key
            object of cryptography, or a callable that takes the signature base
            string (bytes, ASCII) and returns the raw signature (bytes) with this
            method's hash, made in an HSM or a key service.
        public_key: For checking: PEM, DER, a certificate, or an object of
            cryptography. A consumer's own ``public_key`` goes before it. Unless
            given, the public half of *private_key*.
        password: Of an encrypted *private_key*.

    Raises:
        ImportError: The ``rsa`` extra is not installed.
        TypeError: A key is nothing of the above.
        ValueError: A key cannot be read, or is no RSA key.
    """

    digest: str
    nobody = _Nobody()

    def __init__(self, private_key: Any = None, public_key: Any = None, *, password: str | bytes | None = None) -> None:
        self._sign: Callable[[bytes], bytes] | None = None
        self._public_key: RSAPublicKey | None = None
        if callable(private_key):
            self._sign = private_key
        elif private_key is not None:
            key = read_private_key(private_key, password)
            self._sign = lambda text: key.sign(text, *_scheme(self.digest))
            self._public_key = key.public_key()
        if public_key is not None:
            self._public_key = read_public_key(public_key)

    def signing_base(self, request: SignableRequest, consumer: Any, token: Any) -> tuple[bytes, bytes]:
        """Return an empty key and the signature base string, ASCII."""
        return b"", signed_text(request).encode("ascii")

    def sign(self, request: SignableRequest, consumer: Any, token: Any) -> bytes:
        """Return the base64 signature, ASCII.

        Raises:
            ValueError: There is no private key.
        """
        if self._sign is None:
            raise ValueError("private_key: needed for signing")
        return b2a_base64(self._sign(self.signing_base(request, consumer, token)[1]), newline=False)

    def check(self, request: SignableRequest, consumer: Any, token: Any, signature: str | bytes) -> bool:
        """Tell whether *signature*, base64 with or without line breaks, is the consumer's."""
        own = getattr(consumer, "public_key", None)
        key = self._public_key if own is None else _consumer_key(own)
        raw = _decode(signature)
        if raw is None:
            return False
        text = self.signing_base(request, consumer, token)[1]
        if key is None and len(raw) in _NOBODYS_OCTETS:
            # Who has no key costs the work of a wrong signature.
            _verifies(_nobodys_key(len(raw)), raw, text, self.digest)
        return key is not None and _verifies(key, raw, text, self.digest)


class SignatureMethod_RSA_SHA1(_RSA):  # noqa: N801 - named as its family is
    """RSA-SHA1, RFC 5849 section 3.4.3."""

    name = "RSA-SHA1"
    digest = "sha1"


class SignatureMethod_RSA_SHA256(_RSA):  # noqa: N801 - named as its family is
    """RSA-SHA256: section 3.4.3 with SHA-256."""

    name = "RSA-SHA256"
    digest = "sha256"


class SignatureMethod_RSA_SHA512(_RSA):  # noqa: N801 - named as its family is
    """RSA-SHA512: section 3.4.3 with SHA-512."""

    name = "RSA-SHA512"
    digest = "sha512"


def generate_key_pair(bits: int = 3072) -> tuple[bytes, bytes]:
    """Return a new RSA key pair: the private key as PKCS#8 PEM, and the public key as PEM.

    Args:
        bits: Size of the modulus; less than 2048 is refused.

    Raises:
        ImportError: The ``rsa`` extra is not installed.
        ValueError: *bits* is too few.
    """
    if bits < _LEAST_BITS:
        raise ValueError(f"bits: at least {_LEAST_BITS} wanted")
    serialization = _cryptography("hazmat.primitives.serialization")
    rsa = _cryptography("hazmat.primitives.asymmetric.rsa")
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public_key = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private_key, public_key


def read_private_key(private_key: Any, password: str | bytes | None = None) -> RSAPrivateKey:
    """Return the RSA private key in PEM, DER or PKCS#12, or the key object that it is.

    Raises:
        ImportError, TypeError, ValueError: As the signature methods do.
    """
    serialization = _cryptography("hazmat.primitives.serialization")
    rsa = _cryptography("hazmat.primitives.asymmetric.rsa")
    secret = password.encode() if isinstance(password, str) else password
    data = _octets("private_key", private_key)
    if data is None:
        key = private_key
    elif b"-----BEGIN" in data:
        key = _first("private_key", [lambda: serialization.load_pem_private_key(data, secret)])
    else:
        pkcs12 = _cryptography("hazmat.primitives.serialization.pkcs12")
        key = _first(
            "private_key",
            [
                lambda: serialization.load_der_private_key(data, secret),
                lambda: pkcs12.load_key_and_certificates(data, secret)[0],
            ],
        )
    if not isinstance(key, rsa.RSAPrivateKey):
        raise (ValueError if data is not None else TypeError)("private_key: no RSA private key")
    return cast("RSAPrivateKey", key)


def read_public_key(public_key: Any) -> RSAPublicKey:
    """Return the RSA public key in PEM, DER or a certificate, or the object that it is.

    Raises:
        ImportError, TypeError, ValueError: As the signature methods do.
    """
    serialization = _cryptography("hazmat.primitives.serialization")
    rsa = _cryptography("hazmat.primitives.asymmetric.rsa")
    x509 = _cryptography("x509")
    data = _octets("public_key", public_key)
    if data is None:
        key = public_key
    elif b"-----BEGIN CERTIFICATE" in data:
        key = _first("public_key", [lambda: x509.load_pem_x509_certificate(data).public_key()])
    elif b"-----BEGIN" in data:
        key = _first("public_key", [lambda: serialization.load_pem_public_key(data)])
    else:
        key = _first(
            "public_key",
            [
                lambda: serialization.load_der_public_key(data),
                lambda: x509.load_der_x509_certificate(data).public_key(),
            ],
        )
    if isinstance(public_key, x509.Certificate):
        key = _first("public_key", [public_key.public_key])
    if not isinstance(key, rsa.RSAPublicKey):
        raise (ValueError if data is not None else TypeError)("public_key: no RSA public key")
    return cast("RSAPublicKey", key)


@lru_cache(_KEYS_KEPT)
def _parsed(public_key: str | bytes) -> RSAPublicKey | None:
    try:
        return read_public_key(public_key)
    except ValueError:
        return None


def _consumer_key(public_key: Any) -> RSAPublicKey | None:
    # The peer chooses the method, so that a key which is none of RSA must not be an error.
    if isinstance(public_key, (str, bytes)):
        return _parsed(public_key)
    try:
        return read_public_key(public_key)
    except (TypeError, ValueError):
        return None


@lru_cache
def _nobodys_key(octets: int) -> RSAPublicKey:
    rsa = _cryptography("hazmat.primitives.asymmetric.rsa")
    modulus = int.from_bytes(os.urandom(octets)) | 1 << (8 * octets - 1) | 1
    return cast("RSAPublicKey", rsa.RSAPublicNumbers(65537, modulus).public_key())


def _verifies(key: RSAPublicKey, signature: bytes, text: bytes, digest: str) -> bool:
    invalid = _cryptography("exceptions").InvalidSignature
    try:
        key.verify(signature, text, *_scheme(digest))
    except invalid:
        return False
    return True


def _decode(signature: object) -> bytes | None:
    text = signature.encode("ascii", "replace") if isinstance(signature, str) else signature
    if not isinstance(text, bytes):
        return None
    try:
        # RFC 2045 base64 may be broken into lines, and some senders do.
        return a2b_base64(text.translate(None, b" \t\r\n"), strict_mode=True)
    except Base64Error:
        return None


def _octets(name: str, key: Any) -> bytes | None:
    if isinstance(key, str):
        if not key.isascii() or "-----BEGIN" not in key:
            raise ValueError(f"{name}: no PEM; give what the file holds, not its name")
        return key.encode("ascii")
    return key if isinstance(key, bytes) else None


def _first(name: str, readers: Iterable[Callable[[], Any]]) -> Any:
    unsupported = _cryptography("exceptions").UnsupportedAlgorithm
    reasons = []
    for read in readers:
        try:
            return read()
        except (ValueError, TypeError, unsupported) as exc:
            reasons.append(str(exc))
    raise ValueError(f"{name}: cannot be read: {reasons[0]}")


@lru_cache
def _scheme(digest: str) -> tuple[Any, Any]:
    hashes = _cryptography("hazmat.primitives.hashes")
    padding = _cryptography("hazmat.primitives.asymmetric.padding")
    return padding.PKCS1v15(), getattr(hashes, digest.upper())()


def _cryptography(module: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(f"cryptography.{module}")
    except ImportError as exc:
        raise ImportError("RSA signatures need cryptography, the rsa extra: oauth2[rsa]") from exc
