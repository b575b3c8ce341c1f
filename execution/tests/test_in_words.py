"""The pattern whose result is a text: asked by API, shown on its page, every number in it a figure of the result."""

import re
from uuid import UUID

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from agents.claude import model
from compliance.models import DataSource
from config import scope
from execution import executor
from execution.models import Execution
from execution.tests import staging


def execute(world, pattern):
    answer = world.post("owner", {"pattern_id": pattern, "portfolio_id": str(world.public_id), "inputs": {}})
    assert answer.status_code == 200, answer.content
    return answer.json()["result"]


@pytest.fixture
def text(demo):
    return execute(demo, "portfolio_in_words")["text"]


def test_without_a_key_the_text_is_a_sentence_for_each_figure(text):
    assert (text["writer"], text["reason"]) == ("template", "there is no key for a model")
    assert [sentence[0]["fact"] for sentence in text["sentences"]] == list(range(len(text["facts"])))
    assert "raw_answer" not in text


def test_its_figures_are_those_of_the_overview(demo, text):
    overview = execute(demo, "portfolio_overview")
    facts = {(fact["label"], fact["window"]): fact["value"] for fact in text["facts"]}

    assert facts["Value", ""] == overview["valued_positions"]["total_value"]
    assert facts["Gain", "this year"] == overview["bridges"]["year_to_date"]["gain"]
    assert facts["Time-weighted return", "this year"] == overview["perf_metrics"]["twr_ytd"]["value"]


def test_what_a_model_wrote_is_on_record_and_read_by_a_replay(private_demo, monkeypatch):
    asked = []

    def ask(instruction, question):
        asked.append(question)
        return model.Answer("This is [[0]].", "claude-sonnet-4-5", "ab" * 32)

    monkeypatch.setattr(settings, "ANTHROPIC_API_KEY", "canary-key")
    monkeypatch.setattr(model, "ask", ask)
    body = {"pattern_id": "portfolio_in_words", "portfolio_id": str(private_demo.public_id), "inputs": {}}
    with private_demo.role("job"):
        call_command("load_rights")
        DataSource.objects.update(agent="attribute")
    staging.decide_rights(private_demo, "ledger", "attribute", use="agent")
    served = private_demo.post("owner", body).json()
    owner = private_demo.user("owner")
    replayed = executor.replay(UUID(served["execution_id"]), user=owner)

    text = served["result"]["text"]
    assert (text["writer"], text["model"], text["prompt_hash"]) == ("model", "claude-sonnet-4-5", "ab" * 32)
    assert "raw_answer" not in text
    assert (replayed.result["text"], len(asked)) == (text, 1)
    with scope.acting_as(owner), transaction.atomic():
        recorded = Execution.objects.get(pk=served["execution_id"]).recorded
    assert recorded["text"]["beside"]["raw_answer"] == "This is [[0]]."


def test_its_page_prints_each_figure_with_label_window_and_unit(demo):
    page = demo.client("owner").get("/portfolios/public/portfolio_in_words/").content.decode()
    words = " ".join(re.sub(r"<[^>]+>", " ", page.partition('class="narrative"')[2].partition("</section>")[0]).split())

    assert re.search(r"Value : [\d,]+\.\d\d CAD", words)
    assert "Gain, this year :" in words
    assert re.search(
        r"Money-weighted return a year, since inception : [\d.]+\s% \(2002-12-01 to 2013-03-01, [^)]*, annualised",
        words,
    )
    assert "Written by a rule: there is no key for a model." in words
    assert "no advice" in words
