"""Dividends and interest as they were received: each payment, and the cost that a yield is of."""

from collections.abc import Collection, Sequence
from decimal import localcontext

from portfolio.books import Event
from portfolio.explanation import payments
from portfolio.explanation.costs import lot_costs
from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Number, Part, Term, figure, total
from portfolio.performance.formulas import INCOME
from portfolio.valuation import Positions, gains, income, tax_years
from portfolio.valuation.income import IncomeRecord, IncomeYear
from portfolio.valuation.money import DECIMAL_DIGITS
from portfolio.valuation.tax_years import Begins


def explain(positions: Positions, market: MarketTerms, answer: IncomeRecord, path: Sequence[str]) -> Explanation:
    """A figure of IncomeRecord. Raises NoSuchFigure."""
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        figures = _Figures(positions, market)
        lately = figures.lately()
        match path:
            case ["twelve_months" as period, name]:
                return figures.paid(name, getattr(getattr(answer, period), name, None), lately)
            case ["this_year" as period, name]:
                year = [each for each in figures.received if each.date.year == answer.asof_date.year]
                return figures.paid(name, getattr(getattr(answer, period), name, None), year)
            case ["since_inception" as period, name]:
                return figures.paid(name, getattr(getattr(answer, period), name, None), figures.received)
            case ["months" | "years" as rows, number, name]:
                row = getattr(answer, rows)[int(number)]
                inside = [each for each in figures.received if each.date.isoformat().startswith(f"{row.label}-")]
                return figures.paid(name, getattr(row, name, None), inside)
            case ["yield_on_cost"]:
                return figures.on_cost(answer.yield_on_cost, lately, {row.symbol for row in positions.positions})
            case ["by_security", number, "twelve_months" | "since_inception" as name]:
                security = answer.by_security[int(number)]
                own = figures.by(security.symbol, lately if name == "twelve_months" else figures.received)
                return figures.paid("net", getattr(security, name), own)
            case ["by_security", number, "yield_on_cost"]:
                security = answer.by_security[int(number)]
                return figures.on_cost(security.yield_on_cost, lately, {security.symbol})
        raise NoSuchFigure


def explain_year(
    positions: Positions,
    market: MarketTerms,
    answer: IncomeYear,
    year: int | None,
    begins: Begins,
    path: Sequence[str],
) -> Explanation:
    """A figure of IncomeYear, of which `year` and `begins` were asked for. Raises NoSuchFigure."""
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        figures, tax_year = _Figures(positions, market), tax_years.choose(year, begins, positions.asof_date)
        received = [each for each in figures.received if tax_year.holds(each.date)]
        match path:
            case ["whole", name]:
                return figures.paid(name, getattr(answer.whole, name, None), received)
            case ["months", number, name]:
                row = answer.months[int(number)]
                inside = [each for each in received if f"{each.date:%Y-%m}" == row.label]
                return figures.paid(name, getattr(row, name, None), inside)
            case ["by_payer", number, name]:
                payer = answer.by_payer[int(number)]
                return figures.paid(name, getattr(payer, name, None), figures.by(payer.symbol, received))
        raise NoSuchFigure


class _Figures:
    def __init__(self, positions: Positions, market: MarketTerms) -> None:
        self.positions, self.market = positions, market
        self.received = payments.received(positions.book, positions.asof_date)

    def lately(self) -> list[Event]:
        """The payments of the twelve months up to the as-of date."""
        return [each for each in self.received if each.date > income.year_before(self.positions.asof_date)]

    def by(self, symbol: str, events: Sequence[Event]) -> list[Event]:
        """The payments of one security; of all that cash earned."""
        if symbol == income.INTEREST:
            return [each for each in events if each.security is None]
        return [
            each
            for each in events
            if each.security and (self.market.symbol(each.security) or gains.NEVER_PRICED) == symbol
        ]

    def paid(self, name: str, value: Number | None, events: Sequence[Event]) -> Explanation:
        gross = payments.paid(self.market, events, "payments", "gross")
        taxes = payments.paid(self.market, (each for each in events if each.tax), "taxes", "tax")
        parts = {"gross": (gross,), "withheld": (taxes,), "net": (gross, taxes)}
        if name not in parts:
            raise NoSuchFigure
        return _figure(name, value, *parts[name], unit=self.market.base)

    def on_cost(self, value: float | None, lately: Sequence[Event], symbols: Collection[str]) -> Explanation:
        """The yield of what is held of some securities."""
        if value is None:
            return _figure("yield_on_cost", None)
        rows = [row for row in self.positions.positions if row.symbol in symbols]
        symbols_held = {row.symbol for row in rows}
        gross = [each for each in lately if self.market.symbol(each.security) in symbols_held]
        costs = tuple(self.cost(row.symbol, row.security_id) for row in rows)
        return _figure(
            "yield_on_cost", value, payments.paid(self.market, gross, "payments", "gross"), Items("costs", costs)
        )

    def cost(self, symbol: str, security: int) -> Term:
        """What the open lots of a security cost, in base currency."""
        book, asof = self.positions.book, self.positions.asof_date
        lots = [lot for lot in book.lots if lot.security == security and lot.is_open(asof)]
        of_lots = Items("lots", tuple(lot_costs(self.market, lot, self.market.base) for lot in lots))
        return total(symbol, (of_lots,), self.market.base)


def _figure(key: str, value: Number | None, *parts: Part, unit: str = "fraction") -> Explanation:
    return figure(INCOME[key], key, value, unit, *parts)
