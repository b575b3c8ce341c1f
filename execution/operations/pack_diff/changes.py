"""What two packs say differently, and what that does to the value of each portfolio.

Closes and rates are those of the two packs; of series and actions, which packs hold as deltas, what each of them knows.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from django.db import connection

from portfolio import books, valuation
from portfolio.models import Portfolio
from pricing import fx, market, packs
from pricing.models import PricingPack, Security

BASIS_POINTS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Change:
    """One row that differs. `before` and `after` have all its fields; None where a pack has no such row."""

    kind: str  # price, rate, observation, action
    key: str
    before: Mapping[str, str | None] | None
    after: Mapping[str, str | None] | None
    effect_bp: Decimal | None
    """Of the value, to that before; None for actions, rows of one pack alone, and from zero."""

    @property
    def change(self) -> str:
        return "added" if self.before is None else "removed" if self.after is None else "changed"

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of those that differ; of a row of one pack alone, all that are not empty."""
        before, after = self.before or {}, self.after or {}
        return tuple(name for name in {**before, **after} if (before.get(name) or "") != (after.get(name) or ""))


@dataclass(frozen=True, slots=True)
class ValueEffect:
    """One portfolio at two packs, each with the holdings of its own date: between two dates, what was paid in counts too."""

    portfolio: str
    currency: str
    before: Decimal | None
    after: Decimal | None
    reason: str
    """Why a value is not known; empty where both are."""

    @property
    def difference(self) -> Decimal | None:
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def difference_bp(self) -> Decimal | None:
        return None if self.difference is None or not self.before else self.difference / self.before * BASIS_POINTS


