"""One JSON object a line. What an event carries beyond its message is given as `extra`; an exception tells its class and place."""

import json
import logging

from config.telemetry import words

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": words.of_line(record),
        }
        if words.is_ours(record):
            fields = record.__dict__.items()
            event |= {key: value for key, value in fields if key not in _STANDARD and key != "request"}
        if record.exc_info and record.exc_info[1] is not None:
            event["exception"] = words.of_failure(record.exc_info[1])
        return json.dumps(event, default=str, ensure_ascii=True)
