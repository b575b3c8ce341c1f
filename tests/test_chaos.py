"""Short forms of the attacks in chaos/, which `make attack` runs long: nothing of what they look for is found."""

import os
from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from chaos import (
    audit_mutations,
    audit_tampering,
    cold_questions,
    foreign_objects,
    fuzz,
    half_requests,
    many_clients,
    service,
    tampered_caches,
    turning_packs,
)
from tests import plugin

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def attacked(demo_database, django_db_blocker):
    """A web server of its own over a copy of the demo, and the database that it has."""
    with plugin.template(plugin.SHARED[plugin.DEMO]) as name, plugin.web_server(name, DEBUG="") as url:
        yield name, url


@pytest.fixture
def person(attacked, django_db_blocker):
    name, url = attacked
    with plugin.at_work(plugin.Demo(name), django_db_blocker):
        yield service.Person(url, "owner")


def test_what_is_changed_in_redis_or_in_a_row_is_on_no_page(person):
    tally = tampered_caches.attack(person, "public", count=20, seed=int(os.environ["TIEOUT_TEST_SEED"]))

    assert (tally.edits, tally.failures) == (20, [])
    assert tally.outcomes.keys() == {"right", "refused"}


def test_half_sent_requests_hold_nothing_and_are_closed(attacked):
    tally = half_requests.attack(attacked[1], count=32, seed=int(os.environ["TIEOUT_TEST_SEED"]))

    assert (tally.halves, tally.closings, tally.failures) == (64, 64, [])


def test_each_change_leaves_its_rows_in_the_audit_log_and_all_of_them_verify(attacked, person):
    def command(*arguments):
        with plugin.role("job"):
            call_command(*arguments, verbosity=0)

    seed = int(os.environ["TIEOUT_TEST_SEED"])
    tally = audit_mutations.attack(attacked[1], "owner", "public", count=30, seed=seed, command=command)

    assert (tally.mutations.total(), tally.failures) == (30, [])
    assert tally.mutations.keys() == {"api", "admin", "page", "command"}


def test_each_edit_removal_and_insertion_of_a_sealed_entry_is_named(person):
    tally = audit_tampering.attack(count=30, seed=int(os.environ["TIEOUT_TEST_SEED"]))

    assert (tally.tries.total(), tally.detections, tally.failures) == (30, 30, [])


def test_nobody_meets_what_is_anothers(person, attacked):
    with service.staff(attacked[1], "staff") as staff:
        others = [service.Person(attacked[1], "other"), staff]
        tally = foreign_objects.attack(person, others, "public", count=400, seed=int(os.environ["TIEOUT_TEST_SEED"]))

    assert (tally.attempts, tally.pairs, tally.failures) == (400, 200, [])
    assert {200, 404} <= tally.statuses.keys()


def test_what_nobody_means_well_is_refused_by_words(person, attacked):
    with service.staff(attacked[1], "staff") as staff:
        tally = fuzz.attack([person, staff], count=400, seed=int(os.environ["TIEOUT_TEST_SEED"]), threads=2)

    assert tally.failures == []
    assert sum(tally.statuses.values()) + tally.unsent == 400


def test_one_users_cold_questions_leave_the_others_an_answer(person, attacked):
    """How long each takes is for the long form: this machine may have other work."""
    other = service.Person(attacked[1], "other")

    tally = cold_questions.attack(person, other, slugs=("public", "second"), count=8, rounds=1, seed=1)

    assert (tally.cold[200], tally.failures) == (8, [])
    assert len(tally.live_ms) > 1
    assert len(tally.warm_ms) > 1


def test_many_clients_are_all_answered_alike(person):
    tally = many_clients.attack(person, "public", clients=50, seconds=3)

    assert tally.answers.keys() == {"200, the same"}


def test_a_day_that_is_restated_while_it_is_asked_for_is_answered_from_one_fresh_release(person):
    with plugin.role("job"):
        tally = turning_packs.attack(person, "public", "ECB_EUR", turns=3, clients=4)

    assert (tally.turns, tally.failures) == (3, [])
    assert tally.statuses.keys() <= {200, 429}
    assert tally.packs >= 2


def test_an_answer_of_a_release_that_was_not_fresh_was_replaced_or_is_mixed_would_be_named():
    at = [datetime(2013, 3, 4, 8, minute, tzinfo=UTC) for minute in range(6)]
    moved_at, fresh_since = {"PP_r1": at[0], "PP_r2": at[2]}, {1: at[0], 2: at[3]}

    def faults(asked_at, answered_at, pack_id, *named):
        answer = turning_packs.Answer(asked_at, answered_at, pack_id, "hash", frozenset(named))
        return turning_packs._faults(answer, moved_at, fresh_since)

    assert faults(at[1], at[4], "PP_r1", "PP_r1") == []
    assert faults(at[1], at[4], "PP_r2", "PP_r2") == []
    assert faults(at[0], at[1], "PP_r2", "PP_r2") == ["PP_r2 was answered before it was fresh"]
    assert faults(at[1], at[1], "PP_r3", "PP_r3") == ["PP_r3 was answered before it was fresh"]
    assert faults(at[4], at[5], "PP_r1", "PP_r1") == ["PP_r1 was answered after release 2 was fresh"]
    assert faults(at[1], at[4], "PP_r1", "PP_r1", "PP_r2") == ["an answer of PP_r1 names PP_r1, PP_r2"]
