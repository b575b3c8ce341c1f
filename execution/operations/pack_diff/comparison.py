"""Two packs, and each portfolio valued at both."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from execution.operations import shown_values
from execution.operations.pack_diff.changes import BASIS_POINTS, KINDS, Change, find_changes
from portfolio import books, valuation
from portfolio.models import Portfolio
from pricing import fx, market
from pricing.models import PricingPack, Security


@dataclass(frozen=True, slots=True)
class ValueEffect:
    """The value of one portfolio at two packs, each with the holdings of its own date.

    Between packs of two dates, money paid in or out is part of the difference.
    """

    portfolio: str
    currency: str
    before: Decimal | None
    after: Decimal | None
    reason: str
    """Why a value is not known; empty where both are known."""

    @property
    def difference(self) -> Decimal | None:
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def difference_bp(self) -> Decimal | None:
        return None if self.difference is None or not self.before else self.difference / self.before * BASIS_POINTS


@dataclass(frozen=True, slots=True)
class PackDiff:
    before: PricingPack
    after: PricingPack
    changes: tuple[Change, ...]
    """By effect, the largest first; then by kind and key."""
    values: tuple[ValueEffect, ...]
    denied: frozenset[str]
    """Sources whose numbers may not be shown."""

    @property
    def counts(self) -> dict[str, int]:
        """Changed rows by kind."""
        counts = Counter(change.kind for change in self.changes)
        return {kind: counts[kind] for kind in KINDS}


def compare(before: PricingPack, after: PricingPack) -> PackDiff:
    """Two sealed packs of any dates, with the portfolios that the caller may see.

    raises   packs.PackWarming, packs.PackInError
    """
    changes = tuple(find_changes(before, after))
    portfolios = Portfolio.objects.filter(policy__in={before.policy_id, after.policy_id}).order_by("slug")
    values = tuple(_effect(portfolio, before, after) for portfolio in portfolios)
    return PackDiff(before, after, changes, values, shown_values.find_denied(_sources(changes)))


def _sources(changes: Iterable[Change]) -> set[str]:
    return {source for change in changes for source in change.sources}


def _effect(portfolio: Portfolio, before: PricingPack, after: PricingPack) -> ValueEffect:
    revision = books.newest_reconciled(portfolio)
    if revision is None:
        return ValueEffect(
            portfolio.slug, portfolio.base_currency, None, None, "no revision of its ledger is reconciled"
        )
    withheld = shown_values.find_withheld((portfolio.pk, pack.pk) for pack in (before, after))
    if withheld:
        why = shown_values.explain(sorted({source for codes in withheld.values() for source in codes}))
        return ValueEffect(portfolio.slug, portfolio.base_currency, None, None, why)
    book = books.load(portfolio, revision)
    names = {row[0]: row[1:] for row in Security.objects.values_list("id", "symbol", "name", "currency")}
    values: list[Decimal | None] = []
    reasons: list[str] = []
    for pack in (before, after):
        try:
            positions = valuation.positions(book, pack.asof_date, names)
            values.append(valuation.value(positions, market.as_of(pack)))
        except (market.MissingPrice, fx.MissingRate) as failure:
            values.append(None)
            reasons.append(str(failure))
    return ValueEffect(portfolio.slug, portfolio.base_currency, values[0], values[1], "; ".join(reasons))
