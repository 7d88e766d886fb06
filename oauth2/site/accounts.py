"""Accounts and sessions: who may sign in, and who is signed in."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from werkzeug.security import check_password_hash, generate_password_hash

from ..generate import make_nonce

if TYPE_CHECKING:
    from collections.abc import Callable

    from .database import Database

SESSION_LIFETIME = 12 * 3600  # seconds
SHORTEST_PASSWORD = 10  # characters
_LONGEST_PASSWORD = 256
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?")
_METHOD = "scrypt:32768:8:1"
# What a password is compared with where there is no account: it takes as long, and no password has this hash.
_NOBODY = f"{_METHOD}$nobody${'0' * 128}"


class Accounts:
    """Names, password hashes and sessions.

    Args:
        database: Where they are kept.
        clock: Returns seconds since 1970-01-01 00:00 UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def create(self, name: str, password: str) -> bool:
        """Create an account; False if the name is taken."""
        hashed = generate_password_hash(password, _METHOD)
        with self._database.transaction() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO site_user VALUES (?, ?, ?)", (name, hashed, int(self._clock()))
            )
            return added.rowcount == 1

    def is_empty(self) -> bool:
        """Tell whether there is no account yet."""
        return not self._database.rows("SELECT 1 FROM site_user LIMIT 1")

    def is_password(self, name: str, password: str) -> bool:
        """Tell whether *password* is that of *name*, in the same time for a name that nobody has."""
        rows = self._database.rows("SELECT password FROM site_user WHERE name = ?", (name,))
        is_right = check_password_hash(rows[0][0] if rows else _NOBODY, password[: _LONGEST_PASSWORD + 1])
        return is_right and bool(rows)

    def open_session(self, name: str) -> str:
        """Return the identifier of a new session of *name*; forget those that are over."""
        identifier, now = make_nonce(), int(self._clock())
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM site_session WHERE expires_at <= ?", (now,))
            connection.execute(
                "INSERT INTO site_session VALUES (?, ?, ?)", (_digest(identifier), name, now + SESSION_LIFETIME)
            )
        return identifier

    def user_of(self, identifier: str) -> str | None:
        """Return whose session *identifier* is, or None."""
        rows = self._database.rows(
            "SELECT user FROM site_session WHERE digest = ? AND expires_at > ?",
            (_digest(identifier), int(self._clock())),
        )
        return rows[0][0] if rows else None

    def close_session(self, identifier: str) -> None:
        """End a session: its cookie is worth nothing from now on, whoever has a copy."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM site_session WHERE digest = ?", (_digest(identifier),))


def problems_of_account(name: str, password: str, again: str) -> dict[str, str]:
    """Return what is wrong with a new account, by field."""
    problems = {}
    if not _NAME.fullmatch(name):
        problems["name"] = "Choose a name of 1 to 32 letters a to z, digits, dots and hyphens."
    if len(password) < SHORTEST_PASSWORD:
        problems["password"] = f"Choose a password of at least {SHORTEST_PASSWORD} characters."
    elif len(password) > _LONGEST_PASSWORD:
        problems["password"] = f"Choose a password of at most {_LONGEST_PASSWORD} characters."
    elif password.casefold() == name:
        problems["password"] = "Choose a password that is not your name."  # noqa: S105 - a message
    elif password != again:
        problems["again"] = "Enter the same password twice."
    return problems


def _digest(identifier: str) -> bytes:
    # A copy of the database lets nobody into a session.
    return hashlib.sha256(identifier.encode("utf-8", "replace")).digest()
