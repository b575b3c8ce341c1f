from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.analytics import returns
from portfolio.analytics.errors import (
    InvalidInput,
    NotAnnualised,
    TooFewObservations,
    UndefinedRate,
    UndefinedReturn,
)

few = settings(max_examples=settings().max_examples * 3 // 5)
START = date(2020, 1, 1)


def after(*days: int) -> list[date]:
    return [START + timedelta(days=day) for day in days]


# docs/measurement.md, Worked examples
@pytest.mark.parametrize(
    ("values", "flows", "timing", "percent"),
    [
        ([100_000, 165_000, 148_500], [0, 50_000, 0], "in_start_out_end", -1.0),
        ([100_000, 165_000, 148_500], [0, 50_000, 0], "start", -1.0),
        ([100_000, 165_000, 148_500], [0, 50_000, 0], "end", 3.5),
        ([100_000, 55_000, 60_500], [0, -50_000, 0], "in_start_out_end", 15.5),
        ([100_000, 55_000, 60_500], [0, -50_000, 0], "end", 15.5),
        ([100_000, 55_000, 60_500], [0, -50_000, 0], "start", 21.0),
        ([100_000, 101_000], [0, 0], "in_start_out_end", 1.00),  # fee 250 inside
        ([100_000, 101_250], [0, 0], "in_start_out_end", 1.25),  # the same before the fee
        ([100_000, 101_250 - 250], [0, 0], "in_start_out_end", 1.00),  # fee paid from outside
        ([100_000, 100_000 + 1_000 - 150], [0, 0], "in_start_out_end", 0.85),  # dividend net of withholding
        ([100_000, 100_000 + 100 * 50], [0, 100 * 50], "in_start_out_end", 0.0),  # shares in kind at the close
        ([64_557.00, 65_590.00], [0, 0], "in_start_out_end", 1.6001363),  # AAPL through its 7:1 split
    ],
)
def test_twr_ties_out_with_the_golden(values, flows, timing, percent):
    daily = returns.time_weighted_returns(values, flows, flow_timing=timing)

    assert 100 * returns.link(daily) == pytest.approx(percent, abs=1e-7)


def test_money_in_and_out_on_one_day_is_not_netted():
    gross = returns.time_weighted_returns([100, 135], [0, 50], outflows=[0, 20])
    netted = returns.time_weighted_returns([100, 135], [0, 30])

    assert 100 * gross[0] == pytest.approx(3.333333, abs=5e-7)  # docs/measurement.md, Worked examples
    assert 100 * netted[0] == pytest.approx(3.846154, abs=5e-7)


def test_an_empty_span_is_flat_and_a_return_to_the_market_is_measured():
    values, flows = [0.0, 110, 0, 0, 0, 50, 55], [0, 100, -110, 0, 0, 50, 0]

    daily = returns.time_weighted_returns(values, flows)

    np.testing.assert_allclose(daily, [0.1, 0, 0, 0, 0, 0.1], atol=1e-15)


def test_an_emptied_account_is_flat_even_when_its_parts_do_not_add_exactly():
    daily = returns.time_weighted_returns([0.0, 0.0], [0, 0.1 + 0.2], outflows=[0, 0.3], flow_timing="end")

    assert daily[0] == 0.0


def test_the_unused_first_flow_is_not_read():
    daily = returns.time_weighted_returns([100.0, 110.0], [np.nan, 0.0])

    assert daily[0] == pytest.approx(0.1)


def test_a_sub_period_from_zero_raises_for_a_series_and_is_nan_in_a_table():
    bad, good = [100.0, -5.0, 20.0], [100.0, 110.0, 121.0]

    with pytest.raises(UndefinedReturn) as raised:
        returns.time_weighted_returns(bad, [0.0] * 3)
    table = returns.time_weighted_returns(np.column_stack([bad, good]), np.zeros((3, 2)))

    assert raised.value.index == 2
    assert np.isnan(table[:, 0]).all()
    np.testing.assert_allclose(table[:, 1], 0.1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_never_leave_silently(bad):
    values, flows = np.array([100.0, bad, 120.0]), np.zeros(3)
    table = np.column_stack([values, [100.0, 110.0, 121.0]])

    for call in (
        lambda: returns.time_weighted_returns(values, flows),
        lambda: returns.time_weighted_returns(np.abs(flows) + 1, values),
        lambda: returns.link(values),
        lambda: returns.annualise(bad, 400),
        lambda: returns.money_weighted_return(after(0, 1, 2), values),
        lambda: returns.periodic_irr(values),
        lambda: returns.modified_dietz(100, 110, [bad], [0.5]),
    ):
        with pytest.raises(InvalidInput):
            call()

    assert np.isnan(returns.time_weighted_returns(table, np.zeros((3, 2)))).all(axis=0).tolist() == [True, False]
    assert np.isnan(returns.link(table)).tolist() == [True, False]
    assert np.isnan(returns.money_weighted_return(after(0, 1, 2), table)).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: returns.time_weighted_returns([1, 2, 3], [0, 0]),
        lambda: returns.time_weighted_returns([1, 2], [0, -1], outflows=[0, 0]),
        lambda: returns.time_weighted_returns([1, 2], [0, 0], flow_timing="noon"),  # type: ignore[arg-type]
        lambda: returns.time_weighted_returns([[[1]]], [[[1]]]),
        lambda: returns.time_weighted_returns(["a", "b"], [0, 0]),
        lambda: returns.money_weighted_return(after(0, 5, 6), [-100, 105]),
        lambda: returns.money_weighted_return(["soon", "later"], [-100, 105]),  # type: ignore[list-item]
        lambda: returns.modified_dietz(100, 110, [1, 2], [0.5]),
        lambda: returns.modified_dietz(100, 110, [1], [1.5]),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call):
    with pytest.raises(InvalidInput):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: returns.time_weighted_returns([1], [0]),
        lambda: returns.link([]),
        lambda: returns.money_weighted_return(after(0), [-100]),
        lambda: returns.periodic_irr([-100]),
    ],
)
def test_too_few_observations_are_refused_by_name(call):
    with pytest.raises(TooFewObservations):
        call()


