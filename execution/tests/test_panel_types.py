"""Each type of panel is drawn with all that it has, beside a table or a list that says the same, and what it holds is text."""

import re
from typing import Any

import pytest

from agents import registry
from execution import patterns
from execution.patterns import linter, panel_parts
from execution.tests.test_panels import Reader, scope
from execution.web.pages import panels

EVIL = "<script>alert(1)</script>"
ITEMS: list[dict[str, Any]] = [
    {"label": "Opening", "value": "{{state.it.opening}}", "format": "currency", "total": True},
    {"label": "Gain", "value": "{{state.it.gain}}", "format": "currency"},
    {"label": "Loss", "value": "{{state.it.loss}}", "format": "currency"},
]
COLUMNS: list[dict[str, str]] = [
    {"key": "name", "label": "Name", "format": "text"},
    {"key": "value", "label": "Value", "format": "currency"},
    {"key": "change", "label": "Change", "format": "percentage"},
]
ROWS: dict[str, Any] = {"rows": "{{state.it.rows}}", "columns": COLUMNS}
TEXTS: dict[str, Any] = {
    "rows": "{{state.it.rows}}",
    "columns": [COLUMNS[0], {"key": "words", "label": "Words", "format": "text"}, COLUMNS[2]],
}
SPANS: dict[str, Any] = {
    "rows": "{{state.it.rows}}",
    "columns": [
        COLUMNS[0],
        {"key": "begin", "label": "Begin", "format": "date"},
        {"key": "end", "label": "End", "format": "date"},
        {"key": "words", "label": "Words", "format": "text"},
    ],
}
LINES: dict[str, Any] = {
    "x": "{{state.it.days}}",
    "series": [{"label": "Level", "values": "{{state.it.levels}}", "format": "number"}],
}
COMPARED: dict[str, Any] = {
    "headings": ["Before", "After"],
    "lines": [{"label": "Worth", "format": "currency", "values": ["{{state.it.opening}}", "{{state.it.gain}}"]}],
}
STATE: dict[str, Any] = {
    "opening": "100.00",
    "gain": "30.00",
    "loss": "-50.00",
    "days": ["2013-02-27", "2013-02-28", "2013-03-01"],
    "levels": [1.0, 2.0, 1.5],
    "sentences": [
        [{"kind": "figure", "text": "", "fact": 0, "other": None}, {"kind": "words", "text": ".", "fact": None, "other": None}],
        [{"kind": "sign", "text": "is above zero", "fact": 1, "other": None}],
    ],
    "facts": [
        {"label": "Gain", "window": "this year", "format": "currency", "value": "30.00", "status": "ok"},
        {"label": EVIL, "window": "", "format": "number", "value": 1.0, "status": "ok"},
    ],
    "writer": "template",
    "reason": "there is no key for a model",
    "notice": "Facts.",
    "rows": [
        {
            "name": "AAPL", "value": "60.00", "change": 0.2, "words": "Buy more", "begin": "2012-01-02", "end": "2012-06-29",
            "link": "https://example.org/a", "path": [1.0, 3.0, 2.0],
        },
        {
            "name": EVIL, "value": "40.00", "change": -0.1, "words": EVIL, "begin": "2012-07-02", "end": "2012-12-31",
            "link": "javascript:alert(1)", "path": [3.0, None, 2.0],
        },
    ],
}  # fmt: skip

