"""A fault that a service for tests simulates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import Error
from ..http import HTTPRequest, HTTPResponse


@dataclass(slots=True, kw_only=True)
class Fault:
    """A simulated fault.

    Attributes:
        name: The name of the method of :class:`~oauth2.testing.Faults` that added this fault.
        path: The path of the requests with this fault; None for all paths.
        times: Number of further requests with this fault; None for all requests.
        before: A function that changes a request before the service verifies the request.
        after: A function that changes the response to a verified request.
        skew: Seconds by which the clock of the service is ahead of the correct time.
        refusals: The errors that this fault causes.
    """

    name: str
    path: str | None = None
    times: int | None = None
    before: Callable[[HTTPRequest], HTTPRequest] | None = None
    after: Callable[[HTTPResponse], HTTPResponse] | None = None
    skew: int = 0
    refusals: tuple[type[Error], ...] = ()
