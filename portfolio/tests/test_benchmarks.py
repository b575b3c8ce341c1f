"""What a portfolio is measured against: composites, what their prices leave out, and figures beside the portfolio's own.

Goldens: docs/measurement.md, Worked examples.
"""

from decimal import Decimal

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from portfolio.models import Benchmark, BenchmarkComponent
from portfolio.performance import benchmarks, calendar_years, composite, rolling, versus_benchmark, window_rows, windows
from portfolio.performance import record as metrics_record
from portfolio.performance.benchmark_index import BenchmarkReturns, Component
from portfolio.performance.composite import BenchmarkDefinition
from portfolio.performance.metric import Metric
from portfolio.performance.risk_free import RiskFree
from portfolio.tests.made import NAN, days, life, market
from pricing import market as pricing_market
from pricing.models import PricingPack, Security
from pricing.packs.rows import KnownAction

pytestmark = pytest.mark.usefixtures("read_once")

WEEK = ("2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09")


def mix(seen, weights, *, rebalance="monthly", bases=None, actions=(), base="CAD", on=None):
    """The benchmark of the securities of a hand-made market, on `on` of its days (all but the first)."""
    parts = [
        Component(symbol, seen.security_currencies[number], "equity", seen.exchanges[number], weight)
        for number, (symbol, weight) in enumerate(weights.items())
    ]
    chosen = composite.define("Mix", rebalance, [(symbol, str(weight)) for symbol, weight in weights.items()])
    own_days = seen.dates[1:] if on is None else days(*on)
    return composite.compute(seen, parts, bases or ["raw"] * len(parts), actions, chosen, base, own_days)


def growing(*steps, start=100.0):
    return list(start * np.cumprod([1.0, *(1 + np.array(steps))]))


def action(kind, ex_date, *, symbol="OAK", ratio=None, amount=None, currency="CAD"):
    on = np.datetime64(ex_date).item()
    return KnownAction(
        symbol,
        kind,
        on,
        Decimal(ratio) if ratio else None,
        Decimal(amount) if amount else None,
        currency,
        None,
        on,
        "wood",
    )


def record(history, benchmark, risk_free=None):
    return metrics_record.metrics(
        history, portfolio_id="p", pack_id="PP_2020-01-01_ECB_EUR_r1", risk_free=risk_free, benchmark=benchmark
    )


# --- what a benchmark returns


@pytest.mark.parametrize(("rebalance", "expected"), [("daily", 0.05721856), ("never", 0.05566)])
def test_a_composite_ties_out_with_the_golden(rebalance, expected):
    seen = market(WEEK, {"OAK": growing(0.10, -0.05, 0.02), "ELM": growing(0, 0.01, 0.03)})

    found = mix(seen, {"OAK": 0.6, "ELM": 0.4}, rebalance=rebalance)

    assert np.prod(1 + found.returns) - 1 == pytest.approx(expected, abs=5e-9)
    assert found.returns == pytest.approx((found.component_weights * found.component_returns).sum(axis=1), abs=1e-15)


def test_weights_come_back_with_the_first_close_of_a_period():
    dates = ("2020-01-30", "2020-01-31", "2020-02-03", "2020-03-31", "2020-04-01")
    seen = market(dates, {"OAK": growing(1.0, 0.5, 0.5, 0.5), "ELM": growing(0, 0, 0, 0)})

    weights = {
        rebalance: mix(seen, {"OAK": 0.5, "ELM": 0.5}, rebalance=rebalance).component_weights[:, 0]
        for rebalance in ("monthly", "quarterly", "never", "daily")
    }

    assert weights["monthly"] == pytest.approx([0.5, 0.5, 0.5, 0.5])
    assert weights["quarterly"] == pytest.approx([0.5, 2 / 3, 3 / 4, 0.5])
    assert weights["never"] == pytest.approx([0.5, 2 / 3, 3 / 4, 4.5 / 5.5])
    assert weights["daily"] == pytest.approx([0.5] * 4)


def test_portfolios_begun_in_one_month_have_the_same_benchmark():
    seen = market(WEEK, {"OAK": growing(0.10, -0.05, 0.02), "ELM": growing(0, 0.01, 0.03)})

    early, late = (mix(seen, {"OAK": 0.6, "ELM": 0.4}, on=WEEK[first:]) for first in (1, 3))

    assert late.returns[-1] == early.returns[-1]


