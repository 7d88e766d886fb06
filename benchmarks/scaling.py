"""Measure how the cost depends on the number of parameters, and on the size of hostile input and of the body."""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import oauth2
from oauth2.parameters import body_hash, parse_authorization_header, parse_form

from . import sign, verify
from .comparison import compare
from .peers import CREDENTIALS
from .probe import probe
from .report import FLOOR, OURS, Row, Table, progress, timed_rows
from .timing import Effort, interleave, spend
from .workloads import Workload, query_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from .comparison import Setting
    from .report import Report
    from .timing import Batch

SIZES = (10, 100, 1_000, 10_000)
SMALL, LARGE = 64 * 1024, 512 * 1024
BARE_HASH = "bare hash"
BODY = 10 * 2**20

#: Each case of hostile input is measured only for a short time, because there are many cases.
_SHORT = Effort(rounds=7, target=0.001, deadline=2)
#: A case is measured again, for a longer time, if its ratio is at least this number. The ratio is the cost of LARGE
#: octets divided by the cost of SMALL octets.
_SUSPECT = 9.0


class Unlimited(oauth2.Request):
    """A request class without size limits."""

    max_header = max_parameters = max_form = 1 << 40


def run(setting: Setting, report: Report) -> None:
    """Measure parameters, hostile input and bodies."""
    _parameters(setting, report)
    _hostile(setting, report)
    _body_time(setting, report)
    _body_memory(report)


# --- parameters -------------------------------------------------------------------


def _parameters(setting: Setting, report: Report) -> None:
    signers, verifiers = sign.field("HMAC-SHA1", setting), verify.field(setting, request_type=Unlimited)
    for size in SIZES:
        progress(f"{size:,} parameters")
        workload = Workload(str(size), f"{size:,} query parameters, time for each parameter", query_call(size))
        arguments: dict[str, Any] = {"bases": (FLOOR, "oauthlib", "Authlib"), "divisor": size}
        report.add(
            compare(
                signers,
                workload.batch,
                sign.wrong,
                setting.effort,
                key=f"sign parameters {size}",
                title=f"Sign: {workload.title}",
                **arguments,
            )
        )
        report.add(
            compare(
                verifiers,
                verify.valid(workload),
                verify.not_accepted,
                setting.effort,
                key=f"verify parameters {size}",
                title=f"Verify: {workload.title}",
                **arguments,
            )
        )


# --- hostile input ----------------------------------------------------------------

_HEADERS: dict[str, tuple[str, str]] = {
    "quotes": ("OAuth ", '"'),
    "pairs of quotes": ("OAuth a=", '""'),
    "commas": ("OAuth ", ","),
    "spaces": ("OAuth ", " "),
    "spaces in a name": ('OAuth a="b", c', " "),
    "line breaks": ("OAuth ", "\r\n "),
    "equals signs": ("OAuth ", "="),
    "backslashes": ('OAuth realm="', "\\"),
    "escaped quotes": ('OAuth realm="', '\\"'),
    "percent signs": ('OAuth a="', "%"),
    "escapes": ('OAuth a="', "%41"),
    "escapes of 00 and FF": ('OAuth a="', "%00%ff"),
    "parameters": ("OAuth ", 'a="b",'),
    "parameters without quotes": ("OAuth ", "a=b, "),
    "one long name": ("OAuth ", "a"),
    "one long value": ('OAuth a="', "b"),
    "characters outside ASCII": ('OAuth a="', "é"),
}
_QUERIES: dict[str, str] = {
    "ampersands": "&",
    "equals signs": "=",
    "pluses": "+",
    "percent signs": "%",
    "incomplete escapes": "%4",
    "escapes": "%20",
    "lower-case escapes": "%c3%a9",
    "escapes that are not UTF-8": "%ff",
    "one name": "a=1&",
    "names without values": "a&",
    "escaped separators": "%26%3D",
    "characters outside ASCII": "é",
    "question marks": "?",
    "semicolons": "a=1;",
}


def _hostile(setting: Setting, report: Report) -> None:
    progress("hostile input")
    sizes = (SMALL, LARGE)
    cases: dict[str, Callable[[int], tuple[Callable[..., object], tuple[Any, ...]]]] = {}
    for name, (start, piece) in _HEADERS.items():
        cases[f"header: {name}"] = partial(_header_case, start, piece)
    for name, piece in _QUERIES.items():
        cases[f"form: {name}"] = partial(_form_case, piece)
        cases[f"sign: {name}"] = partial(_sign_case, piece)
        cases[f"receive: {name}"] = partial(_receive_case, piece)
    rows = []
    for name, case in cases.items():
        batches: dict[str, Batch] = {str(size): _hostile_batch(*case(size)) for size in sizes}
        row = _growth(name, batches, _SHORT)
        rows.append(row if (row.minimum or 0) < _SUSPECT else _growth(name, batches, setting.effort))
    rows.sort(key=lambda row: row.minimum or 0, reverse=True)
    title = (
        f"Hostile input without size limits: time for {LARGE // 1024} KB divided by the time for {SMALL // 1024} KB"
        f" (linear time: {LARGE // SMALL})"
    )
    report.add(Table("hostile", title, "times", rows))


