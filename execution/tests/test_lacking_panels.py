"""A panel of a stored version that this release would not publish is not drawn and says why, on the page and in a file."""

import contextlib
import copy
import itertools
import json
from typing import Any

import pytest

from execution.exports import panel_tables
from execution.patterns import panel_parts, panel_values
from execution.patterns.panel_parts import PARTS
from execution.patterns.templating import Scope
from execution.tests.test_blame import ask, publish_by_force
from execution.tests.test_panel_types import STATE, TYPES
from execution.web.pages import chart_panel, narrative_panel, page_rows, panel_labels, panels

RIGHT = [{"label": "A", "value": "{{state.it.opening}}", "format": "number"}]
VALUES: list[Any] = [
    None,
    5,
    "x",
    [5],
    [{}],
    RIGHT,
    "{{state.it.gone}}",
    "{{state.it.rows}}",
    "{{state.it}}",
    [{"label": "A", "value": "{{state.it.gone}}", "format": "barchart"}],
    [{"label": "A", "value": "{{state.it.rows}}", "format": "number"}],
    [{"key": "gone", "label": "x", "format": "number"}],
    [{"key": 5, "label": 7, "format": []}],
]


def bodies(panel_type):
    """Panels of a type with parts of every kind, all alike, and one unlike the others."""
    parts = sorted({part for choice in PARTS[panel_type] for part in choice})
    yield {}
    yield from (dict.fromkeys(parts, value) for value in VALUES)
    yield from (dict.fromkeys(parts, RIGHT) | {other: value} for other in parts for value in VALUES)


ODD: list[Any] = [
    None,
    5,
    "x",
    "{{",
    "{{state.it.gone}}",
    "{{state.it.rows}}",
    "{{state.it.name}} and {{state.it.opening}}",
    "{{state.it.path}}",
    [],
    [5],
    ["{{state.it.opening}}"],
    [[]],
    {"a": 1},
    [{}],
    "sparkline",
]
BESIDE: dict[str, Any] = {
    "threshold": 90,
    "better": "below",
    "link": "link",
    "marks": "{{state.it.trades}}",
    "reason": "{{state.it.notice}}",
    "sortable": True,
    "on_demand": True,
    "totals": {"value": "{{state.it.opening}}"},
    "text": "words",
    "lines": [],
    "headings": ["a"],
    "left": {},
    "rows": "{{state.it.rows}}",
    "cards": [{"title": "x"}],
    "panels": [{"type": "line_chart", "title": "t"}],
}
"""Parts that a type of panel can do without."""
TRADED = STATE | {"trades": [{"date": "2013-02-28", "bought": ["AAPL"], "sold": []}], "path": [1.0, None, 2.0]}
NO_FIGURES: list[Any] = [
    None,
    True,
    1e308,
    "x",
    "2013-02-28",
    [],
    [5],
    {},
    {"value": "x", "status": "ok", "reason": None},
    {"value": None, "status": "unavailable", "reason": None},
]
QUERY = {"p": "1", "sort": "-value", "find": "a"}


