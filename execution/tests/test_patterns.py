import copy
import json
from datetime import date
from uuid import UUID

import jsonschema
import pytest

from execution import canonical, patterns
from execution.patterns import CyclicSteps, InputsInvalid, PatternInvalid
from execution.patterns.conditions import ConditionInvalid
from execution.patterns.document import SCHEMA
from execution.patterns.step_order import StepNeeds
from execution.patterns.templating import TemplateInvalid
from execution.tests.fakes import document, step

A_UUID = "5d8d5f0e-5c0f-4a2e-9f53-0c1c3a7c1a11"


def with_inputs(**declared):
    return patterns.parse(document(step("test.echo", "x"), inputs=declared))


def refusal(broken):
    with pytest.raises(PatternInvalid) as invalid:
        patterns.parse(broken)
    return {finding.pointer: finding.reason for finding in invalid.value.findings}


def test_a_document_becomes_a_pattern():
    panel = {"id": "p", "type": "table", "title": "P", "ttl": 60, "rows": "{{state.x}}", "columns": [{"key": "a"}]}
    whole = document(
        step("test.echo", "x", {"value": 1}, when="true", on_error="omit", timeout_s=2),
        inputs={"n": {"type": "integer", "default": 3, "minimum": 2, "maximum": 9, "description": "How many."}},
        panels=[panel],
    )

    pattern = patterns.parse(whole)

    assert (pattern.id, pattern.version, pattern.outputs) == ("a_pattern", "1.0.0", ("x",))
    first = pattern.steps[0]
    assert (first.capability, first.name, first.when, first.on_error, first.timeout_s) == (
        *("test.echo", "x", "true", "omit", 2),
    )
    assert pattern.inputs["n"].maximum == 9
    assert (pattern.panels[0].ttl, pattern.panels[0].body["rows"]) == (60, "{{state.x}}")


def test_the_hash_is_that_of_the_document_and_a_later_change_of_it_does_not_reach_the_pattern():
    whole = document(step("test.echo", "x", {"value": {"a": [1]}}))
    pattern = patterns.parse(whole)

    shuffled = json.loads(json.dumps(dict(reversed(whole.items()))))
    whole["steps"][0]["args"]["value"]["a"].append(2)

    assert patterns.parse(shuffled).document_hash == pattern.document_hash == canonical.digest(shuffled)
    assert patterns.parse(whole).document_hash != pattern.document_hash
    assert pattern.steps[0].args["value"] == {"a": [1]}


def test_every_finding_is_told_at_once_with_its_pointer():
    broken = document(
        step("Not A Capability", "Bad-Name", on_error="ignore", timeout_s=0),
        id="../etc",
        version="1",
        inputs={"n": {"type": "int"}, "__x": {"type": "date"}},
        panels=[{"id": "p", "type": "iframe", "title": "", "ttl": -1}],
        pattern_id="a_pattern",
    )

    found = refusal(broken)

    assert set(found) >= {
        "",
        "/id",
        "/version",
        "/inputs",
        "/inputs/n/type",
        "/steps/0/capability",
        "/steps/0/as",
        "/steps/0/on_error",
        "/steps/0/timeout_s",
        "/panels/0/type",
        "/panels/0/title",
        "/panels/0/ttl",
    }


