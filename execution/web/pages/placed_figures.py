"""A figure of a result that knows where it stands there, so that a page can open what it is made of."""

from dataclasses import replace

from execution import figures
from execution.figures import FORMATS, Figure
from execution.patterns.panel_values import Place


def figure_at(place: Place, kind: str, *, currency: str = "", signed: bool = False) -> Figure:
    """The figure that stands at a place, as `figures.from_value` has it. A number, or the state of one, knows its place."""
    figure = figures.from_value(place.value, kind, currency=currency, signed=signed)
    opens = place.pointer and kind in FORMATS and place.value is not None
    return replace(figure, path=place.pointer) if opens else figure
