"""What the service is about: short notes, of the user's own hand or added by an application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..encoding import is_utf8

if TYPE_CHECKING:
    from collections.abc import Callable

    from .database import Database

LONGEST = 500  # characters
_SHOWN = 100  # notes, the newest
_KEPT = 1000  # notes of one user

#: What access an application can ask for, by realm, as the consent page says it.
REALMS = {
    "profile": "See the name of your account",
    "notes": "Read your notes",
    "notes.write": "Add notes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note.

    Attributes:
        text: What it says.
        at: When it was written, in seconds since 1970-01-01 00:00 UTC.
        client: The name of the application that added it; empty for the user's own hand.
    """

    text: str
    at: int
    client: str


class Notebook:
    """The notes of all users.

    Args:
        database: Where they are kept.
        clock: Returns seconds since 1970-01-01 00:00 UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def add(self, user: str, text: str, client: str = "") -> Note:
        """Write a note down; the oldest of more than 1,000 goes."""
        note = Note(text=text, at=int(self._clock()), client=client)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO site_note (user, text, at, client) VALUES (?, ?, ?, ?)", (user, text, note.at, client)
            )
            connection.execute(
                "DELETE FROM site_note WHERE number IN"
                " (SELECT number FROM site_note WHERE user = ? ORDER BY number DESC LIMIT -1 OFFSET ?)",
                (user, _KEPT),
            )
        return note

    def notes_of(self, user: str) -> list[Note]:
        """Return the newest notes of *user*, the newest first."""
        rows = self._database.rows(
            "SELECT text, at, client FROM site_note WHERE user = ? ORDER BY number DESC LIMIT ?", (user, _SHOWN)
        )
        return [Note(text=text, at=at, client=client) for text, at, client in rows]


def problem_of_note(text: str) -> str | None:
    """Return what is wrong with the text of a note, if anything."""
    if not text.strip():
        return "Write something."
    if len(text) > LONGEST:
        return f"Write at most {LONGEST} characters."
    return None if is_utf8(text) else "Write text."
