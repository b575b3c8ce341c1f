"""Each kind of thing that can differ between two answers is named, none besides, and each path that it moves is said to be its."""

from datetime import date

import pytest
from django.db import transaction
from django.utils import timezone

from compliance import versions
from compliance.models import DataSource
from execution import comparison, executor
from execution.executor import planning, running
from execution.operations import intake
from execution.patterns import publishing
from portfolio import portfolio_settings
from portfolio.models import Benchmark, BenchmarkComponent, Portfolio
from pricing.models import RiskFreeRate, Security
from tests import small
from tests.small import ACCOUNTS, CONVERSION, DEPOSIT, LEDGER, PURCHASE, SECOND_PURCHASE

pytestmark = pytest.mark.role("job")

INFERRING = '2020-01-06 custom "tieout" "infer-deposits" "*"\n'
SAME_DAY = SECOND_PURCHASE.replace("ELM", "OAK").replace("2020-01-08", "2020-01-07")
BEYOND_THE_CASH = """
2020-01-08 * "Buy" "more than there is money for"
  id: "B7"
  fx_trade: "USDCAD=1.30"
  Assets:Shares:OAK  100 OAK {102 USD}
  Assets:Cash:USD  -10200.00 USD
"""
DIVIDEND = "2020-01-09,2020-01-10,OAK,dividend,,{amount},USD,wood,,\n"


class Desk:
    """One portfolio, asked again after each change."""

    def __init__(self, folder):
        self.folder, self.loads = folder, 0

    def ask(self, pattern="portfolio_overview", asof_date=None, **inputs):
        portfolio = small.portfolio()
        request = executor.Request(pattern, inputs, portfolio_id=portfolio.pk, asof_date=asof_date)
        return executor.execute(request, user=portfolio.owner)

    def compare(self, before, after):
        return comparison.compare(before.execution_id, after.execution_id, user=small.portfolio().owner)

    def load(self, **how):
        self.loads += 1
        intake.load_market_data(str(small.market(self.folder / f"market{self.loads}", **how)))
        small.night(small.policy(), restates=f"load {self.loads}")

    def take_in(self, text):
        taken = small.take_in(self.folder, text)
        assert taken["status"] == "reconciled", taken


@pytest.fixture
def desk(after_night, tmp_path):
    for document in publishing.read_library().values():
        publishing.publish(document)
    return Desk(tmp_path)


def names(compared):
    return [(cause.kind, cause.name) for cause in compared.causes]


def choose_benchmark(**weights):
    with transaction.atomic():
        benchmark, _ = Benchmark.objects.get_or_create(name="Mixed")
        benchmark.components.all().delete()
        for symbol, weight in weights.items():
            security = Security.objects.get(symbol=symbol)
            BenchmarkComponent.objects.create(benchmark=benchmark, security=security, weight=weight)
    Portfolio.objects.update(benchmark=benchmark)


def set_flow_timing(value):
    portfolio_settings.change(
        portfolio=small.portfolio(), values={"flow_timing": value}, author="test", at=timezone.now()
    )


