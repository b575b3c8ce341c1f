"""What an import would do to a portfolio, seen before it is made: cash, holdings and value, before and after."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils import timezone

from execution.operations import shown_values
from portfolio import books
from portfolio.books import Book
from portfolio.models import Portfolio
from portfolio.valuation import effect
from portfolio.valuation.effect import Change, DayValue
from pricing import market
from pricing.models import PackStatus, PricingPack, Security

NO_PACK: Final = "there are no prices yet: the first nightly run makes them ready"


@dataclass(frozen=True, slots=True)
class Effect:
    """At the close of `on`, the newest day with prices, or today where there is none. `later` of its transactions are of a later
    day, and are not in it."""

    on: date
    cash: tuple[Change, ...]
    holdings: tuple[Change, ...]
    before: DayValue
    after: DayValue
    later: int


def find_effect(portfolio: Portfolio, book: Book) -> Effect:
    """The portfolio as its newest reconciled revision has it, beside the book with an import in it.

    A value that may not be shown is withheld, with the sources that keep it back.
    """
    revision = books.newest_reconciled(portfolio)
    before = books.load(portfolio, revision) if revision else None
    pack = (
        PricingPack.objects.filter(policy=portfolio.policy_id, status=PackStatus.FRESH)
        .select_related("policy")
        .order_by("-asof_date", "-sequence")
        .first()
    )
    on = pack.asof_date if pack else timezone.now().date()
    securities = {row[0]: row[1:] for row in Security.objects.values_list("id", "symbol", "name", "currency")}
    values = [DayValue(None, NO_PACK)] * 2
    if pack is not None:
        prices = market.as_of(pack)
        values = [_without_denied(effect.day_value(each, prices, securities)) for each in (before, book)]
    return Effect(
        on,
        effect.cash_changes(before, book, on),
        effect.holding_changes(before, book, on, securities),
        values[0],
        values[1],
        sum(event.date > on for event in book.events)
        - sum(event.date > on for event in (before.events if before else ())),
    )


def _without_denied(value: DayValue) -> DayValue:
    """The value where the terms of its sources allow it to be shown; else why it is not."""
    denied = shown_values.find_denied(value.sources)
    return DayValue(None, shown_values.explain(sorted(denied))) if denied else value
