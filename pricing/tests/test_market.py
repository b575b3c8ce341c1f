"""What a calculation sees of a pack: its own day in Decimal, its past in frozen arrays, series as they were known."""

import re
from datetime import date
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pricing import fx, market, packs
from pricing.archive import loading
from pricing.models import PricingPack, Security
from pricing.packs import fingerprint, verifying
from pricing.tests import folders, market_data
from pricing.tests.folders import DATA
from pricing.tests.test_archive import needs_data

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]

OTHER_RUN = UUID(int=2)


@pytest.fixture
def policy(tmp_path):
    return market_data.loaded(tmp_path)


def test_the_market_of_a_pack_is_exact(policy):
    pack = market_data.build(policy)[-2]

    seen = market.as_of(pack)

    closes = {close.symbol: close for close in seen.closes.values()}
    assert (closes["OAK"].close, closes["OAK"].currency, closes["OAK"].source) == (Decimal(52), "USD", "wood")
    assert market.cross(seen, "USD", "CAD") == Decimal("1.300944669365721997300944669365722")  # 1.446 / 1.1115
    assert market.cross(seen, "CAD", "CAD") == 1
    assert [leg.source for leg in market.legs_between(seen, "USD", "CAD")] == ["central", "central"]


def test_a_missing_price_names_the_security_the_date_and_the_last_known_date(policy):
    policy.max_stale_sessions = 2
    policy.save()
    seen = market.as_of(packs.find(pack_id=market_data.build(policy)[-1].pk))
    ash = Security.objects.get(symbol="ASH").pk

    with pytest.raises(market.MissingPrice) as caught:
        seen.close(ash, "ASH")

    assert (caught.value.symbol, caught.value.asof_date, caught.value.last_known_date) == (
        "ASH",
        date(2020, 1, 9),
        date(2020, 1, 3),
    )


def test_what_is_sealed_later_does_not_change_what_a_pack_last_knew(policy, tmp_path):
    policy.max_stale_sessions = 2
    policy.save()
    pack = packs.find(pack_id=market_data.build(policy)[-1].pk)
    later = folders.SMALL["prices.csv"] + "2020-01-06,ASH,11.5,USD,wood\n"
    market_data.loaded(tmp_path, {"prices.csv": later})
    day = date(2020, 1, 6)
    market_data.build(policy, day, day, run=OTHER_RUN, restate_reason="a close came late")

    seen = market.as_of(pack)

    ash = Security.objects.get(symbol="ASH").pk
    assert seen.missing_price(ash, "ASH").last_known_date == date(2020, 1, 3)
    after = market.as_of(packs.reseal(policy=policy, run=OTHER_RUN))
    assert after.missing_price(ash, "ASH").last_known_date == day


def test_a_missing_rate_is_never_one(policy):
    seen = market.as_of(market_data.build(policy)[-1])

    with pytest.raises(fx.MissingRate, match="none known before"):
        market.cross(seen, "USD", "JPY")


def test_an_unsealed_pack_has_no_market(policy):
    with pytest.raises(packs.PackIncomplete):
        market_data.build(market_data.without_room(policy))

    with pytest.raises(packs.PackInError):
        market.as_of(PricingPack.objects.get(asof_date=date(2020, 1, 9)))


def test_history_has_a_row_a_day_and_a_column_a_security(policy):
    pack = market_data.build(policy)[-1]

    seen = market.history(pack)

    assert [day.day for day in seen.dates.tolist()] == [2, 3, 6, 7, 8, 9]
    assert seen.symbols == ("ASH", "ELM", "OAK")
    np.testing.assert_array_equal(seen.close[:, 2], [100.5, 101, 51.25, 51.5, 52, 52.1])
    np.testing.assert_array_equal(seen.close[:, 1], [12.345, 12.4, 12.4, 12.5, 12.51, 12.51])
    assert seen.observed[2, 1].item() == date(2020, 1, 3)
    assert seen.currencies == ("EUR", "CAD", "GBP", "USD")
    np.testing.assert_allclose(seen.fx("USD", "CAD")[[0, 4]], [1.4549 / 1.1193, 1.446 / 1.1115], rtol=1e-15)
    np.testing.assert_allclose(seen.fx_to_pivot[0], [1, 1 / 1.4549, 1 / 0.8482, 1 / 1.1193], rtol=1e-15)
    assert seen.close_sources == (("wood",),) * 3
    assert seen.fx_sources == ((), ("central",), ("central",), ("central",))
    assert seen.pack_ids[-1] == pack.pk


def test_history_agrees_with_the_market_of_each_day(policy):
    built = market_data.build(policy)

    seen = market.history(built[-1])

    for number, pack in enumerate(built):
        day = market.as_of(pack)
        oak = seen.close[number, seen.symbols.index("OAK")] * seen.fx("USD", "CAD")[number]
        exact = next(close for close in day.closes.values() if close.symbol == "OAK").close * market.cross(
            day, "USD", "CAD"
        )
        assert oak == pytest.approx(float(exact), rel=1e-9)  # docs/measurement.md, Value


