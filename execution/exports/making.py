"""An export from its order to its file. What is ordered is a row first, so that whatever happens to its process stays on record."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from compliance import decision_record
from compliance.refusal import RightDenied
from compliance.terms import Use
from config import locks, scope
from config.errors import TieoutError
from execution import canonical
from execution.executor import ExecutionNotFound, store
from execution.executor.serving import find_done
from execution.executor.store import FinishedExecution
from execution.exports import evidence, files, keys, manifest, refusal
from execution.exports.content import ExportCancelled, ExportContent
from execution.exports.formats import FORMATS
from execution.exports.manifest import Manifest, Reader
from execution.exports.refusal import ExportDecision
from execution.models import ExecutionExport, ExportState
from execution.patterns import panel_values, versions
from portfolio.models import AccessRole, Portfolio, PortfolioAccess
from pricing.models import PackPrice, PricingPack, Security

logger = logging.getLogger(__name__)

OPEN: Final = (ExportState.WAITING, ExportState.RUNNING)


class NoSuchPanel(TieoutError):
    def __init__(self, panel: str, panels: tuple[str, ...]) -> None:
        super().__init__(f"there is no panel {panel[:64]}; there are {', '.join(panels)}")


class TakesNothingOut(TieoutError):
    """Who was given a portfolio to look at takes no files of it."""

    def __init__(self) -> None:
        super().__init__("you may look at this portfolio; its owner can let you take files out, too, as an adviser")


class NotOfPanels(TieoutError):
    """The form holds a whole result, never one panel."""

    def __init__(self, code: str) -> None:
        super().__init__(f"{code} is of the whole result: leave panel out, or ask for csv or xlsx")


class ExportFailed(TieoutError):
    """The file could not be written. Nothing of it is there, and it can be asked for again."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the export was not written: {reason}; ask for it again")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Material:
    """A finished execution with all that deciding and writing need of it."""

    finished: FinishedExecution
    request: Mapping[str, Any]
    document: Mapping[str, Any]
    portfolio: Portfolio | None


def order(
    execution_id: UUID,
    *,
    code: str,
    user: AbstractBaseUser,
    panel: str = "",
    reduced: bool = False,
    request_id: str = "",
) -> ExecutionExport:
    """Decide the rights of now and put the export on record, still without its file.

    code     of FORMATS
    panel    the id of the only panel that is wanted
    reduced  leave out what is refused, with all that could tell of it
    raises   ExecutionNotFound, NoSuchPanel, NotOfPanels, SigningOff, RightDenied (which is on record, too)
    """
    at = timezone.now()
    with scope.acting_as(user):
        with scope.snapshot():
            material = _load(execution_id)
            _require_taker(material, user)
            sources_of = _sources_of_outputs(material, code, panel)
            decision = refusal.decide(sources_of, FORMATS[code].use)
            left_out = _left_out(material, sources_of, decision)
            stays = {output: codes for output, codes in sources_of.items() if output not in left_out}
            attached = refusal.decide(stays, Use.JSON) if FORMATS[code].attaches_result and not panel else None
        attaches_result = attached is not None and not attached.refused_outputs
        safe = tuple(sorted(set(sources_of) - left_out))
        is_refused = bool(decision.refused_outputs) and (not reduced or not safe or bool(panel))
        row = ExecutionExport(
            user_id=user.pk,
            execution_id=execution_id,
            format=code,
            panel=panel,
            is_reduced=bool(left_out) and not is_refused,
            request_id=request_id,
            rights_version=decision.version,
            decision={**decision.as_dict(), "left_out": sorted(left_out), "attaches_result": attaches_result},
            state=ExportState.REFUSED if is_refused else ExportState.WAITING,
            made_at=at,
            expires_at=at + timedelta(days=settings.EXPORT_DAYS),
        )
        with transaction.atomic():
            row.save(force_insert=True)
            decision.record(execution_id, without=() if is_refused else left_out)
            if attached is not None and attaches_result and not is_refused:
                attached.record(execution_id)
            if FORMATS[code].is_signed:
                keys.register(at)
    if is_refused:
        panels = () if panel else refusal.safe_panels(material.document, left_out)
        safe = () if panel else safe
        raise RightDenied(decision.use, decision.refusals, safe, panels if safe else (), tuple(sorted(left_out)))
    return row


