"""Records as rows of plain values, and back: what every store with columns shares."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .cipher import seal, unseal
from .records import ClientCredentials, TemporaryCredentials, TokenCredentials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cipher import Cipher

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
KEYS = {"consumer": "consumer_key", "token": "token_key", "temporary": "token_key"}


def pack(texts: Sequence[str]) -> str:
    """Return several texts as one, in ASCII whatever they hold."""
    return json.dumps(list(texts))


def unpack(text: str) -> tuple[str, ...]:
    """Return the texts that :func:`pack` was given."""
    return () if text == "[]" else tuple(json.loads(text))


def consumer_row(consumer: ClientCredentials, cipher: Cipher | None) -> dict[str, Any]:
    """Return the columns of client credentials, by name."""
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
    """Return the client credentials of a row in the order of ``CONSUMER``."""
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
    """Return the columns of token credentials, by name, and when they end."""
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
        "ends_at": token.ends_at,
    }


def token_of(row: Sequence[Any], cipher: Cipher | None) -> TokenCredentials:
    """Return the token credentials of a row in the order of ``TOKEN``."""
    key, secret, consumer_key, user, issued_at, realms, expires_at, handle, session_expires_at = row
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
    )


def temporary_row(temporary: TemporaryCredentials, cipher: Cipher | None) -> dict[str, Any]:
    """Return the columns of temporary credentials, by name."""
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
    """Return the temporary credentials of a row in the order of ``TEMPORARY``."""
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
