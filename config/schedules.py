"""What beat rings for, and when: rows, which staff edit. What is edited stays: the schedules that we ship are made only where
there is none of their name."""

import json
from collections.abc import Iterable

from celery import current_app
from django.db import transaction
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """django-celery-beat's, which writes each shipped schedule over its row at every start."""

    def setup_schedule(self) -> None:
        shipped = self.app.conf.beat_schedule
        there = set(PeriodicTask.objects.filter(name__in=shipped).values_list("name", flat=True))
        self.update_from_dict({name: entry for name, entry in shipped.items() if name not in there})


@transaction.atomic
def switch(tasks: Iterable[PeriodicTask], *, enabled: bool) -> int:
    """Switch schedules on or off, and tell beat; how many were not so already."""
    switched = [each for each in tasks if each.enabled != enabled]
    for each in switched:
        each.enabled = enabled
        change(each)
    return len(switched)


def change(task: PeriodicTask) -> None:
    """Store an edited schedule, and tell beat. Raises ValidationError where it is not exactly one of a time and an interval."""
    task.save()


def ring(task: PeriodicTask) -> None:
    """Send the task once, now, when the transaction is committed."""
    args, kwargs = json.loads(task.args), json.loads(task.kwargs)
    transaction.on_commit(lambda: current_app.send_task(task.task, args, kwargs))
