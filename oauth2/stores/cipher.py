"""Encryption at rest: the ``Cipher`` protocol, and the stored form of a secret."""

from __future__ import annotations

from typing import Protocol

from ..errors import StoreUnavailable

__all__ = ["Cipher", "seal", "unseal"]

# The first character of a stored secret shows whether the secret is encrypted. One table can therefore contain plain
# and encrypted secrets.
_PLAIN, _SEALED = "=", "*"


class Cipher(Protocol):
    """Encrypts secrets before a store writes them. The key of the cipher must be stored outside the store."""

    def encrypt(self, text: str, /) -> str:
        """Return the encrypted form of *text*."""
        ...

    def decrypt(self, text: str, /) -> str:
        """Return the decrypted form of *text*.

        Raises:
            ValueError: *text* cannot be decrypted. The message must not contain any part of the text.
        """
        ...


def seal(secret: str, cipher: Cipher | None) -> str:
    """Return the stored form of *secret*. The stored form is encrypted unless *cipher* is None."""
    return _PLAIN + secret if cipher is None else _SEALED + cipher.encrypt(secret)


def unseal(kept: str, cipher: Cipher | None) -> str:
    """Return the secret whose stored form is *kept*.

    A secret that was stored without a cipher is not encrypted. This function returns such a secret even if *cipher* is
    given.

    Raises:
        StoreUnavailable: The secret is encrypted, and *cipher* cannot decrypt it.
    """
    if kept.startswith(_PLAIN):
        return kept[1:]
    if cipher is None or not kept.startswith(_SEALED):
        raise StoreUnavailable("A secret in the store is encrypted. Create the store with cipher=.")
    try:
        return cipher.decrypt(kept[1:])
    except ValueError:
        pass
    # This error is raised outside the except block, so that the traceback does not show the message of the cipher.
    raise StoreUnavailable("A secret in the store cannot be decrypted with the keys of the cipher.")
