from functools import lru_cache

import pytest

from pricing import archive
from pricing.tests import folders, provider_server


@pytest.fixture(scope="session", autouse=True)
def real_folders_are_read_once():
    """A reading never changes, and of all folders the process itself keeps but the last one's."""
    read, real = archive._read, {str(folder.resolve()) for folder in (folders.DEMO, folders.DATA)}
    kept = lru_cache(maxsize=4)(read)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "_read", lambda folder, *of: (kept if folder in real else read)(folder, *of))
        yield


@pytest.fixture(scope="session")
def server_of_all():
    with provider_server.serving() as server:
        yield server


@pytest.fixture
def server(server_of_all):
    """The provider of a test, that answers what the test says."""
    server_of_all.answers(provider_server.sent({}))
    return server_of_all


@pytest.fixture
def time():
    return provider_server.Time()


@pytest.fixture(scope="session")
def carried_for_all(server_of_all):
    adapter = provider_server.Loopback(server_of_all.port)
    yield adapter
    adapter.close()


@pytest.fixture
def carried(server, carried_for_all):
    """The way to `server`; its connections are kept from test to test."""
    carried_for_all.port, carried_for_all.origins = server.port, []
    return carried_for_all


@pytest.fixture
def connect(server, carried, time):
    """A client whose requests go to `server`; by `time` unless told otherwise."""

    def client(provider, **changes):
        return provider_server.client_to(server, provider, **({"time": time, "adapter": carried} | changes))

    return client
