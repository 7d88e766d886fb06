"""Prometheus metrics of a provider (extra ``prometheus``).

The values of all labels are members of fixed sets: endpoints, outcomes, problems, names of events and keys of mistakes.
No label has a consumer key, a token or a user.
"""

from __future__ import annotations

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
except ModuleNotFoundError as exc:
    raise ModuleNotFoundError(
        "oauth2.telemetry.prometheus needs prometheus_client. Run: python -m pip install 'oauth2[prometheus]'",
        name=exc.name,
    ) from exc

from ..provider.audit import Event, Handled
from ..provider.diagnoses import Diagnosed
from ._fields import mistake_of, name_of, outcome_of, problem_of

__all__ = ["PrometheusMetrics"]

_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds


class PrometheusMetrics:
    """A hook that counts events.

    An application passes one object to all providers of a process, as ``audit`` and as ``requests``.

    ========================================  ================================  =============================
    metric                                    labels                            argument of ``Provider``
    ========================================  ================================  =============================
    ``oauth2_requests_total``                 ``endpoint, outcome, problem``    ``requests``
    ``oauth2_request_duration_seconds``       ``endpoint, outcome``             ``requests``
    ``oauth2_audit_events_total``             ``event, problem``                ``audit``
    ``oauth2_diagnoses_total``                ``verdict, mistake``              ``audit``, with ``diagnoses``
    ========================================  ================================  =============================

    Args:
        registry: The registry in which the metrics are registered.

    Raises:
        ValueError: *registry* already has these metrics.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._requests = Counter(
            "oauth2_requests",
            "Requests that the provider accepted or refused.",
            ["endpoint", "outcome", "problem"],
            registry=registry,
        )
        self._seconds = Histogram(
            "oauth2_request_duration_seconds",
            "Time to verify a request, and to issue credentials.",
            ["endpoint", "outcome"],
            registry=registry,
            buckets=_BUCKETS,
        )
        self._events = Counter("oauth2_audit_events", "Audit events.", ["event", "problem"], registry=registry)
        self._diagnoses = Counter(
            "oauth2_diagnoses", "Diagnoses of refused requests.", ["verdict", "mistake"], registry=registry
        )

    def __call__(self, event: Event) -> None:
        """Count *event*."""
        if isinstance(event, Handled):
            outcome = outcome_of(event)
            self._requests.labels(event.endpoint, outcome, problem_of(event)).inc()
            self._seconds.labels(event.endpoint, outcome).observe(event.seconds)
            return
        if isinstance(event, Diagnosed):
            self._diagnoses.labels(event.diagnosis.verdict, mistake_of(event)).inc()
        self._events.labels(name_of(event), problem_of(event)).inc()
