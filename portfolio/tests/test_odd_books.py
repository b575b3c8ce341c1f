"""Books and markets as nobody would think of them: every figure has a value or a reason, and no day knows what came after it."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio import valuation
from portfolio.books import Book, Event, LotState
from portfolio.performance import (
    brinson,
    calendar_years,
    contributions,
    currency_attribution,
    factor_exposures,
    holding_parts,
    holding_returns,
    holding_risk,
    rolling,
    window_rows,
    windows,
)
from portfolio.performance import record as metrics_record
from portfolio.performance.benchmark_index import BenchmarkReturns, Component
from portfolio.performance.factor_series import FactorChoice, FactorLevels
from portfolio.performance.risk_free import RiskFree
from portfolio.tests.made import NAN
from pricing.fx import Leg, MissingRate
from pricing.market import Close, History, Market, MissingPrice

D = Decimal
SYMBOLS = {1: ("OAK", "CAD", "XTSE"), 2: ("ELM", "USD", "XNYS"), 3: ("ASH", "EUR", "XETR"), 4: ("YEW", "USD", "XNYS")}
"""The last is in no pack of most markets."""
CURRENCIES = ("CAD", "USD", "EUR")
FIRST = date(2020, 1, 2)
DAYS = 30
EXAMPLES = settings().max_examples * 2 // 5


@dataclass(frozen=True)
class World:
    market: History
    events: tuple[Event, ...]
    """All that ever happens."""
    flow_timing: str
    accrual: str

    def book(self, upto: date = date.max) -> Book:
        """Of the entries that are part of the past on a day, and of no other."""
        events = [each for each in self.events if each.earliest_date <= upto]
        return Book(
            UUID(int=7), "CAD", self.flow_timing, tuple(events), tuple(lots_of(events, upto)), accrual=self.accrual
        )


def lots_of(events: Iterable[Event], upto: date) -> list[LotState]:
    """One for each state of a security, from what the events did to it."""
    found: list[LotState] = []
    held = dict[int, D]()
    since = dict[int, date]()

    def close(security: int, until: date | None) -> None:
        quantity = held.get(security, D(0))
        if quantity and (until is None or since[security] < until):
            cost = quantity * 2
            found.append(
                LotState(security, "Assets:S", since[security], quantity, D(2), cost, SYMBOLS[security][1], None,
                       since[security], until)
            )  # fmt: skip

    for each in events:
        if each.security is None or each.date > upto or each.kind not in CHANGES:
            continue
        close(each.security, each.date)
        change = CHANGES[each.kind]
        before = held.get(each.security, D(0))
        held[each.security] = before * (each.ratio or 1) if change == 0 else before + change * (each.quantity or D(0))
        since[each.security] = each.date
    for security in list(held):
        close(security, None)
    return found


CHANGES = {"buy": 1, "sell": -1, "transfer_in": 1, "transfer_out": -1, "split": 0}


def world(seed: int) -> World:
    chance = random.Random(seed)
    calendar = [FIRST + timedelta(days=number) for number in range(DAYS)]
    pack_days = [each for each in calendar if each.weekday() < 5 or chance.random() < 0.1]
    pack_days = pack_days[chance.choice((0, 0, 0, 5)) :]
    pack_days = pack_days[: chance.choice((1, 2, 8, 30))]
    return World(
        market=random_market(chance, pack_days),
        events=tuple(random_events(chance, calendar)),
        flow_timing=chance.choice(("in_start_out_end",) * 3 + ("start", "end")),
        accrual=chance.choice(("cash", "accrual")),
    )


def random_market(chance: random.Random, days: list[date]) -> History:
    listed = [security for security in SYMBOLS if security < 4 or chance.random() < 0.3]
    count, dates = len(days), np.array(days, dtype="datetime64[D]")
    holes = chance.choice((0.0, 0.0, 0.05, 0.3))

    def series(start: float, volatility: float) -> list[float]:
        level, found = start, []
        for _ in days:
            level = round(level * max(1 + chance.gauss(0, volatility), 0.05), 6)
            found.append(NAN if chance.random() < holes else level)
        if chance.random() < 0.3:  # it begins later, or ends
            edge = chance.randrange(count)
            gone = range(edge) if chance.random() < 0.5 else range(edge, count)
            for number in gone:
                found[number] = NAN
        return found

    close = np.array([series(chance.choice((2, 10, 300)), chance.choice((0.01, 0.3))) for _ in listed]).T
    close = close.reshape(count, len(listed))
    rates = [series(1.3, 0.01), series(1.5, 0.01)]
    return History(
        pack_id=f"PP_{days[-1]}_BOC_CAD_r1",
        dates=dates,
        pack_ids=tuple(f"PP_{each}_BOC_CAD_r1" for each in days),
        security_ids=tuple(listed),
        symbols=tuple(SYMBOLS[each][0] for each in listed),
        security_currencies=tuple(SYMBOLS[each][1] for each in listed),
        exchanges=tuple(SYMBOLS[each][2] for each in listed),
        close=close,
        observed=np.where(np.isnan(close), np.datetime64("NaT"), dates[:, None]),
        carried=np.zeros(close.shape, dtype=bool),
        currencies=CURRENCIES,
        fx_to_pivot=np.column_stack([np.ones(count), *rates]),
        close_sources=(("wood",),) * len(listed),
        fx_sources=((), ("central",), ("central",)),
    )


def random_events(chance, calendar):
    found, held = [], {}
    bounds = [*calendar, calendar[-1] + timedelta(days=4)]
    on = bounds[chance.randrange(12)]
    for _ in range(chance.choice((1, 2, 5, 12))):
        kind = chance.choice(
            ("deposit", "deposit", "withdrawal", "buy", "buy", "buy", "sell", "sell", "dividend", "fx", "fee", "outside_fee",
             "transfer_in", "transfer_out", "split", "interest")
        )  # fmt: skip
        security, currency = chance.choice(list(SYMBOLS)), chance.choice(CURRENCIES)
        amount = D(chance.choice(("0.01", "1", "70", "1000", "1000000")))
        quantity = D(chance.choice(("1", "10", "0.5")))
        if kind in ("sell", "transfer_out"):
            if not held:
                continue
            security = chance.choice(list(held))
            quantity = held[security] if chance.random() < 0.6 else held[security] / 2
        if kind == "split" and security not in held:
            continue
        entry = {
            "deposit": {"amount": amount},
            "withdrawal": {"amount": -amount},
            "buy": {"amount": -amount, "security": security, "quantity": quantity},
            "sell": {"amount": amount - chance.choice((D(0), D(2))), "security": security, "quantity": quantity},
            "dividend": {
                "amount": amount,
                "security": security,
                "ex_date": on - timedelta(days=chance.choice((0, 3, 9))),
            },
            "fx": {"amount": amount, "counter_amount": -amount, "counter_currency": chance.choice(CURRENCIES)},
            "fee": {"amount": D(-5), "fee": D(5), "fee_kind": "management"},
            "outside_fee": {"amount": D(0), "fee": D(5), "fee_kind": "management"},
            "transfer_in": {"amount": D(0), "security": security, "quantity": quantity},
            "transfer_out": {"amount": D(0), "security": security, "quantity": quantity},
            "split": {"amount": D(0), "security": security, "ratio": D(2)},
            "interest": {"amount": -D(1)},
        }[kind]
        if kind in ("transfer_in", "transfer_out", "split"):
            currency = ""
        if kind in ("buy", "transfer_in"):
            held[security] = held.get(security, D(0)) + quantity
        elif kind in ("sell", "transfer_out"):
            held[security] -= quantity
            held = {each: units for each, units in held.items() if units}
        elif kind == "split":
            held[security] *= 2
        blank = Event("", 1, on, kind, currency=currency)
        found.append(replace(blank, **entry))
        if chance.random() < 0.6:
            later = [each for each in bounds if each > on]
            if not later:
                break
            on = later[min(chance.choice((0, 0, 1, 3, 8)), len(later) - 1)]
    return found


def cut(market: History, count: int) -> History:
    """As the pack of its day number `count` saw it."""
    return replace(
        market,
        pack_id=market.pack_ids[count - 1],
        dates=market.dates[:count],
        pack_ids=market.pack_ids[:count],
        close=market.close[:count],
        observed=market.observed[:count],
        carried=market.carried[:count],
        fx_to_pivot=market.fx_to_pivot[:count],
    )


def as_of(market: History, row: int) -> Market:
    day = market.dates[row].item()
    closes = {
        security: Close(security, market.symbols[at], D(repr(float(market.close[row, at]))), market.security_currencies[at],
                        day, "wood", "raw", "")
        for at, security in enumerate(market.security_ids)
        if not np.isnan(market.close[row, at])
    }  # fmt: skip
    legs = {
        (currency, "CAD"): Leg(currency, "CAD", D(repr(float(market.fx_to_pivot[row, at]))), day, "central", "")
        for at, currency in enumerate(CURRENCIES)
        if at and not np.isnan(market.fx_to_pivot[row, at])
    }
    return Market(pack_id=market.pack_ids[row], asof_date=day, pivot="CAD", closes=closes, legs=legs)


def figures(life, pack_id):
    """All that is computed of a life."""
    count = len(life.dates)
    free = RiskFree("UST3M", np.full(count, 0.02), (), ("treasury",))
    moves = np.where(np.arange(count) == 0, NAN, np.cos(np.arange(count)) / 100)
    versus = BenchmarkReturns(
        "Mix", moves, components=(Component("OAK", "CAD", "equity", "XTSE", 1.0),),
        component_returns=moves[:, None], component_weights=np.ones((count, 1)),
    )  # fmt: skip
    found = {
        "record": metrics_record.metrics(life, portfolio_id="p", pack_id=pack_id, risk_free=free, benchmark=versus),
        "years": calendar_years.calendar_years(life, benchmark=versus),
        "rolling": [rolling.rolling(life, window=each, risk_free=free, benchmark=versus) for each in (1, 3)],
        "exposures": factor_exposures.record(
            life, FactorLevels((FactorChoice("equity", "benchmark", "", "return", ""),), {}), free,
            portfolio_id="p", pack_id=pack_id, benchmark=versus,
        ),
    }  # fmt: skip
    found["windows"] = window_rows.rows(found["record"].figures)
    asof = date.fromisoformat(pack_id.split("_")[1])
    for name in ("itd", "3 days", "life"):
        span = {
            "itd": windows.span_of(life, "itd"), "3 days": windows.last_days(life, 3), "life": windows.life(life)
        }[name] or windows.life(life) or windows.empty(asof)  # fmt: skip
        found[f"currency {name}"] = currency_attribution.attribute(life, span, versus)
        found[f"contribution {name}"] = contributions.contribute(life, span)
        found[f"brinson {name}"] = brinson.attribute(life, span, versus, by="currency", kinds={})
        for symbol, *_ in SYMBOLS.values():
            valued = SimpleNamespace(positions=(), currency="CAD")
            found[f"{symbol} {name}"] = [
                holding_returns.returns(life, symbol, span, free),
                holding_risk.measure(life, symbol, span, valued),
                holding_parts.contribution(life, symbol, span),
                holding_parts.currency(life, symbol, span),
            ]
    return found


def plain(value: object) -> object:
    """What a figure says, for comparing; floats to what the order of a sum may change."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, np.ndarray):
        return [plain(each) for each in value.tolist()]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.9g}") if np.isfinite(value) else str(value)
    return value


