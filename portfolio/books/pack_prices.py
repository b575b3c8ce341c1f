"""Closes and rates of packs for reconciliation, on a path of its own: not the code that values positions elsewhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolio.books.comparison import VALUE_TOLERANCE_BP, PriceDifference, error_bp
from portfolio.ledger.statement import OwnPrice
from pricing import fx, market
from pricing.models import PackPrice, PackRate, PricingPack, Security


@dataclass(frozen=True, slots=True)
class PackPrices:
    """Closes and published legs of many packs, exact, by content."""

    closes: Mapping[int, Mapping[str, Decimal]]
    currencies: Mapping[str, str]
    legs: Mapping[int, Mapping[tuple[str, str], Decimal]]
    pivot: str

    def value(
        self, content: int, units: Iterable[tuple[str, Decimal]], cash: Mapping[str, Decimal], base: str
    ) -> Decimal | None:
        """In base currency, straight from the published legs; None where a close or rate is missing."""
        closes, legs = self.closes.get(content, {}), self.legs.get(content, {})
        amounts = [(currency, amount) for currency, amount in cash.items() if amount]
        for symbol, quantity in units:
            if quantity:
                if symbol not in closes:
                    return None
                amounts.append((self.currencies[symbol], quantity * closes[symbol]))
        total = Decimal(0)
        for currency, amount in amounts:
            # What is in the base currency already needs no rate.
            per_pivot, to_base = self._per_pivot(legs, currency), self._per_pivot(legs, base)
            if currency == base:
                total += amount
            elif per_pivot is None or to_base is None:
                return None
            else:
                total += amount * to_base / per_pivot
        return total

    def missing(
        self, content: int, units: Iterable[tuple[str, Decimal]], cash: Mapping[str, Decimal], base: str
    ) -> Iterator[str]:
        """Names of the closes and rates that `value` would lack."""
        closes, legs = self.closes.get(content, {}), self.legs.get(content, {})
        currencies = {currency for currency, amount in cash.items() if amount and currency != base}
        for symbol, quantity in units:
            if quantity and symbol not in closes:
                yield f"the close of {symbol}"
            elif quantity and self.currencies[symbol] != base:
                currencies.add(self.currencies[symbol])
        for currency in sorted(currencies and currencies | {base}):
            if self._per_pivot(legs, currency) is None:
                yield f"the rate {self.pivot}{currency}"

    def price_of(self, content: int, commodity: str, currency: str) -> Decimal | None:
        """The pack's price of a security, in its trade currency, or of a currency; None for what it does not have."""
        if commodity in self.currencies:
            return self.closes.get(content, {}).get(commodity) if self.currencies[commodity] == currency else None
        legs = self.legs.get(content, {})
        frm, to = self._per_pivot(legs, commodity), self._per_pivot(legs, currency)
        return None if frm is None or to is None else to / frm

    def _per_pivot(self, legs: Mapping[tuple[str, str], Decimal], currency: str) -> Decimal | None:
        """Units of the currency for one of the pivot, whichever way round it is published."""
        if currency == self.pivot:
            return Decimal(1)
        published, inverse = legs.get((self.pivot, currency)), legs.get((currency, self.pivot))
        return published if published is not None or inverse is None else 1 / inverse


def find_price_differences(own: Iterable[OwnPrice], prices: PackPrices, content: int) -> tuple[PriceDifference, ...]:
    """Pure. PackPrices of the ledger's own that differ by more than a basis point from the pack's of the same day."""
    differences = []
    for price in own:
        packed = prices.price_of(content, price.commodity, price.currency)
        distance = error_bp(price.number, packed)
        if packed is not None and distance is not None and distance > VALUE_TOLERANCE_BP:
            differences.append(PriceDifference(price.commodity, price.currency, price.number, packed, distance))
    return tuple(differences)


def load(packs: Sequence[PricingPack], pivot: str) -> PackPrices:
    """The prices of packs of one policy. A close is per unit held, by the factor sealed with it."""
    contents = {pack.content_id for pack in packs}
    closes: dict[int, dict[str, Decimal]] = {}
    legs: dict[int, dict[tuple[str, str], Decimal]] = {}
    for content, symbol, close, factor in PackPrice.objects.filter(content__in=contents).values_list(
        "content_id", "security__symbol", "close", "factor"
    ):
        closes.setdefault(content, {})[symbol] = fx.UNROUNDED.multiply(close, factor)
    for content, base, quote, rate in PackRate.objects.filter(content__in=contents).values_list(
        "content_id", "base", "quote", "rate"
    ):
        legs.setdefault(content, {})[base, quote] = rate
    for content, symbol, close in _carried_closes(packs):
        closes.setdefault(content, {}).setdefault(symbol, close)
    return PackPrices(closes, dict(Security.objects.values_list("symbol", "currency")), legs, pivot)


def _carried_closes(packs: Sequence[PricingPack]) -> Iterator[tuple[int, str, Decimal]]:
    """Content, symbol and last close of securities that are carried behind their delisting on record."""
    newest = max(packs, key=lambda pack: (pack.asof_date, pack.sequence or 0), default=None)
    if newest is None or not any(action.action == "delisting" for action in market.actions(newest)):
        return
    history = market.history(newest)
    row_of = {day: row for row, day in enumerate(history.dates.tolist())}
    columns = [column for column in range(len(history.symbols)) if history.carried[:, column].any()]
    contents = PricingPack.objects.filter(pk__in=history.pack_ids).values("content")
    for column in columns:
        last = PackPrice.objects.filter(content__in=contents, security=history.security_ids[column])
        close, factor = last.order_by("-observed_date", "-content").values_list("close", "factor")[0]
        for pack in packs:
            if pack.asof_date in row_of and history.carried[row_of[pack.asof_date], column]:
                yield pack.content_id or 0, history.symbols[column], fx.UNROUNDED.multiply(close, factor)
