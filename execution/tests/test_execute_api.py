"""POST /v1/execute: what is answered, and what is refused with which words."""

import json
import math
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from django.db import OperationalError
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken

from agents.result import RequestContext, Result
from execution.executor import computation, planning
from execution.models import Execution, NightlyRun, RunState
from execution.tests import staging
from portfolio.models import RevisionStatus
from pricing.models import Security
from tests import plugin

ASKED = {"pattern_id": "portfolio_overview"}


def problem(response, status, kind):
    """The document, checked for what every one of them has."""
    body = json.loads(response.content)
    assert (response.status_code, body["status"], body["type"]) == (status, status, kind), body
    assert response["Content-Type"] == "application/problem+json"
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response["X-Request-ID"]
    return body


def pointers(body):
    return {each["pointer"] for each in body["errors"]}


# --- answered


def test_a_fresh_pack_is_answered_with_all_that_the_result_ties_out_to(demo):
    answer = demo.ask(asof_date="2013-03-01").json()

    assert answer.keys() == {"execution_id", "result", "metadata", "trace"}
    assert answer["metadata"].keys() >= {
        "pattern_id",
        "pattern_version",
        "pricing_pack_id",
        "pack_chain_hash",
        "policy",
        "ledger_commit_hash",
        "asof_date",
        "requested_asof_date",
        "engine_version",
        "result_hash",
        "cached",
        "duration_ms",
        "sources",
        "attributions",
        "rights",
        "confidence",
        "warnings",
    }
    assert answer["metadata"]["rights"].keys() == {"version", "withheld"}
    assert [name for name, value in answer["metadata"].items() if value is None] == []
    assert answer["metadata"]["provisional"] is False


def test_the_trace_names_every_step_in_order(demo):
    steps = demo.ask(asof_date="2013-03-01").json()["trace"]["steps"]

    assert [step["as"] for step in steps] == [
        "positions",
        "valued_positions",
        "bridges",
        "gains",
        "historical_nav",
        "perf_metrics",
        "metrics",
        "windows",
        "currency_attr",
        "contribution",
        "calendar_years",
        "span",
        "over_span",
        "trades",
        "bridge",
        "income",
        "leading",
        "classified",
        "allocation",
        "months",
    ]
    for step in steps:
        assert step.keys() >= {
            "as", "capability", "agent", "status", "started_at", "duration_ms", "asof", "ttl", "sources", "warnings"
        }  # fmt: skip
        agent = "data_harvester" if step["as"] == "classified" else "financial_analyst"
        assert (step["status"], step["agent"], step["asof"]) == ("ok", agent, "2013-03-01")


def test_without_a_date_the_newest_pack_day_answers(demo):
    metadata = demo.ask().json()["metadata"]

    assert (metadata["asof_date"], metadata["requested_asof_date"]) == ("2013-03-01", "2013-03-01")


def test_a_date_without_a_pack_is_answered_by_the_day_before_and_both_are_told(demo):
    metadata = demo.ask(asof_date="2013-02-24").json()["metadata"]

    assert (metadata["asof_date"], metadata["requested_asof_date"]) == ("2013-02-22", "2013-02-24")
    assert "2013-02-24 has no pack; answered by 2013-02-22" in metadata["warnings"]


def test_the_commit_and_the_pack_that_were_used_can_be_asked_for(demo):
    used = demo.ask(asof_date="2013-02-22").json()

    again = demo.ask(
        ledger_commit=used["metadata"]["ledger_commit_hash"],
        pricing_pack_id=used["metadata"]["pricing_pack_id"],
        asof_date="2013-02-24",
    ).json()

    assert again["execution_id"] == used["execution_id"]


def test_the_portfolio_may_stand_among_the_inputs_instead(demo):
    given = demo.ask().json()

    answer = demo.post("owner", {**ASKED, "inputs": {"portfolio_id": str(demo.public_id)}})

    assert answer.json()["execution_id"] == given["execution_id"]


def test_the_newest_revision_being_broken_is_warned_of(private_demo):
    staging.amend_ledger(private_demo, "; a comment\n", status=RevisionStatus.BROKEN)

    warnings = private_demo.ask().json()["metadata"]["warnings"]

    assert warnings == ["the ledger's newest revision 2 is broken; this is revision 1"]


