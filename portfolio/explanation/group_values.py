"""The value of a sector, a country or an asset class: the holdings that are of it; of cash, what all holdings leave."""

from collections.abc import Sequence
from typing import Final

from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Part, Term
from portfolio.performance.allocation import CASH, Allocation, Classified, group_of
from portfolio.valuation import ValuedPositions
from pricing.classifications import Kind

KINDS: Final = {"sectors": Kind.SECTOR, "regions": Kind.REGION, "asset_classes": Kind.ASSET_CLASS}


def explain(
    valued: ValuedPositions, classified: Classified, allocation: Allocation, base: str, path: Sequence[str]
) -> Explanation:
    """The value of one group, in the base currency. Raises NoSuchFigure."""
    match path:
        case ["sectors" | "regions" | "asset_classes" as groups, number, "value"]:
            group = getattr(allocation, groups)[int(number)]
        case _:
            raise NoSuchFigure
    kind, is_cash = KINDS[groups], group.name == CASH
    items = tuple(
        Term(row.symbol, row.market_value, base, path=f"{{valued}}/positions/{place}/market_value")
        for place, row in enumerate(valued.positions)
        if is_cash or group_of(row.symbol, classified, kind) == group.name
    )
    parts: tuple[Part, ...] = (Items("holdings", items),)
    what, formula = "Value of the holdings that are of it", "sum(holdings)"
    if is_cash:
        total = Term("total_value", valued.total_value, base, path="{valued}/total_value")
        parts = (total, *parts)
        what, formula = (
            "Cash, with what is due: what the holdings leave of the portfolio's value",
            "total_value - sum(holdings)",
        )
    return Explanation(what, Term("value", group.value, base, formula, parts, label=group.name))
