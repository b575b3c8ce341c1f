"""What staff see first: the state of what they look after, each with the page on which it is mended.

`{% load board %}{% staff_board %}` in the admin's index. A card stands there for who may open its page.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django import template
from django.contrib.auth.models import User
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst, slugify

from compliance import versions
from compliance.models import AuditCheck, AuditSeal, RightsDecision, RightsVersion
from config.counts import number_of
from execution.admin.tasks import TASKS
from execution.models import BlockedPortfolio, JobRun, NightlyRun, PatternDraft, RunState
from execution.night import blocked, due
from execution.night.estimates import estimated_end, estimated_ready
from portfolio.models import Reconciliation
from pricing import packs
from pricing.models import Decision, MarketArchive, PackStatus, PricingPack, PricingPolicy, QuarantinedRow
from pricing.providers import states

DAY: Final = timedelta(days=1)

register = template.Library()


@dataclass(frozen=True, slots=True)
class Card:
    """One thing that is looked after. `is_well`: nobody has to do anything. `address`: where it is seen and mended."""

    title: str
    text: str
    is_well: bool
    address: str
    permission: str
    """The permission to open the address."""


@register.inclusion_tag("admin/board.html", takes_context=True)
def staff_board(context: Any) -> dict[str, Any]:
    user: User = context["request"].user
    return {"cards": [card for card in cards(timezone.now()) if user.has_perm(card.permission)]}


@register.simple_tag
def pages_by_task(rooms: list[Any]) -> list[dict[str, Any]]:
    """The pages that the user may open, which Django lists by room."""
    pages = {page["model"]._meta.label_lower: page for room in rooms for page in room["models"]}
    by_task = {task: [pages[label] for label in labels if label in pages] for task, labels in TASKS.items()}
    return [{"name": task, "code": slugify(task), "pages": of_task} for task, of_task in by_task.items() if of_task]


@register.simple_tag
def task_of(label: str) -> str:
    """The task that the page of a model belongs to, as the index has it."""
    return next(task for task, labels in TASKS.items() if label in labels)


@register.simple_tag
def why_empty(opts: Any) -> str:
    """Why a list of the admin has no rows."""
    return next(labels[opts.label_lower] for labels in TASKS.values() if opts.label_lower in labels)


def cards(now: datetime) -> Iterator[Card]:
    """All cards, those of each pricing policy first. Read in the scope of who looks."""
    policies = list(PricingPolicy.objects.order_by("code"))
    overdue = due.overdue_since([each.code for each in policies], now)
    for policy in policies:
        yield from _policy_cards(policy, overdue.get(policy.code), now)
    yield _quarantine()
    yield _providers()
    yield _rights()
    yield _refusals(now)
    yield _drafts()
    yield _audit()


def _policy_cards(policy: PricingPolicy, overdue: datetime | None, now: datetime) -> Iterator[Card]:
    try:
        pack = packs.resolve(policy=policy)
    except packs.PackWarming:
        list_address, permission = _list(PricingPack)
        yield Card(
            f"Pack {policy}",
            "There is none yet: load market data, then run the night.",
            False,
            list_address,
            permission,
        )
        return
    run = NightlyRun.objects.filter(pk=pack.run).first()
    yield _pack(policy, pack)
    yield _night(policy, run, overdue, now)
    yield _breaks(policy, run)
    yield _blocked(policy, run)


def _pack(policy: PricingPolicy, pack: PricingPack) -> Card:
    text = f"{pack.pk} is {pack.status}"
    if pack.status == PackStatus.ERROR:
        text += f": {pack.failed_job}, {pack.reason}"
    elif pack.status != PackStatus.FRESH:
        ready = estimated_ready(pack.pk)
        text += f", ready about {ready:%Y-%m-%d %H:%M} UTC" if ready else ", and no past night says when it is ready"
    address = reverse("admin:pricing_pricingpack_change", args=[pack.pk])
    return Card(f"Pack {policy}", f"{text}.", pack.status == PackStatus.FRESH, address, "pricing.view_pricingpack")


def _night(policy: PricingPolicy, run: NightlyRun | None, overdue: datetime | None, now: datetime) -> Card:
    list_address, permission = _list(NightlyRun)
    title, rings = f"Night {policy}", f"beat rings next {due.next_ring(now):%Y-%m-%d %H:%M} UTC"
    if run is None:
        return Card(title, f"None has run; {rings}.", False, list_address, permission)
    address = reverse("admin:execution_nightlyrun_change", args=[run.pk])
    text = f"{run.date} is {run.get_state_display().lower()}"
    failed = JobRun.objects.filter(run=run, state=RunState.FAILED).order_by("position").first()
    if failed is not None:
        again = (
            f"tried again {failed.retry_at:%Y-%m-%d %H:%M} UTC" if failed.retry_at else "a person has to run it again"
        )
        text += f": {failed.name} failed, {failed.reason[:200]}; {again}"
    elif run.finished_at is None:
        ready = estimated_end(run)
        text += f", expected to be done about {ready:%Y-%m-%d %H:%M} UTC" if ready else ", as the first to be timed"
    else:
        text += f" since {run.finished_at:%Y-%m-%d %H:%M} UTC"
    if overdue is not None:
        text += f"; one has been due since {overdue:%Y-%m-%d %H:%M} UTC"
    return Card(title, f"{text}; {rings}.", failed is None and overdue is None, address, permission)


def _breaks(policy: PricingPolicy, run: NightlyRun | None) -> Card:
    list_address, permission = _list(Reconciliation)
    detail = JobRun.objects.filter(run=run, name=blocked.RECONCILE).values_list("detail", flat=True).first() or {}
    compared, failed = detail.get("portfolios"), detail.get("failed")
    if compared is None:
        return Card(f"Breaks {policy}", "The newest night has compared no books.", False, list_address, permission)
    text = f"Portfolios that equal their ledgers: all {compared}."
    if failed:
        text = f"Portfolios that differ from their ledgers: {failed} of {compared}."
    return Card(
        f"Breaks {policy}",
        text,
        not failed,
        f"{list_address}?status__exact=fail" if failed else list_address,
        permission,
    )


def _blocked(policy: PricingPolicy, run: NightlyRun | None) -> Card:
    list_address, permission = _list(BlockedPortfolio)
    described = blocked.describe_run(run)
    count = described["portfolios"]
    why = f" ({', '.join(described['missing'])})" if described["missing"] else ""
    text = (
        f"Portfolios without an answer at the newest pack: {count}{why}." if count else "Every portfolio has an answer."
    )
    return Card(f"Blocked portfolios {policy}", text, not count, list_address, permission)


def _quarantine() -> Card:
    list_address, permission = _list(QuarantinedRow)
    pending = QuarantinedRow.objects.filter(decision=Decision.PENDING).count()
    text = f"Rows that wait for a decision: {pending}." if pending else "Nothing waits for a decision."
    return Card(
        "Quarantine",
        text,
        not pending,
        f"{list_address}?decision__exact=pending" if pending else list_address,
        permission,
    )


def _providers() -> Card:
    list_address, permission = _list(MarketArchive)
    providers = states.all_providers()
    text = "; ".join(f"{each.provider} {each.words}" for each in providers)
    return Card(
        "Providers",
        f"{text}.",
        all(not each.is_on or each.breaker == 0 for each in providers),
        list_address,
        permission,
    )


def _rights() -> Card:
    list_address, permission = _list(RightsVersion)
    now = versions.current()
    proposed = RightsVersion.objects.filter(published_at=None).count()
    differs = len(versions.compare(now.as_table(), versions.draft())) if now and now.table is not None else 0
    parts = [f"version {now.pk} decides" if now else "no version decides: every use is denied"]
    if proposed:
        parts.append(f"{proposed} proposed and not published")
    if differs:
        parts.append(f"{number_of(differs, 'edit')} in the draft")
    return Card("Rights", capfirst(f"{'; '.join(parts)}."), bool(now) and not differs, list_address, permission)


def _refusals(now: datetime) -> Card:
    """Asked for and not let out by the terms of a source: it is as it should be, and worth a look where it is new."""
    list_address, permission = _list(RightsDecision)
    refusals = RightsDecision.objects.filter(at__gte=now - DAY).exclude(refusing=[])
    sources = sorted({source for refusing in refusals.values_list("refusing", flat=True) for source in refusing})
    text = (
        f"In the last 24 hours, by {', '.join(sources)}: {refusals.count()}."
        if sources
        else "None in the last 24 hours."
    )
    return Card(
        "Refused by rights", text, True, f"{list_address}?verdict=refused" if sources else list_address, permission
    )


def _drafts() -> Card:
    list_address, permission = _list(PatternDraft)
    count = PatternDraft.objects.count()
    proposed = PatternDraft.objects.filter(proposed_by__isnull=False).count()
    text = f"Drafts: {count}; to be published by a second person: {proposed}." if count else "No drafts."
    return Card("Patterns", text, not proposed, list_address, permission)


def _audit() -> Card:
    list_address, permission = _list(AuditCheck)
    seal, check = AuditSeal.objects.first(), AuditCheck.objects.first()
    sealed = f"sealed {seal.sealed_at:%Y-%m-%d %H:%M} UTC" if seal else "not sealed yet: the worker does each minute"
    verified = "not verified yet: beat rings for it each day"
    if check is not None:
        verified = f"verified {check.finished_at:%Y-%m-%d %H:%M} UTC, {number_of(check.count, 'difference')}"
    is_well = seal is not None and (check is None or not check.count)
    return Card("Audit log", capfirst(f"{sealed}; {verified}."), is_well, list_address, permission)


def _list(model: type[Model]) -> tuple[str, str]:
    """The address of the list of a model's rows, and the permission to open it."""
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"), f"{meta.app_label}.view_{meta.model_name}"
