"""One JSON object a line: what happened, the ids of the work it happened in, and what the event itself gives as `extra`."""

import json
import logging

from config import telemetry

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, object] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        event |= telemetry.current_ids()
        if trace := telemetry.current_trace():
            event["trace_id"], event["span_id"] = trace
        event |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD and key != "request"}
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, default=str, ensure_ascii=True)
