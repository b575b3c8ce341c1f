"""What two packs say differently: rows by kind, and the value of each portfolio."""

import csv
import json
import re
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command

from compliance import registry as market_rights
from compliance.tests.test_decisions import USES, terms
from execution.operations import pack_diff
from pricing import market, packs
from pricing.models import PackObservation, PackPrice, PricingPack
from pricing.tests import folders, market_data
from pricing.tests.folders import DATA
from pricing.tests.test_archive import needs_data

OTHER_RUN = UUID(int=2)
GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden"


@pytest.fixture
def policy(db, tmp_path, settings):
    settings.VAR = tmp_path / "var"
    return market_data.loaded(tmp_path)


def restated(policy, day, folder, changes):
    market_data.loaded(folder, changes)
    return market_data.build(policy, day, day, run=OTHER_RUN, restate_reason="corrected")[0]


@pytest.mark.role("job")
def test_a_restatement_differs_in_the_rows_that_were_corrected(policy, tmp_path):
    *_, before = market_data.build(policy)
    prices = folders.SMALL["prices.csv"].replace("OAK,52.1,", "OAK,52.621,")
    macro = folders.SMALL["macro.csv"].replace("CPI1,257.8", "CPI1,257.9")
    after = restated(policy, before.asof_date, tmp_path, {"prices.csv": prices, "macro.csv": macro})

    found = pack_diff.find_changes(before, after)

    assert [(each.kind, each.key, each.change, each.fields) for each in found] == [
        ("price", "OAK", "changed", ("close",)),
        ("observation", "CPI1 2019-11-01", "changed", ("value",)),
    ]
    assert found[0].effect_bp == Decimal(100)  # 52.621 / 52.1 = 1.01
    assert pack_diff.change_as_dict(found[0])["fields"] == {"close": ["52.1", "52.621"]}


@pytest.mark.role("job")
def test_a_split_that_is_told_late_is_in_the_restatement_alone(policy, tmp_path):
    """Two for one on the 6th, told of after the packs were sealed: by then its halved close had passed as an extreme one."""
    market_data.loaded(tmp_path / "before", {"corporate_actions.csv": None})
    built = {pack.asof_date: pack for pack in market_data.build(policy)}
    before = built[date(2020, 1, 6)]
    sealed = PackPrice.objects.filter(content=before.content_id).order_by("id")
    rows, chain = list(sealed.values_list()), before.chain_hash
    actions = (
        folders.SMALL["corporate_actions.csv"].rsplit("2020-01-07,2020-01-21", 1)[0].replace("2020-01-03,ok", ",ok")
    )

    after = restated(policy, before.asof_date, tmp_path / "after", {"corporate_actions.csv": actions})

    found = pack_diff.find_changes(before, after)
    assert [(each.kind, each.key, each.change, each.fields) for each in found] == [
        ("price", "OAK", "changed", ("flags",)),
        ("action", "OAK split 2020-01-06", "added", ("ratio", "currency", "source")),
    ]
    assert pack_diff.change_as_dict(found[0])["fields"] == {"flags": ["extreme", ""]}
    assert [market.actions(pack) for pack in built.values()] == [[]] * 6
    assert [action.ratio for action in market.actions(after)] == [2]
    assert list(sealed.values_list()) == rows
    assert packs.find(pack_id=before.pk).chain_hash == chain
    assert packs.verify(policy=policy) is None


@pytest.mark.role("job")
def test_a_row_of_one_pack_alone_is_added_or_removed(policy):
    built = market_data.build(policy)
    day_of_split = built[[pack.asof_date for pack in built].index(date(2020, 1, 3))]

    forth, back = (pack_diff.find_changes(*pair) for pair in ((built[0], day_of_split), (day_of_split, built[0])))

    (action,) = (each for each in forth if each.kind == "action")
    assert (action.key, action.change, action.before) == ("OAK split 2020-01-06", "added", None)
    assert [each.change for each in back if each.kind == "action"] == ["removed"]