TYPES: dict[str, tuple[dict[str, Any], dict[str, int], tuple[str, ...]]] = {
    "action_cards": (TEXTS, {"li": 2, "dd": 2}, ("AAPL", "Buy more", "Change 20.00 %")),
    "bar_chart": (ROWS, {"rect": 2, "table": 1}, ("AAPL 60.00", "20.00 %")),
    "card_grid": (
        {"cards": [{"title": "Debt cycle", "text": "Late in it", "items": ITEMS}]},
        {"li": 1, "strong": 1, "dd": 2},
        ("Debt cycle", "Late in it", "Opening 100.00 CAD", "Loss −50.00 CAD"),
    ),
    "chart_with_metrics": (LINES | {"items": ITEMS}, {"path": 1, "dd": 3, "table": 1}, ("Level", "Gain +30.00 CAD")),
    "comparison_grid": (COMPARED, {"li": 1, "dd": 2}, ("Worth", "Before 100.00 CAD", "After +30.00 CAD")),
    "comparison_table": (COMPARED, {"table": 1, "td": 2}, ("Before After Worth 100.00 CAD +30.00 CAD",)),
    "donut_chart": (ROWS, {"path": 2, "rect": 4, "table": 1}, ("AAPL 60.00",)),
    "dual_list": (
        {"left": {"title": "Winners", **ROWS}, "right": {"title": "Losers", **ROWS}},
        {"table": 2, "tr": 6},
        ("Winners", "Losers", "AAPL 60.00 20.00 %"),
    ),
    "gauge_with_waterfall": (
        {"items": ITEMS[1:], "minimum": 0, "maximum": "{{state.it.opening}}", "threshold": 50, **ROWS},
        {"rect": 4, "table": 1, "dd": 2},
        ("Gain +30.00 CAD", "AAPL 60.00"),
    ),
    "heatmap": (
        {"rows": "{{state.it.rows}}", "columns": [COLUMNS[0], COLUMNS[2]]},
        {"table": 1, "td": 2},
        ("AAPL 20.00 %",),
    ),
    "line_chart": (LINES, {"path": 1, "table": 1}, ("high 2 on 2013-02-28",)),
    "metrics_grid": ({"items": ITEMS}, {"dd": 3}, ("Opening 100.00 CAD",)),
    "multi_line_chart": (LINES, {"path": 1, "table": 1}, ("high 2 on 2013-02-28",)),
    "narrative": ({"text": "{{state.it}}"}, {"b": 2, "p": 2}, ("Gain, this year : 30.00 CAD .", f"{EVIL} is above zero")),
    "news_list": (TEXTS | {"link": "link"}, {"li": 2, "a": 1}, ("AAPL", "Buy more")),
    "pie_chart": (ROWS, {"path": 2, "rect": 4, "table": 1}, ("AAPL 60.00",)),
    "regime_widget": ({"items": ITEMS, **ROWS}, {"strong": 1, "dd": 2, "rect": 2}, ("Opening 100.00 CAD", "AAPL 60.00")),
    "scorecard": (
        {"items": [ITEMS[0] | {"threshold": 90}, ITEMS[1] | {"threshold": 20, "better": "below"}, ITEMS[2]]},
        {"table": 1, "tr": 4},
        ("Opening 100.00 CAD at least 90.00 ✓ met", "Gain +30.00 CAD at most 20.00 ✗ missed", "Loss −50.00 CAD"),
    ),
    "status": ({"items": ITEMS[:1]}, {"strong": 1}, ("Opening 100.00 CAD",)),
    "tabbed_content": (
        {"panels": [{"type": "heatmap", "title": "One", **ROWS}, {"type": "status", "title": "Two", "items": ITEMS}]},
        {"input": 2, "label": 2, "table": 1, "strong": 1},
        ("One", "Two", "AAPL 60.00 20.00 %"),
    ),
    "table": (
        {"rows": ROWS["rows"], "columns": [COLUMNS[0], {"key": "path", "label": "Path", "format": "sparkline"}]},
        {"table": 1, "path": 2},
        ("AAPL",),
    ),
    "timeline_chart": (SPANS, {"rect": 2, "table": 1, "li": 2}, ("AAPL 2012-01-02 2012-06-29 Buy more",)),
    "tree_map": (ROWS, {"rect": 2, "table": 1, "text": 4}, ("AAPL 60.00 20.00 %",)),
    "waterfall": ({"items": ITEMS}, {"rect": 3, "table": 1}, ("Opening 100.00", "Loss −50.00")),
}  # fmt: skip
"""Type -> what it has, how many of which elements, and what stands in it."""


def draw(panel_type: str, body: dict[str, Any], state: dict[str, Any]) -> Reader:
    return Reader(panels.panel({"id": "it", "type": panel_type, "title": "It", "ttl": 60, **body}, scope(it=state)))


def words_of(page: Reader) -> str:
    return re.sub(r"\s+", " ", " ".join(page.words))


@pytest.mark.parametrize("panel_type", sorted(panel_parts.PARTS))
def test_each_type_is_drawn_with_its_parts_and_what_it_holds_is_text(panel_type):
    body, elements, words = TYPES[panel_type]

    page = draw(panel_type, body, STATE)

    assert {tag: len(page.named(tag)) for tag in elements} == elements
    for each in words:
        assert each in words_of(page), words_of(page)
    assert "Unavailable" not in page.text
    assert not [script for script in page.named("script") if script.get("type") != "application/json"]
    assert not [attrs for _, attrs in page.elements for name in attrs if name == "style" or name.startswith("on")]
    assert not [attrs for attrs in page.named("a") if not attrs["href"].startswith("https://")]


