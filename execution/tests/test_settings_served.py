"""Every setting of a portfolio reaches its answers and their key; the figures beside were worked out by hand."""

import copy
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction

from config import scope
from execution import executor, intake, nightly, planning, publishing
from execution.models import Execution
from portfolio import portfolio_settings
from portfolio.models import Benchmark, BenchmarkComponent, Portfolio
from pricing.models import PricingPolicy, Security
from pricing.tests import folders
from tests import plugin

pytestmark = pytest.mark.role("job")

DAYS = tuple(date(2021, 3, number) for number in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12))
ASH = ("20", "20.5", "20.2", "21", "21.3", "21.4", "21.1", "21.6", "21.5", "22")
OAK = ("40", "40.5", "41", "42", "43", "43.5", "44", "44", "45", "46")
PER_EURO = {"USD": ("1.21",) * 3 + ("1.23",) * 2 + ("1.25",) * 5, "CAD": ("1.56",) * 3 + ("1.63",) * 2 + ("1.70",) * 5}
"""CAD for one USD: 1.289256 until the 3rd, 1.325203 on the 4th and 5th, 1.36 from the 8th on."""

ABROAD = """\
date,type,symbol,quantity,unit_price,amount,fee,currency,fx_rate
2021-03-01,deposit,,,,5000,,USD,
2021-03-01,buy,OAK,10,40,,2,USD,1.40
2021-03-02,buy,OAK,2,40.5,,0,USD,1.41
2021-03-04,dividend,OAK,10,2,,,USD,1.45
2021-03-08,sell,OAK,4,44,,1,USD,1.50
"""
AT_HOME = """\
date,type,symbol,quantity,unit_price,amount,currency,ex_date,pay_date
2021-03-01,deposit,,,,3000,CAD,,
2021-03-01,buy,ASH,100,20,,CAD,,
2021-03-04,deposit,,,,500,CAD,,
2021-03-11,dividend,ASH,,,60,CAD,2021-03-03,2021-03-11
"""


def market(folder):
    closes = (("ASH", "CAD", ASH), ("OAK", "USD", OAK))
    prices = [
        f"{day},{symbol},{close},{currency},wood"
        for symbol, currency, each in closes
        for day, close in zip(DAYS, each, strict=True)
    ]
    rates = [
        f"{day},EUR,{quote},{rate},central"
        for quote, each in PER_EURO.items()
        for day, rate in zip(DAYS, each, strict=True)
    ]
    header = "symbol,name,currency,type,exchange,source,price_basis,first_date,last_date"
    return folders.write(
        folder,
        {
            "securities.csv": f"{header}\nASH,Ash,CAD,equity,XTSE,wood,raw,2021-01-04,\n"
            "OAK,Oak,USD,equity,XNYS,wood,raw,2021-01-04,\n",
            "prices.csv": "\n".join(["date,symbol,close,currency,source", *prices]) + "\n",
            "fx.csv": "\n".join(["date,base,quote,rate,source", *rates]) + "\n",
            "macro.csv": "date,series_id,value,source\n2021-03-01,Y10,1.5,bureau\n",
            "macro_series.csv": "id,title,unit,frequency,source\nY10,Ten years,percent,D,bureau\n",
            "corporate_actions.csv": "ex_date,pay_date,symbol,action,ratio,amount,currency,source,announced,quality\n",
        },
    )


def take_in(folder, slug, text, **settings):
    """A portfolio of anna's in CAD, with a file of transactions."""
    anna = get_user_model().objects.get(username="anna")
    policy = PricingPolicy.objects.get(pk="ECB_EUR")
    Portfolio.objects.create(slug=slug, name=slug, owner=anna, base_currency="CAD", policy=policy, **settings)
    (folder / f"{slug}.csv").write_text(text)
    return intake.import_transactions(folder / f"{slug}.csv", slug=slug)


