"""PostgreSQL, the only database, and Redis in front of it."""

from urllib.parse import parse_qs, unquote, urlsplit

from redis.backoff import NoBackoff
from redis.retry import Retry

from config import env

_url = urlsplit(env.required("DATABASE_URL"))
_query = {key: values[-1] for key, values in parse_qs(_url.query).items()}

IDLE_IN_TRANSACTION_S = 900
"""Longer than a ledger may be read (MOST_TIMEOUT_S of portfolio/ledger/reader.py), which a writer does in its transaction."""

DATABASES = {
    "default": {
        "ENGINE": "config.postgresql",
        "NAME": _url.path.lstrip("/"),
        "USER": unquote(_url.username or ""),
        "PASSWORD": unquote(_url.password or ""),
        "HOST": _query.pop("host", _url.hostname or ""),
        "PORT": str(_url.port or _query.pop("port", "")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": True,
        "OPTIONS": {
            **_query,
            "connect_timeout": 5,
            "options": "-c lock_timeout=30s -c timezone=UTC"
            f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_S}s",
        },
        "TEST": {"MIGRATE": True},
    }
}

REDIS_URL = env.required("REDIS_URL")

CACHES = {
    "default": {
        "BACKEND": "config.cache.CountingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "tieout",
        "VERSION": 2,  # what earlier releases have put there has no digest
        "OPTIONS": {
            "serializer": "config.cache.Bytes",
            # A cache that does not answer at once is no help.
            "socket_timeout": 1,
            "socket_connect_timeout": 1,
            "retry": Retry(NoBackoff(), 0),
        },
    }
}
