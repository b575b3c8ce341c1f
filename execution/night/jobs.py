"""The five jobs of a night, in their order."""

from collections.abc import Mapping
from typing import Any

from execution.models import JobRun
from execution.night import blocked, chunks
from execution.night.ledger_reconciliation import reconcile_ledger
from execution.night.night import Job, JobResult, Night
from execution.night.pack_building import build_pack
from portfolio import books
from portfolio.macro import phases
from pricing import packs
from pricing.models import PackStatus, PricingPack


def compute_metrics(night: Night) -> JobResult:
    return JobResult(_in_chunks(night, "compute_metrics"))


def prewarm_factors(night: Night) -> JobResult:
    done = _in_chunks(night, "prewarm_factors")
    of_packs = phases.store(night.head)
    return JobResult({name: count for name, count in done.items() if name != "daily_values"} | {"phases": of_packs})


def _in_chunks(night: Night, name: str) -> Mapping[str, Any]:
    """Do a job for all portfolios whose ledger ties out at the newest pack, and return its detail.

    Nothing is computed of the others; their answers say why.
    """
    job = JobRun.objects.get(run=night.run, name=name)
    portfolios = night.portfolios()
    revisions = books.newest_reconciled_by_portfolio(portfolios)
    differing = blocked.portfolios_without_books(night.head)
    tied_out = [
        (portfolio, revisions[portfolio.pk])
        for portfolio in portfolios
        if portfolio.pk in revisions and portfolio.pk not in differing
    ]
    opened = chunks.open_chunks(job=job, pack=night.head, used=tied_out)
    if len(opened) > 1:
        for chunk in opened:
            night.ring(chunk.pk)
    done = chunks.finish(job=job, progress=lambda done, total: night.progress(name, done, total))
    return {**done, **blocked.report(night.head, job=name)}


def mark_pack_fresh(night: Night) -> JobResult:
    """Open the packs to readers. The database refuses it unless the jobs before are done."""
    ids = [pack.pk for pack in night.packs]
    warming = list(PricingPack.objects.filter(pk__in=ids, run=night.run.pk, status=PackStatus.WARMING))
    if warming:
        packs.mark_fresh(warming)
    night.progress("mark_pack_fresh", len(ids), len(ids))
    return JobResult({"packs": len(warming)})


JOBS: Mapping[str, Job] = {
    "build_pack": build_pack,
    "reconcile_ledger": reconcile_ledger,
    "compute_metrics": compute_metrics,
    "prewarm_factors": prewarm_factors,
    "mark_pack_fresh": mark_pack_fresh,
}
"""By name, in their order. The database knows the four that stand before mark_pack_fresh by name (execution/migrations/0002)."""


def from_job_on(name: str) -> list[str]:
    """The job and those that come after it."""
    return list(JOBS)[list(JOBS).index(name) :]
