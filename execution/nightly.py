"""The night: build_pack -> reconcile_ledger -> compute_metrics -> prewarm_factors -> mark_pack_fresh.

The order is law, and a job that fails blocks the rest. What is done and what remains is rows; a run that a killed worker left
behind is taken up where it stopped by whoever comes next. A span is one run: its dates rise, the five jobs run once over it.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from config.errors import TieoutError
from execution import chunks
from execution.models import JobRun, NightlyRun, RunState
from portfolio import books, reconciliation
from portfolio.ledger import writer
from portfolio.ledger.repository import LedgerRepository
from portfolio.models import Portfolio
from pricing import loading, market, packs, quarantine, symbols
from pricing.models import PackStatus, PricingPack, PricingPolicy

logger = logging.getLogger(__name__)

HEARTBEAT_S, STALE_AFTER_S = 1, 60
Progress = Callable[[str, int, int], None]
Ring = Callable[[int], None]


class JobFailed(TieoutError):
    """A job ended badly; the ones after it did not begin."""

    def __init__(self, job: str, reason: str) -> None:
        super().__init__(f"{job} failed: {reason}")
        self.job, self.reason = job, reason


class JobTakenOver(JobFailed):
    """A later attempt is at the job: this one leaves everything as it is."""

    def __init__(self, job: str) -> None:
        super().__init__(job, "a later attempt took it over")


class OutOfOrder(TieoutError):
    """A job was asked for before its predecessors were done."""

    def __init__(self, job: str, missing: str) -> None:
        super().__init__(f"{job} needs {missing} to be done first")
        self.job, self.missing = job, missing


class RunElsewhere(TieoutError):
    """Another process is at this policy's night."""

    def __init__(self, policy: str) -> None:
        super().__init__(f"a nightly run of {policy} is under way in another process")
        self.policy = policy


class NothingToBuild(TieoutError):
    """No pack day lies in what was asked for."""

    def __init__(self, policy: str, first: date, last: date) -> None:
        super().__init__(f"{policy} has no pack day between {first} and {last}")
        self.policy, self.first, self.last = policy, first, last


@dataclass(slots=True)
class Night:
    """One run as its jobs see it."""

    run: NightlyRun
    policy: PricingPolicy
    days: list[date]
    progress: Progress
    ring: Ring = lambda chunk: None
    packs: list[PricingPack] = field(default_factory=list)

    @property
    def head(self) -> PricingPack:
        """The newest pack of the run, its highest sequence: what the figures are computed as of."""
        return max(self.packs, key=lambda pack: (pack.asof_date, pack.sequence or 0))

    @property
    def is_span(self) -> bool:
        return self.run.from_date != self.run.date

    def portfolios(self) -> list[Portfolio]:
        return list(Portfolio.objects.filter(policy=self.policy).select_related("policy").order_by("slug"))


def run(
    *,
    policy: PricingPolicy,
    from_date: date,
    date: date,
    restates: str = "",
    from_step: str | None = None,
    progress: Progress = lambda job, done, total: None,
    ring: Ring = lambda chunk: None,
) -> NightlyRun:
    """Finish the night of a date, or of a span of dates; at once where it is done already.

    from_step  do this job and those after it again, also of a night that is done
    ring       tell workers of a chunk (its key); without workers this process does them all
    raises   JobFailed by name; RunElsewhere while another process is at it; NothingToBuild; OutOfOrder for a `from_step`
             whose predecessors are not done
    """
    if from_step is None and not restates:
        last = _last_release(policy, date)
        if last is not None and last.state == RunState.DONE and last.from_date <= from_date:
            return last  # without a look into the archive
    days = packs.pack_days(policy=policy, first=from_date, last=date)
    if not days:
        raise NothingToBuild(policy.code, from_date, date)
    # A lock of the session: a killed run can be taken up at once.
    with chunks.held(f"execution.nightly:{policy.code}") as got:
        if not got:
            raise RunElsewhere(policy.code)
        night_run = open_run(policy=policy, from_date=days[0], date=days[-1], restates=restates)
        if night_run.state == RunState.DONE and from_step is None:
            return night_run
        night = Night(night_run, policy, days, progress, ring)
        _require_predecessors(night_run, from_step)
        NightlyRun.objects.filter(pk=night_run.pk).update(state=RunState.RUNNING, finished_at=None)
        for job in JobRun.objects.filter(run=night_run).order_by("position"):
            if job.state != RunState.DONE or job.name in _REREAD:
                _do(night, job)
        NightlyRun.objects.filter(pk=night_run.pk).update(state=RunState.DONE, finished_at=Now())
    night_run.refresh_from_db()
    logger.info("nightly run done", extra={"run_id": str(night_run.pk), "policy": policy.code})
    return night_run


