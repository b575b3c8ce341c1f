"""An explanation as a page shows it: each term in words, with its formula, its rows and the terms below it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from config.strict_json import pointer_to
from execution import figures
from execution.explanation import PathNotFound, question
from execution.figures import DASH, FORMATS, MINUS, SPACE, formulas, privacy

MOST_ITEMS: Final = 500
MOST_DAYS: Final = 60
"""Of a longer list the first items, and of a longer series the last days; the API has all."""
MOST_UNFOLDED: Final = 20
"""What each item of a longer list is made of has a page of its own."""
PLACES: Final = 6
"""Decimals of a number that is no money, or digits of one below 1."""
CENTS: Final = 4
"""Decimals of money that is no whole minor units, so that items add up to what is rounded once."""

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the figures of an answer have their pages, and the parts of the one that is shown."""

    of_figure: Callable[[str], str]
    """By its path."""
    of_part: Callable[[str], str]
    """By its place in the explanation, as `find` reads it."""
    of_entry: Callable[[str], str]
    """Of the list of transactions with one entry of the ledger, by its id."""


def find(document: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """A term of an explanation by its place in it: a JSON pointer of names, and after that of a list the number of the item,
    such as /items/12. Raises PathNotFound, RequestInvalid."""
    term, names = document, list(question.split(place))
    while names:
        name = names.pop(0)
        part = next((each for each in term.get("terms", ()) if each["name"] == name), None)
        if part is not None and "items" in part:
            number = names.pop(0) if names else ""
            part = question.stored_at(part["items"], (number,))
        if part is None or "values" in part:
            raise PathNotFound(place)
        term = part
    return term


def line(term: Mapping[str, Any], addresses: Addresses, place: str = "") -> Line:
    """A term with what is below it. `place`: its own in the explanation."""
    formula = term.get("formula", "")
    return _alone(term, addresses) | {
        "formula": formulas.formula_words(formula) if formula else "",
        "rows": [_row(row, addresses) for row in term.get("rows", ())],
        "parts": [_part(part, formula, addresses, place) for part in term.get("terms", ())],
    }


def _alone(term: Mapping[str, Any], addresses: Addresses) -> Line:
    """A term without what is below it."""
    path = term.get("path", "")
    return {
        "name": formulas.name_words(term["name"]),
        "label": privacy.sentence(term.get("label", "")),
        "text": number_text(term["value"], term["unit"]),
        "unit": unit_words(term["unit"]),
        "address": addresses.of_figure(path) if path else "",
    }


def number_text(value: Any, unit: str) -> str:
    """A number of an explanation: money to the minor unit or, where it is not rounded yet, to some digits more.

    Where a reader hides amounts, all but percentages are.
    """
    if value is None:
        return DASH
    exact = Decimal(str(value))
    if unit == "fraction":
        return f"{figures.number(_shortened(exact * 100))}{SPACE}%"
    if privacy.is_on():
        return privacy.amount(str(value), sign=MINUS if exact < 0 else "")
    if not is_currency(unit):
        return figures.number(_shortened(exact))
    rounded = FORMATS["currency"](exact, unit)
    return rounded if Decimal(_digits(rounded)) == exact else figures.number(round(exact, CENTS))


def unit_words(unit: str) -> str:
    """The unit as it stands after a number; a fraction is written in percent, and a bare number has none."""
    return "" if unit in ("fraction", "number") else unit


def is_currency(unit: str) -> bool:
    return len(unit) == 3 and unit.isalpha() and unit.isupper()


def _part(part: Mapping[str, Any], formula: str, addresses: Addresses, place: str) -> Line:
    within = f"{place}{pointer_to(part['name'])}"
    if "items" in part:
        return _items(part, formula, addresses, within)
    return _series(part, addresses) if "values" in part else {"term": line(part, addresses, within)}


def _items(part: Mapping[str, Any], formula: str, addresses: Addresses, place: str) -> Line:
    """A list of terms; where the formula takes their sum, it stands below them."""
    items, name = part["items"], part["name"]
    units = {item["unit"] for item in items}
    total = None
    if len(units) == 1 and f"sum({name})" in formula and all(item["value"] is not None for item in items):
        (unit,) = units
        total = {"text": number_text(_sum([item["value"] for item in items]), unit), "unit": unit_words(unit)}
    return {
        "name": formulas.name_words(name),
        "is_list": True,
        "lines": [
            line(item, addresses, f"{place}/{number}")
            if len(items) <= MOST_UNFOLDED
            else _folded(item, addresses, f"{place}/{number}")
            for number, item in enumerate(items[:MOST_ITEMS])
        ],
        "count": f"{len(items):,}",
        "left_out": max(0, len(items) - MOST_ITEMS),
        "total": total,
    }


def _folded(item: Mapping[str, Any], addresses: Addresses, place: str) -> Line:
    """An item of a long list: its value leads to what it is made of."""
    alone = _alone(item, addresses)
    return alone | {"address": alone["address"] or addresses.of_part(place)}


def _sum(values: Sequence[Any]) -> Any:
    """Exact where the numbers are, and else as near as floats are."""
    if all(isinstance(value, str | int) for value in values):
        return sum((Decimal(value) for value in values), Decimal(0))
    return math.fsum(float(value) for value in values)


def _series(part: Mapping[str, Any], addresses: Addresses) -> Line:
    dates, unit, path = part["dates"], part["unit"], part.get("path", "")
    last = list(zip(dates, part["values"], strict=True))[-MOST_DAYS:]
    return {
        "name": formulas.name_words(part["name"]),
        "count": f"{len(dates):,}",
        "first": dates[0] if dates else "",
        "last": dates[-1] if dates else "",
        "unit": unit_words(unit),
        "earlier": len(dates) - len(last),
        "days": [
            (day, number_text(value, unit), addresses.of_figure(path.replace("{date}", day)) if path else "")
            for day, value in reversed(last)
        ],
    }


def _row(row: Mapping[str, Any], addresses: Addresses) -> Line:
    """A row of a pack or an entry of the ledger: what it says, its day, where it is from."""
    match row["kind"]:
        case "transaction":
            return {
                "words": " ".join(_entry_words(row)),
                "day": row["date"],
                "entry_id": row["entry_id"],
                "address": addresses.of_entry(row["entry_id"]),
                "commit": row["commit"] or "",
            }
        case "price":
            words_and_day = f"close of {row['symbol']} {_plain(row['close'])} {row['currency']}", row["observed_date"]
        case "rate":
            words_and_day = f"1 {row['base']} is {_plain(row['rate'])} {row['quote']}", row["observed_date"]
        case "action":
            size = f"{_plain(row['ratio'])} for 1" if "ratio" in row else f"{_plain(row['amount'])} {row['currency']}"
            words_and_day = f"{row['action']} of {row['symbol']}, {size}", row["ex_date"]
        case "input":
            value = row[row["input"]]
            words = f"{formulas.name_words(row['input'])}: {value}"
            return {"words": words, "day": "", "source": "asked for"}
        case "setting":
            return {"words": privacy.sentence(row["value"]), "day": "", "source": f"chosen as the {row['setting']}"}
        case _:
            words_and_day = (
                f"{row['series']} {_plain(row['value'])}, known on {row['known_at'][:10]}",
                row["observation_date"],
            )
    words, day = words_and_day
    return {"words": words, "day": day, "source": row["source"], "pack": row["pack_id"], "flags": row["flags"]}


def _entry_words(row: Mapping[str, Any]) -> Iterator[str]:
    yield row["transaction"].replace("_", " ")
    if row.get("quantity"):
        yield f"of {_plain(row['quantity'])}"
    if row.get("symbol"):
        yield row["symbol"]
    if row.get("unit_price"):
        yield f"at {_plain(row['unit_price'])}"
    if row.get("amount"):
        yield f"for {_plain(row['amount'])} {row.get('currency', '')}".rstrip()


def _plain(number: str) -> str:
    return privacy.amount(figures.number(Decimal(number)))


def _shortened(exact: Decimal) -> Decimal:
    if not exact or abs(exact) >= 1:
        return round(exact, PLACES)
    return round(exact, PLACES - 1 - exact.adjusted())


def _digits(text: str) -> str:
    return text.replace(",", "").replace("−", "-")
