"""The parts of lots that a money bridge measures: what is left of each, and how it came into the period."""

from dataclasses import dataclass, replace
from decimal import Decimal

from portfolio.books import Event

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class WayIn:
    """How units came into the period: bought or taken in by an event, or there at its opening."""

    event: Event | None
    """None: there at the opening."""
    security: int
    place: int
    """The pack day."""
    quantity: Decimal
    local: Decimal
    base: Decimal
    lot: str = ""
    """Name of the lot that was there at the opening."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One of what a piece came from, and how much of it counts. Pieces that were cut from one have the list in common."""

    of: "Piece | WayIn"
    share: Decimal
    next: "Origin | None"


@dataclass(slots=True)
class Piece:
    """What is left of a lot: units, and their value on the way into the period, in its currency and in the base currency."""

    quantity: Decimal
    local: Decimal
    base: Decimal
    entry_rate: Decimal | None = None
    """The rate locked in it, needed where its whole cost was given back. A pool has none."""
    origins: Origin | None = None
    share: Decimal = Decimal(1)
    """What is left of the value that `origins` add up to: local and base are cut by the same share, whatever is taken."""

    def take(self, quantity: Decimal) -> "Piece":
        """Cut a part off, with its share of the value."""
        part = replace(self)
        if quantity != self.quantity:
            part.quantity = quantity
            part.local, part.base = self.local * quantity / self.quantity, self.base * quantity / self.quantity
            part.share = self.share * quantity / self.quantity
        self.lose(part)
        return part

    def part(self, share: Decimal) -> "Piece":
        """A share of the value, and no units."""
        return replace(self, quantity=ZERO, local=self.local * share, base=self.base * share, share=self.share * share)

    def lose(self, other: "Piece") -> None:
        """Take off units, value and share of a part."""
        self.quantity -= other.quantity
        self.local -= other.local
        self.base -= other.base
        self.share -= other.share

    def gain(self, origin: "Piece | WayIn") -> None:
        """Add units and value."""
        if not self.share:
            self.origins, self.share = None, Decimal(1)
        self.origins = Origin(origin, 1 / self.share, self.origins)
        self.quantity += origin.quantity
        self.local += origin.local
        self.base += origin.base
