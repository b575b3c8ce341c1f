"""What is kept in Redis is JSON: reading it back runs nobody's code, as unpickling would."""

import json
from typing import Any

from django.core.cache.backends import redis
from django_prometheus.cache.metrics import (
    django_cache_get_fail_total,
    django_cache_get_total,
    django_cache_hits_total,
    django_cache_misses_total,
)
from redis.exceptions import RedisError

LABEL = "redis"
_ABSENT = object()


class JsonSerializer:
    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class CountingRedisCache(redis.RedisCache):
    """Django's, with hits and misses under django-prometheus' names; its own class can't be imported without django-redis."""

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
