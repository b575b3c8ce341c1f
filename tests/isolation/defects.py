"""What can be wrong with a portfolio, each kind made from a random number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from tests.isolation.ledgers import DAYS, FIRST, LAST, SPLIT, buy, deposit, ledger, sell, split, withdrawal

BREAKING = ("compare", "history", "statement", "sync")
"""What of ours may break unforeseen."""


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
    settings: Mapping[str, Any] = field(default_factory=dict)


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
    broken: list[str | bytes] = [
        b"\xff\xfe\x00garbage",
        b"",
        good + 'plugin "os"\n',
        good
        + '2020-01-09 * "Deposit" "does not balance"\n  id: "X"\n  Assets:Cash:CAD  10 CAD\n  Equity:External  -9 CAD\n',
        good + 'include "../../elsewhere.beancount"\n',
        good + "2020-13-77 open Assets:Nothing\n",
        good + "(" * 5000,
    ]
    bad = rng.choice(broken)
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
    return Defective(before=text, breaks=rng.choice(BREAKING))


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


def made(seed: int, count: int) -> dict[str, Defective]:
    """By slug: of each kind of defect in turn, by the seed."""
    rng = Random(seed)
    kinds = [DEFECTS[number % len(DEFECTS)] for number in range(count)]
    rng.shuffle(kinds)
    return {f"bad-{number:03}-{kind.__name__.replace('_', '-')}": kind(rng) for number, kind in enumerate(kinds)}
