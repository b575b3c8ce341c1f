"""Generated markets with random gaps: a pack holds what the loaded data have for its day, by a second way to say so."""

import random
from bisect import bisect_right
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest

from pricing import market, packs
from pricing.models import PackPrice, PackRate, Security
from pricing.tests import market_data

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]

SEEDS = (0, 2, 3, 7)
FIRST, LAST = date(2021, 1, 4), date(2021, 2, 26)
DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
CURRENCIES = ("USD", "GBP", "CAD", "DKK")
EXCHANGES = ("XAAA", "XBBB")
MAX_STALE = 5


@pytest.fixture(autouse=True)
def nothing_remembered(settings, tmp_path):
    settings.VAR = tmp_path / "var"


class World:
    """Securities with gaps, late starts, ends, delistings, factors; rates with gaps. No close jumps, none stands still."""

    def __init__(self, seed):
        chance = self.chance = random.Random(seed)
        self.closes: dict[str, dict[date, str]] = {}
        self.rows: dict[str, dict[str, str]] = {}
        self.delisted: dict[str, date] = {}
        self.rates: dict[str, dict[date, str]] = {}
        # The first of each exchange trades daily: its sessions are the weekdays.
        for number in range(12):
            symbol, always = f"S{number:02}", number < 2
            first = FIRST if always else FIRST + timedelta(days=chance.randrange(25))
            ends = None if always or chance.random() < 0.6 else first + timedelta(days=chance.randrange(3, 30))
            kind, quote_unit, multiplier = chance.choice(
                [("equity", "", ""), ("bond", "percent_of_nominal", ""), ("bond", "", ""), ("option", "", "100")]
            )
            if always:
                kind, quote_unit, multiplier = "equity", "", ""
            expiry = ends.isoformat() if ends and chance.random() < 0.4 else ""
            self.rows[symbol] = {
                "currency": chance.choice((*CURRENCIES, "EUR", "GBp")),
                "type": kind,
                "exchange": EXCHANGES[number % 2],
                "first_date": first.isoformat(),
                "last_date": "" if not ends or expiry else chance.choice(["", ends.isoformat()]),
                "quote_unit": quote_unit,
                "multiplier": multiplier,
                "expiry": expiry,
            }
            kept = 1 if always else chance.choice((0.9, 0.5, 0.15))
            self.closes[symbol] = {
                day: f"{100 + day.toordinal() % 13}.{chance.randrange(10, 99)}"
                for day in DAYS
                if day.weekday() < 5 and day >= first and (ends is None or day <= ends) and chance.random() < kept
            }
            if ends and not expiry and self.closes[symbol] and chance.random() < 0.7:
                self.delisted[symbol] = max(self.closes[symbol]) + timedelta(days=chance.randrange(1, 4))
        for currency in CURRENCIES:
            kept = 1 if currency == "USD" else chance.choice((0.9, 0.2))
            self.rates[currency] = {
                day: f"1.{chance.randrange(100, 140)}" if currency != "DKK" else f"7.4{chance.randrange(10, 99)}"
                for day in DAYS
                if day.weekday() < 5 and chance.random() < kept
            }

    def folder(self, without=lambda kind, key, day: False):
        names = ("currency", "type", "exchange", "first_date", "last_date", "quote_unit", "multiplier", "expiry")
        securities = [
            f"{symbol},Security {symbol},{','.join(row[name] for name in names)},wood"
            for symbol, row in self.rows.items()
        ]
        prices = [
            f"{day},{symbol},{close},{self.rows[symbol]['currency']},wood"
            for symbol, closes in self.closes.items()
            for day, close in closes.items()
            if not without("price", symbol, day)
        ]
        rates = [
            f"{day},EUR,{currency},{rate},central"
            for currency, of in self.rates.items()
            for day, rate in of.items()
            if not without("rate", currency, day)
        ]
        actions = [f"{day},,{symbol},delisting,,,,wood" for symbol, day in self.delisted.items()]

        def text(header, rows):
            return "".join(f"{row}\n" for row in (header, *rows))

        return {
            "securities.csv": text(f"symbol,name,{','.join(names)},source", securities),
            "prices.csv": text("date,symbol,close,currency,source", prices),
            "fx.csv": text("date,base,quote,rate,source", rates),
            "corporate_actions.csv": text("ex_date,pay_date,symbol,action,ratio,amount,currency,source", actions),
            "macro.csv": None,
            "macro_series.csv": None,
        }

    def close(self, symbol, day):
        """What the pack of a day has of a security: the close, the factor and the day it is of; None where nothing."""
        row = self.rows[symbol]
        if (row["type"] == "bond" and not row["quote_unit"]) or day < date.fromisoformat(row["first_date"]):
            return None
        if any(row[end] and day > date.fromisoformat(row[end]) for end in ("last_date", "expiry")):
            return None
        seen = sorted(each for each in self.closes[symbol] if each <= day)
        if not seen or weekdays(seen[-1], day) > MAX_STALE:
            return None
        minor = Decimal("0.01") if row["currency"] == "GBp" else Decimal(1)
        factor = Decimal("0.01") if row["quote_unit"] else Decimal(row["multiplier"] or 1)
        return Decimal(self.closes[symbol][seen[-1]]) * minor, factor, seen[-1]

    def carried(self, symbol, day):
        """The same of a delisted one whose last close is carried to that day."""
        if symbol not in self.delisted or day < self.delisted[symbol]:
            return None
        last = max(self.closes[symbol])
        return self.close(symbol, last)

    def rate(self, currency, day):
        seen = sorted(each for each in self.rates[currency] if each <= day)
        if not seen or weekdays(seen[-1], day) > MAX_STALE:
            return None
        return Decimal(self.rates[currency][seen[-1]]), seen[-1]


