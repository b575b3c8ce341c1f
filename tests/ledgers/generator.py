"""Ledgers as people have them, made at random from a seed: every sale is of what is held, every price near the day's close."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal, localcontext
from fractions import Fraction

from .markets import CURRENCIES, DAILY, DIGITS, FIRST, LAST, Market
from .operations import ALL, Ledger, Operation

D = Decimal
CENT = D("0.01")
METHODS = ("FIFO", "LIFO", "HIFO", "AVERAGE")


@dataclass(frozen=True)
class Features:
    """What ledgers may hold besides the plain: for finding out which of it makes a difference."""

    all_of_it: bool = True
    other_currency: bool = True
    moves: bool = True
    terms: bool = True
    weekends: bool = True
    overdrafts: bool = True
    corporate: bool = True
    in_kind: bool = True
    unrounded: bool = True


EVERYTHING = Features()


def generate(seed: int, market: Market, features: Features = EVERYTHING, market_seed: int = 0) -> Ledger:
    """The ledger of a seed."""
    with localcontext(prec=DIGITS):
        return _Maker(seed, market, features).ledger(market_seed)


class _Maker:
    """Goes through time with what is held and what cash there is."""

    def __init__(self, seed: int, market: Market, features: Features) -> None:
        self.source = random.Random(f"ledger {seed}")
        self.seed = seed
        self.market = market
        self.features = features
        self.held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.cash: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.done: list[Operation] = []
        self.split: set[str] = set()
        self.base = self.source.choice(CURRENCIES)
        self.accounts = self.source.choice((("",), ("",), ("", "Second"), ("", "Second", "Pension")))
        self.day = FIRST
        self.symbols = self.source.sample(sorted(market.securities), self.source.randint(1, 5))

    def ledger(self, market_seed: int) -> Ledger:
        source = self.source
        early = source.random() < 0.4
        self.day = source.choice(
            [day for day in self.market.pack_days if (day < DAILY) == early and day < date(2022, 2, 1)]
        )
        self.deposit(self.account(), self.base, self._money(4000, 60000))
        if source.random() < 0.08:
            self.done.clear()  # a ledger whose first entry is something else
            self.cash.clear()
        for _ in range(source.randint(4, 45)):
            if not self._advance():
                break
            choices = self._choices()
            source.choices(list(choices), list(choices.values()))[0]()
        self._book_splits(LAST)
        if not self.done:
            self.deposit(self.account(), self.base, self._money(4000, 60000))
        operations = tuple(sorted(self.done, key=lambda each: each.date))
        return Ledger(
            name=f"g{self.seed}",
            base=self.base,
            operations=operations,
            booking_method=source.choice(METHODS),
            fees_in_cost=source.random() < 0.6,
            flow_timing=source.choice(("in_start_out_end",) * 4 + ("start", "end")),
            accrual=source.choice(("cash", "cash", "accrual")),
            trade_fx=source.choice(("ledger", "ledger", "fixing")),
            seed=self.seed,
            market_seed=market_seed,
        )

    def _choices(self) -> dict[Callable[[], None], int]:
        found = {
            self.buy: 12,
            self.sell: 8,
            self.fx: 3,
            self.money_in: 3,
            self.withdrawal: 2,
            self.dividend: 5,
            self.reinvest: 2,
            self.interest: 1,
            self.fee: 2,
            self.tax: 1,
        }
        if self.features.in_kind:
            found |= {self.transfer_in: 1, self.transfer_out: 1}
        if len(self.accounts) > 1:
            found[self.transfer] = 2
            if self.features.moves:
                found[self.move] = 2
        if self.features.corporate:
            found |= {self.return_of_capital: 1, self.spin_off: 1, self.merger: 1}
        return found

    # --- time

    def _advance(self) -> bool:
        """To the next day that something happens on; splits on the way are booked where the security is held."""
        step = self.source.choice((0, 0, 1, 1, 3, 7, 12, 20, 40, 90 if self.day < DAILY else 30))
        to = self.day + timedelta(step)
        if to not in set(self.market.pack_days) and not (
            self.features.weekends and to > DAILY and self.source.random() < 0.3
        ):
            later = self.market.pack_on_or_after(to)
            if later is None:
                return False
            to = later
        if to > LAST:
            return False
        self._book_splits(to)
        self.day = to
        return True

    def _book_splits(self, to: date) -> None:
        due = [
            (security.split[0], symbol)
            for symbol, security in self.market.securities.items()
            if security.split is not None and self.day < security.split[0] <= to and symbol not in self.split
        ]
        for day, symbol in sorted(due):
            self.day = day
            self.split.add(symbol)
            for account in self.accounts:
                if self.held[account, symbol]:
                    self._split(account, symbol)

    def _split(self, account: str, symbol: str) -> None:
        security = self.market.securities[symbol]
        assert security.split is not None
        parts = Fraction(security.split[1])
        shown = self.source.choice((f"{parts.numerator}:{parts.denominator}", format(security.split[1], "f")))
        self.do("split", security.currency, account, symbol=symbol, ratio=shown)
        self.held[account, symbol] *= security.split[1]
        fraction = self.held[account, symbol] % 1
        if fraction and self.held[account, symbol] > 1 and self.source.random() < 0.6:
            price = self._near(symbol, security.currency)
            amount = (fraction * price * self._unit(symbol)).quantize(CENT)
            if amount > 0:
                self.do("cash_in_lieu", security.currency, account, symbol=symbol, quantity=fraction, amount=amount)
                self.held[account, symbol] -= fraction
                self.cash[account, security.currency] += amount

    # --- what there is

    def account(self) -> str:
        return self.source.choice(self.accounts)

    def do(self, kind: str, currency: str, account: str, **what: object) -> None:
        self.done.append(Operation(kind, what.pop("date", self.day), currency, account, **what))  # type: ignore[arg-type]

    def _money(self, low: int, high: int) -> Decimal:
        return D(self.source.randint(low * 100, high * 100)) / 100

    def _near(self, symbol: str, currency: str) -> Decimal:
        """A quote within two percent of the last close, in whole cents, of a unit as `unit_price` counts it."""
        security = self.market.securities[symbol]
        value = self.market.unit_value(symbol, self.day) * self.market.rate(security.currency, currency, self.day)
        per_unit = value / self._unit(symbol)
        return max((per_unit * (1 + D(self.source.randint(-20, 20)) / 1000)).quantize(CENT), CENT)

    def _unit(self, symbol: str) -> Decimal:
        """What `unit_price` x quantity is to be multiplied by: 1 but for percents and contracts."""
        security = self.market.securities[symbol]
        return security.unit if security.amount_only else D(1)

    def _fx_rate(self, currency: str) -> Decimal | None:
        """What a broker tells as rate of the day, near the fixing."""
        if currency == self.base or self.source.random() < 0.7:
            return None
        near = self.market.rate(currency, self.base, self.day) * (1 + D(self.source.randint(-40, 40)) / 10000)
        return near.quantize(D("0.00001"))

    def _deal_currency(self, symbol: str) -> str:
        usual = self.market.securities[symbol].currency
        if self.features.other_currency and self.source.random() < 0.12:
            return self.source.choice([each for each in CURRENCIES if each != usual])
        return usual

    def _held(self) -> tuple[str, str] | None:
        found = [key for key, quantity in sorted(self.held.items()) if quantity]
        return self.source.choice(found) if found else None

    def _listed(self) -> str | None:
        found = [symbol for symbol in self.symbols if self.market.is_listed(symbol, self.day) and self._fresh(symbol)]
        return self.source.choice(found) if found else None

    def _fresh(self, symbol: str) -> bool:
        """Whether its close is of about now, and of after its split."""
        try:
            self.market.unit_value(symbol, self.day)
        except LookupError:
            return False
        return True

    def _pay(self, account: str, currency: str, amount: Decimal) -> None:
        """See to the money before it is spent: a deposit, an exchange, or an overdraft now and then."""
        missing = amount - self.cash[account, currency]
        if missing <= 0 or (self.features.overdrafts and self.source.random() < 0.04):
            return
        rich = [other for other in CURRENCIES if other != currency and self.cash[account, other] > 0]
        if rich and self.source.random() < 0.5:
            other = self.source.choice(rich)
            bought = (missing * D("1.01") + 5).quantize(CENT)
            paid = (bought * self.market.rate(currency, other, self.day) * D("1.003")).quantize(CENT)
            if paid <= self.cash[account, other]:
                self._exchange(account, currency, bought, other, paid, D(0))
                return
        self.deposit(account, currency, (missing + self._money(0, 900)).quantize(CENT))

    # --- money

    def deposit(self, account: str, currency: str, amount: Decimal) -> None:
        self.do("deposit", currency, account, amount=amount)
        self.cash[account, currency] += amount

    def money_in(self) -> None:
        currency = self.source.choice((self.base, self.base, self.source.choice(CURRENCIES)))
        self.deposit(self.account(), currency, self._money(100, 20000))

    def _cash(self) -> tuple[str, str] | None:
        found = [key for key, amount in sorted(self.cash.items()) if amount > 100]
        return self.source.choice(found) if found else None

    def withdrawal(self) -> None:
        key = self._cash()
        if key is None:
            return
        part = (
            self.source.choice((10, 30, 50, 100)) if not any(self.held.values()) else self.source.choice((10, 30, 50))
        )
        amount = (self.cash[key] * part / 100).quantize(CENT, ROUND_DOWN)
        self.do("withdrawal", key[1], key[0], amount=amount)
        self.cash[key] -= amount

    def transfer(self) -> None:
        key = self._cash()
        if key is None:
            return
        to = self.source.choice([each for each in self.accounts if each != key[0]])
        amount = (self.cash[key] / 3).quantize(CENT, ROUND_DOWN)
        self.do("transfer", key[1], key[0], amount=amount, to_account=to)
        self.cash[key] -= amount
        self.cash[to, key[1]] += amount

    def fx(self) -> None:
        key = self._cash()
        if key is None:
            return
        bought = self.source.choice([each for each in CURRENCIES if each != key[1]])
        paid = (self.cash[key] * self.source.choice((1, 3, 6)) / 10).quantize(CENT, ROUND_DOWN)
        rate = self.market.rate(key[1], bought, self.day) * (1 - D(self.source.randint(0, 60)) / 10000)
        fee = self._money(1, 9) if self.source.random() < 0.3 else D(0)
        self._exchange(key[0], bought, (paid * rate).quantize(CENT), key[1], paid, fee)

    def _exchange(self, account: str, bought: str, quantity: Decimal, sold: str, paid: Decimal, fee: Decimal) -> None:
        self.do("fx", bought, account, symbol=sold, quantity=quantity, counter_amount=paid, fee=fee)
        self.cash[account, bought] += quantity - fee
        self.cash[account, sold] -= paid

    def interest(self) -> None:
        key = self._cash()
        if key is None:
            return
        amount = (self.cash[key] * D("0.003")).quantize(CENT) + CENT
        tax = (amount / 4).quantize(CENT) if self.source.random() < 0.3 else D(0)
        self.do("interest", key[1], key[0], amount=amount, tax=tax, fx_rate=self._fx_rate(key[1]))
        self.cash[key] += amount - tax

    def fee(self) -> None:
        key = self._cash()
        if key is None:
            return
        amount = self._money(1, 40)
        kind = self.source.choice(("custody", "management", "other"))
        self.do("fee", key[1], key[0], amount=amount, fee_kind=kind)
        self.cash[key] -= amount

    def tax(self) -> None:
        key = self._cash()
        if key is None:
            return
        amount = self._money(1, 60)
        self.do("tax", key[1], key[0], amount=amount)
        self.cash[key] -= amount

    # --- deals

    def _charges(self) -> tuple[Decimal, Decimal]:
        fee = self._money(0, 12) if self.source.random() < 0.7 else D(0)
        tax = self._money(0, 6) if self.source.random() < 0.15 else D(0)
        return fee, tax

    def buy(self) -> None:
        symbol = self._listed()
        if symbol is None:
            return
        account, currency = self.account(), self._deal_currency(symbol)
        price = self._near(symbol, currency)
        whole = max(int(self._money(300, 9000) / (price * self._unit(symbol))), 1)
        quantity = D(whole)
        if symbol == "COIN" or self.source.random() < 0.25:
            quantity = D(self.source.randint(1, whole * 10_000)) / 10_000
        if symbol == "BUND":
            quantity = D(whole // 1000 + 1) * 1000
        terms = self._terms(symbol, quantity, price)
        fee, tax = self._charges()
        operation = Operation(
            "buy", self.day, currency, account, symbol, quantity, terms.get("unit_price"), terms.get("amount")
        )
        self._pay(account, currency, operation.consideration + fee + tax)
        self.do(
            "buy",
            currency,
            account,
            symbol=symbol,
            quantity=quantity,
            fee=fee,
            tax=tax,
            fx_rate=self._fx_rate(currency),
            **terms,
        )
        self.held[account, symbol] += quantity
        self.cash[account, currency] -= operation.consideration + fee + tax

    def _terms(self, symbol: str, quantity: Decimal, price: Decimal) -> dict[str, Decimal]:
        """Price, amount or both; an amount is in cents, as money is paid."""
        amount = quantity * price * self._unit(symbol)
        if self.market.securities[symbol].amount_only or self.source.random() < 0.3:
            return {"amount": max(amount.quantize(CENT), CENT)}
        if amount == amount.quantize(CENT) and self.source.random() < 0.5:
            return {"unit_price": price}
        if not self.features.unrounded or self.source.random() < 0.7:
            return {"unit_price": price, "amount": max(amount.quantize(CENT), CENT)}
        return {"amount": max(amount.quantize(CENT), CENT)}

    def sell(self) -> None:
        key = self._held()
        if key is None:
            return
        account, symbol = key
        if not self._fresh(symbol):
            return
        held, currency = self.held[key], self._deal_currency(symbol)
        whole = self.features.all_of_it and self.source.random() < 0.3
        quantity = held if whole else self._part(held)
        if quantity is None or quantity <= 0:
            return
        price = self._near(symbol, currency)
        terms = self._terms(symbol, quantity, price)
        if terms.get("amount", D(1)) <= CENT:
            return
        fee, tax = self._charges()
        if whole:
            terms = {"amount": max((quantity * price * self._unit(symbol)).quantize(CENT), CENT)}
        operation = Operation(
            "sell", self.day, currency, account, symbol, quantity, terms.get("unit_price"), terms.get("amount")
        )
        if operation.consideration <= 3 * (fee + tax):
            fee, tax = D(0), D(0)
        self.do(
            "sell", currency, account, symbol=symbol, quantity=ALL if whole else quantity, fee=fee, tax=tax,
            fx_rate=self._fx_rate(currency), **terms,
        )  # fmt: skip
        self.held[key] -= quantity
        self.cash[account, currency] += operation.consideration - fee - tax

    def _part(self, held: Decimal) -> Decimal | None:
        """Some of it, at most all, in at most four decimals or as many as all has."""
        if held == held.quantize(D("0.0001")) and self.source.random() < 0.15:
            return held
        places = CENT * CENT if held < 5 or self.source.random() < 0.2 else D(1)
        part = (held * self.source.randint(5, 90) / 100).quantize(places, ROUND_DOWN)
        return part if part > 0 else None

    def dividend(self) -> None:
        key = self._held()
        if key is None or not self._fresh(key[1]):
            return
        account, symbol = key
        currency = self.market.securities[symbol].currency
        ex, pay = self.day, self.day + timedelta(self.source.choice((0, 5, 14, 30)))
        if ex != pay and any(each.kind == "buy" and each.date == ex for each in self.done):
            pass  # who buys on the ex-date gets none of it: the amount says what came
        if pay > LAST:
            return
        amount = (self.held[key] * self.market.unit_value(symbol, self.day) * D("0.006")).quantize(CENT) + CENT
        tax = (amount * 15 / 100).quantize(CENT) if self.source.random() < 0.5 else D(0)
        given = None if ex == pay and self.source.random() < 0.5 else ex
        self.do(
            "dividend", currency, account, date=pay, symbol=symbol, amount=amount, tax=tax, ex_date=given,
            fx_rate=self._fx_rate(currency),
        )  # fmt: skip
        self.cash[account, currency] += amount - tax

    def reinvest(self) -> None:
        key = self._held()
        if key is None or not self._fresh(key[1]) or self.market.securities[key[1]].amount_only:
            return
        account, symbol = key
        if not self.market.is_listed(symbol, self.day):
            return
        currency = self.market.securities[symbol].currency
        price = self._near(symbol, currency)
        quantity = D(self.source.randint(1, 300)) / 100
        amount = quantity * price
        if amount != amount.quantize(CENT):
            quantity, amount = D(1), price
        tax = (amount / 5).quantize(CENT) if self.source.random() < 0.4 else D(0)
        self.do("reinvested_dividend", currency, account, symbol=symbol, quantity=quantity, unit_price=price, tax=tax)
        self.held[key] += quantity

    def return_of_capital(self) -> None:
        key = self._held()
        if key is None or not self._fresh(key[1]):
            return
        account, symbol = key
        currency = self.market.securities[symbol].currency
        amount = (self.held[key] * self.market.unit_value(symbol, self.day) * D("0.05")).quantize(CENT)
        if amount <= 0:
            return
        self.do("return_of_capital", currency, account, symbol=symbol, amount=amount)
        self.cash[account, currency] += amount

    def _another(self, symbol: str) -> str | None:
        """Another security of the same currency that has a close."""
        securities = self.market.securities
        found = [
            other
            for other in sorted(securities)
            if other != symbol
            and securities[other].currency == securities[symbol].currency
            and not securities[other].amount_only
            and self._fresh(other)
            and self.market.is_listed(other, self.day)
        ]
        return self.source.choice(found) if found and not securities[symbol].amount_only else None

    def spin_off(self) -> None:
        key = self._held()
        other = self._another(key[1]) if key is not None and self._fresh(key[1]) else None
        if key is None or other is None:
            return
        account, symbol = key
        currency = self.market.securities[symbol].currency
        ratio = self.source.choice((D("0.1"), D("0.25"), D("0.5")))
        self.do(
            "spin_off", currency, account, symbol=symbol, to_symbol=other, ratio=format(ratio, "f"),
            unit_price=self._near(symbol, currency), to_unit_price=self._near(other, currency),
        )  # fmt: skip
        self.held[account, other] += self.held[key] * ratio

    def merger(self) -> None:
        key = self._held()
        other = self._another(key[1]) if key is not None and self._fresh(key[1]) else None
        if key is None or other is None:
            return
        account, symbol = key
        ratio = self.source.choice(("0.8", "1.25", "0.131292", "2:5"))
        self.do("merger", self.market.securities[symbol].currency, account, symbol=symbol, to_symbol=other, ratio=ratio)
        self.held[account, other] += self.held[key] * exact(ratio)
        self.held[key] = D(0)

    # --- in kind

    def transfer_in(self) -> None:
        symbol = self._listed()
        if symbol is None or self.day not in self.market.closes[symbol]:
            return
        account, currency = self.account(), self.market.securities[symbol].currency
        quantity = D(self.source.randint(1, 60)) * (1000 if symbol == "BUND" else 1)
        if symbol == "COIN":
            quantity /= 1000
        acquired = None
        if self.source.random() < 0.7:
            acquired = FIRST + timedelta(self.source.randint(0, (self.day - FIRST).days))
            acquired = self.market.pack_on_or_before(acquired)
        split = self.market.securities[symbol].split
        if acquired is not None and split is not None and acquired < split[0] <= self.day:
            acquired = None
        value = quantity * self.market.unit_value(symbol, self.day)
        cost = (value * self.source.randint(40, 120) / 100).quantize(CENT) + CENT
        self.do("transfer_in", currency, account, symbol=symbol, quantity=quantity, acquired=acquired, cost=cost)
        self.held[account, symbol] += quantity

    def transfer_out(self) -> None:
        key = self._held()
        if key is None or self.day not in self.market.closes[key[1]]:
            return
        quantity = self._part(self.held[key])
        if quantity is None:
            return
        self.do("transfer_out", self.market.securities[key[1]].currency, key[0], symbol=key[1], quantity=quantity)
        self.held[key] -= quantity

    def move(self) -> None:
        key = self._held()
        if key is None or self.day not in self.market.closes[key[1]]:
            return
        account, symbol = key
        quantity = self._part(self.held[key])
        if quantity is None:
            return
        to = self.source.choice([each for each in self.accounts if each != account])
        cost = (quantity * self.market.unit_value(symbol, self.day)).quantize(CENT) + CENT
        self.do(
            "move",
            self.market.securities[symbol].currency,
            account,
            symbol=symbol,
            quantity=quantity,
            cost=cost,
            to_account=to,
        )
        self.held[key] -= quantity
        self.held[to, symbol] += quantity


def exact(ratio: str) -> Decimal:
    """New units per old, of `3:2` or `1.5`."""
    new, _, old = ratio.partition(":")
    with localcontext(prec=DIGITS):
        return D(new) / D(old or 1)


def is_possible(ledger: Ledger, market: Market) -> bool:
    """Whether nothing is sold or moved that is not there, and every split is booked: what is left of a ledger may not be."""
    held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    due = sorted((each.split[0], each.symbol) for each in market.securities.values() if each.split is not None)
    booked = {(each.date, each.account, each.symbol) for each in ledger.operations if each.kind == "split"}
    with localcontext(prec=DIGITS):
        for each in sorted(ledger.operations, key=lambda operation: operation.date):
            while due and due[0][0] <= each.date:
                day, symbol = due.pop(0)
                if any(
                    of == symbol and quantity and (day, account, symbol) not in booked
                    for (account, of), quantity in held.items()
                ):
                    return False
            changes = list(_changes(each, held))
            if each.kind in ("split", "spin_off", "return_of_capital") and not held[each.account, each.symbol]:
                return False
            for account, symbol, change in changes:
                held[account, symbol] += change
                if held[account, symbol] < 0:
                    return False
    left = {(day, symbol) for day, symbol in due}
    return bool(ledger.operations) and not any(
        quantity and of == symbol for _, symbol in left for (_, of), quantity in held.items()
    )


def _changes(each: Operation, held: dict[tuple[str, str], Decimal]) -> Iterator[tuple[str, str, Decimal]]:
    now = held[each.account, each.symbol]
    quantity = now if each.quantity == ALL else each.quantity
    if each.quantity == ALL and not now:
        yield each.account, each.symbol, D(-1)  # nothing is there to be sold
    elif each.kind in ("buy", "reinvested_dividend", "transfer_in"):
        yield each.account, each.symbol, D(quantity or 0)
    elif each.kind in ("sell", "cash_in_lieu", "transfer_out"):
        yield each.account, each.symbol, -D(quantity or 0)
    elif each.kind == "move":
        yield each.account, each.symbol, -D(quantity or 0)
        yield each.to_account, each.symbol, D(quantity or 0)
    elif each.kind == "split":
        yield each.account, each.symbol, now * (exact(each.ratio) - 1)
    elif each.kind == "spin_off":
        yield each.account, each.to_symbol, now * exact(each.ratio)
    elif each.kind == "merger":
        yield each.account, each.to_symbol, now * exact(each.ratio)
        yield each.account, each.symbol, -now or D(-1)