def test_an_answer_has_the_id_of_its_request(demo):
    answer = demo.post("owner", {**ASKED, "portfolio_id": str(demo.public_id)}, **{"X-Request-ID": "abcdefgh12"})

    assert answer["X-Request-ID"] == "abcdefgh12"


# --- packs that are not fresh


def test_a_warming_pack_is_refused_with_the_time_it_will_be_ready(private_demo):
    staging.set_packs(private_demo, "warming")

    response = private_demo.ask(asof_date="2013-03-01")

    body = problem(response, 503, "pack-warming")
    assert body["pack_id"].startswith("PP_2013-03-01_ECB_EUR_r")
    assert body["status_of_pack"] == "warming"
    assert datetime.fromisoformat(body["estimated_ready"]) >= datetime.now(UTC) - timedelta(seconds=1)
    assert int(response["Retry-After"]) >= 1


def test_a_night_that_began_long_ago_is_never_ready_in_the_past(private_demo):
    staging.set_packs(private_demo, "warming")
    staging.by_force(
        private_demo, "UPDATE execution_nightlyrun SET started_at = '2013-03-02', finished_at = '2013-03-02 00:01'"
    )
    before = datetime.now(UTC)

    body = problem(private_demo.ask(), 503, "pack-warming")

    assert datetime.fromisoformat(body["estimated_ready"]) > before


def test_where_no_night_has_ended_nobody_guesses(private_demo):
    staging.set_packs(private_demo, "warming")
    with private_demo.role("job"):
        NightlyRun.objects.update(state=RunState.RUNNING, finished_at=None)

    response = private_demo.ask()

    assert problem(response, 503, "pack-warming")["estimated_ready"] is None
    assert int(response["Retry-After"]) >= 1


def test_without_any_pack_the_answer_says_so(private_demo):
    staging.by_force(private_demo, "DELETE FROM pricing_pricingpack")

    body = problem(private_demo.ask(), 503, "pack-warming")

    assert (body["pack_id"], body["status_of_pack"], body["estimated_ready"]) == (None, "absent", None)


def test_a_pack_in_error_is_refused_with_its_job_and_reason(private_demo):
    staging.set_packs(private_demo, "error", job="build_pack", reason="1 missing: price of AAPL")

    response = private_demo.ask(asof_date="2013-03-01")

    body = problem(response, 503, "pack-error")
    assert (body["job"], body["reason"]) == ("build_pack", "1 missing: price of AAPL")


def test_staff_may_look_at_a_warming_pack_and_nothing_of_it_is_kept(private_demo):
    staging.grant(private_demo, "staff", private_demo.public_id)
    staging.set_packs(private_demo, "warming")

    answers = [private_demo.ask("staff", require_fresh=False) for _ in range(2)]
    given = [answer.json()["execution_id"] for answer in answers]
    found = private_demo.client("staff").get(f"/v1/executions/{given[0]}").json()
    staging.set_packs(private_demo, "fresh")
    after = private_demo.ask("staff").json()

    metadata = [answer.json()["metadata"] for answer in answers]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [(each["provisional"], each["cached"]) for each in metadata] == [(True, False)] * 2
    assert [warning for warning in metadata[0]["warnings"] if warning.startswith("provisional: PP_2013-03-01")]
    # Looked up, it still says so; once the pack is fresh, it is computed anew.
    assert found["metadata"]["provisional"] is True
    assert found["metadata"]["warnings"] == metadata[0]["warnings"]
    assert len({*given, after["execution_id"]}) == 3
    assert (after["metadata"]["cached"], after["metadata"]["provisional"]) == (False, False)


def test_who_is_not_staff_may_not_ask_for_what_is_not_fresh(demo):
    problem(demo.ask(require_fresh=False), 403, "forbidden")


