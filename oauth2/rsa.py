"""RSA-SHA1, RSA-SHA256 and RSA-SHA512: RFC 5849 section 3.4.3.

Only this module uses the library ``cryptography``. The library is imported when a key is read or used, and not when
this module is imported.
"""

from __future__ import annotations

import os
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from .credentials import Credentials
from .signature import AnyRequest, SignatureMethod

if TYPE_CHECKING:
    from types import ModuleType

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.x509 import Certificate
else:
    # With these names, typing.get_type_hints() works even if the library cryptography is not installed.
    Certificate = RSAPrivateKey = RSAPublicKey = object

__all__ = [
    "SignatureMethod_RSA_SHA1",
    "SignatureMethod_RSA_SHA256",
    "SignatureMethod_RSA_SHA512",
    "generate_key_pair",
    "read_private_key",
    "read_public_key",
]

_MIN_BITS = 2048
_KEYS_CACHED = 1024  # Maximum number of cached public keys. A further key replaces the least recently used key.
_SIZES = (2048, 3072, 4096)  # Possible sizes of dummy keys, in bits.


class _DummyCredentials:
    key = ""
    secret = ""
    public_key = b""


class _RSA(SignatureMethod):
    """RSASSA-PKCS1-v1_5 over the signature base string (section 3.4.3). The shared secrets are not used.

    The constructor reads the keys. Therefore create one object, and use this object for all requests.

    Args:
        private_key: The key for signing: PEM (str or bytes), DER, PKCS#12, or a private key object of the library
            ``cryptography``. For a key in an HSM or a key service, pass a function. The function is called with the
            signature base string (bytes, ASCII). The function must hash this string with the hash function of this
            signature method, and return the raw signature (bytes).
        public_key: The key for checking signatures: PEM, DER, a certificate, or an object of the library
            ``cryptography``. This key is used only for a consumer whose ``public_key`` is None. Defaults to the public
            key of *private_key*.
        password: The password of an encrypted *private_key*.

    Raises:
        ImportError: The ``rsa`` extra is not installed.
        TypeError: A key has a type that is not listed for its argument.
        ValueError: A key cannot be read, or is not an RSA key.
    """

    digest: str
    dummy_credentials = _DummyCredentials()
    uses_secrets = False

    def __init__(
        self,
        private_key: str | bytes | RSAPrivateKey | Callable[[bytes], bytes] | None = None,
        public_key: str | bytes | RSAPublicKey | Certificate | None = None,
        *,
        password: str | bytes | None = None,
    ) -> None:
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

    @property
    def public_key(self) -> RSAPublicKey | None:
        """The public key for checking signatures.

        None if the caller passed no key, or if the only key is a function as *private_key*.
        """
        return self._public_key

    def signing_base(
        self, request: AnyRequest, consumer: Credentials, token: Credentials | None
    ) -> tuple[bytes, bytes]:
        """Return ``b""`` as the key, because RSA uses no shared secret; and the signature base string as ASCII."""
        return b"", request.get_signature_base_string().encode("ascii")

    def sign(self, request: AnyRequest, consumer: Credentials, token: Credentials | None) -> bytes:
        """Return the signature in base64, as ASCII bytes.

        Raises:
            ValueError: The object was created without a private key.
        """
        if self._sign is None:
            raise ValueError("private_key: must be set for signing; pass private_key= to the signature method")
        _, text = self.signing_base(request, consumer, token)
        return b2a_base64(self._sign(text), newline=False)

    def check(
        self, request: AnyRequest, consumer: Credentials, token: Credentials | None, signature: str | bytes
    ) -> bool:
        """Return whether *signature* was made with the consumer's key.

        Args:
            request: See :meth:`signing_base`.
            consumer: See :meth:`signing_base`.
            token: See :meth:`signing_base`.
            signature: Base64, with or without line breaks.
        """
        own = getattr(consumer, "public_key", None)
        key = _ReadKey(self._public_key) if own is None else _consumer_key(own)
        raw = _decode(signature)
        _, text = self.signing_base(request, consumer, token)
        if key.key is not None and raw is not None and _verifies(key.key, raw, text, self.digest):
            key.is_new = False
            return True
        _equalize_time(key, raw, text, self.digest)
        return False


class SignatureMethod_RSA_SHA1(_RSA):  # noqa: N801 - named like the drop-in classes
    """RSA-SHA1, RFC 5849 section 3.4.3."""

    name = "RSA-SHA1"
    digest = "sha1"


class SignatureMethod_RSA_SHA256(_RSA):  # noqa: N801 - named like the drop-in classes
    """RSA-SHA256, RFC 5849 section 3.4.3 with SHA-256 instead of SHA-1."""

    name = "RSA-SHA256"
    digest = "sha256"


class SignatureMethod_RSA_SHA512(_RSA):  # noqa: N801 - named like the drop-in classes
    """RSA-SHA512, RFC 5849 section 3.4.3 with SHA-512 instead of SHA-1."""

    name = "RSA-SHA512"
    digest = "sha512"


def generate_key_pair(bits: int = 3072) -> tuple[bytes, bytes]:
    """Return a new RSA key pair: the private key as PKCS#8 PEM, and the public key as PEM.

    Args:
        bits: Size of the modulus, at least 2048.

    Raises:
        ImportError: The ``rsa`` extra is not installed.
        ValueError: *bits* is less than 2048.
    """
    if bits < _MIN_BITS:
        raise ValueError(f"bits: must be at least {_MIN_BITS}")
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


