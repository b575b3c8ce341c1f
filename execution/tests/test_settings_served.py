"""Every setting of a portfolio reaches its answers and their key; the figures beside were worked out by hand."""

import copy
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from config import scope
from execution import executor
from execution.executor import planning
from execution.models import Execution
from execution.night import nightly
from execution.operations import intake
from execution.patterns import publishing
from portfolio import portfolio_settings
from portfolio.models import Benchmark, BenchmarkComponent, Portfolio
from portfolio.portfolio_settings import SettingsRefused
from pricing.models import PricingPolicy, Security
from pricing.tests import folders
from tests import plugin

pytestmark = [pytest.mark.role("job"), pytest.mark.usefixtures("read_once")]

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
    request = executor.Request(pattern, {}, portfolio_id=portfolio.pk, asof_date=asof)
    return executor.execute(request, user=portfolio.owner)


def plan_of(slug):
    portfolio = Portfolio.objects.select_related("owner").get(slug=slug)
    with scope.acting_as(portfolio.owner), transaction.atomic():
        request = executor.Request("portfolio_overview", {}, portfolio_id=portfolio.pk)
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
        after = replace(before, reference_series=replace(before.reference_series, benchmark=None))
    else:
        other = copy.copy(before.portfolio)
        setattr(other, attribute, OTHERWISE[attribute])
        after = replace(before, portfolio=other)

    assert name in before.request["portfolio"]
    assert before.request["portfolio"][name] != after.request["portfolio"][name]
    assert after.key != before.key


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

    with scope.acting_as(anna), transaction.atomic():
        plan = planning.plan_again(execution)

    assert (plan.portfolio.accrual, plan.portfolio.trade_fx, plan.portfolio.policy_id) == ("cash", "ledger", "ECB_EUR")


# --- changed after the fact