def _require_taker(material: _Material, user: AbstractBaseUser) -> None:
    """Raises TakesNothingOut where the user neither owns the portfolio nor advises on it."""
    portfolio = material.portfolio
    if portfolio is not None and portfolio.owner_id != user.pk:
        advises = PortfolioAccess.objects.filter(portfolio=portfolio, user=user.pk, role=AccessRole.ADVISER)
        if not advises.exists():
            raise TakesNothingOut


def make(export_id: UUID) -> None:
    """Write the file of an export that waits, or that a killed process left; nothing where it is done, or being done elsewhere.

    Raises ExportFailed; that, a refusal since the order and every other failure are on record.
    """
    with locks.try_session_lock(f"export {export_id}") as is_free:
        if not is_free:
            return
        with transaction.atomic():
            row = ExecutionExport.objects.filter(pk=export_id, state__in=OPEN).first()
        if row is None:
            return
        user = get_user_model().objects.get(pk=row.user_id)
        try:
            with scope.acting_as(user):
                _change(row, state=ExportState.RUNNING, progress=0)
                _write(row)
        except ExportCancelled:
            files.remove(row.pk)
        except OSError as full:
            reason = full.strerror or type(full).__name__
            _fail(row, user, reason)
            raise ExportFailed(reason) from full
        except Exception as failure:
            _fail(row, user, str(failure) if isinstance(failure, TieoutError) else type(failure).__name__)
            raise


def _write(row: ExecutionExport) -> None:
    content = _content(row)
    with files.writing(row.pk) as (file, file_facts):
        FORMATS[row.format].write(file, content, lambda count, total: _report(row, count, total))
    _change(
        row,
        state=ExportState.DONE,
        progress=100,
        sha256=file_facts.sha256,
        size=file_facts.size,
        finished_at=timezone.now(),
    )


def _content(row: ExecutionExport) -> ExportContent:
    """Raises RightDenied where rights have become stricter since the export was ordered."""
    with scope.snapshot():
        material = _load(row.execution_id)
        sources_of = _sources_of_outputs(material, row.format, row.panel)
        decision = refusal.decide(sources_of, FORMATS[row.format].use)
        left_out = _left_out(material, sources_of, decision)
        stays = {output: codes for output, codes in sources_of.items() if output not in row.decision["left_out"]}
        also = refusal.decide(stays, Use.JSON) if row.decision.get("attaches_result") else None
    for each, is_stricter in (
        (decision, not left_out <= set(row.decision["left_out"])),
        (also, also is not None and bool(also.refused_outputs)),
    ):
        if each is not None and is_stricter:
            with transaction.atomic():
                each.record(row.execution_id)
            raise RightDenied(each.use, each.refusals)
    left_out = frozenset(row.decision["left_out"])
    of, portfolio = material.finished, material.portfolio
    text, result_hash = of.result, of.result_hash
    if left_out:
        text = canonical.canonical_bytes(manifest.without(json.loads(text), left_out)).decode()
        result_hash = hashlib.sha256(text.encode()).hexdigest()
    proof = None
    if FORMATS[row.format].is_signed:
        with scope.snapshot():
            proof = evidence.load(of, material.request, portfolio, keys.signer(), left_out=left_out)
        with transaction.atomic():
            decision_record.record(proof.redistribution, execution_id=row.execution_id)
    decisions = [decided for output, decided in decision.own.outputs.items() if output not in left_out]
    return ExportContent(
        Manifest(
            format=row.format,
            reader=Reader(row.user_id, row.request_id, row.made_at),
            execution=of,
            portfolio=portfolio.slug if portfolio else "",
            title=material.document["title"],
            panel=row.panel,
            rights_version=decision.version,
            use=decision.use.value,
            left_out=tuple(sorted(left_out)),
            attributions=tuple(
                sorted(
                    {each for decided in decisions for each in decided.attributions},
                    key=lambda each: (each.text, each.link),
                )
            ),
            watermarks=tuple(sorted({text for decided in decisions for text in decided.watermarks})),
            result_hash=result_hash,
            with_pack_hashes=not left_out and (proof is None or proof.is_whole),
        ),
        text,
        material.document,
        str(portfolio.pk) if portfolio else "",
        portfolio.base_currency if portfolio else "",
        proof,
        attaches_result=also is not None,
    )


