"""What the templates of a page's panels may read."""

from execution import executor
from execution.patterns.templating import Scope
from portfolio.models import Portfolio


def scope_of(served: executor.Served, portfolio: Portfolio) -> Scope:
    """Of an answer: its outputs, and what it is of."""
    metadata = served.metadata
    return Scope(
        inputs={},
        state=served.result,
        ctx={
            "portfolio_id": str(portfolio.pk),
            "asof_date": metadata["asof_date"],
            "pricing_pack_id": metadata["pricing_pack_id"],
            "base_currency": portfolio.base_currency,
        },
    )