def test_a_raw_close_is_taken_with_its_split_and_its_dividend():
    # seven for one, then 0.47 a share (AAPL, June and August 2014)
    seen = market(WEEK, {"OAK": [645.57, 645.57, 93.70, 93.70]})
    actions = [action("split", WEEK[2], ratio="7"), action("dividend", WEEK[3], amount="0.47")]

    found = mix(seen, {"OAK": 1.0}, actions=actions)

    assert found.returns == pytest.approx([0, 93.70 * 7 / 645.57 - 1, 0.47 / 93.70])
    assert 100 * found.returns[1] == pytest.approx(1.6001, abs=5e-5)
    assert found.degraded == ()


@pytest.mark.parametrize(
    ("basis", "degraded"),
    [("price_index", ("price_index",)), ("split_adjusted", ("price_return",)), ("total_return_adjusted", ())],
)
def test_prices_without_dividends_say_so_and_none_is_adjusted_twice(basis, degraded):
    seen = market(WEEK, {"OAK": growing(0.01, 0.01, 0.01)})

    found = mix(seen, {"OAK": 1.0}, bases=[basis], actions=[action("split", WEEK[2], ratio="7")])

    assert found.returns == pytest.approx([0.01] * 3)
    assert found.degraded == degraded


def test_a_foreign_benchmark_is_taken_at_the_packs_rates():
    seen = market(WEEK, {"OAK": growing(0.10, 0, 0)}, currencies={"OAK": "USD"}, fx={"USD": [1.30, 1.30, 1.365, 1.365]})

    found = mix(seen, {"OAK": 1.0})

    assert found.returns == pytest.approx([0.10, 0.05, 0])
    assert found.sources == ("central", "wood")


def test_a_hedged_benchmark_earns_the_forward_premium():
    dates = ("2020-01-06", "2020-02-05")  # thirty days
    seen = market(dates, {"OAK": [100, 101]}, currencies={"OAK": "USD"}, fx={"USD": [1.30, 1.326]})
    part = Component("OAK", "USD", "equity", "XNYS", 1.0)
    chosen = composite.define("Oak", "monthly", [("OAK", "1")])
    rates = {"CAD": (np.array([0.045, 0.05]), ("bank",)), "USD": (np.array([0.0525, 0.06]), ("treasury",))}

    def over(one_month):
        found = composite.compute(seen, [part], ["raw"], [], chosen, "CAD", seen.dates[1:], one_month)
        history = life(dates[1:], [1000], inflow=[1000])
        return found, versus_benchmark.over(history, windows.span_of(history, "itd"), found, hedged=True)

    found, hedged = over(rates)
    _, without = over({"USD": rates["USD"]})

    # l + p + l f with the rates known at the opening; unhedged it is 3.02 %
    premium = (1 + 0.045 * 30 / 365) / (1 + 0.0525 * 30 / 365) - 1
    assert hedged.value == pytest.approx(0.01 + premium + 0.01 * 0.02)
    assert 100 * hedged.value == pytest.approx(0.957772, abs=0.002)
    assert found.returns[0] == pytest.approx(0.0302)
    assert {"bank", "treasury"} <= set(found.sources)
    assert (without.value, without.status, without.reason) == (None, "unavailable", "no_forward_rate")


def test_days_before_all_components_are_known_have_no_return():
    seen = market(WEEK, {"OAK": [NAN, NAN, 100, 110], "ELM": [10, 10, 10, 10]})

    found = mix(seen, {"OAK": 0.5, "ELM": 0.5})

    assert np.isnan(found.returns).tolist() == [True, True, False]
    assert found.returns[-1] == pytest.approx(0.05)
    assert (found.reason, found.missing) == ("missing_benchmark_price", ("OAK",))


def test_a_missing_component_and_a_missing_rate_have_different_reasons():
    seen = market(WEEK, {"OAK": [100, 100, 100, 100]}, currencies={"OAK": "USD"})
    stranger = Component("ASH", "CAD", "equity", "XNYS", 1.0)

    no_rate = mix(seen, {"OAK": 1.0})
    no_price = composite.compute(
        seen, [stranger], ["raw"], [], composite.define("Ash", "never", [("ASH", "1")]), "CAD", seen.dates[1:]
    )

    assert [each.reason for each in (no_rate, no_price)] == ["missing_benchmark_rate", "missing_benchmark_price"]
    assert np.isnan(no_rate.returns).all()
    assert np.isnan(no_price.returns).all()


