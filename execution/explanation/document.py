"""An explanation as JSON: the terms, nested, with their rows."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from config.decimals import plain
from execution.explanation.rows import Rows
from portfolio.explanation.terms import Fixing, Items, Number, Part, Series, Term
from pricing.fx import Leg


def as_dict(term: Term, rows: Rows, places: Mapping[str, str]) -> dict[str, Any]:
    """A term with all below it. `places`: what the names in braces of its paths stand for."""
    document: dict[str, Any] = {"name": term.name}
    if term.label:
        document["label"] = term.label
    document |= {"value": number(term.value), "unit": term.unit}
    formula = term.formula
    if not formula:
        formula = next((_across(rows.legs[row], row) for row in term.rows if isinstance(row, Fixing)), "")
    if formula:
        document["formula"] = formula
    if term.path:
        document["path"] = _path(term.path, places)
    if term.terms:
        document["terms"] = [_part(each, rows, places) for each in term.terms]
    if term.rows:
        document["rows"] = [described for row in term.rows for described in rows.by_name.get(row, ())]
    return document


def number(value: Number | None) -> Any:
    """A decimal as text, a float and an integer as a number."""
    return plain(value) if isinstance(value, Decimal) else value


def _part(part: Part, rows: Rows, places: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(part, Term):
        return as_dict(part, rows, places)
    if isinstance(part, Items):
        return {"name": part.name, "items": [as_dict(each, rows, places) for each in part.items]}
    return _series(part, places)


def _series(series: Series, places: Mapping[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": series.name,
        "unit": series.unit,
        "dates": [day.isoformat() for day in series.dates],
        "values": list(series.values),
    }
    if series.path:
        document["path"] = _path(series.path, places)
    return document


def _path(path: str, places: Mapping[str, str]) -> str:
    """Braces that stand for a day stay, for who goes on to put one in."""
    for name, place in places.items():
        path = path.replace(f"{{{name}}}", place)
    return path


def _across(legs: tuple[Leg, ...], fixing: Fixing) -> str:
    """How a rate is made of its published legs, each named by its pair."""
    above = [f"{leg.base}_{leg.quote}" for leg in legs if leg.quote == fixing.to or leg.base == fixing.frm]
    below = [f"{leg.base}_{leg.quote}" for leg in legs if not (leg.quote == fixing.to or leg.base == fixing.frm)]
    return " / ".join([" * ".join(above) or "1", *below])