WEEKDAYS = [day for day in DAYS if day.weekday() < 5]


def weekdays(after, upto):
    return bisect_right(WEEKDAYS, upto) - bisect_right(WEEKDAYS, after)


def held(pack):
    closes = PackPrice.objects.filter(content=pack.content_id).values_list(
        "security__symbol", "close", "factor", "observed_date"
    )
    rates = PackRate.objects.filter(content=pack.content_id).values_list("quote", "rate", "observed_date")
    return {row[0]: row[1:] for row in closes}, {row[0]: row[1:] for row in rates}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pack_holds_what_the_data_have_for_its_day_and_its_readers_what_is_carried(tmp_path, seed):
    world = World(seed)
    policy = market_data.loaded(tmp_path, world.folder())

    built = market_data.build(policy, FIRST, LAST)

    assert [pack.asof_date for pack in built] == WEEKDAYS
    past, pks = market.history(built[-1]), dict(Security.objects.values_list("symbol", "pk"))
    for number, pack in enumerate(built):
        day = pack.asof_date
        closes, rates = held(pack)
        assert closes == {s: close for s in world.rows if (close := world.close(s, day)) is not None}
        assert rates == {c: rate for c in CURRENCIES if (rate := world.rate(c, day)) is not None}
        seen = market.as_of(packs.find(pack_id=pack.pk))
        for symbol, pk in pks.items():
            carried = world.carried(symbol, day)
            expected = carried or world.close(symbol, day)
            known = [each for each in world.closes[symbol] if each <= day]
            if expected is None:
                assert pk not in seen.closes
                if number % 6:
                    continue
                missing = seen.missing_price(pk, symbol)
                bond = world.rows[symbol]["type"] == "bond" and not world.rows[symbol]["quote_unit"]
                assert missing.last_known_date == (max(known) if known and not bond else None)
                continue
            close = seen.close(pk, symbol)
            assert (close.close, close.factor, close.observed_date) == expected
            assert (market.DELISTED in close.flags) == (carried is not None)
            column = past.security(pk)
            assert past.close[number, column] == pytest.approx(float(close.unit_value), rel=1e-12)
            assert past.carried[number, column] == (carried is not None)
    assert int(np.isfinite(past.close).sum()) == sum(len(market.as_of(pack).closes) for pack in built)
    assert packs.restatable_days(policy) == []
    assert packs.verify(policy=policy) is None


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_what_comes_later_restates_the_days_that_it_prices_and_no_other_and_then_is_as_if_it_had_been_there(
    tmp_path, seed
):
    world, chance = World(seed), random.Random(seed + 100)
    late = {
        (kind, key, day)
        for kind, keys in (("price", list(world.rows)[2:]), ("rate", CURRENCIES[1:]))
        for key in keys
        if chance.random() < 0.4
        for day in DAYS
        if chance.random() < 0.7
    }
    policy = market_data.loaded(tmp_path / "some", world.folder(lambda *of: of in late))
    before = {pack.asof_date: held(pack) for pack in market_data.build(policy, FIRST, LAST)}
    market_data.loaded(tmp_path / "all", world.folder())

    days = packs.restatable_days(policy)
    packs.build(policy=policy, dates=days, run=UUID(int=2), restate_reason="late rows")
    packs.reseal(policy=policy, run=UUID(int=2))

    assert packs.restatable_days(policy) == []
    for day in WEEKDAYS:
        closes = {s for s in world.rows if world.close(s, day)} - before[day][0].keys()
        rates = {c for c in CURRENCIES if world.rate(c, day)} - before[day][1].keys()
        if closes or rates:
            assert day in days
        if day in days:
            now = held(packs.resolve(policy=policy, asof_date=day))
            assert now[0] == {s: close for s in world.rows if (close := world.close(s, day)) is not None}
            assert now[1] == {c: rate for c in CURRENCIES if (rate := world.rate(c, day)) is not None}
    assert packs.verify(policy=policy) is None


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_a_pack_is_a_function_of_the_loaded_data_and_its_day(tmp_path, seed):
    """Built alone, in a span, or after others: the same closes and rates."""
    world = World(seed)
    policy = market_data.loaded(tmp_path, world.folder())
    day = WEEKDAYS[len(WEEKDAYS) // 2]
    (alone,) = packs.build(policy=policy, dates=[day], run=market_data.RUN)

    span = market_data.build(policy, FIRST, LAST, run=UUID(int=2), restate_reason="all of them")

    again = next(pack for pack in span if pack.asof_date == day)
    assert held(alone) == held(again)
