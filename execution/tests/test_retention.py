"""Answers are stored for a time and up to a quota; what was dropped says so, and what something rests on stays."""

import io
import json
import logging
from contextlib import suppress

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from execution import tasks
from execution.models import DroppedExecution, Execution, IdempotencyKey
from execution.operations import retention
from execution.tests import staging


def age(world, days, where="true"):
    staging.by_force(world, f"UPDATE execution_execution SET started_at = now() - interval '{days} days' WHERE {where}")


def drop_due(world):
    with world.role("job"):
        return retention.drop_due(timezone.now())


def count(world, model=Execution):
    with world.role("job"):
        return model.objects.count()


def test_an_answer_that_is_older_than_the_setting_is_dropped_and_says_so_by_its_id(asked_demo, settings):
    settings.EXECUTION_DAYS = 30
    given = asked_demo.ask().json()
    age(asked_demo, 31)

    dropped = drop_due(asked_demo)
    cache.clear()
    answer = asked_demo.client("owner").get(f"/v1/executions/{given['execution_id']}")
    again = asked_demo.ask().json()

    assert (dropped.by_age, dropped.by_quota, dropped.keys) == (1, 0, 0)
    assert (answer.status_code, answer.json()["type"], answer.json()["reason"]) == (410, "execution-dropped", "age")
    assert answer.json()["result_hash"] == given["metadata"]["result_hash"]
    assert "Ask its question again" in answer.json()["detail"]
    assert again["metadata"]["result_hash"] == given["metadata"]["result_hash"]
    assert again["execution_id"] != given["execution_id"]


def test_to_others_what_was_dropped_is_as_unknown_as_what_never_was(asked_demo):
    known = asked_demo.ask().json()["execution_id"]
    with asked_demo.role("job"):
        retention.drop([known], "by-hand")

    answer = asked_demo.client("other").get(f"/v1/executions/{known}")

    assert (answer.status_code, answer.json()["type"]) == (404, "execution-not-found")


def test_a_younger_one_stays(asked_demo, settings):
    settings.EXECUTION_DAYS = 30
    age(asked_demo, 29)

    assert drop_due(asked_demo) == retention.Dropped()
    assert count(asked_demo) == 1


def test_the_quota_refuses_and_the_next_day_the_oldest_are_gone(asked_demo, settings):
    settings.STORED_EXECUTIONS = 4
    for days in (10, 20, 30):
        assert asked_demo.ask(inputs={"lookback_days": days}).status_code == 200
        age(asked_demo, days, f"request->'inputs'->>'lookback_days' = '{days}'")

    refused = asked_demo.ask(inputs={"lookback_days": 40})
    page = asked_demo.client("owner").get("/portfolios/public/portfolio_overview/", {"lookback_days": 40})
    stored = asked_demo.ask()
    dropped = drop_due(asked_demo)
    taken = asked_demo.ask(inputs={"lookback_days": 40})

    assert (refused.status_code, refused.json()["type"]) == (429, "quota-reached")
    assert "come back tomorrow" in refused.json()["detail"]
    assert (page.status_code, "429 quota-reached" in page.content.decode()) == (429, True)
    assert stored.status_code == 200
    assert dropped.by_quota == 2
    with asked_demo.role("job"):
        kept = set(Execution.objects.values_list("request__inputs__lookback_days", flat=True))
    assert kept & {20, 30} == set()
    assert taken.status_code == 200


def test_what_a_retry_is_answered_by_stays_until_its_key_is_dropped(private_demo, settings):
    settings.EXECUTION_DAYS = settings.IDEMPOTENCY_KEY_DAYS = 30
    body = {"pattern_id": "portfolio_overview", "portfolio_id": str(private_demo.public_id)}
    first = private_demo.post("owner", body, **{"Idempotency-Key": "retry"}).json()
    age(private_demo, 31)

    with_key = drop_due(private_demo)
    again = private_demo.post("owner", body, **{"Idempotency-Key": "retry"}).json()
    with private_demo.role("job"), pytest.raises(CommandError, match="nothing was dropped"):
        call_command("drop_executions", first["execution_id"])
    staging.by_force(private_demo, "UPDATE execution_idempotencykey SET created_at = now() - interval '31 days'")
    without = drop_due(private_demo)

    assert with_key == retention.Dropped()
    assert again["execution_id"] == first["execution_id"]
    assert (without.keys, without.by_age) == (1, 1)
    assert (count(private_demo, IdempotencyKey), count(private_demo)) == (0, 0)


@pytest.mark.parametrize("role", ["app", "job", "owner"])
def test_the_database_lets_no_execution_go_untold(asked_demo, role):
    with asked_demo.role("job"):
        known = Execution.objects.get()

    with asked_demo.role(role), suppress(DatabaseError), transaction.atomic():
        Execution.objects.filter(pk=known.pk)._raw_delete("default")  # the owner sees no row, the others are refused

    assert count(asked_demo) == 1


def test_what_is_left_tells_of_the_very_execution_and_never_changes(asked_demo):
    with asked_demo.role("job"):
        known = Execution.objects.get()
        left = {name: getattr(known, name) for name in retention.TOLD}
        DroppedExecution.objects.create(**left | {"key": "0" * 64}, reason="age")
        with pytest.raises(DatabaseError, match="untold"), transaction.atomic():
            known.delete()
        with pytest.raises(DatabaseError), transaction.atomic():
            DroppedExecution.objects.update(key=known.key)


def test_the_command_drops_by_name_and_the_task_by_age(asked_demo, settings, caplog):
    known, out = asked_demo.ask().json()["execution_id"], io.StringIO()

    with asked_demo.role("job"):
        with pytest.raises(CommandError, match="there is no execution 0"):
            call_command("drop_executions", known, "00000000-0000-4000-8000-000000000000")
        call_command("drop_executions", known, json=True, stdout=out)
        call_command("drop_executions", stdout=out)
        with caplog.at_level(logging.INFO):
            tasks.drop_executions()
        reasons = list(DroppedExecution.objects.values_list("reason", flat=True))

    *named, by_age = out.getvalue().strip().splitlines()
    assert json.loads("".join(named)) == {"by_hand": 1}
    assert by_age == "dropped: 0 answers by age, 0 by quota, 0 idempotency keys"
    assert reasons == ["by-hand"]


def test_an_altered_answer_is_dropped_by_hand_and_then_computed_anew(asked_demo):
    given = asked_demo.ask().json()
    staging.by_force(asked_demo, "UPDATE execution_execution SET result = replace(result, '756411.71', '999999.99')")
    cache.clear()

    refused = asked_demo.ask()
    with asked_demo.role("job"):
        call_command("drop_executions", given["execution_id"], stdout=io.StringIO())
    again = asked_demo.ask().json()

    assert refused.json()["type"] == "execution-altered"
    assert again["metadata"]["result_hash"] == given["metadata"]["result_hash"]
