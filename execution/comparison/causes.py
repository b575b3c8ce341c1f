"""What two executions of one pattern were computed from differently: rows of packs, transactions, settings, inputs, engine."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from difflib import SequenceMatcher
from typing import Any, Final, TypeAlias

from config.decimals import trimmed
from execution.executor.planning import Plan
from execution.models import Execution
from execution.operations import pack_diff, shown_values
from portfolio.books.entries import Event
from portfolio.books.revisions import rows_of_revisions
from portfolio.models import LedgerRevision, Transaction
from pricing import market
from pricing.models import PricingPack

ASOF_DATE: Final = "asof_date"
SAID: Final = tuple(field.name for field in fields(Event) if field.name not in ("entry_id", "ordinal"))
"""What a transaction says. Its place among those of its day is told apart: others move it."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that differs. `kind`: pack_row, pack, transaction, setting, input, pattern, engine."""

    kind: str
    name: str
    before: Any
    after: Any
    details: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, **self.details, "before": self.before, "after": self.after}


def find(before: tuple[Execution, Plan], after: tuple[Execution, Plan]) -> list[Cause]:
    """Everything that differs in what two executions were computed from."""
    (old, old_plan), (new, new_plan) = before, after
    rows = _of_packs(old_plan.pack, new_plan.pack)
    is_of_one_day = old_plan.pack.asof_date == new_plan.pack.asof_date
    return [
        *rows,
        *(_plain("pack", "pricing_pack_id", old_plan.pack.pk, new_plan.pack.pk) if is_of_one_day and not rows else []),
        *_of_ledgers(old_plan.revision, new_plan.revision),
        *_of_requests(old_plan, new_plan),
        *_plain("pattern", "version", old.pattern_version.version, new.pattern_version.version),
        *_plain("engine", "engine_version", old.engine_version, new.engine_version),
    ]


def _plain(kind: str, name: str, before: Any, after: Any) -> list[Cause]:
    return [Cause(kind, name, before, after, {})] if before != after else []


def _of_packs(before: PricingPack, after: PricingPack) -> list[Cause]:
    """Rows that the two see differently: closes and rates of each day that both see, and what each knows of series and actions
    that was known by the last such day. What a later day alone has is no difference but the later day."""
    if before == after:
        return []
    old, new = ({day: (pack_id, content) for day, pack_id, content in market.seen_by(pack)} for pack in (before, after))
    both = sorted(old.keys() & new.keys())
    differing = [day for day in both if old[day][1] != new[day][1]]
    packs = PricingPack.objects.select_related("policy", "content").in_bulk(
        {visible[day][0] for visible in (old, new) for day in differing}
    )
    changes = [
        (new[day][0], change)
        for day in differing
        for change in pack_diff.find_changes_of_day(packs[old[day][0]], packs[new[day][0]])
    ]
    if both:
        changes += [(after.pk, change) for change in pack_diff.find_changes_known_by(before, after, both[-1])]
    denied = shown_values.find_denied({source for _, change in changes for source in change.sources})
    causes = [_row(pack_id, change) for pack_id, change in changes if denied.isdisjoint(change.sources)]
    withheld = {tuple(sorted(denied & change.sources)) for _, change in changes} - {()}
    return causes + [_withheld(after, sources) for sources in sorted(withheld)]


def _row(pack_id: str, change: pack_diff.Change) -> Cause:
    """A row of a pack, by the fields that differ."""
    row_change = pack_diff.change_as_dict(change)
    before, after = ({name: values[side] for name, values in row_change["fields"].items()} for side in (0, 1))
    details = {
        "row": row_change["kind"], "pack_id": pack_id, "change": row_change["change"], "effect_bp": row_change["effect_bp"],
        "withheld": False, "sources": sorted(change.sources),
    }  # fmt: skip
    return Cause(
        "pack_row",
        row_change["key"],
        None if change.before is None else before,
        None if change.after is None else after,
        details,
    )


def _withheld(pack: PricingPack, sources: tuple[str, ...]) -> Cause:
    """That rows of sources differ which may not be shown: neither which, nor how many, nor of which days."""
    details = {
        "row": None, "pack_id": pack.pk, "change": None, "effect_bp": None, "withheld": True, "sources": list(sources),
    }  # fmt: skip
    return Cause("pack_row", ", ".join(sources), None, None, details)


def _of_ledgers(before: LedgerRevision | None, after: LedgerRevision | None) -> list[Cause]:
    """Transactions that only one of two revisions has, or that say something else in the other, or stand elsewhere in their day.

    An inferred deposit follows from the others: it is told where nothing else is, as where the ledger begins to infer them.
    """
    if before is None or after is None or before.number == after.number:
        return []
    old, new = (_only_in(one, other) for one, other in ((before, after), (after, before)))
    pairs = {entry_id: (old.get(entry_id), new.get(entry_id)) for entry_id in sorted(old.keys() | new.keys())}
    entered = [cause for pair in pairs.values() if not _is_inferred(pair) for cause in _of_transaction(pair, after)]
    days = {row.date for pair in pairs.values() for row in pair if row is not None}
    entered += _of_order(before, after, days, {cause.name for cause in entered})
    return entered or [cause for pair in pairs.values() for cause in _of_transaction(pair, after)]


