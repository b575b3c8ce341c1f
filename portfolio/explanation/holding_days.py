"""What a holding was on a day of a life: its weight, its returns, what came and went, and what it added."""

from collections.abc import Sequence
from decimal import Decimal

from portfolio.books import EXTERNAL
from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Part, Term, product
from portfolio.performance.formulas import DAYS
from portfolio.valuation.flows import IN_KIND


def of_holding(life: Life, place: int, symbol: str, what: str) -> Explanation:
    history, column = life.history, life.column(symbol)
    arrays = {"weight": history.weights, "local": history.local_returns, "fx": history.fx_returns}
    if what not in arrays:
        raise NoSuchFigure
    value = float(arrays[what][place, column])
    formula = DAYS[f"holding_{what}"]
    if not history.weights[place, column] and not value:  # nothing held, or too little to measure
        return Explanation(formula.what, Term(what, 0, "fraction"))
    of_day = holding_terms(life, place, column)
    term_names = {"weight": ("opened", "came", "rate", "rate_before", "value_before", "inflow")}.get(
        what, ("opened", "came", "closed", "went") if what == "local" else ("opened", "came", "rate", "rate_before")
    )
    of_day |= {"value_before": life.value(place - 1, "value_before"), "inflow": life.flows(place, "inflow")}
    return Explanation(
        formula.what, Term(what, value, "fraction", formula.expression, tuple(of_day[each] for each in term_names))
    )


def holding_terms(life: Life, place: int, column: int) -> dict[str, Term]:
    """What a holding opened and closed with, what came and went, in its own currency; and its rates at both closes."""
    history, market = life.history, life.market
    symbol, currency = history.holdings[column]
    at, before = life.in_market(place), life.in_market(place - 1) if place else life.in_market(place)
    is_cash = symbol == currency
    if history.accrual == "accrual" and not is_cash:
        raise NoSuchFigure  # dividends due are in what it opened and closed with
    opening, closing = (
        cash_at(life, each, currency, name) if is_cash else units_at(life, each, symbol, name)
        for each, name in ((place - 1, "opened"), (place, "closed"))
    )
    came, went = moves(life, place, symbol, currency, at)
    return {
        "opened": opening,
        "closed": closing,
        "came": came,
        "went": went,
        "rate": market.rate(currency, at),
        "rate_before": market.rate(currency, before, "rate_before"),
    }


def cash_at(life: Life, place: int, currency: str, name: str) -> Term:
    if place < 0:
        return Term(name, Decimal(0), currency)
    balance = life.market.book.cash(life.day(place)).get(currency, Decimal(0))
    return Term(name, balance, currency, path=f"{{days}}/{life.day(place)}/cash/{currency}")


def units_at(life: Life, place: int, symbol: str, name: str) -> Term:
    security = next(each for each, name_of_security in life.market.symbols.items() if name_of_security == symbol)
    quantity = Decimal(0) if place < 0 else life.market.book.quantities(life.day(place)).get(security, Decimal(0))
    if not quantity:
        return Term(name, Decimal(0))
    units = Term("units", quantity, "units", path=f"{{days}}/{life.day(place)}/units/{symbol}")
    return product(name, (units, life.market.price(security, life.in_market(place))), "")


def moves(life: Life, place: int, symbol: str, currency: str, at: int) -> tuple[Term, Term]:
    """What came into a holding and went out of it on a day, gross, in its own currency."""
    came: list[Term] = []
    went: list[Term] = []
    for event in life.events(place):
        if symbol == currency:
            if event.kind not in EXTERNAL and event.counter_amount is None and event.security is None:
                continue  # interest, or a fee of no deal: what the balance returned
            for moved_in, amount in event.cash_legs():
                if moved_in == currency and amount:
                    term = Term(
                        event.entry_id,
                        abs(amount),
                        currency,
                        rows=life.market.entry(event.entry_id),
                        label=event.kind,
                    )
                    (came if amount > 0 else went).append(term)
        elif life.market.symbol(event.security) == symbol and event.kind in IN_KIND:
            if event.security is None or event.quantity is None:
                raise NoSuchFigure  # nothing can be made of units that nobody stated
            rows = life.market.entry(event.entry_id)
            units = Term("units", abs(event.quantity), "units", "abs(quantity)", rows=rows)
            term = product(event.entry_id, (units, life.market.price(event.security, at)), currency, label=event.kind)
            (came if IN_KIND[event.kind] > 0 else went).append(term)
        elif life.market.symbol(event.security) == symbol and event.currency and event.amount:
            rows = life.market.entry(event.entry_id)
            paid = Term("paid", abs(event.amount), event.currency, "abs(amount)", rows=rows)
            across = life.market.across(event.currency, currency, life.day(place))
            term = product(event.entry_id, (paid, across), currency, label=event.kind)
            (came if event.amount < 0 else went).append(term)
    return (
        Term("came", _sum(came), currency, "sum(items)", (Items("items", tuple(came)),)),
        Term("went", _sum(went), currency, "sum(items)", (Items("items", tuple(went)),)),
    )


def effect(life: Life, place: int, what: str) -> Explanation:
    """The local effect of a day, the sum over the holdings; or its return, of all three and what belongs to no holding."""
    if what != "local" or life.history.outside_fees.any():
        raise NoSuchFigure
    history, on = life.history, life.day(place)
    items = tuple(
        product(
            symbol,
            (
                Term("weight", float(history.weights[place, column]), path=f"{{days}}/{on}/holdings/{symbol}/weight"),
                Term(
                    "local",
                    float(history.local_returns[place, column]),
                    path=f"{{days}}/{on}/holdings/{symbol}/local",
                ),
            ),
            "fraction",
        )
        for column, (symbol, _) in enumerate(history.holdings)
        if history.weights[place, column]
    )
    value = float((history.weights[place] * history.local_returns[place]).sum())
    return Explanation(DAYS["local_effect"].what, Term(what, value, "fraction", "sum(items)", (Items("items", items),)))


def contribution(life: Life, place: int, symbol: str) -> Explanation:
    """What a holding added to a day's return; fees that the day took out of cash stand apart."""
    history, column, on = life.history, life.column(symbol), life.day(place)
    terms = tuple(
        Term(each, float(array[place, column]), "fraction", path=f"{{days}}/{on}/holdings/{symbol}/{each}")
        for each, array in (
            ("weight", history.weights),
            ("local", history.local_returns),
            ("fx", history.fx_returns),
        )
    )
    weight, local, fx = (float(term.known_value) for term in terms)
    value, formula = weight * ((1.0 + local) * (1.0 + fx) - 1.0), DAYS["holding_contribution"]
    first_currency = len(history.holdings) - history.cash_fees.shape[1]
    expression = formula.expression
    parts: tuple[Part, ...] = terms
    if column >= first_currency and history.cash_fees[place, column - first_currency]:
        charged = float(history.cash_fees[place, column - first_currency])
        begin = float(history.inflow[place] + (history.value[place - 1] if place else 0.0))
        rows = tuple(
            row
            for event in life.events(place)
            if event.kind == "fee" and event.currency == symbol
            for row in life.market.entry(event.entry_id)
        )
        parts += (
            Term("charged", charged, life.base, rows=rows),
            life.value(place - 1, "value_before"),
            life.flows(place, "inflow"),
        )
        value, expression = value + charged / begin, f"{expression} + charged / (value_before + inflow)"
    return Explanation(formula.what, Term("contribution", value, "fraction", expression, parts))


def _sum(terms: Sequence[Term]) -> Decimal:
    return sum((Decimal(term.known_value) for term in terms), Decimal(0))
