"""Why a signature does not match: the mistakes that senders make, tried one after the other."""

from __future__ import annotations

import hmac
from base64 import b64encode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ..encoding import percent_encode, to_text
from ..parameters import build_form
from ..signature import base_string_uri
from .explain import collect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..signature import SignatureMethod
    from .account import Account
    from .explain import Parameter
    from .message import Message

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a signature method sees, with one thing in it as a mistaken sender has it."""

    method: str
    normalized_url: str
    normalized: str

    def get_normalized_parameters(self) -> str:
        return self.normalized


def find_mistake(message: Message, account: Account, method: SignatureMethod) -> str:
    """Return what the sender did wrong, ``""`` if it is nothing that senders are known to do.

    Args:
        message: The request as it arrived.
        account: The credentials that should have signed it.
        method: The method that it names.
    """
    parameters = collect(message)
    signature = next((each.value for each in parameters if each.name == "oauth_signature"), "")
    right = _said(message, parameters)
    texts = [("", right), *_texts(message, parameters, right)]
    keys = list(_keys(account)) if getattr(method, "uses_secrets", False) else []
    for why_text, said in texts:
        if why_text and method.check(said, account.consumer, account.token_credentials, signature):
            return why_text
        for why_key, key in keys:
            if hmac.compare_digest(_hmac(method, said, key), signature.encode()):
                return f"{why_key}, and {why_text}" if why_text else why_key
    return ""


def _hmac(method: Any, said: _Said, key: str) -> bytes:
    text = "&".join(map(percent_encode, (said.method, said.normalized_url, said.normalized)))
    digest = getattr(method, "digest", None)
    return key.encode() if digest is None else b64encode(hmac.digest(key.encode(), text.encode(), digest))


def _keys(account: Account) -> Iterator[tuple[str, str]]:
    consumer, token = account.consumer_secret, account.token_secret if account.token is not None else ""
    first, second = percent_encode(consumer), percent_encode(token)
    if second:
        yield "it was signed without the token secret", f"{first}&"
        yield "it was signed with the two secrets in the wrong order", f"{second}&{first}"
        yield "it was signed with the token secret alone", f"&{second}"
    yield "it was signed with a key that lacks the &", f"{first}{second}"
    if (first, second) != (consumer, token):
        yield "it was signed with secrets that were not percent-encoded", f"{consumer}&{token}"
    for end in ("\n", "\r\n", " "):
        yield (
            "it was signed with a secret that has white space at its end",
            f"{percent_encode(consumer + end)}&{second}",
        )
        yield "it was signed with a secret that has white space at its end", f"{first}&{percent_encode(token + end)}"
    if (consumer.strip(), token.strip()) != (consumer, token):
        yield (
            "your secrets have white space around them, and the sender's do not",
            f"{percent_encode(consumer.strip())}&{percent_encode(token.strip())}",
        )


def _texts(message: Message, parameters: list[Parameter], right: _Said) -> Iterator[tuple[str, _Said]]:
    for why, uri in _uris(message.url, right.normalized_url):
        yield why, replace(right, normalized_url=uri)
    for other in {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"} - {right.method}:
        yield f"it was signed as {other}, and is {right.method}", replace(right, method=other)
    if any(each.place == "query" for each in parameters):
        kept = [each for each in parameters if each.place != "query"]
        yield "it was signed without the query", _said(message, kept)
    if any(each.place == "form" for each in parameters):
        kept = [each for each in parameters if each.place != "form"]
        yield "it was signed without the form in the body", _said(message, kept)
    if any(each.left_out and each.name == "realm" for each in parameters):
        pairs = [(each.name, each.value) for each in parameters if each.name != "oauth_signature"]
        yield "it was signed with the realm", replace(right, normalized=_normalized(pairs))
    pairs = [(each.name, each.value) for each in parameters if not each.left_out]
    yield (
        "it was signed with spaces as +",
        replace(right, normalized=right.normalized.replace("%20", "+")),
    )
    yield "it was signed with ~ encoded", replace(right, normalized=right.normalized.replace("~", "%7E"))
    yield (
        "it was signed with the values encoded twice",
        replace(right, normalized=_normalized([(percent_encode(n), percent_encode(v)) for n, v in pairs])),
    )
    yield (
        "it was signed with the values decoded twice",
        replace(right, normalized=_normalized([(unquote(n), unquote(v)) for n, v in pairs])),
    )
    yield (
        "it was signed with the parameters not sorted",
        replace(right, normalized=build_form(pairs)),
    )
    yield (
        "it was signed with the parameters sorted before they were encoded",
        replace(right, normalized=build_form(sorted(pairs))),
    )


def _uris(url: str, right: str) -> Iterator[tuple[str, str]]:
    scheme, _, rest = right.partition("://")
    other = "http" if scheme == "https" else "https"
    host, _, path = rest.partition("/")
    yield f"it was signed for {other}, and you gave {scheme}", f"{other}://{rest}"
    without_port = host.partition(":")[0]
    for port in ("443", "80"):
        yield f"it was signed with the port :{port} in the URL", f"{scheme}://{without_port}:{port}/{path}"
    if without_port != host:
        yield "it was signed without the port of the URL", f"{scheme}://{without_port}/{path}"
    slashed = right.rstrip("/") if right.endswith("/") else f"{right}/"
    yield "it was signed for a path that differs in the slash at its end", slashed
    decoded = unquote(right)
    if decoded != right:
        yield "it was signed with the path decoded", decoded
    if "?" in url:
        yield "it was signed with the query in the base string URI", url.partition("#")[0]
    swapped = host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"
    yield f"it was signed for {swapped}, and you gave {host}", f"{scheme}://{swapped}/{path}"


def _said(message: Message, parameters: list[Parameter]) -> _Said:
    pairs = [(each.name, each.value) for each in parameters if not each.left_out]
    return _Said(method=message.method, normalized_url=base_string_uri(message.url), normalized=_normalized(pairs))


def _normalized(pairs: Pairs) -> str:
    encoded = sorted((percent_encode(to_text(name)), percent_encode(to_text(value))) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)
