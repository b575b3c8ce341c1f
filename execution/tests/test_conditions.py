import contextlib
import time
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.tests.fakes import context
from execution.patterns import conditions, templating
from execution.patterns.conditions import ConditionFailed, ConditionInvalid
from execution.patterns.templating import Scope
from execution.tests.fakes import Position, Positions

SCOPE = Scope(
    inputs={"flag": True, "off": False, "n": 3, "share": 0.5, "name": "abc", "nothing": None, "days": [1, 2]},
    state={
        "held": Positions((Position("AAPL", Decimal("10.5")),), None),
        "curve": {"values": np.array([1.0, 2.0]), "0": "zero"},
    },
    ctx=templating.context_values(context()),
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("true", True),
        ("false", False),
        ("inputs.flag", True),
        ("{{inputs.flag}}", True),
        ("{{inputs.flag}} == true", True),
        ("{{inputs.off}} == true", False),
        ("{{ inputs.off }} == false", True),
        ("{{state.held}} != null", True),
        ("{{inputs.nothing}} != null", False),
        ("{{state.held.positions.0.quantity}} > 10", True),
        ("inputs.n >= 3 && inputs.share < 1.0", True),
        ("inputs.n == 3.0", True),
        # && binds tighter than ||, ! tighter than both
        ("inputs.flag || inputs.off && inputs.off", True),
        ("(inputs.flag || inputs.off) && inputs.off", False),
        ("!inputs.flag || inputs.flag", True),
        ("!(inputs.flag || inputs.flag)", False),
        ("inputs.n in [1, 2, 3]", True),
        ("inputs.name == 'abc'", True),
        ('inputs.name.startsWith("ab")', True),
        ("size(inputs.days) == 2", True),
        ("state.held.positions[0].symbol == 'AAPL'", True),
        ("state['held'].positions.size() == 1", True),
        ("state.curve.values[1] > 1.5", True),
        ("ctx.asof_date >= '2013-01-01'", True),
        ("ctx.base_currency == 'CAD' ? true : false", True),
        ("has(state.held)", True),
        ("has(state.ratings)", False),
        ("has(state.ratings) && state.ratings.score > 3", False),
        ("!has(state.ratings) || state.ratings.score > 3", True),
        ("has(state.held.note)", True),
        ("has(state.held.twr)", False),
    ],
)
def test_a_condition_holds_or_not(text, holds):
    assert conditions.compile(text).holds(SCOPE) is holds


@pytest.mark.parametrize(
    "text",
    [
        "state.ratings.score > 3",
        "inputs.flga",
        "state.held.positons == null",
        "state.held.twr.x == 1",
        "inputs.nothing > 1",
        "inputs.name > 1",
        "inputs.n",
        "inputs.name",
        "inputs.nothing",
        "1 / 0 == 1",
        "inputs.n + 9223372036854775807 > 0",
        "state.held.positions[7].symbol == 'A'",
        "int(inputs.name) == 1",
    ],
)
def test_a_condition_without_an_answer_fails_and_is_never_false(text):
    with pytest.raises(ConditionFailed) as failed:
        conditions.compile(text).holds(SCOPE)

    assert failed.value.condition == text
    assert failed.value.reason


HOSTILE = [
    "",
    "   ",
    "().__class__.__base__.__subclasses__()",
    "inputs.__class__",
    "inputs._private",
    "inputs['__class__'] == 1",
    "state['held']['_secret'] == 'x'",
    "__import__('os').system('id')",
    "open('x')",
    "[1, 2].map(x, x * 2) == []",
    "[1].filter(state, true) == []",
    "inputs.days.all(x, x > 0)",
    "inputs.days.exists(x, x > 0)",
    "inputs.days.exists_one(x, x > 0)",
    "inputs.days . map (x, x) == []",
    "inputs.days.\nmap(x, x) == []",
    "inputs.days.map/**/(x, x) == []",
    "inputs.days.map // comment\n (x, x) == []",
    "inputs.name.matches('(a+)+$')",
    "timestamp('2013-01-01T00:00:00Z') == null",
    "type(inputs.n) == int",
    "dyn(inputs.n) == 3",
    "cel.bind(x, 1, x == 1)",
    "Foo{a: 1} == null",
    "'''a''' == 'a'",
    "r'a' == 'a'",
    "b'a' == b'a'",
    "'a\\x41' == 'aA'",
    "inputs.`name` == 'abc'",
    "inputs.?name == 'abc'",
    "config.secret == 1",
    "x == 1",
    "inputs == state",
    "inputs.n > 1 or true",
    "not inputs.flag",
    "inputs.n > 1; true",
    "'{{inputs.name}}' == 'abc'",
    "{{inputs.name}} {{inputs.name}}",
    "{{user.name}} == 'x'",
    "{{{{inputs.flag}}}}",
    "{{inputs.__class__}} == 1",
    "ｉnputs.flag",
    "inputs.nаme == 'abc'",  # Cyrillic а
    "inputs.flag\0",
    "inputs.flag\u00a0",
    "(" * 17 + "true" + ")" * 17,
    "[" * 200 + "]" * 200,
    "!" * 499 + "true",
    "1 + " * 120 + "1 == 1",
    "inputs." + "a" * 1_000_000,
    "(" * 1_000_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_condition_is_refused_before_it_runs(text):
    started = time.perf_counter()

    with pytest.raises(ConditionInvalid):
        conditions.compile(text)

    assert time.perf_counter() - started < 0.5


WORDS = """
    inputs . flag state held ctx has ( ) [ ] { } == != && || ! ? : + - * / % 'a' "" 1 2.5 null true in size map exists
    {{inputs.n}} {{ }} __class__ , < >= 0 string double -1 u e9
"""
words = st.sampled_from(WORDS.split())


@settings(max_examples=settings().max_examples * 3)
@example(["!"] * 100 + ["true"])
@given(st.lists(words, max_size=60))
def test_no_string_of_words_does_more_than_hold_or_be_refused(said):
    with contextlib.suppress(ConditionInvalid, ConditionFailed):
        conditions.compile(" ".join(said)).holds(SCOPE)


def test_the_paths_of_a_condition_and_what_it_asks_about_are_known():
    condition = conditions.compile("has(state.a) && {{state.b.x.0}} > inputs.n && has(state.c.d)")

    assert condition.paths == (("state", "a"), ("state", "b", "x", "0"), ("inputs", "n"), ("state", "c", "d"))
    assert condition.optional_steps == {"a"}


def test_a_condition_is_compiled_once():
    assert conditions.compile("inputs.flag") is conditions.compile("inputs.flag")
