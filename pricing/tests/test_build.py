"""Packs are built from the archive, sealed whole in rising order, or in error by name."""

from datetime import date, time
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from pricing import archive, packs
from pricing.archive import loading
from pricing.models import (
    MarketArchive,
    PackAction,
    PackContent,
    PackObservation,
    PackPrice,
    PackRate,
    PricingPack,
    PricingPolicy,
    Security,
    Series,
)
from pricing.packs import fingerprint, sealing
from pricing.tests import folders, market_data

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]

OTHER_RUN = UUID(int=2)


def test_a_span_becomes_one_sealed_warming_pack_a_day(tmp_path):
    policy = market_data.loaded(tmp_path)

    built = market_data.build(policy)

    assert [pack.pk for pack in built] == [f"PP_2020-01-0{day}_ECB_EUR_r1" for day in (2, 3, 6, 7, 8, 9)]
    assert [pack.sequence for pack in built] == [1, 2, 3, 4, 5, 6]
    assert {pack.status for pack in PricingPack.objects.all()} == {"warming"}
    assert all(pack.sealed_at for pack in PricingPack.objects.all())


def test_a_pack_holds_closes_and_rates_exactly_as_published_with_the_day_they_were_observed(tmp_path):
    policy = market_data.loaded(tmp_path)

    pack = market_data.build(policy)[2]  # the 6th: no fixing, no London

    closes = PackPrice.objects.filter(content=pack.content_id).order_by("security__symbol")
    assert list(closes.values_list("security__symbol", "close", "currency", "observed_date", "flags")) == [
        ("ASH", Decimal(11), "USD", date(2020, 1, 3), "stale:1"),
        ("ELM", Decimal("12.40"), "GBP", date(2020, 1, 3), ""),
        ("OAK", Decimal("51.25"), "USD", date(2020, 1, 6), ""),
    ]
    rates = PackRate.objects.filter(content=pack.content_id).order_by("quote")
    assert list(rates.values_list("base", "quote", "rate", "observed_date", "flags")) == [
        ("EUR", "CAD", Decimal("1.4459"), date(2020, 1, 3), ""),
        ("EUR", "GBP", Decimal("0.85115"), date(2020, 1, 3), ""),
        ("EUR", "USD", Decimal("1.1147"), date(2020, 1, 3), ""),
    ]
    assert rates[0].fix_at.isoformat() == "2020-01-03T13:15:00+00:00"


def test_series_and_actions_enter_as_deltas_once_they_are_known(tmp_path):
    policy = market_data.loaded(tmp_path)

    built = market_data.build(policy)

    seen = {
        pack.asof_date.day: sorted(
            PackObservation.objects.filter(content=pack.content_id).values_list("series_id", "observation_date")
        )
        for pack in built
    }
    assert seen == {
        2: [("CPI1", date(2019, 11, 1))],  # 45 days from the first of November; December's is not yet known
        3: [("Y10", date(2020, 1, 2))],
        6: [("Y10", date(2020, 1, 3))],
        7: [("Y10", date(2020, 1, 6))],
        8: [("Y10", date(2020, 1, 7))],
        9: [],
    }
    actions = PackAction.objects.order_by("ex_date", "action").values_list(
        "content__packs__asof_date", "action", "amount"
    )
    assert list(actions) == [(date(2020, 1, 3), "split", None), (date(2020, 1, 7), "dividend", Decimal("0.25"))]
    assert set(PackObservation.objects.values_list("flags", flat=True)) == {"assumed_release_date"}


def test_a_known_at_of_the_source_is_not_flagged(tmp_path):
    macro = "date,series_id,value,source,known_at,vintage\n2019-12-01,CPI1,258.4,bureau,2020-01-07,first\n"
    policy = market_data.loaded(tmp_path, {"macro.csv": macro})

    market_data.build(policy)

    row = PackObservation.objects.get()
    assert (row.known_at, row.vintage, row.flags) == (date(2020, 1, 7), "first", "")


def test_content_that_is_the_same_is_stored_once(tmp_path):
    policy = market_data.loaded(tmp_path)
    built = market_data.build(policy)
    before = PackContent.objects.count()

    restated = market_data.build(policy, run=OTHER_RUN, restate_reason="a second look")

    # what the first time was new is no delta the second time, so only the ninth, which had none, has equal content
    assert restated[-1].content_id == built[-1].content_id
    assert PackContent.objects.count() == before + 5


