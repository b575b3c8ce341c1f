"""What each holding, cash and fees added, and decisions against a benchmark. Goldens: docs/measurement.md, Worked examples."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest

from portfolio import valuation
from portfolio.performance import (
    brinson,
    contributions,
    currency_attribution,
    daily_returns,
    holding_parts,
    holding_returns,
    holding_risk,
    windows,
)
from portfolio.performance import record as metrics_record
from portfolio.performance.benchmark_index import BenchmarkReturns, Component
from portfolio.tests.made import NAN, book, event, lot, market
from portfolio.tests.made import life as made_life
from portfolio.tests.test_attribution import held

TWO = ("2020-01-06", "2020-01-07")
FOUR = (*TWO, "2020-01-08", "2020-01-09")


def last_day(life):
    return windows.last_days(life, 1)


def whole(life):
    return windows.span_of(life, "itd")


def rows_of(found):
    return {row.symbol: row for row in found.rows}


def two_holdings(*, flow="100"):
    """A 600, B 300, cash 100; then +100 into A, a custody fee of 1, and A 721, B 297."""
    events = [
        event(TWO[0], "deposit", "1000"),
        event(TWO[0], "buy", "-600", security=1, quantity="60"),
        event(TWO[0], "buy", "-300", security=2, quantity="30"),
        event(TWO[1], "deposit", flow),
        event(TWO[1], "buy", f"-{flow}", security=1, quantity="10"),
        event(TWO[1], "fee", "-1", fee="1", fee_kind="custody"),
    ]
    lots = [lot(1, "60", TWO[0]), lot(1, "10", TWO[1]), lot(2, "30", TWO[0])]
    return valuation.history(book(events, lots), market(TWO, {"A": [10, 10.3], "B": [10, 9.9]}))


def test_contributions_with_cash_and_a_fee_tie_out_with_the_golden():
    life = two_holdings()

    found = contributions.contribute(life, last_day(life))

    rows = rows_of(found)
    assert 100 * rows["A"].contribution == pytest.approx(1.909091, abs=5e-7)
    assert 100 * rows["B"].contribution == pytest.approx(-0.272727, abs=5e-7)
    assert 100 * rows["fees"].contribution == pytest.approx(-0.090909, abs=5e-7)
    assert rows["CAD"].contribution == pytest.approx(0, abs=1e-15)
    assert 100 * found.total_return.value == pytest.approx(1.545455, abs=5e-7)
    assert [row.symbol for row in found.top] == ["A"]
    assert [row.symbol for row in found.bottom] == ["B", "fees"]
    assert rows["A"].share == pytest.approx(1.909091 / 1.545455, rel=1e-5)


def test_a_random_life_adds_up_over_any_span():
    random = np.random.default_rng(11)
    dates = np.arange(np.datetime64("2020-01-06"), np.datetime64("2020-04-01")).astype(str).tolist()
    n = len(dates)
    walk = lambda start: (start * np.cumprod(1 + random.normal(0, 0.02, n))).tolist()  # noqa: E731
    events = [event(dates[0], "deposit", "20000"), event(dates[0], "fx", "5000", "USD", counter=("-6600", "CAD"))]
    events.append(event(dates[0], "buy", "-4000", "USD", security=1, quantity="40"))
    events.append(event(dates[0], "buy", "-9000", security=2, quantity="90"))
    events += [event(dates[day], "fee", "-12", fee="12", fee_kind="management") for day in (20, 50)]
    events.append(event(dates[30], "withdrawal", "-1500"))
    lots = [lot(1, "40", dates[0], currency="USD"), lot(2, "90", dates[0])]
    priced = market(dates, {"OAK": walk(100), "ELM": walk(100)}, currencies={"OAK": "USD"}, fx={"USD": walk(1.3)})
    life = valuation.history(book(sorted(events, key=lambda each: each.date), lots), priced)

    for span in (whole(life), windows.last_days(life, 40), last_day(life)):
        found = contributions.contribute(life, span)
        linked = np.prod(1 + daily_returns.measure(life).returns[span.start + 1 : span.end + 1]) - 1
        assert sum(row.contribution for row in found.rows) == pytest.approx(linked, abs=1e-12)
        assert found.total_return.value == pytest.approx(linked, abs=1e-12)
    assert rows_of(contributions.contribute(life, whole(life)))["fees"].contribution < 0


def test_contributions_that_miss_the_return_are_not_shown():
    life = two_holdings()

    with pytest.raises(valuation.InvariantViolated, match="contributions sum"):
        contributions.contribute(replace(life, weights=life.weights * 1.01), last_day(life))


def test_the_60_40_golden_ties_out_in_both_views():
    # 60/40 drifting, A l +2, -1 f +1, +0.5; B l +1, +3 f -2, +1 (%)
    dates = ("2020-01-06", "2020-01-07", "2020-01-08")
    a, b = [100, 102, 102 * 0.99], [100, 101, 101 * 1.03]
    usd, eur = [1.0, 1.01, 1.01 * 1.005], [1.0, 0.98, 0.98 * 1.01]
    events = [
        event(dates[0], "deposit", "1000"),
        event(dates[0], "fx", "600", "USD", counter=("-600", "CAD")),
        event(dates[0], "fx", "400", "EUR", counter=("-400", "CAD")),
        event(dates[0], "buy", "-600", "USD", security=1, quantity="6"),
        event(dates[0], "buy", "-400", "EUR", security=2, quantity="4"),
    ]
    lots = [lot(1, "6", dates[0], currency="USD"), lot(2, "4", dates[0], currency="EUR")]
    priced = market(dates, {"A": a, "B": b}, currencies={"A": "USD", "B": "EUR"}, fx={"USD": usd, "EUR": eur})
    life = valuation.history(book(events, lots), priced)

    found = currency_attribution.attribute(life, windows.last_days(life, 2))

    assert 100 * found.total_return.value == pytest.approx(2.687407, abs=5e-7)
    assert 100 * np.array([found.local_return.value, found.fx_return.value, found.interaction.value]) == pytest.approx(
        [2.170741, 0.505689, 0.010977], abs=5e-7
    )
    sums = [sum(getattr(row, part) for row in found.by_currency) for part in ("local", "fx", "interaction")]
    assert 100 * np.array(sums) == pytest.approx([2.175823, 0.498833, 0.012751], abs=5e-7)


# --- gross and net, income, fees paid outside


def one_day(events, close=(100, 100), start="100000"):
    """A portfolio of 1,000 shares at 100 and no cash; the events are the second day's."""
    first = [event(TWO[0], "deposit", start), event(TWO[0], "buy", f"-{start}", security=1, quantity="1000")]
    return valuation.history(book([*first, *events], [lot(1, "1000", TWO[0])]), market(TWO, {"OAK": list(close)}))


