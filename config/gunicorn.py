"""How gunicorn serves, under `make serve` and in the container: `--config python:config.gunicorn`."""

from typing import Any

from config.telemetry import multiprocess

worker_class = "config.web_worker.WebWorker"
workers = 2
threads = 12  # most of them wait for the database, or for a place (execution/web/limits.py)
control_socket_disable = True  # it would lie in the user's home
logconfig_dict = {
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["stderr"], "propagate": False}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "formatters": {"json": {"()": "config.logs.JsonFormatter"}},
}
"""Its own lines in the form of all others; the settings of Django, which each worker loads, say the rest."""


def on_starting(server: Any) -> None:
    """Counters of processes that are gone must not be counted on."""
    multiprocess.remove_earlier_files()


def child_exit(server: Any, worker: Any) -> None:
    multiprocess.fold_ended()