# --- requests that can't be read


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"pattern_id": NaN}', "/pattern_id"),
        ('{"pattern_id": "a", "pattern_id": "b"}', "/pattern_id"),
        ('{"pattern_id": "a\\u0000b"}', "/pattern_id"),
        ('{"inputs": {"x": 1e400}}', "/inputs/x"),
        ("[" * 101 + "]" * 101, ""),
        ("[]", ""),
        ('"text"', ""),
        ("{", ""),
        (" ", ""),
        (b'{"pattern_id": "\xff"}', ""),
    ],
)
def test_what_is_no_json_object_of_one_meaning_is_refused_with_the_place(demo, body, pointer):
    answer = problem(demo.post("owner", body), 400, "invalid-request")

    assert pointers(answer) == {pointer}


def test_every_field_and_input_that_is_wrong_is_named_at_once(demo):
    answer = demo.post(
        "owner",
        {
            **ASKED,
            "inputs": {"lookback_days": "many", "colour": "red"},
            "asof_date": "01/03/2013",
            "require_fresh": "yes",
            "ledger_commit": "HEAD",
            "pricing_pack_id": 7,
            "user_id": 1,
        },
    )

    body = problem(answer, 400, "invalid-request")
    assert pointers(body) == {
        "/inputs/lookback_days",
        "/inputs/colour",
        "/inputs/portfolio_id",
        "/asof_date",
        "/require_fresh",
        "/ledger_commit",
        "/pricing_pack_id",
        "/user_id",
    }


def test_a_field_that_can_not_be_read_is_not_also_called_missing(demo):
    answer = demo.post("owner", {**ASKED, "portfolio_id": "public", "inputs": 7})

    assert pointers(problem(answer, 400, "invalid-request")) == {"/portfolio_id", "/inputs"}


def test_a_pattern_must_be_named(demo):
    assert pointers(problem(demo.post("owner", {"inputs": {}}), 400, "invalid-request")) == {"/pattern_id"}


def test_two_portfolios_in_one_request_are_refused(demo):
    answer = demo.ask(inputs={"portfolio_id": str(uuid4())})

    assert pointers(problem(answer, 400, "invalid-request")) == {"/inputs/portfolio_id"}


@pytest.mark.parametrize(
    "asof", ["2013-02-30", "2013-W09-5", "20130301", "yesterday", 20130301, "2002-12-01", "2999-01-01"]
)
def test_a_date_that_can_not_be_answered_is_refused_with_the_first_and_last_possible_one(demo, asof):
    body = problem(demo.ask(asof_date=asof), 400, "invalid-request")

    assert pointers(body) == {"/asof_date"}
    assert body["first"] == "2002-12-02"
    assert abs(date.fromisoformat(body["last"]) - datetime.now(UTC).date()) <= timedelta(days=1)


def test_a_date_out_of_range_is_told_together_with_a_wrong_input(demo):
    body = problem(demo.ask(asof_date="1999-12-31", inputs={"lookback_days": 0}), 400, "invalid-request")

    assert pointers(body) == {"/asof_date", "/inputs/lookback_days"}
    assert body["first"] == "2002-12-02"


def test_a_pack_that_is_not_that_of_the_date_is_refused(demo):
    answer = demo.ask(pricing_pack_id="PP_2013-02-22_ECB_EUR_r1", asof_date="2013-03-01")

    assert pointers(problem(answer, 400, "invalid-request")) == {"/pricing_pack_id"}


def test_another_content_type_is_refused_with_the_one_that_is_taken(demo):
    token = demo.token("owner")

    answer = Client().post("/v1/execute", "{}", content_type="text/plain", headers={"Authorization": f"Bearer {token}"})

    problem(answer, 415, "unsupported-media-type")
    assert answer["Accept"] == "application/json"


def test_another_verb_is_refused_with_those_that_are_taken(demo):
    answer = Client().get("/v1/execute", headers={"Authorization": f"Bearer {demo.token('owner')}"})

    problem(answer, 405, "method-not-allowed")
    assert "POST" in answer["Allow"]


def test_a_body_over_the_limit_is_refused_with_the_limit(demo):
    answer = demo.post("owner", '{"pattern_id": "' + "x" * 1024 * 1024 + '"}')

    assert "1048576 bytes" in problem(answer, 413, "too-large")["detail"]


# --- what is not there


