"""One JSON object a line: what happened, the ids of the work it happened in, and what the event itself gives as `extra`."""

import json
import logging
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from config import telemetry

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_LEFT_OUT = {"request", "data"}
"""Django's and Celery's own: the request with its headers, the task with its arguments."""

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class JsonFormatter(logging.Formatter):
    """with_words: exceptions with their messages. They repeat values of rows, so that a production leaves them out; what an
    exception is and where it was raised remain."""

    def __init__(self, *, with_words: bool) -> None:
        super().__init__()
        self.with_words = with_words

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, object] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": self._message(record),
        }
        event |= telemetry.current_ids()
        if trace := telemetry.current_trace():
            event["trace_id"], event["span_id"] = trace
        event |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD | _LEFT_OUT}
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, default=str, ensure_ascii=True)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's name
        if self.with_words:
            return super().formatException(ei)
        return "".join(_without_words(ei[1])) if ei[1] is not None else ""

    def _message(self, record: logging.LogRecord) -> str:
        if not self.with_words and isinstance(record.args, Mapping) and "exc" in record.args:
            # Celery's line of a task that failed has the exception's words in it.
            told: dict[str, Any] = {**record.args, "exc": "see exception"}
            return str(record.msg) % told
        return record.getMessage()


def _without_words(failure: BaseException) -> list[str]:
    """As traceback.format_exception has it, first causes first, with classes in place of messages."""
    before: list[str] = []
    cause = failure.__cause__ or (None if failure.__suppress_context__ else failure.__context__)
    if cause is not None:
        before = [*_without_words(cause), "\nthen:\n\n"]
    return [
        *before,
        *traceback.format_tb(failure.__traceback__),
        f"{type(failure).__module__}.{type(failure).__qualname__}\n",
    ]
