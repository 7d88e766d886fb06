"""The signature base string step by step, from a request that is signed (RFC 5849 section 3.4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..encoding import percent_encode_as_sent
from ..parameters import is_form, is_oauth_header, parse_authorization_header, parse_form_as_sent, query_of
from ..signature import base_string_uri, normalize_parameters, signature_base_string
from .terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .account import Account
    from .message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter, decoded, and the place it was found in."""

    name: str
    value: str
    place: str

    @property
    def left_out(self) -> str:
        """Why it is not signed, ``""`` if it is (section 3.4.1.3.1)."""
        if self.name == "oauth_signature":
            return "it is the signature"
        return "a realm is not signed" if self.name == "realm" and self.place == "header" else ""


def collect(message: Message) -> list[Parameter]:
    """Return every parameter of *message*, the ones that are not signed included (section 3.4.1.3.1).

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
    return signature_base_string(message.method, message.url, pairs)


def key_shape(account: Account) -> str:
    """Return what the key is made of, and none of it (section 3.4.2)."""
    if account.signature_method.startswith("RSA"):
        return "the RSA private key; the secrets play no part"
    consumer = "<consumer secret>" if account.consumer_secret else "(empty consumer secret)"
    if account.token is None:
        return f"{consumer}&   (no token: nothing after the &)"
    return f"{consumer}&{'<token secret>' if account.token_secret else '   (empty token secret)'}"


def steps(message: Message, account: Account) -> Iterator[str]:
    """Yield the lines of the explanation, without a secret."""
    parameters = collect(message)
    signed = [each for each in parameters if not each.left_out]
    yield "1. The method, in upper case"
    yield f"     {one_line(message.method)}"
    yield "2. The base string URI: no query, no default port, scheme and host in lower case"
    yield f"     {base_string_uri(message.url)}"
    yield "3. Every parameter, decoded, and where it came from"
    for each in parameters:
        reason = f"   (left out: {each.left_out})" if each.left_out else ""
        shown = "..." if each.name == "oauth_signature" else one_line(each.value)
        yield f"     {each.place:<8}{one_line(each.name)} = {shown}{reason}"
    yield "4. Encoded, then sorted by name and value"
    for name, value in sorted((_encoded(each.name), _encoded(each.value)) for each in signed):
        yield f"     {name}={value}"
    yield "5. The normalized parameters: 4. joined by &"
    yield f"     {normalize_parameters([(each.name, each.value) for each in signed])}"
    yield "6. The signature base string: 1., 2. and 5., each encoded, joined by &"
    yield f"     {base_string(message)}"
    yield "7. The key"
    yield f"     {key_shape(account)}"
    if account.signature_method.startswith("PLAINTEXT"):
        yield "8. The signature: the key 7. itself, and none of the rest; it is not shown"
        return
    signature = next((each.value for each in parameters if each.name == "oauth_signature"), "")
    yield f"8. The signature: {one_line(account.signature_method)} of 6. with the key 7., in base64"
    yield f"     {one_line(signature)}"


def as_data(message: Message, account: Account) -> dict[str, Any]:
    """Return the same for scripts."""
    parameters = collect(message)
    return {
        "method": message.method,
        "base_string_uri": base_string_uri(message.url),
        "parameters": [
            {"name": each.name, "value": each.value, "place": each.place, "signed": not each.left_out}
            for each in parameters
        ],
        "normalized_parameters": normalize_parameters(
            [(each.name, each.value) for each in parameters if not each.left_out]
        ),
        "signature_base_string": base_string(message),
        "key": key_shape(account),
    }


def _encoded(text: str) -> str:
    return percent_encode_as_sent(text)
