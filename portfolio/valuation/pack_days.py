"""Days on which there is a pack, as arrays, and which of them a date belongs to."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from portfolio.books import Book
from pricing.market import History

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]


def pack_days_of(days: Days, dates: Sequence[date]) -> list[int]:
    """Of each date the pack day that it belongs to: its own, or the next; len(days) after the last."""
    found: list[int] = np.searchsorted(days, np.array(dates, dtype="datetime64[D]")).tolist()
    return found


def life_of(book: Book, market: History) -> tuple[Days, int, bool]:
    """The pack days from the first event's on, where they begin in the market's, and whether it begins before the first."""
    began = book.first_date
    if began is None or not len(market.dates):
        return market.dates[:0], len(market.dates), False
    first = int(np.searchsorted(market.dates, np.datetime64(began)))
    return market.dates[first:], first, bool(np.datetime64(began) < market.dates[0])
