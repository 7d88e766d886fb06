"""Sign with an account. An option of the account overrides the same option of the service's profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._sending.outgoing import Outgoing, sign_outgoing
from .._sending.signer import ORIGIN, Signer
from .._wire.form import add_to_query, build_form
from ..credentials import Token
from . import methods
from .account import Account
from .failure import Failure, in_options
from .message import Message
from .profile import profile_of

if TYPE_CHECKING:
    from ..clients.requests import OAuth1

__all__ = ["options_of", "sign_message", "signer"]


def signer(account: Account) -> OAuth1:
    """Return an object that signs with *account*, for the argument ``auth`` of ``requests``.

    Raises:
        Failure: The account's profile or key cannot be used.
    """
    from ..clients.requests import OAuth1

    try:
        return OAuth1(account.consumer, **options_of(account))
    except ValueError as exc:
        raise Failure(in_options(exc), "Check --placement and --realm.") from None


def options_of(account: Account) -> dict[str, Any]:
    """Return the keyword arguments of a client for *account*, such as ``token`` and ``signature_method``.

    ``clock`` is included only if the profile of the service has a clock.
    """
    profile = None if account.service is None else profile_of(account)
    method = methods.for_signing(account, profile)
    options: dict[str, Any] = {"placement": "header", "realm": ORIGIN, "body_hash": True, "signature_method": method}
    if profile is not None:
        options |= profile.auth_options(signature_method=method)
    options["token"] = account.token_credentials
    if options["token"] is None and profile is not None and profile.empty_token:
        options["token"] = Token("", "")
    if account.placement is not None:
        options["placement"] = account.placement
    if account.realm is not None:
        options["realm"] = account.realm or None
    if account.body_hash is not None:
        options["body_hash"] = account.body_hash
    return options


def sign_message(message: Message, account: Account, protocol: list[tuple[str, str]] | None = None) -> Message:
    """Return *message*, signed with the credentials of *account*.

    Args:
        message: The request; it is not changed.
        account: The credentials, and the options for signing.
        protocol: Protocol parameters, such as ``oauth_nonce``, that replace generated protocol parameters.

    Raises:
        Failure: The request cannot be signed with these options.
    """
    url = add_to_query(message.url, build_form(protocol or []))
    host = message.header("Host")
    outgoing = Outgoing(message.method, url, message.body, message.header("Content-Type"), host=host)
    options = options_of(account)
    timestamp = options["clock"].now() if "clock" in options else None
    message.signed_url  # noqa: B018 - raises if the Host header is malformed
    try:
        signed = sign_outgoing(outgoing, Signer(consumer=account.consumer, **options), timestamp=timestamp)
    except ValueError as exc:
        raise Failure(in_options(exc), "Check --placement, --realm and the URL.") from None
    fields = [field for field in message.headers if field[0].lower() not in ("authorization", "content-type")]
    if signed.content_type:
        fields.append(("Content-Type", signed.content_type))
    if signed.authorization is not None:
        fields.append(("Authorization", signed.authorization))
    body = signed.body.encode() if isinstance(signed.body, str) else signed.body
    return Message(method=message.method, url=signed.uri, headers=tuple(fields), body=body)
