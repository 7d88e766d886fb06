"""Sign with an account: the service's profile, and what the account says in place of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..credentials import Token
from ..outgoing import ORIGIN, Outgoing, sign_outgoing
from ..parameters import add_to_query, build_form
from . import methods
from .failure import Failure, in_words_of_the_command
from .message import Message
from .profile import profile_of

if TYPE_CHECKING:
    from .account import Account


def signer(account: Account) -> Any:
    """Return what signs the requests of a ``requests`` session.

    Raises:
        Failure: The account's service or its key cannot be used.
    """
    from ..clients.requests import OAuth1

    options = options_of(account)
    return OAuth1(account.consumer, options.pop("token"), **options)


def options_of(account: Account) -> dict[str, Any]:
    """Return ``token``, ``signature_method`` ... as the clients take them; ``clock`` where the service wants one."""
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
    """Return *message* signed by *account*.

    Args:
        message: The request; it stays as it is.
        account: Whose credentials, and how.
        protocol: Protocol parameters that are not made anew.

    Raises:
        Failure: It cannot be signed so.
    """
    url = add_to_query(message.url, build_form(protocol or []))
    outgoing = Outgoing(message.method, url, message.body, message.header("Content-Type"))
    options = options_of(account)
    token, method = options.pop("token"), options.pop("signature_method")
    clock = options.pop("clock", None)
    timestamp = None if clock is None else clock.now()
    try:
        signed = sign_outgoing(outgoing, account.consumer, token, method, timestamp=timestamp, **options)
    except ValueError as exc:
        raise Failure(in_words_of_the_command(exc), "look at --placement, --realm and the URL") from None
    fields = [field for field in message.headers if field[0].lower() not in ("authorization", "content-type")]
    if signed.content_type:
        fields.append(("Content-Type", signed.content_type))
    if signed.authorization is not None:
        fields.append(("Authorization", signed.authorization))
    body = signed.body.encode() if isinstance(signed.body, str) else signed.body
    return Message(method=message.method, url=signed.uri, headers=tuple(fields), body=body)
