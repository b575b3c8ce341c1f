"""The rows that a pack holds, one kind at a time, with the numbers that their source's rights allow to show."""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import QuerySet

from compliance import rights
from config.decimals import plain
from pricing.models import PackAction, PackObservation, PackPrice, PackRate, PricingPack
from pricing.packs.rows import series_source

COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "prices": {
        "symbol": "security__symbol", "close": "close", "factor": "factor", "currency": "currency",
        "observed_date": "observed_date",
        "price_basis": "price_basis", "source": "source", "flags": "flags",
    },
    "rates": {
        "base": "base", "quote": "quote", "rate": "rate", "observed_date": "observed_date", "fix_at": "fix_at",
        "source": "source", "flags": "flags",
    },
    "observations": {
        "series": "series_id", "observation_date": "observation_date", "value": "value", "known_at": "known_at",
        "vintage": "vintage", "source": "source", "flags": "flags",
    },
    "actions": {
        "symbol": "security__symbol", "action": "action", "ex_date": "ex_date", "ratio": "ratio", "amount": "amount",
        "currency": "currency", "pay_date": "pay_date", "announced": "announced", "source": "source", "flags": "flags",
    },
}  # fmt: skip
"""By kind: name in the answer -> field of the model."""

KEY_COLUMNS: Final = {"prices": 1, "rates": 2, "observations": 2, "actions": 3}
"""How many of the first columns name a row; rows are in their order."""
NUMBERS: Final = {"close", "factor", "rate", "value", "ratio", "amount"}
"""Columns that a source's rights may withhold."""
MODELS: Final = {"prices": PackPrice, "rates": PackRate, "observations": PackObservation, "actions": PackAction}


def of_kind(pack: PricingPack, kind: str) -> QuerySet[Any, Any]:
    return MODELS[kind].objects.filter(content=pack.content_id)  # type: ignore[attr-defined, no-any-return]


def read_page(pack: PricingPack, kind: str, page: slice) -> tuple[list[dict[str, Any]], rights.OutputDecisions]:
    """A page of rows, and the decision on their sources: a row of a source that must not be shown has null for its numbers."""
    columns = COLUMNS[kind]
    order = list(columns.values())[: KEY_COLUMNS[kind]]
    values = of_kind(pack, kind).order_by(*order).values_list(*columns.values())[page]
    rows = [dict(zip(columns, row, strict=True)) for row in values]
    decision = rights.decide_outputs({source: (source,) for source in sorted({_source(row) for row in rows})})
    for row in rows:
        row["withheld"] = _source(row) in decision.withheld
        for name in NUMBERS & row.keys():
            row[name] = None if row["withheld"] else plain(row[name])
    return rows, decision


def _source(row: Mapping[str, Any]) -> str:
    """An observation rests on its series."""
    source: str = row["source"]
    return series_source(source, row["series"]) if "series" in row else source
