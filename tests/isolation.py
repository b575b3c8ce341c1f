"""One good portfolio beside many of somebody else's, each with a defect of its own: the good one must not notice.

`python -m tests.isolation --portfolios 200 --seeds 20` runs it in full; tests/test_isolation.py smaller, and each kind of
defect by itself. A defect is made from a seed, which is printed.
"""

import argparse
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from unittest import mock
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from config.errors import TieoutError
from execution import executor, intake, nightly, planning, publishing
from execution.models import NightlyRun
from portfolio import reconciliation
from portfolio.ledger import writer
from portfolio.ledger.repository import LedgerRepository, LedgerUnavailable
from portfolio.models import Benchmark, BenchmarkComponent, Portfolio
from portfolio.valuation import Valuer
from pricing.models import PricingPack, PricingPolicy, RiskFreeRate, Security
from pricing.tests import folders

PORTFOLIOS, SEEDS, FIRST_SEED = 20, 2, 0
"""Of `make test`; the command line sets them anew."""

FIRST, MIDDLE, LAST = date(2020, 1, 6), date(2020, 1, 15), date(2020, 1, 24)
"""A night over the days up to the middle one, and one over those after it."""
BEGIN = date(2019, 11, 18)
DAYS = tuple(day for n in range(68) if (day := BEGIN + timedelta(days=n)).weekday() < 5)
LATE = date(2020, 1, 20)
"""The first day of the rates of DKK."""
GOOD = UUID("a0000000-0000-4000-8000-000000000001")

SECURITIES = """\
symbol,name,currency,type,exchange,source,price_basis,first_date,last_date,quote_unit,multiplier,expiry,maturity
OAK,Oak Inc.,USD,equity,XNYS,wood,raw,2019-11-18,,,,,
ELM,Elm Inc.,USD,equity,XNYS,wood,raw,2019-11-18,,,,,
FIR,Fir plc,GBp,equity,XLON,wood,raw,2019-11-18,,,,,
PIN,Pine Inc.,USD,equity,XNYS,wood,raw,2019-11-18,,,,,
YEW,Yew Inc.,USD,equity,XNYS,wood,raw,2019-11-18,2020-01-14,,,,
ASP,Aspen Inc.,USD,equity,XNYS,wood,raw,2019-11-18,2020-01-14,,,,
LAR,Larch Inc.,USD,equity,XNYS,wood,raw,2019-11-18,2019-11-29,,,,
FIG,Fig Inc.,USD,equity,XNYS,wood,raw,2019-11-18,,,,,
TEA,Teak,THB,equity,XBKK,wood,raw,2019-11-18,,,,,
BND,Bond,USD,bond,XNYS,wood,raw,2019-11-18,,,,,
OPT,Option,USD,option,XNYS,wood,raw,2019-11-18,,,100,2020-01-17,
"""
CLOSES = {"OAK": 100, "ELM": 10, "FIR": 1500, "PIN": 60, "YEW": 8, "ASP": 30, "LAR": 5, "TEA": 90, "BND": 99, "OPT": 5}
ENDS = {"YEW": date(2020, 1, 14), "ASP": date(2020, 1, 14), "LAR": date(2019, 11, 29), "OPT": date(2020, 1, 17)}
SPLIT = date(2020, 1, 16)
ACTIONS = f"""\
ex_date,pay_date,symbol,action,ratio,amount,currency,source,announced,quality
{SPLIT},,PIN,split,2,,USD,derived:wood,,ok
2020-01-15,,ASP,delisting,,,USD,wood,,ok
"""
RATES = {"USD": "1.10", "CAD": "1.43", "GBP": "0.85", "JPY": "121.5", "DKK": "7.47"}