def open_run(*, policy: PricingPolicy, from_date: date, date: date, restates: str = "") -> NightlyRun:
    """The row of a night with its jobs. The same night asked for again is the same row; a restatement, or a longer span that
    ends on the same day, opens the next release."""
    last = _last_release(policy, date)
    if (
        last is not None
        and last.from_date <= from_date
        and (not restates or (last.restates == restates and last.state != RunState.DONE))
    ):
        return last
    with transaction.atomic():
        opened, _ = NightlyRun.objects.get_or_create(
            policy=policy.code,
            date=date,
            release=(last.release if last else 0) + 1,
            defaults={"from_date": from_date, "restates": restates},
        )
        jobs = [JobRun(run=opened, name=name, position=position) for position, name in enumerate(JOBS)]
        JobRun.objects.bulk_create(jobs, ignore_conflicts=True)
    return opened


def _last_release(policy: PricingPolicy, date: date) -> NightlyRun | None:
    return NightlyRun.objects.filter(policy=policy.code, date=date).order_by("-release").first()


def require_order(run: NightlyRun, name: str) -> None:
    """Raises OutOfOrder with the first predecessor that is not done."""
    done = set(JobRun.objects.filter(run=run, state=RunState.DONE).values_list("name", flat=True))
    for before in list(JOBS)[: list(JOBS).index(name)]:
        if before not in done:
            raise OutOfOrder(name, before)


def _require_predecessors(night_run: NightlyRun, from_step: str | None) -> None:
    if from_step is not None:
        require_order(night_run, from_step)
        later = list(JOBS)[list(JOBS).index(from_step) :]
        JobRun.objects.filter(run=night_run, name__in=later).update(state=RunState.WAITING)


def _do(night: Night, job: JobRun) -> None:
    """One attempt at a job, under its own fencing number."""
    require_order(night.run, job.name)
    JobRun.objects.filter(pk=job.pk).update(
        state=RunState.RUNNING,
        fencing=F("fencing") + 1,
        started_at=Now(),
        heartbeat_at=Now(),
        finished_at=None,
        reason="",
        detail={},
    )
    job.refresh_from_db()
    tell, night.progress = night.progress, _beating(job, night.progress)
    try:
        detail = JOBS[job.name](night)
    except JobTakenOver:
        raise
    except TieoutError as failure:
        _fail(night, job, str(failure))
        raise JobFailed(job.name, str(failure)) from failure
    finally:
        night.progress = tell
    ended = JobRun.objects.filter(pk=job.pk, fencing=job.fencing).update(
        state=RunState.DONE, finished_at=Now(), detail=dict(detail)
    )
    if not ended:
        raise JobTakenOver(job.name)


def _beating(job: JobRun, tell: Progress) -> Progress:
    """`tell`, which also keeps the heartbeat, once a second: what is silent for STALE_AFTER_S the watchdog takes up.

    Raises JobTakenOver. Inside a transaction nobody would see the beat, so it waits for a call outside.
    """
    last = monotonic()

    def told(what: str, done: int, total: int) -> None:
        nonlocal last
        tell(what, done, total)
        if monotonic() - last < HEARTBEAT_S or connection.in_atomic_block:
            return
        last = monotonic()
        if not JobRun.objects.filter(pk=job.pk, fencing=job.fencing).update(heartbeat_at=Now()):
            raise JobTakenOver(job.name)

    return told


def _fail(night: Night, job: JobRun, reason: str) -> None:
    failed = JobRun.objects.filter(pk=job.pk, fencing=job.fencing).update(
        state=RunState.FAILED, finished_at=Now(), reason=reason[:4000]
    )
    if not failed:
        raise JobTakenOver(job.name)
    NightlyRun.objects.filter(pk=night.run.pk).update(state=RunState.FAILED, finished_at=Now())
    warming = list(PricingPack.objects.filter(run=night.run.pk, status=PackStatus.WARMING))
    if warming:
        packs.mark_error(warming, job=job.name, reason=reason[:4000])
    logger.error("nightly job failed", extra={"job": job.name, "run_id": str(night.run.pk)})


class StoredPackCorrupt(TieoutError):
    """A pack of an earlier night is not what was sealed: no figure is computed on top of it."""

    def __init__(self, found: packs.PackCorrupt) -> None:
        # The reason of a pack is shown to everybody: the row is for the log and for verify_packs.
        super().__init__(f"pricing pack {found.pack_id} is not what was sealed; verify_packs names the row")
        self.found = found


def build_pack(night: Night) -> Mapping[str, Any]:
    """Seal a pack for each day, then the head anew if anything was sealed after it; and read again what was sealed before."""
    night.packs = packs.build(
        policy=night.policy,
        dates=night.days,
        run=night.run.pk,
        restate_reason=night.run.restates or None,
        progress=lambda done, total: night.progress("build_pack", done, total),
    )
    head = packs.reseal(policy=night.policy, run=night.run.pk)
    if head.run == night.run.pk and head.pk not in {pack.pk for pack in night.packs}:
        night.packs.append(head)
    in_error = [pack for pack in night.packs if pack.status == PackStatus.ERROR]
    if in_error:
        packs.mark_warming(in_error)
    sealed_now = [pack.sequence for pack in night.packs if pack.run == night.run.pk and pack.sequence is not None]
    if corrupt := packs.verify(policy=night.policy, before=min(sealed_now, default=None)):
        logger.error("pack corrupt", extra={"pack_id": corrupt.pack_id, "what": str(corrupt)})
        raise StoredPackCorrupt(corrupt)
    return {
        "packs": len(night.packs),
        "head": head.pk,
        "quarantined": quarantine.counts(since=night.days[0], upto=night.days[-1]),
        "symbol_differences": symbols.report(loading.read_loaded()),
    }