# --- beside the portfolio


R = np.array([1, -0.5, 0.7, 0.2, -1.2, 0.4, 0.9, -0.3, 0.6, -0.1]) / 100
B = np.array([0.8, -0.4, 0.6, 0.1, -1, 0.5, 0.7, -0.4, 0.5, 0]) / 100


def ten_days():
    """Calendar days one after the other, so that a yearly yield is the same rate each day."""
    dates = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-11"))
    history = life(dates, 1000 * np.cumprod(1 + R), inflow=[1000] + [0] * 9)
    one_bp = RiskFree("UST3M", np.full(10, 1.0001**365 - 1), (), ("treasury",))
    return history, BenchmarkReturns("Mix", B), one_bp


def test_ratios_tie_out_with_the_golden():
    history, benchmark, one_bp = ten_days()

    found = record(history, benchmark, one_bp)

    assert found["sharpe_itd"].value == pytest.approx(3.648787, abs=5e-7)
    assert found["sortino_itd"].value == pytest.approx(5.933489, abs=5e-7)
    assert found["beta_itd"].value == pytest.approx(1.169014, abs=5e-7)
    assert 100 * found["alpha_itd"].value == pytest.approx(2.023099, abs=5e-7)
    assert 100 * found["tracking_error_itd"].value == pytest.approx(2.251222, abs=5e-7)
    assert found["information_ratio_itd"].value == pytest.approx(3.358176, abs=5e-7)
    assert found["beta_itd"].basis["benchmark"] == "Mix"
    assert found["alpha_itd"].basis["risk_free"] == "UST3M"


def test_benchmark_and_excess_stand_beside_every_window():
    history, benchmark, one_bp = ten_days()

    found = record(history, benchmark, one_bp)

    own, other = np.prod(1 + R) - 1, np.prod(1 + B) - 1
    assert found["benchmark"] == "Mix"
    assert found["benchmark_twr_itd"].value == pytest.approx(other)
    assert found["excess_twr_itd"].value == pytest.approx(own - other)
    assert found["excess_twr_itd"].basis["excess"] == "arithmetic"
    assert found["benchmark_twr_1d"].value == pytest.approx(B[-1], abs=1e-15)
    assert found["excess_twr_1y"].reason == "short_history"


def test_one_deposit_in_the_benchmark_returns_what_the_benchmark_does():
    dates = np.arange(np.datetime64("2018-01-01"), np.datetime64("2020-03-02"))
    daily = np.random.default_rng(8).normal(0, 0.01, len(dates))
    history = life(dates, 1000 * 1.0002 ** np.arange(len(dates)))

    found = record(history, BenchmarkReturns("Mix", daily, degraded=("price_index",)))

    assert found["benchmark_mwr_itd"].value == pytest.approx(found["benchmark_twr_itd_annualised"].value, abs=1e-12)
    assert found["benchmark_mwr_ytd"].value == pytest.approx(found["benchmark_twr_ytd"].value, abs=1e-12)
    for name in ("mtd", "qtd", "ytd", "1y", "itd"):
        own, beside, excess = (found[f"{what}mwr_{name}"] for what in ("", "benchmark_", "excess_"))
        assert excess.value == own.value - beside.value
        assert (beside.status, beside.reason) == (excess.status, excess.reason) == ("degraded", "price_index")
        assert beside.basis["net"] == excess.basis["benchmark"] == "Mix"
        assert beside.basis["annualised"] is own.basis["annualised"] is (name in ("1y", "itd"))
    assert found["excess_mwr_3y"].reason == "short_history"