def test_an_unknown_pattern_is_not_found_and_near_names_are_told(demo):
    body = problem(demo.ask(pattern_id="portfolio_overveiw"), 404, "pattern-not-found")

    assert body["near"][0] == "portfolio_overview"


@pytest.mark.parametrize("pack_id", ["PP_2013-03-01_ECB_EUR_r99", "", "PP"])
def test_an_unknown_pack_is_not_found(demo, pack_id):
    problem(demo.ask(pricing_pack_id=pack_id), 404, "pack-not-found")


def test_an_unknown_commit_is_not_found(demo):
    problem(demo.ask(ledger_commit="0123456789" * 4), 404, "commit-not-found")


def test_a_commit_of_the_ledger_before_the_portfolio_was_in_it_is_not_found(demo):
    commit = demo.ask().json()["metadata"]["ledger_commit_hash"]

    answer = demo.post("other", {**ASKED, "portfolio_id": str(demo.second_id), "ledger_commit": commit})

    problem(answer, 404, "commit-not-found")


@pytest.mark.parametrize("place", ["body", "inputs"])
def test_a_portfolio_of_somebody_else_and_none_at_all_are_one_answer_to_the_byte(demo, place):
    def ask(portfolio_id):
        named = {"portfolio_id": str(portfolio_id)}
        return demo.post("other", {**ASKED, **(named if place == "body" else {"inputs": named})}).content

    theirs, nobodys = json.loads(ask(demo.public_id)), json.loads(ask(uuid4()))

    assert theirs["type"] == "portfolio-not-found"
    del theirs["request_id"], nobodys["request_id"]
    assert json.dumps(theirs) == json.dumps(nobodys)


def test_a_wrong_request_for_a_foreign_portfolio_tells_no_more_than_one_for_none(demo):
    def ask(portfolio_id):
        body = {**ASKED, "portfolio_id": str(portfolio_id), "asof_date": "1999-01-01", "inputs": {"lookback_days": 0}}
        return demo.post("other", body).json()

    theirs, nobodys = ask(demo.public_id), ask(uuid4())

    assert theirs["type"] == "invalid-request"
    del theirs["request_id"], nobodys["request_id"]
    assert theirs == nobodys


