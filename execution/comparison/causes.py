"""What two executions of one pattern were computed from differently: rows of packs, transactions, settings, inputs, engine."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from config.decimals import trimmed
from execution.executor.planning import Plan
from execution.models import Execution
from execution.operations import pack_diff, shown_values
from portfolio.books.entries import Event
from portfolio.books.revisions import rows_of_revisions
from portfolio.models import LedgerRevision, Transaction
from pricing import market
from pricing.models import PricingPack

OF_A_DAY: Final = frozenset({"price", "rate"})
"""Kinds of rows that every pack has whole. Of the others a pack holds what is new, and its head tells what it knows."""
SAID: Final = tuple(field.name for field in fields(Event) if field.name not in ("entry_id", "ordinal"))
"""What a transaction says. Its place among those of its day is no change of it."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that differs. `kind`: pack_row, transaction, setting, input, pattern, engine."""

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
    return [
        *_of_packs(old_plan.pack, new_plan.pack),
        *_of_ledgers(old_plan.revision, new_plan.revision),
        *_of_requests(old.request, new.request),
        *_plain("pattern", "version", old.pattern_version.version, new.pattern_version.version),
        *_plain("engine", "engine_version", old.engine_version, new.engine_version),
    ]


def _plain(kind: str, name: str, before: Any, after: Any) -> list[Cause]:
    return [Cause(kind, name, before, after, {})] if before != after else []


def _of_packs(before: PricingPack, after: PricingPack) -> list[Cause]:
    """Rows that the two see differently: closes and rates of each day that both see, and what each knew of series and actions on
    the last such day. What a later day alone has is no difference but the later day."""
    old, new = ({day: (pack_id, content) for day, pack_id, content in market.seen_by(pack)} for pack in (before, after))
    both = sorted(old.keys() & new.keys())
    differing = [day for day in both if old[day] != new[day]]
    packs = PricingPack.objects.select_related("policy", "content").in_bulk(
        {seen[day][0] for seen in (old, new) for day in differing}
    )
    changes: list[tuple[str, pack_diff.Change]] = []
    for day in differing:
        pair = (packs[old[day][0]], packs[new[day][0]])
        is_last = day == both[-1]
        if is_last or old[day][1] != new[day][1]:
            found = pack_diff.find_changes(*pair)
            changes += [(new[day][0], each) for each in found if is_last or each.kind in OF_A_DAY]
    denied = shown_values.find_denied({source for _, change in changes for source in change.sources})
    return [_row(pack_id, change, denied) for pack_id, change in changes]


def _row(pack_id: str, change: pack_diff.Change, denied: frozenset[str]) -> Cause:
    """A row of a pack, by the fields that differ; numbers of sources that may not be shown are left out."""
    told = pack_diff.change_as_dict(change, denied)
    before, after = ({name: values[side] for name, values in told["fields"].items()} for side in (0, 1))
    details = {
        "row": told["kind"], "pack_id": pack_id, "change": told["change"], "effect_bp": told["effect_bp"],
        "withheld": told["withheld"], "sources": sorted(change.sources),
    }  # fmt: skip
    return Cause("pack_row", told["key"], before or None, after or None, details)


def _of_ledgers(before: LedgerRevision | None, after: LedgerRevision | None) -> Iterator[Cause]:
    """Transactions that only one of two revisions has, or that say something else in the other."""
    if before is None or after is None or before.number == after.number:
        return
    old, new = (_only_in(one, other) for one, other in ((before, after), (after, before)))
    for entry_id in sorted(old.keys() | new.keys()):
        one, other = old.get(entry_id), new.get(entry_id)
        was, now = ({} if row is None else _said(row) for row in (one, other))
        names = [name for name in SAID if was.get(name) != now.get(name)]
        if names:
            change = "added" if one is None else "removed" if other is None else "changed"
            row = other or one
            assert row is not None
            details = {"change": change, "id": row.pk, "date": row.date.isoformat(), "commit": after.commit}
            values = [{name: said.get(name) for name in names} if said else None for said in (was, now)]
            yield Cause("transaction", entry_id, values[0], values[1], details)


def _only_in(revision: LedgerRevision, other: LedgerRevision) -> dict[str, Transaction]:
    """By entry id, the rows of a revision that the other has not."""
    shared = rows_of_revisions(Transaction.objects.all(), [other]).values("pk")
    rows = (
        rows_of_revisions(Transaction.objects.all(), [revision])
        .exclude(pk__in=shared)
        .select_related("security", "to_security")
    )
    return {row.entry_id: row for row in rows}


def _said(row: Transaction) -> dict[str, Any]:
    """What a transaction says, as text; empty fields are left out."""
    said = {name: getattr(row, name) for name in SAID}
    return {name: _text(value) for name, value in said.items() if value not in (None, "", False)}


def _text(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "symbol"):
        return value.symbol
    return value if isinstance(value, bool | int | str) else trimmed(value)


def _of_requests(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Cause]:
    """Settings, reference series, inputs and the as-of date."""
    for kind, group in (("setting", "portfolio"), ("input", "inputs")):
        old, new = before[group] or {}, after[group] or {}
        for name in sorted(old.keys() | new.keys()):
            yield from _plain(kind, name, old.get(name), new.get(name))
    yield from _plain("input", "asof_date", before["asof_date"], after["asof_date"])
