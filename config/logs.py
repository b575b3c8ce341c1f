"""One JSON object a line: what happened, the ids of the work it happened in, and what the event itself gives as `extra`."""

import json
import logging

from config import telemetry
from config.telemetry import words

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "request"}


class JsonFormatter(logging.Formatter):
    """Of an exception, class and place; of a line of others, what `words` lets through: the rest may repeat values of rows."""

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, object] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": words.describe_line(record),
        }
        event |= telemetry.current_ids()
        if trace := telemetry.current_trace():
            event["trace_id"], event["span_id"] = trace
        if words.is_ours(record):
            event |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            event["exception"] = words.describe_failure(record.exc_info[1])
        return json.dumps(event, default=str, ensure_ascii=True)
