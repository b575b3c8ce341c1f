"""What one user may ask: refused beyond it, by words that say what to do, without a word to anybody else."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from agents.result import RequestContext, Result
from config.redis_client import shared_redis
from execution.models import Execution
from execution.tests import staging
from execution.tests.test_imports_api import GOOD
from execution.tests.test_imports_page import button, upload
from execution.web import limits

PAGE = "/portfolios/public/portfolio_overview/"
IMPORTS = "/portfolios/public/imports/"


@pytest.fixture(autouse=True)
def within_one_minute(monkeypatch):
    """No test is run across the edge of a minute."""
    monkeypatch.setattr(limits.time, "time", lambda: 1_800_000_030.0)


def test_so_many_are_computed_in_a_minute_and_stored_answers_are_not_counted(asked_demo, settings):
    settings.EXECUTIONS_PER_MINUTE = 2

    stored = [asked_demo.ask() for _ in range(5)]
    computed = [asked_demo.ask(inputs={"lookback_days": days}) for days in (10, 20, 30)]
    again = asked_demo.ask(inputs={"lookback_days": 10})

    assert [answer.status_code for answer in (*stored, *computed, again)] == [200] * 7 + [429, 200]
    assert stored[-1]["RateLimit-Policy"] == '"executions";q=2;w=60'
    assert [answer["RateLimit"] for answer in computed] == [f'"executions";r={left};t=30' for left in (1, 0, 0)]
    assert (computed[-1]["Retry-After"], computed[-1].json()["type"]) == ("30", "throttled")
    assert computed[-1].json()["detail"] == "more than 2 executions in a minute: go on in 30 s"


def test_a_page_counts_too_and_its_refusal_is_a_page(private_demo, settings):
    settings.EXECUTIONS_PER_MINUTE = 1
    client = private_demo.client("owner")

    first, second = (client.get(PAGE, {"lookback_days": days}) for days in (10, 20))

    assert (first.status_code, second.status_code) == (200, 429)
    assert first["RateLimit"] == '"executions";r=0;t=30'
    assert second["Retry-After"] == "30"
    assert "429 throttled" in second.content.decode()


def test_a_retry_with_a_key_counts_once(private_demo, settings):
    settings.EXECUTIONS_PER_MINUTE = 1
    body = {"pattern_id": "portfolio_overview", "portfolio_id": str(private_demo.public_id)}

    answers = [private_demo.post("owner", body, **{"Idempotency-Key": key}) for key in ("a", "a", "b")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert private_demo.ask(inputs={"lookback_days": 7}).status_code == 429


def test_one_users_limit_is_nobody_elses(private_demo, settings):
    settings.EXECUTIONS_PER_MINUTE = 1
    staging.grant(private_demo, "other", private_demo.public_id)

    answers = [private_demo.ask(name) for name in ("owner", "other")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert private_demo.ask("owner", inputs={"lookback_days": 7}).status_code == 429


def test_so_many_at_once_are_computed_the_others_wait_and_too_many_are_refused(demo, settings):
    settings.COMPUTATIONS_AT_ONCE = 1
    user = demo.user("owner")
    go, under_way, most = threading.Event(), [], []

    def compute():
        try:
            with limits.at_once(user):
                under_way.append(1)
                most.append(len(under_way))
                go.wait(10)
                under_way.pop()
        except limits.LimitReached as refused:
            go.set()
            return refused.headers
        return None

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda _: compute(), range(6)))

    assert max(most) == 1
    assert (outcomes.count(None), outcomes.count({"Retry-After": "1"})) == (5, 1)


def test_a_place_whose_process_was_killed_is_free_after_a_while(private_demo, settings, monkeypatch):
    settings.COMPUTATIONS_AT_ONCE = 1
    monkeypatch.setattr(limits, "PATIENCE_S", 0)
    key = f"tieout:computing:{private_demo.user('owner').pk}"
    now, _ = shared_redis().time()

    shared_redis().zadd(key, {"killed": now + 60})
    taken = private_demo.ask()
    shared_redis().zadd(key, {"killed": now - 1})
    free = private_demo.ask()

    assert (taken.status_code, taken.json()["type"], taken["Retry-After"]) == (429, "throttled", "1")
    assert free.status_code == 200
    assert shared_redis().zcard(key) == 0


def test_a_computation_that_fails_gives_its_place_back(private_demo, monkeypatch):
    def broken(ctx: RequestContext) -> Result[dict[str, object]]:
        raise ZeroDivisionError

    with staging.offering(private_demo, monkeypatch, broken=broken):
        answer = private_demo.ask(pattern_id="fake_broken")

    assert answer.status_code == 500
    assert shared_redis().zcard(f"tieout:computing:{private_demo.user('owner').pk}") == 0


def test_without_redis_nobody_is_refused(private_demo, settings, monkeypatch):
    settings.EXECUTIONS_PER_MINUTE = 1
    nowhere = type(shared_redis()).from_url("redis://127.0.0.1:1", socket_timeout=0.1)
    monkeypatch.setattr(limits, "shared_redis", lambda: nowhere)

    answers = [private_demo.ask(inputs={"lookback_days": days}) for days in (10, 20)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert "RateLimit" not in answers[0]
    with private_demo.role("job"):
        assert Execution.objects.count() == 2


@pytest.mark.usefixtures("read_once")
def test_previews_and_imports_are_counted_by_user_at_both_doors(private_demo, settings):
    settings.IMPORTS_PER_MINUTE = 2
    address = f"/v1/portfolios/{private_demo.public_id}/imports"
    client = private_demo.client("owner")

    pages = [upload(client) for _ in range(3)]
    answer = client.post(address, {"file": SimpleUploadedFile("trades.csv", GOOD.encode()), "preflight": "true"})

    assert [page.status_code for page in pages] == [200, 200, 429]
    assert "More than 2 imports in a minute" in pages[-1].content.decode()
    assert (answer.status_code, answer.json()["type"], answer["Retry-After"]) == (429, "throttled", "30")


@pytest.mark.usefixtures("read_once")
def test_a_user_has_so_many_files_waiting_and_the_oldest_goes(private_demo, settings):
    settings.WAITING_IMPORTS = 2
    client = private_demo.client("owner")
    tokens = [button(upload(client), "confirm") for _ in range(3)]
    gone = client.post(IMPORTS, {"look": tokens[0]})
    there = client.post(IMPORTS, {"look": tokens[2]})

    assert (gone.status_code, "choose it again" in gone.content.decode()) == (400, True)
    assert (there.status_code, "2 new" in there.content.decode()) == (200, True)
