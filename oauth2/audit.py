"""What a provider tells its audit hook: one typed event for each thing that happens.

No event holds a secret, a verifier, a signature or a session handle. Keys are
identifiers; those of :class:`Refused` are what the peer claimed, nobody checked
them, and they may hold anything: escape them before they reach a log.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events have.

    Attributes:
        at: Seconds since 1970-01-01 00:00 UTC, by the provider's clock.
        consumer_key: The client.
    """

    at: int
    consumer_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued(Event):
    """Temporary credentials were issued (section 2.1)."""

    token_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved(Event):
    """A user approved temporary credentials (section 2.2)."""

    token_key: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied(Event):
    """A user denied temporary credentials (section 2.2)."""

    token_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed(Event):
    """Token credentials were issued (section 2.3), or for a user's password (xAuth).

    Attributes:
        token_key: The new token.
        temporary_key: What it was issued for; None for xAuth.
    """

    token_key: str
    temporary_key: str | None
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed(Event):
    """Token credentials took the place of earlier ones (session extension)."""

    token_key: str
    earlier_key: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Event):
    """A request was refused.

    Attributes:
        token_key: The token that it named, or None.
        status: HTTP status.
        problem: The value of ``oauth_problem``, or None.
        message: What was wrong.
    """

    token_key: str | None
    status: int
    problem: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked(Event):
    """Token credentials were revoked."""

    token_key: str
    user: str