def command(*arguments):
    out = io.StringIO()
    call_command("portfolio_settings", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_settings_are_shown_as_figures_are_computed_by_them(own):
    told = command("--portfolio", "by-fixing")

    assert told["settings"] == {
        "base_currency": "CAD",
        "policy": "ECB_EUR",
        "booking_method": "FIFO",
        "fees_in_cost": True,
        "flow_timing": "in_start_out_end",
        "accrual": "cash",
        "trade_fx": "fixing",
        "benchmark": None,
    }
    assert told["revision"] == 1
    assert told["kept_in"]["booking_method"] == "ledger"
    assert (told["kept_in"]["accrual"], told["kept_in"]["policy"]) == ("portfolio", "fixed")


def realised(slug):
    return ask(slug).result["gains"]["since_inception"]["realised"]["total"]


def test_booking_method_fees_and_deal_rate_are_a_revision_of_the_ledger(own):
    """Of 10 at 40 and 2, and 2 at 40.5, 4 are sold at 44 less 1, at 1.50; bought at 1.40 and 1.41."""
    anna = get_user_model().objects.get(username="anna")
    first = ask("by-ledger")

    lifo = command("--portfolio", "by-ledger", "--booking-method", "LIFO")
    by_lifo = realised("by-ledger")
    apart = command("--portfolio", "by-ledger", "--fees-in-cost", "no")
    fees_apart = ask("by-ledger").result["gains"]["since_inception"]["realised"]
    fixing = command("--portfolio", "by-ledger", "--trade-fx", "fixing")
    income = ask("by-ledger").result["gains"]["since_inception"]["income"]["dividends"]
    back = command(
        "--portfolio", "by-ledger", "--booking-method", "FIFO", "--fees-in-cost", "yes", "--trade-fx", "ledger"
    )

    assert [each["changed"] for each in (lifo, apart, fixing)] == [["booking_method"], ["fees_in_cost"], ["trade_fx"]]
    assert [each["new_revision"] for each in (lifo, apart, fixing, back)] == [2, 3, 4, 5]
    assert {each["revision_status"] for each in (lifo, apart, fixing, back)} == {"reconciled"}
    # FIFO: 37.38 as above. LIFO: 175 × 1.50 − (2 × 40.5 × 1.41 + 2 × 40.2 × 1.40)
    assert first.result["gains"]["since_inception"]["realised"]["total"] == "37.38"
    assert by_lifo == "35.73"
    # Fees apart, LIFO: 176 × 1.50 − (81 × 1.41 + 80 × 1.40) = 37.79
    assert fees_apart["price"] != "0.00"
    assert income == "26.50"
    assert back["settings"] == command("--portfolio", "by-ledger")["settings"]
    assert realised("by-ledger") == "37.38"
    assert executor.replay(first.execution_id, user=anna).result == first.result
    assert executor.fetch(first.execution_id, user=anna).result == first.result


def test_a_setting_that_is_as_wanted_makes_no_revision(own):
    told = command("--portfolio", "by-ledger", "--booking-method", "FIFO", "--accrual", "cash", "--benchmark", "none")

    assert (told["changed"], told["new_revision"], told["revision"]) == ([], None, 1)


def test_accrual_and_timing_change_what_is_asked_and_no_ledger(own):
    told = command("--portfolio", "on-cash", "--accrual", "accrual", "--flow-timing", "end")

    assert (told["changed"], told["new_revision"]) == (["flow_timing", "accrual"], None)
    assert ask("on-cash", date(2021, 3, 3)).result["bridges"]["since_inception"]["closing_value"] == "3080.00"


def test_a_change_that_was_imported_after_is_undone_without_the_settings(own, tmp_path):
    command("--portfolio", "by-ledger", "--booking-method", "LIFO")
    later = tmp_path / "later.csv"
    later.write_text("date,type,symbol,quantity,unit_price,currency\n2021-03-09,sell,OAK,1,44,USD\n")
    done = intake.import_transactions(later, slug="by-ledger")

    intake.undo_import(slug="by-ledger", import_id=done["import_id"])

    assert command("--portfolio", "by-ledger")["settings"]["booking_method"] == "LIFO"
    assert realised("by-ledger") == "35.73"


def test_what_amounts_are_booked_in_stays(own):
    anna = get_user_model().objects.get(username="anna")
    portfolio = Portfolio.objects.get(slug="by-ledger")

    with pytest.raises(SettingsRefused) as refused:
        portfolio_settings.change(
            portfolio=portfolio,
            values={
                "base_currency": "USD",
                "policy": "BOC_CAD",
                "colour": "red",
                "accrual": "maybe",
                "fees_in_cost": 1,
            },
            author="anna",
            at=datetime(2021, 3, 15, tzinfo=UTC),
        )
    with pytest.raises(IntegrityError, match="stay once there is a ledger"), transaction.atomic():
        Portfolio.objects.filter(slug="by-ledger").update(base_currency="USD")

    assert [name for name, _ in refused.value.findings] == [
        "base_currency",
        "policy",
        "colour",
        "accrual",
        "fees_in_cost",
    ]
    assert all("can't change any more" in reason for _, reason in refused.value.findings[:2])
    Portfolio.objects.create(slug="young", name="Young", owner=anna, base_currency="CAD", policy=portfolio.policy)
    assert command("--portfolio", "young", "--base-currency", "USD")["settings"]["base_currency"] == "USD"
    with pytest.raises(CommandError, match="nothing was changed"):
        command("--portfolio", "young", "--base-currency", "Euro")


def test_a_portfolio_without_a_ledger_gets_one_with_its_settings(own, tmp_path):
    anna = get_user_model().objects.get(username="anna")
    policy = PricingPolicy.objects.get(pk="ECB_EUR")
    Portfolio.objects.create(slug="young", name="Young", owner=anna, base_currency="CAD", policy=policy)

    told = command("--portfolio", "young", "--booking-method", "LIFO")
    (tmp_path / "first.csv").write_text(ABROAD)
    intake.import_transactions(tmp_path / "first.csv", slug="young")

    assert (told["settings"]["booking_method"], told["new_revision"]) == ("LIFO", 1)
    assert realised("young") == "35.73"


def test_average_cost_pools_what_was_bought_and_named_lots_have_to_be_named(own):
    command("--portfolio", "by-ledger", "--booking-method", "AVERAGE")
    pooled = realised("by-ledger")
    with pytest.raises(CommandError, match="nothing was changed"):
        command("--portfolio", "by-ledger", "--booking-method", "NAMED")

    # 175 × 1.50 − 4 of 12 of (402 × 1.40 + 81 × 1.41)
    assert pooled == "36.83"
    assert command("--portfolio", "by-ledger")["settings"]["booking_method"] == "AVERAGE"
    assert realised("by-ledger") == "36.83"


def test_a_benchmark_is_named_and_measured_against(own):
    with transaction.atomic():
        made = Benchmark.objects.create(name="Ash alone")
        BenchmarkComponent.objects.create(
            benchmark=made, security=Security.objects.get(symbol="ASH"), weight=Decimal(1)
        )

    told = command("--portfolio", "on-cash", "--benchmark", "Ash alone")
    measured = ask("on-cash").result["perf_metrics"]["benchmark_twr_1d"]
    gone = command("--portfolio", "on-cash", "--benchmark", "none")

    assert (told["settings"]["benchmark"], told["changed"]) == ("Ash alone", ["benchmark"])
    assert measured["value"] == pytest.approx(22 / 21.5 - 1, abs=1e-12)
    assert (gone["settings"]["benchmark"], ask("on-cash").result["perf_metrics"]["benchmark_twr_1d"]["status"]) == (
        None,
        "unavailable",
    )
