"""The lines of a money bridge: every transaction and every end of a lot that moved one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import Final

from portfolio.explanation import days, entry_formulas
from portfolio.explanation.market_terms import ONE, MarketTerms
from portfolio.explanation.terms import Entry, Explanation, Items, NoSuchFigure, Part, Row, Term, product
from portfolio.performance.formulas import BRIDGE
from portfolio.valuation import bridge
from portfolio.valuation.bridge import LABELS, Bridges, MoneyBridge
from portfolio.valuation.bridge_pieces import Piece, WayIn
from portfolio.valuation.bridge_walk import LINES, PARTS, BridgeWalk, Cause
from portfolio.valuation.money import DECIMAL_DIGITS, quantise

NAME: Final = re.compile(r"[a-z_]+")
"""A name in the formula of an amount."""


def explain_overview(market: MarketTerms, bridges: Bridges, path: Sequence[str]) -> Explanation:
    """A figure of Bridges. Raises NoSuchFigure."""
    openings = bridge.openings(market.market)
    match path:
        case ["lines", number, period] if period in openings:
            name = LABELS[int(number)][0]
        case [period, name] if period in openings:
            pass
        case _:
            raise NoSuchFigure
    return explain(market, getattr(bridges, period), name, openings[period], None, f"{{step}}/{period}")


def explain(
    market: MarketTerms, answer: MoneyBridge, name: str, opening: date | None, closing: date | None, siblings: str
) -> Explanation:
    """A line of a bridge between two days. `siblings`: where its other lines are. Raises NoSuchFigure."""
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        if name not in BRIDGE:
            raise NoSuchFigure
        value, formula = getattr(answer, name), BRIDGE[name]
        period = bridge.pack_days_between(market.book, market.market, opening, closing)
        parts: tuple[Part, ...]
        if name in ("gain", "rounding"):
            others: tuple[str, ...] = ("closing_value", "opening_value", "contributions", "withdrawals")
            if name == "rounding":
                others += tuple(line for line in LINES if line not in others)
            parts = tuple(Term(each, getattr(answer, each), market.base, path=f"{siblings}/{each}") for each in others)
        elif name in ("opening_value", "closing_value"):
            place = -1 if period is None else period[name == "closing_value"]
            parts = days.value_parts(market, place)
        else:
            items = () if period is None else ItemisedWalk(market, *period).items_of(name)
            parts = (Items("items", items),)
            if name not in PARTS:
                exact = sum((Decimal(item.known_value) for item in items), Decimal(0))
                carried = value - quantise(exact, market.base)
                what = "one minor unit, where the lines would not add up without it"
                parts += (Term("carried", carried, market.base, label=what),)
        return Explanation(formula.what, Term(name, value, market.base, formula.expression, parts))


@dataclass(frozen=True, slots=True)
class Amount:
    """One amount of a line, as the walk came by it."""

    amount: Decimal
    formula: str
    cause: Cause
    numbers: Mapping[str, Decimal]


class ItemisedWalk(BridgeWalk):
    """The walk of a bridge, with every amount that it adds to a line."""

    def __init__(self, market: MarketTerms, first: int, last: int) -> None:
        super().__init__(market.book, market.market, first, last)
        self.terms = market
        self.amounts_of_line: dict[str, list[Amount]] = {}

    def add_amount(self, line: str, amount: Decimal, formula: str, cause: Cause, /, **numbers: Decimal) -> None:
        super().add_amount(line, amount, formula, cause, **numbers)
        if amount:
            self.amounts_of_line.setdefault(line, []).append(Amount(amount, formula, cause, numbers))

    def items_of(self, line: str) -> tuple[Term, ...]:
        """Each amount of a line, of its terms."""
        if not self.amounts_of_line:
            self.run()
        return tuple(self.amount_term(each) for each in self.amounts_of_line.get(line, ()))

    def amount_term(self, amount: Amount) -> Term:
        cause, names = amount.cause, NAME.findall(amount.formula)
        ways_in = {} if cause.piece is None else self.ways_in(cause.piece)
        terms = tuple(self.term(name, amount, ways_in) for name in amount.numbers if name in names)
        event, symbol = cause.event, self.terms.symbol(cause.security)
        on = event.date if event else self.terms.day(cause.place)
        label = f"{on} {event.kind if event else 'close'} {symbol or cause.currency}"
        name = event.entry_id if event else symbol or cause.currency
        return Term(name, amount.amount, self.terms.base, amount.formula, terms, label=label)

    def term(self, name: str, amount: Amount, ways_in: Mapping[str, Term]) -> Term:
        """A number of an amount, with where it is from. `ways_in`: those of its piece."""
        market, cause, numbers = self.terms, amount.cause, amount.numbers
        event, value = cause.event, amount.numbers[name]
        rows: tuple[Row, ...] = (Entry(event.entry_id),) if event else ()
        match name:
            case "rate" if "across" in numbers:
                both = (self.term("deal_rate", amount, ways_in), self.term("across", amount, ways_in))
                return Term(name, value, "", "deal_rate / across", both)
            case "rate":
                return market.fixing(cause.currency, cause.place, name, value)
            case "counter_rate" if event is not None:
                return market.fixing(event.counter_currency, cause.place, name, value)
            case "deal_rate" if event is not None:
                return market.deal_rate(event, name)
            case "across" if event is not None and cause.security is not None:
                trades_in = cause.currency if value == ONE else self.currency_of(cause.security)
                return market.across(cause.currency, trades_in, event.date, name)
            case "price" if cause.security is not None:
                return market.price(cause.security, cause.place)
            case "balance":
                path = f"{{days}}/{market.day(cause.place)}/cash/{cause.currency}"
                return Term(name, value, cause.currency, path=path)
            case "value":
                made_of = ("units", "price") if "price" in numbers else ("proceeds", "across")
                return product(name, [self.term(each, amount, ways_in) for each in made_of], "")
            case "local" | "base" if ways_in:
                return ways_in[name]
            case "entry_rate" if cause.piece is not None and cause.piece.local:
                return Term(name, value, "", "base / local", (ways_in["base"], ways_in["local"]))
            case "units":
                openers = (
                    [] if cause.piece is None else [self.opener_of(each) for each, _ in _origins(cause.piece, ONE)]
                )
                return Term(name, value, "units", rows=rows or tuple(map(Entry, dict.fromkeys(openers))))
        return entry_formulas.explain(event, rows, name, value, cause.currency)

    def ways_in(self, piece: Piece) -> dict[str, Term]:
        """The value of a piece on its way into the period, in its currency (`local`) and in the base currency (`base`): its
        share of each purchase, or of what was held at the opening."""
        origins = _origins(piece, ONE)

        def term(name: str, value: Decimal, unit: str) -> Term:
            items = tuple(self.origin(name, way_in, share) for way_in, share in origins)
            return Term(name, value, unit, "sum(ways_in)", (Items("ways_in", items),))

        return {"local": term("local", piece.local, ""), "base": term("base", piece.base, self.terms.base)}

    def opener_of(self, way_in: WayIn) -> str:
        """The entry by which a lot came in, or that had opened it before the period."""
        return way_in.event.entry_id if way_in.event else self.terms.opener(way_in.lot)

    def origin(self, name: str, way_in: WayIn, share: Decimal) -> Term:
        market, event = self.terms, way_in.event
        terms = [Term("share", share, "fraction")]
        if event is None or event.kind == "transfer_in":
            price = market.price(way_in.security, way_in.place)
            units = Term("units", way_in.quantity, "units", rows=market.entry(self.opener_of(way_in)))
            terms += [units, price] + ([market.rate(price.unit, way_in.place)] if name == "base" else [])
        else:
            paid = -event.amount - event.fee - event.tax
            if event.unit_price is not None:
                paid = way_in.quantity * event.unit_price
            terms.append(entry_formulas.explain(event, market.entry(event.entry_id), "paid", paid, event.currency))
            if name == "base":
                terms.append(market.deal_rate(event))
            elif paid and way_in.local != paid:
                terms.append(market.across(event.currency, self.currency_of(way_in.security), event.date))
        return product(event.entry_id if event else f"opening {market.symbol(way_in.security)}", terms, "")


def _origins(piece: Piece, share: Decimal) -> list[tuple[WayIn, Decimal]]:
    """Every way in of a piece, with the share of its value that the piece has."""
    ways_in: list[tuple[WayIn, Decimal]] = []
    origin, share = piece.origins, share * piece.share
    while origin is not None:
        if isinstance(origin.of, WayIn):
            ways_in.append((origin.of, share * origin.share))
        else:
            ways_in += _origins(origin.of, share * origin.share)
        origin = origin.next
    return ways_in[::-1]
