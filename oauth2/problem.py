"""What a refusal tells the client: status, ``WWW-Authenticate`` and the problem reporting extension.

https://wiki.oauth.net/w/page/12238543/ProblemReporting
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .encoding import percent_encode
from .errors import Error, ParameterAbsent, StoreUnavailable, TimestampRefused, VersionRejected
from .http import HTTPResponse
from .parameters import FORM, build_authorization_header, build_form

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from .parameters import Pairs

#: Every request has these, and those of every method but PLAINTEXT the others, too (section 3.1).
_ALWAYS = ("oauth_consumer_key", "oauth_signature_method", "oauth_signature")
_MOSTLY = ("oauth_timestamp", "oauth_nonce")
NOT_STORED = ("Cache-Control", "no-store")
_RETRY_AFTER = "5"  # seconds


def report(error: Error, present: Container[str], acceptable: tuple[int, int]) -> Pairs:
    """Return the pairs of a problem report, none of them a secret.

    Args:
        error: Why the request is refused.
        present: The names of the request's parameters.
        acceptable: The lowest and the highest timestamp that would be taken, in seconds.
    """
    if error.problem is None:
        return []
    pairs = [("oauth_problem", error.problem), ("oauth_problem_advice", error.message)]
    if isinstance(error, TimestampRefused):
        pairs.append(("oauth_acceptable_timestamps", f"{acceptable[0]}-{acceptable[1]}"))
    elif isinstance(error, VersionRejected):
        pairs.append(("oauth_acceptable_versions", "1.0-1.0"))
    elif isinstance(error, ParameterAbsent):
        absent = error.names or _missing(_ALWAYS, present) or _missing(_MOSTLY, present)
        if absent:
            pairs.append(("oauth_parameters_absent", "&".join(map(percent_encode, absent))))
    return pairs


def _missing(names: tuple[str, ...], present: Container[str]) -> list[str]:
    return [name for name in names if name not in present]


def error_headers(error: Error, pairs: Pairs, realm: str) -> list[tuple[str, str]]:
    """Return the header fields of a refusal: ``WWW-Authenticate`` where there is something to do about it."""
    headers = [NOT_STORED]
    if error.status in (400, 401):
        headers.append(("WWW-Authenticate", build_authorization_header(pairs, realm)))
    if isinstance(error, StoreUnavailable):
        headers.append(("Retry-After", _RETRY_AFTER))
    return headers


def refusal(error: Error) -> HTTPResponse:
    """Return the answer for *error*, with its headers and its problem report as a form."""
    body = build_form(error.report or [("oauth_problem_advice", error.message)])
    return form_response(body, error.status, error.headers or error_headers(error, [], ""))


def form_response(body: str, status: int, headers: Sequence[tuple[str, str]]) -> HTTPResponse:
    """Return an answer whose body is a form."""
    octets = body.encode("ascii")
    content = [("Content-Type", FORM), ("Content-Length", str(len(octets)))]
    return HTTPResponse(status, [*content, *headers], octets)
