"""What a result rests on, for who verifies it: ledger, pack, and the rows of the pack that it can have read."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compliance import rights
from compliance.rights import OutputDecisions
from compliance.terms import Use
from execution.executor.store import FinishedExecution
from execution.exports.signing import Signer
from portfolio.models import LedgerRevision, Portfolio
from pricing.models import PricingPack
from pricing.packs import rows as pack_rows
from pricing.packs import stored_rows


@dataclass(frozen=True, slots=True)
class Evidence:
    """rows: the canonical line of each, in their order, with whether it may travel."""

    ledger: Mapping[str, Any]
    pack: Mapping[str, Any]
    rows: tuple[tuple[str, bool], ...]
    signer: Signer
    redistribution: OutputDecisions
    """Of the sources of the rows."""

    @property
    def is_whole(self) -> bool:
        return all(may_travel for _, may_travel in self.rows)


def load(of: FinishedExecution, portfolio: Portfolio | None, signer: Signer, *, with_hashes: bool) -> Evidence:
    """The closes of the pack of every security that the result names, and all its rates.

    with_hashes  give the hashes of the pack; never where a row may not travel, because they could confirm a guess of it
    """
    pack = PricingPack.objects.get(pk=of.pack_id)
    assert pack.content_id is not None  # what was answered from is sealed
    held = stored_rows.read([pack.content_id])[pack.content_id]
    names = set(_names(json.loads(of.result)))
    found = [
        *((pack_rows.price_line(row), row.source) for row in held.closes if names & {row.security_id, row.symbol}),
        *((pack_rows.rate_line(row), row.source) for row in held.rates),
    ]
    decisions = rights.decide_outputs({source: (source,) for _, source in found}, Use.REDISTRIBUTE)
    lines = tuple(sorted((line, decisions.outputs[source].lets_through) for line, source in found))
    shown = with_hashes and all(may_travel for _, may_travel in lines)
    return Evidence(
        _ledger(of, portfolio),
        {
            "pricing_pack_id": of.pack_id,
            "policy": of.policy,
            "asof_date": of.asof_date,
            "sequence": pack.sequence,
            "content_hash": of.pack_content_hash if shown else None,
            "chain_hash": of.pack_chain_hash if shown else None,
        },
        lines,
        signer,
        decisions,
    )


def _ledger(of: FinishedExecution, portfolio: Portfolio | None) -> dict[str, Any]:
    if portfolio is None:
        return {"portfolio": None, "commit": None, "tree_hash": None, "revision": None}
    revisions = LedgerRevision.objects.filter(portfolio=portfolio, commit=of.ledger_commit_hash)
    tree_hash, number = revisions.values_list("tree_hash", "number").order_by("-number").first() or (None, None)
    return {
        "portfolio": portfolio.slug,
        "commit": of.ledger_commit_hash or None,
        "tree_hash": tree_hash,
        "revision": number,
    }


def _names(value: Any) -> Iterator[int | str]:
    """Every security that a result names, by number or symbol."""
    if isinstance(value, Mapping):
        yield from (value[key] for key in ("security_id", "symbol") if isinstance(value.get(key), int | str))
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            if isinstance(each, Mapping | list):
                yield from _names(each)
