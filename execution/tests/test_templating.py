import contextlib
import dataclasses
from datetime import date
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.tests.fakes import PORTFOLIO_ID, context
from execution.patterns import templating
from execution.patterns.templating import Scope, TemplateInvalid, TemplateUnresolved
from execution.tests.fakes import Position, Positions

HELD = Positions((Position("AAPL", Decimal("10.50")),), None)
SCOPE = Scope(
    inputs={"lookback_days": 252, "flag": True, "nothing": None, "rows": [{"a": [1, 2]}], "name": "x"},
    state={"positions": HELD, "curve": {"values": np.array([1.5, 2.5])}, "__class__": "no"},
    ctx=templating.context_values(context()),
)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{inputs.lookback_days}}", 252),
        ("{{ inputs.flag }}", True),
        ("{{inputs.nothing}}", None),
        ("{{inputs.rows.0.a.1}}", 2),
        ("{{state.positions.positions.0.quantity}}", Decimal("10.50")),
        ("{{state.positions.note}}", None),
        ("{{state.curve.values.1}}", 2.5),
        ("{{ctx.portfolio_id}}", PORTFOLIO_ID),
        ("{{ctx.asof_date}}", date(2013, 3, 1)),
        ("{{ctx.pricing_pack_id}}", "PP_2013-03-01_ECB_EUR_r1"),
        ("{{ctx.base_currency}}", "CAD"),
        ("last {{inputs.lookback_days}} days to {{ctx.asof_date}}", "last 252 days to 2013-03-01"),
        ("{{inputs.flag}}/{{state.positions.positions.0.quantity}}", "true/10.50"),
        ("{{inputs.name}}{{inputs.name}}", "xx"),
        ("no template { } { {", "no template { } { {"),
        ({"a": ["{{inputs.lookback_days}}", {"b": "{{inputs.flag}}"}], "c": 3}, {"a": [252, {"b": True}], "c": 3}),
    ],
)
def test_a_template_is_what_its_path_leads_to(template, value):
    resolved = templating.resolve(template, SCOPE)

    assert resolved == value
    assert type(resolved) is type(value)


def test_a_template_that_is_a_whole_text_is_the_very_object_of_the_step():
    assert templating.resolve("{{state.positions}}", SCOPE) is HELD
    assert templating.resolve("{{state.curve.values}}", SCOPE) is SCOPE.state["curve"]["values"]


def test_what_a_step_gave_is_not_read_for_templates_again():
    scope = Scope({"name": "{{ctx.base_currency}}"}, {}, SCOPE.ctx)

    assert templating.resolve("{{inputs.name}}", scope) == "{{ctx.base_currency}}"


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("{{inputs.lookback}}", "inputs.lookback"),
        ("{{inputs.nothing.deeper}}", "inputs.nothing.deeper"),
        ("{{inputs.rows.1}}", "inputs.rows.1"),
        ("{{inputs.rows.first}}", "inputs.rows.first"),
        ("{{inputs.name.0}}", "inputs.name.0"),
        ("{{inputs.name.upper}}", "inputs.name.upper"),
        ("{{state.twr}}", "state.twr"),
        ("{{state.positions.total.x}}", "state.positions.total"),
        ("{{state.curve.values.2}}", "state.curve.values.2"),
        ("{{state.curve.values.shape}}", "state.curve.values.shape"),
        ("{{state.curve.values.0.real}}", "state.curve.values.0.real"),
        ("{{state.curve.keys}}", "state.curve.keys"),
        ("{{state.positions.first}}", "state.positions.first"),
        ("{{state.positions.positions.count}}", "state.positions.positions.count"),
        ("{{ctx.user}}", "ctx.user"),
        ("{{ctx.portfolio}}", "ctx.portfolio"),
        ("{{ctx.market}}", "ctx.market"),
        ("{{ctx.ledger_commit_hash}}", "ctx.ledger_commit_hash"),
        ("{{ctx.asof_date.year}}", "ctx.asof_date.year"),
        ("{{ctx.portfolio_id.hex}}", "ctx.portfolio_id.hex"),
        ("x {{inputs.nothing}}", "inputs.nothing"),
        ("x {{inputs.rows}}", "inputs.rows"),
        ("x {{state.positions}}", "state.positions"),
    ],
)
def test_a_path_that_leads_nowhere_fails_with_template_and_path(template, path):
    with pytest.raises(TemplateUnresolved) as unresolved:
        templating.resolve(template, SCOPE)

    assert (unresolved.value.template, unresolved.value.path) == (template, path)


