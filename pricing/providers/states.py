"""How the providers are doing, for the admin and for metrics. Asks Redis, never a provider."""

from dataclasses import dataclass

import redis
from redis.exceptions import RedisError

from config.redis_client import shared_redis
from pricing.providers import fmp, fred, http, newsapi, polygon
from pricing.providers.budget import MARKS, Budget, Quota
from pricing.providers.http import REAL_TIME, Clock, Provider

ALL: tuple[Provider, ...] = (fmp.PROVIDER, fred.PROVIDER, newsapi.PROVIDER, polygon.PROVIDER)
"""By code. The archive is a folder: it has neither key nor breaker nor budget."""


@dataclass(frozen=True, slots=True)
class State:
    """One provider. `breaker` is 0 closed, 1 open, 2 half-open; it and `quotas` are None while Redis is away."""

    provider: str
    key_variable: str
    is_on: bool
    breaker: int | None
    quotas: tuple[Quota, ...] | None

    @property
    def words(self) -> str:
        if not self.is_on:
            return f"off: {self.key_variable} is not set"
        if self.breaker is None:
            return "not known: Redis is away"
        return ("works", "is left alone after failures", "is being tried again")[self.breaker]

    @property
    def marked(self) -> tuple[Quota, ...]:
        """The budgets that have passed the first mark."""
        return tuple(quota for quota in self.quotas or () if quota.share * 100 >= MARKS[0])


def of(provider: Provider, *, client: redis.Redis | None = None, clock: Clock = REAL_TIME) -> State:
    """What the workers share of one provider."""
    shared = client or shared_redis()
    is_on = bool(http.key_of(provider))
    try:
        shared.ping()
    except RedisError:
        return State(provider.code, provider.key_variable, is_on, None, None)
    breaker = http.breaker_of(provider, shared, clock).state
    quotas = Budget(provider.code, provider.allowance, shared).used(clock.now())
    return State(provider.code, provider.key_variable, is_on, breaker, quotas)


def every() -> tuple[State, ...]:
    return tuple(of(provider) for provider in ALL)
