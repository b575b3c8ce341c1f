"""The lots that a money bridge walks along: the parts of each that are there, by account and security."""

from collections.abc import Iterable
from decimal import Decimal

from portfolio.books import Book, Event, LotMatch, lot_names
from portfolio.valuation.bridge_pieces import ZERO, Piece, WayIn
from portfolio.valuation.invariants import InvariantViolated

POOL = ""
"""Name of the one lot of an average pool."""
NEGLIGIBLE = Decimal("1e-9")
"""Units that a split leaves off, where its ratio has no end (1:3)."""


class BridgeLots:
    """What is left of the lots of a book at one place of the walk. A purchase adds, a match takes."""

    def __init__(self, book: Book) -> None:
        self.pooled = book.booking_method == "AVERAGE"
        self.entries = {event.entry_id for event in book.events}
        self.matches: dict[str, list[LotMatch]] = {}
        for match in book.matches:
            self.matches.setdefault(match.entry_id, []).append(match)
        self.pieces: dict[tuple[str, int], dict[str, Piece]] = {}
        """(Account, security) -> name of the lot -> what is left of it."""

    def of(self, account: str, security: int) -> dict[str, Piece]:
        """Name of the lot -> what is left of it; of a lot that is used up no units."""
        return self.pieces.get((account, security), {})

    def add(
        self, key: tuple[str, int], opened_by: str, origin: WayIn | Piece, entry_rate: Decimal | None = None
    ) -> None:
        """A purchase goes on as the lot it opened, or in the pool of its account, which is one as long as it is held."""
        piece = self.pieces.setdefault(key, {}).setdefault(self.name(opened_by), Piece(ZERO, ZERO, ZERO))
        piece.gain(origin)
        if not self.pooled:
            piece.entry_rate = entry_rate if entry_rate is not None or not origin.local else origin.base / origin.local

    def matched(self, event: Event) -> Iterable[tuple[LotMatch, Piece]]:
        """Take off, one by one, the parts of lots that an event took.

        raises   InvariantViolated where more is taken than is there
        """
        for match in self.matches.get(event.entry_id, ()):
            piece = self.of(match.account, match.security).get(self.name(match.opened_by))
            left = (piece.quantity if piece else ZERO) - match.quantity
            if piece is None or left < -NEGLIGIBLE:
                raise InvariantViolated(f"the bridge's lot {match.opened_by}", event.date, float(-left))
            if match.quantity:
                yield match, piece.take(match.quantity if left > NEGLIGIBLE else piece.quantity)

    def name(self, opened_by: str) -> str:
        """The name of a lot in the walk. Lots that came in with one entry came at one price: here they are one."""
        if self.pooled:
            return POOL
        entry = lot_names.opening_entry(opened_by, self.entries)
        path = "" if opened_by in self.entries else lot_names.split(opened_by)[1]
        return f"{entry}~{path}" if path else entry
