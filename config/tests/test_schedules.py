"""Schedules are rows that staff edit; what they edit stays when beat starts again."""

import json

import pytest
from celery import current_app
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from config import schedules
from config.broker import app
from config.redis_client import shared_redis

LIST = "/admin/django_celery_beat/periodictask/"
ACTIONS = ("enable_tasks", "disable_tasks", "run_tasks", "toggle_tasks", "delete_selected")


def start_beat(world):
    """What beat does with the database when it starts."""
    with world.role("job"):
        schedules.Scheduler(app=app, lazy=True).setup_schedule()


def rows():
    return {
        task.name: (task.task, str(task.scheduler), task.enabled)
        for task in PeriodicTask.objects.select_related("crontab", "interval")
    }


def client_with(world, *codenames):
    user = get_user_model().objects.create_user("olga", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return world.client("olga")


@pytest.fixture
def begun_beat(private_demo):
    start_beat(private_demo)
    return private_demo


def test_the_first_start_makes_the_shipped_schedules(begun_beat):
    assert rows().keys() == set(app.conf.beat_schedule)
    assert all(enabled for _, _, enabled in rows().values())


def test_what_was_edited_stays_when_beat_starts_again(begun_beat):
    later, other = CrontabSchedule.objects.create(hour="3"), IntervalSchedule.objects.create(every=5, period="minutes")
    PeriodicTask.objects.filter(name="nightly").update(crontab=later, kwargs='{"said_by": "olga"}')
    PeriodicTask.objects.filter(name="watchdog").update(interval=other, enabled=False)
    PeriodicTask.objects.filter(name="history").delete()
    edited = rows()

    start_beat(begun_beat)

    assert rows().keys() - edited.keys() == {"history"}
    assert {name: row for name, row in rows().items() if name in edited} == edited
    assert PeriodicTask.objects.get(name="nightly").kwargs == '{"said_by": "olga"}'


@pytest.mark.parametrize("action", ACTIONS)
def test_who_may_only_look_does_nothing_by_an_action(begun_beat, action):
    client, before = client_with(begun_beat, "view_periodictask"), rows()
    shared_redis().delete("tieout:celery")
    tasks = list(PeriodicTask.objects.values_list("pk", flat=True))

    client.post(LIST, {"action": action, "_selected_action": tasks, "post": "yes"})
    changed = client.post(f"{LIST}{tasks[0]}/change/", {"enabled": ""})

    assert rows() == before
    assert shared_redis().llen("tieout:celery") == 0
    assert changed.status_code == 403


def test_an_operator_switches_schedules_and_beat_is_told(begun_beat):
    client = client_with(begun_beat, "view_periodictask", "change_periodictask")
    night = PeriodicTask.objects.get(name="nightly")
    told = PeriodicTasks.last_change()

    off = client.post(LIST, {"action": "disable_tasks", "_selected_action": [night.pk]}, follow=True)
    was_off = not PeriodicTask.objects.get(name="nightly").enabled
    on = client.post(LIST, {"action": "enable_tasks", "_selected_action": [night.pk]}, follow=True)

    assert was_off
    assert PeriodicTask.objects.get(name="nightly").enabled
    assert ["1 switched off" in off.content.decode(), "1 switched on" in on.content.decode()] == [True, True]
    assert PeriodicTasks.last_change() > told


def test_an_operator_moves_a_schedule_to_another_time_but_not_its_task(begun_beat):
    client = client_with(begun_beat, "view_periodictask", "change_periodictask", "view_crontabschedule")
    night, later = PeriodicTask.objects.get(name="nightly"), CrontabSchedule.objects.create(hour="3")
    fields = {"enabled": "on", "description": "later", "task": "execution.tasks.evil", "name": "other"}

    both = client.post(
        f"{LIST}{night.pk}/change/", fields | {"crontab": later.pk, "interval": IntervalSchedule.objects.first().pk}
    )
    neither = client.post(f"{LIST}{night.pk}/change/", fields)
    one = client.post(f"{LIST}{night.pk}/change/", fields | {"crontab": later.pk})

    moved = PeriodicTask.objects.get(pk=night.pk)
    assert (both.status_code, neither.status_code, one.status_code) == (200, 200, 302)
    assert (moved.crontab, moved.name, moved.task) == (later, "nightly", night.task)


def test_nobody_deletes_a_schedule_or_changes_a_time_that_others_may_follow(begun_beat):
    everything = Permission.objects.filter(content_type__app_label="django_celery_beat").values_list(
        "codename", flat=True
    )
    client = client_with(begun_beat, *everything)
    night = PeriodicTask.objects.get(name="nightly")
    time = f"/admin/django_celery_beat/crontabschedule/{night.crontab_id}"

    answers = [
        client.post(path, {"post": "yes", "hour": "1"}).status_code
        for path in (f"{LIST}{night.pk}/delete/", f"{LIST}add/", f"{time}/change/", f"{time}/delete/")
    ]

    assert answers == [403] * 4


def test_a_task_that_is_rung_by_hand_is_a_message_of_our_broker(begun_beat):
    client = client_with(begun_beat, "view_periodictask", "change_periodictask")
    shared_redis().delete("tieout:celery")
    night = PeriodicTask.objects.get(name="nightly")

    client.post(LIST, {"action": "run_tasks", "_selected_action": [night.pk]})

    (message,) = shared_redis().lrange("tieout:celery", 0, -1)
    assert json.loads(message)["headers"]["task"] == night.task
    shared_redis().delete("tieout:celery")


@pytest.mark.servers
def test_what_any_process_sends_goes_to_our_broker(settings):
    from execution.tasks import take_up_stale_runs

    shared_redis().delete("tieout:celery")

    take_up_stale_runs.delay()

    assert current_app.conf.broker_url == settings.CELERY_BROKER_URL
    assert shared_redis().llen("tieout:celery") == 1
    shared_redis().delete("tieout:celery")
