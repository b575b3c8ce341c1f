"""The night: build_pack -> reconcile_ledger -> compute_metrics -> prewarm_factors -> mark_pack_fresh.

The order is law, and a job that fails blocks the rest. What is done and what remains is rows; a run that a killed worker left
behind is taken up where it stopped by whoever comes next. A span is one run: its dates rise, the five jobs run once over it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, Max, OuterRef, Q
from django.db.models.functions import Now

from config import doctor, locks
from config.errors import TieoutError
from execution.models import BlockedKind, JobRun, NightlyRun, RunState
from execution.night import blocked, chunks
from portfolio import books
from portfolio.books import reconciliation, writer
from portfolio.ledger.repository import LedgerRepository, LedgerRewritten, LedgerUnavailable
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import LedgerRevision, Portfolio, RevisionStatus
from pricing import market, packs
from pricing.archive import loading
from pricing.models import PackStatus, PricingPack, PricingPolicy, QuarantinedRow
from pricing.quality import quarantine, symbols

logger = logging.getLogger(__name__)

HEARTBEAT_S, STALE_AFTER_S = 1, 60
LACKING = "the loaded data now have what this pack lacked"
"""Why a pack is restated without anybody asking, and the name of a run that does nothing else."""
MOST_COMPARED_BY_ITSELF = 100_000
"""Days times portfolios of what is restated without being asked: some minutes. More waits for --restate-lacking."""
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

    What newly loaded data can now price is restated within the run, and by a run of its own where the night is done already;
    with restates=LACKING nothing else is done, and however many days it takes.
    from_step  do this job and those after it again, also of a night that is done
    ring       tell workers of a chunk (its key); without workers this process does them all
    raises   JobFailed by name; RunElsewhere while another process is at it; NothingToBuild; OutOfOrder for a `from_step`
             whose predecessors are not done
    """
    if from_step is None and not restates:
        last = _last_release(policy, date, restates)
        if last is not None and last.state == RunState.DONE and last.from_date <= from_date:
            begun = _begun_lacking(policy)
            lacking = [begun.from_date, begun.date] if begun else restatable_by_itself(policy)
            if not lacking:
                return last
            from_date, date, restates = lacking[0], lacking[-1], LACKING
    days = packs.pack_days(policy=policy, first=from_date, last=date)
    if not days:
        raise NothingToBuild(policy.code, from_date, date)
    # A lock of the session: a killed run can be taken up at once.
    with locks.try_session_lock(f"execution.night.nightly:{policy.code}") as acquired:
        if not acquired:
            raise RunElsewhere(policy.code)
        night_run = open_run(policy=policy, from_date=days[0], date=days[-1], restates=restates)
        if night_run.state == RunState.DONE and from_step is None:
            return night_run
        night = Night(night_run, policy, [] if night_run.restates == LACKING else days, progress, ring)
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
    last = _last_release(policy, date, restates)
    if (
        last is not None
        and last.from_date <= from_date
        and (not restates or (last.restates == restates and last.state != RunState.DONE))
    ):
        return last
    with transaction.atomic():
        newest = NightlyRun.objects.filter(policy=policy.code, date=date).aggregate(release=Max("release"))["release"]
        opened, _ = NightlyRun.objects.get_or_create(
            policy=policy.code,
            date=date,
            release=(newest or 0) + 1,
            defaults={"from_date": from_date, "restates": restates},
        )
        jobs = [JobRun(run=opened, name=name, position=position) for position, name in enumerate(JOBS)]
        JobRun.objects.bulk_create(jobs, ignore_conflicts=True)
    return opened


def _last_release(policy: PricingPolicy, date: date, restates: str) -> NightlyRun | None:
    """Of the nights that end on that day; what restates lacking days alone is no night of the days between them."""
    releases = NightlyRun.objects.filter(policy=policy.code, date=date).order_by("-release")
    alone = Q(restates=LACKING)
    return releases.filter(alone if restates == LACKING else ~alone).first()


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
    blocked.clear(jobs=list(JOBS)[list(JOBS).index(job.name) :], packs=night.packs)
    tell, night.progress = night.progress, _beating(job, night.progress)
    try:
        detail = JOBS[job.name](night)
    except JobTakenOver:
        raise
    except TieoutError as failure:
        _fail(night, job, str(failure), getattr(failure, "detail", {}))
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


