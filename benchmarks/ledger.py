"""Ledgers of made-up trades."""

import random
from collections.abc import Iterator
from datetime import date, timedelta

SYMBOLS = tuple(f"SEC{chr(65 + number)}" for number in range(20))
FIRST, LAST = date(2015, 1, 2), date(2024, 12, 31)
LOTS = 30


def ledger(transactions: int, *, seed: int = 20251022) -> str:
    return "".join(_lines(transactions, random.Random(seed + transactions)))


def _lines(count: int, chance: random.Random) -> Iterator[str]:
    yield 'option "title" "bench"\noption "operating_currency" "USD"\noption "booking_method" "FIFO"\n'
    for account in ("Assets:Cash USD", "Income:Gains USD", "Equity:External USD", "Expenses:Fees USD"):
        yield f"{FIRST} open {account}\n"
    for symbol in SYMBOLS:
        yield f"{FIRST} open Assets:Broker:{symbol} {symbol}\n{FIRST} open Income:Dividends:{symbol} USD\n"
    yield f'{FIRST} * "initial deposit"\n  Assets:Cash  100000000.00 USD\n  Equity:External\n'
    price = {symbol: 50.0 + 5 * number for number, symbol in enumerate(SYMBOLS)}
    lots: dict[str, list[int]] = {symbol: [] for symbol in SYMBOLS}
    span, month = (LAST - FIRST).days - 5, 0
    for number in range(1, count):
        day = FIRST + timedelta(days=1 + number * span // count)
        if day.month != month:
            month = day.month
            for symbol in SYMBOLS:
                price[symbol] = round(price[symbol] * (1 + chance.gauss(0.005, 0.04)), 4)
                yield f"{day} price {symbol} {price[symbol]:.4f} USD\n"
        symbol, drawn = chance.choice(SYMBOLS), chance.random()
        at, held = round(price[symbol] * (1 + chance.uniform(-0.01, 0.01)), 2), lots[symbol]
        if len(held) >= LOTS:
            drawn = 0.6
        if drawn < 0.50 or not held:
            held.append(chance.randint(1, 100))
            yield f'{day} * "buy {symbol}"\n  Assets:Broker:{symbol}  {held[-1]} {symbol} {{{at:.2f} USD}}\n'
            yield "  Expenses:Fees  1.00 USD\n  Assets:Cash\n"
        elif drawn < 0.75:
            taken = sum(held[: (16 if len(held) > 20 else 1)])
            del held[: (16 if len(held) > 20 else 1)]
            yield f'{day} * "sell {symbol}"\n  Assets:Broker:{symbol}  -{taken} {symbol} {{}} @ {at:.2f} USD\n'
            yield f"  Assets:Cash  {taken * at:.2f} USD\n  Income:Gains\n"
        elif drawn < 0.90:
            amount = sum(held) * 0.01
            yield f'{day} * "dividend {symbol}"\n  Assets:Cash  {amount:.2f} USD\n'
            yield f"  Income:Dividends:{symbol}  -{amount:.2f} USD\n"
        else:
            yield f'{day} * "deposit"\n  Assets:Cash  {chance.randint(100, 9999)}.00 USD\n  Equity:External\n'