def test_since_inception_annualises_over_the_days_that_xirr_counts():
    # docs/measurement.md, Worked examples
    small_days = (date(2017, 12, 28) - date(2010, 1, 4)).days

    assert 100 * returns.annualise(0.10930430, small_days) == pytest.approx(1.30735953, abs=5e-7)
    assert 100 * returns.annualise(0.21, 731) == pytest.approx(9.985659, abs=5e-7)
    assert 100 * returns.annualise(0.21, 2 * 365) == pytest.approx(10.0, abs=1e-12)


def test_nothing_under_a_year_is_annualised():
    with pytest.raises(NotAnnualised):
        returns.annualise(0.05, 364)

    table = returns.annualise(np.array([0.05, 0.05]), np.array([364, 365]))

    np.testing.assert_allclose(table, [np.nan, 0.05])


def test_xirr_and_its_period_return_tie_out_with_the_closed_form():
    rate = returns.money_weighted_return(after(0, 182), [-100, 105])

    # 1.05^(365/182) - 1 in 40-digit Decimal; pyxirr 0.10.8 agrees.
    assert 100 * rate == pytest.approx(10.27955954216988, abs=1e-10)
    assert 100 * returns.period_money_weighted_return(rate, 182) == pytest.approx(5.0, abs=1e-10)


def test_xirr_of_the_small_plan_ties_out_with_its_summary():
    rate = returns.money_weighted_return([date(2010, 1, 4), date(2017, 12, 28)], [-20_000, 22_186.085917])

    assert rate == pytest.approx(0.0130735953, abs=5e-11)  # small_summary.json, mwr_xirr_365


def test_xirr_of_a_published_example():
    days = [date(2008, 1, 1), date(2008, 3, 1), date(2008, 10, 30), date(2009, 2, 15), date(2009, 4, 1)]

    rate = returns.money_weighted_return(days, [-10_000, 2_750, 4_250, 3_250, 2_750])

    assert rate == pytest.approx(0.37336253, abs=1e-8)  # the worked example of Excel's XIRR


def test_periodic_irr_of_a_published_example():
    rate = returns.periodic_irr([-70_000, 12_000, 15_000, 18_000, 21_000, 26_000])

    assert rate == pytest.approx(0.0866309480, abs=1e-9)  # the worked example of Excel's IRR, 8.7 %


def test_several_flows_of_one_day_are_netted():
    split = returns.money_weighted_return(after(0, 0, 365), [-60, -40, 110])

    assert split == pytest.approx(0.10, abs=1e-14)


