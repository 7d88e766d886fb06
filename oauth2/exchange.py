"""One request on its way, with the redirects and the second tries that it leads to.

What the HTTP clients share above :func:`~oauth2.outgoing.sign_outgoing`: who
signs, and what goes out when something goes out again. Every send has a nonce
and a timestamp of its own (RFC 5849 section 3.3), and no credential leaves the
origin that the caller named.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .clock import Clock
from .errors import InsecureRedirect, InvalidAnswer, InvalidRequest
from .outgoing import (
    BODY,
    HEADER,
    MADE_ANEW,
    ORIGIN,
    QUERY,
    SENT_ONCE,
    Outgoing,
    origin,
    sign_outgoing,
    take_protocol,
    without_credentials,
)
from .parameters import add_to_query, build_form, is_oauth_header, parse_authorization_header, parse_form_as_sent
from .signature import SignatureMethod, SignatureMethod_HMAC_SHA1

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Fields that carry credentials, which a redirect does not take to another origin.
CREDENTIALS = ("authorization", "cookie", "proxy-authorization")

_MAX_REASON = 64 * 1024  # bytes
_FAR_OFF = 60  # seconds: no service is known that allows fewer
_NEAR = 5  # seconds that the answer may have taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs, and how: the options that all clients share.

    Attributes:
        consumer: Client credentials: any object with ``key`` and ``secret``.
        token: The same for the token; None or empty for none.
        signature_method: How to sign.
        placement: "header", "query" or "body"; None as in
            :func:`~oauth2.outgoing.sign_outgoing`.
        realm: Of the Authorization header: text, None for none,
            :data:`~oauth2.outgoing.ORIGIN`, or a function that makes it of the URL.
        body_hash: Send ``oauth_body_hash`` with all that is no form.
        clock: Tells the timestamp, and learns a service's own.

    Raises:
        TypeError: The signature method is none.
        ValueError: Another argument is nothing of the above.
    """

    consumer: Any = field(repr=False)
    token: Any = field(default=None, repr=False)
    signature_method: SignatureMethod = field(default_factory=SignatureMethod_HMAC_SHA1)
    placement: str | None = HEADER
    realm: str | Callable[[str], str] | object | None = None
    body_hash: bool = True
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        if not _are_credentials(self.consumer):
            raise ValueError("consumer: an object with key and secret wanted")
        if self.token and not _are_credentials(self.token):
            raise ValueError("token: an object with key and secret wanted, or None")
        if not isinstance(self.signature_method, SignatureMethod):
            raise TypeError("signature_method: a SignatureMethod wanted")
        if self.placement not in (None, HEADER, QUERY, BODY):
            raise ValueError('placement: "header", "query", "body" or None wanted')
        if not (self.realm is None or self.realm is ORIGIN or isinstance(self.realm, str) or callable(self.realm)):
            raise ValueError("realm: str, a function of the URL, ORIGIN or None wanted")
        if not (hasattr(self.clock, "now") and hasattr(self.clock, "set")):
            raise ValueError("clock: an object with now() and set() wanted")


class Exchange:
    """A request as it was asked for, which is signed anew each time that it is sent.

    Args:
        signer: None for what goes out unsigned.
        asked: The request before it was signed.

    Attributes:
        signer: As given.
        asked: As given.
    """

    __slots__ = ("_before", "_names", "_start", "_timestamp", "_was_sent", "asked", "signer")

    def __init__(self, signer: Signer | None, asked: Outgoing) -> None:
        self.signer = signer
        self.asked = asked
        self._names: frozenset[str] = frozenset()
        self._start = _position(asked.body)
        self._was_sent = False
        self._timestamp: int | None = None
        self._before: int | None = None  # the time that the clock told before it learned another

    def sign(self) -> Outgoing:
        """Return what to send: each time with another nonce.

        Raises:
            Error: It was sent before, and its body can be sent only once.
            TypeError: As :func:`~oauth2.outgoing.sign_outgoing`.
            ValueError: The same.
        """
        if self._was_sent:
            self.rewind()
        taken = SENT_ONCE if self._was_sent else MADE_ANEW
        self._was_sent = True
        signer = self.signer
        if signer is None:
            return self.asked
        clock = signer.clock
        self._timestamp = clock.now()
        # Programs replace Request.make_timestamp(), which tells what such a clock does.
        is_plain = type(clock) is Clock and clock.offset == 0
        signed = sign_outgoing(
            self.asked,
            signer.consumer,
            signer.token,
            signer.signature_method,
            placement=signer.placement,
            realm=signer.realm,
            body_hash=signer.body_hash,
            timestamp=None if is_plain else self._timestamp,
            made_anew=taken,
        )
        self._names |= signed.protocol
        return signed

    @property
    def is_repeatable(self) -> bool:
        """Whether the body can be sent again."""
        return self._start is not None or not _is_read_once(self.asked.body)

    def rewind(self) -> None:
        """Put a body that is read back to where it began.

        Raises:
            InvalidAnswer: It can be read only once.
        """
        if self._start is not None:
            self.asked.body.seek(self._start)
        elif not self.is_repeatable:
            raise InvalidAnswer("The service wants a request again whose body can be sent only once.")

    def redirected(self, uri: str, method: str, body: Any, content_type: str) -> Exchange:
        """Return what follows from a redirect to *uri*: signed on the same origin, and else without any credential.

        Args:
            uri: Absolute.
            method: That the client sends the new request with.
            body: Of the new request: None, or the one that was asked for.
            content_type: Of the new request.

        Raises:
            InsecureRedirect: From https to http.
            InvalidURL: *uri* is no http or https URL.
        """
        before, after = origin(self.asked.uri), origin(uri)
        if before.startswith("https:") and not after.startswith("https:"):
            raise InsecureRedirect("The service redirected from https to http.")
        if body is not None:
            self.rewind()
        uri, _ = take_protocol(uri, self._names)
        hashed = self.asked.hashed if body is self.asked.body else None
        asked = Outgoing(method, uri, body, content_type, hashed=hashed)
        signer = self.signer if before == after else None
        if signer is not None:
            own = [pair for pair in take_protocol(self.asked.uri)[1] if pair[0] not in SENT_ONCE]
            asked = asked._replace(uri=add_to_query(uri, build_form(own)))
        elif before != after:
            asked = without_credentials(asked)
        following = Exchange(signer, asked)
        following._names = self._names
        following._was_sent = True
        return following

    def leaves(self, uri: str) -> bool:
        """Tell whether *uri* is of another origin."""
        return origin(self.asked.uri) != origin(uri)

    def learn(self, status: int, header: Callable[[str], str | None], body: bytes = b"") -> bool:
        """Tell whether to send once more: the answer is a 401 for a clock that it puts right.

        The clock then tells the service's time. If that does not help it tells again what it did.

        Args:
            status: HTTP status of the answer.
            header: Returns a field of the answer by name.
            body: The answer's body, where it is at hand.
        """
        if self.signer is None or self._timestamp is None:
            return False
        clock = self.signer.clock
        if self._before is not None:
            if status == 401:
                clock.set(clock.now() - self._before)
            self._before = None
            return False
        if status != 401 or not self.is_repeatable:
            return False
        time = service_time(self._timestamp, header("Date"), header("WWW-Authenticate"), body)
        if time is None:
            return False
        now = clock.now()
        clock.set(time)
        self._before = clock.now() - now
        return True