@pytest.mark.role("job")
def test_a_pack_does_not_differ_from_itself_nor_its_reseal(policy):
    head = market_data.build(policy)[-1]
    restated = market_data.build(policy, date(2020, 1, 2), date(2020, 1, 2), run=OTHER_RUN, restate_reason="again")
    assert restated
    resealed = packs.reseal(policy=policy, run=OTHER_RUN)

    assert pack_diff.find_changes(head, head) == []
    assert pack_diff.find_changes(head, resealed) == []


@needs_data
@pytest.mark.role("job")
def test_a_later_vintage_is_told_row_by_row_and_leaves_the_earlier_pack_as_it_was(policy, tmp_path):
    """The data folder's restatements.csv: CPI as first used and as revised."""
    rows = list(csv.DictReader(StringIO((DATA / "restatements.csv").read_text())))
    day = date(2023, 10, 16)

    def macro(vintage):
        return "date,series_id,value,source\n" + "".join(
            f"{row['date']},{row['series_id']},{row[vintage]},bureau\n" for row in rows
        )

    described = "id,title,unit,frequency,source\n" + "".join(
        f"{series},{series},index,M,bureau\n" for series in sorted({row["series_id"] for row in rows})
    )
    prices = folders.SMALL["prices.csv"] + f"{day},OAK,53,USD,wood\n"
    rates = folders.SMALL["fx.csv"] + f"{day},EUR,USD,1.0538,central\n"
    traded = {"prices.csv": prices, "fx.csv": rates, "macro_series.csv": described}
    market_data.loaded(tmp_path, {**traded, "macro.csv": macro("value_d0")})
    d0 = market_data.build(policy, day, day)[0]
    sealed = list(PackObservation.objects.filter(content=d0.content_id).order_by("id").values_list())
    d1 = restated(policy, day, tmp_path, {**traded, "macro.csv": macro("value_d1")})

    found = pack_diff.find_changes(d0, d1)

    assert len(found) == len(rows) == 57
    told = {each["key"]: each for each in map(pack_diff.change_as_dict, found)}
    for row in rows:
        each = told[f"{row['series_id']} {row['date']}"]
        assert each["fields"] == {"value": [row["value_d0"], row["value_d1"]]}
        assert float(each["effect_bp"]) == pytest.approx(float(row["change_bp"]), abs=0.006)
    assert list(PackObservation.objects.filter(content=d0.content_id).order_by("id").values_list()) == sealed
    assert packs.verify(policy=policy) is None


@pytest.mark.role("job")
def test_each_portfolio_is_valued_at_both_packs(demo):
    before, after = (packs.find(pack_id=f"PP_2013-{day}_ECB_EUR_r1") for day in ("02-28", "03-01"))

    diff = pack_diff.compare(before, after)

    values = {row["portfolio"]: row for row in pack_diff.as_dict(diff)["portfolios"]}
    public = {row["date"]: row for row in csv.DictReader(StringIO((GOLDEN / "public_nav.csv").read_text()))}
    told = values["public"]
    assert Decimal(told["before"]) == pytest.approx(Decimal(public["2013-02-28"]["nav_base"]), abs=Decimal("0.01"))
    assert told["after"] == "756411.71"
    assert set(values) == {"public", "second"}
    assert pack_diff.day_before(after) == before
    assert diff.counts["price"] == 4


@pytest.mark.role("job")
def test_the_command_prints_both_ways(policy, tmp_path):
    market_rights.enter_sources({"wood": terms(dict.fromkeys(USES, "attribute"), "Wood")}, reason="a folder")
    *_, before = market_data.build(policy)
    after = restated(
        policy,
        before.asof_date,
        tmp_path,
        {"prices.csv": folders.SMALL["prices.csv"].replace("OAK,52.1,", "OAK,52.621,")},
    )
    text, document = StringIO(), StringIO()

    call_command("pack_diff", before.pk, after.pk, stdout=text)
    call_command("pack_diff", before.pk, after.pk, json=True, stdout=document)

    assert "changed  price       OAK: close 52.1 -> 52.621 (100.0000 bp)" in text.getvalue()
    assert json.loads(document.getvalue())["changes"][0]["fields"] == {"close": ["52.1", "52.621"]}


