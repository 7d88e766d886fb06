"""OpenTelemetry spans of a provider (extra ``opentelemetry``).

By default, a span has no consumer key. A span never has a token or a user.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

try:
    from opentelemetry.trace import (
        Link,
        SpanContext,
        StatusCode,
        TracerProvider,
        get_current_span,
        get_tracer,
    )
except ModuleNotFoundError as exc:
    raise ModuleNotFoundError(
        "oauth2.telemetry.opentelemetry needs opentelemetry-api. Run: python -m pip install 'oauth2[opentelemetry]'",
        name=exc.name,
    ) from exc

from .._version import __version__
from ..provider.audit import Event, Handled, Refused
from ..provider.diagnoses import Diagnosed
from ._fields import mistake_of, name_of, outcome_of, problem_of

__all__ = ["OpenTelemetrySpans"]

_NANOSECONDS = 1_000_000_000
# Maximum number of refused requests whose span contexts are stored until the requests are diagnosed. If the context of
# a request is no longer stored, the diagnosis of this request gets no link.
_MAX_LINKED = 100


class OpenTelemetrySpans:
    """A hook that records events. An application passes one object to ``Provider``, as ``audit`` and as ``requests``.

    * Each request becomes a span ``oauth2.request_token``, ``oauth2.access_token``, ``oauth2.resource`` or
      ``oauth2.unknown``. The parent of this span is the current span, usually the span of the HTTP request. The
      attributes of the new span are ``oauth2.endpoint`` and ``oauth2.outcome``, and for a refused request also
      ``oauth2.problem`` and ``http.response.status_code``. The new span has ``error.type`` and the
      status ``ERROR`` only if the store failed (503).
    * Each audit event becomes an event such as ``oauth2.issued`` of the current span.
    * Each diagnosis becomes a span ``oauth2.diagnosed`` in a new trace. This span has a link to the span of the refused
      request, and the attributes ``oauth2.verdict`` and ``oauth2.mistake``.

    Args:
        tracer_provider: The tracer provider that records the spans; None for the global tracer provider.
        with_consumer_key: Whether spans and events have ``oauth2.consumer_key``. A refused request may contain any
            consumer key, so a peer can create any number of values of this attribute.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None, *, with_consumer_key: bool = False) -> None:
        self._tracer = get_tracer("oauth2", __version__, tracer_provider)
        self._with_consumer_key = with_consumer_key
        self._lock = threading.Lock()
        self._refused: OrderedDict[Refused, SpanContext] = OrderedDict()

    def __call__(self, event: Event) -> None:
        """Record *event*."""
        if isinstance(event, Handled):
            self._record_request(event)
        elif isinstance(event, Diagnosed):
            self._record_diagnosis(event)
        else:
            get_current_span().add_event(f"oauth2.{name_of(event)}", self._attributes(event))

    def _record_request(self, event: Handled) -> None:
        now = time.time_ns()
        span = self._tracer.start_span(
            f"oauth2.{event.endpoint}",
            start_time=now - int(event.seconds * _NANOSECONDS),
            attributes={
                "oauth2.endpoint": event.endpoint,
                "oauth2.outcome": outcome_of(event),
                **self._attributes(event),
            },
        )
        if event.refused is not None:
            if event.refused.status >= 500:
                span.set_attribute("error.type", str(event.refused.status))
                span.set_status(StatusCode.ERROR, event.refused.message)
            self._remember(event.refused, span.get_span_context())
        span.end(now)

    def _record_diagnosis(self, event: Diagnosed) -> None:
        with self._lock:
            context = self._refused.pop(event.refused, None)
        attributes = {"oauth2.verdict": event.diagnosis.verdict, **self._attributes(event)}
        if mistake_of(event):
            attributes["oauth2.mistake"] = mistake_of(event)
        links = [] if context is None else [Link(context)]
        self._tracer.start_span("oauth2.diagnosed", attributes=attributes, links=links).end()

    def _remember(self, refused: Refused, context: SpanContext) -> None:
        with self._lock:
            self._refused[refused] = context
            if len(self._refused) > _MAX_LINKED:
                self._refused.popitem(last=False)

    def _attributes(self, event: Event) -> dict[str, str | int]:
        found: dict[str, str | int] = {}
        refused = event if isinstance(event, Refused) else getattr(event, "refused", None)
        if isinstance(refused, Refused):
            found = {"oauth2.problem": problem_of(refused), "http.response.status_code": refused.status}
        if self._with_consumer_key and event.consumer_key is not None:
            found["oauth2.consumer_key"] = event.consumer_key
        return found
