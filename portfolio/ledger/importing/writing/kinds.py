"""Kinds of rows by what they do to securities."""

from typing import Final

WHOLE_HOLDING: Final = frozenset({"split", "spin_off", "merger", "symbol_change", "return_of_capital"})
"""Kinds whose entries name every lot that is held, before and after."""
TAKING: Final = frozenset({"sell", "cash_in_lieu", "transfer_out"})
MOVES_SECURITIES: Final = (
    WHOLE_HOLDING | TAKING | {"buy", "reinvested_dividend", "transfer_in", "transfer", "departure", "arrival"}
)
