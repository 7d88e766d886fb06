"""How often somebody may guess a password, or make an account."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .database import Database

WINDOW = 15 * 60  # seconds
OF_NAME_HERE = 5  # tries for one name from one address
OF_ADDRESS = 50
OF_NAME = 100  # from everywhere: many machines cannot guess on, and one cannot lock somebody out
OF_NEW_ACCOUNTS = 20


class Throttle:
    """Counts attempts of the last 15 minutes, for all processes that share the database.

    Args:
        database: Where they are counted.
        clock: Returns seconds since 1970-01-01 00:00 UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def wait(self, limits: Sequence[tuple[str, int]]) -> int:
        """Count one attempt, before it is made; return the seconds to wait, 0 if it may be made.

        An attempt that has to wait is not counted, so that waiting helps.

        Args:
            limits: Subjects, each with the attempts it has in 15 minutes.
        """
        now = int(self._clock())
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM site_attempt WHERE at <= ?", (now - WINDOW,))
            for subject, most in limits:
                earlier = connection.execute(
                    "SELECT at FROM site_attempt WHERE subject = ? ORDER BY at DESC LIMIT 1 OFFSET ?",
                    (subject, most - 1),
                ).fetchone()
                if earlier is not None:
                    return int(earlier[0]) + WINDOW - now
            connection.executemany("INSERT INTO site_attempt VALUES (?, ?)", [(subject, now) for subject, _ in limits])
        return 0

    def forgive(self, subject: str) -> None:
        """Forget the attempts of *subject*, which succeeded."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM site_attempt WHERE subject = ?", (subject,))


def sign_in_limits(name: str, address: str | None) -> list[tuple[str, int]]:
    """Return the limits of signing in; the first is the one to forgive after a success.

    Args:
        name: The account's, as it was given.
        address: Where the attempt comes from; None behind a proxy, whose own address says nothing.
    """
    everywhere = (_subject("sign in", name=name), OF_NAME)
    if address is None:
        return [everywhere]
    return [
        (_subject("sign in", name=name, address=address), OF_NAME_HERE),
        (_subject("sign in", address=address), OF_ADDRESS),
        everywhere,
    ]


def _subject(what: str, **about: str) -> str:
    # No name that somebody gives may pass for another subject.
    return json.dumps([what, about])
