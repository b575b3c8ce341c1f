"""Short forms of the attacks in chaos/, which `make attack` runs long: nothing of what they look for is found."""

import os

import pytest

from chaos import half_requests, service, tampered_caches
from tests import plugin

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def attacked(demo_database, django_db_blocker):
    """A web server of its own over a copy of the demo, and the database that it has."""
    with plugin.template(plugin.SHARED[plugin.DEMO]) as name, plugin.web_server(name) as url:
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