def held_in(value, path=()):
    """Each value below one and the value itself, with the path to it."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from held_in(each, (*path, name))


def changed(value, path, **put):
    """A copy without what is at a path, or with `to` there."""
    copied = copy.deepcopy(value)
    holder = copied
    for name in path[:-1]:
        holder = holder[name]
    if put:
        holder[path[-1]] = put["to"]
    else:
        del holder[path[-1]]
    return copied


def mutants(value, odd):
    """Of each place of a value: without it, and with every odd value in it."""
    for path, _ in list(held_in(value))[1:]:
        yield changed(value, path)
        yield from (changed(value, path, to=other) for other in odd)


def with_others_beside(body):
    """Of each mapping of a body: with every part that can be done without, as it should be and not."""
    holders = [path for path, holder in held_in(body) if isinstance(holder, dict)]
    for path, (name, right) in itertools.product(holders, BESIDE.items()):
        yield from (changed(body, (*path, name), to=other) for other in (right, 5, [5], "{{"))


def show_everywhere(panel, state):
    """A panel on its page as it is asked for in each way, in a file, as the columns of its charts, and as the title of a figure."""
    scope = Scope(inputs={}, state={"it": state}, ctx={"base_currency": "CAD"})
    document = {"panels": [panel], "inputs": {}}

    assert "<h2" in panels.panel(panel, scope)
    assert "<h2" in panels.panel(
        panel, scope, "/h", "/e", rows=page_rows.PageRows(QUERY), figure_page="/f/", chart_data="/c"
    )
    for table in panel_tables.tabulate(panel, scope):
        assert table.reason or len(list(table.rows)) == table.count
    panel_values.outputs_of(panel)
    page_rows.parameters(document)
    for place in ("/it/opening", "/it/rows/0/value", "/it/levels/1"):
        panel_labels.find(document, place, {"it": state})
    if panel_parts.why_undrawn(panel) is None:
        for chart in panel_parts.charts(panel):
            with contextlib.suppress(panel_values.NoPanelValueError):
                json.dumps(chart_panel.columns(chart, scope), allow_nan=False)


def panel_of(panel_type, body):
    return {"id": "p", "type": panel_type, "title": "T", "ttl": 60, **body}


@pytest.mark.parametrize("panel_type", PARTS)
def test_no_panel_breaks_the_page_or_the_file_whatever_it_holds(panel_type):
    for body in bodies(panel_type):
        show_everywhere(panel_of(panel_type, body), TRADED)


@pytest.mark.slow
@pytest.mark.parametrize("panel_type", PARTS)
def test_no_panel_breaks_them_by_a_part_that_is_odd_or_absent(panel_type):
    whole, *_ = TYPES[panel_type]
    for body in (*mutants(whole, ODD), *with_others_beside(whole)):
        try:
            show_everywhere(panel_of(panel_type, body), TRADED)
        except Exception as broken:
            broken.add_note(str(body))
            raise


@pytest.mark.slow
@pytest.mark.parametrize("panel_type", sorted(set(PARTS) - {"narrative"}))
def test_no_value_of_a_result_breaks_a_panel_that_names_it(panel_type):
    whole, *_ = TYPES[panel_type]
    marks = {"marks": "{{state.it.trades}}"} if "x" in whole else {}
    for state in mutants(
        {name: each for name, each in TRADED.items() if name not in ("facts", "sentences")}, NO_FIGURES
    ):
        try:
            show_everywhere(panel_of(panel_type, whole | marks), state)
        except Exception as broken:
            broken.add_note(str(state))
            raise


@pytest.mark.parametrize("lacking", sorted(narrative_panel.NEEDED))
def test_a_narrative_of_another_release_is_not_drawn_and_says_so(lacking):
    state = {name: each for name, each in TRADED.items() if name != lacking}

    show_everywhere(panel_of("narrative", {"text": "{{state.it}}"}), state)


def test_the_page_and_the_file_of_a_version_with_such_panels_are_there(private_demo):
    def lack(made):
        made["panels"] = [
            {
                "id": f"p{place}",
                "type": each,
                "title": each,
                "ttl": 60,
                **([{}, {"items": 5, "rows": 5}, TYPES[each][0] | {"beside": "{{"}][place % 3]),
            }
            for place, each in enumerate(PARTS)
        ]

    pattern_id = publish_by_force(private_demo, lack)
    answer = ask(private_demo, pattern_id).json()
    client = private_demo.client("owner")

    page = client.get(f"/portfolios/public/{pattern_id}/")
    forms = [
        client.post(
            "/v1/exports",
            {"execution_id": answer["execution_id"], "format": form},
            content_type="application/json",
        ).status_code
        for form in ("csv", "xlsx", "pdf", "json")
    ]
    data = [
        client.get(f"/portfolios/public/charts/{answer['execution_id']}/", {"panel": f"p{place}"}).status_code
        for place in range(len(PARTS))
    ]

    assert page.status_code == 200
    assert page.content.decode().count("this page can&#x27;t draw it") == len(PARTS)
    assert set(forms) == {201}
    assert set(data) == {200}