@pytest.mark.parametrize("timing", ["in_start_out_end", "start", "end"])
def test_the_same_money_is_put_into_the_benchmark_by_the_flow_timing(timing):
    dates = ["2019-01-01", "2019-04-01", "2019-10-01", "2020-01-01"]
    inflow, outflow = [1000, 400, 0, 0], [0, 0, 300, 0]
    history = life(dates, [1010, 1500, 1300, 1250], inflow=inflow, outflow=outflow, flow_timing=timing)
    daily = np.array([0.02, 0.05, -0.10, 0.04])

    found = record(history, BenchmarkReturns("Mix", daily))["benchmark_mwr_itd"]

    first, second, third, last = 1 + daily
    worth = {
        "in_start_out_end": ((1000 * first + 400) * second * third - 300) * last,
        "start": ((1000 * first + 400) * second - 300) * third * last,
        "end": ((1000 * second + 400) * third - 300) * last,
    }[timing]
    rate = found.value
    years = [1, 275 / 365, 92 / 365]
    paid = sum(amount * (1 + rate) ** left for amount, left in zip((1000, 400, -300), years, strict=True))
    assert paid == pytest.approx(worth, rel=1e-12)
    assert found.reason == ("first_day_excluded" if timing == "end" else None)


def test_withdrawals_beyond_the_benchmark_have_no_rate_in_it():
    dates = ["2019-01-01", "2019-07-01", "2020-01-01"]
    history = life(dates, [100, 100, 110], inflow=[100, 0, 0], outflow=[0, 100, 0])

    found = record(history, BenchmarkReturns("Mix", np.array([0.0, -0.5, 0.0])))

    assert found["mwr_itd"].status == "ok"
    for figure in (found["benchmark_mwr_itd"], found["excess_mwr_itd"]):
        assert (figure.value, figure.status, figure.reason) == (None, "unavailable", "benchmark_emptied")


def test_where_nothing_was_paid_in_neither_has_a_rate():
    history = life(["2019-01-01", "2019-07-01", "2020-01-01"], [0, 0, 0])

    found = record(history, BenchmarkReturns("Mix", np.array([0.0, -0.5, 0.0])))

    for figure in (found["mwr_itd"], found["benchmark_mwr_itd"], found["excess_mwr_itd"]):
        assert (figure.value, figure.status) == (None, "unavailable")
        assert "money went one way only" in figure.reason


def test_the_windows_of_a_record_are_its_own_figures_as_rows():
    dates = np.arange(np.datetime64("2014-01-01"), np.datetime64("2020-03-02"))
    random = np.random.default_rng(9)
    long, short = (life(each, 1000 * np.cumprod(1 + random.normal(0, 0.01, len(each)))) for each in (dates, dates[:40]))
    found, young = (
        record(each, BenchmarkReturns("Mix", random.normal(0, 0.01, len(each.dates)))) for each in (long, short)
    )

    rows = {row.window: row for row in window_rows.rows(found.figures)}
    last = window_rows.rows(young.figures)[-1]

    assert list(rows) == ["1d", "mtd", "qtd", "ytd", "1y", "3y", "5y", "itd_annualised"]
    assert (rows["3y"].twr, rows["3y"].benchmark_mwr) == (found["twr_3y"], found["benchmark_mwr_3y"])
    assert (rows["itd_annualised"].excess_twr, rows["itd_annualised"].excess_mwr) == (
        found["excess_twr_itd_annualised"],
        found["excess_mwr_itd"],
    )
    assert (rows["1d"].twr, rows["1d"].mwr.reason) == (found["twr_1d"], "within_a_day")
    assert (last.window, last.label, last.twr, last.mwr) == (
        "itd",
        "since inception",
        young["twr_itd"],
        young["mwr_itd"],
    )


def test_without_a_benchmark_its_figures_say_so():
    history, _, one_bp = ten_days()

    found = record(history, None, one_bp)

    assert found["benchmark"] is None
    for name in (
        "benchmark_twr_1d", "excess_twr_itd", "excess_twr_3y", "benchmark_mwr_itd", "excess_mwr_1y", "beta_1y",
        "correlation_itd", "alpha_itd",
    ):  # fmt: skip
        figure = found[name]
        assert (figure.value, figure.status, figure.reason) == (None, "unavailable", "no_benchmark"), name


def test_a_portfolio_that_is_its_benchmark_has_beta_one_and_no_alpha():
    history, _, one_bp = ten_days()

    found = record(history, BenchmarkReturns("Itself", R), one_bp)

    assert found["beta_itd"].value == pytest.approx(1, abs=1e-12)
    assert found["correlation_itd"].value == pytest.approx(1, abs=1e-12)
    assert (found["alpha_itd"].value, found["tracking_error_itd"].value) == (
        pytest.approx(0, abs=1e-12),
        pytest.approx(0, abs=1e-12),
    )
    assert found["excess_twr_itd"].value == pytest.approx(0, abs=1e-15)


