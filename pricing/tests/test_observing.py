"""What of an archive belongs into the pack of a day."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from pricing import calendars, observing
from pricing.observing import Listed, Required, RequiredCurrency, RequiredSecurity
from pricing.providers import archive
from pricing.tests import folders
from pricing.tests.test_archive import TODAY

OAK = Listed(1, "OAK", "USD", "XNYS", "raw", date(2020, 1, 2), None)
ELM = Listed(2, "ELM", "GBP", "XLON", "raw", date(2020, 1, 2), None)
ASH = Listed(3, "ASH", "USD", "XNYS", "raw", date(2020, 1, 2), date(2020, 1, 9))
SECURITIES = (OAK, ELM, ASH)
DAYS = calendars.as_days([date(2020, 1, day) for day in (2, 3, 6, 7, 8, 9)])


class Seen:
    def __init__(self, folder, securities=SECURITIES, max_stale=5):
        self.reading = archive.read(folder, today=TODAY)
        self.calendar = calendars.of_archive(self.reading, pivot="EUR")
        self.closes = observing.find_closes(self.reading, self.calendar, securities, DAYS, max_stale_sessions=max_stale)

    def close_of(self, number):
        rows = zip(self.closes.row[number].tolist(), self.closes.usable[number].tolist(), strict=True)
        return [Decimal(self.reading.closes.close[row].decode()) if usable else None for row, usable in rows]


def test_the_last_close_on_or_before_a_day_is_its_close(tmp_path):
    seen = Seen(folders.write(tmp_path))

    assert seen.close_of(0) == [Decimal(text) for text in ("100.50", "101", "51.25", "51.5", "52", "52.1")]
    assert seen.close_of(1) == [Decimal(text) for text in ("12.345", "12.40", "12.40", "12.50", "12.51", "12.51")]
    assert seen.closes.age[1].tolist() == [0, 0, 0, 0, 0, 0]  # London's own sessions, not the wall calendar


def test_a_close_older_than_the_limit_is_not_used(tmp_path):
    seen = Seen(folders.write(tmp_path), max_stale=2)

    assert seen.closes.age[2].tolist() == [0, 0, 1, 2, 3, 4]
    assert seen.close_of(2) == [Decimal(10), Decimal(11), Decimal(11), Decimal(11), None, None]


@pytest.mark.parametrize(("basis", "usable"), [("raw", False), ("split_adjusted", True)])
def test_a_raw_close_of_before_a_split_is_missing_and_not_stale(tmp_path, basis, usable):
    without_oak = folders.SMALL["prices.csv"].replace("2020-01-06,OAK,51.25,", "2020-01-06,ASH,11,")
    oak = Listed(1, "OAK", "USD", "XNYS", basis, date(2020, 1, 2), None)

    seen = Seen(folders.write(tmp_path, {"prices.csv": without_oak}), (oak,))

    assert seen.closes.usable[0].tolist() == [True, True, usable, True, True, True]


def test_a_security_is_active_between_its_listed_dates(tmp_path):
    delisted = Listed(3, "ASH", "USD", "XNYS", "raw", date(2020, 1, 3), date(2020, 1, 6))

    seen = Seen(folders.write(tmp_path), (delisted,))

    assert seen.closes.usable[0].tolist() == [False, True, True, False, False, False]


def missing(seen, required, kind="price"):
    held = observing.required_grid(required, SECURITIES, DAYS)
    active = observing.active_grid(observing.listed_spans(SECURITIES), DAYS)
    if kind == "price":
        symbols = [security.symbol for security in SECURITIES]
        return observing.find_missing(
            "price", symbols, held, seen.closes, dates=seen.reading.closes.date, days=DAYS, max_stale=2
        )
    legs = observing.find_legs(
        seen.reading, pivot="EUR", securities=SECURITIES, active=active, held=held, required=required, days=DAYS
    )
    rates = observing.find_rates(seen.reading, seen.calendar, legs.pairs, DAYS, max_stale_fixings=2)
    pairs = ["/".join(pair) for pair in legs.pairs]
    return observing.find_missing(
        "rate", pairs, legs.required, rates, dates=seen.reading.rates.date, days=DAYS, max_stale=2
    )


def test_what_is_held_and_missing_is_named_with_its_last_known_date(tmp_path):
    seen = Seen(folders.write(tmp_path), max_stale=2)

    found = missing(seen, Required((RequiredSecurity(3, date(2020, 1, 8)), RequiredSecurity(1, date(2020, 1, 2)))))

    assert [str(item) for item in found] == [
        "price ASH on 2020-01-08: 3 sessions old, last known 2020-01-03",
        "price ASH on 2020-01-09: 4 sessions old, last known 2020-01-03",
    ]


def test_what_nobody_holds_is_not_missing(tmp_path):
    seen = Seen(folders.write(tmp_path), max_stale=2)

    assert missing(seen, Required((RequiredSecurity(3, date(2020, 1, 2), date(2020, 1, 7)),))) == []


def test_a_currency_without_a_published_rate_is_missing_only_if_it_is_required(tmp_path):
    no_pound = "".join(line for line in folders.SMALL["fx.csv"].splitlines(keepends=True) if "GBP" not in line)
    seen = Seen(folders.write(tmp_path, {"fx.csv": no_pound}))

    unheld = missing(seen, Required((), (RequiredCurrency("CAD"),)), "rate")
    held = missing(seen, Required((RequiredSecurity(2, date(2020, 1, 9)),)), "rate")
    asked = missing(seen, Required((), (RequiredCurrency("JPY", date(2020, 1, 9)),)), "rate")

    assert unheld == []
    assert [str(item) for item in held] == ["rate EUR/GBP on 2020-01-09: never observed"]
    assert [str(item) for item in asked] == ["rate EUR/JPY on 2020-01-09: never observed"]


def test_legs_are_those_of_active_and_required_currencies(tmp_path):
    seen = Seen(folders.write(tmp_path))
    required = Required((), (RequiredCurrency("CAD", date(2020, 1, 8)), RequiredCurrency("EUR")))
    active = observing.active_grid(observing.listed_spans(SECURITIES), DAYS)

    legs = observing.find_legs(
        seen.reading,
        pivot="EUR",
        securities=SECURITIES,
        active=active,
        held=observing.required_grid(required, SECURITIES, DAYS),
        required=required,
        days=DAYS,
    )

    assert legs.pairs == (("EUR", "CAD"), ("EUR", "GBP"), ("EUR", "USD"))
    assert legs.needed[0].tolist() == [False, False, False, False, True, True]
    assert legs.needed[1:].all()
    assert legs.required[1:].sum() == 0


def test_release_dates_follow_the_lag_rules_of_measurement():
    months = calendars.as_days([date(2022, 5, 1), date(2022, 5, 31)])
    days = calendars.as_days([date(2020, 1, 2), date(2020, 1, 3), date(2020, 1, 4)])

    cpi = observing.release_dates(months, observing.LagRule("days_from_month_start", 45))
    yields = observing.release_dates(days, observing.LagRule("business_days", 1))

    assert cpi.tolist() == [date(2022, 6, 15), date(2022, 6, 15)]
    assert yields.tolist() == [date(2020, 1, 3), date(2020, 1, 6), date(2020, 1, 6)]


def observation(value, known_at, observed=date(2020, 1, 1)):
    return observing.KnownObservation("CPI1", observed, Decimal(value), known_at, "", "bureau", "")


def test_a_pack_holds_only_what_became_known_since_the_one_before():
    rows = [
        observation(1, date(2020, 2, 10)),
        observation(2, date(2020, 3, 10)),
        observation(3, date(2020, 3, 11), date(2020, 2, 1)),
    ]
    deltas = observing.Deltas([], rows)

    held = [deltas.upto(day) for day in (date(2020, 2, 9), date(2020, 2, 20), date(2020, 2, 21), date(2020, 3, 20))]

    assert held == [[], [rows[0]], [], rows[1:]]


def test_what_sealed_packs_hold_is_not_said_again_and_a_correction_is():
    first = observation("1.0", date(2020, 2, 10))
    corrected = observation("1.1", date(2020, 2, 10))

    unchanged = observing.Deltas([first], [observation("1.00", date(2020, 2, 10))]).upto(date(2020, 3, 1))
    changed = observing.Deltas([first], [corrected]).upto(date(2020, 3, 1))

    assert unchanged == []
    assert changed == [corrected]


def test_an_older_pack_sealed_later_does_not_see_what_only_the_newer_one_knew():
    early, late = observation(1, date(2020, 2, 10)), observation(2, date(2020, 3, 10))

    held = observing.Deltas([late], [early, late]).upto(date(2020, 2, 20))

    assert held == [early]


def test_an_action_is_known_when_announced_or_at_its_ex_date(tmp_path):
    reading = archive.read(folders.write(tmp_path), today=TODAY)

    actions = observing.known_actions(reading.actions)

    assert [(action.action, action.known_at) for action in actions] == [
        ("split", date(2020, 1, 3)),
        ("dividend", date(2020, 1, 7)),
    ]


@pytest.mark.parametrize(("day", "utc_hour"), [(date(2013, 1, 15), 13), (date(2013, 7, 15), 12)])
def test_the_instant_of_a_fixing_follows_summer_time(day, utc_hour):
    instants = observing.fix_instants([day], time(14, 15), "Europe/Berlin")

    assert instants[day] == datetime(day.year, day.month, day.day, utc_hour, 15, tzinfo=UTC)
