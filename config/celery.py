"""The worker's and the beat's way in: `celery -A config`."""

import os
from typing import Any

from celery.signals import (
    beat_init,
    before_task_publish,
    heartbeat_sent,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
)
from django.conf import settings

from config import doctor, embedded, origin, pulse
from config.telemetry import exporter, multiprocess, tracing

WATCHDOG = "execution.tasks.take_up_stale_runs"

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
embedded.provide(os.environ.get("TIEOUT_ROLE") or "job")

from config.broker import app  # noqa: E402  # it loads Django where the settings have a name by then

__all__ = ["app"]


@worker_init.connect
@beat_init.connect
def _refuse_unbound_role(**_: Any) -> None:
    """Celery goes on after the exception of a receiver, so the process is ended."""
    if not settings.DEVELOPMENT:
        try:
            doctor.require_bound_role("job")
        except doctor.UnboundRole as failure:
            raise SystemExit(str(failure)) from failure


@worker_init.connect
@beat_init.connect
def _show_metrics(**_: Any) -> None:
    """In the process that forks the others, or in beat."""
    multiprocess.remove_earlier_files()
    exporter.serve(settings.METRICS_ADDRESS)


@worker_process_init.connect
def _leave_metrics_to_parent(**_: Any) -> None:
    exporter.leave_to_parent()


@task_prerun.connect
def _say_which_task(task_id: str, task: Any, **_: Any) -> None:
    origin.begin_task(task.name, task_id)


@task_postrun.connect
def _say_no_task(**_: Any) -> None:
    origin.end_task()


@heartbeat_sent.connect
def _worker_lives(**_: Any) -> None:
    pulse.leave(pulse.WORKER, doctor.find_worker_faults)
    multiprocess.fold_ended()  # recycled and killed children; no signal tells of the latter


@before_task_publish.connect(sender=WATCHDOG)
def _beat_lives(**_: Any) -> None:
    """Only beat rings the watchdog."""
    pulse.leave(pulse.BEAT)


@worker_process_shutdown.connect
def _send_last_reports(**_: Any) -> None:
    """A child ends without the exit handlers of Python, by which reports are sent elsewhere."""
    if settings.SENTRY_DSN:
        from config.telemetry import errors

        errors.flush()


@worker_init.connect
def _load_tracing(**_: Any) -> None:
    """Before children are forked, who would each load it anew."""
    tracing.load()


@worker_process_init.connect
def _trace_worker(**_: Any) -> None:
    """In each child: the thread that sends spans does not outlive a fork."""
    tracing.start("worker")
    # Connected only now, so that it runs after the task's span has ended.
    task_postrun.connect(_send_spans)


@beat_init.connect
def _trace_beat(**_: Any) -> None:
    tracing.start("beat")


@worker_process_shutdown.connect
def _send_spans(**_: Any) -> None:
    """A child that is recycled ends without Python's own farewell, and spans that were not sent would be lost with it."""
    tracing.flush()