def returns(life):
    found = metrics_record.twr(life, portfolio_id="p", pack_id="PP_2020-01-07_ECB_EUR_r1")
    return 100 * found["twr_1d"].value, 100 * found["gross_twr_1d"].value, found


def test_a_fee_inside_lowers_the_net_return_and_not_the_gross():
    # 100,000 becomes 101,250, of which 250 are charged
    net, gross, found = returns(
        one_day([event(TWO[1], "fee", "-250", fee="250", fee_kind="management")], (100, 101.25))
    )

    assert (net, gross) == (pytest.approx(1.00), pytest.approx(1.25))
    assert "before management" in found["gross_twr_1d"].basis["net"]


@pytest.mark.parametrize(("fee_kind", "gross"), [("management", 1.25), ("custody", 1.25), ("other", 1.00)])
def test_a_fee_paid_from_elsewhere_is_taken_off_the_return_and_is_no_flow(fee_kind, gross):
    # 100,000 becomes 101,250, and the owner pays 250 of his own; as an inflow it would be 0.997506 %
    life = one_day([event(TWO[1], "outside_fee", fee="250", fee_kind=fee_kind)], (100, 101.25))

    net, before_fees, _ = returns(life)

    assert (net, before_fees) == (pytest.approx(1.00), pytest.approx(gross))
    assert (life.value[1], life.inflow[1], life.outflow[1]) == (101_250, 0, 0)
    span = last_day(life)
    assert 100 * rows_of(contributions.contribute(life, span))["fees"].contribution == pytest.approx(-0.25)
    assert 100 * currency_attribution.attribute(life, span).local_return.value == pytest.approx(1.00)
    chosen = brinson.attribute(life, span, half_and_half(), by="kind", kinds=DESCRIBED)
    assert 100 * chosen.portfolio_return.value == pytest.approx(1.00)