def test_more_missing_closes_than_the_policy_lets_put_the_pack_in_error_by_name_and_seal_the_others(tmp_path):
    policy = market_data.without_room(market_data.loaded(tmp_path))

    with pytest.raises(packs.PackIncomplete) as caught:
        market_data.build(policy)

    assert [(item.key, item.asof_date, item.last_known_date) for item in caught.value.missing] == [
        ("ASH", date(2020, 1, 8), date(2020, 1, 3)),
        ("ASH", date(2020, 1, 9), date(2020, 1, 3)),
    ]
    failed = PricingPack.objects.get(asof_date=date(2020, 1, 8))
    assert (failed.status, failed.failed_job, failed.content, failed.sequence) == ("error", "build_pack", None, None)
    assert failed.reason == "1 missing: price ASH on 2020-01-08: 3 sessions old, last known 2020-01-03"
    assert PricingPack.objects.filter(status="warming").count() == 4


def test_a_fixing_that_is_absent_whole_puts_the_pack_in_error(tmp_path):
    late = "".join(row for row in folders.SMALL["fx.csv"].splitlines(keepends=True) if row[:10] not in ("2020-01-02",))
    policy = market_data.loaded(tmp_path, {"fx.csv": late})

    with pytest.raises(packs.PackIncomplete, match="rate ECB on 2020-01-02: no rate of this fixing is at most 5"):
        market_data.build(policy)

    assert PricingPack.objects.get(status="error").asof_date == date(2020, 1, 2)
    assert PricingPack.objects.filter(status="warming").count() == 5


def test_a_folder_without_any_rate_has_packs_of_closes_alone(tmp_path):
    policy = market_data.loaded(tmp_path, {"fx.csv": "date,base,quote,rate,source\n"})

    assert len(market_data.build(policy)) == 6
    assert not PackRate.objects.exists()


def test_a_pack_holds_every_pair_of_the_pivot_that_is_not_too_old_whoever_needs_it(tmp_path):
    rows = [f"2020-01-0{day},EUR,DKK,7.47,central" for day in (2, 3, 7, 8)]
    more = folders.appended("fx.csv", *rows, "2020-01-02,JPY,EUR,0.0082,central", "2020-01-02,USD,CHF,0.97,central")
    policy = market_data.loaded(tmp_path, more)
    policy.max_stale_fixings = 2
    policy.save()

    first, *_, last = market_data.build(policy)

    def pairs(pack):
        rates = PackRate.objects.filter(content=pack.content_id).order_by("base", "quote")
        return ["/".join(pair) for pair in rates.values_list("base", "quote")]

    assert pairs(first) == ["EUR/CAD", "EUR/DKK", "EUR/GBP", "EUR/USD", "JPY/EUR"]
    assert pairs(last) == ["EUR/CAD", "EUR/DKK", "EUR/GBP", "EUR/USD"]


def london():
    """The four o'clock fixing of London, in dollars: by the name of its policy, and so only its own rates."""
    return PricingPolicy.objects.create(
        code="WM4PM_USD", fixing="WM4PM", pivot="USD", fix_time=time(16), fix_timezone="Europe/London"
    )


def test_rates_of_another_fixing_do_not_pass_under_the_name_of_a_policy(tmp_path):
    fx = folders.SMALL["fx.csv"].replace(",central", ",ecb-eurofxref")
    policy = market_data.loaded(tmp_path, {"fx.csv": fx})
    assert len(market_data.build(policy)) == 6

    with pytest.raises(packs.PackIncomplete, match="rate WM4PM on 2020-01-02: no rate of this fixing is at most 5"):
        market_data.build(london())

    assert not PackRate.objects.filter(content__packs__policy="WM4PM_USD").exists()


def test_the_four_oclock_fixing_is_an_hour_earlier_by_utc_in_summer(tmp_path):
    fx = "date,base,quote,rate,source\n2020-01-09,EUR,USD,1.11,wm\n2020-07-09,EUR,USD,1.13,wm\n"
    market_data.loaded(tmp_path, {"fx.csv": fx})

    pack, later = market_data.build(london(), date(2020, 1, 9), date(2020, 7, 9))

    fixed = [PackRate.objects.get(content=each.content_id).fix_at.isoformat() for each in (pack, later)]
    assert fixed == ["2020-01-09T16:00:00+00:00", "2020-07-09T15:00:00+00:00"]


def test_an_incomplete_pack_is_mended_by_the_next_release(tmp_path):
    policy = market_data.without_room(market_data.loaded(tmp_path))
    with pytest.raises(packs.PackIncomplete):
        market_data.build(policy)
    market_data.loaded(tmp_path, folders.appended("prices.csv", "2020-01-08,ASH,12,USD,wood"))

    built = market_data.build(policy)

    assert [pack.release for pack in built] == [1, 1, 1, 1, 2, 2]


