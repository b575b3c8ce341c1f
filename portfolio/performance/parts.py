"""What all attributions of a return share: the timing that its parts are made under, and the check that they sum to it.

Parts are made under the default flow timing, whatever the portfolio's own is: under another one they are degraded by that. A
span whose return can't be taken apart is unavailable with its reason, and has no rows.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats
from portfolio.analytics.returns import FlowTiming
from portfolio.performance import basis, daily_returns, windows
from portfolio.performance.metric import Metric, degraded
from portfolio.performance.windows import Span
from portfolio.valuation import InvariantViolated, ValueHistory

TOLERANCE_BP = 0.1
TIMING: FlowTiming = "in_start_out_end"
ANOTHER_TIMING = "default_flow_timing"
FEES = "fees"
"""The symbol and kind of the row of fees that belong to no deal."""


def blank_figure(history: ValueHistory, span: Span) -> Metric:
    """A figure of the span with 0 in place of its value; unavailable where the span has no return."""
    rests_on = {
        "net": basis.NET,
        "annualised": False,
        "first": span.opened.isoformat(),
        "last": span.closed.isoformat(),
        "n": span.end - span.start,
        "flow_timing": TIMING,
        **basis.scope_of(history),
    }
    absent = windows.without_return(daily_returns.measure(replace(history, flow_timing=TIMING)), span, rests_on)
    if absent is not None:
        return absent
    doubts = [] if history.flow_timing == TIMING else [ANOTHER_TIMING]
    return degraded(Metric(0.0, "ok", None, rests_on), [*span.doubts, *doubts])


def returns(history: ValueHistory, span: Span) -> Floats:
    """Daily returns of the span under the timing that its parts are made by."""
    return daily_returns.measure(replace(history, flow_timing=TIMING)).returns[span.start + 1 : span.end + 1]


def outside_fees(history: ValueHistory) -> Floats:
    """(D,) fees paid from elsewhere, as a share of what each day opens with."""
    return daily_returns.over_opening(replace(history, flow_timing=TIMING), history.outside_fees)


def require_return(
    invariant: str, history: ValueHistory, span: Span, total: float, days: npt.NDArray[np.intp] | None = None
) -> float:
    """By how much the sum of the parts misses the linked return of the span, or of some of its days.

    days     indexes into the history; None: all of the span
    raises   InvariantViolated, naming the invariant, where that is more than 0.1 bp
    """
    daily = returns(history, span)
    linked = float(np.prod(1.0 + (daily if days is None else daily[days - span.start - 1])) - 1.0)
    if not abs(total - linked) * 10_000 <= TOLERANCE_BP * max(1.0, abs(1.0 + linked)):
        raise InvariantViolated(invariant, span.closed, total - linked)
    return total - linked
