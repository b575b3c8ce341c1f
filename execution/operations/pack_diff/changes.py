"""The rows in which two packs differ.

Closes and rates are those of the two packs; of series and actions, which packs hold as deltas, what each of them knows.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import Any, Final

from django.db import connection

from config.decimals import plain
from portfolio.valuation import money
from pricing import packs
from pricing.models import PricingPack
from pricing.packs.rows import series_source

BASIS_POINTS: Final = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Change:
    """One row that differs. `before` and `after` have all its fields; None where a pack has no such row."""

    kind: str  # price, rate, observation, action
    key: str
    before: Mapping[str, str | None] | None
    after: Mapping[str, str | None] | None
    effect_bp: Decimal | None
    """Change of the value in basis points of the one before; None for actions, for a row of one pack alone, and from zero."""

    @property
    def change(self) -> str:
        return "added" if self.before is None else "removed" if self.after is None else "changed"

    @property
    def sources(self) -> set[str]:
        codes = {row["source"] or "" for row in (self.before, self.after) if row is not None}
        if self.kind == "observation":
            series = self.key.rpartition(" ")[0]
            return {series_source(source, series) for source in codes}
        return codes

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that differ; of a row of one pack alone, of all that are not empty."""
        before, after = self.before or {}, self.after or {}
        return tuple(name for name in {**before, **after} if (before.get(name) or "") != (after.get(name) or ""))


def find_changes(before: PricingPack, after: PricingPack) -> list[Change]:
    """The rows that differ, by effect. Raises packs.PackWarming, packs.PackInError."""
    return _by_effect(_find(KINDS, (before, before.asof_date), (after, after.asof_date)))


def find_changes_of_day(before: PricingPack, after: PricingPack) -> list[Change]:
    """The closes and rates that differ, by effect. Raises packs.PackWarming, packs.PackInError."""
    return _by_effect(_find(OF_A_DAY, (before, before.asof_date), (after, after.asof_date)))


def find_changes_known_by(before: PricingPack, after: PricingPack, day: date) -> list[Change]:
    """What two packs know differently of series and actions, of what was known by a day that both see, by effect.

    Raises packs.PackWarming, packs.PackInError.
    """
    return _by_effect(_find([name for name in KINDS if name not in OF_A_DAY], (before, day), (after, day)))


def _find(kinds: Iterable[str], before: tuple[PricingPack, date], after: tuple[PricingPack, date]) -> Iterator[Change]:
    for pack, _ in (before, after):
        packs.require_sealed(pack=pack)
    for name in kinds:
        yield from _changes(name, KINDS[name], before, after)


def _by_effect(changes: Iterable[Change]) -> list[Change]:
    return sorted(
        changes, key=lambda each: (each.effect_bp is None, -abs(each.effect_bp or Decimal(0)), each.kind, each.key)
    )


def day_before(pack: PricingPack) -> PricingPack | None:
    """The newest pack of an earlier date that this one sees; None for the first pack."""
    sealed = PricingPack.objects.filter(
        policy=pack.policy_id, asof_date__lt=pack.asof_date, sequence__lte=pack.sequence or 0
    )
    return sealed.select_related("policy", "content").order_by("-asof_date", "-sequence").first()


@dataclass(frozen=True, slots=True)
class Kind:
    """How the rows of a kind are read: `key` names a row, `fields` are compared, the effect is that of `value`."""

    key: str
    fields: tuple[str, ...]
    value: str
    query: str
    """The rows that a pack knows, one for each key."""


KINDS: Final[Mapping[str, Kind]] = {
    "price": Kind(
        "(SELECT symbol FROM pricing_security WHERE id = security_id)",
        ("close", "factor", "currency", "observed_date", "price_basis", "source", "flags"),
        "close",
        "SELECT * FROM pricing_packprice WHERE content_id = %(content)s",
    ),
    "rate": Kind(
        "base || '/' || quote",
        ("rate", "observed_date", "fix_at", "source", "flags"),
        "rate",
        "SELECT * FROM pricing_packrate WHERE content_id = %(content)s",
    ),
    "observation": Kind(
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
    "action": Kind(
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
OF_A_DAY: Final = ("price", "rate")
"""Kinds of rows that every pack has whole. Of the others a pack holds what is new, and knows what it and those before it hold."""


def _changes(
    name: str, kind: Kind, before: tuple[PricingPack, date], after: tuple[PricingPack, date]
) -> Iterator[Change]:
    """`before` and `after`: a pack, and the day by which it is to have known a row."""
    old_fields, new_fields = (", ".join(f"{side}.{field}" for field in kind.fields) for side in ("before", "after"))
    side = f"SELECT {kind.key} AS key, {', '.join(kind.fields)} FROM (%s) AS known"  # noqa: S608  # names of this file alone
    statement = (
        f"WITH before AS ({side % _with_prefix('before', kind.query)}),"  # noqa: S608
        f" after AS ({side % _with_prefix('after', kind.query)})"
        " SELECT coalesce(before.key, after.key), before.key IS NOT NULL, after.key IS NOT NULL,"
        f" {old_fields}, {new_fields} FROM before FULL JOIN after USING (key)"
        f" WHERE ({old_fields}) IS DISTINCT FROM ({new_fields})"
    )
    parameters = {
        f"{side}_{parameter}": value
        for side, (pack, known_by) in (("before", before), ("after", after))
        for parameter, value in {
            "content": pack.content_id,
            "policy": pack.policy_id,
            "sequence": pack.sequence,
            "asof": known_by,
        }.items()
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for key, was_there, is_there, *cells in cursor.fetchall():
            old = dict(zip(kind.fields, cells[: len(kind.fields)], strict=True)) if was_there else None
            new = dict(zip(kind.fields, cells[len(kind.fields) :], strict=True)) if is_there else None
            effect = _relative_bp(*(_value(kind, each) for each in (old, new))) if kind.value and old and new else None
            yield Change(name, key, _as_text(old), _as_text(new), effect)


def _with_prefix(side: str, statement: str) -> str:
    """The query with its parameters named for one of the two packs."""
    return statement.replace("%(", f"%({side}_")


def _value(kind: Kind, row: Mapping[str, Any]) -> Decimal:
    """The row's value; of a close, that of one unit."""
    value, factor = Decimal(row[kind.value]), Decimal(row.get("factor", 1))
    return value * factor


def _relative_bp(before: Decimal, after: Decimal) -> Decimal | None:
    with localcontext() as context:
        context.prec = money.DECIMAL_DIGITS
        return (after - before) / abs(before) * BASIS_POINTS if before else None


def _as_text(row: Mapping[str, Any] | None) -> dict[str, str | None] | None:
    if row is None:
        return None
    return {
        name: plain(cell) if cell is None or isinstance(cell, Decimal) else _cell_text(cell)
        for name, cell in row.items()
    }


def _cell_text(cell: Any) -> str:
    return str(cell.isoformat()) if hasattr(cell, "isoformat") else str(cell)
