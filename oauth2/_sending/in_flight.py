"""The request that an ``httplib2.Http`` is sending in this thread or task, with its redirects and retries."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import httplib2

from .exchange import Exchange
from .fields import Fields


class InFlight:
    """A request that a client is sending.

    Attributes:
        client: The client.
        exchange: The request before it was signed.
        was_sent: Whether httplib2 has sent the request at least once.
    """

    __slots__ = ("client", "exchange", "was_sent")

    def __init__(self, client: httplib2.Http, exchange: Exchange) -> None:
        self.client = client
        self.exchange = exchange
        self.was_sent = False


#: The request that is in flight in this thread or task, or None. To follow a redirect, httplib2 calls ``request()`` of
#: the client. If a request of a client is in flight, a call of ``request()`` of this client is therefore a redirect.
#: Otherwise the call is a new request of the program.
in_flight: ContextVar[InFlight | None] = ContextVar("oauth2_in_flight", default=None)


class SigningConnection:
    """A connection for one request, which signs the request again if httplib2 sends it again.

    If the server has closed a persistent connection, httplib2 sends the request again on a new connection. The service
    may have seen the nonce of the first attempt already, so the second attempt needs a new nonce.
    """

    def __init__(self, connection: Any, sending: InFlight) -> None:
        self._connection = connection
        self._sending = sending

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def request(self, method: str, request_uri: str, body: Any, headers: dict[str, str]) -> None:
        """Send the signed request. If the request was sent before, sign it again first."""
        if self._sending.was_sent:
            signed = self._sending.exchange.sign()
            request_uri, body = httplib2.urlnorm(signed.uri)[2], signed.body
            if signed.authorization is not None:
                set_authorization(headers, signed.authorization)
        self._sending.was_sent = True
        self._connection.request(method, request_uri, body, headers)


class CacheWithoutRedirects:
    """A cache that returns permanent redirects only while a request of its client is in flight.

    httplib2 follows a cached redirect before it calls ``Client._request``. Without this class, httplib2 would follow a
    cached redirect of an unsigned request, and the redirect would be signed.
    """

    def __init__(self, client: httplib2.Http, cache: Any) -> None:
        self._client = client
        self._cache = cache
        self.set = cache.set
        self.delete = cache.delete

    def get(self, key: str) -> Any:
        """Return the cached response for *key*, or None."""
        value = self._cache.get(key)
        sending = in_flight.get()
        if value and (sending is None or sending.client is not self._client):
            head = value.partition(b"\r\n\r\n")[0].lower()
            if b"\n-x-permanent-redirect-url:" in b"\n" + head:
                return None
        return value


def set_authorization(headers: dict[Any, Any], value: str) -> None:
    """Set the Authorization field of *headers*. If *headers* has several spellings of the name, keep only the first."""
    name, *others = Fields(headers).spellings("Authorization") or ["Authorization"]
    for other in others:
        del headers[other]
    headers[name] = value
