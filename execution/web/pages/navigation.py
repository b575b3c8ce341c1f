"""Where a portfolio's pages lead: its patterns, its imports, its reconciliation; and which page shows one holding."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from execution.patterns import versions
from portfolio.models import Portfolio

OVERVIEW: Final = "portfolio_overview"
SECURITY: Final = "security_id"
"""Input of a pattern that shows one holding."""


@dataclass(frozen=True, slots=True)
class Link:
    title: str
    address: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Navigation:
    """What stands at the top of each page of a portfolio."""

    portfolio: Portfolio
    links: tuple[Link, ...]
    holding: str
    """Address of the page of one holding, to which the security's number is added; empty where no pattern shows one."""


def for_portfolio(portfolio: Portfolio, *, current: str = "", asof: str = "") -> Navigation:
    """The overview first.

    current  a pattern's id, "imports" or "reconciliation"
    asof     the date that the links to figures go on with
    """
    query = {"asof": asof} if asof else {}
    published = list(
        versions.served_patterns()
        .filter(current__document__inputs__has_key="portfolio_id")
        .values_list("pk", "title", "current__document__inputs")
    )
    published.sort(key=lambda each: (each[0] != OVERVIEW, each[1]))
    links = [Link(title, _address(portfolio, pk, query), pk == current) for pk, title, _ in published]
    for name, title, view in (
        ("imports", "Imports", "portfolio-imports"),
        ("reconciliation", "Reconciliation", "reconciliation"),
    ):
        links.append(Link(title, reverse(view, args=[portfolio.slug]), name == current))
    of_one = [pk for pk, _, inputs in published if inputs.get(SECURITY, {}).get("required")]
    holding = (
        f"{reverse('pattern', args=[portfolio.slug, of_one[0]])}?{urlencode({**query, SECURITY: ''})}" if of_one else ""
    )
    return Navigation(portfolio, tuple(links), holding)


def _address(portfolio: Portfolio, pattern_id: str, query: dict[str, str]) -> str:
    address = reverse("pattern", args=[portfolio.slug, pattern_id])
    return f"{address}?{urlencode(query)}" if query else address
