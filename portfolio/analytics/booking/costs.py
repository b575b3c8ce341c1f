"""What open lots cost, and how they are reported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolio.analytics.booking.lots import Gain, Layer, Lot, Parcel
from portfolio.analytics.booking.open_lots import Holding, OpenLot
from portfolio.analytics.booking.transaction import ZERO


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of open lots, by the setting whether fees are part of them."""

    fees_in_cost: bool

    def cost(self, lot: OpenLot) -> Decimal:
        return lot.price_cost + lot.fee if self.fees_in_cost else lot.price_cost

    def cost_base(self, lot: OpenLot) -> Decimal:
        if lot.layers is None:
            return self.cost(lot) * lot.fx
        return sum(
            ((layer.cost + layer.fee if self.fees_in_cost else layer.cost) * layer.fx for layer in lot.layers), ZERO
        )

    def restated(self, lot: OpenLot, cost_base: Decimal) -> tuple[Decimal, Decimal] | None:
        """Its cost in the trading currency, at the fixings of its days, and the rate that makes its base cost of that."""
        if lot.layers is None:
            return restate(lot.fixing, self.cost(lot), lot.fx)
        cost = ZERO
        for layer in lot.layers:
            if layer.fixing is None:
                return None
            cost += (layer.cost + layer.fee if self.fees_in_cost else layer.cost) * layer.fixing
        return (cost, cost_base / cost) if cost else None

    def layers(self, lot: OpenLot) -> tuple[Layer, ...]:
        if lot.layers is None:
            return ()
        return tuple(
            [
                Layer(
                    each.opened_by,
                    each.currency,
                    each.acquired,
                    each.fx,
                    each.cost + each.fee if self.fees_in_cost else each.cost,
                    ZERO if self.fees_in_cost else each.fee,
                )
                for each in lot.layers
            ]
        )

    def entry_rate(self, lot: OpenLot) -> Decimal:
        """The rate locked in it; of several layers, base cost by cost."""
        cost = self.cost(lot)
        return self.cost_base(lot) / cost if lot.layers is not None and cost else lot.fx

    def parcel(self, holding: Holding, lot: OpenLot, until: date | None) -> Parcel:
        return Parcel(
            holding.symbol,
            holding.account,
            lot.lot_id,
            lot.opened_by,
            lot.acquired,
            lot.quantity,
            lot.price_cost / lot.quantity,
            self.cost(lot),
            lot.currency,
            self.entry_rate(lot),
            lot.since,
            until,
            self.layers(lot),
            lot.went_on,
        )

    def lot(self, holding: Holding, lot: OpenLot) -> Lot:
        return Lot(
            holding.symbol,
            holding.account,
            lot.lot_id,
            lot.opened_by,
            lot.acquired,
            lot.quantity,
            lot.price_cost / lot.quantity,
            self.cost(lot),
            self.cost_base(lot),
            lot.currency,
            self.entry_rate(lot),
            self.layers(lot),
            lot.went_on,
        )


def restate(fixing: Decimal | None, amount: Decimal, fx: Decimal) -> tuple[Decimal, Decimal] | None:
    """An amount and its rate in the trading currency; None where the fixing is not known."""
    return None if not fixing else (amount * fixing, fx / fixing)


def gain_of(
    bought: tuple[Decimal, Decimal] | None,
    sold: tuple[Decimal, Decimal] | None,
    *,
    cost_base: Decimal,
    proceeds_base: Decimal,
    fees: Decimal,
) -> Gain:
    """bought, sold: amount and rate in one currency; where there is none, all of the gain is one of price."""
    if bought is None or sold is None:
        return Gain(proceeds_base - cost_base, ZERO, ZERO, fees)
    (cost, fx_in), (proceeds, fx_out) = bought, sold
    local, fx_change = proceeds - cost, fx_out - fx_in
    return Gain(local * fx_in, cost * fx_change, local * fx_change, fees)
