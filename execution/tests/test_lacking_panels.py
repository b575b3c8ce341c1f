"""A panel of a stored version that this release would not publish is not drawn and says why, on the page and in a file."""

from typing import Any

import pytest

from execution.exports import panel_tables
from execution.patterns.panel_parts import PARTS
from execution.patterns.templating import Scope
from execution.tests.test_blame import ask, publish_by_force
from execution.web.pages import panels

SCOPE = Scope(inputs={}, state={"after": {"rows": [{"a": 1, "b": None}, 5, "x"], "one": "1.00"}}, ctx={})
RIGHT = [{"label": "A", "value": "{{state.after.one}}", "format": "number"}]
VALUES: list[Any] = [
    None,
    5,
    "x",
    [5],
    [{}],
    RIGHT,
    "{{state.after.gone}}",
    "{{state.after.rows}}",
    "{{state.after}}",
    [{"label": "A", "value": "{{state.after.gone}}", "format": "barchart"}],
    [{"label": "A", "value": "{{state.after.rows}}", "format": "number"}],
    [{"key": "gone", "label": "x", "format": "number"}],
    [{"key": 5, "label": 7, "format": []}],
]


def bodies(panel_type):
    """Panels of a type with parts of every kind, all alike, and one unlike the others."""
    parts = sorted({part for choice in PARTS[panel_type] for part in choice})
    yield {}
    yield from (dict.fromkeys(parts, value) for value in VALUES)
    yield from (dict.fromkeys(parts, RIGHT) | {other: value} for other in parts for value in VALUES)


@pytest.mark.parametrize("panel_type", PARTS)
def test_no_panel_breaks_the_page_or_the_file_whatever_it_holds(panel_type):
    for body in bodies(panel_type):
        panel = {"id": "p", "type": panel_type, "title": "T", "ttl": 60, **body}

        assert "<h2" in panels.panel(panel, SCOPE), body
        panel_tables.tabulate(panel, SCOPE)


def test_the_page_and_the_file_of_a_version_with_such_panels_are_there(private_demo):
    def lack(made):
        made["panels"] = [
            {
                "id": f"p{place}",
                "type": each,
                "title": each,
                "ttl": 60,
                **({} if place % 2 else {"items": 5, "rows": 5}),
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
