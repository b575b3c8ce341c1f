"""The rows that an explanation rests on, read at once: closes and rates of packs, observations, transactions of the ledger."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F

from config.decimals import plain
from execution.executor.planning import Plan
from portfolio.books.revisions import rows_of_revisions
from portfolio.explanation.terms import (
    Action,
    Close,
    Entry,
    Explanation,
    Fixing,
    Input,
    Observation,
    Part,
    Row,
    Series,
    Setting,
    Term,
)
from portfolio.models import LedgerRevision, Transaction
from pricing import fx, market
from pricing.fx import Leg
from pricing.models import PackAction, PackObservation, PackPrice, PackRate, PricingPack, Security
from pricing.packs.rows import series_source

Described = Mapping[str, Any]

TRANSACTION_FIELDS = (
    "account", "quantity", "unit_price", "amount", "currency", "fee", "fee_kind", "tax", "counter_amount", "counter_currency",
    "fx_to_base", "ratio", "settle_date", "ex_date", "pay_date", "inferred", "file", "line",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as they are shown, by what an explanation names them."""

    by_name: dict[Row, tuple[Described, ...]] = field(default_factory=dict)
    legs: dict[Fixing, tuple[Leg, ...]] = field(default_factory=dict)

    @property
    def sources(self) -> set[str]:
        """What all of them rest on: of an observation its series."""
        return {
            series_source(row["source"], row["series"]) if "series" in row else row["source"]
            for rows in self.by_name.values()
            for row in rows
            if "source" in row
        }


def load(explanation: Explanation, plan: Plan) -> Rows:
    """Every row that an explanation names, in a few statements however many they are."""
    all_rows = set(_named_in((explanation.term,)))
    loaded = Rows()
    closes = [row for row in all_rows if isinstance(row, Close)]
    fixings = [row for row in all_rows if isinstance(row, Fixing)]
    packs = {
        pack.pk: pack
        for pack in PricingPack.objects.filter(
            pk__in={row.pack_id for row in closes} | {row.pack_id for row in fixings}
        ).select_related("policy")
    }
    _read_closes(loaded, closes, packs, plan)
    _read_fixings(loaded, fixings, packs)
    _read_transactions(loaded, [row for row in all_rows if isinstance(row, Entry)], plan)
    for row in all_rows:
        if isinstance(row, Observation):
            loaded.by_name[row] = (_observation(row, plan),)
        elif isinstance(row, Action):
            loaded.by_name[row] = (_action(row, plan),)
        elif isinstance(row, Setting):
            loaded.by_name[row] = ({"kind": "setting", "setting": row.name, "value": row.value},)
        elif isinstance(row, Input):
            loaded.by_name[row] = ({"kind": "input", "input": row.name, row.name: _as_json(row.value)},)
    return loaded


def _named_in(parts: Iterable[Part]) -> Iterable[Row]:
    for part in parts:
        if isinstance(part, Term):
            yield from part.rows
            yield from _named_in(part.terms)
        elif not isinstance(part, Series):
            yield from _named_in(part.items)


def _read_closes(loaded: Rows, closes: Iterable[Close], packs: Mapping[str, PricingPack], plan: Plan) -> None:
    rows = list(closes)
    price_of: dict[tuple[int | None, int], PackPrice] = {
        (price.content_id, price.security_id): price
        for price in PackPrice.objects.filter(
            content__in={packs[row.pack_id].content_id for row in rows}, security__in={row.security for row in rows}
        )
    }
    symbols = dict(Security.objects.filter(pk__in={row.security for row in rows}).values_list("pk", "symbol"))
    for row in rows:
        pack = packs[row.pack_id]
        price = price_of.get((pack.content_id, row.security))
        if price is None:
            pack, price = _carried(row, pack, plan)
        loaded.by_name[row] = (
            {
                "kind": "price",
                **_of_pack(pack),
                "symbol": symbols[row.security],
                "close": plain(price.close),
                "factor": plain(price.factor),
                "currency": price.currency,
                "observed_date": price.observed_date.isoformat(),
                "price_basis": price.price_basis,
                "source": price.source,
                "flags": price.flags,
            },
        )


def _carried(row: Close, pack: PricingPack, plan: Plan) -> tuple[PricingPack, PackPrice]:
    """The last close of what is delisted, and the pack that has it."""
    price = (
        PackPrice.objects.filter(
            security=row.security,
            content__packs__policy=pack.policy_id,
            content__packs__asof_date__lt=pack.asof_date,
            content__packs__sequence__lte=plan.pack.sequence,
        )
        .order_by("-observed_date", "-content__packs__asof_date", "-content__packs__sequence")
        .first()
    )
    assert price is not None  # a close is carried from somewhere
    holders = PricingPack.objects.filter(content=price.content_id, policy=pack.policy_id, sequence__isnull=False)
    return holders.order_by("asof_date", "sequence")[:1].get(), price


