"""What is counted has its noun in the number that it is of, everywhere by one rule."""

import ast
import re

import pytest

from config.counts import number_of, plural
from tests.test_architecture import called, calls, sources

OTHERS = {"account", "balance", "day", "difference", "edit", "file", "portfolio", "price", "rate", "session", "token"}
"""Nouns that messages count, beside those that the rule is asked for."""

LIMITS, VERBS = {"byte", "character"}, {"close"}
"""Nouns of limits, which are many, and those whose plural is a verb, too."""


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [
        (0, "row", "0 rows"),
        (1, "row", "1 row"),
        (1234, "row", "1,234 rows"),
        (2, "entry", "2 entries"),
        (2, "pack day", "2 pack days"),
        (2, "key", "2 keys"),
        (2, "loss", "2 losses"),
    ],
)
def test_a_noun_is_of_the_number_that_stands_before_it(count, noun, words):
    assert number_of(count, noun) == words


def nouns() -> set[str]:
    asked = (call.args[1] for _, call in calls() if called(call).endswith("number_of") and len(call.args) > 1)
    return (OTHERS | {str(each.value).split()[-1] for each in asked if isinstance(each, ast.Constant)}) - LIMITS - VERBS


def is_fixed(number: ast.FormattedValue) -> bool:
    """A limit, which is a constant and more than one, a list of numbers, or one that may have decimals."""
    inside = list(ast.walk(number.value))
    names = {each.attr for each in inside if isinstance(each, ast.Attribute)}
    names |= {each.id for each in inside if isinstance(each, ast.Name)}
    is_float = number.format_spec is not None and "'g'" in ast.dump(number.format_spec)
    return is_float or isinstance(number.value, ast.ListComp) or any(name.isupper() for name in names)


def test_no_message_puts_a_plural_behind_a_number_by_itself():
    """In the night they do: `execution/night` is left out."""
    behind = re.compile(rf" (?:[a-z-]+ )?(?:{'|'.join(sorted(map(plural, nouns())))})\b(?!\.\w)")
    loose = [
        f"{path}:{node.lineno}: {ast.unparse(number)}{words.value[:30]}"
        for path, tree in sources().items()
        for node in tree
        if isinstance(node, ast.JoinedStr)
        for number, words in zip(node.values, node.values[1:], strict=False)
        if isinstance(number, ast.FormattedValue) and isinstance(words, ast.Constant)
        if behind.match(words.value) and not is_fixed(number)
    ]

    found = [each for each in loose if not each.startswith(("execution/night/", "ops/"))]

    assert found == [], "\n".join(found)
