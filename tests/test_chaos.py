"""Short forms of the attacks in chaos/, which `make attack` runs long: nothing of what they look for is found."""

import os

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

    assert (tally.halves, tally.closed, tally.failures) == (64, 64, [])


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

    assert (tally.tries.total(), tally.named, tally.failures) == (30, 30, [])


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
