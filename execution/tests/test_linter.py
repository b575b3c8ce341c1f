import io

import pytest
from django.core.management import CommandError, call_command

from execution import patterns
from execution.patterns import linter, publishing
from execution.tests.fakes import document, offered, step

POSITIONS = step("ledger.positions", "held", {"portfolio_id": "{{ctx.portfolio_id}}"})
VALUED = step("pricing.apply_pack", "valued", {"positions": "{{state.held}}"})
SYMBOL = {"key": "symbol", "label": "Symbol", "format": "text"}
TABLE = {
    "id": "holdings",
    "type": "table",
    "title": "Holdings",
    "ttl": 60,
    "rows": "{{state.valued.rows}}",
    "columns": [
        SYMBOL,
        {"key": "quantity", "label": "Quantity", "format": "number"},
    ],
}


def lint(*steps, **parts):
    found = linter.lint(patterns.parse(document(*steps, **parts)), offered)
    return [(finding.path, finding.rule) for finding in found]


def test_a_pattern_that_works_has_no_findings():
    inputs = {"until": {"type": "date"}, "flag": {"type": "boolean", "default": True}}
    valued = step(
        "pricing.apply_pack",
        "valued",
        {"positions": "{{state.held}}", "asof_date": "{{inputs.until}}"},
        when="{{inputs.flag}} == true && has(state.held) && state.held.positions[0].symbol != ''",
    )

    assert lint(POSITIONS, valued, inputs=inputs, outputs=["valued"], panels=[TABLE]) == []


@pytest.mark.parametrize(
    ("steps", "finding"),
    [
        ([step("test.ecko", "x")], ("/steps/0/capability", "unknown-capability")),
        ([step("test.echo", "x", {"value": "{{inputs.lookback}}"})], ("/steps/0/args/value", "unresolved")),
        ([step("test.echo", "x", {"value": ["{{state.twr}}"]})], ("/steps/0/args/value/0", "unresolved")),
        ([step("test.echo", "x", {"value": {"a": "to {{ctx.user}}"}})], ("/steps/0/args/value/a", "unresolved")),
        ([step("test.echo", "x", {"value": "{{ctx.asof_date.year}}"})], ("/steps/0/args/value", "unresolved")),
        ([POSITIONS, step("test.echo", "x", {"value": "{{state.held.twr}}"})], ("/steps/1/args/value", "unresolved")),
        (
            [POSITIONS, step("test.echo", "x", {"value": "{{state.held.positions.0.price}}"})],
            ("/steps/1/args/value", "unresolved"),
        ),
        (
            [POSITIONS, step("test.echo", "x", {"value": "{{state.held.positions.symbol}}"})],
            ("/steps/1/args/value", "unresolved"),
        ),
        ([step("test.echo", "x", {"value": "{{user.password}}"})], ("/steps/0/args/value", "bad-template")),
        ([step("test.echo", "x", {"value": "{{state}}"})], ("/steps/0/args/value", "bad-template")),
        (
            [POSITIONS, step("test.echo", "x", {"value": "{{state.held._secret}}"})],
            ("/steps/1/args/value", "bad-template"),
        ),
        ([step("test.typed", "x", {"days": 1, "confidence": 2})], ("/steps/0/args/confidence", "unknown-argument")),
        ([step("test.typed", "x")], ("/steps/0/args", "missing-argument")),
        ([step("test.typed", "x", {"days": "252"})], ("/steps/0/args/days", "wrong-type")),
        ([step("test.typed", "x", {"days": True})], ("/steps/0/args/days", "wrong-type")),
        ([step("test.typed", "x", {"days": None})], ("/steps/0/args/days", "wrong-type")),
        ([step("test.typed", "x", {"days": "last {{inputs.n}}"})], ("/steps/0/args/days", "wrong-type")),
        ([step("test.typed", "x", {"days": "{{inputs.text}}"})], ("/steps/0/args/days", "wrong-type")),
        ([step("test.typed", "x", {"days": "{{ctx.asof_date}}"})], ("/steps/0/args/days", "wrong-type")),
        (
            [step("pricing.apply_pack", "x", {"positions": {"positions": []}})],
            ("/steps/0/args/positions", "wrong-type"),
        ),
        (
            [POSITIONS, VALUED, step("pricing.apply_pack", "x", {"positions": "{{state.valued}}"})],
            ("/steps/2/args/positions", "wrong-type"),
        ),
        ([step("test.echo", "x"), step("test.echo", "x")], ("/steps/1/as", "duplicate-name")),
        ([step("test.echo", "x", when="inputs.flga == true")], ("/steps/0/when", "unresolved")),
        ([step("test.echo", "x", when="has(state.gone)")], ("/steps/0/when", "unresolved")),
        ([POSITIONS, step("test.echo", "x", when="state.held.twr > 1")], ("/steps/1/when", "unresolved")),
        ([step("test.echo", "x", when="[1].map(y, y) == []")], ("/steps/0/when", "bad-condition")),
        ([step("test.echo", "x", when="().__class__")], ("/steps/0/when", "bad-condition")),
        ([step("test.echo", "x", {"value": "{{state.x}}"})], ("/steps/0", "cycle")),
    ],
)
def test_a_step_that_can_not_work_is_found(steps, finding):
    inputs = {"n": {"type": "integer", "default": 1}, "text": {"type": "string", "default": ""}}

    assert lint(*steps, inputs=inputs) == [finding]