# --- who asks


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Bearer a.b.c", "Basic b3duZXI6eA==", "Bearer"])
def test_without_good_credentials_nothing_is_answered(demo, header):
    answer = Client().post(
        "/v1/execute", "{}", content_type="application/json", headers={"Authorization": header} if header else {}
    )

    body = problem(answer, 401, "unauthenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert "ErrorDetail" not in body["detail"]


def test_an_expired_token_is_no_credential(demo):
    token = AccessToken.for_user(demo.user("owner"))
    token.set_exp(lifetime=-timedelta(seconds=1))

    answer = Client().post(
        "/v1/execute", "{}", content_type="application/json", headers={"Authorization": f"Bearer {token}"}
    )

    problem(answer, 401, "unauthenticated")


def test_a_user_who_left_is_refused_at_once_with_a_token_that_has_not_expired(private_demo):
    token = private_demo.token("owner")
    staging.by_force(private_demo, "UPDATE auth_user SET is_active = false WHERE username = 'owner'")

    answer = Client().post(
        "/v1/execute", "{}", content_type="application/json", headers={"Authorization": f"Bearer {token}"}
    )

    problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("name", ["X-User-ID", "X-Remote-User", "Remote-User", "X-Forwarded-User"])
def test_a_header_that_claims_to_be_somebody_has_no_effect(demo, name):
    body = {**ASKED, "portfolio_id": str(demo.public_id)}

    answer = demo.post("other", body, **{name: str(demo.user("owner").pk)})

    problem(answer, 404, "portfolio-not-found")


def test_a_session_asks_as_its_user_and_needs_its_csrf_token(demo):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(demo.user("owner"))

    answer = browser.post("/v1/execute", json.dumps(ASKED), content_type="application/json")

    problem(answer, 403, "forbidden")


# --- failures on the way


def test_a_failing_step_is_answered_with_the_trace_so_far_and_stays_on_record(private_demo, monkeypatch):
    def broken(ctx: RequestContext) -> Result[dict[str, int]]:
        raise KeyError("/secret/path of the house")

    with staging.offering(private_demo, monkeypatch, broken=broken):
        answer = private_demo.ask(pattern_id="fake_broken")

    body = problem(answer, 500, "step-failed")
    assert (body["step"], body["capability"], body["agent"]) == ("made", "fake.broken", "faker")
    assert [(step["as"], step["status"]) for step in body["trace"]["steps"]] == [
        ("before", "ok"),
        ("made", "failed"),
        ("after", "not_reached"),
    ]
    assert b"secret" not in answer.content
    assert b"KeyError" not in answer.content
    with private_demo.role("job"):
        kept = Execution.objects.get(pattern_version__pattern="fake_broken")
    record = kept.problem or {}
    assert (kept.status, record["error"], record["fields"]["cause"]["error"]) == (
        "failed",
        "StepFailed",
        "CapabilityFailed",
    )
    assert [step["status"] for step in kept.trace["steps"]] == ["ok", "failed", "not_reached"]


def test_a_number_that_is_none_is_an_internal_failure_without_a_word_of_itself(private_demo, monkeypatch):
    def nan(ctx: RequestContext) -> Result[dict[str, float]]:
        return Result({"x": math.nan}, sources=("ledger",), asof=ctx.asof_date, ttl=0)

    with staging.offering(private_demo, monkeypatch, nan=nan):
        body = problem(private_demo.ask(pattern_id="fake_nan"), 500, "internal")

    assert body["detail"] == "the request id finds it in the log"


def test_an_open_breaker_is_answered_with_the_time_to_wait(private_demo, monkeypatch):
    def away(ctx: RequestContext) -> Result[dict[str, int]]:
        raise ConnectionRefusedError

    with staging.offering(private_demo, monkeypatch, away=away):
        answers = [private_demo.ask(pattern_id="fake_away") for _ in range(6)]

    body = problem(answers[-1], 503, "capability-unavailable")
    assert [answer.json()["type"].rpartition("/")[2] for answer in answers[:5]] == ["unavailable"] * 5
    assert (body["agent"], body["step"]) == ("faker", "made")
    assert 0 < int(answers[-1]["Retry-After"]) <= 60


def test_one_portfolio_whose_data_break_a_step_leaves_the_others_their_answers(private_demo, monkeypatch):
    def broken(ctx: RequestContext) -> Result[dict[str, int]]:
        if ctx.portfolio_id == private_demo.public_id:
            raise ZeroDivisionError
        return Result({"n": 1}, sources=(), asof=ctx.asof_date, ttl=0)

    with staging.offering(private_demo, monkeypatch, broken=broken):
        answers = [private_demo.ask(pattern_id="fake_broken") for _ in range(8)]
        other = private_demo.ask("other", pattern_id="fake_broken", portfolio_id=str(private_demo.second_id))

    for answer in answers:
        problem(answer, 500, "step-failed")
    assert other.status_code == 200


def test_a_database_that_does_not_answer_a_step_never_opens_the_breaker(private_demo, monkeypatch):
    def away(ctx: RequestContext) -> Result[dict[str, int]]:
        raise OperationalError("connection to 10.0.0.7 refused") from psycopg.OperationalError("10.0.0.7")

    with staging.offering(private_demo, monkeypatch, away=away) as runtime:
        answers = [private_demo.ask(pattern_id="fake_away") for _ in range(8)]

    for answer in answers:
        problem(answer, 503, "unavailable")
        assert int(answer["Retry-After"]) >= 1
        assert b"10.0.0.7" not in answer.content
    assert runtime.breaker_states()["fake.away"] == 0


def test_a_security_that_the_pack_has_no_price_of_is_named(private_demo):
    with private_demo.role("job"):
        Security.objects.create(
            symbol="NEWCO", name="New", currency="USD", price_unit="USD", kind="stock", exchange="NASDAQ",
            price_basis="raw", first_date=date(2013, 3, 1), source="bokeh-wiki",
        )  # fmt: skip
    staging.amend_ledger(
        private_demo,
        """
2013-03-01 open Assets:Broker:USD:NEWCO NEWCO "FIFO"

2013-03-01 * "Buy" "Buy 1 NEWCO"
  id: "T999999"
  fx_trade: "USDCAD=1.03"
  Assets:Broker:USD:NEWCO                  1 NEWCO {10.00 USD}
  Assets:Broker:Cash:USD                   -10.00 USD
""",
    )

    body = problem(private_demo.ask(), 503, "missing-price")

    assert (body["symbol"], body["date"], body["last_known_date"]) == ("NEWCO", "2013-03-01", None)
    assert body["step"] == "valued_positions"


def test_a_currency_that_no_published_rate_joins_is_named(private_demo):
    staging.amend_ledger(
        private_demo,
        """
2013-03-01 open Assets:Broker:Cash:AED AED

2013-03-01 * "Deposit" "External transfer"
  id: "T999999"
  Assets:Broker:Cash:AED                   10.00 AED
  Equity:External                          -10.00 AED
""",
    )

    body = problem(private_demo.ask(), 503, "missing-rate")

    assert (body["pair"], body["date"], body["last_known_date"]) == ("AED/CAD", "2013-03-01", None)


def test_a_pack_that_is_not_what_was_sealed_is_never_computed_with(private_demo):
    staging.by_force(
        private_demo,
        "UPDATE pricing_packprice SET close = close * 2 WHERE content_id IN"
        " (SELECT content_id FROM pricing_pricingpack WHERE asof_date = '2013-03-01')",
    )

    body = problem(private_demo.ask(inputs={"lookback_days": 17}), 500, "pack-corrupt")

    assert "PP_2013-03-01_ECB_EUR_r" in body["detail"]


def test_a_database_that_is_away_is_answered_as_unavailable(private_demo, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("connection to server at 10.0.0.7 refused")

    monkeypatch.setattr(planning, "prepare", away)

    answer = private_demo.ask()

    problem(answer, 503, "unavailable")
    assert answer["Retry-After"] == "5"
    assert b"10.0.0.7" not in answer.content


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
def test_a_page_asks_by_its_session_with_the_check_against_forged_requests(demo, kind):
    client = Client(enforce_csrf_checks=True)
    plugin.log_in(client, demo.user("owner"))
    client.get("/account/second-factor/")
    body = json.dumps({"pattern_id": "portfolio_overview", "portfolio_id": str(demo.public_id)})

    forged = client.post("/v1/execute", body, content_type=kind)
    own = client.post(
        "/v1/execute", body, content_type=kind, headers={"X-CSRFToken": client.cookies["csrftoken"].value}
    )

    assert (forged.status_code, own.status_code) == (403, 200)


def statuses_in(value):
    """Every status below a value, of figures and of outputs."""
    if isinstance(value, dict):
        if value.get("status") in ("ok", "degraded", "unavailable"):
            yield value["status"]
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        yield from statuses_in(each)


def test_confidence_counts_what_has_a_status_as_it_is_served(private_demo):
    first = private_demo.ask().json()
    staging.decide_rights(private_demo, "ust-par-curve", "deny")
    withheld = private_demo.ask().json()

    for answer in (first, withheld):
        counted = Counter(statuses_in(answer["result"]))
        confidence = answer["metadata"]["confidence"]
        assert {name: confidence[name] for name in ("ok", "degraded", "unavailable")} == {
            name: counted[name] for name in ("ok", "degraded", "unavailable")
        }
        assert confidence["share"] == round(counted["ok"] / counted.total(), 4)


def test_a_result_over_the_limit_is_refused_with_the_limit_and_on_record(private_demo, monkeypatch):
    monkeypatch.setattr(computation, "MAX_RESULT_BYTES", 1000)

    body = problem(private_demo.ask(), 413, "too-large")

    assert "1000" in body["detail"].replace(",", "")
    with private_demo.role("job"):
        assert Execution.objects.get().status == "failed"


def test_a_portfolio_greater_than_a_step_may_read_is_refused_by_name(private_demo, settings):
    settings.STEP_VALUES = 1000

    body = problem(private_demo.ask(), 413, "too-much-to-read")

    assert "a step may read 1,000" in body["detail"]
    settings.STEP_VALUES = 10_000_000
    assert private_demo.ask().status_code == 200
