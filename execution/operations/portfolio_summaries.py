"""The portfolios that one may see, each by the stored result of one small pattern, and what they are worth together."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Max
from django.utils import timezone

from config.errors import TieoutError
from execution import executor
from portfolio.models import Portfolio
from pricing.models import PricingPack


@dataclass(frozen=True, slots=True)
class Answered:
    portfolio: Portfolio
    served: executor.Served
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    portfolio: Portfolio
    failure: TieoutError


Summary = Answered | Refused


@dataclass(frozen=True, slots=True)
class Total:
    """What the portfolios are worth together in one currency, at the rates of their packs."""

    currency: str
    value: Decimal
    """The sum of the converted values as they are shown; it is exact."""
    dates: tuple[str, ...]
    """As-of dates of what is in it; more than one where the portfolios are priced by policies of different days."""
    packs: tuple[str, ...]
    fixings: tuple[Mapping[str, Any], ...]
    """Published rates that were used, as the results have them."""
    counted: int
    left_out: tuple[Portfolio, ...]
    """Those that have no value, or none in this currency."""


def common_day(portfolios: Sequence[Portfolio], asof: date | None) -> date | None:
    """The pack day that all are asked for, so that they have one value date: the last up to `asof`, of several policies the
    oldest of theirs. What no pack day answers stays as it is, for the executor to refuse; None while there is no pack.

    Called in a transaction of the caller's scope.
    """
    if asof is not None and asof > timezone.localdate():
        return asof
    packs = PricingPack.objects.filter(policy__in={each.policy_id for each in portfolios})
    until = packs if asof is None else packs.filter(asof_date__lte=asof)
    newest = until.order_by().values("policy").annotate(newest=Max("asof_date")).values_list("newest", flat=True)
    return min(newest, default=asof)


def usual_currency(portfolios: Sequence[Portfolio]) -> str:
    """The base currency of most of them, the first by name where several are as frequent; empty where there is no portfolio."""
    counts = Counter(each.base_currency for each in portfolios)
    return min(counts, key=lambda currency: (-counts[currency], currency), default="")


def ask(
    portfolios: Sequence[Portfolio],
    pattern_id: str,
    *,
    user: AbstractBaseUser,
    asof: date | None,
    currency: str,
    admit: Callable[[], AbstractContextManager[object]],
) -> Iterator[Summary]:
    """Each portfolio's summary in turn, from the store where it was answered before. A failure is that portfolio's alone.

    admit   entered around what has to be computed; what it raises refuses that
    """
    for portfolio in portfolios:
        request = executor.Request(pattern_id, {"currency": currency}, portfolio_id=portfolio.pk, asof_date=asof)
        try:
            served = executor.execute(request, user=user, admit=admit)
        except TieoutError as failure:
            yield Refused(portfolio, failure)
        else:
            yield Answered(portfolio, served, served.result)


def add_up(summaries: Sequence[Summary], currency: str) -> Total:
    """The total of what can be converted. What can't is named, and is not in it."""
    value, count, left_out = Decimal(0), 0, []
    dates, packs = set(), set()
    fixings: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for each in summaries:
        if isinstance(each, Refused) or each.result["converted"].get("status") == "unavailable":
            left_out.append(each.portfolio)
            continue
        converted = each.result["converted"]
        value += Decimal(converted["value"])
        count += 1
        dates.add(each.served.metadata["asof_date"])
        packs.add(each.served.metadata["pricing_pack_id"])
        fixings |= {(row["base"], row["quote"], row["rate"], row["observed_date"]): row for row in converted["fixings"]}
    rates = tuple(fixings[key] for key in sorted(fixings))
    return Total(currency, value, tuple(sorted(dates)), tuple(sorted(packs)), rates, count, tuple(left_out))
