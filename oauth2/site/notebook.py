"""The notes. A user writes notes, and an application can add notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .._wire.text import is_utf8
from .database import Database

__all__ = ["LONGEST", "REALMS", "Note", "Notebook", "problem_of_note"]

LONGEST = 500  # Characters. A longer note is refused.
_SHOWN = 100  # Maximum number of notes that the page and the API show.
_KEPT = 1000  # The maximum number of notes of one user; if there are more, the oldest notes are deleted.

#: Key: a realm that an application can request. Value: the text that the consent page shows for this realm.
REALMS = {
    "profile": "See the name of your account",
    "notes": "Read your notes",
    "notes.write": "Add notes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note.

    Attributes:
        text: The text.
        at: The time at which the note was written, in seconds since 1970-01-01 00:00 UTC.
        client: The name of the application that added the note; ``""`` if the user wrote the note.
    """

    text: str
    at: int
    client: str


class Notebook:
    """The notes of all users.

    Args:
        database: The database that stores the notes.
        now: A function that returns seconds since 1970-01-01 00:00 UTC.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def add(self, user: str, text: str, client: str = "") -> Note:
        """Add a note. If the user has more than 1,000 notes afterwards, delete the oldest note."""
        note = Note(text=text, at=int(self._now()), client=client)
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
        """Return the newest 100 notes of *user*, newest first."""
        rows = self._database.rows(
            "SELECT text, at, client FROM site_note WHERE user = ? ORDER BY number DESC LIMIT ?", (user, _SHOWN)
        )
        return [Note(text=text, at=at, client=client) for text, at, client in rows]


def problem_of_note(text: str) -> str | None:
    """Return the reason why *text* is not a valid note; None if *text* is valid."""
    if not text.strip():
        return "Enter a text."
    if len(text) > LONGEST:
        return f"Enter at most {LONGEST} characters."
    return None if is_utf8(text) else "Enter valid Unicode text."
