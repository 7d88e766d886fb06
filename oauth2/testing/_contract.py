"""The fixture, the records and the functions that the contracts of stores use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from ..stores import ClientCredentials, TemporaryCredentials, TokenCredentials

# This loop must run before the contracts are imported, so that a failing assert statement shows the compared values.
for _kind in ("nonce", "credential", "listing", "temporary", "provider"):
    pytest.register_assert_rewrite(f"oauth2.testing.{_kind}_contract")

_Result = TypeVar("_Result")

T = 1_700_000_000  # Seconds since 1970-01-01 00:00 UTC.
PATIENCE = 120  # Seconds after which a test fails because a thread has not finished.

FULL = ClientCredentials(
    key="printer",
    secret="s3cret",
    previous_secret="before",
    public_key="-----BEGIN PUBLIC KEY-----\n...",
    name='Prîntr "<x>" ☃',
    callbacks=("https://printer.example/ready?a=b,c", "oob"),
    signature_methods=("HMAC-SHA1", "RSA-SHA256"),
    two_legged=True,
    xauth=True,
    owner="jane",
)
# Keys that a database may wrongly treat as equal.
TEXTS = [
    "a",
    "A",
    "á",
    "a\u0301",
    "a ",
    " a",
    "a\t",
    "ä",
    "ß",
    "ss",
    "𝒳",
    "☃",
    "%",
    "_",
    "'",
    '"',
    "\\",
    "{a}",
    ":a",
    "?",
]
# The keys in TEXTS, and further keys that some databases cannot store.
ODD = [*TEXTS, "a\0", "a\0b", "\0", "\ud800", "\udfff" * 3, "'; DROP TABLE token; --", "%s", "k" * 300, "k" * 100_000]


class StoreContract:
    """Tests of a store; a subclass overrides the fixture :meth:`store`.

    ::

        class TestMyStore(NonceStoreContract):
            @pytest.fixture
            def store(self):
                return MyStore()
    """

    @pytest.fixture
    def store(self) -> object:
        """Return an empty store. A subclass must override this fixture."""
        raise NotImplementedError("Override the fixture store. It must return an empty store.")


def client(key: str, *, name: str = "", owner: str | None = None) -> ClientCredentials:
    """Return client credentials."""
    return ClientCredentials(key=key, secret="secret of " + key, name=name, owner=owner)


def token(
    key: str,
    *,
    secret: str | None = None,
    consumer_key: str = "printer",
    user: str = "jane",
    issued_at: int = 0,
    expires_at: int | None = None,
    grant: str = "",
) -> TokenCredentials:
    """Return token credentials."""
    return TokenCredentials(
        key=key,
        secret=f"s{key}" if secret is None else secret,
        consumer_key=consumer_key,
        user=user,
        issued_at=issued_at,
        expires_at=expires_at,
        grant=grant,
    )


def temporary(
    key: str, *, consumer_key: str = "printer", issued_at: int = T, expires_at: int = T + 600
) -> TemporaryCredentials:
    """Return temporary credentials."""
    return TemporaryCredentials(
        key=key,
        secret=f"s{key}",
        consumer_key=consumer_key,
        callback="oob",
        issued_at=issued_at,
        expires_at=expires_at,
    )


def approved(issued: TemporaryCredentials, user: str, verifier: str, realms: tuple[str, ...]) -> TemporaryCredentials:
    """Return *issued* with the values that the approval adds."""
    return replace(issued, user=user, verifier=verifier, realms=realms)


def is_kept(write: Callable[[], object]) -> bool:
    """Call *write*; return whether the store accepted the record. A store may refuse a text with a ValueError."""
    try:
        return write() is not False
    except UnicodeError:
        pytest.fail("A store must not raise UnicodeError, because the message of this error contains the record.")
    except ValueError:
        return False


def at_once(count: int, work: Callable[[int], _Result]) -> list[_Result]:
    """Call *work* in *count* threads at the same time, and return the results.

    Each thread calls *work* with a different number from 0 to *count* - 1.
    """
    barrier = threading.Barrier(count)
    results: list[_Result] = []

    def run(number: int) -> None:
        barrier.wait(PATIENCE)
        results.append(work(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return results
