"""Panels as tables: values as the result has them, and why one is not there."""

from execution.exports import panel_tables
from execution.figures import reason_words
from execution.patterns.templating import Scope

COLUMNS = [{"key": key, "label": key, "format": "number"} for key in ("a", "b.c")]

TYPES = {"rows": "table", "items": "metrics_grid", "x": "line_chart"}
"""First part of a panel -> its type."""


def tabulate(panel, **state):
    panel = {"id": "p", "type": TYPES[next(iter(panel))], "title": "P", **panel}
    (table,) = panel_tables.tabulate(panel, Scope({}, state, {"base_currency": "CAD"}))
    return [column.header for column in table.columns], [list(row) for row in table.rows], table.reason


def of_rows(*rows, columns=COLUMNS):
    return tabulate({"rows": "{{state.x.rows}}", "columns": columns}, x={"rows": list(rows)})


def metric(value, status="ok", reason=None):
    return {"value": value, "status": status, "reason": reason, "basis": {}}


def test_plain_values_are_cells_and_no_notes_are_made():
    assert of_rows({"a": "1.50", "b": {"c": 2}}) == (["a", "b.c"], [["1.50", 2]], "")


def test_a_figure_that_is_ok_is_its_value_and_one_that_is_not_has_a_note():
    headers, rows, _ = of_rows(
        {"a": metric(1), "b": {"c": metric(2)}}, {"a": metric(None, "unavailable", "no_benchmark"), "b": {}}
    )

    assert of_rows({"a": metric(1), "b": {"c": metric(2)}})[1] == [[1, 2]]
    assert headers == ["a", "b.c", "Notes"]
    assert rows == [
        [1, 2, ""],
        [None, None, f"a: {reason_words('no_benchmark')}; b.c: {reason_words('not_in_result')}"],
    ]


def test_rows_of_figures_without_deeper_keys_are_their_values_too():
    assert of_rows({"a": metric(1)}, columns=COLUMNS[:1])[1] == [[1]]
    assert of_rows({"a": metric(1)}, {"a": 2}, {"a": [3]}, columns=COLUMNS[:1])[1] == [[1], [2], [None]]


def test_what_is_unavailable_as_a_whole_has_no_rows_and_a_reason():
    denied = {"value": None, "status": "unavailable", "reason": "right-denied"}

    assert tabulate({"rows": "{{state.x.rows}}", "columns": COLUMNS}, x=denied) == (
        [],
        [],
        reason_words("right-denied"),
    )
    assert tabulate({"rows": "{{state.y}}", "columns": COLUMNS}, x=1)[2] == reason_words("not_in_result")


def test_a_grid_says_of_each_figure_its_unit_and_status():
    items = [
        {"label": "Value", "value": "{{state.x.v}}", "format": "currency"},
        {"label": "Return", "value": "{{state.x.r}}", "format": "percentage"},
        {"label": "Gone", "value": "{{state.z.r}}", "format": "number"},
    ]

    _, rows, _ = tabulate({"items": items}, x={"v": "7.00", "r": metric(None, "unavailable", "short_history")})

    assert rows == [
        ["Value", "7.00", "CAD", "ok", ""],
        ["Return", None, "fraction", "unavailable", reason_words("short_history")],
        ["Gone", None, "", "unavailable", reason_words("not_in_result")],
    ]


def test_lines_are_a_column_of_days_and_one_for_each_series_and_equal_labels_are_told_apart():
    series = [{"label": "V", "values": f"{{{{state.x.{name}}}}}", "format": "number"} for name in ("one", "two")]

    headers, rows, _ = tabulate(
        {"x": "{{state.x.days}}", "series": series}, x={"days": ["2026-01-01"], "one": [1.5], "two": [None]}
    )

    assert rows == [["2026-01-01", 1.5, None]]
    assert headers == ["Date", "V", "V"]


def test_a_panel_of_several_parts_is_several_tables_with_ids_of_their_own():
    side = {"title": "Winners", "rows": "{{state.x.rows}}", "columns": COLUMNS[:1]}
    panel = {"id": "p", "type": "dual_list", "title": "P", "left": side, "right": {**side, "title": "Losers"}}

    tables = panel_tables.tabulate(panel, Scope({}, {"x": {"rows": [{"a": 1}]}}, {}))

    assert [(each.id, each.title, each.count) for each in tables] == [("p_1", "P: Winners", 1), ("p_2", "P: Losers", 1)]


def test_a_series_without_any_value_is_empty_cells():
    series = [{"label": name, "values": f"{{{{state.x.{name}}}}}", "format": "number"} for name in ("one", "none")]

    _, rows, _ = tabulate(
        {"x": "{{state.x.days}}", "series": series}, x={"days": ["a", "b"], "one": [1, 2], "none": []}
    )

    assert [list(row) for row in rows] == [["a", 1, None], ["b", 2, None]]
