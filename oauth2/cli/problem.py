"""Read the refusal of a service, and choose a hint.

The hint depends on the ``oauth_problem``, the text, or the status of the response.
"""

from __future__ import annotations

import html
import json
import re

from .._login.response import find_problem, printable
from .._wire.form import parse_form_as_sent
from .failure import REFUSED, Failure, sentence

__all__ = ["hint_for", "problem_of", "refusal", "text_of"]

_MOST = 300  # maximum number of characters of a service's text that are shown

_HINTS = {
    "timestamp_refused": "Set the clock of this machine.",
    "nonce_used": "Run the command again; each request gets a new nonce.",
    "signature_invalid": "Check both secrets, then compare base strings: oauth2 sign --explain (see docs/doctor.md)",
    "signature_method_rejected": "Choose another method with --signature-method.",
    "consumer_key_unknown": "Check the consumer key of the account.",
    "consumer_key_rejected": "Ask the service why it rejects the consumer key.",
    "token_expired": "Get a new token. Run: oauth2 login",
    "token_revoked": "Get a new token. Run: oauth2 login",
    "token_rejected": "Get a new token. Run: oauth2 login",
    "verifier_invalid": "Log in again, and type the code exactly as the page shows it.",
    "permission_denied": "Ask the owner of the data for permission.",
    "parameter_absent": "Compare the request with the service's documents.",
    "parameter_rejected": "Compare the request with the service's documents. For login, give a registered --callback.",
    "version_rejected": "Ask the service which version of OAuth it supports.",
}
_CALLBACK = "Give the registered callback with --callback URL, or --callback oob to type a code."

#: Each row: words in the text of a refusal, and the hint for these words. The first match is used, so rows with
#: specific words are before rows with general words.
_HINTS_BY_TEXT = (
    (re.compile(r"(?i)call_?back|redirect_?ur[il]"), _CALLBACK),
    (re.compile(r"(?i)verifier|\bpin\b"), _HINTS["verifier_invalid"]),
    (re.compile(r"(?i)signature[ _]?method"), _HINTS["signature_method_rejected"]),
    (re.compile(r"(?i)timestamp|\bclock\b"), _HINTS["timestamp_refused"]),
    (re.compile(r"(?i)\bnonce"), _HINTS["nonce_used"]),
    (re.compile(r"(?i)signature"), _HINTS["signature_invalid"]),
    (
        re.compile(r"(?i)(?:consumer|client|api|application)[ _]?key|\b(?:consumer|client)\b"),
        _HINTS["consumer_key_unknown"],
    ),
    (re.compile(r"(?i)\btoken\b"), _HINTS["token_rejected"]),
)
_MESSAGES = ("message", "error_description", "description", "detail", "error_message", "oauth_problem_advice", "error")
_NOT_TEXT = re.compile(r"(?is)<!--.*?-->|<(script|style|head)\b.*?</\1\s*>|<[^>]*>")
_BASE_STRING = re.compile(r"""\b[A-Z]{3,16}(?:&|%26)https?%(?:25)?3A%(?:25)?2F%(?:25)?2F[^\s"'<>]*""")


def problem_of(authenticate: str, body: str) -> str | None:
    """Return the ``oauth_problem`` of a response; None if the response has none, or if there is no hint for it.

    Args:
        authenticate: The WWW-Authenticate header field.
        body: The start of the body.
    """
    named = find_problem(authenticate) or find_problem(body)
    return named if named in _HINTS else None


def text_of(body: str) -> str:
    """Return the text of a refusal as one line, without markup and base strings.

    If the body is JSON, only its messages are used.

    Args:
        body: The start of the body, with secrets removed.
    """
    text = _BASE_STRING.sub("...", " ".join(printable(_read(body)).split()))
    return text if len(text) <= _MOST else f"{text[: _MOST - 3].rstrip()}..."


def _read(body: str) -> str:
    start = body.lstrip()
    if start.startswith("oauth_") or "oauth_problem=" in start.partition("<")[0]:
        return dict(parse_form_as_sent(start)).get("oauth_problem_advice", "")
    if start.startswith(("{", "[")):
        try:
            return ", ".join([text.rstrip(".") for text in _messages(json.loads(start))])
        except (ValueError, RecursionError):
            pass  # The body is not JSON, or its end is missing, so it is read as text.
    if start.startswith("<"):
        body = _NOT_TEXT.sub(" ", body)
    return html.unescape(body)


def _messages(found: object) -> list[str]:
    if isinstance(found, list):
        return [text for each in found for text in _messages(each)]
    if not isinstance(found, dict):
        return []
    texts = [text for name in _MESSAGES if isinstance(text := found.get(name), str) and text]
    deeper = [text for each in found.values() if isinstance(each, (dict, list)) for text in _messages(each)]
    sentences = [text for text in found.values() if isinstance(text, str) and " " in text]
    return [*texts[:1], *deeper] or sentences


def hint_for(status: int, problem: str | None, text: str = "", default: str | None = None) -> str:
    """Return the hint for a service's refusal.

    Args:
        status: HTTP status.
        problem: The ``oauth_problem``; None if the refusal has none.
        text: The result of :func:`text_of`.
        default: The hint for a refusal without a specific hint.
    """
    by_text = next((hint for pattern, hint in _HINTS_BY_TEXT if pattern.search(text)), None)
    if problem in _HINTS:
        return by_text if by_text is not None and problem == "parameter_rejected" else _HINTS[problem]
    if by_text is not None and status != 404:
        return by_text
    if status == 401:
        return "Check the credentials and the clock, then run: oauth2 sign --explain"
    if status == 429:
        return "Wait, and send fewer requests."
    return "Try again later." if status >= 500 else default or "To see the response, run the command without --fail."


def refusal(answered: str, problem: str | None, text: str, hint: str) -> Failure:
    """Return the failure for a service's refusal; its message has the status, the problem and the service's text."""
    named = f" ({problem})" if problem else ""
    said = f": {text}" if text else ""
    return Failure(sentence(f"The service answered {answered}{named}{said}"), hint, code=REFUSED)