def market(folder: Path) -> Path:
    """Ten weeks of eleven securities: one halves its price by a split, three end, one has no close, one no quote unit."""
    prices, rates, yields = [], [], []
    for number, day in enumerate(DAYS):
        for symbol, close in CLOSES.items():
            if day <= ENDS.get(symbol, day):
                unit = {"FIR": "GBp", "TEA": "THB"}.get(symbol, "USD")
                halved = 2 if symbol == "PIN" and day >= SPLIT else 1
                prices.append(f"{day},{symbol},{(close + (number * 7 + close) % 5) / halved},{unit},wood")
        for quote, rate in RATES.items():
            if quote != "DKK" or day >= LATE:
                rates.append(f"{day},EUR,{quote},{float(rate) * (1 + number % 4 / 1000):.5f},central")
        yields.append(f"{day},Y10,{1.5 + number % 3 / 100},bureau")
    return folders.write(
        folder,
        {
            "securities.csv": SECURITIES,
            "prices.csv": "\n".join(["date,symbol,close,currency,source", *prices, ""]),
            "fx.csv": "\n".join(["date,base,quote,rate,source", *rates, ""]),
            "macro.csv": "\n".join(["date,series_id,value,source", *yields, ""]),
            "macro_series.csv": "id,title,unit,frequency,source\nY10,Ten years,percent,D,bureau\n",
            "corporate_actions.csv": ACTIONS,
        },
    )


# --- ledgers as text


def ledger(*entries: str, base: str = "CAD", since: date = date(2019, 11, 1)) -> str:
    """A ledger of these entries; each gets an id by its place."""
    symbols = [line.split(",")[0] for line in SECURITIES.splitlines()[1:]]
    lines = [
        f'option "title" "Isolation"\noption "operating_currency" "{base}"\noption "booking_method" "FIFO"',
        'option "inferred_tolerance_default" "*:0.005"',
        *(
            f"{since} open Assets:Cash:{code} {code}"
            for code in ("CAD", "USD", "GBP", "JPY", "DKK", "THB", "AED", "EUR")
        ),
        *(f'{since} open Assets:Shares:{symbol} {symbol} "FIFO"' for symbol in symbols),
        *(
            f"{since} open {name}"
            for name in ("Equity:External", "Expenses:Commission", "Income:Dividends", "Income:Realised")
        ),
    ]
    dated = [entry.replace("ID", f"E{number}", 1) for number, entry in enumerate(entries, 1)]
    return "\n".join([*lines, "", *dated])


def deposit(day: date, amount: object, currency: str = "CAD") -> str:
    return f'{day} * "Deposit" "in"\n  id: "ID"\n  Assets:Cash:{currency}  {amount} {currency}\n  Equity:External\n'


def withdrawal(day: date, amount: object, currency: str = "CAD") -> str:
    return deposit(day, f"-{amount}", currency)


def buy(day: date, symbol: str, quantity: object, price: object, currency: str = "USD") -> str:
    return (
        f'{day} * "Buy" "{symbol}"\n  id: "ID"\n  Assets:Shares:{symbol}  {quantity} {symbol} {{{price} {currency}}}\n'
        f"  Assets:Cash:{currency}\n"
    )


def sell(day: date, symbol: str, quantity: object, price: object, currency: str = "USD") -> str:
    return (
        f'{day} * "Sell" "{symbol}"\n  id: "ID"\n  Assets:Shares:{symbol}  -{quantity} {symbol} {{}} @ {price} {currency}\n'
        f"  Assets:Cash:{currency}  {float(str(quantity)) * float(str(price)):.2f} {currency}\n  Income:Realised\n"
    )


def split(day: date, bought: date, quantity: int, price: int, ratio: int = 2) -> str:
    return (
        f'{day} * "Split" "PIN"\n  id: "ID"\n  ratio: "{ratio}:1"\n'
        f"  Assets:Shares:PIN  -{quantity} PIN {{{price} USD, {bought}}}\n"
        f"  Assets:Shares:PIN  {quantity * ratio} PIN {{{price / ratio} USD, {bought}}}\n"
    )


GOOD_LEDGER = ledger(
    deposit(date(2020, 1, 6), 20000),
    deposit(date(2020, 1, 6), 6000, "USD"),
    buy(date(2020, 1, 7), "OAK", 20, 101),
    buy(date(2020, 1, 8), "FIR", 30, "15.2", "GBP"),
    deposit(date(2020, 1, 8), 456, "GBP"),
    sell(date(2020, 1, 14), "OAK", 5, 104),
    buy(date(2020, 1, 17), "ELM", 40, 12),
    base="CAD",
)


