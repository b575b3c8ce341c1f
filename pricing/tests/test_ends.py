"""A delisted security is carried at its last close, marked and not for ever; what only ceased to be listed is not."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest

from pricing import market, packs
from pricing.models import PackAction, PackPrice, QuarantinedRow, Security
from pricing.tests import market_data

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]

FIRST = date(2019, 6, 3)
LAST_CLOSE = date(2019, 6, 10)
OTHER_RUN = UUID(int=2)
DELISTING = "2019-06-11,,ASH,delisting,,,,wood,,ok"


@pytest.fixture(autouse=True)
def nothing_remembered(settings, tmp_path):
    settings.VAR = tmp_path / "var"


def weekdays(first, last):
    return [day for n in range((last - first).days + 1) if (day := first + timedelta(days=n)).weekday() < 5]


DAYS = weekdays(FIRST, date(2020, 7, 31))


def folder(*actions, last_date="2019-06-10", also=(), securities=()):
    """OAK trades every weekday, ASH until 2019-06-10."""
    prices = [f"{day},OAK,{100 + number % 7},USD,wood" for number, day in enumerate(DAYS)]
    prices += [f"{day},ASH,{10 + number},USD,wood" for number, day in enumerate(weekdays(FIRST, LAST_CLOSE))]
    return {
        "securities.csv": "symbol,name,currency,type,exchange,source,price_basis,first_date,last_date\n"
        "OAK,Oak Inc.,USD,equity,XNYS,wood,raw,2019-06-03,\n"
        f"ASH,Ash Inc.,USD,equity,XNYS,wood,raw,2019-06-03,{last_date}\n" + "".join(f"{row}\n" for row in securities),
        "prices.csv": "date,symbol,close,currency,source\n" + "".join(f"{row}\n" for row in (*prices, *also)),
        "fx.csv": "date,base,quote,rate,source\n"
        + "".join(f"{day},EUR,USD,{Decimal('1.1') + Decimal(n % 5) / 100},central\n" for n, day in enumerate(DAYS)),
        "corporate_actions.csv": "ex_date,pay_date,symbol,action,ratio,amount,currency,source,announced,quality\n"
        + "".join(f"{row}\n" for row in actions),
        "macro.csv": None,
        "macro_series.csv": None,
    }


SOME = [*DAYS[:12], *(day for day in DAYS if date(2020, 7, 10) <= day <= date(2020, 7, 20))]
"""Days around the last close, and 400 days after it: 2020-07-14."""


def build(policy, dates=SOME, **how):
    built = packs.build(policy=policy, dates=dates, **({"run": market_data.RUN} | how))
    return [packs.find(pack_id=pack.pk) for pack in built]


def ash():
    return Security.objects.get(symbol="ASH").pk


def test_a_delisting_is_read_and_sealed_without_number_or_currency(tmp_path):
    policy = market_data.loaded(tmp_path, folder(DELISTING))

    built = build(policy)

    row = PackAction.objects.get()
    assert (row.action, row.ex_date, row.ratio, row.amount, row.currency) == (
        "delisting",
        date(2019, 6, 11),
        None,
        None,
        "",
    )
    assert [each.action for each in market.actions(built[-1])] == ["delisting"]
    assert packs.verify(policy=policy) is None
    assert (
        PackPrice.objects.filter(security__symbol="ASH").count() == 6
    )  # carrying is of who reads, packs hold what was


@pytest.mark.parametrize("last_date", ["2019-06-10", ""])
def test_the_last_close_is_carried_for_400_days_and_marked(tmp_path, last_date):
    policy = market_data.loaded(tmp_path, folder(DELISTING, last_date=last_date))
    built = build(policy)

    past = market.history(built[-1])

    column = past.security(ash())
    for number, pack in enumerate(built):
        day, seen = pack.asof_date, market.as_of(pack)
        if day <= LAST_CLOSE:
            assert seen.close(ash(), "ASH").flags == ""
            assert not past.carried[number, column]
        elif (day - LAST_CLOSE).days <= 400:
            close = seen.close(ash(), "ASH")
            assert close.flags.split(",")[-1] == market.DELISTED
            assert (close.close, close.observed_date) == (15, LAST_CLOSE)
            assert past.carried[number, column]
            assert (past.close[number, column], past.observed[number, column].item()) == (15.0, LAST_CLOSE)
        else:
            with pytest.raises(
                market.MissingPrice, match="it is delisted, and a last close is carried for 400 days"
            ) as caught:
                seen.close(ash(), "ASH")
            assert (caught.value.last_known_date, caught.value.reason) == (LAST_CLOSE, "carried_too_long")
            assert np.isnan(past.close[number, column])
            assert str(past.missing_price(column, number)) == str(caught.value)
    assert max(
        day for day, carried in zip(past.dates.tolist(), past.carried[:, column], strict=True) if carried
    ) == date(2020, 7, 14)


def test_where_no_delisting_is_on_record_nothing_is_carried_and_the_reason_is_true(tmp_path):
    policy = market_data.loaded(tmp_path, folder())
    built = build(policy)

    with pytest.raises(
        market.MissingPrice, match="it is no longer listed, and no delisting of it is on record"
    ) as caught:
        market.as_of(built[-1]).close(ash(), "ASH")

    assert (caught.value.last_known_date, caught.value.reason) == (LAST_CLOSE, "after_last_listed_day")
    past = market.history(built[-1])
    assert not past.carried.any()
    assert past.missing_price(past.security(ash()), 8).last_known_date == LAST_CLOSE


def test_where_only_the_data_end_a_close_grows_stale_and_then_is_missing(tmp_path):
    policy = market_data.loaded(tmp_path, folder(last_date=""))
    built = build(policy)

    ages = [market.as_of(pack).closes[ash()].flags for pack in built[:11] if ash() in market.as_of(pack).closes]
    assert ages[5:] == ["", "stale:1", "stale:2", "stale:3", "stale:4", "stale:5"]
    missing = market.as_of(built[11]).missing_price(ash(), "ASH")
    assert (missing.last_known_date, missing.reason) == (LAST_CLOSE, "")


def test_behind_a_split_after_the_last_close_nothing_is_carried(tmp_path):
    policy = market_data.loaded(tmp_path, folder(DELISTING, "2019-06-13,,ASH,split,2,,USD,wood,,ok"))
    built = build(policy)

    past = market.history(built[-1])

    column = past.security(ash())
    carried = [day for day, is_carried in zip(past.dates.tolist(), past.carried[:, column], strict=True) if is_carried]
    assert carried == [date(2019, 6, 11), date(2019, 6, 12)]
    assert market.as_of(built[-1]).missing_price(ash(), "ASH").reason == "split_between"


def test_a_pack_carries_by_what_it_knows_and_what_is_told_later_restates_the_days_it_prices(tmp_path):
    policy = market_data.loaded(tmp_path / "before", folder())
    built = build(policy)
    market_data.loaded(tmp_path / "after", folder(DELISTING))

    days = packs.restatable_days(policy)
    build(policy, days, run=OTHER_RUN, restate_reason="a delisting came on record")
    resealed = packs.reseal(policy=policy, run=OTHER_RUN)

    assert days == [day for day in SOME if date(2019, 6, 11) <= day <= date(2020, 7, 14)]
    assert packs.restatable_days(policy) == []
    assert ash() not in market.as_of(built[7]).closes  # what was sealed before says what it said
    restated = packs.resolve(policy=policy, asof_date=built[7].asof_date)
    assert market.as_of(restated).closes[ash()].observed_date == LAST_CLOSE
    past = market.history(resealed)
    assert past.carried[7, past.security(ash())]


def test_a_delisting_after_which_closes_go_on_waits_for_staff(tmp_path):
    policy = market_data.loaded(tmp_path, folder("2019-06-05,,ASH,delisting,,,,wood,,ok"))

    built = build(policy)

    row = QuarantinedRow.objects.get()
    assert (row.kind, row.key, row.rule, row.reason) == (
        "action", "ASH/delisting", "still_traded", "3 closes behind it, the last of 2019-06-10",
    )  # fmt: skip
    assert not PackAction.objects.exists()
    assert market.as_of(built[5]).closes[ash()].flags == ""


def test_an_announced_delisting_changes_nothing_before_its_day(tmp_path):
    policy = market_data.loaded(tmp_path, folder("2019-06-11,,ASH,delisting,,,,wood,2019-06-04,ok"))
    built = build(policy)

    assert [each.action for each in market.actions(built[3])] == ["delisting"]
    assert not market.history(built[3]).carried.any()
    assert market.as_of(built[5]).closes[ash()].flags == ""
