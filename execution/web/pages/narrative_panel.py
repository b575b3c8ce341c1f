"""A panel that is a text about figures: each reference in it is printed from the figure that it names."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from execution.figures import Figure
from execution.patterns.panel_values import NoPanelValueError, Place, base_currency, locate
from execution.patterns.templating import Scope
from execution.web.pages.placed_figures import figure_at

BY_MODEL: Final = "Written by a language model"
BY_RULE: Final = "Written by a rule"
NEEDED: Final = frozenset({"sentences", "facts", "writer", "reason", "notice"})


@dataclass(frozen=True, slots=True)
class ShownPart:
    """Words, or a figure of which `text` says something, with its label; `other` is what it is compared with."""

    text: str
    label: str = ""
    figure: Figure | None = None
    other: str = ""


def draw(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """`sentences` of parts, the notice, and who wrote it. Raises NoPanelValueError."""
    place = locate(document["text"], scope)
    narrative = place.value
    if not isinstance(narrative, Mapping) or not narrative.keys() >= NEEDED:
        reason = narrative.get("reason") if isinstance(narrative, Mapping) else None
        raise NoPanelValueError(reason or "not_in_result")
    facts, currency = place.below("facts", narrative["facts"]), base_currency(scope)
    writer = BY_MODEL if narrative["writer"] == "model" else f"{BY_RULE}: {narrative['reason']}"
    return {
        "sentences": [[_part(part, facts, currency) for part in sentence] for sentence in narrative["sentences"]],
        "notice": narrative["notice"],
        "writer": writer,
    }


def _part(part: Mapping[str, Any], facts: Place, currency: str) -> ShownPart:
    if part["kind"] == "words":
        return ShownPart(part["text"])
    number = part["fact"]
    fact = facts.value[number]
    if part["kind"] == "figure":
        figure = figure_at(facts.below(number, fact), fact["format"], currency=currency)
        return ShownPart("", _label(fact), replace(figure, path=figure.path and f"{figure.path}/value"))
    other = "" if part["other"] is None else _label(facts.value[part["other"]])
    return ShownPart(part["text"], _label(fact), None, other)


def _label(fact: Mapping[str, Any]) -> str:
    return f"{fact['label']}, {fact['window']}" if fact["window"] else str(fact["label"])