def _growth(name: str, batches: dict[str, Batch], effort: Effort) -> Row:
    small, large = interleave(batches, effort).values()
    return Row(name, large.minimum / small.minimum, large.median / small.median)


def _hostile_batch(function: Callable[..., object], arguments: tuple[Any, ...]) -> Batch:
    def attempt(*given: Any) -> None:
        with suppress(oauth2.Error):  # A refused request is also measured.
            function(*given)

    return lambda size: spend(attempt, [arguments] * size)


def _header_case(start: str, piece: str, size: int) -> tuple[Callable[..., object], tuple[Any, ...]]:
    return parse_authorization_header, (start + piece * (size // len(piece)),)


def _form_case(piece: str, size: int) -> tuple[Callable[..., object], tuple[Any, ...]]:
    return parse_form, (piece * (size // len(piece)),)


def _sign_case(piece: str, size: int) -> tuple[Callable[..., object], tuple[Any, ...]]:
    consumer = oauth2.Consumer(CREDENTIALS.consumer_key, CREDENTIALS.consumer_secret)
    method = oauth2.SignatureMethod_HMAC_SHA1()

    def run_once(url: str) -> None:
        request = oauth2.Request.from_consumer_and_token(consumer, None, "GET", url)
        request.sign_request(method, consumer, None)

    return run_once, (f"https://api.example.com/?{piece * (size // len(piece))}",)


def _receive_case(piece: str, size: int) -> tuple[Callable[..., object], tuple[Any, ...]]:
    def receive_once(url: str) -> None:
        request = Unlimited.from_request("GET", url, {"Authorization": 'OAuth oauth_nonce="n"'})
        if request is not None:
            request.get_normalized_parameters()

    return receive_once, (f"https://api.example.com/?{piece * (size // len(piece))}",)


# --- bodies -----------------------------------------------------------------------


def _body_time(setting: Setting, report: Report) -> None:
    progress("body hash of 10 MB")
    content = bytes(range(256)) * (BODY // 256)

    def bare(body: bytes) -> str:
        return b2a_base64(hashlib.sha1(body).digest(), newline=False).decode()

    def bodies(size: int) -> list[tuple[bytes]]:
        return [(index.to_bytes(8) + content[8:],) for index in range(size)]

    functions = {BARE_HASH: bare, OURS: body_hash}
    if bare(content) != body_hash(content):
        raise ValueError("body_hash is wrong")
    batches: dict[str, Batch] = {
        name: partial(lambda function, size: spend(function, bodies(size)), function)
        for name, function in functions.items()
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "body"
        path.write_bytes(content)
        with path.open("rb") as file:
            batches[f"{OURS}, file"] = lambda size: spend(body_hash, [(file,)] * size)
            timings = interleave(batches, setting.effort)
    title = "Time to compute oauth_body_hash for a body of 10 MB"
    report.add(Table("body time", title, "ms", timed_rows(timings, "ms", {}), (BARE_HASH,)))


_MEMORY = """
import oauth2, tempfile
consumer = oauth2.Consumer("k", "s")
method = oauth2.SignatureMethod_HMAC_SHA1()
def sign(body):
    request = oauth2.Request.from_consumer_and_token(consumer, None, "POST", "https://a.example/", body=body)
    request.sign_request(method, consumer, None)
sign(b"warm")
{body}
before = rest()
sign(body)
print(peak() - before)
"""
_BODIES = {
    OURS: f"body = b'x' * {BODY}",
    f"{OURS}, file": (
        "body = tempfile.TemporaryFile()\n"
        "sign(body)\n"
        f"for _ in range({BODY >> 20}):\n    body.write(b'x' * (1 << 20))\n"
        "body.seek(0)"
    ),
    "file that the program reads completely": (
        f"body = tempfile.TemporaryFile()\nbody.write(b'x' * {BODY})\nbody.seek(0)\n"
        "sign_body, sign = sign, lambda body: sign_body(body.read())"
    ),
}


def _body_memory(report: Report) -> None:
    progress("memory for a body of 10 MB")
    rows = []
    for name, body in _BODIES.items():
        try:
            figures = sorted(probe(_MEMORY.format(body=body)) / BODY * 100 for _ in range(3))
            rows.append(Row(name, figures[0], figures[1]))
        except (OSError, RuntimeError) as exc:
            rows.append(Row(name, note=f"not measured: {exc}"))
    title = "Memory for signing a body of 10 MB, without the memory of the body itself"
    report.add(Table("body memory", title, "% of the body", rows))
