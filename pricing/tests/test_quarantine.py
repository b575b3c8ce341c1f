"""A row under suspicion stays out of packs until staff decide, with a reason; its security is missing till then."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import Error, IntegrityError, connection, transaction

from pricing import fx, market, packs
from pricing.models import (
    Decision,
    PackAction,
    PackObservation,
    PackPrice,
    PackRate,
    PricingPack,
    QuarantinedRow,
    Security,
)
from pricing.quality import quarantine
from pricing.tests import folders, market_data
from tests.plugin import role

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]

NINTH = date(2020, 1, 9)
SUSPECT = "2020-01-07,,OAK,dividend,,25,USD,derived:wood,,suspect\n"
BAD_CLOSE = {
    "prices.csv": folders.SMALL["prices.csv"].replace("2020-01-09,OAK,52.1,", "2020-01-09,OAK,521,"),
    "corporate_actions.csv": folders.SMALL["corporate_actions.csv"].replace(SUSPECT, ""),
}
WHY = "in quarantine (jump: 10.02 times the last good one, 52 of 2020-01-08)"


def decide(decision, reason="seen on the exchange's page", **which):
    rows = list(QuarantinedRow.objects.filter(**which))
    assert rows
    with role("app"):
        quarantine.decide(rows, decision=decision, reason=reason, by=7)


def close_of(pack, symbol):
    return (
        PackPrice.objects.filter(content=pack.content_id, security__symbol=symbol)
        .values_list("close", "observed_date", "flags")
        .first()
    )


def restated(policy, **span):
    return market_data.build(policy, run=UUID(int=2), restate_reason="decided", **span)


def test_a_security_whose_newest_close_is_suspect_is_missing_and_nobody_else_is_touched(tmp_path):
    policy = market_data.loaded(tmp_path, BAD_CLOSE)

    pack = market_data.build(policy)[-1]

    seen = market.as_of(pack)
    assert sorted(close.symbol for close in seen.closes.values()) == ["ASH", "ELM"]
    with pytest.raises(market.MissingPrice, match="a newer close waits for a decision") as caught:
        seen.close(Security.objects.get(symbol="OAK").pk, "OAK")
    assert (caught.value.last_known_date, caught.value.reason) == (date(2020, 1, 8), "in_quarantine")
    assert PricingPack.objects.filter(status="warming").count() == 6


def test_so_many_suspects_that_the_policy_does_not_let_them_pass_are_named_by_row_and_rule(tmp_path):
    policy = market_data.loaded(tmp_path, BAD_CLOSE)
    policy.max_missing_count, policy.max_missing_share = 0, 0
    policy.save()

    with pytest.raises(packs.PackIncomplete) as caught:
        market_data.build(policy)

    failed = PricingPack.objects.get(asof_date=NINTH)
    assert caught.value.pack_ids == (failed.pk,)
    assert failed.reason == (
        f"1 missing: price OAK on 2020-01-09: price OAK 521 of 2020-01-09 is {WHY}, last known 2020-01-08"
    )
    assert packs.restatable_days(policy) == []


def test_a_suspect_is_left_out_and_reported(tmp_path):
    policy = market_data.loaded(tmp_path, BAD_CLOSE)

    pack = market_data.build(policy)[-1]

    row = QuarantinedRow.objects.get()
    assert packs.unpriced_symbols(pack=pack) == ["OAK"]
    assert (row.kind, row.key, row.date, row.value, row.rule) == ("price", "OAK", NINTH, "521", "jump")
    assert (row.source, row.first_seen, row.decision) == ("wood", market_data.RUN, "pending")
    assert row.reason == "10.02 times the last good one, 52 of 2020-01-08"


def test_an_accepted_row_is_taken_with_a_flag(tmp_path):
    policy = market_data.loaded(tmp_path, BAD_CLOSE)
    market_data.build(policy)
    decide(Decision.ACCEPTED, key="OAK")

    assert packs.restatable_days(policy) == [NINTH]
    (pack,) = restated(policy, first=NINTH)

    assert close_of(pack, "OAK") == (Decimal(521), NINTH, "accepted")
    assert pack.release == 2
    assert packs.verify(policy=policy) is None


def test_a_rejected_row_is_as_if_it_had_never_come(tmp_path):
    policy = market_data.loaded(tmp_path, BAD_CLOSE)
    market_data.build(policy)
    decide(Decision.REJECTED, key="OAK")

    assert packs.restatable_days(policy) == [NINTH]
    (pack,) = restated(policy, first=NINTH)

    assert close_of(pack, "OAK") == (Decimal(52), date(2020, 1, 8), "stale:1")


def test_a_rejected_row_stays_out_when_the_rule_no_longer_minds_it(tmp_path):
    policy = market_data.loaded(tmp_path, BAD_CLOSE)
    market_data.build(policy)
    decide(Decision.REJECTED, key="OAK")
    alike = (
        BAD_CLOSE["prices.csv"].replace("2020-01-08,OAK,52,", "2020-01-08,OAK,180,").replace(",OAK,51.5,", ",OAK,90,")
    )
    market_data.loaded(tmp_path, {"prices.csv": alike})

    pack = market_data.build(policy, run=UUID(int=2), restate_reason="new closes")[-1]

    assert PackPrice.objects.filter(close=521).count() == 0
    assert pack.asof_date == NINTH


def test_a_rate_under_suspicion_is_missing_and_the_others_stand(tmp_path):
    rates = folders.SMALL["fx.csv"].replace("2020-01-08,EUR,GBP,0.8476,", "2020-01-08,EUR,GBP,84.76,")
    policy = market_data.loaded(tmp_path, {"fx.csv": rates})

    built = market_data.build(policy)

    lacking = [pack.asof_date for pack in built if ("EUR", "GBP") not in market.as_of(pack).legs]
    assert lacking == [date(2020, 1, 8), NINTH]
    seen = market.as_of(built[-1])
    assert market.cross(seen, "USD", "CAD") > 1
    with pytest.raises(fx.MissingRate, match=r"no rate GBP/CAD on 2020-01-09 \(last known 2020-01-07\)"):
        market.cross(seen, "GBP", "CAD")
    assert not PackRate.objects.filter(rate__gt=10).exists()


@pytest.mark.parametrize(("pair", "right", "wrong"), [("EUR,JPY", "121.43", "1.2143"), ("CAD,JPY", "83.6", "0.836")])
def test_a_rate_for_a_hundred_is_suspect_from_the_first_one_on(tmp_path, pair, right, wrong):
    """JPY/CAD 0.012, where a feed that quotes a hundred yen says 1.20."""
    key = pair.replace(",", "/")

    def rates(rate):
        return folders.appended("fx.csv", *(f"2020-01-0{day},{pair},{rate},central" for day in (2, 3, 7, 8)))

    policy = market_data.loaded(tmp_path, rates(wrong))
    market_data.build(policy)
    assert set(QuarantinedRow.objects.values_list("key", "rule")) >= {(key, "unit")}
    assert QuarantinedRow.objects.filter(key=key).count() == 4
    assert not PackRate.objects.filter(quote="JPY").exists()

    market_data.loaded(tmp_path, rates(right))
    with role("app"):
        before = QuarantinedRow.objects.count()
    market_data.build(policy, run=UUID(int=2), restate_reason="for one")
    assert QuarantinedRow.objects.count() == before


def test_of_a_currency_that_is_at_another_level_now_the_first_rate_is_accepted_and_the_others_follow(tmp_path):
    rows = folders.appended("fx.csv", *(f"2020-01-0{day},EUR,PLN,42000,central" for day in (2, 3, 7, 8)))
    policy = market_data.loaded(tmp_path, rows)
    market_data.build(policy)
    assert QuarantinedRow.objects.filter(key="EUR/PLN", reason="1e+04 times the usual rate, 4.2").count() == 4
    assert not PackRate.objects.filter(quote="PLN").exists()
    decide(Decision.ACCEPTED, key="EUR/PLN", date=date(2020, 1, 2))

    built = restated(policy)

    rates = PackRate.objects.filter(quote="PLN").order_by("content__packs__sequence")
    assert list(rates.values_list("rate", flat=True)) == [Decimal(42000)] * 6
    assert [rate.flags for rate in rates if rate.observed_date == built[0].asof_date] == ["accepted"]


def test_closes_in_another_currency_than_the_security_trades_in_wait_for_staff(tmp_path):
    """The folder speaks of another OAK by now: what we hold keeps its currency, and its closes are not taken for it."""
    policy = market_data.loaded(tmp_path)
    prices = folders.SMALL["prices.csv"].splitlines()
    other = {
        "securities.csv": folders.SMALL["securities.csv"].replace("OAK,Oak Inc.,USD", "OAK,Oak Inc.,CAD"),
        "prices.csv": "".join(f"{row.replace('USD', 'CAD') if ',OAK,' in row else row}\n" for row in prices),
    }
    market_data.loaded(tmp_path / "other", other)

    market_data.build(policy)

    assert set(QuarantinedRow.objects.filter(rule="wrong_currency").values_list("key", flat=True)) == {"OAK"}
    assert not PackPrice.objects.filter(security__symbol="OAK").exists()


def test_two_sources_of_a_day_are_compared_and_the_first_of_them_is_used(tmp_path):
    agreeing = folders.SMALL["prices.csv"] + "2020-01-08,OAK,52.2,USD,stone\n"
    policy = market_data.loaded(tmp_path, {"prices.csv": agreeing})
    good = market_data.build(policy)[-2]
    assert close_of(good, "OAK") == (Decimal(52), date(2020, 1, 8), "")
    differing = folders.SMALL["prices.csv"] + "2020-01-09,OAK,53,USD,stone\n"
    market_data.loaded(tmp_path, {"prices.csv": differing})

    bad = market_data.build(policy, NINTH, NINTH, restate_reason="a second source", run=UUID(int=2))[-1]

    assert close_of(bad, "OAK") is None
    assert QuarantinedRow.objects.get(kind="price").reason == "1.73% from what another source says of that day"


def test_an_action_that_its_source_doubts_waits_for_staff_and_enters_once_accepted(tmp_path):
    actions = folders.SMALL["corporate_actions.csv"].replace(
        "2020-01-07,2020-01-21,OAK,dividend,,0.25,USD,derived:wood,,ok\n", ""
    )
    policy = market_data.loaded(tmp_path, {"corporate_actions.csv": actions})
    market_data.build(policy)
    row = QuarantinedRow.objects.get()
    assert (row.kind, row.key, row.value, row.rule) == ("action", "OAK/dividend", "25", "source_doubts")
    assert PackAction.objects.filter(action="dividend").count() == 0
    decide(Decision.ACCEPTED, key="OAK/dividend")

    market_data.build(policy, restate_reason="the dividend is right", run=UUID(int=2))

    assert PackAction.objects.filter(action="dividend").values_list("amount", "flags").get() == (
        Decimal(25),
        "accepted",
    )


def test_a_figure_under_suspicion_stays_out_until_it_is_accepted(tmp_path):
    described = folders.SMALL["macro_series.csv"]
    macro = "date,series_id,value,source\n2019-10-01,CPI1,257.1,bureau\n2019-11-01,CPI1,25780,bureau\n"
    policy = market_data.loaded(tmp_path, {"macro.csv": macro, "macro_series.csv": described})
    market_data.build(policy)
    assert set(PackObservation.objects.values_list("observation_date", flat=True)) == {date(2019, 10, 1)}
    decide(Decision.ACCEPTED, key="CPI1")

    market_data.build(policy, restate_reason="hyperinflation", run=UUID(int=2))

    row = PackObservation.objects.get(observation_date=date(2019, 11, 1))
    assert (row.value, row.flags) == (Decimal(25780), "assumed_release_date,accepted")


def test_a_suspicion_is_kept_once_however_often_it_is_met(tmp_path):
    policy = market_data.loaded(tmp_path, BAD_CLOSE)
    market_data.build(policy)
    decide(Decision.REJECTED, key="OAK")

    market_data.build(policy, restate_reason="again", run=UUID(int=2))

    row = QuarantinedRow.objects.get()
    assert (row.first_seen, row.decision, row.decided_by) == (market_data.RUN, "rejected", 7)
    assert quarantine.counts(since=NINTH, up_to=NINTH) == {"pending": 0, "accepted": 0, "rejected": 1}


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_decision_needs_a_reason(tmp_path, reason):
    market_data.build(market_data.loaded(tmp_path, BAD_CLOSE))

    with pytest.raises(quarantine.ReasonMissing):
        decide(Decision.ACCEPTED, reason=reason)
    with pytest.raises(IntegrityError), role("app"), transaction.atomic():
        QuarantinedRow.objects.update(decision="accepted")

    assert QuarantinedRow.objects.get().decision == "pending"


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("app", "UPDATE pricing_quarantinedrow SET value = '52.1'"),
        ("app", "INSERT INTO pricing_quarantinedrow (kind, key, date, value, rule, reason, source, first_seen, decision,"
         " decision_reason) SELECT kind, 'ELM', date, value, rule, reason, source, first_seen, 'pending', ''"
         " FROM pricing_quarantinedrow"),
        ("app", "DELETE FROM pricing_quarantinedrow"),
        ("job", "UPDATE pricing_quarantinedrow SET decision_reason = 'x'"),
        ("owner", "UPDATE pricing_quarantinedrow SET value = '52.1'"),
        ("owner", "TRUNCATE pricing_quarantinedrow"),
    ],
)  # fmt: skip
def test_the_web_may_only_decide_and_the_jobs_only_report(tmp_path, name, statement):
    market_data.build(market_data.loaded(tmp_path, BAD_CLOSE))

    with pytest.raises(Error), role(name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert QuarantinedRow.objects.get().value == "521"


# --- what an archive no longer says


def test_a_figure_that_is_withdrawn_is_no_longer_known_and_the_pack_before_still_knows_it(tmp_path):
    policy = market_data.loaded(tmp_path)
    before = market_data.build(policy)[-1]
    macro = folders.SMALL["macro.csv"].replace("2020-01-06,Y10,1.81,bureau\n", "")
    market_data.loaded(tmp_path, {"macro.csv": macro})

    after = market_data.build(policy, restate_reason="a figure was withdrawn", run=UUID(int=2))[-1]

    days = [[row.observation_date.day for row in market.observations(pack, "Y10")] for pack in (before, after)]
    assert days == [[2, 3, 6, 7], [2, 3, 7]]
    withdrawal = PackObservation.objects.get(flags="withdrawn")
    assert (withdrawal.series_id, withdrawal.observation_date, withdrawal.value) == (
        "Y10",
        date(2020, 1, 6),
        Decimal("1.81"),
    )
    assert packs.verify(policy=policy) is None


def test_a_withdrawn_action_is_no_longer_known_and_comes_back_when_it_is_said_again(tmp_path):
    policy = market_data.loaded(tmp_path)
    market_data.build(policy)
    dividend = "2020-01-07,2020-01-21,OAK,dividend,,0.25,USD,derived:wood,,ok\n"
    without = folders.SMALL["corporate_actions.csv"].replace(dividend, "")
    market_data.loaded(tmp_path, {"corporate_actions.csv": without})
    gone = market_data.build(policy, NINTH, NINTH, restate_reason="withdrawn", run=UUID(int=2))[-1]
    market_data.loaded(tmp_path)

    back = market_data.build(policy, NINTH, NINTH, restate_reason="said again", run=UUID(int=3))[-1]

    assert [action.action for action in market.actions(gone)] == ["split"]
    assert [action.action for action in market.actions(back)] == ["split", "dividend"]


def test_a_series_that_the_archive_does_not_speak_of_keeps_what_was_said_of_it(tmp_path):
    policy = market_data.loaded(tmp_path)
    market_data.build(policy)
    only_cpi = "".join(line for line in folders.SMALL["macro.csv"].splitlines(keepends=True) if "Y10" not in line)
    market_data.loaded(tmp_path, {"macro.csv": only_cpi})

    pack = market_data.build(policy, NINTH, NINTH, restate_reason="without yields", run=UUID(int=2))[-1]

    assert len(market.observations(pack, "Y10")) == 4
    assert not PackObservation.objects.filter(flags="withdrawn").exists()
