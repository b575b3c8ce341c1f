"""What the executor keeps, what it gives back again, and what it does where the books do not agree."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from urllib import request as http
from uuid import uuid4

import pytest
import redis
from django.core.cache import cache
from redis.backoff import NoBackoff
from redis.retry import Retry

from agents import registry
from agents.runtime import AgentRuntime
from execution.executor import computation
from execution.night import attempts, nightly
from execution.tests import staging
from portfolio.models import Break, LedgerRevision, RevisionStatus
from pricing.models import PricingPolicy
from tests import plugin
from tests.plugin import DEMO_LAST


def result_bytes(response):
    text = response.content.decode()
    return text[text.index('"result":') : text.index('"metadata":')]


# --- the store


def test_a_repeat_by_the_same_caller_is_the_same_execution_to_the_byte(private_demo):
    first = private_demo.ask(inputs={"lookback_days": 61})

    again = private_demo.ask(inputs={"lookback_days": 61})

    assert (first.json()["metadata"]["cached"], again.json()["metadata"]["cached"]) == (False, True)
    assert first.json()["execution_id"] == again.json()["execution_id"]
    assert result_bytes(first) == result_bytes(again)
    assert first["ETag"] == again["ETag"]


def test_defaults_that_are_sent_and_left_out_are_one_request(demo):
    left_out, sent = demo.ask(), demo.ask(inputs={"lookback_days": 252})

    assert left_out.json()["execution_id"] == sent.json()["execution_id"]


def test_another_caller_with_a_grant_has_an_execution_of_his_own_with_the_same_hash(private_demo):
    staging.grant(private_demo, "other", private_demo.public_id)

    theirs, others = private_demo.ask("owner").json(), private_demo.ask("other").json()

    assert theirs["execution_id"] != others["execution_id"]
    assert theirs["metadata"]["result_hash"] == others["metadata"]["result_hash"]


def test_a_stored_result_outlives_redis(private_demo):
    first = private_demo.ask().json()
    cache.clear()

    again = private_demo.ask().json()

    assert again["execution_id"] == first["execution_id"]
    assert again["metadata"]["cached"] is True


def test_another_commit_is_another_result(private_demo):
    first = private_demo.ask().json()["metadata"]
    revision = staging.amend_ledger(
        private_demo,
        """
2013-03-01 * "Deposit" "External transfer"
  id: "T999999"
  Assets:Broker:Cash:CAD                   10.00 CAD
  Equity:External                          -10.00 CAD