def test_what_has_no_usable_close_is_left_out_and_reported(tmp_path):
    policy = market_data.loaded(tmp_path)
    policy.max_stale_sessions = 2
    policy.save()

    pack = market_data.build(policy)[-1]

    assert packs.unpriced_symbols(pack=pack) == ["ASH"]
    assert sorted(PackPrice.objects.filter(content=pack.content_id).values_list("security__symbol", flat=True)) == [
        "ELM",
        "OAK",
    ]


def test_building_fresh_days_again_changes_nothing(tmp_path):
    policy = market_data.loaded(tmp_path)
    market_data.jobs_done()
    first = market_data.build(policy)
    packs.mark_fresh(first)

    again = market_data.build(policy, run=OTHER_RUN)

    assert [pack.pk for pack in again] == [pack.pk for pack in first]
    assert PricingPack.objects.count() == 6


def test_what_a_failed_run_left_closed_gets_the_next_release_of_the_run_that_follows(tmp_path):
    policy = market_data.loaded(tmp_path)
    market_data.build(policy)

    again = market_data.build(policy, run=OTHER_RUN)

    assert {(pack.release, pack.run) for pack in again} == {(2, OTHER_RUN)}


def test_a_killed_run_is_taken_up_where_it_stopped(tmp_path, monkeypatch):
    policy = market_data.loaded(tmp_path)
    monkeypatch.setattr(sealing, "CHUNK_PACKS", 2)

    def kill(done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        market_data.build(policy, progress=kill)
    sealed = list(PricingPack.objects.filter(status="warming").order_by("sequence").values_list("pk", "chain_hash"))

    built = market_data.build(policy)

    assert len(sealed) == 4
    assert [(pack.pk, pack.chain_hash) for pack in built][:4] == sealed
    assert [(pack.release, pack.sequence) for pack in built] == [(1, number) for number in range(1, 7)]
    assert packs.verify(policy=policy) is None


def test_headers_of_a_run_that_died_are_closed_by_the_next_run(tmp_path):
    policy = market_data.loaded(tmp_path)
    dead = PricingPack.objects.create(
        pk="PP_2020-01-09_ECB_EUR_r1", policy=policy, asof_date=date(2020, 1, 9), release=1, run=OTHER_RUN
    )

    built = market_data.build(policy)

    dead.refresh_from_db()
    assert (dead.status, dead.reason) == ("error", "the run that built it ended")
    assert built[-1].pk == "PP_2020-01-09_ECB_EUR_r2"


def test_a_restatement_is_the_next_release_once_per_run(tmp_path):
    policy = market_data.loaded(tmp_path)
    market_data.build(policy)
    market_data.loaded(tmp_path, {"prices.csv": folders.SMALL["prices.csv"].replace("OAK,52,", "OAK,52.02,")})
    day = date(2020, 1, 8)

    first = market_data.build(policy, day, day, run=OTHER_RUN, restate_reason="late correction")
    again = market_data.build(policy, day, day, run=OTHER_RUN, restate_reason="late correction")

    assert [pack.pk for pack in first] == [pack.pk for pack in again] == ["PP_2020-01-08_ECB_EUR_r2"]
    assert (first[0].sequence, first[0].restates) == (7, "late correction")
    closes = PackPrice.objects.filter(security__symbol="OAK", observed_date=day).order_by("content__packs__sequence")
    assert list(closes.filter(content__packs__asof_date=day).values_list("close", flat=True)) == [
        Decimal(52),
        Decimal("52.02"),
    ]


def test_the_head_is_resealed_after_a_back_fill_and_only_then(tmp_path):
    policy = market_data.loaded(tmp_path)
    market_data.jobs_done()
    head = market_data.build(policy, date(2020, 1, 9), date(2020, 1, 9))[0]
    packs.mark_fresh([head])
    untouched = packs.reseal(policy=policy, run=market_data.RUN)
    market_data.build(policy, run=OTHER_RUN)

    resealed = packs.reseal(policy=policy, run=OTHER_RUN)
    again = packs.reseal(policy=policy, run=OTHER_RUN)

    assert untouched.pk == head.pk
    assert (resealed.pk, resealed.sequence, resealed.status) == ("PP_2020-01-09_ECB_EUR_r2", 7, "warming")
    assert resealed.content_id == head.content_id
    assert again.pk == resealed.pk
    assert packs.verify(policy=policy) is None


@pytest.mark.parametrize("dates", [[date(2020, 1, 4)], [date(2020, 1, 3), date(2020, 1, 2)], [date(2020, 1, 3)] * 2])
def test_days_that_are_no_pack_days_or_do_not_rise_are_refused(tmp_path, dates):
    policy = market_data.loaded(tmp_path)

    with pytest.raises(packs.NoPackDay):
        packs.build(policy=policy, dates=dates, run=market_data.RUN)

    assert not PricingPack.objects.exists()


def test_two_builders_of_a_policy_do_not_work_at_once(tmp_path):
    policy = market_data.loaded(tmp_path)
    other = connection.copy("other")

    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('pricing.packs:ECB_EUR', 0))")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '50ms'")
    with pytest.raises(packs.SealingBusy, match="another build of ECB_EUR is running"), transaction.atomic():
        market_data.build(policy)

    other.close()
    assert len(market_data.build(policy)) == 6