def reconcile_ledger(night: Night) -> Mapping[str, Any]:
    """Every portfolio at every pack of the run, all at one commit of the ledger. More breaking portfolios than allowed put
    their packs in error."""
    portfolios = night.portfolios()
    commit = _require_known_folders()
    prices = reconciliation.load_prices(night.packs, night.policy.pivot)
    outcome = reconciliation.Outcome()
    head = night.head
    known = market.actions(head)
    chosen = sorted(night.packs, key=lambda pack: (pack.asof_date, pack.sequence or 0))
    for position, portfolio in enumerate(portfolios, 1):
        first = books.first_date(portfolio)
        lived = [pack for pack in chosen if first is None or pack.asof_date >= first]
        outcome.add(
            portfolio,
            reconciliation.reconcile(
                portfolio=portfolio, packs=lived, prices=prices, actions=known, run=night.run.pk, commit=commit
            ),
        )
        night.progress("reconcile_ledger", position, len(portfolios))
    detail = {
        "portfolios": outcome.portfolios,
        "failed": len(outcome.failed),
        "max_error_bp": format(round(outcome.max_error_bp, 6).normalize() + Decimal(0), "f"),
    }
    too_many = [
        pack_id for pack_id, count in outcome.broken_packs.items() if count > settings.RECONCILIATION_MAX_BROKEN
    ]
    if too_many:
        raise ReconciliationBroke(len(outcome.failed), sorted(too_many), detail)
    return detail


class ReconciliationBroke(TieoutError):
    """More portfolios break than RECONCILIATION_MAX_BROKEN allows."""

    def __init__(self, failed: int, pack_ids: list[str], detail: Mapping[str, Any]) -> None:
        super().__init__(f"{failed} portfolios do not tie out, first at {pack_ids[0]}")
        self.failed, self.pack_ids, self.detail = failed, tuple(pack_ids), detail


class FolderWithoutPortfolio(TieoutError):
    """The ledger owns something for nobody."""

    def __init__(self, slugs: list[str]) -> None:
        # The reason of a pack is shown to everybody: it counts, the log names.
        super().__init__(f"the ledger has {len(slugs)} folders without a portfolio")
        self.slugs = tuple(slugs)


def _require_known_folders() -> str | None:
    """The commit that the whole night reads; raises FolderWithoutPortfolio, LedgerRewritten."""
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        head = repository.head()
        writer.require_forward(repository, head)
        folders = set(repository.slugs(head)) if head else set()
    unknown = sorted(folders - set(Portfolio.objects.values_list("slug", flat=True)))
    if unknown:
        logger.error("ledger folders without a portfolio", extra={"slugs": unknown[:20]})
        raise FolderWithoutPortfolio(unknown)
    return head


def compute_metrics(night: Night) -> Mapping[str, Any]:
    return _in_chunks(night, "compute_metrics")


def prewarm_factors(night: Night) -> Mapping[str, Any]:
    return {"portfolios": _in_chunks(night, "prewarm_factors")["portfolios"]}


def _in_chunks(night: Night, name: str) -> Mapping[str, int]:
    """Portfolios whose ledger is reconciled; one that breaks within the allowance is left out, its own answers say why."""
    job = JobRun.objects.get(run=night.run, name=name)
    portfolios = night.portfolios()
    revisions = books.newest_reconciled_of(portfolios)
    used = [(portfolio, revisions[portfolio.pk]) for portfolio in portfolios if portfolio.pk in revisions]
    opened = chunks.open_chunks(job=job, pack=night.head, used=used)
    if len(opened) > 1:
        for chunk in opened:
            night.ring(chunk.pk)
    return chunks.finish(job=job, tell=lambda done, total: night.progress(name, done, total))


def mark_pack_fresh(night: Night) -> Mapping[str, Any]:
    """Open to readers what the jobs before have passed; the database refuses it otherwise."""
    ids = [pack.pk for pack in night.packs]
    warming = list(PricingPack.objects.filter(pk__in=ids, run=night.run.pk, status=PackStatus.WARMING))
    if warming:
        packs.mark_fresh(warming)
    night.progress("mark_pack_fresh", len(ids), len(ids))
    return {"packs": len(warming)}


JOBS: Mapping[str, Callable[[Night], Mapping[str, Any]]] = {
    "build_pack": build_pack,
    "reconcile_ledger": reconcile_ledger,
    "compute_metrics": compute_metrics,
    "prewarm_factors": prewarm_factors,
    "mark_pack_fresh": mark_pack_fresh,
}
"""In their order. The database knows the four that stand before mark_pack_fresh by name (execution/migrations/0002)."""

_REREAD = frozenset({"build_pack"})
"""Done again when a run is taken up: what is sealed is kept, so it only finds the packs that the later jobs need."""
