"""Pack days are the union of the fixing's days and the sessions; ages count in a thing's own calendar."""

import csv
from datetime import date

import numpy as np
import pytest

from pricing import archive, calendars
from pricing.tests import folders
from pricing.tests.folders import DATA
from pricing.tests.test_archive import TODAY, needs_data


@pytest.fixture
def small(tmp_path):
    return calendars.from_archive(archive.read(folders.write(tmp_path), today=TODAY), pivot="EUR")


def test_a_day_is_a_pack_day_if_the_fixing_or_an_exchange_is_open(small):
    days = small.pack_days(date(2020, 1, 1), date(2020, 12, 31))

    assert [day.day for day in days] == [2, 3, 6, 7, 8, 9]


def test_pack_days_end_with_the_archive(small):
    assert small.end == date(2020, 1, 9)
    assert small.pack_days(date(2020, 1, 10), date(2021, 1, 1)) == []


def test_an_exchange_is_open_on_the_days_with_a_close_of_a_listed_security(tmp_path):
    late = folders.SMALL["securities.csv"].replace(
        "OAK,Oak Inc.,USD,equity,XNYS,wood,raw,2020-01-02,", "OAK,Oak,USD,equity,XNYS,wood,raw,2020-01-07,"
    )
    reading = archive.read(folders.write(tmp_path, {"securities.csv": late}), today=TODAY)

    calendar = calendars.from_archive(reading, pivot="EUR")

    assert [day.day for day in calendar.sessions["XNYS"].tolist()] == [2, 3, 7, 8, 9]


def test_only_rates_of_the_pivot_make_a_fixing(tmp_path):
    other = folders.appended("fx.csv", "2020-01-04,USD,CAD,1.3,central")
    reading = archive.read(folders.write(tmp_path, other), today=TODAY)

    calendar = calendars.from_archive(reading, pivot="EUR")

    assert date(2020, 1, 4) not in calendar.fixings.tolist()


def test_age_counts_open_days_since_the_observation(small):
    observed = calendars.as_days([date(2020, 1, 3)] * 4)
    on = calendars.as_days([date(2020, 1, day) for day in (3, 6, 7, 8)])

    in_london = calendars.ages(small.sessions["XLON"], observed=observed, on=on)
    in_new_york = calendars.ages(small.sessions["XNYS"], observed=observed, on=on)

    assert in_london.tolist() == [0, 0, 1, 2]  # London was closed on the 6th: Friday's close is still current
    assert in_new_york.tolist() == [0, 1, 2, 3]


def test_a_silence_longer_than_holidays_explain_counts_by_its_weekdays():
    def days(*texts):
        return calendars.as_days(map(date.fromisoformat, texts))

    open_days = days(
        "2020-01-02", "2020-01-03", "2020-01-14", "2020-03-02", "2020-03-03"
    )  # 11 days shut, then 48 silent

    def age(observed, on):
        return calendars.ages(open_days, observed=days(observed), on=days(on)).tolist()[0]

    assert [age("2020-01-03", on) for on in ("2020-01-13", "2020-01-14")] == [0, 1]
    assert [age("2020-01-14", on) for on in ("2020-01-28", "2020-01-29")] == [0, 11]  # the 15th of January to the 29th
    assert age("2020-01-03", "2020-01-29") == 12
    assert age("2020-01-14", "2020-03-02") == 1 + 33  # the open day, and the weekdays of the silence
    assert age("2020-01-02", "2020-03-03") == 4 + 33
    assert age("2020-03-03", "2020-03-17") == 0
    assert age("2020-03-03", "2020-03-18") == 11


@pytest.fixture(scope="module")
def calendar():
    """The demo's."""
    return calendars.from_archive(archive.read(folders.DEMO), pivot="EUR")


def test_the_demo_has_the_pack_days_of_new_york_and_the_ecb(calendar):
    days = calendar.pack_days(date(2002, 12, 2), date(2013, 3, 1))

    new_york = np.unique(np.concatenate(list(calendar.sessions.values()))).tolist()
    assert len(days) == 2_649  # data/README: NYSE and ECB, 70 days New York closed, 22 without a fixing
    assert len(set(days) - set(new_york)) == 70
    assert len(set(days) - set(calendar.fixings.tolist())) == 22
    assert (days[0], days[-1]) == (date(2002, 12, 2), calendar.end)


@needs_data
def test_the_days_of_the_public_plan_are_the_pack_days_of_the_demo(calendar):
    with (DATA / "ledger" / "public_nav.csv").open(newline="") as file:
        valued = [date.fromisoformat(row["date"]) for row in csv.DictReader(file)]

    days = calendar.pack_days(date(2002, 12, 2), date(2013, 3, 1))

    assert days == valued
