"""Logs are events with fields, one JSON object a line on stderr."""

from config import env

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "config.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", default="WARNING")},
    "loggers": {
        "django": {},  # no handler but the root's: Django's own writes exceptions with their words
        "django.db.backends": {"level": "INFO"},  # at DEBUG it writes SQL with its values
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "ERROR"},
    },
}
