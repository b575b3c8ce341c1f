"""How the providers are doing, for the admin and for metrics. Asks Redis, never a provider."""

from collections.abc import Sequence
from dataclasses import dataclass

import redis
from redis.exceptions import RedisError

from config.breaker import read_states
from config.redis_client import shared_redis
from pricing.providers import ecb, edgar, fmp, fred, http, metering, newsapi, openfigi, polygon, tiingo, treasury
from pricing.providers.budget import MARKS, Budget
from pricing.providers.http import REAL_TIME, Clock, Provider

ALL: tuple[Provider, ...] = (
    ecb.PROVIDER,
    fmp.PROVIDER,
    fred.PROVIDER,
    newsapi.PROVIDER,
    openfigi.PROVIDER,
    polygon.PROVIDER,
    edgar.PROVIDER,
    tiingo.PROVIDER,
    treasury.PROVIDER,
)
"""By code. The archive is a folder: it has neither key nor breaker nor budget."""
metering.start_at_zero(provider.code for provider in ALL)


@dataclass(frozen=True, slots=True)
class ProviderState:
    """One provider, as all workers see it. What Redis would have to say is None while it is away.

    off      why it is never asked; empty where it may be
    breaker  0 closed, 1 open, 2 half-open
    shares   window (minute, day, month) and how much of its budget is used: 0.7 is seventy percent
    """

    provider: str
    off: str
    breaker: int | None
    shares: tuple[tuple[str, float | None], ...]

    @property
    def is_on(self) -> bool:
        return not self.off

    @property
    def words(self) -> str:
        if self.off:
            return self.off
        if self.breaker is None:
            return "not known: Redis is away"
        return ("works", "is left alone after failures", "is being tried again")[self.breaker]

    @property
    def budgets(self) -> str:
        """`day 71 % (over 70 %), minute 3 %`."""
        return ", ".join(f"{window} {_percent(share)}" for window, share in self.shares)


def for_provider(provider: Provider, *, client: redis.Redis | None = None, clock: Clock = REAL_TIME) -> ProviderState:
    (state,) = _read([provider], client or shared_redis(), clock)
    return state


def all_providers() -> tuple[ProviderState, ...]:
    """The state of each provider, by code."""
    return _read(ALL, shared_redis(), REAL_TIME)


def _read(providers: Sequence[Provider], shared: redis.Redis, clock: Clock) -> tuple[ProviderState, ...]:
    """The breakers are asked first, all at once: where they do not answer nothing is known, as a budget goes on without Redis."""
    try:
        breakers = read_states([http.breaker_of(each, shared, clock) for each in providers])
    except RedisError:
        return tuple(map(_unknown_state, providers))
    return tuple(_state_of(each, breaker, shared, clock) for each, breaker in zip(providers, breakers, strict=True))


def _unknown_state(provider: Provider) -> ProviderState:
    unknown = tuple((window, None) for window in provider.allowance.windows)
    return ProviderState(provider.code, _off(provider), None, unknown)


def _state_of(provider: Provider, breaker: int, shared: redis.Redis, clock: Clock) -> ProviderState:
    quotas = Budget(provider.code, provider.allowance, shared).quotas(clock.now())
    shares = tuple((quota.window, quota.share) for quota in quotas)
    return ProviderState(provider.code, _off(provider), breaker, shares)


def _off(provider: Provider) -> str:
    return "" if http.is_on(provider) else http.off_words(provider)


def _percent(share: float | None) -> str:
    if share is None:
        return "not known"
    passed = [mark for mark in MARKS if share * 100 >= mark]
    return f"{share:.0%}" + (f" (over {passed[-1]} %)" if passed else "")
