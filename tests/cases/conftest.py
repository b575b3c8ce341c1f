"""The worlds of the cases: each is made once for all cases that share it."""

from contextlib import ExitStack, contextmanager

import pytest

from tests import plugin
from tests.cases import worlds

NOT_MADE = ""


@pytest.fixture(scope="session")
def world_of(migrated, django_db_blocker, tmp_path_factory):
    """A context manager by the name of a world: the database of it, as role job."""
    shared: dict[str, str] = {}
    with ExitStack() as until_the_end:

        @contextmanager
        def at(name):
            with ExitStack() as until_then:
                if name in worlds.OWN_WORLDS:
                    folder = tmp_path_factory.mktemp("world")
                    database = until_then.enter_context(worlds.made(name, folder, django_db_blocker))
                else:
                    if name not in shared:
                        shared[name] = NOT_MADE
                        folder = tmp_path_factory.mktemp(name)
                        shared[name] = until_the_end.enter_context(worlds.made(name, folder, django_db_blocker))
                    if shared[name] == NOT_MADE:
                        pytest.fail(f"the world {name!r} could not be made", pytrace=False)
                    database = shared[name]
                until_then.enter_context(plugin.at_work(plugin.World(database), django_db_blocker))
                until_then.enter_context(plugin.role("job"))
                yield database

        yield at