@pytest.fixture(scope="module")
def _fortnight(migrated, django_db_blocker, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fortnight")
    with plugin.template(plugin.SHARED[plugin.EMPTY]) as name:
        with plugin.at_work(plugin.World(name), django_db_blocker), plugin.role("job"):
            for document in publishing.read_library().values():
                publishing.publish(document)
            get_user_model().objects.create_user("anna")
            intake.load_market_data(str(market(folder / "market")))
            for slug, text, settings in (
                ("by-ledger", ABROAD, {}),
                ("by-fixing", ABROAD, {"trade_fx": "fixing"}),
                ("on-cash", AT_HOME, {}),
                ("on-accrual", AT_HOME, {"accrual": "accrual"}),
            ):
                told = take_in(folder, slug, text, **settings)
                assert told["status"] == "imported", told
            policy = PricingPolicy.objects.get(pk="ECB_EUR")
            nightly.run(policy=policy, from_date=DAYS[0], date=DAYS[-1])
        yield name


@pytest.fixture
def own(_fortnight, django_db_blocker):
    yield from plugin.copy_of(_fortnight, plugin.World, django_db_blocker)


def ask(slug, asof=DAYS[-1], pattern="portfolio_overview"):
    portfolio = Portfolio.objects.select_related("owner").get(slug=slug)
    request = planning.Request(pattern, {}, portfolio_id=portfolio.pk, asof_date=asof)
    return executor.execute(request, user=portfolio.owner)


def plan_of(slug):
    portfolio = Portfolio.objects.select_related("owner").get(slug=slug)
    with scope.of(portfolio.owner), transaction.atomic():
        request = planning.Request("portfolio_overview", {}, portfolio_id=portfolio.pk)
        return planning.prepare(request, user=portfolio.owner)


OTHERWISE = {
    "base_currency": "USD",
    "policy_id": "BOC_CAD",
    "booking_method": "LIFO",
    "fees_in_cost": False,
    "flow_timing": "end",
    "accrual": "accrual",
    "trade_fx": "fixing",
    "benchmark_id": None,
}


@pytest.mark.parametrize("name", portfolio_settings.SETTINGS)
def test_a_setting_of_another_value_is_another_key(own, name):
    with transaction.atomic():
        measured_against = Benchmark.objects.create(name="Ash alone")
        BenchmarkComponent.objects.create(
            benchmark=measured_against, security=Security.objects.get(symbol="ASH"), weight=Decimal(1)
        )
    Portfolio.objects.filter(slug="by-ledger").update(benchmark=measured_against)
    attribute = Portfolio._meta.get_field(name).attname
    before = plan_of("by-ledger")

    if name == "benchmark":
        after = replace(before, choices=replace(before.choices, benchmark=None))
    else:
        other = copy.copy(before.portfolio)
        setattr(other, attribute, OTHERWISE[attribute])
        after = replace(before, portfolio=other)

    assert name in before.request["portfolio"]
    assert before.request["portfolio"][name] != after.request["portfolio"][name]
    assert planning._key(after) != planning._key(before) == before.key


def test_every_field_of_a_portfolio_is_a_setting_or_says_whose_it_is(own):
    fields = {field.name for field in Portfolio._meta.concrete_fields}

    assert {*portfolio_settings.SETTINGS} == fields - {"id", "slug", "name", "owner", "created_at"}
    assert {Portfolio._meta.get_field(name).attname for name in portfolio_settings.SETTINGS} == OTHERWISE.keys()


def test_the_deal_rate_is_the_brokers_or_the_fixing_as_the_portfolio_says(own):
    gains = {slug: ask(slug).result["gains"]["since_inception"] for slug in ("by-ledger", "by-fixing")}

    assert gains["by-ledger"]["income"]["dividends"] == "29.00"  # 20 at 1.45
    assert gains["by-fixing"]["income"]["dividends"] == "26.50"  # 20 at 1.63 / 1.23
    # 4 sold at 44 less 1, 4 of 10 bought at 40 and 2: 175 at 1.50 − 160.8 at 1.40; 175 at 1.36 − 160.8 at 1.56 / 1.21
    assert gains["by-ledger"]["realised"]["total"] == "37.38"
    assert gains["by-fixing"]["realised"]["total"] == "30.69"


def test_dividends_count_from_their_ex_date_where_the_portfolio_says_so(own):
    cash, accrual = (ask(slug, date(2021, 3, 3)).result for slug in ("on-cash", "on-accrual"))

    # 100 at 20.20 and 1,000 in cash; 60 to come from that day on.
    assert cash["valued_positions"]["total_value"] == accrual["valued_positions"]["total_value"] == "3020.00"
    assert accrual["valued_positions"]["accrued_value"] == "3080.00"
    assert cash["bridges"]["since_inception"]["closing_value"] == "3020.00"
    assert accrual["bridges"]["since_inception"]["closing_value"] == "3080.00"
    assert (cash["bridges"]["since_inception"]["income"], accrual["bridges"]["since_inception"]["income"]) == (
        "0.00",
        "60.00",
    )
    assert cash["perf_metrics"]["twr_itd"]["value"] == pytest.approx(20 / 3000, abs=1e-12)
    assert accrual["perf_metrics"]["twr_itd"]["value"] == pytest.approx(80 / 3000, abs=1e-12)


def test_when_flows_count_changes_the_return_that_is_served(own):
    # The close of the 3rd is 3,020.00, of the 4th 3,600.00 with 500 that came in.
    before = ask("on-cash", date(2021, 3, 4)).result["perf_metrics"]["twr_1d"]["value"]
    Portfolio.objects.filter(slug="on-cash").update(flow_timing="end")
    after = ask("on-cash", date(2021, 3, 4)).result["perf_metrics"]["twr_1d"]["value"]

    assert before == pytest.approx(3600 / 3520 - 1, abs=1e-12)
    assert after == pytest.approx(3100 / 3020 - 1, abs=1e-12)


def test_an_answer_of_before_replays_under_the_settings_that_it_had(own):
    anna = get_user_model().objects.get(username="anna")
    first = ask("on-cash", date(2021, 3, 4))

    Portfolio.objects.filter(slug="on-cash").update(flow_timing="end", accrual="accrual")

    assert ask("on-cash", date(2021, 3, 4)).execution_id != first.execution_id
    assert executor.replay(first.execution_id, user=anna).result == first.result
    assert executor.fetch(first.execution_id, user=anna).result == first.result


def test_a_request_on_record_that_tells_fewer_settings_replays_as_it_was_computed(own):
    """Requests did once not tell accrual and deal rate: what they were answered with is cash and the ledger's rates."""
    anna = get_user_model().objects.get(username="anna")
    first = ask("on-cash", date(2021, 3, 4))
    execution = Execution.objects.get(pk=first.execution_id)
    for name in ("accrual", "trade_fx", "policy"):
        del execution.request["portfolio"][name]
    Portfolio.objects.filter(slug="on-cash").update(accrual="accrual")

    with scope.of(anna), transaction.atomic():
        plan = planning.as_it_was(execution)

    assert (plan.portfolio.accrual, plan.portfolio.trade_fx, plan.portfolio.policy_id) == ("cash", "ledger", "ECB_EUR")
