"""Cost of what is held, counted a second time where Beancount books otherwise than the portfolio does.

Beancount books no averages, and by no method but the one that the ledger names. Where the two agree its own inventory is
the other side of a reconciliation; where they don't it is this count: from Beancount's postings, apart from our booking.
"""

from .accounts import cost_by_day
from .parcels import EXACT

__all__ = ["EXACT", "cost_by_day"]
