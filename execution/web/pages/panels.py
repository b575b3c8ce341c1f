"""A pattern's panels on a page.

`{% load panels %}{% panel document scope %}` draws one: `document` is the panel as the pattern has it, `scope` what its
templates may read (the result's outputs as `state`). A panel without a value says why.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from django import template
from django.template.loader import get_template
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from execution.figures import Figure, privacy, reason_words
from execution.patterns import panel_parts
from execution.patterns.panel_values import NoPanelValueError
from execution.patterns.templating import Scope
from execution.web.pages import (
    card_panels,
    chart_panel,
    narrative_panel,
    page_rows,
    part_panels,
    table_panels,
    timeline_panel,
)
from execution.web.pages.page_rows import PageRows

register = template.Library()

Drawer = Callable[[Mapping[str, Any], Scope], Any]
"""Makes what a panel's template shows. Raises NoPanelValueError."""

DRAWERS: Final[Mapping[str, tuple[str, Drawer]]] = {
    "action_cards": ("cards", card_panels.draw_action_cards),
    "bar_chart": ("bars", part_panels.draw_bars),
    "card_grid": ("headlines", card_panels.draw_card_grid),
    "chart_with_metrics": ("chart_with_metrics", card_panels.draw_chart_with_metrics),
    "comparison_grid": ("compared_cards", card_panels.draw_comparison),
    "comparison_table": ("compared", card_panels.draw_comparison),
    "donut_chart": ("shares", part_panels.draw_shares),
    "dual_list": ("dual_list", card_panels.draw_dual_list),
    "gauge_with_waterfall": ("gauge", part_panels.draw_gauge),
    "heatmap": ("heatmap", part_panels.draw_heatmap),
    "line_chart": ("line_chart", chart_panel.draw),
    "metrics_grid": ("metrics_grid", table_panels.draw_metrics_grid),
    "multi_line_chart": ("line_chart", chart_panel.draw),
    "narrative": ("narrative", narrative_panel.draw),
    "news_list": ("cards", card_panels.draw_news),
    "pie_chart": ("shares", part_panels.draw_shares),
    "regime_widget": ("headline", card_panels.draw_headline),
    "scorecard": ("scorecard", card_panels.draw_scorecard),
    "status": ("headline", card_panels.draw_headline),
    "tabbed_content": ("tabs", lambda document, scope: draw_within(document, scope)),
    "table": ("table", table_panels.draw_table),
    "timeline_chart": ("timeline", timeline_panel.draw),
    "tree_map": ("tree_map", part_panels.draw_tree_map),
    "waterfall": ("bars", part_panels.draw_waterfall),
}
"""Type of a panel -> its template, and what draws it. `execution.patterns.panel_parts` says what each has to hold."""


APPROXIMATE: Final = mark_safe('<span class="mark" aria-hidden="true">≈</span>')
SPANS: Final = (4, 6, 8, 12)


@dataclass(frozen=True, slots=True)
class Panel:
    """What the template of a panel gets: `body` by type; with `reason` there is nothing to draw."""

    id: str
    title: str
    name: str
    body: Any = None
    span: int = 12
    """Of the page's twelve columns."""
    is_prominent: bool = False
    reason: str = ""
    hide: str = ""
    """The address of the page without it, of one on demand."""

    @property
    def template(self) -> str:
        return f"panels/{self.name}.html"


@register.filter
def discreet(value: object) -> str | None:
    """A text that is no figure of ours, without the numbers in it where the reader hides amounts; None stays None."""
    return None if value is None else privacy.sentence(str(value))


@register.filter
def code_words(code: str) -> str:
    """A kind of break or a column as a phrase: MISSING_POSITION is missing position."""
    return code.replace("_", " ").lower()


@register.filter
def grouped(count: int) -> str:
    """A count with commas between its thousands, as figures have them."""
    return f"{count:,}"


@register.simple_tag(name="figure")
def figure_html(figure: Figure, figure_page: str = "") -> str:
    """The HTML of a figure: a link to what it is made of where it stands in the result and there is a page of figures."""
    aloud = ""
    if figure.status != "ok":
        aloud = format_html('<span class="heard"> ({}: {})</span>', figure.status, figure.explanation)
    if figure.path and figure_page:
        mark = APPROXIMATE if figure.status == "degraded" else ""
        kind = f"fig {figure.tone}".strip()
        place = f"{figure_page}{quote(figure.path)}"
        return format_html('<a class="{}" href="{}">{}{}{}</a>', kind, place, figure.text, mark, aloud)
    mark = ""
    if figure.status == "degraded":
        mark = format_html('<abbr class="mark" title="{}" aria-hidden="true">≈</abbr>', figure.explanation)
    tone = format_html(' class="{}"', figure.tone) if figure.tone else ""
    title = format_html(' title="{}"', figure.explanation) if figure.explanation else ""
    return format_html("<span{}{}>{}{}</span>{}", tone, title, figure.text, mark, aloud)


@register.simple_tag
def panel(
    document: Mapping[str, Any],
    scope: Scope,
    holding_page: str = "",
    export_page: str = "",
    rows: PageRows | str | None = None,
    figure_page: str = "",
    chart_data: str = "",
) -> str:
    """The HTML of one panel.

    holding_page   the address of a holding's page, to which its security's number is added
    export_page    the address at which the result is exported, to which the panel is added
    rows           what the page's query says of its rows; without it all panels are drawn as the result has them. A page without
                   the name gives an empty text
    figure_page    the address of a figure's page, to which its place in the result is added
    chart_data     the address of the data of a panel's charts, to which its id is added; without it they are drawings alone
    """
    context = {
        "panel": draw(document, scope, rows if isinstance(rows, PageRows) else None),
        "holding_page": holding_page,
        "export_page": export_page,
        "figure_page": figure_page,
        "columns": f"{chart_data}{document['id']}" if chart_data else "",
    }
    return get_template("panels/panel.html").render(context)


def draw(document: Mapping[str, Any], scope: Scope, rows: PageRows | None = None) -> Panel:
    """What a panel shows of a result; of one that is on demand and not asked for, the link that asks for it."""
    span = document.get("span")
    empty = Panel(
        document["id"],
        document["title"],
        "unavailable",
        span=span if span in SPANS else SPANS[-1],
        is_prominent=document.get("prominent") is True,
    )
    if document["type"] not in DRAWERS:
        return replace(empty, reason=f"this page can't draw a {document['type']}; the result holds its figures")
    if undrawn := panel_parts.why_undrawn(document):
        return replace(empty, reason=f"this page can't draw it: {undrawn}; the result holds its figures")
    if rows is not None and not rows.is_asked_for(document):
        return replace(empty, name="on_demand", body=rows.link(document["id"], **{document["id"]: "1"}))
    if rows is not None and document.get("on_demand") is True:
        empty = replace(empty, hide=rows.link(document["id"], **{document["id"]: ""}))
    name, drawer = DRAWERS[document["type"]]
    try:
        if rows is not None and document.get("sortable") is True and document["type"] == "table":
            return replace(empty, name="sortable_table", body=page_rows.draw_sortable(document, scope, rows))
        return replace(empty, name=name, body=drawer(document, scope))
    except NoPanelValueError as absent:
        return replace(empty, reason=reason_words(absent.reason))


def draw_within(document: Mapping[str, Any], scope: Scope) -> list[Panel]:
    """The panels behind the tabs of one."""
    return [
        draw({**each, "id": f"{document['id']}_{number}"}, scope) for number, each in enumerate(document["panels"], 1)
    ]
