"""The pattern whose result is a text: asked by API, shown on its page, every number in it a figure of the result."""

import re

import pytest


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
