"""The lines of the other patterns that the demo prints: a figure with its label, or a dash with the reason."""

import io

import pytest
from rich.console import Console

from execution.operations import demo as verb
from execution.terminal import other_patterns

SCENARIO = {"scenario_name": "Equity sell-off", "total_delta_pl": "-136073.78"}
UNKNOWN: dict[str, object] = {"value": None, "status": "unavailable", "reason": "unknown(BAA10Y, UNRATE)", "basis": {}}
DENIED: dict[str, object] = {"value": None, "status": "unavailable", "reason": "right-denied"}


@pytest.mark.parametrize(
    ("pattern", "result", "line"),
    [
        (
            "portfolio_scenario_analysis",
            {"scenario_result": SCENARIO},
            "scenario: Equity sell-off; gain: −136,073.78 CAD",
        ),
        (
            "portfolio_macro_overview",
            {"regime": {"score": UNKNOWN}},
            "regime: — the packs hold no series that can speak for BAA10Y, UNRATE",
        ),
        (
            "portfolio_tax_report",
            {"realised": DENIED},
            "realised this year: — the terms of a data provider do not allow to show it; "
            "lots sold: — the terms of a data provider do not allow to show it",
        ),
        (
            "portfolio_scenario_analysis",
            {"scenario_result": SCENARIO | {"scenario_name": "a\x1b[2Jb"}},
            "scenario: a [2Jb; gain: −136,073.78 CAD",
        ),
    ],
)
def test_a_line_is_a_figure_with_its_label_or_a_dash_with_the_reason(pattern, result, line):
    assert other_patterns.line_of(pattern, result, "CAD") == line


@pytest.mark.role("job")
def test_the_demo_asks_five_patterns_and_prints_a_line_for_each_that_fits(private_demo, tmp_path, monkeypatch):
    monkeypatch.setattr(verb, "LOG_INS", tmp_path / "demo-users.json")
    outcome = verb.run(progress=lambda *what: None)
    paper = io.StringIO()

    other_patterns.show(outcome.others, "public", "CAD", Console(file=paper, width=100))

    _, title, *lines = paper.getvalue().splitlines()
    assert title == "Other patterns say (manage.py execute NAME --portfolio public)"
    assert [line.split()[0] for line in lines] == list(other_patterns.LINES) == list(verb.OTHER_PATTERNS)
    assert all(len(line.rstrip()) <= 100 for line in lines)
    assert "newsapi is off: NEWSAPI_KEY is not set" in lines[-1]
