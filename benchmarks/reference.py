"""Check signed requests as octets, exactly as RFC 5849 describes, without optimization.

This module shares no code with the package. If the package or this module has a mistake, their results differ.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .workloads import Call

OctetPairs = list[tuple[bytes, bytes]]

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_CLOCK = 5  # Seconds by which the timestamp of a new signature may differ from the clock.
_PARAMETER = re.compile(r'[ \t]*([^\s,="]+)="([^"]*)"[ \t]*')


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Client and token credentials."""

    consumer_key: str
    consumer_secret: str
    token: str
    token_secret: str


def percent_encode(octets: bytes) -> str:
    """Percent-encode as section 3.6 requires."""
    return "".join([chr(octet) if octet in _UNRESERVED else f"%{octet:02X}" for octet in octets])


def percent_decode(text: str) -> bytes:
    """Decode the encoding of section 3.6; a ``%`` that does not start an escape does not change."""
    octets, source, index = bytearray(), text.encode(), 0
    while index < len(source):
        if re.match(rb"%[0-9A-Fa-f]{2}", source[index : index + 3]):
            octets.append(int(source[index + 1 : index + 3], 16))
            index += 3
        else:
            octets.append(source[index])
            index += 1
    return bytes(octets)


def form_decode(text: str) -> OctetPairs:
    """Decode a query or a form body (section 3.4.1.3.1)."""
    pairs = []
    for segment in text.split("&"):
        if segment:
            name, _, value = segment.replace("+", " ").partition("=")
            pairs.append((percent_decode(name), percent_decode(value)))
    return pairs


def split_url(url: str) -> tuple[str, str]:
    """Return the URL without query and fragment, and the query."""
    before, _, query = url.partition("#")[0].partition("?")
    return before, query


def base_string_uri(url: str) -> str:
    """Return the base string URI of section 3.4.1.2; the host must be ASCII."""
    match = re.fullmatch(r"([A-Za-z]+)://([^/]*)(.*)", split_url(url)[0], re.DOTALL)
    if match is None:
        raise ValueError("url: must be absolute")
    scheme, authority, path = match[1].lower(), match[2].rpartition("@")[2].lower(), match[3] or "/"
    default = {"http": "80", "https": "443"}[scheme]
    host, colon, port = authority.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = authority, ""
    if port and int(port) != int(default):
        host = f"{host}:{int(port)}"
    # A client percent-encodes characters that a request line must not contain.
    wire = "".join([chr(octet) if 0x20 < octet < 0x7F else f"%{octet:02X}" for octet in path.encode()])
    return f"{scheme}://{host}{wire}"


def base_string(method: str, url: str, pairs: OctetPairs) -> str:
    """Return the base string of section 3.4.1.1; *pairs* are all parameters, including the parameters of the query."""
    encoded = sorted([(percent_encode(name), percent_encode(value)) for name, value in pairs])
    normalized = "&".join([f"{name}={value}" for name, value in encoded])
    parts = (method.upper(), base_string_uri(url), normalized)
    return "&".join([percent_encode(part.encode()) for part in parts])


def parse_header(header: str) -> OctetPairs:
    """Parse the header of section 3.5.1, without the realm.

    Raises:
        ValueError: The header does not have this form.
    """
    if header[:6].lower() != "oauth ":
        raise ValueError("the Authorization header does not use the OAuth scheme")
    pairs = []
    for element in header[6:].split(","):
        match = _PARAMETER.fullmatch(element)
        if match is None:
            raise ValueError("the Authorization header has an element that is not a parameter")
        if match[1].lower() != "realm":
            pairs.append((percent_decode(match[1]), percent_decode(match[2])))
    return pairs


def signature(method_name: str, text: str, consumer_secret: str, token_secret: str) -> bytes:
    """Return the raw HMAC (section 3.4.2), or the octets of PLAINTEXT (section 3.4.4)."""
    key = f"{percent_encode(consumer_secret.encode())}&{percent_encode(token_secret.encode())}".encode()
    if method_name == "PLAINTEXT":
        return key
    digest = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256", "HMAC-SHA512": "sha512"}[method_name]
    return hmac.new(key, text.encode(), digest).digest()