""",
    )

    after = private_demo.ask().json()
    before = private_demo.ask(ledger_commit=first["ledger_commit_hash"]).json()

    assert after["metadata"]["ledger_commit_hash"] == revision.commit
    assert after["result"]["valued_positions"]["total_value"] == "756421.71"
    assert before["metadata"]["result_hash"] == first["result_hash"]


def test_a_revision_that_nobody_has_reconciled_yet_is_not_answered_from(private_demo):
    revision = staging.amend_ledger(private_demo, "; a comment\n", status=RevisionStatus.READ)

    named, newest = private_demo.ask(ledger_commit=revision.commit), private_demo.ask()

    assert (named.status_code, named.json()["type"]) == (503, "unavailable")
    assert "not been reconciled" in named.json()["detail"]
    assert newest.json()["metadata"]["ledger_commit_hash"] != revision.commit


# --- redis away


@pytest.fixture
def no_redis(monkeypatch, tmp_path):
    nowhere = redis.Redis(unix_socket_path=str(tmp_path / "nothing.sock"), retry=Retry(NoBackoff(), 0))
    runtime = AgentRuntime(registry.default, client=nowhere)
    monkeypatch.setattr(computation, "runtime", lambda: runtime)

    def away(*args, **kwargs):
        raise redis.ConnectionError("connection to /run/redis.sock refused")

    for verb in ("get", "set"):
        monkeypatch.setattr(cache, verb, away)


def test_without_redis_it_computes_stores_and_answers_all_the_same(private_demo, no_redis):
    first = private_demo.ask(inputs={"lookback_days": 62})

    again = private_demo.ask(inputs={"lookback_days": 62})

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["metadata"]["cached"] is True
    assert again.json()["execution_id"] == first.json()["execution_id"]


# --- one computation at a time


def test_eight_at_once_are_one_computation(live_demo, demo):
    def send(path, body, headers):
        asked = http.Request(
            f"{live_demo.base_url}{path}",
            json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        with http.urlopen(asked, timeout=60) as answer:
            return json.load(answer)

    token = send("/v1/token", {"username": live_demo.username, "password": live_demo.password}, {})["access"]
    bearer = {"Authorization": f"Bearer {token}"}
    body = {"pattern_id": "portfolio_overview", "portfolio_id": str(demo.public_id), "inputs": {"lookback_days": 63}}

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send("/v1/execute", body, bearer), range(8)))

    assert len({answer["execution_id"] for answer in answers}) == 1
    assert len({answer["metadata"]["result_hash"] for answer in answers}) == 1
    assert [answer["metadata"]["cached"] for answer in answers].count(False) == 1


# --- books that do not agree


def falsify(world, *portfolios):
    """Let the database say 100 CAD more than the ledger: the night of the head, done again, finds it."""
    changed = staging.by_force(
        world,
        "UPDATE portfolio_transaction SET amount = amount + 100 WHERE id IN (SELECT DISTINCT ON (portfolio_id) id"
        " FROM portfolio_transaction WHERE kind = 'deposit' AND currency = 'CAD' AND portfolio_id = ANY(%s)"
        " ORDER BY portfolio_id, date DESC, id)",
        [list(portfolios)],
    )
    assert changed == len(portfolios)


def restate(world):
    with world.role("job"):
        return nightly.run(
            policy=PricingPolicy.objects.get(pk="ECB_EUR"),
            from_date=DEMO_LAST,
            date=DEMO_LAST,
            restates="a test",
        )


@dataclass(frozen=True)
class Refused:
    template: str
    answered_before: str
    job: str
    pack_id: str


@pytest.fixture(scope="module")
def refused(demo_database, django_db_blocker):
    """The night of the head, done again once for the tests that look at what it found: it reads all packs."""
    with plugin.template(plugin.SHARED[plugin.DEMO]) as name:
        with plugin.at_work(plugin.Demo(name), django_db_blocker) as world:
            falsify(world, world.public_id, world.second_id)
            before = world.ask(inputs={"lookback_days": 64}).json()["metadata"]["pricing_pack_id"]
            with pytest.raises(attempts.JobFailed) as failure:
                restate(world)
            with world.role("job"):
                pack_id = Break.objects.latest("id").reconciliation.pack_id
        yield Refused(name, before, failure.value.job, pack_id)


@pytest.fixture
def broken(refused, django_db_blocker):
    yield from plugin.copy_of(refused.template, plugin.Demo, django_db_blocker)


def test_books_that_all_differ_refuse_the_pack_with_both_values(refused, broken):
    answer = broken.ask(pricing_pack_id=refused.pack_id)

    body = answer.json()
    assert refused.job == "reconcile_ledger"
    assert (answer.status_code, body["type"], body["pack_id"]) == (500, "reconciliation-failed", refused.pack_id)
    assert {row["portfolio_id"] for row in body["breaks"]} == {str(broken.public_id)}
    found = {row["kind"]: row for row in body["breaks"]}
    cash = found["CASH_MISMATCH"]
    assert cash["commodity"] == "CAD"
    assert Decimal(cash["database_value"]) - Decimal(cash["ledger_value"]) == Decimal(cash["difference"]) == 100
    value = found["VALUATION_MISMATCH"]
    assert float(value["error_bp"]) == pytest.approx(1_000_000 / 756_411.71, rel=1e-6)
    assert float(value["ledger_value"]) == pytest.approx(756_411.71, abs=0.01)


def test_nobody_learns_of_the_breaks_of_others(refused, broken):
    body = {
        "pattern_id": "portfolio_overview",
        "portfolio_id": str(broken.second_id),
        "pricing_pack_id": refused.pack_id,
    }

    answer = broken.post("other", body)

    assert (answer.status_code, answer.json()["type"]) == (500, "reconciliation-failed")
    assert {row["portfolio_id"] for row in answer.json()["breaks"]} == {str(broken.second_id)}
    assert str(broken.public_id) not in answer.content.decode()


def test_the_pack_that_was_fresh_before_goes_on_answering(refused, broken):
    after = broken.ask(inputs={"lookback_days": 64})

    assert (after.status_code, after.json()["metadata"]["pricing_pack_id"]) == (200, refused.answered_before)


def test_the_night_is_finished_and_only_the_portfolio_whose_books_differ_is_refused(private_demo):
    falsify(private_demo, private_demo.public_id)
    restate(private_demo)
    body = {"pattern_id": "portfolio_overview", "portfolio_id": str(private_demo.second_id)}

    public, second = private_demo.ask(), private_demo.post("other", body)

    assert (public.status_code, public.json()["type"]) == (500, "reconciliation-failed")
    assert {row["portfolio_id"] for row in public.json()["breaks"]} == {str(private_demo.public_id)}
    assert second.status_code == 200
    assert second.json()["metadata"]["pricing_pack_id"] == public.json()["pack_id"]


def test_a_portfolio_whose_only_revision_is_broken_is_told_that_its_books_differ(private_demo):
    staging.by_force(
        private_demo,
        "UPDATE portfolio_ledgerrevision SET status = 'broken', reason = 'differs' WHERE portfolio_id = %s",
        [private_demo.public_id],
    )

    answer = private_demo.ask()

    assert (answer.status_code, answer.json()["type"]) == (500, "reconciliation-failed")
    with private_demo.role("job"):
        assert LedgerRevision.objects.filter(portfolio_id=private_demo.public_id).count() == 1


# --- an execution looked up again


def test_an_execution_can_be_looked_up_as_it_was_answered(demo):
    given = demo.ask(asof_date="2013-02-22")

    found = demo.client("owner").get(f"/v1/executions/{given.json()['execution_id']}")

    assert found.status_code == 200
    assert result_bytes(found) == result_bytes(given)
    assert found.json()["trace"] == given.json()["trace"]
    assert found["ETag"] == given["ETag"]


def test_an_unchanged_execution_is_not_sent_again(demo):
    path = f"/v1/executions/{demo.ask().json()['execution_id']}"
    client = demo.client("owner")
    tag = client.get(path)["ETag"]

    same, weak, any_, other = (
        client.get(path, headers={"If-None-Match": given}) for given in (tag, f'"x", W/{tag}', "*", '"x"')
    )

    assert [answer.status_code for answer in (same, weak, any_, other)] == [304, 304, 304, 200]
    assert {answer["Cache-Control"] for answer in (same, weak, any_, other)} == {"private, no-cache"}
    assert "Content-Type" not in same
    assert (same.content, same["ETag"]) == (b"", tag)


def test_an_execution_of_somebody_else_and_none_at_all_are_one_answer(demo):
    theirs = demo.ask().json()["execution_id"]
    client = demo.client("other")

    answers = [client.get(f"/v1/executions/{each}") for each in (theirs, uuid4())]

    bodies = [answer.json() for answer in answers]
    for body in bodies:
        del body["request_id"]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert bodies[0] == bodies[1]
    assert bodies[0]["type"] == "execution-not-found"


def test_the_tag_of_an_execution_is_no_way_around_who_may_see_it(demo):
    given = demo.ask()

    answer = demo.client("other").get(
        f"/v1/executions/{given.json()['execution_id']}", headers={"If-None-Match": given["ETag"]}
    )

    assert answer.status_code == 404
