"""Measure the time of verifying a request and of refusing a request. The nonces are stored in memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import oauth2

from . import peers, predecessor
from .comparison import assemble, compare
from .peers import receive, tampered
from .report import FLOOR, OURS, progress
from .workloads import MAIN, SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .comparison import Field, Setting
    from .peers import Received, Runner
    from .report import Report
    from .workloads import Workload

BASES = (FLOOR, "oauthlib", "Authlib", predecessor.NAME)


def run(setting: Setting, report: Report) -> None:
    """Verify all workloads, and refuse the first workload for three reasons."""
    libraries = field(setting)
    for workload in MAIN + SHAPES:
        progress(f"verify: {workload.title}")
        title = f"Verify ({workload.key}): {workload.title}, HMAC-SHA1"
        report.add(
            compare(
                libraries,
                valid(workload),
                not_accepted,
                setting.effort,
                key=f"verify {workload.key}",
                title=title,
                bases=BASES,
            )
        )
    able = {row.library for row in report.tables[f"verify {MAIN[0].key}"].rows if row.minimum is not None}
    for name in set(libraries.runners) - able:  # A library that refuses valid requests must not be timed.
        del libraries.runners[name]
        libraries.absent[name] = "not measured: also refuses valid requests"
    _refuse(libraries, MAIN[0], setting, report)


def field(setting: Setting, request_type: type[oauth2.Request] = oauth2.Request) -> Field:
    """Return all libraries that can verify; *request_type* is the request class of this project."""
    return assemble(
        {
            FLOOR: peers.verify_floor,
            OURS: partial(peers.verify_oauth2, request_type),
            "oauthlib": peers.verify_oauthlib,
            "Authlib": peers.verify_authlib,
            predecessor.NAME: partial(predecessor.VerifyRunner, setting.predecessor),
        }
    )


def valid(workload: Workload) -> Callable[[int], list[Received]]:
    """Return a function that makes the given number of new and correctly signed requests of a workload."""
    return lambda size: [receive(call) for call in workload.batch(size)]


def not_accepted(_received: Received, accepted: bool) -> str | None:
    """Describe the error in a library's result for a valid request; return None if the result is correct."""
    return None if accepted else "refuses a valid request"


def _not_refused(_received: Received, accepted: bool) -> str | None:
    return "accepts a request that must be refused" if accepted else None


def _twice(runner: Runner[Received, Any], items: Sequence[Received]) -> None:
    for accepted in runner.results(items):
        if not accepted:
            raise ValueError("refuses a valid request")


def _refuse(libraries: Field, workload: Workload, setting: Setting, report: Report) -> None:
    def forged(size: int) -> list[Received]:
        return [tampered(receive(call)) for call in workload.batch(size)]

    def old(size: int) -> list[Received]:
        return [receive(call, old=True) for call in workload.batch(size)]

    cases = (
        ("signature", "a wrong signature", forged, None),
        ("replay", "a replayed request", valid(workload), _twice),
        ("old", "a timestamp that is one hour old", old, None),
    )
    for key, what, make, before in cases:
        progress(f"refuse {what}")
        report.add(
            compare(
                libraries,
                make,
                _not_refused,
                setting.effort,
                key=f"refuse {key}",
                title=f"Refuse {what}: {workload.title}",
                bases=BASES,
                before=before,
            )
        )