@pytest.mark.parametrize(
    ("part", "value", "pointer"),
    [
        ("outputs", {"panels": []}, "/outputs"),
        ("outputs", ["x", "x"], "/outputs"),
        ("outputs", [], "/outputs"),
        ("steps", [], "/steps"),
        ("steps", [step("test.echo", f"s{n}") for n in range(201)], "/steps"),
        ("id", "a_pattern\n", "/id"),
        ("id", 5, "/id"),
        ("inputs", {"n": {"type": "string", "minimum": 1}}, "/inputs/n/type"),
        ("inputs", {"n": {"type": "integer", "enum": ["a"]}}, "/inputs/n/type"),
        ("inputs", {"n": {"type": "integer", "required": True, "default": 1}}, "/inputs/n"),
        ("inputs", {"n": {"type": "integer", "default": "1"}}, "/inputs/n/default"),
        ("inputs", {"n": {"type": "integer", "default": 1, "minimum": 2}}, "/inputs/n/default"),
        ("inputs", {"n": {"type": "date", "default": "2013-02-30"}}, "/inputs/n/default"),
        ("inputs", {"n": {"type": "uuid", "default": A_UUID.upper()}}, "/inputs/n/default"),
    ],
)
def test_a_document_of_the_wrong_shape_is_refused(part, value, pointer):
    assert pointer in refusal(document(step("test.echo", "x"), **{part: value}))


@pytest.mark.parametrize("missing", ["id", "version", "title", "description", "inputs", "steps", "outputs", "panels"])
def test_no_part_may_be_missing(missing):
    broken = document(step("test.echo", "x"))
    del broken[missing]

    assert missing in refusal(broken)[""]


def deep(levels):
    value: list[object] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "bomb",
    [
        lambda: deep(100_000),
        lambda: "a" * 1_000_000,
        lambda: [1] * 30_000,
        lambda: {"a" * 10_000: 1},
        lambda: {1: 2},
    ],
)
def test_a_bomb_is_refused_before_anything_recurses_into_it(bomb):
    value = bomb()
    with pytest.raises(PatternInvalid):
        patterns.parse(document(step("test.echo", "x", {"value": value})))
    while isinstance(value, list) and value:  # taken apart by hand: freeing it recurses, too
        value = value.pop()


def test_inputs_that_are_left_out_get_their_defaults_and_null_where_there_is_none():
    pattern = with_inputs(
        portfolio_id={"type": "uuid", "required": True},
        lookback_days={"type": "integer", "default": 252},
        method={"type": "string", "enum": ["FIFO", "LIFO"], "default": "FIFO"},
        until={"type": "date"},
    )

    effective = patterns.effective_inputs(pattern, {"portfolio_id": A_UUID})

    assert effective == {"portfolio_id": A_UUID, "lookback_days": 252, "method": "FIFO", "until": None}
    assert effective == patterns.effective_inputs(pattern, effective)


def test_a_default_is_not_shared_between_runs():
    pattern = with_inputs(tags={"type": "array", "default": []})

    patterns.effective_inputs(pattern, {})["tags"].append("mine")

    assert patterns.effective_inputs(pattern, {}) == {"tags": []}


@pytest.mark.parametrize(
    ("declared", "given", "effective"),
    [
        ("uuid", A_UUID.upper(), A_UUID),
        ("uuid", A_UUID.replace("-", ""), A_UUID),
        ("uuid", UUID(A_UUID), A_UUID),
        ("date", "2013-03-01", "2013-03-01"),
        ("date", date(2013, 3, 1), "2013-03-01"),
        ("number", 1, 1.0),
        ("boolean", False, False),
        ("string", "{{ctx.x}}", "{{ctx.x}}"),
        ("array", (1, "a"), [1, "a"]),
        ("object", {"a": {"b": None}}, {"a": {"b": None}}),
        ("integer", None, None),
    ],
)
def test_an_input_is_kept_in_its_canonical_form(declared, given, effective):
    kept = patterns.effective_inputs(with_inputs(x={"type": declared}), {"x": given})["x"]

    assert kept == effective
    assert type(kept) is type(effective)