def _fail(night: Night, job: JobRun, reason: str, detail: Mapping[str, Any]) -> None:
    failed = JobRun.objects.filter(pk=job.pk, fencing=job.fencing).update(
        state=RunState.FAILED, finished_at=Now(), reason=reason[:4000], detail=dict(detail)
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
    """Seal a pack for each day, and for each day that lacks what the loaded data now have; then the head anew if anything
    was sealed after it; and read again what was sealed before."""
    restated = _restate_lacking(night)
    built = packs.build(
        policy=night.policy,
        dates=night.days,
        run=night.run.pk,
        restate_reason=night.run.restates or None,
        progress=lambda done, total: night.progress("build_pack", done, total),
    )
    head = packs.reseal(policy=night.policy, run=night.run.pk)
    sealed = {pack.pk: pack for pack in (*restated, *built)}
    if head.run == night.run.pk or not sealed:
        sealed.setdefault(head.pk, head)
    night.packs = list(sealed.values())
    in_error = [pack for pack in night.packs if pack.status == PackStatus.ERROR]
    if in_error:
        packs.mark_warming(in_error)
    sealed_now = [pack.sequence for pack in night.packs if pack.run == night.run.pk and pack.sequence is not None]
    if corrupt := packs.verify(policy=night.policy, before=min(sealed_now, default=None)):
        logger.error("pack corrupt", extra={"pack_id": corrupt.pack_id, "what": str(corrupt)})
        raise StoredPackCorrupt(corrupt)
    days = [pack.asof_date for pack in night.packs]
    return {
        "packs": len(night.packs),
        "head": head.pk,
        "quarantined": quarantine.counts(since=min(days), upto=max(days)),
        "symbol_differences": symbols.report(loading.read_loaded()),
        **({"restated": len(restated)} if restated else {}),
    }


def _restate_lacking(night: Night) -> list[PricingPack]:
    """Packs of the run for days that lack what the loaded data now have; on taking up also those it has sealed already."""
    mine = PricingPack.objects.filter(run=night.run.pk, restates=LACKING, sequence__isnull=False)
    lacking = packs.restatable(night.policy)
    if night.run.restates != LACKING:
        lacking = _few_enough(night.policy, lacking)
    days = sorted({*mine.values_list("asof_date", flat=True), *lacking})
    return packs.build(
        policy=night.policy,
        dates=days,
        run=night.run.pk,
        restate_reason=LACKING,
        progress=lambda done, total: night.progress("restate", done, total),
    )


def span_of_lacking(policy: PricingPolicy) -> tuple[date, date] | None:
    """First and last day of what a run with restates=LACKING has to do: one that was begun first, else all that lacks."""
    begun = _begun_lacking(policy)
    if begun is not None:
        return begun.from_date, begun.date
    lacking = packs.restatable(policy)
    return (lacking[0], lacking[-1]) if lacking else None


def _begun_lacking(policy: PricingPolicy) -> NightlyRun | None:
    """The restatement of lacking days that was begun and is not done, unless its last day has a later release."""
    begun = NightlyRun.objects.filter(policy=policy.code, restates=LACKING).exclude(state=RunState.DONE)
    later = NightlyRun.objects.filter(policy=OuterRef("policy"), date=OuterRef("date"), release__gt=OuterRef("release"))
    return begun.filter(~Exists(later)).order_by("started_at").first()


def restatable_by_itself(policy: PricingPolicy) -> list[date]:
    """The days that are restated without anybody asking: where data were loaded, or rows let in, since the last night.

    None where they are too many, or where no archive can be read.
    """
    last = NightlyRun.objects.filter(policy=policy.code, state=RunState.DONE).order_by("-started_at").first()
    loaded = loading.newest_archive()
    decided = QuarantinedRow.objects.filter(decided_at__gt=last.started_at) if last else QuarantinedRow.objects.none()
    if last is None or loaded is None or (loaded.loaded_at < last.started_at and not decided.exists()):
        return []
    try:
        return _few_enough(policy, packs.restatable(policy))
    except (loading.NoArchive, loading.ArchiveChanged):
        return []


def find_advice() -> list[doctor.Fault]:
    """Packs that lack what the loaded data have: of an earlier release, which held only what somebody needed, or of more days
    than a night restates by itself."""
    found = []
    for policy in PricingPolicy.objects.order_by("code"):
        try:
            lacking = packs.restatable(policy)
        except (loading.NoArchive, loading.ArchiveChanged):
            continue
        if lacking:
            what = (
                f"{len(lacking)} days of {policy.code}, {lacking[0]} to {lacking[-1]}, lack what the loaded data have"
            )
            mend = f"restate them: manage.py nightly --policy {policy.code} --restate-lacking"
            found.append(doctor.Fault("pricing packs", what, mend))
    return found


def _few_enough(policy: PricingPolicy, lacking: list[date]) -> list[date]:
    if len(lacking) * Portfolio.objects.filter(policy=policy).count() <= MOST_COMPARED_BY_ITSELF:
        return lacking
    logger.error("packs lack what the loaded data have", extra={"policy": policy.code, "days": len(lacking)})
    return []


def reconcile_ledger(night: Night) -> Mapping[str, Any]:
    """Every portfolio at every pack of the run, all at one commit of the ledger.

    What breaks is a portfolio at a pack; the others are as if it were not there. Raises ReconciliationBroke where none of
    those that have a ledger ties out, LedgerUnavailable and LedgerRewritten where there is nothing to compare with.
    """
    portfolios = night.portfolios()
    ledger = _read_ledger()
    prices = reconciliation.load_prices(night.packs, night.policy.pivot)
    outcome = reconciliation.Outcome()
    head = night.head
    known = market.actions(head)
    chosen = sorted(night.packs, key=lambda pack: (pack.asof_date, pack.sequence or 0))
    rows: list[blocked.Blocked] = []
    for position, portfolio in enumerate(portfolios, 1):
        first = books.first_date(portfolio)
        lived = [pack for pack in chosen if first is None or pack.asof_date >= first]
        comparisons = _reconcile_one(
            portfolio, ledger, packs=lived, prices=prices, actions=known, run=night.run.pk, commit=ledger.commit
        )
        outcome.add(portfolio, comparisons)
        rows += blocked.by_comparisons(portfolio.pk, comparisons)
        night.progress("reconcile_ledger", position, len(portfolios))
    rows += _without_revision(portfolios, head, {(each.portfolio_id, each.pack_id) for each in rows})
    blocked.add(job=blocked.RECONCILE, rows=rows)
    detail = {
        "portfolios": outcome.portfolios,
        "failed": len(outcome.failed),
        "max_error_bp": format(round(outcome.max_error_bp, 6).normalize() + Decimal(0), "f"),
        **({"folders_without_portfolio": len(ledger.unknown)} if ledger.unknown else {}),
        **blocked.tell_operator(head, job=blocked.RECONCILE),
    }
    if outcome.every_one_breaks:
        raise ReconciliationBroke(len(outcome.failed), sorted(outcome.broken_packs), detail)
    return detail


class ReconciliationBroke(TieoutError):
    """Of all portfolios that have a ledger, none ties out: what they have in common is at fault."""

    def __init__(self, failed: int, pack_ids: list[str], detail: Mapping[str, Any]) -> None:
        super().__init__(f"{failed} portfolios do not tie out, first at {pack_ids[0]}")
        self.failed, self.pack_ids, self.detail = failed, tuple(pack_ids), detail


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the whole night reads of the repository."""

    commit: str | None
    """None: nothing was entered yet."""
    unknown: tuple[str, ...] = ()
    """Folders without a portfolio."""


def _read_ledger() -> Ledger:
    """The newest commit, which the whole night speaks of. An installation that never had a ledger has none to read.

    raises   LedgerUnavailable, LedgerRewritten
    """
    if not Path(settings.LEDGER_PATH).exists() and not LedgerRevision.objects.exists():
        return Ledger(None)
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        head = repository.head()
        if head is None and not LedgerRevision.objects.exists():
            return Ledger(None)
        writer.require_forward(repository, head)
        folders = set(repository.slugs(head)) if head else set()
    unknown = sorted(folders - set(Portfolio.objects.values_list("slug", flat=True)))
    if unknown:
        logger.error("ledger folders without a portfolio", extra={"slugs": unknown[:20], "count": len(unknown)})
    return Ledger(head, tuple(unknown))


def _reconcile_one(
    portfolio: Portfolio, ledger: Ledger, *, packs: Sequence[PricingPack], run: UUID, **how: Any
) -> list[reconciliation.Comparison]:
    """The comparisons of one portfolio. What goes wrong with its data goes wrong for it alone, foreseen or not.

    raises   what concerns all: a rewritten history, a pack that is not what was sealed, a database that is away
    """
    if ledger.commit is None:
        kind, detail = reconciliation.MISSING_ACCOUNT, "nothing was entered into the ledger yet"
        return reconciliation.keep_failure(portfolio=portfolio, packs=packs, kind=kind, detail=detail, run=run)
    try:
        return reconciliation.reconcile(portfolio=portfolio, packs=packs, run=run, **how)
    except (LedgerRewritten, *chunks.CONCERN_ALL):
        raise
    except (LedgerUnavailable, LedgerRefused) as unreadable:
        kind, detail = reconciliation.LEDGER_UNREADABLE, str(unreadable)
        logger.warning("a ledger folder can't be read", extra={"portfolio": portfolio.slug, "reason": detail[:400]})
    except TieoutError as failure:
        kind, detail = reconciliation.NOT_COMPARED, str(failure)
        logger.warning("a portfolio could not be compared", extra={"portfolio": portfolio.slug, "reason": detail[:400]})
    except Exception:
        logger.exception("the comparison of a portfolio failed", extra={"portfolio": portfolio.slug})
        kind, detail = reconciliation.NOT_COMPARED, str(NotCompared())
    return reconciliation.keep_failure(portfolio=portfolio, packs=packs, kind=kind, detail=detail, run=run)


class NotCompared(TieoutError):
    """The books of a portfolio could not be compared for a reason that nobody foresaw; the log has it."""

    def __init__(self) -> None:
        super().__init__(
            "its books could not be compared: a fault of this program, which its operator finds in the log"
        )


def _without_revision(
    portfolios: Sequence[Portfolio], head: PricingPack, known: Set[tuple[UUID, str]]
) -> list[blocked.Blocked]:
    """Portfolios of which no revision was ever reconciled and whose newest is broken: nothing of them can be computed."""
    usable = books.newest_reconciled_of(portfolios)
    left = [each for each in portfolios if each.pk not in usable and (each.pk, head.pk) not in known]
    newest = LedgerRevision.objects.filter(portfolio__in=left).order_by("portfolio_id", "-number")
    return [
        blocked.Blocked(revision.portfolio_id, head.pk, BlockedKind.RECONCILIATION_FAILED, revision.reason)
        for revision in newest.distinct("portfolio_id")
        if revision.status == RevisionStatus.BROKEN
    ]


def compute_metrics(night: Night) -> Mapping[str, Any]:
    return _in_chunks(night, "compute_metrics")


def prewarm_factors(night: Night) -> Mapping[str, Any]:
    return {name: count for name, count in _in_chunks(night, "prewarm_factors").items() if name != "daily_values"}


def _in_chunks(night: Night, name: str) -> Mapping[str, Any]:
    """Portfolios whose ledger ties out at the newest pack; of the others nothing is computed, their own answers say why."""
    job = JobRun.objects.get(run=night.run, name=name)
    portfolios = night.portfolios()
    revisions = books.newest_reconciled_of(portfolios)
    differing = blocked.without_books(night.head)
    used = [
        (portfolio, revisions[portfolio.pk])
        for portfolio in portfolios
        if portfolio.pk in revisions and portfolio.pk not in differing
    ]
    opened = chunks.open_chunks(job=job, pack=night.head, used=used)
    if len(opened) > 1:
        for chunk in opened:
            night.ring(chunk.pk)
    found = chunks.finish(job=job, tell=lambda done, total: night.progress(name, done, total))
    return {**found, **blocked.tell_operator(night.head, job=name)}


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
