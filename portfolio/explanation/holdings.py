"""Figures of what is held at a pack: positions, cash, totals, exposures, concentration, quality."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import localcontext
from typing import Final

from portfolio.explanation import lot_units
from portfolio.explanation.costs import lot_costs
from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Close, Explanation, Items, NoSuchFigure, Number, Part, Row, Term, total
from portfolio.explanation.valued_terms import ValuedTerms
from portfolio.performance.formulas import VALUES
from portfolio.valuation import Positions, ValuedPositions, quality
from portfolio.valuation.money import DECIMAL_DIGITS
from pricing import market as markets
from pricing.market import Market

DOUBTS: Final[Mapping[str, Callable[[markets.Close], bool]]] = {
    "stale_share": lambda close: bool(quality.age_sessions(close)),
    "delisted_share": quality.is_carried,
    "manual_share": lambda close: quality.MANUAL in close.flags.split(","),
    "degraded_share": lambda close: close.price_basis in quality.DEGRADED_BASES,
}
LARGEST: Final[Mapping[str, int]] = {"largest_weight": 1, "top_5_weight": 5, "top_10_weight": 10}


def explain(
    positions: Positions, market: Market, lots: MarketTerms, valued: ValuedPositions, path: Sequence[str]
) -> Explanation:
    """A figure of ValuedPositions. Raises NoSuchFigure."""
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        holdings = _Figures(positions, market, lots, valued)
        match path:
            case ["positions", number, name]:
                return holdings.of_position(int(number), name)
            case ["cash", number, name]:
                return holdings.of_cash(int(number), name)
            case ["receivables", number, name]:
                return holdings.of_receivable(int(number), name)
            case ["pending", number, name]:
                return holdings.of_pending(int(number), name)
            case ["currency_exposure", number, name]:
                return holdings.of_currency(int(number), name)
            case ["concentration", name]:
                return holdings.of_concentration(name)
            case ["quality", name]:
                return holdings.of_quality(name)
            case [name]:
                return holdings.of_total(name)
        raise NoSuchFigure


def figure(key: str, value: Number | None, unit: str, *parts: Part, rows: tuple[Row, ...] = ()) -> Explanation:
    """A figure of the registry."""
    formula = VALUES[key]
    return Explanation(formula.what, Term(key, value, unit, formula.expression, parts, rows))


class _Figures(ValuedTerms):
    """The figures, each of its terms."""

    def of_position(self, number: int, name: str) -> Explanation:
        row, valued_row = self.positions.positions[number], self.valued.positions[number]
        value = getattr(valued_row, name)
        match name:
            case "quantity":
                return figure("quantity", value, "units", Items("lots", self.open_lots(row.security_id)))
            case "price" | "factor":
                return figure(name, value, row.currency, rows=self.price(number).rows)
            case "fx_rate":
                return figure("fx_rate", value, f"{self.base} per {row.currency}", self.rate(row.currency))
            case "value_local":
                return figure("value_local", value, row.currency, self.quantity(number), self.price(number))
            case "market_value":
                parts = (self.quantity(number), self.price(number), self.rate(row.currency))
                return figure("market_value", value, self.base, *parts)
            case "weight":
                return figure("weight", value, "fraction", self.holding(number, "value"), self.total())
            case "cost_basis":
                return figure("cost_basis", value, row.currency, self.cost(row.security_id, row.currency))
            case "cost_basis_base":
                return figure("cost_basis_base", value, self.base, self.cost(row.security_id, self.base))
            case "unrealized_pnl":
                cost = total("cost", (self.cost(row.security_id, self.base),), self.base)
                return figure("unrealized_pnl", value, self.base, self.holding(number, "value"), cost)
            case "age_days" | "age_sessions":
                return figure(name, value, "days", rows=(Close(self.market.pack_id, row.security_id),))
        raise NoSuchFigure

    def cost(self, security: int, currency: str) -> Items:
        """What the open lots of a security cost, in a currency."""
        book, asof = self.positions.book, self.positions.asof_date
        lots = [lot for lot in book.lots if lot.security == security and lot.is_open(asof)]
        return Items("lots", tuple(lot_costs(self.lots, lot, currency) for lot in lots))

    def open_lots(self, security: int) -> tuple[Term, ...]:
        """The units of each open lot, with the transaction that opened it."""
        lots = (
            lot
            for lot in self.positions.book.lots
            if lot.security == security and lot.is_open(self.positions.asof_date)
        )
        return tuple(lot_units.explain(self.lots, lot, lot.opened_by) for lot in lots)

    def of_cash(self, number: int, name: str) -> Explanation:
        row, valued_row = self.balances[number], self.valued.cash[number]
        value = getattr(valued_row, name)
        match name:
            case "amount":
                legs = tuple(
                    replace(self.lots.booked(event, event.entry_id, amount, currency), label=event.kind)
                    for event in self.positions.book.events
                    if event.date <= self.positions.asof_date
                    for currency, amount in event.cash_legs()
                    if currency == row.currency and amount
                )
                return figure("cash_amount", value, row.currency, Items("items", legs))
            case "unsettled":
                items = tuple(
                    Term(each.kind, each.amount, each.currency, path=f"{{valued}}/pending/{place}/amount")
                    for place, each in enumerate(self.positions.pending)
                    if each.currency == row.currency
                )
                return figure("unsettled", value, row.currency, Items("items", items))
            case "fx_rate":
                return figure("fx_rate", value, f"{self.base} per {row.currency}", self.rate(row.currency))
            case "market_value":
                return figure("cash_value", value, self.base, *self.balance(number).terms)
            case "weight":
                return figure("weight", value, "fraction", self.balance(number, "value"), self.total())
        raise NoSuchFigure

    def of_receivable(self, number: int, name: str) -> Explanation:
        event, value = self.due[number], getattr(self.valued.receivables[number], name)
        booked = [self.lots.booked(event, each, getattr(event, each)) for each in ("amount", "tax", "fee")]
        match name:
            case "gross":
                return figure("receivable_gross", value, event.currency, *booked)
            case "tax":
                return figure("receivable_tax", value, event.currency, booked[1])
            case "amount":
                return figure("receivable_amount", value, event.currency, booked[0])
            case "fx_rate":
                return figure("fx_rate", value, f"{self.base} per {event.currency}", self.rate(event.currency))
            case "market_value":
                return figure("cash_value", value, self.base, booked[0], self.rate(event.currency))
        raise NoSuchFigure

    def of_pending(self, number: int, name: str) -> Explanation:
        deals = [
            (event, amount)
            for event in self.positions.book.events
            if event.settle_date is not None and event.date <= self.positions.asof_date < event.settle_date
            for _, amount in event.cash_legs()
        ]
        event, row = deals[number][0], self.valued.pending[number]
        if name not in ("quantity", "amount"):
            raise NoSuchFigure
        unit = "units" if name == "quantity" else row.currency
        value = getattr(row, name)
        return figure(f"pending_{name}", value, unit, self.lots.booked(event, name, value, unit))

    def of_currency(self, number: int, name: str) -> Explanation:
        row = self.valued.currency_exposure[number]
        securities = self.holdings(lambda place: self.positions.positions[place].currency == row.currency)
        cash = self.cash(lambda currency: currency == row.currency)
        value = getattr(row, name)
        match name:
            case "securities":
                return figure("exposure_securities", value, self.base, securities)
            case "cash":
                return figure("exposure_cash", value, self.base, cash)
            case "market_value":
                return figure("exposure", value, self.base, securities, cash)
            case "weight":
                return figure("exposure_weight", value, "fraction", securities, cash, self.total())
        raise NoSuchFigure

    def of_concentration(self, name: str) -> Explanation:
        value = getattr(self.valued.concentration, name)
        if name in ("holdings", "herfindahl", "effective_holdings"):
            return figure(name, value, "number", self.holdings())
        if name not in LARGEST:
            raise NoSuchFigure
        largest = sorted(self.holdings().items, key=lambda term: (-term.known_value, term.name))[: LARGEST[name]]
        return figure("largest_weights", value, "fraction", Items("holdings", tuple(largest)), self.total())

    def of_quality(self, name: str) -> Explanation:
        value = getattr(self.valued.quality, name)
        if name == "carried_share":
            places = enumerate(self.positions.positions)
            old = {place for place, row in places if self.has_old_rate(row.currency)}
            items = self.holdings(lambda place: place in old).items + self.cash(self.has_old_rate).items
        elif name == "doubtful_share":
            rows = self.positions.positions
            closes = [self.market.close(row.security_id, row.symbol) for row in rows]
            doubtful = {
                place
                for place, (row, close) in enumerate(zip(rows, closes, strict=True))
                if self.has_old_rate(row.currency) or any(is_doubtful(close) for is_doubtful in DOUBTS.values())
            }
            items = self.holdings(lambda place: place in doubtful).items + self.cash(self.has_old_rate).items
        elif name in DOUBTS:
            closes = [self.market.close(row.security_id, row.symbol) for row in self.positions.positions]
            items = self.holdings(lambda place: DOUBTS[name](closes[place])).items
        else:
            raise NoSuchFigure
        return figure("share_of_value", value, "fraction", Items("items", items), self.total())

    def has_old_rate(self, currency: str) -> bool:
        legs = markets.legs_between(self.market, currency, self.base)
        return any(quality.age_of(leg.flags) for leg in legs)

    def of_total(self, name: str) -> Explanation:
        value = getattr(self.valued, name)
        match name:
            case "total_value":
                return figure("total_value", value, self.base, self.holdings(), self.cash())
            case "securities_value":
                return figure("securities_value", value, self.base, self.holdings())
            case "cash_value":
                return figure("all_cash", value, self.base, self.cash())
            case "receivable_value":
                return figure("receivable_value", value, self.base, self.receivables())
            case "accrued_value":
                parts = (self.holdings(), self.cash(), self.receivables())
                return figure("accrued_value", value, self.base, *parts)
        raise NoSuchFigure
