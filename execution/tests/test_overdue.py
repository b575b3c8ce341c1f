"""Since when a night is late, without reading an archive."""

from datetime import UTC, date, datetime, timedelta

import pytest

from execution.models import NightlyRun, RunState
from execution.night import due
from execution.night.restatement import LACKING
from pricing.models import MarketArchive

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]
FRIDAY, MONDAY = date(2026, 3, 6), date(2026, 3, 9)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def loaded(end: date, loaded_at: datetime) -> None:
    MarketArchive.objects.create(path="x", digest="0" * 64, archive_end=end, loaded_at=loaded_at)


def done(day: date, *, state: RunState = RunState.DONE, restates: str = "") -> None:
    NightlyRun.objects.create(policy="P", from_date=day, date=day, release=1, state=state, restates=restates)


def since(now: datetime) -> datetime | None:
    return due.overdue_since(["P"], now)["P"]


def test_without_market_data_nothing_can_be_late():
    assert due.overdue_since(["P"], at(MONDAY, 12)) == {}


def test_a_night_is_due_at_the_bell_after_its_day():
    loaded(MONDAY, at(MONDAY, 23, 40))
    done(FRIDAY)

    tuesday = MONDAY + timedelta(days=1)
    assert since(at(tuesday, 0, 4)) is None
    assert since(at(tuesday, 0, 35)) == at(tuesday, 0, 5)


def test_a_night_that_is_done_is_not_late_and_one_that_failed_is():
    loaded(MONDAY, at(MONDAY, 23, 40))
    done(MONDAY, state=RunState.FAILED)
    tuesday = at(MONDAY + timedelta(days=1), 1)
    before = since(tuesday)

    NightlyRun.objects.update(state=RunState.DONE)

    assert (before is None, since(tuesday)) == (False, None)


def test_a_restatement_of_earlier_days_is_no_night():
    loaded(MONDAY, at(MONDAY, 23, 40))
    done(MONDAY, restates=LACKING)

    assert since(at(MONDAY + timedelta(days=1), 1)) is not None


def test_old_data_are_due_from_the_bell_after_they_were_loaded():
    loaded(date(2013, 3, 1), at(FRIDAY, 12))

    assert since(at(FRIDAY, 23)) is None
    assert since(at(FRIDAY + timedelta(days=1), 1)) == at(FRIDAY + timedelta(days=1), 0, 5)


def test_data_loaded_before_the_bell_of_the_same_day_are_due_at_it():
    loaded(FRIDAY, at(FRIDAY + timedelta(days=1), 0, 2))

    assert since(at(FRIDAY + timedelta(days=1), 0, 6)) == at(FRIDAY + timedelta(days=1), 0, 5)


def test_while_a_monday_s_data_are_loaded_the_weekend_is_not_late():
    loaded(MONDAY, at(MONDAY, 23, 36))
    done(FRIDAY)

    assert since(at(MONDAY, 23, 50)) is None
