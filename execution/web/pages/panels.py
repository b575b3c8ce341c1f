"""A pattern's panels on a page.

`{% load panels %}{% panel document scope %}` draws one: `document` is the panel as the pattern has it, `scope` what its
templates may read (the result's outputs as `state`). A panel without a value says why.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django import template
from django.template.loader import get_template

from execution.patterns.templating import Scope
from execution.web.pages import chart_panel, table_panels
from execution.web.pages.panel_values import NothingToDrawError

register = template.Library()

Drawer = Callable[[Mapping[str, Any], Scope], Any]
"""Makes what a panel's template shows. Raises NothingToDrawError."""

DRAWERS: Final[Mapping[str, tuple[str, Drawer]]] = {
    "metrics_grid": ("metrics_grid", table_panels.draw_metrics_grid),
    "table": ("table", table_panels.draw_table),
    "line_chart": ("line_chart", chart_panel.draw),
    "multi_line_chart": ("line_chart", chart_panel.draw),
    "donut_chart": ("shares", table_panels.draw_shares),
    "pie_chart": ("shares", table_panels.draw_shares),
}
"""Type of a panel -> its template, and what draws it. `execution.patterns.panel_parts` says what each has to hold."""


@dataclass(frozen=True, slots=True)
class Panel:
    """What the template of a panel gets: `body` by type; with `reason` there is nothing to draw."""

    id: str
    title: str
    template: str
    body: Any = None
    reason: str = ""


@register.simple_tag
def panel(document: Mapping[str, Any], scope: Scope, holding_page: str = "", export_page: str = "") -> str:
    """The HTML of one panel.

    holding_page   the address of a holding's page, to which its security's number is added
    export_page    the address at which the result is exported, to which the panel is added
    """
    drawn = draw(document, scope)
    shown = {"panel": drawn, "holding_page": holding_page, "export_page": export_page}
    return get_template(f"panels/{drawn.template}.html").render(shown)


def draw(document: Mapping[str, Any], scope: Scope) -> Panel:
    """What a panel shows of a result."""
    empty = Panel(document["id"], document["title"], "unavailable")
    if document["type"] not in DRAWERS:
        return replace(empty, reason=f"this page can't draw a {document['type']} yet; the result holds its figures")
    name, drawer = DRAWERS[document["type"]]
    try:
        return replace(empty, template=name, body=drawer(document, scope))
    except NothingToDrawError as absent:
        return replace(empty, reason=absent.reason)
