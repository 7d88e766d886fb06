"""Secrets at rest: a cipher of the application's, and the form in which a store keeps what it made."""

from __future__ import annotations

from typing import Protocol

from ..errors import StoreUnavailable

_PLAIN, _SEALED = "=", "*"  # before what is kept, so that plain and encrypted secrets can stand side by side


class Cipher(Protocol):
    """What encrypts secrets before a store keeps them, with a key that is kept elsewhere."""

    def encrypt(self, text: str, /) -> str:
        """Return *text* encrypted."""

    def decrypt(self, text: str, /) -> str:
        """Return what was encrypted; raise ValueError, with no part of it, if that cannot be told."""


def seal(secret: str, cipher: Cipher | None) -> str:
    """Return what to keep of *secret*."""
    return _PLAIN + secret if cipher is None else _SEALED + cipher.encrypt(secret)


def unseal(kept: str, cipher: Cipher | None) -> str:
    """Return the secret that was kept; one from before there was a cipher, too.

    Raises:
        StoreUnavailable: It is encrypted, and not under a key of *cipher*.
    """
    if kept.startswith(_PLAIN):
        return kept[1:]
    if cipher is None or not kept.startswith(_SEALED):
        raise StoreUnavailable("A secret in the store is encrypted, and the store has no cipher.")
    try:
        return cipher.decrypt(kept[1:])
    except ValueError:
        pass
    # Outside the handler: what the cipher raised may say too much.
    raise StoreUnavailable("A secret in the store cannot be decrypted with the cipher's keys.")