def test_an_archive_that_changed_since_it_was_loaded_is_refused(tmp_path):
    policy = market_data.loaded(tmp_path)
    folders.write(tmp_path, folders.appended("prices.csv", "2020-01-09,ASH,12,USD,wood"))

    with pytest.raises(loading.ArchiveChanged, match="the archive changed since it was loaded: load it again"):
        market_data.build(policy)

    assert not PricingPack.objects.exists()


def test_without_an_archive_there_is_nothing_to_build_from():
    with pytest.raises(loading.NoArchive):
        market_data.build(market_data.policy())


def test_loading_twice_is_as_loading_once(tmp_path):
    market_data.loaded(tmp_path)
    Series.objects.filter(pk="CPI1").update(lag_days=50)

    market_data.loaded(tmp_path)

    assert MarketArchive.objects.count() == 1
    assert Series.objects.get(pk="CPI1").lag_days == 50


def test_a_refused_folder_leaves_nothing_behind(tmp_path):
    with pytest.raises(archive.ArchiveRefused):
        market_data.loaded(tmp_path, folders.appended("prices.csv", "2020-01-10,OAK,nan,USD,wood"))

    assert not MarketArchive.objects.exists()
    assert not Series.objects.filter(pk="CPI1").exists()


def test_a_series_never_changes_its_unit_under_sealed_packs(tmp_path):
    market_data.loaded(tmp_path)
    described = folders.SMALL["macro_series.csv"].replace("percent", "decimal")

    with pytest.raises(archive.ArchiveRefused, match="Y10 is 'percent' here, and 'decimal' there"):
        market_data.loaded(tmp_path, {"macro_series.csv": described})


def test_what_answers_name_stays_what_it_was(tmp_path):
    """A stored answer is computed again from the rows as they are: of another name it would be another answer."""
    policy = market_data.loaded(tmp_path)
    market_data.build(policy)
    titles = set(Series.objects.values_list("id", "title"))
    renamed = {
        "securities.csv": folders.SMALL["securities.csv"].replace("Oak", "Beech"),
        "macro_series.csv": folders.SMALL["macro_series.csv"].replace(Series.objects.get(pk="Y10").title, "A decade"),
    }
    of_another_kind = {"securities.csv": folders.SMALL["securities.csv"].replace("equity", "fund")}

    market_data.loaded(tmp_path, renamed)
    with pytest.raises(archive.ArchiveRefused, match="OAK is equity in sealed packs, and fund there"):
        market_data.loaded(tmp_path, of_another_kind)

    oak = Security.objects.get(symbol="OAK")
    assert (oak.name, oak.kind) == ("Oak Inc.", "equity")
    assert set(Series.objects.values_list("id", "title")) == titles


@pytest.mark.parametrize(
    ("table", "column"),
    [("security", name) for name in ("symbol", "name", "currency", "price_unit", "exchange")]
    + [("series", name) for name in ("id", "title", "unit")],
)
def test_no_role_renames_what_answers_name(tmp_path, table, column):
    market_data.loaded(tmp_path)

    with (
        pytest.raises(IntegrityError, match=r"its rows never (change|go)"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE pricing_{table} SET {column} = 'XX'")


def test_the_hashes_are_those_of_the_rows_as_the_archive_publishes_them(tmp_path):
    one_price = {
        "securities.csv": "symbol,name,currency,type,exchange,source\nOAK,Oak,USD,equity,XNYS,wood\n",
        "prices.csv": "date,symbol,close,currency,source\n2020-01-02,OAK,100.50,USD,wood\n",
        "fx.csv": "date,base,quote,rate,source\n",
        "macro.csv": "date,series_id,value,source\n",
        "corporate_actions.csv": None,
    }
    policy = market_data.loaded(tmp_path, one_price)

    pack = market_data.build(policy)[0]

    content = fingerprint.content_hash(["price|OAK|2020-01-02|100.5|USD|wood|raw|||"])
    assert PackContent.objects.get().content_hash == content
    assert pack.chain_hash == fingerprint.chain_hash(
        previous=fingerprint.GENESIS,
        pack_id="PP_2020-01-02_ECB_EUR_r1",
        sequence=1,
        asof_date=date(2020, 1, 2),
        policy="ECB_EUR",
        content_hash=content,
    )