def test_a_first_day_without_a_pack_before_it_is_left_out_of_both():
    history, _, one_bp = ten_days()
    returns = B.copy()
    returns[0] = NAN

    found = record(history, BenchmarkReturns("Mix", returns, degraded=("price_index",)), one_bp)

    assert found["benchmark_twr_itd"].value == pytest.approx(np.prod(1 + B[1:]) - 1)
    assert (found["benchmark_twr_itd"].status, found["benchmark_twr_itd"].reason) == (
        "degraded",
        "first_day_excluded, price_index",
    )
    assert found["excess_twr_itd"].reason == "first_day_excluded, price_index"
    assert found["beta_itd"].value == pytest.approx(np.cov(R[1:], B[1:])[0, 1] / np.var(B[1:], ddof=1))
    assert (found["beta_itd"].basis["n"], found["benchmark_twr_1d"].reason) == (9, "price_index")


def test_a_benchmark_that_begins_later_is_missing_from_longer_windows_only():
    history, _, one_bp = ten_days()
    returns = B.copy()
    returns[:5] = NAN

    found = record(
        history, BenchmarkReturns("Mix", returns, reason="missing_benchmark_price", missing=("OAK",)), one_bp
    )

    assert found["benchmark_twr_1d"].status == "ok"
    for figure in (found["benchmark_twr_itd"], found["excess_twr_itd"], found["beta_itd"]):
        assert (figure.value, figure.reason) == (None, "missing_benchmark_price")
    assert found["benchmark_twr_itd"].basis["missing"] == ["OAK"]


def test_under_end_timing_the_benchmark_too_begins_with_the_first_close():
    dates = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-11"))
    history = life(dates, 1000 * np.cumprod(1 + R), inflow=[1000] + [0] * 9, flow_timing="end")

    found = record(history, BenchmarkReturns("Mix", B))

    assert found["benchmark_twr_itd"].value == pytest.approx(np.prod(1 + B[1:]) - 1)
    assert found["excess_twr_itd"].reason == "first_day_excluded"


def test_every_figure_beside_a_benchmark_has_a_value_or_a_reason():
    dates = np.arange(np.datetime64("2014-01-01"), np.datetime64("2020-03-02"))
    dates = dates[np.is_busday(dates)]
    random = np.random.default_rng(5)
    history = life(dates, 1000 * np.cumprod(1 + random.normal(0, 0.01, len(dates))))
    benchmark = BenchmarkReturns("Mix", random.normal(0, 0.01, len(dates)))

    found = record(history, benchmark, RiskFree("UST3M", np.full(len(dates), 0.02), (), ()))

    figures = found.figures
    known = {name: each for name, each in figures.items() if isinstance(each, Metric)}
    assert len(known) > 80
    for name, figure in known.items():
        assert figure.status == "ok", name
        assert figure.reason is None, name
        assert np.isfinite(figure.value), name


def test_calendar_years_link_to_the_whole_life_and_only_whole_years_say_so():
    dates = np.arange(np.datetime64("2017-06-01"), np.datetime64("2020-03-02"))
    random = np.random.default_rng(6)
    daily, other = random.normal(0, 0.01, (2, len(dates)))
    history = life(dates, 1000 * np.cumprod(1 + daily), inflow=[1000] + [0] * (len(dates) - 1))

    years = calendar_years.calendar_years(history, benchmark=BenchmarkReturns("Mix", other))

    assert [(row.year, row.is_whole) for row in years] == [(2020, False), (2019, True), (2018, True), (2017, False)]
    assert np.prod([1 + row.twr.value for row in years]) == pytest.approx(np.prod(1 + daily))
    assert np.prod([1 + row.benchmark_twr.value for row in years]) == pytest.approx(np.prod(1 + other))
    assert all(row.excess_twr.value == row.twr.value - row.benchmark_twr.value for row in years)