def may_tell_why(status: int, length: str | None) -> bool:
    """Tell whether to read the body of an answer for what :func:`service_time` finds there.

    Args:
        status: HTTP status of the answer.
        length: Content-Length field value: what may be long is not read.
    """
    return status == 401 and _is_number(length or "") and int(length or "") <= _MAX_REASON


def service_time(sent: int, date: str | None, authenticate: str | None, body: bytes = b"") -> int | None:
    """Return the time it is for a service that answered 401, if that explains the answer; else None.

    Args:
        sent: The timestamp that the request was signed with.
        date: Date field value of the answer.
        authenticate: WWW-Authenticate field value: a service that speaks the problem
            reporting extension says there, or in the *body*, what was wrong.
        body: Of the answer.
    """
    told = dict(_report(authenticate, body))
    problem = told.get("oauth_problem")
    now = _seconds(date)
    first, _, last = told.get("oauth_acceptable_timestamps", "").partition("-")
    if _is_number(first) and _is_number(last):
        earliest, latest = int(first), int(last)
        if earliest <= sent <= latest:
            return None
        return now if now is not None and earliest <= now <= latest else (earliest + latest) // 2
    if now is None or (problem or "timestamp_refused") != "timestamp_refused":
        return None
    return now if abs(now - sent) > (_NEAR if problem else _FAR_OFF) else None


def _report(authenticate: str | None, body: bytes) -> Iterator[tuple[str, str]]:
    if body.startswith(b"oauth_"):
        yield from parse_form_as_sent(body.strip())
    if authenticate and is_oauth_header(authenticate):
        with suppress(InvalidRequest):  # a challenge in a shape of its own says nothing
            yield from parse_authorization_header(authenticate)


def _seconds(date: str | None) -> int | None:
    from email.utils import parsedate_to_datetime  # costs more than all the rest of this package

    try:
        return int(parsedate_to_datetime(date or "").timestamp())
    except (ValueError, OverflowError):
        return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12


class Chunks:
    """Chunks that can be made again, as the file that a body hash is made of."""

    def __init__(self, make: Callable[[], Iterator[bytes]]) -> None:
        self._make = make
        self.seek(0)

    def tell(self) -> int:
        """Return where it begins."""
        return 0

    def seek(self, _start: int) -> None:
        """Go back to the beginning."""
        self._chunks = filter(None, self._make())

    def read(self, _size: int = -1) -> bytes:
        """Return the next chunk; nothing at the end."""
        return next(self._chunks, b"")


def _are_credentials(value: Any) -> bool:
    return hasattr(value, "key") and hasattr(value, "secret")


def _position(body: Any) -> int | None:
    if body is None or isinstance(body, (bytes, str)):
        return None
    try:
        return int(body.tell())
    except (AttributeError, OSError):  # no file, or a pipe
        return None


def _is_read_once(body: Any) -> bool:
    return hasattr(body, "__next__") or hasattr(body, "read") or hasattr(body, "__anext__")


def text_of(value: Any) -> str:
    """Return a field name or value as text."""
    if isinstance(value, str):
        return value
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