@pytest.mark.parametrize(
    ("amounts", "reason", "roots"),
    [
        ([-100, 230, -132], "several_roots", [0.1, 0.2]),
        ([100, -220, 122], "no_root", []),
        ([-100, -100, -5], "no_sign_change", []),
        ([0, 0, 0], "no_sign_change", []),
        ([-100, 0, 0], "no_sign_change", []),
    ],
)
def test_a_rate_that_is_not_the_only_one_is_named(amounts, reason, roots):
    with pytest.raises(UndefinedRate) as raised:
        returns.money_weighted_return(after(0, 365, 730), amounts)

    assert raised.value.reason == reason
    assert raised.value.roots == pytest.approx(roots)


def test_a_small_late_flow_that_brings_a_second_root_is_seen():
    with pytest.raises(UndefinedRate) as raised:
        returns.money_weighted_return(after(0, 76, 2237), [-19, 168, -0.3])

    assert raised.value.reason == "several_roots"


def test_a_root_beyond_all_reason_does_not_hide_the_rate():
    rate = returns.money_weighted_return(after(0, 7, 365), [0.2, -100, 110])

    assert rate == pytest.approx(0.10430792436075247, abs=1e-9)  # pyxirr 0.10.8


def test_a_double_root_is_found_where_the_curve_turns():
    assert returns.money_weighted_return(after(0, 365, 730), [-100, 220, -121]) == pytest.approx(0.1, abs=1e-9)


def test_many_sign_changes_with_a_single_root_have_an_answer():
    amounts = np.array([-1000.0, 900, -500, 400, -100, 700])

    rate = returns.periodic_irr(amounts)

    assert amounts @ (1 + rate) ** -np.arange(6.0) == pytest.approx(0, abs=1e-9)
    assert returns.money_weighted_return(after(0, 1, 2, 3), [100, -100, 100, -100]) == 0.0


def test_rates_near_minus_one_hundred_percent_and_rates_beyond_reason():
    almost_lost = returns.money_weighted_return(after(0, 365), [-100, 1e-9])
    overnight = returns.money_weighted_return(after(0, 1), [-100, 105])

    assert almost_lost == pytest.approx(-1 + 1e-11, abs=1e-15)
    assert overnight == pytest.approx(1.05**365 - 1, rel=1e-12)
    with pytest.raises(UndefinedRate, match="too large for a number"):
        returns.money_weighted_return(after(0, 1), [-1, 1e6])


@few
@given(
    st.floats(-0.95, 3.0),
    st.lists(st.tuples(st.integers(1, 3600), st.floats(1, 1e6)), min_size=1, max_size=30),
)
def test_xirr_finds_the_rate_that_the_closing_value_was_made_from(rate, deposits):
    placed = sorted([(0, 1000.0), *deposits])
    closing = sum(amount * (1 + rate) ** ((3650 - day) / 365) for day, amount in placed)

    found = returns.money_weighted_return(
        after(*(day for day, _ in placed), 3650), [*(-amount for _, amount in placed), closing]
    )

    assert found == pytest.approx(rate, abs=1e-9)


def test_a_rate_that_rounds_to_minus_one_hundred_percent_is_out_of_range():
    days, amounts = after(0, 1), [-1.0, 0.9]  # 0.9^365 - 1: 1.98e-17 above -100 %

    with pytest.raises(UndefinedRate) as raised:
        returns.money_weighted_return(days, amounts)

    assert raised.value.reason == "out_of_range"
    assert np.isnan(returns.money_weighted_return(days, np.column_stack([amounts, amounts]))).all()


@pytest.mark.parametrize(
    ("last", "days", "expected"),
    [(0.9, 1, -0.1), (1e-9, 30, 1e-9 - 1), (7.5, 1, 6.5), (1.0, 1, 0.0), (1.05, 182, 0.05), (1.21, 730, 0.21)],
)
def test_a_period_return_is_known_where_the_yearly_rate_overflows(last, days, expected):
    found = returns.money_weighted_return(after(0, days), [-1.0, last], days=days)
    table = returns.money_weighted_return(after(0, days), [[-1.0, -1.0], [last, 0.0]], days=days)

    assert found == pytest.approx(expected, rel=1e-14, abs=1e-15)
    assert table[0] == found
    assert np.isnan(table[1])


def test_days_that_fall_in_one_column_concern_that_column_only():
    days = np.array([["2020-01-01", "2020-01-01"], ["2020-07-01", "2021-12-31"], ["2021-01-01", "2021-01-01"]])
    table = np.array([[-100.0, -100.0], [-50.0, -50.0], [160.0, 160.0]])

    found = returns.money_weighted_return(days.astype("datetime64[D]"), table)

    assert found[0] == returns.money_weighted_return(days[:, 0].astype("datetime64[D]"), table[:, 0])
    assert np.isnan(found[1])