WORDS = """
    {{ }} { } {{{ }}} inputs state ctx . .. lookback_days flag nothing rows name positions curve values quantity note asof_date
    portfolio_id base_currency __class__ __globals__ _x 0 1 007 999999 9999999 -1 * [ ] ( ) ' " | : $ % é ٣ a x
    {{inputs. {{state. {{ctx.
"""
"""What templates are made of, what looks like it, and what gets out of other templates."""
ALLOWED = (str, int, float, bool, Decimal, date, type(None), list, dict, tuple, Position, Positions, UUID, np.ndarray)


@settings(max_examples=settings().max_examples * 3)
@given(
    st.lists(st.sampled_from([*WORDS.split(), "\\", "\0"]), max_size=24),
    st.sampled_from(["", " "]),
)
def test_no_text_of_words_does_more_than_lead_to_a_value_or_be_refused(words, between):
    with contextlib.suppress(TemplateInvalid, TemplateUnresolved):
        assert isinstance(templating.resolve(between.join(words), SCOPE), ALLOWED)


HOSTILE = [
    "{{state.positions.__class__}}",
    "{{state.positions.__init__.__globals__}}",
    "{{state.__class__}}",
    "{{state.positions._secret}}",
    "{{ctx.__dict__}}",
    "{{__import__('os')}}",
    "{{config.SECRET_KEY}}",
    "{{request.user.password}}",
    "{{x}}",
    "{{state}}",
    "{{inputs}}",
    "{{ctx}}",
    "{{}}",
    "{{ }}",
    "{{inputs.}}",
    "{{.inputs.a}}",
    "{{inputs..a}}",
    "{{inputs.a-b}}",
    "{{inputs['a']}}",
    "{{inputs.rows[0]}}",
    "{{inputs.rows.-1}}",
    "{{inputs.rows.0x1}}",
    "{{inputs.name.upper()}}",
    "{{inputs.name|safe}}",
    "{{inputs.a + 1}}",
    "{{inputs.{{inputs.name}}}}",
    "{{{inputs.name}}}",
    "{{{{inputs.name}}}}",
    "{{{{",
    "}}",
    "{{inputs.name",
    "inputs.name}}",
    "{{inputs.name}} and {{",
    "{{\ninputs.name}}",
    "{{inputs.name\0}}",
    "{{ｉnputs.name}}",
    "{{inputs.nаme}}",  # Cyrillic а
    "{{inputs․name}}",  # one dot leader
    "｛｛inputs.name｝｝{{",
    "{{inputs.name\u200b}}",
    "{{inputs.rows.٠}}",  # Arabic zero
    "{{inputs.rows.0000000001}}",
    "{{inputs" + ".a" * 20 + "}}",
    "{{inputs.name}}" * 1_000,
    "a" * 1_000_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_refused(text):
    with pytest.raises(TemplateInvalid):
        templating.resolve({"deep": [text]}, SCOPE)
    with pytest.raises(TemplateInvalid):
        list(templating.references_in({"deep": [text]}))


def test_braces_of_another_script_are_plain_text():
    assert templating.resolve("｛｛inputs.name｝｝", SCOPE) == "｛｛inputs.name｝｝"


def test_a_class_is_no_data():
    scope = Scope({}, {"kind": Positions, "fields": dataclasses}, {})

    for path in ("{{state.kind.positions}}", "{{state.fields.fields}}"):
        with pytest.raises(TemplateUnresolved):
            templating.resolve(path, scope)


def test_a_text_can_not_be_blown_up():
    scope = Scope({"long": "a" * 10_000}, {}, {})

    with pytest.raises(TemplateUnresolved, match="longer than"):
        templating.resolve("{{inputs.long}}" * 11, scope)


def test_the_paths_a_value_names_are_told_with_their_pointers():
    named = list(templating.references_in({"a": ["{{state.x.y}}", "to {{ctx.asof_date}}, {{inputs.n}}"], "b/c": 1}))

    assert [(str(r), r.pointer, r.whole) for r in named] == [
        ("state.x.y", "/a/0", True),
        ("ctx.asof_date", "/a/1", False),
        ("inputs.n", "/a/1", False),
    ]
