"""Days as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import (
    InvalidInput,
)

Dates: TypeAlias = Sequence[date] | npt.NDArray[np.datetime64]
EPOCH = date(1970, 1, 1).toordinal()  # what datetime64 counts from


def day_numbers(dates: Dates) -> npt.NDArray[np.int64]:
    """Days since 1970-01-01, (D,) or (D, P). Raises InvalidInput for what is no day, and for a missing one (NaT)."""
    if not isinstance(dates, np.ndarray) and all(isinstance(day, date) for day in dates):
        return np.fromiter((day.toordinal() - EPOCH for day in dates), dtype=np.int64, count=len(dates))
    try:
        days = np.asarray(dates, dtype="datetime64[D]")
    except (TypeError, ValueError) as exc:
        raise InvalidInput("dates", "is not an array of days") from exc
    if days.ndim not in (1, 2) or np.isnat(days).any():
        raise InvalidInput("dates", "is not an array of days")
    return days.view(np.int64)