# --- defects


@dataclass(frozen=True, slots=True)
class Defective:
    """A portfolio of somebody else's, and what is done to it.

    before   its ledger before the first night; None: it comes only between the two
    between  its ledger between the two nights; None: as it was
    """

    before: str | bytes | None = None
    between: str | bytes | None = None
    base: str = "CAD"
    benchmark: bool = False
    breaks: str = ""
    """What of ours breaks on it unforeseen, a key of BREAKING."""
    is_removed: bool = False
    """Its folder goes between the nights."""
    is_stranger: bool = False
    """A folder without a portfolio."""
    settings: Mapping[str, object] = field(default_factory=dict)


def day_of(rng: Random, first: date = FIRST, last: date = LAST) -> date:
    return rng.choice([day for day in DAYS if first <= day <= last])


def either(rng: Random, text: str | bytes) -> Defective:
    """There from the beginning, or entered between the two nights, dated back."""
    return Defective(before=text) if rng.random() < 0.5 else Defective(between=text)


def new_currency(rng: Random) -> Defective:
    """A currency of which no pack has a rate: never, or not yet."""
    currency = rng.choice(["DKK", "THB", "AED"])
    return either(rng, ledger(deposit(day_of(rng), rng.randint(1, 9000), currency), deposit(day_of(rng), 100)))


def used_dated_back(rng: Random) -> Defective:
    currency = rng.choice(["JPY", "GBP", "EUR"])
    return Defective(
        ledger(deposit(date(2020, 1, 6), 1000)),
        ledger(deposit(date(2020, 1, 6), 1000), deposit(day_of(rng, last=date(2020, 1, 10)), 77, currency)),
    )


def ended(rng: Random) -> Defective:
    """A security held, bought or sold after its last listed day, with and without a delisting on record, or expired."""
    symbol = rng.choice(["YEW", "ASP", "OPT"])
    entries = [deposit(date(2020, 1, 6), 90000, "USD"), buy(date(2020, 1, 7), symbol, 10, 8)]
    if rng.random() < 0.5:
        entries.append(sell(day_of(rng, date(2020, 1, 20)), symbol, rng.choice([4, 10]), 7))
    return either(rng, ledger(*entries))


def long_ended(rng: Random) -> Defective:
    return either(rng, ledger(deposit(date(2020, 1, 6), 5000, "USD"), buy(day_of(rng), "LAR", 10, 5)))


def without_price(rng: Random) -> Defective:
    symbol, currency = rng.choice([("FIG", "USD"), ("BND", "USD"), ("TEA", "THB")])
    return either(
        rng,
        ledger(deposit(date(2020, 1, 6), 5000, currency), buy(day_of(rng), symbol, rng.randint(1, 9), 40, currency)),
    )


def split_elsewhere(rng: Random) -> Defective:
    """A split a day beside the pack's, by another ratio, or not booked."""
    entries = [deposit(date(2020, 1, 6), 9000, "USD"), buy(date(2020, 1, 7), "PIN", 10, 60)]
    if (kind := rng.choice(["day", "ratio", "none"])) != "none":
        on = SPLIT if kind == "ratio" else rng.choice([date(2020, 1, 15), date(2020, 1, 17)])
        entries.append(split(on, date(2020, 1, 7), 10, 60, ratio=3 if kind == "ratio" else 2))
    return either(rng, ledger(*entries))


def early(rng: Random) -> Defective:
    """A ledger that begins before the first pack."""
    on = rng.choice([day for day in DAYS if day < FIRST])
    return either(rng, ledger(deposit(on, 4000, "USD"), buy(on, "OAK", 10, 99)))


def late(rng: Random) -> Defective:
    """A ledger that begins on the last day, or after it."""
    return either(rng, ledger(deposit(LAST + timedelta(days=rng.randint(0, 9)), 10)))


def cash_alone(rng: Random) -> Defective:
    return either(rng, ledger(deposit(day_of(rng), rng.randint(1, 5000), rng.choice(["CAD", "USD"]))))