def test_history_is_nan_where_a_pack_holds_nothing(policy):
    policy.max_stale_sessions = 2
    policy.save()

    seen = market.history(market_data.build(policy)[-1])

    assert np.isnan(seen.close[4:, seen.symbols.index("ASH")]).all()
    assert np.isnat(seen.observed[4:, seen.symbols.index("ASH")]).all()


def test_arrays_can_not_be_written_to(policy):
    seen = market.history(market_data.build(policy)[-1])

    for array in (seen.dates, seen.close, seen.observed, seen.fx_to_pivot):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[0]


def test_a_currency_nobody_has_a_rate_of_is_missing_by_name(policy):
    seen = market.history(market_data.build(policy)[-1])

    with pytest.raises(fx.MissingRate, match="JPY"):
        seen.fx("JPY", "USD")


def test_a_pack_sees_of_each_day_what_was_sealed_before_it_and_nothing_later(policy, tmp_path):
    head = market_data.build(policy)[-1]
    market_data.loaded(tmp_path, {"prices.csv": folders.SMALL["prices.csv"].replace("OAK,52,", "OAK,52.02,")})
    day = date(2020, 1, 8)
    market_data.build(policy, day, day, run=OTHER_RUN, restate_reason="late correction")
    resealed = packs.reseal(policy=policy, run=OTHER_RUN)

    before, after = market.history(head), market.history(resealed)

    oak = before.symbols.index("OAK")
    assert (before.close[4, oak], after.close[4, oak]) == (52.0, 52.02)
    assert (before.pack_ids[4], after.pack_ids[4]) == ("PP_2020-01-08_ECB_EUR_r1", "PP_2020-01-08_ECB_EUR_r2")
    np.testing.assert_array_equal(np.delete(before.close, 4, 0), np.delete(after.close, 4, 0))


def test_a_series_steps_up_on_the_day_a_figure_becomes_known(policy):
    pack = market_data.build(policy)[-1]

    seen = market.series(pack, "Y10")

    np.testing.assert_array_equal(seen.value, [np.nan, 1.88, 1.80, 1.81, 1.83, 1.83])
    assert np.isnat(seen.observation_date[0])
    assert seen.observation_date[1:3].tolist() == [date(2020, 1, 2), date(2020, 1, 3)]
    assert (seen.unit, seen.sources, seen.assumed_release_date) == ("percent", ("bureau/Y10",), True)


def test_a_pack_does_not_know_what_became_known_after_its_date(policy):
    built = market_data.build(policy)

    assert [float(row.value) for row in market.observations(built[2], "Y10")] == [1.88, 1.80]
    assert [row.series for row in market.observations(built[-1], "CPI1")] == ["CPI1"]
    with pytest.raises(market.MissingSeries, match="Y10"):
        market.series(built[0], "Y10")


