"""What the night stores of regime and cycles, by pack: the same as computed anew, read by the trends, refused where it is wrong."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from execution.night import history_check
from execution.tests import staging
from portfolio.macro import indicators, phases
from portfolio.models import EconomicPhase
from pricing import packs
from pricing.market.series import _read_steps
from pricing.models import PricingPack, PricingPolicy

CACHES = (phases._load, indicators._load, _read_steps)


@contextmanager
def unread(world):
    """As a job in a process that has read nothing yet."""
    for each in CACHES:
        each.cache_clear()
    with world.role("job"):
        yield packs.require_sealed(pack=packs.resolve(policy=PricingPolicy.objects.get()))
    for each in CACHES:
        each.cache_clear()


def refuse(*_):
    raise AssertionError("a stored phase is computed")


def test_the_stored_phases_are_those_that_are_computed_anew(demo):
    with unread(demo) as head:
        stored = EconomicPhase.objects.values_list("pack", flat=True).distinct()
        dates = sorted(PricingPack.objects.filter(pk__in=stored).values_list("asof_date", flat=True))
        differing = list(phases.find_differences(head, list(PricingPack.objects.filter(pk__in=stored))))
        read = phases.load(head, weeks=52)
        known = indicators.load(head)

    assert (len(dates), dates[-1], differing) == (phases.MOST_PACKS, head.asof_date, [])
    for subject, by_day in read.by_subject.items():
        assert by_day == {day: phases.judge(known, day)[subject][0] for day in by_day}


def test_trends_of_a_year_read_and_do_not_compute(demo, monkeypatch):
    monkeypatch.setattr(phases, "judge", refuse)

    with unread(demo) as head:
        history = phases.load(head, weeks=52)

    assert {len(each) for each in history.by_subject.values()} == {53}
    assert history.by_subject["regime"][head.asof_date].reason == "unknown(BAA10Y, UNRATE)"


def test_older_packs_are_filled_in_pieces_and_what_is_missing_meanwhile_is_computed(private_demo):
    with unread(private_demo) as head:
        filled = [phases.store(head, most=4) for _ in range(2)]
        packs_done = EconomicPhase.objects.values("pack").distinct().count()
        oldest = EconomicPhase.objects.order_by("pack__asof_date").first().pack.asof_date
        history = phases.load(head, weeks=80).by_subject["regime"]

    assert (filled, packs_done) == ([4, 4], phases.MOST_PACKS + 8)
    assert min(history) < oldest
    assert len(history) == 81


def test_a_figure_that_a_later_pack_brings_for_an_earlier_day_counts_from_that_day_on(private_demo):
    """The stored phases of the days since are not read, and not compared: they are of what was known before."""
    with unread(private_demo) as head:
        day = head.asof_date - timedelta(weeks=20)
        before = phases.load(head, weeks=52)
    columns = "series_id, observation_date, value, known_at, vintage, source, flags"
    staging.by_force(
        private_demo,
        f"INSERT INTO pricing_packobservation (content_id, {columns}) SELECT %s, series_id, observation_date, value + 1,"
        " %s, vintage, source, flags FROM pricing_packobservation WHERE series_id = 'UST10Y' ORDER BY observation_date"
        " DESC OFFSET 100 LIMIT 1",
        [head.content_id, day],
    )

    with unread(private_demo) as head:
        after = phases.load(head, weeks=52)
        known = indicators.load(head)
        days = phases._complete(head, list(phases._visible_days(head).values()))
        differing = history_check.find_differences(PricingPolicy.objects.get())
        named = [each for each in differing if each.table == "economic phase"]
        restored = phases.store(head, most=0)

    assert {each.date for each in days if each.date >= day} == {head.asof_date}
    assert after.by_subject["regime"] == {
        each: phases.judge(known, each)["regime"][0] for each in after.by_subject["regime"]
    }
    assert list(before.by_subject["regime"]) == list(after.by_subject["regime"])
    assert (named, restored) == ([], 0)


@pytest.mark.parametrize(
    "edit",
    ["reason = 'unknown(T10Y2Y)'", "sources = '[\"other\"]'", "name = 'Top', score = 0.5, margin = 0.1, reason = ''"],
)
def test_a_phase_that_was_edited_is_named(private_demo, edit):
    staging.by_force(
        private_demo,
        f"UPDATE portfolio_economicphase SET {edit} WHERE id = (SELECT max(id) FROM portfolio_economicphase)",
    )

    with unread(private_demo):
        found = [each.place for each in history_check.find_differences(PricingPolicy.objects.get())]

    assert len(found) == 1
    assert found[0].startswith("economic phase ")


@pytest.mark.parametrize(
    "changes",
    [
        {"score": float("nan"), "margin": 0.1, "name": "Top", "reason": ""},
        {"score": 0.5, "margin": float("nan"), "name": "Top", "reason": ""},
        {"score": 0.5, "margin": None, "name": "Top", "reason": ""},
        {"score": 1.5, "margin": 0.1, "name": "Top", "reason": ""},
        {"score": 0.5, "margin": -0.1, "name": "Top", "reason": ""},
        {"score": float("inf"), "margin": 0.1, "name": "Top", "reason": ""},
        {"score": 0.5, "margin": 0.1},
        {"reason": ""},
        {"score": 0.5, "margin": 0.1, "name": "Top"},
        {"scores": {"Top": float("nan")}},
        {},
    ],
)
def test_the_database_refuses_a_phase_that_says_nothing_or_no_number(private_demo, changes):
    with unread(private_demo) as head:
        unknown = {"subject": "regime", "method": "other", "name": "unknown", "reason": "unknown(UNRATE)"}
        EconomicPhase.objects.create(pack=head, **unknown)
        unknown |= {"method": "another"} if changes else {}
        with pytest.raises(DatabaseError), transaction.atomic():
            EconomicPhase.objects.create(pack=head, **(unknown | changes))
