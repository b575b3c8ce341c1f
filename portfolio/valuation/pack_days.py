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
    """The number of the pack day that each date belongs to: its own, or the next; len(days) after the last."""
    places: list[int] = np.searchsorted(days, np.array(dates, dtype="datetime64[D]")).tolist()
    return places


def life_of(book: Book, market: History) -> tuple[Days, int, bool]:
    """The pack days from the first event on, the number of the first of them in the market, and whether the first event is
    before the market's first day."""
    began = book.first_date
    if began is None or not len(market.dates):
        return market.dates[:0], len(market.dates), False
    first = int(np.searchsorted(market.dates, np.datetime64(began)))
    return market.dates[first:], first, bool(np.datetime64(began) < market.dates[0])