CHANGES = {
    "dividend": (
        lambda desk: desk.load(),
        lambda desk: desk.load(actions=DIVIDEND.format(amount="0.5")),
        [("pack_row", "OAK dividend 2020-01-09")],
    ),
    "dividend restated": (
        lambda desk: desk.load(actions=DIVIDEND.format(amount="0.5")),
        lambda desk: desk.load(actions=DIVIDEND.format(amount="0.7")),
        [("pack_row", "OAK dividend 2020-01-09")],
    ),
    "sealed again": (lambda desk: None, lambda desk: desk.load(), [("pack", "pricing_pack_id")]),
    "benchmark defined anew": (
        lambda desk: choose_benchmark(OAK="1"),
        lambda desk: choose_benchmark(OAK="0.6", ELM="0.4"),
        [("setting", "benchmark")],
    ),
    "risk-free series": (
        lambda desk: None,
        lambda desk: RiskFreeRate.objects.create(base_currency="CAD", series_id="Y10", series_currency="USD"),
        [("setting", "risk_free")],
    ),
    "another day": (
        lambda desk: None,
        lambda desk: desk.take_in(LEDGER.replace('06 * "Deposit"', '07 * "Deposit"')),
        [("transaction", "D1")],
    ),
    "removed": (
        lambda desk: desk.take_in(LEDGER + SECOND_PURCHASE),
        lambda desk: desk.take_in(LEDGER),
        [("transaction", "B2")],
    ),
    "in two": (
        lambda desk: None,
        lambda desk: desk.take_in(
            LEDGER.replace("10000.00", "4000.00") + DEPOSIT.replace("10000", "6000").replace("D1", "D2")
        ),
        [("transaction", "D1"), ("transaction", "D2")],
    ),
    "other words": (
        lambda desk: None,
        lambda desk: desk.take_in(LEDGER.replace("Buy 10 OAK", "Ten of them")),
        [("transaction", "B1")],
    ),
    "a comment": (lambda desk: None, lambda desk: desk.take_in(LEDGER + "; nothing\n"), []),
    "another order": (
        lambda desk: desk.take_in(LEDGER + SAME_DAY),
        lambda desk: desk.take_in(ACCOUNTS + DEPOSIT + CONVERSION + SAME_DAY + PURCHASE),
        [("transaction", "B2")],
    ),
    "earlier in the day": (
        lambda desk: desk.take_in(ACCOUNTS + DEPOSIT + CONVERSION + PURCHASE),
        lambda desk: desk.take_in(ACCOUNTS + DEPOSIT + CONVERSION + SAME_DAY + PURCHASE),
        [("transaction", "B2")],
    ),
    "a deposit that follows": (
        lambda desk: desk.take_in(ACCOUNTS + INFERRING + DEPOSIT + CONVERSION + PURCHASE),
        lambda desk: desk.take_in(ACCOUNTS + INFERRING + DEPOSIT + CONVERSION + PURCHASE + BEYOND_THE_CASH),
        [("transaction", "B7")],
    ),
    "two at once": (
        lambda desk: None,
        lambda desk: (set_flow_timing("end"), desk.take_in(LEDGER.replace("10000.00", "12000.00"))),
        [("transaction", "D1"), ("setting", "flow_timing")],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_named_and_none_besides(desk, change):
    first, second, right = CHANGES[change]
    first(desk)
    before = desk.ask()
    second(desk)
    after = desk.ask()

    compared, back = desk.compare(before, after), desk.compare(after, before)

    assert names(compared) == right
    kinds = {kind for kind, _ in right}
    assert all(moved and set(moved) <= kinds for moved in compared.moved_by.values())
    assert bool(compared.differences) == (before.metadata["result_hash"] != after.metadata["result_hash"])
    assert sorted(names(back)) == sorted(right)
    assert [(each.path, each.after, each.before) for each in back.differences] == [
        (each.path, each.before, each.after) for each in compared.differences
    ]


def test_the_as_of_date_moves_its_own_beside_a_setting(desk):
    before = desk.ask(asof_date=date(2020, 1, 9))
    set_flow_timing("end")

    compared = desk.compare(before, desk.ask())

    assert names(compared) == [("setting", "flow_timing"), ("input", "asof_date")]
    assert compared.moved_by["/gains/asof_date"] == ("input",)
    assert compared.moved_by["/contribution/lookback/flow_timing"] == ("setting",)


def test_an_input_moves_its_own(desk):
    before, after = (desk.ask("portfolio_summary", currency=currency) for currency in ("CAD", "USD"))

    compared = desk.compare(before, after)

    assert names(compared) == [("input", "currency")]
    assert {each.path.split("/")[1] for each in compared.differences} == {"converted"}


def test_what_became_known_of_an_earlier_day_is_named_between_answers_of_two_days(desk):
    """The pack of the earlier day stays as it was: what the later one knows besides is a row, too."""
    before = desk.ask(asof_date=date(2020, 1, 9))
    desk.loads += 1
    folder = small.market(desk.folder / "late")
    (folder / "macro.csv").write_text(
        "date,series_id,value,source,known_at\n2020-01-06,Y10,1.88,bureau,2020-01-07\n2020-01-07,Y10,1.90,bureau,2020-01-08\n"
    )
    intake.load_market_data(str(folder))
    small.night(small.policy(), first=date(2020, 1, 10), restates="late")

    compared = desk.compare(before, desk.ask())

    assert ("pack_row", "Y10 2020-01-07") in names(compared)
    assert ("input", "asof_date") in names(compared)


def test_an_input_that_only_one_version_asks_for_is_no_change_at_its_default(desk):
    def document(version, **inputs):
        (shipped,) = (each for each in publishing.read_library().values() if each["id"] == "money_bridge")
        return {**shipped, "id": "own_bridge", "version": version, "inputs": {**shipped["inputs"], **inputs}}

    publishing.publish(document("1.0.0"))
    before = desk.ask("own_bridge")
    publishing.publish(document("1.1.0", width={"type": "integer", "default": 3, "description": "No step reads it."}))

    compared = desk.compare(before, desk.ask("own_bridge"))
    asked_otherwise = desk.compare(before, desk.ask("own_bridge", width=4))

    assert (names(compared), compared.differences) == ([("pattern", "version")], [])
    assert names(asked_otherwise) == [("input", "width"), ("pattern", "version")]


def test_an_engine_and_a_setting_each_move_their_own(desk, monkeypatch):
    before = desk.ask()
    for module in (planning, running):
        monkeypatch.setattr(module, "engine_version", lambda: "0.0.9+other")
    set_flow_timing("end")

    compared = desk.compare(before, desk.ask())

    assert names(compared) == [("setting", "flow_timing"), ("engine", "engine_version")]
    assert set(compared.moved_by.values()) == {("setting",)}


def test_of_rows_that_may_not_be_shown_neither_number_nor_name_nor_day_is_told(desk, monkeypatch):
    before = desk.ask()
    monkeypatch.setattr(small, "CLOSES", {**small.CLOSES, "OAK": ("100", "101.5", "102.5", "104", "103")})
    desk.load()
    after = desk.ask()
    shown = desk.compare(before, after)
    DataSource.objects.filter(code="wood").update(display="deny")
    versions.propose(reason="taken back", by=None)

    withheld = desk.compare(before, after)

    assert [cause.name for cause in shown.causes] == ["OAK", "OAK"]
    (told,) = withheld.causes
    assert told.as_dict() == {
        "kind": "pack_row", "name": "wood", "row": None, "pack_id": "PP_2020-01-10_ECB_EUR_r2", "change": None,
        "effect_bp": None, "withheld": True, "sources": ["wood"], "before": None, "after": None,
    }  # fmt: skip
    assert "valued_positions" in withheld.withheld
    assert not any(each.path.split("/")[1] in withheld.withheld for each in withheld.differences)
