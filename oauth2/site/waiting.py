"""The list of approvals that applications have not redeemed yet."""

from __future__ import annotations

from collections.abc import Callable

from ..provider import Provider
from ..stores import TemporaryCredentials, is_valid_key
from .database import Database

__all__ = ["Waiting"]


class Waiting:
    """The list of the temporary credentials that each user has approved.

    This class stores the list in its own table, because a store has no method that lists these credentials.

    Args:
        database: The database that stores the list.
        provider: The provider that issues the credentials.
        now: A function that returns seconds since 1970-01-01 00:00 UTC.
    """

    def __init__(self, database: Database, provider: Provider, now: Callable[[], float]) -> None:
        self._database = database
        self._provider = provider
        self._now = now

    def add(self, user: str, token_key: str) -> None:
        """Add *token_key*, and delete expired entries. The caller must call this method before the approval."""
        now = int(self._now())
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM site_waiting WHERE expires_at <= ?", (now,))
            connection.execute(
                "INSERT OR IGNORE INTO site_waiting VALUES (?, ?, ?)",
                (token_key, user, now + self._provider.lifetimes.temporary),
            )

    def approved_by(self, user: str) -> list[TemporaryCredentials]:
        """Return the temporary credentials that *user* approved and that have not been redeemed yet, newest first."""
        rows = self._database.rows(
            "SELECT token FROM site_waiting WHERE user = ? ORDER BY expires_at DESC, token", (user,)
        )
        found = [self._find(user, token_key) for (token_key,) in rows]
        return [temporary for temporary in found if temporary is not None]

    def take_back(self, user: str, token_key: str) -> bool:
        """Withdraw the approval of *user*.

        Return False if the approval does not exist, or if it was already redeemed.
        """
        return self._find(user, token_key) is not None and self._provider.store.redeem(token_key) is not None

    def _find(self, user: str, token_key: str) -> TemporaryCredentials | None:
        temporary = self._provider.store.get_temporary(token_key) if is_valid_key(token_key) else None
        # The table can also contain requests that were redeemed or denied, that have expired, or that another user
        # approved.
        if temporary is None or temporary.user != user or temporary.expires_at <= self._now():
            return None
        return temporary
