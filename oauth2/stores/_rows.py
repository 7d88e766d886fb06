"""Convert records to rows, and rows to records. The SQL stores and the Redis stores use this module.

The values of a row are text, integers or None.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .cipher import Cipher, seal, unseal
from .records import ClientCredentials, TemporaryCredentials, TokenCredentials

CONSUMER = (
    "consumer_key",
    "secret",
    "previous_secret",
    "public_key",
    "name",
    "callbacks",
    "signature_methods",
    "two_legged",
    "xauth",
    "owner",
)
TOKEN = (
    "token_key",
    "secret",
    "consumer_key",
    "approved_by",
    "issued_at",
    "realms",
    "expires_at",
    "session_handle",
    "session_expires_at",
    "grant_key",
)
TEMPORARY = (
    "token_key",
    "secret",
    "consumer_key",
    "callback",
    "issued_at",
    "expires_at",
    "realms",
    "approved_by",
    "verifier",
)
SECRETS = {
    "consumer": ("secret", "previous_secret"),
    "token": ("secret", "session_handle"),
    "temporary": ("secret", "verifier"),
}
# Key: a kind of credentials. Value: the column that identifies a row and never changes. For example, a renewal changes
# the token_key of a token, but the grant_key does not change.
KEYS = {"consumer": "consumer_key", "token": "grant_key", "temporary": "token_key"}


def pack(texts: Sequence[str]) -> str:
    """Return several texts as one ASCII text."""
    return json.dumps(list(texts))


def unpack(text: str) -> tuple[str, ...]:
    """Return the texts from which :func:`pack` made *text*."""
    return () if text == "[]" else tuple(json.loads(text))


def consumer_row(consumer: ClientCredentials, cipher: Cipher | None) -> dict[str, Any]:
    """Return client credentials as a dict of column names and values. :func:`seal` converts the secrets."""
    previous, methods = consumer.previous_secret, consumer.signature_methods
    return {
        "consumer_key": consumer.key,
        "secret": seal(consumer.secret, cipher),
        "previous_secret": None if previous is None else seal(previous, cipher),
        "public_key": consumer.public_key,
        "name": consumer.name,
        "callbacks": pack(consumer.callbacks),
        "signature_methods": None if methods is None else pack(methods),
        "two_legged": int(consumer.two_legged),
        "xauth": int(consumer.xauth),
        "owner": consumer.owner,
    }


def consumer_of(row: Sequence[Any], cipher: Cipher | None) -> ClientCredentials:
    """Return the client credentials of a row whose columns are in the order of ``CONSUMER``."""
    key, secret, previous, public_key, name, callbacks, methods, two_legged, xauth, owner = row
    return ClientCredentials(
        key=key,
        secret=unseal(secret, cipher),
        previous_secret=None if previous is None else unseal(previous, cipher),
        public_key=public_key,
        name=name,
        callbacks=unpack(callbacks),
        signature_methods=None if methods is None else unpack(methods),
        two_legged=bool(two_legged),
        xauth=bool(xauth),
        owner=owner,
    )


def token_row(token: TokenCredentials, cipher: Cipher | None) -> dict[str, Any]:
    """Return token credentials as a dict of column names and values, including ``ends_at``.

    :func:`seal` converts the secrets.
    """
    handle = token.session_handle
    return {
        "token_key": token.key,
        "secret": seal(token.secret, cipher),
        "consumer_key": token.consumer_key,
        "approved_by": token.user,
        "issued_at": token.issued_at,
        "realms": pack(token.realms),
        "expires_at": token.expires_at,
        "session_handle": None if handle is None else seal(handle, cipher),
        "session_expires_at": token.session_expires_at,
        "grant_key": token.grant,
        "ends_at": token.ends_at,
    }


def token_of(row: Sequence[Any], cipher: Cipher | None) -> TokenCredentials:
    """Return the token credentials of a row whose columns are in the order of ``TOKEN``."""
    key, secret, consumer_key, user, issued_at, realms, expires_at, handle, session_expires_at, grant = row
    return TokenCredentials(
        key=key,
        secret=unseal(secret, cipher),
        consumer_key=consumer_key,
        user=user,
        issued_at=issued_at,
        realms=unpack(realms),
        expires_at=expires_at,
        session_handle=None if handle is None else unseal(handle, cipher),
        session_expires_at=session_expires_at,
        grant=grant,
    )


def temporary_row(temporary: TemporaryCredentials, cipher: Cipher | None) -> dict[str, Any]:
    """Return temporary credentials as a dict of column names and values. :func:`seal` converts the secrets."""
    verifier = temporary.verifier
    return {
        "token_key": temporary.key,
        "secret": seal(temporary.secret, cipher),
        "consumer_key": temporary.consumer_key,
        "callback": temporary.callback,
        "issued_at": temporary.issued_at,
        "expires_at": temporary.expires_at,
        "realms": pack(temporary.realms),
        "approved_by": temporary.user,
        "verifier": None if verifier is None else seal(verifier, cipher),
    }


def temporary_of(row: Sequence[Any], cipher: Cipher | None) -> TemporaryCredentials:
    """Return the temporary credentials of a row whose columns are in the order of ``TEMPORARY``."""
    key, secret, consumer_key, callback, issued_at, expires_at, realms, user, verifier = row
    return TemporaryCredentials(
        key=key,
        secret=unseal(secret, cipher),
        consumer_key=consumer_key,
        callback=callback,
        issued_at=issued_at,
        expires_at=expires_at,
        realms=unpack(realms),
        user=user,
        verifier=None if verifier is None else unseal(verifier, cipher),
    )
