"""GET /v1/executions, the trace of one, and its replay."""

from uuid import uuid4

import pytest
from django.test import Client

from agents.result import RequestContext, Result
from config.errors import TieoutError
from execution import executor
from execution.models import Execution
from execution.tests import staging
from pricing.providers.http import ProviderFailed


def get(demo, path, user="owner", **query):
    return Client().get(path, query, headers={"Authorization": f"Bearer {demo.token(user)}"})


def replay(demo, execution_id, user="owner"):
    return Client().post(
        f"/v1/executions/{execution_id}/replay", headers={"Authorization": f"Bearer {demo.token(user)}"}
    )


def test_a_caller_sees_the_own_executions_newest_first_filtered_and_paged(private_demo):
    asked = [private_demo.ask(asof_date=day).json() for day in ("2013-02-27", "2013-02-28", "2013-03-01")]
    staging.grant(private_demo, "other", private_demo.public_id)
    private_demo.ask("other")

    whole = get(private_demo, "/v1/executions").json()
    page = get(private_demo, "/v1/executions", limit=1, offset=1).json()
    span = get(private_demo, "/v1/executions", first="2013-02-28", last="2013-02-28").json()
    none = [
        get(private_demo, "/v1/executions", **query).json()["count"]
        for query in (
            {"pattern_id": "money_bridge"},
            {"portfolio_id": str(private_demo.second_id)},
            {"status": "failed"},
        )
    ]

    assert [each["execution_id"] for each in whole["executions"]] == [each["execution_id"] for each in reversed(asked)]
    assert (whole["count"], page["executions"]) == (3, whole["executions"][1:2])
    assert [each["asof_date"] for each in span["executions"]] == ["2013-02-28"]
    assert none == [0, 0, 0]
    newest, metadata = whole["executions"][0], asked[-1]["metadata"]
    shared = newest.keys() & metadata.keys()
    assert {"pattern_id", "result_hash", "engine_version", "pricing_pack_id"} <= shared
    assert {name: newest[name] for name in shared - {"duration_ms"}} == {
        name: metadata[name] for name in shared - {"duration_ms"}
    }


def test_the_trace_of_an_execution_is_the_one_that_it_was_answered_with(private_demo):
    asked = private_demo.ask().json()

    traced = get(private_demo, f"/v1/executions/{asked['execution_id']}/trace").json()

    assert (traced["status"], traced["problem"]) == ("done", None)
    assert traced["steps"] == asked["trace"]["steps"]


def test_a_failed_execution_says_by_what_and_where_it_failed(private_demo, monkeypatch):
    def broken(ctx: RequestContext) -> Result[dict[str, object]]:
        raise TieoutError("no such thing")

    with staging.offering(private_demo, monkeypatch, broken=broken):
        refused = private_demo.ask(pattern_id="fake_broken")
    (entry,) = get(private_demo, "/v1/executions", status="failed").json()["executions"]

    traced = get(private_demo, f"/v1/executions/{entry['execution_id']}/trace").json()

    assert (refused.json()["type"], entry["problem"], traced["problem"]) == ("step-failed",) * 3
    assert [(each["status"], each.get("reason")) for each in traced["steps"]] == [
        ("ok", None), ("failed", "no such thing"), ("not_reached", None),
    ]  # fmt: skip


def test_name_and_place_of_what_did_not_answer_are_in_no_trace(private_demo, monkeypatch):
    def away(ctx: RequestContext) -> Result[dict[str, object]]:
        raise ProviderFailed("polygon", "/v2", "connection to 10.0.0.7 refused")

    with staging.offering(private_demo, monkeypatch, away=away):
        private_demo.ask(pattern_id="fake_away")
    with private_demo.role("job"):
        row = Execution.objects.get(status="failed")

    traced = get(private_demo, f"/v1/executions/{row.pk}/trace")

    assert "10.0.0.7" in str(row.trace)
    assert "10.0.0.7" not in traced.content.decode()
    assert traced.json()["problem"] == "unavailable"


def test_the_same_engine_replays_the_same_bytes(private_demo):
    execution_id = private_demo.ask().json()["execution_id"]

    answer = replay(private_demo, execution_id)

    engine = executor.engine_version()
    assert answer.json() == {
        "execution_id": execution_id, "outcome": "identical", "path": None,
        "stored_engine": engine, "current_engine": engine,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "outcome", "path"),
    [
        ("engine_version = '0.0.9+old'", "different-engine", None),
        (
            'result = replace(result, \'"currency":"CAD"\', \'"currency":"CAX"\')',
            "different",
            "/valued_positions/currency",
        ),
    ],
)
def test_what_is_replayed_otherwise_is_told(private_demo, change, outcome, path):
    execution_id = private_demo.ask().json()["execution_id"]
    staging.by_force(private_demo, f"UPDATE execution_execution SET {change}")

    answer = replay(private_demo, execution_id)

    assert (answer.status_code, answer.json()["outcome"]) == (200, outcome)
    if path:
        assert answer.json()["path"].endswith("currency")


def test_a_replay_counts_as_a_computation(private_demo, settings):
    execution_id = private_demo.ask().json()["execution_id"]
    settings.EXECUTIONS_PER_MINUTE = 1

    answers = [replay(private_demo, execution_id) for _ in range(3)]

    assert 429 in [answer.status_code for answer in answers]


@pytest.mark.parametrize("below", ["", "/trace", "/replay"])
def test_an_execution_of_another_is_none(private_demo, below):
    execution_id = private_demo.ask().json()["execution_id"]
    ask = Client().post if below == "/replay" else Client().get
    headers = {"Authorization": f"Bearer {private_demo.token('other')}"}

    foreign, unknown = (ask(f"/v1/executions/{each}{below}", headers=headers) for each in (execution_id, uuid4()))

    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
