"""The stores a server and a provider need: one small protocol per thing remembered.

Each method is atomic. A store that cannot do its work raises
:class:`~oauth2.errors.StoreUnavailable`, and nothing else. No store has a clock:
what is over is told from the times in what it is given, and goes away a few rows
at a time as new ones come, with no job to schedule.
"""

from __future__ import annotations

from typing import Protocol

from .records import ClientCredentials, TemporaryCredentials, TokenCredentials


class NonceStore(Protocol):
    """Nonces that were used (section 3.3).

    ``window`` seconds is the largest ``timestamp_threshold`` the store serves.
    It needs no clock: a server lets through timestamps of at most its clock plus
    the threshold, so that what is older than the newest one seen by more than
    twice the window cannot be let through again, and may be forgotten.
    """

    window: int

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """Record the combination atomically; True if it was new.

        False, too, for a timestamp so old that its nonces are forgotten.
        """


class ConsumerStore(Protocol):
    """Client credentials."""

    def add_consumer(self, consumer: ClientCredentials) -> None:
        """Keep *consumer*, in place of an earlier one of its key."""

    def get_consumer(self, key: str) -> ClientCredentials | None:
        """Return the client credentials of *key*, or None."""

    def replace_consumer(self, consumer: ClientCredentials) -> bool:
        """Keep *consumer* in place of the earlier one of its key; False, and nothing kept, if there is none."""

    def remove_consumer(self, key: str) -> bool:
        """Forget them, and all that was issued to them; True if they were there."""

    def consumers_of(self, owner: str) -> list[ClientCredentials]:
        """Return the client credentials that *owner* registered, by name and key."""


class TokenStore(Protocol):
    """Token credentials."""

    def add_token(self, token: TokenCredentials) -> None:
        """Keep new token credentials."""

    def get_token(self, key: str) -> TokenCredentials | None:
        """Return the token credentials of *key*, or None."""

    def replace_token(self, key: str, token: TokenCredentials) -> bool:
        """Keep *token* in place of that of *key*, which is forgotten; True if that was there.

        Raises:
            StoreUnavailable: Other token credentials have the new key; all stay as they were.
        """

    def revoke_token(self, key: str) -> bool:
        """Forget them; True if they were there."""

    def tokens_of(self, user: str) -> list[TokenCredentials]:
        """Return the token credentials that *user* approved, the newest first."""


class CredentialStore(ConsumerStore, TokenStore, Protocol):
    """Client and token credentials in one place."""

    def find(
        self, consumer_key: str, token_key: str | None
    ) -> tuple[ClientCredentials | None, TokenCredentials | None]:
        """Return what a request names in one look-up, None for each that is not there.

        Whether the token is the client's, the caller checks.
        """


class TemporaryStore(Protocol):
    """Temporary credentials, from issue to their one redemption."""

    def issue(self, temporary: TemporaryCredentials) -> None:
        """Keep new temporary credentials, and forget some that had expired when these were issued."""

    def get_temporary(self, key: str) -> TemporaryCredentials | None:
        """Return the temporary credentials of *key*, or None."""

    def approve(self, key: str, user: str, verifier: str, realms: tuple[str, ...]) -> bool:
        """Record the approval; True if they were there and not approved yet."""

    def count_try(self, key: str) -> int:
        """Count one try to redeem them; return how many there were, this one included, or 0 if they are not there."""

    def redeem(self, key: str) -> TemporaryCredentials | None:
        """Remove and return them; None for all but the first."""


class ProviderStore(CredentialStore, TemporaryStore, NonceStore, Protocol):
    """All that a :class:`~oauth2.provider.Provider` remembers."""
