"""The events that a provider passes to its hooks: :class:`Handled` to ``requests``, all other events to ``audit``.

An event contains no secret, verifier, signature or session handle. The keys in :class:`Refused` may be keys that the
provider never issued. The peer can choose any characters for such a key, so escape the keys before you write them to a
log.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Approved", "Denied", "Event", "Handled", "Issued", "Redeemed", "Refused", "Renewed", "Revoked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base class of all events.

    Attributes:
        at: The time of the event according to the clock of the provider, in seconds since 1970-01-01 00:00 UTC.
        consumer_key: The key of the client; None if the request has no valid ``oauth_consumer_key``.
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
    """A user refused to approve temporary credentials (section 2.2)."""

    token_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed(Event):
    """A client exchanged temporary credentials (section 2.3), or the password of a user (xAuth), for token credentials.

    Attributes:
        token_key: The key of the new token credentials.
        temporary_key: The key of the temporary credentials; None for xAuth.
        user: The user who approved the temporary credentials, or the user whose password the client sent (xAuth).
    """

    token_key: str
    temporary_key: str | None
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed(Event):
    """Token credentials were replaced by new token credentials (session extension).

    Attributes:
        token_key: The key of the new token credentials.
        earlier_key: The key of the token credentials that were replaced.
        user: The user who approved the client.
        grant: The identifier of the approval. The *grant* is equal to the *token_key* in the event :class:`Redeemed`
            that was emitted when the client got the first token credentials of this approval.
    """

    token_key: str
    earlier_key: str
    user: str
    grant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Event):
    """A request was refused.

    Attributes:
        token_key: The ``oauth_token`` of the request, or None.
        status: The HTTP status of the response.
        problem: The value of ``oauth_problem``, or None.
        message: The message of the error.
    """

    token_key: str | None
    status: int
    problem: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked(Event):
    """Token credentials were revoked.

    Attributes:
        token_key: The key of the latest token credentials of the approval.
        user: The user who had approved the client.
        grant: The identifier of the approval. The *grant* is equal to the *token_key* in the event :class:`Redeemed`
            that was emitted when the client got the first token credentials of this approval.
    """

    token_key: str
    user: str
    grant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled(Event):
    """A request was accepted or refused. The hook ``requests`` gets this event for each request.

    Attributes:
        endpoint: ``"request_token"`` (section 2.1), ``"access_token"`` (section 2.3), ``"resource"`` (section 3), or
            ``"unknown"`` for a request that the middleware could not read.
        token_key: The ``oauth_token`` of the request, or None.
        user: The user who approved the token. None if the request was refused, if the request has no token, or if the
            client requested credentials.
        refused: The event of the refusal; None if the request was accepted.
        seconds: The time, in seconds, that the provider needed to read and verify the request and to issue credentials.
    """

    endpoint: str
    token_key: str | None
    user: str | None
    refused: Refused | None
    seconds: float
