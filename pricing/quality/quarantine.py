"""Rows under suspicion: stored once, decided by staff with a reason, and read by the next build."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import cast
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q

from config import scope
from config.errors import TieoutError
from pricing.models import Decision, QuarantinedRow
from pricing.quality.suspects import Decisions, Kind, Rule, Suspect


class ReasonMissing(TieoutError):
    """A decision says why."""

    def __init__(self) -> None:
        super().__init__("a decision needs a reason")


class NothingToAccept(TieoutError):
    """A row that could not be read holds no value that a pack could take."""

    def __init__(self, row: QuarantinedRow) -> None:
        super().__init__(f"{row} could not be read when it was fetched: it can be rejected only")
        self.row = row


def record(suspects: Iterable[Suspect], *, run: UUID) -> None:
    """Keep each suspicion; one that is known stays as it is."""
    rows = [
        QuarantinedRow(
            kind=each.kind,
            key=each.key,
            date=each.day,
            value=each.value,
            rule=each.rule,
            reason=each.reason[:400],
            source=each.source,
            first_seen=run,
        )
        for each in suspects
    ]
    QuarantinedRow.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2_000)


def decisions() -> tuple[Decisions, list[Suspect]]:
    """All that staff have decided; and the closes that could not be read when they were fetched, which nobody has decided on."""
    unreadable = Q(rule=Rule.REFUSED, kind="price")
    rows = QuarantinedRow.objects.filter(unreadable | ~Q(decision=Decision.PENDING)).order_by("id")
    accepted: set[tuple[Kind, str, date, str, str]] = set()
    rejected: set[tuple[Kind, str, date, str]] = set()
    undecided: list[Suspect] = []
    for kind, key, day, value, rule, decision, reason, source in rows.values_list(
        "kind", "key", "date", "value", "rule", "decision", "reason", "source"
    ):
        if decision == Decision.ACCEPTED:
            accepted.add((cast(Kind, kind), key, day, value, rule))
        elif decision == Decision.REJECTED:
            rejected.add((cast(Kind, kind), key, day, value))
        else:
            undecided.append(Suspect("price", key, day, value, Rule.REFUSED, reason, source))
    return Decisions(frozenset(accepted), frozenset(rejected)), undecided


@transaction.atomic
def decide(rows: Sequence[QuarantinedRow], *, decision: Decision, reason: str, by: int) -> None:
    """Accept or reject rows; the next build of their dates follows. Raises ReasonMissing; NothingToAccept, deciding none.

    by  the id of the user who decides
    """
    if not reason.strip():
        raise ReasonMissing
    if decision == Decision.ACCEPTED and (unreadable_rows := [row for row in rows if row.rule == Rule.REFUSED]):
        raise NothingToAccept(unreadable_rows[0])
    decided = {
        "decision": decision,
        "decision_reason": reason.strip(),
        "decided_by": by,
        "decided_at": datetime.now(UTC),
    }
    with scope.because(reason.strip()):
        QuarantinedRow.objects.filter(pk__in=[row.pk for row in rows]).update(**decided)
    for row in rows:
        for name, value in decided.items():
            setattr(row, name, value)


def counts(*, since: date, up_to: date) -> dict[str, int]:
    """How many rows of a span are in quarantine, by what was decided."""
    of_span = QuarantinedRow.objects.filter(date__range=(since, up_to)).order_by()
    rows_by_decision = dict(of_span.values_list("decision").annotate(rows=Count("id")))
    return {decision: rows_by_decision.get(decision, 0) for decision in Decision.values}
