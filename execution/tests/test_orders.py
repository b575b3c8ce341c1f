"""Prefer: respond-async: a worker computes, the steps are seen as they end, and who ordered may end it."""

import json
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection
from django.test import Client

from agents.result import RequestContext, Result
from config.errors import TieoutError
from config.redis_client import shared_redis
from execution import tasks
from execution.executor import orders
from execution.models import Execution, ExecutionOrder
from execution.tests import staging


@pytest.fixture
def rung(monkeypatch):
    """The orders that a worker was rung for."""
    found = []
    monkeypatch.setattr(tasks.make_execution, "delay", lambda *, order: found.append(order))
    return found


def order(demo, user="owner", prefer="respond-async", **fields):
    body = {"pattern_id": "portfolio_overview", "portfolio_id": str(demo.public_id), **fields}
    headers = {"Authorization": f"Bearer {demo.token(user)}", "Prefer": prefer}
    return Client().post("/v1/execute", json.dumps(body), content_type="application/json", headers=headers)


def get(demo, path, user="owner"):
    return Client().get(path, headers={"Authorization": f"Bearer {demo.token(user)}"})


def cancel(demo, path, user="owner"):
    return Client().delete(path, headers={"Authorization": f"Bearer {demo.token(user)}"})


def work(demo, rung):
    with demo.role("job"):
        for each in rung:
            tasks.make_execution(order=each)


def test_an_ordered_execution_is_computed_by_a_worker_and_answered_where_it_says(private_demo, rung):
    ordered = order(private_demo, prefer="handling=lenient, respond-async; wait=10")
    waiting = get(private_demo, ordered["Location"]).json()

    work(private_demo, rung)

    done = get(private_demo, ordered["Location"]).json()
    answer = get(private_demo, done["execution"]).json()
    assert (ordered.status_code, ordered["Preference-Applied"]) == (202, "respond-async")
    assert ordered.json() == waiting
    assert (waiting["state"], waiting["execution"], waiting["steps"]) == ("waiting", None, [])
    assert rung == [waiting["order_id"]]
    assert done["state"] == "done"
    assert done["steps"] == answer["trace"]["steps"]
    assert answer["result"]["valued_positions"]["total_value"] == "756411.71"
    assert answer["metadata"]["result_hash"] == private_demo.ask().json()["metadata"]["result_hash"]


def test_what_is_stored_is_answered_at_once(asked_demo, rung):
    answer = order(asked_demo)

    assert (answer.status_code, answer.json()["metadata"]["cached"]) == (200, True)
    assert rung == []


def test_what_can_not_be_computed_is_refused_at_once(private_demo, rung):
    assert order(private_demo, pattern_id="nonsense").json()["type"] == "pattern-not-found"
    assert order(private_demo, "other").json()["type"] == "portfolio-not-found"
    assert order(private_demo, nonsense=1).json()["type"] == "invalid-request"
    assert rung == []


def test_steps_are_seen_as_they_end_and_a_cancelled_order_ends_after_the_step_under_way(
    private_demo, monkeypatch, rung
):
    begun, go = threading.Event(), threading.Event()

    def slow(ctx: RequestContext) -> Result[dict[str, object]]:
        begun.set()
        assert go.wait(30)
        return Result({}, (), ctx.asof_date, 60)

    with staging.offering(private_demo, monkeypatch, slow=slow):
        place = order(private_demo, pattern_id="fake_slow")["Location"]

        def make():
            try:
                with private_demo.role("job"):
                    tasks.make_execution(order=rung[0])
            finally:
                connection.close()

        worker = threading.Thread(target=make)
        worker.start()
        assert begun.wait(30)
        running = get(private_demo, place).json()
        ended = cancel(private_demo, place)
        go.set()
        worker.join(30)

    after = get(private_demo, place).json()
    assert (running["state"], [step["as"] for step in running["steps"]]) == ("running", ["before"])
    assert (ended.status_code, after["state"], after["execution"]) == (204, "cancelled", None)
    with private_demo.role("job"):
        assert Execution.objects.get().status == "failed"
    assert cancel(private_demo, place).status_code == 204


