"""Find the other side's base string in a response, and compare this base string with our base string."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from typing import TYPE_CHECKING

from .._wire.percent import percent_decode_as_sent
from ._finding import Comparison
from ._message import with_utf8_form

if TYPE_CHECKING:
    from ._secrets import Secrets

_MAX_ANSWER = 1 << 18  # Maximum number of characters that are searched. The rest of a longer response is ignored.
_PART = r"""[^&\s"'<>\\]"""
# Some responses have a line break after the "&".
_BASE_STRING = re.compile(
    rf"""\b([A-Z]{{3,7}})&\s{{0,4}}+(https?%3A%2F%2F{_PART}++)&\s{{0,4}}+({_PART}*+)""", re.IGNORECASE
)
# A base string whose URI was not encoded. An unencoded URI is one of the known mistakes.
_NOT_ENCODED = re.compile(
    rf"""\bbase.?string\W{{1,9}}([A-Z]{{3,7}})&(https?://{_PART}++)&([^\s"'<>\\]*+)""", re.IGNORECASE
)
_JSON_ESCAPES = {"\\u0026": "&", "\\u003d": "=", "\\u003D": "=", "\\/": "/", "\\n": "\n", "\\r": "\n"}
_BEFORE = 20  # Number of characters that are shown before the first difference.
_SHOWN = 120
_MOST = 20  # Maximum number of parameters that are shown.


def find_base_string(answer: str) -> str | None:
    """Return the signature base string in the response of a service; None if the response contains none.

    The base string can be in ``oauth_problem_advice``, in ``debug_sbs``, or in a WWW-Authenticate header field. The
    response can be JSON, HTML, XML or plain text. The base string may also be percent-encoded as a whole.

    Args:
        answer: The body of the response, or a header field, as text. Only the first 256 Ki characters are searched.
    """
    text = with_utf8_form(answer[:_MAX_ANSWER])
    for escape, char in _JSON_ESCAPES.items():
        text = text.replace(escape, char)
    once = _decoded(text)
    for form in (text, unescape(text), once, unescape(once), _decoded(once)):
        found = _BASE_STRING.search(form) or _NOT_ENCODED.search(form)
        if found:
            return "&".join(found.groups()).rstrip(".,;)]")
    return None


def _decoded(text: str) -> str:
    return percent_decode_as_sent(text.replace("+", " "))


def compare(ours: str, theirs: str, secrets: Secrets) -> Comparison | None:
    """Return the first difference between *theirs* and *ours*; None if the base strings are the same.

    Args:
        ours: Our base string, without secret values.
        theirs: The base string of the other side.
        secrets: The secrets to hide in both base strings.
    """
    if ours == theirs:
        return None
    # Secrets are replaced before the texts are cut, so that no part of a secret is shown.
    ours, theirs = secrets.hide(ours), secrets.hide(theirs)
    position = first_difference(ours, theirs)
    start = max(0, position - _BEFORE)
    return Comparison(
        position=position,
        piece=("method", "base string URI", "parameters")[min(ours[:position].count("&"), 2)],
        ours=ours[start : position + _SHOWN],
        theirs=theirs[start : position + _SHOWN],
        only_ours=_without(ours, theirs),
        only_theirs=_without(theirs, ours),
    )


def _without(base_string: str, other: str) -> tuple[str, ...]:
    """Return the parameters that *base_string* has, and that *other* does not have."""
    left = Counter(_parameters(base_string)) - Counter(_parameters(other))
    return tuple(each if len(each) <= _SHOWN else f"{each[:_SHOWN]}..." for each in list(left.elements())[:_MOST])


def _parameters(base_string: str) -> list[str]:
    parts = base_string.split("&", 2)
    # A base string should contain the encoded text of the parameters. If the parameters were not encoded, a literal "&"
    # separates them.
    text = parts[2] if len(parts) == 3 else ""
    return [each for each in (text if "&" in text else percent_decode_as_sent(text)).split("&") if each]


def first_difference(one: str, other: str) -> int:
    """Return the index of the first character that differs.

    If one text starts with the other text, return the length of the shorter text.
    """
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))
