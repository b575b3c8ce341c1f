"""What was sold in a tax year, lot by lot, and its sums."""

from collections.abc import Sequence
from decimal import localcontext

from portfolio.books import LotMatch
from portfolio.explanation.gains import PART_FORMULAS, Deals
from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Number, Term, figure
from portfolio.performance.formulas import REALISED
from portfolio.valuation import tax_years
from portfolio.valuation.money import DECIMAL_DIGITS
from portfolio.valuation.realised_lots import RealisedYear
from portfolio.valuation.tax_years import Begins, TaxYear

SUMMED = {name: name for name in ("proceeds", "cost", "fees", "price", "fx", "interaction")} | {"gain": "total"}
"""Amount of a sum of lots -> the part of each lot's gain."""
OF_LOT = {name: name for name in PART_FORMULAS if name != "total"} | {"gain": "total"}
RATES = ("fx_in", "fx_out")


def explain(
    market: MarketTerms, answer: RealisedYear, year: int | None, begins: Begins, path: Sequence[str]
) -> Explanation:
    """A figure of RealisedYear, of which `year` and `begins` were asked for. Raises NoSuchFigure."""
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        asof = market.day(len(market.market.dates) - 1)
        deals, tax_year = Deals(market, asof), tax_years.choose(year, begins, asof)
        sold = _in_year(deals, tax_year)
        match path:
            case ["lots", number, name]:
                return _of_lot(deals, sold[int(number)], name, getattr(answer.lots[int(number)], name, None))
            case ["whole", name]:
                return _sum(deals, sold, name, getattr(answer.whole, name, None))
            case ["by_security", number, name]:
                of_security = answer.by_security[int(number)]
                own = [each for each in sold if market.symbol(each.security) == of_security.label]
                if not own:  # of what no pack has a close of
                    raise NoSuchFigure
                return _sum(deals, own, name, getattr(of_security, name, None))
            case ["years", number, name]:
                before = tax_years.starting_in(tax_years.of_day(asof, begins).year - int(number), begins)
                value = getattr(answer.years[int(number)], name, None)
                return _sum(deals, _in_year(deals, before), name, value)
            case ["gains" | "losses" | "before_fees" | "without_cost" as name]:
                return _of_year(deals, sold, name, getattr(answer, name))
        raise NoSuchFigure


def _in_year(deals: Deals, year: TaxYear) -> list[LotMatch]:
    return [each for each in deals.matches if year.holds(each.date)]


def _of_lot(deals: Deals, match: LotMatch, name: str, value: Number | None) -> Explanation:
    """A figure of what one sale took from one lot."""
    market, sale = deals.market, deals.market.entry(match.entry_id)
    if name == "quantity":
        return Explanation(REALISED["quantity"].what, deals.of_sale(match, name, match.quantity, "units"))
    if name == "days_held":
        rows = (*market.entry(market.opener(match.opened_by)), *sale)
        return Explanation(REALISED[name].what, Term(name, value, "days", rows=() if value is None else rows))
    if name not in OF_LOT:
        raise NoSuchFigure
    exact = deals.of_match(match, OF_LOT[name])
    expression = f"round_to({exact.formula}, 10)" if name in RATES else f"round_money({exact.formula})"
    term = Term(name, value, exact.unit, expression, () if value is None else exact.terms, label=exact.label)
    return Explanation(REALISED[f"lot_{name}"].what, term)


def _sum(deals: Deals, sold: Sequence[LotMatch], name: str, value: Number | None) -> Explanation:
    """A figure of a sum of lots."""
    if name == "lots":
        return figure(REALISED["lots"], "lots", value, "lots", _items(deals, sold, "total"))
    if name not in SUMMED:
        raise NoSuchFigure
    return figure(REALISED[name], name, value, deals.base, _items(deals, sold, SUMMED[name]))


def _of_year(deals: Deals, sold: Sequence[LotMatch], name: str, value: Number | None) -> Explanation:
    if name == "before_fees":
        parts = (_items(deals, sold, part, part) for part in ("price", "fx", "interaction"))
        return figure(REALISED[name], name, value, deals.base, *parts)
    items = _items(deals, sold, "total").items
    if name == "without_cost":
        return figure(
            REALISED[name], name, value, "lots", Items("items", tuple(each for each in items if each.value is None))
        )
    sign = 1 if name == "gains" else -1
    one_sign = tuple(each for each in items if each.value is not None and each.value * sign > 0)
    return figure(REALISED[name], name, value, deals.base, Items("items", one_sign))


def _items(deals: Deals, sold: Sequence[LotMatch], part: str, name: str = "items") -> Items:
    return Items(name, tuple(deals.of_match(each, part) for each in sold))