def fault(
    call: Call,
    header: str | None,
    form: str | None,
    credentials: Credentials,
    *,
    method_name: str = "HMAC-SHA1",
    public_key: Any = None,
) -> str | None:
    """Describe the error in a newly signed request; return None if the request is correct.

    Args:
        call: The request to sign; its URL may contain the protocol parameters.
        header: Authorization header field value; None if the protocol parameters are in the URL or the form.
        form: The sent form body; None if there is no form.
        credentials: Expected credentials.
        method_name: Expected signature method.
        public_key: For RSA, a key object of cryptography.
    """
    try:
        in_header = parse_header(header) if header is not None else []
    except ValueError as exc:
        return str(exc)
    in_form = form_decode(form or "")
    pairs = in_header + form_decode(split_url(call.url)[1]) + in_form
    protocol = [(name.decode("latin-1"), value) for name, value in pairs if name.startswith(b"oauth_")]
    values = dict(protocol)
    if len(values) < len(protocol):
        return "a protocol parameter occurs twice"
    return (
        _wrong_protocol(values, credentials, method_name)
        or _wrong_body(call, values, in_form, method_name)
        or _wrong_signature(call, pairs, values, credentials, public_key)
    )


def _wrong_protocol(values: dict[str, bytes], credentials: Credentials, method_name: str) -> str | None:
    wanted = {
        "oauth_consumer_key": credentials.consumer_key,
        "oauth_token": credentials.token,
        "oauth_signature_method": method_name,
    }
    for name, value in wanted.items():
        if values.get(name) != value.encode():
            return f"{name} is wrong"
    if values.get("oauth_version", b"1.0") != b"1.0":
        return "oauth_version is wrong"
    if not values.get("oauth_nonce"):
        return "no oauth_nonce"
    timestamp = values.get("oauth_timestamp", b"")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > _CLOCK:
        return "oauth_timestamp is wrong"
    return None


def _wrong_body(call: Call, values: dict[str, bytes], in_form: OctetPairs, method_name: str) -> str | None:
    wanted = sorted([(name.encode(), value.encode()) for name, value in (call.form or {}).items()])
    own = {name for name, _ in wanted}
    if sorted([pair for pair in in_form if pair[0] in own or not pair[0].startswith(b"oauth_")]) != wanted:
        return "the form body does not contain the parameters of the form"
    given = values.get("oauth_body_hash")
    if given is None:
        return None if call.body is None else "no oauth_body_hash"
    # The body hash extension says that the signature method determines the hash, but some libraries always use SHA-1.
    # Both hashes are accepted.
    names = {"sha1", f"sha{method_name.rpartition('SHA')[2]}"}
    if given not in [base64.b64encode(hashlib.new(name, call.body or b"").digest()) for name in names]:
        return "oauth_body_hash is wrong"
    return None


def _wrong_signature(
    call: Call, pairs: OctetPairs, values: dict[str, bytes], credentials: Credentials, public_key: Any
) -> str | None:
    text = base_string(call.method, call.url, [pair for pair in pairs if pair[0] != b"oauth_signature"])
    method_name = values["oauth_signature_method"].decode()
    try:
        given = base64.b64decode(values.get("oauth_signature", b""), validate=True)
    except ValueError:
        return "oauth_signature is not base64"
    if method_name.startswith("RSA"):
        return _wrong_rsa(text, given, method_name, public_key)
    if given != signature(method_name, text, credentials.consumer_secret, credentials.token_secret):
        return "oauth_signature is wrong"
    return None


def _wrong_rsa(text: str, given: bytes, method_name: str, public_key: Any) -> str | None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    try:
        public_key.verify(given, text.encode(), PKCS1v15(), getattr(hashes, method_name.removeprefix("RSA-"))())
    except InvalidSignature:
        return "oauth_signature is wrong"
    return None