def test_steps_that_wait_for_each_other_are_found():
    a = step("test.echo", "a", {"value": "{{state.b}}"})
    b = step("test.echo", "b", {"value": "{{state.c}}"})
    c = step("test.echo", "c", when="has(state.a)")

    assert lint(a, b, c) == [("/steps/0", "cycle")]


def test_a_step_that_nothing_shown_hangs_on_is_found():
    a = step("test.echo", "a")
    b = step("test.echo", "b", {"value": "{{state.a}}"})
    c = step("test.echo", "c", when="has(state.d)")
    d = step("test.echo", "d")
    panel = {
        "id": "p",
        "type": "status",
        "title": "P",
        "ttl": 0,
        "items": [{"label": "E", "value": "{{state.e.value}}", "format": "text"}],
    }

    assert lint(a, b, c, d, step("test.echo", "e"), outputs=["c"], panels=[panel]) == [
        ("/steps/0", "unused-step"),
        ("/steps/1", "unused-step"),
    ]


def test_a_title_with_a_sign_that_nobody_sees_is_found():
    panel = TABLE | {"title": "Hold\u200bings"}

    assert lint(POSITIONS, outputs=["held"], panels=[panel], title="A\u202eB")[:2] == [
        ("/title", "hidden-sign"),
        ("/panels/0/title", "hidden-sign"),
    ]


def test_an_output_of_no_step_is_found():
    assert lint(step("test.echo", "x"), outputs=["x", "y"]) == [("/outputs/1", "unknown-output")]


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"rows": "{{state.valued.positions}}"}, ("/panels/0/rows", "unresolved")),
        ({"rows": "{{state.twr.rows}}"}, ("/panels/0/rows", "unresolved")),
        ({"rows": "{{rows}}"}, ("/panels/0/rows", "bad-template")),
        ({"rows": "{{state.valued.total_value}}"}, ("/panels/0/rows", "wrong-type")),
        ({"columns": [SYMBOL, SYMBOL | {"key": "weight"}]}, ("/panels/0/columns/1/key", "unknown-column")),
        (
            {"items": [{"label": "A", "value": "{{state.valued.twr_itd}}", "format": "number"}]},
            ("/panels/0/items/0/value", "unresolved"),
        ),
    ],
)
def test_a_panel_that_reads_what_does_not_exist_is_found(changed, finding):
    assert lint(POSITIONS, VALUED, panels=[TABLE | changed]) == [finding]


TOTAL = {"label": "Total", "value": "{{state.valued.total_value}}", "format": "currency"}


