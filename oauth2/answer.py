"""What a service answers in the flow of RFC 5849 section 2: credentials, or why there are none.

There is no standard for an error answer. The problem reporting extension names
``oauth_problem``, in the WWW-Authenticate header or in a form; services write it
into JSON, XML and text as well, and many only say it in a sentence.
"""

from __future__ import annotations

import html
import re

from .encoding import percent_encode, to_text
from .errors import ServiceRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_READ = 64 * 1024  # bytes of an answer that are looked at for an error
_SHOWN = 500  # characters of it that an error keeps
_REMOVED = "[removed]"

_PROBLEM = re.compile(r"""oauth_problem["']?\s{0,8}[=:>]\s{0,8}["']?([a-z_]{1,64})""")
_NAMES = "oauth_token_secret|oauth_token|oauth_verifier|oauth_session_handle|oauth_signature|x_auth_password"
_NAMED = re.compile(
    rf"""((?:{_NAMES})(?:["']|&quot;)?\s{{0,8}}(?:=|:|>|%3D)\s{{0,8}}(?:["']|&quot;)?)[^\s"'&<>,;}}]+""",
    re.IGNORECASE,
)
# Base64, escaped or not. It starts where no such character stands before it, and gives nothing
# back, so that looking for it is linear.
_RUN = "(?:[A-Za-z0-9+/]|%2[BF])"
_SIGNATURE = re.compile(
    rf"(?:(?<![A-Za-z0-9+/%])|(?<=%3D)|(?<=%22)|(?<=%20))(?:{_RUN}{{80,}}+(?:=|%3D){{0,2}}|{_RUN}{{27,}}+(?:=|%3D){{1,2}})",
    re.IGNORECASE,
)
_BASE_STRING = re.compile(r"""\b[A-Z]{3,16}(?:&|&amp;|%26)https?%3A%2F%2F[^\s"'<>]*""", re.IGNORECASE)


def read_answer(status: int, body: bytes, *, authenticate: str = "", secrets: Iterable[str] = ()) -> bytes:
    """Return the body of an answer that holds credentials (sections 2.1 and 2.3).

    Args:
        status: HTTP status.
        body: The body as received.
        authenticate: The WWW-Authenticate header field value.
        secrets: What must not show up in an error: the secrets, and whatever else
            of the request nobody shall read.

    Raises:
        ServiceRefused: The status is no success, or the body holds no ``oauth_token_secret``.
    """
    if 200 <= status < 300 and b"oauth_token_secret" in body:
        return body
    raise refusal(status, body, authenticate=authenticate, secrets=secrets)


def refusal(status: int, body: bytes, *, authenticate: str = "", secrets: Iterable[str] = ()) -> ServiceRefused:
    """Return the error that an answer stands for; arguments as for :func:`read_answer`."""
    text = body[:_READ].decode("utf-8", "replace")
    problem = find_problem(authenticate) or find_problem(text)
    reason = "" if problem is None else f", oauth_problem={problem}"
    if 200 <= status < 300:
        reason += ", but without credentials"
    return ServiceRefused(
        f"The service answered {status}{reason}.",
        answered=status,
        problem=problem,
        body=printable(without_secrets(text, secrets))[:_SHOWN],
    )


def find_problem(text: str) -> str | None:
    """Return the ``oauth_problem`` in a header, a form, JSON, XML or text; None for none."""
    found = _PROBLEM.search(text)
    return found and found[1]


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Return *text* without *secrets*, however they are escaped in it.

    Base strings are removed, too, what may be a signature, and the values of
    parameters that are secret by their name.
    """
    forms = {form for secret in secrets for form in _escaped(to_text(secret)) if form}
    if forms:
        longest_first = sorted(forms, key=len, reverse=True)
        text = re.sub("|".join(map(re.escape, longest_first)), _REMOVED, text, flags=re.IGNORECASE)
    text = _NAMED.sub(rf"\1{_REMOVED}", _BASE_STRING.sub(_REMOVED, text))
    return _SIGNATURE.sub(_REMOVED, text)


def printable(text: str) -> str:
    """Return *text* with a space for each character that is neither printable nor a line break."""
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