def test_a_bad_flow_or_share_spoils_only_its_own_column():
    flows, wrong = np.zeros((3, 2)), np.array([[0, 0], [0, -1], [0, 0]])
    values = np.full((3, 2), 100.0)

    for gross in ({"flows": flows, "outflows": wrong}, {"flows": wrong, "outflows": flows}):
        assert np.isnan(returns.time_weighted_returns(values, **gross)).all(axis=0).tolist() == [False, True]
    found = returns.modified_dietz([100, 100], [110, 110], [[5, 5]], [[0.5, 1.5]])
    assert found[0] == returns.modified_dietz(100, 110, [5], [0.5])
    assert np.isnan(found[1])


def test_xirr_of_a_thousand_flows_is_found():
    rng = np.random.default_rng(7)
    days = np.concatenate([[0], np.sort(rng.integers(1, 3649, 998))])
    amounts = -rng.uniform(-400, 1000, 999)
    closing = -(amounts * 1.08 ** ((3650 - days) / 365)).sum()

    found = returns.money_weighted_return(after(*days.tolist(), 3650), [*amounts, closing])

    assert found == pytest.approx(0.08, abs=1e-9)


def test_modified_dietz_weighs_flows_by_time():
    one = returns.modified_dietz(100, 300, [50], [0.5])
    table = returns.modified_dietz([100, 0, 0], [300, 0, 10], [[50, 0, 0]], [0.5])

    assert one == pytest.approx(1.2)  # (300 - 100 - 50) / (100 + 25), the textbook case
    np.testing.assert_allclose(table, [1.2, 0.0, np.nan])


def test_modified_dietz_without_capital_is_named():
    with pytest.raises(UndefinedReturn):
        returns.modified_dietz(0, 10, [], [])


def test_a_composite_rebalanced_daily_or_never_ties_out_with_the_golden():
    parts = np.array([[10, 0], [-5, 1], [2, 3]]) / 100

    daily = returns.link(returns.composite_returns(parts, [0.6, 0.4], [True] * 3))
    never = returns.link(returns.composite_returns(parts, [0.6, 0.4], [False] * 3))

    assert 100 * daily == pytest.approx(5.721856, abs=5e-7)  # docs/measurement.md, Worked examples
    assert 100 * never == pytest.approx(5.566000, abs=5e-7)


@few
@given(
    st.lists(st.tuples(st.floats(-0.5, 0.5), st.floats(0, 1e6), st.floats(0, 0.9)), min_size=1, max_size=20),
    st.floats(1e-3, 1e3),
)
def test_twr_is_blind_to_the_size_of_flows_and_to_the_scale_of_amounts(days, scale):
    values, money_in, money_out = [1000.0], [0.0], [0.0]
    for gain, inflow, share_out in days:
        grown = (values[-1] + inflow) * (1 + gain)
        values.append(grown * (1 - share_out))
        money_in.append(inflow)
        money_out.append(grown * share_out)

    measured = returns.time_weighted_returns(values, money_in, outflows=money_out)
    scaled = returns.time_weighted_returns(
        np.array(values) * scale, np.array(money_in) * scale, outflows=np.array(money_out) * scale
    )

    np.testing.assert_allclose(measured, [gain for gain, _, _ in days], atol=1e-12)
    np.testing.assert_allclose(scaled, measured, atol=1e-12)


def test_a_table_gives_the_same_as_its_columns_one_by_one():
    rng = np.random.default_rng(3)
    values, flows = rng.uniform(100, 200, (10, 4)), rng.uniform(-20, 20, (10, 4))

    table = returns.time_weighted_returns(values, flows)

    for column in range(4):
        alone = returns.time_weighted_returns(values[:, column], flows[:, column])
        np.testing.assert_array_equal(table[:, column], alone)
        assert returns.link(table)[column] == returns.link(alone)


def test_the_rate_does_not_depend_on_the_order_of_the_flows():
    days, amounts = after(0, 182, 400), np.array([-100.0, -20.0, 131.0])
    table = np.column_stack([amounts, amounts * 2])
    order = [2, 0, 1]
    mixed = [days[at] for at in order]

    rising = returns.money_weighted_return(days, amounts)

    assert returns.money_weighted_return(mixed, amounts[order]) == rising
    assert returns.money_weighted_return(mixed, table[order]) == pytest.approx([rising, rising], abs=1e-12)
    assert returns.money_weighted_return(after(182, 0), [105, -100]) == pytest.approx(1.05 ** (365 / 182) - 1)