def nothing_in_it(rng: Random) -> Defective:
    return either(rng, ledger())


def all_gone(rng: Random) -> Defective:
    """Sold out and paid out, so that nothing is left; or less than nothing."""
    more = rng.choice([0, 1, 500])
    return either(
        rng,
        ledger(
            deposit(date(2020, 1, 6), 1000, "USD"),
            buy(date(2020, 1, 7), "ELM", 10, 10),
            sell(date(2020, 1, 9), "ELM", 10, 10),
            withdrawal(date(2020, 1, 13), 1000 + more, "USD"),
        ),
    )


def unreadable(rng: Random) -> Defective:
    """A folder that can't be parsed: from the beginning, or any more."""
    good = ledger(deposit(date(2020, 1, 6), 500))
    bad = rng.choice([
        b"\xff\xfe\x00garbage",
        b"",
        good + 'plugin "os"\n',
        good + '2020-01-09 * "Deposit" "does not balance"\n  id: "X"\n  Assets:Cash:CAD  10 CAD\n  Equity:External  -9 CAD\n',
        good + 'include "../../elsewhere.beancount"\n',
        good + "2020-13-77 open Assets:Nothing\n",
        good + "(" * 5000,
    ])  # fmt: skip
    return Defective(before=bad) if rng.random() < 0.5 else Defective(good, bad)


def sold_before_bought(rng: Random) -> Defective:
    good = ledger(deposit(date(2020, 1, 6), 500, "USD"))
    bad = good + sell(date(2020, 1, 8), "OAK", 3, 100).replace("ID", "S1")
    return rng.choice([Defective(before=bad), Defective(good, bad)])


def unknown_symbol(rng: Random) -> Defective:
    return Defective(before=ledger(deposit(date(2020, 1, 6), 500, "USD")) + "2020-01-06 open Assets:Shares:ZZZ ZZZ\n"
                     + buy(date(2020, 1, 7), "ZZZ", 1, 5).replace("ID", "Z1"))  # fmt: skip


def huge(rng: Random) -> Defective:
    amount = rng.choice(["1" + "0" * 30, "9" * 25 + ".99", "1" + "0" * 120, "0." + "0" * 17 + "1"])
    entries = [deposit(date(2020, 1, 6), amount, "USD")]
    if rng.random() < 0.5:
        entries.append(buy(date(2020, 1, 7), "OAK", amount, "0." + "0" * 10 + "1"))
    return either(rng, ledger(*entries))


def zero(rng: Random) -> Defective:
    first, money = date(2020, 1, 6), deposit(date(2020, 1, 6), 100, "USD")
    second = date(2020, 1, 7)
    entries = rng.choice([[deposit(first, 0)], [money, buy(second, "OAK", 0, 100)], [money, buy(second, "OAK", 3, 0)]])
    return either(rng, ledger(*entries))


def odd_base(rng: Random) -> Defective:
    """A base currency of which there is no rate, or none yet."""
    base = rng.choice(["THB", "DKK", "AED"])
    text = ledger(deposit(date(2020, 1, 6), 900, base), deposit(date(2020, 1, 7), 900, "USD"), base=base)
    return Defective(before=text, base=base)


def in_the_future(rng: Random) -> Defective:
    return either(rng, ledger(deposit(date(2020, 1, 6), 10), deposit(date(2999, 1, 1), 10)))


def without_benchmark_prices(rng: Random) -> Defective:
    return Defective(
        before=ledger(deposit(date(2020, 1, 6), 100, "USD"), buy(date(2020, 1, 7), "ELM", 3, 10)), benchmark=True
    )


def unforeseen(rng: Random) -> Defective:
    text = ledger(deposit(date(2020, 1, 6), 5000, "USD"), buy(day_of(rng), "OAK", 10, 100))
    return Defective(before=text, breaks=rng.choice(sorted(BREAKING)))


def taken_away(rng: Random) -> Defective:
    return Defective(ledger(deposit(date(2020, 1, 6), 10)), is_removed=True)


def never_entered(rng: Random) -> Defective:
    return Defective()


