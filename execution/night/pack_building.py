"""The job that seals the packs of a night."""

import logging

from config.errors import TieoutError
from execution.night.night import JobResult, Night
from execution.night.restatement import LACKING, few_enough
from pricing import packs
from pricing.archive import loading
from pricing.models import PackStatus, PricingPack
from pricing.quality import quarantine, symbols

logger = logging.getLogger(__name__)


class StoredPackCorrupt(TieoutError):
    """A pack of an earlier night is not what was sealed: no figure is computed on top of it."""

    def __init__(self, pack_id: str) -> None:
        # The reason of a pack is shown to everybody: the row is for the log and for verify_packs.
        super().__init__(f"pricing pack {pack_id} is not what was sealed; verify_packs names the row")
        self.pack_id = pack_id


def build_pack(night: Night) -> JobResult:
    """Seal a pack for each day, and for each day that lacks what the loaded data now have; then the head again if anything was
    sealed after it; and verify the packs that were sealed before.

    raises   StoredPackCorrupt
    """
    restated = _restate_lacking(night)
    built = packs.build(
        policy=night.policy,
        dates=night.days,
        run=night.run.pk,
        restate_reason=night.run.restates or None,
        progress=lambda count, total: night.progress("build_pack", count, total),
    )
    head = packs.reseal(policy=night.policy, run=night.run.pk)
    sealed = {pack.pk: pack for pack in (*restated, *built)}
    if head.run == night.run.pk or not sealed:
        sealed.setdefault(head.pk, head)
    of_run = tuple(sealed.values())
    in_error = [pack for pack in of_run if pack.status == PackStatus.ERROR]
    if in_error:
        packs.mark_warming(in_error)
    sequences = [pack.sequence for pack in of_run if pack.run == night.run.pk and pack.sequence is not None]
    if corrupt := packs.verify(policy=night.policy, before=min(sequences, default=None)):
        logger.error("pack corrupt", extra={"pack_id": corrupt.pack_id, "what": corrupt.what})
        raise StoredPackCorrupt(corrupt.pack_id)
    days = [pack.asof_date for pack in of_run]
    detail = {
        "packs": len(of_run),
        "head": head.pk,
        "quarantined": quarantine.counts(since=min(days), up_to=max(days)),
        "symbol_differences": symbols.report(loading.read_loaded()),
        **({"restated": len(restated)} if restated else {}),
    }
    return JobResult(detail, of_run)


def _restate_lacking(night: Night) -> list[PricingPack]:
    """The packs of the run for days that lack what the loaded data now have, also those that it sealed before it was taken up."""
    of_run = PricingPack.objects.filter(run=night.run.pk, restates=LACKING, sequence__isnull=False)
    lacking = packs.restatable_days(night.policy)
    if night.run.restates != LACKING:
        lacking = few_enough(night.policy, lacking)
    days = sorted({*of_run.values_list("asof_date", flat=True), *lacking})
    return packs.build(
        policy=night.policy,
        dates=days,
        run=night.run.pk,
        restate_reason=LACKING,
        progress=lambda count, total: night.progress("restate", count, total),
    )