def test_packs_and_their_rows_are_never_joined_and_a_series_is_read_by_an_index(policy):
    """Of each observation the row of the highest sequence up to the pack's is read.

    While packs are built the database's statistics are of another time, and a join of the two has taken it minutes.
    """
    policy.max_stale_sessions = 2  # a close is missing, so that the last known one is looked for
    policy.save()
    pack = packs.find(pack_id=market_data.build(policy)[-1].pk)

    with CaptureQueriesContext(connection) as asked:
        market.as_of(pack).missing_price(Security.objects.get(symbol="ASH").pk, "ASH")
        market.actions(pack)
        market.observations(pack, "Y10")

    tables = [set(re.findall(r"pricing_\w+", query["sql"])) for query in asked.captured_queries]
    assert {"pricing_packprice"} in tables
    assert {"pricing_packaction", "pricing_security"} in tables
    assert {"pricing_packobservation"} in tables
    of_packs = [each for each in tables if "pricing_pricingpack" in each]
    assert of_packs == [{"pricing_pricingpack"}] * 4
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # of six rows no index is worth it
        cursor.execute(f"EXPLAIN {asked.captured_queries[-1]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "pack_observation_once" in plan
    assert "Seq Scan" not in plan


def test_a_revision_is_seen_from_the_pack_that_brought_it_on(policy, tmp_path):
    head = market_data.build(policy)[-1]
    market_data.loaded(tmp_path, {"macro.csv": folders.SMALL["macro.csv"].replace("CPI1,257.8", "CPI1,257.9")})
    revised = market_data.build(policy, head.asof_date, head.asof_date, run=OTHER_RUN, restate_reason="revision")[0]

    before, after = (market.observations(pack, "CPI1") for pack in (head, revised))

    assert [row.value for row in before] == [Decimal("257.8")]
    assert [row.value for row in after] == [Decimal("257.9")]
    assert [row.value for row in market.vintages(revised, ["CPI1"])["CPI1"]] == [Decimal("257.8"), Decimal("257.9")]


def test_a_figure_of_twelve_months_before_is_known_beside_the_newest(tmp_path):
    macro = "date,series_id,value,source\n" + "".join(
        f"{year}-{month:02d}-01,CPI1,{100 + 10 * (year - 2018) + month},bureau\n"
        for year in (2018, 2019)
        for month in range(1, 13)
    )
    policy = market_data.loaded(tmp_path, {"macro.csv": macro})

    seen = market.series(market_data.build(policy)[-1], "CPI1")

    assert (seen.value[-1], seen.observation_date[-1].item(), seen.year_ago[-1]) == (121.0, date(2019, 11, 1), 111.0)


def test_actions_are_seen_once_announced_or_ex(policy):
    built = market_data.build(policy)

    known = [[action.action for action in market.actions(pack)] for pack in built]

    assert known == [[], ["split"], ["split"], ["split", "dividend"], ["split", "dividend"], ["split", "dividend"]]


def test_a_history_is_read_in_a_fixed_number_of_queries_and_then_kept(policy, django_assert_num_queries):
    pack = packs.find(pack_id=market_data.build(policy)[-1].pk)

    with django_assert_num_queries(3):  # securities, delistings, packs; closes and rates beside them
        market.history(pack)
    with django_assert_num_queries(0):
        market.history(pack)


def test_several_series_are_read_in_one_statement_and_then_kept(policy, django_assert_num_queries):
    pack = packs.find(pack_id=market_data.build(policy)[-1].pk)

    with django_assert_num_queries(2):  # the contents of the packs, and the observations
        found = market.vintages(pack, ["Y10", "CPI1", "NONE"])
    with django_assert_num_queries(0):
        known = market.observations_by_series(pack, ["NONE", "CPI1", "Y10"])

    assert {series: bool(rows) for series, rows in found.items()} == {"CPI1": True, "NONE": False, "Y10": True}
    assert known == {series: market.observations(pack, series) for series in found}


@needs_data
def test_macro_figures_are_those_that_were_known():
    """4.4 and 8.5023 %, where a look ahead gives 14.7 and 8.9330 %."""
    loading.load(DATA)
    days = [date(2020, 4, 15), date(2022, 6, 30)]
    before, after = packs.build(policy=market_data.policy(), dates=days, run=market_data.RUN)

    unemployed, prices = market.series(before, "UNRATE"), market.series(after, "CPIAUCSL")

    assert unemployed.value[-1] == pytest.approx(4.4, abs=5e-7)
    assert prices.value[-1] / prices.year_ago[-1] - 1 == pytest.approx(0.085023, abs=5e-7)


def test_the_demo_builds_whole_and_its_packs_have_the_hashes_they_always_had():
    """The hashes are a snapshot: another line or another order makes others. Those of what is left without the rates of
    currencies that the demo's portfolios do not use were taken when packs held no others: ordinary lines keep their bytes.
    """
    loading.load(folders.DEMO)
    policy = market_data.policy()

    built = market_data.build(policy, date(2002, 12, 2), date(2013, 3, 1))

    seen = market.history(built[-1])
    assert seen.close.shape == (2_649, 4)
    assert np.isnan(seen.close[:, seen.symbols.index("GOOG")]).sum() == (seen.dates < np.datetime64("2004-08-19")).sum()
    assert not np.isnan(np.delete(seen.close, seen.symbols.index("GOOG"), axis=1)).any()
    assert [(action.symbol, action.ex_date) for action in market.actions(built[-1]) if action.action == "split"] == [
        ("AAPL", date(2000, 6, 21)),
        ("MSFT", date(2003, 2, 18)),
        ("AAPL", date(2005, 2, 28)),
    ]
    assert packs.verify(policy=policy) is None
    ends = [packs.find(pack_id=pack.pk) for pack in (built[0], built[-1])]
    lines = [lines for _, lines in verifying.stored_lines(ends)]
    needed = [[line for line in each if not re.match(r"rate\|EUR/(AUD|CHF|GBP|JPY|SEK)\|", line)] for each in lines]
    assert [(fingerprint.content_hash(each), len(each)) for each in needed] == [
        ("7caa1b53994056ed6b56e9629ea7bed75a2ad405f80aaa973ef7b9cb0ccb91fb", 13_212),
        ("50e24ef803f20864fe6e7fe7a5387b37cd24f127812ef1fe18152d7bea1d86b7", 10),
    ]
    assert [(fingerprint.content_hash(each), len(each)) for each in lines] == [
        ("3fa47c6d92dc62e94072df5c56ada527e2f49b1a99c2ac98b998a7f3ab79c72d", 13_217),
        ("d6b1ce833173ca80ae698e18f384b3f843a3bc28463c0317f5c7e5fb15da1ce9", 15),
    ]
    assert built[-1].chain_hash == "df4ce328239b3ba22db0cdcbc5d51a84168b5ff522bc4e18e2a9b83a99ec82ae"