@pytest.mark.parametrize("panel_type", sorted(set(panel_parts.PARTS) - {"card_grid"}))
def test_a_type_without_its_output_says_why(panel_type):
    body, *_ = TYPES[panel_type]

    page = draw(panel_type, body, {"value": None, "status": "unavailable", "reason": "right-denied"})

    assert "the terms of a data provider do not allow to show it" in page.text


@pytest.mark.parametrize("panel_type", sorted(panel_parts.PARTS))
def test_each_type_is_complete_to_the_linter_and_a_part_less_is_a_finding(panel_type):
    body, *_ = TYPES[panel_type]

    assert list(panel_parts.find_lacking(panel_type, body)) == []
    first = next(iter(body))
    assert list(panel_parts.find_lacking(panel_type, {key: value for key, value in body.items() if key != first}))


@pytest.mark.parametrize("panel_type", sorted(panel_parts.PARTS))
def test_each_type_is_tabulated(panel_type):
    body, *_ = TYPES[panel_type]

    plain = list(panel_parts.plain_panels({"id": "it", "title": "It", **body}))

    assert plain
    assert len({each["id"] for each in plain}) == len(plain)


def test_bars_stand_on_a_common_zero_and_steps_on_the_one_before():
    bars = draw("bar_chart", {"items": ITEMS[1:]}, STATE)
    steps = draw("waterfall", {"items": ITEMS}, STATE)

    assert [(each["x"], each["width"]) for each in bars.named("rect")] == [("62.5%", "37.5%"), ("0.0%", "62.5%")]
    assert [(each["x"], each["width"]) for each in steps.named("rect")] == [
        ("0.0%", "52.0%"),  # the levels are 100, 130 and 80: the scale begins a quarter of 130 - 80 below them
        ("52.0%", "48.0%"),
        ("20.0%", "80.0%"),
    ]
    assert "The bars begin at 68, not at zero." in steps.text


def test_steps_whose_levels_are_near_zero_stand_on_it():
    page = draw("waterfall", {"items": ITEMS[1:]}, STATE)

    assert [(each["x"], each["width"]) for each in page.named("rect")] == [("40.0%", "60.0%"), ("0.0%", "100.0%")]
    assert "begin at" not in page.text


def test_a_whole_with_a_part_below_zero_has_bars_and_no_ring():
    page = draw("donut_chart", {"items": ITEMS}, STATE)

    assert (len(page.named("path")), len(page.named("rect"))) == (0, 3)
    assert "No ring is drawn: a part is below zero" in words_of(page)


def test_an_allocation_of_nothing_above_zero_says_so():
    below = {"rows": [{"symbol": "cash", "value": "-5.00", "weight": -0.2}]}

    page = draw("tree_map", ROWS, {**STATE, **below})

    assert page.named("rect") == []
    assert "No tile is drawn: no part is above zero." in words_of(page)


def test_cells_of_a_heat_map_have_the_shade_of_their_part_of_the_greatest():
    body, *_ = TYPES["heatmap"]

    page = draw("heatmap", body, STATE)

    assert [each["class"] for each in page.named("td")] == ["num shade p4", "num shade n2"]


def test_a_finding_within_a_panel_names_its_place():
    tabs = {"panels": [{"type": "status", "title": "Two"}, {"type": "iframe", "title": "Three"}]}

    found = list(panel_parts.find_lacking("tabbed_content", tabs))

    assert [(where, rule) for where, rule, _ in found] == [
        (("panels", 0), "incomplete-panel"),
        (("panels", 1, "type"), "undrawn-panel"),
    ]


def test_a_column_that_a_table_behind_a_tab_does_not_have_is_found():
    document = {
        "id": "p",
        "version": "1.0.0",
        "title": "P",
        "description": "P",
        "inputs": {"portfolio_id": {"type": "uuid", "required": True}},
        "steps": [{"capability": "ledger.positions", "args": {"portfolio_id": "{{inputs.portfolio_id}}"}, "as": "held"}],
        "outputs": ["held"],
        "panels": [{"id": "it", "type": "tabbed_content", "title": "It", "ttl": 60, "panels": [
            {"type": "table", "title": "T", "rows": "{{state.held.positions}}", "columns": [COLUMNS[0] | {"key": "nam"}]},
        ]}],
    }  # fmt: skip

    found = linter.lint(patterns.parse(document), registry.default)

    assert [(each.path, each.rule) for each in found] == [("/panels/0/panels/0/columns/0/key", "unknown-column")]