def _load(execution_id: UUID) -> _Material:
    execution = find_done(execution_id)
    portfolio = Portfolio.objects.filter(pk=execution.portfolio_id).first() if execution.portfolio_id else None
    if execution.portfolio_id and portfolio is None:
        raise ExecutionNotFound
    document = versions.require_intact(execution.pattern_version).document
    return _Material(store.from_row(execution), execution.request, document, portfolio)


def _sources_of_outputs(material: _Material, code: str, panel: str) -> dict[str, tuple[str, ...]]:
    """Output -> its sources, of the outputs that go into the file."""
    sources = {output: tuple(codes) for output, codes in material.finished.sources.items()}
    if not panel:
        return sources
    panels = {each["id"]: each for each in material.document["panels"]}
    if panel not in panels:
        raise NoSuchPanel(panel, tuple(panels))
    if not FORMATS[code].of_panel:
        raise NotOfPanels(code)
    return {output: sources[output] for output in panel_values.outputs_of(panels[panel]) if output in sources}


def _left_out(material: _Material, sources_of: Mapping[str, Any], decision: ExportDecision) -> frozenset[str]:
    if not decision.refused_outputs:
        return frozenset()
    content = PricingPack.objects.values_list("content_id", flat=True).get(pk=material.finished.pack_id)
    prices = PackPrice.objects.filter(content=content)
    sources = {*prices.values_list("source", flat=True).distinct(), *Security.objects.values_list("source", flat=True)}
    refusing = refusal.decide({source: (source,) for source in sources}, decision.use).refused_outputs
    priced = Security.objects.filter(
        Q(pk__in=prices.filter(source__in=refusing).values("security")) | Q(source__in=refusing)
    )
    rows = list(priced.values_list("pk", "symbol", "name"))
    result = {output: value for output, value in json.loads(material.finished.result).items() if output in sources_of}
    return refusal.find_unsafe(
        result,
        decision.refused_outputs,
        securities={pk for pk, *_ in rows},
        names={name for _, *both in rows for name in both if name},
    )


def _report(row: ExecutionExport, count: int, total: int) -> None:
    """Raises ExportCancelled where its owner has ended it meanwhile."""
    percent = min(99, 100 * count // total)
    if percent != row.progress:
        _change(row, progress=percent)


def _change(row: ExecutionExport, **fields: Any) -> None:
    """Raises ExportCancelled where the row is not open any more."""
    with transaction.atomic():
        if not ExecutionExport.objects.filter(pk=row.pk, state__in=OPEN).update(**fields):
            raise ExportCancelled
    for name, value in fields.items():
        setattr(row, name, value)


def _fail(row: ExecutionExport, user: AbstractBaseUser, reason: str) -> None:
    logger.error("export failed", extra={"export_id": str(row.pk), "reason": reason})
    with scope.acting_as(user), transaction.atomic():
        ExecutionExport.objects.filter(pk=row.pk, state__in=OPEN).update(
            state=ExportState.FAILED, reason=reason, finished_at=timezone.now()
        )


def waiting(before: datetime) -> list[UUID]:
    """Exports that were ordered before and are still open: their worker was killed, or nobody rang for one."""
    with transaction.atomic():
        rows = ExecutionExport.objects.filter(state__in=OPEN, made_at__lt=before)
        return list(rows.order_by("made_at").values_list("pk", flat=True))


def remove_expired(at: datetime) -> int:
    """Take away what was kept long enough, and files that belong to nothing; how many exports there were."""
    there = files.names()
    with transaction.atomic():
        old = ExecutionExport.objects.filter(state=ExportState.DONE, expires_at__lte=at)
        count = old.update(state=ExportState.REMOVED)
        exports_left = set(
            ExecutionExport.objects.filter(state__in=(*OPEN, ExportState.DONE)).values_list("pk", flat=True)
        )
    others = there - exports_left
    for each in others:
        files.remove(each)
    if count or others:
        logger.info("exports removed", extra={"exports": count, "files": len(others)})
    return count
