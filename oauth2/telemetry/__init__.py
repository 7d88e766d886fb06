"""Logs, metrics and traces of a provider: hooks for its audit events and its requests.

* :mod:`oauth2.telemetry.logs`: structured logging, one line of JSON for each event.
* :mod:`oauth2.telemetry.prometheus`: Prometheus metrics (extra ``prometheus``).
* :mod:`oauth2.telemetry.opentelemetry`: OpenTelemetry spans (extra ``opentelemetry``).

These three modules never show a secret, a token or a signature.
"""

from __future__ import annotations

from collections.abc import Callable

from .._checks import is_coroutine_function
from .._steps import blocking_result
from ..provider.audit import Event

__all__ = ["Hook", "to_each"]

#: The type of the arguments *audit* and *requests* of ``Provider``.
Hook = Callable[[Event], object]


def to_each(*hooks: Hook) -> Hook:
    """Return a hook that passes each event to several hooks, in order.

    Raises:
        TypeError: A hook is not callable, or is a coroutine function. The returned hook also raises this error if a
            hook returns an awaitable.
    """
    if not all(map(callable, hooks)):
        raise TypeError("hooks: each must be callable")
    if any(map(is_coroutine_function, hooks)):
        raise TypeError("hooks: must not be coroutine functions, because the coroutines would never be awaited")

    def emit(event: Event) -> None:
        for hook in hooks:
            blocking_result("hooks", hook(event))

    return emit
