"""The accounts and the sessions of the users of the site."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from werkzeug.security import check_password_hash, generate_password_hash

from .._generate import make_nonce
from .database import Database

__all__ = ["SESSION_LIFETIME", "SHORTEST_PASSWORD", "Accounts", "problems_of_account", "problems_of_password"]

SESSION_LIFETIME = 12 * 3600  # Seconds. An older session is refused.
SHORTEST_PASSWORD = 10  # Characters. A shorter password is refused.
_LONGEST_PASSWORD = 256
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?")
_METHOD = "scrypt:32768:8:1"
# No password has this hash. For an unknown name, the password is checked with this hash, so that the check takes as
# long as for a known name (timing attack).
_DUMMY = f"{_METHOD}$dummy${'0' * 128}"


class Accounts:
    """The accounts of the users: names, password hashes and sessions.

    Args:
        database: The database that stores the accounts.
        now: A function that returns seconds since 1970-01-01 00:00 UTC.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def create(self, name: str, password: str) -> bool:
        """Create an account; return False if the name is already used."""
        hashed = generate_password_hash(password, _METHOD)
        with self._database.transaction() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO site_user VALUES (?, ?, ?)", (name, hashed, int(self._now()))
            )
            return added.rowcount == 1

    def is_empty(self) -> bool:
        """Return whether no account exists."""
        return not self._database.rows("SELECT 1 FROM site_user LIMIT 1")

    def is_password(self, name: str, password: str) -> bool:
        """Return whether *password* is the password of *name*.

        The check of an unknown name takes as long as the check of a known name.
        """
        rows = self._database.rows("SELECT password FROM site_user WHERE name = ?", (name,))
        is_right = check_password_hash(rows[0][0] if rows else _DUMMY, password[: _LONGEST_PASSWORD + 1])
        return is_right and bool(rows)

    def change_password(self, name: str, password: str) -> None:
        """Set the password of *name* and close all sessions of *name*."""
        hashed = generate_password_hash(password, _METHOD)
        with self._database.transaction() as connection:
            connection.execute("UPDATE site_user SET password = ? WHERE name = ?", (hashed, name))
            connection.execute("DELETE FROM site_session WHERE user = ?", (name,))

    def open_session(self, name: str) -> str:
        """Return the identifier of a new session of *name*; delete expired sessions of all users."""
        identifier, now = make_nonce(), int(self._now())
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM site_session WHERE expires_at <= ?", (now,))
            connection.execute(
                "INSERT INTO site_session VALUES (?, ?, ?)", (_digest(identifier), name, now + SESSION_LIFETIME)
            )
        return identifier

    def user_of(self, identifier: str) -> str | None:
        """Return the name of the session's user; None if the session is unknown or has expired."""
        rows = self._database.rows(
            "SELECT user FROM site_session WHERE digest = ? AND expires_at > ?",
            (_digest(identifier), int(self._now())),
        )
        return rows[0][0] if rows else None

    def close_session(self, identifier: str) -> None:
        """Close a session, so that copies of its cookie become invalid."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM site_session WHERE digest = ?", (_digest(identifier),))


def problems_of_account(name: str, password: str, again: str) -> dict[str, str]:
    """Return the problems of the entries for a new account. Key: the name of a form field. Value: a sentence."""
    problems = {}
    if not _NAME.fullmatch(name):
        problems["name"] = "Choose a name of 1 to 32 characters: letters a to z, digits, and . _ - between them."
    return {**problems, **problems_of_password(name, password, again)}


def problems_of_password(name: str, password: str, again: str) -> dict[str, str]:
    """Return the problems of the entries for a new password. Key: the name of a form field. Value: a sentence."""
    if len(password) < SHORTEST_PASSWORD:
        return {"password": f"Choose a password of at least {SHORTEST_PASSWORD} characters."}
    if len(password) > _LONGEST_PASSWORD:
        return {"password": f"Choose a password of at most {_LONGEST_PASSWORD} characters."}
    if password.casefold() == name:
        return {"password": "Choose a password that is not your name."}
    return {} if password == again else {"again": "Enter the same password twice."}


def _digest(identifier: str) -> bytes:
    # The database stores only digests, so that a copy of the database contains no valid session cookie.
    return hashlib.sha256(identifier.encode("utf-8", "replace")).digest()
