"""The worker's and the beat's way in: `celery -A config`."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, before_task_publish, heartbeat_sent, worker_init
from django.conf import settings

from config import doctor, embedded, pulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
embedded.provide(os.environ.get("TIEOUT_ROLE") or "job")

app = Celery("tieout")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def _refuse_unbound_role(**_: Any) -> None:
    """Celery goes on after the exception of a receiver, so the process is ended."""
    if not settings.DEVELOPMENT:
        try:
            doctor.require_bound_role("job")
        except doctor.UnboundRole as refused:
            raise SystemExit(str(refused)) from refused


WATCHDOG = "execution.tasks.take_up_stale_runs"


@heartbeat_sent.connect
def _worker_lives(**_: Any) -> None:
    pulse.leave(pulse.WORKER, doctor.find_worker_faults)


@before_task_publish.connect(sender=WATCHDOG)
def _beat_lives(**_: Any) -> None:
    """Only beat rings the watchdog."""
    pulse.leave(pulse.BEAT)