def known(value: object) -> bool:
    """Nothing in it is NaN or infinite."""
    if isinstance(value, str):
        return value not in ("nan", "inf", "-inf")
    if isinstance(value, dict):
        return all(known(each) for each in value.values())
    return all(known(each) for each in value) if isinstance(value, list) else True


@pytest.mark.slow
@given(st.integers(0, 2**32))
@settings(max_examples=EXAMPLES)
@pytest.mark.parametrize("scope", ["portfolio", "securities_only"])
def test_every_figure_of_any_book_has_a_value_or_a_reason(scope, seed):
    made = world(seed)

    try:
        life = valuation.history(made.book(), made.market, scope=scope)
    except (MissingPrice, MissingRate):
        return

    assert np.isfinite(life.value).all()
    assert known(plain(figures(life, made.market.pack_id)))


@pytest.mark.slow
@given(st.integers(0, 2**32))
@settings(max_examples=EXAMPLES)
def test_a_figure_of_a_day_does_not_depend_on_what_happened_after_it(seed):
    made = world(seed)
    count = 1 + seed % len(made.market.dates)
    seen = cut(made.market, count)
    upto = seen.dates[-1].item()

    def found(book: Book) -> object:
        try:
            return plain([valuation.history(book, seen), figures(valuation.history(book, seen), seen.pack_id)])
        except (MissingPrice, MissingRate) as missing:
            return str(missing)

    assert found(made.book()) == found(made.book(upto))


