"""The portfolio that an address names."""

from uuid import UUID

from rest_framework.request import Request

from execution.executor import NotAllowed, PortfolioNotFound
from portfolio.models import Portfolio


def find_visible(portfolio_id: UUID) -> Portfolio:
    """Row-level security shows the caller's. Raises PortfolioNotFound."""
    portfolio = Portfolio.objects.filter(pk=portfolio_id).first()
    if portfolio is None:
        raise PortfolioNotFound
    return portfolio


def require_owned(portfolio_id: UUID, request: Request) -> Portfolio:
    """Raises PortfolioNotFound where the caller may not see it, NotAllowed where he may only read it."""
    portfolio = find_visible(portfolio_id)
    if portfolio.owner_id != request.user.pk:
        raise NotAllowed("only the owner of a portfolio writes to its ledger")
    return portfolio
