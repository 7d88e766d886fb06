"""The values that the user enters on the page: the request, the credentials, and the response of the service."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..._checks import has_outer_whitespace, strip_line_ends
from ...credentials import Consumer, Token
from ...doctor import find_base_string
from ...errors import Error
from ...http import HTTPRequest
from ...rsa import read_private_key, read_public_key
from ...signature import base_string_uri
from ..failure import Failure, pip_command
from ..files import no_files
from ..received import Parts, read_received
from ..verdict import http_request_of

__all__ = ["Entry", "kept", "read_entry"]

_BASE_STRING = re.compile(r"\s*([A-Za-z]+&\S*&\S*)\s*")
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,9})[ \t]*$", re.IGNORECASE | re.MULTILINE)
_KEPT = ("request", "method", "url", "headers", "body", "scheme", "consumer_key", "token", "reported", "checks_time")
_PART = 4  # In characters. A shorter part of a secret may be shown, because many texts contain it by chance.
_UNREADABLE = "The request cannot be read: a part of it is malformed."


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Entry:
    """A valid entry.

    Attributes:
        request: The request.
        consumer, token: The credentials with which the request should be signed.
        their_base_string: The base string that the service reports, or None.
        notes: Remarks for the user, without secrets.
    """

    request: HTTPRequest
    consumer: Consumer
    token: Token | None
    their_base_string: str | None
    notes: tuple[str, ...] = field(default=())


def read_entry(fields: Mapping[str, str]) -> tuple[Entry | None, dict[str, str]]:
    """Return the entry in the *fields* of the form, and the problems of the fields.

    Args:
        fields: Decoded text; a field that is missing is empty. Line ends are CRLF, because browsers send CRLF.

    Returns:
        A tuple ``(entry, problems)``. *entry* is None if a field has a problem. *problems* contains a sentence for each
        field that has a problem; the key is the name of the field. No sentence contains a secret.
    """
    problems: dict[str, str] = {}
    consumer_key, token_key = (fields.get(name, "").strip() for name in ("consumer_key", "token"))
    consumer_secret, token_secret = _secret(fields, "consumer_secret"), _secret(fields, "token_secret")
    if not consumer_key:
        problems["consumer_key"] = "Enter the consumer key."
    if token_secret and not token_key:
        problems["token"] = "Enter the token that belongs to the token secret."  # noqa: S105 - a sentence
    public_key = None
    try:
        public_key = _public_key(fields.get("rsa_key", ""))
    except Failure as exc:
        problems["rsa_key"] = str(exc)
    request, answer = None, ""
    try:
        request, answer = _request(fields)
    except (Failure, Error) as exc:
        # An error can quote a part of the entered text. If the quoted text contains a part of a secret, the error is
        # not shown.
        told = _told(exc)
        problems["request"] = _UNREADABLE if _has_part(told, _secrets(fields)) else told
    if problems or request is None:
        return None, problems
    reported = fields.get("reported", "")
    theirs = _base_string(reported) or find_base_string(answer)
    secrets = {"consumer secret": consumer_secret, "token secret": token_secret}
    return Entry(
        request=request,
        consumer=Consumer(consumer_key, consumer_secret, public_key=public_key),
        token=Token(token_key, token_secret) if token_key else None,
        their_base_string=theirs,
        notes=tuple(_notes(secrets, reported, theirs)),
    ), {}


def _secret(fields: Mapping[str, str], name: str) -> str:
    return str(strip_line_ends(fields.get(name, "")))


def _secrets(fields: Mapping[str, str]) -> list[str]:
    found = [_secret(fields, name).strip() for name in ("consumer_secret", "token_secret")]
    return [secret for secret in found if secret]


def _notes(secrets: Mapping[str, str], reported: str, theirs: str | None) -> Iterator[str]:
    for name, secret in secrets.items():
        if has_outer_whitespace(secret):
            yield (
                f"The {name} has leading or trailing whitespace. If the whitespace is not part of the secret, "
                "remove the whitespace."
            )
    if reported.strip() and theirs is None:
        yield "The response of the service contains no signature base string, so base strings are not compared."


def _request(fields: Mapping[str, str]) -> tuple[HTTPRequest, str]:
    """Return the request, and the text of its response if the entered text is a HAR file with a response."""
    text = _with_line_ends(fields.get("request", "").lstrip().encode("utf-8", "surrogateescape"))
    url = fields.get("url", "").strip() or None
    if not text and url is None:
        raise Failure("Paste the request.", "Alternatively, enter the method, URL and headers.")
    headers = tuple(line for line in fields.get("headers", "").replace("\r\n", "\n").split("\n") if line.strip())
    body = fields.get("body", "").replace("\r\n", "\n").encode("utf-8", "surrogateescape") or None
    scheme = "http" if fields.get("scheme") == "http" else "https"
    parts = Parts(url=url, method=fields.get("method", "").strip() or None, headers=headers, body=body, scheme=scheme)
    with no_files():
        received = read_received(text or None, parts)
    message = received.message
    base_string_uri(message.url)
    base_string_uri(message.signed_url)  # raises Error if the URL with the host of the Host header is invalid
    return http_request_of(message), received.answer


def _with_line_ends(text: bytes) -> bytes:
    # A browser sends each line end of a text field as CRLF, even if LF was pasted. Copying can also add a line end.
    # Only the Content-Length of an HTTP request shows which line ends the body had when it was sent.
    with_lf = text.replace(b"\r\n", b"\n")
    head, _, body = with_lf.partition(b"\n\n")
    length = _LENGTH.search(head)
    if length is None:
        return with_lf.rstrip(b"\n")
    return text if len(body) < int(length[1]) else with_lf


def _told(error: Failure | Error) -> str:
    if isinstance(error, Error):
        return error.message
    # The page has no options, so a hint with the name of an option is left out.
    return error.message if "--" in error.hint else str(error)


def kept(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the *fields* that the form shows again after a problem: the fields without a secret."""
    secrets = _secrets(fields)
    found = {name: fields.get(name, "") for name in _KEPT}
    return {name: "" if _has_secret(text, secrets) else text for name, text in found.items()}


def _has_secret(text: str, secrets: Sequence[str]) -> bool:
    lowered = text.lower()
    if "plaintext" in lowered or "private key" in lowered:  # A PLAINTEXT signature contains the secrets.
        return True
    return any(all(run in lowered for run in _runs(secret)) for secret in secrets)


def _has_part(text: str, secrets: Sequence[str]) -> bool:
    return _has_secret(text, secrets) or any(
        run in text.lower() for secret in secrets for run in _runs(secret) if len(run) >= _PART
    )


def _runs(secret: str) -> list[str]:
    """Return the sequences of letters and digits in a secret. No encoding changes such a sequence."""
    return re.findall(r"[a-z0-9]+", secret.lower()) or [secret]


def _public_key(text: str) -> object | None:
    if not text.strip():
        return None
    try:
        return read_private_key(text).public_key() if "PRIVATE KEY" in text else read_public_key(text)
    except (TypeError, ValueError):  # A private key with a password raises TypeError.
        raise Failure("This is not an RSA key.", "Paste a PEM file: a public key or a certificate.") from None
    except ImportError:
        raise Failure("RSA keys need the package cryptography.", f"Run: {pip_command('rsa')}") from None


def _base_string(text: str) -> str | None:
    whole = _BASE_STRING.fullmatch(text)
    return find_base_string(text) or (whole[1] if whole else None)
