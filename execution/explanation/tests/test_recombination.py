"""Every figure of the demo, taken apart down to rows, and put together again by plain arithmetic."""

import json

import pytest

from execution import explanation
from execution.explanation.tests.arithmetic import is_same, paths_in, recombine

pytestmark = pytest.mark.slow
MOST_PATHS = 2
MOST_OF_A_SERIES = 40
NO_FIGURES = {"security_id", "year", "label"}
"""Numbers of an answer that name something."""


def figures_of(value, path=""):
    """The paths of all figures of a result."""
    if isinstance(value, dict):
        if value.keys() == {"value", "status", "reason", "basis"}:
            yield path, value["value"]
            return
        for name, inner in value.items():
            if name not in NO_FIGURES:
                yield from figures_of(inner, f"{path}/{name}")
    elif isinstance(value, list):
        places = range(len(value))
        if len(value) > MOST_OF_A_SERIES:  # by day: the first, one between, the last
            places = (0, len(value) // 2, len(value) - 1)
        for place in places:
            yield from figures_of(value[place], f"{path}/{place}")
    elif is_figure(value):
        yield path, value


def is_figure(value):
    if isinstance(value, str):
        return value.removeprefix("-").replace(".", "", 1).isdigit()
    return isinstance(value, int | float) and not isinstance(value, bool)


def ask(demo, pattern, **inputs):
    answer = demo.ask(pattern_id=pattern, inputs=inputs)
    assert answer.status_code == 200, answer.content
    return answer.json()


def explain(demo, execution_id, path, username="owner"):
    return json.loads(json.dumps(explanation.explain(execution_id, path, user=demo.user(username))))


def check(demo, answer, path, value, seen, follow=MOST_PATHS):
    """A figure, and what its explanation leads on to: of many places of one kind the first ones that no figure has led to."""
    told = explain(demo, answer["execution_id"], path)
    if value is not None:
        assert is_same(told["value"], value), path
    recombine(told, path)
    further = [(place, expected) for place, expected in paths_in(told) if place != path and place not in seen]
    for place, expected in further[:follow]:
        seen.add(place)
        assert is_same(explain(demo, answer["execution_id"], place)["value"], expected), place
        check(demo, answer, place, None, seen)


VALUES = ["valued_positions", "bridges", "bridge", "gains", "historical_nav"]
RETURNS = ["perf_metrics", "metrics", "windows", "calendar_years", "currency_attr", "contribution"]
NOT_YET = {"over_span", "income", "leading", "months"}
"""Outputs whose figures are not explained yet; nor are those of `holding` in a holding's deep dive."""


def test_there_is_a_test_of_every_output(demo):
    assert {*VALUES, *RETURNS, *NOT_YET} == set(ask(demo, "portfolio_overview")["result"])


@pytest.mark.parametrize("output", sorted(NOT_YET))
def test_an_output_that_is_not_explained_yet_says_so(demo, output):
    answer = ask(demo, "portfolio_overview")
    path, _ = next(iter(figures_of(answer["result"][output], f"/{output}")))

    with pytest.raises(explanation.NotExplained):
        explain(demo, answer["execution_id"], path)


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

    explained = {name: value for name, value in answer["result"].items() if name not in ("holding", "fundamentals")}
    for path, value in figures_of(explained):
        check(demo, answer, path, value, set(), follow=0)


LEADING_TO_DAYS = {
    "portfolio_overview": ["/metrics/sharpe_1y", "/metrics/gross_twr_1y", "/contribution/lookback/rows/5/contribution",
                           "/currency_attr/lookback/local_return", "/currency_attr/lookback/by_holding/1/fx"],
    "holding_deep_dive": ["/position_perf/sharpe", "/risk/beta_to_portfolio"],
}  # fmt: skip
NOT_EXPLAINED = {"other", "fees"}
"""Of a day: what deals at another rate than the fixing made, and fees of no deal as a part of it."""


@pytest.mark.parametrize(
    ("pattern", "path"), [(name, path) for name, paths in LEADING_TO_DAYS.items() for path in paths]
)
def test_a_series_leads_on_to_its_days_and_these_to_rows(demo, pattern, path):
    answer = ask(demo, pattern, **({"security_id": 1} if pattern == "holding_deep_dive" else {}))

    seen = set()
    follow_days(demo, answer, path, seen)

    assert len(seen) > 3


def follow_days(demo, answer, path, seen):
    told = explain(demo, answer["execution_id"], path)
    recombine(told, path)
    for place, expected in {**dict(paths_in(told)), **dict(days_in(told))}.items():
        if place not in seen and place.rpartition("/")[2] not in NOT_EXPLAINED:
            seen.add(place)
            assert is_same(explain(demo, answer["execution_id"], place)["value"], expected), place
            follow_days(demo, answer, place, seen)


def days_in(node):
    """The first and last day of each series below a node, with its number."""
    if node.get("values") and node.get("path"):
        for place in (0, -1):
            yield node["path"].replace("{date}", node["dates"][place]), node["values"][place]
    for term in (*node.get("terms", ()), *node.get("items", ())):
        yield from days_in(term)


@pytest.mark.parametrize("what", ["days/2013-03-01/other", "days/2013-03-01/fees"])
def test_what_is_not_explained_yet_says_so_by_name(demo, what):
    answer = ask(demo, "portfolio_overview")

    with pytest.raises(explanation.NotExplained, match=what):
        explain(demo, answer["execution_id"], f"/historical_nav/{what}")
