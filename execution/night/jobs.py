"""The five jobs of a night, in their order."""

from collections.abc import Mapping

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
    """Store the daily values of all portfolios whose ledger ties out at the newest pack, by chunks.

    Nothing is computed of the others; their answers say why.
    """
    job = JobRun.objects.get(run=night.run, name=chunks.JOB)
    portfolios = night.portfolios()
    revisions = books.newest_reconciled_by_portfolio(portfolios)
    differing = blocked.portfolios_without_books(night.head)
    tied_out = [
        (portfolio, revisions[portfolio.pk])
        for portfolio in portfolios
        if portfolio.pk in revisions and portfolio.pk not in differing
    ]
    new_chunks = chunks.open_chunks(job=job, pack=night.head, revisions_tied_out=tied_out)
    if len(new_chunks) > 1:
        for chunk in new_chunks:
            night.ring(chunk.pk)
    sums = chunks.finish(job=job, progress=lambda count, total: night.progress(chunks.JOB, count, total))
    return JobResult({**sums, **blocked.report(night.head, job=chunks.JOB)})


def prewarm_factors(night: Night) -> JobResult:
    """Store the regime and the cycle phases of packs that lack them."""
    return JobResult({"phases": phases.store(night.head)})


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
