"""Every figure of the demo, taken apart down to rows, and put together again by plain arithmetic."""

import pytest

from execution.explanation.tests.figures import MOST_PATHS, ask, check, figures_of, follow_days

pytestmark = pytest.mark.slow
VALUES = ["valued_positions", "bridges", "bridge", "gains", "income", "historical_nav"]
RETURNS = [
    *("perf_metrics", "metrics", "windows", "calendar_years", "months", "over_span"),
    *("currency_attr", "contribution", "leading"),
]


NOT_YET = {"fundamentals"}
"""Of a holding's deep dive: what a company reported is not explained yet."""


def test_there_is_a_test_of_every_output(demo):
    assert {*VALUES, *RETURNS} == set(ask(demo, "portfolio_overview")["result"])


@pytest.mark.parametrize("output", [*VALUES, *RETURNS])
def test_figures_of_the_overview(demo, output):
    answer = ask(demo, "portfolio_overview")
    seen = set()

    for path, value in figures_of(answer["result"][output], f"/{output}"):
        check(demo, answer, path, value, seen, follow=MOST_PATHS if output in VALUES else 0)


@pytest.mark.parametrize("period", [{}, {"from_date": "2010-01-01", "to_date": "2011-06-30"}], ids=["whole", "period"])
def test_the_lines_of_a_bridge(demo, period):
    answer = ask(demo, "money_bridge", **period)
    seen = set()

    for path, value in figures_of(answer["result"]):
        check(demo, answer, path, value, seen)


def test_figures_of_one_holding(demo):
    answer = ask(demo, "holding_deep_dive", security_id=1)

    explained = {name: value for name, value in answer["result"].items() if name not in NOT_YET}
    seen = set()
    for path, value in figures_of(explained):
        check(demo, answer, path, value, seen, follow=0 if path.startswith("/position_perf") else 1)


@pytest.mark.parametrize("inputs", [{}, {"tax_year": 2012}, {"tax_year": 2012, "begins": "07-01"}], ids=str)
def test_figures_of_what_was_sold_in_a_tax_year(demo, inputs):
    answer = ask(demo, "portfolio_tax_report", **inputs)

    realised = {name: value for name, value in answer["result"]["realised"].items() if name != "tax_year"}
    figures = list(figures_of(realised, "/realised"))
    for path, value in figures:
        check(demo, answer, path, value, set(), follow=0)

    assert ("tax_year" in inputs) == any(path.startswith("/realised/lots/0/") for path, _ in figures)


LEADING_TO_DAYS = {
    "portfolio_overview": ["/metrics/sharpe_1y", "/metrics/gross_twr_1y", "/contribution/lookback/rows/5/contribution",
                           "/currency_attr/lookback/local_return", "/currency_attr/lookback/by_holding/1/fx"],
    "holding_deep_dive": ["/position_perf/sharpe", "/risk/beta_to_portfolio"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "path"), [(name, path) for name, paths in LEADING_TO_DAYS.items() for path in paths]
)
def test_a_series_leads_on_to_its_days_and_these_to_rows(demo, pattern, path):
    answer = ask(demo, pattern, **({"security_id": 1} if pattern == "holding_deep_dive" else {}))

    seen = set()
    follow_days(demo, answer, path, seen)

    assert len(seen) > 3


@pytest.mark.parametrize(
    "path",
    ["2013-01-02/fees", "2013-01-02/other", "2013-01-02/holdings/CAD/local", "2012-12-03/other"],
)
def test_what_belongs_to_no_holding(demo, path):
    answer = ask(demo, "portfolio_overview")

    follow_days(demo, answer, f"/historical_nav/days/{path}", set())
