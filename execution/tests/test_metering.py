"""GET /metrics: counts by pattern and status, labels from closed sets."""

import re
from urllib.request import urlopen

from django.test import Client
from prometheus_client import CollectorRegistry

from agents.result import RequestContext, Result
from execution.night.jobs import JOBS
from execution.tests import staging
from execution.web import world
from tests import plugin, small


def page():
    return Client().get("/metrics").content.decode()


def series(name):
    """Labels -> value of one metric."""
    text = page()
    found = {}
    for labels, value in re.findall(rf"^{name}\{{([^}}]*)\}} (\S+)$", text, re.MULTILINE):
        found[labels] = float(value)
    return found


def counted(pattern_id, status):
    return series("tieout_api_request_duration_seconds_count").get(f'pattern_id="{pattern_id}",status="{status}"', 0.0)


def test_answers_are_counted_by_pattern_with_their_latency(demo):
    before = counted("portfolio_overview", 200)

    demo.ask()

    assert counted("portfolio_overview", 200) == before + 1
    buckets = series("tieout_api_request_duration_seconds_bucket")
    assert any('pattern_id="portfolio_overview"' in labels and 'le="+Inf"' in labels for labels in buckets)


def test_refusals_are_counted_under_the_pattern_that_was_asked_for(demo):
    before = counted("portfolio_overview", 400)

    demo.ask(asof_date="yesterday", inputs={"colour": "red"})

    assert counted("portfolio_overview", 400) == before + 1


def test_patterns_that_do_not_exist_share_one_label(demo):
    before = counted("unknown", 404)

    for number in range(5):
        demo.ask(pattern_id=f"made_up_{number}")
    demo.ask(pattern_id="made_up_6", require_fresh=False)

    assert counted("unknown", 404) == before + 5
    assert not [labels for labels in series("tieout_api_request_duration_seconds_count") if "made_up" in labels]


def test_a_pattern_published_after_it_was_asked_for_is_counted_by_its_name(private_demo, monkeypatch):
    def late(ctx: RequestContext) -> Result[dict[str, int]]:
        return Result({"n": 1}, sources=("ledger",), asof=ctx.asof_date, ttl=0)

    private_demo.ask(pattern_id="fake_late")
    before = counted("fake_late", 200)

    with staging.offering(private_demo, monkeypatch, late=late):
        private_demo.ask(pattern_id="fake_late")

    assert counted("fake_late", 200) == before + 1


def test_each_step_that_ran_is_counted_by_agent_and_capability(demo):
    name, labels = (
        "tieout_agent_latency_seconds_count",
        'agent="financial_analyst",capability="ledger.positions",outcome="ok"',
    )
    before = series(name).get(labels, 0.0)

    demo.ask(inputs={"lookback_days": 81})
    demo.ask(inputs={"lookback_days": 81})

    assert series(name)[labels] == before + 1


def test_packs_and_breakers_have_their_gauges(private_demo):
    fresh = series("tieout_pack_freshness")
    staging.set_packs(private_demo, "error", job="build_pack", reason="x")

    error = series("tieout_pack_freshness")

    assert (fresh['policy="ECB_EUR"'], error['policy="ECB_EUR"']) == (1.0, 2.0)
    assert series("tieout_circuit_breaker_state")['capability="metrics.over_span"'] in (0.0, 1.0, 2.0)


def test_refusals_are_counted_by_the_type_of_the_problem_at_every_door(demo):
    name = "tieout_request_errors_total"
    before = series(name)

    demo.ask(asof_date="yesterday")
    Client().get("/v1/packs")
    demo.client("owner").get("/portfolios/public/made_up/")

    risen = {labels: count - before.get(labels, 0.0) for labels, count in series(name).items()}
    assert {labels: count for labels, count in risen.items() if count} == {
        'error_type="invalid-request"': 1.0,
        'error_type="unauthenticated"': 1.0,
        'error_type="pattern-not-found"': 1.0,
    }


