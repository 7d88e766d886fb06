"""Faults that a test injects into a :class:`~oauth2.testing.StrictService`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from ..credentials import Credentials
from ..errors import Error, InsecureTransport, NonceUsed, SignatureInvalid, TimestampRefused
from ..http import HTTPRequest, HTTPResponse
from ..request import Request
from ._accounts import Accounts
from ._exchange import fields_of
from ._fault import Fault

__all__ = ["Faults"]

_REDIRECTS = (301, 302, 303, 307, 308)


class Faults:
    """Adds faults to a :class:`~oauth2.testing.StrictService`, which then simulates these faults.

    Each method adds one fault. *times* is the number of requests with this fault; None means all requests until
    :meth:`clear` is called. *path* is the path of these requests; None means any path. A request can have several
    faults. The service verifies every request, even if the response is a 503 or a redirect.
    """

    def __init__(self, accounts: Accounts, now: Callable[[], float]) -> None:
        self._accounts, self._now = accounts, now
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._is_over = threading.Event()

    def skewed_clock(self, seconds: int, *, path: str | None = None, times: int | None = None) -> None:
        """Set the clock of the service ahead by *seconds*. With a negative number, the clock is behind.

        The service refuses a timestamp that differs too much from its clock. The service reports its time in the
        ``Date`` header and in ``oauth_acceptable_timestamps``.

        Raises:
            TypeError: *seconds* is not an int.
            ValueError: *times* is not positive.
        """
        if not isinstance(seconds, int):
            raise TypeError("seconds: must be an int")
        self._add(Fault(name="skewed_clock", path=path, times=times, skew=seconds, refusals=(TimestampRefused,)))

    def used_nonce(self, *, path: str | None = None, times: int | None = 1) -> None:
        """Refuse requests as if their nonces had been used in earlier requests.

        Raises:
            ValueError: *times* is not positive.
        """
        self._add(Fault(name="used_nonce", path=path, times=times, before=self._claim, refusals=(NonceUsed,)))

    def expired_token(self, token: Credentials) -> None:
        """Let *token* expire now, so that the next request with *token* is refused.

        Raises:
            ValueError: The service has not issued *token*, or *token* is revoked.
        """
        self._accounts.expire(token, int(self._now()))

    def revoked_token(self, token: Credentials) -> None:
        """Revoke *token*, so that the next request with *token* is refused.

        Raises:
            ValueError: The service has not issued *token*, or *token* is revoked.
        """
        self._accounts.revoke(token)

    def unavailable(self, *, path: str | None = None, times: int | None = 1, retry_after: int = 0) -> None:
        """Send responses with status 503. By default, only one response has status 503.

        Args:
            path: See :class:`Faults`.
            times: See :class:`Faults`.
            retry_after: The ``Retry-After`` header, in seconds.

        Raises:
            ValueError: *times* is not positive.
        """
        answer = HTTPResponse(503, [("Retry-After", str(retry_after)), ("Content-Type", "text/plain")], b"unavailable")
        self._add(Fault(name="unavailable", path=path, times=times, after=lambda _: answer))

    def redirect(self, path: str, to: str, *, status: int = 302, times: int | None = None) -> None:
        """Redirect the requests for *path*.

        Args:
            path: The path of the requests.
            to: A path of the service, or the URL of another origin, such as ``service.elsewhere.url("/photos")``.
            status: HTTP status: 301, 302, 303, 307 or 308.
            times: See :class:`Faults`.

        Raises:
            ValueError: *status* is not one of these numbers, or *times* is not positive.
        """
        if status not in _REDIRECTS:
            raise ValueError(f"status: must be one of {', '.join(map(str, _REDIRECTS))}")
        answer = HTTPResponse(status, [("Location", to), ("Content-Type", "text/plain")], b"moved")
        self._add(Fault(name="redirect", path=path, times=times, after=lambda _: answer))

    def slow_answer(self, seconds: float, *, path: str | None = None, times: int | None = 1) -> None:
        """Delay the response by *seconds*. If the service is closed during this time, send the response immediately.

        Raises:
            ValueError: *times* is not positive.
        """

        def wait(response: HTTPResponse) -> HTTPResponse:
            self._is_over.wait(seconds)
            return response

        self._add(Fault(name="slow_answer", path=path, times=times, after=wait))

    def proxy(
        self, *, scheme: str | None = None, host: str | None = None, path: str | None = None, times: int | None = None
    ) -> None:
        """Simulate a proxy that changes the URL of a request, so that the signature does not match.

        Like a real proxy, this fault sets the header fields ``X-Forwarded-Proto`` and ``X-Forwarded-Host``.

        Args:
            scheme: The scheme of the changed URL, such as ``"http"`` for a proxy that terminates TLS.
            host: The host and port of the changed URL, such as ``"internal:8000"``.
            path: See :class:`Faults`. The proxy does not change the path.
            times: See :class:`Faults`.

        Raises:
            ValueError: Neither *scheme* nor *host* is given, or *times* is not positive.
        """
        if scheme is None and host is None:
            raise ValueError("scheme: must be given if host is None")
        refusals = (SignatureInvalid, InsecureTransport)
        change = _origin_changed(scheme, host)
        self._add(Fault(name="proxy", path=path, times=times, before=change, refusals=refusals))

    def clear(self) -> None:
        """Remove all faults. Expired and revoked tokens do not become valid again."""
        with self._lock:
            self._faults.clear()

    # --- for the service

    def take(self, path: str) -> list[Fault]:
        """Return the faults for a request for *path*, and count the request."""
        with self._lock:
            found = [each for each in self._faults if each.path in (None, path)]
            for each in found:
                if each.times is not None:
                    each.times -= 1
            self._faults = [each for each in self._faults if each.times != 0]
            return found

    def close(self) -> None:
        """Send all delayed responses immediately."""
        self._is_over.set()

    def _add(self, fault: Fault) -> None:
        if fault.times is not None and fault.times < 1:
            raise ValueError("times: must be positive, or None for all requests")
        with self._lock:
            self._faults.append(fault)

    def _claim(self, request: HTTPRequest) -> HTTPRequest:
        try:
            fields = dict(fields_of(request.headers))
            received = Request.from_request(request.method, request.url, fields, body=request.body) or Request()
            timestamp = int(received["oauth_timestamp"])
            nonce, consumer_key = received["oauth_nonce"], received["oauth_consumer_key"]
        except (Error, KeyError, TypeError, ValueError):
            return request  # The service refuses a request without a nonce even without this fault.
        self._accounts.store.add_nonce(nonce, timestamp, consumer_key, received.get("oauth_token") or None)
        return request


def _origin_changed(scheme: str | None, host: str | None) -> Callable[[HTTPRequest], HTTPRequest]:
    def change(request: HTTPRequest) -> HTTPRequest:
        before, _, rest = request.url.partition("://")
        authority, slash, target = rest.partition("/")
        url = f"{scheme or before}://{host or authority}{slash}{target}"
        kept = [(name, value) for name, value in fields_of(request.headers) if name.lower() != "host"]
        forwarded = [("X-Forwarded-Proto", before), ("X-Forwarded-Host", authority)]
        headers = [*kept, ("Host", host or authority), *forwarded]
        return replace(request, url=url, headers=headers)

    return change
