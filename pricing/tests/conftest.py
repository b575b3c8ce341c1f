import pytest

from pricing.tests import provider_server


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
