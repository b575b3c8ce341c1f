"""A portfolio's life by day, as terms: values, flows, returns, observations."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import isclose

import numpy as np
import numpy.typing as npt

from portfolio.books import RECURRING_FEES, Event
from portfolio.explanation import days
from portfolio.explanation.benchmark_days import BenchmarkDays
from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Observation, Part, Series, Term, product
from portfolio.performance import daily_returns, measured_history, risk_free
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.formulas import DAYS
from portfolio.performance.measured_history import MeasuredHistory
from portfolio.performance.risk_free import RiskFree
from portfolio.valuation import ValueHistory
from portfolio.valuation.flows import IN_KIND, crosses_border
from portfolio.valuation.pack_days import Floats

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Life:
    """A history that has days, measured as its figures are."""

    market: MarketTerms
    history: ValueHistory
    measured: MeasuredHistory
    benchmark_days: BenchmarkDays | None = None
    """What the benchmark's days are made of; None without a benchmark."""

    @classmethod
    def of(
        cls,
        market: MarketTerms,
        history: ValueHistory,
        free: RiskFree | None,
        benchmark: BenchmarkReturns | None,
        benchmark_days: BenchmarkDays | None = None,
    ) -> "Life":
        """Raises NoSuchFigure where nothing was booked, so that there is nothing to take apart."""
        if not len(history.dates):
            raise NoSuchFigure
        return cls(market, history, measured_history.measure(history, free, benchmark), benchmark_days)

    @property
    def base(self) -> str:
        return self.market.base

    def day(self, place: int) -> date:
        on: date = self.history.dates[place].item()
        return on

    def place(self, on: str) -> int:
        """The number of a day of the history. Raises NoSuchFigure."""
        try:
            day = np.datetime64(on)
        except ValueError:
            raise NoSuchFigure from None
        place = int(np.searchsorted(self.history.dates, day))
        if place == len(self.history.dates) or self.history.dates[place] != day:
            raise NoSuchFigure
        return place

    def in_market(self, place: int) -> int:
        """The number of the market's pack day that a day of the history is."""
        return int(np.searchsorted(self.market.market.dates, self.history.dates[place]))

    # Series

    def series(self, name: str, values: Floats, places: Places, below: str, unit: str = "fraction") -> Series:
        """Numbers of some days, each explained below its day."""
        dates = tuple(self.day(place) for place in places.tolist())
        return Series(name, dates, tuple(values.tolist()), unit, f"{{days}}/{{date}}/{below}")

    def between(self, name: str, values: Floats, start: int, end: int, below: str) -> Series:
        """Of (D,) numbers those of the days after the close `start` up to that of `end`."""
        places = np.arange(start + 1, end + 1)
        return self.series(name, values[places], places, below)

    def daily_returns(self, start: int, end: int) -> Series:
        return self.between("daily_returns", self.measured.daily.returns, start, end, "return")

    # A day

    def value(self, place: int, name: str = "value") -> Term:
        """The value at a close; nothing before the first day."""
        if place < 0:
            return Term(name, Decimal(0), self.base)
        path = f"{{days}}/{self.day(place)}/value"
        return Term(name, float(self.history.value[place]), self.base, path=path)

    def events(self, place: int) -> list[Event]:
        """What happened on a day, with what belongs to it of days without a value before it."""
        opening = self.history.dates[place - 1].item() if place else date.min
        return [event for event in self.market.book.events if opening < event.date <= self.day(place)]

    def day_return(self, place: int, what: str) -> Explanation:
        history, timing = self.history, self.history.flow_timing
        gross = what == "gross_return"
        values = self.measured.gross if gross and self.measured.gross is not None else self.measured.daily.returns
        value = float(values[place])
        if np.isnan(value) or place < daily_returns.first_measured(history):
            return Explanation(DAYS[what].what, Term(what, None if np.isnan(value) else value, "fraction"))
        parts: list[Part] = [
            self.value(place),
            self.value(place - 1, "value_before"),
            self.flows(place, "inflow"),
            self.flows(place, "outflow"),
        ]
        opening = {"in_start_out_end": "value_before + inflow", "start": "value_before + inflow - outflow"}.get(timing)
        formula = DAYS[f"return_{timing}"].expression
        opening = opening or "value_before"
        if history.outside_fees.any():
            parts.append(self.fees(place, "outside_fees"))
            formula += f" - outside_fees / ({opening})"
        if gross and history.recurring_fees.any():
            parts.append(self.fees(place, "recurring_fees"))
            formula += f" + recurring_fees / ({opening})"
        if not history.value[place] and not history.value[place - 1]:
            formula, parts = "", []  # nothing before and nothing after: the index stays flat
        return Explanation(DAYS[what].what, Term(what, value, "fraction", formula, tuple(parts)))

    def flows(self, place: int, direction: str) -> Term:
        """Money and securities that crossed the border on a day, one way. Raises NoSuchFigure where they are not flows of
        the whole portfolio."""
        value = float(getattr(self.history, direction)[place])
        at = self.in_market(place)
        items = [self.flow(event, at) for event in self.events(place) if crosses_border(event, self.history.scope)]
        if place == 0 and self.history.is_late:
            items = [self.value(0)]  # what was there at the first close
        sign = 1 if direction == "inflow" else -1
        one_way = tuple(item for item in items if sign * item.known_value > 0)
        total = sum(float(item.known_value) for item in one_way)
        if not isclose(sign * total, value, rel_tol=1e-9, abs_tol=1e-9):
            raise NoSuchFigure
        return Term(
            direction, value, self.base, "sum(items)" if sign > 0 else "-sum(items)", (Items("items", one_way),)
        )

    def border_events(self) -> list[Event]:
        """All that moved money or securities over the border of what is measured."""
        return [event for event in self.market.book.events if crosses_border(event, self.history.scope)]

    def flow(self, event: Event, at: int) -> Term:
        """One external flow at the rate of a day of the market, money in positive."""
        label = f"{event.date} {event.kind}"
        if event.kind in IN_KIND:
            if event.security is None or event.quantity is None:
                raise NoSuchFigure  # nothing can be made of units that nobody stated
            price = self.market.price(event.security, at)
            sign = Term("sign", IN_KIND[event.kind])
            units = self.market.booked(event, "quantity", event.quantity, "units")
            return product(
                event.entry_id, (sign, units, price, self.market.rate(price.unit, at)), self.base, label=label
            )
        amount = self.market.booked(event, "amount", event.amount)
        terms = [amount, self.market.rate(event.currency, at)]
        if self.history.scope == "securities_only":  # what is paid for a security comes in
            terms.insert(0, Term("sign", -1))
        return product(event.entry_id, terms, self.base, label=label)

    def fees(self, place: int, name: str) -> Term:
        """Fees of a day: those paid from elsewhere, or of management and custody."""
        at = self.in_market(place)
        items = tuple(
            product(
                event.entry_id,
                (self.market.booked(event, "fee", event.fee), self.market.rate(event.currency, at)),
                self.base,
                label=f"{event.date} {event.fee_kind}",
            )
            for event in self.events(place)
            if event.fee
            and (event.kind == "outside_fee" if name == "outside_fees" else event.fee_kind in RECURRING_FEES)
        )
        return Term(name, float(getattr(self.history, name)[place]), self.base, "sum(items)", (Items("items", items),))

    def observation(self, place: int) -> Explanation:
        """The return since the observation before."""
        before = self.observation_before(place)
        returns = self.measured.daily.between(np.array([before, place]))
        term = Term(
            "observation",
            float(returns[0]),
            "fraction",
            DAYS["observation"].expression,
            (self.daily_returns(before, place),),
        )
        return Explanation(DAYS["observation"].what, term)

    def observation_before(self, place: int) -> int:
        observed = self.measured.observations
        at = int(np.searchsorted(observed, place))
        return int(observed[at - 1]) if at else self.measured.opening

    def risk_free(self, place: int) -> Explanation:
        """The risk-free return since the observation before, at the yield known when it opened."""
        free = self.measured.risk_free
        if free is None:
            raise NoSuchFigure
        before = self.observation_before(place)
        value = risk_free.returns_between(self.history, free, np.array([before, place]))[0]
        opening = max(before, 0)
        elapsed = (self.day(place) - self.day(opening)).days + (1 if before < 0 else 0)
        rows = (Observation(free.series_id, self.day(opening)),)
        quoted = Term("quoted", float(free.yields[opening] * 100), "percent a year", "value", rows=rows)
        annual = Term("annual_yield", float(free.yields[opening]), "fraction", "quoted / 100", (quoted,))
        terms = (annual, Term("days", elapsed, "days"))
        return Explanation(
            DAYS["risk_free"].what, Term("risk_free", float(value), "fraction", DAYS["risk_free"].expression, terms)
        )

    def net_contributions(self, place: int, value: float | None) -> Explanation:
        """All money that came from outside up to a day, less what went."""
        last = self.history.dates[place].item()
        items = tuple(
            self.flow(event, self.in_market(int(np.searchsorted(self.history.dates, np.datetime64(event.date)))))
            for event in self.border_events()
            if event.date <= last and not (self.history.is_late and event.date <= self.day(0))
        )
        if self.history.is_late:
            items = (self.value(0), *items)
        if value is not None and not isclose(sum(float(item.known_value) for item in items), value, rel_tol=1e-9):
            raise NoSuchFigure
        formula = DAYS["net_contributions"]
        return Explanation(
            formula.what, Term("net_contributions", value, self.base, formula.expression, (Items("items", items),))
        )

    def growth(self, place: int, value: float | None) -> Explanation:
        """The return index at a close; after a day without a return it begins anew."""
        undefined = [each.index for each in self.measured.daily.undefined if each.index <= place]
        formula, begins = DAYS["total_return_pct"], undefined[-1] if undefined else -1
        parts = () if value is None else (self.daily_returns(begins, place),)
        return Explanation(formula.what, Term("total_return_pct", value, "fraction", formula.expression, parts))

    # Holdings

    def column(self, symbol: str) -> int:
        """The column of a security or currency among the holdings; a currency is named by its code. Raises NoSuchFigure."""
        names = [name for name, _ in self.history.holdings]
        if symbol not in names:
            raise NoSuchFigure
        return names.index(symbol)

    def holding_series(self, column: int, start: int, end: int) -> tuple[Series, Series, Series]:
        """Weights, local and FX returns of a holding."""
        history, symbol = self.history, self.history.holdings[column][0]
        return (
            self.between("weights", history.weights[:, column], start, end, f"holdings/{symbol}/weight"),
            self.between("locals", history.local_returns[:, column], start, end, f"holdings/{symbol}/local"),
            self.between("fxs", history.fx_returns[:, column], start, end, f"holdings/{symbol}/fx"),
        )


def value_of(market: MarketTerms, history: ValueHistory, place: int) -> Explanation:
    """The value of the whole portfolio at the close of a day of its history, as that was computed."""
    formula, on = DAYS["values"], int(np.searchsorted(market.market.dates, history.dates[place]))
    value = Term("values", float(history.value[place]), market.base, formula.expression, days.value_parts(market, on))
    return Explanation(formula.what, value)