def test_executions_are_counted_by_how_they_were_answered(private_demo):
    name, of = "tieout_pattern_executions_total", 'outcome="{}",pattern_id="portfolio_overview"'
    before = series(name)

    private_demo.ask()
    private_demo.ask()

    risen = {how: series(name)[of.format(how)] - before.get(of.format(how), 0.0) for how in ("computed", "stored")}
    assert risen == {"computed": 1.0, "stored": 1.0}


def test_a_step_that_fails_is_counted_as_one(private_demo, monkeypatch):
    def broken(ctx: RequestContext) -> Result[dict[str, int]]:
        raise ValueError

    failures = {
        "tieout_agent_latency_seconds_count": 'agent="faker",capability="fake.broken",outcome="failed"',
        "tieout_pattern_executions_total": 'outcome="failed",pattern_id="fake_broken"',
    }
    before = {name: series(name).get(labels, 0.0) for name, labels in failures.items()}

    with staging.offering(private_demo, monkeypatch, broken=broken):
        private_demo.ask(pattern_id="fake_broken")

    risen = {name: series(name)[labels] - before[name] for name, labels in failures.items()}
    assert risen == dict.fromkeys(failures, 1.0)


def test_a_night_is_counted_by_its_jobs_and_seen_in_its_rows(begun):
    count = "tieout_job_duration_seconds_count"
    before = series(count)

    with begun.role("job"):
        small.night(small.policy())

    risen = {
        job: series(count)[f'job="{job}",outcome="done"'] - before.get(f'job="{job}",outcome="done"', 0.0)
        for job in JOBS
    }
    states, of = series("tieout_job_state"), f'policy="{small.policy().pk}"'
    assert risen == dict.fromkeys(JOBS, 1.0)
    assert [states[f'job="{job}",{of},state="done"'] for job in JOBS] == [1.0] * len(JOBS)
    assert sum(states.values()) == len(JOBS)
    assert series("tieout_pack_build_duration_seconds_count")['outcome="done"'] >= 1
    assert series("tieout_chunk_duration_seconds_count")['job="compute_metrics",outcome="done"'] >= 1
    assert series("tieout_job_chunks")[f'job="compute_metrics",{of},state="done"'] == 1
    assert series("tieout_reconcile_max_abs_bp")[of] == 0


def test_what_can_not_be_read_is_absent_and_the_page_says_so(migrated):
    nowhere = {"DATABASE_URL": "postgresql://app@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    with plugin.web_server(plugin.EMPTY, **nowhere) as site, urlopen(f"{site}/metrics", timeout=30) as answer:
        page = answer.read().decode()

    errors = re.findall(r'^tieout_scrape_errors\{source="(\w+)"\} 1.0$', page, re.MULTILINE)
    assert sorted(errors) == sorted(world.SOURCES)
    assert 'tieout_provider_on{provider="fmp"} 0.0' in page
    assert re.findall(r"^tieout_(?:pack|queue|circuit|silent)\w*\{", page, re.MULTILINE) == []


def test_a_database_that_lacks_migrations_is_told_though_the_rest_can_not_be_read(empty):
    staging.by_force(empty, "DELETE FROM django_migrations WHERE app = 'execution'")
    staging.by_force(empty, "ALTER TABLE execution_nightlyrun RENAME TO gone")

    errors = series("tieout_scrape_errors")

    assert errors == {'source="migrations"': 0.0, 'source="database"': 1.0, 'source="redis"': 0.0}
    assert float(re.search(r"^tieout_migrations_unapplied (\S+)$", page(), re.MULTILINE)[1]) >= 3


def test_nothing_is_asked_until_somebody_scrapes(django_assert_num_queries, demo):
    with django_assert_num_queries(0):
        CollectorRegistry().register(world.WorldCollector())


def test_the_number_of_questions_of_a_scrape_is_known(demo, django_assert_num_queries):
    page()

    with django_assert_num_queries(8):
        page()


def test_no_id_is_a_label(demo):
    answer = demo.ask().json()

    text = Client().get("/metrics").content.decode()

    for told in (
        answer["execution_id"],
        str(demo.public_id),
        answer["metadata"]["pricing_pack_id"],
        answer["metadata"]["ledger_commit_hash"],
        "owner",
    ):
        assert told not in text
