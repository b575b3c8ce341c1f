"""What comes from Redis is what the service put there under that name, or is absent."""

import pytest
from django.core.cache import cache

from config import keyed_digest
from config.redis_client import shared_redis

pytestmark = pytest.mark.servers


@pytest.fixture
def stored():
    """The key in Redis of a value of the cache."""
    cache.set("a", {"value": "756411.71"}, 60)
    yield cache.make_key("a")
    cache.delete_many(["a", "b"])


def altered():
    return keyed_digest.ALTERED.labels("cache")._value.get()


def test_a_value_comes_back_as_it_was(stored):
    cache.set_many({"b": [1, None, "ü"]}, 60)

    assert cache.get("a") == {"value": "756411.71"}
    assert cache.get_many(["a", "b", "c"]) == {"a": {"value": "756411.71"}, "b": [1, None, "ü"]}
    assert cache.add("a", 1, 60) is False


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.replace(b"756411.71", b"999999.99"),
        lambda value: value[64:],
        lambda value: b"",
        lambda value: b"\xff" * 70,
        lambda value: b"0" * 64 + b"[" * 100_000,
    ],
)
def test_a_changed_value_is_absent_dropped_and_told(stored, change):
    before = altered()
    shared_redis().set(stored, change(shared_redis().get(stored)))

    assert cache.get("a", "absent") == "absent"
    assert shared_redis().get(stored) is None
    assert altered() == before + 1


def test_a_value_under_the_name_of_another_is_absent(stored):
    shared_redis().set(cache.make_key("b"), shared_redis().get(stored))

    assert cache.get_many(["a", "b"]) == {"a": {"value": "756411.71"}}


def test_a_value_made_with_another_key_is_absent(stored, settings):
    settings.RESULT_KEY = "another key, which is long enough to be one"

    assert cache.get("a") is None