def test_a_cancelled_order_that_waits_is_never_computed(private_demo, rung):
    place = order(private_demo)["Location"]

    assert cancel(private_demo, place).status_code == 204
    work(private_demo, rung)

    assert get(private_demo, place).json()["state"] == "cancelled"
    with private_demo.role("job"):
        assert not Execution.objects.exists()


def test_an_order_that_fails_says_by_what(private_demo, monkeypatch, rung):
    def broken(ctx: RequestContext) -> Result[dict[str, object]]:
        raise TieoutError("no such thing")

    with staging.offering(private_demo, monkeypatch, broken=broken):
        place = order(private_demo, pattern_id="fake_broken")["Location"]
        work(private_demo, rung)

    failed = get(private_demo, place).json()
    assert (failed["state"], failed["problem"]) == ("failed", "step-failed")
    assert [step["status"] for step in failed["steps"]] == ["ok", "failed", "not_reached"]


def test_an_order_over_the_time_of_a_task_ends_as_a_failed_step_and_its_execution_with_it(
    private_demo, monkeypatch, rung
):
    def endless(ctx: RequestContext) -> Result[dict[str, object]]:
        raise SoftTimeLimitExceeded  # what Celery does in a task that has had its time

    with staging.offering(private_demo, monkeypatch, endless=endless):
        place = order(private_demo, pattern_id="fake_endless")["Location"]
        work(private_demo, rung)

    failed = get(private_demo, place).json()
    assert tasks.make_execution.soft_time_limit < tasks.make_execution.time_limit
    assert (failed["state"], failed["problem"]) == ("failed", "step-failed")
    with private_demo.role("job"):
        assert Execution.objects.get().status == "failed"


def test_a_portfolio_that_was_taken_away_meanwhile_is_none(private_demo, rung):
    staging.grant(private_demo, "other", private_demo.public_id)
    place = order(private_demo, "other")["Location"]
    staging.by_force(private_demo, "DELETE FROM portfolio_portfolioaccess")

    work(private_demo, rung)

    assert get(private_demo, place, "other").json()["problem"] == "portfolio-not-found"
    with private_demo.role("job"):
        assert not Execution.objects.exists()


def test_an_order_of_another_is_none(private_demo, rung):
    place = order(private_demo)["Location"]

    for ask in (get, cancel):
        foreign = ask(private_demo, place, "other")
        unknown = ask(private_demo, f"/v1/orders/{uuid4()}", "other")
        assert (foreign.status_code, unknown.status_code) == (404, 404)
        assert foreign.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}


def test_a_user_has_so_many_open_orders(private_demo, rung, monkeypatch):
    monkeypatch.setattr(orders, "MOST_OPEN", 1)

    first, second = order(private_demo), order(private_demo, asof_date="2013-02-28")

    assert (first.status_code, second.status_code, second.json()["type"]) == (202, 429, "throttled")
    assert int(second["Retry-After"]) > 0


def test_without_redis_the_order_is_made_and_only_its_steps_are_not_seen(private_demo, rung, monkeypatch):
    place = order(private_demo)["Location"]
    assert shared_redis().ping()
    monkeypatch.setattr(orders.cache, "set", _away)

    work(private_demo, rung)

    assert get(private_demo, place).json()["state"] == "done"


def _away(*_, **__):
    from redis.exceptions import ConnectionError

    raise ConnectionError


def test_an_order_that_nobody_computes_is_rung_for_again(private_demo, rung):
    order(private_demo)
    with private_demo.role("job"):
        (first,) = rung
        assert orders.waiting(datetime.now(UTC) - timedelta(minutes=2)) == []
        staging.by_force(private_demo, "UPDATE execution_executionorder SET ordered_at = now() - interval '3 minutes'")
        tasks.take_up_stale_runs()

    assert rung == [first, first]


def test_ended_orders_are_forgotten_with_their_answers(private_demo, rung):
    order(private_demo)
    with private_demo.role("job"):
        future = datetime.now(UTC) + timedelta(days=1)
        assert orders.forget(future) == 0
        ExecutionOrder.objects.update(state="cancelled")
        assert orders.forget(future) == 1