@pytest.mark.parametrize("timing", ["in_start_out_end", "start", "end"])
def test_a_fee_paid_from_elsewhere_is_measured_as_its_day_is(timing):
    life = made_life(FOUR[:3], [100, 160, 160], inflow=[100, 50, 0], flow_timing=timing)
    charged = replace(life, outside_fees=np.array([0.0, 3.0, 0.0]))
    opening = 100 if timing == "end" else 150

    less = daily_returns.measure(life).returns - daily_returns.measure(charged).returns

    assert less == pytest.approx([0, 3 / opening, 0], abs=1e-15)


def test_transaction_costs_stay_in_the_gross_return():
    net, gross, _ = returns(one_day([event(TWO[1], "fee", "-250", fee="250", fee_kind="other")], (100, 101.25)))

    assert gross == net == pytest.approx(1.00)


def test_a_dividend_counts_without_what_was_withheld():
    life = one_day([event(TWO[1], "dividend", "850", security=1, tax="150")])

    net, _, _ = returns(life)

    assert net == pytest.approx(0.85)
    assert 100 * rows_of(contributions.contribute(life, last_day(life)))["OAK"].contribution == pytest.approx(0.85)


# --- against a benchmark


def equity_and_bond():
    """70 % in A, an equity, 30 % in B, a bond; then 6 and 1 percent."""
    events = [
        event(TWO[0], "deposit", "1000"),
        event(TWO[0], "buy", "-700", security=1, quantity="70"),
        event(TWO[0], "buy", "-300", security=2, quantity="30"),
    ]
    lots = [lot(1, "70", TWO[0]), lot(2, "30", TWO[0])]
    return valuation.history(book(events, lots), market(TWO, {"A": [10, 10.6], "B": [10, 10.1]}))


DESCRIBED = {"A": ("equity", "XNYS"), "B": ("bond", "XNYS")}


def half_and_half(returns=((0.0, 0.0), (0.05, 0.02)), kinds=("equity", "bond"), **how):
    table = np.array(returns)
    weights = np.full(table.shape, 0.5)
    parts = tuple(Component(symbol, "CAD", kind, "XNYS", 0.5) for symbol, kind in zip(("X", "Y"), kinds, strict=True))
    return BenchmarkReturns(
        "Mix",
        (weights * table).sum(axis=1),
        components=parts,
        component_returns=table,
        component_weights=weights,
        **how,
    )


def test_brinson_ties_out_with_the_golden():
    life = equity_and_bond()

    found = brinson.attribute(life, last_day(life), half_and_half(), by="kind", kinds=DESCRIBED)

    segments = {row.segment: row for row in found.segments}
    assert 100 * np.array([segments[each].allocation for each in ("equity", "bond")]) == pytest.approx([0.30, 0.30])
    assert 100 * np.array([segments[each].selection for each in ("equity", "bond")]) == pytest.approx([0.50, -0.50])
    assert 100 * np.array([segments[each].interaction for each in ("equity", "bond")]) == pytest.approx([0.20, 0.20])
    assert 100 * found.excess_return.value == pytest.approx(1.00)
    assert (found.allocation.value, found.selection.value, found.interaction.value) == (
        pytest.approx(0.006),
        pytest.approx(0, abs=1e-15),
        pytest.approx(0.004),
    )


