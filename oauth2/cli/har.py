"""Read a request and its response from a HAR file, or from one entry of a HAR file. Browsers can save HAR files."""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import Any

from .._wire.form import build_form
from .escape import one_line
from .failure import Failure
from .message import Message

__all__ = ["read_har"]

_OAUTH = "oauth_signature"


def read_har(text: bytes, entry: int | None = None) -> tuple[Message, str]:
    """Return a request from a HAR file, and the WWW-Authenticate header and the body of the response, as one text.

    Args:
        text: The JSON of a HAR file (HTTP Archive 1.2), of one entry, or of one request.
        entry: The number of the entry, from 1; None for the last entry with an OAuth signature.

    Raises:
        Failure: The text is not a HAR file, or does not have the entry.
    """
    try:
        entries = _entries(json.loads(text))
        found = _chosen(entries, entry)
        return _message(found["request"]), _answer(found.get("response") or {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Failure("The input is not a HAR file.", "Save the network log of the browser as HAR.") from None


def _entries(found: Any) -> list[dict[str, Any]]:
    if "log" in found:
        return list(found["log"]["entries"])
    return [found if "request" in found else {"request": found}]


def _chosen(entries: Sequence[dict[str, Any]], number: int | None) -> dict[str, Any]:
    if number is not None:
        if not 1 <= number <= len(entries):
            raise Failure(f"There is no entry {number}.", f"Give a number from 1 to {len(entries)} with --entry.")
        return entries[number - 1]
    signed = [each for each in entries if _OAUTH in json.dumps(each["request"])]
    if not signed:
        raise Failure("No request in the HAR file has an OAuth signature.", "Choose a request with --entry.")
    return signed[-1]


def _message(request: dict[str, Any]) -> Message:
    # HTTP/2 pseudo-header fields, such as :authority, repeat the URL and are not sent in HTTP/1.1, so they are left
    # out.
    headers = [
        (one_line(each["name"]), str(each["value"])) for each in request["headers"] if not each["name"].startswith(":")
    ]
    data = request.get("postData") or {}
    if data and "content-type" not in [name.lower() for name, _ in headers]:
        headers.append(("Content-Type", data.get("mimeType", "")))
    return Message(
        method=str(request["method"]).upper(), url=str(request["url"]), headers=tuple(headers), body=_body(data)
    )


def _body(data: dict[str, Any]) -> bytes:
    text = data.get("text")
    if text is None:
        return build_form([(each["name"], each.get("value", "")) for each in data.get("params") or ()]).encode()
    return _content(data)


def _content(data: dict[str, Any]) -> bytes:
    text = data.get("text") or ""
    if data.get("encoding") == "base64":
        try:
            return b64decode(text)
        except Base64Error:
            return b""
    octets: bytes = text.encode("utf-8", "surrogatepass")
    return octets


def _answer(response: dict[str, Any]) -> str:
    named = [each["value"] for each in response.get("headers") or () if each["name"].lower() == "www-authenticate"]
    return "\n".join([*named, _content(response.get("content") or {}).decode("utf-8", "replace")])