@given(st.integers(0, 2**32))
@settings(max_examples=EXAMPLES)
def test_every_valued_day_is_worth_what_the_exact_valuation_says(seed):
    made = world(seed)
    book, market = made.book(), made.market
    if book.first_date is None:
        return
    described = {security: (symbol, symbol, currency) for security, (symbol, currency, _) in SYMBOLS.items()}
    for count in range(1, len(market.dates) + 1):
        day = market.dates[count - 1].item()
        try:
            exact = valuation.apply(valuation.positions(book.as_of(day), day, described), as_of(market, count - 1))
            money = valuation.value(valuation.positions(book.as_of(day), day, described), as_of(market, count - 1))
        except (MissingPrice, MissingRate):
            if book.first_date <= day:  # else all that there is is the claim to a dividend
                with pytest.raises((MissingPrice, MissingRate), match=str(day)):
                    valuation.history(book, cut(market, count))
            continue
        try:
            life = valuation.history(book, cut(market, count))
        except (MissingPrice, MissingRate):
            continue  # something moved on the day, and nothing is left of it
        if not len(life.dates):
            assert money == 0
            continue
        scale = max([1.0, *(abs(float(row.market_value)) for row in (*exact.positions, *exact.cash))])
        assert life.dates[-1].item() == day
        assert life.cash_basis_value[-1] == pytest.approx(float(money), abs=1e-9 * scale)
        assert life.receivable[-1] == pytest.approx(float(exact.receivable_value), abs=0.01)