def test_brinson_parts_sum_where_segments_do_not_meet():
    life = held(FOUR, [50, 51, 49, 53], [1.31, 1.33, 1.28, 1.30])
    table = ((0.01, 0.0), (0.01, 0.02), (-0.02, 0.01), (0.0, 0.03))
    benchmark = half_and_half(table, kinds=("equity", "gold"))

    found = brinson.attribute(life, whole(life), benchmark, by="kind", kinds={"OAK": ("equity", "XNYS")})

    parts = [(row.allocation, row.selection, row.interaction) for row in found.segments]
    linked = np.prod(1 + daily_returns.measure(life).returns) - np.prod(1 + benchmark.returns)
    assert {row.segment for row in found.segments} == {"cash", "equity", "gold"}
    assert np.sum(parts) == pytest.approx(linked, abs=1e-12)
    assert found.portfolio_return.value - found.benchmark_return.value == pytest.approx(linked, abs=1e-12)
    # not held, not in the benchmark: nothing was selected there
    assert {row.segment: row.benchmark_weight for row in found.segments}["cash"] == 0


def test_brinson_over_days_on_which_nothing_was_held_says_so():
    events = [
        event(FOUR[0], "deposit", "1000"),
        event(FOUR[1], "withdrawal", "-1000"),
        event(FOUR[3], "deposit", "500"),
    ]
    life = valuation.history(book(events), market(FOUR, {}))
    benchmark = half_and_half(((0.0, 0.0), (0.05, 0.02), (0.50, 0.50), (0.01, 0.01)))

    found = brinson.attribute(life, whole(life), benchmark, by="kind", kinds={})

    assert found.benchmark_return.value == pytest.approx(1.035 * 1.01 - 1)
    assert (found.excess_return.status, found.excess_return.reason) == ("degraded", "empty_days_excluded")
    assert found.excess_return.basis["n"] == found.days == 3


@pytest.mark.parametrize(
    ("benchmark", "reason"),
    [
        (None, "no_benchmark"),
        (half_and_half(((NAN, NAN), (NAN, NAN)), reason="missing_benchmark_price"), "missing_benchmark_price"),
    ],
)
def test_brinson_without_a_benchmark_says_why(benchmark, reason):
    life = equity_and_bond()

    found = brinson.attribute(life, last_day(life), benchmark, by="currency", kinds=DESCRIBED)

    assert (found.segments, found.excess_return.value, found.excess_return.reason) == ((), None, reason)


# --- one holding


def test_one_holdings_figures_are_its_own_and_its_part_of_the_whole():
    life = held(FOUR, [50, 55, 52, 54], [1.30, 1.36, 1.33, 1.35])
    span = whole(life)

    own = holding_returns.returns(life, "OAK", span, None)
    added = holding_parts.contribution(life, "OAK", span)
    parts = holding_parts.currency(life, "OAK", span)

    assert own.total_return.value == pytest.approx(54 * 1.35 / (50 * 1.30) - 1)
    assert own.local_return.value == pytest.approx(54 / 50 - 1)
    daily = np.array([0, 55 * 1.36 / (50 * 1.30) - 1, 52 * 1.33 / (55 * 1.36) - 1, 54 * 1.35 / (52 * 1.33) - 1])
    assert own.daily_returns == pytest.approx(daily)
    assert own.volatility.value == pytest.approx(daily.std(ddof=1) * np.sqrt(252))
    assert own.sharpe.reason == "no_risk_free_rate"
    row = next(each for each in contributions.contribute(life, span).rows if each.symbol == "OAK")
    assert added.total_contribution.value == row.contribution
    assert added.pct_of_portfolio_return.value == pytest.approx(row.contribution / added.portfolio_return.value)
    three = (parts.local_contribution.value, parts.fx_contribution.value, parts.interaction_contribution.value)
    assert sum(three) == pytest.approx(parts.total_contribution.value, abs=1e-15)


