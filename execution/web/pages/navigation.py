"""The frame of a portfolio's pages: where they lead, on which day and over which range; and which page shows one holding."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Max, Min, Q
from django.http import HttpRequest
from django.urls import reverse

from config import dates
from execution.patterns import versions
from portfolio.models import Portfolio
from portfolio.performance.day_span import LABELS
from portfolio.valuation import tax_years
from pricing.models import PackStatus, PricingPack

OVERVIEW: Final = "portfolio_overview"
SUMMARY: Final = "portfolio_summary"
"""A row of the list of portfolios, which is its page."""
HOLDING: Final = "holding_deep_dive"
SECURITY: Final = "security_id"
"""Input of a pattern that shows one holding."""
ASOF, RANGE, FROM = "asof", "range", "from_date"
YEAR: Final = "tax_year"
"""Input of a pattern that shows one year."""
MOST_YEARS: Final = 8
CARRIED: Final = (ASOF, RANGE, FROM)
"""Parameters of a page that each link within a portfolio carries on."""
SECTIONS: Final = (
    ("Overview", OVERVIEW, ""),
    ("Holdings", "portfolio_holdings", ""),
    ("Performance", "performance", ""),
    ("Income", "income", ""),
    ("Transactions", "transactions", "portfolio-transactions"),
    ("Explain", "money_bridge", ""),
    ("Trust", "reconciliation", "reconciliation"),
    ("Imports", "imports", "portfolio-imports"),
    ("Settings", "settings", "portfolio-settings"),
)
"""Title, id of the pattern or name of the page, and the name of its address where it is no pattern's."""
WITHIN: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {"income": (("Realised", "portfolio_tax_report"),)}
"""Section -> title and pattern of the pages below it."""
FIRST: Final = 4
"""Sections that a telephone's bar has room for."""
SHORT: Final[Mapping[str, str]] = {
    "1m": "1M", "3m": "3M", "ytd": "YTD", "1y": "1Y", "3y": "3Y", "5y": "5Y", "max": "Max",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    title: str
    address: str
    is_current: bool = False
    hint: str = ""
    pages: "tuple[Link, ...]" = ()
    """Pages below a section."""


@dataclass(frozen=True, slots=True)
class OwnSpan:
    """The form of a span of one's own: two days, both of which count."""

    address: str
    kept: tuple[tuple[str, str], ...]
    """Name and text of what the page was asked for beside."""
    from_date: str
    """Empty: the page shows a range."""
    to_date: str


@dataclass(frozen=True, slots=True)
class Navigation:
    """What stands around each page of a portfolio."""

    portfolio: Portfolio
    portfolios: tuple[Link, ...]
    """Those that one may see, on the same day and range."""
    sections: tuple[Link, ...]
    analyses: tuple[Link, ...]
    """Every other published pattern, those that ask for no portfolio among them."""
    ranges: tuple[Link, ...]
    span: OwnSpan | None
    """None on a page whose figures look back upon no range."""
    years: tuple[Link, ...]
    """Tax years that a page of one can show, the newest first."""
    days: tuple[Link, ...]
    """The pack day before and after, and the newest; a day that there is not is absent."""
    shown: str
    """The day that the page shows; empty for one without."""
    holding: str
    """Address of the page of one holding, to which the security's number is added; empty where no pattern shows one."""

    @property
    def first(self) -> tuple[Link, ...]:
        return self.sections[:FIRST]

    @property
    def links(self) -> tuple[Link, ...]:
        sections = (link for section in self.sections for link in (section, *section.pages))
        return (*sections, *self.analyses)


def for_portfolio(
    portfolio: Portfolio,
    *,
    current: str = "",
    query: Mapping[str, str] | None = None,
    figures_day: str = "",
    default_range: str = "",
) -> Navigation:
    """The frame of one page.

    current        a pattern's id, or the name of a section
    query          of the request, of which the links carry on what is theirs
    figures_day    the day that the page's figures are of
    default_range  the range of the page's figures where the query names none; empty where they have none
    """
    carried = carry(query or {})
    published = list(versions.served_patterns().values_list("pk", "title", "current__document__inputs"))
    declared = {pk: inputs for pk, _, inputs in published}
    of_one = [pk for pk, _, inputs in published if inputs.get(SECURITY, {}).get("required")]
    ids = declared.keys()
    section = "portfolio_holdings" if current in of_one else current
    within = {name for below in WITHIN.values() for _, name in below}
    names = {name for _, name, _ in SECTIONS} | within | set(of_one) | {SUMMARY}
    start = OVERVIEW if OVERVIEW in ids else min(ids - set(of_one), default="")
    here = current if current in ids else start
    same = {name: text for name, text in (query or {}).items() if text and current in ids}
    return Navigation(
        portfolio=portfolio,
        portfolios=tuple(
            Link(name, with_query(reverse("pattern", args=[slug, start]), carried), slug == portfolio.slug)
            for slug, name in Portfolio.objects.order_by("name", "slug").values_list("slug", "name")[:50]
            if start
        ),
        sections=tuple(_sections(portfolio, ids, section, carried)),
        analyses=tuple(
            Link(title, address(portfolio, pk, carried), pk == current)
            for pk, title, _ in sorted(published, key=lambda each: each[1])
            if pk not in names
        ),
        ranges=tuple(
            Link(short, address(portfolio, here, {**_without(same, FROM), **_without(carried, FROM), RANGE: name}),
                 name == carried.get(RANGE, default_range) and FROM not in carried, LABELS[name])
            for name, short in SHORT.items()
        )
        if default_range
        else (),
        span=OwnSpan(
            address(portfolio, here, {}),
            tuple((name, text) for name, text in same.items() if name not in (ASOF, FROM, RANGE)),
            carried.get(FROM, ""),
            figures_day or carried.get(ASOF, ""),
        )
        if default_range
        else None,
        years=tuple(_years(portfolio, current, same, figures_day)) if figures_day and YEAR in declared.get(current, {}) else (),
        days=tuple(_days(portfolio, here, same | carried, figures_day)) if figures_day else (),
        shown=figures_day,
        holding=f"{address(portfolio, of_one[0], {**carried, SECURITY: ''})}" if of_one else "",
    )  # fmt: skip


def carry(query: Mapping[str, str]) -> dict[str, str]:
    """What of a query each link carries on; what is no day and no range is left behind."""
    days = {name: query[name] for name in (ASOF, FROM) if dates.ISO_DATE.fullmatch(query.get(name, ""))}
    return days | ({RANGE: query[RANGE]} if query.get(RANGE) in LABELS else {})


def context(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `carried` goes behind the address of a link, `carried_inputs` are hidden fields of a form with a day."""
    carried = carry(request.GET.dict())
    return {"carried": with_query("", carried), "carried_inputs": _without(carried, ASOF)}


def address(portfolio: Portfolio, pattern_id: str, query: Mapping[str, str]) -> str:
    return with_query(reverse("pattern", args=[portfolio.slug, pattern_id]), query)


def with_query(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _without(query: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in query.items() if key != name}


def _sections(
    portfolio: Portfolio, published: Collection[str], current: str, carried: Mapping[str, str]
) -> Iterator[Link]:
    for title, name, view in SECTIONS:
        if view:
            yield Link(title, with_query(reverse(view, args=[portfolio.slug]), carried), name == current)
        elif name in published:
            below = tuple(
                Link(under, address(portfolio, pk, carried), pk == current)
                for under, pk in WITHIN.get(name, ())
                if pk in published
            )
            yield Link(title, address(portfolio, name, carried), name == current, pages=below)


def _years(portfolio: Portfolio, pattern_id: str, query: Mapping[str, str], figures_day: str) -> Iterator[Link]:
    """The years up to that of the day that is shown, and the one that is asked for where it is older."""
    begins = next((each for each in tax_years.BEGINNINGS if each == query.get("begins")), tax_years.BEGINNINGS[0])
    newest = tax_years.of_day(dates.parse(figures_day), begins).year
    year_text = query.get(YEAR, str(newest))
    years = [str(newest - back) for back in range(MOST_YEARS)]
    for year in years if year_text in years else [*years, year_text]:
        yield Link(year, address(portfolio, pattern_id, {**query, YEAR: year}), year == year_text)


def _days(portfolio: Portfolio, pattern_id: str, query: Mapping[str, str], figures_day: str) -> Iterator[Link]:
    for title, hint, day in pack_days([portfolio.policy_id], dates.parse(figures_day)):
        yield Link(title, address(portfolio, pattern_id, {**query, ASOF: day.isoformat()}), hint=hint)


def pack_days(policies: Iterable[str], day: date) -> Iterator[tuple[str, str, date]]:
    """Title, hint and day of each fresh pack day around the one that is shown; a day that there is not is absent."""
    around = PricingPack.objects.filter(policy__in=set(policies), status=PackStatus.FRESH).aggregate(
        before=Max("asof_date", filter=Q(asof_date__lt=day)),
        after=Min("asof_date", filter=Q(asof_date__gt=day)),
        newest=Max("asof_date", filter=Q(asof_date__gt=day)),
    )
    for title, hint, other in (
        ("‹", "The pack day before", around["before"]),
        ("›", "The next pack day", around["after"]),
        ("Newest", "The newest pack day", around["newest"]),
    ):
        if other is not None:
            yield title, hint, other
