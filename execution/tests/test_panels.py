"""Formats and panels: what a result says is what the page says, and what it does not say is told."""

from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from execution import figures
from execution.figures import from_value, privacy
from execution.patterns import panel_parts
from execution.patterns.panel_values import NoPanelValueError
from execution.patterns.templating import Scope
from execution.web.pages import chart_panel, panels

NBSP = "\N{NO-BREAK SPACE}"
METRIC = {
    "first": "2002-12-01",
    "last": "2013-03-01",
    "n": 2649,
    "annualised": True,
    "net": "net of all that is booked",
}


class Reader(HTMLParser):
    """Elements with their attributes, and the text that is read out."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.words = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in ("th", "td"):
            self.words.append(" ")

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def named(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def scope(**state):
    return Scope(inputs={}, state=state, ctx={"base_currency": "CAD"})


def draw(document, **state):
    return Reader(panels.panel({"id": "it", "title": "It", "ttl": 60, **document}, scope(**state)))


def grid(value, kind="percentage", path="state.metrics.twr_itd", **state):
    items = [{"label": "Figure", "value": f"{{{{{path}}}}}", "format": kind}]
    return draw({"type": "metrics_grid", "items": items}, **(state or {"metrics": {"twr_itd": value}}))


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("756411.71", "currency", "756,411.71"),
        ("0.00", "currency", "0.00"),
        ("-1822.1", "currency", "−1,822.10"),
        ("0.125", "currency", "0.12"),
        ("812.00000000", "number", "812"),
        ("1234567.89012345678901234567890", "number", "1,234,567.8901234567890123456789"),
        ("100", "number", "100"),
        (0, "number", "0"),
        (1e-07, "number", "0.0000001"),
        (0.2301943972, "percentage", f"23.02{NBSP}%"),
        (-0.5612, "percentage", f"−56.12{NBSP}%"),
        (-0.000001, "percentage", f"0.00{NBSP}%"),
        (0.8251, "decimal_2", "0.83"),
        (1234.5, "decimal_2", "1,234.50"),
        ("2013-03-01", "date", "2013-03-01"),
        ("AAPL", "text", "AAPL"),
        (True, "text", "yes"),
    ],
)
def test_a_value_is_written_in_its_format(value, kind, expected):
    shown = from_value(value, kind, currency="CAD")

    assert shown.text == expected


def test_money_is_written_to_the_minor_unit_of_its_currency():
    yen = from_value("1234567", "currency", currency="JPY")

    assert (yen.text, yen.unit) == ("1,234,567", "JPY")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(7.20523951, f"+720.52{NBSP}%"), (0.0, f"0.00{NBSP}%"), (0.000001, f"0.00{NBSP}%"), (-0.01, f"−1.00{NBSP}%")],
)
def test_a_return_shows_its_sign_and_zero_has_none(value, expected):
    shown = from_value(value, "percentage", signed=True)

    assert shown.text == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=10))
def test_a_number_loses_no_digit(value):
    written = figures.number(value)

    assert Decimal(written.replace(",", "").replace("−", "-")) == value


@pytest.mark.parametrize("value", ["not a number", "NaN", "Infinity", True, [1], {}])
def test_what_is_no_number_is_never_shown_as_one(value):
    shown = from_value(value, "number")

    assert (shown.text, shown.status, shown.note) == ("—", "unavailable", "the result holds no number here")


def test_an_unavailable_figure_is_a_dash_with_its_reason_beside_the_others():
    page = grid({"value": None, "status": "unavailable", "reason": "short_history", "basis": {}})

    assert "— (unavailable: the portfolio is younger than this window)" in page.text
    assert "Figure is unavailable: the portfolio is younger than this window." in page.text


def test_a_degraded_figure_carries_a_mark_with_reason_and_basis():
    page = grid({"value": 0.5, "status": "degraded", "reason": "risk_free_currency", "basis": METRIC})

    told = (
        "the risk-free rate is that of another currency; 2002-12-01 to 2013-03-01, 2,649 sub-periods, annualised, "
        "net of all that is booked"
    )
    assert {"class": "mark", "title": told, "aria-hidden": "true"} in page.named("abbr")
    assert f"(degraded: {told})" in page.text
    assert "Figure is degraded: the risk-free rate is that of another currency." in page.text


def test_an_ok_figure_carries_no_mark():
    page = grid({"value": 0.5, "status": "ok", "reason": None, "basis": METRIC})

    assert not page.named("abbr")
    assert "degraded" not in page.text


def test_two_reasons_are_told_both():
    words = figures.reason_words("risk_free_currency, assumed_release_date")

    assert words == "the risk-free rate is that of another currency; the day on which a series was published is assumed"


def test_a_reason_that_is_a_sentence_is_told_as_it_is():
    words = figures.reason_words("sharpe_ratio is not defined: the returns do not vary, at all")

    assert words == "sharpe_ratio is not defined: the returns do not vary, at all"


def test_a_drawdown_says_between_which_days():
    page = grid(
        {
            "value": -0.5,
            "status": "ok",
            "reason": None,
            "basis": METRIC | {"peak": "2007-12-28", "trough": "2009-01-20"},
        }
    )

    assert "2007-12-28 to 2009-01-20" in page.text


def test_a_withheld_output_leaves_the_other_figures_of_its_panel():
    items = [
        {"label": "Value", "value": "{{state.valued.total_value}}", "format": "currency"},
        {"label": "TWR", "value": "{{state.perf.twr_itd}}", "format": "percentage"},
    ]

    page = draw(
        {"type": "metrics_grid", "items": items},
        valued={"total_value": "756411.71"},
        perf={"value": None, "status": "unavailable", "reason": "right-denied"},
    )

    assert "756,411.71 CAD" in page.text
    assert "TWR is unavailable: the terms of a data provider do not allow to show it." in page.text


def test_a_panel_whose_output_was_left_out_says_why():
    page = draw(
        {"type": "table", "rows": "{{state.held.positions}}", "columns": COLUMNS},
        held={"value": None, "status": "unavailable", "reason": "skipped(upstream: positions)"},
    )

    assert "Unavailable: its step was left out: upstream: positions." in page.text


def test_a_panel_that_names_nothing_of_the_result_says_so():
    page = draw({"type": "table", "rows": "{{state.absent.rows}}", "columns": COLUMNS})

    assert "Unavailable: the result does not hold it." in page.text


def test_the_sign_is_shown_by_the_name_of_the_figure():
    back = grid({"value": 0.1, "status": "ok", "reason": None, "basis": {}})
    risk = grid(None, path="state.metrics.volatility_itd", metrics={"volatility_itd": 0.1})

    assert f"+10.00{NBSP}%" in "".join(back.words)
    assert f"+10.00{NBSP}%" not in "".join(risk.words)


COLUMNS = [
    {"key": "symbol", "label": "Symbol", "format": "text"},
    {"key": "market_value", "label": "Value", "format": "currency"},
    {"key": "observed_date", "label": "Price of", "format": "date"},
]


def table(*rows):
    return draw({"type": "table", "rows": "{{state.held.rows}}", "columns": COLUMNS}, held={"rows": list(rows)})


def test_a_table_names_the_currency_of_money_in_its_head():
    page = table({"symbol": "AAPL", "market_value": "0.00", "observed_date": "2013-03-01", "age_sessions": 0})

    assert page.text == "It Symbol Value CAD Price of AAPL 0.00 2013-03-01"


def test_a_table_of_a_close_that_is_older_than_its_session_marks_it():
    page = table({"symbol": "IBM", "market_value": "1.00", "observed_date": "2013-02-27", "age_sessions": 2})

    assert "(degraded: 2 sessions old)" in page.text


def test_a_table_shows_what_is_not_known_as_a_dash_with_its_reason():
    page = table({"symbol": "IBM", "market_value": None, "observed_date": "2013-03-01"})

    assert "— (unavailable: neither the ledger nor the pack gives it)" in page.text


def test_a_table_without_rows_says_so():
    page = table()

    assert page.text == "It No rows."


def test_markup_in_a_name_is_text():
    page = table({"symbol": "<script>alert(1)</script>\"'&", "market_value": "1.00", "observed_date": "2013-03-01"})

    assert not page.named("script")
    assert "<script>alert(1)</script>\"'&" in page.text


CHART: dict[str, Any] = {
    "type": "line_chart",
    "x": "{{state.nav.dates}}",
    "series": [
        {"label": "Value", "values": "{{state.nav.values}}", "format": "currency"},
        {"label": "Put in", "values": "{{state.nav.put_in}}", "format": "currency"},
    ],
}


def chart(dates, values, put_in):
    return draw(CHART, nav={"dates": dates, "values": values, "put_in": put_in})


@given(st.decimals(-1_000_000, 1_000_000, places=4), st.sampled_from(["percentage", "currency"]), st.booleans())
def test_a_gain_and_a_loss_are_told_by_sign_and_tone_also_where_amounts_are_hidden(value, kind, is_private):
    key = {"percentage": "twr_itd", "currency": "gain"}[kind]
    with privacy.hiding(is_on=is_private):
        (change,) = grid(None, kind, f"state.it.{key}", it={key: str(value)}).named("span")[:1]
        figure = from_value(str(value), kind, currency="CAD", signed=True)
        plain = from_value(str(value), kind, currency="CAD")

    rounded = round(value * 100, 2) if kind == "percentage" else round(value, 2)
    tone = "gain" if rounded > 0 else "loss" if rounded < 0 else ""
    assert figure.tone == change.get("class", "") == tone
    assert figure.text[0] == {"gain": "+", "loss": "−", "": figure.text[0]}[tone]
    assert plain.tone == ("neg" if rounded < 0 else "")
    assert not plain.text.startswith("+")


@pytest.mark.parametrize(
    ("path", "kind"),
    [("state.it.weight", "percentage"), ("state.it.contributions", "currency"), ("state.it.gain", "number")],
)
def test_what_is_no_gain_has_no_tone(path, kind):
    assert "class" not in grid(None, kind, path, it={path.rsplit(".", 1)[-1]: "12.5"}).named("span")[0]


def test_a_chart_says_in_words_what_it_draws():
    page = chart(["2013-02-27", "2013-02-28", "2013-03-01"], [1.0, 9.5, 3.0], [1.0, 1.0, 1.0])

    assert len([each for each in page.named("path") if each["d"].startswith("M")]) == 2
    ends = "first 1.00 CAD on 2013-02-27, last 3.00 CAD on 2013-03-01"
    assert "2013-03-01: Value 3.00 CAD, Put in 1.00 CAD" in page.text
    assert f"Value: {ends}, high 9.50 CAD on 2013-02-28, low 1.00 CAD on 2013-02-27." in page.text


def test_a_chart_is_drawn_without_a_style_or_script_that_a_strict_policy_refuses():
    page = chart(["2013-02-28", "2013-03-01"], [1.0, 2.0], [1.0, 1.0])

    assert not page.named("script")
    assert not [name for _, attrs in page.elements for name in attrs if name == "style" or name.startswith("on")]


def test_a_chart_says_where_its_data_are_and_without_an_address_it_is_a_drawing_alone():
    state = scope(nav={"dates": ["2013-02-28", "2013-03-01"], "values": [1.0, 2.0], "put_in": [1.0, 1.0]})
    document = {"id": "it", "title": "It", "ttl": 60, "type": "tabbed_content", "panels": [CHART | {"title": "In"}]}

    served = Reader(panels.panel(document, state, chart_data="/charts/?panel=")).named("figure")
    alone = Reader(panels.panel(document, state)).named("figure")

    assert served == [{"class": "chart", "data-chart": "it_1", "data-columns": "/charts/?panel=it"}]
    assert [each["id"] for each in panel_parts.charts(document)] == ["it_1"]
    assert alone == [{"class": "chart"}]


@given(
    st.lists(st.none() | st.floats(-1e9, 1e9), min_size=1, max_size=30),
    st.sampled_from(["currency", "percentage", "decimal_2"]),
)
def test_the_columns_of_a_chart_are_its_figures_as_they_are_written(values, kind):
    days = [f"2013-01-{number:02}" for number in range(1, len(values) + 1)]
    document = {**CHART, "series": [{"label": "It", "values": "{{state.nav.values}}", "format": kind}]}
    state = scope(nav={"dates": days, "values": values})
    if all(value is None for value in values):
        with pytest.raises(NoPanelValueError):
            chart_panel.columns(document, state)
        return

    columns = chart_panel.columns(document, state)

    (series,) = columns["series"]
    written = [from_value(value, kind, currency="CAD") for value in values]
    again = [from_value(value, kind, currency="CAD") for value in series["values"]]
    assert [each.text for each in again] == [each.text for each in written]
    assert columns["days"] == list(range(15706, 15706 + len(days)))
    assert (series["unit"], series["digits"], series["is_hidden"]) == ("CAD" if kind == "currency" else "", 2, False)
    assert columns["levels"][0] <= min(value for value in values if value is not None)
    assert columns["levels"][1] >= max(value for value in values if value is not None)


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30).filter(any),
    st.sampled_from(["currency", "number", "percentage"]),
)
@example([1.0, 0.123456], "number")
def test_columns_of_hidden_amounts_are_parts_of_the_highest_level_and_ratios_stay(values, kind):
    days = [f"2013-01-{number:02}" for number in range(1, len(values) + 1)]
    document = {**CHART, "series": [{"label": "It", "values": "{{state.nav.values}}", "format": kind}]}
    state = scope(nav={"dates": days, "values": values})
    plain = chart_panel.columns(document, state)

    with privacy.hiding(is_on=True):
        hidden = chart_panel.columns(document, state)

    if kind == "percentage":
        assert hidden == plain
        return
    (series,) = hidden["series"]
    assert series["is_hidden"]
    assert max(abs(each) for each in hidden["levels"]) == 1.0
    assert all(abs(each) <= 1.0 and each == round(each, 4) for each in series["values"])


def test_a_chart_without_a_day_says_so():
    page = chart([], [], [])

    assert page.text == "It No day has a value yet."


MARKED = {**CHART, "series": CHART["series"][:1], "marks": "{{state.trades.days}}"}
NAV = {"dates": ["2013-02-27", "2013-02-28", "2013-03-01"], "values": [1.0, None, 3.0]}


def test_what_was_traded_is_marked_at_the_line_and_stands_in_a_table():
    days = [
        {"date": "2013-02-26", "bought": ["OAK"], "sold": []},
        {"date": "2013-02-28", "bought": ["OAK"], "sold": []},
        {"date": "2013-03-01", "bought": ["ELM", "<OAK>"], "sold": ["ASH"]},
    ]

    page = draw(MARKED, nav=NAV, trades={"days": days})

    assert "▲2013-03-01: bought ELM, <OAK>" in page.text
    assert "▼2013-03-01: sold ASH" in page.text
    assert "2013-02-26" not in page.text
    assert "2013-02-28: bought" not in page.text  # there is no value to mark it at
    assert "2013-03-01 ELM, <OAK> ASH 2013-02-28 OAK" in page.text
    assert "2 days with trades" in page.text


def test_a_chart_whose_trades_are_withheld_says_why_and_is_drawn():
    page = draw(MARKED, nav=NAV, trades={"status": "unavailable", "reason": "not_given"})

    assert "What was traded is unavailable: " in page.text
    assert "▲" not in page.text
    assert page.named("path")


def test_a_grid_without_a_known_figure_is_one_reason():
    missing = {"value": None, "status": "unavailable", "reason": "no_benchmark", "basis": {}}
    document = {
        "id": "against", "type": "metrics_grid", "title": "Against", "items": [
            {"label": label, "value": f"{{{{state.metrics.{label}}}}}", "format": "percentage"} for label in ("a", "b")
        ],
    }  # fmt: skip

    one = panels.draw(document, scope(metrics={"a": missing, "b": missing}))
    other = panels.draw(document, scope(metrics={"a": missing, "b": missing | {"value": 0.01, "status": "ok"}}))

    assert (one.name, one.reason) == ("unavailable", figures.reason_words("no_benchmark"))
    assert [label for label, _ in other.body["notes"]] == ["a is"]


def test_what_is_drawn_and_how_it_is_written_is_what_the_linter_knows():
    assert set(panels.DRAWERS) == set(panel_parts.PARTS)
    assert set(panel_parts.FORMATS) == {*figures.FORMATS, "text", "name", "date", "sparkline"}


def opened_by(document, **state):
    """The places that the figures of a panel lead to."""
    page = panels.panel({"id": "it", "title": "It", "ttl": 60, **document}, scope(**state), figure_page="/f/?path=")
    return [attrs["href"].removeprefix("/f/?path=") for attrs in Reader(page).named("a")]


@pytest.mark.parametrize(
    ("document", "places"),
    [
        (
            {"type": "metrics_grid", "items": [{"label": "A", "value": "{{state.out.total}}", "format": "currency"},
                                               {"label": "B", "value": "{{state.out.none}}", "format": "number"},
                                               {"label": "C", "value": "{{state.out.name}}", "format": "text"},
                                               {"label": "D", "value": "{{ctx.base_currency}}", "format": "text"},
                                               {"label": "E", "value": "12", "format": "number"}]},
            ["/out/total", "/out/none"],
        ),
        (
            {"type": "table", "rows": "{{state.out.rows}}",
             "columns": [{"key": "name", "label": "N", "format": "text"}, {"key": "a.b", "label": "AB", "format": "percentage"}]},
            ["/out/rows/0/a/b"],
        ),
        (
            {"type": "bar_chart", "rows": "{{state.out.rows}}",
             "columns": [{"key": "name", "label": "N", "format": "text"}, {"key": "c", "label": "C", "format": "number"}]},
            ["/out/rows/0/c", "/out/rows/1/c"],
        ),
        (
            {"type": "comparison_table", "headings": ["X", "Y"],
             "lines": [{"label": "L", "format": "number", "values": ["{{state.out.total}}", "{{state.out.rows.1.c}}"]}]},
            ["/out/total", "/out/rows/1/c"],
        ),
        (
            {"type": "line_chart", "x": "{{state.out.days}}",
             "series": [{"label": "S", "values": "{{state.out.values}}", "format": "number"}]},
            ["/out/values/0", "/out/values/2", "/out/values/1", "/out/values/0"],
        ),
    ],
)  # fmt: skip
def test_a_figure_leads_to_its_place_in_the_result(document, places):
    out = {
        "total": "12.00",
        "name": "it",
        "rows": [{"name": "x", "a": {"b": 0.1}, "c": 2}, {"name": "y", "a": {"b": None}, "c": 3}],
        "days": ["2013-01-01", "2013-01-02", "2013-01-03"],
        "values": [1, 3, 2],
    }

    assert opened_by(document, out=out) == places


def test_a_panel_of_no_stored_answer_leads_nowhere():
    page = grid({"value": 0.1, "status": "ok", "reason": None, "basis": METRIC})

    assert page.named("a") == []