def test_a_rolling_figure_is_the_figure_of_its_days_alone():
    history, benchmark, one_bp = ten_days()

    found = rolling.rolling(history, window=4, risk_free=one_bp, benchmark=benchmark)

    assert found.dates.tolist() == history.dates[3:].tolist()
    for end, at in enumerate(range(4, 11)):
        r, b = R[at - 4 : at], B[at - 4 : at]
        assert found.twr[end] == pytest.approx(np.prod(1 + r) - 1)
        assert found.volatility[end] == pytest.approx(np.std(r, ddof=1) * np.sqrt(252))
        assert found.sharpe[end] == pytest.approx((r - 0.0001).mean() / np.std(r, ddof=1) * np.sqrt(252))
        assert found.beta[end] == pytest.approx(np.cov(r, b)[0, 1] / np.var(b, ddof=1))
        assert found.tracking_error[end] == pytest.approx(np.std(r - b, ddof=1) * np.sqrt(252))


def test_rolling_figures_say_why_they_are_not_there():
    history, _, _ = ten_days()

    short = rolling.rolling(history, window=11, risk_free=None)
    alone = rolling.rolling(history, window=5, risk_free=None)

    assert set(short.unavailable.values()) == {"short_history"}
    assert (alone.unavailable["sharpe"], alone.unavailable["beta"]) == ("no_risk_free_rate", "no_benchmark")
    assert (alone.sharpe, len(alone.volatility)) == ((), 6)


# --- rows


def define(name, weights, rebalance="monthly"):
    made = Benchmark.objects.create(name=name, rebalance=rebalance)
    for symbol, weight in weights.items():
        BenchmarkComponent.objects.create(
            benchmark=made, security=Security.objects.get(symbol=symbol), weight=Decimal(weight)
        )
    return made


@pytest.mark.role("job")
@pytest.mark.parametrize("weights", [{"IBM": "0.6", "MSFT": "0.3"}, {"IBM": "0.6", "MSFT": "0.5"}, {}])
def test_the_database_takes_no_benchmark_that_is_no_whole(demo, weights):
    with pytest.raises(IntegrityError, match="weights sum to"), transaction.atomic():
        define("Part", weights)


@pytest.mark.role("job")
def test_an_empty_benchmark_and_a_weight_beyond_one_are_refused(demo):
    with transaction.atomic():
        whole = define("Whole", {"IBM": "1"})

    try:
        with pytest.raises(IntegrityError, match="weights sum to"), transaction.atomic():
            whole.components.all().delete()
        for weight in ("-1", "'NaN'", "2"):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    f"UPDATE portfolio_benchmarkcomponent SET weight = {weight} WHERE benchmark_id = %s", [whole.pk]
                )
    finally:
        whole.delete()


@pytest.mark.role("job")
def test_a_definition_is_read_in_one_order_and_one_way_of_writing(demo):
    with transaction.atomic():
        found = benchmarks.read_definition(define("Two", {"MSFT": "0.40", "IBM": "0.600"}, "quarterly").pk)
        transaction.set_rollback(True)

    assert found == BenchmarkDefinition("Two", "quarterly", (("IBM", "0.6"), ("MSFT", "0.4")))
    assert benchmarks.read_definition(None) is None


@pytest.mark.role("job")
@pytest.mark.parametrize("rebalance", ["monthly", "quarterly", "daily", "never"])
def test_what_many_portfolios_share_is_what_each_would_compute_alone(demo, rebalance):
    pack = PricingPack.objects.select_related("policy").order_by("sequence").last()
    chosen = composite.define("Two", rebalance, [("IBM", "0.6"), ("GOOG", "0.4")])

    for first in (0, 300, 1507):  # the second is listed from 2004-08-19 on
        days_of_life = pricing_market.history(pack).dates[first:]
        shared = benchmarks.load(pack, chosen, "CAD", days_of_life)
        alone = benchmarks.compute_on(pack, chosen, "CAD", days_of_life)

        assert len(shared.returns) == len(days_of_life)
        assert shared.returns == pytest.approx(alone.returns, abs=1e-15, nan_ok=True)
        assert (shared.reason, shared.missing, shared.sources) == (alone.reason, alone.missing, alone.sources)
        assert (shared.hedged_returns, alone.hedged_returns) == (None, None)
        assert (shared.missing == ("GOOG",)) is (first < 400)
