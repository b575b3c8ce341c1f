"""How the world is, read when Prometheus asks: packs, nights, blocked portfolios, breakers, budgets, queue, worker and beat.

Nothing is kept: whichever process of the web answers says the same. What can't be read is absent, and `tieout_scrape_errors` says
so. The job rows are read that everybody's health page is made of, no portfolio's.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily
from redis.exceptions import RedisError

from compliance.audit import sealing
from config import doctor, pulse
from config.redis_client import shared_redis
from execution import executor
from execution.models import RunState
from execution.night import audit_check, blocked, chunks, due, history_check, job_states
from execution.night.job_states import JobState
from execution.web.health import NUMBER_OF_STATUS, WORD_OF_STATUS, newest_pack
from pricing.models import PackStatus, PricingPack, PricingPolicy
from pricing.providers import http, states

logger = logging.getLogger(__name__)

QUEUE = "celery"
"""The one queue, by Celery's own name."""
GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "tieout_pack_freshness": ("Newest pack: 0 warming, 1 fresh, 2 error", ("policy",)),
    "tieout_pack_age_seconds": ("Seconds since the day of the newest fresh pack ended, UTC", ("policy",)),
    "tieout_night_overdue_seconds": ("Seconds since a night was due that is not done; 0 where none is", ("policy",)),
    "tieout_job_state": ("1 for the state of a job in the newest run of the night, else 0", ("policy", "job", "state")),
    "tieout_job_last_duration_seconds": ("Duration of a job in the newest run of the night", ("policy", "job")),
    "tieout_job_chunks": ("Chunks of a job in the newest run of the night, by state", ("policy", "job", "state")),
    "tieout_reconcile_max_abs_bp": ("Largest difference of ledger and database at the newest pack", ("policy",)),
    "tieout_blocked_portfolios": ("Portfolios without an answer at the newest pack", ("policy",)),
    "tieout_history_differences": ("Stored rows that are not what they were made from, by the checks of a week", ()),
    "tieout_history_check_age_seconds": ("Seconds since the last check of the history ended", ()),
    "tieout_audit_differences": ("What is not as the audit log was sealed or has it, by the newest check", ()),
    "tieout_audit_check_age_seconds": ("Seconds since the last check of the audit log ended", ()),
    "tieout_audit_unsealed_seconds": ("Seconds of the audit log that are not sealed", ()),
    "tieout_migrations_unapplied": ("Migrations that the database lacks", ()),
    "tieout_circuit_breaker_state": ("Breaker of a capability: 0 closed, 1 open, 2 half-open", ("capability",)),
    "tieout_provider_on": ("1 where there is a key", ("provider",)),
    "tieout_provider_breaker_state": ("Breaker of a provider: 0 closed, 1 open, 2 half-open", ("provider",)),
    "tieout_provider_quota_ratio": ("Share of a provider's budget that is used", ("provider", "window")),
    "tieout_queue_depth": ("Messages that no worker has taken yet", ("queue",)),
    "tieout_silent_seconds": ("Seconds since a process showed that it is alive", ("process",)),
    "tieout_scrape_errors": ("1 where what this page reads from did not answer, else 0", ("source",)),
}
"""Name -> help and labels."""

Sample = tuple[str, tuple[str, ...], float]
"""Name, values of the labels, value."""


class WorldCollector:
    """Reads the world anew for each scrape."""

    def describe(self) -> Iterable[Metric]:
        """The gauges without samples: a registry that has no answer here would ask database and Redis when it is made."""
        return [GaugeMetricFamily(name, text, labels=labels) for name, (text, labels) in GAUGES.items()]

    def collect(self) -> Iterable[Metric]:
        families = {each.name: each for each in self.describe()}
        for name, labels, value in read(timezone.now()):
            families[name].add_sample(name, dict(zip(GAUGES[name][1], labels, strict=True)), value)
        return families.values()


def read(now: datetime) -> Iterator[Sample]:
    """All samples. Of a source that does not answer there are none but that it did not."""
    for provider in states.ALL:
        yield "tieout_provider_on", (provider.code,), float(http.is_on(provider))
    for source, read_source in SOURCES.items():
        try:
            samples = list(read_source(now))
        except (DatabaseError, InterfaceError, RedisError):
            logger.warning("a source of metrics does not answer", exc_info=True, extra={"source": source})
            samples, failed = [], 1.0
        else:
            failed = 0.0
        yield from samples
        yield "tieout_scrape_errors", (source,), failed


