"""One change between two answers - a close, a rate, a transaction, a setting - is named, and nothing besides."""

from copy import deepcopy
from random import Random
from time import perf_counter

import pytest
from django.utils import timezone

from execution import comparison, executor
from execution.operations import intake
from execution.patterns import publishing
from portfolio import portfolio_settings
from tests import planted, small
from tests.small import WEEK

pytestmark = pytest.mark.role("job")

SETTINGS = {
    "accrual": ("cash", "accrual"),
    "flow_timing": ("in_start_out_end", "start", "end"),
    "fees_in_cost": (True, False),
    "trade_fx": ("ledger", "fixing"),
    "booking_method": ("FIFO", "LIFO", "HIFO", "AVERAGE"),
}
DEPOSIT = """
2020-01-{day:02} * "Deposit" "planted"
  id: "{entry_id}"
  Assets:Cash:CAD  {amount}.00 CAD
  Equity:External  -{amount}.00 CAD
"""


class Planting:
    """A week's market and a ledger, changed one by one."""

    def __init__(self, monkeypatch, folder):
        self.monkeypatch, self.folder = monkeypatch, folder
        self.closes = deepcopy({symbol: list(closes) for symbol, closes in small.CLOSES.items()})
        self.rates = deepcopy({quote: list(rates) for quote, rates in small.RATES.items()})
        self.deposits: dict[str, tuple[int, int]] = {}
        self.count = 0

    def answer(self):
        user = small.portfolio().owner
        request = executor.Request("portfolio_overview", {}, portfolio_id=small.portfolio().pk)
        return executor.execute(request, user=user)

    def plant(self, kind, random):
        """Change one thing; gives what it must be named by."""
        self.count += 1
        return getattr(self, kind)(random)

    def close(self, random):
        symbol, place = random.choice(sorted(self.closes)), random.randrange(len(WEEK))
        self.closes[symbol][place] = f"{float(self.closes[symbol][place]) * random.uniform(0.97, 1.03):.4f}"
        self.load("CLOSES", self.closes)
        return ("pack_row", symbol, str(WEEK[place]))

    def rate(self, random):
        quote, place = random.choice(sorted(self.rates)), random.randrange(len(WEEK))
        self.rates[quote][place] = f"{float(self.rates[quote][place]) * random.uniform(0.99, 1.01):.6f}"
        self.load("RATES", self.rates)
        return ("pack_row", f"EUR/{quote}", str(WEEK[place]))

    def load(self, name, values):
        self.monkeypatch.setattr(small, name, values)
        intake.load_market_data(str(small.market(self.folder / f"market{self.count}")))
        small.night(small.policy(), restates=f"planted {self.count}")

    def transaction(self, random):
        how = random.choice(("add", "change", "remove")) if self.deposits else "add"
        entry_id = f"P{self.count}" if how == "add" else random.choice(sorted(self.deposits))
        if how == "remove":
            del self.deposits[entry_id]
        else:
            day = self.deposits.get(entry_id, (random.randrange(6, 11),))[0]
            self.deposits[entry_id] = (day, random.randrange(1, 5000))
        deposits = (
            DEPOSIT.format(day=day, entry_id=each, amount=amount) for each, (day, amount) in self.deposits.items()
        )
        taken = small.take_in(self.folder, small.LEDGER + "".join(deposits) + self.directives())
        assert taken["status"] == "reconciled", taken
        return ("transaction", entry_id, None)

    def directives(self):
        """Settings that the ledger carries: who replaces a whole folder replaces them, too."""
        now = portfolio_settings.show(portfolio=small.portfolio()).values
        return f"""
2020-01-06 custom "tieout" "booking-method" "{now["booking_method"]}"
2020-01-06 custom "tieout" "fees-in-cost" {"TRUE" if now["fees_in_cost"] else "FALSE"}
2020-01-06 custom "tieout" "trade-fx" "{now["trade_fx"]}"
"""

    def setting(self, random):
        name = random.choice(sorted(SETTINGS))
        now = portfolio_settings.show(portfolio=small.portfolio()).values[name]
        value = random.choice([each for each in SETTINGS[name] if each != now])
        portfolio_settings.change(portfolio=small.portfolio(), values={name: value}, author="test", at=timezone.now())
        return ("setting", name, None)


def test_each_planted_change_is_named_and_none_besides(after_night, tmp_path, monkeypatch):
    for document in publishing.read_library().values():
        publishing.publish(document)
    planting = Planting(monkeypatch, tmp_path)
    before, named, took = planting.answer(), 0, []

    for number in range(planted.CHANGES):
        random = Random(planted.FIRST_SEED + number)
        kind, name, day = planting.plant(("close", "rate", "transaction", "setting")[number % 4], random)
        after = planting.answer()
        started = perf_counter()
        compared = comparison.compare(before.execution_id, after.execution_id, user=small.portfolio().owner)
        took.append(perf_counter() - started)
        causes = compared.causes
        assert [(cause.kind, cause.name) for cause in causes] == [(kind, name)], (number, causes)
        if day:
            assert day in causes[0].details["pack_id"]
        assert all(moved == (kind,) for moved in compared.moved_by.values())
        assert bool(compared.differences) == (before.metadata["result_hash"] != after.metadata["result_hash"])
        named += 1
        before = after

    print(
        f"{named} of {planted.CHANGES} planted changes named, none besides; compared in {sorted(took)[len(took) // 2]:.3f} s"
    )
    assert named == planted.CHANGES
