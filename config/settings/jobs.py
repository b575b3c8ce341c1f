"""Celery. The work list is rows in PostgreSQL; the broker only rings the bell, so a lost message loses nothing."""

import re

from celery.schedules import crontab

from config import env

_redis = env.required("REDIS_URL")

# A socket is named otherwise by the broker's client than by redis-py.
CELERY_BROKER_URL = re.sub(r"^unix://([^?]*)\?db=", r"redis+socket://\1?virtual_host=", _redis).replace(
    "unix:", "redis+socket:"
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 4 * 3600, "global_keyprefix": "tieout:"}
CELERY_VISIBILITY_TIMEOUT = 4 * 3600
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 2 * 3600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"

CELERY_BEAT_SCHEDULER = "config.schedules:Scheduler"
CELERY_BEAT_SCHEDULE = {
    # What is signed of the audit log is at most so old.
    "audit seal": {"task": "execution.tasks.seal_audit_log", "schedule": crontab()},
    "audit check": {"task": "execution.tasks.check_audit_log", "schedule": crontab(hour=5, minute=15)},
    # The day's closes are settled by then, and half an hour is left for providers that want to be asked slowly.
    "market data": {"task": "execution.tasks.fetch_market_data", "schedule": crontab(hour=23, minute=35)},
    # 00:05 is when the day before is complete everywhere; a second beat's bell finds the run already there.
    "nightly": {"task": "execution.tasks.ring_nightly", "schedule": crontab(hour=0, minute=5)},
    # Behind the night, so that what was loaded before it is in its packs.
    "history": {"task": "execution.tasks.check_history", "schedule": crontab(hour=4, minute=15)},
    "retention": {"task": "execution.tasks.drop_executions", "schedule": crontab(hour=4, minute=45)},
    # Takes up those that a killed worker left, and removes files after EXPORT_DAYS.
    "exports": {"task": "execution.tasks.tend_exports", "schedule": 60.0},
    # Takes up what a killed worker or a lost broker left behind: the rows say what remains.
    "watchdog": {"task": "execution.tasks.take_up_stale_runs", "schedule": 30.0},
}
