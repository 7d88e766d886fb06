"""The response to a refused request: status, ``WWW-Authenticate`` header, and problem report (extension).

https://wiki.oauth.net/w/page/12238543/ProblemReporting
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from .._wire.form import FORM, build_form
from .._wire.header import build_authorization_header
from .._wire.pairs import Pairs
from .._wire.percent import percent_encode
from ..errors import Error, ParameterAbsent, StoreUnavailable, TimestampRefused, VersionRejected
from ..http import HTTPResponse

__all__ = ["NOT_STORED", "error_headers", "form_response", "refusal", "report"]

# Every request must have the parameters of the first tuple. Unless the signature method is PLAINTEXT, a request must
# also have the parameters of the second tuple (section 3.1).
_REQUIRED = ("oauth_consumer_key", "oauth_signature_method", "oauth_signature")
_REQUIRED_WITH_NONCE = ("oauth_timestamp", "oauth_nonce")
NOT_STORED: tuple[str, str] = ("Cache-Control", "no-store")
_RETRY_AFTER = "5"  # seconds


def report(error: Error, present: Container[str], acceptable: tuple[int, int]) -> Pairs:
    """Return the pairs of a problem report. A report contains no secret.

    Args:
        error: The reason for the refusal.
        present: The names of the parameters in the request.
        acceptable: The lowest and the highest timestamp that the provider accepts at the moment, in seconds.
    """
    if error.problem is None:
        return []
    pairs = [("oauth_problem", error.problem), ("oauth_problem_advice", error.message)]
    if isinstance(error, TimestampRefused):
        pairs.append(("oauth_acceptable_timestamps", f"{acceptable[0]}-{acceptable[1]}"))
    elif isinstance(error, VersionRejected):
        pairs.append(("oauth_acceptable_versions", "1.0-1.0"))
    elif isinstance(error, ParameterAbsent):
        absent = error.names or _missing(_REQUIRED, present) or _missing(_REQUIRED_WITH_NONCE, present)
        if absent:
            pairs.append(("oauth_parameters_absent", "&".join(map(percent_encode, absent))))
    return pairs


def _missing(names: tuple[str, ...], present: Container[str]) -> list[str]:
    return [name for name in names if name not in present]


def error_headers(error: Error, pairs: Pairs, realm: str) -> list[tuple[str, str]]:
    """Return the header fields of a refusal, with ``WWW-Authenticate`` if the status is 400 or 401 (section 3.2)."""
    headers = [NOT_STORED]
    if error.status in (400, 401):
        headers.append(("WWW-Authenticate", build_authorization_header(pairs, realm)))
    if isinstance(error, StoreUnavailable):
        headers.append(("Retry-After", _RETRY_AFTER))
    return headers


def refusal(error: Error) -> HTTPResponse:
    """Return the response to a refused request. The body of the response is the problem report as a form."""
    body = build_form(error.report or [("oauth_problem_advice", error.message)])
    return form_response(body, error.status, error.headers or error_headers(error, [], ""))


def form_response(body: str, status: int, headers: Sequence[tuple[str, str]]) -> HTTPResponse:
    """Return a response whose body is the form *body*."""
    octets = body.encode("ascii")
    content = [("Content-Type", FORM), ("Content-Length", str(len(octets)))]
    return HTTPResponse(status, [*content, *headers], octets)
