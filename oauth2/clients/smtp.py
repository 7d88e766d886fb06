"""SMTP with XOAUTH: a subclass of ``smtplib.SMTP`` that authenticates with token credentials."""

from __future__ import annotations

import smtplib
from binascii import b2a_base64

from ..credentials import Consumer, Token
from ..request import build_xoauth_string
from ._xoauth import require_credentials

__all__ = ["SMTP"]


class SMTP(smtplib.SMTP):
    """A subclass of ``smtplib.SMTP`` whose method :meth:`authenticate` accepts OAuth credentials."""

    def authenticate(self, url: str, consumer: Consumer, token: Token | None) -> None:
        """Authenticate with the XOAUTH mechanism. Call ``starttls()`` before this method.

        Args:
            url: The URL that the service requires in the signature, such as
                ``https://mail.google.com/mail/b/joe@example.com/smtp/``.
            consumer: Client credentials.
            token: Token credentials.

        Raises:
            ValueError: *consumer* is not a Consumer, or *token* is not a Token.
            smtplib.SMTPAuthenticationError: The server refuses the credentials.
        """
        require_credentials(consumer, token)
        response = b2a_base64(build_xoauth_string(url, consumer, token).encode(), newline=False)
        code, answer = self.docmd("AUTH", f"XOAUTH {response.decode('ascii')}")
        if code != 235:  # The reply 235 means that the authentication succeeded (RFC 4954 section 4).
            raise smtplib.SMTPAuthenticationError(code, answer)
