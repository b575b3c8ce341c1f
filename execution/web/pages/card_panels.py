"""Panels of short texts with figures: scores, cards, comparisons, lists, news, and panels behind tabs."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from execution import figures
from execution.figures import Figure
from execution.patterns.panel_values import NoPanelValueError, Place, base_currency, locate_rows, resolve
from execution.patterns.templating import Scope
from execution.web.pages import chart_panel, part_panels, table_panels

Body = dict[str, Any]


def draw_scorecard(document: Mapping[str, Any], scope: Scope) -> Body:
    """Items, each with whether it meets its `threshold`, where it has one; `better` is above or below."""
    items = table_panels.items(document, scope)
    judged = zip(document["items"], items, strict=True)
    return {
        "items": [(label, figure, *_judge(item, figure)) for item, (label, figure) in judged],
        "notes": table_panels.notes(items),
    }


def _judge(item: Mapping[str, Any], figure: Figure) -> tuple[str, str]:
    """The threshold in words, and met, missed or nothing."""
    threshold = figures.from_value(item.get("threshold"), item["format"])
    if threshold.exact is None:
        return "", ""
    is_below = item.get("better") == "below"
    words = f"at {'most' if is_below else 'least'} {threshold.text}"
    if figure.exact is None:
        return words, ""
    is_met = figure.exact <= threshold.exact if is_below else figure.exact >= threshold.exact
    return words, "met" if is_met else "missed"


def draw_headline(document: Mapping[str, Any], scope: Scope) -> Body:
    """The first item large, the others beside it, and scores as bars where there are any: a regime, a status."""
    items = table_panels.items(document, scope)
    scores = part_panels.draw_bars(_without(document, "items"), scope) if "rows" in document else None
    return {"first": items[0], "items": items[1:], "notes": table_panels.notes(items), "scores": scores}


def _without(document: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    return {key: value for key, value in document.items() if key != part}


def draw_card_grid(document: Mapping[str, Any], scope: Scope) -> list[Body]:
    """Cards of the document, each with a title, perhaps a text, and items of which the first is large."""
    return [
        {
            "title": _words(card["title"], scope),
            "text": _words(card.get("text", ""), scope),
            **draw_headline(card, scope),
        }
        for card in document["cards"]
    ]


def draw_action_cards(document: Mapping[str, Any], scope: Scope) -> list[Body]:
    """A card for each row: the first column is its title, texts are sentences, the rest are figures."""
    return [_card(row, document, scope) for row in locate_rows(document["rows"], scope)]


def draw_news(document: Mapping[str, Any], scope: Scope) -> list[Body]:
    """As action cards; `link` names the key of an address, which is followed where it is one of the web."""
    rows = locate_rows(document["rows"], scope)
    key = document.get("link")
    return [_card(row, document, scope) | {"link": _web_address(row.value, key)} for row in rows]


def _card(row: Place, document: Mapping[str, Any], scope: Scope) -> Body:
    columns = document["columns"]
    title, *cells = table_panels.row_cells(row, columns, base_currency(scope))
    labelled = list(zip([column["label"] for column in columns[1:]], cells, strict=True))
    return {
        "title": title,
        "texts": [figure for _, figure in labelled if figure.kind == "text" and figure.status == "ok"],
        "items": [(label, figure) for label, figure in labelled if figure.kind != "text"],
    }


def _web_address(row: Any, key: str | None) -> str:
    """The address that a row has under a key; empty where it has none that may be followed."""
    address = row.get(key) if isinstance(row, Mapping) else None
    if not isinstance(address, str):
        return ""
    try:
        return address if urlsplit(address).scheme in ("http", "https") else ""
    except ValueError:  # such as http://[
        return ""


def draw_comparison(document: Mapping[str, Any], scope: Scope) -> Body:
    """A line for each figure, with a value under each heading."""
    lines = []
    for line in document["lines"]:
        items = [{"label": "", "format": line["format"], "value": value} for value in line["values"]]
        lines.append((line["label"], [figure for _, figure in table_panels.items({"items": items}, scope)]))
    notes = [note for label, cells in lines for note in _compared_notes(label, document["headings"], cells)]
    if all(figure.status == "unavailable" for _, cells in lines for figure in cells):
        raise NoPanelValueError(notes[0][1].note)
    return {"headings": document["headings"], "lines": lines, "notes": table_panels.notes(notes)}


def _compared_notes(label: str, headings: Sequence[str], cells: Sequence[Figure]) -> list[tuple[str, Figure]]:
    """What is to be noted of a line: once, where it is the same under each heading."""
    if len({(figure.status, figure.note) for figure in cells}) == 1:
        return [(label, cells[0])]
    return [(f"{label} ({heading.lower()})", figure) for heading, figure in zip(headings, cells, strict=True)]


def draw_dual_list(document: Mapping[str, Any], scope: Scope) -> list[Body]:
    """Two tables side by side."""
    return [
        {"title": document[side]["title"], **table_panels.draw_table(document[side], scope)}
        for side in ("left", "right")
    ]


def draw_chart_with_metrics(document: Mapping[str, Any], scope: Scope) -> Body:
    return {"chart": chart_panel.draw(document, scope), "grid": table_panels.draw_metrics_grid(document, scope)}


def _words(text: str, scope: Scope) -> str:
    """A text, or the one that a template names; a dash where there is none."""
    return figures.from_value(resolve(text, scope), "text").text
