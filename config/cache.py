"""What is kept in Redis is JSON, behind a keyed digest of it and of the name that it is kept under. Reading it back runs nobody's
code, as unpickling would, and what the service has not written itself, under this very name, is dropped and counts as absent."""

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NoReturn

from django.core.cache.backends import redis
from django_prometheus.cache.metrics import (
    django_cache_get_fail_total,
    django_cache_get_total,
    django_cache_hits_total,
    django_cache_misses_total,
)
from redis.exceptions import RedisError

from config import keyed_digest

LABEL = "redis"
KIND = "cache"
_ABSENT = object()


class Bytes:
    """Django's serializer, for values that are bytes already."""

    def dumps(self, value: bytes) -> bytes:
        return value

    def loads(self, data: bytes) -> bytes:
        return data


class SealedClient(redis.RedisCacheClient):
    """Django's, whose values are sealed when they are written and proved when they are read."""

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        """The client of the one server. Django's method makes another for each question."""
        return self._only_client

    @cached_property
    def _only_client(self) -> Any:
        return super().get_client(write=True)

    def add(self, key: Any, value: Any, timeout: Any) -> bool:
        return bool(super().add(key, _seal(key, value), timeout))

    def set(self, key: Any, value: Any, timeout: Any) -> None:
        super().set(key, _seal(key, value), timeout)

    def set_many(self, data: Mapping[Any, Any], timeout: Any) -> None:
        super().set_many({key: _seal(key, value) for key, value in data.items()}, timeout)

    def get(self, key: Any, default: Any) -> Any:
        sealed_value = super().get(key, None)
        value = _ABSENT if sealed_value is None else self._prove(key, sealed_value)
        return default if value is _ABSENT else value

    def get_many(self, keys: Iterable[Any]) -> dict[Any, Any]:
        values = {key: self._prove(key, sealed_value) for key, sealed_value in super().get_many(keys).items()}
        return {key: value for key, value in values.items() if value is not _ABSENT}

    def incr(self, key: Any, delta: Any) -> NoReturn:
        raise NotImplementedError("a sealed value can't be counted up: count in config.redis_client")

    def _prove(self, key: Any, sealed_value: bytes) -> Any:
        digest, content = sealed_value[: keyed_digest.LENGTH], sealed_value[keyed_digest.LENGTH :]
        if keyed_digest.is_right(digest.decode("latin-1"), KIND, _bytes_to_seal(key, content)):
            return json.loads(content)
        keyed_digest.tell_altered("cache")
        self.delete(key)
        return _ABSENT


def _seal(key: str, value: Any) -> bytes:
    content = json.dumps(value).encode()
    return keyed_digest.of(KIND, _bytes_to_seal(key, content)).encode() + content


def _bytes_to_seal(key: str, content: bytes) -> bytes:
    return key.encode() + b"\0" + content


class CountingRedisCache(redis.RedisCache):
    """Django's, with hits and misses under django-prometheus' names; its own class can't be imported without django-redis."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = SealedClient

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        django_cache_get_total.labels(LABEL).inc()
        try:
            value = super().get(key, _ABSENT, version)
        except RedisError:
            django_cache_get_fail_total.labels(LABEL).inc()
            raise
        if value is _ABSENT:
            django_cache_misses_total.labels(LABEL).inc()
            return default
        django_cache_hits_total.labels(LABEL).inc()
        return value
