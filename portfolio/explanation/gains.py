"""Gains since purchase and income: each sale, each open lot, each payment."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, localcontext

from portfolio.books import LotMatch, LotState
from portfolio.explanation import entry_formulas, lot_units, payments
from portfolio.explanation.costs import layer_terms
from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Number, Part, Term, product, total
from portfolio.performance.formulas import GAINS
from portfolio.valuation import gains
from portfolio.valuation.gains import Gains, Sides
from portfolio.valuation.money import DECIMAL_DIGITS

PART_FORMULAS = {
    "price": "(proceeds_local - cost_local) * fx_in",
    "fx": "cost_local * (fx_out - fx_in)",
    "interaction": "(proceeds_local - cost_local) * (fx_out - fx_in)",
    "fees": "fees",
    "total": "proceeds_base - cost_base - fees",
    "proceeds": "proceeds_base",
    "cost": "cost_base",
    "proceeds_local": "proceeds_local",
    "cost_local": "cost_local",
    "gain_local": "proceeds_local - cost_local",
    "fx_in": "fx_in",
    "fx_out": "fx_out",
}
"""How each part of a gain is made of both its sides."""
IN_GAINS = ("price", "fx", "interaction", "fees", "total")


def explain(market: MarketTerms, answer: Gains, path: Sequence[str]) -> Explanation:
    """A figure of Gains. Raises NoSuchFigure."""
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        figures = _Figures(market, answer)
        match path:
            case ["since_inception" | "year_to_date" as period, "realised", part] if part in IN_GAINS:
                of_period = getattr(answer, period)
                value = getattr(of_period.realised, part)
                return _figure(
                    f"realised_{part}", value, market.base, figures.sold_parts(part, since=of_period.first_date)
                )
            case ["since_inception" | "year_to_date" as period, "income", part]:
                of_period = getattr(answer, period)
                return figures.income(part, getattr(of_period.income, part), since=of_period.first_date)
            case ["unrealised", part] if part in IN_GAINS:
                value = getattr(answer.unrealised, part)
                return _figure(f"unrealised_{part}", value, market.base, figures.open_lots(part))
            case ["by_currency", number, name]:
                return figures.by_currency(answer.by_currency[int(number)].currency, name, int(number))
            case ["by_security", number, name]:
                return figures.by_security(int(number), name)
        raise NoSuchFigure


def _figure(key: str, value: Number | None, unit: str, *parts: Part) -> Explanation:
    formula = GAINS[key]
    return Explanation(formula.what, Term(key, value, unit, formula.expression, parts))


class Deals:
    """What was sold up to a day and what is held at it, each part of a lot with both sides of its gain."""

    def __init__(self, market: MarketTerms, asof: date) -> None:
        self.market, self.book, self.base, self.asof = market, market.book, market.base, asof
        self.matches = [each for each in self.book.matches if each.date <= self.asof and each.kind not in gains.MOVES]

    def sold_parts(self, part: str, *, since: date = date.min, security: int | None = None) -> Items:
        """Each part of a lot that was sold."""
        matches = (each for each in self.matches if each.date >= since and security in (None, each.security))
        return Items("items", tuple(self.of_match(match, part) for match in matches))

    def open_lots(self, part: str, *, security: int | None = None) -> Items:
        """Each open lot."""
        lots = (lot for lot in self.book.lots if lot.is_open(self.asof) and security in (None, lot.security))
        return Items("items", tuple(self.of_lot(lot, part) for lot in lots))

    def of_match(self, match: LotMatch, part: str) -> Term:
        market, book = self.market, self.book
        sides = gains.realised(book, match, market.market, market.rates)
        trades_in = gains.trades_in_of(match.security, match.cost_currency or match.currency, market.market)
        layers = match.cost_layers(fees_in_cost=book.fees_in_cost)
        share = lot_units.share_of(market, match.opened_by, match.security, match.quantity, match.date)
        cost = [
            layer_terms(market, layers, match.security, match.opened_by, each, share=share) for each in (trades_in, "")
        ]
        proceeds = self.of_sale(match, "proceeds", match.proceeds)
        exit_fee = self.of_sale(match, "exit_fee", match.exit_fee * book.fees_in_cost)
        across = market.across(match.currency, trades_in, match.date)
        rate = market.own_or_fixing(match.fx_out, match.currency, match.date, match.entry_id)
        local = Term(
            "proceeds_local",
            sides.proceeds.local,
            trades_in,
            "(proceeds - exit_fee) * across",
            (proceeds, exit_fee, across),
        )
        base = Term(
            "proceeds_base", sides.proceeds.base, self.base, "(proceeds - exit_fee) * rate", (proceeds, exit_fee, rate)
        )
        fees = Term("fees", sides.fees, self.base)
        if not book.fees_in_cost:
            of_purchase = [layer.of_fee() for layer in layers]
            bought = layer_terms(market, of_purchase, match.security, match.opened_by, "", share=share)
            exit_term = self.of_sale(match, "exit_fee", match.exit_fee)
            fees = Term(
                "fees",
                sides.fees,
                self.base,
                "sum(purchases) + exit_fee * rate",
                (Items("purchases", bought), exit_term, rate),
            )
        label = f"{match.date} {match.kind} {market.symbol(match.security)}, lot {match.opened_by}"
        return self.of_sides(match.entry_id, label, sides, part, trades_in, cost, (local, base, fees))

    def of_sale(self, match: LotMatch, name: str, value: Decimal, unit: str = "") -> Term:
        """A number of the sale, of the part that came of one lot."""
        event, rows = self.market.events.get(match.entry_id), self.market.entry(match.entry_id)
        share = match.quantity / abs(event.quantity) if event and event.quantity else None
        return entry_formulas.explain(event, rows, name, value, unit or match.currency, share=share)

    def of_lot(self, lot: LotState, part: str) -> Term:
        market = self.market
        sides = gains.unrealised(lot, market.market, market.rates)
        place = len(market.market.dates) - 1
        price = market.price(lot.security, place)
        share = lot_units.share_of(market, lot.opened_by, lot.security, lot.quantity, lot.valid_from)
        cost = [
            layer_terms(market, lot.cost_layers(), lot.security, lot.opened_by, each, share=share)
            for each in (price.unit, "")
        ]
        units = lot_units.explain(market, lot, "units")
        local = product("proceeds_local", (units, price), price.unit)
        base = product("proceeds_base", (units, price, market.rate(price.unit, place)), self.base)
        label = f"{market.symbol(lot.security)}, lot {lot.opened_by}"
        return self.of_sides(
            lot.opened_by, label, sides, part, price.unit, cost, (local, base, Term("fees", Decimal(0)))
        )

    def of_sides(
        self,
        name: str,
        label: str,
        sides: Sides,
        part: str,
        trades_in: str,
        cost: Sequence[tuple[Term, ...]],
        out: tuple[Term, Term, Term],
    ) -> Term:
        """A part of the gain of what was taken from one lot, of both sides of it."""
        proceeds_local, proceeds_base, fees = out
        cost_local = Term("cost_local", sides.cost.local, trades_in, "sum(purchases)", (Items("purchases", cost[0]),))
        cost_base = Term("cost_base", sides.cost.base, self.base, "sum(purchases)", (Items("purchases", cost[1]),))
        unit = f"{self.base} per {trades_in}"
        fx_in = Term("fx_in", sides.fx_in, unit, "cost_base / cost_local", (cost_base, cost_local))
        fx_out = Term("fx_out", sides.fx_out, unit, "proceeds_base / proceeds_local", (proceeds_base, proceeds_local))
        if not sides.cost.local:
            fx_in = Term("fx_in", sides.rate_in, unit)
        if not sides.proceeds.local:
            fx_out = Term("fx_out", sides.rate_out, unit)
        terms = {
            "price": (proceeds_local, cost_local, fx_in),
            "fx": (cost_local, fx_in, fx_out),
            "interaction": (proceeds_local, cost_local, fx_in, fx_out),
            "fees": (fees,),
            "total": (proceeds_base, cost_base, fees),
            "proceeds": (proceeds_base,),
            "cost": (cost_base,),
            "proceeds_local": (proceeds_local,),
            "cost_local": (cost_local,),
            "gain_local": (proceeds_local, cost_local),
            "fx_in": (fx_in,),
            "fx_out": (fx_out,),
        }[part]
        formula, values = PART_FORMULAS[part], [term.value for term in terms]
        if part == "gain_local":
            both = [Decimal(each) for each in values if each is not None]
            return Term(name, both[0] - both[1] if len(both) == 2 else None, trades_in, formula, terms, label=label)
        if part not in IN_GAINS:
            return Term(name, values[0], terms[0].unit, formula, terms, label=label)
        exact = gains.split(sides)
        is_known = exact.is_known if part in ("fees", "total") else exact.apart
        return Term(name, getattr(exact, part) if is_known else None, self.base, formula, terms, label=label)


class _Figures(Deals):
    def __init__(self, market: MarketTerms, answer: Gains) -> None:
        super().__init__(market, answer.asof_date)
        self.answer = answer

    # Income

    def income(self, part: str, value: Number, *, since: date) -> Explanation:
        received = payments.received(self.book, self.asof, since=since)
        dividends = payments.paid(
            self.market, (each for each in received if each.kind != "interest"), "dividends", "gross"
        )
        interest = payments.paid(
            self.market, (each for each in received if each.kind == "interest"), "interest", "gross"
        )
        tax = payments.paid(self.market, (each for each in received if each.tax), "tax", "tax")
        parts = {"dividends": (dividends,), "interest": (interest,), "tax": (tax,), "net": (dividends, interest, tax)}
        if part not in parts:
            raise NoSuchFigure
        return _figure(f"income_{part}", value, self.base, *parts[part])

    # By currency, by security

    def by_currency(self, currency: str, name: str, number: int) -> Explanation:
        row = self.answer.by_currency[number]
        value = getattr(row, name)
        events = [event for event in self.book.events if event.date <= self.asof and event.currency == currency]
        received = [event for event in events if event.kind in gains.PAYING]
        match name:
            case "realised":
                terms = (self.realised_in(match, currency) for match in self.matches)
                items = Items("items", tuple(term for term in terms if term is not None))
            case "dividends":
                paid_events = (each for each in received if each.kind != "interest")
                items = payments.paid(self.market, paid_events, "items", "gross", in_base=False)
            case "interest":
                items = payments.paid(
                    self.market, (each for each in received if each.kind == "interest"), "items", "gross", in_base=False
                )
            case "tax" | "fees":
                what = "fee" if name == "fees" else "tax"
                items = payments.paid(
                    self.market, (each for each in events if getattr(each, what)), "items", what, in_base=False
                )
            case _:
                raise NoSuchFigure
        return _figure(f"currency_{name}", value, currency, items)

    def realised_in(self, match: LotMatch, currency: str) -> Term | None:
        """The gain of a sale before fees in a currency; None where it counts in another."""
        market = self.market
        trades_in = match.currency
        if match.cost_currency:
            trades_in = gains.trades_in_of(match.security, match.cost_currency, market.market)
        if trades_in != currency:
            return None
        opener = market.entry(market.opener(match.opened_by))
        entry = market.events.get(market.opener(match.opened_by))
        share = lot_units.share_of(market, match.opened_by, match.security, match.quantity, match.date)
        proceeds = self.of_sale(match, "proceeds", match.proceeds)
        cost = entry_formulas.explain(
            entry, opener, "cost", match.cost, match.cost_currency or match.currency, share=share
        )
        if not match.cost_currency:
            return Term(match.entry_id, match.proceeds - match.cost, currency, "proceeds - cost", (proceeds, cost))
        into, out = (
            market.across(match.cost_currency, trades_in, match.acquired, "across_in"),
            market.across(match.currency, trades_in, match.date, "across_out"),
        )
        if into.value is None or out.value is None:
            return None
        value = match.proceeds * Decimal(out.value) - match.cost * Decimal(into.value)
        sides = [(proceeds, out, match.currency), (cost, into, match.cost_currency)]
        formula = " - ".join(
            f"{paid.name} * {rate.name}" if frm != currency else paid.name for paid, rate, frm in sides
        )
        terms = tuple(term for paid, rate, frm in sides for term in ((paid, rate) if frm != currency else (paid,)))
        return Term(match.entry_id, value, currency, formula, terms)

    def by_security(self, number: int, name: str) -> Explanation:
        row = self.answer.by_security[number]
        value, security = getattr(row, name), self.security_of(row.symbol)
        sold, unrealised = self.sold_parts("total", security=security), self.open_lots("total", security=security)
        received = payments.received(self.book, self.asof, security=security)
        gross, tax = (
            payments.paid(self.market, received, "dividends", "gross"),
            payments.paid(self.market, received, "tax", "tax"),
        )
        match name:
            case "realised":
                return _figure("security_realised", value, self.base, sold)
            case "unrealised":
                return _figure("security_unrealised", value, self.base, unrealised)
            case "income":
                return _figure("security_income", value, self.base, gross, tax)
            case "total":
                parts = (
                    total("realised", (sold,), self.base),
                    total("unrealised", (unrealised,), self.base),
                )
                return _figure("security_total", value, self.base, *parts, gross, tax)
        raise NoSuchFigure

    def security_of(self, symbol: str) -> int:
        """The id of a security of the answer."""
        security = next((each for each, name in self.market.symbols.items() if name == symbol), None)
        if security is None:  # one that no pack has a close of has no symbol in the answer either
            raise NoSuchFigure
        return security
