"""No figure is told before it was filed, on random dates of made filings; and in packs the same."""

import random
from datetime import date, timedelta

import pytest

from pricing import market
from pricing.market.fundamentals import PERIODS
from pricing.providers import edgar
from pricing.tests import filings, market_data


def test_no_figure_of_a_thousand_random_dates_was_filed_after_the_date():
    early, checked = filings.figures_before_their_filing(seed=18, dates=1000)

    assert early == 0
    assert checked > 20_000


def test_a_day_earlier_would_be_found(monkeypatch):
    known_at = edgar.known_at
    monkeypatch.setattr(edgar, "known_at", lambda filed, at: known_at(filed, at) - timedelta(days=4))

    assert filings.figures_before_their_filing(seed=18, dates=1000)[0] > 0


@pytest.mark.usefixtures("db")
@pytest.mark.role("job")
def test_what_a_pack_says_of_a_company_is_the_newest_that_was_filed_by_its_date(tmp_path):
    chance = random.Random(18)
    facts, known = filings.made(chance, years=3)
    rows, first = filings.observations(facts, known), filings.first_filed(facts, known)
    days = sorted({filings.FIRST + timedelta(days=chance.randrange(91 * 14)) for _ in range(40)})
    days = [day for day in days if day.weekday() < 5]
    series = sorted({row.series for row in rows})
    policy = market_data.loaded(
        tmp_path,
        {
            "securities.csv": "symbol,name,currency,type,exchange,source,price_basis,first_date,last_date\n"
            f"OAK,Oak Inc.,USD,equity,XNYS,wood,raw,{days[0]},\n",
            "prices.csv": "date,symbol,close,currency,source\n" + "".join(f"{day},OAK,10,USD,wood\n" for day in days),
            "fx.csv": "date,base,quote,rate,source\n" + "".join(f"{day},EUR,USD,1.1,central\n" for day in days),
            "macro.csv": "date,series_id,value,source,known_at\n"
            + "".join(f"{row.observation_date},{row.series},{row.value},wood,{row.known_at}\n" for row in rows),
            "macro_series.csv": "id,title,unit,frequency,source\n"
            + "".join(f"{each},{each},USD,{each[-1]},wood\n" for each in series),
            "corporate_actions.csv": None,
        },
    )
    checked = 0
    for pack in market_data.build(policy, days[0], days[-1]):
        told = {
            (each.concept, each.frequency, each.period_end): each.value for each in market.fundamentals(pack, "OAK")
        }
        public = [row for row in rows if row.known_at <= pack.asof_date]
        expected = {(*row.series.split("/")[1:], row.observation_date): row.value for row in public}
        newest = {
            key: value
            for key, value in expected.items()
            if sum(other[:2] == key[:2] and other[2] > key[2] for other in expected) < PERIODS
        }
        assert told == newest
        assert all(first[concept, end, value] <= pack.asof_date for (concept, _, end), value in told.items())
        checked += len(told)

    assert checked > 200


def test_a_weekday_is_never_before_the_filing():
    for number in range(400):
        filed = date(2019, 1, 1) + timedelta(days=number)
        assert edgar.known_at(filed, None) > filed
