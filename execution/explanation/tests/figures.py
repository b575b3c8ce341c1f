"""The figures of an answer, each taken apart and put together again, with what its explanation leads on to."""

import json

from execution import explanation
from execution.explanation.tests.arithmetic import is_same, paths_in, recombine

MOST_PATHS = 2
MOST_OF_A_SERIES = 40
NO_FIGURES = {"security_id", "year", "tax_year", "label", "fact"}
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


def follow_days(demo, answer, path, seen):
    told = explain(demo, answer["execution_id"], path)
    recombine(told, path)
    for place, expected in {**dict(paths_in(told)), **dict(days_in(told))}.items():
        if place not in seen:
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