@dataclass(frozen=True, slots=True)
class PackDiff:
    before: PricingPack
    after: PricingPack
    changes: tuple[Change, ...]
    """By effect, the largest first; then by kind and key."""
    values: tuple[ValueEffect, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Changed rows by kind."""
        found = Counter(change.kind for change in self.changes)
        return {kind: found[kind] for kind in _KINDS}


def compare(before: PricingPack, after: PricingPack) -> PackDiff:
    """Both packs sealed, of whatever dates. Of portfolios, those that may be seen. Raises packs.PackWarming, packs.PackInError."""
    changes = tuple(find_changes(before, after))
    values = Portfolio.objects.filter(policy__in={before.policy_id, after.policy_id}).order_by("slug")
    return PackDiff(before, after, changes, tuple(_effect(portfolio, before, after) for portfolio in values))


def find_changes(before: PricingPack, after: PricingPack) -> list[Change]:
    """The rows that differ, by effect. Raises packs.PackWarming, packs.PackInError."""
    for pack in (before, after):
        packs.require_sealed(pack=pack)
    found = [change for kind, rows in _KINDS.items() for change in _changes(kind, rows, before, after)]
    return sorted(
        found, key=lambda each: (each.effect_bp is None, -abs(each.effect_bp or Decimal(0)), each.kind, each.key)
    )


def day_before(pack: PricingPack) -> PricingPack | None:
    """The pack of the date before that this one sees; None for the first."""
    sealed = PricingPack.objects.filter(
        policy=pack.policy_id, asof_date__lt=pack.asof_date, sequence__lte=pack.sequence or 0
    )
    return sealed.select_related("policy", "content").order_by("-asof_date", "-sequence").first()


@dataclass(frozen=True, slots=True)
class _Rows:
    """How a kind is read: `key` names a row, `fields` is compared and shown, `value` is what an effect is of."""

    key: str
    fields: tuple[str, ...]
    value: str
    seen: str
    """A query of the rows that a pack knows, one for each key."""


_KINDS: Mapping[str, _Rows] = {
    "price": _Rows(
        "(SELECT symbol FROM pricing_security WHERE id = security_id)",
        ("close", "factor", "currency", "observed_date", "price_basis", "source", "flags"),
        "close",
        "SELECT * FROM pricing_packprice WHERE content_id = %(content)s",
    ),
    "rate": _Rows(
        "base || '/' || quote",
        ("rate", "observed_date", "fix_at", "source", "flags"),
        "rate",
        "SELECT * FROM pricing_packrate WHERE content_id = %(content)s",
    ),
    "observation": _Rows(
        "series_id || ' ' || observation_date",
        ("value", "known_at", "vintage", "source", "flags"),
        "value",
        """
        SELECT DISTINCT ON (series_id, observation_date) seen.* FROM pricing_packobservation AS seen
        JOIN pricing_pricingpack AS pack USING (content_id)
        WHERE policy_id = %(policy)s AND sequence <= %(sequence)s AND known_at <= %(asof)s
        ORDER BY series_id, observation_date, sequence DESC
        """,
    ),
    "action": _Rows(
        "(SELECT symbol FROM pricing_security WHERE id = security_id) || ' ' || action || ' ' || ex_date",
        ("ratio", "amount", "currency", "pay_date", "announced", "source", "flags"),
        "",
        """
        SELECT DISTINCT ON (security_id, ex_date, action) seen.* FROM pricing_packaction AS seen
        JOIN pricing_pricingpack AS pack USING (content_id)
        WHERE policy_id = %(policy)s AND sequence <= %(sequence)s AND coalesce(announced, ex_date) <= %(asof)s
        ORDER BY security_id, ex_date, action, sequence DESC
        """,
    ),
}


def _changes(kind: str, rows: _Rows, before: PricingPack, after: PricingPack) -> Iterator[Change]:
    columns = ", ".join(rows.fields)
    side = f"SELECT {rows.key} AS key, {columns} FROM (%s) AS known"  # noqa: S608  # names of this file alone
    statement = (
        f"WITH before AS ({side % _of('before', rows.seen)}), after AS ({side % _of('after', rows.seen)})"  # noqa: S608
        " SELECT coalesce(before.key, after.key), before.key IS NOT NULL, after.key IS NOT NULL,"
        f" {', '.join(f'before.{each}' for each in rows.fields)}, {', '.join(f'after.{each}' for each in rows.fields)}"
        " FROM before FULL JOIN after USING (key)"
        f" WHERE ({', '.join(f'before.{each}' for each in rows.fields)})"
        f" IS DISTINCT FROM ({', '.join(f'after.{each}' for each in rows.fields)})"
    )
    parameters = {
        f"{side}_{name}": value
        for side, pack in (("before", before), ("after", after))
        for name, value in {
            "content": pack.content_id,
            "policy": pack.policy_id,
            "sequence": pack.sequence,
            "asof": pack.asof_date,
        }.items()
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for key, was, stays, *cells in cursor.fetchall():
            old = dict(zip(rows.fields, cells[: len(rows.fields)], strict=True)) if was else None
            new = dict(zip(rows.fields, cells[len(rows.fields) :], strict=True)) if stays else None
            effect = _relative_bp(*(_worth(rows, each) for each in (old, new))) if rows.value and old and new else None
            yield Change(kind, key, _shown(old), _shown(new), effect)


def _of(side: str, statement: str) -> str:
    return statement.replace("%(", f"%({side}_")


def _worth(rows: _Rows, row: Mapping[str, Any]) -> Decimal:
    """The row's value; of a close, that of one unit held."""
    value, factor = Decimal(row[rows.value]), Decimal(row.get("factor", 1))
    return value * factor


def _relative_bp(before: Decimal, after: Decimal) -> Decimal | None:
    with localcontext() as context:
        context.prec = valuation.DECIMAL_DIGITS
        return (after - before) / abs(before) * BASIS_POINTS if before else None


def _shown(row: Mapping[str, Any] | None) -> dict[str, str | None] | None:
    if row is None:
        return None
    return {
        name: None if cell is None else format(cell, "f") if isinstance(cell, Decimal) else _text(cell)
        for name, cell in row.items()
    }


def _text(cell: Any) -> str:
    return str(cell.isoformat()) if hasattr(cell, "isoformat") else str(cell)


def _effect(portfolio: Portfolio, before: PricingPack, after: PricingPack) -> ValueEffect:
    revision = books.newest_reconciled(portfolio)
    if revision is None:
        return ValueEffect(
            portfolio.slug, portfolio.base_currency, None, None, "no revision of its ledger is reconciled"
        )
    book = books.load(portfolio, revision)
    names = {row[0]: row[1:] for row in Security.objects.values_list("id", "symbol", "name", "currency")}
    values: list[Decimal | None] = []
    reasons: list[str] = []
    for pack in (before, after):
        try:
            held = valuation.positions(book, pack.asof_date, names)
            values.append(valuation.value(held, market.as_of(pack)))
        except (market.MissingPrice, fx.MissingRate) as failure:
            values.append(None)
            reasons.append(str(failure))
    return ValueEffect(portfolio.slug, portfolio.base_currency, values[0], values[1], "; ".join(reasons))


def told(diff: PackDiff) -> dict[str, Any]:
    """As JSON."""
    return {
        "before": diff.before.pk,
        "after": diff.after.pk,
        "counts": diff.counts,
        "changes": [told_change(each) for each in diff.changes],
        "portfolios": [
            {
                "portfolio": each.portfolio,
                "currency": each.currency,
                "before": _money(each.before, each.currency),
                "after": _money(each.after, each.currency),
                "difference": _money(each.difference, each.currency),
                "difference_bp": _rounded(each.difference_bp),
                "reason": each.reason or None,
            }
            for each in diff.values
        ],
    }


def told_change(change: Change) -> dict[str, Any]:
    """As JSON: of the fields that differ, what they were and are."""
    before, after = change.before or {}, change.after or {}
    return {
        "kind": change.kind,
        "key": change.key,
        "change": change.change,
        "fields": {name: [before.get(name), after.get(name)] for name in change.fields},
        "effect_bp": _rounded(change.effect_bp),
    }


def _money(amount: Decimal | None, currency: str) -> str | None:
    return None if amount is None else format(valuation.quantise(amount, currency), "f")


def _rounded(basis_points: Decimal | None) -> str | None:
    return None if basis_points is None else format(round(basis_points, 4), "f")


def lines(diff: PackDiff) -> Sequence[str]:
    """As text: counts, rows by effect, portfolios."""
    counted = ", ".join(f"{count} {kind}s" for kind, count in diff.counts.items())
    shown = [f"{diff.before.pk} -> {diff.after.pk}: {counted} differ"]
    for each in told(diff)["changes"]:
        fields = "; ".join(f"{name} {old or '-'} -> {new or '-'}" for name, (old, new) in each["fields"].items())
        effect = f" ({each['effect_bp']} bp)" if each["effect_bp"] else ""
        shown.append(f"{each['change']:<8} {each['kind']:<11} {each['key']}: {fields}{effect}")
    for each in told(diff)["portfolios"]:
        change = each["reason"] or f"{each['difference']} {each['currency']} ({each['difference_bp'] or '-'} bp)"
        shown.append(f"{each['portfolio']}: {each['before'] or '-'} -> {each['after'] or '-'}, {change}")
    return shown
