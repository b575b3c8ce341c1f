"""What a figure rests on: each is shown and exported with its basis."""

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from portfolio.performance.windows import Span
from portfolio.valuation import ValueHistory

NET, GROSS = "net of all that is booked", "before management and custody fees"


def of_span(history: ValueHistory, span: Span, *, annualised: bool = False) -> Mapping[str, object]:
    """Basis of a return over a span of pack days."""
    return {
        "net": NET,
        "annualised": annualised,
        "first": span.opened.isoformat(),
        "last": span.closed.isoformat(),
        "n": span.end - span.start,
        "flow_timing": history.flow_timing,
        **scope_of(history),
        **carried_between(history, span.start, span.end),
    }


def of_observations(
    history: ValueHistory, closes: npt.NDArray[np.intp], periods_per_year: float
) -> Mapping[str, object]:
    """Basis of a figure made from the returns between closes; the first close may be -1, the day before the first."""
    opening_day = history.dates[0].item() - timedelta(days=1) if closes[0] < 0 else history.dates[closes[0]].item()
    return {
        "net": NET,
        "annualised": True,
        "first": opening_day.isoformat(),
        "last": history.dates[closes[-1]].item().isoformat(),
        "n": len(closes) - 1,
        "periods_per_year": periods_per_year,
        **scope_of(history),
        **carried_between(history, int(closes[0]), int(closes[-1])),
    }


def carried_between(history: ValueHistory, start: int, end: int) -> Mapping[str, object]:
    """`delisted_share`: the mean share of the value that was carried at the last close of a delisted security."""
    if history.carried is None:
        return {}
    value, carried = (each[start + 1 : end + 1] for each in (history.value, history.carried))
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(value > 0, carried / value, 0.0)
    return {"delisted_share": float(shares.mean())} if carried.any() else {}


def scope_of(history: ValueHistory) -> Mapping[str, object]:
    """`scope`, where it is not the whole portfolio."""
    return {"scope": history.scope} if history.scope != "portfolio" else {}