@pytest.mark.role("job")
def test_numbers_of_a_source_that_may_not_be_shown_are_left_out(policy, tmp_path):
    *_, before = market_data.build(policy)
    prices = folders.SMALL["prices.csv"].replace("OAK,52.1,", "OAK,52.621,")
    after = restated(policy, before.asof_date, tmp_path, {"prices.csv": prices})
    text, document = StringIO(), StringIO()

    call_command("pack_diff", before.pk, after.pk, stdout=text)
    call_command("pack_diff", before.pk, after.pk, json=True, stdout=document)

    assert "changed  price       OAK: close withheld" in text.getvalue()
    (change,) = json.loads(document.getvalue())["changes"]
    assert (change["fields"], change["effect_bp"], change["withheld"]) == ({"close": [None, None]}, None, True)


@pytest.mark.role("job")
def test_an_unknown_pack_is_named(policy):
    with pytest.raises(CommandError, match="no pricing pack PP_nothing"):
        call_command("pack_diff", "PP_nothing", "PP_nothing")


def test_staff_see_the_differences_to_the_day_before_by_effect(demo):
    client = demo.client("viewer")

    page = client.get("/admin/pricing/pricingpack/PP_2013-03-01_ECB_EUR_r1/change/").content.decode()
    diff = client.get("/admin/pricing/pricingpack/PP_2013-03-01_ECB_EUR_r1/diff/").content.decode()

    assert 'href="/admin/pricing/pricingpack/PP_2013-03-01_ECB_EUR_r1/diff/"' in page
    assert "PP_2013-02-28_ECB_EUR_r1" in diff
    prices = [symbol for symbol in re.findall(r'<th scope="row">(.*?)</th>', diff) if symbol.isalpha()]
    closes = {
        symbol: [
            float(PackPrice.objects.get(content__packs=f"PP_2013-{day}_ECB_EUR_r1", security__symbol=symbol).close)
            for day in ("02-28", "03-01")
        ]
        for symbol in prices
    }
    assert prices == sorted(prices, key=lambda symbol: -abs(closes[symbol][1] / closes[symbol][0] - 1))
    assert set(prices) == {"AAPL", "GOOG", "IBM", "MSFT"}


def test_the_first_pack_has_no_day_before_and_others_than_staff_see_no_page(demo):
    first = demo.client("viewer").get("/admin/pricing/pricingpack/PP_2002-12-02_ECB_EUR_r1/diff/")
    refused = demo.client("owner").get("/admin/pricing/pricingpack/PP_2002-12-02_ECB_EUR_r1/diff/")

    assert b"there is no day before" in first.content
    assert refused.status_code == 302


def test_a_pack_that_is_not_there_or_not_sealed_has_no_differences(private_demo):
    with private_demo.role("job"):
        PricingPack.objects.create(
            pk="PP_2013-03-04_ECB_EUR_r1", policy_id="ECB_EUR", asof_date=date(2013, 3, 4), release=1, run=uuid4()
        )
    client = private_demo.client("viewer")

    page = client.get("/admin/pricing/pricingpack/PP_2013-03-04_ECB_EUR_r1/change/").content.decode()
    answers = [
        client.get(f"/admin/pricing/pricingpack/{pack_id}/diff/").status_code
        for pack_id in ("PP_2013-03-04_ECB_EUR_r1", "PP_2013-03-01_ECB_EUR_r99", "nothing")
    ]

    assert "not sealed" in page
    assert "/diff/" not in page
    assert answers == [404] * 3
