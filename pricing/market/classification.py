"""How securities are classified, and what identifies them, as a pack knows it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from pricing import classifications as codes
from pricing.classifications import Kind
from pricing.market.seal import Seal
from pricing.models import PricingPack, Series
from pricing.packs import stored_rows
from pricing.packs.deltas import ASSUMED_RELEASE_DATE, not_withdrawn
from pricing.packs.rows import KnownObservation


@dataclass(frozen=True, slots=True)
class Classification:
    """What is said of a security. `is_assumed`: since when it was known is a rule's word, not its source's."""

    kind: str
    text: str
    known_at: date
    is_assumed: bool
    source: str


def classifications(pack: PricingPack, symbols: Collection[str]) -> Mapping[str, Mapping[Kind, Classification]]:
    """By symbol and kind what was said last, of what was known on the pack's date; no entry where nothing was.

    Raises packs.PackWarming, packs.PackInError.
    """
    return _read(Seal.from_pack(pack), tuple(sorted(symbols)))


@lru_cache(maxsize=16)
def _read(seal: Seal, symbols: tuple[str, ...]) -> Mapping[str, Mapping[Kind, Classification]]:
    subject_of = {f"{kind}:{symbol}": (symbol, kind) for symbol in symbols for kind in Kind}
    series_ids = list(Series.objects.filter(pk__in=subject_of).values_list("pk", flat=True))
    contents = stored_rows.sealed_contents(policy=seal.policy, up_to=seal.sequence) if series_ids else []
    newest: dict[str, KnownObservation] = {}
    for row in not_withdrawn(stored_rows.observations(contents, series=series_ids, known_by=seal.asof_date)):
        if row.series not in newest or newest[row.series].observation_date <= row.observation_date:
            newest[row.series] = row
    by_symbol: dict[str, dict[Kind, Classification]] = {symbol: {} for symbol in symbols}
    for series, row in newest.items():
        symbol, kind = subject_of[series]
        text = codes.decode(kind, row.value)
        if text is not None:
            is_assumed = ASSUMED_RELEASE_DATE in row.flags
            by_symbol[symbol][kind] = Classification(kind, text, row.known_at, is_assumed, row.series_source)
    return by_symbol
