"""``check``: verify a request as the service does, and explain the reason for a refusal."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .. import errors
from ..credentials import Consumer
from ..doctor import diagnose
from ..http import HTTPRequest
from ..request import Request
from ..server import Server
from ..signature import SignatureMethod
from .account import Account
from .failure import sentence
from .message import Message

_Methods = dict[str, SignatureMethod]

__all__ = ["Verdict", "check", "http_request_of", "text_parameter"]

_MALFORMED = "Correct the request: every service must refuse this request."


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a verification.

    Attributes:
        check: The check that failed, such as ``"timestamp"``; ``""`` if the request is valid.
        error: A sentence about the error.
        hint: The instruction for the user.
    """

    check: str = ""
    error: str = ""
    hint: str = ""


def check(message: Message, account: Account, known: _Methods, window: int | None) -> tuple[Request | None, Verdict]:
    """Return the OAuth request in *message*, and the result of its verification.

    Args:
        message: The received request.
        account: The credentials with which the request should be signed.
        known: The accepted signature methods. Key: the name of the method.
        window: Maximum difference between timestamp and clock, in seconds; None disables the check of the timestamp.

    Returns:
        The request is None if *message* cannot be read as an OAuth request.
    """
    try:
        request = Request.from_request(message.method, message.signed_url, message, body=message.content())
    except errors.Error as exc:
        return None, _refused("syntax", exc, _MALFORMED)
    if request is None:
        return None, Verdict(
            check="syntax", error="The request has no OAuth parameters.", hint="Give its Authorization header."
        )
    mismatch = _mismatch(request, account)
    if mismatch is not None:
        return request, mismatch
    try:
        # In the first check, the timestamp of the request is used as the current time. Therefore, if an old request has
        # a wrong signature, the command reports the wrong signature and not the old timestamp.
        for limit in (None, window) if window is not None else (None,):
            _server(known, request, limit).verify_request(request, account.consumer, account.token_credentials)
    except errors.Error as exc:
        return request, _verdict(exc, message, request, account, known)
    return request, Verdict()


def text_parameter(request: Request, name: str) -> str:
    """Return the value of a parameter; ``""`` if it is missing or repeated."""
    value = request.get(name, "")
    return value if isinstance(value, str) else ""


def _server(known: _Methods, request: Request, window: int | None) -> Server:
    stamp = text_parameter(request, "oauth_timestamp")
    own = int(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) <= 15 else 0
    now = time.time if window is not None else lambda: own
    return Server(known, nonce_store=None, now=now, timestamp_threshold=window or 0)


def _mismatch(request: Request, account: Account) -> Verdict | None:
    named, token = text_parameter(request, "oauth_consumer_key"), text_parameter(request, "oauth_token")
    if named and named != account.consumer_key:
        return Verdict(
            check="consumer_key",
            error=f"The request has the consumer key {named!r}, but the account has {account.consumer_key!r}.",
            hint="Choose the account of the sender with --account.",
        )
    if "oauth_token" in request and account.token is None:
        return _other_token("The request has a token, but the account has none.")
    if account.token is not None and not token:
        return _other_token("The account has a token, but the request has none.")
    if account.token is not None and token != account.token:
        return _other_token("The request and the account have different tokens.")
    return None


def _other_token(error: str) -> Verdict:
    return Verdict(check="token", error=error, hint="Choose the account of the sender with --account.")


def _verdict(exc: errors.Error, message: Message, request: Request, account: Account, known: _Methods) -> Verdict:
    if isinstance(exc, errors.SignatureInvalid):
        return _wrong_signature(message, account, known[text_parameter(request, "oauth_signature_method")])
    if isinstance(exc, errors.TimestampRefused):
        seconds = int(time.time()) - int(text_parameter(request, "oauth_timestamp"))
        age = f"{seconds} seconds old" if seconds >= 0 else f"{-seconds} seconds in the future"
        return Verdict(
            check="timestamp",
            error=f"The signature is valid, but the timestamp is {age}.",
            hint="Set the sender's clock. To verify a recorded request, add --any-time.",
        )
    if isinstance(exc, errors.BodyHashInvalid):
        return Verdict(
            check="body_hash",
            error="The signature is valid, but oauth_body_hash does not match the body.",
            hint="Give the exact bytes of the body with --body.",
        )
    if isinstance(exc, errors.SignatureMethodRejected):
        return _refused("signature_method", exc, "Use another method. RSA needs --public-key; PLAINTEXT needs https.")
    return _refused("syntax", exc, _MALFORMED)


def _wrong_signature(message: Message, account: Account, method: SignatureMethod) -> Verdict:
    public_key = getattr(method, "public_key", None)
    consumer = Consumer(account.consumer_key, account.consumer_secret, public_key=public_key)
    diagnosis = diagnose(http_request_of(message), consumer, account.token_credentials)
    proven = [each for each in diagnosis.findings if each.is_proven]
    if proven:
        error, hint = f"The signature is invalid: {' '.join([each.sentence for each in proven])}", proven[0].repair
    else:
        error = "The signature is invalid, and no common mistake explains it."
        hint = "Check both secrets and the URL, then run: oauth2 doctor"
    return Verdict(check="signature", error=error, hint=hint)


def http_request_of(message: Message) -> HTTPRequest:
    """Return *message* as an :class:`HTTPRequest`, which modules outside of ``cli`` use."""
    return HTTPRequest(message.method, message.url, message.headers, message.content())


def _refused(name: str, exc: errors.Error, hint: str) -> Verdict:
    return Verdict(check=name, error=sentence(exc.message), hint=hint)