@pytest.mark.parametrize(
    ("body", "path", "rule", "message"),
    [
        ({"type": "table"}, "", "incomplete-panel", "a table needs rows and columns"),
        ({"type": "pie_chart"}, "", "incomplete-panel", "a pie_chart needs items, or rows and columns"),
        ({"type": "line_chart", "x": []}, "", "incomplete-panel", "a line_chart needs x and series"),
        ({"type": "metrics_grid", "items": []}, "/items", "incomplete-panel", "items is a list of one or more"),
        ({"type": "metrics_grid", "items": "x"}, "/items", "incomplete-panel", "items is a list of one or more"),
        (
            {"type": "metrics_grid", "items": [TOTAL, {"value": TOTAL["value"]}]},
            *("/items/1", "incomplete-panel", "needs label, format as text"),
        ),
        (
            {"type": "metrics_grid", "items": [TOTAL | {"format": "percent"}]},
            *("/items/0/format", "unknown-format"),
            "percent is none of number, currency, percentage, decimal_2, text, name, date, sparkline",
        ),
    ],
)
def test_a_panel_that_can_not_be_drawn_is_found(body, path, rule, message):
    panel = {"id": "p", "title": "P", "ttl": 60, **body}

    found = linter.lint(patterns.parse(document(POSITIONS, VALUED, outputs=["valued"], panels=[panel])), offered)

    assert found == [linter.LintFinding("/panels/0" + path, rule, message)]


@pytest.mark.parametrize(
    "when", ["1 / 0 > 1", "'true'", "int('x') == 1", "9223372036854775807 + 1 > 0", "'a' + 1 == 'a'"]
)
def test_a_condition_that_never_has_an_answer_is_found(when):
    assert lint(step("test.echo", "a", when=when), outputs=["a"]) == [("/steps/0/when", "bad-condition")]


@pytest.mark.parametrize("title", [" ", "\u00a0", "\u3000"])
def test_a_title_of_which_nothing_can_be_seen_is_found(title):
    assert lint(POSITIONS, outputs=["held"], panels=[TABLE], title=title)[0] == ("/title", "hidden-sign")


def test_two_panels_of_one_id_are_found():
    assert lint(POSITIONS, VALUED, panels=[TABLE, TABLE]) == [("/panels/1/id", "duplicate-name")]


def test_everything_is_found_at_once_and_the_message_helps():
    broken = patterns.parse(
        document(
            step("ledger.position", "held"),
            step("pricing.apply_pack", "valued", {"position": "{{state.helt}}"}),
            outputs=["valeud"],
        )
    )

    found = {finding.rule: finding.message for finding in linter.lint(broken, offered)}

    assert found == {
        "unknown-capability": "no agent offers ledger.position; near: ledger.positions",
        "missing-argument": "pricing.apply_pack needs positions",
        "unknown-argument": "pricing.apply_pack takes no position; near: positions",
        "unresolved": "state.helt: no step is named helt; near: held",
        "unknown-output": "no step is named valeud; near: valued",
        "unused-step": "valued feeds no output, no panel and no step that does",
    }


def test_the_command_says_what_is_wrong_by_file_and_place(monkeypatch):
    bridge = publishing.read_library()["money_bridge.json"]
    undrawn = {"id": "p", "type": "iframe", "title": "P", "ttl": 60}
    library = {"bridge.json": bridge, "money_bridge.json": {**bridge, "panels": [undrawn]}}
    monkeypatch.setattr(publishing, "read_library", lambda: library)
    complaints = io.StringIO()

    with pytest.raises(CommandError, match="2 findings in 2 patterns"):
        call_command("lint_patterns", stderr=complaints)

    *_, misnamed, unknown = complaints.getvalue().splitlines()
    assert misnamed == "bridge.json/id: is money_bridge, so that the file has to be money_bridge.json"
    assert unknown.startswith("money_bridge.json/panels/0/type: 'iframe' is none of action_cards, bar_chart, ")