Pair: TypeAlias = tuple[Transaction | None, Transaction | None]


def _is_inferred(pair: Pair) -> bool:
    return all(row.inferred for row in pair if row is not None)


def _of_transaction(pair: Pair, after: LedgerRevision) -> Iterator[Cause]:
    """What the two rows of an entry say differently."""
    one, other = pair
    was, now = ({} if row is None else _texts_of(row) for row in pair)
    names = [name for name in SAID if was.get(name) != now.get(name)]
    row = other or one
    if names and row is not None:
        change = "added" if one is None else "removed" if other is None else "changed"
        values = [{name: row_fields.get(name) for name in names} if row_fields else None for row_fields in (was, now)]
        yield Cause("transaction", row.entry_id, values[0], values[1], _details(change, row, after))


def _details(change: str, row: Transaction, after: LedgerRevision) -> dict[str, Any]:
    return {"change": change, "id": row.pk, "date": row.date.isoformat(), "commit": after.commit}


def _of_order(
    before: LedgerRevision, after: LedgerRevision, days: Collection[date], entry_ids: Collection[str]
) -> Iterator[Cause]:
    """Entries that stand elsewhere among those of their day that both revisions have: the fewest that explain the order."""
    old, new = (_in_order(revision, days) for revision in (before, after))
    for day in sorted(old.keys() & new.keys()):
        shared = {row.entry_id for row in old[day]} & {row.entry_id for row in new[day]} - set(entry_ids)
        was, now = ({row.entry_id: row for row in rows if row.entry_id in shared} for rows in (old[day], new[day]))
        if list(was) != list(now):
            for entry_id in sorted(shared - _staying(list(was), list(now))):
                first, then = ({"place": list(each).index(entry_id) + 1} for each in (was, now))
                yield Cause("transaction", entry_id, first, then, _details("moved", now[entry_id], after))


def _staying(was: list[str], now: list[str]) -> set[str]:
    """Entries that need not move to make one order of the other, the same ones in both directions."""
    one, other = sorted((was, now))
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return {entry_id for block in blocks for entry_id in one[block.a : block.a + block.size]}


def _in_order(revision: LedgerRevision, days: Collection[date]) -> dict[date, list[Transaction]]:
    """By day, what was entered, in its order."""
    rows = rows_of_revisions(Transaction.objects.filter(date__in=days, inferred=False), [revision])
    rows_of_day: dict[date, list[Transaction]] = {}
    for row in rows.order_by("date", "ordinal", "id"):
        rows_of_day.setdefault(row.date, []).append(row)
    return rows_of_day


def _only_in(revision: LedgerRevision, other: LedgerRevision) -> dict[str, Transaction]:
    """By entry id, the rows of a revision that the other has not."""
    shared = rows_of_revisions(Transaction.objects.all(), [other]).values("pk")
    rows = (
        rows_of_revisions(Transaction.objects.all(), [revision])
        .exclude(pk__in=shared)
        .select_related("security", "to_security")
    )
    return {row.entry_id: row for row in rows}


def _texts_of(row: Transaction) -> dict[str, Any]:
    """What a transaction says, as text; empty fields are left out."""
    texts = {name: getattr(row, name) for name in SAID}
    return {name: _text(value) for name, value in texts.items() if value not in (None, "", False)}


def _text(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "symbol"):
        return value.symbol
    return value if isinstance(value, bool | int | str) else trimmed(value)


def _of_requests(before: Plan, after: Plan) -> Iterator[Cause]:
    """Settings, reference series, inputs and the as-of date. What only one version of the pattern asks for is no difference as
    long as it is left at its default."""
    old, new = before.request["portfolio"] or {}, after.request["portfolio"] or {}
    for name in sorted(old.keys() | new.keys()):
        yield from _plain("setting", name, old.get(name), new.get(name))
    shared_inputs = before.pattern.inputs.keys() & after.pattern.inputs.keys()
    own_inputs = [
        {n: v for n, v in plan.inputs.items() if n in shared_inputs or v != plan.pattern.inputs[n].default}
        for plan in (before, after)
    ]
    for name in sorted(own_inputs[0].keys() | own_inputs[1].keys()):
        yield from _plain("input", name, own_inputs[0].get(name), own_inputs[1].get(name))
    days = (plan.pack.asof_date.isoformat() for plan in (before, after))
    yield from _plain("input", ASOF_DATE, *days)