@pytest.mark.parametrize(
    ("declared", "given"),
    [
        ("integer", True),
        ("integer", 252.0),
        ("integer", "252"),
        ("integer", 2**53),
        ("number", True),
        ("number", float("nan")),
        ("number", float("inf")),
        ("number", 10**400),
        ("number", "1.5"),
        ("boolean", 1),
        ("boolean", "true"),
        ("uuid", "{" + A_UUID + "}"),
        ("uuid", "urn:uuid:" + A_UUID),
        ("uuid", "1 OR 1=1"),
        ("uuid", 5),
        ("date", "20130301"),
        ("date", "2013-W09-5"),
        ("date", "2013-02-29"),
        ("date", "2013-03-01T00:00:00"),
        ("date", "٢٠١٣-03-01"),
        ("date", "2013-03-01\n"),
        ("string", 5),
        ("string", "NUL \0"),
        ("string", "a" * 10_001),
        ("array", "abc"),
        ("array", {"a": 1}),
        ("array", [float("nan")]),
        ("object", []),
        ("object", {1: 2}),
        ("object", {"a": object()}),
    ],
)
def test_an_input_of_the_wrong_type_is_refused(declared, given):
    with pytest.raises(InputsInvalid) as invalid:
        patterns.effective_inputs(with_inputs(x={"type": declared}), {"x": given})

    assert [finding.pointer for finding in invalid.value.findings] == ["/inputs/x"]


def test_unknown_missing_and_wrong_inputs_are_all_told_at_once():
    pattern = with_inputs(
        a={"type": "integer", "required": True},
        b={"type": "integer", "minimum": 2, "maximum": 9, "default": 5},
        c={"type": "string", "enum": ["x", "y"], "default": "x"},
        d={"type": "integer", "default": 1},
        e={"type": "string", "max_length": 2, "default": ""},
    )

    with pytest.raises(InputsInvalid) as invalid:
        patterns.effective_inputs(pattern, {"b": 10, "c": "z", "d": None, "e": "abc", "f/g": 1})

    assert {finding.pointer: finding.reason for finding in invalid.value.findings} == {
        "/inputs/a": "missing",
        "/inputs/b": "more than 9",
        "/inputs/c": "not one of x, y",
        "/inputs/d": "null where integer is needed",
        "/inputs/e": "longer than 2",
        "/inputs/f~1g": "unknown input",
    }


def test_steps_run_in_the_order_of_the_document_but_none_before_one_it_names():
    pattern = patterns.parse(
        document(
            step("test.echo", "late", {"value": "{{state.early.value}}"}),
            step("test.echo", "first"),
            step("test.echo", "early", when="has(state.gate)"),
            step("test.echo", "gate"),
            step("test.echo", "last"),
        )
    )

    assert [s.name for s in patterns.order_steps(pattern)] == ["first", "gate", "early", "late", "last"]


def test_steps_that_wait_for_each_other_are_refused():
    around = patterns.parse(
        document(step("test.echo", "a", {"value": "{{state.b}}"}), step("test.echo", "b", when="state.a.value == 1"))
    )
    own = patterns.parse(document(step("test.echo", "a", {"value": "{{state.a}}"})))

    for pattern in (around, own):
        with pytest.raises(CyclicSteps):
            patterns.order_steps(pattern)


def test_a_pattern_that_was_never_linted_is_refused_in_its_order():
    broken = document(step("test.echo", "a"))
    twice, template, condition = (copy.deepcopy(broken) for _ in range(3))
    twice["steps"] *= 2
    template["steps"][0]["args"] = {"value": "{{user.password}}"}
    condition["steps"][0]["when"] = "[1].map(x, x) == []"

    for each, error in [(twice, PatternInvalid), (template, TemplateInvalid), (condition, ConditionInvalid)]:
        with pytest.raises(error):
            patterns.order_steps(patterns.parse(each))


def test_what_a_condition_only_asks_about_is_not_needed():
    needs = patterns.needs(
        patterns.parse(
            document(
                step("test.echo", "a", {"value": "{{state.b}}"}, when="has(state.b) && has(state.c) && state.d.x == 1")
            )
        ).steps[0]
    )

    assert needs == StepNeeds(required=frozenset({"b", "d"}), optional=frozenset({"c"}))


def test_the_schema_is_a_schema():
    schema = json.loads(SCHEMA.read_text())

    jsonschema.Draft202012Validator.check_schema(schema)

    assert schema["type"] == "object"
