"""Read dummy credentials, so that the response time does not reveal which credentials exist (timing attack)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ._rows import (
    CONSUMER,
    SECRETS,
    TEMPORARY,
    TOKEN,
    consumer_of,
    consumer_row,
    temporary_of,
    temporary_row,
    token_of,
    token_row,
)
from .cipher import Cipher, unseal
from .records import ClientCredentials, TemporaryCredentials, TokenCredentials


class Dummies:
    """Reads dummy credentials, so that a refusal takes the same time for unknown and for known credentials."""

    def __init__(self, cipher: Cipher | None) -> None:
        self._cipher = cipher
        self._rows: dict[str, list[Any]] = {}

    def read(self, found: Mapping[str, object]) -> None:
        """For each record that was not found, read a dummy record.

        If a record has only one of its two secrets, this method also decrypts a dummy secret. The number of decryptions
        is therefore always the same.

        Args:
            found: The result of the look-up. Each key is a kind of credentials, such as ``"token"``. Each value is the
                credentials, or None if the store does not have these credentials.

        Raises:
            StoreUnavailable: The cipher cannot decrypt a dummy secret.
        """
        for kind, credentials in found.items():
            record, to_row, columns, from_row = _DUMMIES[kind]
            if kind not in self._rows:
                values = to_row(record, self._cipher)
                self._rows[kind] = [values[column] for column in columns]
            row = self._rows[kind]
            known = from_row(row, self._cipher) if credentials is None else credentials
            if self._cipher is not None:
                for name in SECRETS[kind]:
                    if getattr(known, name) is None:
                        unseal(row[columns.index("secret")], self._cipher)


# Key: a kind of credentials. Value: a dummy record, the function that converts the record to a row, the names of the
# columns, and the function that converts the row to a record.
_DUMMIES: dict[str, tuple[Any, Callable[..., dict[str, Any]], tuple[str, ...], Callable[..., Any]]] = {
    "consumer": (
        ClientCredentials(key="dummy", secret=os.urandom(11).hex(), callbacks=("oob",)),
        consumer_row,
        CONSUMER,
        consumer_of,
    ),
    "token": (
        TokenCredentials(key="dummy", secret=os.urandom(11).hex(), consumer_key="dummy", user="dummy"),
        token_row,
        TOKEN,
        token_of,
    ),
    "temporary": (
        TemporaryCredentials(
            key="dummy", secret=os.urandom(11).hex(), consumer_key="dummy", callback="oob", issued_at=0, expires_at=0
        ),
        temporary_row,
        TEMPORARY,
        temporary_of,
    ),
}
