"""The worlds in which cases happen: a market, its nights, and one person."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.contrib.auth import get_user_model

from execution.patterns import publishing
from tests import plugin
from tests.cases import market, woods
from tests.cases.desk import OWNER, command


class WorldFailed(Exception):
    """A market or a night that should have been taken was not; what was said."""


def done(*words: str | Path) -> None:
    """A command that must end well for a world to be there."""
    answer = command(*words)
    if answer.code:
        raise WorldFailed(f"{' '.join(map(str, words))}: {answer.text}")


def begin(folder: Path) -> None:
    """A person, the patterns, and a market."""
    for document in publishing.read_library().values():
        publishing.publish(document)
    get_user_model().objects.create_user(OWNER)
    done("load_market_data", folder)


def neighbour(folder: Path, text: str, base: str = "USD") -> None:
    """Somebody else's portfolio, about which nothing is wrong."""
    path = folder / "neighbour.csv"
    path.write_text(text)
    done("import_transactions", "--portfolio", "neighbour", "--owner", OWNER, "--base", base, path)


def _main(folder: Path) -> None:
    """Three years of the made market, each of its days with a pack."""
    begin(market.write(folder / "market"))
    neighbour(folder, "date,type,symbol,quantity,unit_price,currency\n2024-02-01,deposit,,,1000,USD\n")
    done("nightly", "--from", market.FIRST.isoformat(), "--to", market.LAST.isoformat())


def _woods(folder: Path) -> None:
    """Two weeks of March 2021, each of their days with a pack."""
    begin(woods.write(folder / "market"))
    neighbour(folder, woods.NEIGHBOUR, "CAD")
    done("nightly", "--from", woods.DAYS[0], "--to", woods.DAYS[-1])


def _woods_without_nights(folder: Path) -> None:
    begin(woods.write(folder / "market"))


SHARED_WORLDS: dict[str, Callable[[Path], None]] = {"main": _main, "woods": _woods}
"""Many cases happen in one of these, each in a portfolio of its own."""
OWN_WORLDS: dict[str, Callable[[Path], None]] = {
    "woods, no night": _woods_without_nights,
    "nothing": lambda folder: None,
}
"""A case of these has a world for itself alone, because nights are part of it."""


@contextmanager
def made(name: str, folder: Path, django_db_blocker) -> Iterator[str]:
    """A database of that world, and its ledger."""
    steps = SHARED_WORLDS.get(name) or OWN_WORLDS[name]
    with plugin.template(plugin.SHARED[plugin.EMPTY]) as database:
        with plugin.at_work(plugin.World(database), django_db_blocker), plugin.role("job"):
            steps(folder)
        yield database
