"""Nobody's data stops anybody: whatever somebody else enters, a good portfolio's night and its results are as without it."""

import time
from random import Random

import pytest

from execution.models import BlockedPortfolio
from tests import isolation, plugin
from tests.isolation import defects, nights

pytestmark = pytest.mark.role("job")


def pytest_generate_tests(metafunc):
    """Seeds as the command line of tests.isolation sets them, read when the tests are collected."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(isolation.FIRST_SEED, isolation.FIRST_SEED + isolation.SEEDS))


@pytest.fixture(scope="module")
def begun_alone(migrated, django_db_blocker, tmp_path_factory):
    """The market and the good portfolio, before any night."""
    with plugin.template(plugin.SHARED[plugin.EMPTY]) as name:
        with plugin.at_work(plugin.World(name), django_db_blocker) as world, world.role("job"):
            nights.begin(tmp_path_factory.mktemp("isolation"))
        yield name


@pytest.fixture(scope="module")
def undisturbed(begun_alone, django_db_blocker, tmp_path_factory):
    """What the good portfolio's owner sees without any neighbour."""
    for world in plugin.copy_of(begun_alone, plugin.World, django_db_blocker):
        with world.role("job"):
            seen = nights.nights(tmp_path_factory.mktemp("undisturbed"), {})
    return seen


@pytest.fixture
def own(undisturbed, begun_alone, django_db_blocker):
    yield from plugin.copy_of(begun_alone, plugin.World, django_db_blocker)


@pytest.mark.parametrize("defect", defects.DEFECTS, ids=lambda defect: defect.__name__)
def test_a_neighbour_of_each_kind_changes_nothing(defect, undisturbed, own, tmp_path):
    portfolios = {f"bad-{seed}": defect(Random(f"{defect.__name__} {seed}")) for seed in range(4)}

    seen = nights.nights(tmp_path, portfolios)

    assert seen == undisturbed


def test_beside_many_with_a_random_defect_each_nothing_changes(seed, undisturbed, own, tmp_path):
    began, count = time.monotonic(), isolation.PORTFOLIOS
    portfolios = defects.made(seed, count)

    seen = nights.nights(tmp_path, portfolios)

    assert seen == undisturbed, f"seed {seed}"
    blocked = BlockedPortfolio.objects.values("portfolio").distinct().count()
    print(f"seed {seed}: {count} portfolios, {blocked} blocked, results equal, {time.monotonic() - began:.0f} s")
