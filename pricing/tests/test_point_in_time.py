"""What of an archive belongs into the pack of a day."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from pricing import archive, calendars
from pricing.archive import contents
from pricing.packs import deltas, gaps, point_in_time, rows
from pricing.packs.gaps import Tolerance
from pricing.packs.point_in_time import Listed
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
        self.calendar = calendars.from_archive(self.reading, pivot="EUR")
        self.closes = point_in_time.find_closes(
            self.reading, self.calendar, securities, DAYS, max_stale_sessions=max_stale
        )

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


NONE = Tolerance(0, 0)


def outages(seen, securities=SECURITIES, tolerance=NONE, max_stale=2):
    held = seen.reading.closes
    found = gaps.find_outages(
        seen.reading,
        seen.calendar,
        securities,
        seen.closes,
        DAYS,
        delivered=(held.security, held.date),
        max_stale_sessions=max_stale,
        tolerance=tolerance,
    )
    return [str(each) for each in found]


def test_missing_closes_of_a_source_that_delivers_are_named_with_their_last_known_date(tmp_path):
    seen = Seen(folders.write(tmp_path), max_stale=2)

    assert outages(seen) == [
        "price ASH on 2020-01-08: 3 sessions old, last known 2020-01-03",
        "price ASH on 2020-01-09: 4 sessions old, last known 2020-01-03",
    ]
    assert outages(seen, tolerance=Tolerance(0, 1)) == []
    assert outages(seen, tolerance=Tolerance(0.34, 0)) == []


def test_a_source_that_delivers_nothing_counts_nowhere(tmp_path):
    silent = folders.SMALL["securities.csv"].replace(
        "ASH,Ash Inc.,USD,equity,XNYS,wood", "ASH,Ash Inc.,USD,equity,XNYS,stone"
    )
    prices = folders.SMALL["prices.csv"].replace(",ASH,10,USD,wood", ",ASH,10,USD,stone")
    seen = Seen(folders.write(tmp_path, {"securities.csv": silent, "prices.csv": prices}), max_stale=2)

    assert outages(seen) == []
    assert not seen.closes.usable[2, 4:].any()


def test_what_has_ended_or_was_delisted_or_lacks_its_quote_unit_is_no_outage(tmp_path):
    delisted = folders.appended("corporate_actions.csv", "2020-01-08,,ASH,delisting,,,,wood,,ok")
    ended = (OAK, ELM, replace(ASH, last_date=date(2020, 1, 7)))
    bond = (OAK, ELM, replace(ASH, quotable=False))

    assert outages(Seen(folders.write(tmp_path / "a", delisted), max_stale=2)) == []
    assert outages(Seen(folders.write(tmp_path / "b"), ended, max_stale=2), ended) == []
    assert outages(Seen(folders.write(tmp_path / "c"), bond, max_stale=2), bond) == []


def test_what_was_never_observed_counts_where_it_is_said_since_when_it_is_listed(tmp_path):
    birch = Listed(4, "FIR", "USD", "XNYS", "raw", date(2020, 1, 8), None)
    seen = Seen(
        folders.write(tmp_path, folders.appended("securities.csv", "FIR,Fir,USD,equity,XNYS,wood,raw,2020-01-08,")),
        (OAK, birch),
    )

    assert [each[:20] for each in outages(seen, (OAK, birch))] == ["price FIR on 2020-01"] * 2
    assert outages(seen, (OAK, replace(birch, first_date=contents.EARLIEST))) == []


def test_a_fixing_is_absent_where_none_of_its_rates_can_be_used(tmp_path):
    late = "".join(row for row in folders.SMALL["fx.csv"].splitlines(keepends=True) if row[:10] != "2020-01-02")
    seen = Seen(folders.write(tmp_path, {"fx.csv": late}))
    legs = point_in_time.find_legs(seen.reading, "EUR")

    def absent(pairs):
        rates = point_in_time.find_rates(seen.reading, seen.calendar, pairs, DAYS, max_stale_fixings=5)
        found = gaps.find_absent_fixings("ECB", seen.reading, rates, DAYS, max_stale_fixings=5)
        return [each.asof_date.day for each in found]

    assert legs == (("EUR", "CAD"), ("EUR", "GBP"), ("EUR", "USD"))
    assert absent(legs) == [2]
    assert absent(point_in_time.find_legs(seen.reading, "JPY")) == [2, 3, 6, 7, 8, 9]


def test_a_pair_that_is_published_both_ways_is_taken_from_the_pivot(tmp_path):
    more = folders.appended(
        "fx.csv",
        "2020-01-02,USD,EUR,0.89,central",
        "2020-01-02,JPY,EUR,0.0082,central",
        "2020-01-02,USD,CAD,1.3,central",
    )

    assert point_in_time.find_legs(archive.read(folders.write(tmp_path, more), today=TODAY), "EUR") == (
        ("EUR", "CAD"), ("EUR", "GBP"), ("JPY", "EUR"), ("EUR", "USD"),
    )  # fmt: skip


def test_release_dates_follow_the_lag_rules_of_measurement():
    months = calendars.as_days([date(2022, 5, 1), date(2022, 5, 31)])
    days = calendars.as_days([date(2020, 1, 2), date(2020, 1, 3), date(2020, 1, 4)])

    cpi = deltas.release_dates(months, deltas.LagRule("days_from_month_start", 45))
    yields = deltas.release_dates(days, deltas.LagRule("business_days", 1))

    assert cpi.tolist() == [date(2022, 6, 15), date(2022, 6, 15)]
    assert yields.tolist() == [date(2020, 1, 3), date(2020, 1, 6), date(2020, 1, 6)]


def observation(value, known_at, observed=date(2020, 1, 1)):
    return rows.KnownObservation("CPI1", observed, Decimal(value), known_at, "", "bureau", "")


def test_a_pack_holds_only_what_became_known_since_the_one_before():
    observed = [
        observation(1, date(2020, 2, 10)),
        observation(2, date(2020, 3, 10)),
        observation(3, date(2020, 3, 11), date(2020, 2, 1)),
    ]
    each_next = deltas.Deltas([], observed)

    held = [
        each_next.next_rows(day) for day in (date(2020, 2, 9), date(2020, 2, 20), date(2020, 2, 21), date(2020, 3, 20))
    ]

    assert held == [[], [observed[0]], [], observed[1:]]


def test_what_sealed_packs_hold_is_not_said_again_and_a_correction_is():
    first = observation("1.0", date(2020, 2, 10))
    corrected = observation("1.1", date(2020, 2, 10))

    unchanged = deltas.Deltas([first], [observation("1.00", date(2020, 2, 10))]).next_rows(date(2020, 3, 1))
    changed = deltas.Deltas([first], [corrected]).next_rows(date(2020, 3, 1))

    assert unchanged == []
    assert changed == [corrected]


def test_an_older_pack_sealed_later_does_not_see_what_only_the_newer_one_knew():
    early, late = observation(1, date(2020, 2, 10)), observation(2, date(2020, 3, 10))

    held = deltas.Deltas([late], [early, late]).next_rows(date(2020, 2, 20))

    assert held == [early]


def test_an_action_is_known_when_announced_or_at_its_ex_date(tmp_path):
    reading = archive.read(folders.write(tmp_path), today=TODAY)

    actions = deltas.known_actions(reading.actions)

    assert [(action.action, action.known_at) for action in actions] == [
        ("split", date(2020, 1, 3)),
        ("dividend", date(2020, 1, 7)),
    ]


@pytest.mark.parametrize(("day", "utc_hour"), [(date(2013, 1, 15), 13), (date(2013, 7, 15), 12)])
def test_the_instant_of_a_fixing_follows_summer_time(day, utc_hour):
    instants = point_in_time.fix_instants([day], time(14, 15), "Europe/Berlin")

    assert instants[day] == datetime(day.year, day.month, day.day, utc_hour, 15, tzinfo=UTC)