def stranger(rng: Random) -> Defective:
    return Defective(before=ledger(deposit(date(2020, 1, 6), 10)), is_stranger=True)


def margin(rng: Random) -> Defective:
    """Bought without money, under each method."""
    last = sell(day_of(rng, date(2020, 1, 9)), "OAK", 12, 99)
    text = ledger(buy(date(2020, 1, 7), "OAK", 10, 100), buy(date(2020, 1, 8), "OAK", 5, 90), last)
    return Defective(before=text, settings={"booking_method": rng.choice(["FIFO", "LIFO", "HIFO", "AVERAGE"])})


Defect = Callable[[Random], Defective]
DEFECTS: tuple[Defect, ...] = (
    new_currency, used_dated_back, ended, long_ended, without_price, split_elsewhere, early, late, cash_alone, nothing_in_it,
    all_gone, unreadable, sold_before_bought, unknown_symbol, huge, zero, odd_base, in_the_future, without_benchmark_prices,
    unforeseen, taken_away, never_entered, stranger, margin,
)  # fmt: skip

BREAKING = {
    "history": (Valuer, "history"),
    "compare": (reconciliation, "compare"),
    "sync": (writer, "sync"),
    "statement": (writer, "stated"),
}
UNFORESEEN = (IndexError, KeyError, ZeroDivisionError, RecursionError, ValueError, AssertionError, LedgerUnavailable)


# --- the two nights


@dataclass(frozen=True, slots=True)
class Seen:
    """What the good portfolio's owner got, and what the packs hold."""

    results: Mapping[str, str]
    packs: tuple[tuple[str, str, str], ...]


def begin(folder: Path) -> None:
    """The market, and the good portfolio. As role job."""
    for name in ("anna", "ben"):
        get_user_model().objects.create_user(name)
    for document in publishing.read_library().values():
        publishing.publish(document)
    call_command("load_market_data", str(market(folder / "market")), stdout=io.StringIO())
    for currency in ("CAD", "USD"):
        RiskFreeRate.objects.create(base_currency=currency, series_id="Y10", series_currency="USD")
    push("good", GOOD_LEDGER, owner="anna", portfolio_id=GOOD)


def policy() -> PricingPolicy:
    return PricingPolicy.objects.get(pk="ECB_EUR")


def night(first: date, last: date) -> NightlyRun:
    return nightly.run(policy=policy(), from_date=first, date=last)


def push(
    slug: str, text: str | bytes | None, *, owner: str = "ben", portfolio_id: UUID | None = None, **how: object
) -> None:
    """A folder as git would bring it, past our own doors, which refuse much of this; None takes it away."""
    if owner:
        Portfolio.objects.get_or_create(
            slug=slug,
            defaults={
                "name": slug, "owner": get_user_model().objects.get(username=owner), "base_currency": "CAD", "policy": policy(),
                **({"id": portfolio_id} if portfolio_id else {}), **how,
            },
        )  # fmt: skip
    files = {} if text is None else {"main.beancount": text if isinstance(text, bytes) else text.encode()}
    repository = LedgerRepository.open_or_create(settings.LEDGER_PATH)
    repository.commit(
        slug, files, message="pushed", author="somebody", at=timezone.now(), expected_head=repository.head()
    )


def enter(folder: Path, slug: str, text: str | bytes, defective: Defective) -> None:
    """By our own door where it lets it in, which it does with most; else by a push."""
    content = text if isinstance(text, bytes) else text.encode()
    path = folder / slug
    path.mkdir(parents=True, exist_ok=True)
    (path / "main.beancount").write_bytes(content)
    try:
        intake.import_ledger(path, owner="ben", settings=defective.settings)
    except TieoutError:
        push(slug, content, base_currency=defective.base, **defective.settings)


