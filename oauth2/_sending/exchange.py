"""One request of a program, with its redirects and retries.

Each time that a request is sent, the request gets a new nonce and timestamp (RFC 5849 section 3.3). Credentials are
sent only to the origin (scheme, host and port) of the URL that the caller passed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._wire.form import add_to_query, build_form
from ..clock import Clock
from ..errors import InsecureRedirect, InvalidAnswer
from .body import is_read_once, position
from .keeping import keep
from .outgoing import SENT_ONCE, Outgoing, sign_outgoing, without_credentials
from .record import Refusal, Sent
from .service_time import REFUSALS, TOLERANCE, read_report, service_time
from .signer import Signer
from .uri import COMPUTED, legal_uri, origin, take_protocol

#: Header fields that contain credentials. After a redirect to another origin, these fields are not sent.
CREDENTIAL_FIELDS = ("authorization", "cookie", "proxy-authorization")


class Exchange:
    """An unsigned request. Each time that a client sends the request, the client signs it with a new nonce.

    Args:
        signer: The credentials and the options for signing; None to send the request without a signature.
        asked: The request of the caller, before signing.

    Attributes:
        signer: The value of the argument *signer*.
        asked: The value of the argument *asked*.
    """

    __slots__ = ("_error", "_names", "_sent", "_start", "_timestamp", "_was_sent", "asked", "signer")

    def __init__(self, signer: Signer | None, asked: Outgoing) -> None:
        self.signer = signer
        self.asked = asked
        self._names: frozenset[str] = frozenset()
        self._start = position(asked.body)
        self._was_sent = False
        self._timestamp: int | None = None
        self._error: int | None = None  # The number of seconds that the last correction has added to the clock.
        self._sent: Sent | None = None

    def sign(self) -> Outgoing:
        """Return the signed request to send; each call makes a new nonce.

        Raises:
            InvalidAnswer: The request was sent before, and its body can be sent only once.
            TypeError, ValueError: :func:`~oauth2._sending.outgoing.sign_outgoing` raises these errors.
        """
        ignored = SENT_ONCE if self._was_sent else COMPUTED
        if self._was_sent:
            self.rewind()
        self._was_sent = True
        signer = self.signer
        if signer is None:
            return self.asked
        clock = signer.clock
        self._timestamp = clock.now()
        # Some programs replace Request.make_timestamp(). sign_outgoing() calls make_timestamp() only if no timestamp is
        # passed. Therefore no timestamp is passed if the clock is an uncorrected Clock.
        is_plain = type(clock) is Clock and clock.offset == 0
        signed = sign_outgoing(self.asked, signer, timestamp=None if is_plain else self._timestamp, ignored=ignored)
        self._names |= signed.protocol
        self._sent = keep(signed, signer)
        return signed

    @property
    def is_repeatable(self) -> bool:
        """Whether the body can be sent again."""
        return self._start is not None or not is_read_once(self.asked.body)

    def rewind(self) -> None:
        """Prepare the body so that it can be sent again: set a file to the position that it had before it was sent.

        Raises:
            InvalidAnswer: The body can be read only once.
        """
        if self._start is not None:
            self.asked.body.seek(self._start)
        elif not self.is_repeatable:
            raise InvalidAnswer(
                "The request must be sent again, but its body can be read only once. Pass the body "
                "as bytes or as a seekable file."
            )

    def redirected(self, uri: str, method: str, body: Any, content_type: str, *, host: str = "") -> Exchange:
        """Return the exchange for a redirect.

        If the redirect is to another origin, the new exchange has no signer and no credentials.

        Args:
            uri: Absolute URL of the new request.
            method: Method of the new request.
            body: Body of the new request: None, or the body of the request that was redirected.
            content_type: The value of the Content-Type header field of the new request.
            host: The value of the Host header field of the new request; ``""`` if the client has not set this field.

        Raises:
            InsecureRedirect: The redirect is from https to http.
            InvalidURL: *uri* is not an http or https URL.
        """
        before, after = origin(self.asked.uri), origin(uri)
        if before.startswith("https:") and not after.startswith("https:"):
            raise InsecureRedirect("The service redirected from https to http.")
        if body is not None:
            self.rewind()
        uri, _ = take_protocol(legal_uri(uri), self._names)
        hashed = self.asked.hashed if body is self.asked.body else None
        asked = Outgoing(method, uri, body, content_type, hashed=hashed, host=host)
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

    def is_other_origin(self, uri: str) -> bool:
        """Return whether the origin of *uri* differs from the origin of this request."""
        return origin(self.asked.uri) != origin(uri)

    def answered(
        self,
        status: int,
        header: Callable[[str], str | None],
        body: bytes = b"",
        *,
        later: Callable[[], object] | None = None,
    ) -> bool:
        """Process the response to the last signed request.

        Args:
            status: HTTP status of the response.
            header: A function that is called with the name of a response header field. The function must return the
                value of the field, or None if the response does not have the field.
            body: The body of the response, if the client has read it.
            later: A function that returns the body; it is used if the program reads the body after this call. The
                function must not keep a reference to the response.

        Returns:
            True if the clock was corrected. The client should then send the request again.
        """
        if status not in REFUSALS:
            self._error = None
            return False
        if self.correct_clock(status, header, body):
            return True
        self.refused(status, header, body, later=later)
        return False

    def explains(self, status: int) -> bool:
        """Return whether *on_refusal* may be called for a refusal with *status*; the client must then read the body."""
        return self.signer is not None and self.signer.on_refusal is not None and status in REFUSALS

    def refused(
        self,
        status: int,
        header: Callable[[str], str | None],
        body: bytes = b"",
        *,
        later: Callable[[], object] | None = None,
    ) -> None:
        """Record the final refusal of a request; see :meth:`answered` for the arguments."""
        signer, sent = self.signer, self._sent
        if signer is None or sent is None:
            return
        authenticate = header("WWW-Authenticate") or ""
        sent.refusal = Refusal(status, authenticate, header("Date") or "", body, later)
        if signer.on_refusal is not None and (status == 401 or "oauth_problem" in read_report(authenticate, body)):
            signer.on_refusal(signer, sent)

    def correct_clock(self, status: int, header: Callable[[str], str | None], body: bytes = b"") -> bool:
        """Correct the signer's clock if the service refused the timestamp, and sent the time of its own clock.

        A 401 response may be a refusal of the timestamp. A 400 or 403 response is treated as a refusal of the timestamp
        only if the problem report contains ``timestamp_refused``. If the service refuses the request again after a
        correction, this method undoes the correction.

        Args:
            status: HTTP status of the response.
            header: A function that is called with the name of a response header field. The function must return the
                value of the field, or None if the response does not have the field.
            body: The body of the response; empty if the client has not read it.

        Returns:
            True if the clock was corrected. The client should then send the request again.
        """
        if self.signer is None or self._timestamp is None:
            return False
        if status not in REFUSALS:
            self._error = None
            return False
        report = read_report(header("WWW-Authenticate"), body)
        is_refused = status == 401 or report.get("oauth_problem") == "timestamp_refused"
        if self._error is not None:
            self._undo_correction(is_refused)
            return False
        if not (is_refused and self.is_repeatable):
            return False
        return self._correct(service_time(self._timestamp, header("Date"), report))

    def _correct(self, time: int | None) -> bool:
        if self.signer is None or time is None:
            return False
        clock = self.signer.clock
        before = clock.now()
        clock.set(time)
        now = clock.now()
        # If this condition is true, the clock did not accept *time*, because the correction would exceed the clock's
        # limit. The service would refuse the request again, so the client must not send it again.
        if abs(now - time) > TOLERANCE:
            return False
        self._error = now - before
        return True

    def _undo_correction(self, is_refused: bool) -> None:
        if self.signer is not None and self._error is not None and is_refused:
            self.signer.clock.set(self.signer.clock.now() - self._error)
        self._error = None
