"""Limits on attempts to sign in and on new accounts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, ip_address, ip_network

from .database import Database

__all__ = [
    "OF_ADDRESS",
    "OF_NAME",
    "OF_NAME_HERE",
    "OF_NEW_ACCOUNTS",
    "WINDOW",
    "Throttle",
    "network_of",
    "sign_in_limits",
    "sign_up_limits",
]

WINDOW = 15 * 60  # Seconds. Older attempts are not counted.
OF_NAME_HERE = 5  # Maximum number of attempts for one name from one address or one known browser.
OF_ADDRESS = 50  # Maximum number of attempts for all names from one address.
OF_NAME = 100  # Maximum number of attempts for one name from all addresses.
OF_NEW_ACCOUNTS = 20  # Maximum number of new accounts from one address.


class Throttle:
    """Counts the attempts of the last 15 minutes. All processes that use the same database use the same counts.

    Args:
        database: The database that stores the attempts.
        now: A function that returns seconds since 1970-01-01 00:00 UTC.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def wait(self, limits: Sequence[tuple[str, int]]) -> int:
        """If an attempt is allowed, count the attempt and return 0. Otherwise return the seconds to wait.

        A refused attempt is not counted, so it does not extend the time to wait.

        Args:
            limits: Pairs of a subject and the maximum number of attempts for this subject in 15 minutes. Attempts with
                the same subject are counted together.
        """
        now = int(self._now())
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
        """Delete the attempts of *subject*. The site calls this method after a successful attempt."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM site_attempt WHERE subject = ?", (subject,))


def sign_in_limits(name: str, address: str | None, browser: str | None = None) -> list[tuple[str, int]]:
    """Return the limits for signing in.

    After a successful attempt, the caller must pass the first subject to :meth:`Throttle.forgive`.

    Args:
        name: The name that was entered.
        address: The address of the client; None if a proxy does not report the address.
        browser: The identifier of the browser if *name* has signed in with this browser before, otherwise None. This
            browser has a separate limit, so that attempts in other browsers do not block it.
    """
    if browser is not None:
        return [(_subject("sign in", name=name, browser=browser), OF_NAME_HERE)]
    everywhere = (_subject("sign in", name=name), OF_NAME)
    if address is None:
        return [everywhere]
    network = network_of(address)
    return [
        (_subject("sign in", name=name, address=network), OF_NAME_HERE),
        (_subject("sign in", address=network), OF_ADDRESS),
        everywhere,
    ]


def sign_up_limits(address: str | None) -> list[tuple[str, int]]:
    """Return the limits for a new account.

    If *address* is None, there is no limit, because the limit would apply to all visitors together.
    """
    return [] if address is None else [(_subject("sign up", address=network_of(address)), OF_NEW_ACCOUNTS)]


def network_of(address: str) -> str:
    """Return an IPv4 *address* unchanged, or the /64 network of an IPv6 *address*.

    One visitor usually has all addresses of a /64 network.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((int(found), 64), strict=False))


def _subject(what: str, **about: str) -> str:
    # JSON escapes the values, so two different subjects never have the same text.
    return json.dumps([what, about])
