"""A draft is tried on a portfolio that one may see: drawn, traced and compared, and never stored."""

import json
import re

import pytest

from execution.executor import trial
from execution.models import Execution, PatternDraft
from execution.tests import staging
from execution.tests.test_studio import begin, editor, own, page

OVERVIEW_VALUE = "756,411.71"


@pytest.fixture
def anna(private_demo):
    """Of the staff, with access to public."""
    client = editor(private_demo, "anna")
    staging.grant(private_demo, "anna", private_demo.public_id)
    return client


def executions(world):
    with world.role("job"):
        return Execution.objects.count()


def text_of(client, pattern_id):
    """A draft of what is served."""
    client.post(page("edit", pattern_id, model="pattern"))
    return PatternDraft.objects.get(pk=pattern_id).text


def run(client, pattern_id, **form):
    return client.post(page("dry_run", pattern_id), form)


def test_a_dry_run_shows_panels_trace_and_what_differs_and_stores_nothing(anna, private_demo):
    text = text_of(anna, "portfolio_overview")
    document = json.loads(text)
    document["outputs"].append("positions")
    before = executions(private_demo)

    answer = run(anna, "portfolio_overview", text=json.dumps(document), portfolio="public")

    shown = answer.content.decode()
    assert answer.status_code == 200
    assert OVERVIEW_VALUE in shown
    assert re.search(r"1 path differs? from .*, on the same pack", shown)
    assert re.search(r"<code>/positions</code></td><td>\(absent\)</td><td>.+</td>", shown)
    assert "<td>ledger.positions</td>" in shown
    assert "PP_2013-03-01_ECB_EUR_r1" in shown
    assert executions(private_demo) == before
    assert PatternDraft.objects.get(pk="portfolio_overview").text == text


def test_an_unchanged_document_differs_in_no_path(anna):
    shown = run(
        anna, "portfolio_overview", text=text_of(anna, "portfolio_overview"), portfolio="public"
    ).content.decode()

    assert "No path differs from portfolio_overview" in shown


def test_of_a_new_pattern_there_is_nothing_to_compare_with(anna):
    begin(anna, own())

    assert "It is a new pattern" in run(anna, "own_bridge", portfolio="public").content.decode()


def test_a_foreign_portfolio_is_not_offered_and_not_run(private_demo, anna):
    begin(anna, own())

    shown = run(anna, "own_bridge", portfolio="second").content.decode()

    assert 'value="second"' not in shown
    assert 'value="public" selected' in shown


def test_without_a_portfolio_it_says_so(private_demo):
    ben = editor(private_demo, "ben")
    begin(ben, own())

    assert "There is no portfolio that you may see" in run(ben, "own_bridge").content.decode()


def test_rights_hold_for_what_is_tried(anna, private_demo):
    text = text_of(anna, "portfolio_overview")
    staging.decide_rights(private_demo, "bokeh-wiki", "deny")

    shown = run(anna, "portfolio_overview", text=text, portfolio="public").content.decode()

    assert OVERVIEW_VALUE not in shown
    assert "Withheld by the terms of data providers" in shown


def test_findings_a_failed_step_and_a_wrong_input_are_told(anna):
    begin(anna, own())
    broken = run(anna, "own_bridge", text=json.dumps(own(outputs=["x"])), portfolio="public").content.decode()
    wrong = run(anna, "own_bridge", portfolio="public", **{"input-from_date": "2050-01-01"}).content.decode()

    assert "no step is named x" in broken
    assert "is after the as-of date" in wrong


def test_who_may_not_write_drafts_tries_none(anna, private_demo):
    begin(anna, own())

    assert private_demo.client("viewer").post(page("dry_run", "own_bridge")).status_code == 403


def test_every_innermost_place_that_differs_is_found():
    before = {"a": 1, "b": [1, 2], "c": {"x": None}, "same": [1], "gone": {"y": 1}}
    after = {"a": 1.0, "b": [1, 3, 4], "c": {"x": 0}, "same": [1], "new": "n"}

    found = [(each.path, each.before, each.after) for each in trial.find_differences(before, after)]

    assert found == [
        ("/a", 1, 1.0),
        ("/b/1", 2, 3),
        ("/b/2", trial.ABSENT, 4),
        ("/c/x", None, 0),
        ("/gone", {"y": 1}, trial.ABSENT),
        ("/new", trial.ABSENT, "n"),
    ]
