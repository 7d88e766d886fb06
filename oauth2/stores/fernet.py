"""``FernetCipher``: secrets at rest under keys of cryptography's Fernet."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class FernetCipher:
    """A :class:`~oauth2.stores.Cipher`: AES-128-CBC with HMAC-SHA256, as Fernet specifies.

    To rotate, put a new key before the present one, call the store's
    ``reencrypt()`` until it is through, and leave the old one out.

    Args:
        key: What is encrypted from now on is under this: 32 bytes in URL-safe
            base64, as ``Fernet.generate_key()`` makes them.
        older_keys: What was encrypted under these is understood.

    Raises:
        ValueError: One of them is no such key.
    """

    def __init__(self, key: str | bytes, *older_keys: str | bytes) -> None:
        try:
            self._fernet = MultiFernet([Fernet(each) for each in (key, *older_keys)])
        except ValueError:
            self._fernet = None  # type: ignore[assignment]
        if self._fernet is None:  # raised out here, without what says which text it was
            raise ValueError("key: 32 bytes in URL-safe base64 wanted")

    def encrypt(self, text: str, /) -> str:
        """See :meth:`~oauth2.stores.Cipher.encrypt`."""
        return self._fernet.encrypt(text.encode("utf-8", "surrogatepass")).decode("ascii")

    def decrypt(self, text: str, /) -> str:
        """See :meth:`~oauth2.stores.Cipher.decrypt`."""
        try:
            return self._fernet.decrypt(text.encode("utf-8", "replace")).decode("utf-8", "surrogatepass")
        except InvalidToken:
            raise ValueError("encrypted under another key, or damaged") from None
