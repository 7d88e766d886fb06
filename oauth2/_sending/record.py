"""The information for ``explain()``: the last request that a client signed, and the refusal of the service.

When a client signs a request, the record stores references to texts that already exist. Signing therefore does not
become slower: only ``explain()`` computes, reads or copies data.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol
from weakref import ref

from ..http import shown_url

#: Maximum number of stored bytes of the body of a refusal. The rest of a longer body is not stored.
MAX_ANSWER = 64 * 1024

_MAX_DATE = 100  # Maximum number of stored characters of a Date header.


def body_of(response: object, attribute: str) -> Callable[[], object]:
    """Return a function that returns the body of *response*, if the library has read the body.

    The function has only a weak reference to *response*, so that *response* can be deleted.

    Args:
        response: The response object of an HTTP library.
        attribute: Name of the attribute in which the library stores the body after the body was read.
    """
    alive = ref(response)
    return lambda: getattr(alive(), attribute, None)


class Refusal:
    """A response with status 400, 401 or 403. ``repr()`` shows only the status.

    Attributes:
        status: HTTP status.
        authenticate: The value of the WWW-Authenticate header field; ``""`` if there is none.
        date: The value of the Date header field; ``""`` if there is none.
    """

    __slots__ = ("_body", "_later", "authenticate", "date", "status")

    def __init__(
        self, status: int, authenticate: str, date: str, body: bytes, later: Callable[[], object] | None
    ) -> None:
        self.status = status
        self.authenticate = authenticate[:MAX_ANSWER]
        self.date = date[:_MAX_DATE]
        self._body = body[:MAX_ANSWER]
        self._later = later

    @property
    def body(self) -> bytes:
        """The start of the body; ``b""`` if the body was not read."""
        if not self._body and self._later is not None:
            body = self._later()
            self._body = body[:MAX_ANSWER] if isinstance(body, bytes) else b""
        return self._body

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status}>"


class SignedRequest(Protocol):
    """A signed request, such as an :class:`~oauth2._sending.outgoing.Outgoing`."""

    @property
    def method(self) -> str:
        """HTTP request method."""
        ...

    @property
    def uri(self) -> str:
        """The URL with its query."""
        ...

    @property
    def body(self) -> Any:
        """The signed form body; None if the body is not a form."""
        ...

    @property
    def authorization(self) -> str | None:
        """The value of the Authorization header field; None if the protocol parameters are in the query or the body."""
        ...

    @property
    def host(self) -> str:
        """The value of the Host header field that the caller has set; ``""`` if the host of the URL is sent."""
        ...


class Sent:
    """One signed request.

    A body is kept only if it is a form. ``repr()`` shows the method, and the URL without the query.

    Attributes:
        owner: The key of the :class:`Record` that has this request.
        signed: The request.
        missing: ``""`` if the complete URL and the Authorization header were kept. Otherwise the reason why only the
            method and the URL without its query were kept.
        refusal: The refusal of the service; None if the service did not refuse the request.
    """

    __slots__ = ("missing", "owner", "refusal", "signed")

    def __init__(self, owner: object, signed: SignedRequest, missing: str = "") -> None:
        self.owner = owner
        self.signed = signed
        self.missing = missing
        self.refusal: Refusal | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.signed.method} {shown_url(self.signed.uri)}>"


#: The last request that this thread or task signed, with any client.
_here: ContextVar[Sent | None] = ContextVar("oauth2_sent", default=None)


class Record:
    """The last request that one client signed. A copy or a pickle of a record is empty.

    Attributes:
        key: An object that identifies this record. A stored request has a reference to this key instead of a
            reference to the record. The record and the request therefore do not form a reference cycle.
        last: The last request that any thread or task signed with this client; None if no request was signed.
    """

    __slots__ = ("key", "last")

    def __init__(self) -> None:
        self.key = object()
        self.last: Sent | None = None

    def keep(self, sent: Sent) -> None:
        """Store *sent* as the last request of this thread or task, and of this client.

        The *owner* of *sent* must be :attr:`key`.
        """
        self.last = sent
        _here.set(sent)

    def current(self) -> Sent | None:
        """Return the last request that this thread or task signed, if this client signed it; otherwise :attr:`last`."""
        here = _here.get()
        return here if here is not None and here.owner is self.key else self.last

    def __reduce__(self) -> tuple[type[Record], tuple[()]]:
        return Record, ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
