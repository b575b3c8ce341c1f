"""The product, asked through its own doors: a market folder loaded, files imported, nights run, patterns executed."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model

from config.errors import TieoutError
from execution import executor
from execution.night import nightly
from execution.operations import intake
from execution.patterns import publishing
from portfolio.books import imports
from portfolio.books.imports import ImportRefused
from portfolio.models import Portfolio
from pricing.models import PricingPolicy

from . import markets
from .markets import Market
from .operations import Ledger, to_csv

OWNER = "anna"
AT = datetime(markets.LAST.year, markets.LAST.month, markets.LAST.day, 20, tzinfo=UTC)


class Refused(Exception):
    """The product did not take a ledger, or did not answer."""


def prepare(market: Market, folder: Path) -> PricingPolicy:
    """Patterns, market and owner; no night yet."""
    get_user_model().objects.create_user(OWNER)
    for document in publishing.read_library().values():
        publishing.publish(document)
    intake.load_market_data(str(markets.write(market, folder)))
    return PricingPolicy.objects.get(pk="ECB_EUR")


def take_in(ledger: Ledger, policy: PricingPolicy) -> Portfolio:
    """The ledger as a portfolio of its own, imported from its file."""
    owner = get_user_model().objects.get(username=OWNER)
    portfolio = Portfolio.objects.create(
        slug=ledger.name, name=ledger.name, owner=owner, base_currency=ledger.base, policy=policy,
        booking_method=ledger.booking_method, fees_in_cost=ledger.fees_in_cost, flow_timing=ledger.flow_timing,
        accrual=ledger.accrual, trade_fx=ledger.trade_fx,
    )  # fmt: skip
    try:
        done = imports.commit(
            portfolio=portfolio, name="ledger.csv", content=to_csv(ledger).encode(), author=OWNER, at=AT
        )
    except ImportRefused as refused:
        said = "; ".join(f"row {each.row}, {each.column}: {each.reason}" for each in refused.findings)
        raise Refused(f"import: {said}") from refused
    except TieoutError as refused:
        raise Refused(f"import: {refused!r}: {refused}") from refused
    if done.breaks:
        raise Refused(f"books differ: {'; '.join(map(str, done.breaks))}")
    return portfolio


def night(policy: PricingPolicy, first: date, last: date, **how: Any) -> None:
    nightly.run(policy=policy, from_date=first, date=last, **how)


def ask(portfolio: Portfolio, asof: date, pattern: str = "portfolio_overview", **inputs: Any) -> dict[str, Any]:
    """The result of a pattern, as its owner gets it."""
    request = executor.Request(pattern, inputs, portfolio_id=portfolio.pk, asof_date=asof)
    try:
        served = executor.execute(request, user=portfolio.owner)
    except TieoutError as refused:
        raise Refused(f"{pattern} as of {asof}: {refused!r}: {refused}") from refused
    result: dict[str, Any] = json.loads(served.body())["result"]
    return result
