"""IMAP with XOAUTH: ``imaplib.IMAP4_SSL`` that authenticates with token credentials."""

from __future__ import annotations

import imaplib
from typing import TYPE_CHECKING, Any

from ..credentials import require_credentials
from ..request import build_xoauth_string

if TYPE_CHECKING:
    from ..credentials import Consumer, Token


class IMAP4_SSL(imaplib.IMAP4_SSL):  # noqa: N801 - drop-in name
    """``imaplib.IMAP4_SSL`` whose :meth:`authenticate` takes OAuth credentials."""

    def authenticate(self, url: str, consumer: Consumer, token: Token | None) -> Any:  # type: ignore[override]
        """Authenticate by XOAUTH.

        Args:
            url: What the service has signed, such as
                ``https://mail.google.com/mail/b/joe@example.com/imap/``.
            consumer: Client credentials.
            token: Token credentials.

        Raises:
            ValueError: No credentials of these classes.
            imaplib.IMAP4.error: The server refuses.
        """
        require_credentials(consumer, token)
        return super().authenticate("XOAUTH", lambda _: build_xoauth_string(url, consumer, token).encode())
