"""No reader meets a code where a reason belongs: each has words, and no reason that is a sentence holds one."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from execution import figures
from execution.figures.reasons import REASONS
from portfolio.analytics import errors
from tests.crawl import walk
from tests.test_architecture import called, sources

CODE = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
OF_REASONS = {"reason", "doubts", "why", "undefined", "absent", "blank", "none"}
"""Names of arguments and variables that hold reasons."""
STATES = {"unavailable", "degraded"}
APART = {"code", "pre", "script", "style", "textarea"}
ROOMS = ("portfolio/", "agents/", "execution/")


def places(tree: tuple[ast.AST, ...]) -> Iterator[ast.AST]:
    """The expressions of a module that become the reason of a figure."""
    for node in tree:
        if isinstance(node, ast.Call):
            texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
            if called(node).rpartition(".")[2].lstrip("_") in STATES or STATES & {
                each for each in texts if isinstance(each, str)
            }:
                yield from node.args
            if called(node).rpartition(".")[0] == "doubts":
                yield from node.args
            yield from (each.value for each in node.keywords if each.arg in OF_REASONS)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [part for each in targets for part in (each.elts if isinstance(each, ast.Tuple) else [each])]
            if OF_REASONS & {each.id for each in names if isinstance(each, ast.Name)}:
                yield node.value


def constants() -> dict[str, str]:
    """Name of a constant -> its text, of all modules that make figures."""
    found: dict[str, str] = {}
    for path, tree in sources().items():
        for node in tree if path.startswith(ROOMS) else ():
            if not isinstance(node, ast.Assign):
                continue
            for target in node.targets:
                pairs = (
                    zip(target.elts, node.value.elts, strict=False)
                    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                    else [(target, node.value)]
                )
                found |= {
                    name.id: value.value
                    for name, value in pairs
                    if isinstance(name, ast.Name)
                    and name.id.isupper()
                    and isinstance(value, ast.Constant)
                    and isinstance(value.value, str)
                }
    return found


def codes() -> dict[str, str]:
    """Code of a reason -> where it is given."""
    by_name = constants()
    found: dict[str, str] = {}
    for path, tree in sources().items():
        for place in places(tree) if path.startswith(ROOMS) else ():
            for node in ast.walk(place):
                name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
                text = node.value if isinstance(node, ast.Constant) else by_name.get(name)
                if isinstance(text, str) and CODE.fullmatch(text):
                    found[text] = f"{path}:{getattr(node, 'lineno', '')}"
    return found


def test_every_code_that_a_figure_gives_has_words():
    given = codes()

    assert len(given) > 30
    assert {code: place for code, place in given.items() if code not in REASONS} == {}


@pytest.mark.parametrize("code", errors.NO_RATE)
def test_a_rate_that_there_is_not_says_why_in_words(code):
    said = figures.reason_words(str(errors.UndefinedRate(code, (0.5, 2.0))))

    assert CODE.search(said) is None
    assert errors.NO_RATE[code] in said


def test_what_the_analytics_refuse_is_told_without_codes():
    """An argument is named as the function has it, and the figure's reader knows no functions."""
    assert str(errors.InvalidInput("local_returns", "is empty")) == "local returns is empty"


class _Visible(HTMLParser):
    """The text of a page that is no code, script or style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.hidden, self.text = 0, list[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.hidden += tag in APART

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in APART

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.text.append(data)


def test_no_page_of_an_owner_shows_a_code_in_its_text(demo):
    """Definitions of the literature have names with a number, such as civil_v1, which the docs explain."""
    client, found = demo.client("owner"), {}
    for name, address, _ in walk(client, "/"):
        text = " ".join(_Visible(client.get(address).content.decode()).text)
        if shown := sorted({each[0] for each in CODE.finditer(text)}):
            found[name] = shown

    assert found == {}
