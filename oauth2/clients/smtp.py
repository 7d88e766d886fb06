"""SMTP with XOAUTH: ``smtplib.SMTP`` that authenticates with token credentials."""

from __future__ import annotations

import smtplib
from binascii import b2a_base64
from typing import TYPE_CHECKING

from ..credentials import require_credentials
from ..request import build_xoauth_string

if TYPE_CHECKING:
    from ..credentials import Consumer, Token


class SMTP(smtplib.SMTP):
    """``smtplib.SMTP`` with an :meth:`authenticate` that takes OAuth credentials."""

    def authenticate(self, url: str, consumer: Consumer, token: Token | None) -> None:
        """Authenticate by XOAUTH, after ``starttls()``.

        Args:
            url: What the service has signed, such as
                ``https://mail.google.com/mail/b/joe@example.com/smtp/``.
            consumer: Client credentials.
            token: Token credentials.

        Raises:
            ValueError: No credentials of these classes.
            smtplib.SMTPAuthenticationError: The server refuses.
        """
        require_credentials(consumer, token)
        response = b2a_base64(build_xoauth_string(url, consumer, token).encode(), newline=False)
        code, answer = self.docmd("AUTH", f"XOAUTH {response.decode('ascii')}")
        if code != 235:  # RFC 4954 section 4: authentication succeeded
            raise smtplib.SMTPAuthenticationError(code, answer)