def _read_fixings(loaded: Rows, fixings: Iterable[Fixing], packs: Mapping[str, PricingPack]) -> None:
    rows = list(fixings)
    legs: dict[int, dict[tuple[str, str], Leg]] = {}
    for rate in PackRate.objects.filter(content__in={packs[row.pack_id].content_id for row in rows}):
        leg = Leg(rate.base, rate.quote, rate.rate, rate.observed_date, rate.source, rate.flags, rate.fix_at)
        legs.setdefault(rate.content_id, {})[rate.base, rate.quote] = leg
    for row in rows:
        pack = packs[row.pack_id]
        assert pack.content_id is not None
        cross_legs = fx.legs_between(
            legs[pack.content_id], pivot=pack.policy.pivot, frm=row.frm, to=row.to, asof_date=pack.asof_date
        )
        loaded.legs[row] = cross_legs
        loaded.by_name[row] = tuple(
            {
                "kind": "rate",
                **_of_pack(pack),
                "base": leg.base,
                "quote": leg.quote,
                "rate": plain(leg.rate),
                "observed_date": leg.observed_date.isoformat(),
                "source": leg.source,
                "flags": leg.flags,
            }
            for leg in cross_legs
        )


def _of_pack(pack: PricingPack) -> dict[str, Any]:
    return {"pack_id": pack.pk, "sequence": pack.sequence}


def _observation(row: Observation, plan: Plan) -> Described:
    observation = market.known_on(plan.pack, row.series, row.on, row.of)
    packs = PackObservation.objects.filter(
        series=row.series,
        observation_date=observation.observation_date,
        known_at=observation.known_at,
        value=observation.value,
        content__packs__policy=plan.pack.policy_id,
        content__packs__sequence__lte=plan.pack.sequence,
    ).values_list("content__packs__pk", "content__packs__sequence")
    pack_id, sequence = packs.order_by("content__packs__sequence")[0]
    return {
        "kind": "observation",
        "pack_id": pack_id,
        "sequence": sequence,
        "series": row.series,
        "observation_date": observation.observation_date.isoformat(),
        "value": plain(observation.value),
        "known_at": observation.known_at.isoformat(),
        "vintage": observation.vintage,
        "source": observation.source,
        "flags": observation.flags,
    }


def _action(row: Action, plan: Plan) -> Described:
    """A corporate action as the newest pack has it that the execution's pack sees."""
    actions = PackAction.objects.filter(
        security__symbol=row.symbol,
        ex_date=row.ex_date,
        action=row.action,
        content__packs__policy=plan.pack.policy_id,
        content__packs__sequence__lte=plan.pack.sequence,
    ).order_by("-content__packs__sequence")
    action, pack_id, sequence = next(
        (each, each.pack_id, each.pack_sequence)
        for each in actions.annotate(pack_id=F("content__packs__pk"), pack_sequence=F("content__packs__sequence"))[:1]
    )
    fields = ("ratio", "amount", "currency", "pay_date", "announced")
    return {
        "kind": "action",
        "pack_id": pack_id,
        "sequence": sequence,
        "symbol": row.symbol,
        "action": action.action,
        "ex_date": action.ex_date.isoformat(),
        **{name: _as_json(getattr(action, name)) for name in fields if getattr(action, name)},
        "source": action.source,
        "flags": action.flags,
    }


def _read_transactions(loaded: Rows, entries: Iterable[Entry], plan: Plan) -> None:
    entry_ids = {row.entry_id for row in entries}
    if not entry_ids or plan.revision is None:
        return
    rows = list(
        rows_of_revisions(Transaction.objects.filter(entry_id__in=entry_ids), [plan.revision]).select_related(
            "security"
        )
    )
    commits = dict(
        LedgerRevision.objects.filter(
            portfolio=plan.revision.portfolio_id, number__in={row.introduced_in for row in rows}
        ).values_list("number", "commit")
    )
    for row in rows:
        loaded.by_name[Entry(row.entry_id)] = (
            {
                "kind": "transaction",
                "id": row.pk,
                "entry_id": row.entry_id,
                "date": row.date.isoformat(),
                "commit": commits.get(row.introduced_in),
                "transaction": row.kind,
                "symbol": row.security.symbol if row.security else None,
                **{name: _as_json(getattr(row, name)) for name in TRANSACTION_FIELDS if getattr(row, name)},
            },
        )


def _as_json(cell: Any) -> Any:
    if hasattr(cell, "isoformat"):
        return cell.isoformat()
    return cell if isinstance(cell, bool | int | float | str) else plain(cell)
