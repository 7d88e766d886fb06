"""Structured logging of audit events: one line for each event, as JSON if the handler has :class:`JSONFormatter`."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from ..provider.audit import Event
from ._fields import fields_of, token_id

__all__ = ["EventLog", "JSONFormatter", "token_id"]

_ATTRIBUTE = "oauth2_event"  # The attribute of a LogRecord that contains the fields of the event.


class EventLog:
    """A hook that logs each event.

    Instead of an ``oauth_token``, the identifier of the token is logged; see :func:`token_id`.

    With a formatter other than :class:`JSONFormatter`, the message has the name of the event and ``name=value`` pairs.
    The values are JSON. A program can read the fields of the event from the ``oauth2_event`` attribute of the
    ``LogRecord``.

    Args:
        logger: The logger, or its name.
        level: The level of the records.

    Raises:
        TypeError: *logger* is neither a Logger nor a str, or *level* is not an int.
    """

    def __init__(self, logger: logging.Logger | str = "oauth2.audit", *, level: int = logging.INFO) -> None:
        if not isinstance(logger, (str, logging.Logger)):
            raise TypeError("logger: must be a Logger or a name")
        if not isinstance(level, int):
            raise TypeError("level: must be an int, such as logging.INFO")
        self._logger = logging.getLogger(logger) if isinstance(logger, str) else logger
        self._level = level

    def __call__(self, event: Event) -> None:
        """Log *event*."""
        if self._logger.isEnabledFor(self._level):
            fields = fields_of(event)
            pairs = " ".join([f"{name}={json.dumps(value)}" for name, value in fields.items() if name != "event"])
            self._logger.log(self._level, "%s %s", fields["event"], pairs, extra={_ATTRIBUTE: fields})


class JSONFormatter(logging.Formatter):
    """Formats each record, also the records of other loggers, as one line of JSON in ASCII.

    Each line has ``timestamp`` (ISO 8601, UTC), ``level`` and ``logger``. The line of an :class:`EventLog` record also
    has the fields of the event. The line of any other record also has ``message``, and ``exception`` and ``stack`` if
    they exist.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line end."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "timestamp": moment.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
        }
        fields = getattr(record, _ATTRIBUTE, None)
        if isinstance(fields, dict):
            line |= fields
        else:
            line["message"] = record.getMessage()
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(line)
