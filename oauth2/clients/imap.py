"""IMAP with XOAUTH: a subclass of ``imaplib.IMAP4_SSL`` that authenticates with token credentials."""

from __future__ import annotations

import imaplib

from ..credentials import Consumer, Token
from ..request import build_xoauth_string
from ._xoauth import require_credentials

__all__ = ["IMAP4_SSL"]


class IMAP4_SSL(imaplib.IMAP4_SSL):  # noqa: N801 - drop-in name
    """A subclass of ``imaplib.IMAP4_SSL`` whose method :meth:`authenticate` accepts OAuth credentials."""

    def authenticate(  # type: ignore[override]
        self, url: str, consumer: Consumer, token: Token | None
    ) -> tuple[str, str]:
        """Authenticate with the XOAUTH mechanism.

        Args:
            url: The URL that the service requires in the signature, such as
                ``https://mail.google.com/mail/b/joe@example.com/imap/``.
            consumer: Client credentials.
            token: Token credentials.

        Raises:
            ValueError: *consumer* is not a Consumer, or *token* is not a Token.
            imaplib.IMAP4.error: The server refuses the credentials.
        """
        require_credentials(consumer, token)
        return super().authenticate("XOAUTH", lambda _: build_xoauth_string(url, consumer, token).encode())
