"""A refused request, which a provider passes to an observer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from .._steps import Steps
from ..http import HTTPRequest
from ..stores import ClientCredentials, TemporaryCredentials, TokenCredentials
from .audit import Event, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCredentials:
    """The credentials in the store for the keys in a request.

    An attribute is None if the store does not have the credentials.

    Attributes:
        consumer: The client credentials with the key in ``oauth_consumer_key``.
        token: The token credentials with the key in ``oauth_token``.
        temporary: The temporary credentials with the key in ``oauth_token``.
    """

    consumer: ClientCredentials | None
    token: TokenCredentials | None
    temporary: TemporaryCredentials | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RefusedRequest:
    """A refused request, and functions for its diagnosis. The request may contain secrets.

    Attributes:
        event: The event of the refusal.
        http_request: The received request.
        url: The URL with which the signature was verified. If the provider has a ``base_url``, this URL consists of
            ``base_url`` and the path and query of the received URL.
        base_url: The ``base_url`` of the provider, or None.
        timestamp_threshold: Largest accepted difference between a timestamp and the provider's clock, in seconds.
        is_issuance: Whether the client requested credentials. In such a request, ``oauth_token`` is the key of
            temporary credentials.
        find: A function that returns steps (see :mod:`oauth2._steps`). The steps look up the credentials in the store.
            They raise StoreUnavailable if the store cannot be read.
        emit: A function that is called with an event and returns steps. The steps pass the event to the audit hook.
    """

    event: Refused
    http_request: HTTPRequest
    url: str
    base_url: str | None
    timestamp_threshold: int
    is_issuance: bool
    find: Callable[[], Steps[FoundCredentials]]
    emit: Callable[[Event], Steps[None]]

    def header_fields(self) -> list[tuple[str, str]]:
        """Return the names and values of the received header fields."""
        headers = self.http_request.headers
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        return [(name, value) for name, value in pairs if value]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.http_request.method} {self.event.problem}>"


class RefusalObserver(Protocol):
    """Receives each refused request, in the thread that sends the response."""

    def observe(self, refused: RefusedRequest) -> None:
        """Receive a refused request.

        The run time of this method must not depend on the reason for the refusal. Otherwise the peer could measure the
        run time, and so find out the reason.
        """
        ...
