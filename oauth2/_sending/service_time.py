"""The time that a service reports when it refuses a timestamp (RFC 5849 section 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from .._login.response import find_problem
from .._wire.form import parse_form_as_sent
from .._wire.header import is_oauth_header, parse_authorization_header
from .._wire.text import read_digits
from ..errors import InvalidRequest

#: HTTP statuses of responses that can be a refusal of the timestamp.
REFUSALS = (400, 401, 403)
#: In seconds. If two times differ by at most this value, no clock is considered wrong, because the transmission of a
#: response takes time.
TOLERANCE = 5

_MAX_DIGITS = 11  # Maximum number of digits of a Content-Length or a timestamp. A longer number is ignored.
_MAX_REPORT = 64 * 1024  # Maximum number of bytes of a response body that are read. A longer body is not read.
# In seconds. If the response has no problem report, the clock is corrected only if its error is larger than this value.
# Every known service accepts a smaller error.
_CLOCK_ERROR = 60


def should_read_body(status: int, header: Callable[[str], str | None]) -> bool:
    """Return whether a client should read the body of a response for :func:`read_report`.

    True only for a refusal with a short body. A compressed body is not read, because its decompressed length is
    unknown.

    Args:
        status: HTTP status of the response.
        header: A function that is called with the name of a response header field. The function must return the value
            of the field, or None if the response does not have the field.
    """
    if status not in REFUSALS or header("Content-Encoding"):
        return False
    length = read_digits(header("Content-Length") or "", _MAX_DIGITS)
    return length is not None and length <= _MAX_REPORT


def read_report(authenticate: str | None, body: bytes) -> dict[str, str]:
    """Return the problem report of a response as a dict. Without a problem report, the dict is empty.

    Args:
        authenticate: The value of the WWW-Authenticate header field, or None.
        body: The body of the response; ``b""`` if it was not read.
    """
    body = body[:_MAX_REPORT]
    report: dict[str, str] = {}
    if body.startswith(b"oauth_"):
        report.update(parse_form_as_sent(body.strip()))
    elif b'"invalid_timestamp"' in body:  # The service OKAPI sends the reason for a refusal as JSON.
        report["oauth_problem"] = "timestamp_refused"
    elif problem := find_problem(body.decode("utf-8", "replace")):
        report["oauth_problem"] = problem
    if authenticate and is_oauth_header(authenticate):
        with suppress(InvalidRequest):  # If a challenge is not a list of parameters, it has no problem report.
            report.update(parse_authorization_header(authenticate))
    return report


def service_time(sent: int, date: str | None, report: Mapping[str, str]) -> int | None:
    """Return the service's time, in seconds, if a clock error explains the refusal of a request; otherwise None.

    Args:
        sent: The timestamp of the refused request.
        date: The value of the Date header field of the response, or None.
        report: The problem report of the response.
    """
    problem = report.get("oauth_problem")
    now = seconds(date)
    first, _, last = report.get("oauth_acceptable_timestamps", "").partition("-")
    earliest, latest = read_digits(first, _MAX_DIGITS), read_digits(last, _MAX_DIGITS)
    if earliest is not None and latest is not None:
        return _within(earliest, latest, sent, now)
    if now is None or problem not in (None, "timestamp_refused"):
        return None
    return now if abs(now - sent) > (TOLERANCE if problem else _CLOCK_ERROR) else None


def _within(first: int, last: int, sent: int, now: int | None) -> int | None:
    if first <= sent <= last:
        return None  # The timestamp is in the accepted range, so the service refused the request for another reason.
    return now if now is not None and first <= now <= last else (first + last) // 2


def seconds(date: str | None) -> int | None:
    """Return the time in a Date header field, in seconds since 1970-01-01 00:00 UTC; None if *date* is not a date."""
    # email is imported on first use, because importing email takes longer than `import oauth2`.
    from email.utils import parsedate_to_datetime

    try:
        return int(parsedate_to_datetime(date or "").timestamp())
    except (ValueError, OverflowError):
        return None
