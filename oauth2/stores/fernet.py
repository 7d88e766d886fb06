"""``FernetCipher``: encryption at rest with Fernet from the library ``cryptography``."""

from __future__ import annotations

from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

__all__ = ["FernetCipher"]


class FernetCipher:
    """A :class:`~oauth2.stores.Cipher` that uses Fernet: AES-128-CBC with HMAC-SHA256.

    To rotate the key, create the cipher with the new key as the first argument and the old key as the second. Call
    ``reencrypt()`` of the store until it returns None. Afterwards, create the cipher without the old key.

    Args:
        key: The key for encryption and decryption: 32 bytes in URL-safe base64, such as the result of
            ``Fernet.generate_key()``.
        older_keys: Further keys for decryption only, in the same form as *key*.

    Raises:
        ValueError: A key is not 32 bytes in URL-safe base64.
    """

    def __init__(self, key: str | bytes, *older_keys: str | bytes) -> None:
        fernet = _multi_fernet([key, *older_keys])
        if fernet is None:  # The error is raised here and not in _multi_fernet(), so that no traceback shows a key.
            raise ValueError("key: must be 32 bytes in URL-safe base64, such as the result of Fernet.generate_key()")
        self._fernet = fernet

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return a cipher with the keys in *text*, such as the content of a file.

        Args:
            text: The keys, one key on each line. The first key encrypts, and all keys decrypt. Empty lines, and lines
                that start with ``#``, are ignored.

        Raises:
            ValueError: There is no key, or a key is not 32 bytes in URL-safe base64.
        """
        lines = [line.strip() for line in text.splitlines()]
        keys = [line for line in lines if line and not line.startswith("#")]
        if not keys:
            raise ValueError("text: must have at least one key, each on its own line")
        return cls(*keys)

    def encrypt(self, text: str, /) -> str:
        """See :meth:`~oauth2.stores.Cipher.encrypt`."""
        return self._fernet.encrypt(text.encode("utf-8", "surrogatepass")).decode("ascii")

    def decrypt(self, text: str, /) -> str:
        """See :meth:`~oauth2.stores.Cipher.decrypt`."""
        try:
            return self._fernet.decrypt(text.encode("utf-8", "replace")).decode("utf-8", "surrogatepass")
        except InvalidToken:
            raise ValueError("The secret was encrypted with another key, or is damaged.") from None


def _multi_fernet(keys: list[str | bytes]) -> MultiFernet | None:
    texts = [key if isinstance(key, str) else key.decode("ascii", "replace") for key in keys]
    # The characters + and / are not in the URL-safe base64 alphabet. A key with these characters is refused, because
    # Python 3.15 warns about them, and later versions of Python ignore them.
    if any("+" in text or "/" in text for text in texts):
        return None
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        return None