def _read_migrations(now: datetime) -> Iterator[Sample]:
    """By itself: what is read after it may lack a column, and the number says why."""
    yield "tieout_migrations_unapplied", (), doctor.count_unapplied_migrations()


def _read_database(now: datetime) -> Iterator[Sample]:
    policies = list(PricingPolicy.objects.order_by("code"))
    heads = {policy.pk: pack for policy in policies if (pack := newest_pack(policy))}
    jobs = job_states.read_newest(also_runs=[pack.run for pack in heads.values()])
    for policy, pack in heads.items():
        yield "tieout_pack_freshness", (policy,), NUMBER_OF_STATUS[WORD_OF_STATUS[PackStatus(pack.status)]]
        yield from _read_outcome(policy, [job for job in jobs if job.run == pack.run])
    for job in jobs:
        if job.is_of_newest:
            yield from _read_job(job)
    for policy, pack in newest_fresh(heads).items():
        yield "tieout_pack_age_seconds", (policy,), (now - due.end_of(pack.asof_date)).total_seconds()
    for policy, since in due.overdue_since([policy.pk for policy in policies], now).items():
        yield "tieout_night_overdue_seconds", (policy,), (now - since).total_seconds() if since else 0.0
    if (standing := history_check.read_standing()) is not None:
        yield "tieout_history_differences", (), standing.differences
        yield "tieout_history_check_age_seconds", (), (now - standing.finished_at).total_seconds()
    if (audit := audit_check.read_standing()) is not None:
        yield "tieout_audit_differences", (), audit.differences
        yield "tieout_audit_check_age_seconds", (), (now - audit.finished_at).total_seconds()


def _read_job(job: JobState) -> Iterator[Sample]:
    for state in RunState.values:
        yield "tieout_job_state", (job.policy, job.name, state), float(job.state == state)
        if job.name == chunks.JOB:
            yield "tieout_job_chunks", (job.policy, job.name, state), job.chunks.get(state, 0)
    if job.duration_s is not None:
        yield "tieout_job_last_duration_seconds", (job.policy, job.name), job.duration_s


def _read_outcome(policy: str, jobs: list[JobState]) -> Iterator[Sample]:
    """What the run of a policy's newest pack found."""
    yield "tieout_blocked_portfolios", (policy,), blocked.describe_jobs(jobs)["portfolios"]
    for job in jobs:
        if job.name == blocked.RECONCILE and job.detail.get("max_error_bp") is not None:
            yield "tieout_reconcile_max_abs_bp", (policy,), float(job.detail["max_error_bp"])


def newest_fresh(heads: Mapping[str, PricingPack]) -> dict[str, PricingPack]:
    """By policy, the newest pack that readers are answered from."""
    pack_of = {policy: pack for policy, pack in heads.items() if pack.status == PackStatus.FRESH}
    if len(pack_of) == len(heads):
        return pack_of
    others = PricingPack.objects.filter(policy__in=heads.keys() - pack_of.keys(), status=PackStatus.FRESH)
    for pack in others.order_by("policy_id", "-asof_date").distinct("policy_id"):
        pack_of[pack.policy_id] = pack
    return pack_of


def _read_redis(now: datetime) -> Iterator[Sample]:
    shared = shared_redis()
    yield "tieout_queue_depth", (QUEUE,), shared.llen(f"tieout:{QUEUE}")
    if (sealed_up_to := sealing.read_sealed_up_to()) is not None:
        yield "tieout_audit_unsealed_seconds", (), now.timestamp() - sealed_up_to
    for process in (pulse.WORKER, pulse.BEAT):
        if (sign := pulse.last_sign(process)) is not None:
            yield "tieout_silent_seconds", (process,), sign.age_s
    for capability, state in executor.runtime().breaker_states().items():
        yield "tieout_circuit_breaker_state", (capability,), state
    for provider in states.all_providers():
        if provider.breaker is not None:
            yield "tieout_provider_breaker_state", (provider.provider,), provider.breaker
        for window, share in provider.shares:
            if share is not None:
                yield "tieout_provider_quota_ratio", (provider.provider, window), share


SOURCES: Mapping[str, Callable[[datetime], Iterator[Sample]]] = {
    "migrations": _read_migrations,
    "database": _read_database,
    "redis": _read_redis,
}
