"""The responses of a service in the flow of RFC 5849 section 2: credentials, or an error.

No standard defines an error response. In the problem reporting extension, ``oauth_problem`` is in the WWW-Authenticate
header or in a form. Some services put ``oauth_problem`` into JSON, XML or text. Many services only describe the error
in a sentence.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from .._wire.percent import percent_encode
from .._wire.text import to_text
from ..errors import ServiceRefused

_MAX_READ = 64 * 1024  # Maximum number of bytes of a response that are searched for an error. The rest is ignored.
_MAX_SHOWN = 500  # Maximum number of characters of ServiceRefused.body. The rest is left out.
_REMOVED = "[removed]"

_PROBLEM = re.compile(r"""oauth_problem["']?\s{0,8}[=:>]\s{0,8}["']?([a-z_]{1,64})""")
_NAMES = "oauth_token_secret|oauth_token|oauth_verifier|oauth_session_handle|oauth_signature|x_auth_password"
_NAMED = re.compile(
    rf"""((?:{_NAMES})(?:["']|&quot;)?\s{{0,8}}(?:=|:|>|%3D)\s{{0,8}}(?:["']|&quot;)?)[^\s"'&<>,;}}]+""",
    re.IGNORECASE,
)
# A signature is base64, which may be percent-encoded. With the lookbehind and the possessive quantifiers, the search
# takes linear time.
_RUN = "(?:[A-Za-z0-9+/]|%2[BF])"
_SIGNATURE = re.compile(
    rf"(?:(?<![A-Za-z0-9+/%])|(?<=%3D)|(?<=%22)|(?<=%20))(?:{_RUN}{{80,}}+(?:=|%3D){{0,2}}|{_RUN}{{27,}}+(?:=|%3D){{1,2}})",
    re.IGNORECASE,
)
# The pattern matches a signature base string, and also a signature base string that was percent-encoded again. In a
# base string, only the values of parameters can be secret.
_BASE_STRING = re.compile(
    r"""\b[A-Z]{3,16}(?:(?:&|&amp;)https?%3A%2F%2F[^\s"'<>&]*(?:&|&amp;)|%26https?%(?:25)?3A%(?:25)?2F%(?:25)?2F)"""
    r"""[^\s"'<>&]*""",
    re.IGNORECASE,
)
# A value ends before an encoded "&". This "&" is percent-encoded as many times as the "=" before the value. An "&"
# inside the value is percent-encoded once more than the "&" that ends the value.
_IN_BASE_STRING = re.compile(
    r"""((?:oauth_verifier|oauth_session_handle|oauth_signature|[a-z_]{0,32}(?:secret|passw)[a-z_]{0,32})"""
    r"""%(?:25)?3D)(?:(?<=%3D)(?:(?!%26).)+|(?<=%253D)(?:(?!%2526).)+)""",
    re.IGNORECASE,
)


def read_response(status: int, body: bytes, *, authenticate: str = "", secrets: Iterable[str] = ()) -> bytes:
    """Return the body of a response that contains credentials (sections 2.1 and 2.3).

    Args:
        status: HTTP status of the response.
        body: The received body.
        authenticate: The value of the WWW-Authenticate header field; ``""`` if there is none.
        secrets: The confidential values of the request, such as the token secret. The error does not contain these
            values.

    Raises:
        ServiceRefused: The status is not 2xx, or the body contains no ``oauth_token_secret``.
    """
    if 200 <= status < 300 and b"oauth_token_secret" in body:
        return body
    raise refusal(status, body, authenticate=authenticate, secrets=secrets)


def refusal(status: int, body: bytes, *, authenticate: str = "", secrets: Iterable[str] = ()) -> ServiceRefused:
    """Return the error for a response without credentials; :func:`read_response` describes the arguments."""
    text = body[:_MAX_READ].decode("utf-8", "replace")
    problem = find_problem(authenticate) or find_problem(text)
    reason = "" if problem is None else f", oauth_problem={problem}"
    if 200 <= status < 300:
        reason += ", without credentials"
    return ServiceRefused(
        f"The service answered {status}{reason}.",
        answered=status,
        problem=problem,
        body=printable(without_secrets(text, secrets))[:_MAX_SHOWN],
    )


def find_problem(text: str) -> str | None:
    """Return the value of ``oauth_problem`` in *text* (a header, form, JSON, XML or other text), or None."""
    found = _PROBLEM.search(text)
    return found and found[1]


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Return *text* without *secrets*, even if a secret is percent-encoded, or escaped for HTML or JSON.

    This function also removes the values of confidential parameters such as ``oauth_token_secret``. Outside signature
    base strings, this function also removes texts that may be signatures.
    """
    forms = {form for secret in secrets for form in _escaped(to_text(secret)) if form}
    if forms:
        longest_first = sorted(forms, key=len, reverse=True)
        text = re.sub("|".join(map(re.escape, longest_first)), _REMOVED, text, flags=re.IGNORECASE)
    shown: list[str] = []
    end = 0
    for found in _BASE_STRING.finditer(text):
        shown += _without_named(text[end : found.start()]), _IN_BASE_STRING.sub(rf"\1{_REMOVED}", found[0])
        end = found.end()
    return "".join([*shown, _without_named(text[end:])])


def _without_named(text: str) -> str:
    return _SIGNATURE.sub(_REMOVED, _NAMED.sub(rf"\1{_REMOVED}", text))


def printable(text: str) -> str:
    """Return *text* with a space in place of each character that is neither printable nor a line break."""
    return "".join([char if char.isprintable() or char == "\n" else " " for char in text])


def _escaped(secret: str) -> list[str]:
    once = percent_encode(secret)
    return [
        secret,
        once,
        once.replace("%20", "+"),
        percent_encode(once),
        html.escape(secret),
        secret.replace("/", r"\/"),
    ]
