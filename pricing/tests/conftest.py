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


@pytest.fixture
def connect(server, time):
    """A client whose requests go to `server`; by `time` unless told otherwise."""
    made = []

    def client(provider, **changes):
        made.append(provider_server.client_to(server, provider, **({"time": time} | changes)))
        return made[-1]

    yield client
    for one in made:
        one._adapter.close()
