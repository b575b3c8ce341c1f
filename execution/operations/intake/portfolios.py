"""A portfolio that an import opens for its owner."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model

from config.errors import TieoutError
from portfolio.models import Portfolio
from pricing.models import PricingPolicy

DEFAULT_POLICY: Final = "ECB_EUR"
NO_SETTINGS: Final[Mapping[str, Any]] = MappingProxyType({})


class UnknownUser(TieoutError):
    def __init__(self, username: str) -> None:
        super().__init__(f"there is no user {username}")
        self.username = username


class UnknownPolicy(TieoutError):
    def __init__(self, code: str) -> None:
        super().__init__(f"there is no pricing policy {code}")
        self.code = code


def open_portfolio(
    slug: str,
    name: str,
    base_currency: str,
    *,
    owner: str,
    policy: str,
    portfolio_id: UUID,
    settings: Mapping[str, Any] = NO_SETTINGS,
) -> Portfolio:
    """Make a portfolio. Raises UnknownUser, UnknownPolicy, and ValidationError for a value that a column can't have."""
    user = get_user_model().objects.filter(username=owner).first()
    if user is None:
        raise UnknownUser(owner)
    pricing_policy = PricingPolicy.objects.filter(pk=policy).first()
    if pricing_policy is None:
        raise UnknownPolicy(policy)
    portfolio = Portfolio(
        pk=portfolio_id,
        slug=slug,
        name=name,
        owner=user,
        base_currency=base_currency,
        policy=pricing_policy,
        **settings,
    )
    portfolio.clean_fields(exclude=["id", "owner", "policy", "created_at"])
    portfolio.save()
    return portfolio
