"""Show the steps from a signed request to its signature base string (RFC 5849 section 3.4.1).

This module does no I/O, and imports no module that does I/O.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .._wire.form import is_form, parse_form_as_sent, query_of
from .._wire.header import is_oauth_header, parse_authorization_header
from .._wire.percent import percent_encode_as_sent
from ..signature import base_string_uri, normalize_parameters, signature_base_string
from .account import Account
from .escape import one_line
from .message import Message

__all__ = ["Parameter", "as_data", "base_string", "collect", "key_shape", "steps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One decoded parameter, and its place: ``"query"``, ``"form"`` or ``"header"``."""

    name: str
    value: str = field(repr=False)
    place: str

    @property
    def left_out(self) -> str:
        """The reason why the parameter is not signed; ``""`` if the parameter is signed (section 3.4.1.3.1)."""
        if self.name == "oauth_signature":
            return "the signature itself"
        return "the realm is not signed" if self.name == "realm" and self.place == "header" else ""


def collect(message: Message) -> list[Parameter]:
    """Return all parameters of *message*, including the parameters that are not signed (section 3.4.1.3.1).

    Raises:
        Error: The Authorization header is malformed.
    """
    found = [("query", parse_form_as_sent(query_of(message.url)))]
    if is_form(message.header("Content-Type")):
        found.append(("form", parse_form_as_sent(message.content())))
    if is_oauth_header(message.header("Authorization")):
        found.append(("header", parse_authorization_header(message.header("Authorization"))))
    return [Parameter(name=name, value=value, place=place) for place, pairs in found for name, value in pairs]


def base_string(message: Message) -> str:
    """Return the signature base string of *message*."""
    pairs = [(each.name, each.value) for each in collect(message) if each.place != "query" and not each.left_out]
    return signature_base_string(message.method, message.signed_url, pairs)


def key_shape(account: Account) -> str:
    """Return the signing key with placeholders in place of the secrets (section 3.4.2)."""
    if account.signature_method.startswith("RSA"):
        return "the RSA private key; the secrets are not used"
    consumer = "<consumer secret>" if account.consumer_secret else "(empty consumer secret)"
    if account.token is None:
        return f"{consumer}&   (no token, so the key ends after the &)"
    return f"{consumer}&{'<token secret>' if account.token_secret else '   (empty token secret)'}"


def steps(message: Message, account: Account, computed: str | None = None) -> Iterator[str]:
    """Yield the lines of the explanation; they contain no secret.

    Args:
        message: A signed request.
        account: The credentials. Their ``signature_method`` must be the method of the request.
        computed: The expected signature of a received request; ``""`` if this signature cannot be computed. None if
            this command has signed the request.
    """
    parameters = collect(message)
    signed = [each for each in parameters if not each.left_out]
    yield "1. The method, in upper case"
    yield f"     {one_line(message.method)}"
    yield "2. The base string URI: no query, no default port, scheme and host in lower case"
    yield f"     {base_string_uri(message.signed_url)}"
    yield "3. All parameters, decoded, with their place in the request"
    for each in parameters:
        reason = f"   (left out: {each.left_out})" if each.left_out else ""
        shown = "..." if each.name == "oauth_signature" else one_line(each.value)
        yield f"     {each.place:<8}{one_line(each.name)} = {shown}{reason}"
    yield "4. The signed parameters, encoded, then sorted by name and value"
    for name, value in sorted(
        (percent_encode_as_sent(each.name), percent_encode_as_sent(each.value)) for each in signed
    ):
        yield f"     {name}={value}"
    yield "5. The normalized parameters: the lines of step 4, joined by &"
    yield f"     {normalize_parameters([(each.name, each.value) for each in signed])}"
    yield "6. The signature base string: the results of steps 1, 2 and 5, each encoded, joined by &"
    yield f"     {base_string(message)}"
    yield "7. The key"
    yield f"     {key_shape(account)}"
    yield from _signature_lines(parameters, account.signature_method, computed)


def _signature_lines(parameters: list[Parameter], method: str, computed: str | None) -> Iterator[str]:
    if method.startswith("PLAINTEXT"):
        yield "8. The signature: the key of step 7, which is not shown"
        return
    received = one_line(_signature(parameters) or "(none)")
    yield f"8. The signature: {one_line(method)} of step 6 with the key of step 7, in base64"
    if computed is None:
        yield f"     {received}"
        return
    unknown = "(needs the private key)" if method.startswith("RSA") else "(unknown signature method)"
    yield f"     computed: {computed or unknown}"
    yield f"     received: {received}"


def _signature(parameters: list[Parameter]) -> str | None:
    return next((each.value for each in parameters if each.name == "oauth_signature"), None)


def as_data(message: Message, account: Account, computed: str | None = None) -> dict[str, Any]:
    """Return the explanation as JSON data; see :func:`steps` for the arguments."""
    parameters = collect(message)
    is_secret = account.signature_method.startswith("PLAINTEXT")
    signatures = {"signature": {"computed": computed or None, "received": _signature(parameters)}}

    def shown(each: Parameter) -> str:
        return "..." if is_secret and each.name == "oauth_signature" else each.value

    return {
        "method": message.method,
        "base_string_uri": base_string_uri(message.signed_url),
        "parameters": [
            {"name": each.name, "value": shown(each), "place": each.place, "signed": not each.left_out}
            for each in parameters
        ],
        "normalized_parameters": normalize_parameters(
            [(each.name, each.value) for each in parameters if not each.left_out]
        ),
        "signature_base_string": base_string(message),
        "key": key_shape(account),
        **(signatures if computed is not None and not is_secret else {}),
    }
