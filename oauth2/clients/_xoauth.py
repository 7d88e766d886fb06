"""The check of credentials in the clients for IMAP and SMTP."""

from __future__ import annotations

from ..credentials import Consumer, Token


def require_credentials(consumer: object, token: object) -> None:
    """Check that *consumer* is a :class:`Consumer`, and that *token* is a :class:`Token` or None.

    Raises:
        ValueError: *consumer* is not a :class:`Consumer`, or *token* is neither a :class:`Token` nor None; the message
            contains the name of the argument.
    """
    if not isinstance(consumer, Consumer):
        raise ValueError("Invalid consumer.")  # noqa: TRY004 - python-oauth2 1.9 also raises ValueError
    if token is not None and not isinstance(token, Token):
        raise ValueError("Invalid token.")
