"""The pytest plugin; pytest loads it by the entry point ``pytest11`` if this package is installed.

The names of all fixtures begin with ``oauth2_``. A fixture loads further modules only when a test uses the fixture. The
start of pytest therefore loads only ``oauth2``.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from .frozen import FixedNonces, FrozenClock
    from .service import StrictService
else:
    # With these names, the annotations can be evaluated without loading the modules.
    FixedNonces = FrozenClock = StrictService = object

__all__ = [
    "oauth2_app",
    "oauth2_clock",
    "oauth2_nonces",
    "oauth2_service",
    "pytest_runtest_makereport",
]

_CLOCK = "oauth2_clock"
_MOST = 5  # Maximum number of refused requests in a report; further requests are left out.


@pytest.fixture
def oauth2_clock() -> Iterator[FrozenClock]:
    """A frozen clock for the service of this test, and for all requests that this package signs."""
    from .frozen import FrozenClock

    with FrozenClock() as clock:
        yield clock


@pytest.fixture
def oauth2_nonces() -> Iterator[FixedNonces]:
    """Nonces for all requests that this package signs. The nonces are the same in each test run."""
    from .frozen import FixedNonces

    with FixedNonces() as nonces:
        yield nonces


@pytest.fixture
def oauth2_app(request: pytest.FixtureRequest) -> Iterator[StrictService]:
    """A service without a port. A test passes its ``wsgi`` or ``asgi`` to a test client, or calls its ``handle()``."""
    service = _service(request)
    yield service
    service.close()


@pytest.fixture
def oauth2_service(request: pytest.FixtureRequest) -> Iterator[StrictService]:
    """A service that listens on a port of 127.0.0.1."""
    with _service(request) as service:
        yield service


def _service(request: pytest.FixtureRequest) -> StrictService:
    from .service import StrictService

    # Without the fixture oauth2_clock, clients sign with the clock of this machine. Then the service also uses this
    # clock.
    clock = request.getfixturevalue(_CLOCK) if _CLOCK in request.fixturenames else None
    return StrictService(clock=clock)


class _Outcome(Protocol):
    def get_result(self) -> pytest.TestReport: ...


# The following function is a hook wrapper of the old style, which every version of pytest supports. With a wrapper of
# the new style, an old version of pytest would not start.
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, _Outcome, None]:
    """Add the doctor's verdicts to the report of a test that failed."""
    report = (yield).get_result()
    module = sys.modules.get("oauth2.testing.service")
    if module is not None and report.failed:
        for service in getattr(item, "funcargs", {}).values():
            if isinstance(service, module.StrictService):
                _explain(report, service)


def _explain(report: pytest.TestReport, service: StrictService) -> None:
    refused = [each for each in service.requests if not each.is_verified]
    shown = {line.removeprefix("E").strip() for line in report.longreprtext.splitlines()}
    told = [each.explanation for each in refused[-_MOST:]]
    # If assert_verified() failed, its message already contains the verdicts. These verdicts are not shown twice.
    told = [text for text in told if not shown.issuperset(map(str.strip, text.splitlines()))]
    if told:
        report.sections.append((f"oauth2: requests that {service.origin} refused", "\n".join(told)))