def nights(folder: Path, portfolios: Mapping[str, Defective]) -> Seen:
    """Both nights, with the defective portfolios beside the good one; what its owner then sees."""
    with broken({slug: each.breaks for slug, each in portfolios.items() if each.breaks}):
        for slug, each in portfolios.items():
            if each.is_stranger:
                push(slug, each.before, owner="")
            elif each.before is None and each.between is None:
                Portfolio.objects.create(
                    slug=slug, name=slug, owner=get_user_model().objects.get(username="ben"), base_currency="CAD", policy=policy()
                )  # fmt: skip
            elif each.before is not None:
                push(slug, each.before, base_currency=each.base, **each.settings)
        measured = [slug for slug, each in portfolios.items() if each.benchmark]
        if measured:
            Portfolio.objects.filter(slug__in=measured).update(benchmark=_benchmark())
        assert night(FIRST, MIDDLE).state == "done"
        for slug, each in portfolios.items():
            if each.is_removed:
                push(slug, None)
            elif each.between is not None:
                enter(folder, slug, each.between, each)
        assert night(MIDDLE + timedelta(days=1), LAST).state == "done"
        health = Client().get("/health/pack")
    assert (health.status_code, health.json()["status"], health.json()["is_fresh"]) == (200, "fresh", True)
    assert not any(slug in health.content.decode() for slug in portfolios)
    rows = PricingPack.objects.order_by("sequence")
    assert {pack.status for pack in rows} == {"fresh"}
    return Seen(answers("anna", GOOD), tuple(rows.values_list("pk", "content__content_hash", "chain_hash")))


def answers(username: str, portfolio_id: UUID) -> dict[str, str]:
    """Pattern and date -> result hash."""
    user = get_user_model().objects.get(username=username)
    found = {}
    for name, inputs in (
        ("portfolio_overview", {}),
        ("money_bridge", {}),
        ("holding_deep_dive", {"security_id": Security.objects.get(symbol="OAK").pk}),
    ):
        for day in (MIDDLE, LAST):
            request = planning.Request(name, inputs, portfolio_id=portfolio_id, asof_date=day)
            found[f"{name} {day}"] = str(executor.execute(request, user=user).metadata["result_hash"])
    return found


@transaction.atomic
def _benchmark() -> Benchmark:
    made, is_new = Benchmark.objects.get_or_create(name="Without a price", defaults={"rebalance": "daily"})
    if is_new:
        BenchmarkComponent.objects.create(benchmark=made, security=Security.objects.get(symbol="FIG"), weight=1)
    return made


@contextmanager
def broken(slugs: Mapping[str, str]) -> Iterator[None]:
    """Let what these portfolios name break on them in ways that nobody foresaw."""
    kind_of = {slug: UNFORESEEN[number % len(UNFORESEEN)] for number, slug in enumerate(slugs)}

    def breaking(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def verb(*arguments: object, **how: object) -> object:
            portfolio = how.get("portfolio")
            if name == "history":
                book = arguments[1]
                portfolio = Portfolio.objects.get(pk=book.portfolio_id)  # type: ignore[attr-defined]
            if slugs.get(getattr(portfolio, "slug", "")) == name:
                raise kind_of[portfolio.slug]("nobody foresaw it")  # type: ignore[union-attr]
            return real(*arguments, **how)

        return verb

    patches = [mock.patch.object(of, verb, breaking(name, getattr(of, verb))) for name, (of, verb) in BREAKING.items()]
    if not slugs:
        patches = []
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def made(seed: int, count: int) -> dict[str, Defective]:
    """By slug: of each kind of defect in turn, by the seed."""
    rng = Random(seed)
    kinds = [DEFECTS[number % len(DEFECTS)] for number in range(count)]
    rng.shuffle(kinds)
    return {f"bad-{number:03}-{kind.__name__.replace('_', '-')}": kind(rng) for number, kind in enumerate(kinds)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.isolation", description=__doc__)
    parser.add_argument("--portfolios", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    given = parser.parse_args()
    from tests import isolation  # pytest's own copy of this module

    isolation.PORTFOLIOS, isolation.SEEDS, isolation.FIRST_SEED = given.portfolios, given.seeds, given.first_seed
    return int(pytest.main(["tests/test_isolation.py", "-q", "-s", "-p", "no:xdist", "-k", "beside"]))


if __name__ == "__main__":
    sys.exit(main())