def read_private_key(private_key: str | bytes | RSAPrivateKey, password: str | bytes | None = None) -> RSAPrivateKey:
    """Read the RSA private key from PEM, DER or PKCS#12, and return it as a key object.

    A key object is returned unchanged.

    Raises:
        ImportError, TypeError, ValueError: The constructor of :class:`SignatureMethod_RSA_SHA1` describes the reasons.
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
        raise (ValueError if data is not None else TypeError)("private_key: must be an RSA private key")
    return cast("RSAPrivateKey", key)


def read_public_key(public_key: str | bytes | RSAPublicKey | Certificate) -> RSAPublicKey:
    """Read the RSA public key from PEM, DER or a certificate, and return it as a key object.

    A key object is returned unchanged.

    Raises:
        ImportError, TypeError, ValueError: The constructor of :class:`SignatureMethod_RSA_SHA1` describes the reasons.
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
        key = _first("public_key", [cast("Certificate", public_key).public_key])
    if not isinstance(key, rsa.RSAPublicKey):
        raise (ValueError if data is not None else TypeError)("public_key: must be an RSA public key")
    return cast("RSAPublicKey", key)


class _ReadKey:
    """The public key with which a signature is checked.

    Attributes:
        key: The key; None if the key cannot be read.
        is_new: True if this check has parsed the key; False if the key was in the cache.
    """

    __slots__ = ("is_new", "key")

    def __init__(self, key: RSAPublicKey | None, *, is_new: bool = False) -> None:
        self.key = key
        self.is_new = is_new


@lru_cache(_KEYS_CACHED)
def _parsed(public_key: str | bytes) -> _ReadKey:
    try:
        key = read_public_key(public_key)
    except ValueError:
        return _ReadKey(None)
    if key.key_size in _SIZES:
        _sizes_in_use.add(key.key_size)
    return _ReadKey(key, is_new=True)


def _consumer_key(public_key: Any) -> _ReadKey:
    # The peer chooses the signature method, so the consumer's public key may be a key for a different method. In this
    # case the check must return False, and must not raise an error.
    if isinstance(public_key, (str, bytes)):
        return _parsed(public_key)
    try:
        return _ReadKey(read_public_key(public_key))
    except (TypeError, ValueError):
        return _ReadKey(None)


# --- refusals: as slow for an unknown client as for a known client (timing attack) -----
#
# Each refusal reads one key, and performs one RSA operation for each key size in use. Therefore the time of a refusal
# does not depend on the client, on its key, or on the length of the signature.

_sizes_in_use = {_MIN_BITS}


def _equalize_time(key: _ReadKey, raw: bytes | None, text: bytes, digest: str) -> None:
    """Do the work that the check of a refused signature has not done, so that all refusals are equally slow.

    Args:
        key: The key with which the signature was checked.
        raw: The signature; None if the signature was not base64.
        text: The signature base string.
        digest: Name of the hash function.
    """
    was_read, key.is_new = key.is_new, False
    if not _is_installed():
        return  # Without the library cryptography, this server can read no key, so all refusals are equally fast.
    dummy = None if was_read else read_public_key(_dummy_key(_MIN_BITS))
    used = cast("RSAPublicKey", key.key or dummy)
    if used is dummy or not _is_in_range(used, raw):
        # The check has not performed an RSA operation yet, so perform the operation now.
        _verifies(used, _dummy_signature(used.key_size), text, digest)
    for other in _sizes_in_use - {used.key_size}:
        _verifies(_parsed_dummy(other), _dummy_signature(other), text, digest)


def _is_in_range(key: RSAPublicKey, raw: bytes | None) -> bool:
    return raw is not None and len(raw) == -(-key.key_size // 8) and int.from_bytes(raw) < key.public_numbers().n


@lru_cache
def _is_installed() -> bool:
    try:
        return bool(_cryptography("exceptions"))
    except ImportError:
        return False


@lru_cache
def _dummy_key(bits: int) -> bytes:
    rsa = _cryptography("hazmat.primitives.asymmetric.rsa")
    serialization = _cryptography("hazmat.primitives.serialization")
    modulus = int.from_bytes(os.urandom(bits // 8)) | 1 << (bits - 1) | 1
    key = rsa.RSAPublicNumbers(65537, modulus).public_key()
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    return cast("bytes", key.public_bytes(serialization.Encoding.PEM, info))


@lru_cache
def _parsed_dummy(bits: int) -> RSAPublicKey:
    return read_public_key(_dummy_key(bits))


@lru_cache
def _dummy_signature(bits: int) -> bytes:
    octets = -(-bits // 8)
    # The first octet is 0, so that the signature as a number is less than every modulus of this size. A signature that
    # is larger than the modulus would be refused before the RSA operation.
    return b"\0\x5a" + os.urandom(octets - 2)


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
        # RFC 2045 allows line breaks in base64, and some clients send line breaks, so whitespace is removed.
        return a2b_base64(text.translate(None, b" \t\r\n"), strict_mode=True)
    except Base64Error:
        return None


def _octets(name: str, key: Any) -> bytes | None:
    if isinstance(key, str):
        if not key.isascii() or "-----BEGIN" not in key:
            raise ValueError(f"{name}: must be PEM; pass the content of the file, not its name")
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
    raise ValueError(f"{name}: must be a key that can be read: {reasons[0]}")


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
        raise ImportError("RSA needs the library cryptography. Install it: pip install 'oauth2[rsa]'") from exc
