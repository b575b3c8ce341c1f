"""Which sources stored figures of a portfolio rest on, for whoever decides whether they may be shown."""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

LEDGER = "ledger"

_OF_VALUES = """
    WITH wanted AS (
        SELECT portfolio_id, pack.id AS pack_id, asof_date, content_id
        FROM unnest(%s::uuid[], %s::text[]) AS asked (portfolio_id, pack_id) JOIN pricing_pricingpack AS pack ON pack.id = pack_id
    )
    SELECT portfolio_id, wanted.pack_id, price.source
    FROM wanted JOIN portfolio_lot AS lot USING (portfolio_id)
    JOIN pricing_packprice AS price ON price.content_id = wanted.content_id AND price.security_id = lot.security_id
    WHERE lot.valid_from <= asof_date AND (lot.valid_to IS NULL OR lot.valid_to > asof_date)
    UNION
    SELECT portfolio_id, wanted.pack_id, rate.source FROM wanted JOIN pricing_packrate AS rate USING (content_id)
"""


def value_sources(figures: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], tuple[str, ...]]:
    """(portfolio, pack id) -> the ledger, the sources of the prices of what it held there in any revision, and those of all rates.

    It may be more than one revision's value rests on, never less.
    """
    pairs = sorted(set(figures))
    sources = {pair: {LEDGER} for pair in pairs}
    with connection.cursor() as cursor:
        cursor.execute(_OF_VALUES, [[portfolio for portfolio, _ in pairs], [pack for _, pack in pairs]])
        for portfolio, pack, source in cursor.fetchall():
            sources[portfolio, pack].add(source)
    return {pair: tuple(sorted(codes)) for pair, codes in sources.items()}
