"""What a result rests on, for who verifies it: ledger, pack, and the rows of the pack that it can have read."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compliance import rights
from compliance.rights import OutputDecisions
from compliance.terms import Use
from execution.executor.reference_series import ReferenceSeries
from execution.executor.store import FinishedExecution
from execution.exports.signing import Signer
from portfolio.books.revisions import rows_of_revisions
from portfolio.models import LedgerRevision, Portfolio, Transaction
from pricing.models import PricingPack, Security, Series
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


def load(
    of: FinishedExecution,
    request: Mapping[str, Any],
    portfolio: Portfolio | None,
    signer: Signer,
    *,
    left_out: Collection[str] = (),
) -> Evidence:
    """The rows of the pack that the result can have read: of sources that it rests on, the closes and actions of every security
    that it names, that was ever booked, or that the benchmark is made of; all rates; and what the pack brought of its series.

    request   as the execution has it
    left_out  outputs that are not in the file, and so are no reason for a row. Where there are any, or a row may not travel, the
              hashes of the pack are not given: they could confirm a guess
    """
    pack = PricingPack.objects.get(pk=of.pack_id)
    assert pack.content_id is not None  # what was answered from is sealed
    contents = stored_rows.read([pack.content_id])[pack.content_id]
    revision = _revision(of, portfolio)
    symbols = _symbols(of, request, revision)
    lineage = {code for output, codes in of.sources.items() if output not in left_out for code in codes}
    units = dict(Series.objects.values_list("pk", "unit"))
    rows = [
        *((pack_rows.price_line(row), row.source) for row in contents.closes if row.symbol in symbols),
        *((pack_rows.rate_line(row), row.source) for row in contents.rates),
        *((pack_rows.observation_line(row, units[row.series]), row.series_source) for row in contents.observations),
        *((pack_rows.action_line(row), row.source) for row in contents.actions if row.symbol in symbols),
    ]
    lineage_rows = [(line, source) for line, source in rows if source in lineage]
    decisions = rights.decide_outputs({source: (source,) for _, source in lineage_rows}, Use.REDISTRIBUTE)
    lines = tuple(sorted((line, decisions.outputs[source].lets_through) for line, source in lineage_rows))
    is_whole = not left_out and all(may_travel for _, may_travel in lines)
    return Evidence(
        {
            "portfolio": portfolio.slug if portfolio else None,
            "commit": of.ledger_commit_hash or None,
            "tree_hash": revision.tree_hash if revision else None,
            "revision": revision.number if revision else None,
        },
        {
            "pricing_pack_id": of.pack_id,
            "policy": of.policy,
            "asof_date": of.asof_date,
            "sequence": pack.sequence,
            "content_hash": of.pack_content_hash if is_whole else None,
            "chain_hash": of.pack_chain_hash if is_whole else None,
        },
        lines,
        signer,
        decisions,
    )


def _revision(of: FinishedExecution, portfolio: Portfolio | None) -> LedgerRevision | None:
    revisions = LedgerRevision.objects.filter(portfolio=portfolio, commit=of.ledger_commit_hash)
    return revisions.order_by("-number").first() if portfolio else None


def _symbols(of: FinishedExecution, request: Mapping[str, Any], revision: LedgerRevision | None) -> set[str]:
    """Of every security that the result or its request names, that was booked, or that is in the benchmark."""
    names = {*_names(json.loads(of.result)), *_names(request["inputs"])}
    if revision is not None:
        booked = rows_of_revisions(Transaction.objects.all(), [revision])
        names |= {each for pair in booked.values_list("security", "to_security").distinct() for each in pair if each}
    benchmark = ReferenceSeries.from_dict(request["portfolio"]).benchmark if request["portfolio"] else None
    ids = {each for each in names if isinstance(each, int)}
    return {
        *(each for each in names if isinstance(each, str)),
        *Security.objects.filter(pk__in=ids).values_list("symbol", flat=True),
        *(symbol for symbol, _ in (benchmark.components if benchmark else ())),
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
