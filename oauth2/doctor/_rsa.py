"""Check with the public key which text an RSA signature signs: RFC 5849 section 3.4.3, RFC 8017 section 9."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ._checks import ALL_HASHES, TWO
from ._writings import readings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ._named_method import NamedMethod
    from ._writings import Mistakes

_MAX_EXPONENT = 64  # In bits. A key with a larger exponent is not used, because the computation would be slow.
_MAX_MODULUS = 16_384  # In bits. A key with a larger modulus is not used.
#: The DER encoding of DigestInfo without the digest, for each hash (RFC 8017 section 9.2).
DIGEST_INFO = {
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
    "md5": bytes.fromhex("3020300c06082a864886f70d020505000410"),
}


class RSACheck:
    """A check for RSA signatures, with all known public keys.

    The check covers RSASSA-PKCS1-v1_5, and the wrong signature schemes that senders use instead.

    Attributes:
        has_key: Whether a public key for the check was given.
        is_readable: Whether one of the public keys belongs to the private key that made the signature.
    """

    family = "RSA"
    most = TWO

    def __init__(self, named: NamedMethod, signature: str, own: Any, known: Sequence[Any]) -> None:
        """Prepare the check of *signature*. *own* is the consumer's public key or None; *known* are other keys."""
        self._named = named
        self._hashes = list(dict.fromkeys((named.hash_name, *ALL_HASHES)))
        self._payloads: list[tuple[bytes, Mistakes]] = []
        self._salted: list[tuple[str, bytes, bytes, Mistakes]] = []
        self.has_key = False
        other: Mistakes = (("other-rsa-key", ""),)
        written = readings(signature)
        for key, mistakes in [(own, ()), *[(each, other) for each in known]]:
            numbers = _numbers(key)
            self.has_key = self.has_key or numbers is not None
            for octets, more in written.items() if numbers else ():
                self._read(_block(octets, *(numbers or (0, 0))), (*mistakes, *more))
        self.is_readable = bool(self._payloads or self._salted)

    def _read(self, block: bytes, mistakes: Mistakes) -> None:
        padding, zero, payload = block[2:].partition(b"\0")
        if block[:2] == b"\0\x01" and zero and len(padding) >= 8 and not padding.strip(b"\xff"):
            self._payloads.append((payload, mistakes))
        elif block.endswith(b"\xbc"):
            for name in self._hashes:
                salted = _salt(block, name)
                if salted is not None:
                    self._salted.append((name, *salted, mistakes))

    def find(self, text: bytes, _level: int) -> Mistakes | None:
        """Return the mistakes with which *text* results in the signature that was sent; None if no mistakes do."""
        for name, salt, digest, mistakes in self._salted:
            inner = b"\0" * 8 + hashlib.new(name, text).digest() + salt
            if hashlib.new(name, inner).digest() == digest:
                return (("rsa-pss", ""), *mistakes, *self._named.mistakes(f"RSA-{name.upper()}"))
        for name in self._hashes if self._payloads else ():
            forms = _forms(name, text)
            for payload, mistakes in self._payloads:
                form = forms.get(payload)
                if form is not None:
                    hashed = self._named.mistakes(f"RSA-{name.upper()}")
                    return (*(((form, ""),) if form else ()), *hashed, *mistakes)
        return None

    def cost(self, size: int, _level: int) -> int:
        """Return the estimated time of :meth:`find`, in nanoseconds."""
        return (len(self._hashes) + len(self._salted)) * (4_000 + 2 * size)


def _forms(name: str, text: bytes) -> dict[bytes, str]:
    digest = hashlib.new(name, text)
    of_hex = hashlib.new(name, digest.hexdigest().encode()).digest()
    return {
        DIGEST_INFO[name] + digest.digest(): "",
        digest.hexdigest().encode(): "rsa-over-hex-digest",
        DIGEST_INFO[name] + digest.hexdigest().encode(): "rsa-over-hex-digest",
        DIGEST_INFO[name] + of_hex: "rsa-over-hex-digest",
        digest.digest(): "rsa-without-digest-info",
    }


def _numbers(public_key: Any) -> tuple[int, int] | None:
    if public_key is None:
        return None
    from ..rsa import read_public_key

    numbers = read_public_key(public_key).public_numbers()
    return (numbers.n, numbers.e) if numbers.n.bit_length() <= _MAX_MODULUS else None


def _block(signature: bytes, modulus: int, exponent: int) -> bytes:
    """Return the padded block that the private key signed; ``b""`` if *signature* is not valid for this modulus."""
    number = int.from_bytes(signature, "big")
    size = (modulus.bit_length() + 7) // 8
    if len(signature) > size or number >= modulus or exponent.bit_length() > _MAX_EXPONENT:
        return b""
    return pow(number, exponent, modulus).to_bytes(size, "big")


def _salt(block: bytes, name: str) -> tuple[bytes, bytes] | None:
    """Return salt and digest of a block with PSS padding (RFC 8017 section 9.1.2); None if the padding is not PSS."""
    size = hashlib.new(name).digest_size
    masked, digest = block[: -size - 1], block[-size - 1 : -1]
    mask = b"".join(_mask(digest, name, len(masked)))[: len(masked)]
    data = bytes(one ^ other for one, other in zip(masked, mask, strict=True))
    zeros, one, salt = (bytes([data[0] & 0x7F]) + data[1:]).partition(b"\x01") if data else (b"", b"", b"")
    return (salt, digest) if one and not zeros.strip(b"\0") else None


def _mask(seed: bytes, name: str, size: int) -> Iterator[bytes]:
    for counter in range(size // hashlib.new(name).digest_size + 1):
        yield hashlib.new(name, seed + counter.to_bytes(4, "big")).digest()
