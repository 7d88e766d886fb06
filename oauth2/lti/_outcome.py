"""``Outcome``: send, read and delete the grade of one user for one link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_hex

from .._checks import is_coroutine_function
from .._sending.outgoing import Outgoing, sign_outgoing
from .._sending.signer import Signer
from .._steps import blocking_result
from ..credentials import Credentials
from ..errors import InvalidAnswer
from ..http import HTTPRequest, HTTPResponse
from ..signature import SignatureMethod, SignatureMethod_HMAC_SHA1
from ._pox import (
    CODES,
    Code,
    Element,
    Operation,
    build_request,
    child,
    local_name,
    parse,
    parse_score,
    show_score,
    text,
)
from ._values import OutcomeTarget

_LONGEST_SHOWN = 500  # maximum number of characters of a description; the end of a longer description is removed
_CONTENT_TYPE = "application/xml"

#: A function that sends a signed request and returns the response. The function must not change the URL or the body,
#: and must not follow redirects.
Send = Callable[[HTTPRequest], HTTPResponse]


class OutcomeRefused(InvalidAnswer):
    """The tool consumer refused an outcome request.

    Attributes:
        code: ``failure``, ``unsupported`` or ``processing``.
        description: The reason that the tool consumer sent, at most 500 characters. The message of the exception does
            not contain this text.
    """

    def __init__(self, code: Code, description: str) -> None:
        super().__init__(f"The tool consumer answered the outcome request with {code}.")
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeResult:
    """The response to a successful outcome request.

    Attributes:
        score: The grade 0.0 to 1.0 that was read; None if there is no grade, or if the operation was not ``read``.
        description: A text of the tool consumer, at most 500 characters.
        message_id: The identifier of the response.
    """

    score: float | None
    description: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The grade of one user for one link, at the tool consumer (outcome service of LTI 1.1).

    Args:
        target: ``launch.outcome`` of the launch. You can store the target, and send the grade later.
        consumer: The consumer key of the launch, and its secret.
        send: A function that sends a signed request. Defaults to a function that uses httplib2 with a timeout of 30
            seconds, and does not follow redirects. With the default function, a response must not be larger than 1 MiB,
            and must be complete within 60 seconds.
        signature_method: Defaults to HMAC-SHA1, which LTI 1.1 requires.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: *consumer* has no key and secret.
    """

    target: OutcomeTarget
    consumer: Credentials = field(repr=False)
    send: Send | None = field(default=None, repr=False, kw_only=True)
    signature_method: SignatureMethod | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.target, OutcomeTarget):
            raise TypeError("target: must be an OutcomeTarget; launch.outcome is None if the launch is not graded")
        if self.send is not None and (not callable(self.send) or is_coroutine_function(self.send)):
            raise TypeError("send: must be a blocking function that takes an HTTPRequest and returns an HTTPResponse")
        self._signer()

    def replace(self, score: float) -> OutcomeResult:
        """Send the grade *score*, 0.0 to 1.0.

        Raises:
            OutcomeRefused: The tool consumer refused.
            InvalidAnswer: The response is not a valid response of LTI 1.1.
            OSError, httplib2.HttpLib2Error: The tool consumer cannot be reached. If you passed *send*, *send* may raise
                other errors instead.
            TypeError: *score* is not a number.
            ValueError: *score* is not 0.0 to 1.0.
        """
        return self._exchange("replace", show_score(score))

    def read(self) -> OutcomeResult:
        """Read the grade.

        Raises:
            OutcomeRefused: The tool consumer refused.
            InvalidAnswer: The response is not a valid response of LTI 1.1.
            OSError, httplib2.HttpLib2Error: As in :meth:`replace`.
        """
        return self._exchange("read", None)

    def delete(self) -> OutcomeResult:
        """Delete the grade.

        Raises:
            OutcomeRefused: The tool consumer refused.
            InvalidAnswer: The response is not a valid response of LTI 1.1.
            OSError, httplib2.HttpLib2Error: As in :meth:`replace`.
        """
        return self._exchange("delete", None)

    def _exchange(self, operation: Operation, score: str | None) -> OutcomeResult:
        body = build_request(operation, token_hex(16), self.target.sourcedid, score)
        signed = sign_outgoing(Outgoing("POST", self.target.url, body, _CONTENT_TYPE), self._signer())
        headers = (("Content-Type", _CONTENT_TYPE), ("Authorization", signed.authorization or ""))
        response = blocking_result("send", (self.send or _send)(HTTPRequest("POST", signed.uri, headers, body)))
        return _read(response, operation)

    def _signer(self) -> Signer:
        return Signer(consumer=self.consumer, signature_method=self.signature_method or SignatureMethod_HMAC_SHA1())


def _send(request: HTTPRequest) -> HTTPResponse:
    from ._sending import send  # _sending is imported on first use, because launches need no HTTP client.

    return send(request)


def _read(response: HTTPResponse, operation: Operation) -> OutcomeResult:
    root = parse(response.body)
    info = child(root, "imsx_POXHeader", "imsx_POXResponseHeaderInfo")
    if root is None or local_name(root) != "imsx_POXEnvelopeResponse" or info is None:
        raise InvalidAnswer(
            f"The answer to the outcome request, with status {response.status}, is not a response of LTI 1.1."
        )
    code = CODES.get(text(info, "imsx_statusInfo", "imsx_codeMajor").lower())
    if code is None:
        raise InvalidAnswer("The response to the outcome request has no valid imsx_codeMajor.")
    description = text(info, "imsx_statusInfo", "imsx_description")[:_LONGEST_SHOWN]
    if code != "success":
        raise OutcomeRefused(code, description)
    if not 200 <= response.status < 300:
        raise InvalidAnswer(
            f"The response to the outcome request has the status {response.status}, but reports success."
        )
    return OutcomeResult(
        score=_score(child(root, "imsx_POXBody", "readResultResponse")) if operation == "read" else None,
        description=description,
        message_id=text(info, "imsx_messageIdentifier"),
    )


def _score(body: Element | None) -> float | None:
    shown = text(body, "result", "resultScore", "textString")
    if not shown:
        return None
    score = parse_score(shown)
    if score is None:
        raise InvalidAnswer("The response to the outcome request has a score that is not 0.0 to 1.0.")
    return score
