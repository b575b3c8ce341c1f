"""The three plans of the development data, against values that their generator computed apart from us.

Golden source: *_summary.json and *_expected.csv beside each ledger, written by make_ledger.py.
"""

import csv
import json
import os
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from portfolio.ledger import statement
from portfolio.ledger.journal import LedgerTransaction, transactions
from portfolio.ledger.reader import LedgerReading, read

ROOT = Path(__file__).parents[3]
DATA = (ROOT / os.environ.get("TIEOUT_DATA", "../shared/data")).resolve()


class Plan(NamedTuple):
    reading: LedgerReading
    events: tuple[LedgerTransaction, ...]
    summary: dict[str, Any]
    months: dict[date, dict[tuple[str, str], Decimal]]


@pytest.fixture(scope="module", params=["public", "demo", "small"])
def plan(request):
    folder, name = DATA / "ledger", request.param
    if not (folder / f"{name}.beancount").is_file():
        pytest.skip(f"no ledger/{name}.beancount in the folder named by TIEOUT_DATA (default ../shared/data)")
    prices = f"{name}_prices.beancount"
    files = {"main.beancount": (folder / f"{name}.beancount").read_bytes(), prices: (folder / prices).read_bytes()}
    reading = read(files)
    months: dict[date, dict[tuple[str, str], Decimal]] = defaultdict(dict)
    with (folder / f"{name}_expected.csv").open(newline="") as rows:
        for row in csv.DictReader(rows):
            months[date.fromisoformat(row["date"])][row["kind"], row["commodity"]] = Decimal(row["units"])
    summary = json.loads((folder / f"{name}_summary.json").read_text())
    return Plan(reading, transactions(reading), summary, dict(months))


def by_currency(pairs) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for currency, number in pairs:
        totals[currency] += number
    return {currency: total for currency, total in totals.items() if total}


def expected(summary, key) -> dict[str, Decimal]:
    return {currency: Decimal(number) for currency, number in summary[key].items()}


def test_every_entry_is_one_event(plan):
    count = len(plan.events)

    assert count == plan.summary["transactions"] == len({event.entry_id for event in plan.events})
    assert sum(event.kind in ("buy", "sell") for event in plan.events) == plan.summary["trades"]


def test_gross_dividends_tie_out(plan):
    gross = by_currency((e.currency, e.amount + e.tax) for e in plan.events if e.kind == "dividend")

    assert gross == expected(plan.summary, "gross_dividends_by_currency")


def test_fees_tie_out(plan):
    fees = by_currency((event.currency, event.fee) for event in plan.events)

    assert fees == expected(plan.summary, "fees_by_currency")


def test_realised_gains_tie_out(plan):
    sold = (event for event in plan.events if event.kind == "sell")

    gains = by_currency((e.currency, lot.quantity * (e.unit_price - lot.unit_cost)) for e in sold for lot in e.lots)

    assert gains == expected(plan.summary, "realised_gain_by_currency")


def test_external_flows_tie_out(plan):
    flows = sum(event.amount for event in plan.events if event.kind in ("deposit", "withdrawal"))

    assert flows == Decimal(plan.summary["net_deposits"])


def test_the_deals_are_price_times_quantity_to_the_last_digit(plan):
    deals = [event for event in plan.events if event.kind in ("buy", "sell")]

    odd = [
        event.entry_id
        for event in deals
        if (1 if event.kind == "sell" else -1) * event.quantity * event.unit_price
        != event.amount + event.fee + event.tax + event.rounding
    ]

    assert odd == []


def test_month_ends_tie_out_with_beancounts_inventory(plan):
    holdings = {}
    for inventory in statement.from_reading(plan.reading).at(sorted(plan.months)):
        rows: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for currency, amount in inventory.cash.items():
            rows["cash", currency] += amount
        for (_, symbol), units in inventory.units.items():
            rows["holding", symbol] += units
        holdings[inventory.date] = {key: units for key, units in rows.items() if units}

    assert holdings == plan.months


def test_month_ends_tie_out_with_the_events_summed(plan):
    holdings: dict[date, dict[tuple[str, str], Decimal]] = {}
    rows: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    events = list(plan.events)
    for day in sorted(plan.months):
        while events and events[0].date <= day:
            event = events.pop(0)
            for leg in event.cash:
                rows["cash", leg.currency] += leg.amount
            if event.quantity is not None:
                rows["holding", event.symbol] += -event.quantity if event.kind == "sell" else event.quantity
        holdings[day] = {key: units for key, units in rows.items() if units}

    assert holdings == plan.months


def test_amounts_and_counter_amounts_are_all_the_cash(plan):
    legs = by_currency((leg.currency, leg.amount) for event in plan.events for leg in event.cash)

    nets = by_currency(
        pair
        for event in plan.events
        for pair in ((event.currency, event.amount), (event.counter_currency or "", event.counter_amount or Decimal()))
    )

    assert nets == legs


def test_each_event_in_a_foreign_currency_carries_its_rate(plan):
    without = [
        event.entry_id
        for event in plan.events
        if event.currency != "CAD" and event.kind != "split" and not event.fx_rate
    ]

    assert without == []


def test_the_cost_of_open_lots_is_that_of_the_events(plan):
    lots: dict[tuple[str, str], dict[Any, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for event in plan.events:
        holdings = lots[event.account, event.symbol or ""]
        for lot in event.lots:
            sign = 1 if event.kind == "buy" else -1
            holdings[lot.unit_cost, lot.acquired] += sign * lot.quantity
            if event.kind == "split":
                holdings[lot.unit_cost / event.ratio, lot.acquired] += lot.quantity * event.ratio
    costs = {key: sum(units * cost for (cost, _), units in holdings.items()) for key, holdings in lots.items()}

    *_, last = statement.from_reading(plan.reading).at()

    assert last.cost == {key: pytest.approx(cost, abs=Decimal("1e-9")) for key, cost in costs.items() if cost}
