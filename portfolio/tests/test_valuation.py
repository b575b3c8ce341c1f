"""What a portfolio is worth, on books and markets made by hand. Goldens: docs/measurement.md, Worked examples."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio import valuation
from portfolio.performance import daily_returns
from portfolio.performance import record as metrics_record
from portfolio.tests.made import NAN, book, day, days, event, lot, market
from portfolio.valuation import conversion
from pricing.fx import Leg, MissingRate
from pricing.market import Close, Market, MissingPrice

WEEK = ("2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09")
THREE = WEEK[:3]


def total_return(events, lots, priced, flow_timing="in_start_out_end"):
    life = valuation.history(book(events, lots, flow_timing=flow_timing), priced)
    return life, metrics_record.metrics(life, portfolio_id="p", pack_id=priced.pack_id, risk_free=None)["twr_itd"]


def test_a_deposit_alone_is_worth_itself_and_returns_nothing():
    life, twr = total_return([event(WEEK[0], "deposit", "1000")], [], market(WEEK, {}))

    assert life.value.tolist() == [1000] * 4
    assert life.inflow.tolist() == [1000, 0, 0, 0]
    assert life.cash.tolist() == [1000] * 4
    assert twr.value == 0
    assert not life.observed.any()


def test_foreign_cash_is_worth_what_the_days_rate_makes_of_it():
    events = [event(WEEK[0], "deposit", "100", "USD")]

    life, twr = total_return(events, [], market(WEEK, {}, fx={"USD": [1.30, 1.31, 1.29, 1.365]}))

    assert life.value == pytest.approx([130, 131, 129, 136.5])
    assert life.inflow.tolist() == [130, 0, 0, 0]
    assert twr.value == pytest.approx(0.05)


def test_a_days_trading_moves_the_value_by_fee_and_gain_alone():
    events = [
        event(WEEK[0], "deposit", "1000"),
        event(WEEK[1], "buy", "-509.95", security=1, quantity="10"),
        event(WEEK[2], "sell", "310.05", security=1, quantity="6"),
    ]
    lots = [lot(1, "10", WEEK[1], WEEK[2]), lot(1, "4", WEEK[2])]

    life, _ = total_return(events, lots, market(WEEK, {"OAK": [49, 50, 55, 56]}))

    # day 2: 10 at 50 less the fee of 9.95; day 3: 6 sold at 320 less 9.95, 4 left at 55
    assert life.value == pytest.approx([1000, 990.05, 490.05 + 310.05 + 220, 490.05 + 310.05 + 224])
    assert life.cash == pytest.approx([1000, 490.05, 800.10, 800.10])


def test_a_dividend_paid_after_the_sale_is_income_and_was_a_receivable():
    events = [
        event(WEEK[0], "deposit", "1000"),
        event(WEEK[0], "buy", "-1000", security=1, quantity="10"),
        event(WEEK[2], "sell", "1000", security=1, quantity="10"),
        event(WEEK[3], "dividend", "85", security=1, tax="15", ex_date=WEEK[1]),
    ]

    life, twr = total_return(events, [lot(1, "10", WEEK[0], WEEK[2])], market(WEEK, {"OAK": [100] * 4}))

    assert life.value.tolist() == [1000, 1000, 1000, 1085]
    assert life.receivable.tolist() == [0, 85, 85, 0]
    assert twr.value == pytest.approx(0.085)


def test_a_withheld_dividend_ties_out_with_the_golden():
    events = [
        event(WEEK[0], "deposit", "100000"),
        event(WEEK[0], "buy", "-100000", security=1, quantity="1000"),
        event(WEEK[1], "dividend", "850", security=1, tax="150", ex_date=WEEK[1]),
    ]

    _, twr = total_return(events, [lot(1, "1000", WEEK[0])], market(THREE, {"OAK": [100] * 3}))

    assert twr.value == pytest.approx(0.0085, abs=1e-12)


def test_a_foreign_dividend_accrues_at_the_days_rate_and_is_paid_at_the_pay_dates():
    events = [
        event(WEEK[0], "deposit", "13400"),
        event(WEEK[0], "fx", "10000", "USD", counter=("-13400", "CAD")),
        event(WEEK[0], "buy", "-10000", "USD", security=1, quantity="100"),
        event(WEEK[3], "dividend", "24", "USD", security=1, ex_date=WEEK[1]),
    ]
    priced = market(WEEK, {"ADR": [100] * 4}, currencies={"ADR": "USD"}, fx={"USD": [1.34, 1.34, 1.35, 1.36]})

    life, _ = total_return(events, [lot(1, "100", WEEK[0], currency="USD")], priced)

    assert life.receivable == pytest.approx([0, 32.16, 32.40, 0])
    assert life.cash[-1] == pytest.approx(32.64)


def test_money_in_and_out_on_the_first_day_leaves_an_empty_portfolio():
    events = [
        event(WEEK[0], "deposit", "500"),
        event(WEEK[0], "withdrawal", "-500"),
        event(WEEK[2], "deposit", "100"),
    ]

    life, twr = total_return(events, [], market(WEEK, {}))

    assert life.value.tolist() == [0, 0, 100, 100]
    assert (life.inflow.tolist(), life.outflow.tolist()) == ([500, 0, 100, 0], [500, 0, 0, 0])
    assert twr.value == 0


@pytest.mark.parametrize(("timing", "expected"), [("in_start_out_end", -0.01), ("start", -0.01), ("end", 0.035)])
def test_money_in_ties_out_with_the_golden(timing, expected):
    events = [
        event(WEEK[0], "deposit", "100000"),
        event(WEEK[0], "buy", "-100000", security=1, quantity="1000"),
        event(WEEK[1], "deposit", "50000"),
        event(WEEK[1], "buy", "-50000", security=1, quantity="500"),
    ]
    lots = [lot(1, "1000", WEEK[0]), lot(1, "500", WEEK[1])]

    life, twr = total_return(events, lots, market(THREE, {"OAK": [100, 110, 99]}), timing)

    assert life.value == pytest.approx([100_000, 165_000, 148_500])
    assert twr.value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("timing", "expected"), [("in_start_out_end", 0.155), ("end", 0.155), ("start", 0.21)])
def test_money_out_ties_out_with_the_golden(timing, expected):
    events = [
        event(WEEK[0], "deposit", "100000"),
        event(WEEK[0], "buy", "-100000", security=1, quantity="1000"),
        event(WEEK[1], "sell", "50000", security=1, quantity="500"),
        event(WEEK[1], "withdrawal", "-50000"),
    ]
    lots = [lot(1, "1000", WEEK[0], WEEK[1]), lot(1, "500", WEEK[1])]

    life, twr = total_return(events, lots, market(THREE, {"OAK": [100, 110, 121]}), timing)

    assert life.value == pytest.approx([100_000, 55_000, 60_500])
    assert twr.value == pytest.approx(expected, abs=1e-12)


def test_flows_both_ways_on_one_day_are_not_netted():
    events = [
        event(WEEK[0], "deposit", "100"),
        event(WEEK[0], "buy", "-100", security=1, quantity="100"),
        event(WEEK[1], "deposit", "50"),
        event(WEEK[1], "withdrawal", "-20"),
    ]

    life, twr = total_return(events, [lot(1, "100", WEEK[0])], market(WEEK[:2], {"OAK": [1, 1.05]}))

    assert life.value == pytest.approx([100, 135])
    assert twr.value == pytest.approx(0.03333333, abs=5e-9)


def test_a_flow_on_a_day_without_a_pack_belongs_to_the_next_pack_day_and_keeps_its_own_date():
    weekend = ("2020-01-10", "2020-01-13")
    events = [event("2020-01-10", "deposit", "100"), event("2020-01-11", "deposit", "10", "USD")]

    life, _ = total_return(events, [], market(weekend, {}, fx={"USD": [1.3, 1.4]}))

    assert life.inflow == pytest.approx([100, 14])
    assert life.flows == ((day("2020-01-10"), 100.0), (day("2020-01-11"), pytest.approx(14)))


def test_a_split_ties_out_with_the_golden():
    dates = ("2014-06-06", "2014-06-09")
    events = [
        event(dates[0], "deposit", "64557.00"),
        event(dates[0], "buy", "-64557.00", security=1, quantity="100"),
        event(dates[1], "split", "0", "", security=1, quantity="600", ratio="7"),
    ]
    lots = [lot(1, "100", dates[0], dates[1]), lot(1, "700", dates[1])]

    life, twr = total_return(events, lots, market(dates, {"AAPL": [645.57, 93.70]}))

    assert life.value == pytest.approx([64_557.00, 65_590.00])
    assert twr.value == pytest.approx(0.016001, abs=5e-7)


def test_an_empty_span_is_flat_and_the_return_goes_on_at_re_entry():
    dates = ("2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09", "2020-01-10")
    events = [
        event(dates[0], "deposit", "100"),
        event(dates[0], "buy", "-100", security=1, quantity="10"),
        event(dates[1], "sell", "110", security=1, quantity="10"),
        event(dates[1], "withdrawal", "-110"),
        event(dates[3], "deposit", "50"),
        event(dates[3], "buy", "-50", security=1, quantity="4"),
    ]
    lots = [lot(1, "10", dates[0], dates[1]), lot(1, "4", dates[3])]

    life, twr = total_return(events, lots, market(dates, {"OAK": [10, 11, 99, 12.5, 15]}))

    assert life.value.tolist() == [100, 0, 0, 50, 60]
    assert life.observed.tolist() == [True, True, False, True, True]
    assert twr.value == pytest.approx(1.1 * 1.2 - 1)


def test_a_fee_inside_the_portfolio_is_taken_off_its_return():
    events = [
        event(WEEK[0], "deposit", "100000"),
        event(WEEK[0], "buy", "-99000", security=1, quantity="990"),
        event(WEEK[1], "fee", "-250"),
    ]
    # 99,000 gains 1,250
    close = 100 + 1250 / 990

    life, twr = total_return(events, [lot(1, "990", WEEK[0])], market(WEEK[:2], {"OAK": [100, close]}))

    assert life.value == pytest.approx([100_000, 101_000])
    assert twr.value == pytest.approx(0.01, abs=1e-12)


def test_a_missing_close_on_the_last_day_is_named_with_the_last_known_day():
    events = [event(WEEK[0], "deposit", "10"), event(WEEK[0], "buy", "-10", security=1, quantity="1")]
    priced = market(WEEK, {"OAK": [10, 11, NAN, NAN]})

    with pytest.raises(MissingPrice) as missing:
        valuation.history(book(events, [lot(1, "1", WEEK[0])]), priced)

    assert missing.value.symbol == "OAK"
    assert (missing.value.asof_date, missing.value.last_known_date) == (day(WEEK[3]), day(WEEK[1]))


def test_a_day_without_a_close_of_what_is_held_has_no_value_and_its_return_is_in_the_next():
    events = [event(WEEK[0], "deposit", "10"), event(WEEK[0], "buy", "-10", security=1, quantity="1")]

    life, twr = total_return(events, [lot(1, "1", WEEK[0])], market(WEEK, {"OAK": [10, 11, NAN, 12]}))

    assert life.dates.tolist() == [day(WEEK[0]), day(WEEK[1]), day(WEEK[3])]
    assert life.value.tolist() == [10, 11, 12]
    assert life.gaps == (valuation.Gap(day(WEEK[2]), day(WEEK[2]), "price", "OAK"),)
    assert twr.value == pytest.approx(0.2)


def test_a_close_may_be_missing_while_nothing_is_held():
    events = [
        event(WEEK[0], "deposit", "10"),
        event(WEEK[1], "buy", "-10", security=1, quantity="1"),
        event(WEEK[2], "sell", "11", security=1, quantity="1"),
    ]

    life, _ = total_return(events, [lot(1, "1", WEEK[1], WEEK[2])], market(WEEK, {"OAK": [NAN, 10, NAN, NAN]}))

    assert life.value.tolist() == [10, 10, 11, 11]


def test_a_missing_rate_on_the_last_day_is_named_with_it():
    events = [event(WEEK[0], "deposit", "10", "USD")]

    with pytest.raises(MissingRate) as missing:
        valuation.history(book(events), market(WEEK, {}, fx={"USD": [1.3, 1.3, 1.3, NAN]}))

    assert str(day(WEEK[3])) in str(missing.value)
    assert "USD" in str(missing.value)


def test_a_rate_is_needed_on_days_on_which_there_is_something_in_the_currency():
    events = [
        event(WEEK[0], "deposit", "10"),
        event(WEEK[1], "deposit", "10", "USD"),
        event(WEEK[2], "withdrawal", "-10", "USD"),
    ]

    life, _ = total_return(events, [], market(WEEK, {}, fx={"USD": [NAN, 1.3, 1.4, NAN]}))

    assert life.value.tolist() == [10, 23, 10, 10]
    assert life.gaps == ()


def test_a_currency_that_no_pack_knows_has_no_rate():
    with pytest.raises(MissingRate, match="GBP/CAD"):
        valuation.history(book([event(WEEK[0], "deposit", "10", "GBP")]), market(WEEK, {}))


def test_a_ledger_that_begins_before_the_first_pack_is_measured_from_its_first_close():
    events = [
        event("2020-01-03", "deposit", "10"),
        event("2020-01-03", "buy", "-10", security=1, quantity="1"),
        event(WEEK[2], "deposit", "5"),
    ]

    life, twr = total_return(events, [lot(1, "1", "2020-01-03")], market(WEEK, {"OAK": [12, 15, 15, 15]}))

    assert life.value.tolist() == [12, 15, 20, 20]
    assert life.inflow.tolist() == [12, 0, 5, 0]
    assert life.flows == ((day(WEEK[0]), 12.0), (day(WEEK[2]), 5.0))
    assert (twr.value, twr.status, twr.reason) == (pytest.approx(0.25), "degraded", "before_first_pack")
    assert twr.basis["first"] == WEEK[0]


def test_a_book_without_events_has_no_days():
    life = valuation.history(book([]), market(WEEK, {}))

    assert len(life.dates) == 0


def test_what_is_bought_below_its_close_gains_on_that_day_and_the_gain_is_the_holdings():
    events = [event(WEEK[0], "deposit", "1000")]
    life = valuation.history(
        book([*events, event(WEEK[1], "buy", "-1", security=1, quantity="1")], [lot(1, "1", WEEK[1])]),
        market(WEEK, {"OAK": [100] * 4}),
    )

    assert life.value.tolist() == [1000, 1099, 1099, 1099]
    assert life.local_returns[1, 0] == pytest.approx(99)
    assert life.other.tolist() == [0, 0, 0, 0]


def test_observations_are_days_on_which_the_exchange_of_something_held_was_open():
    events = [event(WEEK[0], "deposit", "10"), event(WEEK[0], "buy", "-10", security=1, quantity="1")]
    observed = {"OAK": (WEEK[0], WEEK[0], WEEK[2], WEEK[3]), "ELM": (WEEK[0], WEEK[1], WEEK[2], WEEK[2])}

    def observed_days(exchanges):
        priced = market(WEEK, {"OAK": [10] * 4, "ELM": [10] * 4}, observed=observed, exchanges=exchanges)
        return valuation.history(book(events, [lot(1, "1", WEEK[0])]), priced).observed.tolist()

    assert observed_days({"OAK": "XNYS", "ELM": "XLON"}) == [True, False, True, True]
    assert observed_days({"OAK": "XNYS", "ELM": "XNYS"}) == [True] * 4


def test_what_was_valued_can_not_be_written_to():
    life = valuation.history(book([event(WEEK[0], "deposit", "10")]), market(WEEK, {}))

    with pytest.raises(ValueError, match="read-only"):
        life.value[0] = 1


def test_contributions_with_cash_and_fee_tie_out_with_the_golden():
    events = [
        event(WEEK[0], "deposit", "1000"),
        event(WEEK[0], "buy", "-600", security=1, quantity="600"),
        event(WEEK[0], "buy", "-300", security=2, quantity="300"),
        event(WEEK[1], "deposit", "100"),
        event(WEEK[1], "buy", "-100", security=1, quantity="100"),
        event(WEEK[1], "fee", "-1"),
    ]
    lots = [lot(1, "600", WEEK[0]), lot(1, "100", WEEK[1]), lot(2, "300", WEEK[0])]

    life, _ = total_return(events, lots, market(WEEK[:2], {"A": [1, 1.03], "B": [1, 0.99]}))
    contributions = 100 * life.weights[1] * life.local_returns[1]

    assert life.holdings == (("A", "CAD"), ("B", "CAD"), ("CAD", "CAD"))
    assert contributions == pytest.approx([1.909091, -0.272727, -0.090909], abs=5e-7)
    assert contributions.sum() == pytest.approx(1.545455, abs=5e-7)


def test_a_deal_at_another_rate_than_the_fixing_is_a_row_of_its_own():
    events = [
        event(WEEK[0], "deposit", "1310"),
        event(WEEK[1], "fx", "1000", "USD", counter=("-1310", "CAD")),
    ]

    life, twr = total_return(events, [], market(WEEK[:2], {}, fx={"USD": [1.30, 1.30]}))

    assert life.value.tolist() == [1310, 1300]
    assert life.other[1] == pytest.approx(-10 / 1310)
    assert (life.weights[1] * life.local_returns[1]).tolist() == [0, 0]
    assert twr.value == pytest.approx(-10 / 1310)


@settings(max_examples=settings().max_examples * 4 // 5)
@given(
    amounts=st.lists(st.integers(-40, 60), min_size=4, max_size=4),
    closes=st.lists(st.integers(50, 150), min_size=4, max_size=4),
    rates=st.lists(st.integers(90, 140), min_size=4, max_size=4),
    scale=st.sampled_from([1, 7, 1000]),
)
def test_parts_make_the_return_whatever_happened_and_scaling_changes_nothing(amounts, closes, rates, scale):
    events = [
        event(WEEK[0], "deposit", str(200 * scale), "USD"),
        event(WEEK[0], "buy", str(-100 * scale), "USD", security=1, quantity=str(scale)),
        *(
            event(WEEK[at], "deposit" if amount > 0 else "withdrawal", str(amount * scale), "USD")
            for at, amount in enumerate(amounts)
            if amount and at
        ),
    ]
    priced = market(WEEK, {"OAK": closes}, currencies={"OAK": "USD"}, fx={"USD": [rate / 100 for rate in rates]})

    life, _ = total_return(events, [lot(1, str(scale), WEEK[0])], priced)
    base_return = (1 + life.local_returns) * (1 + life.fx_returns) - 1
    parts = (life.weights * base_return).sum(axis=1) + life.other
    scaled, _ = total_return(
        [replace(each, amount=each.amount * 3, quantity=(each.quantity or 0) * 3) for each in events],
        [lot(1, str(3 * scale), WEEK[0])],
        priced,
    )

    assert parts == pytest.approx(daily_returns.measure(life).returns, abs=1e-12)
    assert daily_returns.measure(scaled).returns == pytest.approx(daily_returns.measure(life).returns, abs=1e-12)


# --- one day, exactly

EURO_MARKET = Market(
    pack_id="PP_2020-01-06_ECB_EUR_r1",
    asof_date=day("2020-01-06"),
    pivot="EUR",
    closes={
        1: Close(1, "OAK", Decimal("51.25"), "USD", day("2020-01-06"), "wood", "raw", ""),
        2: Close(2, "ELM", Decimal("1250"), "CAD", day("2020-01-03"), "wood", "raw", "stale:1"),
    },
    legs={
        ("EUR", "USD"): Leg("EUR", "USD", Decimal("1.1193"), day("2020-01-06"), "central", ""),
        ("EUR", "CAD"): Leg("EUR", "CAD", Decimal("1.4549"), day("2020-01-06"), "central", ""),
    },
)
NAMED = {1: ("OAK", "Oak Inc.", "USD"), 2: ("ELM", "Elm", "CAD"), 3: ("ASH", "Ash Inc.", "USD")}


def positions(events, lots):
    return valuation.positions(book(events, lots), day("2020-01-06"), NAMED)


def test_positions_and_cash_are_valued_through_the_published_legs_and_rounded_once():
    held = positions(
        [event("2020-01-02", "deposit", "10.005", "USD"), event("2020-01-02", "deposit", "1000")],
        [
            lot(1, "3", "2020-01-02", unit_cost="50", currency="USD", fx_to_base="1.31"),
            lot(2, "1", "2020-01-02", unit_cost="1200"),
        ],
    )

    valued = valuation.apply(held, EURO_MARKET)

    # 1 USD = 1.4549 / 1.1193 CAD, unrounded: 153.75 USD and 10.005 USD
    usd_cad = Decimal("1.4549") / Decimal("1.1193")
    exact = Decimal("153.75") * usd_cad + 1250 + 1000 + Decimal("10.005") * usd_cad
    assert valued.total_value == exact.quantize(Decimal("0.01"))
    assert [(row.symbol, row.market_value) for row in valued.positions] == [
        ("ELM", Decimal("1250.00")),
        ("OAK", Decimal("199.85")),
    ]
    assert [row.unrealized_pnl for row in valued.positions] == [Decimal("50.00"), Decimal("3.35")]
    assert valued.positions[1].cost_basis_base == Decimal("196.50")
    assert abs(float(valuation.value(held, EURO_MARKET)) - float(exact)) < 1e-9
    assert sum(row.weight for row in (*valued.positions, *valued.cash)) == pytest.approx(1)
    assert valued.quality.stale_share == pytest.approx(float(1250 / exact))
    assert (valued.quality.oldest_price, valued.positions[0].age_sessions) == (day("2020-01-03"), 1)
    assert valued.sources == ("central", "wood")


def test_no_total_is_given_where_a_part_of_it_has_no_price():
    held = positions([event("2020-01-02", "deposit", "10")], [lot(3, "1", "2020-01-02", currency="USD")])

    for value in (valuation.apply, valuation.value):
        with pytest.raises(MissingPrice) as missing:
            value(held, EURO_MARKET)

        assert (missing.value.symbol, missing.value.asof_date) == ("ASH", day("2020-01-06"))


def test_no_total_is_given_where_a_part_of_it_has_no_rate():
    held = positions([event("2020-01-02", "deposit", "10", "GBP")], [])

    for value in (valuation.apply, valuation.value):
        with pytest.raises(MissingRate):
            value(held, EURO_MARKET)


def test_a_value_is_converted_through_the_published_legs_and_rounded_once():
    valued = valuation.apply(positions([event("2020-01-02", "deposit", "1000.01")], []), EURO_MARKET)

    dollars, own = (conversion.convert(valued, EURO_MARKET, currency) for currency in ("USD", "CAD"))

    assert dollars.value == (Decimal("1000.01") * Decimal("1.1193") / Decimal("1.4549")).quantize(Decimal("0.01"))
    assert dollars.rate == round(Decimal("1.1193") / Decimal("1.4549"), 12)
    assert [(leg.base, leg.quote, leg.rate) for leg in dollars.fixings] == [
        ("EUR", "CAD", Decimal("1.4549")),
        ("EUR", "USD", Decimal("1.1193")),
    ]
    assert (own.value, own.rate, own.fixings) == (Decimal("1000.01"), 1, ())
    with pytest.raises(MissingRate):
        conversion.convert(valued, EURO_MARKET, "GBP")


def test_cost_in_base_is_unknown_where_the_ledger_names_no_rate():
    held = positions([event("2020-01-02", "deposit", "10")], [lot(1, "3", "2020-01-02", currency="USD")])

    (row,) = valuation.apply(held, EURO_MARKET).positions

    assert (row.cost_basis_base, row.unrealized_pnl) == (None, None)


def test_a_dividend_between_ex_and_pay_date_stands_beside_the_value():
    events = [
        event("2020-01-02", "deposit", "10"),
        event("2020-01-07", "dividend", "24", "USD", security=1, ex_date="2020-01-06"),
    ]

    valued = valuation.apply(positions(events, []), EURO_MARKET)

    assert valued.total_value == Decimal("10.00")
    assert valued.receivable_value == (24 * Decimal("1.4549") / Decimal("1.1193")).quantize(Decimal("0.01"))


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [("0.125", "CAD", "0.12"), ("0.135", "CAD", "0.14"), ("2.5", "JPY", "2"), ("-0.125", "CAD", "-0.12")],
)
def test_money_is_rounded_half_even_to_the_minor_unit(amount, currency, shown):
    assert valuation.quantise(Decimal(amount), currency) == Decimal(shown)


@settings(max_examples=settings().max_examples * 3 // 5)
@given(
    quantity=st.integers(1, 10**6),
    close=st.decimals("0.01", "9999", places=4),
    usd=st.decimals("0.5", "2", places=4),
    cad=st.decimals("0.5", "2", places=4),
    cash=st.decimals("-1000", "100000", places=2),
)
def test_one_day_in_decimal_and_a_life_in_float_agree(quantity, close, usd, cad, cash):
    events = [event("2020-01-06", "deposit", str(cash), "CAD")]
    holding = book(events, [lot(1, str(quantity), "2020-01-06", currency="USD")])
    legs = {
        ("EUR", quote): Leg("EUR", quote, rate, day("2020-01-06"), "central", "")
        for quote, rate in (("USD", usd), ("CAD", cad))
    }
    exact = valuation.value(
        valuation.positions(holding, day("2020-01-06"), NAMED),
        replace(EURO_MARKET, legs=legs, closes={1: replace(EURO_MARKET.closes[1], close=close)}),
    )
    per_usd = float(cad) / float(usd)
    bought = event("2020-01-06", "buy", "0", "USD", security=1, quantity=str(quantity))

    life = valuation.history(
        replace(holding, events=(*events, bought)),
        market(("2020-01-06",), {"OAK": [float(close)]}, currencies={"OAK": "USD"}, fx={"USD": [per_usd]}),
    )

    scale = quantity * float(close) * per_usd + abs(float(cash))
    assert abs(float(exact) - life.value[0]) <= 1e-9 * scale
    assert np.array_equal(life.dates, days("2020-01-06"))


def test_what_is_bought_later_changes_no_figure_of_a_day_before():
    dates = [f"2021-03-{number:02}" for number in (1, 2, 3, 4, 5, 8, 9, 11, 12)]
    early = [event(dates[0], "deposit", "10000"), event(dates[0], "buy", "-2000", security=1, quantity="100")]
    later = event(dates[7], "buy", "-100", security=2, quantity="10")
    closes = {"ASH": [20, 20.2, 19.9, 20.5, 20.1, 20.7, 20.6, 21, 21.2], "YEW": [NAN] * 6 + [10, 10, 10]}
    whole = market(dates, closes, exchanges={"ASH": "XA", "YEW": "XB"})
    as_of = replace(
        whole, dates=whole.dates[:6], close=whole.close[:6], observed=whole.observed[:6], carried=whole.carried[:6],
        pack_ids=whole.pack_ids[:6], fx_to_pivot=whole.fx_to_pivot[:6],
    )  # fmt: skip

    with_it, without = (
        metrics_record.metrics(valuation.history(each, as_of), portfolio_id="p", pack_id=as_of.pack_id, risk_free=None)
        for each in (
            book([*early, later], [lot(1, "100", dates[0]), lot(2, "10", dates[7])]),
            book(early, [lot(1, "100", dates[0])]),
        )
    )

    assert with_it == without
    assert with_it["volatility_itd"].basis["periods_per_year"] == 252


def test_a_day_that_can_not_be_valued_and_on_which_money_comes_takes_the_windows_that_hold_it():
    dates = ["2021-12-30", "2021-12-31", "2022-01-03", "2022-01-04", "2022-01-05"]
    events = [
        event(dates[0], "deposit", "10"),
        event(dates[0], "buy", "-10", security=1, quantity="1"),
        event(dates[2], "deposit", "5"),
    ]

    life, twr = total_return(events, [lot(1, "1", dates[0])], market(dates, {"OAK": [10, 11, NAN, 12, 15]}))
    found = metrics_record.metrics(life, portfolio_id="p", pack_id="PP_2022-01-05_BOC_CAD_r1", risk_free=None)

    assert life.value.tolist() == [10, 11, 17, 20]
    assert (twr.value, twr.reason, twr.basis["first"]) == (pytest.approx(20 / 17 - 1), "since 2022-01-04", dates[3])
    assert (found["twr_ytd"].value, found["twr_ytd"].reason) == (None, "missing_price")
    assert found["twr_ytd"].basis["undefined"] == dates[3]
    assert found["mwr_itd"].status == "ok"
    assert found["twr_1d"].value == pytest.approx(20 / 17 - 1)


def test_a_foreign_debt_that_is_paid_back_whole_is_revalued_until_then():
    events = [
        event(WEEK[0], "deposit", "1000"),
        event(WEEK[0], "fx", "-100", "USD", counter=("130", "CAD")),
        event(WEEK[1], "deposit", "100", "USD"),
    ]

    life, twr = total_return(events, [], market(WEEK, {}, fx={"USD": [1.3, 1.4, 1.4, 1.4]}))

    assert life.value == pytest.approx([1000, 1130, 1130, 1130])
    assert twr.value == pytest.approx(1130 / 1140 - 1)
    assert life.other[1] == pytest.approx(-10 / 1140)


def test_securities_alone_take_purchases_in_and_give_sales_and_dividends_out():
    events = [
        event(WEEK[0], "deposit", "100"),
        event(WEEK[0], "buy", "-100", security=1, quantity="10"),
        event(WEEK[1], "dividend", "5", security=1),
        event(WEEK[2], "sell", "60", security=1, quantity="5"),
        event(WEEK[2], "interest", "-3"),
    ]
    lots = [lot(1, "10", WEEK[0], WEEK[2]), lot(1, "5", WEEK[2])]

    life = valuation.history(book(events, lots), market(WEEK, {"OAK": [10, 10, 12, 12]}), scope="securities_only")
    twr = metrics_record.metrics(life, portfolio_id="p", pack_id="PP_2020-01-09_BOC_CAD_r1", risk_free=None)["twr_itd"]

    assert life.value.tolist() == [100, 100, 60, 60]
    assert (life.inflow.tolist(), life.outflow.tolist()) == ([100, 0, 0, 0], [0, 5, 60, 0])
    assert life.flows == ((day(WEEK[0]), 100), (day(WEEK[1]), -5), (day(WEEK[2]), -60))
    assert life.holdings == (("OAK", "CAD"),)
    assert (twr.value, twr.basis["scope"]) == (pytest.approx(1.05 * 1.2 - 1), "securities_only")


def test_returns_are_of_the_securities_alone_where_deposits_are_inferred():
    bought = event(WEEK[0], "buy", "-100", security=1, quantity="10")
    priced = market(WEEK, {"OAK": [10, 10, 12, 12]})
    given, inferred = (
        book([replace(event(WEEK[0], "deposit", "100"), inferred=each), bought], [lot(1, "10", WEEK[0])])
        for each in (False, True)
    )
    valuer = valuation.Valuer(priced)

    scopes = [valuer.headline(each, valuer.history(each)).scope for each in (given, inferred)]

    assert scopes == ["portfolio", "securities_only"]


def test_a_close_counts_times_its_factor_and_a_carried_one_is_told():
    priced = replace(
        EURO_MARKET,
        closes={
            1: replace(EURO_MARKET.closes[1], close=Decimal("99.2"), factor=Decimal("0.01")),
            2: replace(EURO_MARKET.closes[2], flags="delisted", observed_date=day("2019-12-20")),
        },
    )
    held = valuation.positions(
        book([event("2020-01-02", "deposit", "1")], [lot(1, "10000", "2020-01-02"), lot(2, "1", "2020-01-02")]),
        day("2020-01-06"),
        NAMED,
        clean_priced={1},
    )

    valued = valuation.apply(held, priced)

    elm, oak = valued.positions
    assert (oak.price, oak.factor, oak.value_local) == (Decimal("99.2"), Decimal("0.01"), Decimal("9920.00"))
    assert (oak.status, oak.reason) == ("degraded", "accrued_unknown")
    assert (elm.status, elm.reason, elm.age_days) == ("degraded", "delisted", 17)
    assert valued.quality.delisted_share == pytest.approx(float(elm.weight))
    assert float(valuation.value(held, priced)) == pytest.approx(float(valued.total_value), abs=0.01)


def test_the_share_that_is_carried_stands_beside_volatility_and_drawdown():
    events = [event(WEEK[0], "deposit", "100"), event(WEEK[0], "buy", "-50", security=1, quantity="5")]
    priced = market(WEEK, {"OAK": [10, 12, 12, 12]})
    carried = np.array([[False], [False], [True], [True]])

    life, _ = total_return(events, [lot(1, "5", WEEK[0])], replace(priced, carried=carried))
    found = metrics_record.metrics(life, portfolio_id="p", pack_id=priced.pack_id, risk_free=None)

    for figure in (found["volatility_itd"], found["max_drawdown"], found["twr_itd"]):
        assert figure.basis["delisted_share"] == pytest.approx(2 * (60 / 110) / 4)


def test_an_empty_balance_without_a_rate_is_left_out():
    held = valuation.positions(
        book([event("2020-01-02", "deposit", "5", "GBP"), event("2020-01-03", "withdrawal", "-5", "GBP")]),
        day("2020-01-06"),
        NAMED,
    )

    valued = valuation.apply(held, EURO_MARKET)

    assert (valued.cash, valued.total_value, valuation.value(held, EURO_MARKET)) == ((), 0, 0)


@pytest.mark.parametrize(
    ("booked", "shown"),
    [
        ("1.0", "1"),
        ("3.999999999999", "3.999999999999"),
        ("6.000000000000000000000000000", "6"),
        ("100", "100"),
        ("0.50", "0.5"),
    ],
)
def test_a_quantity_has_no_tail_of_zeros(booked, shown):
    assert str(positions([], [lot(1, booked, "2020-01-02")]).positions[0].quantity) == shown
