"""Corporate actions of what is held: those of a span of days, and what each means for a portfolio.

A pack knows an action once it is announced, at the latest at its ex-date; one that nobody announced ahead can't be seen coming.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext

from portfolio.books import Book
from portfolio.valuation.money import DECIMAL_DIGITS, quantise, without_trailing_zeros
from pricing import market as markets
from pricing.fx import MissingRate
from pricing.market import Market
from pricing.packs.rows import KnownAction

KINDS = ("dividend", "split", "delisting")


@dataclass(frozen=True, slots=True)
class HeldAction:
    """An action of a security that the portfolio knows. `date` is its ex-date; `ratio` new shares per old, `amount` per share."""

    security_id: int
    symbol: str
    type: str
    pay_date: date | None
    announced: date | None
    date: date
    ratio: Decimal | None
    amount: Decimal | None
    currency: str
    source: str


@dataclass(frozen=True, slots=True)
class HeldActions:
    """The actions between two days, both counted, by ex-date. `splits_ahead`: every split that is known after the as-of date."""

    asof_date: date
    from_date: date
    to_date: date
    actions: tuple[HeldAction, ...]
    splits_ahead: tuple[HeldAction, ...]


@dataclass(frozen=True, slots=True)
class ActionImpact:
    """What an action means for the portfolio.

    portfolio_quantity  units held at the close before its ex-date, with the splits that come before it
    quantity_change     of a split
    cash                of a dividend before tax, in `currency`
    portfolio_impact    the same in base currency at the pack's rate; None where `status` is unavailable
    """

    pay_date: date | None
    announced: date | None
    date: date
    symbol: str
    type: str
    ratio: Decimal | None
    amount: Decimal | None
    currency: str
    portfolio_quantity: Decimal
    quantity_change: Decimal | None
    cash: Decimal | None
    portfolio_impact: Decimal | None
    status: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class ImpactSummary:
    """`dividends_expected` in base currency; None where one of them can't be converted."""

    total_actions: int
    dividends_expected: Decimal | None
    splits_pending: int
    delistings: int


@dataclass(frozen=True, slots=True)
class ActionImpacts:
    asof_date: date
    currency: str
    summary: ImpactSummary
    actions: tuple[ActionImpact, ...]
    sources: tuple[str, ...]


def between(
    known_actions: Iterable[KnownAction],
    securities: Mapping[str, int],
    *,
    asof_date: date,
    first: date,
    last: date,
    kinds: Collection[str] = KINDS,
) -> HeldActions:
    """Of what a pack knows, the actions of these securities (symbol → id)."""
    own_actions = [
        _of_security(action, securities[action.symbol]) for action in known_actions if action.symbol in securities
    ]
    return HeldActions(
        asof_date=asof_date,
        from_date=first,
        to_date=last,
        actions=tuple(each for each in own_actions if first <= each.date <= last and each.type in kinds),
        splits_ahead=tuple(each for each in own_actions if each.type == "split" and each.date > asof_date),
    )


def impacts(actions: HeldActions, book: Book, market: Market) -> ActionImpacts:
    """What each action means for what is held on its ex-date; actions of what is not held then are left out."""
    base, sources = book.base_currency, set[str]()
    rows = []
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        for action in actions.actions:
            quantity = _quantity_before(action, actions, book)
            if quantity:
                sources.add(action.source)
                rows.append(_impact(action, quantity, base, market, sources))
        dividends = [row for row in rows if row.type == "dividend"]
        amounts = [row.portfolio_impact for row in dividends if row.portfolio_impact is not None]
        expected = sum(amounts, Decimal(0)) if len(amounts) == len(dividends) else None
    return ActionImpacts(
        asof_date=actions.asof_date,
        currency=base,
        summary=ImpactSummary(
            total_actions=len(rows),
            dividends_expected=None if expected is None else quantise(expected, base),
            splits_pending=sum(row.type == "split" and row.date > actions.asof_date for row in rows),
            delistings=sum(row.type == "delisting" for row in rows),
        ),
        actions=tuple(rows),
        sources=tuple(sorted(sources)),
    )


def _quantity_before(action: HeldAction, actions: HeldActions, book: Book) -> Decimal:
    """Units at the close before the ex-date. Of days to come: those of the as-of date, and the splits until then."""
    day = min(action.date - timedelta(days=1), actions.asof_date)
    quantity = book.quantities(day).get(action.security_id, Decimal(0))
    for split in actions.splits_ahead:
        if split.security_id == action.security_id and split.date < action.date and split.ratio is not None:
            quantity *= split.ratio
    return quantity


def _impact(action: HeldAction, quantity: Decimal, base: str, market: Market, sources: set[str]) -> ActionImpact:
    cash = None if action.amount is None else action.amount * quantity
    impact, reason = None, None
    if cash is not None:
        try:
            legs = markets.legs_between(market, action.currency, base)
            impact = quantise(cash * markets.cross(market, action.currency, base), base)
            sources.update(leg.source for leg in legs)
        except MissingRate:
            reason = f"missing_rate({action.currency}/{base})"
    change = None if action.type != "split" or action.ratio is None else quantity * (action.ratio - 1)
    return ActionImpact(
        date=action.date,
        symbol=action.symbol,
        type=action.type,
        ratio=action.ratio,
        amount=action.amount,
        currency=action.currency,
        pay_date=action.pay_date,
        announced=action.announced,
        portfolio_quantity=without_trailing_zeros(quantity),
        quantity_change=None if change is None else without_trailing_zeros(change),
        cash=None if cash is None else quantise(cash, action.currency),
        portfolio_impact=impact,
        status="unavailable" if reason else "ok",
        reason=reason,
    )


def _of_security(action: KnownAction, security_id: int) -> HeldAction:
    return HeldAction(
        security_id=security_id,
        symbol=action.symbol,
        type=action.action,
        date=action.ex_date,
        ratio=action.ratio,
        amount=action.amount,
        currency=action.currency,
        pay_date=action.pay_date,
        announced=action.announced,
        source=action.source,
    )
