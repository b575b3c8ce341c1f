"""`Idempotency-Key`: a request that is sent again is answered by what the first try has done."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.db import connection

from agents.result import RequestContext, Result
from execution.models import Execution, IdempotencyKey
from execution.tests import staging

OVERVIEW = "portfolio_overview"


def send(world, key, username="owner", **fields):
    body = {"pattern_id": OVERVIEW, "portfolio_id": str(world.public_id), **fields}
    return world.post(username, body, **{"Idempotency-Key": key})


def test_a_retry_is_the_same_execution(private_demo):
    first, again = (send(private_demo, "a" * 8, asof_date="2013-02-24") for _ in range(2))

    assert first.json()["execution_id"] == again.json()["execution_id"]
    assert first.json()["result"] == again.json()["result"]
    assert first["ETag"] == again["ETag"]
    for told in ("requested_asof_date", "asof_date", "warnings"):
        assert again.json()["metadata"][told] == first.json()["metadata"][told]


def test_a_retry_after_the_ledger_went_on_is_still_the_first_execution(private_demo):
    first = send(private_demo, "retry")
    staging.amend_ledger(private_demo, "; a comment\n")

    again = send(private_demo, "retry")

    assert again.json()["execution_id"] == first.json()["execution_id"]
    assert send(private_demo, "another").json()["execution_id"] != first.json()["execution_id"]


def test_another_body_under_the_same_key_is_a_conflict(private_demo):
    send(private_demo, "k1")

    answer = send(private_demo, "k1", asof_date="2013-02-22")

    body = answer.json()
    assert (answer.status_code, body["type"]) == (409, "idempotency-conflict")
    assert body["first_at"].startswith("20")


def test_a_key_belongs_to_its_user(private_demo):
    staging.grant(private_demo, "other", private_demo.public_id)

    first, others = send(private_demo, "k2"), send(private_demo, "k2", "other", asof_date="2013-02-22")

    assert (first.status_code, others.status_code) == (200, 200)


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
def test_a_key_that_is_none_is_refused(demo, key):
    answer = send(demo, key)

    assert (answer.status_code, answer.json()["type"]) == (400, "invalid-request")


def test_a_failure_of_ours_is_answered_again_without_another_try(private_demo, monkeypatch):
    tries = []

    def broken(ctx: RequestContext) -> Result[dict[str, int]]:
        tries.append(1)
        raise KeyError

    with staging.offering(private_demo, monkeypatch, broken=broken):
        first, again = (send(private_demo, "k3", pattern_id="fake_broken") for _ in range(2))

    assert len(tries) == 1
    assert (first.status_code, again.status_code) == (500, 500)
    bodies = [{**answer.json(), "request_id": ""} for answer in (first, again)]
    assert bodies[0] == bodies[1]
    assert bodies[0]["type"] == "step-failed"


def test_a_failure_recorded_by_an_earlier_release_is_answered_again(private_demo, monkeypatch):
    def broken(ctx: RequestContext) -> Result[dict[str, int]]:
        raise KeyError

    answer = {"status": 500, "type": "step-failed", "detail": "as it was", "extra": {"step": "made"}, "headers": {}}
    with staging.offering(private_demo, monkeypatch, broken=broken):
        send(private_demo, "k7", pattern_id="fake_broken")
        staging.by_force(
            private_demo,
            "UPDATE execution_execution SET problem = %s WHERE status = 'failed'",
            [json.dumps({"error": "StepFailed", "detail": "as it was", "answer": answer})],
        )
        again = send(private_demo, "k7", pattern_id="fake_broken")

    body = again.json()
    assert (again.status_code, body["type"], body["detail"], body["step"]) == (500, "step-failed", "as it was", "made")


def test_what_was_away_is_tried_again(private_demo, monkeypatch):
    tries = []

    def away(ctx: RequestContext) -> Result[dict[str, int]]:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionResetError
        return Result({"n": 1}, sources=("ledger",), asof=ctx.asof_date, ttl=0)

    with staging.offering(private_demo, monkeypatch, away=away):
        first, again = (send(private_demo, "k4", pattern_id="fake_away") for _ in range(2))

    assert (first.status_code, again.status_code) == (503, 200)


def test_a_refusal_before_any_step_is_decided_anew(private_demo):
    staging.set_packs(private_demo, "warming")
    first = send(private_demo, "k5")
    staging.set_packs(private_demo, "fresh")

    again = send(private_demo, "k5")

    assert (first.status_code, again.status_code) == (503, 200)


def test_a_try_whose_process_was_killed_is_made_again(private_demo):
    first = send(private_demo, "k6", inputs={"lookback_days": 71}).json()["execution_id"]
    staging.by_force(private_demo, "UPDATE execution_execution SET status = 'running' WHERE id = %s", [first])
    cache.clear()

    again = send(private_demo, "k6", inputs={"lookback_days": 71})

    assert again.status_code == 200
    assert again.json()["execution_id"] != first
    assert send(private_demo, "k6", inputs={"lookback_days": 71}).json()["execution_id"] == again.json()["execution_id"]


def test_twenty_at_once_are_one_execution(private_demo):
    key, named = uuid.uuid4().hex, {"pattern_id": OVERVIEW, "portfolio_id": str(private_demo.public_id)}
    body = {**named, "inputs": {"lookback_days": 72}}

    def ask(_):
        connection.settings_dict["NAME"] = private_demo.database
        try:
            return private_demo.post("owner", body, **{"Idempotency-Key": key}).json()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(20)))

    assert len({answer["execution_id"] for answer in answers}) == 1
    assert len({str(answer["result"]) for answer in answers}) == 1
    with private_demo.role("job"):
        kept = IdempotencyKey.objects.get(key=key)
        assert Execution.objects.filter(request__inputs__lookback_days=72).count() == 1
    assert str(kept.execution_id) == answers[0]["execution_id"]
