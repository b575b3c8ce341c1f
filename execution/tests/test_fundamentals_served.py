"""What is served of a company's reports: no figure that was filed after the day of the pack, whoever is asked.

TIEOUT_FILING_DATES is on how many random dates the capability is asked; `make fuzz` asks on 10,000.
"""

import json
import os
import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model

from agents import registry
from agents.tests import fakes
from execution import executor
from execution.operations import intake
from execution.patterns import publishing
from pricing import packs
from pricing.models import PricingPack, Security
from pricing.tests import filings, folders
from tests import small

DATES = int(os.environ.get("TIEOUT_FILING_DATES") or 300)
EXECUTED = 20
"""On how many days the whole pattern is executed."""
PACKS = 60
YEARS = 2
SYMBOLS = ("OAK", "ELM")
LEDGER = """\
option "title" "Reported"
option "operating_currency" "USD"
option "booking_method" "FIFO"
{day} open Assets:Cash:USD USD
{day} open Assets:Shares:OAK OAK "FIFO"
{day} open Assets:Shares:ELM ELM "FIFO"
{day} open Equity:External
{day} * "Deposit" "first"
  id: "D1"
  Assets:Cash:USD  1000.00 USD
  Equity:External  -1000.00 USD
{day} * "Buy" "10 OAK"
  id: "B1"
  Assets:Shares:OAK  10 OAK {{10 USD}}
  Assets:Cash:USD  -100.00 USD
{day} * "Buy" "10 ELM"
  id: "B2"
  Assets:Shares:ELM  10 ELM {{10 USD}}
  Assets:Cash:USD  -100.00 USD
"""


@pytest.fixture
def reported(empty, tmp_path):
    """Two companies with filings of their own, held through packs on random days; by symbol, when each figure was first filed."""
    chance = random.Random(18)
    days = sorted({filings.FIRST + timedelta(days=chance.randrange(91 * 4 * YEARS + 700)) for _ in range(PACKS * 2)})
    days = [day for day in days if day.weekday() < 5][:PACKS]
    first, rows = {}, []
    for symbol in SYMBOLS:
        facts, known = filings.made(chance, years=YEARS)
        first[symbol] = filings.first_filed(facts, known)
        rows += [
            replace(row, series=row.series.replace("OAK/", f"{symbol}/")) for row in filings.observations(facts, known)
        ]
    series = sorted({row.series for row in rows})
    get_user_model().objects.create_user("anna")
    folder = folders.write(
        tmp_path / "market",
        {
            "securities.csv": "symbol,name,currency,type,exchange,source,price_basis,first_date,last_date\n"
            + "".join(f"{symbol},{symbol} Inc.,USD,equity,XNYS,wood,raw,{days[0]},\n" for symbol in SYMBOLS),
            "prices.csv": "date,symbol,close,currency,source\n"
            + "".join(f"{day},{symbol},10,USD,wood\n" for day in days for symbol in SYMBOLS),
            "fx.csv": "date,base,quote,rate,source\n" + "".join(f"{day},EUR,USD,1.1,central\n" for day in days),
            "macro.csv": "date,series_id,value,source,known_at\n"
            + "".join(f"{row.observation_date},{row.series},{row.value},wood,{row.known_at}\n" for row in rows),
            "macro_series.csv": "id,title,unit,frequency,source\n"
            + "".join(f"{each},{each},USD,{each[-1]},wood\n" for each in series),
            "corporate_actions.csv": None,
        },
    )
    with empty.role("job"):
        intake.load_market_data(str(folder))
        small.take_in(tmp_path, LEDGER.format(day=days[0]), "reported")
        publishing.publish(publishing.read_library()["holding_deep_dive.json"])
        small.night(small.policy(), days[0], days[-1])
        yield first


def filed_late(first, symbol, figures, day):
    """The figures that were filed after a day."""
    return [
        each
        for each in figures
        if first[symbol][each["concept"], date.fromisoformat(each["period_end"]), Decimal(each["value"])] > day
    ]


def test_no_figure_of_any_result_was_filed_after_the_day_of_its_pack(reported):
    portfolio, checked = small.portfolio("reported"), 0
    days = sorted(PricingPack.objects.filter(sequence__isnull=False).values_list("asof_date", flat=True))
    numbers = dict(Security.objects.values_list("symbol", "id"))

    for number, day in enumerate(random.Random(5).sample(days, EXECUTED)):
        symbol = SYMBOLS[number % 2]
        served = executor.execute(
            executor.Request(
                pattern_id="holding_deep_dive",
                inputs={"security_id": numbers[symbol]},
                portfolio_id=portfolio.pk,
                asof_date=day,
            ),
            user=portfolio.owner,
        )
        answer = json.loads(served.body())
        told = answer["result"]["fundamentals"]["reported"]["figures"]
        assert answer["metadata"]["asof_date"] == str(day)
        assert filed_late(reported, symbol, told, day) == []
        checked += len(told)

    assert checked > 20 * EXECUTED


def test_no_figure_that_the_capability_tells_was_filed_after_the_date(reported):
    chance, checked, late = random.Random(18), 0, 0
    first_day, *_, last_day = sorted(PricingPack.objects.values_list("asof_date", flat=True))
    span = (last_day - first_day).days
    dates = sorted(first_day + timedelta(days=chance.randrange(span + 1)) for _ in range(DATES))
    numbers = dict(Security.objects.values_list("symbol", "id"))
    load = registry.get("fundamentals.load")

    for day in dates:
        symbol = chance.choice(SYMBOLS)
        pack = packs.resolve(policy=small.policy(), asof_date=day)
        ctx = replace(fakes.context(), pack=pack, asof_date=pack.asof_date, pricing_pack_id=pack.pk)
        for each in load(ctx, security_id=numbers[symbol]).data.figures:
            late += reported[symbol][each.concept, each.period_end, each.value] > day
            checked += 1

    assert late == 0
    assert checked > 10 * DATES
