"""The outcome service of a tool consumer: read the request of a tool, and build the response."""

from __future__ import annotations

from dataclasses import dataclass, field
from secrets import token_hex
from typing import Unpack

from .._steps import Steps, run, run_async
from ..errors import InvalidRequest
from ..http import HTTPRequest, HTTPResponse
from ..stores import AsyncNonceStore, MemoryStore, NonceStore
from ._pox import CODES, OPERATIONS, Code, Operation, build_response, child, local_name, parse, parse_score, show_score
from ._pox import text as text_of
from ._verification import (
    AsyncSecrets,
    Policy,
    Secrets,
    VerifyOptions,
    asyncio_policy,
    blocking_policy,
    verify_xml,
)

_MAX_MESSAGE_ID = 255  # maximum number of characters; the end of a longer identifier is removed


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRequest:
    """A verified outcome request.

    Attributes:
        consumer_key: The consumer key of the tool that signed the request. Check that you sent *sourcedid* to this
            tool. Without this check, a tool could change the grades of another tool.
        operation: ``replace``, ``read`` or ``delete``.
        sourcedid: The ``lis_result_sourcedid`` of the launch.
        score: The grade 0.0 to 1.0 of ``replace``; otherwise None.
        message_id: The identifier of the request; may be empty.
    """

    consumer_key: str
    operation: Operation
    sourcedid: str = field(repr=False)
    score: float | None
    message_id: str


def read_outcome_request(
    request: HTTPRequest, secrets: Secrets, *, nonce_store: NonceStore, **options: Unpack[VerifyOptions]
) -> OutcomeRequest:
    """Verify the signature and the body hash of an outcome request, and mark its nonce as used.

    See :func:`verify_launch` for the arguments, and for the errors that a wrong argument raises.

    Raises:
        Error: The request is refused. Send an :func:`outcome_response` whose description is the message of the error.
    """
    return run(_verified(request, blocking_policy(secrets, nonce_store, options)))


async def async_read_outcome_request(
    request: HTTPRequest,
    secrets: AsyncSecrets,
    *,
    nonce_store: AsyncNonceStore | MemoryStore,
    **options: Unpack[VerifyOptions],
) -> OutcomeRequest:
    """Do the same as :func:`read_outcome_request`, with an asyncio store; *secrets* may be a coroutine function."""
    return await run_async(_verified(request, asyncio_policy(secrets, nonce_store, options)))


def outcome_response(
    request: OutcomeRequest | None,
    *,
    code: Code = "success",
    description: str = "",
    score: float | None = None,
    status: int = 200,
) -> HTTPResponse:
    """Return the response to an outcome request, as XML.

    Args:
        request: The request; None if the request was refused.
        code: ``success``, ``processing``, ``failure`` or ``unsupported``. If *request* is None, the code must not be
            ``success``.
        description: A text for the developer of the tool.
        score: The grade, 0.0 to 1.0, for the operation ``read``; None if there is no grade.
        status: HTTP status code. Pass ``error.status`` if the request was refused.

    Raises:
        TypeError: *score* is not a number.
        ValueError: *code* is not valid, *score* is not 0.0 to 1.0, or *description* has control characters.
    """
    if code not in CODES:
        raise ValueError(f"code: must be one of {', '.join(CODES)}")
    if request is None and code == "success":
        raise ValueError('code: must not be "success" for a request that was refused')
    shown = "" if score is None else show_score(score)
    operation = None if request is None else request.operation
    body = build_response(
        operation,
        token_hex(16),
        "" if request is None else request.message_id,
        (code, description),
        shown if operation == "read" and code == "success" else None,
    )
    return HTTPResponse(status, (("Content-Type", "application/xml; charset=utf-8"),), body)


def _verified(request: HTTPRequest, policy: Policy) -> Steps[OutcomeRequest]:
    message = yield from verify_xml(request, policy)
    root = parse(request.body)
    body = child(root, "imsx_POXBody")
    names = [] if body is None else [local_name(each) for each in body]
    if root is None or local_name(root) != "imsx_POXEnvelopeRequest" or len(names) != 1:
        raise InvalidRequest("The body is not an outcome request of LTI 1.1.")
    operation = OPERATIONS.get(names[0])
    if operation is None:
        raise InvalidRequest("The operation of the outcome request is not supported.")
    record = child(body, names[0], "resultRecord")
    sourcedid = text_of(record, "sourcedGUID", "sourcedId")
    if not sourcedid:
        raise InvalidRequest("The outcome request has no sourcedId.")
    score = parse_score(text_of(record, "result", "resultScore", "textString")) if operation == "replace" else None
    if operation == "replace" and score is None:
        raise InvalidRequest("The score of the outcome request must be a decimal number 0.0 to 1.0.")
    return OutcomeRequest(
        consumer_key=message.consumer_key,
        operation=operation,
        sourcedid=sourcedid,
        score=score,
        message_id=text_of(root, "imsx_POXHeader", "imsx_POXRequestHeaderInfo", "imsx_messageIdentifier")[
            :_MAX_MESSAGE_ID
        ],
    )