def test_a_holding_that_never_was_is_not_held():
    life = held(FOUR, [50, 55, 52, 54], [1.30, 1.36, 1.33, 1.35])

    own = holding_returns.returns(life, "ASH", whole(life), None)
    added = holding_parts.contribution(life, "USD", whole(life))

    assert {own.total_return.reason, added.total_contribution.reason} == {"not_held"}
    assert len(own.daily_returns) == 0


def valued_as(life, **values):
    """What is held at the last close, by hand."""
    total = sum(values.values())
    rows = tuple(
        SimpleNamespace(symbol=symbol, market_value=Decimal(str(value)), weight=value / total)
        for symbol, value in values.items()
    )
    return SimpleNamespace(positions=rows, currency=life.base_currency)


def walking_pair(days=150):
    """Two holdings of 500 each that move by themselves."""
    random = np.random.default_rng(3)
    dates = np.arange(np.datetime64("2020-01-06"), np.datetime64("2020-01-06") + days).astype(str).tolist()
    closes = {name: (10 * np.cumprod(1 + random.normal(0, 0.02, days))).tolist() for name in ("A", "B")}
    events = [event(dates[0], "deposit", str(50 * closes["A"][0] + 50 * closes["B"][0]))]
    events += [
        event(dates[0], "buy", str(-50 * closes[name][0]), security=number, quantity="50")
        for number, name in ((1, "A"), (2, "B"))
    ]
    return valuation.history(
        book(events, [lot(1, "50", dates[0]), lot(2, "50", dates[0])]), market(dates, closes)
    ), closes


def test_the_risk_of_a_holding_alone_and_within():
    life, closes = walking_pair()
    a, b = (np.array(closes[name]) for name in ("A", "B"))
    valued = valued_as(life, A=50 * a[-1], B=50 * b[-1])

    found = holding_risk.measure(life, "A", windows.last_days(life, 120), valued)

    own = (a[1:] / a[:-1] - 1)[-120:]
    together = ((a + b)[1:] / (a + b)[:-1] - 1)[-120:]
    beta = np.cov(own, together)[0, 1] / np.var(together, ddof=1)
    assert found.data_points == 120
    assert found.var_1d_pct.value == pytest.approx(-np.percentile(own, 5))
    assert float(found.var_1d) == pytest.approx(-np.percentile(own, 5) * 50 * a[-1], abs=0.005)
    assert found.beta_to_portfolio.value == pytest.approx(beta)
    assert found.correlation.value == pytest.approx(np.corrcoef(own, together)[0, 1])
    assert found.diversification_benefit.value == pytest.approx(1 - np.corrcoef(own, together)[0, 1])
    assert found.marginal_var.value == pytest.approx(-np.percentile(together, 5) * beta)
    assert float(found.component_var) == pytest.approx(found.marginal_var.value * 50 * a[-1], abs=0.005)
    assert found.pct_portfolio_risk.value == pytest.approx(beta * a[-1] / (a[-1] + b[-1]))


@pytest.mark.parametrize(
    ("days", "status", "reason"), [(25, "unavailable", "short_history"), (60, "degraded", "few_observations")]
)
def test_a_holdings_value_at_risk_says_how_much_it_rests_on(days, status, reason):
    life, _ = walking_pair(days)

    found = holding_risk.measure(life, "A", whole(life), valued_as(life, A=500, B=500))

    assert (found.var_1d_pct.status, found.var_1d_pct.reason) == (status, reason)
    assert (found.var_1d is None) is (status == "unavailable")
